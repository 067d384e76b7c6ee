"""The trade plan: what a trader asks for, immutable, and the policy it is judged by.

What: `TradePlan` (symbol, side, quantity or USD at risk, signal price, exits by distance or by
level), `Policy` (the seven classic settings and what a plan may override), `plan_problems`.
Invariants: a plan never changes after it is accepted; risk is data of the plan, never re-derived
(diary A-15, A-30). Validation lists *every* problem at once.
Must never: fill in a missing stop, side or price.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import partial

from surefill.core.fix import Side
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.core.management import (
    NOTHING,
    Management,
    management_of,
    management_problems,
    mistyped,
    scale_out_problems,
)
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import NANO, UnitError, to_nano, to_text
from surefill.core.values import replace

SECOND_NS = 1_000_000_000
TRIGGER_FOR_NS_MAX = 86_400 * SECOND_NS
SYMBOL_PATTERN = re.compile(r"[A-Z][A-Z0-9.]{0,9}")
STRATEGY_PATTERN = re.compile(r"[A-Za-z0-9._-]{0,32}")


@dataclass(frozen=True, slots=True)
class ExitsByDistance:
    """Stop ``risk_px`` (1e-9 USD) from the fill, target ``rr_ppb`` times as far beyond it."""

    risk_px: int
    rr_ppb: int


@dataclass(frozen=True, slots=True)
class ExitsByLevel:
    """Stop and target where the strategy drew them, 1e-9 USD; they do not move with the fill."""

    stop_px: int
    target_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an entry may cost and how long it may take. Ratios in ppb, times in ns.

    The defaults are the seven settings that users have in their ``.env`` (design section 5).
    """

    max_slippage_ppb: int = NANO // 1000
    limit_buffer_regular_ppb: int = NANO // 2000
    limit_buffer_extended_ppb: int = NANO // 5000
    fill_timeout_ns: int = 60 * SECOND_NS
    min_rr_ppb: int = 2 * NANO
    extended_hours: bool = False


