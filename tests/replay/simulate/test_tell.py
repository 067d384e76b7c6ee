"""A run in words."""

from __future__ import annotations

from dataclasses import replace

from surefill.replay.simulate.draw import SLOW, draw_scenario
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scenario import Armed, Crashed, Meddled, Meddling
from surefill.replay.simulate.tell import parameters, retell
from surefill.sim.faults import Fault, FaultCode
from tests.replay.simulate.test_play import with_more


def test_what_was_drawn_comes_first() -> None:
    scenario = replace(
        draw_scenario(7), switches=("wash_exempts=none",), delays=tuple(SLOW.items())
    )
    lines = parameters(scenario)
    assert lines[0].startswith("seed 7: storm of ")
    assert "  venue: wash_exempts=none" in lines
    assert "  venue: slow" in lines
    assert len(lines) == 3 + len(scenario.symbols) + len(scenario.happenings)
    assert parameters(draw_scenario(10))[0].startswith("seed 10: calm of ")


def test_everything_that_happened_is_told_in_order() -> None:
    story = retell(
        play(
            with_more(
                Armed(0, Fault(FaultCode.W2, "orders")),
                Crashed(4_200, 700),
                Meddled(4_000, Meddling.CLOSE_OUTSIDE, "ACME"),
                name="bracket, time exit",
            )
        )
    )
    times = [float(line.split()[0]) for line in story]
    assert times == sorted(times)
    text = "\n".join(story)
    for words in (
        "* plan p1: long 100 ACME",
        "! W2",
        "! the process is dead",
        "! the process starts again",
        "! CLOSE_OUTSIDE",
        "alarm p1 ",
        "venue p1-E1 accept BUY LIMIT 100",
        "venue p1-E1/STOP",
        "venue screen-p1 accept SELL MARKET",
        "* everything works again",
    ):
        assert words in text, words
    assert "pending_new" not in text.replace("orders pending_new", "")
