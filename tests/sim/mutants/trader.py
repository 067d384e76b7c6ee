"""A simple, correct executor that trades on the real simulated exchange, for the auditor's tests.

It sends directly to `Exchange`, sees every event at once, and waits a little before it acts. It is
no model of Surefill; it makes truth logs of the real venue whose verdict is known: clean.
"""

from __future__ import annotations

from random import Random

from surefill.core.fix import Contingency, OrdType, Side, TimeInForce
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar, Session
from surefill.sim.assets import AssetTable
from surefill.sim.exchange import Exchange
from surefill.sim.models import LatencyModel
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import LegRequest, OrderEventKind, OrderRequest, Refusal, ReplaceRequest
from tests.sim.mutants.history import ACCOUNT, CENT, START_NS, TAG, UNIT, Row

MS = 1_000_000
RISK_PX = UNIT // 4
SESSION = Session(
    date=20260302,
    pre_ns=START_NS - 19_800 * UNIT,
    open_ns=START_NS,
    close_ns=START_NS + 23_400 * UNIT,
    post_ns=START_NS + 37_800 * UNIT,
)


class Trader:
    """One plan after another on one symbol. ``react_ms``: how long it takes to cover a fill."""

    def __init__(self, seed: int, *, react_ms: int = 60, switches: Switches | None = None) -> None:
        self.random = Random(seed)
        self.react_ms = react_ms
        self.log = TruthLog()
        self.exchange = Exchange(
            seed=seed,
            calendar=Calendar.of([SESSION]),
            start_ns=START_NS,
            switches=switches or Switches(),
            latency=LatencyModel(seed=seed),
            log=self.log,
            assets=AssetTable(),
        )
        self.exchange.open_account(ACCOUNT, cash_usd=1_000_000 * UNIT)
        self.plans: list[Row] = []
        self.outcomes: list[Row] = []
        self.mid = 15_000
        self.sums = [0, 0, 0, 0]
        self.by_stop = self.by_target = False

    # --- market ---------------------------------------------------------------------------

    def step(self) -> None:
        """20 ms of market: a quote, a print at the touch, and what our orders did."""
        self.mid += self.random.choice((-1, 0, 0, 1))
        now = self.exchange.now_ns + 20 * MS
        size = self.random.choice((1, 2, 5)) * 10 * UNIT
        bid, ask = (self.mid - 1) * CENT, (self.mid + 1) * CENT
        self.exchange.on_quote("IBM", Nbbo(bid, size, ask, size, now, now))
        px = self.random.choice((bid, ask))
        self.exchange.on_print("IBM", Print(px, 20 * UNIT, now, now))
        for event in self.exchange.drain():
            if event.kind not in (OrderEventKind.FILL, OrderEventKind.PARTIAL_FILL):
                continue
            at = 0 if "-E" in event.order.cl_ord_id else 2
            self.sums[at] += event.qty
            self.sums[at + 1] += event.qty * event.px
            self.by_stop |= at == 2 and event.order.ord_type is OrdType.STOP
            self.by_target |= at == 2 and event.order.ord_type is OrdType.LIMIT

    def wait(self, ms: int) -> None:
        """Let the market go on."""
        for _ in range(-(-ms // 20)):
            self.step()

    # --- one plan -------------------------------------------------------------------------

    def trade(self, plan_id: str, side: Side, *, bracket: bool = False) -> None:
        """Work a plan from entry to outcome."""
        self.sums = [0, 0, 0, 0]
        self.by_stop = self.by_target = False
        sign = 1 if side is Side.BUY else -1
        signal_px = self.mid * CENT
        self._note_plan(plan_id, side, signal_px)
        terms: dict[str, object] = {}
        if bracket:
            stop_px, target_px = signal_px - sign * RISK_PX, signal_px + 2 * sign * RISK_PX
            legs = {"take_profit": LegRequest(limit_px=target_px)}
            legs["stop_loss"] = LegRequest(stop_px=stop_px)
            terms = {"contingency": Contingency.BRACKET, **legs}
        entry = self._send(plan_id, "E1", side, 100, limit_px=signal_px + sign * CENT, **terms)
        for _ in range(100):
            self.step()
            if self.sums[0]:
                break
        self.wait(self.react_ms)
        if self.sums[0] < 100 * UNIT:
            self._cancel(entry)
            while not self.exchange.order(ACCOUNT, entry).status.is_terminal:
                self.step()
        if bracket and self.sums[0] == 100 * UNIT:
            self._anchor(plan_id, sign, entry)
        elif self.sums[0]:
            self._cover(plan_id, sign)
        self._until_flat()
        self._note_outcome(plan_id)

    def _until_flat(self) -> None:
        for count in range(20_000):
            live = any(
                not order.status.is_terminal
                for order in self.exchange._venue.orders.values()  # the test looks inside
            )
            if self.sums[0] == self.sums[2] and not live:
                return
            if count % 10 == 0:  # pull the market along, so that something is hit
                self.mid += self.random.choice((-3, 3))
            self.step()
        raise AssertionError("the trade did not end")

    def _vwap_exits(self, sign: int) -> tuple[int, int]:
        """Stop and target in cents, rounded in favour of the trade, as 1e-9 USD."""
        qty, cost = self.sums[0], self.sums[1]
        prices = []
        for distance in (-sign * RISK_PX, 2 * sign * RISK_PX):
            exact = cost + distance * qty
            ticks = -(-exact // (qty * CENT)) if sign > 0 else exact // (qty * CENT)
            prices.append(ticks * CENT)
        return prices[0], prices[1]

    def _cover(self, plan_id: str, sign: int) -> None:
        stop_px, target_px = self._vwap_exits(sign)
        self._send(
            plan_id,
            "X1",
            Side.SELL if sign > 0 else Side.BUY,
            self.sums[0] // UNIT,
            limit_px=target_px,
            contingency=Contingency.OCO,
            take_profit=LegRequest(limit_px=target_px),
            stop_loss=LegRequest(stop_px=stop_px),
            tif=TimeInForce.GTC,
        )

    def _anchor(self, plan_id: str, sign: int, entry: str) -> None:
        self.wait(60)
        stop_px, target_px = self._vwap_exits(sign)
        target, stop = self.exchange.order(ACCOUNT, entry, nested=True).legs
        name = f"sf-{TAG}-{plan_id}"
        if stop.stop_px != stop_px:
            move = ReplaceRequest(stop_px=stop_px, cl_ord_id=f"{name}-S1")
            self.exchange.replace(ACCOUNT, stop.order_id, move)
            self.wait(100)
        if target.limit_px != target_px:
            move = ReplaceRequest(limit_px=target_px, cl_ord_id=f"{name}-T1")
            self.exchange.replace(ACCOUNT, target.order_id, move)
            self.wait(100)

    def _send(self, plan_id: str, leg: str, side: Side, shares: int, **terms: object) -> str:
        terms.setdefault("tif", TimeInForce.DAY)
        request = OrderRequest(
            symbol="IBM",
            side=side,
            ord_type=OrdType.LIMIT,
            order_qty=shares * UNIT,
            cl_ord_id=f"sf-{TAG}-{plan_id}-{leg}",
            **terms,  # type: ignore[arg-type]
        )
        return self.exchange.submit(ACCOUNT, request).order_id

    def _cancel(self, order_id: str) -> None:
        try:
            self.exchange.cancel(ACCOUNT, order_id)
        except Refusal:
            pass  # filled meanwhile: the race is what the test wants

    # --- what it says ---------------------------------------------------------------------

    def _note_plan(self, plan_id: str, side: Side, signal_px: int) -> None:
        self.plans.append(
            {
                "plan_id": plan_id,
                "account": ACCOUNT,
                "symbol": "IBM",
                "side": "BUY" if side is Side.BUY else "SELL_SHORT",
                "qty": 100 * UNIT,
                "signal_px": signal_px,
                "risk_px": RISK_PX,
                "rr_ppb": 2 * UNIT,
                "path": "smart",
                "accepted_ns": self.exchange.now_ns,
            }
        )

    def _note_outcome(self, plan_id: str) -> None:
        kind = "NOT_ENTERED" if not self.sums[0] else "CLOSED_TARGET"
        if self.by_stop:
            kind = "CLOSED_MIXED" if self.by_target else "CLOSED_STOP"
        names = ("entry_qty", "entry_cost", "exit_qty", "exit_cost")
        self.outcomes.append(
            {
                "plan_id": plan_id,
                "outcome": kind,
                "ended_ns": self.exchange.now_ns,
                **dict(zip(names, self.sums, strict=True)),
            }
        )


def real_run(seed: int, plans: int, *, react_ms: int = 60) -> Trader:
    """A run of ``plans`` trades on the real exchange, every third by bracket."""
    trader = Trader(seed, react_ms=react_ms)
    trader.step()
    for index in range(plans):
        side = trader.random.choice((Side.BUY, Side.SELL))
        trader.trade(f"p{index}", side, bracket=index % 3 == 2)
    return trader
