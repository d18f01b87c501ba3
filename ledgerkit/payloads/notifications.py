"""Where the service sends the events of a user."""

from typing import Annotated, Any, ClassVar

from ledgerkit.errors import InvalidRequest
from ledgerkit.payloads.base import Body
from ledgerkit.payloads.preview import Line
from ledgerkit.payloads.rules import Hidden, Url
from ledgerkit.secret import MASK, Secret


class NotificationConfiguration(Body, frozen=True, kw_only=True):
    """The webhook of the calling user, which replaces the one before; without fields, there is none any more.

    Parameters
    ----------
    url
        https only, but on this machine.
    secret
        What the service signs events with; a text is hidden at once. :meth:`to_json` holds it in clear, and nothing
        that is shown does.
    """

    destination: ClassVar[str] = "PUT /notifications/configuration"

    url: Annotated[str, Url()] | None = None
    secret: Annotated[Secret | str, Hidden()] | None = None

    def check(self) -> None:
        """Check that both are given, or neither."""
        if (self.url is None) != (self.secret is None):
            raise InvalidRequest(
                "`url` and `secret` are given together: events that are not signed can't be trusted.",
                field="url" if self.url is None else "secret",
            )

    def arranged(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the body that these fields make."""
        return {"all": {"webhook": fields or None}}

    def title(self) -> str:
        """Return in one line what this does."""
        return "Send no more events" if self.url is None else "Send events to a webhook"

    def lines(self) -> list[Line]:
        """Return where events go."""
        return [] if self.url is None else [Line("URL", self.url), Line("Secret", MASK)]
