"""``surefill adopt``: what is shown, what is asked, what is covered."""

from __future__ import annotations

from itertools import count

import pytest

from surefill.cli.adopt import loose_of
from surefill.core.events import ExecutionReport, Position
from surefill.core.fix import ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from tests.support.counter import Counter
from tests.support.exchange_server import RunningExchange
from tests.support.port import engine_beside

_symbols = (f"ADO{letter}" for letter in "ABCDEFGHIJ")
_ids = count(1)
EXITS = ("--stop", "98", "--target", "105")


@pytest.fixture
def symbol(exchange: RunningExchange) -> str:
    name = next(_symbols)
    exchange.quote(name, "99.99", "100.01")
    return name


def test_alone_it_shows_asks_and_covers(counter: Counter, symbol: str) -> None:
    counter.desk.buy_elsewhere(symbol, 30)
    code, out, _ = counter.run("adopt")
    assert code == 4
    assert f"{symbol} 30 100.01 0 0 30" in out
    code, _, err = counter.run("adopt", symbol, *EXITS)
    assert (code, "Not confirmed" in err) == (2, True)
    assert not counter.desk.truth(kind="armed", symbol=symbol)
    code, out, _ = counter.run("adopt", symbol, *EXITS, "--qty", "20", "--yes", "--by", "ann")
    assert code == 0
    assert "entered and covered" in out
    code, out, _ = counter.run("status")
    assert "COVERED 20 0 98.00 105.00 adopt-" in out
    assert counter.json("adopt")["positions"][0]["free"] == "10"
    code, _, err = counter.run("adopt", symbol, *EXITS, "--qty", "11", "--yes")
    assert (code, "10 free" in err) == (2, True)
    why = counter.run("why", counter.json("status")["trades"][0]["trade"])[1]
    assert "20 shares at 100.01, bare for" in why


def test_the_running_engine_is_asked(counter: Counter, symbol: str) -> None:
    counter.desk.buy_elsewhere(symbol, 10, side="sell")
    with engine_beside(counter.desk) as port:
        found = counter.json("adopt", symbol, "--stop", "102", "--target", "95", "--yes")
        assert (found["side"], found["uncovered_qty"]) == ("SELL_SHORT", "0")
        assert port.executor.result(found["plan_id"]).strategy == "adopted"
        code, out, _ = counter.run("adopt")
        assert (code, "Every position of the account is ours" in out) == (0, True)


def test_it_is_managed_as_any_trade(counter: Counter, symbol: str) -> None:
    """Two targets, each with a pair of its own; a stop that follows; a time."""
    counter.desk.buy_elsewhere(symbol, 10)
    words = ("--scale-out", "50%:102", "--break-even", "1", "--trail", "2", "--exit-after", "900")
    code, out, err = counter.run("adopt", symbol, *EXITS, *words, "--yes")
    assert (code, err) == (0, "")
    assert "target 102.00, 105.00" in out
    pairs = counter.desk.truth(kind="accept", symbol=symbol)
    assert sorted(int(line["qty"]) // NANO for line in pairs if "-X" in str(line["cl_ord_id"])) == [
        5,
        5,
    ]
    code, _, err = counter.run("adopt", symbol, *EXITS, "--trail-from", "1", "--yes")
    assert code == 2


def test_what_cannot_be_adopted_is_said(counter: Counter, symbol: str) -> None:
    counter.desk.buy_elsewhere(symbol, 5)
    assert counter.run("adopt", symbol, "--stop", "98")[0] == 2
    assert counter.run("adopt", "NONE", *EXITS, "--yes")[0] == 2
    assert counter.run("adopt", symbol, *EXITS, "--qty", "many", "--yes")[0] == 2
    assert counter.run("adopt", symbol, "--stop", "x", "--target", "105", "--yes")[0] == 2
    code, out, _ = counter.run("adopt", symbol, "--stop", "101", "--target", "105", "--yes")
    assert (code, "EXITS_STOP_WRONG_SIDE" in out) == (1, True)
    counter.exchange.arm("N3", "GET /v2/positions", count=50, params={"status": 500})
    code, _, err = counter.run("adopt")
    assert (code, "could not be read" in err) == (3, True)


def report(symbol: str, qty: int, kind: OrdType, *legs: ExecutionReport) -> ExecutionReport:
    """Somebody's sell order."""
    return ExecutionReport(
        exec_type=ExecType.NEW,
        ord_status=OrdStatus.NEW,
        order_id=f"o{next(_ids)}",
        cl_ord_id="theirs",
        symbol=symbol,
        side=Side.SELL,
        ord_type=kind,
        tif=TimeInForce.GTC,
        order_qty=qty * NANO,
        cum_qty=0,
        venue_ns=1,
        recv_ns=1,
        legs=legs,
    )


def test_legs_of_one_order_claim_the_same_shares() -> None:
    pair = report("A", 10, OrdType.LIMIT, report("A", 10, OrdType.STOP))
    orders = (pair, report("A", 3, OrdType.LIMIT), report("B", 9, OrdType.STOP))
    (one,) = loose_of((Position("A", 20 * NANO, None),), orders)
    assert (one.covered_qty, one.claimed_qty, one.free_qty) == (10 * NANO, 13 * NANO, 7 * NANO)
    assert one.row[2] == "?"
    (short,) = loose_of((Position("A", -20 * NANO, None),), orders)
    assert (short.covered_qty, short.claimed_qty) == (0, 0)
