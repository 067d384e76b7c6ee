"""Lines of the control port: exact both ways, nothing unknown taken."""

from __future__ import annotations

import pytest

from surefill.control.protocol import (
    Asked,
    Done,
    Execute,
    Failed,
    FlattenAndWait,
    Hello,
    ListOpen,
    Malformed,
    Operate,
    Told,
    Welcome,
    asked_of,
    hello_of,
    is_repeatable,
    line_of,
    told_of,
    welcome_of,
)
from surefill.core.events import Act
from surefill.core.preview import Rules, preview
from surefill.core.reasons import Reason, ReasonCode
from surefill.runtime.dry_run import PlanCheck
from surefill.tactics.registry import TACTICS
from tests.support.runtime import plan_of


def test_every_line_comes_back_as_it_was() -> None:
    hello = Hello(1, "b", "t", "n")
    welcome = Welcome("b", 7, "3f9a01")
    asked = Asked(3, Execute(plan_of(), None))
    told = Told(3, Failed("PLAN_INVALID", "no", (Reason.of(ReasonCode.EXITS_MISSING),)))
    assert hello_of(line_of(hello)) == hello
    assert welcome_of(line_of(welcome)) == welcome
    assert asked_of(line_of(asked)) == asked
    assert told_of(line_of(told)) == told
    checked = Told(4, PlanCheck(preview(plan_of(), Rules(TACTICS)), ()))
    assert told_of(line_of(checked)) == checked
    assert line_of(Told(1, Done())) == b'{"$":"Told","n":1,"answer":{"$":"Done"}}\n'


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1\r\n",
        b"[]",
        b'{"$":"Asked","n":1}',
        b'{"$":"Asked","n":1.5,"request":{"$":"ListOpen"}}',
        b'{"$":"Asked","n":1,"n":2,"request":{"$":"ListOpen"}}',
        b'{"$":"Asked","n":1,"request":{"$":"ListOpen"},"sudo":true}',
        b'{"$":"Asked","n":1,"request":{"$":"Denial"}}',
        b'{"$":"Asked","n":1,"request":{"$":"Operate","act":"BUY","target":"","why":""}}',
        b"\xff\xfe\n",
        b"[" * 50_000,
    ],
)
def test_anything_else_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed) as problem:
        asked_of(line)
    assert "version of Surefill" not in str(problem.value)


def test_what_could_do_more_when_it_arrives_twice_is_not_repeated() -> None:
    assert is_repeatable(Execute(plan_of(), None))
    assert is_repeatable(ListOpen())
    assert not is_repeatable(FlattenAndWait("", "", 1))
    repeatable = {act for act in Act if is_repeatable(Operate(act, "", ""))}
    assert {Act.KILL, Act.HALT, Act.CANCEL_ENTRY} <= repeatable
    assert not {Act.RESUME, Act.UNKILL, Act.FLATTEN, Act.HAND_OVER} & repeatable
