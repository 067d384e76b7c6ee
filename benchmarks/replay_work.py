"""Our side of the common work: the production engine against the simulated exchange.

Nothing takes time at the venue and no request is rationed, because the peers simulate neither; all
the rest is what a live engine does: requests and answers as bytes, a journal record for every step.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from benchmarks.bracket_work import GAP_NS, QTY, REACH, Ticks, Trade
from benchmarks.samples import peak_mb
from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByLevel, Policy, TradePlan
from surefill.core.units import NANO
from surefill.replay.comparison import LIMITS
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.replay.skipping import SkippingMarket
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.columns import ColumnMarket, TapeColumns
from surefill.sim.market import MergedMarket
from surefill.sim.switches import Switches

DATE = 20260302
SYMBOL = "WORK"
CENT_PX = NANO // 100
START_NS = session_on(DATE).open_ns + 60 * SECOND_NS
AFTER_QUOTE_NS = 16_000_000
"""From a quote to the plan that was made on it: the engine sees a quote 15 ms after the venue, and
the next one is 20 ms away."""
MANY = 1_000_000
"""Trades that the gate does not mind."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a run found and took. ``rss_mb``: the most memory that the process has had so far."""

    trades: int
    wins: int
    cents: int
    seconds: float
    cpu_s: float
    rss_mb: float
    skipped: int

    def found(self) -> dict[str, int]:
        """What has to be the same on every path."""
        kept = asdict(self)
        return {name: kept[name] for name in ("trades", "wins", "cents")}


def tape_of(bid: Ticks, symbol: str = SYMBOL) -> TapeColumns:
    """The quotes as a tape of one symbol. Whenever the bid falls somebody sold there: a print,
    because at this venue prints elect a stop, and not quotes."""
    size = np.full(len(bid), 10_000 * NANO, dtype=np.int64)
    bid_px = bid.astype(np.int64) * CENT_PX
    quote_ns = START_NS + np.arange(len(bid), dtype=np.int64) * GAP_NS
    sold = np.flatnonzero(np.diff(bid) < 0) + 1
    return TapeColumns(
        symbol=symbol,
        quote_ns=quote_ns,
        bid_px=bid_px,
        bid_qty=size,
        ask_px=bid_px + CENT_PX,
        ask_qty=size,
        print_ns=quote_ns[sold],
        print_px=bid_px[sold],
        print_qty=np.full(len(sold), NANO, dtype=np.int64),
        print_side=np.full(len(sold), -1, dtype=np.int64),
        print_is_evidence=np.ones(len(sold), dtype=np.bool_),
        quotes_before=sold + 1,
    )


def plans_of(trades: list[Trade], *, tactic: str = "limit", symbol: str = SYMBOL) -> list[Arrival]:
    """A plan for each trade of the rule, just after the quote that it was made on."""
    return [
        Arrival(at_ns, _plan(trade, f"{symbol.lower()}{n:06d}", (at_ns, tactic, symbol)))
        for n, trade in enumerate(trades)
        for at_ns in (START_NS + trade.entry * GAP_NS + AFTER_QUOTE_NS,)
    ]


def _plan(trade: Trade, plan_id: str, known: tuple[int, str, str]) -> TradePlan:
    signal_ns, tactic, symbol = known
    paid_px = trade.entry_cents * CENT_PX
    reach_px = REACH * CENT_PX
    return TradePlan(
        plan_id=plan_id,
        symbol=symbol,
        side=Side.BUY,
        signal_px=paid_px,
        exits=ExitsByLevel(paid_px - reach_px, paid_px + reach_px),
        order_qty=QTY * NANO,
        signal_ns=signal_ns,
        tactic=tactic,
    )


def play(
    tapes: list[TapeColumns],
    arrivals: list[Arrival],
    *,
    skips: bool = True,
    is_legacy: bool = False,
) -> Played:
    """Play the plans in one account; the start of the engine is not timed."""
    market = (
        SkippingMarket(tapes) if skips else MergedMarket([ColumnMarket(tape) for tape in tapes])
    )
    config = VirtualConfig(
        limits=replace(
            LIMITS,
            open_trades_max=MANY,
            entries_per_minute_max=MANY,
            symbol_entries_per_minute_max=MANY,
        ),
        policy=Policy(min_rr_ppb=0),
        switches=Switches(fill_model="touch"),
        delays={},
        requests_per_minute=0,
        cash_usd=100_000_000 * NANO,
    )
    run = VirtualRun(
        market, us_equity_calendar(DATE, DATE), start_ns=START_NS - 5 * SECOND_NS, config=config
    )
    run.start()
    run.run_until(START_NS + AFTER_QUOTE_NS - 2)
    run.run_until(START_NS + AFTER_QUOTE_NS - 1)
    given = [replace(arrival, is_legacy=is_legacy) for arrival in arrivals]
    until_ns = int(tapes[0].quote_ns[-1]) + 60 * SECOND_NS
    start_s, cpu_s = time.perf_counter(), time.process_time()
    run.play(given, until_ns=until_ns)
    seconds, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    cents = made_by(run.log.lines)
    return Played(
        trades=len(cents),
        wins=sum(value > 0 for value in cents),
        cents=sum(cents),
        seconds=seconds,
        cpu_s=cpu_s,
        rss_mb=peak_mb(),
        skipped=market.skipped if isinstance(market, SkippingMarket) else 0,
    )


def made_by(lines: Iterable[Mapping[str, object]]) -> list[int]:
    """Cents a share that each round trip made, by the venue's own log."""
    paid: dict[object, int] = {}
    made = []
    for line in lines:
        if line["kind"] != "fill":
            continue
        px, qty, symbol = int(str(line["px"])), int(str(line["qty"])), line["symbol"]
        assert qty == QTY * NANO, "an order is filled at once"
        if line["side"] == "BUY":
            paid[symbol] = px
        else:
            made.append((px - paid.pop(symbol)) // CENT_PX)
    return made
