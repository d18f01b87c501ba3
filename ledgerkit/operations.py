"""Every operation of the API, and the call of the kit that makes it.

A method of a section says with ``@operation("GET /accounts")`` which operation it makes; the tables below hold
what exists, so that an operation without a call shows as one.
"""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar, cast

import pandas as pd

from ledgerkit.errors import PermissionDenied
from ledgerkit.frames import DTYPES, Table
from ledgerkit.secret import Secret

Method = TypeVar("Method", bound=Callable[..., Any])


class Marked(Protocol):
    """A method that says which operations it makes, and the table that it returns."""

    operations: tuple[str, ...]
    table: Table

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Make the call."""


def marked(method: Callable[..., Any]) -> Marked:
    """Return a method of a section with what :func:`operation` wrote on it."""
    return cast("Marked", method)


FAMILIES: Final = {"api_user": "an API user", "reporting_key": "a reporting key", "lam": "a LAM"}

# What the Vault API 1.35.0 offers, by section.
VAULT: Final = {
    "accounts": """
        GET /accounts
        GET /accounts/{account_id}
        GET /accounts/{account_id}/address
        GET /accounts/{account_id}/address/{index}
        GET /accounts/{account_id}/addresses
        GET /accounts/{account_id}/addresses/{index}
        GET /accounts/{account_id}/balances
        GET /accounts/{account_id}/balances/history
        GET /accounts/{account_id}/currency
        GET /accounts/{account_id}/history
        GET /accounts/{account_id}/labels
        GET /accounts/{account_id}/nft-collections
        GET /accounts/{account_id}/nft-portfolio
        GET /accounts/{account_id}/nfts
        GET /accounts/{account_id}/sync
        GET /accounts/{account_id}/tokens
        GET /accounts/{parent_account_id}/erc20-children-accounts
    """,
    "auth": """
        POST /auth/token
        POST /auth/token/refresh
    """,
    "certificates": """
        GET /certificates/chain
    """,
    "compliance": """
        GET /compliance/address-risk/{address}
        GET /compliance/sanctions/{address}
    """,
    "currencies": """
        GET /currencies
        GET /currencies/tokens
        GET /currencies/{currency_name}
        GET /currencies/{currency_name}/tokens/{contract_address}
        GET /currencies/{currency_name}/{address}
    """,
    "digests": """
        GET /digests
        GET /digests/{digests_id}
        GET /digests/{digests_id}/history
    """,
    "entities": """
        GET /entities
        GET /entities/{entity_id}
        GET /entities/{entity_id}/history
        GET /entities/{entity_id}/users
    """,
    "groups": """
        GET /groups
        GET /groups/{group_id}
        GET /groups/{group_id}/history
    """,
    "labels": """
        GET /labels
        GET /labels/{label_id}
    """,
    "messages": """
        GET /messages
        GET /messages/{message_id}
        GET /messages/{message_id}/history
    """,
    "notifications": """
        GET /notifications/configuration
        PUT /notifications/configuration
    """,
    "organization": """
        GET /organization
    """,
    "pledges": """
        GET /pledges
        GET /pledges/{pledge_id}
    """,
    "requests": """
        GET /requests
        POST /requests
        GET /requests/{request_id}
        POST /requests/{request_id}/approve
        GET /requests/{request_id}/challenge
        GET /requests/{request_id}/challenge/reject
        GET /requests/{request_id}/governance-status
        POST /requests/{request_id}/reject
    """,
    "settlements": """
        GET /settlements
        POST /settlements
        GET /settlements/{settlement_id}
        POST /settlements/{settlement_id}/cancel
        POST /settlements/{settlement_id}/recover
    """,
    "stakes": """
        GET /cardano/accounts/{account_id}/periodic-rewards
        GET /cardano/accounts/{account_id}/rewards
        GET /cardano/accounts/{account_id}/stakes
        GET /cardano/accounts/{account_id}/stakes/{stake_uid}/rewards
        GET /ethereum/accounts/{account_id}/rewards
        GET /ethereum/accounts/{account_id}/stakes
        GET /ethereum/accounts/{account_id}/stakes/{stake_uid}/rewards
        GET /solana/accounts/{account_id}/periodic-rewards
        GET /solana/accounts/{account_id}/rewards
        GET /solana/accounts/{account_id}/stakes
        GET /solana/accounts/{account_id}/stakes/{stake_uid}/rewards
        GET /tezos/accounts/{account_id}/rewards
        GET /tezos/accounts/{account_id}/stakes
    """,
    "transactions": """
        GET /transactions
        POST /transactions/estimate-fees
        GET /transactions/{transaction_id}
        GET /transactions/{transaction_id}/history
        GET /transactions/{transaction_id}/labels
        POST /transactions/{transaction_id}/reject
    """,
    "users": """
        GET /users
        GET /users/{user_id}
        GET /users/{user_id}/history
    """,
    "whitelists": """
        GET /whitelists
        GET /whitelists/{whitelist_id}
        GET /whitelists/{whitelist_id}/history
    """,
}

# What only a LAM, the gateway in a customer's own house, offers.
LAM: Final = {
    "accounts": """
        POST /accounts/{account_id}/labels
        DELETE /accounts/{account_id}/labels/{label_id}
    """,
    "api_users": """
        GET /_health
        GET /api_users
        POST /api_users
        GET /api_users/{name}
        POST /api_users/{name}/register/{url_id}
    """,
    "labels": """
        POST /labels
        DELETE /labels/{label_id}
    """,
    "stakes": """
        POST /ethereum/accounts/{account_id}/stakes
        POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/deactivate
        POST /solana/accounts/{account_id}/stakes/{stake_id}/actions/{staking_action}/approve
        POST /tezos/accounts/{account_id}/stake/actions/undelegate
    """,
    "transactions": """
        POST /transactions
        POST /transactions/{transaction_id}/approve
        POST /transactions/{transaction_id}/labels
        DELETE /transactions/{transaction_id}/labels/{label_id}
    """,
}

# What people call a parameter that the API calls otherwise.
OTHER_NAMES: Final = {
    "state": "status",
    "since": "created_after",
    "from_date": "created_after",
    "start_date": "created_after",
    "until": "created_before",
    "to_date": "created_before",
    "end_date": "created_before",
    "page_size": "limit",
}

# A write that a reporting key may make, and one that a LAM documents too.
NOTIFICATION_TARGET: Final = "PUT /notifications/configuration"
TRANSACTION_REJECTION: Final = "POST /transactions/{transaction_id}/reject"
# POST answers a question here; nothing is created.
ESTIMATE: Final = "POST /transactions/estimate-fees"
# Everything that needs approvals begins with it.
REQUEST_CREATION: Final = "POST /requests"
SIGN_IN: Final = frozenset({"POST /auth/token", "POST /auth/token/refresh"})

# The table of each operation of the sections that have been imported.
_tables: Final[dict[str, Table]] = {}


def tables() -> Mapping[str, Table]:
    """Return the table of each operation that has a call, by operation."""
    # The one step up: a section is imported when it is first asked for, and here all of them are.
    import_module("ledgerkit.resources").load()
    return _tables


def table_of(operation: str | None) -> Table | None:
    """Return the table of an operation, to which a frame's ``attrs["endpoint"]`` leads back."""
    return _tables.get(operation or "") or tables().get(operation or "")


