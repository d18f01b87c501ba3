"""Messages and digests that a caller wants to have signed."""

import re

from . import rules
from .answers import Refusal
from .currencies import COINS
from .governance import Step
from .intent import Intent, account_of, check_named, creator_of, note_of
from .intents_fields import choice, record, refused, text
from .service import Service
from .store import Node
from .viewers import Viewer

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_PATH = re.compile(r"(m/?)?[0-9]+'?(/[0-9]+'?)*")


def read_message(service: Service, viewer: Viewer, body: Node) -> Intent:
    """Check the body of a message: the service reads EIP-712 messages, but makes EIP-191 ones alone."""
    body = record(body, "", ("type", "data"), ("note",))
    note = note_of(body)
    data = record(body["data"], "data", ("account_id", "message_type", "message_data"))
    account = account_of(service, viewer, data["account_id"])
    choice(data["message_type"], "data.message_type", ("EIP-191",))
    where = "data.message_data"
    fields = record(data["message_data"], where, ("account_name", "raw_message"), ("address",))
    check_named(account, fields, where, "account_name")
    text(fields["raw_message"], f"{where}.raw_message")
    if COINS[account["currency"]].family not in ("ethereum", "polygon") or account["contract_address"]:
        rule = f"account '{account['name']}' is of type {account['type']}, and messages are signed by EVM accounts"
        raise refused("data.account_id", account["id"], rule)
    address = fields.get("address")
    if address is not None and (not isinstance(address, str) or address.lower() != account["address"].lower()):
        raise refused(f"{where}.address", address, f"account '{account['name']}' signs as {account['address']}")
    return _intent(service, viewer, body, account, note, "MESSAGE")


def read_digests(service: Service, viewer: Viewer, body: Node) -> Intent:
    """Check the body of raw signing: digests of 32 bytes, each with a path below that of the account."""
    body = record(body, "", ("type", "data"), ("note",))
    note = note_of(body)
    data = record(body["data"], "data", ("account_id", "digests_data"))
    account = account_of(service, viewer, data["account_id"])
    where = "data.digests_data"
    fields = record(data["digests_data"], where, ("account_name", "digests"))
    check_named(account, fields, where, "account_name")
    digests = fields["digests"]
    if not isinstance(digests, list) or not digests:
        raise refused(f"{where}.digests", digests, "a list of at least one object is expected")
    for index, entry in enumerate(digests):
        name = f"{where}.digests[{index}]"
        digest = record(entry, name, ("digest", "derivation_path"))
        if not isinstance(digest["digest"], str) or not _DIGEST.fullmatch(digest["digest"]):
            raise refused(f"{name}.digest", digest["digest"], "32 bytes are expected, as 64 hexadecimal digits")
        path = text(digest["derivation_path"], f"{name}.derivation_path")
        # paths come with a leading m, and at times without a slash after it
        bare = path.removeprefix("m").removeprefix("/")
        own: str = account["derivation_path"]
        if not _PATH.fullmatch(path) or not f"{bare}/".startswith(f"{own}/"):
            rule = f"a path below {own} of account '{account['name']}' is expected"
            raise refused(f"{name}.derivation_path", path, rule)
    return _intent(service, viewer, body, account, note, "DIGESTS")


def _intent(
    service: Service, viewer: Viewer, body: Node, account: Node, note: Node | None, target_type: str
) -> Intent:
    steps = _signers(service, account, creator_of(viewer))
    return Intent(body["type"], account, "", body["data"], note, None, None, None, None, steps, target_type)


def _signers(service: Service, account: Node, creator: int) -> tuple[Step, ...]:
    """Return the approvals of the first rule set that has the user among its creators; nothing is sent by it."""
    for rule_set in account["governance_rules"]:
        steps = rules.steps_of(service, rule_set)
        if creator in steps[0].approvers:
            return steps
    raise Refusal(
        403, f"Forbidden: user {creator} is not among the creators of a rule set of account '{account['name']}'"
    )
