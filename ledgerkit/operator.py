"""The API user of a session, as the one who signs."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from ledgerkit.auth import TokenKeeper
from ledgerkit.credentials import ApiUser
from ledgerkit.errors import ConfigurationError, ReviewFailed
from ledgerkit.identity import own_user, public_key, subject

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ledgerkit.decoding import Challenge


class Operator:
    """Signs challenges with the private key of the credentials, which is read for each signature and kept nowhere."""

    def __init__(self, credentials: ApiUser, keeper: TokenKeeper) -> None:
        self._credentials = credentials
        self._keeper = keeper
        self._lock = threading.Lock()
        self._user_id: int | None = None
        self._signed: dict[str, int] = {}

    def user(self, search: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the row of the own user among those that ``search`` finds."""
        user = own_user(search(), self.claimed())
        self._user_id = int(user["id"].iloc[0])
        return user

    def user_id(self, search: Callable[[], pd.DataFrame]) -> int:
        """Return the id of the own user, which is looked up once."""
        with self._lock:
            if self._user_id is None:
                self.user(search)
            assert self._user_id is not None  # noqa: S101  # `user` has set it, or raised
            return self._user_id

    def claimed(self) -> str | None:
        """Return the public key that the token names, in upper case; None where it names none."""
        token, _ = self._keeper.token()
        return public_key(token)

    def subject(self) -> str | None:
        """Return what the token calls the user, whatever key pair that user has; None where it does not say."""
        token, _ = self._keeper.token()
        return subject(token)

    def sign(self, challenge: "Challenge", request_id: int) -> str:
        """Return the JWS of the challenge of a request.

        Raises
        ------
        ReviewFailed
            Its antireplay was signed before, for another request: only that ties a challenge to its request.
        ConfigurationError
            There is no private key, it can't be read, or it is not that of the user who is signed in: the service
            would refuse every signature.
        """
        from ledgerkit import signing  # needs libraries that a session which only reads can do without

        try:
            key = self._own_key()
        except ConfigurationError as error:
            raise ConfigurationError(f"{error.message} Nothing was signed.", field="private_key") from None
        with self._lock:
            if self._signed.setdefault(challenge.antireplay, request_id) != request_id:
                raise ReviewFailed(
                    f"nothing was signed: the challenge of request {request_id} is that of request "
                    f"{self._signed[challenge.antireplay]}, which you signed.",
                    request_id=request_id,
                )
        return signing.sign_challenge(key, challenge.raw)

    def check_key(self) -> None:
        """Raise where :meth:`sign` could not sign for want of the right key; nothing is signed.

        Raises
        ------
        ConfigurationError
            There is no private key, it can't be read, or it is not that of the user who is signed in.
        """
        self._own_key()

    def _own_key(self) -> "EllipticCurvePrivateKey":
        from ledgerkit import signing

        key = signing.load_private_key(self._credentials)
        claimed, own = self.claimed(), signing.public_point(key)
        if claimed is not None and claimed != own:
            raise ConfigurationError(
                f"the private key is not that of the user who is signed in: its public key ends in {own[-8:]}, that "
                f"of the user in {claimed[-8:]}. Set the private key whose public half the administrator registered "
                "for the API key of this session.",
                field="private_key",
            )
        return key
