"""What the card of each kind of object shows, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit import showing
from ledgerkit.addresses import destinations
from ledgerkit.cards import sections, values
from ledgerkit.cards.known import Known
from ledgerkit.cards.rules import rule_sets
from ledgerkit.cards.values import Value, code, missing, named, quiet, text
from ledgerkit.coins import TOKEN_MINT, counts_a_token
from ledgerkit.directions import direction
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.states import words

# Nobody reads more lines than these in a card; "All fields" has them all.
MOST_ROWS: Final = 200
# What a request acts on, by the word of the API, where it has a name.
TARGETS: Final = {
    "ACCOUNT": "account",
    "ENTITY": "entity",
    "GROUP": "group",
    "TRANSACTION": "transaction",
    "USER": "user",
    "WHITELIST": "whitelist",
}


class Object:
    """The one row of a frame, and what is known beside it."""

    def __init__(self, kind: str, frame: pd.DataFrame, known: Known) -> None:
        self.kind = kind
        self.known = known
        self._values: Mapping[str, Any] = dict(zip(map(str, frame.columns), frame.iloc[0].tolist(), strict=True))
        self.environment = str(frame.attrs.get("environment", ""))
        self.workspace = str(frame.attrs.get("workspace", ""))
        fetched = frame.attrs.get("fetched_at")
        # Ages are those of the moment of reading: a card stays in a saved notebook.
        self.read_at = pd.Timestamp(fetched) if isinstance(fetched, str) else None
        own = kind == "account"
        account = self.integer("id" if own else "account_id")
        currency, contract = (self.get(name) if own else None for name in ("currency", "contract_address"))
        self.unit, self.fees_unit = known.units(account, currency, contract)
        if kind == "transaction" and counts_a_token(self.get("type")):
            self.unit = known.token_unit(self.get("currency"), self.get(TOKEN_MINT))

    def get(self, name: str) -> Any:
        """Return a value, None where there is none."""
        value = self._values.get(name)
        return None if missing(value) else value

    def integer(self, name: str) -> int | None:
        """Return an id."""
        value = self.get(name)
        return None if value is None else int(value)

    def listed(self, name: str) -> list[Any]:
        """Return a list, empty where there is none."""
        value = self.get(name)
        return value if isinstance(value, list) else []

    def destinations(self) -> list[tuple[str, str]]:
        """Return the addresses that it pays, or that may be paid by it, each with the column that it is in."""
        return [(name, one) for name, value in self._values.items() for one in destinations({name: value})]

    @property
    def lacks_units(self) -> bool:
        """Whether it has amounts, and is shown without their unit."""
        amounts = {"account": ("balance",), "transaction": ("amount", "fees")}.get(self.kind, ())
        units = (self.unit, self.fees_unit)
        return any(self.get(name) is not None and unit is None for name, unit in zip(amounts, units, strict=False))


Show = Callable[[Object, str], Value | None]


@dataclass(frozen=True)
class Line:
    """One fact of a card."""

    label: str
    column: str
    show: Show


@dataclass(frozen=True)
class Layout:
    """The card of one kind."""

    lines: Sequence[Line]
    tables: Callable[[Object], Sequence[str]] = lambda _: ()
    name: str = "name"


def card(kind: str, frame: pd.DataFrame, known: Known | None = None, *, more: Sequence[str] = ()) -> str:
    """Return an object as HTML. To draw it makes no call.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    frame
        The one row that ``get`` gives.
    known
        Names and units; without them ids and base units are shown.
    more
        HTML of what else is known of it, such as :func:`~ledgerkit.cards.sections.steps`.

    Raises
    ------
    InvalidRequest
        There is no card of this kind, or the frame has not one row.
    """
    one = _object(kind, frame, known)
    foot = []
    if one.lacks_units:
        foot.append("In base units where no unit is known: session.to_display(frame) looks it up.")
    if _uncompared(one):
        foot.append(_uncompared(one))
    if one.read_at is not None:
        foot.append(f"Read at {one.read_at.tz_convert(one.known.zone).strftime('%Y-%m-%d %H:%M %Z')}.")
    return showing.page(
        "card",
        _facts(one),
        *_tables(one),
        *more,
        sections.all_fields(frame),
        f"<div style='margin:8px 0 0;font-size:12px'>{quiet(text(' '.join(foot)))}</div>" if foot else "",
        title=" · ".join(part for part in (one.environment, one.workspace, _title(one)) if part),
        environment=one.environment,
    )


def facts(kind: str, frame: pd.DataFrame, known: Known | None = None) -> str:
    """Return the facts of an object as HTML, and what it lists, as a part of the card of another one."""
    one = _object(kind, frame, known)
    listed = "".join(_tables(one))
    return f"<div style='margin:8px 0 0'>{sections.heading(_title(one))}{_facts(one)}{listed}</div>"


def look_alikes(kind: str, frame: pd.DataFrame, known: Known | None) -> list[str]:
    """Return a line for each address of an object that may be taken for a known one."""
    one = _object(kind, frame, known)
    said = [(address, one.known.look_alike(address)) for address in _compared(one)]
    lines = [
        f"{mark.label}: {showing.visible(str(address))}: {showing.visible(mark.text)}"
        for address, mark in said
        if mark is not None
    ]
    return [*lines, *([_uncompared(one)] if _uncompared(one) else [])]


def _compared(one: Object) -> list[Any]:
    return [one.get("address"), *one.listed("senders"), *(address for _, address in one.destinations())]


def _marked_first(addresses: Sequence[Any], one: Object, address: Callable[[Any], Any] = lambda given: given) -> Any:
    """Return as many as are shown; what is like a known one is none of those that are left out."""
    if len(addresses) <= MOST_ROWS:
        return addresses
    return sorted(addresses, key=lambda given: one.known.look_alike(address(given)) is None)[:MOST_ROWS]


def _uncompared(one: Object) -> str:
    """Say that the addresses of an object could not be compared with known ones, where that is so."""
    words = one.known.uncompared if any(_compared(one)) else ""
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def title(kind: str, frame: pd.DataFrame) -> str:
    """Return what an object is called, as text, such as ``"Account 12 · BTC Treasury 1"``."""
    return _title(_object(kind, frame, None))


def _object(kind: str, frame: pd.DataFrame, known: Known | None) -> Object:
    if kind not in LAYOUTS:
        raise InvalidRequest(
            f"there is no card of `kind` = {shorten(kind)}; there are: {', '.join(LAYOUTS)}.", field="kind"
        )
    if len(frame) != 1:
        raise InvalidRequest(f"a card shows one object, and this frame has {len(frame)} rows.", field="frame")
    return Object(kind, frame, known or Known())


def _title(one: Object) -> str:
    key = one.integer("id") if one.kind != "address" else None
    name = one.get(LAYOUTS[one.kind].name)
    head = one.kind.capitalize() if key is None else f"{one.kind.capitalize()} {key}"
    return head if name is None or one.kind == "address" else f"{head} · {showing.spelled(str(name))}"


def _facts(one: Object) -> str:
    shown = [(line.label, line.show(one, line.column)) for line in LAYOUTS[one.kind].lines]
    return showing.fields((label, value.html, value.unit) for label, value in shown if value is not None)


def _tables(one: Object) -> Sequence[str]:
    """Return what an object lists, and the addresses that may be paid and have no place in its layout.

    Of requests the API documents none, and a service may say them; those that a contract is called with are deep.
    """
    layout = LAYOUTS[one.kind]
    placed = {*(["addresses"] if one.kind == "whitelist" else []), *(line.column for line in layout.lines)}
    others = [(name, address) for name, address in one.destinations() if name not in placed]
    rows = [
        [text(name), values.address(address, one.known)]
        for name, address in _marked_first(others, one, lambda given: given[1])
    ]
    return [*layout.tables(one), sections.section("Addresses", ["In", "Address"], rows), _cut(len(others))]


# How values are shown


def _as(shown: Callable[[Any], str]) -> Show:
    def show(one: Object, column: str) -> Value | None:
        value = one.get(column)
        return None if value is None else Value(shown(value))

    return show


def _state(one: Object, column: str) -> Value | None:
    value = one.get(column)
    return None if value is None else Value(values.pill(str(value), one.kind))


def _flag(value: Any) -> str:
    return "yes" if value else "no"


def _time(one: Object, column: str) -> Value | None:
    value = one.get(column)
    return None if value is None else Value(values.time(value, one.known.zone, one.read_at))


def _created(one: Object, column: str) -> Value | None:
    moment, user = _time(one, column), one.integer("created_by")
    by = "" if user is None else f"by {named('user', user, one.known)}"
    parts = [part for part in ("" if moment is None else moment.html, by) if part]
    return Value(", ".join(parts)) if parts else None


def _amount(one: Object, column: str) -> Value | None:
    value = one.get(column)
    outgoing = column == "amount" and one.kind == "transaction" and direction(str(one.get("type"))) == "out"
    return None if value is None else values.amount(value, one.unit, outgoing=outgoing)


def _fees(one: Object, column: str) -> Value | None:
    value = one.get(column)
    return None if value is None else values.amount(value, one.fees_unit)


def _of(kind: str) -> Show:
    def show(one: Object, column: str) -> Value | None:
        key = one.integer(column)
        return None if key is None else Value(named(kind, key, one.known))

    return show


def _target(one: Object, column: str) -> Value | None:
    kind, key = one.get("target_type"), one.integer(column)
    if kind is None:
        return None
    if key is None:
        return Value(text(words(str(kind))))
    known = TARGETS.get(str(kind))
    if known in ("account", "group", "user"):
        return Value(named(str(known), key, one.known))
    return Value(f"{text(words(str(kind)).lower())} {key}")


def _addresses(one: Object, column: str) -> Value | None:
    shown = [values.address(value, one.known) for value in _marked_first(one.listed(column), one)]
    return Value("<br>".join(shown)) if shown else None


def _address(one: Object, column: str) -> Value | None:
    value = one.get(column)
    return None if value is None else Value(values.address(value, one.known))


def _block(one: Object, column: str) -> Value | None:
    height, moment = one.get(column), _time(one, "block_time")
    parts = ([f"{int(height)}"] if height is not None else []) + ([moment.html] if moment else [])
    return Value(", ".join(parts)) if parts else None


def _confirmations(one: Object, column: str) -> Value | None:
    had, needed = one.get(column), one.get("min_confirmations")
    if had is None:
        return None
    return Value(f"{int(had)}" + ("" if needed is None else f" of {int(needed)} needed"))


def _notes(one: Object, column: str) -> Value | None:
    shown = []
    for note in one.listed(column)[:MOST_ROWS]:
        parts = [note.get("title"), note.get("content")] if isinstance(note, dict) else [note]
        shown.append(": ".join(text(part) for part in parts if not missing(part)))
    return Value("<br>".join(shown)) if shown else None


def _labels(one: Object, column: str) -> Value | None:
    shown = [
        text(label["name"] if isinstance(label, dict) and "name" in label else values.plain(label))
        for label in one.listed(column)
    ]
    return Value(", ".join(shown)) if shown else None


def _failure(one: Object, column: str) -> Value | None:
    shown = [text(one.get(name)) for name in (column, "failure_reasons_reason") if one.get(name) is not None]
    return Value("<br>".join(shown)) if shown else None


def _memo(one: Object, column: str) -> Value | None:
    names = [f"{column}_MEMO_{kind}" for kind in ("TEXT", "ID", "HASH", "RETURN")]
    shown = [f"{text(one.get(name))} {quiet(name[-4:].strip('_').lower())}" for name in names if one.get(name)]
    return Value("<br>".join(shown)) if shown else None


_WORD: Final[Show] = _as(lambda value: text(words(str(value))))
_TEXT: Final[Show] = _as(text)
_CODE: Final[Show] = _as(code)
_HASH: Final[Show] = _as(values.address)
_NUMBER: Final[Show] = _as(lambda value: str(int(value)))
_REQUEST: Final[Show] = _as(lambda value: f"request {int(value)}")
_CREATED: Final = Line("Created", "created_on", _created)
_LAST: Final = Line("Last request", "last_request", _REQUEST)
_STATUS: Final = Line("Status", "status", _state)


# Tables below the facts


def _account_tables(one: Object) -> Sequence[str]:
    return [
        rule_sets(one.listed("governance_rules"), one.known, one.unit),
        _tokens(one.listed("token_accounts")),
    ]


def _tokens(tokens: Sequence[Any]) -> str:
    """Return a table of light token accounts, in base units: the unit of the account above is not theirs."""
    rows = [
        [
            text(one.get("ticker") or ""),
            values.address(one["contract_address"]) if one.get("contract_address") else "",
            values.amount(one["available"], None) if type(one.get("available")) is int else "",
            values.pill(str(one["status"])) if one.get("status") else "",
        ]
        for one in tokens
        if isinstance(one, dict)
    ]
    heads = ["Token", "Contract", "Available", "Status"]
    return sections.section(f"Token accounts ({len(rows)})", heads, rows[:MOST_ROWS]) + _cut(len(rows))


def _whitelist_tables(one: Object) -> Sequence[str]:
    addresses = [address for address in one.listed("addresses") if isinstance(address, dict)]
    heads = ["Name", "Currency", "Address", "Tags"]
    rows = [
        [
            text(address.get("name") or ""),
            text(address.get("currency") or ""),
            values.address(address["address"], one.known) if address.get("address") else quiet("hidden"),
            text(_tags(address.get("destination_tags"))),
        ]
        for address in _marked_first(addresses, one, lambda entry: entry.get("address"))
    ]
    if not any(tags for *_, tags in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return [sections.section(f"Addresses ({len(addresses)})", heads, rows), _cut(len(addresses))]


def _tags(tags: Any) -> str:
    return ", ".join(map(str, tags)) if isinstance(tags, list) else "" if missing(tags) else values.plain(tags)


def _ids(name: str, kind: str, keys: Sequence[Any], one: Object) -> str:
    """Return a table of the objects whose ids are in a list; the service may hide some."""
    rows = []
    for key in keys:
        inner = key.get("id", key) if isinstance(key, dict) else key
        if type(inner) is int:
            rows.append([named(kind, inner, one.known)])
        else:
            rows.append([quiet("hidden from you") if inner is None else text(values.plain(inner))])
    return sections.section(f"{name} ({len(rows)})", [kind.capitalize()], rows[:MOST_ROWS]) + _cut(len(rows))


def _cut(count: int) -> str:
    return "" if count <= MOST_ROWS else quiet(f"{count - MOST_ROWS} more are in All fields.")


def _member_tables(name: str, kind: str, column: str) -> Callable[[Object], Sequence[str]]:
    return lambda one: [_ids(name, kind, one.listed(column), one)]


def _address_tables(one: Object) -> Sequence[str]:
    exposures = [row for row in one.listed("provider_details_exposures") if isinstance(row, dict)]
    rows: list[list[str | Value]] = [
        [text(row.get("category")), Value(text(row.get("value")), "USD")] for row in exposures
    ]
    return [sections.section("Exposures", ["Category", "Value"], rows)]


LAYOUTS: Final[Mapping[str, Layout]] = {
    "account": Layout(
        [
            _STATUS,
            Line("Balance", "balance", _amount),
            Line("Available", "available_balance", _amount),
            Line("Pending", "pending_balance", _amount),
            Line("Currency", "currency", _TEXT),
            Line("Token contract", "contract_address", _HASH),
            Line("Type", "type", _TEXT),
            Line("Address", "address", _address),
            Line("Parent", "parent", _of("account")),
            Line("Derivation path", "derivation_path", _CODE),
            Line("Labels", "labels", _labels),
            _CREATED,
            _LAST,
        ],
        _account_tables,
    ),
    "transaction": Layout(
        [
            _STATUS,
            Line("Failed because", "failure_reasons_client_reason", _failure),
            Line("Type", "type", _WORD),
            Line("Amount", "amount", _amount),
            Line("Fees", "fees", _fees),
            Line("Fees at most", "max_fees", _fees),
            Line("Account", "account_id", _of("account")),
            Line("Currency", "currency", _TEXT),
            Line("Recipient", "recipient", _address),
            Line("Destination tag", "coin_fields_destination_tag", _NUMBER),
            Line("Memo", "coin_fields_memo", _memo),
            Line("Senders", "senders", _addresses),
            Line("Token mint", TOKEN_MINT, _HASH),
            Line("Contract", "coin_fields_contract_interaction_contract_name", _TEXT),
            Line("Function", "coin_fields_contract_interaction_function_name", _CODE),
            Line("Hash", "tx_hash", _HASH),
            Line("Confirmations", "confirmations", _confirmations),
            Line("Block", "block_height", _block),
            _CREATED,
            Line("Broadcast", "broadcast_on", _time),
            Line("Speed", "speed", _WORD),
            Line("Risk", "compliance_risk_risk", _WORD),
            Line("Notes", "notes", _notes),
            Line("Labels", "labels", _labels),
            _LAST,
        ],
    ),
    "request": Layout(
        [
            _STATUS,
            Line("Type", "type", _WORD),
            Line("Target", "target_id", _target),
            _CREATED,
            Line("Expires", "expires_at", _time),
            Line("Admin group used", "used_admin_group", _of("group")),
        ],
    ),
    "user": Layout(
        [
            _STATUS,
            Line("Role", "role", _WORD),
            Line("API user", "is_api", _as(_flag)),
            Line("User id", "user_id", _CODE),
            _CREATED,
            _LAST,
            Line("Key handle", "key_handle", _CODE),
            Line("Public key", "pub_key", _CODE),
        ],
        name="username",
    ),
    "whitelist": Layout(
        [_STATUS, Line("Description", "description", _TEXT), _CREATED, _LAST],
        _whitelist_tables,
    ),
    "group": Layout(
        [_STATUS, Line("Description", "description", _TEXT), _CREATED, _LAST],
        _member_tables("Members", "user", "members"),
    ),
    "entity": Layout(
        [_STATUS, _CREATED, _LAST],
        _member_tables("Accounts", "account", "accounts"),
    ),
    "address": Layout(
        [
            Line("Address", "address", _address),
            Line("Risk", "risk", _WORD),
            Line("Risk to the provider", "provider_details_risk", _TEXT),
            Line("Reason", "provider_details_reason", _TEXT),
            Line("Under sanctions", "has_sanctions", _as(_flag)),
        ],
        _address_tables,
    ),
}
KINDS: Final = tuple(LAYOUTS)
