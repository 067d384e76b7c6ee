from __future__ import annotations

from collections.abc import Iterator

import pytest

from surefill.cli.account import load
from surefill.runtime.wiring import journal_at, journal_path, open_journal
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange, wait_until


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("STAT", "99.99", "100.01")
        yield running


def test_a_covered_trade_is_shown_from_the_broker(counter: Counter, canary: str) -> None:
    counter.trade(plan_of("STAT", "shown"))
    code, out, _ = counter.run("status")
    assert code == 0
    assert "engine not running" in out
    assert "routing smart, by the start of 2026-03-02" in out
    assert "uncovered 0 shares in doubt 0 orders" in out
    start = "No share without a stop, no order in doubt. Open trades, by the broker, a moment ago"
    assert out.startswith(start)
    assert "STAT smart COVERED 100 0 99.01 102.01 shown" in out
    assert "APCA_API_SECRET_KEY ***" in out
    assert canary not in out


def test_the_same_as_one_object(counter: Counter) -> None:
    counter.trade(plan_of("STAT", "object"))
    found = counter.json("status")
    assert found["engine"] == {"running": False, "holder": None, "mode": "READY"}
    assert found["trades"][0]["trade"] == "object"
    assert found["settings_digest"] == found["settings_digest_in_force"] == load().digest()
    assert found["requests"]["limit"] == 200
    assert found["requests"]["left"] < 200
    assert found["settings"]["SUREFILL_MAX_OPEN_TRADES"] == "20"


def test_bare_shares_end_with_4(counter: Counter) -> None:
    counter.trade(plan_of("STAT", "bare"))
    counter.bare("bare")
    wait_until(lambda: counter.desk.truth(kind="share_release", symbol="STAT"))
    assert counter.run("status", "--offline")[0] == 0  # the journal cannot know
    code, out, _ = counter.run("status")
    assert code == 4
    assert out.startswith("EXPOSED: 100 shares without a stop Open trades, by the broker")
    assert "uncovered 100 shares" in out


def test_offline_and_dead_brokers_leave_the_journal(counter: Counter) -> None:
    counter.trade(plan_of("STAT", "offline"))
    offline = counter.json("status", "--offline")
    assert offline["source"] == "the journal (the broker was not asked)"
    assert offline["requests"]["left"] is not None
    counter.exchange.arm("N10", "*", probability=1, params={"mode": "reset"})
    dead = counter.json("status")
    assert "Nothing was sent" in dead["source"]
    assert [row["trade"] for row in dead["trades"]] == ["offline"]


def test_missing_parts_are_named(counter: Counter) -> None:
    counter.trade(plan_of("STAT", "parts"))
    counter.exchange.arm("N3", "GET /v2/calendar", count=50, params={"status": 500})
    assert "missing: calendar" in counter.json("status")["source"]


def test_switches_foreign_shares_and_other_settings_are_shown(counter: Counter) -> None:
    counter.trade()
    secret = counter.desk.environ()["APCA_API_SECRET_KEY"]
    headers = {"APCA-API-KEY-ID": counter.desk.key, "APCA-API-SECRET-KEY": secret}
    body = {
        "symbol": "STAT",
        "qty": "7",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
    }
    assert counter.exchange.call("POST", "/v2/orders", body, headers=headers)[0] == 200
    wait_until(lambda: counter.desk.truth(kind="fill", qty=7_000_000_000))
    counter.use(SMART_EXECUTOR_FILL_TIMEOUT="9")
    code, out, _ = counter.run("status")
    assert code == 0
    assert "No open trade, by the broker" in out
    assert "7 STAT: not ours, not touched" in out
    assert "unknown: the start of" in out
    assert "; the last start had" in out
    assert "switches none" in out
    counter.use(SMART_EXECUTOR_FILL_TIMEOUT="2", USE_SMART_EXECUTOR="False")
    assert "the settings now ask for legacy: restart" in counter.run("status")[1]


def test_a_rollout_is_shown(counter: Counter) -> None:
    counter.use(SUREFILL_ROLLOUT_PCT="30")
    counter.trade()
    text = "routing smart for 30 % of the plans (by their id), legacy for the rest, by the start of"
    assert text in " ".join(counter.run("status", "--offline")[1].split())


def test_a_note_and_a_journal_that_never_saw_a_start(counter: Counter) -> None:
    assert counter.run("rollback", "--by", "ann")[0] == 0
    code, out, _ = counter.run("status")
    assert code == 0
    assert "never started; a start would take the legacy path" in out
    assert "last note rollback by ann: - (record 1)" in out
    found = counter.json("status")
    assert found["routing"]["in_force"] is None
    assert found["settings_digest_in_force"] is None
    assert found["engine"]["mode"] is None
    assert found["notes"][0]["by"] == "ann"
    offline = counter.json("status", "--offline")
    assert (offline["requests"]["left"], offline["foreign_positions"]) == (None, {})
    assert "? of 200" in counter.run("status", "--offline")[1]


def test_a_halt_and_a_running_engine_are_shown(counter: Counter) -> None:
    counter.trade()
    owner = open_journal(load())
    owner.acquire("an engine")
    assert "engine running (READY): an engine" in counter.run("status")[1]
    owner.close()


def test_no_journal_wrong_settings_and_damage(counter: Counter) -> None:
    code, _, err = counter.run("status")
    assert code == 3
    assert "nothing was started with these settings" in err
    path = journal_path(load())
    journal_at(path).close()
    path.write_bytes(b"")
    assert counter.run("status")[0] == 3
    counter.use(SMART_EXECUTOR_FILL_TIMEOUT="soon")
    assert counter.run("status")[0] == 2


def test_limits_have_units_and_symbols_of_their_own(counter: Counter) -> None:
    counter.use(SUREFILL_LIMITS="TSLA:order_qty=100")
    counter.trade()
    shown = counter.json("status", "--offline")
    assert shown["risk_state"] == "ACTIVE"
    found = {(row["symbol"], row["limit"]): (row["value"], row["unit"]) for row in shown["limits"]}
    assert found["all", "collar"] == ("0.1", "fraction")
    assert found["all", "volume_share"] == ("off", "fraction")
    assert found["TSLA", "order_qty"] == ("100", "shares")
    counter.run("halt")
    assert counter.json("status", "--offline")["risk_state"] == "REDUCING"
    counter.run("kill")
    code, out, _ = counter.run("status", "--offline")
    assert (code, "risk state HALTED" in out) == (0, True)
    assert "TSLA order_qty 100 shares largest entry" in out
    assert "Policy of single symbols" not in out


def test_policies_of_single_symbols_are_shown(counter: Counter) -> None:
    counter.use(SUREFILL_POLICY="TSLA:max_slippage_pct=0.002")
    counter.trade()
    row = counter.json("status", "--offline")["policies"][0]
    assert (row["symbol"], row["policy"], row["value"]) == ("TSLA", "max_slippage_pct", "0.002")
    _, out, _ = counter.run("status", "--offline")
    assert "Policy of single symbols" in out
    assert "TSLA max_slippage_pct 0.002 fraction worst entry" in out
