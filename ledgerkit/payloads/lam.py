"""Bodies of the writes that a LAM has beside those of the API."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.base import Readable
from ledgerkit.payloads.parts import AnyNote, Part
from ledgerkit.payloads.preview import Form, Line
from ledgerkit.payloads.rules import BareAmount, Choice, Json, Pattern
from ledgerkit.payloads.transactions import BaseUnits, ChainAddress, Id, Name
from ledgerkit.vocabulary import Speed as SpeedName

ChosenSpeed = Annotated[SpeedName, Choice(SpeedName)]
CoinFields = Annotated[Mapping[str, Any], Json()]


class _LamBody(Readable, frozen=True):
    """A body of a LAM, whose fields stand side by side."""

    does: ClassVar[str]

    def title(self) -> str:
        """Return in one line what this does."""
        return self.does

    def lines(self) -> list[Line]:
        """Return every field by its name."""
        return [_line(name, value) for name, value in self.given().items()]


def _line(name: str, value: Any) -> Line:
    forms: dict[str, Form] = {"amount": "amount", "max_fees": "amount", "recipient": "address"}
    form = forms.get(name, "text")
    text = value.said() if isinstance(value, Part) else str(value)
    return Line(name.replace("_", " ").capitalize(), text, form, "base units" if form == "amount" else "")


class LamTransactionApproval(_LamBody, frozen=True, kw_only=True):
    """Approve a transaction by repeating the values of its creation; the LAM signs where they are the same.

    Parameters
    ----------
    amount, max_fees
        In base units.
    """

    destination: ClassVar[str] = "POST /transactions/{transaction_id}/approve"
    does: ClassVar[str] = "Approve a transaction"

    account_name: Name
    amount: BaseUnits | None = None
    recipient: ChainAddress
    max_fees: BaseUnits | None = None
    coin_fields: CoinFields | None = None


class LamTransaction(_LamBody, frozen=True, kw_only=True):
    """Create a transaction.

    Parameters
    ----------
    amount
        In base units; 0, not None, for the call of a contract.
    max_fees
        The most that may be paid as fees, in base units of the network's currency.
    """

    destination: ClassVar[str] = "POST /transactions"
    does: ClassVar[str] = "Create a transaction"

    account_id: Id | None = None
    account_name: Name
    amount: BaseUnits | None = None
    recipient: ChainAddress
    max_fees: BaseUnits
    speed: ChosenSpeed
    coin_fields: CoinFields | None = None
    note: AnyNote | None = None

    def approval(self) -> LamTransactionApproval:
        """Return the approval of this very transaction."""
        repeated = ("account_name", "amount", "recipient", "max_fees", "coin_fields")
        return LamTransactionApproval(**{name: getattr(self, name) for name in repeated})


class ApiUserCreation(_LamBody, frozen=True, kw_only=True):
    """Create an API user on the LAM.

    Parameters
    ----------
    name
        1 to 20 letters, digits and underscores.
    """

    destination: ClassVar[str] = "POST /api_users"
    does: ClassVar[str] = "Create an API user"

    name: Annotated[str, Pattern(r"[A-Za-z0-9_]{1,20}", "1 to 20 letters, digits and underscores")]


class LabelCreation(_LamBody, frozen=True, kw_only=True):
    """Create a label.

    Parameters
    ----------
    color
        Such as ``#fe3423``.
    """

    destination: ClassVar[str] = "POST /labels"
    does: ClassVar[str] = "Create a label"

    name: Name
    color: Annotated[str, Pattern(r"#[0-9a-fA-F]{6}", "a colour such as '#fe3423'")] | None = None
    description: Name | None = None

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the body that these fields make."""
        return {"name": fields.pop("name"), "info": fields}

    @classmethod
    def flattened(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that make this body."""
        outer = dict(body)
        info = outer.pop("info", None)
        return {**outer, **info} if isinstance(info, Mapping) else {**outer, "info": info}


class LabelAssignment(_LamBody, frozen=True, kw_only=True):
    """Put a label on an account or a transaction."""

    destination: ClassVar[str] = "POST /accounts/{account_id}/labels or /transactions/{transaction_id}/labels"
    does: ClassVar[str] = "Attach a label"

    label_id: Id


# Stakes, as a portal of 2023 shows them; today's reference has none of them.


class EthereumStakeCreation(_LamBody, frozen=True, kw_only=True):
    """Open an Ethereum stake.

    Parameters
    ----------
    gas_limit, gas_price
        Gas, and its price in wei; for the speed CUSTOM alone, which needs both.
    max_fees
        The most that may be paid as fees, in wei.
    """

    destination: ClassVar[str] = "POST /ethereum/accounts/{account_id}/stakes"
    does: ClassVar[str] = "Open an Ethereum stake"

    provider: Annotated[Literal["kiln"], Choice(Literal["kiln"])]
    provider_fields: CoinFields
    speed: ChosenSpeed
    max_fees: BaseUnits
    gas_limit: BaseUnits | None = None
    gas_price: BaseUnits | None = None

    def check(self) -> None:
        """Check that gas is given where it is read."""
        for name in ("gas_limit", "gas_price"):
            value = getattr(self, name)
            if (value is None) == (self.speed == "CUSTOM"):
                raise InvalidRequest(
                    f"`{name}` = {value} can't be used: it goes with the speed CUSTOM; here it is {self.speed}.",
                    field=name,
                )
            if value == 0:
                raise InvalidRequest(f"`{name}` = 0 can't be used: it is at least 1.", field=name)


class SolanaStakeDeactivation(_LamBody, frozen=True, kw_only=True):
    """Deactivate a Solana stake."""

    destination: ClassVar[str] = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate"
    does: ClassVar[str] = "Deactivate a Solana stake"

    stake_account: ChainAddress
    account_name: Name | None = None


class SolanaStakeApproval(_LamBody, frozen=True, kw_only=True):
    """Approve an action on a Solana stake.

    Parameters
    ----------
    amount
        In base units (lamports).
    """

    destination: ClassVar[str] = (
        "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve"
    )
    does: ClassVar[str] = "Approve an action on a Solana stake"

    request_id: Id
    amount: Annotated[int | str, BareAmount()]
    validator: ChainAddress
    account_name: Name | None = None


class TezosUndelegation(_LamBody, frozen=True, kw_only=True):
    """Close a Tezos delegation.

    Parameters
    ----------
    max_fees
        The most that may be paid as fees, in base units (mutez).
    """

    destination: ClassVar[str] = "POST /tezos/accounts/{account_id}/stake/actions/undelegate"
    does: ClassVar[str] = "Close a Tezos delegation"

    speed: ChosenSpeed
    max_fees: BaseUnits
    gas_limit: BaseUnits | None = None
    storage_limit: BaseUnits | None = None
    account_name: Name | None = None
