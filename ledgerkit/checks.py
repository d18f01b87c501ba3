"""What is looked at of a transaction before it is sent, of a payment and of any other kind, in the same words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import KnownAddresses
from ledgerkit.amounts import LIMIT, Unit, display_unit, to_display
from ledgerkit.coins import magnitude_of
from ledgerkit.drafts import Check
from ledgerkit.errors import (
    ContractViolation,
    InvalidRequest,
    LedgerError,
    NotFound,
    PermissionDenied,
    Unsupported,
    shorten,
)
from ledgerkit.known_addresses import checked
from ledgerkit.lookups import Lookups

Units = Sequence[Mapping[str, Any]]
# Estimates move by less between two looks; a ceiling above this is a slip of the unit sooner than a margin.
_MOST_TIMES: Final = 3


def shown(base: int, units: Units, written: Unit | None = None) -> str:
    """Return an amount as a person wrote it, in the unit that people speak in, and in base units."""
    spoken = display_unit(units)
    named = dict.fromkeys(unit for unit in (written, spoken) if unit is not None)
    scaled = " = ".join(f"{to_display(base, unit.magnitude)!s} {unit.code}" for unit in named)
    return f"{scaled} ({base} base units)" if scaled else f"{base} base units"


def active(source: "pd.Series[Any]", does: str = "do this") -> Check:
    """Say whether an account can do anything; ``does`` is what it is to do."""
    if source["status"] == "ACTIVE":
        return Check("account", "ok", "it is active")
    return Check("account", "problem", f"its status is {source['status']}: only an ACTIVE one can {does}")


def address_of(lookups: Lookups, currency: str, address: str) -> Check:
    """Say whether the service takes an address for one of its currency."""
    said = lookups.is_address(currency, address)
    if isinstance(said, LedgerError):
        return Check("address", "warning", f"the service can't check it: {said.message}")
    if said is None:
        return Check("address", "warning", "the service does not say whether it is one")
    if not said:
        return Check("address", "problem", f"the service says that it is no address of {currency}")
    return Check("address", "ok", f"a well-formed address of {currency}; whose it is, nobody says")


def look_alike(lookups: Lookups, account: int, address: str, search: Callable[..., pd.DataFrame] | None) -> Check:
    """Say whether an address may be taken for a known one, as :func:`~ledgerkit.known_addresses.checked` does.

    Parameters
    ----------
    account
        The one that pays.
    search
        ``session.transactions.search``, for whom it paid within 7 days; None where that is not to be asked.
    """
    if search is None:
        return checked(address, lookups.listed())
    paid = lookups.paid(account, search)
    return checked(address, lookups.listed(), KnownAddresses(missing=["earlier payments"]) if paid is None else paid)


def units_of_coin(currency: str, written: Unit | None, *of_coin: Units) -> Check:
    """Hold the units of the coin against what is known of it: with 10 places of BTC, 0.1 BTC would become 10."""
    known = magnitude_of(currency)
    if known is None:
        return Check("units", "warning", f"how many decimal places the coin of {currency} has is not known here")
    said = [unit for unit in map(display_unit, of_coin) if unit is not None]
    for unit in said:
        if unit.magnitude != known:
            return Check(
                "units",
                "problem",
                f"the service says {unit.magnitude} decimal places of {unit.code}, and the coin of {currency} has "
                f"{known}: amounts in it are not what they seem",
            )
    if not said:
        return Check("units", "warning", f"the service says no units of {currency}: read the base units")
    if written is not None and written not in said:
        told = f"that a {written.code} has {written.magnitude} decimal places is the word of the service alone"
        return Check("units", "warning", told)
    return Check("units", "ok", f"{known} decimal places, as the coin of {currency} has")


# Fees


def estimated(ask: Callable[[], Mapping[str, Any]], *, needed: bool, way: str, alone: bool = True) -> int | Check:
    """Return what the service estimates for fees in base units, or why there is no estimate.

    Parameters
    ----------
    ask
        Asks the service; its answer has ``max_fees``.
    needed
        Whether no ceiling is given, so that there is none without an estimate.
    way
        How to give one.
    alone
        Whether it is created as it is asked for. The transaction of a settlement is not: the exchange joins its
        creators, so that what the service refuses to estimate it may take there.
    """
    try:
        text = str(ask()["max_fees"])
        # int() takes the digits of every script, and raises a ValueError of its own at 4,300 of them.
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(LIMIT)) and int(text) < LIMIT):
            raise ContractViolation(f"`max_fees` = {shorten(text)} is no whole number of base units below 2^256.")
    except (InvalidRequest, PermissionDenied) as error:
        if alone:
            # The body is that of the creation: what the service refuses here it refuses there.
            return Check("service", "problem", f"the service would refuse this: {error.message}")
        told = error.message
    except (NotFound, Unsupported, ContractViolation) as error:
        told = error.message
    else:
        return int(text)
    told = f"they can't be estimated: {told}"
    return Check("fees", "problem", f"{told} {way}") if needed else Check("fees", "warning", told)


def fees(
    asked: int | None,
    estimate: int | Check,
    units: Units,
    *,
    pays_fees: bool,
    called: str = "max_fees",
    are: str = "are",
) -> Check:
    """Hold a ceiling of fees against the estimate.

    Parameters
    ----------
    pays_fees
        Whether a ceiling is sent.
    called, are
        What a ceiling of one's own is called, and its verb.
    """
    if isinstance(estimate, Check):
        return estimate
    if not pays_fees:
        return Check("fees", "ok", "as the service estimates; no ceiling is sent, the network takes what it takes")
    if asked is None:
        return Check("fees", "ok", f"{called} is what the service estimates")
    told = shown(estimate, units)
    if asked < estimate:
        return Check("fees", "warning", f"{called} is below the estimate of {told}: it may not be broadcast")
    if asked > _MOST_TIMES * estimate:
        return Check("fees", "warning", f"your {called} {are} more than {_MOST_TIMES} times the estimate of {told}")
    return Check("fees", "ok", f"your {called}; the service estimates {told}")


# What the account has


def covers(name: str, available: Any, needed: int, what: str, units: Units) -> Check:
    """Say whether what is available covers what is needed."""
    if pd.isna(available):
        return Check(name, "warning", "the service does not say what is available")
    if available < needed:
        return Check(
            name, "problem", f"{shown(int(available), units)} are available, {what} need {shown(needed, units)}"
        )
    return Check(name, "ok", f"{shown(int(available), units)} are available for {what}")


def balance(source: "pd.Series[Any]", amount: int, cost: int | None, units: Units) -> Check:
    """Say whether an account covers what leaves it, fees among it; for accounts of coins."""
    what = "the fees" if not amount else "amount and fees"
    return covers(
        "balance",
        source["available_balance"],
        amount + (cost or 0),
        "the amount without fees" if cost is None else what,
        units,
    )


def share_of_balance(payer: "pd.Series[Any] | None", cost: int | None, units: Units) -> tuple[Check, ...]:
    """Say where fees that have no amount to be compared with take much of what their payer has."""
    if payer is None or cost is None or pd.isna(payer["available_balance"]):
        return ()
    if cost * 10 <= payer["available_balance"]:
        return ()
    told = f"{shown(cost, units)} are more than a tenth of what {payer['name']} has"
    return (Check("size of the fees", "warning", told),)
