"""Parents and markets for the tests of cost analysis: dollars and shares in, units out."""

from __future__ import annotations

from surefill.core.market import Nbbo
from surefill.core.units import NANO, to_nano
from surefill.tca.facts import Fate
from surefill.tca.market import Market
from surefill.tca.parent import HORIZONS_NS, Execution, Marks, Parent

SECOND_NS = 1_000_000_000
START_NS = 1_772_463_600 * SECOND_NS
"""2026-03-02 10:00 in New York."""
USD = NANO * NANO
"""One dollar of cost (1e-18 USD)."""


def px(text: str) -> int:
    """A price."""
    return to_nano(text)


def fill(qty: int, at: str, mid: str | None = None, *, later: str | None = None) -> Execution:
    """``qty`` shares at a price; the mid before it and at every horizon."""
    return Execution(
        qty * NANO,
        px(at),
        START_NS + SECOND_NS,
        px(mid) if mid else None,
        (px(later) if later else None,) * len(HORIZONS_NS),
    )


def parent(plan_id: str = "p1", **more: object) -> Parent:
    """A purchase of 100 ACME at a signal of 100.00, missed unless fills are given."""
    given: dict[str, object] = {
        "plan_id": plan_id,
        "symbol": "ACME",
        "sign": 1,
        "path": "smart",
        "fate": Fate.ENTERED if more.get("fills") else Fate.NOT_ENTERED,
        "code": "ENTRY_FILLED",
        "order_qty": 100 * NANO,
        "arrival_ns": START_NS,
        "end_ns": START_NS + 2 * SECOND_NS,
        "budget_ns": START_NS + 60 * SECOND_NS,
        "signal_px": px("100"),
        "marks": Marks(),
    }
    return Parent(**(given | more))  # type: ignore[arg-type]


def market(*quotes: tuple[int, str, str], size: int = 100, **more: object) -> Market:
    """Quotes (seconds from `START_NS`, bid, ask), each side showing ``size`` shares."""
    count = len(quotes)
    return Market(
        "ACME",
        [START_NS + at * SECOND_NS for at, _, _ in quotes],
        [px(bid) for _, bid, _ in quotes],
        [size * NANO] * count,
        [px(ask) for _, _, ask in quotes],
        [size * NANO] * count,
        **more,  # type: ignore[arg-type]
    )


def quote(bid: str, ask: str, size: int = 100) -> Nbbo:
    """A quote at `START_NS`."""
    return Nbbo(px(bid), size * NANO, px(ask), size * NANO, START_NS, START_NS)
