"""What would be signed: decoded, recognised, and compared field by field with what was meant.

Whatever a challenge says is what the HSM executes, whatever the request shows. One kind of challenge is known from a
documented sample; for the others the same shape is assumed, and a person has to agree to that.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, NoReturn

import pandas as pd

from ledgerkit.errors import ContractViolation, InvalidRequest, ReviewFailed, shorten

Verb = Literal["approve", "reject"]
Level = Literal["documented", "assumed", "display", "unknown"]
Basis = Literal["your draft", "your statement", "the request itself (consistency only)"]
Verdict = Literal["match", "differs", "missing_in_challenge", "missing_in_intent", "not_stated", "not_signed"]
_Path = tuple[str | int, ...]

# The end of a recipient that is shorter is found again by trial among new addresses in seconds.
LEAST_END: Final = 5

_TYPE = re.compile(r"(APPROVE|REJECT)_([A-Z][A-Z0-9_]*)")
_ANTIREPLAY = re.compile(r"[0-9A-F]{64}")
_SAMPLE_FIELDS = {"account_name", "amount", "currency", "max_fees", "recipient"}
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
_AMOUNTS = {"amount", "max_fees", "max_priority_fee", "gas_limit", "gas_price", "priority_fees", "tag"}
_ADDRESSES = {"recipient", "contract_address", "address", "token_mint"}
_DIGITS = re.compile(r"0|-?[1-9][0-9]{0,77}")
_EVM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
# Names of networks whose addresses are Bech32: one address in lower or in upper case, never in both.
_BECH32 = re.compile(r"(bc|tb|ltc|addr|addr_test|cosmos)1[ac-hj-np-z02-9]+")

_QUIET: tuple[Verdict, ...] = ("match", "not_stated", "not_signed")
_WORDS: dict[Verdict, str] = {
    "match": "equal",
    "differs": "DIFFERS",
    "missing_in_challenge": "MISSING in what would be signed",
    "missing_in_intent": "NOT MEANT",
    "not_stated": "not stated: look at it",
    "not_signed": "not part of what is signed",
}
_LEVELS: dict[Level, str] = {
    "documented": "a kind of challenge that is documented",
    "assumed": "a kind of challenge of which there is no documented sample: its shape is assumed",
    "display": "a text for display of which only a part can be compared, in an assumed unit",
    "unknown": "a challenge of unknown shape: look at every field of it",
}


@dataclass(frozen=True, slots=True)
class Challenge:
    """The bytes that would be signed."""

    raw: bytes

    @property
    def decoded(self) -> Any:
        """What the bytes say, read anew each time: what a caller changes in it is not what is signed."""
        return _parse(self.raw)

    @property
    def recogniser(self) -> Level:
        """How well the shape is known."""
        return _recognise(self.decoded)

    @property
    def verb(self) -> Verb | None:
        """Whether its signature approves or rejects; None where the challenge does not say it."""
        return _verb(self.decoded)


@dataclass(frozen=True, slots=True)
class Row:
    """A field as it was meant and as it would be signed; None where it is missing."""

    field: str
    meant: str | None
    to_be_signed: str | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, repr=False)
class Review:
    """A challenge beside what was meant.

    Attributes
    ----------
    matches
        Whether the shape is documented or assumed and every field of either side has its equal on the other.
    level
        How well the shape of the challenge is known.
    basis
        What it was compared with.
    verb
        What the signature is wanted for.
    """

    challenge: Challenge
    rows: tuple[Row, ...]
    level: Level
    basis: Basis
    verb: Verb

    @property
    def matches(self) -> bool:
        """Whether what would be signed is what was meant, in all its fields."""
        return self.level in ("documented", "assumed") and not self._unequal()

    def require(self, *, assumed: bool = False, unknown: bool = False) -> None:
        """Raise unless this may be signed.

        Parameters
        ----------
        assumed
            A person has looked at it, and agrees that the shape of the challenge is only assumed.
        unknown
            The same for a text for display, or a challenge of unknown shape, which can't be compared as a whole. A
            field that differs stops these too.

        Raises
        ------
        ReviewFailed
            With the fields in ``details["fields"]`` and the level in ``details["level"]``.
        """
        known = self.level in ("documented", "assumed")
        if stopping := [row for row in self._unequal() if known or row.verdict == "differs"]:
            listed = "; ".join(f"{row.field}: {_said(row)}" for row in stopping)
            self._fail(
                f"what would be signed is not what was meant ({self.basis}). {listed}. Do not sign it", stopping
            )
        if self.level == "assumed" and not assumed:
            self._fail(
                f"every field is as meant ({self.basis}), but this is {_LEVELS['assumed']}. "
                "Look at it, and agree with assumed=True"
            )
        if not known and not unknown:
            self._fail(f"this is {_LEVELS[self.level]}. Look at it, and agree with unknown=True")

    def table(self) -> pd.DataFrame:
        """Return the fields as a frame: field, meant, to_be_signed, verdict."""
        rows = [(row.field, row.meant, row.to_be_signed, row.verdict) for row in self.rows]
        return pd.DataFrame(rows, columns=["field", "meant", "to_be_signed", "verdict"], dtype="str")

    def _unequal(self) -> list[Row]:
        return [row for row in self.rows if row.verdict not in _QUIET]

    def _fail(self, why: str, rows: list[Row] | None = None) -> NoReturn:
        fields = [row.field for row in rows or ()]
        raise ReviewFailed(f"{why}. Nothing was signed.", fields=fields, level=self.level)

    def _sentence(self) -> str:
        unequal = len(self._unequal())
        found = "Every field is as meant" if not unequal else f"{unequal} of {len(self.rows)} fields are not as meant"
        return f"{found}, compared with {self.basis}. To {self.verb}: {_LEVELS[self.level]}."

    def __repr__(self) -> str:
        wide = max((len(row.field) for row in self.rows), default=0)
        lines = [f"{row.field:<{wide}}  {_said(row)}" for row in self.rows]
        return "\n".join([self._sentence(), *lines])

    def _repr_html_(self) -> str:
        cells = "".join(_html_row(row) for row in self.rows)
        loud = "success" if self.matches else "error"
        return (
            "<div class='lk-review' style='font-family:var(--jp-ui-font-family, sans-serif)'>"
            f"<p style='border-left:4px solid var(--jp-{loud}-color1, currentColor);padding:4px 8px;margin:4px 0'>"
            f"{html.escape(self._sentence())}</p><table><thead><tr>"
            + "".join(
                f"<th style='text-align:left'>{name}</th>" for name in ("field", "meant", "would be signed", "")
            )
            + f"</tr></thead><tbody>{cells}</tbody></table></div>"
        )


def decode(challenge: str) -> Challenge:
    """Read a challenge as the API gives it: base64url of JSON.

    Raises
    ------
    ContractViolation
        It is another alphabet, or JSON that two readers may read differently, such as one with a key twice.
    """
    body = challenge.rstrip("=") if isinstance(challenge, str) else ""
    raw = b""
    if re.fullmatch(r"[A-Za-z0-9_-]+", body) and len(body) % 4 != 1:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    # Read back, because unused bits at the end would make the signed text another than the challenge.
    if not raw or encoded(raw) != body or len(challenge) - len(body) not in (0, -len(body) % 4):
        raise ContractViolation(
            "the challenge is not base64url text, and is not signed.", field="challenge", body=shorten(challenge)
        )
    _parse(raw)
    return Challenge(raw)


def encoded(raw: bytes) -> str:
    """Return bytes as base64url without padding, as challenges and signatures have them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


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
    decoded = challenge.decoded
    level = _recognise(decoded)
    drafted = isinstance(intent.get("data"), Mapping)
    request_type = str(intent.get("type", "CREATE_TRANSACTION"))
    container = _CONTAINERS.get(request_type, "transaction_data")
    meant = _draft(intent, container) if drafted else _statement(intent, container)
    end = None if drafted else _end(intent)
    signed = dict(_leaves(decoded, container))
    if level == "display":
        signed = _displayed(decoded, container)
    rows = [] if level == "display" else _envelope(signed, request_type, verb)
    for path in [*meant, *(path for path in signed if path not in meant)]:
        if path in (("type",), ("antireplay",)) and level != "display":
            continue
        name = str(path[-1]) if path else ""
        inside = path[:2] == ("data", container) and len(path) == 3
        verdict: Verdict
        if path in meant and path in signed:
            verdict = "match" if _equal(name, meant[path], signed[path]) else "differs"
        elif path in meant:
            verdict = "not_signed" if _NOT_SIGNED.intersection(path[1:2]) else "missing_in_challenge"
        elif inside and name == "recipient" and end is not None:
            continue
        else:
            verdict = "missing_in_intent"
            if not drafted and ((inside and name in _MAY_BE_UNSTATED) or _is_plain_send(path, signed[path])):
                verdict = "not_stated"
        rows.append(Row(_label(path, container), _shown(path, meant), _shown(path, signed), verdict))
    if not drafted and level in ("documented", "assumed") and request_type == "CREATE_TRANSACTION":
        rows += [
            Row(_label(path, container), None, None, "missing_in_challenge")
            for path in _unstated(signed)
            if path not in meant and path not in signed
        ]
    if end is not None:
        rows.append(_ending(end, signed.get(("data", container, "recipient"))))
    if drafted and intent.get("note") is not None:
        rows.append(Row("note", _text(intent["note"]), None, "not_signed"))
    return Review(challenge, tuple(rows), level, basis or ("your draft" if drafted else "your statement"), verb)


