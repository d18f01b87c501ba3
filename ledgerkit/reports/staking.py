"""Staking: rewards by day, week, month or quarter, each counted once, and the stakes as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.directory import Units
from ledgerkit.filters import Many, Time
from ledgerkit.reports.choosing import as_asked, chosen_ids, listed, told
from ledgerkit.reports.exactly import percent
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.rewards import (
    CREATED,
    ETHEREUM,
    LISTED,
    NONE,
    TRANSACTIONS,
    UNLISTED,
    Apart,
    Rewards,
    chain_of,
    read_rewards,
    summed,
)
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.reports.spans import By, Span, place, spans
from ledgerkit.reports.staking_charts import by_asset, draw_all, draw_one, readable
from ledgerkit.reports.staking_tables import ACCOUNTS, EACH, RATES, REWARDS, STAKES, TOTALS, scaled
from ledgerkit.session import Session

# Places of the percentage of a rate.
RATE_PLACES: Final = 4
DAYS: Final = 365
REWARD: Final = "REWARD transaction"
FORMULA: Final = "365 × sum of rewards ÷ sum of the balances that earned them, one of each is a day of a validator"
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
    session: Session,
    start: Time,
    end: Time | None = None,
    *,
    by: By = "month",
    account: Many[int | str] | None = None,
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
        Ids or names of accounts; by default all.

    Returns
    -------
    Report
        ``rewards``: one row for each part of the period, account and source that had a reward in it, zeros too, with
        ``amount`` (exact Decimal, with ``ticker``) and ``whole``, False where the period cuts a month or the like;
        ``totals``: by currency; ``accounts``: where the rewards of each account come from, both sources apart
        (``listed_amount`` and ``paid_amount``, of lists and of REWARD transactions), what was left out since it is or
        may be the same money, what the account says now, and in ``note`` what could not be had; ``stakes``: those of
        now and before, ``reward_in_period`` of lists alone, missing where the list does not name stakes (Ethereum);
        ``rates``: annualised, where it can be computed honestly; ``each_reward``: what was added up. ``*_base`` are
        ints of base units. Charts: ``rewards``, and one for each ticker, such as ``ETH``.

    Raises
    ------
    InvalidRequest
        The period, ``by`` or ``account`` can't be used.
    NotFound
        An account is not visible to these credentials.

    Notes
    -----
    ``GET /accounts``, ``GET /accounts/{id}/currency``, ``GET /{cardano,ethereum,solana,tezos}/accounts/{id}/rewards``
    and ``.../stakes``, ``GET /transactions`` of the type REWARD.
    """
    asked = as_asked(account)
    with Making.of(session, start=start, end=end, by=by, account=told(asked)) as making:
        first, last = making.period(start, end)
        parts = spans(first, last, by)
        seen = session.accounts.search()
        only = None if asked is None else chosen_ids(seen, asked, "account")
        every = {row["id"]: row for row in records(seen)}
        accounts = [row for row in every.values() if only is None or row["id"] in only]
        found = read_rewards(making, accounts, first, last, only)
        for row in (*found.listed, *(found.paid or ())):
            of = every.get(row["account_id"], {})
            row |= {
                "account_name": of.get("name"),
                "currency": of.get("currency"),
                "contract_address": of.get("contract_address"),
            }
        found.counted.sort(key=lambda row: row["dated"], reverse=True)
        stakes = _stakes(making, accounts, found)
        about = _accounts(making, accounts, found, stakes)
        tables = {
            "rewards": _by_part(making, found, parts),
            "totals": _totals(making, found, accounts),
            "accounts": about,
            "stakes": stakes,
            "rates": _rates(accounts, found),
            "each_reward": scaled(making, EACH, found.counted, "amount"),
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


# Rewards


def _by_part(making: Making, found: Rewards, parts: Sequence[Span]) -> pd.DataFrame:
    sums: dict[tuple[int, Any], list[int]] = {}
    # By account and source, which stand apart.
    known: dict[tuple[Any, str], Mapping[str, Any]] = {}
    for row in found.counted:
        position = place(row["dated"], parts)
        if position is None:  # both ends were cut to the period before
            raise AssertionError(row["dated"])
        source = (row["account_id"], row["source"])
        known[source] = row
        entry = sums.setdefault((position, source), [0, 0])
        entry[0] += 1
        entry[1] += row["amount_base"]
    rows = []
    for source in sorted(known, key=lambda one: (str(known[one]["currency"]), one[0] or 0, one[1])):
        for position, span in enumerate(parts):
            number, amount = sums.get((position, source), (0, 0))
            rows.append(
                {
                    "period": span.name,
                    "begins": span.begins,
                    "ends": span.ends,
                    "whole": span.whole,
                    "currency": known[source]["currency"],
                    "contract_address": known[source]["contract_address"],
                    "account_id": source[0],
                    "account_name": known[source]["account_name"],
                    "rewards": number,
                    "amount_base": amount,
                    "source": source[1],
                }
            )
    return scaled(making, REWARDS, rows, "amount")


def _totals(making: Making, found: Rewards, accounts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    earning: dict[tuple[Any, ...], set[Any]] = {}
    for row in found.counted:
        entry = sums.setdefault(_asset(row), {**row, "rewards": 0, "amount_base": 0})
        entry["rewards"] += 1
        entry["amount_base"] += row["amount_base"]
        earning.setdefault(_asset(row), set()).add(row["account_id"])
    # No list is not a list of nothing.
    with_list = {account["id"] for account in accounts if chain_of(account) and account["id"] not in found.errors}
    for key, entry in sums.items():
        entry["accounts"] = len(earning[key])
        lists = found.listed if earning[key] & with_list else None
        for name, rows in (("listed_amount_base", lists), ("paid_amount_base", found.paid)):
            entry[name] = None if rows is None else summed(row for row in rows if _asset(row) == key)
    ordered = sorted(sums.values(), key=lambda row: str(row["currency"]))
    return scaled(making, TOTALS, ordered, "amount", "listed_amount", "paid_amount")


def _asset(row: Mapping[str, Any]) -> tuple[Any, ...]:
    # An account of a currency that is not known shares its units with none.
    return row["currency"], row["contract_address"], None if row["currency"] else row["account_id"]


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
    return framed(RATES, rows)


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
        "rate_percent": percent(DAYS * reward, balance, places=RATE_PLACES),
        "formula": FORMULA,
        "note": "not compounded; days without a reward in the list are not in it",
    }


# Stakes and accounts


def _stakes(making: Making, accounts: Sequence[Mapping[str, Any]], found: Rewards) -> pd.DataFrame:
    names = {account["id"]: account["name"] for account in accounts}
    earned: dict[tuple[Any, Any], int] = {}
    named = set()
    for row in found.listed:
        if row.get("stake_uid"):
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
        stakes = making.part(f"the stakes on {chain}", partial(section.search, ids)) if ids else None
        for row in records(stakes):
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
    return scaled(making, STAKES, rows, *columns)


def _accounts(
    making: Making, accounts: Sequence[Mapping[str, Any]], found: Rewards, stakes: pd.DataFrame
) -> pd.DataFrame:
    numbers = stakes.loc[stakes["error"].isna(), "account_id"].value_counts().to_dict()
    of_staking = [
        account
        for account in accounts
        if chain_of(account) or account["type"] in UNLISTED or _first(account, _EVER)[1]
    ]
    seen = {account["id"] for account in of_staking}
    earning = {row["account_id"]: row for row in (*found.counted, *found.left_out)}
    by_id = {account["id"]: account for account in accounts}
    for number, row in earning.items():
        if number not in seen:
            of_staking.append(by_id.get(number) or {"id": number, "name": row["account_name"], "type": None} | row)
    units = making.units(account["id"] for account in of_staking if account["id"] is not None)
    rows = []
    for account in of_staking:
        number = account["id"]
        added, left, of_list = (
            [row for row in rows_of if row["account_id"] == number]
            for rows_of in (found.counted, found.left_out, found.listed)
        )
        paid = None if found.paid is None else [row for row in found.paid if row["account_id"] == number]
        (staked_field, staked), (ever_field, ever) = _first(account, _STAKED), _first(account, _EVER)
        source = found.sources.get(number, NONE)
        unknown = source == NONE and (number in found.errors or paid is None)
        no_list = chain_of(account) is None or number in found.errors
        rows.append(
            {
                "account_id": number,
                "account_name": account["name"],
                "type": account["type"],
                "currency": account["currency"],
                "source": source,
                # What could not be had is no zero.
                "rewards": None if unknown else len(added),
                "amount_base": None if unknown else summed(added),
                "listed": None if no_list else len(of_list),
                "listed_amount_base": None if no_list else summed(of_list),
                "paid": None if paid is None else len(paid),
                "paid_amount_base": None if paid is None else summed(paid),
                "left_out": len(left),
                "left_out_amount_base": summed(left) if left else None,
                "stakes": numbers.get(number, 0) if chain_of(account) else None,
                "staked_now_base": staked,
                "staked_field": staked_field,
                "rewards_ever_base": ever,
                "rewards_ever_field": ever_field,
                "note": _note_of(account, found, units.get(number)),
            }
        )
    rows.sort(key=lambda row: (not row["rewards"], str(row["currency"]), row["account_id"] or 0))
    names = ("amount", "listed_amount", "paid_amount", "left_out_amount", "staked_now", "rewards_ever")
    return scaled(making, ACCOUNTS, rows, *names)


def _note_of(account: Mapping[str, Any], found: Rewards, unit: Units | None) -> str | None:
    number = account["id"]
    said = []
    if number in found.errors:
        said.append(f"no list of rewards: {found.errors[number]}")
        if found.sources.get(number) == TRANSACTIONS:
            said.append("REWARD transactions are counted instead")
    if same := found.same.get(number):
        said.append(f"{counted(same, REWARD)} of the amount of a reward in the list: the same money, counted once")
    if number in found.apart:
        said.append(_apart(found.apart[number], unit))
    if account["type"] in UNLISTED:
        said.append("the API has no list of rewards for it, only REWARD transactions")
    if account["type"] == "Ethereum" and account["currency"] not in ETHEREUM:
        said.append("no Ethereum network with validators: no list of rewards")
    return "; ".join(said) or None


def _apart(apart: Apart, unit: Units | None) -> str:
    """Say what is in one source of an account alone, and which of the two counts."""
    of_list, of_paid = (
        f"{_amount(summed(rows), unit)} of {counted(len(rows), what)}"
        for rows, what in ((apart.listed, "reward of the list"), (apart.paid, REWARD))
    )
    dates = listed((f"{one:%Y-%m-%d}" for one in apart.elsewhere), 3)
    outside = f" (the list dates rewards of these amounts {dates}, outside of the period)" if dates else ""
    if not apart.listed:
        said = f"{of_paid} not in the list in the period{outside}"
    else:
        said = f"{of_list} and {of_paid}{outside} do not match by amount, and may be the same money or not"
    chosen = "the transactions count" if apart.counts_paid else "the list counts"
    return f"{said}: {chosen}"


def _amount(amount: int, unit: Units | None) -> str:
    if unit is None or unit.amount is None:
        return f"{amount} base units"
    return f"{readable(to_display(amount, unit.amount.magnitude))} {unit.amount.code}"


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
    if same := sum(found.same.values()):
        making.note(
            f"{counted(same, REWARD)} of the amount of a reward in the list of their account: the same money, "
            "counted once, by the date of the list."
        )
    if found.apart:
        apart = [row for row in records(about) if row["account_id"] in found.apart]
        making.note(
            "Lists of rewards and REWARD transactions do not tell the same of the period: "
            + listed(f"{row['account_name']}: {row['note']}" for row in apart)
            + ". Of what does not match the larger sum counts, so that the total is less than neither source: "
            "`accounts` has both, as `listed_amount` and `paid_amount`. A payment and the date that the list gives "
            "it can lie in two periods: do not add up reports of short ones."
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
