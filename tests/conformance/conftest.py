"""Numbers of the run that a green dot does not show."""

import pytest

NUMBERS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NUMBERS] = []


# In quotes: pytest 8 does not name it.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    for line in config.stash.get(NUMBERS, []):
        terminalreporter.write_line(line)
