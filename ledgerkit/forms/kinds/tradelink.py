"""Kinds of collateral at an exchange: pledges and settlements."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit.amounts import read_amount
from ledgerkit.checks import Units, active, address_of, look_alike, shown
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import ChoiceField, Field, PickField, TextField, unique_labels
from ledgerkit.forms.kinds.acts import Act, Bodiless
from ledgerkit.forms.kinds.base import Kind, estimated, fees, refuse_units, required, units_of
from ledgerkit.forms.kinds.inputs import (
    CHOOSE,
    AmountField,
    JsonField,
    documented,
    fee_inputs,
    read_fee_strategy,
    read_fields,
)
from ledgerkit.forms.workspace import Workspace
from ledgerkit.lookups import Lookups
from ledgerkit.payloads import (
    KINDS,
    Body,
    FeePaying,
    ForcedUnpledge,
    InboundTransactionIntent,
    PledgeIncrement,
    RepledgeIntent,
    Settlement,
    SettlementRecovery,
    Transaction,
)
from ledgerkit.payloads.parts import FeesPerByte, GasPrice, PriorityFees, Speed
from ledgerkit.payments import SENDS
from ledgerkit.resources.pledges import Pledges
from ledgerkit.resources.settlements import Settlements
from ledgerkit.rules import rules

_STRATEGIES: Final = (Speed, FeesPerByte, GasPrice, PriorityFees)
_READY: Final = "PLEDGE_READY"


def _pledges(workspace: Workspace, value: str, states: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return pledges by account, exchange and state."""
    found = workspace.section(Pledges).search()
    names = workspace.directory.names("account", found["account_id"].dropna().tolist())
    rows = found[found[value].notna()].to_dict("records")
    return unique_labels(
        (f"{names.get(row['account_id'], 'account')} at {row['exchange_name']}, {row['state']}", row[value])
        for row in rows
        if not states or row["state"] in states
    )


class PledgeKind(Kind):
    """What is about a pledge account."""

    source: ClassVar[str] = "pledge_subaccount_id"

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the pledge accounts."""
        return {self.source: _pledges(workspace, "pledge_subaccount_id")}

    def account(self, workspace: Workspace, value: Any) -> int | None:
        """Return the collateral account of the pledge."""
        found = workspace.section(Pledges).search()
        accounts = found[found["pledge_subaccount_id"] == value]["account_id"].dropna().unique()
        return int(accounts[0]) if len(accounts) == 1 else None

    def _field(self, payload: Any) -> PickField:
        said = documented(payload).get(self.source, "The pledge account.")
        return PickField(self.source, "Pledge account", help=said)


class IncrementKind(PledgeKind):
    """More or less in pledge."""

    name: ClassVar[str] = "Pledge: more or less"
    payloads: ClassVar[tuple[type[PledgeIncrement], ...]] = (PledgeIncrement,)
    agreed: ClassVar[str] = "Pledge account, direction and amount are what I mean"

    def about(self) -> str:
        """Return what it does."""
        return "Lock more of a collateral account for an exchange, or ask for some of it back."

    def fields(self) -> list[Field]:
        """Return the pledge account, the direction and the amount."""
        return [
            self._field(PledgeIncrement),
            ChoiceField(
                "direction",
                "Direction",
                {"Pledge more": 1, "Take back": -1},
                help="the sign of amount",
                default=CHOOSE,
            ),
            AmountField("amount", "Amount", documented(PledgeIncrement)["amount"]),
        ]

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft of the section, of exact base units."""
        pledge = required(values, self.source, "Pledge account")
        sign = required(values, "direction", "Direction")
        amount = required(values, "amount", "Amount")
        account = self.account(workspace, pledge)
        if account is None:
            raise InvalidRequest(
                f"Pledge account: {pledge} is not that of one account that is visible. Pick one that is offered.",
                field=self.source,
            )
        base, _ = read_amount(amount, refuse_units(workspace, account, "amount")[0])
        if base == 0:
            raise InvalidRequest("Amount: 0 was not taken: it would change nothing.", field="amount")
        made: Draft = workspace.section(Pledges).increment(pledge, sign * base)
        return made

    def code(self, values: Mapping[str, Any]) -> str:
        """Return the call."""
        sign, amount = values["direction"], values["amount"]
        told = sign * amount if isinstance(amount, int) else f"{'-' if sign < 0 else ''}{amount}"
        return f"session.pledges.increment({values[self.source]}, {told!r})"


