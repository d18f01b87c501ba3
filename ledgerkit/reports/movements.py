"""What moved on accounts: transactions to signed movements, each in the coin of the account that it moves.

A transaction moves an amount, or none, and costs fees, or none. The fees of a token are paid by the account above it,
in the coin of that account: they are a movement of their own there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.directions import direction
from ledgerkit.reports.choosing import chosen_ids
from ledgerkit.reports.making import Making
from ledgerkit.reports.movement_kinds import (
    APART,
    DATES,
    MOVEMENT,
    NEVER_SENT,
    PAID_BY_OTHERS,
    PENDING,
    PENDING_SEARCHED,
    DateOf,
)
from ledgerkit.reports.rows import Row, counted, records

# Requests expire after a week, and nodes of Bitcoin forget what is not mined after two.
MARGIN_DAYS: Final = 45
# What is needed of a transaction: it has some seventy columns.
READ: Final = (
    "id",
    "account_id",
    "type",
    "status",
    "currency",
    "amount",
    "fees",
    "recipient",
    "senders",
    "tx_hash",
    "block_time",
    "block_height",
    "confirmations",
    "min_confirmations",
    "created_by",
    "created_on",
    "broadcast_on",
    "notes",
    TOKEN_MINT,
)


@dataclass(frozen=True)
class Scope:
    """The accounts that a report is about.

    Parameters
    ----------
    accounts
        Rows of all accounts that can be seen, by id.
    chosen
        The ids that were asked for; None for all.
    """

    accounts: Mapping[int, Row]
    chosen: frozenset[int] | None

    def holds(self, account: int | None) -> bool:
        """Return whether a movement of this account belongs to the report."""
        return self.chosen is None or account in self.chosen

    def searched(self) -> list[int] | None:
        """Return the accounts whose transactions are needed: fees of a token are paid by the account above it."""
        if self.chosen is None:
            return None
        below = [one for one, row in self.accounts.items() if row["parent"] in self.chosen]
        return sorted(self.chosen.union(below))

    def name(self, account: int | None) -> str | None:
        """Return the name of an account, None where it can't be seen."""
        row = None if account is None else self.accounts.get(account)
        return None if row is None else row["name"]


@dataclass
class Movements:
    """What was read, and what became of it; rows are dicts with base units, not yet in anybody's period."""

    moved: list[Row] = field(default_factory=list)
    apart: list[Row] = field(default_factory=list)
    # Pending ones that were not asked for, and incoming ones whose fees somebody else paid.
    pending: int = 0
    paid_by_others: int = 0
    # From creation to block, the longest either way.
    longest: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(0))


def scope_of(making: Making, account: Any) -> Scope:
    """Read the accounts, and find those that are meant.

    Parameters
    ----------
    account
        An id or a name, several of them, or None for all.

    Raises
    ------
    InvalidRequest
        Nothing is chosen, or a name is that of several accounts.
    NotFound
        No such account can be seen.
    """
    frame = making.session.accounts.search()
    accounts = {int(row["id"]): row for row in records(frame)}
    chosen = None if account is None else frozenset(chosen_ids(frame, account, "account"))
    return Scope(accounts, chosen)


def read_transactions(
    making: Making, scope: Scope, start: pd.Timestamp, end: pd.Timestamp, margin_days: int | None
) -> list[Row]:
    """Read the transactions that may belong to a period, with names of users, newest last.

    The API searches by creation alone. What was created before a period is confirmed in it, and what comes in is seen
    after its block: so the search is wider by a margin at both ends, and the margin is told.
    """
    search = making.session.transactions.search
    asked: dict[str, Any] = {} if scope.chosen is None else {"account": scope.searched()}
    first = last = None
    if margin_days is not None:
        margin = pd.Timedelta(days=margin_days)
        first, last = start - margin, end + margin
        asked["created_after"] = first
        if last < making.now:
            asked["created_before"] = last
    found = search(**asked, order="asc", order_by="id")
    rows = records(making.named(found[list(READ)], "created_by"))
    if first is not None:
        early = search(account=scope.searched(), created_before=first, status=PENDING_SEARCHED)
        if len(early):
            listed = ", ".join(str(one) for one in early["id"].tolist()[:5])
            making.note(
                f"{counted(len(early), 'transaction')} created before {first:%Y-%m-%d} can still be confirmed "
                f"(ids {listed}{', …' if len(early) > 5 else ''}); give a larger `margin_days` to have them here."
            )
    return rows


