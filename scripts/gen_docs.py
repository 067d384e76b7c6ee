"""Write the documents that are tables of the code: reasons, machines, settings, alerts and more.

Why: a table that is written twice is wrong once. `make docs` writes the files, a test compares
them. Must never: contain prose that is not about the table; that belongs in hand-written files.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file, it finds its neighbours as the tests do

NOTE = "*Written from the code by `make docs`; do not edit.*"


def reasons() -> str:
    """One row per reason code, grouped by category, in the order of the code."""
    codes = list(import_module("surefill.core.reasons").ReasonCode)
    lines = [
        "# Reasons",
        "",
        NOTE,
        "",
        "Every refusal, stop and warning has one of these codes. The first word is the category.",
        "`{name}` stands for the value that was found.",
    ]
    for category, members in groupby(codes, key=lambda code: str(code.name).partition("_")[0]):
        lines += ["", f"## {category}", "", "| code | sentence |", "|---|---|"]
        lines += [f"| `{code.name}` | {_cell(code.value)} |" for code in members]
    return "\n".join(lines) + "\n"


MACHINES = """# Machines

NOTE

What is not in a table does not happen: if we tried it, it is a bug and raises; if the broker did
it, the module says what is made of it. The pictures are drawn from the tables by `make docs`.

## The machine of an order

`surefill.core.order`. Five ends that may follow in the same way share one arrow.

![States of an order and what moves it between them](images/machine_order.svg)

ORDER

## The machine of an exit group

`surefill.core.cover`. A trade's cover is a list of such groups; shares are covered by a group that
is `ARMED`, and by nothing else. The picture is the usual way; every other one stands in the table.
It is checked after every step, in production too.

![The usual way of an exit group](images/machine_group.svg)

GROUP

## The machine of a trade

`surefill.core.trade`. The phases are what `surefill status` shows. Shares may appear in any phase
(a fill outruns answers, cancels and doubts), so nearly every phase may follow nearly every other
("any": all but the one that only begins); the picture is the usual way, the table what is legal,
and it is checked after every step.

![The usual way of a trade from plan to flat](images/machine_trade.svg)

TRADE
"""


def machines() -> str:
    """A picture and a table per machine."""
    order = import_module("surefill.core.order").TRANSITIONS
    tables = {"ORDER": _moves(order)}
    for word, module, name in (
        ("GROUP", "surefill.core.cover", "GROUP_TRANSITIONS"),
        ("TRADE", "surefill.core.trade", "PHASES"),
    ):
        tables[word] = _successors(getattr(import_module(module), name))
    text = MACHINES.replace("NOTE", NOTE, 1)
    for word, table in tables.items():
        text = text.replace(f"\n{word}\n", f"\n{table}\n", 1)
    return text


def _moves(table: Mapping[tuple[Enum, Enum], Enum]) -> str:
    """One row per state: what happens, and where it leads."""
    rows: dict[str, list[str]] = {}
    for (state, what), after in table.items():
        rows.setdefault(state.name, []).append(f"{what.name} → `{after.name}`")
    lines = ["| state | what happens → state after it |", "|---|---|"]
    lines += [f"| `{state}` | {', '.join(moves)} |" for state, moves in rows.items()]
    return "\n".join(lines)


def _successors(table: Mapping[Enum, frozenset[Enum]]) -> str:
    """One row per state: what may follow, in the order of the code."""
    lines = ["| state | may be followed by |", "|---|---|"]
    reached = frozenset[Enum]().union(*table.values())
    for state, after in table.items():
        names = [f"`{one.name}`" for one in type(state) if one in after]
        every = after == reached  # a state that only begins follows nothing
        lines.append(f"| `{state.name}` | {'any' if every else ', '.join(names)} |")
    return "\n".join(lines)


def settings() -> str:
    """One row per setting: name in the environment, default, meaning."""
    config = import_module("surefill.config")
    lines = ["# Settings", "", NOTE, "", "From the environment or a `.env` file. An unknown name"]
    lines += ["under our prefixes refuses to start.", ""]
    lines += ["| name | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(config.Settings):
        meaning = str(field.metadata.get("meaning", field.metadata.get("doc", "")))
        lines.append(f"| `{setting_name(field)}` | {_default(field)} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def alerts() -> str:
    """One row and one section per alert rule; a section's anchor is what the alert names."""
    rules = import_module("surefill.tca.rules").RULES
    recent = import_module("surefill.tca.recent")
    lines = ["# Alerts", "", NOTE, "", "`surefill metrics --alerts` evaluates these rules from the"]
    lines += ["journal, prints what is broken and appends it to `alerts.log` in the log directory;"]
    lines += ["its exit code is 1 then. The limit itself is still good.", ""]
    lines += ["A running executor evaluates them too: at its start, after every plan that was"]
    lines += ["denied, settled or closed, and every 5 s while something is written (an order in"]
    lines += ["doubt, shares without a stop). It logs `alert SEVERITY CODE: what is wrong`"]
    lines += ["where a rule newly fires and `alert over: CODE` where it no longer does, and tells"]
    lines += ["it on every [alert channel](channels.md). Averages"]
    lines += [f"and rates are those of the last {recent.PLANS_MAX} plans. A `CRITICAL` one is"]
    lines += ["logged (as ERROR) for every plan and every error that breaks it.", ""]
    lines += ["| code | severity | measured | alert when |", "|---|---|---|---|"]
    lines += [
        f"| [`{rule.code}`](#{rule.code.lower()}) | {rule.severity.value} | {_cell(rule.what)} | "
        f"{rule.worse.value} {rule.show(rule.limit)} |"
        for rule in rules
    ]
    lines += ["", "From elsewhere, all of them `CRITICAL`:", ""]
    lines += ["| code | raised by |", "|---|---|"]
    others = _other_alerts()
    lines += [f"| [`{code}`](#{code.lower()}) | {by} |" for code, by, _, _ in others]
    for rule in rules:
        limit = f"{rule.worse.value} {rule.show(rule.limit)}"
        lines += ["", f"## {rule.code}", "", f"{_sentence(rule.what)}, {limit}."]
        lines += ["", f"What to do: {rule.advice}."]
    for code, _, what, advice in others:
        lines += ["", f"## {code}", "", what, "", f"What to do: {advice}."]
    return "\n".join(lines) + "\n"