POLICY_BOUNDS: dict[str, tuple[int, int]] = {
    # 2 % is far beyond any sane cap; a larger number is a percentage typed as a fraction.
    "max_slippage_ppb": (0, 20_000_000),
    "limit_buffer_regular_ppb": (0, 20_000_000),
    "limit_buffer_extended_ppb": (0, 20_000_000),
    "fill_timeout_ns": (100_000_000, 23_400 * SECOND_NS),
    "min_rr_ppb": (0, 1000 * NANO),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePlan:
    """One trade as asked for. Prices 1e-9 USD, quantities 1e-9 share, times UTC ns.

    ``side`` opens the position: `Side.BUY` a long, `Side.SELL_SHORT` a short. Exactly one of
    ``order_qty`` and ``risk_usd`` is set. ``overrides`` are (policy field, value) pairs.
    ``exit_at_ns`` is the time exit; ``flat_by_close`` closes the trade before the session ends
    (otherwise its cover is good until canceled). ``strategy`` names who asked, for accounts that
    several strategies share; it decides nothing. ``manage``: how the stop follows the market.
    ``trigger_px``: a breakout entry, which waits until the market is there (`core.breakout`), for
    ``trigger_for_ns`` at most (``None``: to the end of the session). Its signal price is where the
    cap is counted from, as ever: the trigger itself, or beyond it.
    """

    plan_id: str
    symbol: str
    side: Side
    signal_px: int
    exits: ExitsByDistance | ExitsByLevel | None
    order_qty: int | None = None
    risk_usd: int | None = None
    signal_ns: int | None = None
    tactic: str = "limit"
    overrides: tuple[tuple[str, int], ...] = ()
    extended_hours: bool = False
    exit_at_ns: int | None = None
    flat_by_close: bool = False
    strategy: str = ""
    manage: Management = NOTHING
    trigger_px: int | None = None
    trigger_for_ns: int | None = None

    @property
    def sign(self) -> int:
        """+1 for a long plan, -1 for a short one."""
        return self.side.sign

    @classmethod
    def of(
        cls,
        symbol: str,
        side: str,
        quantity: object = None,
        *,
        plan_id: str,
        signal_price: object = None,
        stop: object = None,
        target: object = None,
        risk: object = None,
        rr: object = None,
        risk_usd: object = None,
        tactic: str = "limit",
        signal_ns: int | None = None,
        exit_at_ns: int | None = None,
        flat_by_close: bool = False,
        extended_hours: bool = False,
        overrides: tuple[tuple[str, int], ...] = (),
        strategy: str = "",
        trigger: object = None,
        trigger_for_s: object = None,
        **manage: object,
    ) -> TradePlan:
        """A plan from what people type: text, ``int``, ``Decimal`` or a double (shortest repr).

        Exits by level: ``stop`` and ``target`` prices. By distance: ``risk`` in USD per share and
        ``rr`` as a ratio. ``side`` is ``"buy"`` or ``"sell"`` (opening a short). ``manage``: see
        `management_of` (``break_even="1R"``, ``trail="1.25"``, ``trail_from="2R"``). With a
        ``trigger`` and no signal price, that is the signal price.
        Raises `PlanError` with every problem that makes the plan unreadable.
        """
        problems: list[Reason] = []
        managed = management_of(problems, **manage)
        number = partial(_number, problems)
        plan_side = _SIDES.get(str(side).lower())
        if plan_side is None:
            problems.append(Reason.of(ReasonCode.PLAN_SIDE_INVALID, value=side))
        trigger_px = number("trigger", trigger)
        signal_px = trigger_px if signal_price is None else number("signal_price", signal_price)
        exits = _exits_of(
            number("stop", stop), number("target", target), (number("risk", risk), number("rr", rr))
        )
        order_qty, risk_nano = number("quantity", quantity), number("risk_usd", risk_usd)
        trigger_for_ns = number("trigger_for_s", trigger_for_s)
        if problems or plan_side is None or signal_px is None:
            raise PlanError(tuple(problems) or (Reason.of(ReasonCode.PLAN_SIGNAL_PX_INVALID),))
        return cls(
            plan_id=plan_id,
            symbol=symbol,
            side=plan_side,
            signal_px=signal_px,
            exits=exits,
            order_qty=order_qty,
            risk_usd=risk_nano,
            signal_ns=signal_ns,
            tactic=tactic,
            overrides=overrides,
            extended_hours=extended_hours,
            exit_at_ns=exit_at_ns,
            flat_by_close=flat_by_close,
            strategy=strategy,
            manage=managed,
            trigger_px=trigger_px,
            trigger_for_ns=trigger_for_ns,
        )

    def with_policy(self, policy: Policy) -> Policy:
        """The effective policy: ``policy`` with this plan's valid overrides."""
        return replace(policy, **dict(self.overrides))  # type: ignore[arg-type]


def _number(problems: list[Reason], field: str, value: object) -> int | None:
    try:
        return None if value is None else to_nano(str(value))
    except UnitError:
        problems.append(Reason.of(ReasonCode.PLAN_NUMBER_INVALID, field=field, value=value))
        return None


class PlanError(ValueError):
    """A plan that cannot be read; ``problems`` lists every reason."""

    def __init__(self, problems: tuple[Reason, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


_SIDES = {
    "buy": Side.BUY,
    "long": Side.BUY,
    "sell": Side.SELL_SHORT,
    "short": Side.SELL_SHORT,
    "sell_short": Side.SELL_SHORT,
}


def _exits_of(
    stop_px: int | None, target_px: int | None, distance: tuple[int | None, int | None]
) -> ExitsByDistance | ExitsByLevel | None:
    """One complete pair, and nothing of the other: a mixture is no statement about the stop."""
    risk_px, rr_ppb = distance
    if stop_px is not None and target_px is not None and distance == (None, None):
        return ExitsByLevel(stop_px, target_px)
    if risk_px is not None and rr_ppb is not None and stop_px is None and target_px is None:
        return ExitsByDistance(risk_px, rr_ppb)
    return None


_OPTIONAL_NUMBERS = (
    *("order_qty", "risk_usd", "signal_ns", "exit_at_ns"),
    *("trigger_px", "trigger_for_ns"),
)


def plan_problems(plan: TradePlan, known_tactics: frozenset[str]) -> tuple[Reason, ...]:
    """Every reason for which this plan cannot be judged at all, in field order; () if none."""
    mistyped = type_problems(plan)
    if mistyped:
        return mistyped  # a double or a text would make every later comparison a guess
    problems = [*_identity_problems(plan, known_tactics), *_quantity_problems(plan)]
    if plan.signal_px <= 0:
        value = to_text(plan.signal_px)
        problems.append(Reason.of(ReasonCode.PLAN_SIGNAL_PX_INVALID, value=value))
    problems += _exit_problems(plan)
    problems += _override_problems(plan)
    problems += management_problems(plan.manage)
    problems += _scale_out_problems(plan)
    problems += _trigger_problems(plan)
    if plan.exit_at_ns is not None and plan.exit_at_ns <= (plan.signal_ns or 0):
        problems.append(Reason.of(ReasonCode.PLAN_EXIT_TIME_INVALID, value=plan.exit_at_ns))
    return tuple(problems)


def type_problems(plan: TradePlan) -> tuple[Reason, ...]:
    """Fields that are not of their declared kind, as when a plan is built in code from doubles."""
    texts = (
        ("plan_id", ReasonCode.PLAN_ID_INVALID),
        ("symbol", ReasonCode.PLAN_SYMBOL_INVALID),
        ("tactic", ReasonCode.PLAN_TACTIC_UNKNOWN),
        ("strategy", ReasonCode.PLAN_STRATEGY_INVALID),
    )
    problems = [
        Reason.of(code, value=getattr(plan, name))
        for name, code in texts
        if type(getattr(plan, name)) is not str
    ]
    if type(plan.side) is not Side:
        problems.append(Reason.of(ReasonCode.PLAN_SIDE_INVALID, value=plan.side))
    numbers: list[tuple[str, object]] = [("signal_px", plan.signal_px), *plan.overrides]
    for name in _OPTIONAL_NUMBERS:
        if getattr(plan, name) is not None:
            numbers.append((name, getattr(plan, name)))
    if plan.exits is not None:
        numbers += [(field.name, getattr(plan.exits, field.name)) for field in fields(plan.exits)]
    problems += [
        Reason.of(ReasonCode.PLAN_NUMBER_INVALID, field=name, value=value)
        for name, value in numbers
        if type(value) is not int
    ]
    problems += [
        Reason.of(ReasonCode.PLAN_NUMBER_INVALID, field=name, value=value)
        for name, value in mistyped(plan.manage)
    ]
    return tuple(problems)


def _identity_problems(plan: TradePlan, known_tactics: frozenset[str]) -> list[Reason]:
    problems = []
    if not PLAN_ID_PATTERN.fullmatch(plan.plan_id):
        problems.append(Reason.of(ReasonCode.PLAN_ID_INVALID, value=plan.plan_id))
    if not SYMBOL_PATTERN.fullmatch(plan.symbol):
        problems.append(Reason.of(ReasonCode.PLAN_SYMBOL_INVALID, value=plan.symbol))
    if not STRATEGY_PATTERN.fullmatch(plan.strategy):
        problems.append(Reason.of(ReasonCode.PLAN_STRATEGY_INVALID, value=plan.strategy))
    if plan.side is Side.SELL:
        problems.append(Reason.of(ReasonCode.PLAN_SIDE_INVALID, value=plan.side))
    if plan.tactic not in known_tactics:
        known = ", ".join(sorted(known_tactics))
        problems.append(Reason.of(ReasonCode.PLAN_TACTIC_UNKNOWN, value=plan.tactic, known=known))
    return problems


def _quantity_problems(plan: TradePlan) -> list[Reason]:
    if plan.order_qty is not None and plan.risk_usd is not None:
        return [Reason.of(ReasonCode.PLAN_QTY_CONFLICT)]
    if plan.order_qty is None and plan.risk_usd is None:
        return [Reason.of(ReasonCode.PLAN_QTY_MISSING)]
    if plan.risk_usd is not None:
        if plan.risk_usd > 0:
            return []
        return [Reason.of(ReasonCode.PLAN_RISK_INVALID, value=to_text(plan.risk_usd))]
    assert plan.order_qty is not None
    return _share_problems(plan.order_qty)


def _share_problems(qty: int) -> list[Reason]:
    if qty <= 0:
        return [Reason.of(ReasonCode.PLAN_QTY_INVALID, value=to_text(qty))]
    if qty % NANO:
        # alpaca.md 1.3: fractional orders must be simple orders, so they can carry no OCO (B-13).
        whole = to_text(max(NANO, qty // NANO * NANO))
        return [Reason.of(ReasonCode.FRACTIONAL_UNPROTECTABLE, value=to_text(qty), whole=whole)]
    return []


def whole_shares(value: object) -> int:
    """A number of whole shares above zero as a quantity (1e-9). Raises `PlanError`."""
    try:
        qty = to_nano(str(value))
    except UnitError:
        reason = Reason.of(ReasonCode.PLAN_NUMBER_INVALID, field="quantity", value=value)
        raise PlanError((reason,)) from None
    problems = _share_problems(qty)
    if problems:
        raise PlanError(tuple(problems))
    return qty


def _exit_problems(plan: TradePlan) -> list[Reason]:
    if plan.exits is None:
        return [Reason.of(ReasonCode.EXITS_MISSING)]
    problems = []
    for field in fields(plan.exits):
        value = getattr(plan.exits, field.name)
        if value <= 0:
            problems.append(
                Reason.of(ReasonCode.EXITS_LEVEL_INVALID, field=field.name, value=to_text(value))
            )
    return problems


def _scale_out_problems(plan: TradePlan) -> list[Reason]:
    exits = plan.exits
    if exits is None:
        return []
    if isinstance(exits, ExitsByDistance):
        return scale_out_problems(plan.manage, sign=1, between=(0, exits.rr_ppb))
    between = (plan.signal_px, exits.target_px)
    return scale_out_problems(plan.manage, sign=plan.sign, between=between)


def _trigger_problems(plan: TradePlan) -> list[Reason]:
    trigger_px, for_ns, problems = plan.trigger_px, plan.trigger_for_ns, []
    if trigger_px is None:
        if for_ns is not None:
            problems.append(_trigger_problem("none", "is not there to be waited for"))
        return problems
    value = to_text(trigger_px)
    if trigger_px <= 0:
        problems.append(_trigger_problem(value, "is not a positive price"))
    elif plan.sign * (plan.signal_px - trigger_px) < 0:
        # The worst price is counted from the signal: it would lie before the breakout.
        says = f"lies beyond the signal price {to_text(plan.signal_px)}; leave that out"
        problems.append(_trigger_problem(value, says))
    if for_ns is not None and not 0 < for_ns <= TRIGGER_FOR_NS_MAX:
        says = f"cannot be waited for {to_text(for_ns)} s: above 0, up to a day"
        problems.append(_trigger_problem(value, says))
    return problems


def _trigger_problem(value: str, says: str) -> Reason:
    return Reason.of(ReasonCode.PLAN_TRIGGER_INVALID, value=value, says=says)


def _override_problems(plan: TradePlan) -> list[Reason]:
    problems = []
    for field, value in plan.overrides:
        low, high = POLICY_BOUNDS.get(field, (1, 0))
        if not low <= value <= high:
            problems.append(
                Reason.of(
                    ReasonCode.PLAN_POLICY_INVALID, field=field, value=value, low=low, high=high
                )
            )
    return problems
