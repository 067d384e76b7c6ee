"""Who holds shares, and how far the market went meanwhile: kept beside the trades, not in them.

What: `Watches`. Views go in, some comparisons each; a trade that changes for another reason takes
its `Excursion` along into its image and its record.
Why beside: a value that changed a trade with every quote would write a record with every quote
(design section 3). Like market views it is ambient and travels with the next decision.
Invariants: nothing is done for a symbol of which no trade holds shares; what was not written down
when a process died counts as not seen; taking the same look twice changes nothing, so that a record
can be decided again from what it holds.
Must never: change a trade, or be asked by a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from surefill.core.excursion import Excursion, regular_ns
from surefill.core.market import MarketView
from surefill.core.plan import SECOND_NS
from surefill.core.session import Calendar, SessionKind
from surefill.core.trade import Trade

GAP_NS = 5 * SECOND_NS
"""A feed that works says so once a second; a longer silence is a stretch that was not seen, and a
quote older than this is no look."""


class _Watch:
    """One trade that holds shares: an `Excursion` in the making."""

    __slots__ = ("adverse_px", "favorable_px", "seen_ns", "sign", "unseen_ns")

    def __init__(self, sign: int, seen: Excursion) -> None:
        self.sign = sign
        self.take(seen)

    def take(self, seen: Excursion) -> None:
        self.seen_ns = seen.seen_ns
        self.adverse_px = seen.adverse_px
        self.favorable_px = seen.favorable_px
        self.unseen_ns = seen.unseen_ns

    def look(self, px: int) -> None:
        sign = self.sign
        if self.adverse_px is None or sign * (px - self.adverse_px) < 0:
            self.adverse_px = px
        if self.favorable_px is None or sign * (px - self.favorable_px) > 0:
            self.favorable_px = px

    def wait(self, now: int, calendar: Calendar) -> None:
        """Nobody looked since ``seen_ns``; that counts when it was too long and the market open."""
        if now > self.seen_ns + GAP_NS:
            missed_ns = regular_ns(calendar, self.seen_ns, now)
            self.unseen_ns += missed_ns if missed_ns > GAP_NS else 0
        self.seen_ns = max(self.seen_ns, now)

    def told(self) -> Excursion:
        return Excursion(self.seen_ns, self.adverse_px, self.favorable_px, self.unseen_ns)


class Watches:
    """``_held``: symbol -> trade id -> watch, of trades that hold shares."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, _Watch]] = {}

    def load(self, trades: Iterable[Trade]) -> None:
        """Take over what a journal remembers: since its last word nothing was seen, and of a trade
        without an excursion nothing at all."""
        for trade in trades:
            if _is_held(trade):
                self._begin(trade, trade.excursion or Excursion(trade.started_ns))

    def recall(self, seen: Mapping[str, Excursion]) -> None:
        """What a record says was seen (trade id -> excursion), for those who decide it again."""
        for watches in self._held.values():
            for trade_id, watch in watches.items():
                if trade_id in seen:
                    watch.take(seen[trade_id])

    def look(self, view: MarketView, now: int, calendar: Calendar) -> None:
        """Take in one view of a market."""
        watches = self._held.get(view.symbol)
        if not watches or not _is_current(view, now):
            return
        is_regular = calendar.kind_at(now) is SessionKind.RTH
        for watch in watches.values():
            watch.wait(now, calendar)
            if is_regular and view.nbbo is not None:
                watch.look(view.nbbo.near_px(watch.sign))

    def follow(
        self, trade: Trade, view: MarketView | None, *, now: int, calendar: Calendar
    ) -> Excursion | None:
        """What to keep of a trade as it has become; its watch begins, with a look at what is known
        of the market, and ends here."""
        watch = self._held.get(trade.symbol, {}).get(trade.trade_id)
        if not _is_held(trade):
            if watch is None:
                return trade.excursion
            watch.wait(now, calendar)
            self._end(trade)
        elif watch is None:
            watch = self._begin(trade, trade.excursion or Excursion(now))
            watch.seen_ns = now  # it held no shares meanwhile
            if view is not None:
                self.look(view, now, calendar)
        return watch.told()

    def _begin(self, trade: Trade, seen: Excursion) -> _Watch:
        watch = _Watch(trade.sign, seen)
        self._held.setdefault(trade.symbol, {})[trade.trade_id] = watch
        return watch

    def _end(self, trade: Trade) -> None:
        watches = self._held[trade.symbol]
        del watches[trade.trade_id]
        if not watches:
            del self._held[trade.symbol]


def _is_held(trade: Trade) -> bool:
    return trade.position_qty > 0 and not trade.is_closed


def _is_current(view: MarketView, now: int) -> bool:
    age_ns = view.quote_age_ns(now)
    is_quoted = view.nbbo is not None and view.nbbo.is_two_sided
    return is_quoted and age_ns is not None and age_ns <= GAP_NS
