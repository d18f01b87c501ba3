"""Kinds that are requests of an account: calls of contracts, staking, messages, accounts."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, get_args

import pandas as pd

from ledgerkit.addresses import destinations
from ledgerkit.checks import Units, active, address_of, balance, look_alike, share_of_balance, shown
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import ChoiceField, Field, PickField
from ledgerkit.forms.kinds.base import (
    ACCOUNT_FIELDS,
    Kind,
    account_fact,
    accounts_named,
    estimated,
    fees,
    picked_account,
    request,
    required,
    units_of,
)
from ledgerkit.forms.kinds.inputs import (
    CHOOSE,
    documented,
    inputs,
    label_of,
    read_fields,
)
from ledgerkit.forms.workspace import Workspace
from ledgerkit.known_addresses import each_checked
from ledgerkit.lookups import Lookups
from ledgerkit.payloads import (
    AccountCreation,
    EthereumLikeDeployContract,
    EthereumLikeExecuteContract,
    FeePaying,
    MessageSigning,
    PolkadotLikeBondExtra,
    PolkadotLikeChill,
    PolkadotLikeRebond,
    PolkadotLikeSetPayee,
    PolkadotLikeUnbond,
    PolkadotLikeWithdrawUnbonded,
    SolanaLikeCreateSplTokenAccount,
    Transaction,
)
from ledgerkit.payments import SENDS
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.transactions import Transactions
from ledgerkit.rules import rules
from ledgerkit.vocabulary import AccountType, CurrencyName

# Of what a contract is paid and what is bonded anew, it leaves the account.
_SPENDS: Final = (EthereumLikeDeployContract, EthereumLikeExecuteContract, PolkadotLikeBondExtra)
_FEES: Final = ("max_fees", "max_priority_fee")
_FIAT: Final = frozenset({"Dollar", "Euro"})


def chain_of(row: Mapping[Any, Any]) -> str:
    """Return the chain of an account as kinds of transactions begin with it; empty of a token, and of no such one."""
    contract = row["contract_address"]
    if isinstance(contract, str) and contract:
        return ""
    return SENDS.get(str(row["type"]), "").partition("_LIKE_")[0]


class TransactionKind(Kind):
    """A transaction other than a payment."""

    agreed: ClassVar[str] = "Account, amounts, fees and what is called are what I mean"
    payload: ClassVar[type[Transaction]]

    def about(self) -> str:
        """Return what the payload says that it does."""
        return (self.payload.__doc__ or "").partition("\n")[0]

    def fields(self) -> list[Field]:
        """Return the account, and what the payload takes."""
        # What is deprecated is written into the field that took its place.
        return [picked_account(), *inputs(self.payload, known=(*ACCOUNT_FIELDS, "encoded_contract_data"))]

    def fits(self, row: Mapping[Any, Any]) -> bool:
        """Say whether an account can do it."""
        return chain_of(row) == self.payload.transaction_type.partition("_LIKE_")[0]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the accounts of the chain that are active."""
        return {"account_id": accounts_named(workspace, lambda row: row["status"] == "ACTIVE" and self.fits(row))}

    def estimate(self, workspace: Workspace, values: Mapping[str, Any]) -> int | None:
        """Ask what it would cost."""
        _, payload, _, _ = self._made(Lookups(workspace.connection), {**values, "max_fees": None})
        found = estimated(workspace, payload)
        if isinstance(found, Check):
            raise InvalidRequest(f"Fees were not estimated: {found.text}.", field="max_fees")
        return found

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the account up, estimate fees, and check."""
        lookups = Lookups(workspace.connection)
        source, payload, own, of_fees = self._made(lookups, values)
        ceiling = isinstance(payload, FeePaying)
        asked = (
            int(payload.max_fees) if isinstance(payload, FeePaying) and values.get("max_fees") is not None else None
        )
        estimate = estimated(workspace, payload)
        cost = asked if asked is not None else None if isinstance(estimate, Check) else estimate
        if ceiling and cost is not None:
            payload = payload.replace(max_fees=cost)
        given = payload.given()
        amount = int(given.get("amount", 0))
        told_fees = "not known" if cost is None else shown(cost, of_fees)
        facts = [
            account_fact(source),
            *((label_of(name).lower(), str(given[name])) for name in ("recipient", "token_mint") if name in given),
            *([("amount", shown(amount, own))] if "amount" in given else []),
            ("fees, at most" if ceiling else "fees, estimated", told_fees),
        ]
        checks = [
            active(source),
            units_of(source, own, of_fees, values, ["amount"], _FEES),
            fees(asked, estimate, of_fees, ceiling=ceiling),
            balance(source, amount if isinstance(payload, _SPENDS) else 0, cost, own),
            *share_of_balance(source, cost, of_fees),
        ]
        if "recipient" in given:
            checks += [address_of(lookups, str(source["currency"]), given["recipient"])]
            search = workspace.section(Transactions).search
            checks += [look_alike(lookups, int(source["id"]), given["recipient"], search)]
            checks += rules(lookups, source, payload)
        # What a call of a contract is given may be paid by it.
        if inside := [one for one in destinations(payload.to_json()) if one != given.get("recipient")]:
            checks += each_checked(inside, lookups.listed())
        return request(workspace, payload, facts, checks)

    def _made(
        self, lookups: Lookups, values: Mapping[str, Any]
    ) -> tuple["pd.Series[Any]", Transaction, Units, Units]:
        """Return the account, the payload without fees where none are given, and the units of both."""
        source = lookups.account(required(values, "account_id", "Account"))
        if not self.fits(source.to_dict()):
            raise InvalidRequest(
                f"Account: {source['name']} is of type {source['type']} in {source['currency']}, and this is not "
                "done with such a one. Pick one that is offered.",
                field="account_id",
            )
        own, of_fees = lookups.units(int(source["id"]))
        known: dict[str, Any] = {
            "account_id": int(source["id"]),
            "account_name": str(source["name"]),
            "currency": str(source["currency"]),
        }
        if issubclass(self.payload, FeePaying) and values.get("max_fees") is None:
            known["max_fees"] = 0
        given = read_fields(
            self.payload, values, known, {"amount": own, "max_fees": of_fees, "max_priority_fee": of_fees}
        )
        if issubclass(self.payload, _NOTHING) and given["amount"] == 0:
            raise InvalidRequest("Amount: 0 was not taken: it would do nothing, and cost fees.", field="amount")
        return source, self.payload(**given), own, of_fees


_NOTHING: Final = (PolkadotLikeBondExtra, PolkadotLikeRebond, PolkadotLikeUnbond)


def transaction(named: str, made: type[Transaction]) -> Kind:
    """Return the kind of a payload of a transaction."""

    class Made(TransactionKind):
        name: ClassVar[str] = named
        payload: ClassVar[type[Transaction]] = made
        payloads: ClassVar[tuple[type[Transaction], ...]] = (made,)
        estimates = issubclass(made, FeePaying)

    return Made()


class MessageKind(Kind):
    """A message to sign."""

    name: ClassVar[str] = "Message signing"
    payloads: ClassVar[tuple[type[MessageSigning], ...]] = (MessageSigning,)
    agreed: ClassVar[str] = "Account and message, to the last blank, are what I mean"

    def about(self) -> str:
        """Return what it does."""
        return "Sign a text with the key of an account (EIP-191). A text may be a permit to spend: read it."

    def fields(self) -> list[Field]:
        """Return account, message, address and note."""
        return [picked_account(help="The account that signs."), *inputs(MessageSigning, known=ACCOUNT_FIELDS)]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer the accounts of EVM chains."""
        return {"account_id": accounts_named(workspace, lambda row: row["status"] == "ACTIVE" and self._fits(row))}

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Look the account up."""
        source = Lookups(workspace.connection).account(required(values, "account_id", "Account"))
        if not self._fits(source.to_dict()):
            raise InvalidRequest(
                f"Account: {source['name']} is of type {source['type']}; messages (EIP-191) are signed by "
                "accounts of EVM chains. Pick one that is offered.",
                field="account_id",
            )
        known = {"account_id": int(source["id"]), "account_name": str(source["name"])}
        payload = MessageSigning(**read_fields(MessageSigning, values, known, {}))
        facts = [account_fact(source)]
        if payload.raw_message != payload.raw_message.strip():
            blanks = Check("message", "warning", "it begins or ends with blanks, which are signed too")
            return request(workspace, payload, facts, [active(source), blanks])
        return request(workspace, payload, facts, [active(source)])

    @staticmethod
    def _fits(row: Mapping[Any, Any]) -> bool:
        return chain_of(row) == "ETHEREUM"


class AccountKind(Kind):
    """A new account."""

    name: ClassVar[str] = "Account"
    payloads: ClassVar[tuple[type[AccountCreation], ...]] = (AccountCreation,)
    agreed: ClassVar[str] = "Name, currency, type and policy are what I mean"

    def about(self) -> str:
        """Return who can, and that it is experimental."""
        return (
            "Create an account; for administrators. Experimental: a tutorial shows it, the contract does not have it."
        )

    def fields(self) -> list[Field]:
        """Return what an account is made of."""
        said = documented(AccountCreation)
        types = {name: f"{name.upper()}_LIKE" for name in get_args(AccountType)}
        chosen: dict[str, Field] = {
            "account_type": ChoiceField(
                "account_type", "Type", types, free=True, help=said["account_type"], default=CHOOSE
            ),
            "currency": PickField("currency", "Currency", integer=False, help="Such as bitcoin."),
            "parent_id": PickField("parent_id", "Parent account", help=said["parent_id"]),
        }
        made = {one.name: one for one in inputs(AccountCreation, known=chosen)} | chosen
        order = ("name", "account_type", "currency", "policy_name", "index", "parent_id", "contract_address")
        return [made[name] for name in order]

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Offer currencies, and the accounts that a token can be under."""
        currencies = {name: name for name in get_args(CurrencyName) if name not in _FIAT}
        return {"currency": currencies, "parent_id": accounts_named(workspace, chain_of)}

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft of the section."""
        entered = {"index": "0", **values}
        given = read_fields(AccountCreation, entered, {}, {})
        made: Draft = workspace.section(Accounts).create(**given)
        return made

    def code(self, values: Mapping[str, Any]) -> str:
        """Return the call."""
        given = read_fields(AccountCreation, {"index": "0", **values}, {}, {})
        return f"session.accounts.create({', '.join(f'{name}={value!r}' for name, value in given.items())})"


REQUESTS: Final[tuple[Kind, ...]] = (
    transaction("Contract call", EthereumLikeExecuteContract),
    transaction("Contract deployment", EthereumLikeDeployContract),
    transaction("Polkadot: bond more", PolkadotLikeBondExtra),
    transaction("Polkadot: unbond", PolkadotLikeUnbond),
    transaction("Polkadot: bond again", PolkadotLikeRebond),
    transaction("Polkadot: where rewards go", PolkadotLikeSetPayee),
    transaction("Polkadot: withdraw what is unbonded", PolkadotLikeWithdrawUnbonded),
    transaction("Polkadot: stop to nominate", PolkadotLikeChill),
    transaction("Solana token account", SolanaLikeCreateSplTokenAccount),
    MessageKind(),
    AccountKind(),
)
