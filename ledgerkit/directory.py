"""What a session remembers of its workspace: names of accounts, users and groups, and the units of currencies.

Kept for a quarter of an hour, so that a second ``to_display`` or ``with_names`` costs no call.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ledgerkit.amounts import Unit, display_unit
from ledgerkit.clock import Clock
from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.currencies import Currencies
from ledgerkit.resources.groups import Groups
from ledgerkit.resources.users import Users

SECONDS_KEPT: Final = 900.0
# An id that is not known may be new; one that stays unknown must not cost a search each time.
SECONDS_BEFORE_ANOTHER_LOOK: Final = 60.0
# Before the currency and contract of a token, in what is remembered of units.
OF_TOKEN: Final = "of a token"  # noqa: S105  # the first part of a key of a dict


@dataclass(frozen=True)
class Units:
    """The units of an account: of its amounts, and of the fees that it pays."""

    amount: Unit | None
    fees: Unit | None
    # Why they could not be had.
    error: str | None = None


class Directory:
    """Looks names and units up once, and remembers them."""

    def __init__(self, accounts: Accounts, users: Users, groups: Groups, clock: Clock) -> None:
        self._accounts = accounts
        self._tokens = Currencies(accounts._connection).token
        self._origin = accounts._connection.origin
        self._clock = clock
        self._memory = accounts._connection.memory
        self._lock = self._memory.lock
        self._searches: Mapping[str, tuple[str, Callable[[], pd.DataFrame]]] = {
            "account": ("name", accounts.search),
            "user": ("username", users.search),
            "group": ("name", groups.search),
        }

    def check_origin(self, df: pd.DataFrame) -> None:
        """Refuse a frame of another workspace, where the same ids are those of other objects.

        A frame that was merged or read from a file may have lost its origin, and passes.
        """
        for name in ("base_url", "workspace"):
            if (came := df.attrs.get(name)) is not None and came != self._origin[name]:
                raise InvalidRequest(
                    f"this frame is of another workspace: its `{name}` is {shorten(came)}, and that of this session "
                    f"{shorten(self._origin[name])}. Use the session that read it. Where the workspace is the same "
                    "for all that, empty df.attrs.",
                    field=name,
                )

    def names(self, kind: str, ids: Iterable[int]) -> dict[int, str]:
        """Return the names of accounts, users or groups, by id; those that can't be seen are left out."""
        field, _ = self._searches[kind]
        with self._lock:
            frame = self._listed(kind)
            if not set(ids) <= set(frame["id"]):
                frame = self._listed(kind, seconds=SECONDS_BEFORE_ANOTHER_LOOK)
        return dict(zip(frame["id"].tolist(), frame[field].tolist(), strict=True))

    def listed(self, kind: str) -> pd.DataFrame:
        """Return all accounts, users or groups, as they were a quarter of an hour ago at most."""
        return self._listed(kind)

    def units(self, ids: Iterable[int]) -> dict[int, Units]:
        """Return the units of accounts, by id.

        One search finds what the accounts are of; then one account of each currency and contract is asked for its
        units.
        """
        with self._lock:
            keys = self._currencies()
            wanted = {account: keys.get(account, account) for account in ids}
            now = self._clock.monotonic()
            missing: dict[Any, list[int]] = {}
            for account, key in wanted.items():
                if key not in self._memory.units or now > self._memory.units[key][0]:
                    missing.setdefault(key, []).append(account)
            while missing:
                missing = self._ask(missing, now)
            return {account: self._memory.units[key][1] for account, key in wanted.items()}

    def has_light_tokens(self, account: int) -> bool:
        """Say whether tokens are moved by an account of a coin, without an account of their own."""
        with self._lock:
            key = self._currencies().get(account)
        return isinstance(key, tuple) and key[1] is None and str(key[0]).startswith("solana")

    def token_units(self, currency: str, contracts: Iterable[str]) -> dict[str, Units]:
        """Return the units of tokens of a network that have no account of their own, by contract (of SPL: mint)."""
        with self._lock:
            now = self._clock.monotonic()
            wanted = dict.fromkeys(contracts)
            missing = [
                one for one in wanted if now > self._memory.units.get((OF_TOKEN, currency, one), (-1.0, None))[0]
            ]
            if missing:
                for row in self._tokens(currency, missing).to_dict("records"):
                    error = row["error"] if isinstance(row["error"], str) else None
                    unit = display_unit(row["units"]) if isinstance(row["units"], list) else None
                    kept = SECONDS_KEPT if error is None else SECONDS_BEFORE_ANOTHER_LOOK
                    key = (OF_TOKEN, currency, row["contract_address"])
                    self._memory.units[key] = (now + kept, Units(unit, None, error))
            return {one: self._memory.units[OF_TOKEN, currency, one][1] for one in wanted}

    def _ask(self, missing: Mapping[Any, list[int]], now: float) -> dict[Any, list[int]]:
        """Ask one account for each key, and return what is left to ask: a refusal speaks for one account alone."""
        answers = self._accounts.currency([accounts[0] for accounts in missing.values()])
        rows = {row["account_id"]: row for row in answers.to_dict("records")}
        left: dict[Any, list[int]] = {}
        for key, (account, *others) in missing.items():
            row = rows[account]
            if not isinstance(row["error"], str):
                amount, fees = (
                    display_unit(row[name]) if isinstance(row[name], list) else None
                    for name in ("amount_units", "fees_units")
                )
                self._memory.units[key] = (now + SECONDS_KEPT, Units(amount, fees))
            elif others:
                left[key] = others
            else:
                self._memory.units[key] = (now + SECONDS_BEFORE_ANOTHER_LOOK, Units(None, None, row["error"]))
        return left

    def _currencies(self) -> dict[int, Any]:
        frame = self._listed("account")
        columns = (frame[name].tolist() for name in ("id", "currency", "contract_address"))
        # An account of a currency that is not known shares its units with none.
        return {
            account: (currency, contract if isinstance(contract, str) else None)
            if isinstance(currency, str)
            else account
            for account, currency, contract in zip(*columns, strict=True)
        }

    def _listed(self, kind: str, seconds: float = SECONDS_KEPT) -> pd.DataFrame:
        with self._lock:
            now = self._clock.monotonic()
            if kind not in self._memory.frames or now - self._memory.frames[kind][0] > seconds:
                _, search = self._searches[kind]
                self._memory.frames[kind] = (now, search())
            return self._memory.frames[kind][1]
