"""Which faults a seed has, how often and how bad: its own few of the catalogue (failures.md C.3).

What: `draw_faults`.
Invariants: every code of `DRAWN` is drawn by some seeds; a fault with a rate lies in wait for the
whole storm.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from surefill.replay.simulate.scenario import Armed
from surefill.sim.faults import MODES, WINDOWED, Fault, FaultCode, Param

PERCENT_PPB = 10_000_000
Draw = Callable[[Random], dict[str, Param]]

_PARAMS: dict[FaultCode, Draw] = {
    FaultCode.N2: lambda c: {"accept_delay_ms": c.choice((0, 0, 400, 3_000, 20_000, 90_000))},
    FaultCode.N3: lambda c: {
        "status": c.choice((500, 502, 503, 504)),
        "effect": bool(c.randrange(2)),
        "delay_ms": c.choice((0, 0, 1_000)),
    },
    FaultCode.N4: lambda c: {"headers": bool(c.randrange(4)), "retry_after_s": c.randint(1, 4)},
    FaultCode.N5: lambda c: {
        "mode": c.choice(MODES[FaultCode.N5]),
        "effect": bool(c.randrange(4)),
    },
    FaultCode.N6: lambda c: {
        "delay_ms": c.choice((1_000, 4_000, 12_000, 30_000)),
        "never": not c.randrange(4),
    },
    FaultCode.N7: lambda c: {"mode": c.choice(MODES[FaultCode.N7])},
    FaultCode.N8: lambda c: {
        "lag_ms": c.choice((200, 1_000, 5_000)),
        "list_lag_ms": c.choice((1_000, 5_000, 30_000)),
    },
    FaultCode.N9: lambda c: {"mode": c.choice(MODES[FaultCode.N9]), "rows": c.randint(1, 3)},
    FaultCode.N11: lambda c: {"mode": c.choice(MODES[FaultCode.N11])},
    FaultCode.W2: lambda c: {"copies": c.randint(1, 3)},
    FaultCode.W3: lambda c: {"delay_ms": c.choice((50, 500, 5_000))},
    FaultCode.W4: lambda c: {"delay_ms": c.choice((100, 1_000, 8_000, 30_000))},
    FaultCode.W5: lambda c: {
        "mode": c.choice(MODES[FaultCode.W5]),
        "refuse_ms": c.choice((0, 1_000, 6_000)),
    },
    FaultCode.W7: lambda c: {"mode": c.choice(MODES[FaultCode.W7])},
    FaultCode.W8: lambda c: {"mode": c.choice(MODES[FaultCode.W8])},
    FaultCode.V19: lambda c: {"delay_ms": c.choice((500, 2_000, 10_000))},
}
_TARGETS: dict[str, tuple[str, ...]] = {
    "N": ("*", "*", "POST", "GET", "DELETE", "PATCH", "POST /v2/orders"),
    "W": ("orders",),
    "V": ("*",),
}
_RARE = frozenset({FaultCode.W5, FaultCode.W7, FaultCode.V18, FaultCode.V19, FaultCode.V20})
"""Struck a few times, not at a rate: each lasts."""


DRAWN = (
    *(FaultCode.N1, FaultCode.N2, FaultCode.N3, FaultCode.N4, FaultCode.N5, FaultCode.N6),
    *(FaultCode.N7, FaultCode.N8, FaultCode.N9, FaultCode.N10, FaultCode.N11),
    *(FaultCode.W1, FaultCode.W2, FaultCode.W3, FaultCode.W4, FaultCode.W5, FaultCode.W6),
    *(FaultCode.W7, FaultCode.W8, FaultCode.W9),
    *(FaultCode.V18, FaultCode.V19, FaultCode.V20),
)
"""The faults on the way and inside the venue. What else the venue or people do (halts, busts,
rejections, half days, gaps, double fills) is drawn as what happens, not as a fault of the edge."""


def draw_faults(chance: Random, storm_ms: int) -> list[Armed]:
    """One to six codes, each as single incidents, at a rate, or as a window of its own."""
    codes = chance.sample(DRAWN, chance.choice((1, 2, 3, 4, 6)))
    return [armed for code in codes for armed in _arms(code, chance, storm_ms)]


def _arms(code: FaultCode, chance: Random, storm_ms: int) -> list[Armed]:
    params = _PARAMS[code](chance) if code in _PARAMS else {}
    target = chance.choice(_TARGETS[code.value[0]])
    if code in WINDOWED:
        return [_window(code, chance, storm_ms) for _ in range(chance.choice((1, 1, 2)))]
    if code in _RARE or chance.randrange(2):
        return [
            Armed(chance.randrange(storm_ms), Fault(code, target, count=1, params=params))
            for _ in range(chance.randint(1, 4))
        ]
    rate_ppb = chance.choice((2, 5, 10, 20)) * PERCENT_PPB
    return [
        Armed(
            0,
            Fault(code, target, probability_ppb=rate_ppb, params=params | {"for_ms": storm_ms}),
        )
    ]


def struck_once(code: FaultCode, chance: Random) -> Fault:
    """One incident of this code, wherever it can happen; one that lasts begins when it strikes."""
    params = _PARAMS[code](chance) if code in _PARAMS else {}
    if code in WINDOWED:
        return _window(code, chance, 1).fault
    target = "orders" if code.value[0] == "W" else "*"
    return Fault(code, target, count=1, params=params)


def _window(code: FaultCode, chance: Random, storm_ms: int) -> Armed:
    params: dict[str, Param] = {"for_ms": chance.choice((1_500, 6_000, 20_000))}
    target = "orders" if code is FaultCode.W6 else "*"
    if code is FaultCode.N10:
        params["mode"] = chance.choice(MODES[code])
    return Armed(chance.randrange(storm_ms), Fault(code, target, params=params))