def _listed(table: dict[str, str]) -> Iterator[tuple[str, str]]:
    for section, text in table.items():
        for line in text.strip().splitlines():
            yield section, line.strip()


# Each operation with its section, and alone.
SECTIONED: Final = (*_listed(VAULT), *_listed(LAM))
OPERATIONS: Final = tuple(name for _, name in SECTIONED)
ONLY_LAM: Final = frozenset(name for _, name in _listed(LAM))


def operation(*names: str, returns: Table, secrets: tuple[str, ...] = ()) -> Callable[[Method], Method]:
    """Mark a method with the operations that it makes, such as ``"GET /accounts"``, and with the table it returns.

    The columns are added to the docstring, so that they are written down in one place only. What is given for the
    parameters in ``secrets`` is a :class:`~ledgerkit.secret.Secret` from here on: a traceback shows local variables.
    """

    def mark(method: Method) -> Method:
        _tables.update(dict.fromkeys(names, returns))
        signature = inspect.signature(method)

        @functools.wraps(method)
        def called(*arguments: Any, **named: Any) -> Any:
            if secrets:
                arguments, named = _concealed(secrets, list(signature.parameters), arguments, named)
            try:
                signature.bind(*arguments, **named)
            except TypeError as error:
                problem = TypeError(f"{error}{_hint(signature, arguments, named)}")
            else:
                return method(*arguments, **named)
            raise problem

        marked(called).operations, marked(called).table = names, returns
        columns = "\n".join(f"    {name} : {DTYPES[kind]}" for name, kind in returns.kinds.items())
        result = signature.return_annotation
        if result is pd.DataFrame:
            kind, rows = "DataFrame", "One row"
        else:
            kind, rows = getattr(result, "__name__", str(result)), f"Its ``{returns.name}`` is a frame of one row"
        called.__doc__ = (
            f"{inspect.cleandoc(method.__doc__ or '')}\n\nReturns\n-------\n{kind}\n"
            f"    {rows} per {returns.name}; unknown fields follow the columns below. API: {' or '.join(names)}.\n\n"
            f"{columns}\n"
        )
        return cast("Method", called)

    return mark