def _parse(raw: bytes) -> Any:
    try:
        decoded = json.loads(
            raw.decode(), object_pairs_hook=_object, parse_float=Decimal, parse_constant=_not_a_number
        )
        json.dumps(decoded, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(error)
        raise ContractViolation(
            f"the challenge can't be read without guessing, and is not signed: {reason}.",
            field="challenge",
            body=shorten(raw, 400),
        ) from None
    return decoded


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "a text of it has half of a character" if isinstance(error, UnicodeEncodeError) else str(error)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the key {shorten(twice)} twice")
    return decoded


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _recognise(decoded: Any) -> Level:
    if not isinstance(decoded, dict):
        return "unknown"
    properties, data = decoded.get("Transaction properties"), decoded.get("data")
    if isinstance(properties, dict) and decoded.keys() == {"Transaction properties", "challenge"}:
        return "display"
    if _verb(decoded) is None or not isinstance(data, dict):
        return "unknown"
    fields = data.get("transaction_data")
    is_sample = (
        decoded.keys() == {"antireplay", "data", "type"}
        and decoded["type"] == "APPROVE_TRANSACTION"
        and data.keys() == {"transaction_data", "transaction_type"}
        and data["transaction_type"] == "BITCOIN_LIKE_SEND"
        and isinstance(fields, dict)
        and fields.keys() == _SAMPLE_FIELDS
        and all(isinstance(value, str) for value in fields.values())
    )
    return "documented" if is_sample else "assumed"


def _verb(decoded: Any) -> Verb | None:
    kind = decoded.get("type") if isinstance(decoded, dict) else None
    if not isinstance(kind, str) or not (match := _TYPE.fullmatch(kind)):
        return None
    return "approve" if match[1] == "APPROVE" else "reject"


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


def _draft(intent: Mapping[str, Any], container: str) -> dict[_Path, Any]:
    try:
        data = json.loads(json.dumps(intent["data"]), parse_float=Decimal)  # so that both sides are of the same types
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"`data` of the intent is no JSON: {error}.", field="data") from None
    return dict(_leaves({"data": data}, container))


