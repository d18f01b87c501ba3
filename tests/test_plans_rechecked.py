"""Plans against the embedded sandbox whose source or journal changed, and those that could not be carried through."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from paying import forge

import ledgerkit as lk
from ledgerkit.connection import Connection
from ledgerkit.errors import LedgerError, PermissionDenied
from ledgerkit.payloads import MemoId, MemoText
from ledgerkit.plans import Plan
from ledgerkit.plans.desks import memo_of
from ledgerkit.plans.journal import JournalDamaged
from ledgerkit.sandbox import Sandbox

OPERATOR, ADMINISTRATOR = 27, 28


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=300) as sandbox:
        yield sandbox


def opened(sandbox: Sandbox, user_id: int, key_of: int | None) -> lk.Session:
    """Open a session of a user, with the private key of a user."""
    users = {one.user_id: one for one in sandbox.credentials.api_users}
    user, key = users[user_id], None if key_of is None else users[key_of].private_key_pem
    return lk.Session(
        lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret, private_key=key),
        base_url=sandbox.url,
        writes=True,
    )


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[lk.Session]:
    with opened(sandbox, OPERATOR, OPERATOR) as session:
        yield session


def listed(sandbox: Sandbox, currency: str) -> list[dict[str, Any]]:
    """Return the addresses of a currency on active whitelists, each once, in order."""
    found = {
        address["address"]: address
        for whitelist in sandbox.world.whitelists
        if whitelist["status"] == "ACTIVE"
        for address in whitelist["addresses"]
        if address["currency"] == currency
    }
    return [found[text] for text in sorted(found)]


def stopped(session: lk.Session, rows: Any, journal: Path, *, after: int, **options: Any) -> Plan:
    """Plan payments and send the first ones."""
    plan = session.transactions.plan(rows, journal=journal, **options)
    assert plan.problems == []
    send, calls = Connection.send, []

    def limited(self: Connection, *arguments: Any, **more: Any) -> Any:
        calls.append(arguments)
        if len(calls) > after:
            raise PermissionDenied("not now.")
        return send(self, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "send", limited)
        with pytest.raises(PermissionDenied):
            plan.run(plan.phrase)
    assert plan.results()["state"].tolist() == ["sent"] * after + ["planned"] * (len(plan.table()) - after)
    return plan


# Payments


def test_a_memo_that_is_a_number_is_read_from_the_text_of_a_file() -> None:
    assert memo_of("id:18446744073709551615") == MemoId(2**64 - 1)
    assert memo_of("text:7") == MemoText("7")
    for wrong in ("id:07", "id:-7", "id:18446744073709551616"):
        with pytest.raises(LedgerError, match="`id` = "):
            memo_of(wrong)


def test_a_file_that_is_extended_pays_no_row_again(session: lk.Session, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    recipient = listed(sandbox, "bitcoin")[0]["address"]
    rows = [f"1,{recipient},{amount}" for amount in ("41001 sat", "41002 sat", "41003 sat")]
    file.write_text("\n".join(["account,recipient,amount", *rows[:2]]))
    plan = session.transactions.plan(file)
    plan.run(plan.phrase)
    file.write_text("\n".join(["account,recipient,amount", *rows]))
    extended = session.transactions.plan(file)
    assert [problem[:13] for problem in extended.problems] == ["row 1: double", "row 2: double"]
    with pytest.raises(LedgerError, match="2 of 3 rows have problems"):
        extended.run(extended.phrase)
    meant = session.transactions.plan(file, allow_duplicates=True)
    assert meant.problems == []


def test_what_a_plan_paid_itself_is_no_double_of_the_rows_that_are_left(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = pd.DataFrame({"account": 1, "recipient": listed(sandbox, "bitcoin")[0]["address"], "amount": [42_001] * 2})
    journal = tmp_path / "plan.jsonl"
    stopped(session, rows, journal, after=1, allow_duplicates=True)
    assert session.transactions.plan(rows, journal=journal).problems == []
    by_hand = session.transactions.send(1, rows["recipient"][0], 42_001, again=True)
    by_hand.submit()
    again = session.transactions.plan(rows, journal=journal)
    assert [problem[:13] for problem in again.problems] == ["row 2: double"]
    assert session.transactions.plan(rows, journal=journal, allow_duplicates=True).problems == []


def changed(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Change fields of the first row of a journal; None takes one away."""

    def change(header: dict[str, Any]) -> None:
        found = header["rows"][0]["body"]["data"]["transaction_data"]
        for name, value in fields.items():
            if value is None:
                del found[name]
            else:
                found[name] = value

    return change


