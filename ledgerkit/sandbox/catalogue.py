"""The listings of the service: which columns their rows have and which filters they take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledgerkit import vocabulary

from . import filters
from .filters import Filter
from .record import label_ids, value_of
from .store import Collection, Node, created, numbers, values
from .world import World


@dataclass(frozen=True, slots=True)
class Listing:
    """What one listing accepts.

    Parameters
    ----------
    filters
        Parameter to filter.
    options
        Parameters that keep all rows: of order, and of the form of a node.
    page_size
        The size of a page where the caller gives none.
    unknown
        The status of the answer to an unknown parameter.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    options: tuple[str, ...] = ("order", "order_by")
    page_size: int = 20
    unknown: int = 400


def listings(*, after_inclusive: bool = True, before_inclusive: bool = False) -> dict[str, Listing]:
    """Return the listings by section; nobody documents whether the bounds of a date are inside."""
    common = {
        "id": filters.number("id"),
        "created_after": filters.since("created_on", inclusive=after_inclusive),
        "created_before": filters.until("created_on", inclusive=before_inclusive),
    }
    family = {
        "entity": filters.shares("entities", filters.integer),
        "group": filters.includes("groups", filters.integer),
        "status": filters.equals("status", filters.literal(vocabulary.AccountStatus)),
        "user": filters.includes("users", filters.integer),
    }
    group_status = filters.one_of("status", filters.literal(vocabulary.GroupStatus))
    signing_status = filters.one_of("status", filters.literal(vocabulary.SigningStatus))
    accounts = filters.one_of("account_id", filters.integer)
    listed = {
        "accounts": Listing(
            {
                **common,
                **family,
                "account_label": filters.shares("labels"),
                "account_type": filters.equals("type", filters.literal(vocabulary.AccountType)),
                "currency": filters.currency(),
                "name": filters.equals("name"),
                "parent": filters.equals("parent", filters.integer),
            },
            unknown=404,
        ),
        "erc20-children-accounts": Listing({**common, **family}, unknown=404),
        "digests": Listing({**common, "account": accounts, "status": signing_status}),
        "entities": Listing(
            {
                **common,
                "account": filters.shares("accounts", filters.integer),
                "name": filters.equals("name"),
                "status": group_status,
            }
        ),
        "groups": Listing(
            {
                **common,
                "description": filters.contains("description"),
                "members": filters.shares("members", filters.integer),
                "name": filters.equals("name"),
                "status": group_status,
            }
        ),
        "labels": Listing({**common, "name": filters.equals("name")}),
        "messages": Listing(
            {
                **common,
                "account": accounts,
                "message_type": filters.equals("message_type", filters.literal(vocabulary.MessageTypeFilter)),
                "status": signing_status,
            }
        ),
        "pledges": Listing(
            {
                "account_id": filters.equals("account_id", filters.natural),
                "asset_manager_id": filters.equals("asset_manager", filters.natural),
                "exchange_id": filters.equals("exchange", filters.natural),
                "state": filters.one_of("state", filters.literal(vocabulary.PledgeState)),
            },
            options=(),
        ),
        "requests": Listing(
            {
                **common,
                "approved_by": filters.includes("approved_by", filters.integer),
                "created_by": filters.equals("created_by", filters.integer),
                "pending_by": filters.includes("pending_by", filters.integer),
                "rejected_by": filters.includes("rejected_by", filters.integer),
                "status": filters.one_of("status", filters.literal(vocabulary.RequestStatus)),
                "target_id": filters.number("target_id"),
                "target_type": filters.one_of("target_type", filters.literal(vocabulary.RequestTargetType)),
                "type": filters.one_of("type", filters.literal(vocabulary.RequestType)),
            }
        ),
        "settlements": Listing(options=()),
        "stakes": Listing(
            {
                **common,
                "account_id": filters.equals("account_id", filters.integer),
                "creation_tx": filters.equals("creation_tx", filters.integer),
                "stake_uid": filters.one_of("stake_uid"),
                "status": filters.one_of("status"),
            },
            options=("order", "order_by", "light"),
            unknown=404,
        ),
        "transactions": Listing(
            {
                **common,
                "account": accounts,
                "currency": filters.currency(many=True),
                "destination_tag": filters.equals("destination_tag", filters.integer),
                "interaction_type": filters.equals("interaction_type", filters.literal(vocabulary.InteractionType)),
                "label": filters.contains("notes"),
                "max_amount": filters.at_most("amount", filters.amount),
                "memo": filters.equals("memo"),
                "min_amount": filters.at_least("amount", filters.amount),
                "recipient": filters.equals("recipient"),
                "status": filters.one_of("status", filters.literal(vocabulary.TransactionStatus)),
                "title": filters.contains("notes"),
                "tx_hash": filters.member("tx_hash"),
                "tx_label": filters.shares("labels"),
                "type": filters.equals("type", filters.literal(vocabulary.TransactionType)),
            }
        ),
        "users": Listing(
            {
                **common,
                "account": filters.includes("accounts", filters.integer),
                "group": filters.includes("groups", filters.integer),
                "role": filters.equals("role", filters.literal(vocabulary.UserRole)),
                "status": filters.equals("status", filters.literal(vocabulary.UserStatus)),
                "username": filters.equals("username"),
            }
        ),
        "whitelists": Listing(
            {
                **common,
                "account": filters.shares("account_ids", filters.integer),
                "address": filters.includes("addresses"),
                "description": filters.contains("description"),
                "name": filters.equals("name"),
                "status": group_status,
            }
        ),
    }
    nothing = Listing(options=(), page_size=10)
    return {**listed, "nfts": nothing, "nft-collections": nothing}


