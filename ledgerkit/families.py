"""What the three credential families hold.

A value is wrapped as a :class:`~ledgerkit.secret.Secret` before anything is checked, and errors are raised only in
frames that hold wrapped values: notebooks and bug reports show the local variables of tracebacks.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn
from urllib.parse import urlsplit

from ledgerkit.errors import ConfigurationError
from ledgerkit.hosts import is_host, is_loopback
from ledgerkit.secret import MASK, Secret

Family = Literal["api_user", "reporting_key", "lam"]


class _Credentials:
    """Immutable, shown masked, not picklable."""

    __slots__ = ()
    family: ClassVar[Family]

    def _keep(self, **fields: object) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        del value  # it may be a secret, and a traceback shows the variables of this frame
        raise AttributeError(f"{type(self).__name__} can't be changed: make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} can't be changed: make a new one")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("credentials can't be pickled or copied: they would leave the process in clear")


class ApiUser(_Credentials):
    """An API user: a key that is exchanged for short-lived tokens, and the private key that approvals need.

    Parameters
    ----------
    workspace
        The short name of the workspace.
    key_id, key_secret
        The pair that was shown once when API access was generated.
    private_key
        The operator's private key as PEM, or as hex of the PEM; needed to approve.
    private_key_file
        A file that holds it, read at the moment of signing.
    gateway_key
        Sent as ``X-Ledger-API-Key`` with token requests, where a gateway in front of the API asks for it.
    """

    __slots__ = ("gateway_key", "key_id", "key_secret", "private_key", "private_key_file", "workspace")
    family = "api_user"
    workspace: str
    key_id: Secret
    key_secret: Secret
    private_key: Secret | None
    private_key_file: Path | None
    gateway_key: Secret | None

    def __init__(
        self,
        workspace: str,
        key_id: str | Secret,
        key_secret: str | Secret,
        *,
        private_key: str | Secret | None = None,
        private_key_file: str | Path | None = None,
        gateway_key: str | Secret | None = None,
    ) -> None:
        key_id, key_secret = wrap(key_id), wrap(key_secret)
        private_key = None if private_key is None else wrap_key(private_key)
        gateway_key = None if gateway_key is None else wrap(gateway_key)
        if private_key is not None and private_key_file is not None:
            raise ConfigurationError("ApiUser takes private_key or private_key_file, not both")
        if private_key is not None and not private_key:
            raise ConfigurationError("private_key of ApiUser is empty or not a text")
        self._keep(
            workspace=_sendable("ApiUser", "workspace", wrap(workspace)).reveal(),
            key_id=_sendable("ApiUser", "key_id", key_id),
            key_secret=_sendable("ApiUser", "key_secret", key_secret),
            private_key=private_key,
            private_key_file=None if private_key_file is None else Path(private_key_file).expanduser(),
            gateway_key=None if gateway_key is None else _sendable("ApiUser", "gateway_key", gateway_key),
        )

    def __repr__(self) -> str:
        workspace = getattr(self, "workspace", None)  # a traceback may show it before it is complete
        return f"ApiUser(workspace={workspace!r}, key_id={MASK}, key_secret={MASK})"


class ReportingKey(_Credentials):
    """A reporting key: reading and notification endpoints only, perhaps narrowed to entities."""

    __slots__ = ("key", "workspace")
    family = "reporting_key"
    workspace: str
    key: Secret

    def __init__(self, workspace: str, key: str | Secret) -> None:
        key = wrap(key)
        self._keep(
            workspace=_sendable("ReportingKey", "workspace", wrap(workspace)).reveal(),
            key=_sendable("ReportingKey", "key", key),
        )

    def __repr__(self) -> str:
        return f"ReportingKey(workspace={getattr(self, 'workspace', None)!r}, key={MASK})"


class LAM(_Credentials):
    """A user of a Ledger Authentication Module, the customer's own gateway.

    The name of the user is a secret too: on a LAM without an API key it is all that a call is accepted by.
    """

    __slots__ = ("api_key", "api_user", "store_token")
    family = "lam"
    api_user: Secret
    api_key: Secret | None
    store_token: Secret | None

    def __init__(
        self,
        api_user: str | Secret,
        api_key: str | Secret | None = None,
        store_token: str | Secret | None = None,
    ) -> None:
        api_user = wrap(api_user)
        api_key = None if api_key is None else wrap(api_key)
        store_token = None if store_token is None else wrap(store_token)
        self._keep(
            api_user=_sendable("LAM", "api_user", api_user),
            api_key=None if api_key is None else _sendable("LAM", "api_key", api_key),
            store_token=None if store_token is None else _sendable("LAM", "store_token", store_token),
        )

    def __repr__(self) -> str:
        return f"LAM(api_user={MASK})"


Credentials = ApiUser | ReportingKey | LAM


def wrap(value: object) -> Secret:
    """Wrap a value without raising; what is no text becomes an empty secret, which the checks then refuse by name."""
    if isinstance(value, Secret):
        value = value.reveal()
    return Secret(value.strip() if isinstance(value, str) else "")


def wrap_key(value: object) -> Secret:
    r"""Wrap a private key; a PEM in one line with ``\n`` written out, as many secret stores give it, is unfolded."""
    text = wrap(value).reveal()
    return Secret(text.replace("\\n", "\n") if "-----BEGIN" in text else text)


def _sendable(kind: str, field: str, secret: Secret) -> Secret:
    if problem := unsendable(secret):
        raise ConfigurationError(f"{field} of {kind} {problem}", field=field)
    return secret


def unsendable(secret: Secret) -> str | None:
    """Say why a value can't be sent. The HTTP library would refuse it too, but quotes the value in its error."""
    text = secret.reveal()
    if not text:
        return "is empty or not a text"
    if "\n" in text or "\r" in text:
        return "holds a line break"
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        return "holds a control character, such as a tab"
    if not text.isascii():
        return "holds a character outside ASCII, often a dash, a quote or an invisible space pasted with it"
    return None


def check_base_url(url: str | Secret, name: str = "base_url") -> str:
    """Return the base URL without trailing slashes, or raise ``ConfigurationError``; the error never quotes it.

    Parameters
    ----------
    url
        ``https://host``, perhaps with a port and a path prefix; plain ``http`` for loopback addresses alone.
    name
        What the error calls it.
    """
    secret = wrap(url)  # people put passwords into URLs
    del url
    if problem := _unusable_url(secret):
        raise ConfigurationError(f"{name} {problem}", field=name)
    parts = urlsplit(secret.reveal())
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _unusable_url(secret: Secret) -> str | None:
    if problem := unsendable(secret):
        return problem
    text = secret.reveal()
    if " " in text or "\\" in text:
        return "holds a blank or a backslash"
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "is no URL: write it as https://host"
    if "@" in parts.netloc:
        return "holds a user name or password: leave them out"
    if "?" in text or "#" in text:
        return "holds a query or a fragment: leave them out"
    if not is_host(parts.hostname or ""):
        return "names no host: its parts are letters, digits and dashes with dots between, or an IP address"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return "must begin with https:// (plain http:// is for loopback addresses alone)"
    return None
