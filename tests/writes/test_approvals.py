"""Approving and rejecting: nothing is signed that was not compared with what was meant, and confirmed."""

import builtins
import inspect
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import ledgerkit as lk
from ledgerkit import payloads
from ledgerkit.approvals import STATEMENT
from ledgerkit.drafts import Draft
from ledgerkit.operator import Operator
from ledgerkit.outcomes import Outcome
from ledgerkit.resources.requests import Requests
from ledgerkit.sandbox import Sandbox
from writes.conftest import BITCOIN_ACCOUNT, listed_address, open_session, submitted

OTHER = "18sCtg3d3RzsYGa12ojzrv522UxUPXPYva"


@pytest.fixture
def draft(session: lk.Session) -> Draft:
    return submitted(session, "0.5 BTC", note="Invoice 42")


@pytest.fixture
def sandbox(session: lk.Session) -> Sandbox:
    assert session.sandbox is not None
    return session.sandbox


def votes(session: lk.Session) -> list[str]:
    assert session.sandbox is not None
    return [
        seen.path
        for seen in session.sandbox.requests_seen
        if seen.method == "POST" and seen.path.endswith(("/approve", "/reject"))
    ]


def test_a_payment_is_approved_by_me_and_two_colleagues_and_confirmed(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = session.accounts.get(BITCOIN_ACCOUNT)["balance"].iloc[0]
    vote = session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert f"Your approval of request {request_id} is in; its status is PENDING_APPROVAL." in repr(vote)
    assert "step 0: 1 of 1" in repr(vote)
    assert "step 1: 0 of 2" in repr(vote)
    assert "All 7 signed fields are as meant; " in capsys.readouterr().out
    assert len(sandbox.colleagues.approve(request_id, count=2)) == 2
    assert session.requests.watch(request_id)["status"].tolist() == ["APPROVED"]
    sandbox.advance(7200)
    payment = session.transactions.watch(int(vote.request["target_id"].iloc[0])).iloc[0]
    assert payment["status"] == "CONFIRMED"
    found = session.transactions.search(title=draft.mark)
    assert found["id"].tolist() == [payment["id"]]
    assert payment["fees"] <= payment["max_fees"]
    after = session.accounts.get(BITCOIN_ACCOUNT)["balance"].iloc[0]
    assert after == before - 50_000_000 - payment["fees"]


def test_an_inbox_without_a_payment_has_the_same_columns() -> None:
    with lk.connect("sandbox", role="ADMIN") as administrator:
        inbox = administrator.requests.inbox()
    assert len(inbox) > 0
    assert inbox["amount"].isna().all()
    assert inbox["title"].dtype == "str"


def test_the_inbox_shows_what_waits_for_me(session: lk.Session, draft: Draft, request_id: int) -> None:
    inbox = session.requests.inbox()
    mine = inbox[inbox["id"] == request_id].iloc[0]
    assert (mine["step"], mine["approvals"], mine["quorum"]) == (0, 0, 1)
    assert pd.Timedelta(0) <= mine["age"] < pd.Timedelta(minutes=5)
    assert pd.Timedelta(days=6, hours=23) < mine["time_to_expiry"] <= pd.Timedelta(days=7, seconds=2)
    assert (mine["account_id"], mine["amount"], mine["title"]) == (BITCOIN_ACCOUNT, 50_000_000, "Invoice 42")
    assert mine["recipient"] == draft.payload.recipient
    session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert request_id not in session.requests.inbox()["id"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["transaction_data"].update(amount="50000001"),
        lambda data: data["transaction_data"].update(recipient=OTHER),
        lambda data: data["transaction_data"].update(currency="bitcoin testnet"),
        lambda data: data["transaction_data"].update(max_fees="999999999"),
        lambda data: data["transaction_data"].update(account_name="BTC Clients"),
        lambda data: data["transaction_data"].update(contract_address="0x" + "ab" * 20),
        lambda data: data["transaction_data"].pop("max_fees"),
        lambda data: data["transaction_data"].pop("recipient"),
        lambda data: data.update(transaction_type="ETHEREUM_LIKE_SEND"),
        lambda data: data.update(extra={"recipient": OTHER}),
    ],
)
def test_a_tampered_challenge_is_refused_every_time(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, change: Callable[[Any], Any]
) -> None:
    def tamper(challenge: Any) -> Any:
        change(challenge["data"])
        return challenge

    sandbox.challenges.tamper(tamper)
    for doubt in ("", " assumed", " unknown"):
        with pytest.raises(lk.ReviewFailed, match="Nothing was signed"):
            session.requests.approve(request_id, draft, confirm=f"approve {request_id}{doubt}")
    assert not session.requests.review(request_id, draft).matches
    assert votes(session) == []
    sandbox.challenges.tamper(None)
    session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert len(votes(session)) == 1


