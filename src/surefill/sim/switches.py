"""Every venue rule that is not known for certain, as a named switch with a suggested default.

What: a frozen record. The broker's documents leave some behaviour open (spec section 10, "U1" ..
"U19"), or reports contradict each other; the executor must hold under *each* setting, so they are
configurable and listed here with their source.
Invariant: values are words from a closed set; an unknown name or word is an error, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

CHOICES: dict[str, tuple[str, ...]] = {
    "wash_exempts": ("all_complex", "new_only", "none"),
    "post_status": ("pending_new", "accepted"),
    "stream_pending_new": ("on", "off"),
    "stream_held": ("on", "off"),
    "stream_pending_cancel": ("on", "off"),
    "day_terminal": ("expired", "canceled"),
    "gtc_terminal": ("canceled", "expired"),
    "cls_cutoff": ("15:50", "15:55"),
    "sibling_cancel_event": ("on", "off"),
    "replace_carries_cum": ("on", "off"),
    "lost_replace_events": ("both", "rejected", "replace_rejected"),
    "cl_ord_id_reuse": ("never", "when_done"),
    "limit_far": ("off", "50", "10"),
    "margin_formula": ("equity", "last_equity"),
    "paper_resting_px": ("quote", "limit"),
    "replace_event_order": ("replaced_first", "new_first"),
    "tp_partial_resize": ("in_place", "replaced"),
    "cancel_of_canceled": ("204", "422"),
    "cancel_of_pending_cancel": ("204", "422"),
    "cancel_of_pending_new": ("204", "422"),
    "replace_carries_avg": ("on", "off"),
    "bracket_stop_entry": ("accepted", "refused"),
    "oco_parent_limit": ("refused", "accepted"),
    "nested_replaced_legs": ("current", "all"),
    "buy_stop_side": ("checked", "free"),
    "band_rejects": ("off", "on"),
    "unknown_symbol_code": ("42210000", "40010001"),
    "partial_arms_legs": ("off", "on"),
    "exit_race": ("sequential", "overlapping"),
    "leg_sub_penny": ("on", "off"),
    "simple_class": ("empty", "simple"),
    "outside_prints": ("fill", "ignore"),
    "fill_model": ("queue", "touch", "paper"),
    "queue_place": ("displayed", "last", "first"),
    "day_trade_rule": ("off", "on"),
    "elected_event": ("off", "new"),
}
"""name -> allowed words, the default first."""


class SwitchError(ValueError):
    """An unknown switch, or a word it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The switches of one exchange. Defaults are the suggested ones.

    * ``wash_exempts`` (U19): ``all_complex``: a pair in which either order belongs to a bracket,
      OCO or OTO is exempt; ``new_only``: only if the *new* order does; ``none``: no exemption
      (a 2025 user log of an OCO refused beside a resting opposite limit).
    * ``post_status`` (U1): what a submission answers in regular hours.
    * ``stream_pending_new`` (U1), ``stream_held`` (3.4), ``stream_pending_cancel`` (2.5): whether
      the account stream carries these events.
    * ``day_terminal`` (U2): how a DAY order ends at the close.
    * ``gtc_terminal`` (1.10): how a GTC order ends after 90 days, at 16:15 New York.
    * ``cls_cutoff`` (1.3, 1.10): last moment for CLS orders: documented 15:50, message says 15:55
      (10 or 5 minutes before the close on a half day).
    * ``sibling_cancel_event`` (U5): whether a leg canceled because its sibling was done is
      streamed. Reports before 2026: no; 2026: yes.
    * ``replace_carries_cum`` (U4): a replacement carries the executed quantity; ``off`` is the
      2021 report of a replacement that traded the full quantity again.
    * ``replace_event_order`` (U3): order of ``replaced`` (old) and ``new`` (replacement).
    * ``lost_replace_events`` (U3): when a fill beats a replacement: REJECTED of the new order,
      REPLACE_REJECTED of the old one, or both.
    * ``cl_ord_id_reuse`` (U10): a client id is used up for ever, or only while its order is live.
    * ``limit_far`` (U13): limits more than that many percent worse than the market are refused.
    * ``margin_formula`` (U14): buying power from the equity now, or (legacy) from last equity
      minus last maintenance margin.
    * ``paper_resting_px`` (U17): under ``fill_model=paper`` a resting limit fills at the quote or
      at its own limit.
    * ``tp_partial_resize`` (U6): a partly filled target shrinks the stop in place, or by a
      replacement with a new id.
    * ``cancel_of_canceled`` (U15), ``cancel_of_pending_cancel`` (2.1): repeated cancel accepted or
      refused.
    * ``cancel_of_pending_new`` (2.1): an order that is not acknowledged yet may be canceled.
    * ``replace_carries_avg`` (2.4.5): a replacement carries the average price with the quantity.
    * ``bracket_stop_entry`` (3.1): stop orders may be entries of a bracket or OTO (reports say so).
    * ``oco_parent_limit`` (3.1): an OCO may name its target by its own limit price alone.
    * ``nested_replaced_legs`` (3.5): a parent lists its current legs, or also the replaced ones.
    * ``buy_stop_side`` (1.3): buy stops must be above the market, the mirror of a known rule.
    * ``band_rejects`` (7): limits outside the price bands are refused (not documented: off).
    * ``day_trade_rule`` (1.7): the rule against a fourth day trade, which ended in June 2026.
    * ``elected_event`` (3.7): whether the stream says ``new`` again when a stop is elected.
    * ``unknown_symbol_code`` (U18), ``simple_class`` (1.6): wire spelling, read by the face.
    * ``partial_arms_legs``: documented: legs arm only on the complete fill (3.3). ``on`` arms them
      when a partly filled entry ends, for the executed quantity: a kinder venue for comparison.
    * ``exit_race`` (3.4): a triggered stop waits until its target is canceled (``sequential``), or
      both are at the market for a moment and may both fill (``overlapping``, surprise B-02).
    * ``leg_sub_penny`` (U9): leg prices are checked against the tick.
    * ``outside_prints``: a print outside the NBBO may fill resting orders it trades through. Such
      prints never elect stops (3.7).
    * ``fill_model``: ``queue``: displayed size and queue position; ``touch``: any size at the
      touch; ``paper``: the broker's documented paper simulation (section 6).
    * ``queue_place``: the place of a resting order under ``fill_model=queue``: what is displayed
      bounds the shares ahead (``displayed``, judged on real orders), only prints shorten the queue
      (``last``, pessimistic), or nobody is ahead (``first``, optimistic: any print at its price).
    """

    wash_exempts: str = "all_complex"
    post_status: str = "pending_new"
    stream_pending_new: str = "on"
    stream_held: str = "on"
    stream_pending_cancel: str = "on"
    day_terminal: str = "expired"
    gtc_terminal: str = "canceled"
    cls_cutoff: str = "15:50"
    sibling_cancel_event: str = "on"
    replace_carries_cum: str = "on"
    lost_replace_events: str = "both"
    cl_ord_id_reuse: str = "never"
    limit_far: str = "off"
    margin_formula: str = "equity"
    paper_resting_px: str = "quote"
    replace_event_order: str = "replaced_first"
    tp_partial_resize: str = "in_place"
    cancel_of_canceled: str = "204"
    cancel_of_pending_cancel: str = "204"
    cancel_of_pending_new: str = "204"
    replace_carries_avg: str = "on"
    bracket_stop_entry: str = "accepted"
    oco_parent_limit: str = "refused"
    nested_replaced_legs: str = "current"
    buy_stop_side: str = "checked"
    band_rejects: str = "off"
    day_trade_rule: str = "off"
    elected_event: str = "off"
    unknown_symbol_code: str = "42210000"
    partial_arms_legs: str = "off"
    exit_race: str = "sequential"
    leg_sub_penny: str = "on"
    simple_class: str = "empty"
    outside_prints: str = "fill"
    fill_model: str = "queue"
    queue_place: str = "displayed"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value not in CHOICES[item.name]:
                allowed = "|".join(CHOICES[item.name])
                raise SwitchError(f"switch {item.name}={value}: expected {allowed}")

    @staticmethod
    def from_pairs(pairs: Iterable[str]) -> Switches:
        """Switches from ``["name=value", ...]``; a name given twice is an error."""
        values: dict[str, str] = {}
        for pair in pairs:
            name, separator, value = pair.partition("=")
            if not separator:
                raise SwitchError(f"switch {pair!r}: expected name=value")
            if name not in CHOICES:
                raise SwitchError(f"unknown switch {name!r}; known: {', '.join(CHOICES)}")
            if name in values:
                raise SwitchError(f"switch {name!r} given twice")
            values[name] = value
        return Switches(**values)
