"""The house rules as data: limits, word lists and the few exceptions, each with its reason.

An exception is a row here, never a special case in a rule.
"""

from __future__ import annotations

# Numbers to hold ---------------------------------------------------------------------------

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
CLASS_LINES_MAX = 300
NESTING_MAX = 3
POSITIONAL_MAX = 3
PUBLIC_NAMES_MAX = 20
SETTINGS_MAX = 28
RUNTIME_DEPENDENCIES_MAX = 6

FIXED_SIGNATURES = {
    ("src/surefill/blocking_executor.py", "execute_trade"): "users call it with six values",
    ("src/surefill/order_manager.py", "submit_order"): "users call it with six values",
}
"""Functions whose positional parameters are older than this code base."""

# Who may do what ---------------------------------------------------------------------------

CLOCK_READERS = {
    "src/surefill/runtime/clock.py": "the one module that reads the clock",
    "src/surefill/runtime/token.py": "the one module that draws a secret; it decides nothing",
}

COMPOSERS = {
    "src/surefill/runtime/wiring.py": "the composition root",
    "src/surefill/runtime/account.py": "its part for those who only look: journal and clock",
    "src/surefill/sim/alpaca/app.py": "the venue's own pace, made from a clock it was given",
    "src/surefill/cli/exchange.py": "a served venue reads the clock that it is given",
    "src/surefill/cli/demo.py": "the demo's exchange reads the clock that it is given",
    "src/surefill/replay/harness.py": "the virtual-time harness: the same engine on other ports",
    "src/surefill/replay/morning.py": "the demo's exchange, at a pace of its own",
}
"""Modules that may build a broker, a journal or a clock."""

CATCH_ALL = {
    "src/surefill/runtime/driver.py": "the outermost frame: it halts new risk",
    "src/surefill/replay/simulate/seeds.py": "whatever a simulated run raises is its finding",
}

BROKER_WORDS = ("alpaca", "apca", "client_order_id", "order_class", "trade_updates")

BROKER_WORD_PLACES = {
    "src/surefill/brokers/alpaca/": "the adapter",
    "src/surefill/sim/alpaca/": "the served exchange",
}

BROKER_WORD_IMPORTS = {
    "src/surefill/runtime/wiring.py": "picks the adapter by the settings",
    "src/surefill/runtime/account.py": "asks which hosts are this machine",
    "src/surefill/runtime/exported.py": "reads files that were saved from the broker",
    "src/surefill/runtime/recording.py": "joins the broker's market data to the layout of tapes",
    "src/surefill/cli/exchange.py": "serves the exchange",
    "src/surefill/replay/morning.py": "serves the exchange to itself",
    "src/surefill/replay/harness.py": "composes adapter and venue without sockets",
    "src/surefill/replay/proof.py": "a lane names switches of the venue and of its wire",
    "src/surefill/replay/virtual_wire.py": "joins the adapter's wire to the venue's edge",
}
"""Modules that may import (not otherwise mention) a broker's package."""

BROKER_WORD_TEXTS = {
    "src/surefill/cli/": "help text names the product",
    "src/surefill/config.py": "the APCA_ settings",
    "src/surefill/runtime/wiring.py": "sentences about missing APCA_ settings",
}
"""Modules whose strings (not identifiers) may name the broker."""

NO_FLOAT = (
    "src/surefill/core/",
    "src/surefill/tactics/",
    "src/surefill/journal/",
    "src/surefill/sim/",
    "src/surefill/tca/",
)

FLOAT_PLACES = {
    "src/surefill/sim/alpaca/": "JSON and msgpack numbers of the wire; seconds of asyncio",
    "src/surefill/sim/synthetic.py": "statistics of a random market, rounded to ticks at the end",
    "src/surefill/sim/models.py": "draws delays; a delay is not money",
}

MODE_WORDS = ("live", "paper", "sim")

DISPATCH = {
    "src/surefill/runtime/outbox.py": "the only caller of a broker's order methods",
    "src/surefill/replay/harness.py": "the virtual loop: sends what the stepper made durable",
}

RETRY_LIBRARIES = ("tenacity", "backoff", "aiohttp_retry", "retrying", "stamina", "retry")

ENGINE_WRITERS = (
    "surefill.core.engine",
    "surefill.runtime.driver",
    "surefill.runtime.outbox",
    "surefill.runtime.recovery",
)
"""Modules through which engine state is written; readers (tca, service) import none of them."""

# I/O, as the standard library spells it ------------------------------------------------------

PURE_MODULES = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "collections",
        "collections.abc",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "math",
        "operator",
        "pickle",
        "re",
        "string",
        "struct",
        "types",
        "typing",
        "zlib",
        "zoneinfo",
    }
)
"""What core and tactics may import of the standard library: a list of the allowed, so that a module
nobody thought of is refused as well."""

IO_CALLS = frozenset({"open", "print", "input", "breakpoint", "__import__", "exec", "eval"})

CLOCK_CALLS = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.gmtime",
        "time.localtime",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.process_time",
        "time.process_time_ns",
        "time.time",
        "time.time_ns",
    }
)

CHANCE_CALLS = frozenset(
    {
        "os.urandom",
        "random.SystemRandom",
        "random.betavariate",
        "random.choice",
        "random.choices",
        "random.expovariate",
        "random.gauss",
        "random.getrandbits",
        "random.lognormvariate",
        "random.normalvariate",
        "random.randbytes",
        "random.randint",
        "random.random",
        "random.randrange",
        "random.sample",
        "random.seed",
        "random.shuffle",
        "random.triangular",
        "random.uniform",
        "secrets.token_bytes",
        "secrets.token_hex",
        "secrets.token_urlsafe",
        "uuid.uuid1",
        "uuid.uuid4",
    }
)

# Files and their tests -----------------------------------------------------------------------

FREE_TEST_DIRECTORIES = {
    "tests/tidy/": "the house rules",
    "tests/support/": "helpers of the tests",
    "tests/contract/": "one suite for everything that claims to be a broker or a journal",
    "tests/interop/": "the official clients against our exchange",
    "tests/system/": "whole runs over real sockets and in virtual time",
    "tests/zoo/": "known bugs, put back",
}

EXTRA_TESTS = {
    "tests/core/test_races*": "the race matrix R1-R24 across the machines of core",
    "tests/core/test_engine_oracle.py": "the engine against an oracle, history by history",
    "tests/brokers/alpaca/test_broker_exchange.py": "the broker on the real exchange, faults armed",
    "tests/sim/test_bookkeeper.py": "random histories against books kept apart from the venue",
    "tests/sim/test_reference_book.py": "the book against a naive second one",
    "tests/brokers/alpaca/translate/test_orders_hostile.py": "fuzzed records, for any translator",
}
"""Test files without a source file of the same name."""

# Words ---------------------------------------------------------------------------------------

GLOSSARY_EXEMPT = {
    "src/surefill/brokers/alpaca/": "translates another vocabulary",
    "src/surefill/sim/alpaca/": "serves another vocabulary",
    "src/surefill/sim/auditor*": "a stranger who reads the truth log has words of its own",
    "src/surefill/order_manager.py": "parameter names that users already call",
    "src/surefill/blocking_executor.py": "parameter names that users already call",
}
