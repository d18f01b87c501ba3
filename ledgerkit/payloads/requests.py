"""Requests that are no transactions, and the way around all types."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.base import Payload
from ledgerkit.payloads.parts import AnyNote
from ledgerkit.payloads.preview import Line
from ledgerkit.payloads.rules import AccountName, Amount, Json, Pattern, Text, thawed
from ledgerkit.payloads.transactions import AnyCurrency, ChainAddress, Id, Name


class MessageSigning(Payload, frozen=True, kw_only=True):
    """Sign a text with the key of an account (EIP-191, the one kind that the API creates).

    Parameters
    ----------
    account_id, account_name
        The account that signs.
    raw_message
        The text itself, not its hexadecimal digits.
    address
        Which address of the account signs; None leaves it to the service.
    """

    type: ClassVar[str] = "CREATE_MESSAGE_SIGNING"
    details: ClassVar[str] = "message_data"
    beside: ClassVar[tuple[str, ...]] = ("account_id",)

    account_id: Id
    account_name: Name
    raw_message: Annotated[str, Text(lines=True)]
    address: ChainAddress | None = None
    note: AnyNote | None = None

    @classmethod
    def constants(cls) -> Mapping[str, str]:
        """Return the kind of message."""
        return {"message_type": "EIP-191"}

    def title(self) -> str:
        """Return in one line what this does."""
        return "Sign a message (EIP-191)"

    def lines(self) -> list[Line]:
        """Return who signs what."""
        lines = [Line("Account", f"{self.account_name} (id {self.account_id})"), Line("Message", self.raw_message)]
        if self.address is not None:
            lines.append(Line("Address that signs", self.address, "address"))
        if self.note is not None:
            lines.append(Line("Note", self.note.said()))
        return lines


class PledgeIncrement(Payload, frozen=True, kw_only=True):
    """Pledge more of a collateral account to an exchange; **a negative amount un-pledges**.

    Parameters
    ----------
    pledge_subaccount_id
        The pledge account.
    account_name, currency, contract_address
        Those of the collateral account; the contract is for tokens only.
    amount
        In base units.
    """

    type: ClassVar[str] = "CREATE_PLEDGE_INCREMENT"
    details: ClassVar[str] = "pledge_data"
    beside: ClassVar[tuple[str, ...]] = ("pledge_subaccount_id",)

    pledge_subaccount_id: Id
    account_name: Name
    amount: Annotated[int | str, Amount(negative=True)]
    currency: AnyCurrency
    exchange_name: Name
    contract_address: ChainAddress | None = None

    def title(self) -> str:
        """Return in one line what this does."""
        if int(self.amount) < 0:
            return f"Un-pledge: take back what is pledged to {self.exchange_name}"
        return f"Pledge more to {self.exchange_name}"

    def lines(self) -> list[Line]:
        """Return how much of which account."""
        token = f"the token {self.contract_address}" if self.contract_address else self.currency
        lines = [
            *_collateral(self.account_name, self.pledge_subaccount_id, self.exchange_name),
            Line("Amount", str(abs(int(self.amount))), "amount", f"base units of {token}"),
            Line("Currency", self.currency),
        ]
        if self.contract_address is not None:
            lines.append(Line("Contract of the token", self.contract_address, "address"))
        return lines


class ForcedUnpledge(Payload, frozen=True, kw_only=True):
    """Free all that a pledge account holds at an exchange; for a custodian."""

    type: ClassVar[str] = "CREATE_FORCED_UNPLEDGE"
    details: ClassVar[str] = "forced_unpledge_data"
    beside: ClassVar[tuple[str, ...]] = ("pledge_subaccount_id",)

    pledge_subaccount_id: Id
    account_name: Name
    currency: AnyCurrency
    exchange_name: Name

    def title(self) -> str:
        """Return in one line what this does."""
        return f"Un-pledge by force: free what is pledged to {self.exchange_name}"

    def lines(self) -> list[Line]:
        """Return which account."""
        return [
            *_collateral(self.account_name, self.pledge_subaccount_id, self.exchange_name),
            Line("Currency", self.currency),
        ]


def _collateral(account_name: str, pledge_subaccount_id: int, exchange_name: str) -> list[Line]:
    return [
        Line("Account", account_name),
        Line("Pledge account", str(pledge_subaccount_id)),
        Line("Exchange", exchange_name),
    ]


class AccountCreation(Payload, frozen=True, kw_only=True):
    """Create an account; for an API administrator. Experimental: a tutorial shows it, the contract does not have it.

    Parameters
    ----------
    account_type
        Such as ``TRC20_LIKE``.
    index
        The index of the account.
    name
        At most 19 letters, digits, spaces, ``-`` and ``_``.
    policy_name
        The policy that governs the account; the API has no list of them.
    parent_id, contract_address
        Of a token: the account that pays its fees, and its contract.
    """

    type: ClassVar[str] = "CREATE_ACCOUNT"
    details: ClassVar[str] = "account_data"
    beside: ClassVar[tuple[str, ...]] = ("account_type",)

    account_type: Annotated[str, Pattern(r"[A-Z][A-Z0-9_]*", "a type in capitals, such as 'TRC20_LIKE'")]
    index: Id
    name: Annotated[str, AccountName()]
    currency: AnyCurrency
    policy_name: Name
    parent_id: Id | None = None
    contract_address: ChainAddress | None = None

    def check(self) -> None:
        """Check that a token is said in whole."""
        if (self.parent_id is None) != (self.contract_address is None):
            raise InvalidRequest(
                "`parent_id` and `contract_address` are both given for a token, and neither for anything else.",
                field="parent_id" if self.parent_id is None else "contract_address",
            )

    def title(self) -> str:
        """Return in one line what this does."""
        return f"Create the account {self.name} ({self.account_type})"

    def lines(self) -> list[Line]:
        """Return what kind of account."""
        lines = [
            Line("Name", self.name),
            Line("Currency", self.currency),
            Line("Index", str(self.index)),
            Line("Policy", self.policy_name),
        ]
        if self.parent_id is not None:
            lines.append(Line("Parent account", str(self.parent_id)))
        if self.contract_address is not None:
            lines.append(Line("Contract of the token", self.contract_address, "address"))
        return [*lines, Line("Attention", "experimental: the contract of the API does not have this request")]


class Raw(Payload, frozen=True):
    """Any body, sent as it is: for what the kit has no type for. Only its ``type`` is checked.

    Parameters
    ----------
    body
        The whole body, with ``type`` and ``data``.
    """

    body: Annotated[Mapping[str, Any], Json()]

    def check(self) -> None:
        """Check that there is a type."""
        Text().read("type", self.body.get("type"))

    @property
    def type(self) -> str:  # type: ignore[override]  # the one payload of which each object has its own
        """The request type, as the body has it."""
        kind: str = self.body["type"]
        return kind

    @property
    def transaction_type(self) -> str | None:
        """The kind of transaction, where the body has one."""
        data = self.body.get("data")
        found = data.get("transaction_type") if isinstance(data, Mapping) else None
        return found if isinstance(found, str) else None

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the body."""
        body: dict[str, Any] = fields["body"]
        return body

    @classmethod
    def flattened(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body as the one field."""
        return {"body": thawed(body)}

    def title(self) -> str:
        """Return in one line what this does."""
        return f"Create a request of the type {self.type} from a body of one's own"

    def lines(self) -> list[Line]:
        """Return that nothing was checked."""
        kind = [] if self.transaction_type is None else [Line("Kind of transaction", self.transaction_type)]
        return [*kind, Line("Attention", "nothing in this body was checked: read the JSON")]
