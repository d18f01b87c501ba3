"""An archive: everything that a search finds, kept as Parquet files that grow, stay whole, and are read back exactly.

This module needs none of the packages of the extra ``archive``; those that do are imported when they are asked for.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from ledgerkit.errors import ConfigurationError

if TYPE_CHECKING:
    from ledgerkit.connection import Connection

# What an archive is written and read with.
PACKAGES: Final = ("pyarrow", "filelock")


def check_packages(names: Sequence[str] = PACKAGES) -> None:
    """Raise where a package of the extra ``archive`` is missing."""
    if missing := [name for name in names if find_spec(name) is None]:
        raise ConfigurationError(
            f"archives need {' and '.join(missing)}, not installed here: pip install 'ledgerkit-enterprise[archive]'."
        )


def archive(section: Any, connection: "Connection", folder: str | PathLike[str], **options: Any) -> pd.DataFrame:
    """Keep one list of a workspace; see :meth:`ledgerkit.resources.base.Section.archive`."""
    check_packages()
    done: pd.DataFrame = import_module("ledgerkit.archive.run").archive(section, connection, folder, **options)
    return done
