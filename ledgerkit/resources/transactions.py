"""Transactions: search, labels, and the history of changes; payments and their fees."""

from decimal import Decimal
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from ledgerkit.errors import InvalidRequest, shorten
from ledgerkit.filters import Exact, Many, Time
from ledgerkit.following import follow
from ledgerkit.frames import AMOUNT, FEES, FLAG, INTEGER, LIST, NUMBER, OBJECT, TEXT, TIME, Table
from ledgerkit.operations import ESTIMATE, TRANSACTION_REJECTION, operation
from ledgerkit.resources.base import Section, history, items
from ledgerkit.resources.histories import history_table
from ledgerkit.resources.labels import LABEL
from ledgerkit.resources.writing import identifier, write
from ledgerkit.vocabulary import InteractionType, Order, TransactionStatus, TransactionType

# What payments need is imported by those who make one: it is half of the modules of the kit, and a search needs none.
if TYPE_CHECKING:
    from ledgerkit import payloads, plans
    from ledgerkit.drafts import Draft
    from ledgerkit.lookups import Lookups
    from ledgerkit.payloads import Note

TRANSACTION: Final = Table(
    "transaction",
    {
        "id": INTEGER,
        "uid": TEXT,
        "account_id": INTEGER,
        "account_index": INTEGER,
        "type": TEXT,
        "status": TEXT,
        "currency": TEXT,
        "currency_family": TEXT,
        "amount": AMOUNT,
        "fees": FEES,
        "max_fees": FEES,
        "speed": TEXT,
        "recipient": TEXT,
        "senders": LIST,
        "tx_hash": TEXT,
        "block": {
            "details": OBJECT,
            "hash": TEXT,
            "height": INTEGER,
            "time": TIME,
        },
        "confirmations": INTEGER,
        "min_confirmations": INTEGER,
        "created_by": INTEGER,
        "created_on": TIME,
        "broadcast_on": TIME,
        "last_request": INTEGER,
        "interaction_type": TEXT,
        "notes": LIST,
        "labels": LIST,
        "failure_reasons": {
            "client_reason": TEXT,
            "reason": TEXT,
        },
        "compliance": {
            "registration_ids": {
                "chainalysis": TEXT,
            },
            "risk": {
                "provider_details": {
                    "chainalysis": LIST,
                },
                "risk": TEXT,
            },
        },
        "metadata": {
            "stake_pubkey": TEXT,
            "amount": AMOUNT,
            "change_path": TEXT,
            "stake_path": TEXT,
        },
        "coin_fields": {
            "type": TEXT,
            "fees_per_byte": NUMBER,
            "utxo_picking_strategy": TEXT,
            "contract_deployment": {
                "creation_bytecode": TEXT,
            },
            "contract_interaction": {
                "contract_data": TEXT,
                "contract_name": TEXT,
                "dapp": TEXT,
                "function_arguments": OBJECT,
                "function_name": TEXT,
                "smart_contract_interaction_type": TEXT,
            },
            "gas_limit": NUMBER,
            "gas_price": NUMBER,
            "tx_parameters": {
                "type": TEXT,
                "controller": TEXT,
                "is_proxy": FLAG,
                "payee": TEXT,
                "real": TEXT,
                "kind": TEXT,
                "proxy": TEXT,
                "ext_index": INTEGER,
                "height": INTEGER,
                "index": INTEGER,
                "anonymousproxy_address": TEXT,
                "stake_account": TEXT,
                "merge_dst_account": TEXT,
                "merge_src_account": TEXT,
                "token_mint": TEXT,
            },
            "destination_tag": INTEGER,
            "memo": {
                "type": TEXT,
                "MEMO_HASH": TEXT,
                "MEMO_ID": NUMBER,
                "MEMO_RETURN": TEXT,
                "MEMO_TEXT": TEXT,
            },
            "storage_limit": NUMBER,
            "priority_fees": NUMBER,
        },
    },
)
TRANSACTION_LABEL: Final = LABEL.extended(before={"transaction_id": INTEGER})
HISTORY: Final = history_table("transaction_id")
ESTIMATION: Final = Table("estimate", {"transaction_type": TEXT, "account_id": INTEGER, "max_fees": FEES})
# After these nothing more happens to a transaction; CONFIRMED is its first confirmation only.
ENDED: Final = frozenset(
    {"DROPPED", "FAILED", "FAILED_TO_BROADCAST", "FAILED_TO_CRAFT", "FAILED_TO_SIGN", "REJECTED", "REPLACED"}
)
# What a transaction is from its creation on. Not the amount (it may be null at first), nor what notes and hash say.
SETTLED: Final = frozenset(
    {"account", "currency", "destination_tag", "interaction_type", "memo", "recipient", "type"}
)


