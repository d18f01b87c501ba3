"""Work behind a form: results come back in the waiting thread, what was stopped brings nothing, errors are told."""

import asyncio
import threading
import warnings

import pytest

from ledgerkit import watching
from ledgerkit.errors import UnknownValue, warn
from ledgerkit.forms.work import Work
from ledgerkit.parallel import Progress, gather


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def work(failures: list[BaseException]) -> Work:
    return Work(failures.append)


def test_a_job_runs_in_another_thread_and_its_result_comes_back_in_this_one(work: Work) -> None:
    threads: list[threading.Thread] = []
    found: list[int] = []

    def done(result: int) -> None:
        threads.append(threading.current_thread())
        found.append(result)

    def job() -> int:
        threads.append(threading.current_thread())
        return 42

    work.start(job, done)
    work.wait(10)
    assert found == [42]
    assert threads[0] is not threading.current_thread()
    assert threads[1] is threading.current_thread()


def test_what_a_job_raises_is_told_and_not_swallowed(work: Work, failures: list[BaseException]) -> None:
    work.start(lambda: 1 // 0, lambda _: None)
    work.wait(10)
    assert [type(one) for one in failures] == [ZeroDivisionError]
    assert not work.running


def test_what_the_result_does_to_a_form_is_told_too_where_it_fails(work: Work, failures: list[BaseException]) -> None:
    work.start(lambda: 0, lambda found: 1 // found)
    work.wait(10)
    assert [type(one) for one in failures] == [ZeroDivisionError]


def test_a_job_that_was_stopped_brings_nothing_back(work: Work) -> None:
    begun, go = threading.Event(), threading.Event()
    found: list[str] = []

    def job() -> str:
        begun.set()
        go.wait(10)
        return "late"

    work.start(job, found.append)
    assert begun.wait(10)
    work.stop()
    go.set()
    work.start(lambda: "next", found.append)
    work.wait(10)
    work.drain()
    assert found == ["next"]


def test_reads_behind_a_form_end_when_it_is_stopped_though_calls_are_in_flight(work: Work) -> None:
    begun, go = threading.Event(), threading.Event()
    ended = threading.Event()

    def call(cancel: threading.Event) -> None:
        begun.set()
        go.wait(10)

    def job() -> None:
        try:
            gather([call] * 4, workers=2, progress=Progress("test"))
        finally:
            ended.set()

    work.start(job, lambda _: None)
    assert begun.wait(10)
    work.stop()
    assert ended.wait(10)  # though nothing has answered yet
    go.set()


def test_progress_and_warnings_go_to_the_watch_and_not_to_the_notebook(work: Work) -> None:
    watches: list[watching.Watch | None] = []

    def job() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn("an odd value", UnknownValue)
        gather([lambda _: None] * 3, workers=2, progress=Progress("test"))
        watches.append(watching.current())

    work.start(job, lambda _: None)
    work.wait(10)
    [watch] = watches
    assert watch is not None
    assert (watch.calls_done, watch.calls_expected, watch.warnings) == (3, 3, ["an odd value"])


def test_where_the_kernel_has_a_loop_nobody_needs_to_wait(work: Work) -> None:
    async def kernel() -> str:
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        work.start(lambda: "brought", found.set_result)
        return await asyncio.wait_for(found, 10)

    assert asyncio.run(kernel()) == "brought"


def test_waiting_has_an_end(work: Work) -> None:
    go = threading.Event()
    work.start(lambda: go.wait(10), lambda _: None)
    with pytest.raises(TimeoutError, match="still works"):
        work.wait(0.01)
    go.set()
    work.wait(10)
