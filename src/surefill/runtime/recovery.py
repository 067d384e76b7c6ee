"""What is left of start-up beside `Stepper.restore`: finding a plan's trade wherever it is kept.

What: `remembered` (open, watched or only in the journal), `remembered_closing`, `is_same_plan`, and
`unread`, what a start still waits for.
Why: a plan id is the caller's idempotency key (I9): the same plan gives its first result, however
long ago and in whichever process that was; another body under the same id is an error.
Must never: change what it finds.
"""

from __future__ import annotations

from surefill.core.plan import TradePlan
from surefill.core.state import Closing, Denial, EngineState
from surefill.core.trade import Trade
from surefill.journal.images import ENGINE_IMAGE, closing_name, decode_closing, decode_trade
from surefill.runtime.stepper import Stepper


def remembered(stepper: Stepper, plan_id: str) -> Trade | Denial | None:
    """What became of this plan so far; ``None`` for an id that was never used.

    Raises `JournalError` when the journal's image of it is damaged.
    """
    trade = stepper.engine.book.get(plan_id)
    if trade is not None:
        return trade
    if plan_id == ENGINE_IMAGE or stepper.engine.book.known_as(plan_id) is None:
        return None
    image = stepper.journal.image(plan_id)
    return decode_trade(image) if image is not None else None


def remembered_closing(stepper: Stepper, key: str) -> Closing | None:
    """The closing request that was taken under this id; ``None`` for a new id.

    Raises `JournalError` when the journal's image of it is damaged.
    """
    if key not in stepper.engine.book.closings:
        return None
    image = stepper.journal.image(closing_name(key))
    return decode_closing(image) if image is not None else None


def is_same_plan(found: Trade | Denial, plan: TradePlan) -> bool:
    """Whether the caller asks for what was asked for before."""
    return found.plan == plan


def unread(state: EngineState) -> str:
    """What has not been read since the start (I25), in words."""
    parts = {
        "the order stream": state.is_stream_up,
        "the account": state.account is not None,
        "the orders": state.orders_read_ns >= state.started_ns,
        "the positions": state.positions_read_ns >= state.started_ns,
        "the calendar": bool(state.calendar.sessions),
    }
    return ", ".join(name for name, was_read in parts.items() if not was_read) + " missing"
