"""Every never-rule can fail: a bad snippet it finds, and a good one it lets pass."""

from __future__ import annotations

import pytest

from tests.tidy import rules
from tests.tidy.source import parse
from tests.tidy.test_never import Rule

CORE = "src/surefill/core/x.py"
TACTIC = "src/surefill/tactics/x.py"
DRIVER = "src/surefill/runtime/driver.py"
OTHER = "src/surefill/runtime/x.py"
TEST = "tests/core/test_x.py"

BAD: list[tuple[Rule, str, str]] = [
    (rules.core_imports_or_does_io, CORE, "import socket"),
    (rules.core_imports_or_does_io, CORE, "from surefill.ports import Broker"),
    (rules.core_imports_or_does_io, CORE, "from surefill import config"),
    (rules.core_imports_or_does_io, CORE, "import aiohttp"),
    (rules.core_imports_or_does_io, CORE, "from .. import ports"),
    (rules.core_imports_or_does_io, CORE, "print(1)"),
    (rules.core_imports_or_does_io, CORE, "open('x')"),
    (rules.tactics_import_beyond_core, TACTIC, "from surefill.ports import Clock"),
    (rules.tactics_import_beyond_core, TACTIC, "def f():\n    import surefill.journal.codec"),
    (rules.tactics_import_beyond_core, TACTIC, "import time"),
    (
        rules.brokers_and_sim_know_each_other,
        "src/surefill/brokers/alpaca/rest.py",
        "from surefill.sim.types import Refusal",
    ),
    (
        rules.brokers_and_sim_know_each_other,
        "src/surefill/sim/alpaca/server.py",
        "from surefill.brokers import alpaca",
    ),
    (
        rules.readers_write_engine_state,
        "src/surefill/tca/report.py",
        "from surefill.core.engine import step",
    ),
    (
        rules.readers_write_engine_state,
        "src/surefill/service/api.py",
        "def f(journal):\n    journal.append([])",
    ),
    (rules.outsider_reads_clock, OTHER, "from time import monotonic_ns"),
    (rules.outsider_reads_clock, OTHER, "import time as t\nnow = t.time"),
    (rules.outsider_reads_clock, OTHER, "import datetime as d\nd.datetime.now(d.UTC)"),
    (rules.outsider_reads_clock, OTHER, "import asyncio\nasyncio.get_running_loop().time()"),
    (rules.outsider_reads_clock, OTHER, "loop.time()"),
    (rules.outsider_reads_clock, OTHER, "from random import Random\nRandom()"),
    (rules.outsider_reads_clock, OTHER, "import random\nrandom.shuffle([])"),
    (rules.outsider_reads_clock, OTHER, "from uuid import uuid4"),
    (rules.broker_word_outside, CORE, "client_order_id = 1"),
    (rules.broker_word_outside, CORE, "x = 'alpaca'"),
    (rules.broker_word_outside, CORE, "class AlpacaOrder: ..."),
    (rules.broker_word_outside, OTHER, "import surefill.brokers.alpaca.rest"),
    (rules.broker_word_outside, "src/surefill/cli/trade.py", "alpaca_key = 1"),
    (rules.sends_without_record, OTHER, "def f(broker):\n    broker.send(1)"),
    (rules.sends_without_record, OTHER, "def f(self):\n    self._broker.submit(1)"),
    (rules.sends_without_record, DRIVER, "def f(self):\n    self.outbox.send(1)"),
    (
        rules.sends_without_record,
        DRIVER,
        "def f(self):\n    self.outbox.send(1)\n    self.journal.append([])",
    ),
    (rules.float_for_money, CORE, "x = 0.1"),
    (rules.float_for_money, CORE, "def f(px: float) -> None: ..."),
    (rules.float_for_money, TACTIC, "x = a / b"),
    (rules.float_for_money, "src/surefill/journal/codec.py", "x = float(y)"),
    (rules.float_for_money, "src/surefill/sim/exchange.py", "x /= 2"),
    (rules.mode_word_in_core, CORE, "is_live = 1"),
    (rules.mode_word_in_core, CORE, "# differs in paper trading"),
    (rules.mode_word_in_core, CORE, "class SimBroker: ..."),
    (rules.mode_word_in_core, CORE, "x = 'Paper'"),
    (rules.retries_unknown_submit, OTHER, "from tenacity import retry"),
    (
        rules.retries_unknown_submit,
        "src/surefill/brokers/alpaca/rest.py",
        "async def submit_order():\n    while True:\n        await post()",
    ),
    (
        rules.retries_unknown_submit,
        "src/surefill/brokers/alpaca/rest.py",
        "async def _submit(self):\n    await self._submit()",
    ),
    (rules.auditor_knows_us, "src/surefill/sim/auditor.py", "from surefill.core import units"),
    (rules.catches_everything, OTHER, "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.catches_everything, OTHER, "try:\n    f()\nexcept (OSError, BaseException):\n    g()"),
    (rules.catches_everything, DRIVER, "try:\n    f()\nexcept:\n    pass"),
    (rules.catches_everything, TEST, "import contextlib as c\nwith c.suppress(Exception): f()"),
    (rules.mock_without_shape, TEST, "from unittest.mock import AsyncMock\nAsyncMock()"),
    (rules.mock_without_shape, TEST, "from unittest import mock\nmock.Mock(return_value=1)"),
    (rules.unfinished, CORE, "# TO" + "DO later"),
    (rules.unfinished, CORE, "raise NotImplementedError"),
    (rules.undocumented_module, CORE, "x = 1"),
]

GOOD: list[tuple[Rule, str, str]] = [
    (rules.core_imports_or_does_io, CORE, "from surefill.core.units import NANO\nimport json"),
    (rules.core_imports_or_does_io, OTHER, "import socket"),
    (rules.tactics_import_beyond_core, TACTIC, "from surefill.core.tactic import Tactic"),
    (rules.tactics_import_beyond_core, TACTIC, "from surefill.tactics.limit import Limit"),
    (rules.brokers_and_sim_know_each_other, OTHER, "import surefill.sim, surefill.brokers"),
    (rules.readers_write_engine_state, DRIVER, "from surefill.core.engine import step"),
    (rules.outsider_reads_clock, "src/surefill/runtime/clock.py", "from time import time_ns"),
    (rules.outsider_reads_clock, OTHER, "from random import Random\nRandom(7).random()"),
    (rules.outsider_reads_clock, OTHER, "import datetime\ndatetime.datetime.fromtimestamp(1)"),
    (rules.broker_word_outside, CORE, '"""Alpaca says so (documentation)."""\nx = 1  # Alpaca'),
    (rules.broker_word_outside, "src/surefill/brokers/alpaca/wire.py", "client_order_id = 1"),
    (rules.broker_word_outside, "src/surefill/config.py", "x = 'APCA_API_KEY_ID'"),
    (
        rules.broker_word_outside,
        "src/surefill/runtime/wiring.py",
        "from surefill.brokers.alpaca import rest",
    ),
    (
        rules.sends_without_record,
        DRIVER,
        "def f(self):\n    self.journal.append([])\n    self.outbox.send(1)",
    ),
    (rules.sends_without_record, "src/surefill/runtime/outbox.py", "self.broker.send(1)"),
    (rules.float_for_money, CORE, "x = a // b\ny = 10**9"),
    (rules.float_for_money, "src/surefill/brokers/alpaca/rest.py", "timeout_s = 2.0"),
    (rules.mode_word_in_core, CORE, "simple = 1\ndelivery = 2\n# similar"),
    (rules.mode_word_in_core, OTHER, "is_live = 1"),
    (
        rules.retries_unknown_submit,
        "src/surefill/brokers/alpaca/rest.py",
        "async def submit_order(self):\n    await self.post()",
    ),
    (rules.auditor_knows_us, "src/surefill/sim/auditor.py", "import json"),
    (rules.auditor_knows_us, "src/surefill/sim/auditor.py", "import surefill.sim.auditor_terms"),
    (rules.catches_everything, DRIVER, "try:\n    f()\nexcept Exception:\n    halt()"),
    (rules.catches_everything, OTHER, "try:\n    f()\nexcept OSError:\n    pass"),
    (rules.mock_without_shape, TEST, "from unittest.mock import Mock\nMock(spec=Broker)"),
    (rules.unfinished, CORE, "x = 'TO" + "DO'"),
    (rules.undocumented_module, CORE, '"""Why."""\nx = 1'),
    (rules.undocumented_module, CORE, ""),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_a_bad_snippet_is_found(rule: Rule, path: str, text: str) -> None:
    found = list(rule([parse(path, text)]))
    assert found
    assert str(found[0]).startswith(f"{path}:")


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_good_snippet_passes(rule: Rule, path: str, text: str) -> None:
    assert list(rule([parse(path, text)])) == []


def test_every_rule_has_a_bad_snippet() -> None:
    named = {
        value
        for name, value in vars(rules).items()
        if callable(value) and getattr(value, "__module__", "") == rules.__name__
        if not name.startswith("_")
    }
    shown = {rule for rule, _, _ in BAD} | {rules.outsider_composes}
    assert named == shown


BUILT = [
    parse("src/surefill/journal/memory.py", "class MemoryJournal:\n    pass"),
    parse("src/surefill/brokers/alpaca/broker.py", "class AlpacaBroker:\n    pass"),
    parse("src/surefill/runtime/clock.py", "class SystemClock:\n    pass"),
]


@pytest.mark.parametrize(
    "text",
    [
        "from surefill.journal.memory import MemoryJournal as M\nM()",
        "from surefill.brokers.alpaca import broker\nbroker.AlpacaBroker(1)",
        "from surefill.runtime.clock import SystemClock\ndef f(clock=SystemClock()): ...",
        "from surefill.journal.memory import MemoryJournal\nMemoryJournal.open('x')",
    ],
)
def test_building_a_part_outside_the_wiring_is_found(text: str) -> None:
    outside = parse("src/surefill/order_manager.py", text)
    wiring = parse("src/surefill/runtime/wiring.py", text)
    assert list(rules.outsider_composes([*BUILT, outside]))
    assert not list(rules.outsider_composes([*BUILT, wiring]))


def test_a_part_may_name_itself() -> None:
    text = (
        "class MemoryJournal:\n    @classmethod\n    def new(cls):\n        return MemoryJournal()"
    )
    own = parse("src/surefill/journal/memory.py", text)
    assert not list(rules.outsider_composes([own]))
