"""The never-rules: what no file of ours may do, each a function from sources to findings.

A rule looks at syntax only, so it also holds for code that never runs in a test. Every rule has bad
and good snippets in `test_rules.py` that prove it can fail. Exceptions stand in `tables.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.tidy import tables
from tests.tidy.source import (
    Finding,
    Source,
    aliases,
    calls,
    dotted,
    excused,
    functions,
    identifiers,
    imported_modules,
    imports,
    nodes,
    strings,
    words,
)

Findings = Iterator[Finding]
CORE = "src/surefill/core/"
TACTICS = "src/surefill/tactics/"
BROKERS = "src/surefill/brokers/"
SIM = "src/surefill/sim/"


def _within(name: str, *modules: str) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def _imports_beyond(source: Source, *ours: str) -> Findings:
    """Imports that are neither the allowed standard library nor one of ``ours``."""
    for name, line in imported_modules(source.tree):
        if not _within(name, *ours) and name not in tables.PURE_MODULES:
            yield Finding(source.path, line, f"imports {name}; allowed are {ours} and pure modules")


def core_imports_or_does_io(sources: Iterable[Source]) -> Findings:
    """Core: standard library that does no I/O, and itself."""
    for source in sources:
        if source.path.startswith(CORE):
            yield from _imports_beyond(source, "surefill.core")
            yield from _io_calls(source)


def tactics_import_beyond_core(sources: Iterable[Source]) -> Findings:
    """Tactics: core and each other, nothing else of ours, no I/O."""
    for source in sources:
        if source.path.startswith(TACTICS):
            yield from _imports_beyond(source, "surefill.core", "surefill.tactics")
            yield from _io_calls(source)


def _io_calls(source: Source) -> Findings:
    for name, call in calls(source.tree):
        if name in tables.IO_CALLS:
            yield Finding(source.path, call.lineno, f"calls {name}(); decisions do no I/O")


def brokers_and_sim_know_each_other(sources: Iterable[Source]) -> Findings:
    """Our client never grades our server: no import either way, at any depth."""
    apart = {BROKERS: "surefill.sim", SIM: "surefill.brokers"}
    for source in sources:
        there = [name for here, name in apart.items() if source.path.startswith(here)]
        for name, line in imports(source.tree):
            if there and _within(name, *there):
                yield Finding(source.path, line, f"imports {name}")


def readers_write_engine_state(sources: Iterable[Source]) -> Findings:
    """tca and service read records; they reach no module that writes and append nothing."""
    for source in sources:
        if not source.path.startswith(("src/surefill/tca/", "src/surefill/service/")):
            continue
        for name, line in imports(source.tree):
            if _within(name, *tables.ENGINE_WRITERS):
                yield Finding(source.path, line, f"imports {name}, through which state is written")
        for name, call in calls(source.tree):
            if re.search(r"journal\.(append|acquire|prune)$", name):
                yield Finding(source.path, call.lineno, f"calls {name}(); only the engine writes")


def outsider_composes(sources: Iterable[Source]) -> Findings:
    """Only the composition root builds a broker, a journal or a clock."""
    all_sources = [source for source in sources if source.is_package_code]
    homes = (BROKERS, "src/surefill/journal/", "src/surefill/runtime/clock.py", SIM)
    built = {
        node.name: source.path
        for source in all_sources
        if source.path.startswith(homes)
        for node in nodes(source.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Broker", "Journal", "Clock"))
    }
    for source in all_sources:
        if excused(source.path, tables.COMPOSERS):
            continue
        for name, call in calls(source.tree):
            made = next((part for part in name.split(".")[-2:] if part in built), None)
            if made is not None and built[made] != source.path:
                text = f"builds {made}; take it as an argument (only runtime/wiring.py builds it)"
                yield Finding(source.path, call.lineno, text)


def outsider_reads_clock(sources: Iterable[Source]) -> Findings:
    """Only runtime/clock.py reads the clock; nobody draws unseeded chance."""
    for source in sources:
        if not source.is_package_code or excused(source.path, tables.CLOCK_READERS):
            continue
        for name, line in [*imports(source.tree), *_dotted_uses(source)]:
            if name in tables.CLOCK_CALLS:
                yield Finding(source.path, line, f"uses {name}; take now_ns as an argument")
            if name in tables.CHANCE_CALLS:
                yield Finding(source.path, line, f"uses {name}; pass a seeded random.Random")
        for name, call in calls(source.tree):
            if re.search(r"loop(\(\))?\.time$", ast.unparse(call.func)):
                yield Finding(source.path, call.lineno, "uses the loop's time; take now_ns instead")
            if name == "random.Random" and not (call.args or call.keywords):
                yield Finding(source.path, call.lineno, "an unseeded Random; pass a seed")


def _dotted_uses(source: Source) -> Iterator[tuple[str, int]]:
    alias = aliases(source.tree)
    for node in nodes(source.tree):
        if isinstance(node, ast.Attribute):
            yield dotted(node, alias), node.lineno


def broker_word_outside(sources: Iterable[Source]) -> Findings:
    """A broker's words exist only under its own package and its served twin."""
    for source in sources:
        if not source.is_package_code or excused(source.path, tables.BROKER_WORD_PLACES):
            continue
        uses = list(identifiers(source.tree))
        if not excused(source.path, tables.BROKER_WORD_IMPORTS):
            uses += imports(source.tree)
        if not excused(source.path, tables.BROKER_WORD_TEXTS):
            uses += strings(source.tree)
        for text, line in uses:
            found = [word for word in tables.BROKER_WORDS if word in text.lower()]
            if found:
                yield Finding(source.path, line, f"a broker's word: {found[0]} in {text[:60]!r}")


