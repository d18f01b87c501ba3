"""The session: the object that people hold, and ``connect()``, which makes one."""

import html
import inspect
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, tzinfo
from functools import cached_property, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import urlsplit

import pandas as pd

from ledgerkit import auth
from ledgerkit import credentials as credentials_module
from ledgerkit.answers import one_line
from ledgerkit.auth import TokenKeeper, Tokens
from ledgerkit.clock import Clock, SystemClock
from ledgerkit.connection import Connection
from ledgerkit.credentials import DEFAULT_BASE_URL, LAM, ApiUser, Credentials, Family, ReportingKey
from ledgerkit.echoes import concealed, secrets_in
from ledgerkit.errors import (
    ConfigurationError,
    InvalidRequest,
    LedgerError,
    PermissionDenied,
    Unsupported,
    clearing,
    shorten,
)
from ledgerkit.filters import instant, instant_text, zone_of
from ledgerkit.operations import ESTIMATE, FAMILIES, check_family, find
from ledgerkit.operator import Operator
from ledgerkit.paging import Reader
from ledgerkit.paths import check_path, of_notifications, plain_path
from ledgerkit.secret import Secret
from ledgerkit.sections import Sections
from ledgerkit.showing import fields, page, visible
from ledgerkit.transport import SETTINGS, Transport, checked

if TYPE_CHECKING:
    from ledgerkit import display
    from ledgerkit.directory import Directory, Units
    from ledgerkit.drafts import Check
    from ledgerkit.sandbox import Sandbox

SANDBOX_ROLES: Final = ("OPERATOR", "ADMIN")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Somebody waits for connect(), and an address that does not answer now is most likely a wrong one.
SECONDS_TO_SIGN_IN: Final = 15.0
# An empty frame is not "there is none": adding an account to an entity changes what a key sees, without a word.
SCOPE: Final = "a reporting key may see only the accounts of some entities, and what belongs to them"


