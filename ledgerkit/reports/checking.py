"""Balances and movements of accounts beside each other: what opens, what closes, and where the two part."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import to_display
from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.daily import DAY, Break, Days, Reading, Walk, by_day, evidence, moments, read_days, walk
from ledgerkit.reports.explaining import explain
from ledgerkit.reports.making import Making
from ledgerkit.reports.movements import Movements, Scope
from ledgerkit.reports.rows import Row, counted, records
from ledgerkit.reports.scaling import Scales
from ledgerkit.reports.statement import add_up

RECONCILES: Final = "reconciles"
IN_PART: Final = "reconciles in part"
CANCEL: Final = "breaks cancel out"
BROKEN: Final = "broken"
UNKNOWN: Final = "can't tell"
STATES: Final = (RECONCILES, IN_PART, CANCEL, BROKEN, UNKNOWN)
AMOUNTS: Final = ("opening", "received", "sent", "fees", "expected", "closing", "difference")
ACCOUNT: Final[Mapping[str, str]] = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "status": TEXT,
    "reason": TEXT,
    "currency": TEXT,
    "contract_address": TEXT,
    **dict.fromkeys(AMOUNTS, NUMBER),
    "ticker": TEXT,
    **{f"{name}_base": AMOUNT for name in AMOUNTS},
    "breaks": INTEGER,
    "first_break": TIME,
    "checked_from": TIME,
    "checked_until": TIME,
    "days_known": INTEGER,
    "days_missing": INTEGER,
    "movements": INTEGER,
}
BREAK: Final[Mapping[str, str]] = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "first_day": TIME,
    "last_day": TIME,
    "size": NUMBER,
    "ticker": TEXT,
    "difference": NUMBER,
    "size_base": AMOUNT,
    "difference_base": AMOUNT,
    "explanation": TEXT,
    "transaction_id": INTEGER,
}
STEP: Final[Mapping[str, str]] = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "moment": TIME,
    "balance": NUMBER,
    "expected": NUMBER,
    "difference": NUMBER,
    "ticker": TEXT,
    "balance_base": AMOUNT,
    "expected_base": AMOUNT,
    "difference_base": AMOUNT,
}


class Check:
    """Reads the balances of accounts, and walks each of them."""

    def __init__(
        self,
        making: Making,
        scope: Scope,
        found: Movements,
        rows: Sequence[Row],
        first: pd.Timestamp,
        last: pd.Timestamp,
        tolerance: int,
        reading: Reading | None,
    ) -> None:
        self._scope, self._found, self._rows = scope, found, rows
        self._first, self._last, self._tolerance = first, last, tolerance
        moving = {row["account_id"] for row in found.moved if row["date"] is not None and first <= row["date"] < last}
        held = [one for one in scope.accounts if scope.holds(one)]
        self.accounts = sorted(one for one in held if one in moving or not _is_later(scope.accounts[one], last))
        if len(self.accounts) < len(held):
            making.note(f"{counted(len(held) - len(self.accounts), 'account')} created after the period: left out.")
        self._now = making.now
        # The day of `last` is not over: no value of it can be the closing balance.
        self._open = last > self._now.normalize()
        self._days = read_days(making, self.accounts, first - DAY, min(last, self._now))
        self._reading = _decide(making, self._days, by_day(found.moved), reading)
        # After the movements: what arrives in between is told from a break by the balance before them.
        self._held = _balances_now(making, self.accounts) if self._open else {}
        self._moved: dict[int, list[tuple[pd.Timestamp, int]]] = defaultdict(list)
        for row in found.moved:
            if row["unit_of"][0] != "light" and row["block_time"] is not None and first <= row["block_time"]:
                self._moved[row["account_id"]].append((row["block_time"], row["amount_base"]))

    def tables(self, scales: Scales, inside: Sequence[Row]) -> tuple[list[Row], list[Row], list[Row]]:
        """Return the rows of accounts, breaks and days."""
        of_account: dict[int, list[Row]] = defaultdict(list)
        light: dict[tuple[int, Any, Any], list[Row]] = defaultdict(list)
        for row in inside:
            if row["unit_of"][0] == "light":
                light[row["account_id"], row["currency"], row["contract_address"]].append(row)
            else:
                of_account[row["account_id"]].append(row)
        accounts, breaks, days = [], [], []
        for account in self.accounts:
            row, walked = self._one(account, of_account[account])
            unit = scales.of((False, account))
            magnitude = None if unit is None else unit.magnitude
            row["ticker"] = ticker = None if unit is None else unit.code
            _show(row, AMOUNTS, magnitude)
            accounts.append(row)
            shared = {"account_id": account, "account_name": row["account_name"], "ticker": ticker}
            for one, said in self._explained(account, walked.breaks):
                its = {
                    **shared,
                    **said,
                    "first_day": one.first_day,
                    "last_day": one.last_day,
                    "size_base": one.size,
                    "difference_base": one.level,
                }
                _show(its, ("size", "difference"), magnitude)
                breaks.append(its)
            for moment, balance, expected in walked.steps if walked.breaks else ():
                step = {**shared, "moment": moment, "balance_base": balance, "expected_base": expected}
                step["difference_base"] = balance - expected
                _show(step, ("balance", "expected", "difference"), magnitude)
                days.append(step)
        accounts += [_light(key, group) for key, group in sorted(light.items(), key=lambda one: str(one[0]))]
        return accounts, breaks, days

    def _one(self, account: int, inside: Sequence[Row]) -> tuple[Row, Walk]:
        facts, days = self._scope.accounts[account], self._days[account]
        known = {
            moment: value
            for moment, value in moments(days, self._reading, self._now).items()
            if self._first <= moment <= self._last
        }
        reasons = []
        if days.error is not None:
            reasons.append(f"no balances by day: {days.error}")
        if days.contradicted:
            reasons.append(f"several values for {counted(len(days.contradicted), 'day')}")
        created = facts["created_on"]
        if self._first not in known:
            if created is not None and created >= self._first:
                known[self._first] = 0
                reasons.append(f"opening taken as 0: created on {created:%Y-%m-%d}")
            elif days.error is None:
                reasons.append("no opening balance: the service has no value for that day")
        if self._open:
            self._close_now(account, facts["balance"], known, reasons)
        elif self._last not in known and days.error is None:
            reasons.append("no closing balance: the service has no value for that day")
        walked = walk(known, sorted(self._moved[account]), self._tolerance)
        row = self._row(account, facts, days, known, walked, inside)
        row["reason"] = "; ".join(reasons) or None
        return row, walked

    def _close_now(self, account: int, before: Any, known: dict[pd.Timestamp, int], reasons: list[str]) -> None:
        """Take what the account holds now for the closing balance, unless it moved while it was read."""
        after = self._held.get(account)
        if not isinstance(after, int):
            reasons.append("no balance now")
        elif before != after:
            reasons.append(f"no closing balance: it went from {before} to {after} base units while it was read")
        else:
            known[self._last] = after

    def _row(
        self,
        account: int,
        facts: Row,
        days: Days,
        known: Mapping[pd.Timestamp, int],
        walked: Walk,
        inside: Sequence[Row],
    ) -> Row:
        sums = add_up(inside)
        opening, closing = known.get(self._first), known.get(self._last)
        expected = None if opening is None else opening + sums["net_base"]
        difference = None if expected is None or closing is None else closing - expected
        whole = opening is not None and closing is not None
        if walked.breaks:
            ends = abs(walked.steps[-1][1] - walked.steps[-1][2])
            status = BROKEN if ends > self._tolerance else CANCEL
        elif len(walked.steps) < 2:
            status = UNKNOWN
        else:
            status = RECONCILES if whole else IN_PART
        within = {day for day in days.missing if self._first - DAY <= day < self._last}
        return {
            "account_id": account,
            "account_name": facts["name"],
            "status": status,
            "currency": facts["currency"],
            "contract_address": facts["contract_address"],
            "opening_base": opening,
            **{f"{name}_base": sums[f"{name}_base"] for name in ("received", "sent", "fees")},
            "expected_base": expected,
            "closing_base": closing,
            "difference_base": difference,
            "breaks": len(walked.breaks),
            "first_break": walked.breaks[0].first_day if walked.breaks else None,
            "checked_from": walked.steps[0][0] if walked.steps else None,
            "checked_until": walked.steps[-1][0] if len(walked.steps) > 1 else None,
            "days_known": sum(self._first - DAY <= day < self._last for day in days.values),
            "days_missing": len(within),
            "movements": sums["movements"],
        }

    def _explained(self, account: int, breaks: Sequence[Break]) -> list[tuple[Break, Row]]:
        return explain(account, breaks, self._found, self._rows, self._last if self._open else None)


def _decide(making: Making, days: Mapping[int, Days], moved: Mapping[int, Any], asked: Reading | None) -> Reading:
    """Choose what the value of a day is, as asked or by what fits the movements, and say so."""
    end, start = evidence(days, moved)
    reading: Reading = asked or ("start" if start > end else "end")
    fits, other = (end, start) if reading == "end" else (start, end)
    tells = f"{fits:,} of the days that can tell fit that alone, {other:,} the other alone"
    if asked is not None:
        why = f"it is as you asked; {tells}" if fits + other else "it is as you asked; no day tells"
    elif fits == other:
        why = f"it is assumed: {tells}" if fits else "it is assumed: no day tells"
    else:
        why = tells
    making.note(
        f"The value of a day is read as the balance at the {reading} of the day in UTC. The contract does not say "
        f"which; {why}."
    )
    return reading


def _is_later(facts: Row, last: pd.Timestamp) -> bool:
    return facts["created_on"] is not None and bool(facts["created_on"] >= last)


def _balances_now(making: Making, accounts: Sequence[int]) -> dict[int, Any]:
    """Return what accounts hold at this moment; those of Solana name no total, so the list of accounts tells it."""
    if not accounts:
        return {}
    held = making.part("what accounts hold now", lambda: making.session.accounts.balances(list(accounts)))
    totals = {row["account_id"]: row["total"] for row in records(held)}
    if any(totals.get(account) is None for account in accounts):
        listed = {row["id"]: row["balance"] for row in records(making.session.accounts.search())}
        totals |= {account: listed.get(account) for account in accounts if totals.get(account) is None}
    return totals


def _show(row: Row, names: Sequence[str], magnitude: int | None) -> None:
    for name in names:
        value = row[f"{name}_base"]
        row[name] = None if value is None or magnitude is None else to_display(value, magnitude)


def _light(key: tuple[int, Any, Any], group: Sequence[Row]) -> Row:
    """Return the row of a token of Solana: it moved, and no call tells its balance by day."""
    account, currency, contract = key
    sums = add_up(group)
    return {
        "account_id": account,
        "account_name": group[0]["account_name"],
        "status": UNKNOWN,
        "reason": "the service has no balances by day of tokens under an account",
        "currency": currency,
        "contract_address": contract,
        **{name: sums[name] for name in ("received", "sent", "fees", "ticker")},
        **{f"{name}_base": sums[f"{name}_base"] for name in ("received", "sent", "fees")},
        "breaks": 0,
        "movements": sums["movements"],
    }