class ForcedKind(PledgeKind):
    """All of a pledge freed by force."""

    name: ClassVar[str] = "Pledge: un-pledge by force"
    payloads: ClassVar[tuple[type[ForcedUnpledge], ...]] = (ForcedUnpledge,)
    agreed: ClassVar[str] = "All that this pledge account holds is to be freed"
    danger: ClassVar[bool] = True

    def about(self) -> str:
        """Return what it does."""
        return "Free all that a pledge account holds at an exchange; for a custodian."

    def fields(self) -> list[Field]:
        """Return the pledge account."""
        return [self._field(ForcedUnpledge)]

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft of the section."""
        pledge = required(values, self.source, "Pledge account")
        made: Draft = workspace.section(Pledges).force_unpledge(pledge)
        return made

    def code(self, values: Mapping[str, Any]) -> str:
        """Return the call."""
        return f"session.pledges.force_unpledge({values[self.source]})"


# Settlements


class SettlementKind(Kind):
    """A new settlement."""

    name: ClassVar[str] = "Settlement"
    payloads: ClassVar[tuple[type[Settlement], ...]] = (Settlement,)
    operation: ClassVar[str] = "POST /settlements"
    makes: ClassVar[str] = "settlement"
    agreed: ClassVar[str] = "Pledge, amounts and addresses are what I mean"
    action: ClassVar[str] = "Create settlement"
    source: ClassVar[str] = "from_pledge_id"

    def about(self) -> str:
        """Return what it does."""
        return (
            "Settle against a pledge that is ready: take something out of the collateral, pay something in, or both; "
            "for users of an exchange."
        )

    def fields(self) -> list[Field]:
        """Return the pledge, what goes out, what comes in, and what is pledged anew."""
        inbound, repledge = documented(InboundTransactionIntent), documented(RepledgeIntent)
        return [
            PickField("from_pledge_id", "Pledge", integer=False, help=documented(Settlement)["from_pledge_id"]),
            AmountField("amount", "Out: amount", "outbound_transaction_intent: what is taken from the collateral."),
            TextField("recipient", "Out: to", "outbound_transaction_intent: who gets it.", wide=True),
            AmountField("max_fees", "Out: at most for fees", "outbound_transaction_intent; empty: the estimate."),
            *fee_inputs(_STRATEGIES),
            AmountField("inbound_amount", "In: amount", f"inbound_transaction_intent. {inbound['amount']}"),
            PickField(
                "to_account_id", "In: to account", help=f"inbound_transaction_intent. {inbound['to_account_id']}"
            ),
            TextField("to_address", "In: to address", "inbound_transaction_intent.", wide=True),
            AmountField("repledge_amount", "Pledged anew: amount", f"repledge_intent. {repledge['amount']}"),
            JsonField("meta", "Object of your own, as JSON", documented(Settlement)["meta"], "{}"),
        ]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the pledges that are ready, and all accounts to pay in to."""
        accounts = workspace.directory.listed("account").to_dict("records")
        return {
            "from_pledge_id": _pledges(workspace, "id", (_READY,)),
            "to_account_id": unique_labels((str(row["name"]), int(row["id"])) for row in accounts if row["name"]),
        }

    def account(self, workspace: Workspace, value: Any) -> int | None:
        """Return the collateral account of the pledge."""
        return int(workspace.section(Pledges).get(str(value))["account_id"].iloc[0])

    def done(self, made: Any) -> str:
        """Return what comes next."""
        return f"Settlement {made} was created. What it takes out waits for its approvals, as a request of its own."

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look pledge and accounts up, estimate the fees of what goes out, and make the id, once."""
        lookups = Lookups(workspace.connection)
        pledge = workspace.section(Pledges).get(required(values, "from_pledge_id", "Pledge")).iloc[0]
        source = lookups.account(int(pledge["account_id"]))
        own, of_fees = lookups.units(int(source["id"]))
        facts = [
            ("pledge", f"{source['name']} at {pledge['exchange_name']}, {pledge['state']}"),
            ("pledged", shown(int(pledge["amount"]), own)),
        ]
        ready = pledge["state"] == _READY
        checks = [
            Check(
                "pledge", "ok" if ready else "problem", f"it is {pledge['state']}{'' if ready else f', not {_READY}'}"
            ),
            units_of(source, own, of_fees, values, ["amount", "repledge_amount"], ["max_fees"]),
        ]
        given: dict[str, Any] = {"from_pledge_id": str(pledge["id"])}
        if any(values.get(name) is not None for name in ("amount", "recipient", "max_fees")):
            given["outbound_transaction_intent"] = self._outbound(
                workspace, lookups, source, (own, of_fees), values, facts, checks
            )
        if any(values.get(name) is not None for name in ("inbound_amount", "to_account_id", "to_address")):
            given["inbound_transaction_intent"] = _inbound(lookups, values, facts, checks)
        if values.get("repledge_amount") is not None:
            given["repledge_intent"] = _repledge(pledge, source, own, values, facts)
        if values.get("meta") is not None:
            given["meta"] = values["meta"]
        payload = Settlement(**given)
        body = payload.to_json()
        section = workspace.section(Settlements)
        return Act(
            workspace.connection,
            payload,
            lambda again: section.create(
                payload.from_pledge_id,
                inbound_transaction_intent=body.get("inbound_transaction_intent"),
                outbound_transaction_intent=payload.outbound_transaction_intent,
                repledge_intent=body.get("repledge_intent"),
                meta=body.get("meta"),
                id=payload.id,
                again=again,
                look_alike=True,  # what this form checks itself stops it before
            ),
            makes=self.makes,
            made=lambda row: row["id"],
            same={"operation": self.operation, **{name: one for name, one in body.items() if name != "id"}},
            look="session.settlements.search() lists what is there.",
            named=str(payload.id),
            facts=facts,
            checks=checks,
        )

    def _outbound(
        self,
        workspace: Workspace,
        lookups: Lookups,
        source: "pd.Series[Any]",
        units: tuple[Units, Units],
        values: Mapping[str, Any],
        facts: list[tuple[str, str]],
        checks: list[Check],
    ) -> Transaction:
        kind = SENDS.get(str(source["type"]))
        if kind is None:
            raise InvalidRequest(
                f"Pledge: its account {source['name']} is of type {source['type']}, of which the API documents no "
                "payment.",
                field="from_pledge_id",
            )
        build, (own, of_fees) = KINDS[kind], units
        known: dict[str, Any] = {
            "account_id": int(source["id"]),
            "account_name": str(source["name"]),
            "currency": str(source["currency"]),
            "note": None,
        }
        if isinstance(source["contract_address"], str) and "contract_address" in build.__struct_fields__:
            known["contract_address"] = source["contract_address"]
        ceiling = issubclass(build, FeePaying)
        if ceiling and values.get("max_fees") is None:
            known["max_fees"] = 0
        payload = build(**read_fields(build, values, known, {"amount": own, "max_fees": of_fees}))
        asked = int(payload.max_fees) if isinstance(payload, FeePaying) and payload.max_fees else None
        estimate = estimated(workspace, payload, alone=False)
        cost = asked if asked is not None else None if isinstance(estimate, Check) else estimate
        if ceiling and cost is not None:
            payload = payload.replace(max_fees=cost)
        given = payload.given()
        facts += [
            ("out", shown(int(given["amount"]), own)),
            ("out, to", given["recipient"]),
            ("out, fees", "not known" if cost is None else shown(cost, of_fees)),
        ]
        checks += [
            active(source),
            fees(asked, estimate, of_fees, ceiling=ceiling),
            address_of(lookups, str(source["currency"]), given["recipient"]),
            look_alike(lookups, int(source["id"]), given["recipient"], None),
            *rules(lookups, source, payload),
        ]
        return payload


def _inbound(
    lookups: Lookups, values: Mapping[str, Any], facts: list[tuple[str, str]], checks: list[Check]
) -> InboundTransactionIntent:
    to = lookups.account(required(values, "to_account_id", "In: to account"))
    own, of_fees = lookups.units(int(to["id"]))
    base, _ = read_amount(required(values, "inbound_amount", "In: amount"), own, "inbound_amount")
    address = required(values, "to_address", "In: to address")
    alike = look_alike(lookups, int(to["id"]), address, None)
    checks += [
        units_of(to, own, of_fees, values, ["inbound_amount"]),
        replace(alike, text=f"in, to {address}: {alike.text}"),
    ]
    facts += [("in", shown(base, own)), ("in, to", f"{to['name']} (account {to['id']}) {address}")]
    return InboundTransactionIntent(amount=base, to_account_id=int(to["id"]), to_address=address)


def _repledge(
    pledge: "pd.Series[Any]",
    source: "pd.Series[Any]",
    own: Units,
    values: Mapping[str, Any],
    facts: list[tuple[str, str]],
) -> RepledgeIntent:
    base, _ = read_amount(values["repledge_amount"], own, "repledge_amount")
    facts.append(("pledged anew", shown(base, own)))
    contract = source["contract_address"]
    return RepledgeIntent(
        account_name=str(source["name"]),
        amount=base,
        currency=str(source["currency"]),
        exchange_name=str(pledge["exchange_name"]),
        pledge_subaccount_id=int(pledge["pledge_subaccount_id"]),
        contract_address=contract if isinstance(contract, str) else None,
    )


class ChangeKind(Kind):
    """What is done to a settlement that is there.

    Attributes
    ----------
    state
        A part of the name of the states in which it can be done.
    shows
        What of the settlement tells whether it was done.
    """

    source: ClassVar[str] = "settlement_id"
    target: ClassVar[str] = "settlement"
    state: ClassVar[str]
    shows: ClassVar[str] = "its state"

    def fields(self) -> list[Field]:
        """Return the settlement."""
        return [PickField("settlement_id", "Settlement", integer=False, help="The settlement.")]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the settlements, those that it can be done to first."""
        found = workspace.section(Settlements).search().to_dict("records")
        rows = sorted(found, key=lambda row: self.state not in str(row["state"]))
        return {"settlement_id": {f"{row['state']} {row['id']}": str(row["id"]) for row in rows}}

    def account(self, workspace: Workspace, value: Any) -> int | None:
        """Return the collateral account of the settlement's pledge."""
        pledge = workspace.section(Settlements).get(str(value))["from_pledge_id"].iloc[0]
        return int(workspace.section(Pledges).get(str(pledge))["account_id"].iloc[0])

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the settlement up."""
        section = workspace.section(Settlements)
        found = section.get(required(values, "settlement_id", "Settlement")).iloc[0]
        settlement = str(found["id"])
        where = self.operation.format(settlement_id=settlement)
        body, facts = self.body(workspace, settlement, where, values)
        return Act(
            workspace.connection,
            body,
            lambda _: self.write(section, settlement, body),
            makes=self.named(),
            made=lambda row: row["id"],
            same={"operation": where, **body.to_json()},
            look=f"session.settlements.get({settlement!r}) shows {self.shows}.",
            facts=[("settlement", settlement), ("state", str(found["state"])), *facts],
        )

    def body(
        self, workspace: Workspace, settlement: str, where: str, values: Mapping[str, Any]
    ) -> tuple[Body, list[tuple[str, str]]]:
        """Return what is sent to the call ``where``, and what a review shows of it."""
        raise NotImplementedError

    def write(self, section: Settlements, settlement: str, body: Any) -> pd.DataFrame:
        """Send it."""
        raise NotImplementedError


class CancelKind(ChangeKind):
    """The end of a settlement."""

    name: ClassVar[str] = "Settlement: cancel"
    payloads: ClassVar[tuple[type[Bodiless], ...]] = (Bodiless,)
    operation: ClassVar[str] = "POST /settlements/{settlement_id}/cancel"
    makes: ClassVar[str] = "cancellation"
    agreed: ClassVar[str] = "This settlement is to be cancelled"
    action: ClassVar[str] = "Cancel settlement"
    danger: ClassVar[bool] = True
    state: ClassVar[str] = "FAILED"

    def about(self) -> str:
        """Return what it does."""
        return "Cancel a settlement whose outbound transaction is FAILED_TO_BROADCAST; for users of an exchange."

    def body(
        self, workspace: Workspace, settlement: str, where: str, values: Mapping[str, Any]
    ) -> tuple[Body, list[tuple[str, str]]]:
        """Return that there is no body."""
        return Bodiless(does="Cancel a settlement", where=where, about=f"settlement {settlement}"), []

    def write(self, section: Settlements, settlement: str, body: Any) -> pd.DataFrame:
        """Cancel it."""
        return section.cancel(settlement)

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Settlement {made} was cancelled."


class RecoverKind(ChangeKind):
    """Other fees for what a settlement takes out."""

    name: ClassVar[str] = "Settlement: other fees"
    payloads: ClassVar[tuple[type[SettlementRecovery], ...]] = (SettlementRecovery,)
    operation: ClassVar[str] = "POST /settlements/{settlement_id}/recover"
    makes: ClassVar[str] = "recovery"
    agreed: ClassVar[str] = "Settlement and fees are what I mean"
    action: ClassVar[str] = "Send with other fees"
    state: ClassVar[str] = "SUBMITTED"
    shows: ClassVar[str] = "the hash of its transaction"

    def about(self) -> str:
        """Return what it does."""
        return (
            "Send the outbound transaction of a settlement again with other fees, while it is SUBMITTED; for "
            "operators of an exchange."
        )

    def fields(self) -> list[Field]:
        """Return the settlement and its fees."""
        said = documented(SettlementRecovery)
        return [
            *super().fields(),
            AmountField("max_fee", "At most for fees", said["max_fee"]),
            *fee_inputs(_STRATEGIES, said["fee_strategy"]),
        ]

    def body(
        self, workspace: Workspace, settlement: str, where: str, values: Mapping[str, Any]
    ) -> tuple[Body, list[tuple[str, str]]]:
        """Look the units of its fees up."""
        account = self.account(workspace, settlement)
        of_fees = refuse_units(workspace, account, "max_fee")[1] if account is not None else []
        most, _ = read_amount(required(values, "max_fee", "At most for fees"), of_fees, "max_fee")
        strategy: Any = read_fee_strategy(_STRATEGIES, values)
        return SettlementRecovery(fee_strategy=strategy, max_fee=most), [("fees, at most", shown(most, of_fees))]

    def write(self, section: Settlements, settlement: str, body: Any) -> pd.DataFrame:
        """Send it with other fees."""
        return section.recover(settlement, fee_strategy=body.fee_strategy, max_fee=body.max_fee)

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"The outbound transaction of settlement {made} was sent again."


TRADELINK: Final[tuple[Kind, ...]] = (IncrementKind(), ForcedKind(), SettlementKind(), CancelKind(), RecoverKind())