class Session(Sections):
    """A signed-in reader of one workspace; :func:`connect` makes one from ``.env``.

    Parameters
    ----------
    credentials
        An :class:`ApiUser`, a :class:`ReportingKey` or a :class:`LAM`.
    base_url
        Where the service is; a path prefix is kept. Plain http is for loopback addresses alone.
    writes
        Whether calls that change something may be sent.
    tz
        The zone of times given without one, and of times shown; frames are in UTC whatever it is.
    **settings
        ``connect_timeout``, ``read_timeout``, ``retry_seconds``; ``concurrency``: how many calls of a long read may
        be under way at once (16; never more than 8 where no rate limit is announced, nor than are left); ``share``:
        how much of what remains of the rate limit a long read may use (0.5).

    Notes
    -----
    Thread-safe. Nothing is sent before the first call. Close it, use it as a context manager, or drop it: no thread
    stays behind.

    Raises
    ------
    ConfigurationError
        The base URL, the zone or a setting can't be used.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str = DEFAULT_BASE_URL,
        writes: bool = False,
        tz: str = "UTC",
        clock: Clock | None = None,
        sandbox: "Sandbox | None" = None,
        owns_sandbox: bool = True,
        **settings: Any,
    ) -> None:
        self._credentials = credentials
        address = Secret(base_url if isinstance(base_url, str) else "")
        del base_url  # people put passwords into URLs, and a traceback shows the variables of this frame
        self._base_url = credentials_module.check_base_url(address)
        self._writes = writes
        self._clock = clock or SystemClock()
        self._zone = zone_of(tz)
        self._sandbox = sandbox
        unsigned = Transport(self.base_url, clock=self._clock, **checked(settings))
        self._keeper = _keeper(credentials, unsigned, self._clock) if isinstance(credentials, ApiUser) else None
        # By a weak reference: what exchanges the key holds the transport already.
        held = (lambda: None) if self._keeper is None else weakref.ref(self._keeper)
        unsigned.secrets = partial(auth.secrets_of, credentials, held)
        self._transport = unsigned.signed(auth.auth_for(credentials, self._keeper))
        self._operator = (
            Operator(credentials, self._keeper)
            if isinstance(credentials, ApiUser) and self._keeper is not None
            else None
        )
        self._connection = connection = Connection(
            transport=self._transport,
            reader=Reader(self._transport),
            family=credentials.family,
            zone=self._zone,
            origin={
                "environment": self.environment,
                "workspace": self.workspace or "",
                "base_url": self.base_url,
                **({"scope": SCOPE} if credentials.family == "reporting_key" else {}),
            },
            writes=writes,
            operator=self._operator,
        )
        self._user: str | None = None
        # When the last section goes, not the session: in connect().accounts.search() nobody holds the session.
        self._end = weakref.finalize(
            connection, _close, self._keeper, self._transport, sandbox if owns_sandbox else None
        )

    @cached_property
    def _directory(self) -> "Directory":
        from ledgerkit.directory import Directory

        return Directory(self.accounts, self.users, self.groups, self._clock)

    # Life

    def close(self) -> None:
        """End the session: no thread stays, and later calls raise :class:`~ledgerkit.errors.SessionClosed`."""
        if self._keeper is not None:
            self._keeper.close()
        self._transport.close()
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # What it is

    @property
    def environment(self) -> str:
        """``SANDBOX`` (the embedded one), ``PRODUCTION``, ``LOCAL`` (a server on this machine) or ``TENANT``."""
        if self.sandbox is not None:
            return "SANDBOX"
        if urlsplit(self.base_url).hostname == urlsplit(DEFAULT_BASE_URL).hostname:
            return "PRODUCTION"
        return "LOCAL" if self.base_url.startswith("http://") else "TENANT"

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._base_url

    @property
    def writes(self) -> bool:
        """Whether calls that change something may be sent; it is chosen when a session is opened, and stays."""
        return self._writes

    @property
    def sandbox(self) -> "Sandbox | None":
        """The embedded server, of a session that :func:`connect` opened on it."""
        return self._sandbox

    @property
    def tz(self) -> tzinfo:
        """The zone of times given without one, and of times shown."""
        return self._zone

    @property
    def workspace(self) -> str | None:
        """The workspace of the credentials; a LAM's are not tied to one."""
        return getattr(self._credentials, "workspace", None)

    @property
    def family(self) -> str:
        """The credential family: ``api_user``, ``reporting_key`` or ``lam``."""
        return self._credentials.family

    def me(self) -> pd.DataFrame:
        """Get the user of these credentials: the one whose public key the token names.

        Only for an API user: the API has no call that says who is calling. The session card shows the name from then
        on.

        Raises
        ------
        NotFound
            No user that these credentials may see has that key.
        Unsupported
            The credentials are a reporting key or those of a LAM.
        """
        if self._operator is None:
            raise Unsupported(f"{FAMILIES[self.family]} has no token that names a user; only an API user has.")
        user = self._operator.user(self.users.search)
        self._user = one_line(str(user["username"].iloc[0]))
        return user

    def __repr__(self) -> str:
        if "_end" not in vars(self):  # a traceback may show it before it is complete
            return "Session()"
        return f"Session({', '.join(f'{name}: {visible(value)}' for name, value in self._facts())})"

    def _repr_html_(self) -> str:
        return page(
            "session",
            fields((name, html.escape(visible(value)), None) for name, value in self._facts()),
            title=f"Ledger Enterprise · {self.environment}",
            environment=self.environment,
        )

    def _facts(self) -> list[tuple[str, str]]:
        facts = [
            ("environment", self.environment),
            ("address", self.base_url),
            ("workspace", self.workspace or "as the LAM is set up"),
            ("credentials", FAMILIES[self.family] + (f", {self._user}" if self._user else "")),
            ("rights", "reads and writes" if self.writes else "reads only"),
        ]
        if not self._end.alive:
            return [*facts, ("state", "closed")]
        if self._keeper is not None:
            state = self._keeper.state()
            said = (
                f"{state.seconds_left:.0f} s left" if state.seconds_left else "none yet: the next call asks for one"
            )
            facts.append(("token", said))
            if state.problem:
                facts.append(("problem", state.problem))
        announced = self._transport.limiter.announced
        if announced.remaining is not None:
            of = "" if announced.limit is None else f" of {announced.limit}"
            facts.append(("rate limit", f"{announced.remaining}{of} calls left"))
        return facts

    # Anything that has no method yet

    def raw(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Make any call of the API and return its answer as it came: integers exact, fractions as Decimal.

        It goes the way of all calls: signed in, repeated and limited as reads and writes are.

        Parameters
        ----------
        method, path
            Such as ``"GET"``, ``"/accounts/7/balances"``; the path is appended to the base URL.
        params
            Query parameters; a list repeats the parameter, None leaves it out, times are written as the API does.
        json
            The body. A write needs a session opened with ``writes=True``.

        Raises
        ------
        PermissionDenied
            A write on a session that reads only, or a call that these credentials can't make; nothing was sent.
        OutcomeUnknown
            A write was sent, and its answer lost.
        """
        with suppress(RecursionError):  # what is too deep to be written is refused below
            json = concealed(json)  # a traceback shows the variables of this frame
        verb = method.upper() if isinstance(method, str) else ""
        if verb not in METHODS:
            raise InvalidRequest(f"`method` = {shorten(method)} was not sent: it takes one of {', '.join(METHODS)}.")
        check_path(path)
        call = f"{verb} {path}"
        if (made := find(verb, plain_path(path))) is not None:
            check_family(made, self.family, call)
        asks = verb == "GET" or made == ESTIMATE
        if not asks and not self.writes:
            raise PermissionDenied(
                "this session reads only, and nothing was sent. Open one with connect(..., writes=True).", call=call
            )
        query = {
            name: self._raw_parameter(name, value) for name, value in (params or {}).items() if value is not None
        }
        acts = made is not None and made.endswith("/sync")
        body = self._transport.request(verb, path, params=query, json=json, safe=asks, retry=not acts).body
        # The one answer that carries a secret: a notebook would save it.
        if not of_notifications(call):
            return body
        from ledgerkit.resources.notifications import masked

        return masked(body, secrets_in(json))

    def _raw_parameter(self, name: str, value: Any) -> str | list[str]:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, date):
            return instant_text(instant(name, value, self._zone))
        if not isinstance(value, str) and isinstance(value, Iterable):
            return [str(self._raw_parameter(name, one)) for one in value]
        return str(value)

    # Frames for people

    def to_display(self, df: pd.DataFrame, columns: "display.Columns" = None) -> pd.DataFrame:
        """Add the amounts of a frame in the unit of each row's account, as exact decimals.

        The unit is the account's, not the currency's: a transaction of a token names the network's currency. Add base
        units up, then scale: a sum of displayed amounts rounds at 28 digits, and one of several units means nothing.
        ``pd.to_numeric`` makes floats of a column for a chart.

        Parameters
        ----------
        df
            A frame of the kit with a column ``account_id``, or of accounts.
        columns
            The columns to scale; by default every amount, but those in ``coin_fields``. For columns of your own,
            whether they are in the unit of amounts or of fees: ``{"signed_fees": "fees"}``.

        Returns
        -------
        DataFrame
            With ``<column>_display`` behind each column, then ``ticker`` (of amounts) and ``fees_ticker``, and
            ``display_note``, which says why there is no unit. Costs a search of accounts and one call per currency
            the first time, none later.

        Raises
        ------
        InvalidRequest
            The frame has no account to go by, is of another workspace, lacks a column, or has one whose unit is not
            known.
        """
        from ledgerkit import display

        return display.to_display(df, columns, self._directory)

    def units(self, accounts: Iterable[int]) -> "dict[int, Units]":
        """Get the units of accounts: in which people speak of their amounts, and of the fees that they pay.

        ``GET /accounts``, ``GET /accounts/{account_id}/currency``; remembered for a quarter of an hour.

        Parameters
        ----------
        accounts
            Their ids.

        Returns
        -------
        dict
            By id: ``amount`` and ``fees``, each with its ``code`` and ``magnitude`` (decimal places) or None, and in
            ``error`` why there is none.
        """
        return self._directory.units(accounts)

    def compare_address(self, address: str) -> "Check":
        """Compare an address with all that are known: those of whitelists, and those of own accounts.

        ``GET /whitelists``, ``GET /accounts``. What is known is remembered: cards, those that were shown before too,
        mark from then on what begins and ends like a known address.

        Parameters
        ----------
        address
            The whole address.

        Returns
        -------
        Check
            Its ``verdict`` is ``problem`` where the address only looks like a known one, ``warning`` where something
            could not be seen, or is nearly so; ``text`` says what it is, or what it is like.

        Raises
        ------
        InvalidRequest
            It is no text.
        """
        from ledgerkit.known_addresses import checked, listed

        if not isinstance(address, str) or not address.strip():
            raise InvalidRequest(
                f"`address` = {shorten(address)} can't be compared: it is a whole address, as text.", field="address"
            )
        return checked(address.strip(), listed(self._connection))

    def server_time(self) -> pd.Timestamp:
        """Return what the clock of the service shows, in UTC, to the second; a call is made where none told it yet.

        ``GET /organization``, at most once.
        """
        if not self._transport.knows_time:
            with suppress(LedgerError):  # a refusal tells the time too
                self._transport.request("GET", "/organization", retry=False)
        return pd.Timestamp(self._transport.server_time(), unit="s", tz="UTC").as_unit("us")

    def with_names(self, df: pd.DataFrame) -> pd.DataFrame:
        """Add names beside the ids of accounts, users and groups; whom the caller may not see has none.

        Parameters
        ----------
        df
            A frame of the kit.

        Returns
        -------
        DataFrame
            With ``<column>_name`` (``account_name`` for ``account_id``) behind each column of ids that has names.
        """
        from ledgerkit import display

        return display.with_names(df, self._directory)


def connect(
    profile: str | None = None,
    *,
    writes: bool = False,
    tz: str = "UTC",
    env_file: str | PathLike[str] | None = None,
    **overrides: Any,
) -> Session:
    """Connect to a workspace with the credentials in ``.env`` and the environment.

    Parameters
    ----------
    profile
        Which workspace, where several are configured: ``"treasury"`` reads ``LEDGER_ENTERPRISE_TREASURY_*`` and
        nothing else. ``"sandbox"`` starts the embedded sandbox, which needs no credentials.
    writes
        Whether calls that change something may be sent; otherwise they fail before they are.
    tz
        The zone of times given without one, and of times shown; frames are in UTC whatever it is.
    env_file
        The file to read, instead of the first ``.env`` upwards from the working directory.
    **overrides
        Single settings, before those of environment and file: ``workspace``, ``api_key_id``, ``api_key_secret``,
        ``reporting_api_key``, ``base_url`` ... (a base URL is used with credentials of the same source alone);
        ``family`` where several families are configured; and the settings of :class:`Session`. For the sandbox:
        ``role`` (``"ADMIN"`` for an administrator), ``join`` (a session, whose sandbox is used by this one too),
        ``family``, ``seed``, ``transactions``, ``latency``, ``token_life``, ``rate_limit``.

    Raises
    ------
    ConfigurationError
        Credentials are missing or contradict each other; the message says what was looked for, and where.
    AuthenticationError
        The service does not accept them.
    """
    settings = {name: overrides.pop(name) for name in SETTINGS if name in overrides}
    env_path = None if env_file is None else str(env_file)
    if profile == "sandbox":
        return _connect_sandbox(overrides, env_path, writes=writes, tz=tz, **settings)
    arguments = credentials_module.wrap_arguments(overrides)
    overrides.clear()  # a traceback shows the variables of this frame
    loaded = credentials_module.load(profile, env_file=env_path, overrides=arguments)
    session = Session(loaded.credentials, base_url=loaded.base_url, writes=writes, tz=tz, **settings)
    return _signed_in(session)


def _connect_sandbox(
    options: dict[str, Any], env_file: str | None, *, writes: bool, tz: str, **settings: Any
) -> Session:
    try:
        from ledgerkit import sandbox as package
    except ImportError as error:
        missing = error.name
    else:
        missing = None
    if missing:
        options.clear()  # here and below: a traceback shows the variables of this frame, and they may be real keys
        raise ConfigurationError(f"the sandbox needs `{missing}`: pip install 'ledgerkit-enterprise[sandbox]'.")
    known = ("family", "role", "join", *inspect.signature(package.Sandbox).parameters)
    unknown = next((name for name in options if name not in known), None)
    if unknown:
        options.clear()
        raise ConfigurationError(
            f"the sandbox takes no credentials and no `{unknown}`; it takes {', '.join(known)}.", field=unknown
        )
    found = credentials_module.configured("sandbox", env_file=env_file)
    if found:
        raise ConfigurationError(
            f"connect('sandbox') is the embedded sandbox, but {', '.join(found)} is set (in "
            f"{', '.join(dict.fromkeys(found.values()))}), which is a tenant that the vendor calls a sandbox. Give "
            "that profile another name, such as LEDGER_ENTERPRISE_TEST_..."
        )
    family = options.pop("family", "api_user")
    if family not in FAMILIES:
        raise ConfigurationError(f"`family` = {shorten(family)}: it is one of {', '.join(FAMILIES)}.", field="family")
    role = options.pop("role", "OPERATOR")
    if role not in SANDBOX_ROLES:
        raise ConfigurationError(f"`role` = {shorten(role)}: it is one of {', '.join(SANDBOX_ROLES)}.", field="role")
    joined = options.pop("join", None)
    if joined is not None and (getattr(joined, "sandbox", None) is None or options):
        raise ConfigurationError(
            "`join` takes a session on the sandbox, whose sandbox is then used as it is: no option beside it but "
            "family and role.",
            field="join",
        )
    server = package.Sandbox(**options).start() if joined is None else joined.sandbox
    try:
        return _signed_in(
            Session(
                _sandbox_credentials(server, family, role),
                base_url=server.url,
                writes=writes,
                tz=tz,
                sandbox=server,
                owns_sandbox=joined is None,
                **settings,
            )
        )
    except BaseException:
        if joined is None:
            server.stop()
        raise


def _sandbox_credentials(server: "Sandbox", family: str, role: str = "OPERATOR") -> Credentials:
    values = server.environment(cast("Family", family), prefix="", role=cast("Any", role))
    if family == "lam":
        return LAM(values["LAM_USER"], values.get("LAM_API_KEY"), values.get("LAM_STORE_TOKEN"))
    if family == "reporting_key":
        return ReportingKey(values["WORKSPACE"], values["REPORTING_API_KEY"])
    return ApiUser(
        values["WORKSPACE"],
        values["API_KEY_ID"],
        values["API_KEY_SECRET"],
        private_key=values["API_PRIVATE_KEY"],
        gateway_key=values.get("GATEWAY_API_KEY"),
    )


def _signed_in(session: Session) -> Session:
    """Exchange the key for a token now, so that a wrong one shows here and not in the third cell."""
    if session._keeper is not None:
        try:
            session._keeper.token()
        except BaseException:
            session.close()
            raise
    return session


def _keeper(user: ApiUser, transport: Transport, clock: Clock) -> TokenKeeper:
    signed_in = threading.Event()

    @clearing
    def login() -> Tokens:
        path, headers, body = auth.token_request(user)
        # Later on the address is known to be right, and the call that waits has all the time of a read.
        seconds = None if signed_in.is_set() else SECONDS_TO_SIGN_IN
        # Whoever leads signs in for all: what one form gives up is not given up for a write, nor for other threads.
        answer = transport.request(
            "POST", path, headers=headers, json=body, safe=True, seconds=seconds, cancel=threading.Event()
        )
        tokens = auth.tokens_from(answer.body)
        signed_in.set()
        return tokens

    @clearing
    def refresh(token: Secret) -> Tokens:
        # As a write, repeated only where it surely did not arrive: where the answer was lost, the refresh token is
        # spent, and the key is exchanged instead.
        path, headers, body = auth.refresh_request(user, token)
        return auth.tokens_from(transport.request("POST", path, headers=headers, json=body, safe=False).body)

    return TokenKeeper(login, refresh, clock=clock)


def _close(keeper: TokenKeeper | None, transport: Transport, sandbox: "Sandbox | None") -> None:
    if keeper is not None:
        keeper.close()
    transport.disconnect()
    if sandbox is not None:
        sandbox.stop()
