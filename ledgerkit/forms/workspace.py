"""The workspace as forms see it: its sections, and the names and units that were looked up in it."""

from typing import Any

from ledgerkit.connection import Connection
from ledgerkit.directory import Directory
from ledgerkit.errors import ipython_shell
from ledgerkit.resources.accounts import Accounts
from ledgerkit.resources.base import all_sections
from ledgerkit.resources.groups import Groups
from ledgerkit.resources.users import Users


class Workspace:
    """One workspace.

    A form holds this and not the session, as sections do: a session that is dropped is collected, unless a form or a
    section of it is still there.

    Parameters
    ----------
    connection
        The way to it.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.directory = Directory(
            Accounts(connection), Users(connection), Groups(connection), connection.transport.clock
        )

    @property
    def environment(self) -> str:
        """``SANDBOX``, ``PRODUCTION``, ``LOCAL`` or ``TENANT``."""
        return self.connection.origin["environment"]

    def section(self, kind: "type[Any] | str") -> Any:
        """Return a section, by its class or by its name in a session, such as ``"stakes.cardano"``."""
        if isinstance(kind, str):
            kind = next(one for one in all_sections() if one.name == kind)
        return kind(self.connection)

    def variable(self) -> str:
        """Return the name under which the notebook holds a session on this workspace, for code to copy."""
        for name, value in list(getattr(ipython_shell(), "user_ns", {}).items()):
            connection = vars(value).get("_connection") if type(value).__name__ == "Session" else None
            if not name.startswith("_") and connection is self.connection:
                return str(name)
        return "session"
