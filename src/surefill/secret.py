"""A text that does not show itself: what keys and passwords are kept in.

What: `Secret`, and `no_core_files` for processes that hold some. Why apart from `config`: a
journal's address has a password too, and the layers below the settings must be able to keep it.
Must never: appear in a ``repr``, a pickle or a comparison with plain text.
"""

from __future__ import annotations

import resource


def no_core_files() -> None:
    """From here on a crash of this process, or of a child, writes no memory with keys to disk."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


class Secret:
    """A text that shows itself only when asked by name. It is equal to nothing but its like."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for whoever must send it on, nothing else."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")
