"""What a caller hands over must fit the journal, before the engine sees it.

What: `must_fit`. Why: an event that cannot be written down stops the engine, because nothing may
be done that is not durable first (I8); a caller's ``None`` for a symbol must end in the caller's
own traceback, not in an engine that leaves everybody's trades alone.
Invariants: nothing is changed and nothing is posted here.
Must never: judge a plan that is well typed; that is the gate's.
"""

from __future__ import annotations

from typing import TypeVar

from surefill.core.events import OperatorActed, PlanSubmitted, PositionAdopted
from surefill.core.plan import PlanError, type_problems
from surefill.journal.codec import encode

E = TypeVar("E", PlanSubmitted, PositionAdopted, OperatorActed)


def must_fit(event: E) -> E:
    """The same event. Raises `PlanError` for a plan's fields and ``TypeError`` for others."""
    if isinstance(event, PlanSubmitted | PositionAdopted):
        problems = type_problems(event.plan)
        if problems:
            raise PlanError(problems)
    encode(event)
    return event
