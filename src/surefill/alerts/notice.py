"""One thing to tell people: its code, how bad it is, a sentence, what to do first.

Why not the alert itself: rules, the watchdog and the channels speak of different things, and all of
them are told in the same way.
Must never: carry an account number or a key.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.tca.rules import Severity

CHANNEL_FAILING = "CHANNEL_FAILING"
CHANNEL_ADVICE = (
    "`surefill alerts test` tells what is wrong with it; until then alerts come by the others alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``what``: a symbol or a name where one code is about several things; ``is_over``: it is none
    any more; ``at_ns``: when it was noticed (UTC)."""

    code: str
    severity: Severity
    sentence: str
    advice: str
    at_ns: int
    what: str = ""
    is_over: bool = False
