"""Parts of payloads: notes, fee strategies, memos of Stellar, calls of contracts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.base import Checked, optional, rules
from ledgerkit.payloads.rules import Amount, Choice, Integer, Pattern, Rule, Text, frozen, refused, thawed

LARGEST_MEMO_ID: Final = 2**64 - 1
LONGEST_MEMO_TEXT: Final = 28
# Every sample of the contract begins with 0x; whether the service takes bytes without it is not said.
HEXADECIMAL: Final = Pattern(r"0x([0-9a-fA-F]{2})+", "whole bytes in hexadecimal digits after 0x, as '0xa9059cbb'")
HASH: Final = Pattern(r"[0-9a-fA-F]{64}", "64 hexadecimal digits")


class Part(Checked, frozen=True):
    """A part of a payload, which is an object in its JSON."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of this part; a new dict each time."""
        return {
            name: rules(type(self))[name].write(value) for name, value in self.values().items() if value is not None
        }

    @classmethod
    def fields_of(cls, found: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the fields in this JSON, or None where it is that of another part."""
        required = set(cls.__struct_fields__) - optional(cls)
        return found if required <= found.keys() <= set(cls.__struct_fields__) else None

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self | None:
        """Return the part whose JSON this is, or None where it is that of another part.

        Raises
        ------
        InvalidRequest
            It is of this part, but with a value that it can't have.
        """
        fields = cls.fields_of({name: value for name, value in found.items() if value is not None})
        if fields is None:
            return None
        made = cls(**{name: rules(cls)[name].parse(name, value) for name, value in fields.items()})
        for name, value in fields.items():
            if not rules(cls)[name].returns(getattr(made, name), value):
                raise refused(name, value, f"{cls.__name__} would not write it like this")
        return made

    def said(self) -> str:
        """Return the part in plain words."""
        return ", ".join(f"{name} {value}" for name, value in self.values().items() if value is not None)


class OneOf(Rule):
    """One of these parts."""

    def __init__(self, *kinds: type[Part]) -> None:
        self.kinds = kinds

    def read(self, name: str, value: Any) -> Part:
        """Return the part."""
        if not isinstance(value, self.kinds):
            forms = [f"{kind.__name__}({', '.join(kind.__struct_fields__)})" for kind in self.kinds]
            raise refused(name, value, f"it takes {' or '.join(forms)}{self.hint(value)}")
        return value

    def hint(self, value: Any) -> str:
        """Return which part somebody who gave this may have meant."""
        return ""

    def write(self, value: Any) -> Any:
        """Return the JSON of the part."""
        return value.to_json()

    def parse(self, name: str, found: Any) -> Any:
        """Return the part whose JSON this is."""
        if isinstance(found, Mapping):
            for kind in self.kinds:
                if (part := kind.from_json(found)) is not None:
                    return part
        raise refused(name, found, f"it is no {' and no '.join(kind.__name__ for kind in self.kinds)}")

    def returns(self, value: Any, found: Any) -> bool:
        """Say yes: the part compared itself as it was read."""
        return True


class OneMemo(OneOf):
    """One of the memos of Stellar; who gives a plain text or number is told its memo."""

    def hint(self, value: Any) -> str:
        """Return the memo of a plain text or number."""
        if isinstance(value, str) and len(value.encode()) <= LONGEST_MEMO_TEXT:
            return f"; write a text as lk.payloads.MemoText({value!r})"
        if type(value) is int and 0 <= value <= LARGEST_MEMO_ID:
            return f"; write a number as lk.payloads.MemoId({value})"
        return ""


class Note(Part, frozen=True):
    """A note, by which people search later.

    Parameters
    ----------
    title, content
        Texts of any length.
    """

    title: Annotated[str, Text()]
    content: Annotated[str, Text(empty=True, lines=True)]

    def said(self) -> str:
        """Return title and content."""
        return f"{self.title}: {self.content}" if self.content else self.title


# Fees


class FeesStrategy(Part, frozen=True):
    """How fees are chosen; the type is SPEED or CUSTOM."""

    type: ClassVar[str] = "CUSTOM"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the strategy."""
        return {"type": self.type, "data": super().to_json()}

    @classmethod
    def fields_of(cls, found: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the fields of the strategy in this JSON."""
        data = found.get("data")
        if found.keys() != {"type", "data"} or found["type"] != cls.type or not isinstance(data, Mapping):
            return None
        return super().fields_of(data)


class Speed(FeesStrategy, frozen=True):
    """Fees that the service chooses for a speed."""

    type: ClassVar[str] = "SPEED"
    speed: Annotated[Literal["FAST", "NORMAL", "SLOW"], Choice(Literal["FAST", "NORMAL", "SLOW"])]

    def said(self) -> str:
        """Return the speed."""
        return f"speed {self.speed}"


class FeesPerByte(FeesStrategy, frozen=True):
    """Fees of a bitcoin-like transaction, in base units for each byte."""

    fees_per_byte: Annotated[int | str, Amount()]

    def said(self) -> str:
        """Return the fees with their unit."""
        return f"{self.fees_per_byte} base units for each byte"


class GasPrice(FeesStrategy, frozen=True):
    """Gas of an EVM transaction: how much of it, and the price of each in base units (wei)."""

    gas_limit: Annotated[int | str, Amount()]
    gas_price: Annotated[int | str, Amount()]

    def said(self) -> str:
        """Return limit and price with their units."""
        return f"at most {self.gas_limit} gas at {self.gas_price} base units each"


class PriorityFees(FeesStrategy, frozen=True):
    """Gas of an EIP-1559 transaction: how much, and the highest priority fee for each in base units (wei)."""

    gas_limit: Annotated[int | str, Amount()]
    priority_fees: Annotated[int | str, Amount()]

    def said(self) -> str:
        """Return limit and priority fee with their units."""
        return f"at most {self.gas_limit} gas with a priority fee of at most {self.priority_fees} base units each"


# Memos of Stellar


class Memo(Part, frozen=True):
    """A memo of a Stellar transaction; its value stands in the JSON under the name of its kind."""

    key: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the memo."""
        [value] = super().to_json().values()
        return {self.key: value}

    @classmethod
    def fields_of(cls, found: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the value of the memo in this JSON."""
        [name] = cls.__struct_fields__
        return {name: found[cls.key]} if found.keys() == {cls.key} else None

    def said(self) -> str:
        """Return the kind and the value."""
        [value] = self.values().values()
        return f"{self.key} {value}"


class MemoText(Memo, frozen=True):
    """A memo of at most 28 bytes of text."""

    key: ClassVar[str] = "MEMO_TEXT"
    text: Annotated[str, Text(empty=True)]

    def check(self) -> None:
        """Check the length in bytes: the contract counts characters, the chain bytes."""
        if (length := len(self.text.encode())) > LONGEST_MEMO_TEXT:
            raise refused("memo", self.text, f"{length} bytes in UTF-8 are more than {LONGEST_MEMO_TEXT}")


class MemoId(Memo, frozen=True):
    """A memo that is an integer of 64 bits, never negative."""

    key: ClassVar[str] = "MEMO_ID"
    id: Annotated[int, Integer(LARGEST_MEMO_ID)]


class MemoHash(Memo, frozen=True):
    """A memo that is a hash: 64 hexadecimal digits."""

    key: ClassVar[str] = "MEMO_HASH"
    hash: Annotated[str, HASH]


class MemoReturn(Memo, frozen=True):
    """A memo that is the hash of the transaction that is paid back: 64 hexadecimal digits."""

    key: ClassVar[str] = "MEMO_RETURN"
    hash: Annotated[str, HASH]


# Calls of contracts


class ContractData(Rule):
    """A call of a contract: a dict with ``function_name``, ``function_arguments`` and ``abi``, or encoded bytes."""

    def read(self, name: str, value: Any) -> Any:
        """Return the text, or an immutable copy of the dict."""
        if isinstance(value, str):
            return HEXADECIMAL.read(name, value)
        if not isinstance(value, Mapping):
            raise refused(
                name, value, "it takes a dict with abi, function_name, function_arguments; or a text of bytes"
            )
        for key in value:
            if key not in ("abi", "function_name", "function_arguments"):
                raise refused(name, value, f"it has no {key!r}, only abi, function_name, function_arguments")
        given = {key: inner for key, inner in value.items() if inner is not None}
        Text().read(f"{name}.function_name", given.get("function_name"))
        arguments = given.get("function_arguments", {})
        if not isinstance(arguments, Mapping):
            raise refused(f"{name}.function_arguments", arguments, "it takes a dict")
        if "abi" in given:
            _check_call(name, given["abi"], given["function_name"], arguments)
        return frozen(name, given)

    def write(self, value: Any) -> Any:
        """Return the text, or a dict that belongs to the caller."""
        return thawed(value)

    def returns(self, value: Any, found: Any) -> bool:
        """Compare without nulls, which are as if they were left out."""
        if isinstance(found, Mapping):
            found = {key: inner for key, inner in found.items() if inner is not None}
        return bool(self.write(value) == found)


def _check_call(name: str, abi: Any, function_name: str, arguments: Mapping[str, Any]) -> None:
    if not isinstance(abi, Sequence) or isinstance(abi, str) or not all(isinstance(one, Mapping) for one in abi):
        raise refused(f"{name}.abi", abi, "it takes a list of dicts; text of JSON must be read first")
    functions = [one for one in abi if one.get("type", "function") == "function"]
    inputs = [one.get("inputs") or [] for one in functions if one.get("name") == function_name]
    if not inputs:
        named = ", ".join(str(one.get("name")) for one in functions)
        raise refused(f"{name}.function_name", function_name, f"the abi has these functions: {named}")
    names = [[one.get("name") if isinstance(one, Mapping) else None for one in each] for each in inputs]
    # Arguments without names can't be told apart by this; the service then decides.
    if all(all(each) for each in names) and not any(set(each) == arguments.keys() for each in names):
        forms = " or ".join(f"({', '.join(map(str, each))})" for each in names)
        raise InvalidRequest(
            f"`{name}.function_arguments` has ({', '.join(map(str, arguments))}); by the abi, {function_name} takes "
            f"{forms}.",
            field=f"{name}.function_arguments",
        )


BitcoinFees: TypeAlias = Annotated[Speed | FeesPerByte, OneOf(Speed, FeesPerByte)]
EthereumFees: TypeAlias = Annotated[Speed | GasPrice | PriorityFees, OneOf(Speed, GasPrice, PriorityFees)]
SpeedOnly: TypeAlias = Annotated[Speed, OneOf(Speed)]
StellarMemo: TypeAlias = Annotated[
    MemoText | MemoId | MemoHash | MemoReturn, OneMemo(MemoText, MemoId, MemoHash, MemoReturn)
]
AnyNote: TypeAlias = Annotated[Note, OneOf(Note)]