def note_margin(making: Making, found: Movements, margin_days: int | None) -> None:
    """Say how wide the search was, and what speaks for it."""
    if margin_days is None:
        making.note("All transactions of the accounts were read, whenever they were created.")
        return
    days = found.longest / pd.Timedelta(days=1)
    said = (
        f"The API searches by creation: transactions created up to {margin_days} days before and after the period "
        f"were read. Creation and block were at most {days:.1f} days apart in what was found"
    )
    if days * 2 > margin_days:
        making.note(f"{said}, which is near the margin: give a larger `margin_days`, or None for everything.")
    else:
        making.note(f"{said}. What lay further apart is not in here; margin_days=None reads everything.")


def movements_of(
    scope: Scope,
    rows: Sequence[Row],
    *,
    confirmations: int | None = None,
    include_pending: bool = False,
    any_depth: bool = False,
) -> Movements:
    """Make movements of transactions.

    Parameters
    ----------
    confirmations
        From how many on a transaction is final, instead of the number that its currency asks for.
    include_pending
        Whether what is not final, or not confirmed, is moved too.
    any_depth
        Whether the first confirmation is enough, as it is for a balance.
    """
    found = Movements()

    def counts(row: Row) -> bool:
        if row["status"] in PENDING:
            return include_pending
        deep = include_pending or any_depth or _is_final(row, confirmations)
        return row["status"] == "CONFIRMED" and bool(deep)

    returned = {_arrival(row) for row in rows if counts(row) and _arrives(row)}
    for row in rows:
        if row["block_time"] is not None and row["created_on"] is not None:
            found.longest = max(found.longest, abs(row["block_time"] - row["created_on"]))
        status = row["status"]
        if status in NEVER_SENT:
            continue
        if status in PENDING and not include_pending:
            found.pending += 1
            continue
        if status in ("REPLACED", "DROPPED"):
            words = "replaced, fees were paid by what replaced it" if status == "REPLACED" else "left the mempool"
            found.apart.append(_apart(scope, row, f"{words}: nothing of it moved"))
        elif status == "FAILED":
            _failed(found, scope, row)
        elif status == "CONFIRMED" or status in PENDING:
            final = _is_final(row, confirmations) if status == "CONFIRMED" else False
            if counts(row):
                _moved(found, scope, row, final, returned)
            else:
                found.apart.append(_apart(scope, row, _depth(row, confirmations, final)))
        else:
            found.apart.append(
                _apart(scope, row, f"the status {status} is not documented: whether it moved is not known")
            )
    # Tokens below a chosen account were read for the fees that it pays: their transfers are none of its own.
    _pair([row for row in found.moved if scope.holds(row["account_id"])], scope)
    return found


def _is_final(row: Row, confirmations: int | None) -> bool | None:
    needed = row["min_confirmations"] if confirmations is None else confirmations
    if row["confirmations"] is None or needed is None:
        return None
    return bool(row["confirmations"] >= needed)


def _depth(row: Row, confirmations: int | None, final: bool | None) -> str:
    needed = row["min_confirmations"] if confirmations is None else confirmations
    if final is None:
        return "whether it is final is not known: the service names no number of confirmations"
    return f"not final: {row['confirmations']} of {needed} confirmations"


def _failed(found: Movements, scope: Scope, row: Row) -> None:
    """A transaction that failed on its chain cost its fees; one that never got there cost nothing."""
    if row["tx_hash"] is None and row["block_time"] is None:
        return
    if row["type"] in PAID_BY_OTHERS:
        found.paid_by_others += bool(row["fees"])
    elif direction(row["type"]) is None:
        found.apart.append(
            _apart(scope, row, f"the type {row['type']} does not say who paid the fees of its failure")
        )
    elif row["fees"] is None:
        found.apart.append(_apart(scope, row, "failed on its chain, and the service names no fees"))
    else:
        _fees(found, scope, row, None)


