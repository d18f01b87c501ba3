"""Compliance: transactions that were rated as risky, their counterparties, and what was not rated at all."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit.coins import TOKEN_MINT
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Many, Time
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.choosing import as_asked, chosen_ids, told
from ledgerkit.reports.compliance_charts import (
    CLEAR,
    LISTED,
    NO_ANSWER,
    NOT_ASKED,
    draw_counterparties,
    draw_months,
)
from ledgerkit.reports.making import Making
from ledgerkit.reports.rated import (
    ALERTS,
    DETAILS,
    IN,
    NOT_SCORED,
    OTHER,
    OUT,
    PENDING,
    SERVICE,
    alert_of,
    details_of,
    displayed,
    rated_transactions,
)
from ledgerkit.reports.report import Report
from ledgerkit.reports.rows import counted, framed, records
from ledgerkit.reports.screening import MOST_ADDRESSES, Screened, one_address, rank, screen
from ledgerkit.session import Session
from ledgerkit.showing import visible

BY_ACCOUNT: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "ticker": TEXT,
    "contract_address": TEXT,
    "alerts": INTEGER,
    "not_confirmed": INTEGER,
    "amount_in": NUMBER,
    "amount_in_base": AMOUNT,
    "amount_out": NUMBER,
    "amount_out_base": AMOUNT,
}
COUNTERPARTIES: Final = {
    "address": TEXT,
    "currency": TEXT,
    "contract_address": TEXT,
    "ticker": TEXT,
    "alerts": INTEGER,
    "transactions": INTEGER,
    "shared": INTEGER,
    "amount_in": NUMBER,
    "amount_in_base": AMOUNT,
    "amount_out": NUMBER,
    "amount_out_base": AMOUNT,
    "last_on": TIME,
    "sanctioned": FLAG,
    "verdict": TEXT,
    "sanctions": TEXT,
    "risk": TEXT,
    "provider_risk": TEXT,
    "reason": TEXT,
    "checked": TEXT,
}
SCORES: Final = {"score": TEXT, "transactions": INTEGER, "incoming": INTEGER, "outgoing": INTEGER, "other": INTEGER}
MONTHS: Final = {"month": TEXT, "severity": TEXT, "alerts": INTEGER}
COVERAGE: Final = {
    "month": TEXT,
    "transactions": INTEGER,
    "scored": INTEGER,
    "pending": INTEGER,
    "not_scored": INTEGER,
    "alerts": INTEGER,
}


def compliance(
    session: Session,
    start: Time,
    end: Time | None = None,
    *,
    account: Many[int | str] | None = None,
    addresses: bool | int = True,
) -> Report:
    """Show the transactions of a period that were rated as risky, and with whom they were.

    An alert is a transaction that the service rates HIGH, that the provider rates High or Severe, or that one of them
    rates in a way that is not documented.

    Parameters
    ----------
    session
        Where it is read from.
    start, end
        The period: ``start`` is in it and ``end`` is not; None is now. A transaction belongs to it by its creation.
    account
        Ids or names of accounts; by default all.
    addresses
        Whether to ask for risk and sanctions of counterparties, at most 100 of them, or how many at most: those of
        alerts first, then those of most transactions. Each is two calls.

    Returns
    -------
    Report
        ``alerts``: one row for each such transaction, newest first, with ``severity``, ``why``, ``outcome`` (of its
        ``status``), ``direction``, ``amount`` (exact Decimal, with ``ticker`` and ``contract_address``) and
        ``counterparty``;
        ``by_account``: one row for each account and asset of alerts; ``counterparties``: one row for each address and
        asset of the period, those under sanctions first, ``sanctioned`` and ``risk`` missing where ``verdict`` and
        ``checked`` say that it was not asked or refused; ``provider_details``: what the provider says of each alert;
        ``scores``: how many transactions have which score, and how many none; ``months``: alerts by month (UTC) and
        severity; ``coverage``: how many transactions of each month have a score at all. Sums are of CONFIRMED
        transactions alone, each of one asset: ``contract_address`` is the contract or mint of a token.
        ``*_base`` are ints of base units. Charts: ``alerts``, ``counterparties``.

    Raises
    ------
    InvalidRequest
        The period or a filter can't be used.
    NotFound
        An account is not visible to these credentials.

    Notes
    -----
    ``GET /transactions``, ``GET /accounts``, ``GET /accounts/{id}/currency``,
    ``GET /currencies/{currency}/tokens/{contract}``, ``GET /compliance/address-risk/{address}``,
    ``GET /compliance/sanctions/{address}``.
    """
    most, asked = _most(addresses), as_asked(account)
    with Making.of(session, start=start, end=end, account=told(asked), addresses=addresses) as making:
        first, last = making.period(start, end)
        accounts = session.accounts.search()
        ids = None if asked is None else chosen_ids(accounts, asked, "account")
        found = session.transactions.search(account=ids, created_after=first, created_before=last)
        transactions = rated_transactions(making, found, accounts)
        alerts = [row for row in transactions if row["severity"]]
        tables = {
            "alerts": framed(ALERTS, map(alert_of, alerts)),
            "by_account": _by_account(making, alerts),
            "counterparties": _counterparties(making, transactions, most),
            "provider_details": framed(DETAILS, (detail for row in alerts for detail in details_of(row))),
            "scores": _scores(transactions),
            "months": _months(alerts, first, last),
            "coverage": _coverage(transactions, first, last),
        }
        _explain(making, transactions, alerts)
        return making.report(
            "Compliance alerts",
            tables,
            {
                "alerts": lambda: draw_months(tables["months"], tables["coverage"]),
                "counterparties": lambda: draw_counterparties(tables["counterparties"]),
            },
        )


def _most(addresses: Any) -> int:
    if isinstance(addresses, bool):
        return MOST_ADDRESSES if addresses else 0
    if isinstance(addresses, int) and addresses >= 0:
        return addresses
    raise InvalidRequest(
        f"`addresses` = {shorten(addresses)}: it is True, False, or how many addresses to ask for at most.",
        field="addresses",
    )


def _by_account(making: Making, alerts: list[dict[str, Any]]) -> pd.DataFrame:
    sums: dict[Any, dict[str, Any]] = {}
    for row in alerts:
        entry = sums.setdefault(
            (row["account_id"], row["asset"]),
            {
                **_moved(row),
                "account_name": row["account_name"],
                "alerts": 0,
                "not_confirmed": 0,
                "amount_in_base": 0,
                "amount_out_base": 0,
            },
        )
        entry["alerts"] += 1
        if not row["moved"]:
            entry["not_confirmed"] += 1
        elif row["direction"] in (IN, OUT):
            entry[f"amount_{row['direction']}_base"] += row["amount"]
    rows = sorted(sums.values(), key=lambda entry: (-entry["alerts"], entry["account_id"] or 0))
    return _scaled(making, BY_ACCOUNT, rows)


def _moved(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells the unit of an amount."""
    return {name: row.get(name) for name in ("account_id", "type", "currency", TOKEN_MINT, "contract_address")}


