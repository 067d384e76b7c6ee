"""An entry as a tactic sees it: a long at 100.00, first limit 100.05, worst 100.10, 60 s."""

from __future__ import annotations

from surefill.core.pricing import EntryTerms
from surefill.core.session import SessionKind
from surefill.core.tactic import EntryView
from surefill.core.units import NANO, to_nano

TERMS = EntryTerms(
    order_qty=100 * NANO,
    cap_px=to_nano("100.10"),
    worst_px=to_nano("100.10"),
    first_limit_px=to_nano("100.05"),
    stop_px=to_nano("98.10"),
    target_px=to_nano("104.10"),
    rr_planned_ppb=2 * NANO,
)
VIEW = EntryView(
    sign=1,
    terms=TERMS,
    leaves_qty=100 * NANO,
    started_ns=1_000,
    deadline_ns=60_000_001_000,
    session=SessionKind.RTH,
    market=None,
)
