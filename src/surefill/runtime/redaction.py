"""What may not get into a log, whoever wrote it: secrets and control characters.

What: `Redactor`, shared by every formatter of one log directory, so that a secret which one engine
adds is hidden in all of its files.
Invariants: text is cleaned before it is put into any shape, so that no way of writing it down can
hide a secret from the search.
Must never: be asked after the line was written.
"""

from __future__ import annotations

from collections.abc import Iterable

from surefill.secret import Secret


class Redactor:
    """Knows the secrets of the engines that log here."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Never let these through."""
        self._secrets += [secret.reveal() for secret in secrets if secret]

    def clean(self, text: str) -> str:
        """``text`` without them, on one line."""
        return "".join(char if char.isprintable() else " " for char in self.without(text))

    def without(self, text: str) -> str:
        """``text`` without them."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
