"""Plans against the embedded sandbox: payments of several currencies, and accounts created one after the other."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from ledgerkit.errors import ConnectionFailed, InvalidRequest, OutcomeUnknown, PermissionDenied
from ledgerkit.plans import Plan
from ledgerkit.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(transactions=300) as sandbox:
        yield sandbox


def session_of(sandbox: Sandbox, user_id: int) -> lk.Session:
    [user] = [one for one in sandbox.credentials.api_users if one.user_id == user_id]
    return lk.Session(
        lk.ApiUser(sandbox.world.workspace, user.key_id, user.key_secret, private_key=user.private_key_pem),
        base_url=sandbox.url,
        writes=True,
    )


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[lk.Session]:
    with session_of(sandbox, 27) as session:
        yield session


@pytest.fixture
def administrator(sandbox: Sandbox) -> Iterator[lk.Session]:
    with session_of(sandbox, 28) as session:
        yield session


def accounts(session: lk.Session, names: list[str], journal: Path, *, approve: bool) -> Plan:
    taken = session.accounts.search(currency="bitcoin")["index"].max() + 1
    frame = pd.DataFrame(
        {
            "name": names,
            "currency": "bitcoin",
            "account_type": "BITCOIN_LIKE",
            "policy_name": "Policy 1",
            "index": range(taken, taken + len(names)),
        }
    )
    return session.accounts.plan(frame, journal=journal, approve=approve)


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


def recipients(sandbox: Sandbox, currency: str, count: int) -> list[str]:
    return [address["address"] for address in listed(sandbox, currency)][:count]


def test_payments_of_several_currencies_from_a_file(session: lk.Session, sandbox: Sandbox, tmp_path: Path) -> None:
    lines = ["account,recipient,amount,note_title,tag"]
    lines += [f"1,{recipient},0.01 BTC,March," for recipient in recipients(sandbox, "bitcoin", 3)]
    lines += [f"9,{recipient},0.5 ETH,," for recipient in recipients(sandbox, "ethereum", 2)]
    [payee, *_] = [one for one in listed(sandbox, "ripple") if one["destination_tags"]]
    lines.append(f"22,{payee['address']},12.5 XRP,,{payee['destination_tags'][0]}")
    file = tmp_path / "payments.csv"
    file.write_text("\n".join(lines))
    plan = session.transactions.plan(file, journal=tmp_path / "plan.jsonl")
    totals = plan.totals().set_index(["of", "currency"])
    assert totals["base_units"]["amount", "bitcoin"] == 3_000_000
    assert str(totals["display"]["amount", "ethereum"]) == "1.000000000000000000"
    assert totals["ticker"]["amount", "ripple"] == "XRP"
    assert plan.problems == []

    results = plan.run(plan.phrase)
    made = session.transactions.search(title="lk-", limit=len(results)).sort_values("id")
    assert made["amount"].tolist() == plan.table()["amount"].tolist()
    assert made["recipient"].tolist() == plan.table()["recipient"].tolist()
    requests = session.requests.get(results["request_id"].tolist())
    assert requests["target_id"].tolist() == made["id"].tolist()

    first = int(results["request_id"][0])
    vote = session.requests.approve(first, intent=plan.payload(1), confirm=f"approve {first}")
    assert vote.request["id"].tolist() == [first]


def test_what_a_plan_sent_says_how_each_is_approved_and_a_row_approves_no_other(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    payee = recipients(sandbox, "bitcoin", 1)[0]
    frame = pd.DataFrame({"account": 1, "recipient": payee, "amount": [71_001, 71_002]})
    plan = session.transactions.plan(frame, journal=tmp_path / "plan.jsonl")
    assert plan.results()["next"].isna().all()
    results = plan.run(plan.phrase)
    one, two = (int(number) for number in results["request_id"])
    assert results["next"].tolist() == [
        f"session.requests.approve({one}, plan.payload(1))",
        f"session.requests.approve({two}, plan.payload(2))",
    ]
    assert (
        f"Sent is not approved: each of 2 waits for you first, unless you approved it since. {results['next'][0]}"
        in (repr(plan))
    )
    # The payload of another row is not what would be signed.
    with pytest.raises(lk.ReviewFailed, match=r"'71001' .* '71002'"):
        session.requests.approve(two, plan.payload(1), confirm=f"approve {two}")
    vote = session.requests.approve(two, plan.payload(2), confirm=f"approve {two}")
    assert vote.request["id"].tolist() == [two]


def test_a_plan_goes_on_from_its_journal_alone_and_leaves_the_memory_of_the_session_as_it_was(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {"account": 1, "recipient": recipients(sandbox, "bitcoin", 1)[0], "amount": [81_001, 81_002, 81_003]}
    )
    journal = tmp_path / "plan.jsonl"
    plan = session.transactions.plan(frame, journal=journal)
    sandbox.faults.status(403, path="/requests", method="POST", times=1)
    with pytest.raises(PermissionDenied, match="row 1 was not sent"):
        plan.run(plan.phrase)
    begun = session.transactions.plan(journal=journal)
    results = begun.run(begun.phrase)
    assert results["state"].tolist() == ["sent"] * 3
    made = session.transactions.search(account=1, min_amount=81_001, max_amount=81_003).sort_values("id")
    assert made["amount"].tolist() == [81_001, 81_002, 81_003]
    assert session.transactions._connection.outbox._claims == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, None) for status in (408, 409, 425)),
        *((status, "<html>no</html>") for status in (403, 404, 413, 501)),
    ],
    ids=lambda one: str(one)[:6],
)
def test_a_row_that_was_made_and_answered_by_a_gateway_is_found_and_not_refused(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path, status: int, body: str | None
) -> None:
    amounts = [status * 100 + 1, status * 100 + 2]
    frame = pd.DataFrame({"account": 1, "recipient": recipients(sandbox, "bitcoin", 1)[0], "amount": amounts})
    plan = session.transactions.plan(frame, journal=tmp_path / "plan.jsonl")
    sandbox.faults.status(status, path="/requests", method="POST", times=1, answered=True, body=body)
    results = plan.run(plan.phrase)
    assert results["state"].tolist() == ["sent"] * 2
    made = session.transactions.search(account=1, min_amount=amounts[0], max_amount=amounts[1]).sort_values("id")
    assert made["amount"].tolist() == amounts
    assert made["last_request"].tolist() == results["request_id"].tolist()


def test_what_was_paid_in_the_last_days_is_planned_again_only_where_that_is_meant(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"account": 1, "recipient": recipients(sandbox, "bitcoin", 1)[0], "amount": [91_001]})
    plan = session.transactions.plan(frame, journal=tmp_path / "first.jsonl")
    plan.run(plan.phrase)
    again = session.transactions.plan(frame, journal=tmp_path / "second.jsonl")
    assert [problem[:13] for problem in again.problems] == ["row 1: double"]
    meant = session.transactions.plan(frame, journal=tmp_path / "second.jsonl", allow_duplicates=True)
    assert meant.problems == []


def test_a_session_imports_plans_only_where_one_is_made() -> None:
    code = "import sys, ledgerkit; sys.exit(any(name.startswith('ledgerkit.plans') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code


def test_a_token_is_summed_by_its_contract_and_its_fees_by_its_parent(
    session: lk.Session, sandbox: Sandbox, tmp_path: Path
) -> None:
    [recipient] = recipients(sandbox, "ethereum", 1)
    frame = pd.DataFrame({"account": 34, "recipient": recipient, "amount": ["1.5 USDC", "2 USDC"]})
    plan = session.transactions.plan(frame, journal=tmp_path / "plan.jsonl")
    totals = plan.totals().set_index("of")
    assert totals["base_units"]["amount"] == 3_500_000
    assert totals["ticker"].to_dict() == {"amount": "USDC", "fees, at most": "ETH"}
    parent = session.accounts.get(34)["parent"].iloc[0]
    needed = plan.balances().set_index("account_id")["needed"]
    assert needed[34] == 3_500_000
    assert needed[parent] == totals["base_units"]["fees, at most"]


def test_a_lost_answer_is_found_again_by_its_mark(session: lk.Session, sandbox: Sandbox, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"account": 1, "recipient": recipients(sandbox, "bitcoin", 1)[0], "amount": [70_001, 70_002, 70_003]}
    )
    plan = session.transactions.plan(frame, journal=tmp_path / "plan.jsonl")
    connection = session.transactions._connection
    send, calls = type(connection).send, []

    def lossy(self: object, *arguments: object, **more: object) -> object:
        answer = send(self, *arguments, **more)  # type: ignore[arg-type]  # passes on whatever it was called with
        calls.append(answer)
        if len(calls) == 2:
            raise OutcomeUnknown("the answer was lost.")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection), "send", lossy)
        results = plan.run(plan.phrase)
    made = session.transactions.search(account=1, min_amount=70_001, max_amount=70_003).sort_values("id")
    assert made["amount"].tolist() == [70_001, 70_002, 70_003]
    assert session.requests.get(results["request_id"].tolist())["target_id"].tolist() == made["id"].tolist()


def test_accounts_are_created_and_approved_one_after_the_other(administrator: lk.Session, tmp_path: Path) -> None:
    plan = accounts(administrator, ["Plan A 1", "Plan A 2", "Plan A 3"], tmp_path / "plan.jsonl", approve=True)
    assert plan.phrase.startswith("send and approve 3 ")
    assert plan.phrase.endswith(" assumed")
    results = plan.run(plan.phrase)
    assert results["approval"].tolist() == ["approved"] * 3
    assert results["next"].isna().all()
    waiting = administrator.requests.search(type="CREATE_ACCOUNT", pending_by=28)
    assert not set(waiting["id"]) & set(results["request_id"])


def test_without_approvals_the_next_account_waits_for_the_one_before(
    administrator: lk.Session, tmp_path: Path
) -> None:
    plan = accounts(administrator, ["Plan B 1", "Plan B 2"], tmp_path / "plan.jsonl", approve=False)
    with pytest.raises(InvalidRequest, match="waits for your approval") as raised:
        plan.run(plan.phrase)
    assert raised.value.details["row"] == 1
    assert plan.results()["state"].tolist() == ["sent", "planned"]
    request_id = int(plan.results()["request_id"][0])
    administrator.requests.approve(request_id, intent=plan.payload(1), confirm=f"approve {request_id} assumed")
    plan.run(plan.phrase)
    assert plan.results()["state"].tolist() == ["sent", "sent"]


def test_an_account_that_is_in_doubt_is_decided_by_a_person(administrator: lk.Session, tmp_path: Path) -> None:
    plan = accounts(administrator, ["Plan C 1"], tmp_path / "plan.jsonl", approve=True)
    connection = administrator.accounts._connection
    with pytest.MonkeyPatch.context() as patch:

        def lost(*arguments: object, **more: object) -> object:
            raise OutcomeUnknown("the answer was lost.")

        patch.setattr(type(connection), "send", lost)
        with pytest.raises(OutcomeUnknown, match="can't tell"):
            plan.run(plan.phrase)
    with pytest.raises(OutcomeUnknown, match=r"plan\.decide\(1"):
        plan.run(plan.phrase)
    plan.decide(1, request_id=None)
    assert plan.run(plan.phrase)["approval"].tolist() == ["approved"]


def test_an_account_that_was_rejected_meanwhile_is_not_said_to_be_approved(
    administrator: lk.Session, tmp_path: Path
) -> None:
    plan = accounts(administrator, ["Plan D 1"], tmp_path / "plan.jsonl", approve=True)
    with pytest.MonkeyPatch.context() as patch:

        def unreachable(*arguments: object, **more: object) -> object:
            raise ConnectionFailed("the network is gone.")

        patch.setattr(type(administrator.requests), "review", unreachable)
        with pytest.raises(ConnectionFailed):
            plan.run(plan.phrase)
    request_id = int(plan.results()["request_id"][0])
    administrator.requests.reject(request_id, confirm=f"reject {request_id} assumed")
    results = plan.run(plan.phrase)
    assert results["approval"].tolist() != ["approved"]
    assert "is REJECTED" in str(results["error"][0])
