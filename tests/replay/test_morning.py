"""The CRWD morning over real sockets, exact to the cent, in both endings."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.replay.morning import Bought, Morning, MorningError, _int, play_mornings
from surefill.sim.scripts import CrwdEnding


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What the caller was told meanwhile."""
    return []


@pytest.fixture(scope="module")
def mornings(tmp_path_factory: pytest.TempPathFactory, told: list[str]) -> dict[str, Morning]:
    """Both endings, played once."""
    folder = tmp_path_factory.mktemp("mornings")
    played = play_mornings(folder, reading_ns=time.monotonic_ns, on_progress=told.append)
    assert list(folder.glob("*/journal*.db")), "real journals were written"
    return {morning.ending.value: morning for morning in played}


def bought(entry: int, *, exit_px: int, pnl: int, outcome: Outcome) -> Bought:
    """The legacy trade that is expected, in cents."""
    cent = 10_000_000
    return Bought(
        shares=25,
        entry_px=entry * cent,
        exit_px=exit_px * cent,
        risk_px=653 * cent,
        reward_px=87 * cent,
        slippage_vs_signal_bps=Decimal("22.1"),
        pnl_usd=pnl * cent,
        outcome=outcome,
    )


def test_the_market_order_buys_one_to_0_13(mornings: dict[str, Morning]) -> None:
    stop, target = mornings["STOP"].legacy, mornings["TARGET"].legacy
    assert stop == bought(53600, exit_px=52947, pnl=-16325, outcome=Outcome.CLOSED_STOP)
    assert target == bought(53600, exit_px=53687, pnl=2175, outcome=Outcome.CLOSED_TARGET)
    assert stop.rr == Decimal("0.13")


@pytest.mark.parametrize("ending", ["STOP", "TARGET"])
def test_by_level_is_denied_before_any_order(mornings: dict[str, Morning], ending: str) -> None:
    level = mornings[ending].level
    assert (level.outcome, level.code) == (Outcome.DENIED, ReasonCode.RR_BELOW_MIN)
    assert level.sentence == "reward/risk 0.38 is below the minimum 2"
    assert level.orders == 0


@pytest.mark.parametrize("ending", ["STOP", "TARGET"])
def test_by_distance_waits_its_60_s_and_is_not_entered(
    mornings: dict[str, Morning], ending: str
) -> None:
    waited = mornings[ending].distance
    assert waited.outcome is Outcome.NOT_ENTERED
    assert (waited.limit_px, waited.worst_px) == (535_080_000_000, 535_350_000_000)
    assert waited.shares == 0
    assert waited.ask_px == 536_400_000_000
    assert 59_000 < waited.worked_ms < 62_000


def test_the_auditor_is_content_and_read_something(mornings: dict[str, Morning]) -> None:
    for morning in mornings.values():
        assert morning.violations == ()
        assert morning.lines > 10


def test_rows_are_json_with_prices_as_text(mornings: dict[str, Morning]) -> None:
    rows = [json.loads(json.dumps(row)) for row in mornings["TARGET"].rows()]
    assert [row["outcome"] for row in rows] == ["CLOSED_TARGET", "DENIED", "NOT_ENTERED"]
    assert rows[0]["entry_px"] == "536.00"
    assert rows[0]["reward_risk"] == "0.13"
    assert rows[2]["missed_pnl_usd"] == "21.75"


def test_progress_is_told_in_words(mornings: dict[str, Morning], told: list[str]) -> None:
    assert len(mornings) == len(list(CrwdEnding))
    assert any("09:40:00" in text for text in told)


def test_a_log_without_a_number_is_an_error() -> None:
    with pytest.raises(MorningError, match="no px"):
        _int({"px": None}, "px")


def test_nobody_has_to_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A morning that cannot end in time says so, and closes what it opened."""
    monkeypatch.setattr("surefill.replay.morning.SETTLED_S", 0.0)
    with pytest.raises(MorningError, match="in time"):
        play_mornings(tmp_path, reading_ns=time.monotonic_ns)
