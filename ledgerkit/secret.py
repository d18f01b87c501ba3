"""Secrets as a type of their own, so that none is shown by accident."""

from typing import Any, NoReturn

MASK = "********"


class Secret:
    """A text that is never shown: its repr, str, format and HTML are a mask, and it can't be pickled or copied out.

    Only :meth:`reveal` gives the text. Equality compares the texts; a secret has no hash and no length.
    """

    __slots__ = ("__text",)
    __hash__ = None  # type: ignore[assignment]  # a hash would be a fingerprint of the text

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a secret is a text, not {type(text).__name__}")
        self.__text = text

    def reveal(self) -> str:
        """Return the text, for the moment at which it is sent or signed with."""
        return self.__text

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        return self.__text == other.__text if isinstance(other, Secret) else NotImplemented

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def _repr_html_(self) -> str:
        return MASK

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret can't be pickled or copied: it would leave the process in clear")
