"""What the tests of archives share: a service that is connected to, and its archive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from serving import Server

import ledgerkit as lk
from archives.service import Service
from ledgerkit.archives.run import keep as archive_of

Archive = Callable[..., pd.DataFrame]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archived(
    serve: Callable[..., Server], connect_to: Callable[..., lk.Session], folder: Path
) -> Callable[[Service], Archive]:
    """Connect to a service, and return what archives its transactions: ``run = archived(service); run()``."""

    def connected(service: Service, *credentials: Any, **settings: Any) -> Archive:
        session = connect_to(serve(service), *credentials, retry_seconds=2, **settings)

        def run(section: str = "transactions", *, into: Path = folder, **options: Any) -> pd.DataFrame:
            one = getattr(session, section)
            return archive_of(one, one._connection, into, **options)

        run.session = session  # type: ignore[attr-defined]  # what a search finds is compared with
        return run

    return connected
