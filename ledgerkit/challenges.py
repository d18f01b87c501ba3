"""What would be signed, compared field by field with what was meant.

Whatever a challenge says is what the HSM executes, whatever the request shows. One kind of challenge is known from a
documented sample; for the others the same shape is assumed, and a person has to agree to that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from ledgerkit.addresses import EVM_ADDRESS, same_address
from ledgerkit.decoding import ANTIREPLAY, TYPE, Challenge, Level, Verb, decode, encoded
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.reviews import ADDRESSES, AMOUNTS, ENDS_IN, Basis, Review, Row, Verdict
from ledgerkit.showing import visible

__all__ = [
    "LEAST_END",
    "Basis",
    "Challenge",
    "Level",
    "Review",
    "Row",
    "Verb",
    "Verdict",
    "compare",
    "decode",
    "encoded",
]

_Path = tuple[str | int, ...]
_Fields = dict[_Path, Any]

# An end that is shorter is found again by trial among new addresses: five characters of an EVM address, in seconds on
# one core. Hex digits hold four bits each, those of the other alphabets five and more.
LEAST_END: Final = 8
LEAST_HEX_END: Final = 10
# What decides who gets how much of what.
DECISIVE: Final = ("amount", "recipient", "contract_address", "tag", "memo", "token_mint")
# Fees that nobody stated may be this part of the amount; above it they have to be stated.
UNSTATED_FEES: Final = 10

_DISPLAYED = {"Amount": "amount", "Max total fees": "max_fees", "Recipient address": "recipient"}
# The one unit in the documented display text; by the size of its numbers it is the base unit of ether.
_BASE_UNITS = {"swei"}

_CONTAINERS = {
    "CREATE_TRANSACTION": "transaction_data",
    "CREATE_MESSAGE_SIGNING": "message_data",
    "CREATE_PLEDGE_INCREMENT": "pledge_data",
    "CREATE_FORCED_UNPLEDGE": "forced_unpledge_data",
    "CREATE_ACCOUNT": "account_data",
}
_BESIDE_CONTAINER = {"transaction_type", "message_type", "account_type"}
# The service has three names for a message to sign.
_OBJECTS = {"CREATE_MESSAGE_SIGNING": ("MESSAGE_SIGNING", "MESSAGE", "MESSAGE_SIGNATURE")}
# What the sample leaves out of the signed part, though the request has it.
_NOT_SIGNED = {"account_id", "fees_strategy", "pledge_subaccount_id"}
# What may be null in a request; null says the same as no field.
_NULLABLE = {
    "address",
    "amount",
    "contract_address",
    "contract_data",
    "encoded_contract_data",
    "max_priority_fee",
    "memo",
    "parent_id",
    "tag",
}
# What a statement may leave to the eye of the approver. Not a tag, a memo or a contract: they decide who gets what.
_MAY_BE_UNSTATED = {"account_name", "currency", "max_fees"}
_NUMBERS = {*AMOUNTS, "tag"}
_DIGITS = re.compile(r"0|-?[1-9][0-9]{0,77}")


def compare(
    challenge: Challenge, intent: Mapping[str, Any], *, verb: Verb = "approve", basis: Basis | None = None
) -> Review:
    """Lay a challenge beside what was meant.

    Parameters
    ----------
    challenge
        What would be signed.
    intent
        The body that was sent to create the request, as ``payload.to_json()`` gives it; or what an approver states
        from a source of his own: ``amount`` in base units, and ``recipient`` or its end as ``recipient_end``; besides
        ``currency``, ``account_name``, ``max_fees`` and any other field of the request, and ``type`` where it is no
        transaction.
    verb
        What the signature is wanted for.
    basis
        Where the intent comes from, if that is not the caller.

    Raises
    ------
    InvalidRequest
        The statement can't be compared.
    """
    decoded, level = challenge.decoded, challenge.recogniser
    drafted = isinstance(intent.get("data"), Mapping)
    request_type = str(intent.get("type", "CREATE_TRANSACTION"))
    container = _CONTAINERS.get(request_type, "transaction_data")
    recipient = ("data", container, "recipient")
    meant = _draft(intent, container) if drafted else _statement(intent, container)
    signed = _displayed(decoded, container) if level == "display" else dict(_leaves(decoded, container))
    if request_type != "CREATE_TRANSACTION":
        meant, signed = _gathered(meant, container), _gathered(signed, container)
    rows = [] if level == "display" else _envelope(signed, request_type, verb)
    if not drafted and (end := _end(intent)) is not None:
        rows.append(_ending(end, signed.get(recipient)))
        if recipient not in meant:
            signed.pop(recipient, None)
    needed = []
    if not drafted and level in ("documented", "assumed") and request_type == "CREATE_TRANSACTION":
        needed = _always_said(signed)
    for path in dict.fromkeys([*meant, *signed, *needed]):
        verdict = _verdict(path, meant, signed, container, drafted=drafted)
        rows.append(Row(_label(path, container), _shown(path, meant), _shown(path, signed), verdict))
    if drafted and intent.get("note") is not None:
        rows.append(Row("note", _text(intent["note"]), None, "not_signed"))
    return Review(challenge, tuple(rows), level, basis or ("your draft" if drafted else "your statement"), verb)


def unplaced(challenge: Challenge, intent: Mapping[str, Any]) -> list[str]:
    """Return what of the intent decides, and is no value anywhere in a challenge of unknown shape.

    Its fields can't be compared by their names, which would let a challenge escape by naming them otherwise. So what
    decides has to be in it; all that was meant, where there is nothing of that kind.
    """
    values = [_text(value) for _, value in _leaves(challenge.decoded, "")]
    drafted = isinstance(intent.get("data"), Mapping)
    container = _CONTAINERS.get(str(intent.get("type", "CREATE_TRANSACTION")), "transaction_data")
    meant = _draft(intent, container) if drafted else _statement(intent, container)
    inside = {path: value for path, value in meant.items() if path[1:2] == (container,)}
    decisive = {path: value for path, value in inside.items() if path[2] in DECISIVE}
    missing = [
        _label(path, container)
        for path, value in (decisive or inside or meant).items()
        if not any(_equal(str(path[2]), value, other) or _text(value) == other for other in values)
    ]
    if not drafted and (end := _end(intent)) is not None and not any(value.endswith(end) for value in values):
        missing.append("recipient")
    return missing


def high_fees(challenge: Challenge, intent: Mapping[str, Any]) -> int | None:
    """Return fees that a statement leaves out and that are high for its amount; a token's can't be compared."""
    if isinstance(intent.get("data"), Mapping) or "max_fees" in intent:
        return None
    signed = {path[2]: value for path, value in _leaves(challenge.decoded, "transaction_data") if len(path) == 3}
    fees, amount = str(signed.get("max_fees", "")), intent.get("amount")
    if (
        {"contract_address", "token_mint"} & signed.keys()
        or not _DIGITS.fullmatch(fees)
        or not isinstance(amount, int)
    ):
        return None
    return int(fees) if int(fees) * UNSTATED_FEES > amount else None


def shown_alone(challenge: Challenge, verb: Verb) -> Review:
    """Lay a challenge out with nothing to compare it with; such a review never matches."""
    container = "transaction_data"
    signed = dict(_leaves(challenge.decoded, container))
    rows = (Row(_label(path, container), None, _shown(path, signed), "not_compared") for path in signed)
    return Review(challenge, tuple(rows), challenge.recogniser, "nothing", verb)


def _leaves(value: Any, container: str, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Give every value that holds no others, by its path; the index in a list is an integer."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, container, (*path, name))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, container, (*path, index))
    elif value is not None or path[:2] != ("data", container) or len(path) != 3 or path[2] not in _NULLABLE:
        yield path, value


def _draft(intent: Mapping[str, Any], container: str) -> _Fields:
    try:
        data = json.loads(json.dumps(intent["data"]), parse_float=Decimal)  # so that both sides are of the same types
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"`data` of the intent is no JSON: {error}.", field="data") from None
    return dict(_leaves({"data": data}, container))


def _statement(intent: Mapping[str, Any], container: str) -> _Fields:
    stated = {name: value for name, value in intent.items() if name not in ("type", "recipient_end")}
    beside = {name: stated.pop(name) for name in _BESIDE_CONTAINER & stated.keys()}
    return dict(_leaves({"data": {**beside, container: stated}} if stated else {"data": beside}, container))


def _gathered(fields: _Fields, container: str) -> _Fields:
    """Put the leaves of ``data`` side by side, where their names are all different.

    There is a sample of a transaction alone: in which part of other challenges a field stands is not known.
    """
    names = [path[-1] for path in fields if path[:1] == ("data",)]
    if len(set(names)) != len(names):
        return fields
    return {("data", container, path[-1]) if path[:1] == ("data",) else path: fields[path] for path in fields}


def _end(intent: Mapping[str, Any]) -> str | None:
    end = intent.get("recipient_end")
    if end is not None and (not isinstance(end, str) or not re.fullmatch(rf"[!-~]{{{LEAST_END},}}", end)):
        raise InvalidRequest(
            f"`recipient_end` = {shorten(end)} can't be used: write at least {LEAST_END} characters, no blanks.",
            field="recipient_end",
        )
    return end


def _too_short(end: str, recipient: str) -> bool:
    return EVM_ADDRESS.fullmatch(recipient) is not None and len(end) < LEAST_HEX_END


def _displayed(decoded: dict[str, Any], container: str) -> _Fields:
    """Return the leaves of a text for display, under the names of the fields that they show."""
    shown: _Fields = {}
    for path, value in _leaves(decoded, container):
        name = _DISPLAYED.get(str(path[1])) if len(path) == 2 and path[0] == "Transaction properties" else None
        if name in _NUMBERS and isinstance(value, str):
            unit, _, digits = value.partition(" ")
            value = digits if unit in _BASE_UNITS else value
        shown[path if name is None else ("data", container, name)] = value
    return shown


def _envelope(signed: _Fields, request_type: str, verb: Verb) -> list[Row]:
    """Take out what every challenge has, whatever was meant, and return its rows."""
    objects = _OBJECTS.get(request_type) or tuple(dict.fromkeys((request_type.removeprefix("CREATE_"), request_type)))
    wanted = [f"{verb.upper()}_{name}" for name in objects]
    kind, once = signed.pop(("type",), None), signed.pop(("antireplay",), None)
    verdict: Verdict = "match" if kind in wanted else "differs"
    if not isinstance(kind, str) or not TYPE.fullmatch(kind):
        verdict = "missing_in_challenge" if kind is None else "missing_in_intent"
    rows = [Row("type", wanted[0], None if kind is None else _text(kind), verdict)]
    if not isinstance(once, str) or not ANTIREPLAY.fullmatch(once):
        # It is all that links the signed bytes to this request.
        verdict = "missing_in_challenge" if once is None else "missing_in_intent"
        rows.append(Row("antireplay", "64 hex digits", None if once is None else _text(once), verdict))
    return rows


def _ending(end: str, recipient: Any) -> Row:
    verdict: Verdict = "missing_in_challenge" if recipient is None else "differs"
    if isinstance(recipient, str):
        # The part before the end is the same, so that both are addresses of one form.
        if _too_short(end, recipient):
            raise InvalidRequest(
                f"`recipient_end` = {shorten(end)} can't be used: of an address in hex digits write at least "
                f"{LEAST_HEX_END}, better the whole recipient. Nothing was signed.",
                field="recipient_end",
            )
        whole = recipient[: -len(end)] + end
        verdict = "match" if same_address(whole, recipient) else "differs"
    return Row("recipient", f"{ENDS_IN}{end}", None if recipient is None else _text(recipient), verdict)


def _always_said(signed: _Fields) -> list[_Path]:
    """Return what the challenge of a transaction has to say, though it was not stated."""
    names = ["account_name", "currency"]
    if not str(signed.get(("data", "transaction_type"))).startswith(("SOLANA_", "POLKADOT_")):  # these set no limit
        names.append("max_fees")
    return [("data", "transaction_type"), *(("data", "transaction_data", name) for name in names)]


def _verdict(path: _Path, meant: _Fields, signed: _Fields, container: str, *, drafted: bool) -> Verdict:
    name = str(path[-1]) if path else ""
    inside = path[:2] == ("data", container) and len(path) == 3
    if path in meant and path in signed:
        return "match" if _equal(name, meant[path], signed[path]) else "differs"
    if path in meant:
        beside = path[1:2] if not inside else path[2:]
        return "not_signed" if _NOT_SIGNED.intersection(beside) else "missing_in_challenge"
    if path not in signed:
        return "missing_in_challenge"
    left_to_the_eye = (inside and name in _MAY_BE_UNSTATED) or _is_plain_send(path, signed[path])
    return "not_stated" if left_to_the_eye and not drafted else "missing_in_intent"


def _is_plain_send(path: _Path, value: Any) -> bool:
    # Other kinds than sends differ in more fields, and a statement has to name them.
    return path == ("data", "transaction_type") and isinstance(value, str) and value.endswith("_LIKE_SEND")


def _equal(name: str, meant: Any, signed: Any) -> bool:
    if name in _NUMBERS:
        one, other = _whole(meant), _whole(signed)
        return one is not None and one == other
    if type(meant) is not type(signed):
        return False
    if name == "currency" and isinstance(meant, str):
        # Challenges write names of currencies with a blank where requests have an underscore.
        return meant.replace("_", " ") == str(signed).replace("_", " ")
    if name in ADDRESSES and isinstance(meant, str):
        return same_address(meant, signed)
    return bool(meant == signed)


def _whole(value: Any) -> int | None:
    """Return the integer of a plain decimal; int() alone would take blanks, signs and digits of other scripts."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value
    return int(value) if _DIGITS.fullmatch(value) else None


def _label(path: _Path, container: str) -> str:
    if path[:2] == ("data", container) and len(path) == 3:
        path = path[2:]
    elif len(path) == 1:
        path = ("challenge", *path)  # not to be taken for the field of that name inside of the request
    return visible(".".join(str(part) for part in path)) or "challenge"


def _shown(path: _Path, values: _Fields) -> str | None:
    return _text(values[path]) if path in values else None


def _text(value: Any) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