class Transactions(Section, name="transactions"):
    """The transactions of the workspace.

    ``amount`` is in the base unit of the account's currency or token, ``fees`` and ``max_fees`` in the base unit of
    what the account pays fees in; ``session.to_display`` scales both.
    """

    @operation("GET /transactions", returns=TRANSACTION)
    def search(
        self,
        *,
        account: Many[int] | None = None,
        created_after: Time | None = None,
        created_before: Time | None = None,
        currency: Many[str] | None = None,
        destination_tag: int | None = None,
        id: int | None = None,
        interaction_type: InteractionType | None = None,
        label: str | None = None,
        max_amount: Exact | None = None,
        memo: str | None = None,
        min_amount: Exact | None = None,
        order: Order | None = None,
        order_by: str | None = None,
        recipient: str | None = None,
        status: Many[TransactionStatus] | None = None,
        title: str | None = None,
        tx_hash: str | None = None,
        tx_label: Many[str] | None = None,
        type: TransactionType | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Search transactions.

        Parameters
        ----------
        account
            Ids of the accounts that the transactions were created in.
        currency
            Currencies (``"bitcoin"``), or networks and token contracts (``"ethereum:0x..."``).
        destination_tag
            Of XRP payments only.
        label, title
            A text in the title or content of a note; ``label`` is deprecated by the API.
        min_amount, max_amount
            Base units, as an integer, a Decimal or a text; the API does not say whether the bounds count.
        memo
            A text, a hex string, or an integer as text.
        tx_label
            Ids of labels.
        created_after, created_before
            From this moment on, and before that one.
        order, order_by
            Order of the frame, by any of its columns; newest first by default.
        limit
            Only so many, the newest.
        """
        return self._list(Transactions.search, locals(), settled=SETTLED)

    @operation("GET /transactions/{transaction_id}", returns=TRANSACTION)
    def get(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get transactions by id; for several ids, a column ``error`` says what could not be had."""
        return self._each(Transactions.get, locals(), lead={"transaction_id": "id"})

    @operation("GET /transactions/{transaction_id}/history", returns=HISTORY)
    def history(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get the requests that created and changed transactions."""
        return self._each(Transactions.history, locals(), lead={"transaction_id": "transaction_id"}, nodes=history)

    @operation("GET /transactions/{transaction_id}/labels", returns=TRANSACTION_LABEL)
    def labels(self, transaction_id: Many[int]) -> pd.DataFrame:
        """Get the labels of transactions."""
        lead = {"transaction_id": "transaction_id"}
        return self._each(Transactions.labels, locals(), lead=lead, nodes=items)

    # Payments

    def send(
        self,
        account: int | str,
        recipient: str,
        amount: str | Decimal | int,
        *,
        speed: Literal["SLOW", "NORMAL", "FAST"] | None = None,
        fees_strategy: Any = None,
        max_fees: str | Decimal | int | None = None,
        note: "str | Note | None" = None,
        memo: Any = None,
        tag: int | None = None,
        token_mint: str | None = None,
        max_priority_fee: int | None = None,
        again: bool = False,
        mark: str | None = None,
    ) -> "Draft":
        """Make the draft of a payment; nothing is sent before ``draft.submit()``.

        It finds the account, picks the kind of transaction, fills in the name and the currency of the account,
        estimates the fees, and looks at the address, whitelists, rules and balances, and for the same payment among
        those that the account made in the last 7 days.

        Parameters
        ----------
        account
            The id or the name of the account that pays.
        recipient
            The whole address.
        amount
            With its unit (``"0.5 BTC"``), as a Decimal in the unit of ``session.to_display``, or as an int of base
            units.
        speed
            SLOW, NORMAL (the default) or FAST.
        fees_strategy
            Instead of a speed: ``FeesPerByte``, ``GasPrice`` or ``PriorityFees`` of :mod:`ledgerkit.payloads`.
        max_fees
            The most that may be paid, as an amount in the unit of fees; by default what the service estimates. Where
            that is more than the amount itself, you have to give it.
        note
            A title, or a ``Note`` with title and content. A mark is added, by which the request is found again.
        memo, tag, token_mint, max_priority_fee
            What only Stellar, XRP, and Solana payments take.
        again
            That a second payment of the same amount to the same address is meant.
        mark
            The mark to use, where a plan has chosen it.

        Raises
        ------
        InvalidRequest
            An argument can't be used; the message names it and the rule.
        NotFound
            No such account is visible.
        """
        from ledgerkit.lookups import Lookups

        return self._payment(
            Lookups(self._connection),
            account,
            recipient,
            amount,
            speed=speed,
            fees_strategy=fees_strategy,
            max_fees=max_fees,
            note=note,
            again=again,
            mark=mark,
            memo=memo,
            tag=tag,
            token_mint=token_mint,
            max_priority_fee=max_priority_fee,
        )

    def payment_form(self) -> Any:
        """Return a form that makes the draft of a payment, shows it, and sends it once."""
        return self._form("payment", "PaymentForm")

    def _payment(
        self,
        lookups: "Lookups",
        account: int | str,
        recipient: str,
        amount: str | Decimal | int,
        *,
        speed: Any = None,
        fees_strategy: Any = None,
        max_fees: str | Decimal | int | None = None,
        note: "str | Note | None" = None,
        again: bool = False,
        mark: str | None = None,
        **own: Any,
    ) -> "Draft":
        from ledgerkit import payments
        from ledgerkit.payloads import Speed
        from ledgerkit.resources.requests import Requests

        if speed is not None and fees_strategy is not None:
            raise InvalidRequest("give `speed` or `fees_strategy`, not both.", field="speed")
        payment = payments.prepare(
            lookups,
            account,
            recipient,
            amount,
            max_fees=max_fees,
            fees_strategy=Speed(speed) if speed is not None else fees_strategy,
            note=_note(note),
            search=self.search,
            again=again,
            **{name: value for name, value in own.items() if value is not None},
        )
        return Requests(self._connection)._draft(payment.payload, payment.facts, payment.checks, mark, again=again)

    def plan(
        self,
        payments: "plans.Source | None" = None,
        *,
        journal: str | PathLike[str] | None = None,
        allow_duplicates: bool = False,
    ) -> "plans.Plan":
        """Make a plan of many payments: all are checked first, confirmed once, and sent one after the other.

        Nothing is sent before ``plan.run()``. Each send is written down before, so that after a crash the plan goes
        on where it stopped, and never repeats what may have been sent. Sent is not paid: each request waits for your
        approval first, with the call for it in the column ``next`` of ``plan.results()``.

        Parameters
        ----------
        payments
            A frame, or the path of a CSV file, with the columns ``account``, ``recipient`` and ``amount`` (as
            :meth:`send` takes them), and where needed ``speed``, ``max_fees``, ``note_title`` (or ``note``),
            ``note_content``, ``tag`` and ``memo``. None goes on with the plan in ``journal``.
        journal
            The file in which the plan is written down. By default its name follows from the payments, beside the CSV
            file, or in the working directory for a frame: the same payments planned again find it and go on, and are
            not sent a second time. A journal that is there must be that of the same payments, row by row, and nobody
            but you may write to it.
        allow_duplicates
            That payments of the same amount from the same account to the same recipient are meant, within the plan
            and after those of the last 7 days.

        Raises
        ------
        InvalidRequest
            A row can't be read, or the journal is that of something else. What is wrong with what a row pays is in
            ``plan.problems``. Payments of a corrected or extended file that were made already are among that.
        JournalDamaged
            The journal is not what was written there, or would pay anything else than ``payments``.
        """
        # Few notebooks make a plan: its modules would be 14 ms of the 150 that the kit adds to the import of pandas.
        from ledgerkit import plans
        from ledgerkit.lookups import Lookups
        from ledgerkit.plans import desks, rechecks

        lookups = Lookups(self._connection)
        send = partial(self._payment, lookups, again=allow_duplicates)
        desk = desks.for_payments(
            self._connection,
            lookups,
            send,
            self.search,
            expected=partial(rechecks.expected, lookups),
            check=partial(rechecks.check, lookups, self.search, again=allow_duplicates),
        )
        return plans.payments(self._connection, desk, payments, journal=journal, allow_duplicates=allow_duplicates)

    @operation(ESTIMATE, returns=ESTIMATION)
    def estimate_fees(self, payload: "payloads.Payload | Draft") -> pd.DataFrame:
        """Ask what a transaction would cost; nothing is created.

        Parameters
        ----------
        payload
            One of :mod:`ledgerkit.payloads`, or a draft of one; its ``max_fees`` do not matter.

        Returns
        -------
        DataFrame
            ``max_fees`` in base units of what the account pays fees in, and ``coin_fields_...`` of its chain.

        Raises
        ------
        InvalidRequest
            It is neither; nothing was sent.
        """
        from ledgerkit import payloads, payments
        from ledgerkit.drafts import Draft

        asked = payload.payload if isinstance(payload, Draft) else payload
        if not isinstance(asked, payloads.Payload):
            raise InvalidRequest(
                f"`payload` = {shorten(asked)} can't be used: it is a draft, as session.transactions.send(...) makes "
                "one, or one of ledgerkit.payloads; a whole body becomes one by ledgerkit.payloads.from_json(body).",
                field="payload",
            )
        answer = payments.estimate(self._connection, asked)
        lead = {name: getattr(asked, name, None) for name in ("transaction_type", "account_id")}
        return self._frame(ESTIMATE, ESTIMATION, [(ESTIMATE, [{**lead, **answer}])], {})

    # On a LAM, which signs by itself: there are no requests and no challenges.

    @operation("POST /transactions", returns=TRANSACTION)
    def create(
        self, payload: "payloads.LamTransaction", *, again: bool = False, look_alike: bool = False
    ) -> pd.DataFrame:
        """Create a transaction on a LAM, once.

        Parameters
        ----------
        payload
            A ``LamTransaction`` of :mod:`ledgerkit.payloads`; a mark is added to its note. ``payload.preview()``
            shows what is sent.
        again
            That a second transaction of the same content is meant, where this session has sent one.
        look_alike
            That the recipient is meant, though it looks like a known address.

        Raises
        ------
        InvalidRequest
            The recipient looks like a known address, the LAM refuses it, or this session sent the same before.
        OutcomeUnknown
            The answer was lost; its ``find()`` looks whether the transaction was made.
        """
        from ledgerkit import finding, payloads
        from ledgerkit.drafts import Draft
        from ledgerkit.known_addresses import look_alikes
        from ledgerkit.outcomes import new_mark
        from ledgerkit.resources.requests import with_mark

        if not isinstance(payload, payloads.LamTransaction):
            raise InvalidRequest(
                f"`payload` = {shorten(payload)} can't be used: it is a ledgerkit.payloads.LamTransaction.",
                field="payload",
            )
        connection, mark = self._connection, new_mark()
        connection.check_write("POST /transactions")
        marked = payload.replace(note=with_mark(payload.note, mark))
        draft = Draft(
            marked,
            send=lambda body: write(self, "POST /transactions", TRANSACTION, {}, body=body.to_json()),
            find=lambda draft: finding.find_on_lam(connection, draft),
            outbox=connection.outbox,
            checks=look_alikes(connection, payload),
            mark=mark,
            identity=payload.to_json(),
            sent_after=connection.transport.server_time(),
            makes="transaction",
        )
        return draft.submit(again=again, look_alike=look_alike)

    @operation("POST /transactions/{transaction_id}/approve", returns=TRANSACTION)
    def approve(self, transaction_id: int, created: "payloads.LamTransaction", *, confirm: str) -> pd.DataFrame:
        """Approve a transaction on a LAM by repeating the values that it was created with; the LAM signs.

        Parameters
        ----------
        transaction_id
            The transaction.
        created
            The ``LamTransaction`` that it was created from, or one made from a source of your own: not from what the
            service says of it.
        confirm
            ``"approve 305"``, with its id.
        """
        inside = {"transaction_id": identifier("transaction_id", transaction_id)}
        _confirmed(confirm, f"approve {transaction_id}")
        body = created.approval().to_json()
        return write(self, "POST /transactions/{transaction_id}/approve", TRANSACTION, inside, body=body)

    @operation(TRANSACTION_REJECTION, returns=TRANSACTION)
    def reject(self, transaction_id: int, *, confirm: str) -> pd.DataFrame:
        """Reject a transaction that waits for approval, for good; nothing is signed.

        Parameters
        ----------
        transaction_id
            The transaction.
        confirm
            ``"reject 305"``, with its id.
        """
        inside = {"transaction_id": identifier("transaction_id", transaction_id)}
        _confirmed(confirm, f"reject {transaction_id}")
        return write(self, TRANSACTION_REJECTION, TRANSACTION, inside)

    def watch(self, transaction_id: int, *, seconds: float = 3600) -> pd.DataFrame:
        """Follow a transaction until it is final, printing each change; returns it as one row.

        Final is a failure, or as many confirmations as its currency asks for: CONFIRMED is the first one only.

        Parameters
        ----------
        transaction_id
            The transaction.
        seconds
            When to give up; the row then is not final, which is said.
        """
        return follow(
            lambda: self.get(transaction_id), _is_final, _told, self._connection.transport.clock, seconds=seconds
        )


def _confirmed(given: str, phrase: str) -> None:
    if given != phrase:
        raise InvalidRequest(
            f"nothing was sent: it is confirmed by confirm={phrase!r}, not {shorten(given)}.", field="confirm"
        )


def _note(note: "str | Note | None") -> "Note | None":
    from ledgerkit.payloads import Note

    if note is None or isinstance(note, Note):
        return note
    if not isinstance(note, str):
        raise InvalidRequest(f"`note` = {shorten(note)} can't be used: it is a title, or a Note.", field="note")
    return Note(title=note, content="")


def _is_final(row: Any) -> bool:
    if row["status"] in ENDED:
        return True
    wanted = 1 if row["min_confirmations"] is pd.NA else int(row["min_confirmations"])
    return bool(row["status"] == "CONFIRMED" and row["confirmations"] is not pd.NA and row["confirmations"] >= wanted)


def _told(row: Any) -> str:
    confirmed = (
        ""
        if row["confirmations"] is pd.NA
        else f", {row['confirmations']} of {row['min_confirmations']} confirmations"
    )
    return f"transaction {row['id']}: {row['status']}{confirmed if row['status'] == 'CONFIRMED' else ''}"
