"""Armed faults: who is hit, how often, and that the same seed hits the same."""

from __future__ import annotations

import pytest

from surefill.sim.faults import EXPECTED, PPB, Fault, FaultCode, FaultError, FaultPlan, Param
from tests.sim.venue import ME, Floor

POST = "POST /v2/orders"


def draws(plan: FaultPlan, code: FaultCode, times: int, opportunity: str = POST) -> list[bool]:
    """Which of so many opportunities were hit."""
    return [plan.draw(code, opportunity, 0) is not None for _ in range(times)]


def test_a_plain_fault_strikes_once_and_is_counted() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.N1), 0)
    assert draws(plan, FaultCode.N1, 3) == [True, False, False]
    assert draws(plan, FaultCode.N2, 1) == [False]
    assert plan.counters["N1"] == 1
    assert plan.counters["N2"] == 0


def test_a_count_strikes_that_often() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.W1, count=2), 0)
    assert draws(plan, FaultCode.W1, 3) == [True, True, False]


@pytest.mark.parametrize(
    ("target", "opportunity", "hit"),
    [
        ("*", POST, True),
        ("POST", POST, True),
        ("GET", POST, False),
        ("POST /v2/orders", POST, True),
        ("POST /v2/orders", "POST /v2/orders/7", True),
        ("POST /v2/positions", POST, False),
        ("* /v2/orders", "DELETE /v2/orders", True),
        ("orders fill", "orders fill", True),
        ("orders fill", "orders new", False),
        ("orders", "orders new", True),
        ("market", "orders new", False),
    ],
)
def test_targets(target: str, opportunity: str, hit: bool) -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.N1, target), 0)
    assert plan.is_armed(FaultCode.N1, opportunity, 0) is hit
    assert draws(plan, FaultCode.N1, 1, opportunity) == [hit]


def test_probability_is_seeded_and_independent_of_other_faults() -> None:
    def run(*, with_other: bool) -> list[bool]:
        plan = FaultPlan(seed=7)
        plan.arm(Fault(FaultCode.N3, probability_ppb=PPB // 3), 0)
        if with_other:
            plan.arm(Fault(FaultCode.N4, probability_ppb=PPB // 2), 0)
            draws(plan, FaultCode.N4, 5)
        return draws(plan, FaultCode.N3, 300)

    first = run(with_other=False)
    assert first == run(with_other=False) == run(with_other=True)
    assert 70 < sum(first) < 130


def test_a_probability_may_be_capped_by_a_count() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.N3, count=4, probability_ppb=PPB), 0)
    assert sum(draws(plan, FaultCode.N3, 10)) == 4


def test_a_window_ends() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.N4, params={"for_ms": 10}), 0)
    assert plan.draw(FaultCode.N4, POST, 9_999_999) is not None
    assert plan.window_end_ns(FaultCode.N4, 0) == 10_000_000
    assert plan.draw(FaultCode.N4, POST, 10_000_000) is None
    assert plan.window_end_ns(FaultCode.N4, 10_000_000) is None
    assert plan.describe(10_000_000) == []


def test_an_outage_lasts_until_it_is_cleared() -> None:
    plan = FaultPlan()
    plan.arm(Fault(FaultCode.N10), 0)
    assert draws(plan, FaultCode.N10, 3) == [True, True, True]
    assert plan.window_end_ns(FaultCode.N10, 0) is None
    assert plan.describe(0) == [
        {
            "code": "N10",
            "target": "*",
            "left": None,
            "done": 3,
            "params": {},
            "expected": EXPECTED[FaultCode.N10],
        }
    ]
    plan.clear()
    assert draws(plan, FaultCode.N10, 1) == [False]
    assert plan.counters["N10"] == 3


@pytest.mark.parametrize(
    ("code", "params"),
    [
        (FaultCode.N1, {"delay_ms": 1}),
        (FaultCode.N5, {"mode": "gently"}),
        (FaultCode.N3, {"effect": 1}),
        (FaultCode.N6, {"delay_ms": -1}),
        (FaultCode.N6, {"delay_ms": "5"}),
        (FaultCode.N6, {"delay_ms": True}),
    ],
)
def test_wrong_parameters_are_refused(code: FaultCode, params: dict[str, Param]) -> None:
    with pytest.raises(FaultError):
        Fault(code, params=params)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(FaultError, match="count"):
        Fault(FaultCode.N1, count=0)
    with pytest.raises(FaultError, match="probability"):
        Fault(FaultCode.N1, probability_ppb=PPB + 1)


def test_parameters_have_defaults() -> None:
    fault = Fault(FaultCode.N5)
    assert fault.mode == "reset"
    assert fault.number("delay_ms", 7) == 7
    assert fault.flag("effect", default=True)
    assert Fault(FaultCode.N5, params={"mode": "html"}).mode == "html"
    assert Fault(FaultCode.N6, params={"delay_ms": 3}).number("delay_ms", 7) == 3


