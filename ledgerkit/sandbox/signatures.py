"""Messages and digests of a sandbox world, with signatures that verify."""

import json
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from .accounts import Account, Chart
from .chains import keccak256
from .governance import Draft
from .material import Material, Node, public_point, sign_digest, signature_der, stamp
from .people import People, moment

_TYPED = {
    "domain": {"chainId": 1, "name": "Tidewell Vault", "version": "1"},
    "message": {"owner": "Treasury", "value": "1000000"},
    "primaryType": "Permit",
}
# account, kind, text, status, day
_MESSAGES: tuple[tuple[str, str, str, str, float], ...] = (
    ("ETH Treasury 1", "EIP-191", "Proof of reserve, first quarter", "SIGNED", 85.0),
    ("ETH Treasury 1", "EIP-191", "Proof of reserve, second quarter", "SIGNED", 176.0),
    ("ETH Trading Hot", "EIP-191", "Sign in to Tidewell with this account", "SIGNED", 205.0),
    ("ETH Trading Hot", "EIP-712", "", "SIGNED", 222.0),
    ("BASE Trading", "EIP-191", "Sign in to an unknown site", "ABORTED", 251.0),
    ("ETH Treasury 1", "EIP-191", "Proof of reserve, third quarter", "SIGNED", 268.0),
    ("POL Treasury", "EIP-712", "", "ABORTED", 333.0),
    ("ETH Treasury 1", "EIP-191", "Proof of reserve, fourth quarter", "SIGNED", 359.0),
    ("ETH Clients", "EIP-191", "Audit 2: ownership of the client account", "PENDING_CREATE_IN_HSM", -0.9),
    ("ETH Staking", "EIP-191", "Validator operator terms, accepted", "APPROVED", -0.7),
    ("ETH Trading Hot", "EIP-191", "Sign in to Halcyon with this account", "PENDING_APPROVAL", -0.55),
    ("ETH Sepolia Test", "EIP-191", "Hello", "PENDING_APPROVAL", -0.33),
)
# account, number of digests, status, day
_DIGESTS: tuple[tuple[str, int, str, float], ...] = (
    ("KMD Raw Signing", 1, "SIGNED", 140.0),
    ("KMD Raw Signing", 3, "SIGNED", 288.0),
    ("KMD Raw Signing", 1, "ABORTED", 402.0),
    ("KMD Raw Signing", 2, "PENDING_CREATE_IN_HSM", -1.2),
    ("KMD Raw Signing", 1, "APPROVED", -0.85),
    ("KMD Raw Signing", 2, "PENDING_APPROVAL", -0.42),
)
_REQUEST_STATUS = {"ABORTED": "REJECTED", "PENDING_APPROVAL": "PENDING_APPROVAL", "SIGNED": "SIGNED"}


def _draft(material: Material, account: Account, node: Node, kind: str, target_type: str, day: float) -> Draft:
    created_on = moment(material, day)
    status = _REQUEST_STATUS.get(node["status"], "APPROVED")
    waiting = status in ("PENDING_APPROVAL", "REJECTED")
    settled_on = created_on + min(timedelta(hours=5), (material.now - created_on) * 0.6)
    path = account.paths[0]
    stage = 1 if waiting else None
    created_on += timedelta(milliseconds=20)
    return Draft(created_on, kind, status, target_type, node, node["created_by"], path, settled_on, stage)


def build_messages(material: Material, chart: Chart, drafts: list[Draft]) -> list[Node]:
    """Make the messages, and draft their requests."""
    messages = []
    for identifier, (name, message_type, text, status, day) in enumerate(_MESSAGES, start=1):
        account = chart.by_name[name]
        data = text or json.dumps(_TYPED | {"account": account.node["address"]}, sort_keys=True)
        signature = None
        if status == "SIGNED":
            raw = f"\x19Ethereum Signed Message:\n{len(data)}{data}".encode()
            # a typed message is longer than one block of the hash: its first bytes stand for it here
            key = material.key("account", name, curve=ec.SECP256K1())
            signature = "0x" + signature_der(sign_digest(key, keccak256(raw[:135]))).hex()
        node: Node = {
            "id": identifier,
            "account_id": account.node["id"],
            "type": "MESSAGE_SIGNATURE",
            "message_type": message_type,
            "data": data,
            "address": account.node["address"],
            "signature": signature,
            "status": status,
            "notes": [{"title": "Audit", "content": text}] if text.startswith(("Proof", "Audit")) else [],
            "created_by": account.paths[0][0].approvers[0],
            "created_on": stamp(moment(material, day)),
            "last_request": None,
        }
        messages.append(node)
        draft = _draft(material, account, node, "MESSAGE_SIGNING", "MESSAGE", day)
        draft.subject = {
            "account_name": name,
            "message_data": {"address": node["address"], "raw_message": data},
            "message_type": message_type,
        }
        drafts.append(draft)
    return messages


def build_digests(material: Material, people: People, chart: Chart, drafts: list[Draft]) -> list[Node]:
    """Make the digests of raw signing, and draft their requests."""
    digests = []
    for identifier, (name, count, status, day) in enumerate(_DIGESTS, start=1):
        account = chart.by_name[name]
        items = []
        for index in range(count):
            path = f"m{account.node['derivation_path']}/0/{index}"
            digest = material.derive("digest", identifier, index)
            item: Node = {"digest": digest.hex(), "derivation_path": path}
            if status == "SIGNED":
                key = material.key("account", name, index, curve=ec.SECP256K1())
                r, s = sign_digest(key, digest)
                item["pub_key"] = "0x" + public_point(key)
                item["signature"] = {"r": str(r), "s": str(s), "v": 37, "der": signature_der((r, s)).hex()}
            items.append(item)
        node: Node = {
            "id": identifier,
            "account_id": account.node["id"],
            "status": status,
            "digests_data": items,
            "notes": [{"title": "Komodo notarisation", "content": f"batch {identifier}"}],
            "created_by": people.user_ids["tomas.novak"],
            "created_on": stamp(moment(material, day)),
            "last_request": None,
        }
        digests.append(node)
        draft = _draft(material, account, node, "SIGN_DIGESTS", "DIGESTS", day)
        draft.subject = {"account_name": name, "digests": [{"digest": item["digest"]} for item in items]}
        drafts.append(draft)
    return digests
