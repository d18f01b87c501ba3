"""Frames as people read them: few columns, amounts with their unit, names beside ids, states with a mark.

A view makes a cell only when it is shown: a million rows cost no million cells. Every cell keeps the whole value
beside what is shown of it, to be copied.
"""

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from ledgerkit.amounts import Unit, to_display
from ledgerkit.coins import counts_a_token
from ledgerkit.directions import direction
from ledgerkit.directory import Units
from ledgerkit.display import NAMED, units_of_tokens
from ledgerkit.errors import LedgerError
from ledgerkit.forms.fields import sentence
from ledgerkit.forms.workspace import Workspace
from ledgerkit.frames import AMOUNT, DTYPES, EXACT, FEES, FLAG, INTEGER, LIST, NUMBER, OBJECT, REFERENCE, TEXT, TIME
from ledgerkit.operations import table_of, tables
from ledgerkit.showing import visible
from ledgerkit.states import meaning, words

MISSING: Final = "–"
MINUS: Final = "\u2212"
# A narrow space that does not break: digits in threes.
THIN: Final = "\u202f"
MOST_CHARACTERS: Final = 60
# A hover text of a whole rule set would hide the page.
MOST_ON_HOVER: Final = 4000

# What is shown of a table unless all columns are asked for.
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "transaction": (
        "id", "created_on", "account_id", "type", "status", "amount", "fees", "recipient", "tx_hash", "created_by"
    ),
    "account": (
        "id", "account_id", "name", "currency", "status", "balance", "available_balance", "pending_balance",
        "address", "total", "available", "pending", "created_on",
    ),
    "request": ("id", "created_on", "type", "status", "target_type", "target_id", "created_by", "expires_at"),
    "user": ("id", "username", "role", "status", "is_api", "created_by", "created_on", "last_request"),
    "group": ("id", "name", "status", "members", "description", "created_by", "created_on", "last_request"),
    "entity": ("id", "name", "status", "accounts", "created_by", "created_on", "last_request"),
    "whitelist": ("id", "name", "status", "addresses", "description", "created_by", "created_on", "last_request"),
    "pledge": ("id", "account_id", "state", "amount", "pending", "exchange_name", "asset_manager_name"),
    "settlement": (
        "id", "state", "from_pledge_id", "inbound_transaction_intent_amount",
        "inbound_transaction_intent_to_account_id", "outbound_transaction_transaction_id",
        "outbound_transaction_transaction_hash", "outbound_transaction_request_id",
    ),
    "stake": ("id", "account_id", "status", "amount", "total_reward", "validator", "created_by", "created_on"),
    "reward": ("account_id", "stake_uid", "amount", "created_on"),
    "message": ("id", "created_on", "account_id", "type", "status", "address", "message_type", "created_by"),
    "digest": ("id", "created_on", "account_id", "status", "created_by", "last_request"),
    "NFT": ("account_id", "metadata_nftName", "contract_address", "token_id", "token_type", "value"),
}  # fmt: skip
# Sorts behind every name.
LAST: Final = "\U0010ffff"
# Of a table that is not listed.
MOST_SHOWN: Final = 8

OPENED: Final = frozenset({"account", "transaction", "request", "user", "whitelist", "group", "entity", "address"})
LINKED: Final[Mapping[str, str]] = {
    **NAMED,
    "inbound_transaction_intent_to_account_id": "account",
    "last_request": "request",
    "request_id": "request",
    "outbound_transaction_request_id": "request",
    "repledge_request_id": "request",
    "used_admin_group": "group",
    "asset_manager_whitelist_id": "whitelist",
    "exchange_whitelist_id": "whitelist",
    "outbound_transaction_transaction_id": "transaction",
    "creation_tx": "transaction",
    "address": "address",
    "recipient": "address",
    "inbound_transaction_intent_to_address": "address",
    "repledge_intent_to_address": "address",
}
# What a request is about, as `target_type` says.
TARGETS: Final = {
    "ACCOUNT": "account",
    "ADMIN_GROUP": "group",
    "ENTITY": "entity",
    "GROUP": "group",
    "TRANSACTION": "transaction",
    "USER": "user",
    "WHITELIST": "whitelist",
}
STATE_COLUMNS: Final = frozenset({"status", "state", "request_status", "blockchain_state_state"})
# Of closed lists; a text that somebody chose stays as it is written.
WORD_COLUMNS: Final = frozenset({"type", "role", "risk", "speed"})
# Kinds of columns that only a view has.
STATE: Final = "state"
WORD: Final = "word"
HASH: Final = "hash"


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what is copied, what hovering tells, what it leads to, what its state means."""

    text: str
    copy: str = ""
    title: str = ""
    link: tuple[str, Any] | None = None
    state: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a view."""

    name: str
    title: str
    kind: str
    tooltip: str


