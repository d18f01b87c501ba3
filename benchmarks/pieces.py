"""Smaller things, each in a fresh process of its own: what it took, as one line of JSON."""

import gc
import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import memory

PAGE_SIZE: Final = 100
FORMS: Final = 15


def _timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    started, worked = time.perf_counter(), time.process_time()
    result = work()
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    return {"seconds": seconds, "processor_seconds": worked}, result


def import_baseline() -> dict[str, Any]:
    """Import what the kit can't do without."""

    def work() -> None:
        import httpx  # noqa: F401 - the import is what is timed
        import pandas  # noqa: F401 - the import is what is timed

    return _timed(work)[0]


def import_ledgerkit() -> dict[str, Any]:
    """Import the kit."""

    def work() -> None:
        import ledgerkit  # noqa: F401 - the import is what is timed

    return _timed(work)[0]


def frame_baseline(count: str) -> dict[str, Any]:
    """Make a frame of nodes with pandas alone."""
    import pandas as pd

    from benchmarks.transactions import decoded_pages

    nodes = [node for page in decoded_pages(int(count), PAGE_SIZE) for node in page]
    took, frame = _timed(lambda: pd.json_normalize(nodes))
    return took | {"rows": len(frame), "amount": str(sum(map(Fraction, frame["amount"].dropna())))}


def frame_ledgerkit(count: str) -> dict[str, Any]:
    """Make a frame of nodes as a search does: leaves of each page, put together, a frame of them."""
    from benchmarks.transactions import decoded_pages
    from ledgerkit import garbage
    from ledgerkit.frames import join
    from ledgerkit.resources.transactions import TRANSACTION

    pages = decoded_pages(int(count), PAGE_SIZE)

    def work() -> Any:
        with garbage.paused():  # as a search does
            parts = [TRANSACTION.leaves(nodes) for nodes in pages]
        return TRANSACTION.frame(join(parts))

    took, frame = _timed(work)
    return took | {"rows": len(frame), "amount": str(sum(map(Fraction, frame["amount"].dropna())))}


def first_result_baseline(url: str) -> dict[str, Any]:
    """Sign in and fetch one page, with httpx alone; the context of TLS, which loopback does not need, is empty."""
    import ssl

    import httpx

    def work() -> int:
        with httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as http:
            sent = {"X-Ledger-Workspace": "benchmark"}
            keys = {"api_key_id": "benchmark-key-id", "api_key_secret": "benchmark-key-secret"}
            token = http.post(f"{url}/auth/token", headers=sent, json=keys).raise_for_status().json()
            sent["Authorization"] = f"Bearer {token['access_token']}"
            asked = {"page": 1, "page_size": PAGE_SIZE}
            body = http.get(f"{url}/transactions", headers=sent, params=asked).raise_for_status().json()
            return len(body["edges"])

    took, rows = _timed(work)
    return took | {"rows": rows}


def first_result_ledgerkit(url: str) -> dict[str, Any]:
    """Connect and search, for as many rows as one page has."""
    import ledgerkit as lk

    def work() -> int:
        with lk.connect(
            base_url=url,
            workspace="benchmark",
            api_key_id="benchmark-key-id",
            api_key_secret="benchmark-key-secret",  # noqa: S106 - of the server of benchmarks, which takes any
        ) as session:
            return len(session.transactions.search(limit=PAGE_SIZE))

    took, rows = _timed(work)
    return took | {"rows": rows}


def archive(url: str, rows: str) -> dict[str, Any]:
    """Archive the newest rows into an empty folder, and read back what is in its files, part by part."""
    import httpx
    import pyarrow.parquet as pq

    import ledgerkit as lk

    asked = {"page": -(-int(rows) // PAGE_SIZE), "page_size": PAGE_SIZE}
    page = httpx.get(f"{url}/transactions", params=asked).raise_for_status().json()
    after = page["edges"][-1]["node"]["created_on"]
    keys = lk.ApiUser("benchmark", "benchmark-key-id", "benchmark-key-secret")
    with lk.Session(keys, base_url=url) as session, TemporaryDirectory() as folder:
        session.transactions.search(limit=PAGE_SIZE)
        before = memory.start()
        took, said = _timed(lambda: session.transactions.archive(folder, created_after=after))
        peak = memory.peak()
        read, amount, largest = 0, Fraction(), 0
        for path in Path(folder).rglob("*.parquet"):
            amounts = pq.read_table(path, columns=["amount"], partitioning=None)["amount"].to_pylist()
            amount += sum(Fraction(one) for one in amounts if one is not None)
            read += len(amounts)
            largest = max(largest, len(amounts))
    if not said["complete"].all() or read != said["rows"].sum():
        raise AssertionError(f"the archive is not complete, or its files have {read} rows: {said.to_dict()}")
    return took | {
        "peak_bytes": None if peak is None or before is None else peak - before,
        "rows": read,
        "amount": str(amount),
        "largest_part": largest,
        "parts": int(said["parts"].iloc[0]),
        "requests": int(said["requests"].iloc[0]),
    }


def form() -> dict[str, Any]:
    """Make the search form of transactions, and then the bare widgets that it consists of, so many times in turn."""
    import ipywidgets as widgets

    import ledgerkit as lk

    made: list[type[Any]] = []
    with lk.connect("sandbox", transactions=100) as session:
        session.transactions.form().close()
        widgets.Widget.on_widget_constructed(lambda widget: made.append(type(widget)))
        session.transactions.form().close()
        widgets.Widget.on_widget_constructed(None)
        # Each makes its own layout and style, bare too; of a class of ours, the nearest of ipywidgets.
        bare = [
            next(one for one in kind.__mro__ if one.__module__.startswith("ipywidgets."))
            for kind in made
            if not issubclass(kind, widgets.Layout | widgets.Style)
        ]
        forms, baselines = [], []
        for _ in range(FORMS):
            gc.collect()
            took, built = _timed(session.transactions.form)
            forms.append(took)
            built.close()
            gc.collect()
            took, built = _timed(lambda: [kind() for kind in bare])
            baselines.append(took)
            for one in built:
                one.close()
    return {"forms": forms, "baselines": baselines, "widgets": len(bare)}


PIECES: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    "import, baseline": import_baseline,
    "import, ledgerkit": import_ledgerkit,
    "frame, baseline": frame_baseline,
    "frame, ledgerkit": frame_ledgerkit,
    "first result, baseline": first_result_baseline,
    "first result, ledgerkit": first_result_ledgerkit,
    "archive": archive,
    "form": form,
}


if __name__ == "__main__":
    print(json.dumps(PIECES[sys.argv[1]](*sys.argv[2:])))
