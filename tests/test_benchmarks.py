"""The command that measures: it runs through, all contestants find what was served, and a wrong number stops it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledgerkit.sandbox.world import World, build

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the package

from benchmarks import __main__ as main  # noqa: E402 - found by the line above
from benchmarks import archiving, measuring, reading, report, stopwatch, transactions  # noqa: E402 - found by the line above
from benchmarks.contestants import CONTESTANTS, PAGE_SIZE, found  # noqa: E402 - found by the line above
from benchmarks.server import Refused, Service  # noqa: E402 - found by the line above

ROWS = 300


@pytest.fixture(scope="module")
def prepared() -> transactions.Prepared:
    return transactions.prepare(ROWS)


@pytest.fixture(scope="module")
def served() -> Iterator[measuring.Served]:
    with measuring.serving(ROWS, [0, 1]) as served:
        yield served


def test_one_command_measures_everything_and_writes_the_table(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"Before.\n{report.BEGIN}\nold\n{report.END}\nAfter.\n")
    options = ["--transactions", str(ROWS), "--rounds", "1", "--latency", "0", "1", "--starts", "1"]
    done = subprocess.run(  # noqa: S603 - this interpreter and this repository's module
        [sys.executable, "-m", "benchmarks", *options, "--into", str(tmp_path)],
        cwd=ROOT,
        env=measuring.surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "README.md").read_text()
    assert written.startswith(f"Before.\n{report.BEGIN}\n")
    assert written.endswith(f"{report.END}\nAfter.\n")
    assert "old" not in written
    assert str(Path.home()) not in written
    rows = [line for line in written.splitlines() if line.startswith("| all transactions into a frame, ")]
    assert [line.split(" | ")[0] for line in rows] == [
        f"| all transactions into a frame, {latency} ms a request" for latency in (0, 0, 1, 1)
    ]
    assert "| peak of memory of an archive, 300 rows | the same in one part | not measured: " in written
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["whole"] is True
    assert list(results["samples"]) == ["reading", "pieces", "archive"]
    for latency in ("0", "1"):
        runs = results["samples"]["reading"][latency]
        assert list(runs) == list(CONTESTANTS)
        assert len({run["found"]["ids"] for samples in runs.values() for run in samples}) == 1
        assert {run["found"]["rows"] for samples in runs.values() for run in samples} == {ROWS}


@pytest.mark.parametrize("name", list(CONTESTANTS))
def test_every_contestant_finds_what_was_served(name: str, served: measuring.Served) -> None:
    with CONTESTANTS[name](served.urls["0"]) as read:
        served.check(name, found(name, read()))


def test_a_contestant_that_finds_another_sum_is_refused(served: measuring.Served) -> None:
    with CONTESTANTS["ledgerkit"](served.urls["0"]) as read:
        frame = read()
    # A float that has lost a few wei of one amount.
    position = next(row for row, amount in enumerate(frame["amount"]) if amount >= 10**27)
    frame.at[position, "amount"] = int(float(frame.at[position, "amount"]))
    with pytest.raises(AssertionError, match="found other than was served"):
        served.check("ledgerkit", found("ledgerkit", frame))


def test_the_rows_have_what_makes_them_hard() -> None:
    nodes = list(transactions.nodes(3000))
    amounts = [node["amount"] for node in nodes]
    assert [node["id"] for node in nodes] == list(range(3000, 0, -1))
    assert all(amount is None or type(amount) is str for amount in amounts)
    assert None in amounts
    assert max(int(amount) for amount in amounts if amount and amount.isdecimal()) > 10**27
    assert {len(node["labels"]) for node in nodes} > {0, 2}
    assert {True, False} == {bool(node["notes"]) for node in nodes}
    assert len({node["uid"] for node in nodes}) == len({node["created_on"] for node in nodes}) == 3000
    bytes_a_row = transactions.prepare(3000).truth.bytes_of_json / 3000
    assert 1100 < bytes_a_row < 1300


def test_the_same_rows_are_made_at_any_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = []

    def built(**given: Any) -> World:
        moments.append(given["now"])
        return build(**given)

    monkeypatch.setattr(transactions, "build", built)
    assert len(list(transactions.nodes(5))) == 5
    assert moments == [transactions.MADE]


def test_pages_are_cut_from_the_list_that_the_bounds_leave(prepared: transactions.Prepared) -> None:
    service = Service(prepared)
    nodes = list(transactions.nodes(ROWS))

    def page(query: str) -> tuple[list[int], dict[str, Any]]:
        body = json.loads(service.body("GET", f"/transactions?{query}"))
        return [edge["node"]["id"] for edge in body["edges"]], body["page_info"]

    assert page("page=1&page_size=100") == (list(range(300, 200, -1)), {"count": 300, "has_next_page": True})
    assert page("page=3&page_size=100") == (list(range(100, 0, -1)), {"count": 300, "has_next_page": False})
    assert page("page=4&page_size=100") == ([], {"count": 300, "has_next_page": False})
    assert page("page=2&page_size=7")[0] == list(range(293, 286, -1))
    assert page("")[0] == list(range(300, 280, -1))
    between = json.loads(service.body("GET", "/transactions?page_size=100"))["edges"][9]["node"]["created_on"]
    bounded = page(f"page_size=5&created_before={between.replace('+00:00', 'Z')}")
    assert bounded == (list(range(290, 285, -1)), {"count": 290, "has_next_page": True})
    bounded = page(f"page_size=20&created_after={between.replace('+00:00', 'Z')}")
    assert bounded == (list(range(300, 290, -1)), {"count": 10, "has_next_page": False})
    assert len(nodes) == ROWS


@pytest.mark.parametrize("target", ["/transactions?status=CONFIRMED", "/transactions?order=asc", "/accounts"])
def test_what_the_server_can_not_honour_it_refuses(prepared: transactions.Prepared, target: str) -> None:
    with pytest.raises(Refused):
        Service(prepared).body("GET", target)


def test_an_answer_has_a_date_and_its_connection_is_kept(served: measuring.Served) -> None:
    with httpx.Client() as http:
        answers = [http.get(f"{served.urls['1']}/transactions", params={"page": page}) for page in (1, 2)]
        assert all(answer.headers["Date"].endswith(" GMT") for answer in answers)
        streams = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
        assert len(streams) == 1
        refused = http.get(f"{served.urls['0']}/transactions", params={"status": "CONFIRMED"})
        assert refused.status_code == 400


def test_packed_answers_unpack_to_the_same(served: measuring.Served) -> None:
    asked = {"page": 2, "page_size": PAGE_SIZE}
    plain, packed = (httpx.get(f"{served.urls[name]}/transactions", params=asked) for name in ("0", "gzip"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content


def test_a_table_says_whether_goals_are_met_and_how_much_rounds_differ() -> None:
    slow = measuring.Measure("reading", "a loop", [1.0, 3.0, 2.5], "times faster", at_least=4)
    fine = measuring.Measure("importing", "pandas", [1.0, 1.2], "times the time", at_most=1.1, processor=[1.5, 1.5])
    lines = report.table([slow, fine]).splitlines()
    assert lines[2] == (
        "| reading | a loop | **2.50** times faster | 1.00 to 3.00 (3 rounds) |  | at least 4 | **not met** |"
    )
    assert lines[3] == (
        "| importing | pandas | **1.10** times the time | 1.00 to 1.20 (2 rounds) | 1.50 | at most 1.1 | met |"
    )


def test_a_readme_without_its_markers_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("By hand.\n")
    with pytest.raises(ValueError, match="lost its markers"):
        report.save(tmp_path, [], {}, "settings", whole=True)
    assert (tmp_path / "README.md").read_text() == "By hand.\n"


def test_a_stage_inside_of_another_is_not_counted_twice() -> None:
    moment = 0

    def work(ticks: int) -> None:
        nonlocal moment
        moment += ticks

    class Work:
        def inner(self) -> None:
            work(3)

        def outer(self) -> None:
            work(1)
            self.inner()
            work(4)

    watch = stopwatch.Stopwatch(lambda: moment)
    assert watch.watch(Work, "outer", "outer")
    assert watch.watch(Work, "inner", "inner")
    assert not watch.watch(Work, "gone", "gone")
    work(100)
    Work().outer()
    work(100)
    assert watch.spent() == {"inner": 3, "outer": 5}


def test_an_archive_of_one_part_is_not_compared_with_itself() -> None:
    one, seven = ({"parts": parts, "peak_bytes": 100 * 2**20, "rows": 10_000 * parts} for parts in (1, 7))
    measure = archiving.compared_by_memory(20_000, [one], [one])
    assert measure.met is None
    assert report.table([measure]).splitlines()[2] == (
        "| peak of memory of an archive, 20,000 rows | the same in one part "
        "| not measured: all of it fits into one part |  |  | at most 1.2 |  |"
    )
    assert archiving.compared_by_memory(70_000, [seven], [seven]).why_not == "what it is compared with is in 7 parts"
    unknown = seven | {"peak_bytes": None}
    assert archiving.compared_by_memory(70_000, [unknown], [one]).ratios == ()
    measure = archiving.compared_by_memory(70_000, [seven], [one])
    assert (measure.median, measure.met) == (1.0, True)
    assert measure.what == "peak of memory of an archive, 70,000 rows in 7 parts"


def test_a_run_that_is_stopped_keeps_what_it_has_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def nobody(*given: Any) -> Iterator[measuring.Served]:
        yield measuring.Served({}, {})

    def read(*given: Any) -> Iterator[measuring.Step]:
        yield measuring.Step([measuring.Measure("reading", "a loop", [2.0], "times faster")], "reading", {"0": [1]})
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "serving", nobody)
    monkeypatch.setattr(reading, "measure", read)
    with pytest.raises(KeyboardInterrupt):
        main.main(["--into", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["whole"], results["samples"]) == (False, {"reading": {"0": [1]}})
    written = (tmp_path / "README.md").read_text()
    assert "did not come to its end" in written
    assert "| reading | a loop | **2.00** times faster" in written
