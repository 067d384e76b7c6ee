from __future__ import annotations

from surefill.core.fix import Leg
from surefill.core.reasons import ReasonCode
from surefill.core.session import SessionKind
from surefill.runtime.dry_run import dry_run
from tests.support.core import SESSION, START_NS
from tests.support.runtime import plan_of, readiness, stepper_of, submission


def test_an_acceptable_plan_shows_its_orders_and_leaves_no_trace() -> None:
    stepper = stepper_of()
    stepper.handle(readiness(), START_NS)
    before = stepper.seq
    check = dry_run(stepper.engine, submission(plan_of()), now=START_NS)
    assert check.is_accepted
    assert check.terms is not None
    assert [order.spec.leg for order in check.preview.orders] == [Leg.ENTRY, Leg.TARGET]
    assert stepper.seq == before
    assert not stepper.engine.book.open
    assert stepper.engine.book.known_as("p1") is None


def test_the_plans_faults_and_the_gates_are_both_listed() -> None:
    stepper = stepper_of()  # reconciling: nothing has been read yet
    poor = dry_run(stepper.engine, submission(plan_of(rr="1")), now=START_NS)
    assert ReasonCode.RR_BELOW_MIN in {reason.code for reason in poor.preview.reasons}
    early = dry_run(stepper.engine, submission(plan_of()), now=START_NS)
    codes = {reason.code for reason in early.gate_reasons}
    assert {ReasonCode.ENGINE_NOT_READY, ReasonCode.QUOTE_MISSING} <= codes
    assert not early.preview.reasons
    assert len(poor.reasons) == len(set(poor.reasons))


def test_a_used_plan_id_and_a_busy_symbol_are_seen() -> None:
    stepper = stepper_of()
    stepper.handle([*readiness(), submission(plan_of())], START_NS)
    again = dry_run(stepper.engine, submission(plan_of()), now=START_NS)
    assert [reason.code for reason in again.reasons] == [ReasonCode.PLAN_ID_REUSED]
    other = dry_run(stepper.engine, submission(plan_of("p2")), now=START_NS)
    assert ReasonCode.SYMBOL_BUSY in {reason.code for reason in other.gate_reasons}


def test_extended_hours_use_their_own_buffer() -> None:
    stepper = stepper_of()
    stepper.handle(readiness(), START_NS)
    evening_ns = SESSION.close_ns + 1
    assert stepper.engine.state.calendar.kind_at(evening_ns) is SessionKind.ETH
    check = dry_run(stepper.engine, submission(plan_of()), now=evening_ns)
    assert check.terms is not None
    assert check.terms.first_limit_px == 100_020_000_000
    assert not check.is_accepted
