"""Every invariant that is checked after each step can be broken, and is then named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.commands import Priority, SubmitOrder
from surefill.core.fix import OrdType
from surefill.core.invariants import broken_invariants
from surefill.core.order import OrderState
from surefill.core.trade import GroupKind, Outcome, Trade
from surefill.core.units import NANO
from tests.support.core import Bench, covered_bench

COVERED = covered_bench().trade
WORKING = Bench().trade


def broken(before: Trade, after: Trade, *, sent: str | None = None) -> list[str]:
    """Names of what this step broke; ``sent`` is the key of an order it sent."""
    commands = []
    if sent is not None:
        order = after.order(sent)
        assert order is not None
        commands.append(SubmitOrder("p1", order.spec, Priority.PROTECT))
    return [text.partition(":")[0] for text in broken_invariants(before, after, commands)]


def with_entry(trade: Trade, **more: object) -> Trade:
    """The trade with another entry order."""
    first, *rest = trade.orders
    return replace(trade, orders=(replace(first, **more), *rest))  # type: ignore[arg-type]


def test_nothing_broken() -> None:
    assert broken(COVERED, COVERED) == []
    assert broken(COVERED, COVERED, sent=COVERED.orders[1].key) == []
    assert broken(WORKING, WORKING, sent=WORKING.orders[0].key) == []


def test_i2_more_than_the_plan_asked_for() -> None:
    second = replace(WORKING.orders[0], key="again")
    assert broken(WORKING, replace(WORKING, orders=(*WORKING.orders, second))) == ["I2"]


def test_i2_what_was_too_much_before_is_not_told_again() -> None:
    less = replace(WORKING, terms=replace(WORKING.terms, order_qty=50 * NANO))
    assert broken(less, less) == []


def test_i1_an_entry_beyond_the_worst_price_or_without_a_limit() -> None:
    spec = WORKING.orders[0].spec
    worse = replace(spec, limit_px=WORKING.terms.worst_px + 10_000_000)
    assert broken(WORKING, with_entry(WORKING, spec=worse)) == ["I1"]
    market = replace(spec, ord_type=OrdType.MARKET, limit_px=None)
    assert broken(WORKING, with_entry(WORKING, spec=market)) == ["I1"]
    legacy = replace(WORKING, is_legacy=True)
    assert broken(legacy, with_entry(legacy, spec=market)) == []


def test_i14_a_stop_that_was_tightened_stays_so() -> None:
    tight = replace(COVERED, ratchet_px=99 * NANO)
    assert broken(COVERED, tight) == []
    assert broken(tight, tight) == []
    assert broken(tight, replace(tight, ratchet_px=100 * NANO)) == []
    assert broken(tight, replace(tight, ratchet_px=98 * NANO)) == ["I14"]
    assert broken(tight, replace(tight, ratchet_px=None)) == ["I14"]


def test_i4_exits_for_more_than_is_held() -> None:
    group = replace(COVERED.groups[0], qty=130 * NANO)
    over = replace(COVERED, groups=(group,))
    assert broken(COVERED, over, sent=COVERED.orders[1].key) == ["I4"]
    assert broken(COVERED, over) == [], "found, not sent"
    restore = replace(over, groups=(replace(group, kind=GroupKind.RESTORE),))
    assert "I4" not in broken(restore, restore, sent=COVERED.orders[1].key)


def test_i4_cover_that_is_restored_may_be_sent_beside_what_was_found() -> None:
    entry, *exits = COVERED.orders
    again = replace(exits[-1], key="R2", group=2)
    again = replace(again, spec=replace(again.spec, cl_ord_id="R2"))
    first = replace(COVERED.groups[0], qty=130 * NANO)
    second = replace(first, n=2, kind=GroupKind.RESTORE)
    trade = replace(COVERED, orders=(entry, *exits, again), groups=(first, second))
    assert broken(trade, trade, sent="R2") == []
    assert broken(trade, trade, sent=exits[-1].key) == ["I4"]


def test_i9_an_id_twice() -> None:
    last = COVERED.orders[-1]
    assert "I9" in broken(COVERED, replace(COVERED, orders=(*COVERED.orders, last)))


def test_the_terms_and_the_path_never_change() -> None:
    wider = replace(WORKING.terms, worst_px=WORKING.terms.worst_px + 10_000_000)
    assert broken(WORKING, replace(WORKING, terms=wider)) == ["I1"]
    assert broken(WORKING, replace(WORKING, is_legacy=True)) == ["I23"]


def test_machines() -> None:
    bare = replace(COVERED, orders=COVERED.orders[:1], groups=())
    back = with_entry(bare, fills=(), reported_qty=0, state=OrderState.IN_FLIGHT)
    names = broken(bare, back)
    assert any(name.startswith("phase FILLED_UNCOVERED may not become") for name in names)
    done = with_entry(COVERED)
    gone = [replace(o, state=OrderState.CANCELED) if o.group else o for o in done.orders]
    ended = replace(done, orders=tuple(gone))
    asked = [replace(o, state=OrderState.UNSENT) if o.group else o for o in done.orders]
    assert broken(ended, replace(done, orders=tuple(asked))) == ["group 1"]
    first = replace(done, orders=tuple(asked), groups=(replace(done.groups[0], n=2), *done.groups))
    assert broken(ended, first) == ["group 1"], "beside a new group"


def test_what_is_broken_is_said() -> None:
    last = COVERED.orders[-1]
    wider = replace(WORKING.terms, worst_px=WORKING.terms.worst_px + 10_000_000)
    open_entry = replace(WORKING, outcome=Outcome.NOT_ENTERED)
    for before, after, says in (
        (
            COVERED,
            replace(COVERED, orders=(*COVERED.orders, last)),
            "a client order id stands twice",
        ),
        (WORKING, replace(WORKING, terms=wider), "the terms of a trade changed"),
        (WORKING, replace(WORKING, is_legacy=True), "a trade changed its path"),
        (open_entry, open_entry, "closed with an order that may still execute"),
    ):
        sentences = [text.partition(": ")[2] for text in broken_invariants(before, after, ())]
        assert says in sentences


@pytest.mark.parametrize("outcome", [Outcome.CLOSED_STOP, Outcome.HANDED_OVER])
def test_i5_closed_with_something_left(outcome: Outcome) -> None:
    names = broken(COVERED, replace(COVERED, outcome=outcome))
    assert names == ([] if outcome is Outcome.HANDED_OVER else ["I5", "I5"])


def test_i5_either_alone() -> None:
    gone = [replace(o, state=OrderState.CANCELED) if o.group else o for o in COVERED.orders]
    held = replace(COVERED, orders=tuple(gone), outcome=Outcome.CLOSED_STOP)
    assert broken(held, held) == ["I5"]
    flat = replace(WORKING, outcome=Outcome.NOT_ENTERED)
    assert broken(flat, flat) == ["I5"]
    over = with_entry(flat, state=OrderState.CANCELED)
    assert broken(over, over) == []
