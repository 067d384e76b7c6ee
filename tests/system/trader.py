"""A trader's script in a process of its own, so that it can be killed at any moment.

python -m tests.system.trader PLAN_ID SYMBOL QTY        settings come from the environment

Executes the plan, then waits for the outcome; one JSON line on stdout for each thing that happened.
The same command again is the restart: the plan id makes it the same trade.
"""

from __future__ import annotations

import asyncio
import json
import sys

from surefill.core import order
from surefill.core.plan import SECOND_NS
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import plan_of

# An entry that never arrived is believed absent after 120 s (I10); nobody waits that long here.
order.ABSENT_AFTER_NS = 2 * SECOND_NS


def say(what: str, **more: object) -> None:
    """One line for the test."""
    print(json.dumps({"what": what, **more}), flush=True)


async def trade(plan_id: str, symbol: str, qty: int) -> None:
    """The script itself."""
    async with SmartOrderExecutor.from_env() as executor:
        say("ready", open=[result.plan_id for result in executor.open_trades()])
        plan = plan_of(symbol, plan_id, qty=qty)
        say("settled", **(await executor.execute(plan)).to_dict())
        say("closed", **(await executor.closed(plan)).to_dict())


if __name__ == "__main__":
    asyncio.run(trade(sys.argv[1], sys.argv[2], int(sys.argv[3])))
