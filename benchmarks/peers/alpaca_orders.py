"""alpaca-py sends bracket orders, one after the other: argv is the port and how many.

    build/bench/alpaca-py/bin/python benchmarks/peers/alpaca_orders.py 8000 500

Prints the seconds of each call, and how long its import and the first order took.
"""

import json
import sys
import time

START_S = time.perf_counter()

from importlib.metadata import version  # noqa: E402

from alpaca.trading.client import TradingClient  # noqa: E402
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce  # noqa: E402
from alpaca.trading.requests import (  # noqa: E402
    LimitOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)


def main():
    imported_s = time.perf_counter() - START_S
    port, count = int(sys.argv[1]), int(sys.argv[2])
    client = TradingClient("KEY", "secret", url_override=f"http://127.0.0.1:{port}")
    taken = []
    first_s = 0.0
    for _ in range(count):
        start_s = time.perf_counter()
        client.submit_order(
            LimitOrderRequest(
                symbol="ACME",
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.DAY,
                limit_price=90.0,
                order_class=OrderClass.BRACKET,
                take_profit=TakeProfitRequest(limit_price=95.0),
                stop_loss=StopLossRequest(stop_price=85.0),
            )
        )
        taken.append(time.perf_counter() - start_s)
        first_s = first_s or time.perf_counter() - START_S
    found = {
        "version": f"alpaca-py {version('alpaca-py')}",
        "taken_s": taken,
        "import_s": imported_s,
        "first_s": first_s,
        "cpu_s": time.process_time(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