def _concealed(
    secrets: tuple[str, ...], names: list[str], arguments: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments with the secret ones wrapped; what is no text becomes the empty one, which is refused."""

    def wrapped(name: str, value: Any) -> Any:
        if name not in secrets or isinstance(value, Secret):
            return value
        return Secret(value if isinstance(value, str) else "")

    by_position = tuple(
        wrapped(names[place] if place < len(names) else "", one) for place, one in enumerate(arguments)
    )
    return by_position, {name: wrapped(name, value) for name, value in named.items()}


def find(method: str, path: str) -> str | None:
    """Return the operation that a call makes, such as ``"GET /accounts/{account_id}"``, where it is a known one."""
    asked = path.rstrip("/").split("/")
    matching = [
        name for name in OPERATIONS if name.split()[0] == method and _matches(name.split()[1].split("/"), asked)
    ]
    # `/currencies/tokens` is an operation of its own, not the currency called tokens.
    return min(matching, key=lambda name: name.count("{"), default=None)


def _matches(template: list[str], asked: list[str]) -> bool:
    return len(template) == len(asked) and all(
        part.startswith("{") or part == one for part, one in zip(template, asked, strict=True)
    )


def _hint(signature: inspect.Signature, arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """Return the way out of a call with wrong parameters."""
    takes = [name for name in signature.parameters if name != "self"]
    hints = []
    for name in [name for name in named if name not in takes]:
        near = difflib.get_close_matches(OTHER_NAMES.get(name, name), takes, n=1)
        hints.append(f"did you mean {near[0]}?" if near else f"it takes {', '.join(takes) or 'no parameters'}.")
    positional = [name for name, one in signature.parameters.items() if one.kind is not one.KEYWORD_ONLY]
    if len(arguments) > len(positional):
        named_only = takes[len(positional) - 1 :] or ["nothing"]
        hints.append(f"filters go by name, as in {'name' if 'name' in named_only else named_only[0]}=...")
    return "".join(f"; {hint}" for hint in dict.fromkeys(hints))


def families(name: str) -> tuple[str, ...]:
    """Return the credential families that can make an operation."""
    if name in ONLY_LAM:
        return ("lam",)
    if name in SIGN_IN:
        return ("api_user",)
    if name.startswith("GET "):
        return ("api_user", "reporting_key", "lam")
    if name == NOTIFICATION_TARGET:
        return ("api_user", "reporting_key")
    return ("api_user", "lam") if name == TRANSACTION_REJECTION else ("api_user",)


def check_family(name: str, family: str, call: str) -> None:
    """Raise a :class:`~ledgerkit.errors.PermissionDenied` where this family can't make the operation."""
    able = families(name)
    if family not in able:
        raise PermissionDenied(
            f"{FAMILIES[family]} can't make this call; {' or '.join(FAMILIES[one] for one in able)} can. Nothing was "
            "sent: connect() with other credentials.",
            call=call,
        )


def table(calls: dict[str, str]) -> pd.DataFrame:
    """Return one row per operation; ``calls`` gives the kit's call by operation."""
    rows = []
    for section, name in SECTIONED:
        method, path = name.split()
        writes = method != "GET" and name not in SIGN_IN and name != ESTIMATE
        rows.append(
            {
                "section": section,
                "method": method,
                "path": path,
                "call": "connect()" if name in SIGN_IN else calls[name],
                "writes": writes,
                "families": ", ".join(families(name)),
                "note": _note(name),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({"call": "str", "writes": "boolean", "note": "str"})


def _note(name: str) -> str | None:
    if name in SIGN_IN:
        return "made by the session itself"
    if name.endswith("/sync"):
        return "a GET that acts: never repeated, one account a call"
    if name.startswith("GET "):
        return None
    if name == ESTIMATE:
        return "a POST that asks: it changes nothing"
    if name == REQUEST_CREATION:
        return "sent once; drafts of transactions, messages, pledges and accounts are submitted with it"
    return "sent once, of one object"
