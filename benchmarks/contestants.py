"""The same list, read in several ways. Each is opened first, with imports and one page, and then reads everything.

What a contestant returns is what the person at it works with: a frame, or what it is before it is one.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

PAGE_SIZE: Final = 100
# As many requests at once as the kit makes where so much is announced to be left, as by the server of these measures:
# the floor is one for the same load on the service.
AT_ONCE: Final = 16
HEADERS: Final = {"X-Ledger-Workspace": "benchmark", "Authorization": "Bearer benchmark-access-token"}

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Read = Callable[[], Any]


@contextmanager
def tutorial(url: str) -> Iterator[Read]:
    """The loop of the vendor's tutorials: page after page, a frame of each, put together.

    It is made faster than there: the connection is kept, and pages have 100 rows instead of 30.
    """
    import pandas as pd
    import requests

    def page_of(http: requests.Session, number: int) -> Any:
        answer = http.get(f"{url}/transactions", params={"page": number, "page_size": PAGE_SIZE}, timeout=60)
        answer.raise_for_status()
        return answer.json()

    with requests.Session() as http:
        http.headers.update(HEADERS)
        page_of(http, 1)

        def read() -> Any:
            frames, number, more = [], 1, True
            while more:
                body = page_of(http, number)
                frames.append(pd.json_normalize([edge["node"] for edge in body["edges"]]))
                more = body["page_info"]["has_next_page"]
                number += 1
            return pd.concat(frames, ignore_index=True)

        yield read


@contextmanager
def floor_threads(url: str) -> Iterator[Read]:
    """Concurrent httpx in threads and orjson; pages as they are decoded. Nothing is checked, retried or typed."""
    import httpx
    import orjson

    with httpx.Client(headers=HEADERS) as http, ThreadPoolExecutor(AT_ONCE) as pool:

        def page_of(number: int) -> Any:
            answer = http.get(f"{url}/transactions", params={"page": number, "page_size": PAGE_SIZE})
            return orjson.loads(answer.raise_for_status().content)

        page_of(1)

        def read() -> Any:
            first = page_of(1)
            return [first, *pool.map(page_of, range(2, _pages(first) + 1))]

        yield read


@contextmanager
def floor_asyncio(url: str) -> Iterator[Read]:
    """The same with asyncio instead of threads."""
    import httpx
    import orjson

    with asyncio.Runner() as runner:

        async def opened() -> httpx.AsyncClient:
            return httpx.AsyncClient(headers=HEADERS, limits=httpx.Limits(max_connections=AT_ONCE))

        http = runner.run(opened())

        async def page_of(number: int) -> Any:
            answer = await http.get(f"{url}/transactions", params={"page": number, "page_size": PAGE_SIZE})
            return orjson.loads(answer.raise_for_status().content)

        async def read_all() -> Any:
            first = await page_of(1)
            pages = [first] + [None] * (_pages(first) - 1)
            numbers = iter(range(2, len(pages) + 1))

            async def work() -> None:
                for number in numbers:
                    pages[number - 1] = await page_of(number)

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            return pages

        runner.run(page_of(1))
        yield lambda: runner.run(read_all())
        runner.run(http.aclose())


@contextmanager
def ledgerkit(url: str) -> Iterator[Read]:
    """``session.transactions.search()``: all rows, proven complete, exact, typed."""
    import ledgerkit as lk

    with lk.Session(lk.ApiUser("benchmark", "benchmark-key-id", "benchmark-key-secret"), base_url=url) as session:
        session.transactions.search(limit=PAGE_SIZE)
        yield lambda: session.transactions.search()


def _pages(first: Any) -> int:
    rows: int = first["page_info"]["count"]
    return -(-rows // PAGE_SIZE)


CONTESTANTS: Final[dict[str, Callable[[str], Any]]] = {
    "tutorial": tutorial,
    "floor, threads": floor_threads,
    "floor, asyncio": floor_asyncio,
    "ledgerkit": ledgerkit,
}


def found(name: str, result: Any) -> dict[str, Any]:
    """Count what a contestant has found, in the terms of ``Truth``, as far as it can be told."""
    if name.startswith("floor"):
        nodes = [edge["node"] for page in result for edge in page["edges"]]
        return _counted((node["id"] for node in nodes), (node["amount"] for node in nodes))
    counted = _counted(result["id"], (None if _is_none(one) else one for one in result["amount"]))
    if name != "ledgerkit":
        return counted
    wrong = [str(type(one)) for one in result["amount"].dropna() if type(one) not in (int, Decimal)]
    if wrong or str(result["created_on"].dtype) != "datetime64[us, UTC]" or str(result["id"].dtype) != "Int64":
        raise AssertionError(f"the frame is not what it should be: {wrong[:3]}, {result.dtypes}")
    if result.attrs["complete"] is not True:
        raise AssertionError("the frame is not said to be complete")
    moments = (moment - EPOCH for moment in result["created_on"].dt.to_pydatetime())
    return counted | {
        "fees": str(sum(map(Fraction, result["fees"].dropna()))),
        "created_microseconds": sum(moment // timedelta(microseconds=1) for moment in moments),
        "labels": sum(map(len, result["labels"])),
        "notes": sum(map(len, result["notes"])),
    }


def _counted(ids: Iterable[Any], amounts: Iterable[Any]) -> dict[str, Any]:
    ids, amounts = list(ids), list(amounts)
    return {
        "rows": len(ids),
        "ids": hashlib.sha256(b"".join(b"%d\n" % int(one) for one in ids)).hexdigest(),
        "amount": str(sum(Fraction(one) for one in amounts if one is not None)),
        "without_amount": sum(one is None for one in amounts),
    }


def _is_none(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
