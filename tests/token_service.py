"""A service that gives tokens and keeps strict books, and a client that signs in with them."""

import threading
from collections.abc import Callable

import httpx
from clocks import FakeClock

from ledgerkit.auth import (
    ApiUserAuth,
    TokenKeeper,
    Tokens,
)
from ledgerkit.credentials import ApiUser
from ledgerkit.errors import (
    AuthenticationError,
)
from ledgerkit.secret import Secret

DAY = 86_400.0
CREDENTIALS = ApiUser("minivault", "key-id", "key-secret")


class Service:
    """Gives tokens as the real one does: the refresh token is good for one use, and both lives end."""

    def __init__(self, clock: FakeClock, *, life: float = 300.0, refresh_life: float = 1800.0, leeway: float = 0.0):
        self.clock = clock
        self.life = life
        self.refresh_life = refresh_life
        self.leeway = leeway  # tokens with less time left than this are refused
        self.logins = 0
        self.refreshes = 0
        self.refused_refreshes = 0
        self.exchanged_at: list[float] = []
        self.failing: Exception | None = None
        self.failing_login: Exception | None = None
        self._lock = threading.Lock()
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}

    @property
    def exchanges(self) -> int:
        return self.logins + self.refreshes

    def login(self) -> Tokens:
        with self._lock:
            self.logins += 1
            if failure := self.failing_login or self.failing:
                raise failure
            return self._issue()

    def refresh(self, token: Secret) -> Tokens:
        with self._lock:
            if self.failing:
                self.refreshes += 1
                raise self.failing
            if self._refresh.pop(token.reveal(), 0.0) <= self.clock.time():
                self.refused_refreshes += 1
                raise AuthenticationError("the refresh token is not accepted", status=401)
            self.refreshes += 1
            return self._issue()

    def _issue(self) -> Tokens:
        now, number = self.clock.time(), len(self.exchanged_at)
        self.exchanged_at.append(now)
        self._access[f"access-{number}"] = now + self.life
        self._refresh[f"refresh-{number}"] = now + self.refresh_life
        return Tokens(Secret(f"access-{number}"), Secret(f"refresh-{number}"), self.life, f"state-{number}")

    def accepts(self, token: Secret | str) -> bool:
        text = token.reveal() if isinstance(token, Secret) else token
        return self._access.get(text, 0.0) - self.clock.time() > self.leeway

    def revoke_access(self) -> None:
        self._access.clear()

    def answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if self.accepts(request.headers["Authorization"].removeprefix("Bearer ")) else 401)


Make = Callable[..., TokenKeeper]


def client_of(keeper: TokenKeeper, handler: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(
        transport=httpx.MockTransport(handler),
        base_url="https://ledger.test",
        auth=ApiUserAuth(keeper, CREDENTIALS),
    )
