"""Archives of a few rows, written without asking a service."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ledgerkit.archives import parts, schema
from ledgerkit.archives.parts import Origin, Part
from ledgerkit.frames import Table
from ledgerkit.operations import marked
from ledgerkit.resources.pledges import Pledges
from ledgerkit.resources.requests import Requests
from ledgerkit.resources.transactions import Transactions

TABLES: dict[str, Table] = {
    section.name: marked(section.search).table for section in (Transactions, Requests, Pledges)
}
READ_AT = datetime(2026, 11, 1, tzinfo=UTC)


def day(month: int, number: int = 1) -> datetime:
    return datetime(2026, month, number, tzinfo=UTC)


def put(
    folder: Path,
    nodes: list[dict[str, Any]],
    *,
    workspace: str = "acme",
    dataset: str = "transactions",
    start: datetime | None = None,
    until: datetime | None = None,
    complete: bool = True,
    ended: bool = True,
    since: datetime | None = None,
    identity: str | None = None,
    gone: Sequence[int | str] = (),
) -> Path:
    """Write one part, as a run would, and return where it is; ``ended`` where the run came to its end with it."""
    table = TABLES[dataset]
    frame = table.frame(table.leaves(nodes))
    arrow = schema.to_arrow(frame, table, pd.Timestamp(READ_AT))
    part = Part(
        Origin(
            dataset, workspace, "http://127.0.0.1:1", "LOCAL", "api_user", workspace if identity is None else identity
        ),
        start,
        until,
        rows=len(frame),
        open=0,
        counted=len(frame),
        complete=complete,
        read_at=READ_AT,
        unfit=schema.unfit(arrow, table),
        further=schema.further_names(frame, table),
        gone=list(gone),
    )
    parts.write(folder, part, arrow)
    if ended:
        there = parts.kept_in(parts.directory_of(folder, dataset, workspace)).parts
        parts.seal(folder, part.origin, there, since=since, until=max(one.until or READ_AT for one in there))
    return part.path(folder)


def node(identity: int, amount: str | None, created_on: str, **more: Any) -> dict[str, Any]:
    return {"id": identity, "amount": amount, "created_on": created_on, **more}
