"""What each switch means and where its question comes from: one table for command line and docs.

What: `NOTES` (name -> source, sentence) over the venue's and the protocol's switches. ``U1`` ..
``U19`` are the open questions of alpaca.md section 10, other sources are its sections.
Invariants: every switch has a note and every open question a switch (tested); the table in
docs/exchange.md is `table()` (tested).
Must never: explain a switch that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from surefill.sim.alpaca.switches import FACE_CHOICES, FACE_NUMBERS
from surefill.sim.switches import CHOICES

COLUMNS = 79
"""Width of a terminal that nobody has widened."""

NOTES: Mapping[str, tuple[str, str]] = {
    "post_status": ("U1", "status a submission is answered with in regular hours"),
    "stream_pending_new": ("U1", "whether the stream carries `pending_new` (or `accepted`)"),
    "day_terminal": ("U2", "how a DAY order ends at the close"),
    "replace_event_order": ("U3", "which comes first on the stream: `replaced` or `new`"),
    "lost_replace_events": ("U3", "what tells that a fill beat a replacement"),
    "replace_carries_cum": ("U4", "whether a replacement carries the filled quantity"),
    "sibling_cancel_event": ("U5", "whether a leg canceled by its sibling's fill is streamed"),
    "tp_partial_resize": ("U6", "how a partly filled target shrinks its stop"),
    "rate_limit_per_min": ("U7", "requests per account in a fixed 60 s window; 0 = no limit"),
    "rate_limit_headers": ("U7", "whether answers carry the X-RateLimit headers"),
    "rate_limit_body": ("U7", "wording of a 429, with or without a code"),
    "unauthorized_body": ("U8", "a 401 with a code (recorded) or without (2026)"),
    "leg_sub_penny": ("U9", "whether prices of legs must be on the tick"),
    "cl_ord_id_reuse": ("U10", "whether a client order id is free again once its order is done"),
    "order_streams_max": ("U11", "`trade_updates` sockets per account; 0 = any number"),
    "half_day_session_close": ("U12", "`session_close` of the calendar on a half day"),
    "limit_far": ("U13", "refuse limits this many percent worse than the market"),
    "margin_formula": ("U14", "buying power from the equity now, or from that of the last close"),
    "cancel_of_canceled": ("U15", "answer to canceling a canceled order"),
    "event_history": ("U16", "whether `GET /v2/events/trades` replays past events (SSE)"),
    "paper_resting_px": ("U17", "price of a resting limit under `fill_model=paper`"),
    "unknown_symbol_code": ("U18", "code and wording for an unknown symbol"),
    "wash_exempts": ("U19", "which complex orders the wash-trade check exempts"),
    "gtc_terminal": ("1.10", "how a GTC order ends after 90 days, at 16:15 New York"),
    "cls_cutoff": ("1.3", "last moment for CLS orders: as documented, or as the message says"),
    "stream_held": ("3.4", "whether the stream carries `held` for legs"),
    "stream_pending_cancel": ("2.5", "whether the stream carries `pending_cancel`"),
    "cancel_of_pending_cancel": ("2.1", "answer to a second cancel while the first is under way"),
    "partial_arms_legs": ("3.3", "whether legs arm for a partly filled entry that ended"),
    "exit_race": ("3.4", "whether a triggered stop waits for its target to be canceled"),
    "simple_class": ("1.6", "how a simple order spells its class"),
    "outside_prints": ("3.7", "whether prints outside the NBBO fill resting orders"),
    "fill_model": ("6", "how orders fill: see assumptions"),
    "queue_place": ("6", "who is ahead of a resting order under `fill_model=queue`"),
    "stream_frames": ("4.5", "frames of `trade_updates`: as the paper or the live service"),
    "symbols_max": ("5.1", "market-data symbols per socket (30 on the free plan); 0 = any"),
    "data_streams_max": ("5.1", "market-data sockets per account; 0 = any number"),
    "buy_stop_side": ("1.3", "whether buy stops must be above the market"),
    "rate_limit_window": (
        "1.4",
        "where the 60 s of the request limit start: minute of the clock, or first request",
    ),
    "day_trade_rule": ("1.7", "whether a fourth day trade is refused below $25,000 (legacy)"),
    "cancel_of_pending_new": ("2.1", "answer to canceling an order that is not acknowledged yet"),
    "patch_status": ("2.4", "status in the answer to a replacement"),
    "replace_carries_avg": ("2.4", "whether a replacement carries the average price"),
    "empty_cancel_all": ("2.5", "status of cancel-all and close-all when there is nothing"),
    "nested_limit": ("2.6", "what `limit` counts in a nested listing: parents, or legs as well"),
    "bracket_stop_entry": ("3.1", "whether a bracket or OTO may enter by a stop order"),
    "oco_parent_limit": ("3.1", "whether an OCO may name its target by its own limit alone"),
    "nested_replaced_legs": ("3.5", "legs a parent lists after a replacement"),
    "data_streams_per": ("5.1", "what `data_streams_max` counts over"),
    "leg_order_text": (
        "1.3",
        "which leg the refusal of a target on the wrong side of its stop names",
    ),
    "elected_event": ("3.7", "whether the stream says `new` again when a stop is elected"),
    "band_rejects": ("7", "whether limits outside the price bands are refused"),
    "sip_access": ("5.2", "whether the account may use the SIP feed in real time"),
}
"""name -> (source in alpaca.md, what it decides)."""


def values_of(name: str) -> str:
    """The allowed values, the default first."""
    if name in FACE_NUMBERS:
        default, low, high = FACE_NUMBERS[name]
        return f"{default} ({low}..{high})"
    return ", ".join(CHOICES.get(name) or FACE_CHOICES[name])


def table() -> str:
    """The Markdown table of docs/exchange.md."""
    lines = ["| switch | values, default first | decides | source |", "|---|---|---|---|"]
    for name, (source, sentence) in NOTES.items():
        lines.append(f"| `{name}` | {values_of(name)} | {sentence} | {source} |")
    return "\n".join(lines) + "\n"


def lines() -> list[str]:
    """What ``surefill exchange --switches`` prints: two lines or more for each."""
    told: list[str] = []
    for name, (source, sentence) in NOTES.items():
        told.append(f"{name} = {values_of(name)} ({source})")
        told += wrap(sentence, COLUMNS, initial_indent="    ", subsequent_indent="    ")
    return told
