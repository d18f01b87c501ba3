"""Kinds that only a LAM can create: it signs by itself, so there are no requests to approve here."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit import finding
from ledgerkit.checks import active, address_of, shown
from ledgerkit.drafts import Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import Field, PickField, TextField, unique_labels
from ledgerkit.forms.kinds.acts import Act, Bodiless
from ledgerkit.forms.kinds.base import Kind, accounts_named, picked_account, required
from ledgerkit.forms.kinds.inputs import documented, inputs, read_fields
from ledgerkit.forms.workspace import Workspace
from ledgerkit.lookups import Lookups
from ledgerkit.outcomes import new_mark
from ledgerkit.payloads import (
    Body,
    EthereumStakeCreation,
    LabelAssignment,
    LabelCreation,
    LamTransaction,
    SolanaStakeApproval,
    SolanaStakeDeactivation,
    TezosUndelegation,
)
from ledgerkit.payloads.base import rules
from ledgerkit.payloads.rules import Amount
from ledgerkit.resources.labels import Labels
from ledgerkit.resources.requests import with_mark
from ledgerkit.resources.stakes import EthereumStakes, SolanaStakes, TezosStakes
from ledgerkit.resources.transactions import TRANSACTION, Transactions
from ledgerkit.resources.writing import write

_LOOK: Final = "Look at the stakes and the newest requests of the account: session.requests.search(limit=5)."
_OWN: Final = frozenset({"account_id", "account_name"})


class LamKind(Kind):
    """What a LAM does with an account of a chain.

    Attributes
    ----------
    chain
        The type of the accounts that it is for.
    path
        What its path says beside the account, by label.
    """

    chain: ClassVar[str] = ""
    path: ClassVar[Mapping[str, str]] = {}
    payload: ClassVar[type[Body]]

    def about(self) -> str:
        """Return what the payload says that it does."""
        return f"{(self.payload.__doc__ or '').partition(chr(10))[0]} Only a LAM can, and it signs by itself."

    def fields(self) -> list[Field]:
        """Return the account, what the path says, and what the payload takes."""
        path = [TextField(name, label, "Of the path.") for name, label in self.path.items()]
        return [picked_account(), *path, *inputs(self.payload, known=_OWN)]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the accounts of the chain."""
        return {"account_id": accounts_named(workspace, lambda row: self.chain in ("", row["type"]))}

    def made(self, workspace: Workspace, values: Mapping[str, Any]) -> tuple["pd.Series[Any]", Any, list[Any]]:
        """Return the account, the body, and the facts."""
        lookups = Lookups(workspace.connection)
        source = lookups.account(required(values, "account_id", "Account"))
        own, of_fees = lookups.units(int(source["id"]))
        facts = [("account", f"{source['name']} (account {source['id']}, {source['currency']})")]
        facts += [(label.lower(), str(required(values, name, label))) for name, label in self.path.items()]
        known = {
            name: value
            for name, value in {"account_id": int(source["id"]), "account_name": str(source["name"])}.items()
            if name in self.payload.__struct_fields__
        }
        units = {name: of_fees if name in self.of_fees else own for name in self.payload.__struct_fields__}
        body = self.payload(**read_fields(self.payload, {"speed": "NORMAL", **values}, known, units))
        facts += [
            (name.replace("_", " "), shown(int(value), units[name]))
            for name, value in body.given().items()
            if isinstance(rules(self.payload)[name], Amount) and not name.startswith("gas")
        ]
        return source, body, facts


class LamTransactionKind(LamKind):
    """A transaction of any chain."""

    name: ClassVar[str] = "LAM: transaction"
    payload: ClassVar[type[LamTransaction]] = LamTransaction
    payloads: ClassVar[tuple[type[LamTransaction], ...]] = (LamTransaction,)
    operation: ClassVar[str] = "POST /transactions"
    makes: ClassVar[str] = "transaction"
    agreed: ClassVar[str] = "Account, recipient, amount and fees are what I mean"
    action: ClassVar[str] = "Create transaction"

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft, with a mark in its note."""
        required(values, "amount", "Amount")  # None is not 0: what a LAM makes of it is not said
        source, payload, facts = self.made(workspace, values)
        facts.append(("to", payload.recipient))
        looked_at = address_of(Lookups(workspace.connection), str(source["currency"]), payload.recipient)
        connection, section, mark = workspace.connection, workspace.section(Transactions), new_mark()
        return Draft(
            payload.replace(note=with_mark(payload.note, mark)),
            send=lambda body: write(section, "POST /transactions", TRANSACTION, {}, body=body.to_json()),
            find=lambda draft: finding.find_on_lam(connection, draft),
            outbox=connection.outbox,
            facts=facts,
            checks=[active(source), looked_at],
            mark=mark,
            identity=payload.to_json(),
            environment=workspace.environment,
            sent_after=connection.transport.server_time(),
            makes="transaction",
        )


class StakeKind(LamKind):
    """A move of a stake.

    Attributes
    ----------
    answer
        The column of the answer that says what it made.
    """

    agreed: ClassVar[str] = "Account, stake and amounts are what I mean"
    action: ClassVar[str] = "Send to the LAM"
    answer: ClassVar[str] = "last_request"
    makes: ClassVar[str] = "request of the LAM"

    def call(self, workspace: Workspace, account: int, values: Mapping[str, Any], body: Any) -> Callable[[bool], Any]:
        """Return what sends it."""
        raise NotImplementedError

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the account up."""
        source, body, facts = self.made(workspace, values)
        path = {"account_id": str(source["id"]), **{name: str(values[name]) for name in self.path}}
        return Act(
            workspace.connection,
            body,
            self.call(workspace, int(source["id"]), values, body),
            makes=self.makes,
            made=lambda row: row[self.answer],
            same={"operation": self.operation.format(**path), **body.to_json()},
            look=_LOOK,
            facts=facts,
            checks=[active(source)],
        )


