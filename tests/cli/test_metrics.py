"""``surefill metrics``: tables, CSV, JSON, periods, alerts and their file."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import date
from pathlib import Path

import pytest

from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.cli.metrics import start_of_ns, total_rows
from surefill.tca.facts import Fate
from surefill.tca.metrics import metrics_of
from tests.support.told import arrival, crwd_plan, crwd_run
from tests.tca.support import fact


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The CRWD morning three ways, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUREFILL_LOG_DIR", "logs")
    path = tmp_path / "kept" / "journal.db"
    path.parent.mkdir(mode=0o700)
    crwd_run(
        arrival(crwd_plan("late")),
        arrival(crwd_plan("poor", by_level=True), after_s=2),
        arrival(crwd_plan("blunt", by_level=True), is_legacy=True, after_s=70),
        path=path,
    )
    return path


def test_the_table(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--journal", str(journal), "--by", "path"]) == Exit.DONE
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 entered (1 closed), 1 not entered, 0 rejected, 1 denied, 0 pending" in shown
    assert "rejection rate 33.3 %" in shown
    assert "fill rate 50.0 %" in shown
    assert "against it (MAE) -, 1 unknown" in shown  # a virtual run sees only urgent quotes
    assert "ENTRY_TIMEOUT 1, RR_BELOW_MIN 1" in shown
    assert "legacy 1 0.0 % 100.0 % +29." in shown
    assert "legacy 1 -1.00 0.0 % - - - - 1 smart 0 - - - - - - 0" in shown
    assert not (journal.parent.parent / "logs").exists()


def test_nothing_to_measure_is_no_zero(capsys: pytest.CaptureFixture[str]) -> None:
    rows = dict(total_rows(metrics_of([])))
    assert rows["rejection rate"].startswith("- ")
    assert rows["without a stop"] == rows["money made"] == rows["use of the cap"] == "-"
    some = dict(total_rows(metrics_of([fact("a"), fact("b", Fate.NOT_ENTERED)])))
    assert some["money made"] == "400.00 USD"
    assert some["result"] == "2.00 R, hit rate 100.0 %"
    assert rows["against it (MAE)"] == "-, 0 unknown"
    half = "0.50 R (2.00 USD a share)"
    assert some["against it (MAE)"] == f"{half} on average, {half} at most, 0 unknown"
    assert some["in favour (MFE)"].startswith("2.00 R (8.00 USD a share) on average")


def test_alerts_are_printed_logged_and_end_with_1(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["metrics", "--journal", str(journal), "--alerts"]) == Exit.NOT_TRADED
    assert "RR_AT_FILL_LOW" in capsys.readouterr().out
    log = journal.parent.parent / "logs" / "alerts.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    lines = log.read_text().splitlines()
    assert len(lines) == 8
    assert " WARNING smart_order_executor alert WARNING SLIPPAGE_HIGH: average slippage" in lines[0]


def test_alerts_that_cannot_be_logged_are_still_told(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (journal.parent.parent / "taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("SUREFILL_LOG_DIR", "taken")
    assert main(["metrics", "--journal", str(journal), "--alerts"]) == Exit.NOT_TRADED
    shown = capsys.readouterr()
    assert "RR_AT_FILL_LOW" in shown.out
    assert "could not be logged" in shown.err


def test_without_a_broken_rule(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["metrics", "--journal", str(journal), "--alerts", "--since", "2027-01-01"]
    assert main(command) == Exit.DONE
    assert "Alerts: none, no rule is broken." in capsys.readouterr().out


def test_csv(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["metrics", "--journal", str(journal), "--csv", "--by", "symbol"]
    assert main(command) == Exit.DONE
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["group"] for row in rows] == ["all", "CRWD"]
    assert rows[0]["plans"] == rows[1]["plans"] == "3"
    assert rows[0]["cap_use_mean_ppb"] == ""
    assert (rows[0]["mae_count"], rows[0]["excursion_unknown"]) == ("0", "1")
    assert rows[0]["mae_px_mean_nano_usd"] == ""


def test_json(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["metrics", "--journal", str(journal), "--json"]
    assert main(base) == Exit.DONE
    shown = json.loads(capsys.readouterr().out)
    assert shown["since"] is None
    assert "groups" not in shown
    period = ["--since", "2026-11-20", "--until", "2026-11-20"]
    assert main([*base, "--by", "reason", "--alerts", *period]) == Exit.NOT_TRADED
    shown = json.loads(capsys.readouterr().out)
    assert (shown["since"], shown["by"], shown["all"]["plans"]) == ("2026-11-20", "reason", 3)
    assert set(shown["groups"]) == {"ENTRY_FILLED", "ENTRY_TIMEOUT", "RR_BELOW_MIN"}
    assert len(shown["alerts"]) == 4
    assert main([*base, "--until", "2026-11-19"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["all"]["plans"] == 0


def test_a_day_is_a_day_in_new_york() -> None:
    assert start_of_ns(date(2026, 11, 20)) == 1_795_150_800 * 10**9, "05:00 UTC"
    assert start_of_ns(date(2026, 7, 1)) == 1_782_878_400 * 10**9, "04:00 UTC"


def test_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["metrics"]) == Exit.UNAVAILABLE
    assert "no journal at" in capsys.readouterr().err
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a journal")
    broken.chmod(0o600)
    assert main(["metrics", "--journal", str(broken)]) == Exit.UNAVAILABLE
    assert "JOURNAL_CORRUPT" in capsys.readouterr().err
    assert main(["metrics", "--since", "yesterday"]) == Exit.USAGE
    monkeypatch.setenv("SUREFILL_NO_SUCH", "1")
    assert main(["metrics"]) == Exit.USAGE
    assert "not a setting" in capsys.readouterr().err
