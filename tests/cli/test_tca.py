"""``surefill tca``: journal, kept run, exported history, tapes, periods, files, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.replay.keep import REPORT
from surefill.replay.run_files import write_parents
from surefill.sim.scripts import CRWD_SESSION
from tests.brokers.alpaca.support import CL_ORD_ID, activity_json, body, order_json
from tests.sim.tapes import twin
from tests.support.told import arrival, crwd_plan, crwd_run
from tests.tca.parents import fill, parent

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of one's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The CRWD morning three ways."""
    path = tmp_path / "kept" / "journal.db"
    path.parent.mkdir(mode=0o700)
    crwd_run(
        arrival(crwd_plan("late")),
        arrival(crwd_plan("poor", by_level=True), after_s=2),
        arrival(crwd_plan("blunt", by_level=True), is_legacy=True, after_s=70),
        path=path,
    )
    return path


def test_a_journal_shows_what_the_old_path_cost(journal: Path, capsys: Capture) -> None:
    assert main(["tca", str(journal)]) == Exit.DONE
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    shown = " ".join(out.split())
    assert "legacy 1 100.0 % +29." in shown
    assert "smart: Implementation shortfall" in shown
    assert "missed 1 0.0 %" in shown
    assert "denied 1 0.0 %" in shown
    assert "reward/risk at fill 1 0.06" in shown


def test_json_holds_every_measure_exactly(journal: Path, capsys: Capture) -> None:
    assert main(["tca", str(journal), "--json"]) == Exit.DONE
    legacy, smart = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (legacy["path"], smart["path"]) == ("legacy", "smart")
    entered = legacy["rows"]["entered"]
    assert entered["plans"] == 1
    assert int(entered["cost"]) > 0
    assert entered["measures"]["slippage_vs_signal"]["count"] == 1
    assert smart["rows"]["denied"]["plans"] == 1


def test_periods_and_symbols_narrow_it(journal: Path, capsys: Capture) -> None:
    words = ["tca", str(journal), "--json"]
    assert main([*words, "--since", "2026-01-02", "--until", "2099-01-01"]) == Exit.DONE
    assert len(capsys.readouterr().out.splitlines()) == 2
    for narrow in (["--since", "2099-01-01"], ["--until", "1999-01-01"], ["--symbol", "X"]):
        assert main([*words, *narrow]) == Exit.NOT_TRADED
    assert "no plan in the journal" in capsys.readouterr().err


def test_a_kept_run_with_a_tape_and_a_report(place: Path, capsys: Capture) -> None:
    (place / "tapes").mkdir()
    twin(place / "tapes")
    ns = CRWD_SESSION.open_ns + 600_000_000_000
    one = parent("a", symbol="TWIN", fills=(fill(100, "9"),), arrival_ns=ns, budget_ns=ns)
    write_parents(place / "run" / "smart", [one])
    words = ["tca", "--replay", "run", "--tape", "tapes", "--out", "kept"]
    assert main(words) == Exit.DONE
    err = capsys.readouterr().err
    assert "tapes cover 1 of 1 plans" in err
    assert f"wrote kept/{REPORT}" in err
    assert (place / "kept" / "smart" / "plans.parquet").exists()
    assert (place / "kept" / "tracks.jsonl").exists()
    again = ["tca", "--replay", "kept", "--out", "again"]
    assert main(again) == Exit.DONE
    assert (place / "again" / "tracks.jsonl").exists(), "a run's tracks stay with it"
    (place / "file").write_text("")
    assert main([*again[:-1], "file"]) == Exit.USAGE


def test_a_history_with_signals_and_fees(place: Path, capsys: Capture) -> None:
    order = order_json(status="filled", filled_qty="25")
    fee = {"activity_type": "FEE", "id": "f", "net_amount": "-0.37"}
    (place / "orders.json").write_bytes(body([order]))
    (place / "fills.json").write_bytes(body([activity_json(), fee]))
    (place / "signals.csv").write_text(f"id,signal\n{CL_ORD_ID},150.00\n")
    words = ["tca", "--history", "orders.json", "fills.json", "--signals", "signals.csv"]
    assert main(words) == Exit.DONE
    found = capsys.readouterr()
    assert "entered 1 100.0 % +3.33" in " ".join(found.out.split())
    assert "in no plan: 0.37 USD" in found.err
    assert main(words[:4]) == Exit.DONE, "without signals and fees in sight"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["none.db"], Exit.UNAVAILABLE, "no journal at none.db"),
        (["bad.db"], Exit.UNAVAILABLE, "bad.db"),
        (["--replay", "none"], Exit.USAGE, "no run in none"),
        (["--history", "none.json"], Exit.USAGE, "none.json"),
        (["--history", "empty.json"], Exit.USAGE, "no history in these files"),
        (["a.db", "--replay", "b"], Exit.USAGE, "one source at a time"),
        (["--replay", "run", "--tape", "nowhere"], Exit.USAGE, "nowhere"),
    ],
)
def test_what_cannot_be_measured(
    words: list[str], code: Exit, sentence: str, place: Path, capsys: Capture
) -> None:
    (place / "empty.json").write_text("[]")
    (place / "bad.db").write_text("no journal")
    write_parents(place / "run" / "smart", [parent("a")])
    assert main(["tca", *words]) == code
    assert sentence in capsys.readouterr().err


def test_settings_that_are_wrong(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("SUREFILL_NONSENSE", "1")
    assert main(["tca"]) == Exit.USAGE
    assert "SUREFILL_NONSENSE" in capsys.readouterr().err
