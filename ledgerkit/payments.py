"""A payment as people say it, made into what the API takes: account, kind, base units, fees, and what to look at."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import same_address
from ledgerkit.amounts import display_unit, read_amount
from ledgerkit.checks import (
    active,
    address_of,
    balance,
    covers,
    estimated,
    fees,
    look_alike,
    share_of_balance,
    shown,
    units_of_coin,
)
from ledgerkit.connection import Connection
from ledgerkit.drafts import Check
from ledgerkit.errors import (
    ContractViolation,
    InvalidRequest,
    shorten,
)
from ledgerkit.lookups import Lookups
from ledgerkit.operations import ESTIMATE, FAMILIES, REQUEST_CREATION, check_family, families
from ledgerkit.payloads import KINDS, Note, Payload, Speed, Transaction
from ledgerkit.payloads.parts import Part
from ledgerkit.rules import rules

# The kind of a plain payment, by type of account. The others have none in the documented bodies: Cosmos, Near,
# Generic, and TRC-20, whose body could be that of Tron or of Ethereum.
SENDS: Final = {
    "Bep20": "ETHEREUM_LIKE_SEND",
    "Bitcoin": "BITCOIN_LIKE_SEND",
    "Cardano": "CARDANO_LIKE_SEND",
    "Erc20": "ETHEREUM_LIKE_SEND",
    "Ethereum": "ETHEREUM_LIKE_SEND",
    "Polkadot": "POLKADOT_LIKE_SEND",
    "Polygon": "ETHEREUM_LIKE_SEND",
    "Ripple": "RIPPLE_LIKE_SEND",
    "Solana": "SOLANA_LIKE_SEND",
    "Stellar": "STELLAR_LIKE_SEND",
    "Tezos": "TEZOS_LIKE_SEND",
    "Tron": "TRON_LIKE_SEND",
}
# What no payment of this kind carries.
WITHOUT_FEES: Final = ("SOLANA_LIKE_", "POLKADOT_LIKE_")
_TOKENS: Final = frozenset({"Bep20", "Erc20"})
# Transactions in these states move nothing, nor do those that failed, in whatever way.
_UNDONE: Final = frozenset({"DROPPED", "REJECTED"})


@dataclass(frozen=True)
class Payment:
    """A payment that was looked at from all sides."""

    payload: Transaction
    facts: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]


def prepare(
    lookups: Lookups,
    account: int | str,
    recipient: str,
    amount: str | Decimal | int,
    *,
    max_fees: str | Decimal | int | None,
    fees_strategy: Any,
    note: Note | None,
    search: Callable[..., pd.DataFrame],
    again: bool = False,
    **fields: Any,
) -> Payment:
    """Find the account, pick the kind, fill in what the API wants beside it, estimate fees, and check.

    Parameters
    ----------
    account
        Its id, or its name.
    search
        ``session.transactions.search``: the same payment may have been made already.
    again
        That a second one is meant, then.
    **fields
        What only some kinds take: ``memo``, ``tag``, ``token_mint``, ``max_priority_fee``.
    """
    source = lookups.account(account)
    account_id, name = int(source["id"]), str(source["name"])
    kind = _kind(source, fields)
    own, of_fees = lookups.units(account_id)
    if "token_mint" in fields:
        own = []  # those of the account are SOL's; the API has no call for the units of a mint
    base, written = read_amount(amount, own)
    if base == 0:
        raise InvalidRequest("`amount` = 0 can't be used: a payment of nothing would cost fees.", field="amount")
    build = KINDS[kind]
    common: dict[str, Any] = {
        "account_id": account_id,
        "account_name": name,
        "amount": base,
        "currency": str(source["currency"]),
        "recipient": recipient,
        "note": note,
        **fields,
    }
    if source["type"] in _TOKENS:
        common["contract_address"] = source["contract_address"]
    pays_fees = not kind.startswith(WITHOUT_FEES)
    if pays_fees:
        common |= {"max_fees": 0, "fees_strategy": fees_strategy or Speed("NORMAL")}
    elif max_fees is not None or fees_strategy is not None:
        raise InvalidRequest(
            f"`max_fees` and the speed can't be used: a {kind} has neither. Solana takes `max_priority_fee`.",
            field="max_fees",
        )
    for field in fields:
        if field not in build.__struct_fields__:
            raise _not_taken(field, kind)
    payload = build(**common)

    asked = None if max_fees is None else read_amount(max_fees, of_fees, "max_fees")[0]
    answered = _estimate(lookups.connection, payload, needed=pays_fees and asked is None)
    cost = asked if asked is not None else None if isinstance(answered, Check) else answered
    if cost is not None and pays_fees:
        payload = payload.replace(max_fees=cost)
    given = payload.given()
    facts = (
        ("from", f"{name} (account {account_id}, {source['currency']})"),
        ("to", recipient),
        *((field, _said(given[field])) for field in ("tag", "memo") if field in given),
        ("amount", shown(base, own, written)),
        *_token(given, own),
        (
            "fees, at most" if pays_fees else "fees, estimated",
            "not known" if cost is None else shown(cost, of_fees),
        ),
    )
    pays_with_coin = source["type"] not in _TOKENS and "token_mint" not in fields
    checks = (
        *_credentials(lookups.connection),
        active(source, "send"),
        address_of(lookups, str(source["currency"]), recipient),
        look_alike(lookups, account_id, recipient, search),
        _double(lookups.sent(account_id, search), payload, again=again),
        units_of_coin(
            str(source["currency"]), written if pays_with_coin else None, *([own] if pays_with_coin else []), of_fees
        ),
        fees(asked, answered, of_fees, pays_fees=pays_fees),
        *(_share_of_amount(base, cost, of_fees, meant=asked is not None or not pays_fees) if pays_with_coin else ()),
        *(() if pays_with_coin else share_of_balance(_payer(lookups, source), cost, of_fees)),
        *_balance(lookups, source, base, cost, own, of_fees, mint="token_mint" in fields),
        *rules(lookups, source, payload),
    )
    return Payment(payload, facts, checks)


def estimate(connection: Connection, payload: Payload) -> dict[str, Any]:
    """Ask what a transaction would cost: POST /transactions/estimate-fees, with the whole body of its creation."""
    body = (payload.replace(max_fees=0) if "max_fees" in payload.values() else payload).to_json()
    method, path = ESTIMATE.split()
    check_family(ESTIMATE, connection.family, ESTIMATE)
    answer = connection.transport.request(method, path, json=body, safe=True)
    if not isinstance(answer.body, dict) or "max_fees" not in answer.body:
        raise ContractViolation(
            "this is no fee estimate: `max_fees` is missing.", call=answer.call, body=shorten(answer.body, 500)
        )
    return answer.body


def _kind(source: "pd.Series[Any]", fields: Mapping[str, Any]) -> str:
    if "token_mint" in fields:
        if source["type"] != "Solana":
            raise InvalidRequest(f"`token_mint` is for Solana; account {source['id']} is {source['type']}.")
        return "SOLANA_LIKE_SEND_SPL_TOKEN_CHECKED"
    kind = SENDS.get(str(source["type"]))
    if kind is None:
        raise InvalidRequest(
            f"account {source['id']} is of type {source['type']}, and the API documents no payment for it; it has "
            f"them for {', '.join(SENDS)}. What you know the service takes goes as "
            "session.requests.draft(ledgerkit.payloads.Raw({...})).",
            field="account",
        )
    return kind


def _not_taken(field: str, kind: str) -> InvalidRequest:
    others = {"RIPPLE_LIKE_SEND": "tag", "STELLAR_LIKE_SEND": "memo"}
    way = f", but `{others[kind]}`" if kind in others and field in others.values() else ""
    return InvalidRequest(f"`{field}` can't be used: a {kind} takes none{way}.", field=field)


def _said(value: Any) -> str:
    return value.said() if isinstance(value, Part) else str(value)


def _token(given: Mapping[str, Any], own: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Say which token it is, and on whose word its amount stands."""
    if "token_mint" in given:
        return [("mint of token", f"{given['token_mint']}, whose decimal places are not known here")]
    if "contract_address" not in given:
        return []
    unit = display_unit(own)
    places = (
        "the service says no decimal places" if unit is None else f"{unit.magnitude} decimal places of {unit.code}"
    )
    return [("contract", str(given["contract_address"])), ("decimals", f"{places}, on the word of the service alone")]


