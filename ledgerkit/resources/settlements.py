"""Settlements between an exchange and an asset manager (Tradelink)."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from ledgerkit.errors import NotFound, OutcomeUnknown
from ledgerkit.filters import Many
from ledgerkit.frames import AMOUNT, INTEGER, OBJECT, TEXT, Table
from ledgerkit.known_addresses import refuse_look_alikes
from ledgerkit.operations import operation
from ledgerkit.outbox import Claim
from ledgerkit.outcomes import Outcome, look
from ledgerkit.payloads import FeesPerByte, GasPrice, PriorityFees, Settlement, SettlementRecovery, Speed, Transaction
from ledgerkit.resources.base import Section
from ledgerkit.resources.writing import identifier, write

SETTLEMENT: Final = Table(
    "settlement",
    {
        "id": TEXT,
        "state": TEXT,
        "from_pledge_id": TEXT,
        "inbound_transaction_intent": {
            "amount": AMOUNT,
            "to_account_id": INTEGER,
            "to_address": TEXT,
        },
        "meta": OBJECT,
        "outbound_transaction": {
            "request_id": INTEGER,
            "transaction_hash": TEXT,
            "transaction_id": INTEGER,
        },
        "repledge": {
            "repledge_id": INTEGER,
            "request_id": INTEGER,
        },
        "repledge_intent": {
            "account_name": TEXT,
            "amount": AMOUNT,
            "contract_address": TEXT,
            "currency": TEXT,
            "exchange_name": TEXT,
            "pledge_subaccount_id": INTEGER,
            "to_address": TEXT,
            "transaction_hash": TEXT,
        },
    },
)


class Settlements(Section, name="settlements"):
    """What exchanges settled against pledges.

    The list has no filters, no dates and no order; the API documents it with the fields of a pledge, and whatever
    fields come are kept.
    """

    @operation("GET /settlements", returns=SETTLEMENT)
    def search(
        self,
        *,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Get all settlements.

        Parameters
        ----------
        limit
            Only so many, as the service lists them.
        """
        return self._list(Settlements.search, locals(), dated=False)

    @operation("GET /settlements/{settlement_id}", returns=SETTLEMENT)
    def get(self, settlement_id: Many[str]) -> pd.DataFrame:
        """Get settlements by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Settlements.get, locals(), lead={"settlement_id": "id"})

    @operation("POST /settlements", returns=SETTLEMENT)
    def create(
        self,
        from_pledge_id: str,
        *,
        inbound_transaction_intent: Mapping[str, Any] | None = None,
        outbound_transaction_intent: Transaction | Mapping[str, Any] | None = None,
        repledge_intent: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        id: str | None = None,
        again: bool = False,
        look_alike: bool = False,
    ) -> pd.DataFrame:
        """Settle against a pledge that is ready; for users of an exchange.

        The id is made here, once: after an :class:`~ledgerkit.errors.OutcomeUnknown`, its ``find()`` looks whether
        the settlement is there.

        Parameters
        ----------
        inbound_transaction_intent
            What is paid to the asset manager: ``amount`` in base units, ``to_account_id``, ``to_address``.
        outbound_transaction_intent
            What is taken from the collateral: a payload of a transaction, or its ``data``. One of the two at least;
            the outbound one needs approvals.
        repledge_intent
            What is pledged again of a gain.
        meta
            An object of one's own.
        id
            A UUID of one's own.
        again
            That a second settlement of the same content is meant, where this session has sent one.
        look_alike
            That an address is meant that looks like a known one.

        Raises
        ------
        InvalidRequest
            There is nothing to settle, it pays an address that looks like a known one, this session has sent the same
            before, or the service refuses it.
        OutcomeUnknown
            The answer was lost.
        """
        given: dict[str, Any] = {
            "from_pledge_id": from_pledge_id,
            "inbound_transaction_intent": inbound_transaction_intent,
            "outbound_transaction_intent": outbound_transaction_intent,
            "repledge_intent": repledge_intent,
            "meta": meta,
            "id": id,
        }
        body = Settlement(**{name: value for name, value in given.items() if value is not None}).to_json()
        own = {name: body[name] for name in ("id", "from_pledge_id")}
        same = {"operation": "POST /settlements", **body, "id": id}
        self._connection.check_write("POST /settlements")
        if not look_alike:
            refuse_look_alikes(self._connection, body)
        with self._connection.outbox.claim(same, f"settlement {own['id']}", again=again) as claim:
            try:
                frame = write(self, "POST /settlements", SETTLEMENT, {}, body=body, lead=own, given=own)
            except OutcomeUnknown as unknown:
                unknown.message += f" Its id is {own['id']}."
                unknown.details |= own
                unknown.finder = lambda: self._find(**own, claim=claim)
                raise
            claim.record(f"settlement {own['id']}")
        return frame

    @operation("POST /settlements/{settlement_id}/cancel", returns=SETTLEMENT)
    def cancel(self, settlement_id: str) -> pd.DataFrame:
        """Cancel a settlement whose outbound transaction is ``FAILED_TO_BROADCAST``; for users of an exchange."""
        inside = {"settlement_id": identifier("settlement_id", settlement_id, "text")}
        return write(
            self,
            "POST /settlements/{settlement_id}/cancel",
            SETTLEMENT,
            inside,
            lead={"id": inside["settlement_id"]},
        )

    @operation("POST /settlements/{settlement_id}/recover", returns=SETTLEMENT)
    def recover(
        self, settlement_id: str, *, fee_strategy: Speed | FeesPerByte | GasPrice | PriorityFees, max_fee: int | str
    ) -> pd.DataFrame:
        """Send the outbound transaction of a settlement again with other fees; for operators of an exchange.

        Only while it is ``SUBMITTED``, and of a currency that can replace a transaction.

        Parameters
        ----------
        fee_strategy
            The new one, such as ``payloads.Speed("FAST")``.
        max_fee
            The new most that may be paid, in base units.
        """
        inside = {"settlement_id": identifier("settlement_id", settlement_id, "text")}
        body = SettlementRecovery(fee_strategy=fee_strategy, max_fee=max_fee).to_json()
        return write(
            self,
            "POST /settlements/{settlement_id}/recover",
            SETTLEMENT,
            inside,
            body=body,
            lead={"id": inside["settlement_id"]},
            given=body,
        )

    def _find(self, id: str, from_pledge_id: str, claim: Claim) -> Outcome:
        def once() -> Outcome | None:
            try:
                found = self.get(id).iloc[0]
            except NotFound:
                return None
            if str(found["from_pledge_id"]).casefold() != from_pledge_id.casefold():
                return Outcome(
                    "can't tell", f"settlement {id} is there, but against pledge {found['from_pledge_id']}."
                )
            return Outcome("found", f"settlement {id} is there, in state {found['state']}: do not send it again.")

        missing = f"settlement {id} is not there: send it again, with id={id!r}, so that it is the same settlement."
        outcome = look(once, self._connection.transport.clock, Outcome("not found", missing))
        if outcome.state == "not found":
            claim.released = True
        elif outcome.state == "found":
            claim.record(f"settlement {id}")
        return outcome