NOTHING: Final = Cell(MISSING)


@dataclass
class View:
    """A frame and how it is shown.

    Attributes
    ----------
    columns, shown
        All its columns by name, and the names of those that are shown unless all are asked for.
    notes
        What could not be had, in words.
    """

    frame: pd.DataFrame
    columns: dict[str, Column]
    shown: tuple[str, ...]
    zone: datetime.tzinfo
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    units: Mapping[int, Units] = field(default_factory=dict)
    accounts: str | None = None
    notes: tuple[str, ...] = ()
    # The units of rows whose amount counts a token and not the coin of their account, by position.
    tokens: Mapping[int, Unit | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        transactions = self.frame.attrs.get("table") == "transaction" and "type" in self.columns
        self._types = self.frame["type"].tolist() if transactions else None
        # Series.iat costs ten times as much.
        self._arrays: dict[str, Any] = {}
        self._orders: dict[tuple[str, bool], np.ndarray[Any, Any]] = {}

    def at(self, name: str, position: int) -> Any:
        """Return one value, as the frame has it."""
        if name not in self._arrays:
            self._arrays[name] = self.frame[name].array
        return self._arrays[name][position]

    def cell(self, name: str, position: int) -> Cell:
        """Return one cell."""
        value = self.at(name, position)
        if _is_missing(value):
            return NOTHING
        return _CELLS[self.columns[name].kind](self, name, position, value)

    def unit(self, name: str, position: int) -> Unit | None:
        """Return the unit of an amount, or None where none is known."""
        if self.accounts is None or _is_missing(account := self.at(self.accounts, position)):
            return None
        of_account = self.units.get(int(account))
        if self.columns[name].kind == FEES:
            return None if of_account is None else of_account.fees
        if position in self.tokens:
            return self.tokens[position]
        return None if of_account is None else of_account.amount

    def sign(self, name: str, position: int) -> int:
        """Return -1 for an amount that leaves its account, 1 for one that comes, 0 where the type does not say."""
        if self._types is None or name != "amount":
            return 0
        return {"in": 1, "out": -1}.get(direction(self._types[position]) or "", 0)

    def order(self, name: str, *, ascending: bool) -> "np.ndarray[Any, Any]":
        """Return the positions of all rows, sorted by a column; what is missing is last either way."""
        if (name, ascending) not in self._orders:
            missing = np.fromiter((_is_missing(one) for one in self.frame[name]), bool, len(self.frame))
            there = self._sorted(name, np.flatnonzero(~missing), ascending)
            self._orders = {(name, ascending): np.concatenate((there, np.flatnonzero(missing)))}
        return self._orders[name, ascending]

    def _sorted(self, name: str, there: "np.ndarray[Any, Any]", ascending: bool) -> "np.ndarray[Any, Any]":
        kind = self.columns[name].kind
        values: Any = self.frame[name].iloc[there]
        if kind == TIME or (kind in (INTEGER, REFERENCE, FLAG) and name not in self.names):
            numbers = values.astype("int64").to_numpy()
            # The complement of a whole number falls as it grows, and can't overflow.
            return there[np.argsort(numbers if ascending else ~numbers, kind="stable")]
        keys: list[Any]
        if kind in (AMOUNT, FEES):
            units = [self.unit(name, position) for position in there]
            most = max((unit.magnitude for unit in units if unit), default=0)
            keys = [
                _signed(amount, self.sign(name, position)) * 10 ** (most - unit.magnitude if unit else 0)
                for amount, unit, position in zip(values, units, there, strict=True)
            ]
        elif name in self.names:
            known = self.names[name]
            keys = [(known.get(int(one), LAST).casefold(), int(one)) for one in values]
        elif kind == NUMBER:
            keys = list(values)
        else:
            keys = [str(one).casefold() for one in values]
        found = sorted(range(len(there)), key=keys.__getitem__, reverse=not ascending)
        if kind in (AMOUNT, FEES):  # two coins have no common order: each by itself, one after another
            found.sort(key=lambda one: unit.code if (unit := units[one]) else LAST)
        return there[np.array(found, dtype=np.int64)]

    def tickers(self, name: str) -> list[str]:
        """Return the codes of the units that a column of amounts is shown in."""
        if self.columns[name].kind not in (AMOUNT, FEES):
            return []
        fees = self.columns[name].kind == FEES
        units = {one.fees if fees else one.amount for one in self.units.values()}
        units |= set() if fees else set(self.tokens.values())
        return sorted({unit.code for unit in units if unit})

    def matching(self, query: str, names: Iterable[str], within: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return those of these positions that have a text in one of these columns."""
        wanted = query.strip().replace(THIN, "").casefold()
        found = np.zeros(len(within), dtype=bool)
        for name in names:
            found |= np.fromiter((wanted in text for text in self._texts(name, within)), bool, len(within))
        return within[found]

    def _texts(self, name: str, positions: "np.ndarray[Any, Any]") -> Iterator[str]:
        """Give what is searched of a column: what is shown and what is copied, without making cells of a million."""
        kind, values = self.columns[name].kind, self.frame[name].iloc[positions]
        if kind == TIME:
            local = values.dt.tz_convert(self.zone).dt.tz_localize(None) if values.dt.tz is not None else values
            yield from (text.replace("T", " ") for text in np.datetime_as_string(local.to_numpy(), unit="s"))
        elif kind in (TEXT, HASH):
            yield from ("" if _is_missing(value) else value.casefold() for value in values)
        elif kind in (AMOUNT, FEES):
            for position, value in zip(positions, values, strict=True):
                if _is_missing(value):
                    yield ""
                    continue
                shown = _amount_text(_signed(value, self.sign(name, position)), self.unit(name, position))
                yield f"{shown}\n{value}".replace(THIN, "").casefold()
        elif kind in (LIST, OBJECT):
            for position in positions:
                yield _searched(self.cell(name, position))
        else:
            known: dict[Any, str] = {}
            for position, value in zip(positions, values, strict=True):
                if (text := known.get(value)) is None:
                    text = known[value] = _searched(self.cell(name, position))
                yield text


def view(workspace: Workspace, frame: pd.DataFrame) -> View:
    """Return how a frame is shown; names and units that can't be had are missing, and ``notes`` say why.

    It looks them up: call it in a job.
    """
    workspace.directory.check_origin(frame)
    table = str(frame.attrs.get("table", ""))
    kinds = column_kinds(frame)
    zone = workspace.connection.zone
    columns = {
        name: Column(name, _title(name, kind, zone), _shown_kind(table, name, kind), _tooltip(name, kind))
        for name, kind in kinds.items()
    }
    notes: list[str] = []
    names: dict[str, Mapping[int, str]] = {}
    units: Mapping[int, Units] = {}
    # Without a unit of their own these are in base units: that of their account would be wrong.
    types = enumerate(frame["type"]) if table == "transaction" and "type" in frame else ()
    tokens: dict[int, Unit | None] = {position: None for position, kind in types if counts_a_token(kind)}
    accounts = _account_column(frame)
    try:
        for name in kinds.keys() & NAMED.keys():
            ids = [int(one) for one in frame[name].dropna().unique()]
            if ids and kinds[name] in (INTEGER, REFERENCE):
                names[name] = workspace.directory.names(NAMED[name], ids)
    except LedgerError as error:
        notes.append(f"Names could not be looked up, so ids stand alone: {error}")
    counted = [name for name, kind in kinds.items() if kind in (AMOUNT, FEES) and bool(frame[name].notna().any())]
    if counted and accounts is None:
        notes.append("Amounts are in base units: the rows name no account whose unit they could be shown in.")
    elif counted:
        try:
            units = workspace.directory.units([int(one) for one in frame[accounts].dropna().unique()])
            of_tokens = units_of_tokens(frame, workspace.directory)
            tokens |= {position: one.amount for position, one in of_tokens.items()}
            why = sorted({one.error for one in of_tokens.values() if one.error})
            notes += [f"Some amounts are in base units: {one}" for one in why]
        except LedgerError as error:
            notes.append(f"Amounts are in base units: no units could be looked up: {error}")
        reasons = sorted({one.error or "the service names none" for one in units.values() if one.amount is None})
        if reasons:
            notes.append(f"Some amounts are in base units, as no unit is known: {'; '.join(reasons)}")
    return View(frame, columns, _default(table, frame), zone, names, units, accounts, tuple(notes), tokens)


def digits(number: int, places: int = 0) -> str:
    """Return a whole number with so many of its digits after the point, in groups of three, every digit kept."""
    text = str(abs(number)).rjust(places + 1, "0")
    whole, fraction = (text[:-places], text[-places:].rstrip("0")) if places else (text, "")
    sign = MINUS if number < 0 else ""
    return f"{sign}{int(whole):,}".replace(",", THIN) + (f".{fraction}" if fraction else "")


def short(text: str) -> str:
    """Return the ends of an address or hash."""
    shown = visible(text)
    return shown if len(shown) <= 20 else f"{shown[:8]}…{shown[-8:]}"


def _searched(cell: Cell) -> str:
    return "" if cell is NOTHING else f"{cell.text}\n{cell.copy}".replace(THIN, "").casefold()


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def column_kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each column: as declared, or by name and dtype where the frame lost its origin."""
    table = table_of(frame.attrs.get("endpoint"))
    declared: dict[str, set[str]] = {}
    for one in [table] if table else tables().values():
        for name, kind in one.kinds.items():
            declared.setdefault(name, set()).add(kind)
    return {str(name): _kind(frame[name], declared.get(str(name), set())) for name in frame.columns}


def _kind(values: "pd.Series[Any]", declared: set[str]) -> str:
    dtype = str(values.dtype)
    if dtype.startswith("datetime64"):
        return TIME
    if dtype in ("boolean", "bool"):
        return FLAG
    if dtype.lower() in ("int64", "int32"):
        return INTEGER
    if dtype in ("str", "string"):
        return TEXT
    there = [one for one in values if not _is_missing(one)]
    if all(isinstance(one, int | Decimal) and not isinstance(one, bool) for one in there):
        # Only a column that can be nothing else is scaled: a number by the wrong unit is wrong by powers of ten.
        return declared.copy().pop() if len(declared) == 1 and declared <= EXACT else NUMBER
    return LIST if all(isinstance(one, list) for one in there) else OBJECT


def _shown_kind(table: str, name: str, kind: str) -> str:
    if kind == TEXT and name in STATE_COLUMNS:
        return STATE
    if kind == TEXT and (name in WORD_COLUMNS or name.endswith(("_type", "_role", "_risk", "_strategy"))):
        return WORD
    if kind == TEXT and (
        LINKED.get(name) == "address" or name.endswith(("address", "hash", "pub_key", "pubkey")) or name == "pool_id"
    ):
        return HASH
    return kind


def _title(name: str, kind: str, zone: datetime.tzinfo) -> str:
    title = "Id" if name == "id" else visible(name).removesuffix("_id").replace("_", " ").strip()
    title = (title[:1].upper() + title[1:]).replace("Tx hash", "Transaction hash")
    return f"{title} ({zone})" if kind == TIME else title


def _tooltip(name: str, kind: str) -> str:
    return f"{visible(name)}: {DTYPES.get(kind, kind)}"


def _account_column(frame: pd.DataFrame) -> str | None:
    if "account_id" in frame.columns:
        return "account_id"
    return "id" if frame.attrs.get("table") == "account" and "id" in frame.columns else None


def _default(table: str, frame: pd.DataFrame) -> tuple[str, ...]:
    failed = ("error",) if "error" in frame.columns and frame["error"].notna().any() else ()
    listed = [name for name in SHOWN.get(table, ()) if name in frame.columns]
    if len(listed) >= 3:
        return (*listed, *failed)
    filled = [str(name) for name in frame.columns if name != "error" and (frame.empty or frame[name].notna().any())]
    return (*filled[:MOST_SHOWN], *failed)


# The cells of each kind of column


def _amount(view: View, name: str, position: int, value: Any) -> Cell:
    unit, sign = view.unit(name, position), view.sign(name, position)
    way = {-1: "outgoing, ", 1: "incoming, "}.get(sign, "")
    return Cell(_amount_text(_signed(value, sign), unit), str(value), f"{way}{value} base units")


def _signed(value: Any, sign: int) -> Any:
    # Decimal rounds at 28 digits, even in a unary minus.
    return value if sign >= 0 or value < 0 else -value if isinstance(value, int) else value.copy_negate()


def _amount_text(value: Any, unit: Unit | None) -> str:
    if unit is None:
        return f"{digits(value) if isinstance(value, int) else _plain(value)}{THIN}base units"
    if isinstance(value, int):
        return f"{digits(value, unit.magnitude)}{THIN}{visible(unit.code)}"
    return f"{_plain(to_display(value, unit.magnitude))}{THIN}{visible(unit.code)}"


def _plain(value: Decimal) -> str:
    return format(value, "f").replace("-", MINUS)


def _whole(view: View, name: str, position: int, value: Any) -> Cell:
    link = _link(view, name, position, value)
    known = view.names.get(name, {}).get(int(value))
    if known is None:
        return Cell(str(int(value)), str(int(value)), link=link)
    return Cell(f"{_cut(visible(known))} · {int(value)}", str(int(value)), f"{visible(known)}, id {value}", link)


def _link(view: View, name: str, position: int, value: Any) -> tuple[str, Any] | None:
    table = view.frame.attrs.get("table")
    if name == "id" and table in OPENED:
        return str(table), value if isinstance(value, str) else int(value)
    if name == "target_id" and "target_type" in view.columns:
        target = TARGETS.get(str(view.at("target_type", position)))
        return (target, int(value)) if target else None
    if name == "tx_hash" and table == "transaction" and "id" in view.columns:
        return _link(view, "id", position, view.at("id", position))
    kind = LINKED.get(name)
    if kind is None or isinstance(value, str) != (kind == "address"):
        return None
    return kind, value if isinstance(value, str) else int(value)


def _number(view: View, name: str, position: int, value: Any) -> Cell:
    if isinstance(value, int):
        return Cell(digits(value), str(value), str(value))
    return Cell(_plain(value), str(value), str(value))


def _text(view: View, name: str, position: int, value: Any) -> Cell:
    shown = visible(str(value))
    return Cell(
        _cut(shown), str(value), shown if len(shown) > MOST_CHARACTERS else "", _link(view, name, position, value)
    )


def _hash(view: View, name: str, position: int, value: Any) -> Cell:
    return Cell(short(value), value, visible(value), _link(view, name, position, value))


def _state(view: View, name: str, position: int, value: Any) -> Cell:
    return Cell(
        words(value), value, visible(value), state=meaning(str(view.frame.attrs.get("table")), value) or "open"
    )


def _word(view: View, name: str, position: int, value: Any) -> Cell:
    return Cell(sentence(visible(value)), value, visible(value))


def _time(view: View, name: str, position: int, value: Any) -> Cell:
    local = value.tz_convert(view.zone) if value.tzinfo else value
    utc = value.tz_convert(datetime.UTC) if value.tzinfo else value
    shown = local.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return Cell(shown, utc.isoformat(), f"{utc.isoformat(sep=' ')} (UTC)")


def _flag(view: View, name: str, position: int, value: Any) -> Cell:
    return Cell("yes" if value else "no", str(bool(value)))


def _nested(view: View, name: str, position: int, value: Any) -> Cell:
    whole = json.dumps(value, default=str, ensure_ascii=False)
    title = visible(whole)
    if isinstance(value, list):
        if not value:
            return Cell("none", whole)
        plain = [
            str(one.get("name", "")) if isinstance(one, dict) else "" if isinstance(one, list) else str(one)
            for one in value
        ]
        listed = ", ".join(visible(one) for one in plain)
        count = f"{len(value)} {'item' if len(value) == 1 else 'items'}"
        shown = listed if all(plain) and len(listed) <= MOST_CHARACTERS else count
    else:
        shown = _cut(title)
    hover = title if len(title) <= MOST_ON_HOVER else f"{title[:MOST_ON_HOVER]}… (copy it to have the whole)"
    return Cell(shown, whole, hover)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


_CELLS: Final[Mapping[str, Callable[[View, str, int, Any], Cell]]] = {
    AMOUNT: _amount,
    FEES: _amount,
    INTEGER: _whole,
    REFERENCE: _whole,
    NUMBER: _number,
    TEXT: _text,
    HASH: _hash,
    STATE: _state,
    WORD: _word,
    TIME: _time,
    FLAG: _flag,
    LIST: _nested,
    OBJECT: _nested,
}