def test_a_challenge_that_two_readers_may_read_differently_is_not_signed(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.challenges.raw = lambda written: written.replace(b'"amount":', b'"amount":"1","amount":')
    with pytest.raises(lk.ContractViolation, match="'amount' twice"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert votes(session) == []


def test_an_approver_without_the_draft_states_amount_and_end_of_the_recipient(
    session: lk.Session, recipient: str, request_id: int
) -> None:
    with pytest.raises(lk.ReviewFailed, match="from a source of their own"):
        session.requests.approve(request_id, confirm=f"approve {request_id}")
    with pytest.raises(lk.InvalidRequest, match="amount alone is not enough"):
        session.requests.approve(request_id, amount=50_000_000, confirm=f"approve {request_id}")
    for amount, end in [(50_000_001, recipient[-8:]), (50_000_000, OTHER[-8:])]:
        with pytest.raises(lk.ReviewFailed):
            session.requests.approve(request_id, amount=amount, recipient_end=end, confirm=f"approve {request_id}")
    assert votes(session) == []
    session.requests.approve(
        request_id, amount=50_000_000, recipient_end=recipient[-8:], confirm=f"approve {request_id}"
    )
    assert len(votes(session)) == 1


def test_a_review_against_the_request_itself_says_that_it_shows_consistency_only(
    session: lk.Session, request_id: int
) -> None:
    review = session.requests.review(request_id)
    assert review.basis == "the request itself (consistency only)"
    assert "consistency only" in repr(review)


@pytest.mark.parametrize("phrase", ["", "yes", "approve", "approve 1", "approve {} assumed", "APPROVE {}"])
def test_only_the_phrase_signs(session: lk.Session, draft: Draft, request_id: int, phrase: str) -> None:
    with pytest.raises(lk.ReviewFailed, match=f"confirmed by 'approve {request_id}'"):
        session.requests.approve(request_id, draft, confirm=phrase.format(request_id))
    assert votes(session) == []


def test_the_phrase_is_asked_for_where_it_was_not_given(
    session: lk.Session, draft: Draft, request_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return f"approve {request_id}"

    monkeypatch.setattr(builtins, "input", answer)
    session.requests.approve(request_id, draft)
    assert asked == [f"Type 'approve {request_id}' to sign: "]


def test_where_nobody_can_be_asked_nothing_is_signed(
    session: lk.Session, draft: Draft, request_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StdinNotImplementedError(RuntimeError):
        pass

    def refuse(_: str) -> str:
        raise StdinNotImplementedError

    monkeypatch.setattr(builtins, "input", refuse)
    with pytest.raises(lk.InvalidRequest, match=f"give confirm='approve {request_id}'"):
        session.requests.approve(request_id, draft)
    assert votes(session) == []


def test_a_shape_that_is_not_known_is_shown_and_needs_its_own_consent(
    session: lk.Session, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.challenges.shape = "unknown"
    draft = session.transactions.send("ETH Treasury 1", listed_address(session, "ethereum", 2), "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])
    with pytest.raises(lk.ReviewFailed, match=f"confirmed by 'approve {request_id} unknown'"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert "100000000000000000" in capsys.readouterr().out  # decoded, for the eye
    with pytest.raises(lk.ReviewFailed, match="an approver gives the draft"):
        session.requests.approve(request_id, confirm=f"approve {request_id} unknown")
    session.requests.approve(request_id, draft, confirm=f"approve {request_id} unknown")
    assert len(votes(session)) == 1


def test_a_kind_that_is_documented_comes_in_no_other_shape(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.challenges.shape = "unknown"
    with pytest.raises(lk.ReviewFailed, match="is documented, and this is something else"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id} unknown")
    assert votes(session) == []


@pytest.mark.parametrize("shape", ["documented", "display", "unknown"])
def test_a_challenge_does_not_escape_the_comparison_by_naming_its_fields_otherwise(
    session: lk.Session, sandbox: Sandbox, shape: Any
) -> None:
    sandbox.challenges.shape = shape
    draft = session.transactions.send("ETH Treasury 1", listed_address(session, "ethereum", 2), "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {f"{key} ": renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return "0x" + "cd" * 20 if str(value).startswith("0x") else value

    def tamper(challenge: Any) -> Any:
        if shape == "display":
            return {**challenge, "Transaction properties": renamed(challenge["Transaction properties"])}
        return renamed(challenge)

    sandbox.challenges.tamper(tamper)
    for doubt in ("", " assumed", " unknown"):
        with pytest.raises(lk.ReviewFailed, match="othing was signed"):
            session.requests.approve(request_id, draft, confirm=f"approve {request_id}{doubt}")
    assert votes(session) == []


def test_a_draft_approves_the_one_request_that_it_made(
    session: lk.Session, recipient: str, draft: Draft, request_id: int
) -> None:
    twin = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.5 BTC", note="Invoice 42")
    with pytest.raises(lk.ReviewFailed, match="this draft was not sent"):
        session.requests.approve(request_id, twin, confirm=f"approve {request_id}")
    other = session.requests.create(draft.payload, again=True)["id"].iloc[0]
    with pytest.raises(lk.ReviewFailed, match=f"made request {request_id}, not request {other}"):
        session.requests.approve(other, draft, confirm=f"approve {other}")
    assert votes(session) == []


def test_a_challenge_is_signed_for_one_request(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    other = session.requests.create(draft.payload, again=True)["id"].iloc[0]
    sandbox.challenges.tamper(lambda challenge: {**challenge, "antireplay": "AB" * 32})
    session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    with pytest.raises(lk.ReviewFailed, match=f"is that of request {request_id}, which you signed"):
        session.requests.approve(other, draft.payload, confirm=f"approve {other}")
    assert len(votes(session)) == 1


def test_fees_that_nobody_stated_may_not_be_high(session: lk.Session, recipient: str) -> None:
    made = session.transactions.send(BITCOIN_ACCOUNT, recipient, "0.06 BTC", max_fees="5 BTC")
    request_id = int(session.requests.create(made.payload)["id"].iloc[0])
    known: dict[str, Any] = {"amount": 6_000_000, "recipient": recipient, "confirm": f"approve {request_id}"}
    with pytest.raises(lk.ReviewFailed, match="more than a tenth of the amount"):
        session.requests.approve(request_id, **known)
    assert votes(session) == []
    session.requests.approve(request_id, **known, max_fees=500_000_000)


def test_the_end_of_an_address_in_hex_digits_has_ten_of_them(session: lk.Session) -> None:
    recipient = listed_address(session, "ethereum", 2)
    draft = session.transactions.send("ETH Treasury 1", recipient, "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])
    with pytest.raises(lk.InvalidRequest, match="at least 10"):
        session.requests.approve(
            request_id, amount=10**17, recipient_end=recipient[-8:], confirm=f"approve {request_id} assumed"
        )
    assert votes(session) == []


def test_a_text_for_display_is_compared_as_far_as_its_unit_is_known(session: lk.Session, sandbox: Sandbox) -> None:
    sandbox.challenges.shape = "display"
    draft = session.transactions.send("ETH Treasury 1", listed_address(session, "ethereum", 2), "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])
    with pytest.raises(lk.ReviewFailed, match=f"confirmed by 'approve {request_id} unknown'"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    other = draft.payload.replace(amount=draft.payload.amount + 1)
    with pytest.raises(lk.ReviewFailed, match="Amount: DIFFERS"):
        session.requests.approve(request_id, other, confirm=f"approve {request_id} unknown")
    session.requests.approve(request_id, draft, confirm=f"approve {request_id} unknown")


def test_a_text_for_display_in_another_unit_is_not_signed(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.challenges.shape = "display"  # of bitcoin: "ssat 50000000", of which no sample says what it means
    with pytest.raises(lk.ReviewFailed, match="Amount: DIFFERS"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id} unknown")


def test_a_kind_without_a_documented_sample_is_assumed(session: lk.Session) -> None:
    draft = session.transactions.send("ETH Treasury 1", listed_address(session, "ethereum", whitelist=2), "0.1 ETH")
    request_id = int(draft.submit()["id"].iloc[0])
    with pytest.raises(lk.ReviewFailed, match=f"confirmed by 'approve {request_id} assumed'"):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    session.requests.approve(request_id, draft, confirm=f"approve {request_id} assumed")


def test_a_rejection_signs_the_challenge_that_rejects_and_ends_the_request(
    session: lk.Session, request_id: int
) -> None:
    with pytest.raises(lk.ReviewFailed, match="confirmed by"):
        session.requests.reject(request_id, confirm="yes")
    vote = session.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    assert vote.request["status"].tolist() == ["REJECTED"]
    assert session.requests.watch(request_id)["status"].tolist() == ["REJECTED"]
    assert votes(session) == [f"/requests/{request_id}/reject"]


def test_a_service_that_gives_the_wrong_challenge_gets_no_signature(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.challenges.tamper(lambda challenge: {**challenge, "type": "APPROVE_TRANSACTION"})
    with pytest.raises(lk.ReviewFailed, match=r"would reject request .* gave what would approve one"):
        session.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    sandbox.challenges.tamper(lambda challenge: {**challenge, "type": "REJECT_TRANSACTION"})
    with pytest.raises(lk.ReviewFailed):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert votes(session) == []


def test_the_key_of_another_user_signs_nothing(session: lk.Session, draft: Draft, request_id: int) -> None:
    pem = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode()
    )
    own = session._credentials
    assert isinstance(own, lk.ApiUser)
    other = lk.ApiUser(own.workspace, own.key_id, own.key_secret, private_key=pem)
    with (
        lk.Session(other, base_url=session.base_url, writes=True) as mismatched,
        pytest.raises(lk.ConfigurationError, match="not that of the user who is signed in") as refused,
    ):
        mismatched.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert pem not in str(refused.value)
    assert votes(session) == []


def test_a_lost_answer_to_a_vote_is_looked_up(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.faults.drop(answered=True, path=f"/requests/{request_id}/approve", method="POST")
    with pytest.raises(lk.OutcomeUnknown) as lost:
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    sandbox.faults.clear()
    assert lost.value.find().state == "found"
    assert len(votes(session)) == 1


@pytest.mark.parametrize(("status", "body"), [(409, None), (404, "<html>blocked</html>"), (403, "")])
def test_a_vote_that_a_gateway_answered_is_looked_up(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, status: int, body: str | None
) -> None:
    path = f"/requests/{request_id}/approve"
    sandbox.faults.status(status, path=path, method="POST", times=1, answered=True, body=body)
    with pytest.raises(lk.OutcomeUnknown, match=str(status)) as lost:
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert lost.value.find().state == "found"
    assert len(votes(session)) == 1


def test_whose_vote_was_lost_is_not_known_where_the_own_user_is_not(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After the key pair of the user was replaced, find() ended in the error that the own user was not found.
    sandbox.faults.drop(answered=True, path=f"/requests/{request_id}/approve", method="POST")
    with pytest.raises(lk.OutcomeUnknown) as lost:
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    sandbox.faults.clear()

    def nobody(*_: object) -> int:
        raise lk.NotFound("the own user can't be told")

    monkeypatch.setattr(Operator, "user_id", nobody)
    assert lost.value.find() == Outcome("can't tell", "the own user can't be told")


def test_only_an_api_user_approves(session: lk.Session, sandbox: Sandbox, request_id: int) -> None:
    with (
        open_session(sandbox, family="lam") as lam,
        pytest.raises(lk.InvalidRequest, match="only an API user approves"),
    ):
        lam.requests.approve(request_id, amount=1, recipient_end="abcdefgh", confirm="")


def test_a_request_that_waits_no_longer_is_said_so(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.advance(8 * 86400)
    assert session.requests.get(request_id)["status"].tolist() == ["EXPIRED"]
    with pytest.raises(lk.LedgerError):
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")


def test_watching_ends_when_the_time_is_over(
    session: lk.Session, request_id: int, capsys: pytest.CaptureFixture[str]
) -> None:
    row = session.requests.watch(request_id, seconds=0.01)
    assert row["status"].tolist() == ["PENDING_APPROVAL"]
    assert "not final" in capsys.readouterr().out
    with pytest.raises(lk.InvalidRequest, match="`seconds` = -1"):
        session.requests.watch(request_id, seconds=-1)


def test_a_transaction_is_rejected_without_a_signature(session: lk.Session, draft: Draft) -> None:
    made = int(session.transactions.search(title=draft.mark)["id"].iloc[0])
    with pytest.raises(lk.InvalidRequest, match=f"confirm='reject {made}'"):
        session.transactions.reject(made, confirm="yes")
    assert session.transactions.reject(made, confirm=f"reject {made}")["status"].tolist() == ["REJECTED"]


@pytest.mark.parametrize(
    ("account", "amount", "options"),
    [
        ("USDC Treasury", "12.5 USDC", {}),
        ("XRP Treasury", "3 XRP", {"tag": 77}),
        ("XLM Clients", "3 XLM", {"memo": payloads.MemoText("Invoice 42")}),
    ],
)
def test_what_decides_who_gets_what_is_stated_too(
    session: lk.Session, account: str, amount: str, options: dict[str, Any]
) -> None:
    row = session.accounts.search(name=account).iloc[0]
    lists = lk.explode(session.whitelists.search(), "addresses")
    for recipient in lists.loc[lists["addresses_currency"] == row["currency"], "addresses_address"]:
        draft = session.transactions.send(account, recipient, amount, **options)
        if not draft.problems:
            break
    request_id = int(draft.submit()["id"].iloc[0])
    contract = {} if pd.isna(row["contract_address"]) else {"contract_address": row["contract_address"]}
    whole = {"amount": draft.payload.amount, "recipient_end": recipient[-10:], **options, **contract}
    phrase = f"approve {request_id} assumed"
    for name in {*options, *contract}:
        with pytest.raises(lk.ReviewFailed, match="Nothing was signed"):
            session.requests.approve(
                request_id, **{key: value for key, value in whole.items() if key != name}, confirm=phrase
            )
    assert session.requests.review(request_id).matches  # consistent with what the service says of it
    session.requests.approve(request_id, **whole, confirm=phrase)
    assert len(votes(session)) == 1


def test_a_vote_that_is_in_is_never_told_as_one_that_failed(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.faults.status(403, path=f"/requests/{request_id}/governance-status", method="GET", times=1)
    vote = session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert vote.steps.empty
    assert f"Your approval of request {request_id} is in" in repr(vote)
    assert "How far it is can't be read now" in repr(vote)


def test_an_answer_to_a_vote_that_can_not_be_read_is_looked_up(
    session: lk.Session, sandbox: Sandbox, draft: Draft, request_id: int
) -> None:
    sandbox.faults.status(
        200, path=f"/requests/{request_id}/approve", method="POST", times=1, answered=True, body='{"id": "what"}'
    )
    with pytest.raises(lk.OutcomeUnknown, match="can't be read") as lost:
        session.requests.approve(request_id, draft, confirm=f"approve {request_id}")
    assert lost.value.find().state == "found"


def test_what_an_approver_may_state_is_the_same_everywhere() -> None:
    stated = {
        name: set(inspect.signature(getattr(Requests, name)).parameters) - {"self", "request_id", "intent", "confirm"}
        for name in ("review", "approve")
    }
    assert stated["review"] == stated["approve"] == set(STATEMENT)
