"""Compliance: transactions that were rated as risky, their counterparties, and what was not rated at all."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Many, Time
from ledgerkit.frames import AMOUNT, FLAG, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.compliance_charts import draw_counterparties, draw_months
from ledgerkit.reports.making import Making
from ledgerkit.reports.report import Report
from ledgerkit.reports.screening import MOST_ADDRESSES, PROVIDER, Screened, one_address, rank, screen
from ledgerkit.reports.tabled import records, scaled, tabled
from ledgerkit.session import Session
from ledgerkit.showing import visible
from ledgerkit.states import STATES

# What neither scale has is an alert too: it may be worse than all that is known.
SERVICE: Final = ("LOW", "MEDIUM", "HIGH")
PENDING: Final = "sent to the provider, no score yet"
NOT_SCORED: Final = "not scored"
IN, OUT, OTHER = "in", "out", "other"
NOT_ASKED: Final = "not asked"
_OUTCOMES: Final = {"done": "happened", "waiting": "under way", "refused": "did not happen"}
# What is read of a transaction: a workspace can have hundreds of thousands, and a frame of them 80 columns.
_READ: Final = (
    "id",
    "account_id",
    "account_name",
    "type",
    "status",
    "currency",
    "amount",
    "amount_display",
    "ticker",
    "recipient",
    "senders",
    "tx_hash",
    "created_on",
    "compliance_registration_ids_chainalysis",
    "compliance_risk_provider_details_chainalysis",
    "compliance_risk_risk",
)
ALERTS: Final = {
    "transaction_id": INTEGER,
    "created_on": TIME,
    "severity": TEXT,
    "why": TEXT,
    "status": TEXT,
    "outcome": TEXT,
    "direction": TEXT,
    "account_id": INTEGER,
    "account_name": TEXT,
    "amount": NUMBER,
    "ticker": TEXT,
    "amount_base": AMOUNT,
    "counterparty": TEXT,
    "counterparties": INTEGER,
    "risk": TEXT,
    "provider_risk": TEXT,
    "services": TEXT,
    "type": TEXT,
    "currency": TEXT,
    "tx_hash": TEXT,
}
DETAILS: Final = {
    "transaction_id": INTEGER,
    "risk": TEXT,
    "exposure_type": TEXT,
    "category_id": INTEGER,
    "service": TEXT,
    "value": NUMBER,
    "provider_id": TEXT,
}
BY_ACCOUNT: Final = {
    "account_id": INTEGER,
    "account_name": TEXT,
    "ticker": TEXT,
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
    "sanctions": TEXT,
    "risk": TEXT,
    "provider_risk": TEXT,
    "reason": TEXT,
    "checked": TEXT,
}
SCORES: Final = {"score": TEXT, "transactions": INTEGER, "incoming": INTEGER, "outgoing": INTEGER, "other": INTEGER}
MONTHS: Final = {"month": TEXT, "severity": TEXT, "alerts": INTEGER}


def compliance(
    session: Session,
    start: Time,
    end: Time | None = None,
    *,
    account: Many[int] | None = None,
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
        Ids of accounts; by default all.
    addresses
        Whether to ask for risk and sanctions of counterparties, at most 100 of them, or how many at most: those of
        alerts first, then those of most transactions. Each is two calls.

    Returns
    -------
    Report
        ``alerts``: one row for each such transaction, newest first, with ``severity``, ``why``, ``outcome`` (of its
        ``status``), ``direction``, ``amount`` (exact Decimal, with ``ticker``) and ``counterparty``;
        ``by_account``; ``counterparties``: one row for each address and asset of the period, those under sanctions
        first, ``sanctioned`` and ``risk`` missing where ``checked`` says that it was not asked or refused;
        ``provider_details``: what the provider says of each alert; ``scores``: how many transactions have which
        score, and how many none; ``months``: alerts by month (UTC) and severity. Sums are of CONFIRMED transactions
        alone. ``*_base`` are ints of base units.
        Charts: ``alerts``, ``counterparties``.

    Raises
    ------
    InvalidRequest
        The period or a filter can't be used.

    Notes
    -----
    ``GET /transactions``, ``GET /accounts``, ``GET /compliance/address-risk/{address}``,
    ``GET /compliance/sanctions/{address}``.
    """
    most = _most(addresses)
    with Making.of(session, start=start, end=end, account=account, addresses=addresses) as making:
        first, last = making.period(start, end)
        found = session.transactions.search(account=account, created_after=first, created_before=last)
        transactions = records(session.with_names(session.to_display(found, ["amount"]))[list(_READ)])
        for row in transactions:
            row |= _rated(row)
        alerts = [row for row in transactions if row["severity"]]
        counterparties = _counterparties(session, transactions, making, most)
        months = _months(alerts, first, last)
        _explain(making, transactions, alerts)
        tables = {
            "alerts": tabled(ALERTS, map(_alert, alerts)),
            "by_account": _by_account(session, alerts),
            "counterparties": counterparties,
            "provider_details": tabled(DETAILS, (detail for row in alerts for detail in _details(row))),
            "scores": _scores(transactions),
            "months": months,
        }
        return making.report(
            "Compliance alerts",
            tables,
            {
                "alerts": lambda: draw_months(tables["months"]),
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


# One transaction


def _rated(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a transaction is to compliance."""
    details = row["compliance_risk_provider_details_chainalysis"] or []
    service = row["compliance_risk_risk"]
    provider = [str(one["risk"]) for one in details if isinstance(one, dict) and one.get("risk")]
    odd = ([] if service is None or service.upper() in SERVICE else [service]) + [
        one for one in provider if one.upper() not in PROVIDER
    ]
    known = [one for one in provider if one.upper() in PROVIDER]
    worst = max(known, key=lambda one: PROVIDER.index(one.upper()), default=None)
    why = []
    if service is not None and service.upper() == "HIGH":
        why.append(f"the service says {service}")
    if worst is not None and worst.upper() in ("HIGH", "SEVERE"):
        why.append(f"the provider says {worst}")
    why += [f"a rating that is not documented: {one}" for one in dict.fromkeys(odd)]
    severity = "SEVERE" if (worst or "").upper() == "SEVERE" else odd[0] if odd else "HIGH" if why else None
    return {
        "severity": severity,
        "why": "; ".join(why),
        "score": service or _unscored(row, provider),
        "provider_risk": ", ".join(dict.fromkeys([*([worst] if worst else []), *odd_of(provider)])) or None,
        "direction": _direction(row["type"]),
        "others": _others(row),
        "moved": row["status"] == "CONFIRMED" and isinstance(row["amount"], int),
    }


def odd_of(provider: Iterable[str]) -> list[str]:
    """Return the ratings that the provider's scale does not have."""
    return [one for one in provider if one.upper() not in PROVIDER]


def _unscored(row: Mapping[str, Any], provider: list[str]) -> str:
    if provider:
        return "rated by the provider alone"
    return PENDING if row["compliance_registration_ids_chainalysis"] else NOT_SCORED


def _direction(kind: str | None) -> str:
    if kind is None:
        return OTHER
    if kind.startswith("RECEIVE") or kind == "REWARD":
        return IN
    return OUT if kind.startswith("SEND") or kind in ("EXECUTE_CONTRACT", "DEPLOY_CONTRACT") else OTHER


def _others(row: Mapping[str, Any]) -> list[str]:
    """Return the addresses at the other end; every spelling of one stands once."""
    if _direction(row["type"]) == IN:
        named = [one for one in row["senders"] or [] if isinstance(one, str) and one]
    else:
        named = [row["recipient"]] if row["recipient"] else []
    return list({one_address(one): one for one in reversed(named)}.values())[::-1]


def _alert(row: Mapping[str, Any]) -> dict[str, Any]:
    others, details = row["others"], row["compliance_risk_provider_details_chainalysis"] or []
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    services = [str(one["service"]) for one in details if isinstance(one, dict) and one.get("service")]
    return {
        **row,
        "transaction_id": row["id"],
        "outcome": _OUTCOMES.get(STATES.get(row["status"] or "", ""), "see status"),
        "amount": row["amount_display"],
        "amount_base": row["amount"],
        "counterparty": shown or None,
        "counterparties": len(others),
        "risk": row["compliance_risk_risk"],
        "services": ", ".join(dict.fromkeys(services)) or None,
    }


def _details(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = row["compliance_risk_provider_details_chainalysis"] or []
    return [{"transaction_id": row["id"], **one} for one in listed if isinstance(one, dict)]


# Many transactions


def _by_account(session: Session, alerts: list[dict[str, Any]]) -> pd.DataFrame:
    sums: dict[Any, dict[str, Any]] = {}
    for row in alerts:
        entry = sums.setdefault(
            row["account_id"],
            {
                "account_id": row["account_id"],
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
    return scaled(session, BY_ACCOUNT, rows, "amount_in", "amount_out")


def _counterparties(session: Session, transactions: list[dict[str, Any]], making: Making, most: int) -> pd.DataFrame:
    contracts = {
        row["id"]: row["contract_address"] for row in records(session.accounts.search()[["id", "contract_address"]])
    }
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    order: dict[str, list[Any]] = {}
    for row in transactions:
        contract = contracts.get(row["account_id"])
        for address in row["others"]:
            key = one_address(address)
            entry = sums.setdefault(
                (key, row["currency"], contract, row["account_id"] if row["ticker"] is None else None),
                {
                    "address": address,
                    "currency": row["currency"],
                    "contract_address": contract,
                    "account_id": row["account_id"],
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
            f"{shared:,} transactions have several senders: each of them counts there with the whole amount, and "
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
    return scaled(session, COUNTERPARTIES, rows, "amount_in", "amount_out")


def _screening(address: str, screened: Screened) -> dict[str, Any]:
    key = one_address(address)
    risk, sanctions = screened.risk.get(key, {}), screened.sanctions.get(key, {})
    listed = [one for one in sanctions.get("provider_details") or [] if isinstance(one, dict)]
    said = [
        f"{what}: {row.get('error')}" if row.get("error") else f"{what} asked" if row else f"{what} {NOT_ASKED}"
        for what, row in (("risk", risk), ("sanctions", sanctions))
    ]
    return {
        "sanctioned": sanctions.get("has_sanctions"),
        "sanctions": "; ".join(str(one.get("name")) for one in listed) or None,
        "risk": risk.get("risk"),
        "provider_risk": risk.get("provider_details_risk"),
        "reason": risk.get("provider_details_reason"),
        "checked": NOT_ASKED if not risk and not sanctions else "; ".join(said),
    }


def _scores(transactions: list[dict[str, Any]]) -> pd.DataFrame:
    counted = {score: {IN: 0, OUT: 0, OTHER: 0} for score in (*reversed(SERVICE), PENDING, NOT_SCORED)}
    for row in transactions:
        counted.setdefault(row["score"], {IN: 0, OUT: 0, OTHER: 0})[row["direction"]] += 1
    return tabled(
        SCORES,
        [
            {
                "score": score,
                "transactions": sum(counts.values()),
                "incoming": counts[IN],
                "outgoing": counts[OUT],
                "other": counts[OTHER],
            }
            for score, counts in counted.items()
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
    # The end is not in the period: one that ends with a month has no row of the next.
    months = pd.period_range(f"{first:%Y-%m}", f"{last - pd.Timedelta('1us'):%Y-%m}", freq="M")
    return tabled(
        MONTHS,
        [
            {"month": str(month), "severity": severity, "alerts": counts.get((str(month), severity), 0)}
            for month in months
            for severity in severities
        ],
    )


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
        making.note(f"{pending:,} were sent to the provider and have no score yet.")
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
    if any(row["direction"] == OTHER for row in alerts):
        making.note("Alerts of direction `other` (neither a payment in nor out) are not in sums of amounts.")
    making.note(
        "Scores are those of now: the service may change them later, and says neither when it made one nor who "
        "looked at it. `value` of provider_details is the provider's; its unit is not documented."
    )
