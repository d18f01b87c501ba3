"""The listings that grow with a world, transactions and requests: written as they are made, never kept as nodes."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any

from .governance import history_row
from .store import Collection, Node, codes, created, numbers, values

VOTES = ("pending_by", "approved_by", "rejected_by")


def transactions(contracts: Mapping[int, str | None]) -> Collection:
    """Return the listing of transactions, empty yet; `contracts` are those of the accounts, in lower case."""
    return Collection(
        (),
        {
            "id": numbers(itemgetter("id")),
            "created_on": numbers(created),
            "status": codes(itemgetter("status")),
            "type": codes(itemgetter("type")),
            "currency": codes(itemgetter("currency")),
            "account_id": codes(itemgetter("account_id")),
            "contract": codes(lambda node: contracts.get(node["account_id"])),
            "amount": values(_amount),
            "interaction_type": codes(itemgetter("interaction_type")),
            "labels": codes(label_ids),
            "notes": codes(_notes),
            "destination_tag": codes(lambda node: (node.get("coin_fields") or {}).get("destination_tag")),
            "memo": codes(_memo),
            "recipient": codes(itemgetter("recipient")),
            "tx_hash": numbers(lambda node: hash(node["tx_hash"])),
        },
    )


class Requests(Collection):
    """The listing of requests, with who approved, who rejected, and for whom they wait."""

    def __init__(self) -> None:
        self.pending_by, self.approved_by, self.rejected_by = (Votes(self, name) for name in VOTES)
        super().__init__(
            (),
            {
                "id": numbers(itemgetter("id")),
                "created_on": numbers(created),
                "status": codes(itemgetter("status")),
                "type": codes(itemgetter("type")),
                "target_type": codes(itemgetter("target_type")),
                "target_id": numbers(itemgetter("target_id")),
                "created_by": codes(itemgetter("created_by")),
                "pending_by": codes(self.pending_by.of),
                "approved_by": codes(self.approved_by.of),
                "rejected_by": codes(self.rejected_by.of),
            },
        )


class Votes(Mapping[int, list[int]]):
    """Users by request: lists that can change while a request waits, and what its column says once it is over."""

    def __init__(self, requests: Requests, column: str) -> None:
        self._requests = requests
        self._column = column
        self._waiting: dict[int, list[int]] = {}

    def of(self, request: Node) -> tuple[int, ...]:
        """Return the users of a request, as the column has them."""
        waiting = self._waiting.get(request["id"])
        if waiting is None:
            position = self._requests.position(request["id"])
            found: tuple[int, ...] = () if position is None else self._requests.columns[self._column][position]
            return found
        return tuple(waiting)

    def __getitem__(self, request_id: int) -> list[int]:
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            return waiting
        position = self._requests.position(request_id)
        if position is None:
            raise KeyError(request_id)
        return list(self._requests.columns[self._column][position])

    def __setitem__(self, request_id: int, users: list[int]) -> None:
        self._waiting[request_id] = users

    def leave(self, request_id: int) -> None:
        """Leave a request that is over to its column."""
        del self._waiting[request_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._requests.ids)

    def __len__(self) -> int:
        return len(self._requests)


class Histories(Mapping[tuple[str, int], list[list[Node]]]):
    """The requests behind each object; a transaction of the past has at most one, its last."""

    def __init__(self, transactions: Collection, requests: Requests) -> None:
        self._transactions = transactions
        self._requests = requests
        self._kept: dict[tuple[str, int], list[list[Node]]] = {}
        self._past = range(0)

    def close(self) -> None:
        """Take the transactions that there are for those of the past."""
        self._past = range(1, len(self._transactions) + 1)

    def __getitem__(self, key: tuple[str, int]) -> list[list[Node]]:
        if key in self._kept:
            return self._kept[key]
        section, identifier = key
        past = section == "transactions" and identifier in self._past
        transaction = self._transactions.find(identifier) if past else None
        if transaction is None:
            raise KeyError(key)
        request = self._requests.find(transaction["last_request"])
        return [] if request is None else [[history_row(request)]]

    def __setitem__(self, key: tuple[str, int], rows: list[list[Node]]) -> None:
        self._kept[key] = rows

    def setdefault(self, key: tuple[str, int], rows: list[list[Node]]) -> list[list[Node]]:
        """Return the requests behind an object, which are these where none are known."""
        if key not in self:
            self._kept[key] = rows
        return self[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        yield from self._kept
        for identifier in self._past:
            if ("transactions", identifier) not in self._kept:
                yield "transactions", identifier

    def __len__(self) -> int:
        kept = sum(section != "transactions" or number not in self._past for section, number in self._kept)
        return len(self._past) + kept


def value_of(name: str) -> Any:
    """Return a function of a node that gives one of its fields."""
    return lambda node: node.get(name)


def label_ids(node: Node) -> tuple[str, ...]:
    """Return label ids as texts: the filters by label are typed so."""
    labels = node.get("labels")
    return tuple([str(label["id"]) for label in labels]) if labels else ()


def _amount(node: Node) -> int | Decimal | None:
    value = node["amount"]
    if value is None:
        return None
    return int(value) if value.isdecimal() else Decimal(value)


def _notes(node: Node) -> str:
    notes = node["notes"]
    return "\n".join([f"{note['title']}\n{note['content']}" for note in notes]).lower() if notes else ""


def _memo(node: Node) -> str | None:
    memo = (node.get("coin_fields") or {}).get("memo")
    if not memo:
        return None
    return next((str(value) for key, value in memo.items() if key.startswith("MEMO_")), None)