@pytest.mark.parametrize(
    ("currency", "source", "change", "field"),
    [
        ("ripple", {"account": 22, "amount": "12.5 XRP"}, {"tag": 7}, "tag"),
        (
            "stellar",
            {"account": 24, "amount": "2 XLM", "memo": "id:7"},
            {"memo": MemoId(8).to_json()},
            "memo",
        ),
        ("stellar", {"account": 24, "amount": "2 XLM", "memo": "text:7"}, {"memo": None}, "memo"),
        ("ethereum", {"account": 34, "amount": "1.5 USDC"}, {"contract_address": None}, "contract_address"),
        ("ethereum", {"account": 9, "amount": "0.1 ETH", "max_fees": "0.01 ETH"}, {"max_fees": "9"}, "max_fees"),
    ],
)
def test_a_journal_with_another_field_than_the_source_is_refused(
    session: lk.Session,
    sandbox: Sandbox,
    tmp_path: Path,
    currency: str,
    source: dict[str, Any],
    change: dict[str, Any],
    field: str,
) -> None:
    journal = tmp_path / "plan.jsonl"
    payee = max(listed(sandbox, currency), key=lambda address: len(address["destination_tags"] or []))
    tags = {"tag": payee["destination_tags"][0]} if payee["destination_tags"] else {}
    rows = pd.DataFrame([{"recipient": payee["address"], **source, **tags}])
    plan = session.transactions.plan(rows, journal=journal)
    assert plan.problems == []
    plan._created()
    assert session.transactions.plan(rows, journal=journal).path == journal
    forge(journal, changed(**change))
    with pytest.raises(JournalDamaged, match=f"row 1 of .*`{field}`"):
        session.transactions.plan(rows, journal=journal)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipient": "0x" + "9" * 39}, "row 1: address"),
        ({"contract_address": None}, "row 1: journal: `contract_address` = None"),
        ({"amount": str(10**30)}, "row 1: balance"),
    ],
)
def test_a_journal_without_its_source_is_checked_again(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    journal = tmp_path / "plan.jsonl"
    recipient = listed(sandbox, "ethereum")[0]["address"]
    rows = pd.DataFrame([{"account": 34, "recipient": recipient, "amount": "1.5 USDC"}])
    session.transactions.plan(rows, journal=journal)._created()
    assert session.transactions.plan(journal=journal).problems == []
    forge(journal, changed(**change))
    assert any(problem.startswith(said) for problem in session.transactions.plan(journal=journal).problems)


def test_a_journal_that_was_restored_sends_nothing_again(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = pd.DataFrame(
        {"account": 1, "recipient": listed(sandbox, "bitcoin")[0]["address"], "amount": [43_001, 43_002, 43_003]}
    )
    journal = tmp_path / "plan.jsonl"
    plan = stopped(session, rows, journal, after=1)
    backup = journal.read_bytes()
    sent = plan.run(plan.phrase)
    journal.write_bytes(backup)
    restored = session.transactions.plan(rows, journal=journal)
    assert restored.results()["state"].tolist() == ["sent", "planned", "planned"]
    assert restored.run(restored.phrase)["request_id"].tolist() == sent["request_id"].tolist()
    made = session.transactions.search(account=1, min_amount=43_001, max_amount=43_003)
    assert sorted(made["amount"]) == [43_001, 43_002, 43_003]


def test_fees_that_are_not_known_are_counted_and_in_no_sum(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = pd.DataFrame({"account": 27, "recipient": listed(sandbox, "solana")[0]["address"], "amount": ["1 SOL"]})
    plan = session.transactions.plan(rows, journal=tmp_path / "plan.jsonl")
    fees = plan.totals().set_index("of").loc["fees, at most"]
    assert (fees["requests"], fees["not_known"], fees["base_units"], fees["display"]) == (0, 1, None, None)
    assert plan.balances()["fees_not_known"].tolist() == [1]
    assert "not_known" in repr(plan)


# Accounts


def account(**changes: Any) -> pd.DataFrame:
    fields = {"name": "Plan D 1", "currency": "bitcoin", "account_type": "BITCOIN_LIKE", "policy_name": "Policy 1"}
    return pd.DataFrame([{**fields, "index": 77, **changes}])


@pytest.mark.parametrize(
    ("user", "key_of", "said"),
    [
        (ADMINISTRATOR, None, "nothing could be approved: .*private key"),
        (ADMINISTRATOR, OPERATOR, "nothing could be approved: the private key is not that of the user"),
        (OPERATOR, OPERATOR, "your role is 'OPERATOR'"),
    ],
)
def test_accounts_that_could_not_be_approved_are_not_created(
    sandbox: Sandbox, tmp_path: Path, user: int, key_of: int | None, said: str
) -> None:
    with opened(sandbox, user, key_of) as session:
        plan = session.accounts.plan(account(), journal=tmp_path / "plan.jsonl", approve=True)
        with pytest.raises(LedgerError, match=f"nothing was sent: 1 problems of the whole plan. {said}"):
            plan.run(plan.phrase)
        assert not plan.path.exists()
        assert plan.problems[0] in repr(plan)


def test_a_plan_of_accounts_that_goes_on_without_its_key_creates_none(sandbox: Sandbox, tmp_path: Path) -> None:
    journal = tmp_path / "plan.jsonl"
    with opened(sandbox, ADMINISTRATOR, ADMINISTRATOR) as session:
        session.accounts.plan(account(), journal=journal, approve=True)._created()
    with opened(sandbox, ADMINISTRATOR, None) as session:
        begun = session.accounts.plan(account(), journal=journal, approve=True)
        assert [problem[:26] for problem in begun.problems] == ["nothing could be approved:"]


def test_what_could_be_approved_has_no_problems_and_is_shown_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    with opened(sandbox, ADMINISTRATOR, ADMINISTRATOR) as session:
        token = account(parent_id=9, contract_address="0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
        plan = session.accounts.plan(token, journal=tmp_path / "plan.jsonl", approve=True)
        assert plan.problems == []
        shown = plan.table().iloc[0]
        assert [shown[name] for name in ("account_type", "policy_name", "index", "parent_id")] == [
            "BITCOIN_LIKE",
            "Policy 1",
            77,
            9,
        ]
        assert shown["contract_address"] in repr(plan)


def forged_account(field: str) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        body = header["rows"][0]["body"]["data"]
        place = body if field in body else body["account_data"]
        place[field] = {"index": 78, "policy_name": "Policy 2"}[field]

    return change


@pytest.mark.parametrize("field", ["index", "policy_name"])
def test_a_journal_that_creates_another_account_is_refused(sandbox: Sandbox, tmp_path: Path, field: str) -> None:
    journal = tmp_path / "plan.jsonl"
    with opened(sandbox, ADMINISTRATOR, ADMINISTRATOR) as session:
        session.accounts.plan(account(), journal=journal)._created()
        assert session.accounts.plan(account(), journal=journal).problems == []
        forge(journal, forged_account(field))
        with pytest.raises(JournalDamaged, match=f"row 1 of .*`{field}`"):
            session.accounts.plan(account(), journal=journal)
