"""Prices that an analyst brings along: read exactly, and put to what they are meant for, or refused."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ledgerkit.addresses import EVM_ADDRESS
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.files import read_csv
from ledgerkit.reports.rows import absent, records

Prices = Mapping[Any, Any] | pd.DataFrame | str | PathLike[str]
# A currency and its contract, None for the coin of the network itself.
Key = tuple[str, str | None]
# ASCII digits alone: \d takes those of every script. A price of more digits is none.
_PLAIN: Final = re.compile(r"[0-9]{1,60}(\.[0-9]{1,60})?")
_WAYS: Final = (
    "write it as text or Decimal, or give the path of a CSV file, whose digits are read as they are written "
    "(lk.read_csv reads such a file too)"
)


@dataclass(frozen=True)
class Price:
    """One price as it was given.

    Parameters
    ----------
    said
        How whoever gave it named what it is for.
    value
        Of one display unit: of 1 BTC.
    key
        The currency and contract that it is for; None where there is only a word, a ticker or the name of a coin.
    ticker
        The word, or the ticker that stands beside the key.
    """

    said: str
    value: Decimal
    key: Key | None
    ticker: str | None = None


@dataclass(frozen=True)
class Asset:
    """What a price can be for: a coin of a network, or a token."""

    currency: str
    contract: str | None
    ticker: str | None

    @property
    def key(self) -> Key:
        """The currency and contract, by which no two of them are the same."""
        return asset_key(self.currency, self.contract)

    @property
    def named(self) -> str:
        """How a price names it for certain."""
        return self.currency if self.contract is None else f"{self.currency}:{self.contract}"


def asset_key(currency: str, contract: str | None) -> Key:
    """Return what is the same for two holdings of one coin or token: the case of an EVM contract has no meaning."""
    if contract is not None and EVM_ADDRESS.fullmatch(contract):
        return currency, contract.lower()
    return currency, contract


def read_prices(prices: Prices, quote: str) -> tuple[list[Price], list[str]]:
    """Read prices exactly.

    Parameters
    ----------
    prices
        A dict, DataFrame or path of a CSV file. Keys of a dict: a ticker (``"BTC"``), a currency (``"bitcoin"``), a
        currency and a contract (``"ethereum:0x..."`` or a pair of both). Columns: ``price``, and ``ticker`` or
        ``currency``, perhaps with ``contract_address``.
    quote
        What they are in; a column ``quote`` must say the same.

    Returns
    -------
    tuple
        The prices, and remarks about rows without one.

    Raises
    ------
    InvalidRequest
        One is no exact number of 0 or more, is given twice, or can't be read otherwise.
    """
    if isinstance(prices, pd.DataFrame):
        found, remarks = _from_frame(prices, quote)
    elif isinstance(prices, Mapping):
        found, remarks = [_from_pair(key, value) for key, value in prices.items()], []
    elif isinstance(prices, str | PathLike):
        if not Path(prices).is_file():
            raise InvalidRequest(f"`prices` = {shorten(str(prices))}: there is no such file.", field="prices")
        found, remarks = _from_frame(read_csv(prices, skipinitialspace=True), quote)
    else:
        raise InvalidRequest(
            f"`prices` = {shorten(prices)} can't be used: it takes a dict, a DataFrame or the path of a CSV file.",
            field="prices",
        )
    seen: dict[Any, Price] = {}
    for price in found:
        before = seen.setdefault(price.key or price.ticker, price)
        if before.value != price.value:
            raise InvalidRequest(
                f"two prices are given for {shorten(price.said)}: {before.value} and {price.value}.", field="prices"
            )
    return list(seen.values()), remarks


def matched(prices: Sequence[Price], assets: Iterable[Asset]) -> tuple[dict[Key, Price], list[str]]:
    """Put prices to assets.

    A price by currency and contract goes first. One by ticker is for what is left with that ticker, and only where
    that is one thing: tickers are not unique, and anybody can make a token with the ticker of another.

    Returns
    -------
    tuple
        The price of each asset that has one, and remarks about prices that were not used.

    Raises
    ------
    InvalidRequest
        A price by ticker could be for several.
    """
    known = {asset.key: asset for asset in assets}
    found: dict[Key, Price] = {}
    remarks = []
    for price in prices:
        # A word that is the name of a network is its coin, whatever token calls itself so.
        key = price.key or ((price.ticker, None) if price.ticker is not None else None)
        if key is None or key not in known:
            continue
        own = known[key].ticker
        if price.key is not None and price.ticker is not None and own is not None and own != price.ticker:
            remarks.append(
                f"The price for {price.said} has the ticker {price.ticker} beside it, and the service calls it {own}."
            )
        if key in found and found[key].value != price.value:
            raise InvalidRequest(
                f"two prices are given for {shorten(price.said)}: {found[key].value} and {price.value}.",
                field="prices",
            )
        found[key] = price
    used = {price.said for price in found.values()}
    direct = frozenset(found)
    for price in prices:
        if price.said in used or price.key is not None:
            continue
        same = [asset for key, asset in known.items() if asset.ticker == price.ticker]
        left = [asset for asset in same if asset.key not in direct]
        if len(left) > 1:
            keys = ", ".join(repr(asset.named) for asset in left)
            raise InvalidRequest(
                f"the price by ticker {shorten(price.said)} could be for {len(left)} different things that are held, "
                f"and tickers are not unique. Say which, by currency and contract: {keys}.",
                field="prices",
                keys=[asset.named for asset in left],
            )
        if left:
            found[left[0].key] = price
            used.add(price.said)
        elif same:
            remarks.append(f"The price by ticker {price.said} was not used: what has it has a price of its own.")
            used.add(price.said)
    unused = [price.said for price in prices if price.said not in used]
    if unused:
        names = [name for asset in known.values() for name in (asset.ticker, asset.named) if name is not None]
        remarks.append(f"Prices for what is not held: {', '.join(_with_hint(one, names) for one in unused)}.")
    return found, remarks


def _with_hint(said: str, names: Sequence[str]) -> str:
    near = [name for name in names if name.casefold() == said.casefold()]
    near = near or difflib.get_close_matches(said, names, n=1, cutoff=0.8)
    return f"{said} (did you mean {near[0]}?)" if near else said


def _from_pair(key: Any, value: Any) -> Price:
    if isinstance(key, str) and key:
        number = _number(value, key)
        currency, separator, contract = key.partition(":")
        if not separator:
            return Price(key, number, None, key)
        if currency and contract:
            return Price(key, number, asset_key(currency, contract))
    elif isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str) and isinstance(key[1], str | None):
        pair = asset_key(key[0], key[1] or None)
        said = key[0] if pair[1] is None else f"{key[0]}:{key[1]}"
        return Price(said, _number(value, said), pair)
    raise InvalidRequest(
        f"`prices` has the key {shorten(key)}: it takes a ticker such as 'BTC', a currency such as 'bitcoin', or a "
        "currency and a contract such as 'ethereum:0x...'.",
        field="prices",
    )


def _from_frame(frame: pd.DataFrame, quote: str) -> tuple[list[Price], list[str]]:
    columns = [str(one) for one in frame.columns]
    if "price" not in columns or not {"ticker", "currency"} & set(columns):
        raise InvalidRequest(
            "a table of prices has a column `price`, and `ticker` or `currency`, perhaps with `contract_address`; "
            f"this one has: {', '.join(columns) or 'none'}.",
            field="prices",
        )
    prices, remarks = [], []
    for number, row in enumerate(records(frame), start=1):
        if all(_text(value) is None for value in row.values()):
            continue  # as a spreadsheet leaves them behind the last
        ticker, currency, contract, quoted = (
            _text(row.get(name)) for name in ("ticker", "currency", "contract_address", "quote")
        )
        where = f"row {number} of the prices"
        if quoted is not None and quoted != quote:
            raise InvalidRequest(f"{where} is in {shorten(quoted)}, and `quote` is {quote!r}.", field="quote")
        if currency is None and (contract is not None or ticker is None):
            raise InvalidRequest(f"{where} does not say what it is for: a ticker or a currency.", field="prices")
        named = currency if contract is None else f"{currency}:{contract}"
        said = str(ticker if currency is None else named)
        if row["price"] is None or row["price"] == "":
            remarks.append(f"No price is given for {said}, in {where}.")
            continue
        key = None if currency is None else asset_key(currency, contract)
        prices.append(Price(said, _number(row["price"], said), key, ticker))
    return prices, remarks


def _text(value: Any) -> str | None:
    return None if absent(value) else str(value).strip() or None


def _number(value: Any, said: str) -> Decimal:
    problem = f"the price of {shorten(said)} can't be used: {shorten(value)} is "
    if isinstance(value, str) and _PLAIN.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, bool):
        raise InvalidRequest(f"{problem}no number.", field="prices")
    if isinstance(value, Integral) and 0 <= int(value) < 10**60:  # of NumPy too, as columns give them
        return Decimal(int(value))
    if isinstance(value, Decimal) and value.is_finite() and not value.is_signed() and abs(value.adjusted()) < 60:
        return value
    if isinstance(value, float):
        raise InvalidRequest(f"{problem}a float, which is not exact; {_WAYS}.", field="prices")
    raise InvalidRequest(f"{problem}no number of 0 or more in plain digits, such as 64000.50.", field="prices")
