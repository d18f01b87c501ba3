"""What is known around transactions, addresses and requests."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.cards.layouts import TARGETS
from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.directions import direction
from ledgerkit.errors import NotFound
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.showing import visible
from ledgerkit.tracing import shapes, timeline
from ledgerkit.tracing.gathering import Gathering
from ledgerkit.tracing.reads import texts
from ledgerkit.tracing.resolving import SECTIONS, fresh_addresses
from ledgerkit.tracing.tables import ENTRIES, RELATED, ROLES, Row
from ledgerkit.tracing.trace import Trace

MOST_NAMED: Final = 6


def transaction(gathering: Gathering, key: int) -> Trace:
    """Trace one transaction."""
    frame = gathering.session.transactions.get([key])
    if (error := frame["error"].iloc[0]) is not None and not pd.isna(error):
        raise NotFound(str(error))
    payments = of_transactions(gathering, frame)
    row = records(payments)[0]
    way = f" of {visible(row['account_name'])}" if row["account_name"] else ""
    return gathering.trace("transaction", f"Transaction {key}{way}: {row['type']}, {row['status']}", "transactions")


def hashed(gathering: Gathering, text: str) -> Trace:
    """Trace all transactions of one hash, such as both sides of a transfer between accounts of the workspace."""
    frame = gathering.reads.of_hash(shapes.hash_spellings(text))
    if frame is None or not len(frame):
        raise NotFound(f"no transaction has the hash {text} any more.")
    payments = of_transactions(gathering, frame)
    gathering.making.note(
        f"{len(payments)} transactions have this hash: accounts of this workspace are on more than one side, or one "
        "transaction of the chain moved several assets."
    )
    return gathering.trace("hash", f"{len(payments)} transactions of the hash {text}", "transactions")


def of_transactions(gathering: Gathering, frame: pd.DataFrame) -> pd.DataFrame:
    """Gather what is known around transactions: requests, votes, accounts, counterparties."""
    payments = gathering.payments(frame)
    gathering.events += timeline.of_payments(payments)
    made = [row["id"] for row in records(payments) if not timeline.came_by_itself(row)]
    gathering.history("transaction", gathering.session.transactions, made)
    gathering.request_ids(payments["last_request"].dropna().tolist(), "last request of a transaction")
    gathering.settle_requests()
    _note_without_requests(gathering, payments)
    gathering.accounts(payments["account_id"].dropna().tolist())
    roles = gathering.with_counterparties(payments)
    gathering.entries(roles)
    gathering.risk(roles)
    _related(gathering, list(roles))
    return payments


def _note_without_requests(gathering: Gathering, payments: pd.DataFrame) -> None:
    """Say of which transactions no request is here, and whether that means that there is none."""
    requests = records(gathering.tables["requests"])
    there = {row["id"] for row in requests}
    acted_on = {row["target_id"] for row in requests if row["target_type"] == "TRANSACTION"}
    left = [row for row in records(payments) if row["last_request"] not in there and row["id"] not in acted_on]
    if by_itself := [row["id"] for row in left if timeline.came_by_itself(row)]:
        gathering.making.note(
            f"No request made {_transactions(by_itself)}: what comes in from outside needs none, and nobody approves "
            "it."
        )
    if unseen := [row["id"] for row in left if not timeline.came_by_itself(row)]:
        gathering.making.note(
            f"Which request made {_transactions(unseen)} can't be seen here, nor who asked for it and who approved."
        )


def _transactions(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"transaction{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids[:MOST_NAMED]))}{more}"


def address(gathering: Gathering, text: str) -> Trace:
    """Trace one address."""
    reads, making = gathering.reads, gathering.making
    spellings = shapes.address_spellings(text, reads.addresses())
    if len(spellings) > 1:
        making.note(f"The same address is also written {', '.join(spellings[1:])}: case is no difference here.")
    payments = gathering.payments(reads.touching(text, spellings))
    making_roles = _roles(gathering, text, payments)
    gathering.tables["address"] = framed(ROLES, making_roles)
    gathering.tables["flows"] = _flows(gathering, text, payments)
    gathering.tables["transactions"] = gathering.tables.pop("transactions")
    gathering.events += timeline.of_payments(payments)
    gathering.request_ids(payments["last_request"].dropna().tolist(), "last request of a transaction with it")
    gathering.settle_requests()
    gathering.accounts(
        [*payments["account_id"].dropna().tolist(), *(row["id"] for row in making_roles if row["kind"] == "account")]
    )
    entries = gathering.entries(spellings)
    lists = reads.whitelists
    if lists is not None and len(entries):
        gathering.object_events("whitelist", lists[lists["id"].isin(entries["whitelist_id"].dropna().tolist())])
        making.note("When an address came onto a whitelist is told nowhere: the timeline has when the list was made.")
    gathering.risk({text: "the address itself"})
    _related(gathering, [text], payments)
    gathering.note_period()
    return gathering.trace("address", f"Address {text}", "address")


def _roles(gathering: Gathering, text: str, payments: pd.DataFrame) -> list[Row]:
    """Return what an address is to this workspace."""
    reads = gathering.reads
    roles: list[Row] = []
    for row in records(reads.accounts):
        for column, role in (("address", "own address"), ("contract_address", "token contract")):
            if row[column] and same_address(row[column], text):
                detail = ", ".join(str(one) for one in (row["type"], row["status"], row["currency"]) if one)
                roles.append(
                    {"role": role, "kind": "account", "id": row["id"], "name": row["name"], "detail": detail}
                )
    if not roles and not shapes.is_evm(text):
        names = {row["id"]: row["name"] for row in records(reads.accounts)}
        for row in records(fresh_addresses(reads)):
            if row["address"] and same_address(row["address"], text):
                key = row["account_id"]
                detail = f"among the next it will receive at, {row['derivation_path']}"
                roles.append(
                    {
                        "role": "own address",
                        "kind": "account",
                        "id": key,
                        "name": names.get(key),
                        "detail": detail,
                    }
                )
    for one in reads.entries():
        if same_address(one["address"], text):
            detail = ", ".join(str(one[name]) for name in ("name", "currency", "status") if one[name])
            roles.append(
                {
                    "role": "whitelist entry",
                    "kind": "whitelist",
                    "id": one["whitelist_id"],
                    "name": one["whitelist_name"],
                    "detail": detail,
                }
            )
    for key, name, role, count in _sides(payments, text):
        roles.append(
            {"role": role, "kind": "account", "id": key, "name": name, "detail": counted(count, "transaction")}
        )
    return roles


def _sides(payments: pd.DataFrame, text: str) -> list[tuple[int | None, str | None, str, int]]:
    counts: dict[tuple[int | None, str | None, str], int] = {}
    for row in records(payments):
        key = (row["account_id"], row["account_name"], _side(row, text))
        counts[key] = counts.get(key, 0) + 1
    return [(*key, count) for key, count in counts.items()]


def _side(row: Row, text: str) -> str:
    """Return which side of a transaction an address is on, seen from the account of the workspace."""
    to_it = bool(row["recipient"]) and same_address(str(row["recipient"]), text)
    from_it = any(same_address(one, text) for one in texts(row["senders"]))
    way = direction(row["type"])
    if way == "inside":
        return "named where nothing moves"
    if way is None:
        return "named, and the type does not say which way"
    if to_it and from_it:
        return "on both sides"
    if to_it:
        return "received at it" if way == "in" else "paid to it"
    return "came from it" if way == "in" else "paid out of it"


def _flows(gathering: Gathering, text: str, payments: pd.DataFrame) -> pd.DataFrame:
    """Return how much moved between an address and each account, of each asset; only what is confirmed is summed."""
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    shared = nameless = False
    for row in records(payments):
        side = _side(row, text)
        # An account of Solana moves its coin and any number of tokens, each in units of its own.
        token = counts_a_token(row["type"])
        flow = sums.setdefault(
            (row["account_id"], row["currency"], side, token, row["token_mint"]),
            {
                "account_id": row["account_id"],
                "currency": row["currency"],
                "type": row["type"],
                TOKEN_MINT: row["token_mint"],
                "direction": side,
                "transactions": 0,
                "confirmed": 0,
                "without_amount": 0,
                "amount_base": 0,
                "first": row["created_on"],
                "last": row["created_on"],
            },
        )
        flow["transactions"] += 1
        times = [one for one in (flow["first"], flow["last"], row["created_on"]) if one is not None]
        flow["first"], flow["last"] = min(times, default=None), max(times, default=None)
        if row["status"] != "CONFIRMED":
            continue
        flow["confirmed"] += 1
        shared |= len(texts(row["senders"])) > 1 and side in ("came from it", "paid out of it", "on both sides")
        # Base units of what may be several assets have no sum.
        if row["account_id"] is None or (token and row["token_mint"] is None):
            nameless = True
            flow["without_amount"] += 1
        elif row["amount_base"] is None:
            flow["without_amount"] += 1
        else:
            flow["amount_base"] += row["amount_base"]
    if sums:
        gathering.making.note("Sums in `flows` are of CONFIRMED transactions alone, without fees.")
    if any(flow["without_amount"] for flow in sums.values()):
        gathering.making.note("Confirmed transactions without an amount are counted in `without_amount`, in no sum.")
    if nameless:
        gathering.making.note(
            "Of some transactions the service does not name the token or the account: what they moved is in no sum, "
            "and they are counted in `without_amount`."
        )
    if shared:
        gathering.making.note(
            "Some transactions have several senders: their whole amount is in the sums, since the service does not "
            "say how much came from which."
        )
    for flow in sums.values():
        if flow["without_amount"] == flow["confirmed"]:
            flow["amount_base"] = None if flow["confirmed"] else 0  # nothing is known, which is not nothing
    return gathering.shaping.flows(list(sums.values()))


def _related(gathering: Gathering, addresses: Sequence[str], payments: pd.DataFrame | None = None) -> None:
    """Add addresses that have to do with others: the same name, the same transaction, nearly the same letters."""
    reads = gathering.reads
    known, entries = reads.addresses(), list(reads.entries())
    rows: list[Row] = []
    alike = 0
    for one in addresses:
        names = {entry["name"] for entry in entries if same_address(entry["address"], one) and entry["name"]}
        rows += [
            {
                "relation": "whitelisted under the same name",
                "address": entry["address"],
                "detail": f"{entry['name']}, {entry['currency']}, whitelist {entry['whitelist_id']}",
            }
            for entry in entries
            if entry["name"] in names and not same_address(entry["address"], one)
        ]
        near = shapes.lookalikes(one, known)
        alike += len(near)
        rows += [
            {"relation": "looks like it: same beginning and end", "address": other, "detail": f"compare with {one}"}
            for other in near
        ]
        for row in records(payments):
            together = texts(row["senders"])
            if len(together) > 1 and any(same_address(sender, one) for sender in together):
                rows += [
                    {"relation": "sender of the same transaction", "address": sender, "detail": f"of {row['id']}"}
                    for sender in together
                    if not same_address(sender, one)
                ]
    if alike:
        gathering.making.note(
            f"By its first and last characters, {counted(alike, 'other address', 'other addresses')} here may be "
            "taken for one of these: see `related_addresses`, and compare whole addresses."
        )
    first = {(row["relation"], row["address"]): row for row in reversed(rows)}
    gathering.tables["related_addresses"] = framed(RELATED, reversed(first.values()))


def request(gathering: Gathering, key: int) -> Trace:
    """Trace one request, with what it acts on."""
    session = gathering.session
    found = session.requests.get(key)
    row = records(found)[0]
    gathering.add_requests([row], "the request itself")
    target, kind = row["target_id"], TARGETS.get(str(row["target_type"]), "")
    if str(row["target_type"]) == "MESSAGE":
        kind = "message"
    gathering.tables["request"] = gathering.shaping.requests([{**row, "relation": "the request itself"}])
    if target is not None and kind == "transaction":
        frame = gathering.making.part(f"transaction {target}", lambda: session.transactions.get(target))
        if frame is not None:
            of_transactions(gathering, frame)
    elif target is not None and kind:
        section = getattr(session, SECTIONS[kind])
        frame = gathering.making.part(f"{kind} {target}", lambda: section.get(target))
        if frame is not None:
            _target(gathering, kind, frame)
        gathering.history(kind, section, [target])
    elif target is not None:
        gathering.making.note(
            f"It acts on {row['target_type']} {target}, which the service can't be asked for by that id."
        )
    if "approvals" not in gathering.tables:
        gathering.settle_requests()
    if str(row["status"]).startswith("PENDING") and row["expires_at"] is not None:
        gathering.making.note(f"It can be approved until {row['expires_at']:%Y-%m-%d %H:%M} UTC.")
    return gathering.trace("request", f"Request {key}: {row['type']}, {row['status']}", "request")


def _target(gathering: Gathering, kind: str, frame: pd.DataFrame) -> None:
    if kind == "account":
        gathering.accounts(frame["id"].tolist(), name="account")
        return
    gathering.tables[kind] = plain_table(gathering, frame)
    gathering.object_events(kind, frame, "username" if kind == "user" else "type" if kind == "message" else "name")
    if kind == "whitelist":
        entries = [one for one in gathering.reads.entries() if one["whitelist_id"] in frame["id"].tolist()]
        gathering.tables["whitelist_entries"] = framed(ENTRIES, entries)


def plain_table(gathering: Gathering, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the row of an object with the names of its ids beside them, without keys that nobody reads."""
    left = [name for name in ("key_handle", "pub_key", "error") if name in frame.columns]
    plain = frame.drop(columns=left)
    named = gathering.making.named(plain)
    beside = [one for name in plain.columns for one in (name, f"{name.removesuffix('_id')}_name")]
    there = list(dict.fromkeys(one for one in beside if one in named.columns))
    return pd.DataFrame(named[there])