def _statement(intent: Mapping[str, Any], container: str) -> dict[_Path, Any]:
    stated = {name: value for name, value in intent.items() if name not in ("type", "recipient_end")}
    beside = {name: stated.pop(name) for name in _BESIDE_CONTAINER & stated.keys()}
    return dict(_leaves({"data": {**beside, container: stated}} if stated else {"data": beside}, container))


def _end(intent: Mapping[str, Any]) -> str | None:
    end = intent.get("recipient_end")
    if end is not None and (not isinstance(end, str) or not re.fullmatch(rf"[!-~]{{{LEAST_END},}}", end)):
        raise InvalidRequest(
            f"`recipient_end` = {shorten(end)} can't be used: write at least {LEAST_END} characters, no blanks.",
            field="recipient_end",
        )
    return end


def _displayed(decoded: dict[str, Any], container: str) -> dict[_Path, Any]:
    """Return the leaves of a text for display, under the names of the fields that they show."""
    shown: dict[_Path, Any] = {}
    for path, value in _leaves(decoded, container):
        name = _DISPLAYED.get(str(path[1])) if len(path) == 2 and path[0] == "Transaction properties" else None
        if name in _AMOUNTS and isinstance(value, str):
            unit, _, digits = value.partition(" ")
            value = digits if unit in _BASE_UNITS else value
        shown[path if name is None else ("data", container, name)] = value
    return shown


def _envelope(signed: dict[_Path, Any], request_type: str, verb: Verb) -> list[Row]:
    """Return the rows of what every challenge has, whatever was meant."""
    objects = _OBJECTS.get(request_type) or tuple(dict.fromkeys((request_type.removeprefix("CREATE_"), request_type)))
    wanted = [f"{verb.upper()}_{name}" for name in objects]
    kind, once = signed.get(("type",)), signed.get(("antireplay",))
    verdict: Verdict = "match" if kind in wanted else "differs"
    if kind is None or not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        verdict = "missing_in_challenge" if kind is None else "missing_in_intent"
    rows = [Row("type", wanted[0], _shown(("type",), signed), verdict)]
    if not isinstance(once, str) or not _ANTIREPLAY.fullmatch(once):
        # It is all that links the signed bytes to this request.
        verdict = "missing_in_challenge" if once is None else "missing_in_intent"
        rows.append(Row("antireplay", "64 hex digits", _shown(("antireplay",), signed), verdict))
    return rows


