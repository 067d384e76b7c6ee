"""The engine's side of the API, without an engine that answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.control.place import ControlPlace
from surefill.core.events import Act
from surefill.runtime.wiring import journal_path
from surefill.service import door
from surefill.service.door import Door
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role
from tests.support.desk import plan_of


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(door, "RECONNECT_S", 0.05)
    monkeypatch.setattr(door, "ANSWER_S", 0.2)
    (tmp_path / "state").mkdir(mode=0o700)
    return Settings.load({"SUREFILL_JOURNAL_PATH": str(tmp_path / "state" / "journal.db")})


async def test_without_an_engine_the_answer_says_so(settings: Settings) -> None:
    asked = Door(settings)
    for work in (
        asked.act(Role.KILL_ONLY, Act.KILL),
        asked.submit(plan_of("ACME", "p1"), wait_s=1),
        asked.check(plan_of("ACME", "p1")),
        asked.flatten("ACME", "", wait_s=1),
        asked.reduce("p1", "5", "", key="k", wait_s=1),
        asked.tighten("p1", "99.5", "", wait_s=1),
        asked.adopt(plan_of("ACME", "p1"), wait_s=1),
    ):
        with pytest.raises(ApiProblem) as problem:
            await work
        assert (problem.value.status, problem.value.code) == (503, "CONTROL_UNREACHABLE")
    with pytest.raises(ApiProblem) as problem:
        await asked.reduce("p1", "half", "", key="k", wait_s=1)
    assert problem.value.code == "PLAN_INVALID"
    await asked.close()


async def test_an_engine_that_hangs_is_said(settings: Settings) -> None:
    place = ControlPlace(journal_path(settings))
    waiting = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await waiting.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(hang, sock=place.listen("t"))
    asked = Door(settings)
    with pytest.raises(ApiProblem) as problem:
        await asked.act(Role.OPERATOR, Act.HALT)
    assert (problem.value.status, problem.value.code) == (504, "ENGINE_SILENT")
    await asked.close()
    waiting.set()
    server.close()
    await server.wait_closed()
