"""Rewards of stakes, each once: from the lists of the chains, or from transactions where there is no list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import RateLimited
from ledgerkit.reports.making import Making
from ledgerkit.reports.tabled import records

# The type of the accounts of each chain that has a list of rewards.
LISTED: Final = {"Cardano": "cardano", "Ethereum": "ethereum", "Solana": "solana", "Tezos": "tezos"}
# Accounts of every EVM network have the type Ethereum; validators are there on these.
ETHEREUM: Final = frozenset(
    {"ethereum", "ethereum_goerli", "ethereum_holesky", "ethereum_hoodi", "ethereum_ropsten", "ethereum_sepolia"}
)
# Chains that stake, and of which there is no list.
UNLISTED: Final = frozenset({"Cosmos", "Near", "Polkadot", "Polygon"})
LIST, TRANSACTIONS, NONE = "list of rewards", "REWARD transactions", "none"
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
class Rewards:
    """The rewards of a period.

    Parameters
    ----------
    counted
        Each with ``account_id``, ``stake_uid``, ``amount_base``, ``dated``, ``dated_by``, ``round``, ``indexed_on``,
        ``transaction_id``, ``source``, and what its rate is computed from.
    left_out
        Those that are the same as counted ones, in another place.
    sources
        Where the counted ones of an account come from.
    errors
        Why the list of an account could not be had.
    """

    counted: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    sources: dict[int, str] = field(default_factory=dict)
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

    Where an account has a list of rewards with anything in it, that list counts, and its transactions of the type
    REWARD do not: both tell of the same money. Everywhere else these transactions count, also those of accounts that
    can't be seen, unless ``only`` some are asked for.
    """
    result = Rewards()
    for chain in LISTED.values():
        of_chain = [account["id"] for account in accounts if chain_of(account) == chain]
        listed = _listed(making, result, chain, of_chain)
        result.counted += [row for row in _told(making, listed, chain) if first <= row["dated"] < last]
        if listed:
            making.note(DATES[chain])
        result.sources |= dict.fromkeys((row["account_id"] for row in listed), LIST)
    paid = _transactions(making, only, first, last)
    for row in paid:
        if result.sources.get(row["account_id"]) == LIST:
            result.left_out.append(row)
        else:
            result.sources[row["account_id"]] = TRANSACTIONS
            result.counted.append(row)
    return result


def gently(making: Making, what: str, read: Callable[[], pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the rows of a part of a report; none, and a note, where it could not be had."""
    try:
        found = making.part(what, read)
    except RateLimited as error:
        making.note(f"Without {what}: {error}")
        found = None
    return [] if found is None else records(found)


def _listed(making: Making, result: Rewards, chain: str, ids: list[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    section = getattr(making.session.stakes, chain)
    before = len(making.notes)
    rows = gently(making, f"the rewards of {chain} stakes", lambda: section.rewards(ids))
    if len(making.notes) > before:
        result.errors |= dict.fromkeys(ids, "the list of its rewards could not be had")
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
) -> list[dict[str, Any]]:
    search = making.session.transactions.search
    rows = gently(
        making,
        "REWARD transactions",
        lambda: search(type="REWARD", account=only, created_after=first, created_before=last),
    )
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
