"""NautilusTrader on the common work: a limit bracket every so many quotes, if flat.

    build/bench/nautilus/bin/python benchmarks/peers/nautilus_brackets.py 1000000 100

The fastest configuration found: no logging, no risk checks, no analysis afterwards, a small cache
of ticks. Loading the quotes is not timed; the run is.
"""

import json
import resource
import sys
import time

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import (
    BacktestEngineConfig,
    CacheConfig,
    LoggingConfig,
    RiskEngineConfig,
)
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from benchmarks.bracket_work import GAP_NS, QTY, REACH, bids

START_NS = 1_772_461_860_000_000_000
"""Any time but 0, of which it dies."""


class Brackets(Strategy):
    """The rule of `benchmarks.bracket_work`."""

    def __init__(self, instrument, every):
        super().__init__()
        self.instrument = instrument
        self.every = every
        self.count = 0
        self.open = 0
        self.trades = []
        self.paid = 0

    def on_start(self):
        self.subscribe_quote_ticks(self.instrument.id)

    def on_quote_tick(self, tick):
        n = self.count
        self.count = n + 1
        if n % self.every or self.open:
            return
        ask = tick.ask_price
        cents = round(float(ask) * 100)
        orders = self.order_factory.bracket(
            instrument_id=self.instrument.id,
            order_side=OrderSide.BUY,
            quantity=Quantity.from_int(QTY),
            entry_order_type=OrderType.LIMIT,
            entry_price=ask,
            entry_post_only=False,
            sl_trigger_price=Price((cents - REACH) / 100, 2),
            tp_price=Price((cents + REACH) / 100, 2),
            tp_post_only=False,
        )
        self.open = 1
        self.submit_order_list(orders)

    def on_order_filled(self, event):
        cents = round(float(event.last_px) * 100)
        if event.order_side == OrderSide.BUY:
            self.paid = cents
        else:
            self.trades.append(cents - self.paid)
            self.open = 0


def main():
    count, every = int(sys.argv[1]), int(sys.argv[2])
    engine = BacktestEngine(
        config=BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            cache=CacheConfig(tick_capacity=10, bar_capacity=10),
            run_analysis=False,
        )
    )
    venue = Venue("XNAS")
    engine.add_venue(
        venue=venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(10_000_000, USD)],
        bar_execution=False,
    )
    instrument = TestInstrumentProvider.equity("WORK", "XNAS")
    engine.add_instrument(instrument)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = Quantity.from_int(10_000)
    quotes = [
        QuoteTick(
            instrument.id,
            Price(cents / 100, 2),
            Price((cents + 1) / 100, 2),
            size,
            size,
            START_NS + n * GAP_NS,
            START_NS + n * GAP_NS,
        )
        for n, cents in enumerate(bids(count).tolist())
    ]
    engine.add_data(quotes, sort=False)
    loaded_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    strategy = Brackets(instrument, every)
    engine.add_strategy(strategy)
    start_s, cpu_s = time.perf_counter(), time.process_time()
    engine.run()
    found = {
        "version": f"NautilusTrader {nautilus_trader.__version__}",
        "seconds": time.perf_counter() - start_s,
        "cpu_s": time.process_time() - cpu_s,
        "trades": len(strategy.trades),
        "wins": sum(made > 0 for made in strategy.trades),
        "cents": sum(strategy.trades),
        "bytes_per_quote": (loaded_kb - before_kb) * 1024 / count,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
