"""A secret for one run of the engine: the only module that draws one.

What: `fresh_token`, 256 bits from the operating system, as text.
Why a module: unseeded chance is banned everywhere else, because nothing that decides may depend on
it; a token decides nothing and must not be guessable (failures.md C.6, 8).
Must never: be used for ids of orders or plans.
"""

from __future__ import annotations

import secrets

TOKEN_BYTES = 32


def fresh_token() -> str:
    """64 hex digits that nobody has seen before."""
    return secrets.token_hex(TOKEN_BYTES)
