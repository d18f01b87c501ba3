"""Notifications: where the service sends the events of the calling user."""

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from ledgerkit.answers import outcome_unknown
from ledgerkit.echoes import TELLING_LENGTH, concealed, hidden, is_secret_name, secrets_in
from ledgerkit.errors import ContractViolation, InvalidRequest, LedgerError, NotFound, OutcomeUnknown, clearing
from ledgerkit.frames import TEXT, Table
from ledgerkit.operations import NOTIFICATION_TARGET, operation
from ledgerkit.payloads import NotificationConfiguration
from ledgerkit.resources.base import Section
from ledgerkit.resources.writing import write
from ledgerkit.secret import MASK, Secret


def masked(answer: Any, sent: Iterable[str] = ()) -> Any:
    """Return an answer without any webhook secret: what is printed is saved with the notebook.

    A text without a key may be one, and so may be a part of any other: whatever was sent as one, and what the answer
    itself calls one where it is long enough to be told from other texts, is hidden however it is written.
    """
    known = {*sent, *(text for text in secrets_in(answer) if len(text) >= TELLING_LENGTH)}
    telling = {text for text in known if len(text) >= TELLING_LENGTH}  # the name of a field may have a short one
    whole: list[Any] = [answer]
    waiting: list[Any] = [whole]  # recursion would end at a depth that JSON may have
    while waiting:
        one = waiting.pop()
        for place, value in list(one.items() if isinstance(one, dict) else enumerate(one)):
            if isinstance(value, dict | list):
                waiting.append(value)
            if (value is not None and is_secret_name(place)) or (isinstance(value, str) and isinstance(place, int)):
                one[place] = MASK
            elif isinstance(value, str):
                one[place] = hidden(value, known)
            if isinstance(place, str) and (shown := hidden(place, telling)) != place:
                one[shown] = one.pop(place)
    return whole[0]


CONFIGURATION: Final = Table("configuration", {"all": {"webhook": {"url": TEXT, "secret": TEXT}}})

REPLACED: Final = CONFIGURATION.extended(after={"replaced_url": TEXT})


class Notifications(Section, name="notifications"):
    """Where the service sends the events of the calling user."""

    @operation("GET /notifications/configuration", returns=CONFIGURATION)
    def configuration(self) -> pd.DataFrame:
        """Get the configuration of the calling user, its secret masked; no rows where none is set."""
        try:
            return self._each(Notifications.configuration, {}, nodes=lambda body: [masked(body)])
        except ContractViolation as error:
            error.details.pop("body", None)
            raise
        except NotFound:
            return self._frame("GET /notifications/configuration", CONFIGURATION, [], {})

    # Of the two, lk.operations() names the one that is defined last.
    @operation(NOTIFICATION_TARGET, returns=REPLACED)
    def clear(self) -> pd.DataFrame:
        """Send no events to the webhook of the calling user any more; ``replaced_url`` says where they went."""
        return self._replace(NotificationConfiguration(), Secret(""))

    @operation(NOTIFICATION_TARGET, returns=REPLACED, secrets=("secret",))
    def set(self, url: str, secret: Secret | str) -> pd.DataFrame:
        """Set where the service sends the events of the calling user.

        It replaces the one webhook that the user may have; ``replaced_url`` says where events went until now.

        Parameters
        ----------
        url
            https only; the sandbox takes http to this machine too, as of a ``Receiver`` here.
        secret
            What the service signs events with; :class:`ledgerkit.webhooks.Receiver` checks with the same one. It is
            shown nowhere. A text in a cell is saved with the notebook: read it from where secrets are kept.

        Raises
        ------
        InvalidRequest
            The URL is not https, or the secret is empty.
        OutcomeUnknown
            The answer was lost. Setting it again does no harm.
        """
        hidden_secret = secret if isinstance(secret, Secret) else Secret(secret)
        if not isinstance(url, str) or "://" not in url:
            # Without the value: it may be the secret, in the wrong place.
            raise InvalidRequest(
                "`url` was not sent: it takes an https address, and the secret behind it.", field="url"
            )
        return self._replace(NotificationConfiguration(url=url, secret=hidden_secret), hidden_secret)

    @clearing  # the answer may repeat the secret in any field
    def _replace(self, configuration: NotificationConfiguration, secret: Secret) -> pd.DataFrame:
        connection = self._connection
        connection.check_write(NOTIFICATION_TARGET)
        known = [secret.reveal()]
        url = None if configuration.url is None else hidden(configuration.url, known)
        before = self.configuration()["all_webhook_url"].dropna().tolist()
        replaced = {"replaced_url": hidden(before[0], known) if before else None}
        try:
            frame = write(
                self,
                NOTIFICATION_TARGET,
                REPLACED,
                {},
                body=concealed(configuration.to_json()),  # it is a variable of the frames that send it
                given={"url": url},
                shown=lambda answer: {**masked(answer, known), **replaced} if isinstance(answer, dict) else None,
            )
        except LedgerError as error:
            # A new one, raised below: a service may repeat the secret in its message, and frames hold its answer.
            again = " Setting it again does no harm." if isinstance(error, OutcomeUnknown) else ""
            message = hidden(error.message, known) + again
            wait = {name: value for name, value in error.details.items() if name == "retry_after"}
            problem = type(error)(message, call=error.call, status=error.status, **wait)
        else:
            answered = frame["all_webhook_url"].dropna().tolist()
            if not answered or str(answered[0]).rstrip("/") == str(url).rstrip("/"):
                return frame
            problem = outcome_unknown(
                f"the service answered that events go to {answered[0]}", NOTIFICATION_TARGET, None
            )
        raise problem
