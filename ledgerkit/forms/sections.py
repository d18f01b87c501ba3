"""The fields of a read: made of the signature of its method and of its docstring."""

import inspect
import re
from collections.abc import Mapping
from typing import Any, Final

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Filter, filters
from ledgerkit.forms.fields import ChoiceField, Field, FlagField, PickField, TextField, TimeField
from ledgerkit.forms.pickers import Named
from ledgerkit.frames import LIST, OBJECT
from ledgerkit.operations import marked

# What is picked by name: each parameter, and of what kind it takes ids.
NAMED: Final[Mapping[str, Named]] = {
    "account": "account",
    "account_id": "account",
    "account_label": "label",
    "approved_by": "user",
    "created_by": "user",
    "creation_account_id": "account",
    "currency": "currency",
    "currency_name": "currency",
    "entity": "entity",
    "entity_id": "entity",
    "group": "group",
    "group_id": "group",
    "label_id": "label",
    "members": "user",
    "parent": "account",
    "parent_account_id": "account",
    "pending_by": "user",
    "rejected_by": "user",
    "tx_label": "label",
    "user": "user",
    "user_id": "user",
    "whitelist_id": "whitelist",
}
LABELS: Final[Mapping[str, str]] = {
    "account_id": "Account",
    "account_label": "Label",
    "created_after": "Created from",
    "created_before": "Created before",
    "creation_account_id": "Creating account",
    "creation_tx": "Id of the creating transaction",
    "currency_name": "Currency",
    "digests_id": "Digest id",
    "entity_id": "Entity",
    "group_id": "Group",
    "include_xpub": "Include extended public keys",
    "label": "Text of a note (deprecated)",
    "label_id": "Label",
    "limit": "Rows at most",
    "max_amount": "Maximum amount, in base units",
    "min_amount": "Minimum amount, in base units",
    "order_by": "Order by",
    "parent": "Parent account",
    "parent_account_id": "Parent account",
    "stake_uid": "Stake",
    "title": "Text of a note",
    "tx_hash": "Transaction hash",
    "tx_label": "Label",
    "user_id": "User",
    "whitelist_id": "Whitelist",
}
# Filters that the service matches whole, with how they are called where they found nothing.
WHOLE: Final[Mapping[str, str]] = {"name": "Names", "username": "Usernames"}
# What is shown at once; the rest is folded. Of what is not here, the first six.
COMMON: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts": ("name", "currency", "status", "account_type", "entity", "account_label"),
    "digests": ("account", "status", "id", "created_after", "created_before"),
    "entities": ("name", "status", "account", "created_after", "created_before"),
    "groups": ("name", "status", "members", "created_after", "created_before"),
    "messages": ("account", "status", "message_type", "created_after", "created_before"),
    "requests": ("status", "type", "created_by", "pending_by", "created_after", "created_before"),
    "stakes.cardano": ("status", "stake_uid", "created_after", "created_before"),
    "stakes.solana": ("status", "stake_uid", "created_after", "created_before"),
    "stakes.tezos": ("status", "stake_uid", "created_after", "created_before"),
    "transactions": ("account", "status", "type", "currency", "created_after", "created_before"),
    "users": ("username", "role", "status", "group", "created_after", "created_before"),
    "whitelists": ("name", "status", "account", "address", "created_after", "created_before"),
}
FIRST: Final = 6
# How the result comes, not what is in it.
SHAPE: Final = ("order", "order_by", "limit")
WIDE: Final = frozenset({"address", "contract_address", "recipient", "tx_hash"})
# Integers longer than any id stay the text that they are, and are refused as such.
DIGITS: Final = re.compile(r"-?[0-9]{1,40}", re.ASCII)


def reads(section: type) -> list[str]:
    """Return the methods of a section that read, and change nothing."""
    return [
        name
        for name, method in inspect.getmembers(section, inspect.isfunction)
        if not name.startswith("_")
        and (operations := getattr(method, "operations", ()))
        # A GET that acts is none: it is no read that a form may make at a click.
        and all(one.startswith("GET ") and not one.endswith("/sync") for one in operations)
    ]


