"""Staking: rewards by day, week, month or quarter, each counted once, and the stakes as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from numbers import Integral
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Many, Time
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rewards import (
    CREATED,
    ETHEREUM,
    LIST,
    LISTED,
    NONE,
    TRANSACTIONS,
    UNLISTED,
    Rewards,
    chain_of,
    gently,
    read_rewards,
)
from ledgerkit.reports.spans import By, Span, place, spans
from ledgerkit.reports.staking_charts import by_asset, draw_all, draw_one
from ledgerkit.reports.tabled import records, scaled, tabled
from ledgerkit.session import Session

# Places of the percentage of a rate.
RATE_PLACES: Final = 4
DAYS: Final = 365
FORMULA: Final = "365 × sum of rewards ÷ sum of the balances that earned them, one of each is a day of a validator"
REWARDS: Final = {
    "period": TEXT,
    "begins": TIME,
    "ends": TIME,
    "whole": FLAG,
    "currency": TEXT,
    "contract_address": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "rewards": INTEGER,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "source": TEXT,
}
TOTALS: Final = {
    "currency": TEXT,
    "contract_address": TEXT,
    "ticker": TEXT,
    "accounts": INTEGER,
    "rewards": INTEGER,
    "amount": NUMBER,
    "amount_base": AMOUNT,
}
ACCOUNTS: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "type": TEXT,
    "currency": TEXT,
    "ticker": TEXT,
    "source": TEXT,
    "rewards": INTEGER,
    "amount": NUMBER,
    "amount_base": AMOUNT,
    "left_out": INTEGER,
    "left_out_amount": NUMBER,
    "left_out_amount_base": AMOUNT,
    "stakes": INTEGER,
    "staked_now": NUMBER,
    "staked_now_base": AMOUNT,
    "staked_field": TEXT,
    "rewards_ever": NUMBER,
    "rewards_ever_base": AMOUNT,
    "rewards_ever_field": TEXT,
    "note": TEXT,
}
STAKES: Final = {
    "chain": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "stake_uid": TEXT,
    "status": TEXT,
    "chain_state": TEXT,
    "amount": NUMBER,
    "balance_now": NUMBER,
    "total_reward": NUMBER,
    "reward_in_period": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "balance_now_base": AMOUNT,
    "total_reward_base": AMOUNT,
    "reward_in_period_base": AMOUNT,
    "created_on": TIME,
    "creation_tx": INTEGER,
    "validator": TEXT,
    "error": TEXT,
}
RATES: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "currency": TEXT,
    "rate_percent": NUMBER,
    "formula": TEXT,
    "rewards": INTEGER,
    "amount_base": AMOUNT,
    "balances_base": AMOUNT,
    "not_counted": INTEGER,
    "service_says": TEXT,
    "note": TEXT,
}
EACH: Final = {
    "dated": TIME,
    "dated_by": TEXT,
    "currency": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "stake_uid": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "round": TEXT,
    "indexed_on": TIME,
    "transaction_id": INTEGER,
    "source": TEXT,
}
# What accounts say of staking now, the first that is there: of each chain another field.
_STAKED: Final = (
    "coin_fields_staking_balances_total_staked",
    "coin_fields_staking_active_balance",
    "coin_fields_staking_total_staking",
    "coin_fields_balances_bonded",
)
_EVER: Final = (
    "coin_fields_staking_rewards_total",
    "coin_fields_staking_rewards",
    "coin_fields_staking_total_rewards",
)
_STATES: Final = ("blockchain_state_state", "blockchain_state_status")
_BALANCES: Final = (
    "blockchain_state_total_balance",
    "blockchain_state_active_balance",
    "blockchain_state_balance",
)


def staking(
    session: Session, start: Time, end: Time | None = None, *, by: By = "month", account: Many[int] | None = None
) -> Report:
    """Show the rewards of staking in a period, and the stakes as they are now.

    Parameters
    ----------
    session
        Where it is read from.
    start, end
        The period: ``start`` is in it and ``end`` is not; None is now. What dates a reward differs by chain: the
        notes and the column ``dated_by`` say it.
    by
        ``"day"``, ``"week"`` (from Monday), ``"month"`` or ``"quarter"``, in UTC.
    account
        Ids of accounts; by default all.

    Returns
    -------
    Report
        ``rewards``: one row for each part of the period and account that had a reward in it, zeros too, with
        ``amount`` (exact Decimal, with ``ticker``) and ``whole``, False where the period cuts a month or the like;
        ``totals`` by currency; ``accounts``: where the rewards of each account come from, what was left out since it
        is the same money, what the account says now, and in ``note`` what could not be had; ``stakes``: those of now
        and before, ``reward_in_period`` missing where the list of rewards does not name stakes (Ethereum); ``rates``:
        annualised, where it can be computed honestly; ``each_reward``: what was added up. ``*_base`` are ints of base
        units. Charts: ``rewards``, and one for each ticker, such as ``ETH``.

    Raises
    ------
    InvalidRequest
        The period, ``by`` or ``account`` can't be used.

    Notes
    -----
    ``GET /accounts``, ``GET /{cardano,ethereum,solana,tezos}/accounts/{id}/rewards`` and ``.../stakes``,
    ``GET /transactions`` of the type REWARD.
    """
    with Making.of(session, start=start, end=end, by=by, account=account) as making:
        first, last = making.period(start, end)
        parts = spans(first, last, by)
        only = _asked_for(account)
        every = {row["id"]: row for row in records(session.accounts.search())}
        accounts = [row for row in every.values() if only is None or row["id"] in only]
        if unseen := [str(one) for one in only or () if one not in every]:
            making.note(f"These credentials see no account {', '.join(unseen)}.")
        found = read_rewards(making, accounts, first, last, only)
        for row in (*found.counted, *found.left_out):
            of = every.get(row["account_id"], {})
            row |= {
                "account_name": of.get("name"),
                "currency": of.get("currency"),
                "contract_address": of.get("contract_address"),
            }
        found.counted.sort(key=lambda row: row["dated"], reverse=True)
        stakes = _stakes(making, accounts, found)
        about = _accounts(session, accounts, found, stakes)
        tables = {
            "rewards": _by_part(session, found, parts),
            "totals": _totals(session, found),
            "accounts": about,
            "stakes": stakes,
            "rates": _rates(accounts, found),
            "each_reward": scaled(session, EACH, found.counted, "amount"),
        }
        _explain(making, accounts, found, about, tables["rewards"])
        return making.report(
            "Staking rewards",
            tables,
            {
                "rewards": partial(draw_all, tables["rewards"], by),
                **{label: partial(draw_one, label, rows, by) for label, rows in by_asset(tables["rewards"]).items()},
            },
        )


def _asked_for(account: Any) -> list[int] | None:
    if account is None:
        return None
    ids = list(account) if isinstance(account, Iterable) and not isinstance(account, str) else [account]
    if not ids or any(isinstance(one, bool) or not isinstance(one, Integral) for one in ids):
        raise InvalidRequest(
            f"`account` = {shorten(account)}: it is the id of an account, or several.", field="account"
        )
    return [int(one) for one in ids]


# Rewards


def _by_part(session: Session, found: Rewards, parts: Sequence[Span]) -> pd.DataFrame:
    sums: dict[tuple[int, Any], list[int]] = {}
    known: dict[Any, Mapping[str, Any]] = {}
    for row in found.counted:
        position = place(row["dated"], parts)
        if position is None:  # both ends were cut to the period before
            raise AssertionError(row["dated"])
        known[row["account_id"]] = row
        entry = sums.setdefault((position, row["account_id"]), [0, 0])
        entry[0] += 1
        entry[1] += row["amount_base"]
    rows = []
    for account in sorted(known, key=lambda one: (str(known[one]["currency"]), one or 0)):
        for position, span in enumerate(parts):
            number, amount = sums.get((position, account), (0, 0))
            rows.append(
                {
                    "period": span.name,
                    "begins": span.begins,
                    "ends": span.ends,
                    "whole": span.whole,
                    "currency": known[account]["currency"],
                    "contract_address": known[account]["contract_address"],
                    "account_id": account,
                    "account_name": known[account]["account_name"],
                    "rewards": number,
                    "amount_base": amount,
                    "source": known[account]["source"],
                }
            )
    return scaled(session, REWARDS, rows, "amount")


def _totals(session: Session, found: Rewards) -> pd.DataFrame:
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    accounts: dict[tuple[Any, ...], set[Any]] = {}
    for row in found.counted:
        # An account of a currency that is not known shares its units with none.
        key = (row["currency"], row["contract_address"], None if row["currency"] else row["account_id"])
        entry = sums.setdefault(key, {**row, "rewards": 0, "amount_base": 0})
        entry["rewards"] += 1
        entry["amount_base"] += row["amount_base"]
        accounts.setdefault(key, set()).add(row["account_id"])
    rows = [{**entry, "accounts": len(accounts[key])} for key, entry in sums.items()]
    return scaled(session, TOTALS, sorted(rows, key=lambda row: str(row["currency"])), "amount")


def _rates(accounts: Sequence[Mapping[str, Any]], found: Rewards) -> pd.DataFrame:
    rows = []
    for account in accounts:
        own = [row for row in found.counted if row["account_id"] == account["id"]]
        if not own:
            continue
        row = {"account_id": account["id"], "account_name": account["name"], "currency": account["currency"]}
        said = next((one for one in own if one.get("gross_apy") is not None), None)
        if said is not None:
            of = said["round"] or f"{said['dated']:%Y-%m-%d}"
            row["service_says"] = f"gross_apy {said['gross_apy']} of {of}, in a unit that is not documented"
        rows.append(row | _rate(chain_of(account), own))
    return tabled(RATES, rows)


def _rate(chain: str | None, own: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if chain != "ethereum":
        return {"note": "not computed: the API does not tell for how long which balance earned a reward"}
    # The API says that each of these is what was earned in a single day, and on how much.
    good = [row for row in own if isinstance(row.get("stake_balance"), int) and row["stake_balance"] > 0]
    reward = sum(row["amount_base"] for row in good)
    balance = sum(row["stake_balance"] for row in good)
    result = {
        "rewards": len(good),
        "amount_base": reward,
        "balances_base": balance,
        "not_counted": len(own) - len(good),
    }
    if not good:
        return result | {"note": "not computed: no reward says which balance earned it"}
    return result | {
        "rate_percent": percent(DAYS * reward, balance),
        "formula": FORMULA,
        "note": "not compounded; days without a reward in the list are not in it",
    }


def percent(part: int, whole: int) -> Any:
    """Return a ratio of ints as a percentage, rounded half up to 4 places, without a float on the way."""
    scale = 100 * 10**RATE_PLACES
    return to_display((2 * part * scale + whole) // (2 * whole), RATE_PLACES)


# Stakes and accounts


def _stakes(making: Making, accounts: Sequence[Mapping[str, Any]], found: Rewards) -> pd.DataFrame:
    names = {account["id"]: account["name"] for account in accounts}
    earned: dict[tuple[Any, Any], int] = {}
    named = set()
    for row in found.counted:
        if row["source"] == LIST and row.get("stake_uid"):
            key = (row["account_id"], row["stake_uid"])
            earned[key] = earned.get(key, 0) + row["amount_base"]
    for account in accounts:
        # Zero is said only where the list of the account names stakes.
        if chain_of(account) not in (None, "ethereum") and account["id"] not in found.errors:
            named.add(account["id"])
    rows = []
    for chain in LISTED.values():
        ids = [account["id"] for account in accounts if chain_of(account) == chain]
        section = getattr(making.session.stakes, chain)
        told = gently(making, f"the stakes on {chain}", partial(section.search, ids)) if ids else []
        for row in told:
            uid = row.get("stake_uid") or row.get("uid")
            nothing = 0 if row["account_id"] in named and not row.get("error") else None
            rows.append(
                {
                    "chain": chain,
                    "account_id": row["account_id"],
                    "account_name": names.get(row["account_id"]),
                    "stake_uid": uid,
                    "status": row["status"],
                    "chain_state": _first(row, _STATES)[1],
                    "amount_base": row.get("amount"),
                    "balance_now_base": _first(row, _BALANCES)[1],
                    "total_reward_base": row["total_reward"],
                    "reward_in_period_base": earned.get((row["account_id"], uid), nothing),
                    "created_on": row["created_on"],
                    "creation_tx": row.get("creation_tx"),
                    "validator": row.get("validator") or row.get("blockchain_state_validator_address"),
                    "error": row.get("error"),
                }
            )
    columns = ("amount", "balance_now", "total_reward", "reward_in_period")
    return scaled(making.session, STAKES, rows, *columns)


def _accounts(
    session: Session, accounts: Sequence[Mapping[str, Any]], found: Rewards, stakes: pd.DataFrame
) -> pd.DataFrame:
    numbers = stakes.loc[stakes["error"].isna(), "account_id"].value_counts().to_dict()
    listed = [
        account
        for account in accounts
        if chain_of(account) or account["type"] in UNLISTED or _first(account, _EVER)[1]
    ]
    seen = {account["id"] for account in listed}
    paid = {row["account_id"]: row for row in (*found.counted, *found.left_out)}
    by_id = {account["id"]: account for account in accounts}
    for number, row in paid.items():
        if number not in seen:
            listed.append(by_id.get(number) or {"id": number, "name": row["account_name"], "type": None} | row)
    rows = []
    for account in listed:
        number = account["id"]
        counted = [row["amount_base"] for row in found.counted if row["account_id"] == number]
        left = [row["amount_base"] for row in found.left_out if row["account_id"] == number]
        (staked_field, staked), (ever_field, ever) = _first(account, _STAKED), _first(account, _EVER)
        source = found.sources.get(number, NONE)
        unknown = source == NONE and number in found.errors
        rows.append(
            {
                "account_id": number,
                "account_name": account["name"],
                "type": account["type"],
                "currency": account["currency"],
                "source": source,
                # What could not be had is no zero.
                "rewards": None if unknown else len(counted),
                "amount_base": None if unknown else sum(counted),
                "left_out": len(left),
                "left_out_amount_base": sum(left) if left else None,
                "stakes": numbers.get(number, 0) if chain_of(account) else None,
                "staked_now_base": staked,
                "staked_field": staked_field,
                "rewards_ever_base": ever,
                "rewards_ever_field": ever_field,
                "note": _note_of(account, found, sum(counted), left),
            }
        )
    rows.sort(key=lambda row: (not row["rewards"], str(row["currency"]), row["account_id"] or 0))
    return scaled(session, ACCOUNTS, rows, "amount", "left_out_amount", "staked_now", "rewards_ever")


def _note_of(account: Mapping[str, Any], found: Rewards, counted: int, left: Sequence[int]) -> str | None:
    number = account["id"]
    said = []
    if number in found.errors:
        said.append(f"no list of rewards: {found.errors[number]}")
        if found.sources.get(number) == TRANSACTIONS:
            said.append("REWARD transactions are counted instead")
    if left:
        same = "the same sum" if sum(left) == counted else "another sum, perhaps by the dates or what the list lacks"
        said.append(f"{len(left)} REWARD transactions in the period are {same}: the same money, not added")
    if account["type"] in UNLISTED:
        said.append("the API has no list of rewards for it, only REWARD transactions")
    if account["type"] == "Ethereum" and account["currency"] not in ETHEREUM:
        said.append("no Ethereum network with validators: no list of rewards")
    return "; ".join(said) or None


def _first(row: Mapping[str, Any], fields: Iterable[str]) -> tuple[str | None, Any]:
    """Return the first of these fields that a row has, and its value."""
    for name in fields:
        if row.get(name) is not None:
            return name, row[name]
    return None, None


def _explain(
    making: Making,
    accounts: Sequence[Mapping[str, Any]],
    found: Rewards,
    about: pd.DataFrame,
    rewards: pd.DataFrame,
) -> None:
    if not found.counted:
        making.note("The period has no rewards that these credentials see.")
    if missing := sum(1 for row in records(about) if row["rewards"] is None):
        making.note(f"The rewards of {missing:,} accounts could not be had: their `note` in `accounts` says why.")
    if found.errors:
        making.note(f"No list of rewards of {len(found.errors):,} accounts: `accounts` says which and why.")
    if found.left_out:
        making.note(
            f"{len(found.left_out):,} REWARD transactions are the same money as rewards in the list of their "
            "account, and not added: `left_out` in `accounts`."
        )
    if any(row["dated_by"] == CREATED for row in found.counted):
        making.note("REWARD transactions are dated by their creation in the service.")
    types = {account["type"] for account in accounts}
    if unlisted := sorted(types & UNLISTED):
        making.note(
            f"The API has no list of rewards for {', '.join(unlisted)}: what shows as a REWARD transaction is "
            "counted, what was earned and not paid out is not."
        )
    making.note(
        "Not counted: what tokens of liquid staking gain in value, and withdrawals of rewards, which were counted "
        "when they were earned. The unit of `total_reward` of a stake is not documented; it is taken for the base "
        "unit."
    )
    if rewards["ticker"].isna().any():
        making.note("Accounts whose unit is not known have amounts in base units alone, and are in no chart.")
    if not rewards["whole"].all():
        making.note("The period cuts its first or last part: `whole` is False there. Do not compare it with others.")