def _moved(found: Movements, scope: Scope, row: Row, final: bool | None, returned: set[Any]) -> None:
    kind, amount = row["type"], row["amount"]
    if row["account_id"] is None:
        found.apart.append(_apart(scope, row, "the service names no account that it belongs to"))
        return
    way = direction(kind)
    if way is None:
        found.apart.append(
            _apart(scope, row, f"the type {kind} does not say in which direction its amount and fees went")
        )
        return
    if way == "inside":
        if amount:
            found.apart.append(_apart(scope, row, f"{kind} moves within the account; only its fees are a movement"))
    elif (unfit := _unfit(row)) is not None:
        found.apart.append(_apart(scope, row, unfit))
    elif way == "out" and _to_itself(scope, row) and _arrival(row) not in returned:
        found.apart.append(_apart(scope, row, "sent to the account itself; only its fees are a movement"))
    elif amount:
        found.moved.append(_movement(scope, row, row["account_id"], amount, final))
    if kind in PAID_BY_OTHERS:
        found.paid_by_others += bool(row["fees"])
    elif row["fees"] is None:
        if row["status"] == "CONFIRMED":
            found.apart.append(_apart(scope, row, "confirmed, and the service names no fees"))
    else:
        _fees(found, scope, row, final)


def _unfit(row: Row) -> str | None:
    """Return why the amount of a transaction can be no movement, None where it can."""
    amount = row["amount"]
    if amount is None:
        return "the service names no amount"
    if not isinstance(amount, int):
        return "its amount is no whole number of base units"
    if amount < 0:
        return "its amount is negative: in which direction it went is not known"
    if amount and counts_a_token(row["type"]) and not row[TOKEN_MINT]:
        # Added up, it would be taken for the coin of its account, or for another token.
        return "the service does not name the mint of its token: which token its amount counts is not known"
    return None


def _arrives(row: Row) -> bool:
    """Say whether something comes in by a transaction that counts, as a movement that a hash can find."""
    comes = direction(row["type"]) == "in" and row["account_id"] is not None and row["tx_hash"]
    return bool(comes and _unfit(row) is None and row["amount"])


def _arrival(row: Row) -> tuple[Any, ...]:
    """Return what a transfer to oneself and its arrival have in common: account, hash and coin."""
    return row["account_id"], row["tx_hash"], row[TOKEN_MINT] if counts_a_token(row["type"]) else None


def _to_itself(scope: Scope, row: Row) -> bool:
    recipient = row["recipient"]
    if recipient is None or row["type"] not in ("SEND", "SEND_SPL_TOKEN_CHECKED"):
        return False
    own = [*(row["senders"] or ()), (scope.accounts.get(row["account_id"]) or {}).get("address")]
    return recipient.casefold() in [one.casefold() for one in own if isinstance(one, str)]


def _fees(found: Movements, scope: Scope, row: Row, final: bool | None) -> None:
    """Book the fees of a transaction on the account that pays them."""
    fees, account = row["fees"], scope.accounts.get(row["account_id"])
    if not fees:
        return
    if not isinstance(fees, int):
        found.apart.append(_apart(scope, row, "its fees are no whole number of base units"))
    elif fees < 0:
        found.apart.append(_apart(scope, row, "its fees are negative"))
    elif account is None:
        found.apart.append(_apart(scope, row, "its account can't be seen: which account paid the fees is not known"))
    elif account["contract_address"] is not None and account["parent"] is None:
        found.apart.append(_apart(scope, row, "the account above this token, which pays the fees, is not named"))
    else:
        payer = row["account_id"] if account["parent"] is None else account["parent"]
        found.moved.append(_movement(scope, row, payer, -fees, final, fees=True))


def _movement(scope: Scope, row: Row, account: int, amount: int, final: bool | None, *, fees: bool = False) -> Row:
    incoming = direction(row["type"]) == "in" and not fees
    light = counts_a_token(row["type"]) and not fees
    holder = scope.accounts.get(account)
    contract = row[TOKEN_MINT] if light else holder and holder["contract_address"]
    signed = amount if incoming or fees else -amount
    senders = ", ".join(one for one in row["senders"] or () if isinstance(one, str))
    return {
        **{name: row[name] for name in MOVEMENT.keys() & row.keys()},
        "account_id": account,
        "account_name": scope.name(account),
        "movement": "fees" if fees else "amount",
        "direction": "in" if incoming else "out",
        "amount_base": signed,
        "currency": row["currency"],
        "contract_address": contract,
        "transaction_id": row["id"],
        "final": final,
        "counterparty": None if fees else (senders or None) if incoming else row["recipient"],
        "internal": False,
        "for_account_id": row["account_id"] if fees and account != row["account_id"] else None,
        "for_account_name": scope.name(row["account_id"]) if fees and account != row["account_id"] else None,
        "notes": _notes(row["notes"]),
        # Not shown: what books may refer to, and which unit scales it.
        "titles": [note["title"] for note in _each_note(row["notes"]) if isinstance(note.get("title"), str)],
        "unit_of": ("light", row["currency"], contract) if light else (fees, row["account_id"]),
    }


