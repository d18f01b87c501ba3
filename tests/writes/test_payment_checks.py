"""What the checks of a payment say is true, of fees, refusals, tags and credentials; and what its errors hint at."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.drafts import Draft
from writes.conftest import BITCOIN_ACCOUNT, listed_address

UNLISTED = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"


def verdicts(draft: Draft) -> dict[str, str]:
    return {check.name: check.verdict for check in draft.checks}


def text_of(draft: Draft, name: str) -> str:
    return next(check.text for check in draft.checks if check.name == name)


def estimate_is(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def estimate(*_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return {"max_fees": answer}

    monkeypatch.setattr("ledgerkit.payments.estimate", estimate)


# Fees


@pytest.mark.parametrize(
    ("max_fees", "verdict", "said"),
    [
        (None, "ok", "max_fees is what the service estimates"),
        (999, "warning", "max_fees is below the estimate of 0.00001000 BTC (1000 base units)"),
        (1000, "ok", "your max_fees; the service estimates 0.00001000 BTC (1000 base units)"),
        (3000, "ok", "your max_fees; the service estimates 0.00001000 BTC (1000 base units)"),
        (3001, "warning", "your max_fees are more than 3 times the estimate of 0.00001000 BTC (1000 base units)"),
    ],
)
def test_a_ceiling_of_ones_own_is_not_said_to_be_the_estimate(
    session: lk.Session,
    recipient: str,
    monkeypatch: pytest.MonkeyPatch,
    max_fees: int | None,
    verdict: str,
    said: str,
) -> None:
    estimate_is(monkeypatch, "1000")
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", max_fees=max_fees)
    assert verdicts(draft)["fees"] == verdict
    assert text_of(draft, "fees").startswith(said)


@pytest.mark.parametrize("max_fees", [None, 5000])
def test_what_the_service_refuses_is_not_a_matter_of_fees(session: lk.Session, max_fees: int | None) -> None:
    draft = session.transactions.send(BITCOIN_ACCOUNT, UNLISTED, "0.1 BTC", max_fees=max_fees)
    assert "fees" not in verdicts(draft)
    assert verdicts(draft)["service"] == "problem"
    assert text_of(draft, "service").startswith("the service would refuse this: ")
    assert "is not on whitelist" in text_of(draft, "service")
    assert "Give `max_fees`" not in repr(draft)


@pytest.mark.parametrize("refusal", [lk.InvalidRequest("over the threshold"), lk.PermissionDenied("not yours")])
def test_a_refusal_of_the_estimate_is_one_of_the_payment(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch, refusal: lk.LedgerError
) -> None:
    estimate_is(monkeypatch, refusal)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.1 BTC", max_fees=5000)
    assert draft.problems == [f"service: the service would refuse this: {refusal.message}"]


@pytest.mark.parametrize(
    "missing", [lk.NotFound("no such call"), lk.Unsupported("not for bitcoin"), lk.ContractViolation("no estimate")]
)
def test_max_fees_are_asked_for_where_the_estimate_alone_is_missing(
    session: lk.Session, recipient: str, monkeypatch: pytest.MonkeyPatch, missing: lk.LedgerError
) -> None:
    estimate_is(monkeypatch, missing)
    draft = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.1 BTC")
    assert verdicts(draft)["fees"] == "problem"
    assert "Give `max_fees` yourself" in text_of(draft, "fees")
    given = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.1 BTC", max_fees=5000)
    assert verdicts(given)["fees"] == "warning"
    assert given.problems == []


@pytest.mark.parametrize(("account", "currency", "whitelist"), [("SOL Trading", "solana", 6)])
def test_fees_without_a_ceiling_are_said_to_be_estimated(
    session: lk.Session, account: str, currency: str, whitelist: int
) -> None:
    draft = session.transactions.send(account, listed_address(session, currency, whitelist), 10_000_000)
    assert "  fees, estimated " in repr(draft)
    assert "fees, at most" not in repr(draft)
    assert "no ceiling is sent" in text_of(draft, "fees")


# Tags and memos


def list_with_tags(monkeypatch: pytest.MonkeyPatch, tags: list[int] | None) -> None:
    """Let every whitelist say that its XRP and XLM addresses are listed with these tags."""
    from ledgerkit.lookups import Lookups

    seen = Lookups.whitelist

    def whitelist(self: Lookups, number: int) -> Any:
        found = seen(self, number)
        if found is not None:
            found["addresses"] = [{**one, "destination_tags": tags} for one in found["addresses"]]
        return found

    monkeypatch.setattr(Lookups, "whitelist", whitelist)


@pytest.mark.parametrize(
    ("listed", "tag", "verdict", "said"),
    [
        ([7, 8], 7, "ok", "on whitelist"),
        ([7, 8], 9, "warning", "the address is listed, but not with tag 9"),
        (None, 9, "warning", "the address is listed, but not with tag 9"),
        ([7, 8], None, "warning", "the address is listed with tags, and this has none"),
        (None, None, "ok", "on whitelist"),
    ],
)
def test_an_address_is_listed_for_its_tags_alone(
    session: lk.Session,
    monkeypatch: pytest.MonkeyPatch,
    listed: list[int] | None,
    tag: int | None,
    verdict: str,
    said: str,
) -> None:
    list_with_tags(monkeypatch, listed)
    draft = session.transactions.send("XRP Treasury", listed_address(session, "ripple", 4), "25 XRP", tag=tag)
    assert verdicts(draft)["whitelist"] == verdict
    assert text_of(draft, "whitelist").startswith(said)
    assert verdict == "ok" or said in text_of(draft, "rules")


def test_the_memo_of_a_listed_address_is_not_compared(session: lk.Session) -> None:
    recipient = listed_address(session, "stellar", 5)
    draft = session.transactions.send("XLM Clients", recipient, "25 XLM", memo=payloads.MemoText("customer 7"))
    assert verdicts(draft)["whitelist"] == "warning"
    assert text_of(draft, "whitelist").startswith("the address is listed; its memo was not compared")


# Credentials


@pytest.mark.parametrize(
    ("family", "way"),
    [
        ("lam", "session.transactions.create(lk.payloads.LamTransaction(...))"),
        ("reporting_key", "connect() with those of an API user"),
    ],
)
def test_credentials_that_make_no_requests_are_told_in_the_draft(
    start: Callable[..., lk.Session], family: str, way: str
) -> None:
    session = start(family=family)
    draft = session.transactions.send(BITCOIN_ACCOUNT, listed_address(session, "bitcoin"), "0.1 BTC")
    assert verdicts(draft)["credentials"] == "problem"
    assert way in text_of(draft, "credentials")
    assert "Give `max_fees`" not in repr(draft)


# Hints


@pytest.mark.parametrize(
    ("account", "amount", "options", "said"),
    [
        ("XLM Treasury", 1, {"memo": "hello"}, "write a text as lk.payloads.MemoText('hello')"),
        ("XLM Treasury", 1, {"memo": 42}, "write a number as lk.payloads.MemoId(42)"),
        ("XLM Treasury", 1, {"memo": "a" * 29}, "it takes MemoText(text) or MemoId(id)"),
        ("XRP Treasury", 1, {"memo": payloads.MemoText("7")}, "a RIPPLE_LIKE_SEND takes none, but `tag`"),
        ("XLM Treasury", 1, {"tag": 7}, "a STELLAR_LIKE_SEND takes none, but `memo`"),
        (BITCOIN_ACCOUNT, 1, {"tag": 7}, "a BITCOIN_LIKE_SEND takes none."),
        ("btc treasury", 1, {}, "Did you mean 'BTC Treasury"),
        (BITCOIN_ACCOUNT, "0.5", {}, "Write it as '0.5 BTC' if that is meant, or as an int of base units"),
    ],
)
def test_an_error_names_what_was_meant(
    session: lk.Session, recipient: str, account: Any, amount: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(lk.LedgerError, match=re.escape(said)):
        session.transactions.send(account, recipient, amount, **options)
