"""The world agrees with itself: money, ids, times, approvals."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from ledgerkit import vocabulary
from ledgerkit.sandbox.transactions import INCOMING, OUTGOING, RESERVED
from ledgerkit.sandbox.world import World, build

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Node = dict[str, Any]
SPL = "SPL_TOKEN_CHECKED"
LISTS = (
    *("users", "groups", "entities", "labels", "whitelists", "accounts"),
    *("requests", "messages", "digests", "transactions"),
)


@pytest.fixture(scope="module", params=[0, 4000], ids=["script only", "default size"])
def world(request: pytest.FixtureRequest) -> World:
    return build(transactions=request.param, now=NOW)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def by_id(nodes: Iterable[Node]) -> dict[Any, Node]:
    return {node["id"]: node for node in nodes}


def strings(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


# --- money ----------------------------------------------------------------------------------------------------------


def ledger(world: World) -> tuple[dict[Any, int], dict[Any, int]]:
    """Work out balances and pending amounts from the transactions alone."""
    accounts = by_id(world.accounts)
    balances: dict[Any, int] = defaultdict(int)
    pending: dict[Any, int] = defaultdict(int)
    for transaction in world.transactions:
        account = accounts[transaction["account_id"]]
        kind, status = transaction["type"], transaction["status"]
        holder: Any = account["id"]
        if SPL in kind:
            holder = (account["id"], transaction["coin_fields"]["tx_parameters"]["token_mint"])
        payer = account["parent"] or account["id"]
        if status == "CONFIRMED":
            amount = int(transaction["amount"] or 0)
            balances[holder] += amount if kind in INCOMING else -amount if kind in OUTGOING else 0
            balances[payer] -= int(transaction["fees"] or 0)
        elif status in RESERVED and kind not in INCOMING:
            pending[holder] += int(transaction["amount"]) if kind in OUTGOING else 0
            pending[payer] += int(transaction["max_fees"] or 0)
    return balances, pending


def test_balances_are_what_the_transactions_leave(world: World) -> None:
    balances, pending = ledger(world)
    for account in world.accounts:
        assert int(account["balance"]) == balances[account["id"]], account["name"]
        assert int(account["pending_balance"]) == pending[account["id"]], account["name"]
        assert int(account["available_balance"]) == balances[account["id"]] - pending[account["id"]]
    for account_id, lights in world.light_tokens.items():
        for light in lights:
            mint = light["contract_address"]
            assert light["pending"] == pending[account_id, mint]
            assert light["available"] == balances[account_id, mint] - light["pending"]


def test_nobody_owes_anything(world: World) -> None:
    for account in world.accounts:
        assert int(account["available_balance"]) >= 0, account["name"]
        for entry in (world.balance_history(account["id"], NOW - timedelta(days=600), None) or {"balances": []})[
            "balances"
        ]:
            assert entry["value"] is None or int(entry["value"]) >= 0, account["name"]


def test_the_balances_answer_agrees_with_the_account(world: World) -> None:
    for account in world.accounts:
        answer = world.balances[account["id"]]
        if account["type"] == "Solana":
            continue
        assert answer["total"] == int(account["balance"])
        assert answer["available"] + answer["pending"] == answer["total"]
        if account["type"] == "Bitcoin" and answer["under_confirmation_in"]:
            assert answer["confirmed"] < answer["total"]


def test_the_history_of_balances_ends_at_the_balance_and_has_gaps(world: World) -> None:
    supported = 0
    gaps = 0
    for account in world.accounts:
        answer = world.balance_history(account["id"], NOW - timedelta(days=90), NOW)
        if answer is None:
            continue
        supported += 1
        assert answer["account_index"] == account["index"]
        assert answer["balances"][-1]["value"] == account["balance"]
        dates = [entry["date"] for entry in answer["balances"]]
        assert dates == sorted(set(dates))
        gaps += sum(entry["value"] is None for entry in answer["balances"])
    assert supported > 40
    assert supported < len(world.accounts), "some currencies have no history"
    assert gaps > 10


def test_amounts_pass_the_limits_of_machine_numbers(world: World) -> None:
    amounts = [int(node["amount"]) for node in world.transactions if node["amount"] and "." not in node["amount"]]
    assert max(amounts) > 2**64
    assert any(2**63 < amount < 2**64 for amount in amounts) or max(amounts) > 2**63
    assert max(pledge["amount"] for pledge in world.pledges) > 2**64
    assert max(nft["value"] for nfts in world.nfts.values() for nft in nfts) > 2**64
    limits = [
        entry["min"]
        for account in world.accounts
        for rule_set in account["governance_rules"]
        for rule in rule_set["rules"]
        if rule["type"] == "THRESHOLD"
        for entry in rule["data"]
    ]
    assert max(limits) > 2**64


def test_two_amounts_are_no_whole_numbers(world: World) -> None:
    assert [node["amount"] for node in world.transactions if node["amount"] is None] == [None]
    assert [node["amount"] for node in world.transactions if "." in (node["amount"] or "")] == ["12500000.5"]


def test_a_transfer_between_own_accounts_has_two_ends(world: World) -> None:
    own = {node["address"]: account for account, nodes in world.addresses.items() for node in nodes}
    sent = {node["tx_hash"]: node for node in world.transactions if node["type"] == "SEND" and node["tx_hash"]}
    arrived = [node for node in world.transactions if node["type"] == "RECEIVE" and node["tx_hash"] in sent]
    for node in arrived:
        other = sent[node["tx_hash"]]
        for field in ("amount", "currency", "recipient", "senders", "block"):
            assert node[field] == other[field]
        assert node["account_id"] != other["account_id"]
        assert node["recipient"] in own
    assert arrived or len(world.transactions) < 1000, "the script has none"


# --- the vocabulary is all there ------------------------------------------------------------------------------------


def test_every_value_of_the_vocabulary_occurs(world: World) -> None:
    def seen(nodes: Iterable[Node], field: str) -> set[Any]:
        return {node[field] for node in nodes}

    def values(literal: Any) -> set[str]:
        return set(get_args(literal))

    assert seen(world.currencies, "name") == values(vocabulary.CurrencyName)
    assert seen(world.currencies, "family") - {None} == values(vocabulary.CurrencyFamily)
    assert seen(world.accounts, "type") == values(vocabulary.AccountType)
    assert seen(world.accounts, "status") == values(vocabulary.AccountStatus)
    assert seen(world.transactions, "type") == values(vocabulary.TransactionType)
    assert seen(world.transactions, "status") == values(vocabulary.TransactionStatus)
    assert seen(world.transactions, "interaction_type") - {None} == values(vocabulary.InteractionType)
    assert seen(world.transactions, "currency_family") == values(vocabulary.CurrencyFamily) - {"fiat"}
    assert seen(world.requests, "type") == values(vocabulary.RequestType)
    assert seen(world.requests, "status") == values(vocabulary.RequestStatus)
    assert seen(world.requests, "target_type") == values(vocabulary.RequestTargetType)
    reporting = [user for user in world.users if user["role"] == "READ_ONLY_API_KEY"]
    people = [user for user in world.users if user["role"] != "READ_ONLY_API_KEY"]
    assert seen(people, "role") == values(vocabulary.UserRole)
    assert seen(people, "status") == values(vocabulary.UserStatus)
    assert seen(reporting, "status") == values(vocabulary.ReportingKeyStatus)
    for nodes in (world.groups, world.whitelists, world.entities):
        assert seen(nodes, "status") == values(vocabulary.GroupStatus)
    for nodes in (world.messages, world.digests):
        assert seen(nodes, "status") == values(vocabulary.SigningStatus)
    assert seen(world.messages, "message_type") == values(vocabulary.MessageType)
    assert seen(world.pledges, "state") == values(vocabulary.PledgeState)
    stakes = [node for chain in world.stakes.values() for nodes in chain.values() for node in nodes]
    assert seen(stakes, "status") == values(vocabulary.StakeStatus)
    for chain, states in (("solana", vocabulary.SolanaStakeState), ("tezos", vocabulary.TezosStakeState)):
        field = "status" if chain == "solana" else "state"
        held = [node["blockchain_state"] for nodes in world.stakes[chain].values() for node in nodes]
        assert seen(held, field) == values(states)
    rules = [rule for account in world.accounts for rules in account["governance_rules"] for rule in rules["rules"]]
    assert seen(rules, "type") == values(vocabulary.AccountRuleType)
    votes = [
        vote
        for status in world.governance.values()
        for step in status["governance_steps"]
        for vote in step["approvals"]
    ]
    assert seen(votes, "type") == values(vocabulary.ApprovalType)
    risks = [node["compliance"]["risk"] for node in world.transactions if (node["compliance"] or {}).get("risk")]
    assert seen(risks, "risk") == values(vocabulary.Risk)


# --- ids and times --------------------------------------------------------------------------------------------------


def test_ids_count_up_and_so_do_the_times(world: World) -> None:
    for section in LISTS:
        nodes = getattr(world, section)
        assert [node["id"] for node in nodes] == list(range(1, len(nodes) + 1)), section
        times = [when(node["created_on"]) for node in nodes]
        assert times == sorted(times), section


def test_nothing_lies_in_the_future(world: World) -> None:
    now = NOW.isoformat(timespec="microseconds")
    for section in (*LISTS, "stakes", "stake_rewards", "governance"):
        nodes = getattr(world, section)
        for node in nodes.values() if isinstance(nodes, dict) else nodes:
            late = [text for text in strings(node) if text[:2] == "20" and text[10:11] == "T" and text > now]
            if section == "requests":
                late = [text for text in late if text != node["expires_at"]]
            if section == "governance":
                late = [text for text in late if text != node["request"]["expired_at"]]
            assert not late, (section, node)


def test_timestamps_are_written_as_the_service_does(world: World) -> None:
    for section in LISTS:
        for node in getattr(world, section):
            assert len(node["created_on"]) == 32, node["created_on"]
            assert node["created_on"].endswith("+00:00")


def test_the_course_of_a_transaction_is_in_order(world: World) -> None:
    for transaction in world.transactions:
        broadcast, block = transaction["broadcast_on"], transaction["block"]
        if broadcast:
            assert transaction["created_on"] <= broadcast
        if block and broadcast:
            assert when(broadcast).replace(microsecond=0) <= when(block["time"])
        confirmed = transaction["status"] == "CONFIRMED"
        assert (block is not None) == confirmed
        assert (transaction["confirmations"] > 0) == confirmed
        if confirmed and when(transaction["created_on"]) < NOW - timedelta(days=2):
            assert transaction["confirmations"] >= transaction["min_confirmations"]


def test_every_id_that_is_referred_to_exists(world: World) -> None:
    users, groups, accounts = by_id(world.users), by_id(world.groups), by_id(world.accounts)
    requests, transactions = by_id(world.requests), by_id(world.transactions)
    whitelists, labels, pledges = by_id(world.whitelists), by_id(world.labels), by_id(world.pledges)
    for section in LISTS:
        for node in getattr(world, section):
            assert node["created_by"] in users
            assert node.get("last_request") is None or node["last_request"] in requests
    assert all(node["account_id"] in accounts for node in (*world.transactions, *world.messages, *world.digests))
    assert all(member in users for group in world.groups for member in group["members"] if member is not None)
    assert all(account in accounts for entity in world.entities for account in entity["accounts"])
    for node in (*world.accounts, *world.transactions):
        for label in node["labels"]:
            assert label == {key: labels[label["id"]][key] for key in ("id", "name", "info")}
    for account in world.accounts:
        assert account["parent"] is None or accounts[account["parent"]]["currency"] == account["currency"]
        for rule in (rule for rules in account["governance_rules"] for rule in rules["rules"]):
            for entry in rule["data"]:
                if entry is None:
                    continue
                assert entry.get("group", 1) in groups
                assert entry.get("whitelist", 1) in whitelists
                assert all(user in users for user in entry.get("users", ()) if user is not None)
    for pledge in world.pledges:
        assert pledge["account_id"] in accounts
        for party in (pledge["asset_manager"], pledge["exchange"]):
            assert party["approver_group_id"] in groups
            assert party["whitelist_id"] in whitelists
    for settlement in world.settlements:
        assert settlement["from_pledge_id"] in pledges
        outbound = settlement["outbound_transaction"]
        if outbound:
            assert transactions[outbound["transaction_id"]]["tx_hash"] == outbound["transaction_hash"]
            assert requests[outbound["request_id"]]["target_id"] == outbound["transaction_id"]
        if settlement["repledge"]:
            assert requests[settlement["repledge"]["request_id"]]["type"] == "CREATE_REPLEDGE"
    for chain, held in world.stakes.items():
        for account_id, stakes in held.items():
            assert account_id in accounts
            for stake in stakes:
                if chain != "ethereum":
                    assert transactions[stake["creation_tx"]]["account_id"] == account_id
                    assert stake["last_request"] in requests


TARGETS = {
    "ACCOUNT": "accounts",
    "DIGESTS": "digests",
    "ENTITY": "entities",
    "GROUP": "groups",
    "MESSAGE": "messages",
    "TRANSACTION": "transactions",
    "USER": "users",
    "WHITELIST": "whitelists",
}


def test_requests_and_their_targets_know_each_other(world: World) -> None:
    nodes = {kind: by_id(getattr(world, section)) for kind, section in TARGETS.items()}
    last: dict[tuple[str, int], int] = {}
    for request in world.requests:
        if request["target_type"] in nodes:
            target = nodes[request["target_type"]][request["target_id"]]
            last[request["target_type"], target["id"]] = request["id"]
            assert when(target["created_on"]) <= when(request["created_on"])
            history = world.history[TARGETS[request["target_type"]], target["id"]]
            assert request["id"] in [row["id"] for group in history for row in group]
    for kind, section in nodes.items():
        for node in section.values():
            assert node["last_request"] == last.get((kind, node["id"])), (kind, node["id"])


# --- approvals ------------------------------------------------------------------------------------------------------


THROUGH = ("APPROVED", "ACTIVE", "BLOCKED", "SIGNED", "SUBMITTED", "PENDING_REGISTRATION")


def test_quorums_add_up(world: World) -> None:
    for request in world.requests:
        status = world.governance[request["id"]]
        steps = status["governance_steps"]
        current = status["request"]["current_step_index"]
        assert status["request"]["target_id"] == request["target_id"]
        for step in steps:
            approvals = [vote for vote in step["approvals"] if vote["type"] == "APPROVE"]
            known = [vote["user"]["id"] for vote in approvals if vote["user"]["id"] is not None]
            shown = [user["id"] for user in step["approvers"]]
            assert len(known) == len(set(known)), "nobody approves a step twice"
            assert set(known) <= set(shown)
            assert step["quorum"] <= len(step["approvers"])
            assert len(approvals) <= step["quorum"]
            passed = request["status"] in THROUGH or step["step_index"] < current
            assert (len(approvals) == step["quorum"]) == passed
        votes = [vote for step in steps for vote in step["approvals"]]
        times = [vote["created_on"] for vote in votes]
        assert times == sorted(times)
        assert all(request["created_on"] <= time <= request["expires_at"] for time in times)
        aborts = [vote for vote in votes if vote["type"] == "ABORT"]
        assert len(aborts) == len(world.rejected_by[request["id"]]) == (request["status"] == "REJECTED")
        final = request["status"] in ("ACTIVE", "APPROVED", "BLOCKED", "EXPIRED", "REJECTED")
        assert status["is_complete"] == final


def test_who_approved_is_who_is_said_to_have(world: World) -> None:
    for request in world.requests:
        votes = [vote for step in world.governance[request["id"]]["governance_steps"] for vote in step["approvals"]]
        shown = {vote["user"]["id"] for vote in votes if vote["type"] == "APPROVE"} - {None}
        assert shown <= set(world.approved_by[request["id"]])
        waiting = world.pending_by[request["id"]]
        assert bool(waiting) == (request["status"] in ("PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"))
        if request["status"] == "PENDING_FIRST_APPROVAL":
            assert waiting == [request["created_by"]]
            assert not votes
        assert waiting == [] or when(request["expires_at"]) > NOW
        if request["status"] == "EXPIRED":
            assert when(request["expires_at"]) < NOW


def test_waiting_requests_have_a_challenge_for_each_answer(world: World) -> None:
    waiting = [request["id"] for request in world.requests if world.pending_by[request["id"]]]
    assert sorted(world.challenges) == waiting
    transactions = by_id(world.transactions)
    antireplays = Counter(
        pair[verb]["antireplay"] for pair in world.challenges.values() for verb in ("approve", "reject")
    )
    assert set(antireplays.values()) == {1}
    for request_id, pair in world.challenges.items():
        request = world.requests[request_id - 1]
        if request["type"] != "CREATE_TRANSACTION":
            continue
        transaction = transactions[request["target_id"]]
        assert pair["approve"]["type"] == "APPROVE_TRANSACTION"
        shown = pair["approve"]["data"]["transaction_data"]
        assert shown["amount"] == transaction["amount"]
        assert shown["recipient"] == transaction["recipient"]
        assert shown["account_name"] == world.accounts[transaction["account_id"] - 1]["name"]
        assert "_" not in shown["currency"], "the device spells currencies with spaces"


def test_some_requests_wait_for_the_first_api_operator(world: World) -> None:
    operator = world.credentials.api_users[0].user_id
    waiting = [request for request in world.requests if operator in world.pending_by[request["id"]]]
    assert len(waiting) >= 5
    assert {request["type"] for request in waiting} >= {"CREATE_TRANSACTION", "MESSAGE_SIGNING"}
    assert {request["status"] for request in waiting} == {"PENDING_APPROVAL", "PENDING_FIRST_APPROVAL"}


def test_some_steps_and_users_are_hidden(world: World) -> None:
    rules = [rule for account in world.accounts for rules in account["governance_rules"] for rule in rules["rules"]]
    entries = [entry for rule in rules if rule["type"] == "MULTI_AUTHORIZATIONS" for entry in rule["data"]]
    assert None in entries
    assert any(None in entry.get("users", ()) for entry in entries if entry)
    assert any(None in group["members"] for group in world.groups)
    assert any(
        user["id"] is None
        for status in world.governance.values()
        for step in status["governance_steps"]
        for user in step["approvers"]
    )


# --- what people will look at ---------------------------------------------------------------------------------------


def test_accounts_are_named_as_the_product_allows(world: World) -> None:
    names = [account["name"] for account in world.accounts]
    assert len(names) == len(set(names))
    assert all(len(name) <= 19 for name in names)
    assert 55 <= len(names) <= 70
    assert any(name.startswith("TL-") for name in names)


def test_rules_stay_within_the_limits_of_the_product(world: World) -> None:
    for account in world.accounts:
        assert len(account["governance_rules"]) <= 4
        assert [rules["index"] for rules in account["governance_rules"]] == list(
            range(len(account["governance_rules"]))
        )
    assert all(len(group["members"]) <= 20 for group in world.groups)
    assert all(len(entry["name"]) < 45 for whitelist in world.whitelists for entry in whitelist["addresses"])


def test_whitelists_hold_addresses_that_are_paid(world: World) -> None:
    listed = {entry["address"] for whitelist in world.whitelists for entry in whitelist["addresses"]}
    paid = {node["recipient"] for node in world.transactions if node["type"] == "SEND"}
    assert paid & listed
    entries = [entry for whitelist in world.whitelists for entry in whitelist["addresses"]]
    repeated = Counter((entry["currency"], entry["address"]) for entry in entries)
    assert max(repeated.values()) > 1, "the same address stands on several lists"
    assert any(entry["destination_tags"] for entry in entries)
    for whitelist in world.whitelists:
        own = Counter((entry["currency"], entry["address"]) for entry in whitelist["addresses"])
        assert set(own.values()) == {1}, "but only once on each"


def test_bad_senders_raise_alerts(world: World) -> None:
    alerted = [
        node
        for node in world.transactions
        if node["compliance"] and node["compliance"]["risk"] and node["compliance"]["risk"]["risk"] == "HIGH"
    ]
    assert alerted
    for node in alerted:
        assert node["type"] == "RECEIVE"
        assert world.address_risk(node["senders"][0])["risk"] == "HIGH"
    assert any(world.address_sanctions(node["senders"][0])["has_sanctions"] for node in alerted)
    assert world.address_risk("an address never seen") == world.address_risk("an address never seen")


def test_rewards_add_up(world: World) -> None:
    for chain, held in world.stake_rewards.items():
        for account_id, rewards in held.items():
            totals: Counter[str] = Counter()
            for reward in rewards:
                totals[reward["stake_uid"]] += int(reward["amount"])
            for stake in world.stakes[chain][account_id]:
                uid = stake["uid"] if chain == "ethereum" else stake["stake_uid"]
                assert int(stake["total_reward"]) == totals[uid], (chain, uid)
    for chain, answers in world.periodic_rewards.items():
        for account_id, answer in answers.items():
            active = [stake for stake in world.stakes[chain][account_id] if stake["status"] == "ACTIVE"]
            assert int(answer["total"]) == sum(int(stake["total_reward"]) for stake in active)
            assert int(answer["last7"]) <= int(answer["last30"]) <= int(answer["total"])


def test_rewards_of_tezos_are_the_ones_that_the_account_received(world: World) -> None:
    accounts = {account["name"]: account["id"] for account in world.accounts}
    tezos = accounts["XTZ Staking"]
    received = [
        node["amount"] for node in world.transactions if (node["account_id"], node["type"]) == (tezos, "REWARD")
    ]
    assert [reward["amount"] for reward in world.stake_rewards["tezos"][tezos]] == received


def test_nft_portfolios_count_the_tokens(world: World) -> None:
    for account_id, answer in world.nft_portfolio.items():
        assert answer["token_quantity"] == sum(nft["value"] for nft in world.nfts[account_id])
        balances = {node["contract_address"]: node["token_balance"] for node in world.nft_collections[account_id]}
        held: Counter[str] = Counter()
        for nft in world.nfts[account_id]:
            held[nft["contract_address"]] += nft["value"]
        assert balances == dict(held)


def test_units_start_at_the_base(world: World) -> None:
    for node in (*world.currencies, *world.tokens):
        magnitudes = [unit["magnitude"] for unit in node["units"]]
        assert magnitudes[0] == 0
        assert magnitudes == sorted(set(magnitudes))
    units = {node["name"]: {unit["code"]: unit["magnitude"] for unit in node["units"]} for node in world.currencies}
    assert units["bitcoin"] == {"sat": 0, "bit": 2, "mBTC": 5, "BTC": 8}
    assert units["ethereum"]["ETH"] == 18
    assert units["near"]["NEAR"] == 24


def test_a_token_account_has_its_own_units_and_the_fees_of_its_parent(world: World) -> None:
    accounts = {account["name"]: account["id"] for account in world.accounts}
    answer = world.account_currency[accounts["USDC Treasury"]]
    assert answer["amount_units"][-1] == {"code": "USDC", "magnitude": 6}
    assert answer["fees_units"][-1] == {"code": "ETH", "magnitude": 18}
    assert world.account_currency[accounts["USDT BNB Trading"]]["amount_units"][-1]["magnitude"] == 18