def _apart(scope: Scope, row: Row, reason: str) -> Row:
    light = counts_a_token(row["type"])
    mint = row[TOKEN_MINT]
    return {
        **{name: row[name] for name in APART.keys() & row.keys()},
        "account_name": scope.name(row["account_id"]),
        "transaction_id": row["id"],
        "reason": reason,
        "amount_base": row["amount"],
        "fees_base": row["fees"],
        "notes": _notes(row["notes"]),
        "broadcast_on": row["broadcast_on"],
        "unit_of": ("light", row["currency"], mint) if light else (False, row["account_id"]),
    }


def _each_note(notes: Any) -> list[Mapping[str, Any]]:
    return [note for note in notes if isinstance(note, Mapping)] if isinstance(notes, list) else []


def _notes(notes: Any) -> str | None:
    texts = [
        ": ".join(str(note[part]) for part in ("title", "content") if note.get(part)) for note in _each_note(notes)
    ]
    return "; ".join(text for text in texts if text) or None


def _pair(moved: Sequence[Row], scope: Scope) -> None:
    """Mark transfers between own accounts: one hash, one coin, out of one account and into another."""
    by_hash: dict[Any, list[Row]] = defaultdict(list)
    for row in moved:
        if row["movement"] == "amount" and row["tx_hash"] is not None:
            by_hash[row["tx_hash"], row["currency"], row["contract_address"]].append(row)
    for same in by_hash.values():
        sent, received = ([row for row in same if row["direction"] == side] for side in ("out", "in"))
        left = list(received)
        for row in sent:
            other = next((one for one in left if one["amount_base"] == -row["amount_base"]), None)
            if other is not None:
                left.remove(other)
                for one, its in ((row, other), (other, row)):
                    one["internal"] = True
                    one["pair_transaction_id"] = its["transaction_id"]
                    one["pair_account_id"] = its["account_id"]
                    one["pair_account_name"] = scope.name(its["account_id"])


def place(rows: Iterable[Row], date: DateOf, start: pd.Timestamp, end: pd.Timestamp) -> tuple[list[Row], list[Row]]:
    """Return the rows of a period in order, and those that have no date of this kind."""
    inside, undated = [], []
    for row in rows:
        row["date"] = row[DATES[date]]
        if row["date"] is None:
            undated.append(row)
        elif start <= row["date"] < end:
            inside.append(row)

    def order(row: Row) -> tuple[Any, ...]:
        return row["date"], row["transaction_id"], row.get("movement") == "fees"

    return sorted(inside, key=order), undated


def place_apart(
    rows: Iterable[Row], scope: Scope, date: DateOf, start: pd.Timestamp, end: pd.Timestamp | None
) -> list[Row]:
    """Return what is not counted and may be of a period in order, by the next best time where this one is missing.

    Parameters
    ----------
    end
        None for a period that ends now: what came while it was read is not left out.
    """
    kept = []
    for row in rows:
        times = (row[DATES[date]], row["block_time"], row["broadcast_on"], row["created_on"])
        row["date"] = moment = next((one for one in times if one is not None), None)
        of_period = moment is None or (start <= moment and (end is None or moment < end))
        if of_period and scope.holds(row["account_id"]):
            kept.append(row)
    return sorted(kept, key=lambda row: (row["date"] is not None, row["date"] or start, row["transaction_id"]))


def open_end(last: pd.Timestamp, moved: Iterable[Row], date: DateOf) -> pd.Timestamp:
    """Return the end of a period that ends now: after all that was read, however clocks differ."""
    for row in moved:
        moment = row[DATES[date]]
        if moment is not None and moment >= last:
            last = moment + pd.Timedelta(microseconds=1)
    return last
