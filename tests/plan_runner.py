"""A process that runs a plan of payments against a server, and dies where it is told to.

``python plan_runner.py URL JOURNAL COUNT [MOMENT]``
"""

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from paying import Moments, payments, watch_the_disk

import ledgerkit as lk
from ledgerkit import plans
from ledgerkit.clock import SystemClock
from ledgerkit.drafts import Draft
from ledgerkit.lookups import Lookups
from ledgerkit.payloads import BitcoinLikeSend, Speed
from ledgerkit.plans import desks, rechecks
from ledgerkit.plans.journal import JournalInUse
from ledgerkit.resources.requests import Requests

IN_USE = 3
STARTED = time.monotonic()


@dataclass
class Deadly(Moments):
    """Moments of which one is the last: the process gets SIGKILL, as from a kernel that is out of memory."""

    def pass_by(self, name: str) -> None:
        self.names.append(name)
        if self.end_at is not None and len(self.names) > self.end_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Impatient(SystemClock):
    """The clock of the machine, in the year of the server, on which the plan does not wait between its looks.

    A clock that leaps would let the calls of other threads time out.
    """

    def time(self) -> float:
        return 1_800_000_000.0 + self.monotonic() - STARTED

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.0 if threading.current_thread() is threading.main_thread() else seconds)


def main(url: str, journal: str, count: str, moment: str | None = None) -> int:
    moments = Deadly(None if moment is None else int(moment))
    watch_the_disk(pytest.MonkeyPatch(), lambda: moments)
    with lk.Session(lk.ApiUser("acme", "key", "secret"), base_url=url, writes=True, clock=Impatient()) as session:
        connection = session.transactions._connection

        def send(account: int, recipient: str, amount: Any) -> Draft:
            payload = BitcoinLikeSend(
                account_id=account,
                account_name="Treasury",
                currency="bitcoin_testnet",
                amount=amount,
                recipient=recipient,
                max_fees=100,
                fees_strategy=Speed("NORMAL"),
            )
            return Requests(connection).draft(payload)

        lookups = Lookups(connection)
        # Not checked again: the server that it runs against checks no payments.
        expected = partial(rechecks.expected, lookups)
        desk = desks.for_payments(connection, lookups, send, session.transactions.search, expected=expected)
        plan = plans.payments(connection, desk, payments(int(count)), journal=Path(journal))
        assert "payments" in repr(plan)
        try:
            plan.run(plan.phrase)
        except JournalInUse:
            return IN_USE
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
