"""One trade on a stage: a written market, the production engine, a venue with its delays, and
whatever goes wrong between them; all in virtual time.

stage = Stage(side="buy", path=[(0, "100.00"), (5, "101.20")])
stage.arm("N2", "POST /v2/orders")
stage.play()
stage.verdict().assert_clean()

Prices are told for a long plan; on a short one the whole market is mirrored at 100.00, so that
every scenario runs both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from surefill.core.fix import Leg, Side
from surefill.core.market import Nbbo, Print
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.trade import Trade
from surefill.core.units import NANO, to_nano
from surefill.replay.evidence import rows_of
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.sim.auditor import AuditLimits, AuditReport, Excuse, audit, render
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.faults import Fault, FaultCode, FaultPlan, Param
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent, ScriptedMarket
from surefill.sim.models import DEFAULT_DELAYS, Delay, DelayRange
from surefill.sim.switches import Switches

DATE = 20260302
SYMBOL = "ACME"
PLAN_ID = "p1"
MS_NS = 1_000_000
OPEN_NS = session_on(DATE).open_ns
START_NS = OPEN_NS + 60 * SECOND_NS
"""Second 0 of the path: the plan arrives."""
MIRROR_PX = 200 * NANO
EVERY_MS = 250
"""A quote repeats this often, with a little more behind it each time."""
SPREAD_PX = to_nano("0.02")

Step = tuple[float, str] | tuple[float, str, int]
"""(second, bid of the long market) and, where it matters, the size displayed on both sides"""


class Stage:
    """One plan: 100 shares, signal 100.00, risk 0.50 a share, ratio 2, ten seconds to fill.

    The first limit of the long plan is 100.05, its worst price 100.10.
    """

    def __init__(
        self,
        side: str,
        path: Sequence[Step],
        *,
        beside: bool = False,
        switches: Sequence[str] = (),
        delays: Mapping[Delay, DelayRange] | None = None,
        seed: int = 1,
        length_s: int = 60,
        exit_s: int | None = 20,
        tactic: str = "limit",
        budget_s: int = 10,
    ) -> None:
        self.sign = 1 if side == "buy" else -1
        self.faults = FaultPlan(seed)
        self.length_s = length_s
        self.plan = TradePlan(
            plan_id=PLAN_ID,
            symbol=SYMBOL,
            side=Side.BUY if self.sign > 0 else Side.SELL_SHORT,
            signal_px=to_nano("100.00"),
            exits=ExitsByDistance(to_nano("0.50"), 2 * NANO),
            order_qty=100 * NANO,
            tactic=tactic,
            overrides=(("fill_timeout_ns", budget_s * SECOND_NS),),
            exit_at_ns=None if exit_s is None else START_NS + exit_s * SECOND_NS,
        )
        self.run = VirtualRun(
            ScriptedMarket(list(self.events(path))),
            us_equity_calendar(DATE, DATE),
            start_ns=START_NS - 10 * SECOND_NS,
            config=VirtualConfig(
                seed=seed,
                switches=Switches.from_pairs(switches),
                exits_beside_entry=beside,
                requests_per_minute=0,
                delays={**DEFAULT_DELAYS, **(delays or {})},
            ),
            faults=self.faults,
        )

    # -- the market -----------------------------------------------------------------------------

    def px(self, text: str) -> int:
        """A price of the long market as it is on this stage."""
        px = to_nano(text)
        return px if self.sign > 0 else MIRROR_PX - px

    def events(self, path: Sequence[Step]) -> list[MarketEvent]:
        """Quotes from ten seconds before the plan; prints at the side that elects stops."""
        events: list[MarketEvent] = []
        times = set(range(-10_000, self.length_s * 1_000, EVERY_MS))
        for ms in sorted(times | {int(step[0] * 1_000) for step in path}):
            current = [step for step in path if step[0] * 1_000 <= ms] or [path[0]]
            bid_px = to_nano(current[-1][1])
            size = current[-1][2] if len(current[-1]) == 3 else 1_000
            at_ns = START_NS + ms * MS_NS
            qty = (size + ms // EVERY_MS % 2) * NANO
            low, high = bid_px, bid_px + SPREAD_PX
            if self.sign < 0:
                low, high = MIRROR_PX - high, MIRROR_PX - low
            events.append(QuoteEvent(SYMBOL, Nbbo(low, qty, high, qty, at_ns, at_ns)))
            near = low if self.sign > 0 else high
            later_ns = at_ns + 5 * MS_NS
            events.append(PrintEvent(SYMBOL, Print(near, NANO, later_ns, later_ns)))
        return events

    # -- what goes wrong ------------------------------------------------------------------------

    def arm(
        self,
        code: str,
        target: str = "*",
        *,
        at_s: float = -1,
        params: Mapping[str, Param] | None = None,
    ) -> None:
        """Arm one incident of a fault (or a window, with ``for_ms``) at a second of the path."""
        fault = Fault(FaultCode(code), target, params=params or {})
        self.at(at_s, lambda run: self.faults.arm(fault, run.edge.now_ns))

    def at(self, at_s: float, act: Callable[[VirtualRun], None]) -> None:
        """Let something happen at a second of the path."""
        self.run.at(START_NS + int(at_s * 1_000) * MS_NS, act)

    def when(
        self,
        is_so: Callable[[Trade], bool],
        act: Callable[[VirtualRun], None],
        *,
        after_ms: int = 0,
    ) -> None:
        """Let something happen once the trade is like that (looked at every 5 ms)."""

        def look(run: VirtualRun) -> None:
            trade = run.engine.book.get(PLAN_ID)
            now = run.edge.now_ns
            if trade is not None and is_so(trade):
                run.at(now + after_ms * MS_NS, act)
            elif now < START_NS + self.length_s * SECOND_NS:
                run.at(now + 5 * MS_NS, look)

        self.at(0, look)

    # -- the run --------------------------------------------------------------------------------

    def play(self) -> Trade:
        """Start, hand the plan over, run to the end of the path; the trade as it ended."""
        self.run.start()
        until_ns = START_NS + self.length_s * SECOND_NS
        self.run.play([Arrival(START_NS, self.plan)], until_ns=until_ns)
        self.run.run_until(until_ns)
        ended = self.run.finished.get(PLAN_ID) or self.run.engine.book.open[PLAN_ID]
        assert isinstance(ended, Trade), ended
        return ended

    def entries(self) -> int:
        """Entry orders that the venue has ever accepted."""
        return sum(
            1
            for line in self.run.log.lines
            if line["kind"] == "accept" and str(line["cl_ord_id"]).endswith(f"{PLAN_ID}-E1")
        )

    def position(self) -> int:
        """Signed shares that the account holds at the end, by the venue."""
        held = [line["position"] for line in self.run.log.lines if line["symbol"] == SYMBOL]
        known = [qty for qty in held if isinstance(qty, int)]
        return known[-1] // NANO if known else 0

    def alarms(self) -> set[str]:
        """Codes of all alarms."""
        return {alarm.reason.code.name for _, alarm in self.run.alarms}

    def excuse(self, from_s: float, to_s: float, *, grace_ms: int = 2_000) -> Excuse:
        """A stretch in which the broker did not work."""
        return Excuse(
            START_NS + int(from_s * 1_000) * MS_NS,
            START_NS + int(to_s * 1_000) * MS_NS,
            grace_ms=grace_ms,
        )

    def verdict(self, limits: AuditLimits | None = None) -> AuditReport:
        """The auditor's report."""
        ended = self.run.finished.get(PLAN_ID) or self.run.engine.book.open[PLAN_ID]
        plan, claim = rows_of(ended, self.run.config.policy, accepted_ns=START_NS)
        return audit([plan], self.run.log.lines, [claim], limits=limits)

    def assert_clean(self, limits: AuditLimits | None = None) -> None:
        """The auditor finds nothing, and one entry order was ever sent."""
        report = self.verdict(limits)
        assert report.is_clean, render(report)
        assert self.entries() == 1

    def cancel_outside(self, leg: Leg) -> set[str]:
        """Somebody cancels a leg in the broker's own screen half a second after the trade is
        covered; the ids of what ended by that, known once it has happened."""
        others: set[str] = set()

        def act(run: VirtualRun) -> None:
            trade = run.engine.book.open[PLAN_ID]
            order = next(o for o in trade.orders if o.leg is leg and o.order_id)
            others.update(str(o.order_id) for o in trade.orders)
            run.exchange.cancel(run.account, str(order.order_id))
            run.edge.settle()

        self.when(lambda trade: trade.is_settled, act, after_ms=500)
        return others


def once_filled(shares: int = 1) -> Callable[[Trade], bool]:
    """A condition for `Stage.when`: this many shares have filled, as far as the engine knows."""
    return lambda trade: trade.entry_qty >= shares * NANO
