"""What payments look up about the workspace, each thing once: a plan of many payments asks no more than one of them.

It lives for one draft or one plan, so that what it knows is no older than what a person is shown.
"""

import difflib
import threading
from collections.abc import Callable, Hashable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from numbers import Integral
from typing import Any, Final, TypeVar

import pandas as pd

from ledgerkit.addresses import KnownAddresses
from ledgerkit.connection import Connection
from ledgerkit.errors import Cancelled, InvalidRequest, LedgerError, NotFound, PermissionDenied, shorten
from ledgerkit.known_addresses import listed, paid
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.currencies import Currencies
from ledgerkit.resources.groups import Groups
from ledgerkit.resources.users import Users
from ledgerkit.resources.whitelists import Whitelists

Found = TypeVar("Found")
# How far back the same payment is looked for.
RECENT: Final = timedelta(days=7)
# Among how many names of accounts a near one is looked for: 5 pages.
NAMES: Final = 500
# What the service answers the next time too; after any other failure the next one who asks looks again.
DEFINITE: Final = (InvalidRequest, NotFound, PermissionDenied)


@dataclass
class _Place:
    """Where one thing is remembered. Who comes while it is looked up waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: bool = False
    found: Any = None
    refusal: LedgerError | None = None


class Lookups:
    """Looks accounts, units, addresses, whitelists and groups up, and remembers them; any thread may ask."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._places: dict[Hashable, _Place] = {}
        self._placing = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Look nothing more up: who asks for what is not known gets :class:`~ledgerkit.errors.Cancelled`."""
        self._stopped.set()

    def account(self, account: Any) -> "pd.Series[Any]":
        """Return the one account with this id or name.

        Raises
        ------
        NotFound
            None is visible.
        InvalidRequest
            It is neither an id nor a name, or a name of several.
        """
        if not isinstance(account, bool) and isinstance(account, Integral):  # of NumPy too, as columns give them
            return self._once(("account", int(account)), lambda: self._accounts.get(int(account)).iloc[0])
        if not isinstance(account, str) or not account:
            raise InvalidRequest(
                f"`account` = {shorten(account)} can't be used: it is the id or the name of one account.",
                field="account",
            )
        return self._once(("account", account), lambda: self._named(account))

    def units(self, account: int) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
        """Return the units of an account's amounts, and of the fees that it pays."""
        row = self._once(("units", account), lambda: self._accounts.currency(account).iloc[0])
        return _units(row["amount_units"]), _units(row["fees_units"])

    def payer(self, parent: int) -> "pd.Series[Any] | None":
        """Return the account that pays the fees of a token account, or None where it can't be seen."""
        return self._seen(lambda: self.account(parent))

    def sent(self, account: int, search: Callable[..., pd.DataFrame]) -> pd.DataFrame | None:
        """Return the transactions of an account of the last 7 days, or None where they can't be seen."""
        since = datetime.fromtimestamp(self.connection.transport.server_time(), UTC) - RECENT
        return self._once(("sent", account), lambda: self._seen(lambda: search(account=account, created_after=since)))

    def is_address(self, currency: str, address: str) -> bool | LedgerError | None:
        """Return what the service says of an address: None where it says nothing, its refusal where it can't."""

        def ask() -> bool | LedgerError | None:
            try:
                said = Currencies(self.connection).check_address(currency, address)["is_valid"].iloc[0]
            except LedgerError as error:
                return error
            return None if said is pd.NA else bool(said)

        return self._once(("address", currency, address), ask)

    def whitelist(self, whitelist: int) -> "pd.Series[Any] | None":
        """Return a whitelist, or None where it can't be seen."""
        return self._once(
            ("whitelist", whitelist),
            lambda: self._seen(lambda: Whitelists(self.connection).get(whitelist).iloc[0]),
        )

    def listed(self) -> KnownAddresses:
        """Return the addresses of all whitelists and own accounts; it says what of them can't be seen."""
        return self._once("listed", lambda: listed(self.connection))

    def paid(self, account: int, search: Callable[..., pd.DataFrame]) -> KnownAddresses | None:
        """Return whom an account paid within 7 days, or None where that can't be seen."""
        sent = self.sent(account, search)
        return None if sent is None else self._once(("paid", account), lambda: KnownAddresses(resembled=paid(sent)))

    def members(self, group: int) -> list[int | None] | None:
        """Return the members of a group; None for those who are hidden, or for all."""
        found = self._once(
            ("group", group), lambda: self._seen(lambda: Groups(self.connection).get(group)["members"].iloc[0])
        )
        return found if isinstance(found, list) else None

    def own_id(self) -> int | None:
        """Return the id of the own user, where the credentials tell it."""
        operator = self.connection.operator
        if operator is None:
            return None
        return self._once("me", lambda: self._seen(lambda: operator.user_id(Users(self.connection).search)))

    @property
    def _accounts(self) -> Accounts:
        return Accounts(self.connection)

    def _named(self, name: str) -> "pd.Series[Any]":
        # Whether the API's filter is exact is not said: the comparison is made here.
        found = self._accounts.search(name=name)
        found = found[found["name"] == name]
        if len(found) == 1:
            return found.iloc[0]
        if len(found):
            ids = ", ".join(map(str, found["id"].tolist()))
            raise InvalidRequest(
                f"`account` = {shorten(name)} is the name of {len(found)} accounts: give the id, one of {ids}.",
                field="account",
            )
        near = self._near(name)
        meant = f" Did you mean {' or '.join(map(shorten, near))}?" if near else ""
        raise NotFound(
            f"no account that these credentials may see is called {shorten(name)}.{meant} session.accounts.search() "
            "lists them."
        )

    def _near(self, name: str) -> list[str]:
        """Return names of accounts, of the newest ones, that are written much like this one."""
        listed = self._once("names", lambda: self._seen(lambda: self._accounts.search(limit=NAMES)))
        names = [] if listed is None else [str(one) for one in listed["name"].dropna()]
        plain = {one.casefold(): one for one in names}
        return [plain[one] for one in difflib.get_close_matches(name.casefold(), plain, n=2, cutoff=0.75)]

    def _once(self, key: Hashable, look: Callable[[], Found]) -> Found:
        with self._placing:
            place = self._places.setdefault(key, _Place())
        with place.lock:
            if not place.known:
                if self._stopped.is_set():
                    raise Cancelled
                try:
                    place.found = look()
                except DEFINITE as error:
                    place.refusal = error
                place.known = True
            if place.refusal is not None:
                raise copy(place.refusal)  # raised in several threads, one error would gather all their tracebacks
            found: Found = place.found
            return found

    def _seen(self, look: Callable[[], Found]) -> Found | None:
        try:
            return look()
        except (NotFound, PermissionDenied):
            return None


def _units(units: Any) -> list[Mapping[str, Any]]:
    return [unit for unit in units if isinstance(unit, Mapping)] if isinstance(units, list) else []