def _ending(end: str, recipient: Any) -> Row:
    verdict: Verdict = "missing_in_challenge" if recipient is None else "differs"
    if isinstance(recipient, str) and len(end) <= len(recipient):
        # The part before the end is the same, so that both are addresses of one form.
        whole = recipient[: -len(end)] + end
        verdict = "match" if _same_address(whole, recipient) else "differs"
    return Row("recipient", f"…{end}", None if recipient is None else _text(recipient), verdict)


def _unstated(signed: dict[_Path, Any]) -> list[_Path]:
    """Return what the challenge of a transaction has to say, though it was not stated."""
    names = ["account_name", "currency"]
    if not str(signed.get(("data", "transaction_type"))).startswith(("SOLANA_", "POLKADOT_")):  # these set no limit
        names.append("max_fees")
    return [("data", "transaction_type"), *(("data", "transaction_data", name) for name in names)]


def _is_plain_send(path: _Path, value: Any) -> bool:
    # Other kinds than sends differ in more fields, and a statement has to name them.
    return path == ("data", "transaction_type") and isinstance(value, str) and value.endswith("_LIKE_SEND")


def _equal(name: str, meant: Any, signed: Any) -> bool:
    if name in _AMOUNTS:
        one, other = _whole(meant), _whole(signed)
        return one is not None and one == other
    if type(meant) is not type(signed):
        return False
    if name == "currency" and isinstance(meant, str):
        # Challenges write names of currencies with a blank where requests have an underscore.
        return meant.replace("_", " ") == str(signed).replace("_", " ")
    if name in _ADDRESSES and isinstance(meant, str):
        return _same_address(meant, signed)
    return bool(meant == signed)


def _whole(value: Any) -> int | None:
    """Return the integer of a plain decimal; int() alone would take blanks, signs and digits of other scripts."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value
    return int(value) if _DIGITS.fullmatch(value) else None


def _same_address(one: str, other: str) -> bool:
    if one == other:
        return True
    if _EVM_ADDRESS.fullmatch(one) and _EVM_ADDRESS.fullmatch(other):
        return one.lower() == other.lower()  # case is a checksum only
    return all(
        text in (text.lower(), text.upper()) and _BECH32.fullmatch(text.lower()) for text in (one, other)
    ) and (one.lower() == other.lower())


def _label(path: _Path, container: str) -> str:
    if path[:2] == ("data", container) and len(path) == 3:
        path = path[2:]
    elif len(path) == 1:
        path = ("challenge", *path)  # not to be taken for the field of that name inside of the request
    return _visible(".".join(str(part) for part in path)) or "challenge"


def _shown(path: _Path, values: dict[_Path, Any]) -> str | None:
    return _text(values[path]) if path in values else None


def _text(value: Any) -> str:
    return _visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _visible(text: str) -> str:
    """Write out what has no shape of its own: a text must not look like another."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _said(row: Row) -> str:
    if row.verdict in ("match", "not_stated"):
        return f"{row.to_be_signed} ({_WORDS[row.verdict]})"
    if row.verdict == "not_signed":
        return f"{row.meant} ({_WORDS[row.verdict]})"
    meant, signed = ("nothing" if value is None else repr(value) for value in (row.meant, row.to_be_signed))
    return f"{_WORDS[row.verdict]}: meant {meant}, would be signed {signed}"


def _html_row(row: Row) -> str:
    quiet = row.verdict in _QUIET
    style = "opacity:.8" if quiet else "border:1px solid var(--jp-error-color1, currentColor);font-weight:600"
    values = (_html_value(row, value) for value in (row.meant, row.to_be_signed))
    words = "" if row.verdict == "match" else html.escape(_WORDS[row.verdict])
    cells = [html.escape(row.field), *values, words]
    return f"<tr style='{style}'>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells) + "</tr>"


def _html_value(row: Row, value: str | None) -> str:
    if value is None:
        return "—"
    font = "font-family:var(--jp-code-font-family, monospace);word-break:break-all"
    if row.field not in _ADDRESSES:
        return f"<span style='{font};white-space:pre-wrap'>{html.escape(value)}</span>"
    # Margins and not blanks part the groups: what is copied is the address.
    groups = (html.escape(value[start : start + 4]) for start in range(0, len(value), 4))
    spans = "".join(f"<span style='margin-right:.35em'>{group}</span>" for group in groups)
    return f"<span style='{font}' title='{html.escape(value)}'>{spans}</span>"