class EthereumStakeKind(StakeKind):
    """A new stake."""

    name: ClassVar[str] = "LAM: Ethereum stake"
    chain: ClassVar[str] = "Ethereum"
    payload: ClassVar[type[EthereumStakeCreation]] = EthereumStakeCreation
    payloads: ClassVar[tuple[type[EthereumStakeCreation], ...]] = (EthereumStakeCreation,)
    operation: ClassVar[str] = "POST /ethereum/accounts/{account_id}/stakes"
    answer: ClassVar[str] = "id"
    makes: ClassVar[str] = "transaction"

    def call(self, workspace: Workspace, account: int, values: Mapping[str, Any], body: Any) -> Callable[[bool], Any]:
        """Return what sends it."""
        section = workspace.section(EthereumStakes)
        fields = {**body.given(), "provider_fields": body.to_json()["provider_fields"]}
        return lambda again: section.create(account, **fields, again=again)


class SolanaDeactivationKind(StakeKind):
    """The end of a stake."""

    name: ClassVar[str] = "LAM: deactivate a Solana stake"
    chain: ClassVar[str] = "Solana"
    path: ClassVar[Mapping[str, str]] = {"stake_id": "Stake, its id"}
    payload: ClassVar[type[SolanaStakeDeactivation]] = SolanaStakeDeactivation
    payloads: ClassVar[tuple[type[SolanaStakeDeactivation], ...]] = (SolanaStakeDeactivation,)
    operation: ClassVar[str] = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate"

    def call(self, workspace: Workspace, account: int, values: Mapping[str, Any], body: Any) -> Callable[[bool], Any]:
        """Return what sends it."""
        section = workspace.section(SolanaStakes)
        return lambda _: section.deactivate(account, values["stake_id"], **body.given())


class SolanaApprovalKind(StakeKind):
    """The approval of what is done to a stake."""

    name: ClassVar[str] = "LAM: approve an action on a Solana stake"
    chain: ClassVar[str] = "Solana"
    path: ClassVar[Mapping[str, str]] = {"stake_id": "Stake, its id", "staking_action": "Action"}
    payload: ClassVar[type[SolanaStakeApproval]] = SolanaStakeApproval
    payloads: ClassVar[tuple[type[SolanaStakeApproval], ...]] = (SolanaStakeApproval,)
    operation: ClassVar[str] = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve"
    agreed: ClassVar[str] = "Stake, action, amount and validator are what I approve"
    action: ClassVar[str] = "Sign and approve"

    def call(self, workspace: Workspace, account: int, values: Mapping[str, Any], body: Any) -> Callable[[bool], Any]:
        """Return what sends it."""
        section = workspace.section(SolanaStakes)
        return lambda _: section.approve(account, values["stake_id"], values["staking_action"], **body.given())

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Request {made} of the LAM was approved."


class TezosKind(StakeKind):
    """The end of a delegation."""

    name: ClassVar[str] = "LAM: end a Tezos delegation"
    chain: ClassVar[str] = "Tezos"
    payload: ClassVar[type[TezosUndelegation]] = TezosUndelegation
    payloads: ClassVar[tuple[type[TezosUndelegation], ...]] = (TezosUndelegation,)
    operation: ClassVar[str] = "POST /tezos/accounts/{account_id}/stake/actions/undelegate"

    def call(self, workspace: Workspace, account: int, values: Mapping[str, Any], body: Any) -> Callable[[bool], Any]:
        """Return what sends it."""
        section = workspace.section(TezosStakes)
        return lambda _: section.undelegate(account, **body.given())


# Labels