def _estimate(connection: Connection, payload: Transaction, *, needed: bool) -> int | Check:
    """Return what the service estimates, or why there is no estimate."""
    if connection.family not in families(ESTIMATE):
        return Check("fees", "warning", f"{FAMILIES[connection.family]} can't ask for an estimate")
    return estimated(lambda: estimate(connection, payload), needed=needed, way="Give `max_fees` yourself")


def _credentials(connection: Connection) -> tuple[Check, ...]:
    if connection.family in families(REQUEST_CREATION):
        return ()
    way = (
        "A LAM pays with session.transactions.create(lk.payloads.LamTransaction(...))"
        if connection.family == "lam"
        else "connect() with those of an API user"
    )
    return (Check("credentials", "problem", f"{FAMILIES[connection.family]} can't make a request. {way}"),)


def _double(sent: pd.DataFrame | None, payload: Transaction, *, again: bool) -> Check:
    """Look for the same payment among those of the last days: a kernel that restarts forgets what it sent."""
    if sent is None:
        return Check("double", "warning", "whether the same was paid before can't be seen")
    same = sent[[_same_payment(row, payload) for row in sent.to_dict("records")]]
    if same.empty:
        return Check("double", "ok", "the account paid no such amount to this address within 7 days")
    newest = same.sort_values("id").iloc[-1]
    request = "" if pd.isna(newest["last_request"]) else f"request {newest['last_request']}, "
    others = f", and {len(same) - 1} more" if len(same) > 1 else ""
    when = f"{newest['created_on']:%Y-%m-%d %H:%M} UTC"
    told = (
        f"transaction {newest['id']} of {when} ({request}{newest['status']}) is of the same amount to the same "
        f"address{others}"
    )
    if again:
        return Check("double", "warning", f"{told}; a second one is meant")
    way = "If a second one is meant: send(..., again=True), in a plan allow_duplicates=True"
    return Check("double", "problem", f"{told}. {way}")


