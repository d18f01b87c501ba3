"""Users, groups and the credentials of a sandbox world."""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .material import Material, Node, private_pem, public_point, stamp

# username, role, is_api, status, day (counted from the opening; negative ones back from today)
_USERS: tuple[tuple[str, str, bool, str, float], ...] = (
    ("vault-system", "ADMIN_SYSTEM", False, "ACTIVE", 0.10),
    ("wrapping-key-1", "WRAPPING_KEYS", False, "ACTIVE", 0.11),
    ("wrapping-key-2", "WRAPPING_KEYS", False, "ACTIVE", 0.12),
    ("wrapping-key-3", "WRAPPING_KEYS", False, "ACTIVE", 0.13),
    ("shared-owner-1", "SHARED_OWNER", False, "ACTIVE", 0.14),
    ("shared-owner-2", "SHARED_OWNER", False, "ACTIVE", 0.15),
    ("shared-owner-3", "SHARED_OWNER", False, "ACTIVE", 0.16),
    ("amelia.hart", "ADMIN", False, "ACTIVE", 0.20),
    ("jonas.weber", "ADMIN", False, "ACTIVE", 0.21),
    ("priya.nair", "ADMIN", False, "ACTIVE", 0.22),
    ("luca.moretti", "ADMIN", False, "ACTIVE", 0.23),
    ("chloe.durand", "OPERATOR", False, "ACTIVE", 1.01),
    ("tomas.novak", "OPERATOR", False, "ACTIVE", 1.02),
    ("sara.lindqvist", "OPERATOR", False, "ACTIVE", 1.03),
    ("daniel.okafor", "OPERATOR", False, "ACTIVE", 1.04),
    ("mei.tanaka", "OPERATOR", False, "ACTIVE", 1.05),
    ("henrik.olsen", "OPERATOR", False, "ACTIVE", 1.06),
    ("isabel.ortega", "OPERATOR", False, "ACTIVE", 1.07),
    ("ravi.menon", "OPERATOR", False, "ACTIVE", 1.08),
    ("kate.sullivan", "OPERATOR", False, "ACTIVE", 1.09),
    ("paul.nguyen", "OPERATOR", False, "ACTIVE", 1.10),
    ("nadia.rahman", "OPERATOR", False, "ACTIVE", 1.11),
    ("george.baker", "OPERATOR", False, "ACTIVE", 1.12),
    ("elena.petrova", "OPERATOR", False, "ACTIVE", 1.13),
    ("marcus.stein", "OPERATOR", False, "ACTIVE", 1.14),
    ("yuki.sato", "OPERATOR", False, "ACTIVE", 1.15),
    ("api-operator", "OPERATOR", True, "ACTIVE", 2.01),
    ("api-administrator", "ADMIN", True, "ACTIVE", 2.02),
    ("api-trading-desk", "OPERATOR", True, "ACTIVE", 2.03),
    ("reporting-all", "READ_ONLY_API_KEY", True, "ACTIVE", 2.04),
    ("reporting-fund-alpha", "READ_ONLY_API_KEY", True, "ACTIVE", 2.05),
    ("reporting-old", "READ_ONLY_API_KEY", True, "SUSPENDED", 2.06),
    ("olga.ivanova", "OPERATOR", False, "ACTIVE", 2.07),
    ("ben.carter", "OPERATOR", False, "ACTIVE", 2.08),
    ("clearport-api", "OPERATOR", True, "ACTIVE", 2.09),
    ("clearport-desk", "OPERATOR", False, "ACTIVE", 2.10),
    ("halcyon-api", "OPERATOR", True, "ACTIVE", 2.11),
    ("halcyon-desk", "OPERATOR", False, "ACTIVE", 2.12),
    ("asset-manager-1", "OPERATOR", False, "ACTIVE", 2.13),
    ("asset-manager-2", "OPERATOR", False, "ACTIVE", 2.14),
    ("custody-desk-1", "OPERATOR", False, "ACTIVE", 2.15),
    ("custody-desk-2", "OPERATOR", False, "ACTIVE", 2.16),
    ("peter.lang", "OPERATOR", False, "REVOKED", 30.0),
    ("nina.fischer", "OPERATOR", False, "ACCESS_SUSPENDED", 62.0),
    ("reporting-tax", "READ_ONLY_API_KEY", True, "ABORTED", 95.0),
    ("reporting-audit", "READ_ONLY_API_KEY", True, "REVOKED", 121.0),
    ("omar.haddad", "OPERATOR", False, "PENDING_REVOCATION", 180.0),
    ("julia.meyer", "OPERATOR", False, "REJECTED", 240.0),
    ("sam.wright", "OPERATOR", False, "APPROVED", -12.0),
    ("reporting-esg", "READ_ONLY_API_KEY", True, "PENDING_SECRET", -6.2),
    ("anna.kowalski", "OPERATOR", False, "PENDING_REGISTRATION", -5.1),
    ("victor.hugo-lane", "OPERATOR", False, "PENDING_APPROVAL", -2.3),
    ("reporting-board", "READ_ONLY_API_KEY", True, "PENDING_APPROVAL", -1.4),
)
# name, description, members, hidden members (shown as null), status, day
_GROUPS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...], str, float], ...] = (
    (
        "Administrators",
        "keepers of the workspace",
        ("amelia.hart", "jonas.weber", "priya.nair", "luca.moretti", "api-administrator"),
        (),
        "ACTIVE",
        3.00,
    ),
    ("Treasury", "treasury operations", ("chloe.durand", "tomas.novak", "sara.lindqvist"), (), "ACTIVE", 3.01),
    ("Risk", "risk and compliance", ("daniel.okafor", "mei.tanaka", "henrik.olsen"), (), "ACTIVE", 3.02),
    (
        "Trading Desk",
        "spot and derivatives desk",
        ("isabel.ortega", "ravi.menon", "kate.sullivan", "api-trading-desk"),
        (),
        "ACTIVE",
        3.03,
    ),
    (
        "Client Services",
        "client deposits and withdrawals",
        ("paul.nguyen", "nadia.rahman", "george.baker"),
        (),
        "ACTIVE",
        3.04,
    ),
    ("Management", "second pair of eyes", ("elena.petrova", "marcus.stein", "yuki.sato"), (), "ACTIVE", 3.05),
    (
        "API Signers",
        "automated validators",
        ("api-operator", "mei.tanaka", "kate.sullivan"),
        (),
        "ACTIVE",
        3.06,
    ),
    ("Staking", "staking operations", ("olga.ivanova", "ben.carter", "api-operator"), (), "ACTIVE", 3.07),
    ("Clearport", "exchange desk of Clearport", ("clearport-api", "clearport-desk"), (), "ACTIVE", 3.08),
    ("Halcyon", "exchange desk of Halcyon", ("halcyon-api", "halcyon-desk"), (), "ACTIVE", 3.09),
    (
        "Asset Managers",
        "owners of the collateral",
        ("asset-manager-1", "asset-manager-2", "api-operator"),
        (),
        "ACTIVE",
        3.10,
    ),
    (
        "Custody Desk",
        "custodian, approves last",
        ("custody-desk-1", "custody-desk-2", "daniel.okafor"),
        (),
        "ACTIVE",
        3.11,
    ),
    (
        "Auditors",
        "external readers",
        ("henrik.olsen", "asset-manager-2", "custody-desk-2"),
        ("asset-manager-2", "custody-desk-2"),
        "ACTIVE",
        40.0,
    ),
    ("Legacy Ops", "first crew, dissolved", ("tomas.novak", "ben.carter"), (), "REVOKED", 45.0),
    ("OTC Desk", "planned and declined", ("ravi.menon", "paul.nguyen"), (), "REJECTED", 210.0),
    ("Weekend Desk", "cover for weekends", ("isabel.ortega", "sara.lindqvist", "ben.carter"), (), "PENDING", -3.1),
)