def float_for_money(sources: Iterable[Source]) -> Findings:
    """Integers in core, tactics, sim, journal and tca: no float name, no float literal, no
    ``/``."""
    for source in sources:
        if not source.path.startswith(tables.NO_FLOAT) or excused(source.path, tables.FLOAT_PLACES):
            continue
        for node in nodes(source.tree):
            match node:
                case ast.Name(id="float"):
                    text = "float; money is int in 1e-9"
                case ast.Constant(value=float()):
                    text = f"the literal {node.value!r}; money is int in 1e-9"
                case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                    text = "true division makes a float; use // with the rounding you mean"
                case _:
                    continue
            yield Finding(source.path, node.lineno, text)


def mode_word_in_core(sources: Iterable[Source]) -> Findings:
    """Core cannot tell which mode it runs in: the words do not occur, not even in comments."""
    pattern = re.compile(rf"\b({'|'.join(tables.MODE_WORDS)})\b", re.IGNORECASE)
    for source in sources:
        if not source.path.startswith(CORE):
            continue
        for number, text in enumerate(source.text.splitlines(), start=1):
            if pattern.search(text):
                yield Finding(source.path, number, f"a mode word in: {text.strip()[:60]}")
        for name, line in identifiers(source.tree):
            if set(words(name)) & set(tables.MODE_WORDS):
                yield Finding(source.path, line, f"a mode word in the name {name}")


def catches_everything(sources: Iterable[Source]) -> Findings:
    """``except Exception`` in the driver and in the simulation's judge; a bare except nowhere."""
    for source in sources:
        for node in nodes(source.tree):
            if isinstance(node, ast.ExceptHandler):
                yield from _broad(source, node)
        for name, call in calls(source.tree):
            names = {arg.id for arg in call.args if isinstance(arg, ast.Name)}
            if name == "contextlib.suppress" and names & {"Exception", "BaseException"}:
                yield Finding(source.path, call.lineno, "suppresses everything")


def _broad(source: Source, handler: ast.ExceptHandler) -> Findings:
    if handler.type is None:
        yield Finding(source.path, handler.lineno, "a bare except; name what you can answer")
        return
    caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    if caught & {"Exception", "BaseException"} and not excused(source.path, tables.CATCH_ALL):
        yield Finding(source.path, handler.lineno, "catches everything; name what you can answer")


