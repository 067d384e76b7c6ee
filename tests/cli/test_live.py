"""Real money asks for the account's number. Here the local exchange is taken for real money."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest

from surefill.cli.account import load
from surefill.runtime.account import source_of
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.live import ACCOUNT, CONFIRMED, HOST
from surefill.runtime.notes import write_note
from surefill.runtime.wiring import read_journal
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        for symbol in ("LIVA", "LIVB", "LIVC"):
            running.quote(symbol, "99.99", "100.01")
        yield running


@pytest.fixture
def no_practice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surefill.runtime.account.is_practice", lambda host: False)


def number_of(counter: Counter) -> str:
    secret = counter.desk.environ()["APCA_API_SECRET_KEY"]
    keys = {"APCA-API-KEY-ID": counter.desk.key, "APCA-API-SECRET-KEY": secret}
    _, body, _ = counter.exchange.call("GET", "/v2/account", headers=keys)
    return str(json.loads(body)["account_number"])


def refused(counter: Counter, symbol: str, plan_id: str) -> SurefillError:
    with pytest.raises(SurefillError) as caught:
        counter.trade(plan_of(symbol, plan_id))
    assert not counter.desk.truth(kind="accept", symbol=symbol)
    return caught.value


def test_practice_needs_nothing(counter: Counter) -> None:
    code, _, err = counter.run("live")
    assert code == 2
    assert "no real money; nothing to confirm" in err


@pytest.mark.usefixtures("no_practice")
def test_nothing_is_sent_until_the_number_was_given(counter: Counter) -> None:
    assert refused(counter, "LIVA", "early").code is ErrorCode.LIVE_NOT_CONFIRMED
    code, _, err = counter.run("live", "--account", "123")
    assert code == 2
    assert "not the number of this account" in err
    assert refused(counter, "LIVA", "still").code is ErrorCode.LIVE_NOT_CONFIRMED
    number = number_of(counter)
    found = counter.json("live", "--account", number, "--by", "ann", "--why", "first week")
    assert found["host"] == "127.0.0.1"
    assert number not in str(found)
    counter.trade(plan_of("LIVA", "now"))
    assert counter.desk.accepted("now", "E")
    journal = read_journal(source_of(load()))
    first = next(iter(journal.records())).record
    journal.close()
    assert b"first week" in first
    code, _, err = counter.run("live", "--end")
    assert (code, "1 trades are open" in err) == (2, True)


@pytest.mark.usefixtures("no_practice")
def test_a_person_types_the_number_and_may_take_it_back(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    number = number_of(counter)
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    assert counter.run("live")[0] == 2
    monkeypatch.setattr(sys, "stdin", Terminal(f"{number}\n"))
    code, out, err = counter.run("live")
    assert code == 0
    assert out.startswith("record 1: real orders for account ...")
    assert "REAL MONEY at 127.0.0.1" in err
    assert number not in out + err
    assert counter.run("live", "--end", "--json")[0] == 0
    assert refused(counter, "LIVB", "ended").code is ErrorCode.LIVE_NOT_CONFIRMED


@pytest.mark.usefixtures("no_practice")
def test_without_a_terminal_nobody_typed_anything(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(number_of(counter)))
    code, _, err = counter.run("live")
    assert code == 2
    assert "give --account NUMBER" in err


@pytest.mark.usefixtures("no_practice")
def test_keys_of_another_account_send_no_entry(counter: Counter) -> None:
    facts = {HOST: "127.0.0.1", ACCOUNT: "987654321"}
    write_note(source_of(load()), CONFIRMED, by="ann", why="", facts=facts, now=1)
    assert refused(counter, "LIVC", "other").code is ErrorCode.LIVE_OTHER_ACCOUNT
