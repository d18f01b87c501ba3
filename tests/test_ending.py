"""How a session ends while it is at work, and what a forked process may do with it."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable

import pytest
from serving import Reply, Seen, Server, Stall

import ledgerkit as lk
from ledgerkit.clock import SystemClock

Serve = Callable[..., Server]
Connect = Callable[..., lk.Session]


def test_close_wakes_the_readers_of_a_silent_server_and_leaves_no_thread(serve: Serve, connect_to: Connect) -> None:
    # They waited out their read_timeout: closing a socket does not wake who waits at it.
    asked = threading.Event()

    def silent(seen: Seen) -> Stall:
        asked.set()
        return Stall()

    session = connect_to(serve(silent), clock=SystemClock())
    errors: list[BaseException] = []

    def read() -> None:
        try:
            session.accounts.balances([1, 2, 3])
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert asked.wait(10)
    began = time.monotonic()
    session.close()
    reader.join(10)
    assert [type(error) for error in errors] == [lk.SessionClosed]
    assert time.monotonic() - began < 5
    for thread in threading.enumerate():
        if thread.name == "ledgerkit-read":
            thread.join(5)
    assert "ledgerkit-read" not in {thread.name for thread in threading.enumerate()}


def test_a_write_that_close_cuts_off_may_have_been_carried_out(serve: Serve, connect_to: Connect) -> None:
    asked = threading.Event()

    def silent(seen: Seen) -> Stall:
        asked.set()
        return Stall()

    session = connect_to(serve(silent), clock=SystemClock(), writes=True)

    def close() -> None:
        asked.wait(10)
        session.close()

    threading.Thread(target=close).start()
    with pytest.raises(lk.OutcomeUnknown):
        session.raw("PUT", "/notifications/configuration", json={})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_does_not_read_its_parents_answers(serve: Serve, connect_to: Connect) -> None:
    # It shared the sockets, and each process got answers that were meant for the other.
    session = connect_to(serve(lambda seen: Reply({"path": seen.path})))
    session.raw("GET", "/organization")
    said, heard = multiprocessing.get_context("fork").Pipe()
    child = os.fork()
    if child == 0:
        try:
            session.raw("GET", "/users")
        except lk.SessionClosed as error:
            heard.send(str(error))
        finally:
            heard.close()
            os._exit(0)
    os.waitpid(child, 0)
    assert said.poll(5)
    assert "forked" in said.recv()
    assert session.raw("GET", "/organization") == {"path": "/organization"}
