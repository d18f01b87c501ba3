"""A transaction as compliance sees it: whether it is an alert, with whom it is, and what it moves."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.directions import direction
from ledgerkit.frames import AMOUNT, INTEGER, NUMBER, TEXT, TIME
from ledgerkit.reports.making import Making
from ledgerkit.reports.rows import counted, records
from ledgerkit.reports.screening import PROVIDER, one_address
from ledgerkit.states import STATES

# What neither scale has is an alert too: it may be worse than all that is known.
SERVICE: Final = ("LOW", "MEDIUM", "HIGH")
PENDING: Final = "sent to the provider, no score yet"
NOT_SCORED: Final = "not scored"
IN, OUT, OTHER = "in", "out", "other"
_OUTCOMES: Final = {"done": "happened", "waiting": "under way", "refused": "did not happen"}
# What is read of a transaction: a workspace can have hundreds of thousands, and a frame of them 80 columns.
_READ: Final = (
    "id",
    "account_id",
    "account_name",
    "type",
    "status",
    "currency",
    TOKEN_MINT,
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
DETAILS: Final = {
    "transaction_id": INTEGER,
    "risk": TEXT,
    "exposure_type": TEXT,
    "category_id": INTEGER,
    "service": TEXT,
    "value": NUMBER,
    "provider_id": TEXT,
}
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
    "contract_address": TEXT,
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


def rated_transactions(making: Making, found: pd.DataFrame, accounts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return transactions with what they are to compliance, and what it is that each moves."""
    named = making.named(displayed(making, found, {"amount": "amount"}), "account_id")
    contracts = dict(zip(accounts["id"].tolist(), accounts["contract_address"].tolist(), strict=True))
    rows = records(named[[name for name in _READ if name in named.columns]])
    for row in rows:
        row |= _rated(row) | _asset(row, contracts)
    if unknown := sum(1 for row in rows if row["amount"] is not None and row["amount_display"] is None):
        making.note(
            f"{counted(unknown, 'transaction')} with an amount whose unit is not known: shown in base units alone, "
            "and in a sum only with those of the same account and token."
        )
    return rows


def displayed(making: Making, frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame with amounts in the unit of what each row moves; without them, and a note, where none is had."""
    shown = making.part("amounts in units other than base units", lambda: making.session.to_display(frame, columns))
    if shown is None:
        return frame.assign(ticker=None, **{f"{name}_display": None for name in columns})
    return shown


def _asset(row: Mapping[str, Any], contracts: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what a transaction moves: a token of Solana is moved by the account of the coin."""
    of_token = counts_a_token(row["type"])
    contract = row.get(TOKEN_MINT) if of_token else contracts.get(row["account_id"])
    contract = contract if isinstance(contract, str) else None
    # What can't be told to be one asset is not added up: neither tokens without a mint, nor accounts without a unit.
    alone: tuple[Any, ...] = ()
    if of_token and contract is None:
        alone = (row["id"],)
    elif row["ticker"] is None or row["account_id"] not in contracts:
        alone = (row["account_id"],)
    key = (row["currency"], of_token, one_address(contract) if contract else None, row["ticker"], alone)
    return {"contract_address": contract, "asset": key}


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
        "provider_risk": ", ".join(dict.fromkeys([*([worst] if worst else []), *_odd_of(provider)])) or None,
        "direction": direction(row["type"]) or OTHER,
        "others": _others(row),
        "moved": row["status"] == "CONFIRMED" and isinstance(row["amount"], int),
    }


def _odd_of(provider: Iterable[str]) -> list[str]:
    """Return the ratings that the provider's scale does not have."""
    return [one for one in provider if one.upper() not in PROVIDER]


def _unscored(row: Mapping[str, Any], provider: list[str]) -> str:
    if provider:
        return "rated by the provider alone"
    return PENDING if row["compliance_registration_ids_chainalysis"] else NOT_SCORED


def _others(row: Mapping[str, Any]) -> list[str]:
    """Return the addresses at the other end; every spelling of one stands once."""
    if direction(row["type"]) == IN:
        named = [one for one in row["senders"] or [] if isinstance(one, str) and one]
    else:
        named = [row["recipient"]] if row["recipient"] else []
    return list({one_address(one): one for one in reversed(named)}.values())[::-1]


def alert_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of an alert."""
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


def details_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the provider says of a transaction, a row for each exposure."""
    listed = row["compliance_risk_provider_details_chainalysis"] or []
    return [{"transaction_id": row["id"], **one} for one in listed if isinstance(one, dict)]
