"""Switches of the protocol face: what the wire looks like where Alpaca is not known for certain.

What: `FaceSwitches`, a frozen record with closed values, beside the venue's own
`surefill.sim.switches.Switches`; `split_pairs` sends each ``NAME=VALUE`` to the right one.
Must never: change what an order does. That is the venue's side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from surefill.sim.switches import CHOICES, SwitchError, Switches

FACE_CHOICES: dict[str, tuple[str, ...]] = {
    "stream_frames": ("binary", "text"),
    "unauthorized_body": ("code", "plain"),
    "rate_limit_headers": ("on", "off"),
    "rate_limit_body": ("exceeded", "too_many", "no_code"),
    "half_day_session_close": ("1700", "2000"),
    "event_history": ("off", "on"),
    "sip_access": ("on", "off"),
    "patch_status": ("as_post", "new"),
    "empty_cancel_all": ("207", "200"),
    "nested_limit": ("parents", "rows"),
    "rate_limit_window": ("fixed", "from_first"),
    "data_streams_per": ("account", "feed"),
    "leg_order_text": ("target_first", "stop_first"),
}
"""name -> allowed words, the default first."""

FACE_NUMBERS: dict[str, tuple[int, int, int]] = {
    "rate_limit_per_min": (200, 0, 1_000_000),
    "order_streams_max": (0, 0, 1_000),
    "symbols_max": (0, 0, 1_000_000),
    "data_streams_max": (0, 0, 1_000),
}
"""name -> (default, lowest, highest); 0 means without limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSwitches:
    """Protocol switches; what each means stands in `surefill.sim.alpaca.switch_notes`."""

    stream_frames: str = "binary"
    unauthorized_body: str = "code"
    rate_limit_headers: str = "on"
    rate_limit_body: str = "exceeded"
    half_day_session_close: str = "1700"
    event_history: str = "off"
    sip_access: str = "on"
    patch_status: str = "as_post"
    empty_cancel_all: str = "207"
    nested_limit: str = "parents"
    rate_limit_window: str = "fixed"
    data_streams_per: str = "account"
    leg_order_text: str = "target_first"
    rate_limit_per_min: int = 200
    order_streams_max: int = 0
    symbols_max: int = 0
    data_streams_max: int = 0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in FACE_CHOICES and value not in FACE_CHOICES[item.name]:
                allowed = "|".join(FACE_CHOICES[item.name])
                raise SwitchError(f"switch {item.name}={value}: expected {allowed}")
            if item.name in FACE_NUMBERS:
                _, low, high = FACE_NUMBERS[item.name]
                if not low <= value <= high:
                    raise SwitchError(f"switch {item.name}={value}: expected {low} to {high}")


def split_pairs(pairs: Iterable[str]) -> tuple[Switches, FaceSwitches]:
    """Both records from ``["name=value", ...]``; unknown or repeated names are errors."""
    venue_pairs: list[str] = []
    words: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise SwitchError(f"switch {pair!r}: expected name=value")
        if name in words or name in numbers:
            raise SwitchError(f"switch {name!r} given twice")
        if name in FACE_CHOICES:
            words[name] = value
        elif name in FACE_NUMBERS:
            numbers[name] = _whole(name, value)
        elif name in CHOICES:
            venue_pairs.append(pair)
        else:
            known = ", ".join([*CHOICES, *FACE_CHOICES, *FACE_NUMBERS])
            raise SwitchError(f"unknown switch {name!r}; known: {known}")
    return Switches.from_pairs(venue_pairs), _face(words, numbers)


def _whole(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise SwitchError(f"switch {name}={value}: expected a whole number")
    return int(value)


def _face(words: dict[str, str], numbers: dict[str, int]) -> FaceSwitches:
    known = {item.name for item in fields(FaceSwitches)}
    values: dict[str, str | int] = {**words, **numbers}
    assert known >= set(values)
    return FaceSwitches(**values)  # type: ignore[arg-type]  # checked by __post_init__
