"""An archive past one process: workers of Dask read the same files, and add up to the same totals."""

import random
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ledgerkit as lk
from archives.handmade import day, node, put

distributed = pytest.importorskip("distributed", reason="dask is part of the extra dev")
dask_dataframe = pytest.importorskip("dask.dataframe", reason="dask is part of the extra dev")

BY = ["workspace", "currency", "year", "month"]
Totals = dict[tuple[str, str, int, int], Any]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals]:
    """Two workspaces of four months, and their totals from the rows as the service would send them."""
    folder, drawn = tmp_path_factory.mktemp("dask") / "data", random.Random(5)
    totals: Totals = defaultdict(int)
    for workspace in ("acme", "beta / x%"):
        for month in (3, 4, 5, 6):
            nodes = []
            for number in range(60):
                # Beyond 28 digits, where Decimals round, and beyond 38, where they end; below zero, and none.
                amount = drawn.choice([None, drawn.randrange(10**9), 10**27 + 1, 10**30 + 7, -(10**12), 10**40 + 3])
                currency = drawn.choice(["bitcoin", "ethereum"])
                created = f"2026-{month:02}-{drawn.randint(1, 28):02}T00:00:00Z"
                text = None if amount is None else str(amount)
                nodes.append(node(month * 1000 + number, text, created, currency=currency))
                totals[workspace, currency, 2026, month] += amount or 0
            put(folder, nodes, workspace=workspace, start=day(month), until=day(month + 1))
    return folder, dict(totals)


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Two other processes, on loopback alone."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            # The page of each worker listens too; a free port, so that tests may run beside each other.
            worker_dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def totals_of(frame: pd.DataFrame) -> "pd.Series[Any]":
    """Add up exactly: a Fraction has any size, and a sum of Decimals would round at 28 digits."""
    exactly = frame.assign(amount=frame["amount"].fillna("0").map(Fraction))
    return exactly.groupby(BY)["amount"].sum()


def as_totals(series: "pd.Series[Any]") -> Totals:
    return {(str(one[0]), str(one[1]), int(one[2]), int(one[3])): value for one, value in series.items()}  # type: ignore[index]  # a MultiIndex


# Dask 2026.8 calls pandas 3.1 in a way that pandas 4 will not take; that is theirs to mend.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_workers_pandas_and_sql_agree_to_the_last_digit(archived: tuple[Path, Totals], workers: Any) -> None:
    folder, expected = archived
    assert len(workers.scheduler_info()["workers"]) == 2
    lazily = dask_dataframe.read_parquet(folder / "transactions", columns=["amount", *BY])
    assert lazily.npartitions > 1
    by_part = lazily.map_partitions(totals_of, meta=pd.Series([], dtype=object, name="amount")).compute()
    by_workers = as_totals(by_part.groupby(level=BY).sum())

    kept = lk.read_archive(folder)
    kept["amount"] = kept["amount"].fillna(0)
    created = kept["created_on"].dt
    by_pandas = as_totals(kept.groupby(["workspace", "currency", created.year, created.month])["amount"].sum())

    asked = lk.query(
        "select workspace, currency, year, month, sum(amount::bignum) as total from transactions group by all", folder
    )
    by_sql = as_totals(asked.set_index(BY)["total"])

    assert by_workers == expected
    assert by_pandas == expected
    assert by_sql == expected
