"""What each kind of request says of itself: its fields, what is offered in them, and the draft that they make."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit import checks, payments
from ledgerkit.amounts import Unit, display_unit, read_amount
from ledgerkit.checks import Units
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import InvalidRequest
from ledgerkit.forms.fields import Field, PickField, unique_labels
from ledgerkit.forms.workspace import Workspace
from ledgerkit.lookups import Lookups
from ledgerkit.operations import REQUEST_CREATION
from ledgerkit.payloads import Body, FeePaying, Payload, Transaction
from ledgerkit.resources.requests import Requests

# What the form looks up and nobody types.
ACCOUNT_FIELDS: Final = ("account_id", "account_name", "currency")
_TOKENS: Final = frozenset({"Bep20", "Erc20", "Trc20"})


def capital(text: str) -> str:
    """Return a text that begins a sentence; ``str.capitalize`` makes a LAM a lam."""
    return text[:1].upper() + text[1:]


class Kind:
    """A kind of what can be created.

    Attributes
    ----------
    name
        What people choose it by.
    payloads
        The bodies that it sends.
    operation
        What it calls, which says who can.
    makes, agreed, action
        What is sent, by its own name, what a person says yes to, and the button that does it.
    target
        What it is done to, where nothing new is made: the id in the answer is that of this.
    danger
        Whether it can't be undone.
    estimates
        Whether the service can be asked for its fees, to fill the ceiling in.
    source
        The field that says whose units its amounts are in.
    of_fees
        The fields of amounts in the unit of fees; the others are in that of the account.
    """

    name: ClassVar[str]
    payloads: ClassVar[tuple[type[Body], ...]] = ()
    operation: ClassVar[str] = REQUEST_CREATION
    makes: ClassVar[str] = "request"
    target: ClassVar[str] = ""
    agreed: ClassVar[str] = "This is what I mean"
    action: ClassVar[str] = "Create request"
    danger: ClassVar[bool] = False
    estimates: bool = False
    source: ClassVar[str] = "account_id"
    of_fees: ClassVar[frozenset[str]] = frozenset({"max_fees", "max_priority_fee", "max_fee"})

    def about(self) -> str:
        """Return in one line what it does."""
        return ""

    def fields(self) -> list[Field]:
        """Return its fields."""
        raise NotImplementedError

    def offers(self, workspace: Workspace) -> Mapping[str, Mapping[str, Any]]:
        """Return what is offered in its fields by name, as labels and values; called in a thread."""
        return {}

    def account(self, workspace: Workspace, value: Any) -> int | None:
        """Return the account whose units amounts are in, by what was picked in ``source``; called in a thread."""
        return int(value)

    def prepare(self, workspace: Workspace, values: Mapping[str, Any]) -> Draft:
        """Return the draft; called in a thread."""
        raise NotImplementedError

    def estimate(self, workspace: Workspace, values: Mapping[str, Any]) -> int | None:
        """Return what the service estimates for fees in base units; None of a kind without; called in a thread."""
        return None

    def named(self) -> str:
        """Return what is sent, and what it is done to."""
        return f"{self.makes} of {self.target}" if self.target else self.makes

    def done(self, made: Any) -> str:
        """Return what was done and what comes next, in words, where what was made is no request."""
        return f"{capital(self.makes)} {made} was created."

    def code(self, values: Mapping[str, Any]) -> str:
        """Return the line of Python that makes the same draft; empty where it is made of what was looked up."""
        return ""


def picked_account(label: str = "Account", help: str = "The account that starts it.") -> PickField:
    """Return the field of the account that starts it."""
    return PickField("account_id", label, help=help, placeholder="type a part of its name")


def accounts_named(workspace: Workspace, fits: Any) -> dict[str, Any]:
    """Return the accounts that a kind can be used with, by their names."""
    listed = workspace.directory.listed("account")
    return unique_labels(
        (str(row["name"]), int(row["id"])) for row in listed.to_dict("records") if row["name"] and fits(row)
    )


def account_fact(source: "pd.Series[Any]") -> tuple[str, str]:
    """Return the account as a review shows it."""
    return ("account", f"{source['name']} (account {source['id']}, {source['currency']})")


def required(values: Mapping[str, Any], name: str, label: str) -> Any:
    """Return what was filled in.

    Raises
    ------
    InvalidRequest
        Nothing was.
    """
    if values.get(name) is None:
        raise InvalidRequest(f"{label} is missing: fill it in. Nothing was sent.", field=name)
    return values[name]


def request(
    workspace: Workspace,
    payload: Payload,
    facts: Sequence[tuple[str, str]] = (),
    looked_at: Sequence[Check] = (),
) -> Draft:
    """Return the draft of a request, with what was looked at."""
    return workspace.section(Requests)._draft(payload, facts, looked_at)  # type: ignore[no-any-return]  # sections are found by name


def units_of(
    source: "pd.Series[Any]",
    own: Units,
    of_fees: Units,
    values: Mapping[str, Any],
    amounts: Sequence[str] = (),
    fees: Sequence[str] = (),
) -> Check:
    """Hold the units of an account against its coin; ``amounts`` and ``fees`` name what was typed."""
    # Of tokens nobody but their contract knows.
    token = source["type"] in _TOKENS or isinstance(source["contract_address"], str)
    in_units = [(name, of_fees) for name in fees] + ([] if token else [(name, own) for name in amounts])
    typed = [_unit_typed(values.get(name), units, name) for name, units in in_units]
    small = next((unit for unit in typed if unit not in (None, display_unit(own), display_unit(of_fees))), None)
    return checks.units_of_coin(str(source["currency"]), small, *(() if token else (own,)), of_fees)


def _unit_typed(value: Any, units: Units, name: str) -> Unit | None:
    return read_amount(value, units, name)[1] if isinstance(value, str) else None


def refuse_units(workspace: Workspace, account: int, field: str) -> tuple[Units, Units]:
    """Return the units of an account, where nothing is shown that could say that they are not those of its coin.

    Raises
    ------
    InvalidRequest
        They are not; it names the field.
    """
    lookups = Lookups(workspace.connection)
    own, of_fees = lookups.units(account)
    said = units_of(lookups.account(account), own, of_fees, {})
    if said.verdict == "problem":
        raise InvalidRequest(f"Units: {said.text}. Nothing was sent. Ask who runs the service.", field=field)
    return own, of_fees


def estimated(workspace: Workspace, payload: Transaction, *, alone: bool = True) -> int | Check:
    """Return what the service estimates for fees, or why it does not; ``alone`` as in :func:`checks.estimated`."""
    return checks.estimated(
        lambda: payments.estimate(workspace.connection, payload),
        needed=isinstance(payload, FeePaying) and int(payload.max_fees) == 0,
        way="Fill in the ceiling yourself",
        alone=alone,
    )


def fees(asked: int | None, found: int | Check, units: Units, *, ceiling: bool) -> Check:
    """Hold a ceiling of fees against the estimate, in the words of a form."""
    return checks.fees(asked, found, units, pays_fees=ceiling, called="ceiling of fees", are="is")
