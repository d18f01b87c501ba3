"""Requests about the workspace itself: users, groups, accounts, whitelists, entities, rules."""

from datetime import datetime, timedelta

from .accounts import Chart
from .governance import Draft, Step
from .material import Material, Node
from .people import People, moment

# day, type, kind of target, id of the target, status
_LATER: tuple[tuple[float, str, str, int, str], ...] = (
    (0.5, "CREATE_ADMIN_GROUP", "ADMIN_GROUP", 1, "APPROVED"),
    (4.0, "CREATE_POLICY", "POLICY", 1, "APPROVED"),
    (4.1, "CREATE_POLICY", "POLICY", 2, "APPROVED"),
    (19.0, "CREATE_TRADELINK", "TRADELINK", 1, "APPROVED"),
    (19.1, "CREATE_TRADELINK_ASSET_MANAGER", "TRADELINK_ASSET_MANAGER", 1, "APPROVED"),
    (19.2, "CREATE_TRADELINK_EXCHANGE", "TRADELINK_EXCHANGE", 1, "APPROVED"),
    (19.3, "CREATE_TRADELINK_EXCHANGE", "TRADELINK_EXCHANGE", 2, "APPROVED"),
    (28.0, "CREATE_DAPPS_CONFIG", "ACCOUNT", 10, "APPROVED"),
    (66.0, "EDIT_DAPPS_CONFIG", "ACCOUNT", 10, "APPROVED"),
    (75.0, "EDIT_GROUP", "GROUP", 4, "APPROVED"),
    (88.0, "EDIT_WHITELIST", "WHITELIST", 1, "APPROVED"),
    (93.0, "EDIT_WHITELIST", "WHITELIST", 2, "REJECTED"),
    (94.0, "EDIT_WHITELIST", "WHITELIST", 2, "APPROVED"),
    (101.0, "EDIT_ACCOUNT", "ACCOUNT", 2, "REJECTED"),
    (102.0, "EDIT_ACCOUNT", "ACCOUNT", 2, "APPROVED"),
    (110.0, "EDIT_ENTITY", "ENTITY", 2, "APPROVED"),
    (125.0, "EDIT_ADMIN_GROUP", "ADMIN_GROUP", 1, "APPROVED"),
    (135.0, "UPDATE_QUORUM", "ADMIN_GROUP", 1, "APPROVED"),
    (145.0, "EDIT_POLICY", "POLICY", 1, "EXPIRED"),
    (160.0, "EDIT_POLICY", "POLICY", 1, "APPROVED"),
    (301.0, "MIGRATE_ACCOUNT", "ACCOUNT", 58, "ACTIVE"),
    (301.2, "MIGRATE_ADMIN", "USER", 8, "ACTIVE"),
    (301.4, "MIGRATE_GROUP", "GROUP", 2, "ACTIVE"),
    (301.6, "MIGRATE_OPERATOR", "USER", 12, "ACTIVE"),
    (301.8, "MIGRATE_WHITELIST", "WHITELIST", 1, "ACTIVE"),
    (350.0, "EDIT_WHITELIST", "WHITELIST", 4, "BLOCKED"),
    (420.0, "EDIT_ACCOUNT", "ACCOUNT", 9, "EXPIRED"),
    (500.0, "EDIT_GROUP", "GROUP", 3, "APPROVED"),
    (-5.5, "EDIT_WHITELIST", "WHITELIST", 6, "PENDING_APPROVAL"),
    (-1.9, "EDIT_ACCOUNT", "ACCOUNT", 32, "PENDING_APPROVAL"),
    (-0.35, "EDIT_GROUP", "GROUP", 8, "PENDING_FIRST_APPROVAL"),
)
_STATUSES = {
    "ABORTED": "REJECTED",
    "ACTIVATION_ABORTED": "APPROVED",
    "PENDING": "PENDING_APPROVAL",
    "PENDING_APPROVAL": "PENDING_APPROVAL",
    "PENDING_REGISTRATION": "PENDING_REGISTRATION",
    "PENDING_VIEW_ONLY": "PENDING_APPROVAL",
    "REJECTED": "REJECTED",
}


