"""``surefill check``: tables and JSON of the real arithmetic, exit codes, no network."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from surefill.cli.check import ratio_text
from surefill.cli.exits import Exit
from surefill.cli.main import main

BY_LEVEL = ("--stop", "529.47", "--target", "536.87")
BY_DISTANCE = ("--risk", "5.35", "--rr", "2")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory without ``.env``, an environment without keys, no way to connect."""
    monkeypatch.chdir(tmp_path)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "APCA_API_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def no_network(*_: object) -> None:
        raise AssertionError("check connects to nobody")

    monkeypatch.setattr(socket.socket, "connect", no_network)


def check(*words: str, qty: str = "25", side: str = "buy") -> int:
    return main(["check", "CRWD", side, qty, "--signal", "534.82", *words])


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert err == ""
    assert all(len(line) <= 80 for line in out.splitlines())
    return out


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_the_crwd_morning_is_denied(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*BY_LEVEL) == Exit.NOT_TRADED
    out = shown(capsys)
    assert out.startswith("CRWD BUY 25 at signal 534.82: DENIED, nothing would be sent\n")
    assert "RR_BELOW_MIN  reward/risk 0.38 is below the minimum 2" in out
    assert "Orders" not in out


def test_the_crwd_morning_by_distance(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*BY_DISTANCE) == Exit.DONE
    out = shown(capsys)
    for line in (
        "would be sent",
        "cap          535.35  signal + 0.1 %, rounded down to the tick",
        "first limit  535.08  signal + buffer 0.05 %, rounded down to the tick",
        "1  BUY 25 LIMIT 535.08 DAY",
        "2  SELL 25 OCO stop 529.73 | limit 545.78 GTC",
        "USD at risk          133.75              133.75              133.75",
        "Not checked here",
    ):
        assert line in out


def test_json_is_the_whole_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*BY_DISTANCE, "--json") == Exit.DONE
    found = answer(capsys)
    assert found["is_accepted"] is True
    assert found["prices"]["worst_price"] == {"px": "535.35", "why": "the cap"}
    assert [order["text"] for order in found["orders"]] == [
        "BUY 25 LIMIT 535.08 DAY",
        "SELL 25 OCO stop 529.73 | limit 545.78 GTC",
    ]
    assert found["cases"][2]["stop_px"] == "530"
    assert found["rr_planned"] == "2"


def test_json_of_a_denied_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*BY_LEVEL, "--json") == Exit.NOT_TRADED
    found = answer(capsys)
    assert [reason["code"] for reason in found["reasons"]] == ["RR_BELOW_MIN"]
    assert found["orders"] == []
    assert found["rr_planned"] is None


def test_a_cap_under_one_tick_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "PENNY", "buy", "100", "--signal", "5.01", "--risk", "0.10", "--rr", "2"]
    assert main(words) == Exit.DONE
    assert "CAP_UNDER_ONE_TICK" in shown(capsys)


def test_what_moves_the_stop_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*BY_DISTANCE, "--break-even", "1R", "--trail", "1.50", "--trail-from", "2R")
    assert check(*words) == Exit.DONE
    out = " ".join(shown(capsys).split())
    assert "stop break-even at 1R, trailing 1.5 from 2R on; it only tightens" in out
    assert check(*words, "--json") == Exit.DONE
    assert answer(capsys)["manage"] == "break-even at 1R, trailing 1.5 from 2R on"
    ladder = ("--rr", "3", "--scale-out", "50%:1.5", "--scale-out", "20%:2")
    assert check("--risk", "5.35", *ladder, "--exit-after", "900") == Exit.DONE
    out = " ".join(shown(capsys).split())
    for pair in ("SELL 12 OCO", "SELL 5 OCO", "SELL 8 OCO"):
        assert pair in out
    assert check(*BY_DISTANCE, "--trail-from", "2R") == Exit.USAGE
    assert check(*BY_DISTANCE, "--trail", "near") == Exit.USAGE
    assert "PLAN_DISTANCE_INVALID" in shown(capsys)


def test_a_plan_without_exits_is_denied(capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == Exit.NOT_TRADED
    assert "EXITS_MISSING" in shown(capsys)


def test_every_problem_of_a_malformed_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(*BY_DISTANCE, "--tactic", "hope", qty="2.5") == Exit.USAGE
    out = shown(capsys)
    assert "PLAN_TACTIC_UNKNOWN" in out
    assert "FRACTIONAL_UNPROTECTABLE" in out


@pytest.mark.parametrize("words", [("--json",), ()])
def test_an_unreadable_number(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--risk", "much", "--rr", "2", *words) == Exit.USAGE
    assert "PLAN_NUMBER_INVALID" in shown(capsys) if not words else answer(capsys)["reasons"]


def test_half_a_pair_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--stop", "529.47") == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("surefill check: half a pair")


def test_wrong_settings_are_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMART_EXECUTOR_MAX_SLIPPAGE_PCT", "0.1")
    assert check(*BY_DISTANCE) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "SMART_EXECUTOR_MAX_SLIPPAGE_PCT" in err


def test_settings_decide_as_they_do_in_a_trade(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SUREFILL_MAX_ORDER_QTY=10\n")
    monkeypatch.setenv("USE_SMART_EXECUTOR", "False")
    assert check(*BY_DISTANCE) == Exit.NOT_TRADED
    out = shown(capsys)
    assert "(legacy path)" in out
    assert "QTY_ABOVE_LIMIT  quantity 25 is above the limit 10" in out
    assert "UNCAPPED" in out


def test_a_rollout_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for percent, is_said in ((30, True), (100, False)):
        (tmp_path / ".env").write_text(f"SUREFILL_ROLLOUT_PCT={percent}\n")
        assert check(*BY_DISTANCE) == Exit.DONE
        assert ("SUREFILL_ROLLOUT_PCT=30: 30 of a hundred plans" in shown(capsys)) == is_said
    (tmp_path / ".env").write_text("SUREFILL_ROLLOUT_PCT=30\nUSE_SMART_EXECUTOR=False\n")
    assert check(*BY_DISTANCE) == Exit.DONE
    assert "SUREFILL_ROLLOUT_PCT" not in shown(capsys), "nobody takes the smart path"
    assert check(*BY_DISTANCE, "--json") == Exit.DONE
    assert answer(capsys)["rollout_percent"] == 30


def test_an_unknown_quantity_is_not_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "ACME", "buy", "--signal", "10", "--risk", "5", "--rr", "1"]
    assert main([*words, "--risk-usd", "100"]) == Exit.NOT_TRADED
    out = shown(capsys)
    assert out.startswith("ACME BUY at signal 10.00: DENIED")
    assert "USD at risk               ?" in out


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == Exit.DONE
    assert "surefill check CRWD buy 25 --signal 534.82" in " ".join(shown(capsys).split())


def test_no_ratio_is_a_question_mark() -> None:
    assert ratio_text(None) == "?"
    assert ratio_text(1_999_999_999) == "1.99"


def test_a_breakout_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("CRWD", "buy", "25", "--trigger", "540", *BY_DISTANCE)
    assert main(["check", *words]) == Exit.DONE
    out = shown(capsys)
    assert out.startswith("CRWD BUY 25 at signal 540.00, triggered at 540.00: would be sent\n")
    assert "trigger      540.00  nothing is sent before the bid has come there" in out
    assert "once triggered, rests at the first limit" in out
    assert main(["check", *words, "--json"]) == Exit.DONE
    assert answer(capsys)["trigger_px"] == "540"
