"""What tests of archives look at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from serving import Server

Connected = Callable[..., Callable[..., pd.DataFrame]]

PENDING = {"status": "PENDING_APPROVAL", "confirmations": 0}


def files(folder: Path) -> list[str]:
    """The files of the archive, without the workspace's folder."""
    return sorted("/".join(path.parts[-3:]) for path in folder.rglob("*.parquet"))


def one(frame: pd.DataFrame, **wanted: Any) -> None:
    """The one row of a result says this."""
    row = frame.iloc[0].to_dict()
    assert {name: row[name] for name in wanted} == wanted


def written_and_interrupted(write: Callable[..., None], stop: int, written: list[Any], *arguments: Any) -> None:
    write(*arguments)
    written.append(arguments)
    if len(written) == stop:
        raise KeyboardInterrupt


def write_profiles(folder: Path, servers: dict[str, Server], workspaces: dict[str, str]) -> None:
    """Write a ``.env`` with a reporting key for each prefix of a profile (``"TREASURY_"``, ``""``)."""
    lines = [
        f"LEDGER_ENTERPRISE_{prefix}{name}={value}"
        for prefix, server in servers.items()
        for name, value in (
            ("API_URL", server.url),
            ("WORKSPACE", workspaces[prefix]),
            ("REPORTING_API_KEY", "canary-reporting-key"),
        )
    ]
    (folder / ".env").write_text("\n".join(lines))