def draft_changes(material: Material, people: People, chart: Chart, whitelists: list[Node]) -> list[Draft]:
    """Draft the requests that made the objects of the workspace, and those that changed them since."""
    step = Step(tuple(people.members[1]), 2, 1)
    makers = [people.user_ids[name] for name in ("amelia.hart", "jonas.weber", "priya.nair", "luca.moretti")]
    drafts: list[Draft] = []

    def draft(created_on: datetime, kind: str, status: str, target_type: str, target: Node | int, maker: int) -> None:
        hours = 0.4 + int.from_bytes(material.derive("settled", len(drafts))[:2], "big") / 9000
        settled_on = min(created_on + timedelta(hours=hours), created_on + (material.now - created_on) * 0.8)
        stage = 0 if status.startswith("PENDING") or status in ("REJECTED", "EXPIRED") else None
        if status == "PENDING_REGISTRATION":
            stage = None
        request = Draft(created_on, kind, status, target_type, target, maker, (step,), settled_on, stage, 1)
        if isinstance(target, dict):
            request.subject = _subject(kind, target)
        drafts.append(request)

    def created(target_type: str, kind: str, node: Node) -> None:
        opened = datetime.fromisoformat(node["created_on"]) + timedelta(milliseconds=20)
        status = _STATUSES.get(node["status"], "APPROVED")
        draft(
            opened, kind, status, target_type, node, node["created_by"] if node["created_by"] in makers else makers[0]
        )

    for user in people.users:
        kind = _creation(user)
        if kind:
            created("USER", kind, user)
        if user["is_api"] and kind == "CREATE_API_USER":
            opened = datetime.fromisoformat(user["created_on"]) + timedelta(minutes=9)
            draft(opened, "CREATE_API_USER_ACCESS", "APPROVED", "USER", user, makers[1])
        if user["status"] in ("REVOKED", "PENDING_REVOCATION"):
            pending = user["status"] == "PENDING_REVOCATION"
            revoked_on = moment(material, -4.4 if pending else 320.0 + user["id"] / 10)
            draft(revoked_on, "REVOKE_USER", "PENDING_APPROVAL" if pending else "APPROVED", "USER", user, makers[2])
    for group in people.groups[1:]:
        created("GROUP", "CREATE_GROUP", group)
        if group["status"] == "REVOKED":
            draft(moment(material, 130.0), "REVOKE_GROUP", "APPROVED", "GROUP", group, makers[3])
    for whitelist in whitelists:
        created("WHITELIST", "CREATE_WHITELIST", whitelist)
    for account in chart.accounts:
        created("ACCOUNT", "CREATE_ACCOUNT", account.node)
        if account.node["status"] in ("PENDING_ACTIVATION", "ACTIVATION_ABORTED"):
            aborted = account.node["status"] == "ACTIVATION_ABORTED"
            opened = datetime.fromisoformat(account.node["created_on"]) + timedelta(hours=20)
            status = "REJECTED" if aborted else "PENDING_APPROVAL"
            draft(opened, "ACTIVATE", status, "ACCOUNT", account.node, makers[0])
    for entity in chart.entities:
        created("ENTITY", "CREATE_ENTITY", entity)
        if entity["status"] == "REVOKED":
            draft(moment(material, 170.0), "REVOKE_ENTITY", "APPROVED", "ENTITY", entity, makers[1])

    nodes = {
        "ACCOUNT": [account.node for account in chart.accounts],
        "ENTITY": chart.entities,
        "GROUP": people.groups,
        "USER": people.users,
        "WHITELIST": whitelists,
    }
    for index, (day, kind, target_type, identifier, status) in enumerate(_LATER):
        target = nodes[target_type][identifier - 1] if target_type in nodes else identifier
        draft(moment(material, day), kind, status, target_type, target, makers[index % len(makers)])
    return drafts


def _creation(user: Node) -> str | None:
    if user["role"] == "READ_ONLY_API_KEY":
        return "CREATE_API_USER_ACCESS"
    if user["is_api"]:
        return "CREATE_API_USER"
    # the first administrators and the technical users came with the workspace
    if user["role"] == "ADMIN" and user["id"] > 9:
        return "CREATE_ADMIN"
    return "CREATE_OPERATOR" if user["role"] == "OPERATOR" else None


def _subject(kind: str, target: Node) -> Node:
    """Return what the challenge of a change shows."""
    if kind == "CREATE_ACCOUNT":
        data = {key: target[key] for key in ("index", "name", "currency", "contract_address")}
        data["parent_id"] = target["parent"]
        return {"account_type": f"{target['type'].upper()}_LIKE", "account_data": data}
    name = target.get("name") or target.get("username")
    return {"request_type": kind, "target": {"id": target["id"], "name": name}}
