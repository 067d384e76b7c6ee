"""A key that the operating system keeps: read from its keyring when a setting points there.

What: `text_of`; a credential written as ``keyring:SERVICE`` is looked up under that service and the
setting's own name (``keyring set SERVICE APCA_API_SECRET_KEY`` puts it there).
Why: a file or an environment can be read by whatever else runs as this user; a keyring asks first
(failures.md C.6, 13). The lookup is the library's, an extra, loaded only by who needs it.
Must never: fall back to another place, or put what it found into an error.
"""

from __future__ import annotations

PREFIX = "keyring:"


class KeychainProblem(ValueError):
    """The keyring did not give the key. ``says``: a sentence's rest; it begins with the setting."""

    code = "CONFIG_KEYRING"

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


def text_of(text: str, name: str) -> str:
    """``text`` itself, or what the keyring holds for ``name`` where it says ``keyring:SERVICE``.

    Raises `KeychainProblem`.
    """
    if not text.startswith(PREFIX):
        return text
    service = text.removeprefix(PREFIX)
    if not service:
        raise KeychainProblem(f"names no service; write {PREFIX}SERVICE")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise KeychainProblem("needs the library: pip install 'surefill[keyring]'") from None
    try:
        found = keyring.get_password(service, name)
    except KeyringError as error:
        kind = type(error).__name__
        raise KeychainProblem(f"cannot be read, the keyring does not open ({kind})") from None
    if not found:
        raise KeychainProblem(f"is not in the keyring; put it there: keyring set {service} {name}")
    return found