def sends_without_record(sources: Iterable[Source]) -> Findings:
    """Commands leave through the outbox only, and only below the journal's append."""
    for source in sources:
        if not source.is_package_code or excused(source.path, tables.DISPATCH):
            continue
        if source.path.startswith((SIM, "src/surefill/brokers/")):
            continue
        for name, call in calls(source.tree):
            if re.search(r"broker\.(send|submit|replace|cancel)$", name):
                text = f"calls {name}(); commands leave through runtime/outbox.py"
                yield Finding(source.path, call.lineno, text)
        for function in functions(source.tree):
            yield from _sends_first(source, function)


def _sends_first(source: Source, function: ast.AST) -> Findings:
    lines: dict[str, list[int]] = {"append": [], "send": []}
    for name, call in calls(function):
        if re.search(r"(journal\w*\.append|stepper\.(handle|start))$", name):
            lines["append"].append(call.lineno)
        if re.search(r"outbox\.(send|put|dispatch)$", name):
            lines["send"].append(call.lineno)
    recorded = min(lines["append"], default=None)
    for line in lines["send"]:
        if recorded is None or line < recorded:
            yield Finding(source.path, line, "sends before the journal has the record")


def retries_unknown_submit(sources: Iterable[Source]) -> Findings:
    """A submit whose outcome is unknown is asked about, never sent again."""
    for source in sources:
        if not source.is_package_code:
            continue
        for name, line in imported_modules(source.tree):
            if name.partition(".")[0] in tables.RETRY_LIBRARIES:
                yield Finding(source.path, line, f"imports {name}; retries are decisions of core")
        if source.path.startswith(BROKERS):
            yield from _looping_submits(source)


def _looping_submits(source: Source) -> Findings:
    loops = (ast.For, ast.AsyncFor, ast.While)
    for function in functions(source.tree):
        if "submit" not in words(function.name):
            continue
        for node in ast.walk(function):
            if isinstance(node, loops):
                yield Finding(source.path, node.lineno, f"a loop in {function.name}: one POST only")
            if isinstance(node, ast.Call) and _calls_itself(node, function.name):
                yield Finding(source.path, node.lineno, f"{function.name} calls itself")


def _calls_itself(call: ast.Call, name: str) -> bool:
    match call.func:
        case ast.Name(id=called) | ast.Attribute(value=ast.Name(id="self"), attr=called):
            return called == name
        case _:
            return False


def mock_without_shape(sources: Iterable[Source]) -> Findings:
    """A mock without a spec agrees to everything; doubles are product code with a contract."""
    for source in sources:
        for name, call in calls(source.tree):
            kind = name.rpartition(".")[2]
            given = {keyword.arg for keyword in call.keywords}
            shaped = given & {"spec", "spec_set", "autospec"} or call.args
            if kind in {"Mock", "MagicMock", "AsyncMock"} and not shaped:
                yield Finding(source.path, call.lineno, f"{kind} without spec")


def unfinished(sources: Iterable[Source]) -> Findings:
    """What is committed is finished: no marker for later, no stub."""
    marker = re.compile(r"#.*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for source in sources:
        for number, text in enumerate(source.text.splitlines(), start=1):
            if marker.search(text):
                yield Finding(source.path, number, "a marker for later; finish it or file it")
        for name, line in identifiers(source.tree):
            if name == "NotImplementedError":
                yield Finding(source.path, line, "a stub; use Protocol or finish it")


def undocumented_module(sources: Iterable[Source]) -> Findings:
    """Every module says what it is for."""
    for source in sources:
        if source.path.startswith("tests/"):
            continue  # a test file's name says what it is about
        if source.text.strip() and ast.get_docstring(source.tree) is None:
            yield Finding(source.path, 1, "no module docstring: what, why, must never")


def auditor_knows_us(sources: Iterable[Source]) -> Findings:
    """The auditor reads the truth log as a stranger would: it imports nothing of ours."""
    for source in sources:
        if not source.path.startswith(SIM + "auditor"):
            continue
        for name, line in imported_modules(source.tree):
            if _within(name, "surefill") and not name.startswith("surefill.sim.auditor"):
                yield Finding(source.path, line, f"imports {name}; the auditor judges, so must not")
