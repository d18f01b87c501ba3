"""Rewards of stakes, each once: from the lists of the chains, or from transactions where there is no list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import records

# The type of the accounts of each chain that has a list of rewards.
LISTED: Final = {"Cardano": "cardano", "Ethereum": "ethereum", "Solana": "solana", "Tezos": "tezos"}
# Accounts of every EVM network have the type Ethereum; validators are there on these.
ETHEREUM: Final = frozenset(
    {"ethereum", "ethereum_goerli", "ethereum_holesky", "ethereum_hoodi", "ethereum_ropsten", "ethereum_sepolia"}
)
# Chains that stake, and of which there is no list.
UNLISTED: Final = frozenset({"Cosmos", "Near", "Polkadot", "Polygon"})
LIST, TRANSACTIONS, NONE = "list of rewards", "REWARD transactions", "none"
BOTH: Final = f"{LIST} and {TRANSACTIONS}"
INDEXED, ON_CHAIN, CYCLE, CREATED = (
    "when the service indexed it",
    "on the chain",
    "begin of its cycle",
    "creation of the transaction",
)
DATES: Final = {
    "cardano": (
        "A reward on Cardano is dated by when the service indexed it: the API names the epochs, and no day of them."
    ),
    "ethereum": (
        "A reward on Ethereum is of one day, and dated by when the service indexed it: that of the last day of a "
        "period may count in the next. The API can filter by day the rewards of one stake only, without saying "
        "whether its bounds count; that filter is not used."
    ),
    "solana": "A reward on Solana is dated by the chain; where it gave no date, by when the service indexed it.",
    "tezos": (
        "A reward on Tezos is dated by the begin of the cycle that it is for, while its payment comes later. The API "
        "filters by cycles, not by dates; that filter is not used."
    ),
}


@dataclass
class Apart:
    """What the two sources of an account do not have in common in the period, and could be the same money or not.

    Parameters
    ----------
    listed, paid
        Rewards of the list without a transaction of the same amount, and transactions without such a reward.
    elsewhere
        The dates outside of the period that the list gives to rewards of the amounts of ``paid``.
    """

    listed: list[dict[str, Any]]
    paid: list[dict[str, Any]]
    elsewhere: list[pd.Timestamp] = field(default_factory=list)

    @property
    def counts_paid(self) -> bool:
        """Whether the transactions count: of what may be the same money, the larger sum does."""
        # A list may be below zero by penalties, and no transactions are no other source.
        return bool(self.paid) and summed(self.paid) > summed(self.listed)


@dataclass
class Rewards:
    """The rewards of a period.

    Parameters
    ----------
    counted
        Each with ``account_id``, ``stake_uid``, ``amount_base``, ``dated``, ``dated_by``, ``round``, ``indexed_on``,
        ``transaction_id``, ``source``, and what its rate is computed from.
    left_out
        Those that are the same as counted ones, or may be, in the other source.
    listed, paid
        All of the period, by source; ``paid`` None where transactions could not be had.
    same
        How many transactions of an account have the amount of a reward in its list.
    apart
        By account what can't be told to be the same in both sources.
    sources
        Where the counted ones of an account come from.
    errors
        Why the list of an account could not be had.
    """

    counted: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    paid: list[dict[str, Any]] | None = None
    same: dict[Any, int] = field(default_factory=dict)
    apart: dict[Any, Apart] = field(default_factory=dict)
    sources: dict[Any, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


def chain_of(account: Mapping[str, Any]) -> str | None:
    """Return the chain whose list of rewards an account has; None where there is none."""
    chain = LISTED.get(account["type"] or "")
    return None if chain == "ethereum" and account["currency"] not in ETHEREUM else chain


def read_rewards(
    making: Making,
    accounts: Sequence[Mapping[str, Any]],
    first: pd.Timestamp,
    last: pd.Timestamp,
    only: Sequence[int] | None = None,
) -> Rewards:
    """Read the rewards of accounts in a period, each once.

    A transaction of the type REWARD and a reward in the list of its account count once where their amounts are the
    same, by the date of the list. What is left in both sources may be the same money or not (a fee, one payment for
    several, an end of the period): of the two rests the larger counts, so that the total is less than neither source,
    and nothing is added twice. Transactions of accounts that can't be seen count too, unless ``only`` some are asked
    for.
    """
    result = Rewards()
    told: list[dict[str, Any]] = []
    for chain in LISTED.values():
        of_chain = [account["id"] for account in accounts if chain_of(account) == chain]
        listed = _listed(making, result, chain, of_chain)
        told += _told(making, listed, chain)
        if listed:
            making.note(DATES[chain])
        result.sources |= dict.fromkeys((row["account_id"] for row in listed), LIST)
    result.listed = [row for row in told if first <= row["dated"] < last]
    result.paid = _transactions(making, only, first, last)
    listed_of, paid_of = _by_account(result.listed), _by_account(result.paid or [])
    for account in dict.fromkeys((*listed_of, *paid_of)):
        _settle(result, account, listed_of.get(account, []), paid_of.get(account, []))
    for account, apart in result.apart.items():
        elsewhere = [row for row in told if row["account_id"] == account and not first <= row["dated"] < last]
        apart.elsewhere = _dates(apart.paid, elsewhere)
    return result


def _by_account(rows: Iterable[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row)
    return found


def _settle(result: Rewards, account: Any, listed: Sequence[dict[str, Any]], paid: Sequence[dict[str, Any]]) -> None:
    """Decide what of the two sources of an account counts."""
    same = Counter(row["amount_base"] for row in listed) & Counter(row["amount_base"] for row in paid)
    in_both, only_listed = _split(listed, same)
    paid_in_both, only_paid = _split(paid, same)
    apart = Apart(only_listed, only_paid)
    result.counted += [*in_both, *(only_paid if apart.counts_paid else only_listed)]
    result.left_out += [*paid_in_both, *(only_listed if apart.counts_paid else only_paid)]
    if in_both:
        result.same[account] = len(in_both)
    if only_paid and (listed or account in result.sources):
        result.apart[account] = apart
    if apart.counts_paid:
        result.sources[account] = BOTH if in_both else TRANSACTIONS
    elif paid and account not in result.sources:
        result.sources[account] = TRANSACTIONS


def _split(
    rows: Sequence[dict[str, Any]], same: Mapping[int, int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows whose amounts are there so often, the earliest first, and the others."""
    left = Counter(same)
    inside: list[dict[str, Any]] = []
    outside: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda one: one["dated"]):
        (inside if left[row["amount_base"]] > 0 else outside).append(row)
        left[row["amount_base"]] -= 1
    return inside, outside


