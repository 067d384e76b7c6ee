"""FastAPI on the exchange's work, as somebody would write a mock of it: POST /v2/orders.

Checks the body by a model, keeps the order, answers with as many fields. No market, no account, no
legs, no stream: the least that is still the same request. Prints its port.
"""

import asyncio
import socket
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import fastapi
import uvicorn
from pydantic import BaseModel

app = fastapi.FastAPI()
orders = {}


class OrderRequest(BaseModel):
    symbol: str
    qty: Decimal
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit"]
    limit_price: Decimal | None = None
    time_in_force: Literal["day", "gtc", "ioc", "fok", "opg", "cls"]
    client_order_id: str | None = None


class Order(BaseModel):
    id: str
    client_order_id: str
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    canceled_at: datetime | None = None
    failed_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    asset_id: str
    symbol: str
    asset_class: str = "us_equity"
    notional: Decimal | None = None
    qty: Decimal
    filled_qty: Decimal = Decimal(0)
    filled_avg_price: Decimal | None = None
    order_class: str = ""
    order_type: str
    type: str
    side: str
    time_in_force: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    status: str = "pending_new"
    extended_hours: bool = False
    legs: list[str] | None = None


@app.post("/v2/orders")
async def submit(asked: OrderRequest) -> Order:
    """Keep the order and show it."""
    now = datetime.now(UTC)
    order = Order(
        id=str(uuid.uuid4()),
        client_order_id=asked.client_order_id or str(uuid.uuid4()),
        created_at=now,
        updated_at=now,
        submitted_at=now,
        asset_id=str(uuid.uuid4()),
        symbol=asked.symbol,
        qty=asked.qty,
        order_type=asked.type,
        type=asked.type,
        side=asked.side,
        time_in_force=asked.time_in_force,
        limit_price=asked.limit_price,
    )
    orders[order.id] = order
    return order


@app.delete("/v2/orders")
async def clear() -> list[str]:
    """Forget them."""
    orders.clear()
    return []


def main():
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    print(bound.getsockname()[1], f"FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__}")
    sys.stdout.flush()
    config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[bound]))


if __name__ == "__main__":
    main()
