"""What each kind of request says of itself: its fields, what is offered in them, and the draft that they make."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import pandas as pd

from ledgerkit.amounts import display_unit, to_display
from ledgerkit.drafts import Check, Draft
from ledgerkit.errors import ContractViolation, InvalidRequest, LedgerError, NotFound, PermissionDenied, Unsupported
from ledgerkit.forms.fields import Field, PickField, unique_labels
from ledgerkit.forms.kinds_inputs import Units
from ledgerkit.forms.workspace import Workspace
from ledgerkit.lookups import Lookups
from ledgerkit.operations import REQUEST_CREATION
from ledgerkit.payloads import Body, FeePaying, Payload, Transaction
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.transactions import Transactions

# Estimates move by less between two looks; a ceiling above this is a slip of the unit sooner than a margin.
_MOST_TIMES: Final = 3
# What the form looks up and nobody types.
ACCOUNT_FIELDS: Final = ("account_id", "account_name", "currency")


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
        What it makes, what a person says yes to, and the button that does it.
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

    def done(self, made: Any) -> str:
        """Return what was done and what comes next, in words, where what was made is no request."""
        return f"{self.makes.capitalize()} {made} was created."

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


def shown(base: int, units: Units) -> str:
    """Return an amount in the unit that people speak in, and in base units."""
    unit = display_unit(units)
    return (
        f"{base} base units"
        if unit is None
        else f"{to_display(base, unit.magnitude)} {unit.code} ({base} base units)"
    )


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
    checks: Sequence[Check] = (),
) -> Draft:
    """Return the draft of a request, with what was looked at."""
    return workspace.section(Requests)._draft(payload, facts, checks)  # type: ignore[no-any-return]  # sections are found by name


def active(source: "pd.Series[Any]") -> Check:
    """Say whether an account can do anything."""
    if source["status"] == "ACTIVE":
        return Check("account", "ok", "it is active")
    return Check("account", "problem", f"its status is {source['status']}: only an ACTIVE one can do this")


def address_of(lookups: Lookups, currency: str, address: str) -> Check:
    """Say whether an address is one of its currency."""
    said = lookups.is_address(currency, address)
    if isinstance(said, LedgerError):
        return Check("address", "warning", f"the service can't check it: {said.message}")
    if said is None:
        return Check("address", "warning", "the service does not say whether it is one")
    if not said:
        return Check("address", "problem", f"the service says that it is no address of {currency}")
    return Check("address", "ok", f"a well-formed address of {currency}; whose it is, nobody says")


def estimated(workspace: Workspace, payload: Transaction, *, alone: bool = True) -> int | Check:
    """Return what the service estimates for fees, or why it does not.

    Parameters
    ----------
    alone
        Whether it is created as it is asked for. The transaction of a settlement is not: the exchange joins its
        creators, so that what the service refuses to estimate it may take there.
    """
    needed = isinstance(payload, FeePaying) and int(payload.max_fees) == 0
    try:
        found = workspace.section(Transactions).estimate_fees(payload)["max_fees"].iloc[0]
    except (InvalidRequest, PermissionDenied) as error:
        if not alone:
            return _without_estimate(f"they can't be estimated: {error.message}", needed=needed)
        # The body is that of the creation: what the service refuses here it refuses there.
        return Check("service", "problem", f"the service would refuse this: {error.message}")
    except (NotFound, Unsupported, ContractViolation) as error:
        return _without_estimate(f"they can't be estimated: {error.message}", needed=needed)
    if pd.isna(found) or int(found) < 0:
        return _without_estimate("the service gives no estimate.", needed=needed)
    return int(found)


def _without_estimate(told: str, *, needed: bool) -> Check:
    return Check(
        "fees", "problem" if needed else "warning", f"{told} Fill in the ceiling yourself" if needed else told
    )


def fees(asked: int | None, estimate: int | Check, units: Units, *, ceiling: bool) -> Check:
    """Hold a ceiling of fees against the estimate."""
    if isinstance(estimate, Check):
        return estimate
    told = shown(estimate, units)
    if not ceiling:
        return Check("fees", "ok", f"the service estimates {told}; the network takes what it takes")
    if asked is None:
        return Check("fees", "ok", f"the ceiling is what the service estimates, {told}")
    if asked < estimate:
        return Check("fees", "warning", f"your ceiling is below the estimate of {told}: it may not be broadcast")
    if asked > _MOST_TIMES * estimate:
        return Check("fees", "warning", f"your ceiling is more than {_MOST_TIMES} times the estimate of {told}")
    return Check("fees", "ok", f"your ceiling; the service estimates {told}")


def balance(source: "pd.Series[Any]", needed: int, cost: int | None, own: Units, of_fees: Units) -> list[Check]:
    """Say whether an account has what leaves it, and whether fees take much of what it has."""
    available = source["available_balance"]
    if pd.isna(available):
        return [Check("balance", "warning", "the service does not say what is available")]
    told, whole = shown(int(available), own), needed + (cost or 0)
    if int(available) < whole:
        return [Check("balance", "problem", f"{told} are available, and {shown(whole, own)} are needed with fees")]
    checks = [Check("balance", "ok", f"{told} are available, and {shown(whole, own)} are needed with fees")]
    if cost is not None and cost * 10 > int(available):
        checks.append(
            Check("size of the fees", "warning", f"{shown(cost, of_fees)} are more than a tenth of what it has")
        )
    return checks