def _other_alerts() -> list[tuple[str, str, str, str]]:
    """(code, who raises it, what it says, what to do) of what no rule says."""
    watchdog = import_module("surefill.runtime.watchdog")
    notice = import_module("surefill.alerts.notice")
    told = "An alert channel did not take a message five times in a row."
    rows = [
        (code.value, "`surefill watchdog`", watchdog.MEANING[code], watchdog.ADVICE[code])
        for code in watchdog.AlarmCode
    ]
    return [*rows, (notice.CHANNEL_FAILING, "the other channels", told, notice.CHANNEL_ADVICE)]


def checklist() -> str:
    """One table per stage: what every item asks for."""
    program = import_module("surefill.replay.checklist")
    lines = [
        "# Deployment checklist",
        "",
        NOTE,
        "",
        "No box to tick: `surefill checklist` computes",
    ]
    lines += ["every item and names the journal records that it rests on. Verdicts are PASS, FAIL"]
    lines += ["and NOT YET (no proof either way). Exit code: 0 all PASS; 1 at least one FAIL; 3"]
    lines += ["nothing failed, but something is NOT YET proven. Sign-off, with the engine stopped:"]
    lines += [
        "`surefill checklist --stage STAGE --sign-off NAME --next-review DATE`; who, version,"
    ]
    lines += ["settings hash, verdicts and next review become a note in the journal, and no stage"]
    lines += ["with a FAIL can be signed."]
    for stage, items in program.CHECKLIST.items():
        lines += ["", f"## {program.STAGE_TITLES[stage]}", ""]
        lines += [f"`surefill checklist --stage {stage.value}`", ""]
        lines += ["| item | title | passes when |", "|---|---|---|"]
        lines += [
            f"| `{item.code}` | {_cell(item.title)} | {_cell(item.passes)} |" for item in items
        ]
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def setting_name(field: dataclasses.Field[object]) -> str:
    """The name of a setting in the environment."""
    return str(field.metadata.get("env", field.name.upper()))


def _default(field: dataclasses.Field[object]) -> str:
    shown = field.metadata.get("default", field.default)
    return "" if shown in (dataclasses.MISSING, None, "") else f"`{shown}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


