"""What pytest loads in a run over mutants: quick tests first, and the same few generated examples in each run."""

from typing import Final

import pytest
from hypothesis import Phase, settings

EXAMPLES: Final = 40
# The attribute in which Hypothesis keeps the settings of a test; a test that has it is one with generated examples.
_SETTINGS: Final = "_hypothesis_internal_use_settings"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests with generated examples last, and let them try few, without the search for smaller ones."""
    items.sort(key=lambda item: hasattr(getattr(item, "obj", None), _SETTINGS))
    for item in items:
        test = getattr(item, "obj", None)
        given = getattr(test, _SETTINGS, None)
        if isinstance(given, settings):
            few = settings(
                given,
                max_examples=min(given.max_examples, EXAMPLES),
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.explicit, Phase.generate],
            )
            setattr(test, _SETTINGS, few)
