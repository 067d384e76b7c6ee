"""The two baselines of the tapes' README, as it counts them: prints alone, the queue never shrinks.

``displayed-queue``: filled when the prints at or through its price sum up to what was displayed
when it came, its own shares included. ``touch``: filled by any print at or through its price.
On joins of the best price, until the owner's cancel, they give the README's numbers to the digit
(`benchmarks.fill_model`, rows "cancel").
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.real_orders import Event, Real

BASELINES = ("displayed-queue", "touch")


def baseline_ns(
    real: Real, events: Sequence[Event], start: int, *, until_ns: int
) -> tuple[int | None, int | None]:
    """When each of `BASELINES` fills it (UTC ns); ``None``: not until then. It joins with event
    ``start``, which shows it for the first time."""
    first = events[start].quote
    assert first is not None
    displayed = first[1] if real.sign > 0 else first[3]
    traded = 0
    touched_ns: int | None = None
    for n in range(start + 1, len(events)):
        event = events[n]
        if event.ts_ns > until_ns:
            return None, touched_ns
        if event.trade is None or real.sign * (real.px - event.trade[0]) < 0:
            continue
        touched_ns = touched_ns or event.ts_ns
        traded += event.trade[1]
        if traded >= displayed:
            return event.ts_ns, touched_ns
    return None, touched_ns
