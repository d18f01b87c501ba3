"""Kinds that only a LAM can create: it signs by itself, so there are no requests to approve here."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit import finding
from ledgerkit.checks import active, address_of, look_alike, shown
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import Field, PickField, TextField, unique_labels
from ledgerkit.forms.kinds.acts import Act, Bodiless
from ledgerkit.forms.kinds.base import Kind, account_fact, accounts_named, picked_account, required, units_of
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
from ledgerkit.resources.base import Section
from ledgerkit.resources.labels import Labels
from ledgerkit.resources.requests import with_mark
from ledgerkit.resources.stakes import EthereumStakes, SolanaStakes, TezosStakes
from ledgerkit.resources.transactions import TRANSACTION, Transactions
from ledgerkit.resources.writing import write

# As in Act: its argument is whether a second one of the same content is meant.
SendsOnce = Callable[[bool], pd.DataFrame]
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

    @property
    def payload(self) -> type[Body]:
        """The one body that it sends."""
        return self.payloads[0]

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

    def made(self, workspace: Workspace, values: Mapping[str, Any]) -> tuple["pd.Series[Any]", Any, list[Any], Check]:
        """Return the account, the body, the facts, and whether its units are those of its coin."""
        lookups = Lookups(workspace.connection)
        source = lookups.account(required(values, "account_id", "Account"))
        own, of_fees = lookups.units(int(source["id"]))
        facts = [account_fact(source)]
        facts += [(label.lower(), str(required(values, name, label))) for name, label in self.path.items()]
        known = {
            name: value
            for name, value in {"account_id": int(source["id"]), "account_name": str(source["name"])}.items()
            if name in self.payload.__struct_fields__
        }
        units = {name: of_fees if name in self.of_fees else own for name in self.payload.__struct_fields__}
        body = self.payload(**read_fields(self.payload, {"speed": "NORMAL", **values}, known, units))
        told = rules(self.payload)
        amounts = [name for name in told if isinstance(told[name], Amount) and not name.startswith("gas")]
        given = body.given()
        facts += [(name.replace("_", " "), shown(int(given[name]), units[name])) for name in amounts if name in given]
        in_fees = [name for name in amounts if name in self.of_fees]
        in_own = [name for name in amounts if name not in self.of_fees]
        return source, body, facts, units_of(source, own, of_fees, values, in_own, in_fees)


class LamTransactionKind(LamKind):
    """A transaction of any chain."""

    name: ClassVar[str] = "LAM: transaction"
    payloads: ClassVar[tuple[type[LamTransaction], ...]] = (LamTransaction,)
    operation: ClassVar[str] = "POST /transactions"
    makes: ClassVar[str] = "transaction"
    agreed: ClassVar[str] = "Account, recipient, amount and fees are what I mean"
    action: ClassVar[str] = "Create transaction"

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft, with a mark in its note."""
        required(values, "amount", "Amount")  # None is not 0: what a LAM makes of it is not said
        source, payload, facts, of_coin = self.made(workspace, values)
        facts.append(("to", payload.recipient))
        lookups = Lookups(workspace.connection)
        looked_at = (
            address_of(lookups, str(source["currency"]), payload.recipient),
            look_alike(lookups, int(source["id"]), payload.recipient, None),
        )
        connection, section, mark = workspace.connection, workspace.section(Transactions), new_mark()
        return Draft(
            payload.replace(note=with_mark(payload.note, mark)),
            send=lambda body: write(section, "POST /transactions", TRANSACTION, {}, body=body.to_json()),
            find=lambda draft: finding.find_on_lam(connection, draft),
            outbox=connection.outbox,
            facts=facts,
            checks=[active(source), of_coin, *looked_at],
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
    section, method
        The call that sends it.
    answer
        The column of the answer that says what it made.
    """

    agreed: ClassVar[str] = "Account, stake and amounts are what I mean"
    action: ClassVar[str] = "Send to the LAM"
    makes: ClassVar[str] = "request of the LAM"
    section: ClassVar[type[Section]] = SolanaStakes
    method: ClassVar[str]
    answer: ClassVar[str] = "last_request"

    def call(self, write: Callable[..., Any], account: int, values: Mapping[str, Any], body: Any) -> SendsOnce:
        """Return what sends it, with what its path says and its body."""
        return lambda _: write(account, *(values[name] for name in self.path), **body.given())

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the account up."""
        source, body, facts, of_coin = self.made(workspace, values)
        path = {"account_id": str(source["id"]), **{name: str(values[name]) for name in self.path}}
        write = getattr(workspace.section(self.section), self.method)
        return Act(
            workspace.connection,
            body,
            self.call(write, int(source["id"]), values, body),
            makes=self.named(),
            made=lambda row: row[self.answer],
            same={"operation": self.operation.format(**path), **body.to_json()},
            look=_LOOK,
            facts=facts,
            checks=[active(source), of_coin],
        )


class EthereumStakeKind(StakeKind):
    """A new stake."""

    name: ClassVar[str] = "LAM: Ethereum stake"
    chain: ClassVar[str] = "Ethereum"
    payloads: ClassVar[tuple[type[EthereumStakeCreation], ...]] = (EthereumStakeCreation,)
    operation: ClassVar[str] = "POST /ethereum/accounts/{account_id}/stakes"
    section: ClassVar[type[Section]] = EthereumStakes
    method: ClassVar[str] = "create"
    answer: ClassVar[str] = "id"
    makes: ClassVar[str] = "transaction"

    def call(self, write: Callable[..., Any], account: int, values: Mapping[str, Any], body: Any) -> SendsOnce:
        """Return what sends it; the section too knows what it has sent."""
        fields = {**body.given(), "provider_fields": body.to_json()["provider_fields"]}
        return lambda again: write(account, **fields, again=again)


class SolanaDeactivationKind(StakeKind):
    """The end of a stake."""

    name: ClassVar[str] = "LAM: deactivate a Solana stake"
    chain: ClassVar[str] = "Solana"
    path: ClassVar[Mapping[str, str]] = {"stake_id": "Stake, its id"}
    payloads: ClassVar[tuple[type[SolanaStakeDeactivation], ...]] = (SolanaStakeDeactivation,)
    operation: ClassVar[str] = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate"
    method: ClassVar[str] = "deactivate"


class SolanaApprovalKind(StakeKind):
    """The approval of what is done to a stake."""

    name: ClassVar[str] = "LAM: approve an action on a Solana stake"
    chain: ClassVar[str] = "Solana"
    path: ClassVar[Mapping[str, str]] = {"stake_id": "Stake, its id", "staking_action": "Action"}
    payloads: ClassVar[tuple[type[SolanaStakeApproval], ...]] = (SolanaStakeApproval,)
    operation: ClassVar[str] = "POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve"
    method: ClassVar[str] = "approve"
    makes: ClassVar[str] = "approval"
    target: ClassVar[str] = "request"
    agreed: ClassVar[str] = "Stake, action, amount and validator are what I approve"
    action: ClassVar[str] = "Sign and approve"

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Request {made} of the LAM was approved."


class TezosKind(StakeKind):
    """The end of a delegation."""

    name: ClassVar[str] = "LAM: end a Tezos delegation"
    chain: ClassVar[str] = "Tezos"
    payloads: ClassVar[tuple[type[TezosUndelegation], ...]] = (TezosUndelegation,)
    operation: ClassVar[str] = "POST /tezos/accounts/{account_id}/stake/actions/undelegate"
    section: ClassVar[type[Section]] = TezosStakes
    method: ClassVar[str] = "undelegate"


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


class LabelledKind(Kind):
    """What is done with a label and what it is on."""

    target: ClassVar[str] = "label"

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
        found = section.get(required(values, "label_id", "Label")).iloc[0]
        label, name = int(found["id"]), str(found["name"])
        on = {one: values[one] for one in ("account_id", "transaction_id") if values.get(one) is not None}
        if len(on) != 1:
            raise InvalidRequest(
                "Account and transaction: a label goes on one of them; fill in one. Nothing was sent.",
                field="account_id",
            )
        [(kind, one)] = on.items()
        kind = kind.removesuffix("_id")
        about = f"label {name} ({label}) on {kind} {one}"
        body, where = self.written(label, f"/{kind}s/{one}/labels", about)
        return Act(
            workspace.connection,
            body,
            lambda _: self.write(section, label, on),
            makes=self.named(),
            made=lambda _: label,
            same={"operation": where, **body.to_json()},
            look="The labels of the account or transaction tell whether it is on it.",
            facts=[("what", about)],
        )

    def written(self, label: int, path: str, about: str) -> tuple[Body, str]:
        """Return the body, and the call with its path."""
        raise NotImplementedError

    def write(self, section: Labels, label: int, on: Mapping[str, Any]) -> pd.DataFrame:
        """Send it."""
        raise NotImplementedError


class AttachKind(LabelledKind):
    """A label put on something."""

    name: ClassVar[str] = "Label: attach"
    payloads: ClassVar[tuple[type[Body], ...]] = (LabelAssignment,)
    operation: ClassVar[str] = "POST /accounts/{account_id}/labels"
    makes: ClassVar[str] = "assignment"
    agreed: ClassVar[str] = "Label and target are what I mean"
    action: ClassVar[str] = "Attach label"

    def about(self) -> str:
        """Return what it does."""
        return "Put a label on one account or on one transaction. Only a LAM can."

    def written(self, label: int, path: str, about: str) -> tuple[Body, str]:
        """Return the body, and the call with its path."""
        return LabelAssignment(label_id=label), f"POST {path}"

    def write(self, section: Labels, label: int, on: Mapping[str, Any]) -> pd.DataFrame:
        """Put it on."""
        return section.attach(label, **on)

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Label {made} was attached."


class DetachKind(LabelledKind):
    """A label taken off something."""

    name: ClassVar[str] = "Label: take off"
    payloads: ClassVar[tuple[type[Body], ...]] = (Bodiless,)
    operation: ClassVar[str] = "DELETE /accounts/{account_id}/labels/{label_id}"
    makes: ClassVar[str] = "removal"
    agreed: ClassVar[str] = "Label and target are what I mean"
    action: ClassVar[str] = "Take label off"
    danger: ClassVar[bool] = True

    def about(self) -> str:
        """Return what it does."""
        return "Take a label off one account or one transaction. Only a LAM can."

    def written(self, label: int, path: str, about: str) -> tuple[Body, str]:
        """Return that there is no body, and the call with its path."""
        where = f"DELETE {path}/{label}"
        return Bodiless(does="Take a label off", where=where, about=about), where

    def write(self, section: Labels, label: int, on: Mapping[str, Any]) -> pd.DataFrame:
        """Take it off."""
        return section.detach(label, **on)

    def done(self, made: Any) -> str:
        """Return what was done."""
        return f"Label {made} was taken off."


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