def _dates(paid: Iterable[Mapping[str, Any]], listed: Iterable[Mapping[str, Any]]) -> list[pd.Timestamp]:
    """Return the dates of the rewards of the same amounts that are nearest to payments."""
    by_amount: dict[int, list[pd.Timestamp]] = {}
    for row in listed:
        by_amount.setdefault(row["amount_base"], []).append(row["dated"])
    found = []
    for row in paid:
        if dates := by_amount.get(row["amount_base"]):
            nearest = min(dates, key=lambda one: abs(one - row["dated"]))
            dates.remove(nearest)
            found.append(nearest)
    return sorted(found)


def summed(rows: Iterable[Mapping[str, Any]]) -> int:
    """Return the sum of rewards in base units."""
    return sum(row["amount_base"] for row in rows)


def _listed(making: Making, result: Rewards, chain: str, ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    section = getattr(making.session.stakes, chain)
    found = making.part(f"the rewards of {chain} stakes", lambda: section.rewards(ids))
    if found is None:
        result.errors |= dict.fromkeys(ids, "the list of its rewards could not be had")
    rows = records(found)
    result.errors |= {row["account_id"]: row["error"] for row in rows if row["error"]}
    kept = [row for row in rows if not row["error"]]
    once: list[dict[str, Any]] = []
    seen = set()
    for row in kept:
        # Two validators may earn the same at the same time: only rows that name their stake can be told to be one.
        key = repr(sorted(row.items())) if row["stake_uid"] else None
        if key is None or key not in seen:
            once.append(row)
        seen.add(key)
    if len(once) < len(kept):
        making.note(
            f"{len(kept) - len(once):,} rewards on {chain} were listed twice, the same in every field: counted once."
        )
    return once


def _told(making: Making, rows: Sequence[Mapping[str, Any]], chain: str) -> list[dict[str, Any]]:
    """Return rewards of a list with their dates; one without amount or date can't be counted, which is noted."""
    found, lost = [], 0
    for row in rows:
        dated, by = _dated(row, chain)
        if not isinstance(row["amount"], int) or dated is None:
            lost += 1
            continue
        found.append(
            {
                "account_id": row["account_id"],
                "stake_uid": row["stake_uid"],
                "amount_base": row["amount"],
                "dated": dated,
                "dated_by": by,
                "indexed_on": row["created_on"],
                "round": _round(row, chain),
                "source": LIST,
                "stake_balance": row.get("info_stake_balance"),
                "gross_apy": row.get("info_gross_apy"),
            }
        )
    if lost:
        making.note(f"{lost:,} rewards on {chain} have no whole amount or no date: not counted, in whatever period.")
    return found


def _dated(row: Mapping[str, Any], chain: str) -> tuple[pd.Timestamp | None, str]:
    own = {"solana": ("info_date", ON_CHAIN), "tezos": ("info_cycle_begins_at", CYCLE)}
    if chain in own:
        name, by = own[chain]
        if row[name] is not None:
            return row[name], by
    return row["created_on"], INDEXED


def _round(row: Mapping[str, Any], chain: str) -> str | None:
    if chain == "tezos":
        return None if row["info_cycle"] is None else f"cycle {row['info_cycle']}"
    if chain == "solana":
        return None if row["info_epoch"] is None else f"epoch {row['info_epoch']}"
    if chain == "cardano":
        return f"earned in epoch {row['info_earned_in']}, received in {row['info_received_in']}"
    return None


def _transactions(
    making: Making, only: Sequence[int] | None, first: pd.Timestamp, last: pd.Timestamp
) -> list[dict[str, Any]] | None:
    search = making.session.transactions.search
    found = making.part(
        "REWARD transactions",
        lambda: search(type="REWARD", account=only, created_after=first, created_before=last),
    )
    if found is None:
        return None
    rows = records(found)
    good = [
        row
        for row in rows
        if row["status"] == "CONFIRMED" and isinstance(row["amount"], int) and row["created_on"] is not None
    ]
    if len(good) < len(rows):
        making.note(
            f"{len(rows) - len(good):,} REWARD transactions are not confirmed, or have no whole amount or no date: "
            "not counted."
        )
    return [
        {
            "account_id": row["account_id"],
            "amount_base": row["amount"],
            "dated": row["created_on"],
            "dated_by": CREATED,
            "transaction_id": row["id"],
            "source": TRANSACTIONS,
        }
        for row in good
    ]
