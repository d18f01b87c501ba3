"""What all payloads share: immutable, checked when they are made, equal by value, and written exactly."""

import inspect
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Self, get_type_hints

import msgspec
from msgspec.structs import force_setattr

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.preview import Line, Preview
from ledgerkit.payloads.rules import Rule, refused


class _Shown(msgspec.StructMeta):
    """Classes whose signature shows plain types: the rules of annotations have no text that people read."""

    @property
    def __signature__(self) -> inspect.Signature:
        plain = get_type_hints(self)
        shown: inspect.Signature = msgspec.StructMeta.__signature__.__get__(self)
        return shown.replace(
            parameters=[one.replace(annotation=plain[name]) for name, one in shown.parameters.items()]
        )


class Checked(msgspec.Struct, frozen=True, metaclass=_Shown):
    """Fields that are checked by the rules of their annotations whenever an object is made."""

    def __post_init__(self) -> None:
        for name, rule in rules(type(self)).items():
            # No value is a local variable here: it would stand in a traceback that shows them, and may be secret.
            if getattr(self, name) is not None or name not in optional(type(self)):
                force_setattr(self, name, rule.read(name, getattr(self, name)))
        self.check()

    def check(self) -> None:
        """Check what lies between fields.

        Raises
        ------
        InvalidRequest
            Fields that are each good don't fit together.
        """

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values, checked as a new one is."""
        return type(self)(**{**self.values(), **changes})

    def values(self) -> dict[str, Any]:
        """Return the fields by name, as they are kept."""
        return {name: getattr(self, name) for name in self.__struct_fields__}

    def __repr__(self) -> str:
        given = ", ".join(
            f"{name}={rules(type(self))[name].said(value)}"
            for name, value in self.values().items()
            if value is not None
        )
        return f"{type(self).__name__}({given})"


@cache
def rules(kind: type[Checked]) -> Mapping[str, Rule]:
    """Return the rule of each field, in the order of the fields."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _rule(hints[name]) for name in kind.__struct_fields__}


@cache
def optional(kind: type[Checked]) -> frozenset[str]:
    """Return the names of the fields that may be None, which is as if they were left out."""
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name in kind.__struct_fields__ if type(None) in typing.get_args(hints[name]))


def _rule(hint: Any) -> Rule:
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    [rule] = [extra for one in members for extra in getattr(one, "__metadata__", ()) if isinstance(extra, Rule)]
    return rule


class Body(Checked, frozen=True):
    """A body that is sent: its fields, its JSON, and how it is shown to whoever confirms it."""

    destination: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return exactly what is sent; a new dict each time."""
        return self.arranged({name: rules(type(self))[name].write(value) for name, value in self.given().items()})

    def shown_json(self) -> dict[str, Any]:
        """Return what is sent, with a mask for what is secret."""
        return self.arranged({name: rules(type(self))[name].show(value) for name, value in self.given().items()})

    def given(self) -> dict[str, Any]:
        """Return the fields that are sent. None is left out, which the API reads as null."""
        return {name: value for name, value in self.values().items() if value is not None}

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the body that these fields make."""
        return fields

    def preview(self) -> Preview:
        """Return what this does in plain words, and the exact JSON."""
        return Preview(self.title(), tuple(self.lines()), self.shown_json(), self.destination)

    def title(self) -> str:
        """Return in one line what this does."""
        raise NotImplementedError

    def lines(self) -> list[Line]:
        """Return what whoever confirms must read, each with its label."""
        raise NotImplementedError


class Readable(Body, frozen=True):
    """A body that can be read back from its JSON."""

    @classmethod
    def flattened(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that make this body: the inverse of :meth:`arranged`."""
        return dict(body)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Return the payload whose JSON is this body; nulls are as if they were left out.

        Raises
        ------
        InvalidRequest
            A field is missing, unknown, or has a value that the payload can't have.
        """
        if not isinstance(body, Mapping):
            raise refused("body", body, "it takes a dict")
        # The API reads null and a field that is left out as the same.
        fields = {name: found for name, found in cls.flattened(body).items() if found is not None}
        for name in fields:
            if name not in cls.__struct_fields__:
                raise refused(name, fields[name], f"{cls.__name__} has no such field")
        for name in cls.__struct_fields__:
            # Also where there is a default: the body would be sent with more than it has.
            if name not in fields and name not in optional(cls):
                raise InvalidRequest(f"`{name}` is missing: the body is no {cls.__name__}.", field=name)
        made = cls(**{name: rules(cls)[name].parse(name, found) for name, found in fields.items()})
        for name, found in fields.items():
            if not rules(cls)[name].returns(getattr(made, name), found):
                raise refused(name, found, f"{cls.__name__} would not write it like this")
        return made


class Payload(Readable, frozen=True):
    """A body of ``POST /requests``."""

    destination: ClassVar[str] = "POST /requests"
    # The request type.
    type: ClassVar[str]
    # The object inside of ``data`` that holds the fields, and the fields that stand beside it.
    details: ClassVar[str]
    beside: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def constants(cls) -> Mapping[str, str]:
        """Return what ``data`` has in all bodies of the kind."""
        return {}

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the body that these fields make."""
        note = {"note": fields.pop("note")} if "note" in fields else {}
        beside = {name: fields.pop(name) for name in self.beside if name in fields}
        return {"type": self.type, "data": {**beside, **self.constants(), self.details: fields}, **note}

    @classmethod
    def flattened(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that make this body."""
        outer = dict(body)
        data = _inner(outer, "data")
        _constant(outer, "type", cls.type)
        for name, value in cls.constants().items():
            _constant(data, name, value)
        details = _inner(data, cls.details)
        for name in details:
            if name in cls.beside or name == "note":
                raise refused(name, details[name], f"it stands beside `{cls.details}`, not in it")
        for place, found, allowed in (("the body", outer, ("note",)), ("`data`", data, cls.beside)):
            for name in found:
                if name not in allowed:
                    raise refused(name, found[name], f"{place} of {cls.__name__} has no such field")
        return {**data, **details, **outer}


def _inner(outer: dict[str, Any], name: str) -> dict[str, Any]:
    found = outer.pop(name, None)
    if not isinstance(found, Mapping):
        raise refused(name, found, "it takes a dict")
    return dict(found)


def _constant(found: dict[str, Any], name: str, value: str) -> None:
    if (given := found.pop(name, None)) != value:
        raise refused(name, given, f"it is {value!r} here")
