"""Settlements between an exchange and an asset manager (Tradelink)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import msgspec

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.base import Readable, optional
from ledgerkit.payloads.parts import FeesPerByte, FeesStrategy, GasPrice, OneOf, Part, PriorityFees, Speed
from ledgerkit.payloads.preview import Line
from ledgerkit.payloads.reading import from_json
from ledgerkit.payloads.rules import BareAmount, Json, Rule, Uuid, refused
from ledgerkit.payloads.transactions import AnyCurrency, BaseUnits, ChainAddress, Id, Name, Transaction


class InboundTransactionIntent(Part, frozen=True, kw_only=True):
    """What is paid to the asset manager.

    Parameters
    ----------
    amount
        In base units of the account.
    to_account_id, to_address
        The account that is paid, and its address.
    """

    amount: Annotated[int | str, BareAmount()]
    to_account_id: Id
    to_address: ChainAddress


class RepledgeIntent(Part, frozen=True, kw_only=True):
    """What is pledged again of a gain.

    Parameters
    ----------
    amount
        In base units.
    """

    account_name: Name
    amount: BaseUnits
    currency: AnyCurrency
    exchange_name: Name
    pledge_subaccount_id: Id
    contract_address: ChainAddress | None = None
    to_address: ChainAddress | None = None
    transaction_hash: Name | None = None


class Intent(OneOf):
    """A part, or the dict that it is made of."""

    def read(self, name: str, value: Any) -> Part:
        """Return the part."""
        if not isinstance(value, Mapping):
            return super().read(name, value)
        [kind] = self.kinds
        for field in value:
            if field not in kind.__struct_fields__:
                raise refused(f"{name}.{field}", value[field], f"the fields are {', '.join(kind.__struct_fields__)}")
        for field in kind.__struct_fields__:
            if field not in value and field not in optional(kind):
                raise InvalidRequest(f"`{name}.{field}` is missing.", field=f"{name}.{field}")
        return kind(**value)


class Outbound(Rule):
    """A transaction, or its ``data``."""

    def read(self, name: str, value: Any) -> Transaction:
        """Return the transaction."""
        if isinstance(value, Mapping):
            value = from_json({"type": Transaction.type, "data": value})
        if not isinstance(value, Transaction):
            raise refused(name, value, "it takes a transaction, such as an EthereumLikeSend, or its data")
        if value.note is not None:
            raise refused(name, value.note, "the transaction of a settlement has no note; leave it out")
        return value

    def write(self, value: Any) -> Any:
        """Return the transaction without type and note."""
        return value.intent()

    def returns(self, value: Any, found: Any) -> bool:
        """Say yes: the transaction compared itself as it was read."""
        return True


class Settlement(Readable, frozen=True, kw_only=True):
    """Settle against a pledge that is ready; for users of an exchange.

    Parameters
    ----------
    from_pledge_id
        The pledge, which must be PLEDGE_READY.
    inbound_transaction_intent
        What is paid to the asset manager: an InboundTransactionIntent, or a dict of its fields.
    outbound_transaction_intent
        What is taken from the collateral: a transaction, or its ``data``. One of the two at least.
    repledge_intent
        What is pledged again: a RepledgeIntent, or a dict of its fields.
    meta
        An object of one's own.
    id
        The id of the settlement, made once when the object is made; a copy by ``replace`` keeps it.
    """

    destination: ClassVar[str] = "POST /settlements"

    from_pledge_id: Annotated[str | UUID, Uuid()]
    inbound_transaction_intent: (
        Annotated[InboundTransactionIntent | Mapping[str, Any], Intent(InboundTransactionIntent)] | None
    ) = None
    outbound_transaction_intent: Annotated[Transaction | Mapping[str, Any], Outbound()] | None = None
    repledge_intent: Annotated[RepledgeIntent | Mapping[str, Any], Intent(RepledgeIntent)] | None = None
    meta: Annotated[Mapping[str, Any], Json()] = msgspec.field(default_factory=dict)
    id: Annotated[str | UUID, Uuid()] = msgspec.field(default_factory=lambda: str(uuid4()))

    def check(self) -> None:
        """Check that there is something to settle."""
        if self.inbound_transaction_intent is None and self.outbound_transaction_intent is None:
            raise InvalidRequest(
                "`inbound_transaction_intent` or `outbound_transaction_intent` must be given: nothing is settled.",
                field="inbound_transaction_intent",
            )

    def title(self) -> str:
        """Return in one line what this does."""
        return "Settle against a pledge"

    def lines(self) -> list[Line]:
        """Return what goes in and out."""
        lines = [Line("Pledge", str(self.from_pledge_id)), Line("Settlement", str(self.id))]
        if isinstance(inbound := self.inbound_transaction_intent, InboundTransactionIntent):
            lines += [
                Line("In: amount", str(inbound.amount), "amount", "base units"),
                Line("In: to account", str(inbound.to_account_id)),
                Line("In: to", inbound.to_address, "address"),
            ]
        if isinstance(outbound := self.outbound_transaction_intent, Transaction):
            lines.append(Line("Out", outbound.title()))
            lines += [Line(f"Out: {one.label.lower()}", one.value, one.form, one.unit) for one in outbound.lines()]
        if isinstance(repledge := self.repledge_intent, RepledgeIntent):
            lines += [
                Line(f"Re-pledge: {name}", str(value))
                for name, value in repledge.values().items()
                if value is not None
            ]
        return lines


class SettlementRecovery(Readable, frozen=True, kw_only=True):
    """Send the outbound transaction of a settlement again with other fees; for operators of an exchange.

    Parameters
    ----------
    fee_strategy
        The new one: Speed, FeesPerByte, GasPrice or PriorityFees. It is in the singular here.
    max_fee
        The new ceiling of fees, in base units of the network's currency.
    """

    destination: ClassVar[str] = "POST /settlements/{settlement_id}/recover"

    fee_strategy: Annotated[FeesStrategy, OneOf(Speed, FeesPerByte, GasPrice, PriorityFees)]
    max_fee: BaseUnits

    def title(self) -> str:
        """Return in one line what this does."""
        return "Send the outbound transaction of a settlement again"

    def lines(self) -> list[Line]:
        """Return the new fees."""
        return [
            Line("At most for fees", str(self.max_fee), "amount", "base units"),
            Line("Fees", self.fee_strategy.said()),
        ]