def method_of(section: type, name: str) -> Any:
    """Return a method of a section that reads.

    Raises
    ------
    InvalidRequest
        There is none of that name.
    """
    known = reads(section)
    if name not in known:
        raise InvalidRequest(
            f"`method` = {shorten(name)}: there is no form for it; there is one for {', '.join(known)}.",
            field="method",
        )
    return getattr(section, name)


def required(method: Any) -> tuple[str, ...]:
    """Return the parameters that a method can't do without."""
    parameters = inspect.signature(method).parameters.values()
    return tuple(one.name for one in parameters if one.default is one.empty and one.name != "self")


def common(section: str, name: str, method: Any) -> tuple[str, ...]:
    """Return the parameters that a form shows at once, those that are needed first."""
    takes = [one for one in filters(method) if one not in SHAPE]
    chosen = COMMON.get(section, ()) if name == "search" else ()
    needed = required(method)
    return (*needed, *(one for one in chosen or takes[:FIRST] if one not in needed))


def folded_away(method: Any, shown: tuple[str, ...]) -> list[str]:
    """Return the other parameters: wide ones after narrow ones, and last how the result comes."""
    rest = [name for name in filters(method) if name not in shown]
    return sorted(rest, key=lambda name: (name in SHAPE, name in WIDE))


def fields_of(method: Any) -> dict[str, Field]:
    """Return the fields of a method, by parameter, in the order of its signature."""
    told, parameters = documented(method), inspect.signature(method).parameters
    return {
        name: _field(one, told.get(name, ""), parameters[name].default, method)
        for name, one in filters(method).items()
    }


def documented(method: Any) -> dict[str, str]:
    """Return what the docstring of a method says of each parameter."""
    told: dict[str, str] = {}
    named: list[str] = []
    _, _, rest = (inspect.getdoc(method) or "").partition("\nParameters\n----------\n")
    for line in rest.splitlines():
        if line.startswith("    "):
            for name in named:
                told[name] = f"{told.get(name, '')} {line.strip()}".strip()
        elif line:
            named = [one.strip() for one in line.split(",")]
            if re.fullmatch("-+", line):  # the line before was the title of the next part
                break
    return {name: text.replace("``", "") for name, text in told.items()}


def _field(one: Filter, help: str, default: Any, method: Any) -> Field:
    label = LABELS.get(one.name, one.name.replace("_", " ").capitalize())
    needed = default is inspect.Parameter.empty
    label, empty = (
        (f"{label} (needed)", "choose one") if needed else (label, "any" if default is None else str(default))
    )
    if one.name == "order":
        return ChoiceField(
            one.name, label, {"ascending": "asc", "descending": "desc"}, help=help, default="descending, as usual"
        )
    if one.name == "order_by":
        columns = [name for name, kind in marked(method).table.kinds.items() if kind not in (LIST, OBJECT)]
        return ChoiceField(one.name, label, {name: name for name in columns}, help=help, default="as usual")
    if one.name in NAMED:
        ids = NAMED[one.name] != "currency"
        return PickField(one.name, label, one.many, help=help, integer=ids, placeholder="type a name")
    if one.kind == "choice":
        return ChoiceField(one.name, label, one.choices, free=True, many=one.many, help=help, default=empty)
    if one.kind == "flag":
        if default is False:
            return ChoiceField(one.name, label, {"yes": True}, help=help, default="no")
        return FlagField(one.name, label, help)
    if one.kind in ("time", "day"):
        return TimeField(one.name, label, help, day=one.kind == "day")
    if one.many:
        hint = "ids, with commas between them" if one.kind == "integer" else "type one, press Enter, type another"
        return PickField(one.name, label, True, help=help, integer=one.kind == "integer", placeholder=hint)
    if one.name in WHOLE:
        return TextField(one.name, label, help, "the whole name")
    hint = {"exact": "such as 150000000", "limit": "all"}.get("limit" if one.name == "limit" else one.kind, "")
    return TextField(one.name, label, help, hint, wide=one.name in WIDE)


def given(field: Field, kind: str) -> Any | None:
    """Return what a field holds, as code passes it to the method."""
    value = field.read()
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if kind == "integer" and isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    return value