SUMMARY = "docs/SMART_EXECUTOR_EXECUTIVE_SUMMARY.md"
EFFECTS = {
    "plans entered": "  entered  ",
    "cost of entered plans, mean": "  entered plans, mean  ",
    "cost of entered plans, worst": "  entered plans, worst  ",
    "cost of all plans, missed and denied included": "  ALL PLANS, missed and denied included  ",
    "reward for 1 USD of risk, mean": "  mean, by the signal's stop and target  ",
    "reward for 1 USD of risk, worst": "REWARD FOR 1 USD OF RISK",
    "trades whose reward is below their risk": "  trades below 1  ",
    "share-seconds without a stop, worst trade": "  worst trade, share-seconds  ",
}
"""What the summary says -> how the demo's line begins; the worst reward stands two lines below."""


def executive_summary() -> str:
    """The hand-written page, with its table from the demo's print-out."""
    page = (ROOT / SUMMARY).read_text(encoding="utf-8")
    head, _, rest = page.partition("<!-- written by")
    note, _, rest = rest.partition("-->\n")
    _, _, tail = rest.partition("<!-- end -->")
    lines = (ROOT / "docs/images/demo.txt").read_text(encoding="utf-8").splitlines()
    rows = ["| | market order | Surefill |", "|---|---|---|"]
    for words, start in EFFECTS.items():
        at = next(n for n, line in enumerate(lines) if line.startswith(start))
        values = lines[at if start.startswith("  ") else at + 2]
        old, new = values.replace(" %", "%").split()[-2:]
        unit = " bps" if words.startswith("cost") else ""
        rows.append(f"| {words} | {old}{unit} | {new}{unit} |")
    table = "\n".join(rows)
    return f"{head}<!-- written by{note}-->\n{table}\n<!-- end -->{tail}"


def commands() -> str:
    """One section per verb: what it is for, an example, every argument."""
    front = import_module("surefill.cli.main")
    exits = import_module("surefill.cli.exits")
    lines = ["# Commands", "", NOTE, "", "`surefill VERB --help` says the same."]
    lines += ["Results go to stdout, everything else to stderr.", ""]
    lines += ["| exit code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {_cell(exits.MEANING[code])} |" for code in exits.Exit]
    for verb in front.VERBS:
        lines += [
            "",
            f"## {verb.name}",
            "",
            f"{_sentence(verb.summary)}. Example: `{verb.example}`",
        ]
        parser = argparse.ArgumentParser(add_help=False)
        import_module(f"surefill.cli.{verb.name}").add_arguments(parser)
        rows = [row for action in parser._actions if (row := _argument(action))]
        lines += ["", "| argument | meaning |", "|---|---|", *rows] if rows else []
    return "\n".join(lines) + "\n"


def _argument(action: argparse.Action) -> str:
    """One row; nothing for an argument that is not for people."""
    if action.help is argparse.SUPPRESS:
        return ""
    word = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None and action.metavar is None:
        word = "\\|".join(str(choice) for choice in action.choices)
    name = ", ".join(action.option_strings) or word
    value = f" {word}" if action.option_strings and action.nargs != 0 else ""
    text = _cell(action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))
    return f"| `{name}{value}` | {text} |"


def openapi() -> str:
    """What `GET /v1/openapi.json` answers."""
    described = import_module("surefill.service.openapi").document()
    return json.dumps(described, indent=1, sort_keys=True) + "\n"


@cache
def documents() -> dict[str, str]:
    """Path -> text of every generated document whose source exists."""
    makers: dict[str, tuple[str, Callable[[], str]]] = {
        "docs/reasons.md": ("surefill.core.reasons", reasons),
        "docs/machines.md": ("surefill.core.order", machines),
        "docs/settings.md": ("surefill.config", settings),
        SUMMARY: ("surefill.replay.demo", executive_summary),
        "docs/commands.md": ("surefill.cli.main", commands),
        "docs/alerts.md": ("surefill.tca.rules", alerts),
        "docs/SMART_EXECUTOR_DEPLOYMENT_CHECKLIST.md": ("surefill.replay.checklist", checklist),
        "docs/openapi.json": ("surefill.service.openapi", openapi),
    }
    made = {path: make() for path, (module, make) in makers.items() if find_spec(module)}
    for module in ("scripts.draw_machines", "scripts.draw_pictures"):
        made |= {path: draw() for path, draw in import_module(module).DRAWN.items()}
    return made


def main() -> None:
    """Write them all."""
    for path, text in documents().items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
