"""The sections that a session has, each imported when it is first asked for: who reads accounts needs no stakes."""

from functools import cached_property
from typing import TYPE_CHECKING

from ledgerkit.connection import Connection

if TYPE_CHECKING:
    from ledgerkit.resources.accounts import Accounts
    from ledgerkit.resources.api_users import ApiUsers
    from ledgerkit.resources.certificates import Certificates
    from ledgerkit.resources.compliance import Compliance
    from ledgerkit.resources.currencies import Currencies
    from ledgerkit.resources.digests import Digests
    from ledgerkit.resources.entities import Entities
    from ledgerkit.resources.groups import Groups
    from ledgerkit.resources.labels import Labels
    from ledgerkit.resources.messages import Messages
    from ledgerkit.resources.notifications import Notifications
    from ledgerkit.resources.organization import Organization
    from ledgerkit.resources.pledges import Pledges
    from ledgerkit.resources.requests import Requests
    from ledgerkit.resources.settlements import Settlements
    from ledgerkit.resources.stakes import Stakes
    from ledgerkit.resources.transactions import Transactions
    from ledgerkit.resources.users import Users
    from ledgerkit.resources.whitelists import Whitelists


class Sections:
    """What a session offers, by section of the API reference."""

    _connection: Connection

    @cached_property
    def accounts(self) -> "Accounts":
        """Accounts and their balances, addresses, tokens and NFTs."""
        from ledgerkit.resources.accounts import Accounts

        return Accounts(self._connection)

    @cached_property
    def api_users(self) -> "ApiUsers":
        """API users, of a LAM."""
        from ledgerkit.resources.api_users import ApiUsers

        return ApiUsers(self._connection)

    @cached_property
    def certificates(self) -> "Certificates":
        """The chain of certificates that signed addresses are checked with."""
        from ledgerkit.resources.certificates import Certificates

        return Certificates(self._connection)

    @cached_property
    def compliance(self) -> "Compliance":
        """What is known of the risk of addresses."""
        from ledgerkit.resources.compliance import Compliance

        return Compliance(self._connection)

    @cached_property
    def currencies(self) -> "Currencies":
        """Currencies, tokens, and whether a text is an address."""
        from ledgerkit.resources.currencies import Currencies

        return Currencies(self._connection)

    @cached_property
    def digests(self) -> "Digests":
        """Digests: hashes that were signed as they are."""
        from ledgerkit.resources.digests import Digests

        return Digests(self._connection)

    @cached_property
    def entities(self) -> "Entities":
        """Entities: folders of accounts that scope reporting keys."""
        from ledgerkit.resources.entities import Entities

        return Entities(self._connection)

    @cached_property
    def groups(self) -> "Groups":
        """Groups of users."""
        from ledgerkit.resources.groups import Groups

        return Groups(self._connection)

    @cached_property
    def labels(self) -> "Labels":
        """Labels of accounts and transactions."""
        from ledgerkit.resources.labels import Labels

        return Labels(self._connection)

    @cached_property
    def messages(self) -> "Messages":
        """Messages: texts signed off-chain."""
        from ledgerkit.resources.messages import Messages

        return Messages(self._connection)

    @cached_property
    def notifications(self) -> "Notifications":
        """Where the service sends its events: the webhook."""
        from ledgerkit.resources.notifications import Notifications

        return Notifications(self._connection)

    @cached_property
    def organization(self) -> "Organization":
        """The organization."""
        from ledgerkit.resources.organization import Organization

        return Organization(self._connection)

    @cached_property
    def pledges(self) -> "Pledges":
        """Pledges of Tradelink."""
        from ledgerkit.resources.pledges import Pledges

        return Pledges(self._connection)

    @cached_property
    def requests(self) -> "Requests":
        """Requests, what waits for whom, and approvals."""
        from ledgerkit.resources.requests import Requests

        return Requests(self._connection)

    @cached_property
    def settlements(self) -> "Settlements":
        """Settlements of Tradelink."""
        from ledgerkit.resources.settlements import Settlements

        return Settlements(self._connection)

    @cached_property
    def stakes(self) -> "Stakes":
        """Stakes, by chain."""
        from ledgerkit.resources.stakes import Stakes

        return Stakes(self._connection)

    @cached_property
    def transactions(self) -> "Transactions":
        """Transactions, payments and fees."""
        from ledgerkit.resources.transactions import Transactions

        return Transactions(self._connection)

    @cached_property
    def users(self) -> "Users":
        """Users."""
        from ledgerkit.resources.users import Users

        return Users(self._connection)

    @cached_property
    def whitelists(self) -> "Whitelists":
        """Whitelists of addresses."""
        from ledgerkit.resources.whitelists import Whitelists

        return Whitelists(self._connection)