def test_every_code_says_what_a_sound_client_does() -> None:
    assert set(EXPECTED) == set(FaultCode)


# -- faults inside the venue ---------------------------------------------------------------


def troubled(floor: Floor, code: FaultCode, answer_ns: int = 0) -> list[str]:
    """Let this fault strike whenever it can; where it did."""
    struck: list[str] = []

    def trouble(asked: FaultCode, what: str) -> int | None:
        if asked is not code:
            return None
        struck.append(what)
        return answer_ns

    floor.exchange.troubled_by(trouble)
    return struck


def test_v1_one_share_at_a_time() -> None:
    floor = Floor()
    troubled(floor, FaultCode.V1)
    order_id = floor.order("buy", 3, "market")
    assert floor.fills() == [(1, "100.01")]
    floor.wait()
    assert floor.fills() == [(1, "100.01")] * 3
    assert floor.status(order_id) == "FILLED"


def test_v2_a_fill_beats_the_cancel() -> None:
    floor = Floor()
    order_id = floor.order("buy", 10, limit="99")
    troubled(floor, FaultCode.V2)
    floor.events()
    floor.cancel(order_id)
    assert floor.fills() == [(10, "99")]
    assert floor.events() == ["PENDING_CANCEL", "FILL", "CANCEL_REJECTED"]
    stop_id = floor.order("sell", 10, "stop", stop="95")
    floor.cancel(stop_id)
    assert floor.status(stop_id) == "CANCELED", "a stop that sleeps cannot be filled"


def test_v3_the_cancel_is_refused_and_the_order_works_on() -> None:
    floor = Floor()
    order_id = floor.order("buy", 10, limit="99")
    troubled(floor, FaultCode.V3)
    floor.events()
    floor.cancel(order_id)
    assert floor.events() == ["PENDING_CANCEL", "CANCEL_REJECTED"]
    assert floor.status(order_id) == "NEW"
    floor.print("98.99", 100)
    assert floor.status(order_id) == "FILLED"


def test_v4_the_replacement_is_refused() -> None:
    floor = Floor()
    order_id = floor.order("buy", 10, limit="99")
    troubled(floor, FaultCode.V4)
    new = floor.replace(order_id, limit="99.50", wait_ms=1_000)
    assert (floor.status(order_id), floor.status(new.order_id)) == ("NEW", "REJECTED")


def test_v5_the_fill_beats_the_replacement() -> None:
    floor = Floor()
    order_id = floor.order("buy", 10, limit="99")
    troubled(floor, FaultCode.V5)
    new = floor.replace(order_id, limit="99.50", wait_ms=1_000)
    assert (floor.status(order_id), floor.status(new.order_id)) == ("FILLED", "REJECTED")
    assert floor.fills() == [(10, "99")]


def test_v6_an_execution_is_broken_later() -> None:
    floor = Floor()
    troubled(floor, FaultCode.V6, 5_000_000_000)
    floor.long(10)
    (fill,) = floor.exchange.fills(ME)
    floor.wait(6_000)
    assert floor.position() == 0
    floor.long(10)
    floor.exchange.bust(floor.exchange.fills(ME)[-1].exec_id)
    floor.wait(6_000)
    assert floor.position() == 0, "it was broken before"
    assert not fill.busted


def test_v9_refused_after_it_was_accepted() -> None:
    floor = Floor()
    troubled(floor, FaultCode.V9)
    entry, target, stop = floor.bracket("buy", 10, None, tp="102", sl="98")
    assert floor.status(entry) == "REJECTED"
    assert (floor.status(target), floor.status(stop)) == ("CANCELED", "CANCELED")


def test_v16_an_elected_buy_stop_stays_unfilled() -> None:
    floor = Floor()
    floor.short(10)
    stop_id = floor.order("buy", 10, "stop", stop="101")
    assert troubled(floor, FaultCode.V16) == []
    floor.quote("101.10", "101.20")
    floor.print("101.15")
    floor.wait(10_000)
    assert floor.at(stop_id).triggered
    assert floor.status(stop_id) == "NEW"
    floor.quote("101", "101.08")
    floor.wait()
    assert floor.status(stop_id) == "FILLED", "the market came back below what it may pay"


def test_v17_both_exits_are_at_the_market() -> None:
    floor = Floor()
    floor.bracket("buy", 100, None, tp="100.50", sl="98")
    troubled(floor, FaultCode.V17)
    floor.quote("97.98", "98.02")
    floor.print("98")
    floor.quote("100.60", "100.70")
    floor.wait()
    assert floor.position() == -100