@dataclass(frozen=True, slots=True)
class ApiUserCredential:
    """The key pair, key id and secret of one API user; fixed test material, nothing secret."""

    user_id: int
    key_id: str
    key_secret: str = field(repr=False)
    private_key_pem: str = field(repr=False)
    role: str
    view_all: bool


@dataclass(frozen=True, slots=True)
class ReportingKeyCredential:
    """A reporting key with the entities that it may see (none = all)."""

    user_id: int
    key: str = field(repr=False)
    entities: list[int]
    status: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Every way into the sandbox."""

    api_users: list[ApiUserCredential]
    reporting_keys: list[ReportingKeyCredential]
    lam_user: str
    lam_api_key: str = field(repr=False)
    lam_store_token: str = field(repr=False)
    gateway_key: str = field(repr=False)


@dataclass(slots=True)
class People:
    """The nodes of users and groups, with the look-ups that the other parts need."""

    users: list[Node]
    groups: list[Node]
    user_ids: dict[str, int]
    group_ids: dict[str, int]
    # the members as they are, where the node shows some as null
    members: dict[int, list[int]]


def moment(material: Material, day: float) -> datetime:
    """Return a day of the calendar: counted from the opening, or back from today where negative."""
    base = material.start if day >= 0 else material.now
    jitter = int.from_bytes(material.derive("moment", day)[:2], "big")
    return base + timedelta(days=day, microseconds=jitter)


def build_people(material: Material) -> People:
    """Make the users and groups of the institution."""
    user_ids = {row[0]: index for index, row in enumerate(_USERS, start=1)}
    administrators = [user_ids[row[0]] for row in _USERS if row[1] == "ADMIN" and not row[2]]
    users = []
    for username, role, is_api, status, day in _USERS:
        identifier = user_ids[username]
        registered = status not in ("PENDING_APPROVAL", "PENDING_REGISTRATION", "REJECTED", "ABORTED")
        human = role in ("ADMIN", "OPERATOR", "SHARED_OWNER", "WRAPPING_KEYS") and not is_api
        keyed = registered and role not in ("READ_ONLY_API_KEY", "ADMIN_SYSTEM")
        digits = material.derive("device", username).hex()
        users.append(
            {
                "id": identifier,
                "username": username,
                "user_id": digits[:16].upper() if registered else None,
                "role": role,
                "status": status,
                "is_api": is_api,
                "pub_key": public_point(material.key("user", username)) if keyed else None,
                "key_handle": (digits * 2) if registered and human else None,
                "created_by": 1 if identifier <= 11 else administrators[identifier % len(administrators)],
                "created_on": stamp(moment(material, day)),
                "last_request": None,
            }
        )
    groups, members = [], {}
    for identifier, (name, description, names, hidden, status, day) in enumerate(_GROUPS, start=1):
        members[identifier] = [user_ids[username] for username in names]
        groups.append(
            {
                "id": identifier,
                "name": name,
                "description": description,
                "status": status,
                "members": [None if username in hidden else user_ids[username] for username in names],
                "created_by": administrators[identifier % len(administrators)],
                "created_on": stamp(moment(material, day)),
                "last_request": None,
            }
        )
    return People(users, groups, user_ids, {row[0]: index for index, row in enumerate(_GROUPS, start=1)}, members)


def _token(material: Material, characters: int, *parts: object) -> str:
    # whoever finds one in a notebook or a log can see that it opens nothing
    raw = material.derive("credential", *parts)
    return ("sandbox-" + base64.urlsafe_b64encode(raw).decode())[:characters]


def build_credentials(material: Material, people: People, entities: dict[str, int]) -> Credentials:
    """Make the credentials that open the sandbox."""
    api_users = []
    for username, view_all in (("api-operator", True), ("api-administrator", True), ("api-trading-desk", False)):
        identifier = people.user_ids[username]
        api_users.append(
            ApiUserCredential(
                user_id=identifier,
                key_id=_token(material, 22, "key id", username),
                key_secret=_token(material, 43, "key secret", username),
                private_key_pem=private_pem(material.key("user", username)),
                role=people.users[identifier - 1]["role"],
                view_all=view_all,
            )
        )
    reporting_keys = [
        ReportingKeyCredential(
            user_id=people.user_ids[username],
            key=_token(material, 43, "reporting key", username),
            entities=scope,
            status=people.users[people.user_ids[username] - 1]["status"],
        )
        for username, scope in (
            ("reporting-all", []),
            ("reporting-fund-alpha", [entities["Fund Alpha"]]),
            ("reporting-old", []),
        )
    ]
    return Credentials(
        api_users,
        reporting_keys,
        lam_user="sandbox_operator",
        lam_api_key=_token(material, 32, "lam api key"),
        lam_store_token="s." + _token(material, 24, "lam store token"),
        gateway_key=_token(material, 32, "gateway key"),
    )


def lam_users(material: Material, workspace: str) -> list[Node]:
    """Return the users that a LAM knows."""
    return [
        {
            "device_id": material.derive("lam", name).hex()[:16],
            "name": name,
            "role": "OPERATOR",
            "type_": "SOFT_PSD",
            "workspace": workspace,
        }
        for name in ("sandbox_operator", "sandbox_reporting")
    ]