def _scaled(making: Making, kinds: Mapping[str, str], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a frame of sums in the unit of what each is a sum of, beside those in base units."""
    names = ("amount_in", "amount_out")
    told_by = {"account_id": INTEGER, "type": TEXT, "currency": TEXT, TOKEN_MINT: TEXT}
    base = framed({**told_by, **{f"{name}_base": AMOUNT for name in names}}, rows)
    shown = records(displayed(making, base, {f"{name}_base": "amount" for name in names}))
    return framed(
        kinds,
        [
            {**row, "ticker": one["ticker"], **{name: one[f"{name}_base_display"] for name in names}}
            for row, one in zip(rows, shown, strict=True)
        ],
    )


def _counterparties(making: Making, transactions: list[dict[str, Any]], most: int) -> pd.DataFrame:
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    order: dict[str, list[Any]] = {}
    for row in transactions:
        for address in row["others"]:
            key = one_address(address)
            entry = sums.setdefault(
                (key, row["asset"]),
                {
                    **_moved(row),
                    "address": address,
                    **dict.fromkeys(("alerts", "transactions", "shared", "amount_in_base", "amount_out_base"), 0),
                    "last_on": row["created_on"],
                },
            )
            entry["transactions"] += 1
            entry["alerts"] += bool(row["severity"])
            entry["shared"] += len(row["others"]) > 1
            entry["last_on"] = max(filter(None, (entry["last_on"], row["created_on"])), default=None)
            if row["moved"] and row["direction"] in (IN, OUT):
                entry[f"amount_{row['direction']}_base"] += row["amount"]
            place = order.setdefault(key, [0, 0, address])
            place[0] -= bool(row["severity"])
            place[1] -= 1
    ranked = [address for _, _, address in sorted(order.values())]
    screened = screen(making, ranked[:most]) if most and ranked else Screened()
    if most and len(ranked) > most:
        making.note(
            f"Risk and sanctions were asked for {most:,} of {len(ranked):,} counterparties, those of alerts first; "
            "`addresses` takes a higher number. `checked` says which."
        )
    elif not most:
        making.note("Risk and sanctions of counterparties were not asked.")
    if shared := sum(1 for row in transactions if len(row["others"]) > 1):
        making.note(
            f"{counted(shared, 'transaction')} with several senders: each sender counts with the whole amount, and "
            "`shared` says in how many. Do not add up amounts of counterparties."
        )
    rows = [entry | _screening(entry["address"], screened) for entry in sums.values()]
    rows.sort(
        key=lambda entry: (
            entry["sanctioned"] is not True,
            -rank(entry["provider_risk"], entry["risk"]),
            -entry["alerts"],
            -entry["transactions"],
            entry["address"],
        )
    )
    return _scaled(making, COUNTERPARTIES, rows)


def _screening(address: str, screened: Screened) -> dict[str, Any]:
    key = one_address(address)
    risk, sanctions = screened.risk.get(key, {}), screened.sanctions.get(key, {})
    listed = [one for one in sanctions.get("provider_details") or [] if isinstance(one, dict)]
    said = [
        f"{what}: {row.get('error')}" if row.get("error") else f"{what} asked" if row else f"{what} {NOT_ASKED}"
        for what, row in (("risk", risk), ("sanctions", sanctions))
    ]
    verdict = {True: LISTED, False: CLEAR}.get(sanctions.get("has_sanctions"), NO_ANSWER)  # type: ignore[arg-type]  # None has no verdict
    return {
        "sanctioned": sanctions.get("has_sanctions"),
        "verdict": verdict if sanctions else NOT_ASKED,
        "sanctions": "; ".join(str(one.get("name")) for one in listed) or None,
        "risk": risk.get("risk"),
        "provider_risk": risk.get("provider_details_risk"),
        "reason": risk.get("provider_details_reason"),
        "checked": NOT_ASKED if not risk and not sanctions else "; ".join(said),
    }


def _scores(transactions: list[dict[str, Any]]) -> pd.DataFrame:
    by_score = {score: {IN: 0, OUT: 0, OTHER: 0} for score in (*reversed(SERVICE), PENDING, NOT_SCORED)}
    for row in transactions:
        way = row["direction"] if row["direction"] in (IN, OUT) else OTHER
        by_score.setdefault(row["score"], {IN: 0, OUT: 0, OTHER: 0})[way] += 1
    return framed(
        SCORES,
        [
            {
                "score": score,
                "transactions": sum(counts.values()),
                "incoming": counts[IN],
                "outgoing": counts[OUT],
                "other": counts[OTHER],
            }
            for score, counts in by_score.items()
        ],
    )


def _months(alerts: list[dict[str, Any]], first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    counts: dict[tuple[str, str], int] = {}
    for row in alerts:
        if row["created_on"] is None:
            continue
        key = (f"{row['created_on']:%Y-%m}", row["severity"])
        counts[key] = counts.get(key, 0) + 1
    severities = sorted({row["severity"] for row in alerts} | {"HIGH", "SEVERE"}, key=lambda one: (-rank(one), one))
    return framed(
        MONTHS,
        [
            {"month": month, "severity": severity, "alerts": counts.get((month, severity), 0)}
            for month in _months_of(first, last)
            for severity in severities
        ],
    )


def _months_of(first: pd.Timestamp, last: pd.Timestamp) -> list[str]:
    # The end is not in the period: one that ends with a month has no row of the next.
    return [str(one) for one in pd.period_range(f"{first:%Y-%m}", f"{last - pd.Timedelta('1us'):%Y-%m}", freq="M")]


def _coverage(transactions: list[dict[str, Any]], first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Return how many transactions of each month have a score: no alert says little where little is scored."""
    counts = {month: dict.fromkeys(COVERAGE, 0) for month in _months_of(first, last)}
    for row in transactions:
        if row["created_on"] is None:
            continue
        entry = counts[f"{row['created_on']:%Y-%m}"]
        entry["transactions"] += 1
        entry["alerts"] += bool(row["severity"])
        entry[{PENDING: "pending", NOT_SCORED: "not_scored"}.get(row["score"], "scored")] += 1
    return framed(COVERAGE, [{**entry, "month": month} for month, entry in counts.items()])


def _explain(making: Making, transactions: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> None:
    total = len(transactions)
    none = sum(1 for row in transactions if row["score"] == NOT_SCORED)
    pending = sum(1 for row in transactions if row["score"] == PENDING)
    if none:
        making.note(
            f"{none:,} of {total:,} transactions have no score of any kind. Not scored is not the same as no risk: "
            "the service scores some chains and directions only, and only with a provider set up."
        )
    if pending:
        making.note(f"{counted(pending, 'transaction')} sent to the provider, with no score yet.")
    if not total:
        making.note("The period has no transactions that these credentials see.")
    elif none + pending == total:
        making.note("No transaction of the period has a score: perhaps no provider is set up, which the API hides.")
    if odd := sorted({row["severity"] for row in alerts if row["severity"] not in ("HIGH", "SEVERE")}):
        making.note(
            f"Ratings that are not documented: {', '.join(visible(shorten(one)) for one in odd)}. They are shown as "
            "alerts; what they mean is not guessed."
        )
    if unnamed := sum(1 for row in alerts if not row["others"]):
        making.note(f"{unnamed:,} alerts name no address at the other end.")
    if unmoved := sum(1 for row in alerts if not row["moved"]):
        making.note(
            f"{unmoved:,} alerts are not confirmed or have no whole amount: they count as alerts, and not in amounts."
        )
    if undated := sum(1 for row in alerts if row["created_on"] is None):
        making.note(f"{undated:,} alerts have no date: they are in `alerts`, and in no month.")
    if any(row["direction"] not in (IN, OUT) for row in alerts):
        making.note("Alerts of other directions than `in` and `out` are not in sums of amounts.")
    making.note(
        "Scores are those of now: the service may change them later, and says neither when it made one nor who "
        "looked at it. `value` of provider_details is the provider's; its unit is not documented."
    )
