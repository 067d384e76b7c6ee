"""The never-rules of the design, section 6, each as its own test on the whole code base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from surefill.core import order
from tests.tidy import rules
from tests.tidy.source import Finding, Source, everything, package

Rule = Callable[[Iterable[Source]], Iterator[Finding]]


def hold(rule: Rule, sources: Iterable[Source]) -> None:
    """Fail with one line per finding."""
    found = sorted({str(finding) for finding in rule(sources)})
    document = (rule.__doc__ or "").partition("\n")[0]
    assert not found, f"{document}\n" + "\n".join(found)


def test_never_core_imports_or_does_io() -> None:
    hold(rules.core_imports_or_does_io, package())


def test_never_tactics_import_beyond_core() -> None:
    hold(rules.tactics_import_beyond_core, package())


def test_never_brokers_and_sim_know_each_other() -> None:
    hold(rules.brokers_and_sim_know_each_other, package())


def test_never_readers_write_engine_state() -> None:
    hold(rules.readers_write_engine_state, package())


def test_never_anyone_but_wiring_composes() -> None:
    hold(rules.outsider_composes, package())


def test_never_anyone_but_the_clock_reads_time() -> None:
    hold(rules.outsider_reads_clock, package())


def test_never_a_broker_word_outside_its_package() -> None:
    hold(rules.broker_word_outside, package())


def test_never_a_command_sent_without_its_record() -> None:
    hold(rules.sends_without_record, package())


def test_never_float_for_money() -> None:
    hold(rules.float_for_money, package())


def test_never_a_mode_word_in_core() -> None:
    hold(rules.mode_word_in_core, package())


def test_never_a_retry_of_an_unknown_submit() -> None:
    hold(rules.retries_unknown_submit, package())


def test_never_a_send_from_any_state_but_unsent() -> None:
    may_send = {state for state, what in order.TRANSITIONS if what is order.OrderInput.SEND}
    assert may_send == {order.OrderState.UNSENT}


def test_never_an_auditor_that_knows_us() -> None:
    hold(rules.auditor_knows_us, everything())


def test_never_catch_everything() -> None:
    hold(rules.catches_everything, everything())


def test_never_a_mock_without_shape() -> None:
    hold(rules.mock_without_shape, everything())


def test_never_commit_the_unfinished() -> None:
    hold(rules.unfinished, everything())


def test_never_a_module_without_its_purpose() -> None:
    hold(rules.undocumented_module, everything())