def _same_payment(row: Mapping[Hashable, Any], payload: Transaction) -> bool:
    """Say whether a transaction of the account is this payment, in every respect that both of them tell."""
    given = payload.given()
    kind = payload.transaction_type.partition("_LIKE_")[2]
    status, recipient, amount = (row[name] for name in ("status", "recipient", "amount"))
    if row["type"] not in (kind, f"{kind}_FUNDED") or pd.isna(recipient):
        return False
    if not pd.isna(status) and (status in _UNDONE or status.startswith("FAILED")):
        return False
    memo = given["memo"].to_json() if "memo" in given else {}
    told = {
        "amount": (amount, given["amount"]),  # at first a transaction may have none
        "token_mint": (row["coin_fields_tx_parameters_token_mint"], given.get("token_mint")),
        "tag": (row["coin_fields_destination_tag"], given.get("tag")),
        **{name: (row[f"coin_fields_memo_{name}"], value) for name, value in memo.items()},
    }
    return same_address(str(recipient), given["recipient"]) and all(
        theirs is None or pd.isna(theirs) or ours is None or str(theirs) == str(ours)
        for theirs, ours in told.values()
    )


def _share_of_amount(
    amount: int, cost: int | None, units: list[Mapping[str, Any]], *, meant: bool
) -> tuple[Check, ...]:
    """Say where fees are large beside the amount: an estimate is the word of the service."""
    if cost is None or cost * 10 < amount:
        return ()
    if cost > amount:
        told = f"{shown(cost, units)} are more than the amount"
        way = "" if meant else ". If they are meant, give max_fees yourself"
        return (Check("size of the fees", "warning" if meant else "problem", f"{told}{way}"),)
    return (Check("size of the fees", "warning", f"{shown(cost, units)} are {cost * 100 // amount} % of the amount"),)


def _payer(lookups: Lookups, source: "pd.Series[Any]") -> "pd.Series[Any] | None":
    """Return the account that pays the fees of a token; Solana accounts hold tokens and SOL at once."""
    if source["type"] not in _TOKENS:
        return source
    parent = _parent(source["parent"])
    return None if parent is None else lookups.payer(parent)


def _balance(
    lookups: Lookups,
    source: "pd.Series[Any]",
    amount: int,
    cost: int | None,
    own: list[Mapping[str, Any]],
    of_fees: list[Mapping[str, Any]],
    *,
    mint: bool,
) -> list[Check]:
    """Say whether the balance covers it; the fees of a token are paid by its parent."""
    if mint:
        return [Check("balance", "warning", "the balance of an SPL token is not compared")]
    if cost is None or source["type"] not in _TOKENS:
        return [balance(source, amount, cost, own)]
    checks = [covers("balance", source["available_balance"], amount, "the amount", own)]
    parent = _parent(source["parent"])
    if parent is None:
        return [*checks, Check("balance for fees", "warning", "the account that pays the fees can't be told")]
    payer = lookups.payer(parent)
    if payer is None:
        return [*checks, Check("balance for fees", "warning", f"account {parent}, which pays them, can't be seen")]
    return [*checks, covers(f"balance of {payer['name']}", payer["available_balance"], cost, "the fees", of_fees)]


def _parent(parent: Any) -> int | None:
    return None if parent is None or pd.isna(parent) else int(parent)