class LabelKind(Kind):
    """A new label."""

    name: ClassVar[str] = "Label"
    payloads: ClassVar[tuple[type[LabelCreation], ...]] = (LabelCreation,)
    operation: ClassVar[str] = "POST /labels"
    makes: ClassVar[str] = "label"
    agreed: ClassVar[str] = "Name and colour are what I mean"
    action: ClassVar[str] = "Create label"
    source: ClassVar[str] = ""

    def about(self) -> str:
        """Return what it does."""
        return "Create a label for accounts and transactions. Only a LAM can."

    def fields(self) -> list[Field]:
        """Return name, colour and description."""
        return inputs(LabelCreation)

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft."""
        body, section = LabelCreation(**read_fields(LabelCreation, values, {}, {})), workspace.section(Labels)
        return Act(
            workspace.connection,
            body,
            lambda _: section.create(**body.given()),
            makes=self.makes,
            made=lambda row: row["id"],
            same={"operation": self.operation, **body.to_json()},
            look=f"session.labels.search(name={body.name!r}) tells whether it is there.",
        )


class AttachKind(Kind):
    """A label put on something."""

    name: ClassVar[str] = "Label: attach"
    payloads: ClassVar[tuple[type[Body], ...]] = (LabelAssignment,)
    operation: ClassVar[str] = "POST /accounts/{account_id}/labels"
    makes: ClassVar[str] = "label"
    agreed: ClassVar[str] = "Label and target are what I mean"
    action: ClassVar[str] = "Attach label"

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Label {made} was attached."

    def about(self) -> str:
        """Return what it does."""
        return "Put a label on one account or on one transaction. Only a LAM can."

    def fields(self) -> list[Field]:
        """Return the label, and what it is on."""
        said = documented(LabelAssignment)
        return [
            PickField("label_id", "Label", help=said.get("label_id", "The label.")),
            PickField("account_id", "Account", help="What it is on, where that is an account."),
            TextField("transaction_id", "Or transaction, its id", "What it is on, where that is a transaction."),
        ]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer labels and accounts."""
        found = workspace.section(Labels).search()
        labels = unique_labels(zip(found["name"].astype(str).tolist(), found["id"].tolist(), strict=True))
        return {"label_id": labels, "account_id": accounts_named(workspace, lambda _: True)}

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the label up."""
        section = workspace.section(Labels)
        label = section.get(required(values, "label_id", "Label")).iloc[0]
        target = {name: values[name] for name in ("account_id", "transaction_id") if values.get(name) is not None}
        if len(target) != 1:
            raise InvalidRequest(
                "Account and transaction: a label goes on one of them; fill in one. Nothing was sent.",
                field="account_id",
            )
        [(on, one)] = target.items()
        about = f"label {label['name']} ({label['id']}) on {on.removesuffix('_id')} {one}"
        return self._act(workspace, int(label["id"]), target, about)

    def _act(self, workspace: Workspace, label: int, target: Mapping[str, Any], about: str) -> Draft:
        section = workspace.section(Labels)
        return Act(
            workspace.connection,
            LabelAssignment(label_id=label),
            lambda _: section.attach(label, **target),
            makes="assignment of label",
            made=lambda _: label,
            same={"operation": "attach", "label": label, **target},
            look="The labels of the account or transaction tell whether it is on it.",
            facts=[("what", about)],
        )


class DetachKind(AttachKind):
    """A label taken off something."""

    name: ClassVar[str] = "Label: take off"
    payloads: ClassVar[tuple[type[Body], ...]] = (Bodiless,)
    operation: ClassVar[str] = "DELETE /accounts/{account_id}/labels/{label_id}"
    action: ClassVar[str] = "Take label off"
    danger: ClassVar[bool] = True

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Label {made} was taken off."

    def about(self) -> str:
        """Return what it does."""
        return "Take a label off one account or one transaction. Only a LAM can."

    def _act(self, workspace: Workspace, label: int, target: Mapping[str, Any], about: str) -> Draft:
        section = workspace.section(Labels)
        [(on, one)] = target.items()
        where = f"DELETE /{on.removesuffix('_id')}s/{one}/labels/{label}"
        return Act(
            workspace.connection,
            Bodiless(does="Take a label off", where=where, about=about),
            lambda _: section.detach(label, **target),
            makes="removal of label",
            made=lambda _: label,
            same={"operation": where},
            look="The labels of the account or transaction tell whether it is on it.",
            facts=[("what", about)],
        )


LAM: Final[tuple[Kind, ...]] = (
    LamTransactionKind(),
    EthereumStakeKind(),
    SolanaDeactivationKind(),
    SolanaApprovalKind(),
    TezosKind(),
    LabelKind(),
    AttachKind(),
    DetachKind(),
)
