from __future__ import annotations

import stat
from pathlib import Path

import pytest

from surefill.alerts.health import ChannelHealth, HealthFile, State


def test_what_was_written_is_read(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    found = {
        "desk": ChannelHealth(State.WORKS, 1, 2, "", 0, 3, {"DOUBT_LONG ": (5, 1)}),
        "mail": ChannelHealth().after("HTTP_404", 7),
    }
    HealthFile(journal, "engine").write(found)
    assert HealthFile(journal, "engine").read() == found
    assert HealthFile(journal, "watchdog").read() == {}
    path = tmp_path / "journal.db.alerts-engine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_state_has_a_beginning_and_failures_are_counted() -> None:
    first = ChannelHealth().after("HANGS", 10)
    second = first.after("HTTP_500", 20)
    assert (second.state, second.since_ns, second.failures) == (State.FAILS, 10, 2)
    works = second.after(None, 30)
    assert (works.state, works.since_ns, works.sent_ns) == (State.WORKS, 30, 30)
    assert (works.code, works.failures) == ("", 0)


@pytest.mark.parametrize("text", ["", "[]", '{"a": {}}', '{"a": {"told": 1, "sent_ns": 1}}'])
def test_a_file_that_cannot_be_read_is_no_knowledge(tmp_path: Path, text: str) -> None:
    (tmp_path / "j.alerts-engine").write_text(text)
    assert HealthFile(tmp_path / "j", "engine").read() == {}


def test_a_file_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    HealthFile(tmp_path / "file" / "journal.db", "engine").write({"desk": ChannelHealth()})
