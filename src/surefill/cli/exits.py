"""Exit codes: fixed, because people script the command line.

A script that places trades must be able to tell "nothing happened" from "something may have
happened" without reading text; code 4 is the only one after which a human has to look.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    NOT_TRADED = 1
    """The trade was denied, rejected or not entered. No position came of it."""
    USAGE = 2
    """Bad usage or bad input. Nothing was sent."""
    UNAVAILABLE = 3
    """The broker or the journal could not be used."""
    EXPOSED = 4
    """Shares without cover, or an order that may have worked. Somebody must look."""


MEANING: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.NOT_TRADED: "the trade was denied, rejected or not entered",
    Exit.USAGE: "bad usage or input; nothing was sent",
    Exit.UNAVAILABLE: "broker or journal unavailable",
    Exit.EXPOSED: "exposed or in doubt: look now",
}
"""The same in words, for help and documents."""
