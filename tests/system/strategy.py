"""A strategy in a process of its own: orders come as JSON lines on stdin, results go to stdout.

python -m tests.system.strategy        settings come from the environment over .env, as always

Knows nothing of smart or legacy: that is the point of it.
"""

from __future__ import annotations

import json
import sys

from surefill.order_manager import OrderManager


def main() -> None:
    """Serve orders until stdin ends."""
    with OrderManager.from_env() as orders:
        say({"what": "ready", "open": [t.plan_id for t in orders.executor.open_trades()]})
        for line in sys.stdin:
            order = json.loads(line)
            result = orders.submit_order(**order)
            say({"what": "result", "is_legacy": result.is_legacy, **result.to_dict()})


def say(row: dict[str, object]) -> None:
    """One line for the test."""
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
