"""Units of the service in forms: which an amount may be typed in, on whose word, and which a label can show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import Unit, display_unit
from ledgerkit.challenges import Review
from ledgerkit.coins import magnitude_of
from ledgerkit.showing import visible

Units = Sequence[Mapping[str, Any]]
_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,16}")
_TOKENS: Final = frozenset({"Bep20", "Erc20", "Trc20"})


@dataclass(frozen=True)
class Offered:
    """The units that amounts and fees may be typed in; empty where base units alone may.

    Attributes
    ----------
    amounts_on_word, fees_on_word
        Whether nothing but the word of the service says how many decimal places they have.
    token
        Whether the amounts are of a token.
    currency
        Of which network the service says that they are.
    problem
        Why units that the service says are not offered.
    """

    amounts: Units = ()
    fees: Units = ()
    amounts_on_word: bool = False
    fees_on_word: bool = False
    token: bool = False
    currency: str = ""
    problem: str | None = None


def code_for_label(unit: Unit | None) -> str | None:
    """Return the code of a unit where a label can show it as it is, or None: read and say base units then.

    ipywidgets typesets what a label has between dollar signs, and a code may turn the direction of the text around
    it: what is shown would not be what is compared.
    """
    return unit.code if unit is not None and _CODE.fullmatch(unit.code) else None


def offered(account: "pd.Series[Any] | None", amounts: Any, fees: Any, *, mint: bool = False) -> Offered:
    """Hold the units of an account against what is known of its coin, and return those that may be typed in.

    Parameters
    ----------
    account
        The account; where it can't be seen, what its units are of can't be told either.
    mint
        Whether a token of Solana is paid: the units of the account are those of SOL.
    """
    if account is None or pd.isna(account["currency"]):
        return Offered()
    currency = str(account["currency"])
    known = magnitude_of(currency)
    # A token has the currency of its network, and units of its own.
    token = mint or account["type"] in _TOKENS or isinstance(account["contract_address"], str)
    said, said_of_fees = [] if mint else _units(amounts), _units(fees)
    for units in (said_of_fees,) if token else (said, said_of_fees):
        if problem := _unlike(display_unit(units), currency, known):
            return Offered(token=token, problem=f"{problem} Type base units.")
    return Offered(
        _largest_and_base(said),
        _largest_and_base(said_of_fees),
        amounts_on_word=token or known is None,
        fees_on_word=known is None,
        token=token,
        currency=currency,
    )


def contradiction(review: Review, units: Offered) -> str | None:
    """Return how units that were offered are not those of what would be signed: another currency has others."""
    signed = {row.field: row.to_be_signed for row in review.rows}
    currency = (signed.get("currency") or "").replace(" ", "_")
    token = signed.get("contract_address") or signed.get("token_mint")
    known = magnitude_of(currency)
    for said in (units.fees,) if token else (units.amounts, units.fees):
        if problem := _unlike(display_unit(said), currency, known):
            return problem
    return None


def _unlike(unit: Unit | None, currency: str, known: int | None) -> str | None:
    if unit is None or known is None or unit.magnitude == known:
        return None
    return (
        f"The service says {unit.magnitude} decimal places of {visible(unit.code)}, and the coin of "
        f"{visible(currency)} has {known}: amounts in it are not what they seem."
    )


def _units(units: Any) -> list[Mapping[str, Any]]:
    return [unit for unit in units if isinstance(unit, Mapping)] if isinstance(units, list) else []


def _largest_and_base(units: Units) -> Units:
    """Leave units between out: how large those are is the word of the service, whatever the coin."""
    largest = display_unit(units)
    if code_for_label(largest) is None:
        return ()
    return tuple(unit for unit in units if unit.get("magnitude") in (0, largest.magnitude if largest else 0))
