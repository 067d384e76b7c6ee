"""Every reason for which Surefill refuses, stops or warns: one closed list of codes.

What: `ReasonCode` (CATEGORY_CONDITION) with its sentence, and `Reason` = code + the values.
Why: a refusal without a code cannot be counted, and one without the offending value cannot be
understood (rules 7 and 19 of the house). The table in the docs is generated from here.
Must never: be extended by free text alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum


class ReasonCode(Enum):
    """Code -> sentence with ``{placeholders}`` filled from the reason's context."""

    # The plan itself (validation; every problem is listed at once)
    PLAN_ID_INVALID = "plan id {value} must be 1 to 64 letters, digits or . _ : -"
    PLAN_ID_REUSED = "plan id {value} was used before with another body"
    PLAN_SYMBOL_INVALID = "symbol {value} is not 1 to 10 capital letters, digits or dots"
    PLAN_STRATEGY_INVALID = "strategy {value} must be at most 32 letters, digits or . _ -"
    PLAN_SIDE_INVALID = "side {value} is not buy or sell"
    PLAN_QTY_MISSING = "give a quantity, or the USD at risk from which it follows"
    PLAN_QTY_CONFLICT = "give either a quantity or the USD at risk, not both"
    PLAN_QTY_INVALID = "quantity {value} is not a positive number of shares"
    PLAN_RISK_INVALID = "USD at risk {value} is not positive"
    PLAN_RISK_TOO_SMALL = "USD at risk {value} buys no whole share at {per_share} risk per share"
    PLAN_SIGNAL_PX_INVALID = "signal price {value} is not a positive price"
    PLAN_NUMBER_INVALID = "{field} is not a number: {value}"
    PLAN_EXIT_TIME_INVALID = "exit time {value} is not after the signal"
    PLAN_TACTIC_UNKNOWN = "tactic {value} is not one of {known}"
    PLAN_POLICY_INVALID = "policy {field} = {value} is outside {low} to {high}"
    PLAN_DISTANCE_INVALID = (
        "{field} {value} is neither a positive distance in USD nor a multiple of the risk like 1R"
    )
    PLAN_TRAIL_MISSING = "trail_from {value} says from when on a stop trails, and none does"
    PLAN_SCALE_OUT_INVALID = "scale-out {value} {says}"
    EXITS_LEGACY_ONE_TARGET = "the legacy path has one bracket: no scale-outs"
    PLAN_TRIGGER_INVALID = "trigger {value} {says}"
    PLAN_TRIGGER_LEGACY = "the legacy path enters at once: no trigger"
    PLAN_EXIT_AFTER_INVALID = (
        "exit_after_s {value} is not a number of seconds above 0, up to 30 days"
    )
    FRACTIONAL_UNPROTECTABLE = (
        "quantity {value} has a fraction, which no broker-side stop can cover; use {whole}"
    )
    EXITS_MISSING = "a plan without a stop is never sent"
    EXITS_STOP_WRONG_SIDE = "stop {stop} is not on the losing side of {reference}"
    EXITS_TARGET_WRONG_SIDE = "target {target} is not on the winning side of {reference}"
    EXITS_DISTANCE_TOO_SMALL = "stop distance {distance} is below {minimum}"
    EXITS_TARGET_NOT_POSITIVE = "the target would be at {target}, not a price"
    EXITS_LEVEL_INVALID = "{field} {value} is not a positive price"
    RR_BELOW_MIN = "reward/risk {ratio} is below the minimum {minimum}"
    WORST_PX_BEYOND_STOP = "no price between stop {stop} and worst price {worst} is left"
    # Our gate (before anything is sent)
    ENGINE_NOT_READY = "the engine is still {mode}; entries wait for a complete reconciliation"
    KILL_ACTIVE = "the kill switch is on since {since}"
    HALT_ACTIVE = "new entries are halted: {why}"
    SESSION_CLOSED = "the market is closed"
    SESSION_EXTENDED_DISABLED = "extended hours need the setting and the plan's consent"
    SESSION_NEAR_CLOSE = "the close is in {left_s} s, entries stop {cutoff_s} s before"
    SESSION_TACTIC_NEEDS_RTH = "tactic {value} works in regular hours only"
    SYMBOL_HALTED = "{symbol} is {status}"
    SYMBOL_BUSY = "{symbol} already has trade {other}"
    SYMBOL_RESTRICTED = "{symbol} is on the restricted list"
    SYMBOL_UNKNOWN = "no instrument data for {symbol}"
    SYMBOL_NOT_TRADABLE = "{symbol} is not tradable"
    POSITION_FOREIGN = "the account holds {qty} of {symbol} that are not ours"
    POSITION_UNKNOWN = "the account's positions have not been read"
    SIGNAL_STALE = "the signal is {age_ms} ms old, limit {limit_ms} ms"
    QUOTE_MISSING = "no quote for {symbol}"
    QUOTE_STALE = "the quote is {age_ms} ms old, limit {limit_ms} ms"
    QUOTE_CROSSED = "the quote {bid} x {ask} is not a market"
    STOP_INSIDE_SPREAD = "a stop at {stop} could not rest in the market {bid} x {ask}"
    QTY_ABOVE_LIMIT = "quantity {value} is above the limit {limit}"
    NOTIONAL_ABOVE_LIMIT = "{scope} notional {value} is above the limit {limit}"
    COLLAR_EXCEEDED = "worst price {worst} is more than {limit} of {touch} beyond the market"
    DISPLAYED_SHARE_ABOVE_LIMIT = "{value} shares are above {limit} of the {displayed} displayed"
    VOLUME_SHARE_ABOVE_LIMIT = "{value} shares are above {limit} of the recent volume, {volume}"
    RATE_ABOVE_LIMIT = "{value} entries in a minute ({scope}), limit {limit}"
    DUPLICATE_ORDER = "the same order in {symbol} {age_ms} ms ago, limit {limit_ms} ms"
    TRADES_ABOVE_LIMIT = "{value} open trades, limit {limit}"
    ACCOUNT_UNKNOWN = "the account has not been read: {field} is missing"
    ACCOUNT_BLOCKED = "the broker blocks this account"
    BUYING_POWER_SHORT = "needs {needed}, buying power is {available}"
    DAILY_LOSS_REACHED = "today's loss {value} is beyond the limit {limit}"
    SHORT_DISABLED = "the account may not sell short"
    SHORT_NO_BORROW = "{symbol} is not easy to borrow"
    BUDGET_EXHAUSTED = "{left} broker requests left, {reserved} reserved for protection"
    ADOPT_QTY_UNAVAILABLE = "{asked} of {symbol} asked for; {held} are there that are not ours"
    ADOPT_SYMBOL_BUSY = (
        "{symbol} has an open trade of ours, {other}: the rest can be adopted when it is over"
    )
    # How an entry ended
    ADOPT_REQUESTED = "shares that were there already, adopted by {by}"
    ENTRY_FILLED = "the entry filled completely"
    ENTRY_TIMEOUT = "not filled within {seconds} s inside {worst}"
    ENTRY_NOT_TRIGGERED = "the market did not come to the trigger {trigger} within {seconds} s"
    ENTRY_REJECTED = "the broker rejected the entry: {text}"
    ENTRY_EXPIRED = "the entry expired at the close"
    ENTRY_CANCELED = "the entry was canceled: {by}"
    ENTRY_ABSENT = "the entry never reached the broker: {reads} reads over {seconds} s, not listed"
    ENTRY_COVER_FIRST = "the rest of the entry gave way to cover for what had filled"
    ENTRY_EXITED = "an exit closed shares while the rest of the entry still worked"
    ENTRY_UNSENT = "the entry could not be sent: {text}"
    # Protection and exits
    COVER_REFUSED = "the broker refused cover ({rung}): {text}"
    COVER_LOST = "cover for {qty} shares is gone: {by}"
    COVER_STUCK = "price is through the stop {stop} for {seconds} s without a fill"
    COVER_DORMANT = "the stop rests but cannot elect outside regular hours"
    EXPOSED = "{qty} shares of {symbol} have no cover"
    IN_DOUBT = "order {cl_ord_id}: the broker has not said whether it exists"
    LATE_FILL = "order {cl_ord_id} filled after it was closed as absent"
    VENUE_OVERFILL = "the venue filled {qty} shares too many"
    VENUE_BUST = "execution {exec_id} was busted"
    VENUE_CORRECTED = "execution {exec_id} was corrected"
    FILL_BEYOND_LIMIT = "fill at {px} beyond the worst price {worst}"
    POSITION_BREAK = "{symbol}: our book says {ours}, the broker says {theirs}"
    ORDER_UNKNOWN = "order {cl_ord_id} carries our prefix but no journal knows it"
    CLOSED_ELSEWHERE = "{qty} shares were closed outside Surefill"
    EXIT_MOVE_REFUSED = "the broker refused {count} times in a row to move an exit: {text}"
    REPAIR_LIMIT = "{count} exit changes within {window}, limit {limit}"
    FLATTEN_REQUESTED = "flatten: {by}"
    CLOSE_PENDING = "{left} of the {held} shares held are still to be closed; that goes on"
    HANDED_OVER = "handed over, covered, to {by}"
    TIME_EXIT = "exit time reached"
    INVARIANT_BROKEN = "invariant {name} broken: {text}"
    # Notes that refuse nothing
    CAP_UNDER_ONE_TICK = "{name} of {signal} is less than one tick; the limit is the signal price"
    UNCAPPED = "the legacy path sends a market order without a price cap"


@dataclass(frozen=True, slots=True)
class Reason:
    """One occurrence of a `ReasonCode`. ``context`` holds (name, text) pairs in fixed order."""

    code: ReasonCode
    context: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def of(code: ReasonCode, **values: object) -> Reason:
        """A reason with its values as text, newlines and control characters neutralised (S8)."""
        return Reason(code, tuple((name, _clean(value)) for name, value in values.items()))

    @property
    def sentence(self) -> str:
        """The code's sentence with the values filled in; a missing value shows as ``?``."""
        shown = {name: _shown(name, text) for name, text in self.context}
        return self.code.value.format_map(_Context(shown))

    def __str__(self) -> str:
        return f"{self.code.name}: {self.sentence}"


class _Context(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _shown(name: str, text: str) -> str:
    """A value for people. An instant is kept as UTC ns, so that it stays exact."""
    if name != "since" or not text.isdecimal():
        return text
    at = datetime.fromtimestamp(int(text) // 1_000_000_000, tz=UTC)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _clean(value: object) -> str:
    text = str(value)
    return "".join(char if char.isprintable() else " " for char in text)[:200]
