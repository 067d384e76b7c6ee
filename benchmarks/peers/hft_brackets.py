"""hftbacktest on the common work: a limit bracket every so many quotes, if flat.

    build/bench/hftbacktest/bin/python benchmarks/peers/hft_brackets.py 1000000 100

It knows no brackets and no stops: the strategy, compiled by numba, lets a target rest and watches
the bid for the stop. Compiling and loading are not timed; the run is. The first of two runs warms.
"""

import importlib.metadata
import json
import sys
import time

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

from benchmarks.bracket_work import GAP_NS, QTY, REACH, bids

START_NS = 1_000_000_000


def events_of(bid):
    """Two rows a quote: the bid and the ask, each of which clears what it crosses of the last one:
    the walk goes by one tick, so that nothing of that is left."""
    count = len(bid)
    rows = np.zeros(2 * count, dtype=event_dtype)
    both = EXCH_EVENT | LOCAL_EVENT | DEPTH_EVENT
    at = START_NS + np.arange(count, dtype=np.int64) * GAP_NS
    for n, (side, px, qty) in enumerate(
        ((BUY_EVENT, bid / 100, 10_000.0), (SELL_EVENT, (bid + 1) / 100, 10_000.0))
    ):
        part = rows[n::2]
        part["ev"] = both | side
        part["exch_ts"] = part["local_ts"] = at
        part["px"], part["qty"] = px, qty
    return rows


@njit
def trade(hbt, every, reach, made):
    """Trades done; what each made, in cents, goes into ``made``. A call gives a whole quote."""
    n, trades = -1, 0
    bought = paid = 0
    while hbt.wait_next_feed(False, 10**15) == 2:
        n += 1
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bought and hbt.position(0) == 0:
            made[trades] = reach
            trades += 1
            bought = 0
            hbt.clear_inactive_orders(0)
        elif bought and bid <= paid - reach:
            hbt.cancel(0, 2 * bought + 1, True)
            hbt.submit_sell_order(0, 2 * bought + 1_000_000_000, bid / 100, QTY, GTC, LIMIT, True)
            made[trades] = bid - paid
            trades += 1
            bought = 0
            hbt.clear_inactive_orders(0)
        if not bought and n % every == 0:
            bought, paid = trades + 1, ask
            hbt.submit_buy_order(0, 2 * bought, ask / 100, QTY, GTC, LIMIT, True)
            hbt.submit_sell_order(0, 2 * bought + 1, (ask + reach) / 100, QTY, GTC, LIMIT, True)
    return trades


def main():
    count, every = int(sys.argv[1]), int(sys.argv[2])
    data = events_of(bids(count))
    made = np.zeros(count, dtype=np.int64)
    seconds = cpu_s = trades = 0
    for _ in range(2):
        asset = (
            BacktestAsset()
            .data(data)
            .linear_asset(1.0)
            .constant_order_latency(0, 0)
            .no_partial_fill_exchange()
            .risk_adverse_queue_model()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(0.01)
            .lot_size(1.0)
            .roi_lb(0.0)
            .roi_ub(1_000.0)
            .last_trades_capacity(0)
        )
        hbt = ROIVectorMarketDepthBacktest([asset])
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        trades = trade(hbt, every, REACH, made)
        seconds = time.perf_counter() - start_s
        cpu_s = time.process_time() - start_cpu_s
        hbt.close()
    found = {
        "version": f"hftbacktest {importlib.metadata.version('hftbacktest')}",
        "seconds": seconds,
        "cpu_s": cpu_s,
        "trades": trades,
        "wins": int((made[:trades] > 0).sum()),
        "cents": int(made[:trades].sum()),
        "bytes_per_quote": data.nbytes / count,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
