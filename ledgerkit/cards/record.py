"""A frame of one object, which is shown as its card."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from ledgerkit.cards.known import Known
from ledgerkit.cards.layouts import KINDS, card, look_alikes, title
from ledgerkit.cards.sections import rows_of


class _Frames(type):
    """Counts every DataFrame as one: pandas' ``assert_frame_equal`` asks for an instance of the right one's class."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, pd.DataFrame)


class Record(pd.DataFrame, metaclass=_Frames):
    """The frame that ``get`` gives for one id: a DataFrame in all things but that it is shown as a card.

    All that is made of it is a plain DataFrame.

    Parameters
    ----------
    frame
        The one row.
    kind
        What it is, as :func:`~ledgerkit.cards.card` takes it.
    known
        Names and units; what is looked up after this frame was made shows too.
    """

    # Not pickled: a frame from a file is shown with what it has.
    _known: Known | None = None

    def __init__(self, frame: pd.DataFrame, known: Known | None = None) -> None:
        super().__init__(frame)  # type: ignore[call-arg]  # the stubs know __new__ alone
        self.attrs = dict(frame.attrs)
        object.__setattr__(self, "_known", known)

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str | None:
        kind = self._kind()
        return super()._repr_html_() if kind is None else card(kind, self, self._known)  # type: ignore[misc]  # the stubs leave it out

    def __repr__(self) -> str:
        kind = self._kind()
        if kind is None:
            return super().__repr__()
        rows = rows_of(self)
        width = max(len(name) for name, _ in rows)
        head = " · ".join(part for part in (str(self.attrs.get("environment", "")), title(kind, self)) if part)
        alike = look_alikes(kind, self, self._known)
        return "\n".join([head, *(f"  {name:<{width}}  {value}" for name, value in rows), *alike])

    def _kind(self) -> str | None:
        """Return the kind, None where what was done to this frame in place left no one object of it."""
        kind: Any = self.attrs.get("table")
        return kind if kind in KINDS and len(self) == 1 and "id" in self.columns else None
