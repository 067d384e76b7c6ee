"""When an order may work, and when and how it ends by itself.

What: answers from the calendar and the switches: opening of the session an order waits for, instant
and status of its end (spec 1.10, 2.3).
Must never: change an order.
"""

from __future__ import annotations

from surefill.core.fix import OrdStatus, TimeInForce
from surefill.core.units import NANO
from surefill.sim.orders import VenueOrder
from surefill.sim.state import Venue
from surefill.sim.switches import Switches

GTC_LIFE_NS = 90 * 86_400 * NANO
"""Good-till-canceled orders end 90 days after they were entered (spec 1.10)."""
GTC_JOB_NS = (6 * 60 + 45) * 60 * NANO
"""From the open to 16:15 New York, when aged orders are ended."""


def opens_ns(venue: Venue, order: VenueOrder) -> int | None:
    """Opening of the session an order entered now works in; ``None`` beyond the calendar."""
    session = venue.coming_session(extended=order.extended_hours)
    if session is None:
        return None
    return session.pre_ns if order.extended_hours else session.open_ns


def is_open(venue: Venue, order: VenueOrder) -> bool:
    """Whether that session is on."""
    at_ns = opens_ns(venue, order)
    return at_ns is not None and at_ns <= venue.now_ns


def end_ns(venue: Venue, order: VenueOrder) -> int | None:
    """DAY ends with the session it works in, GTC after 90 days; ``None`` beyond the calendar."""
    if order.tif is TimeInForce.GTC:
        return _end_of_life_ns(venue, order.created_ns)
    session = venue.coming_session(extended=order.extended_hours)
    if session is None:
        return None
    return session.post_ns if order.extended_hours else session.close_ns


def _end_of_life_ns(venue: Venue, created_ns: int) -> int:
    """16:15 New York of the first exchange day that is 90 days after the entry or later."""
    ends_ns = created_ns + GTC_LIFE_NS
    for session in venue.calendar.sessions:
        job_ns = session.open_ns + GTC_JOB_NS
        if job_ns >= ends_ns:
            return job_ns
    return ends_ns


def end_status(switches: Switches, order: VenueOrder) -> OrdStatus:
    """How it ends then."""
    is_day = order.tif is TimeInForce.DAY
    word = switches.day_terminal if is_day else switches.gtc_terminal
    return OrdStatus.CANCELED if word == "canceled" else OrdStatus.EXPIRED
