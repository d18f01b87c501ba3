"""What is looked at before an account is asked for: its type, its index, and that a token is said in whole."""

import difflib
from collections.abc import Callable, Collection
from typing import Any, Final, get_args

import pandas as pd

from ledgerkit.drafts import Check
from ledgerkit.errors import InvalidRequest, NotFound, PermissionDenied, Unsupported, shorten
from ledgerkit.payloads import AccountCreation
from ledgerkit.vocabulary import AccountType

# The API documents the types of accounts; how a creation writes them, the sample of TRC20_LIKE alone.
TYPES: Final = tuple(f"{name.upper()}_LIKE" for name in get_args(AccountType))
_TOKENS: Final = frozenset({"BEP20_LIKE", "ERC20_LIKE", "TRC20_LIKE"})
_WAY: Final = "A type that you know to exist goes as session.requests.draft(ledgerkit.payloads.AccountCreation(...))"


def require_type(account_type: Any) -> None:
    """Raise where no account is of this type.

    Raises
    ------
    InvalidRequest
        With the types that are near to it.
    """
    if account_type in TYPES:
        return
    bare = {one.removesuffix("_LIKE"): one for one in TYPES}
    wanted = account_type.upper().removesuffix("_LIKE") if isinstance(account_type, str) else ""
    near = [bare[one] for one in difflib.get_close_matches(wanted, bare, n=3)]
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it is one of {', '.join(TYPES)}."
    raise InvalidRequest(
        f"`account_type` = {shorten(account_type)} can't be used: {hint} {_WAY}.", field="account_type"
    )


def checks(payload: AccountCreation, search: Callable[[str], pd.DataFrame], *, given: bool) -> tuple[Check, ...]:
    """Look at an account that is to be created.

    Parameters
    ----------
    search
        Finds the accounts of a currency.
    given
        Whether the index was given.
    """
    kind = payload.account_type
    if payload.parent_id is None and kind in _TOKENS:
        text = f"an account of type {kind} holds a token: give its parent_id and its contract_address"
        return (Check("token", "problem", text),)
    if payload.parent_id is not None:
        return (Check("index", "ok", f"{payload.index}; a token has the keys of account {payload.parent_id}"),)
    return (_index(payload, search, given=given),)


def _index(payload: AccountCreation, search: Callable[[str], pd.DataFrame], *, given: bool) -> Check:
    said = f"{payload.index}" if given else f"{payload.index}, since none was given"
    try:
        accounts = search(payload.currency)
    except (InvalidRequest, NotFound, PermissionDenied, Unsupported) as error:
        return Check("index", "warning", f"{said}; whether an account has it can't be seen: {error.message}")
    own = accounts[accounts["parent"].isna() & (accounts["status"] != "REJECTED") & accounts["index"].notna()]
    names = dict(zip(own["index"].astype(int), own["name"], strict=True))
    seen = f"of the {len(names)} accounts of {payload.currency} that you see"
    if payload.index in names:
        free = _free(names)
        text = f"{said}, which account {shorten(names[payload.index])} has. None {seen} has {free}: index={free}"
        return Check("index", "problem", text)
    return Check("index", "ok", f"{said}; none {seen} has it")


def _free(taken: Collection[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)