class Relations:
    """Who and what the accounts' rules name, in both directions."""

    def __init__(self, world: World) -> None:
        members = {group["id"]: tuple(user for user in group["members"] if user) for group in world.groups}
        self.groups: dict[int, set[int]] = {}
        self.users: dict[int, set[int]] = {}
        self.whitelists: dict[int, set[int]] = {}
        self.entities: dict[int, set[int]] = {account["id"]: set() for account in world.accounts}
        self.contracts = world.contracts
        self.members = members
        for account in world.accounts:
            groups, users, whitelists = rule_parties(account)
            identifier = account["id"]
            self.groups[identifier] = groups
            self.users[identifier] = users.union(*(members.get(group, ()) for group in groups))
            self.whitelists[identifier] = whitelists
        for entity in world.entities:
            for account_id in entity["accounts"]:
                self.entities.setdefault(account_id, set()).add(entity["id"])


def rule_parties(account: Node) -> tuple[set[int], set[int], set[int]]:
    """Return the groups, the users and the whitelists that an account's rules name."""
    groups: set[int] = set()
    users: set[int] = set()
    whitelists: set[int] = set()
    for rule_set in account["governance_rules"]:
        for rule in rule_set["rules"]:
            for entry in rule["data"]:
                if rule["type"] == "WHITELIST":
                    whitelists.add(entry["whitelist"])
                elif rule["type"] == "MULTI_AUTHORIZATIONS" and entry is not None:
                    if "group" in entry:
                        groups.add(entry["group"])
                    users.update(user for user in entry.get("users", ()) if user is not None)
    return groups, users, whitelists


def inverse(sets: Mapping[int, set[int]]) -> dict[int, tuple[int, ...]]:
    """Turn a map of sets around."""
    turned: dict[int, list[int]] = {}
    for owner, members in sets.items():
        for member in members:
            turned.setdefault(member, []).append(owner)
    return {member: tuple(owners) for member, owners in turned.items()}


def collections(world: World, relations: Relations) -> dict[str, Collection]:
    """Encode the lists of a world, with the columns that their filters look at."""
    base = {"id": numbers(value_of("id")), "created_on": numbers(created)}
    status = {**base, "status": values(value_of("status"))}
    account_of_user = inverse(relations.users)
    group_of_user = inverse({group: set(members) for group, members in relations.members.items()})
    account_of_whitelist = inverse(relations.whitelists)
    columns = {
        "accounts": {
            **status,
            "type": values(value_of("type")),
            "currency": values(value_of("currency")),
            "contract": values(lambda node: (node.get("contract_address") or "").lower() or None),
            "name": values(value_of("name")),
            "parent": values(value_of("parent")),
            "labels": values(label_ids),
            "entities": values(lambda node: relations.entities.get(node["id"], ())),
            "groups": values(lambda node: relations.groups.get(node["id"], ())),
            "users": values(lambda node: relations.users.get(node["id"], ())),
        },
        "digests": {**status, "account_id": values(value_of("account_id"))},
        "entities": {
            **status,
            "name": values(value_of("name")),
            "accounts": values(lambda node: tuple(node["accounts"])),
        },
        "groups": {
            **status,
            "name": values(value_of("name")),
            "description": values(_lower("description")),
            "members": values(lambda node: tuple(node["members"])),
        },
        "labels": {**base, "name": values(value_of("name"))},
        "messages": {
            **status,
            "account_id": values(value_of("account_id")),
            # objects say EIP-191, the filter EIP191
            "message_type": values(lambda node: node["message_type"].replace("-", "")),
        },
        "pledges": {
            "account_id": values(value_of("account_id")),
            "state": values(value_of("state")),
            "asset_manager": values(lambda node: _party_id(node, "asset_manager")),
            "exchange": values(lambda node: _party_id(node, "exchange")),
        },
        "settlements": {"from_pledge_id": values(value_of("from_pledge_id"))},
        "users": {
            **status,
            "role": values(value_of("role")),
            "username": values(value_of("username")),
            "accounts": values(lambda node: account_of_user.get(node["id"], ())),
            "groups": values(lambda node: group_of_user.get(node["id"], ())),
        },
        "whitelists": {
            **status,
            "name": values(value_of("name")),
            "description": values(_lower("description")),
            "addresses": values(lambda node: tuple(entry["address"] for entry in node["addresses"])),
            "account_ids": values(lambda node: account_of_whitelist.get(node["id"], ())),
        },
    }
    encoded = {section: Collection(getattr(world, section), columns[section]) for section in columns}
    return {**encoded, "requests": world.requests, "transactions": world.transactions}


def stakes(
    nodes: list[Node], account_of_transaction: Mapping[int, int | None], write: Callable[[Node], bytes]
) -> Collection:
    """Encode the stakes of one account, in a short or a long form."""
    return Collection(
        nodes,
        {
            "id": numbers(value_of("id")),
            "created_on": numbers(created),
            "status": values(value_of("status")),
            "stake_uid": values(value_of("stake_uid")),
            "creation_tx": values(value_of("creation_tx")),
            "account_id": values(lambda node: account_of_transaction.get(node["creation_tx"])),
        },
        write,
    )


def _lower(name: str) -> Any:
    return lambda node: (node.get(name) or "").lower()


def _party_id(node: Node, party: str) -> int | None:
    """Return a Tradelink party's id as the integer that the filter takes; nodes hold a text."""
    identifier = str(node[party]["id"])
    return int(identifier) if identifier.isdecimal() else None
