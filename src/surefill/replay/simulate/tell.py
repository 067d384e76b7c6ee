"""A simulated run in words: what was drawn, and what happened, second by second.

What: `parameters` (the drawn scenario, printed first) and `retell` (happenings, strikes, orders at
the venue, alarms and deaths in order of time).
Must never: leave out what does not fit the story; every line of the venue's log about an order of a
plan is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surefill.core.units import to_text
from surefill.replay.simulate.play import Played
from surefill.replay.simulate.scenario import Scenario
from surefill.sim.auditor_log import owner_of

_QUIET = frozenset({"pending_new", "pending_cancel", "pending_replace", "account"})


def parameters(scenario: Scenario) -> list[str]:
    """The scenario as lines."""
    kind = "calm" if scenario.is_calm else "storm"
    style = "exits may rest beside the entry" if scenario.exits_beside_entry else "entry ends first"
    lines = [
        f"seed {scenario.seed}: {kind} of {scenario.storm_ms // 1_000} s on {scenario.date}, "
        f"{(scenario.close_ns - scenario.start_ns) // 10**9} s before the close; {style}; "
        f"{scenario.requests_per_minute or 'any number of'} requests a minute"
    ]
    for symbol in scenario.symbols:
        lines.append(
            f"  {symbol.name} near {to_text(symbol.px)}, moves of {to_text(symbol.unit_px)}, "
            f"{symbol.size} shares displayed, gaps {symbol.gap_units}"
        )
    if scenario.switches:
        lines.append("  venue: " + ", ".join(scenario.switches))
    if scenario.delays:
        lines.append("  venue: slow")
    lines += [f"  {one.at_ms / 1_000:8.3f}  {one}" for one in scenario.happenings]
    return lines


def retell(played: Played) -> list[str]:
    """Everything in order of time, in seconds since second 0."""
    start_ns = played.scenario.start_ns
    told = sorted(_all(played), key=lambda entry: entry[0])
    return [f"  {(at_ns - start_ns) / 10**9:9.3f}  {text}" for at_ns, text in told]


def _all(played: Played) -> Iterator[tuple[int, str]]:
    scenario = played.scenario
    for one in scenario.happenings:
        yield scenario.at_ns(one.at_ms), f"* {one}"
    yield scenario.heal_ns, "* everything works again"
    for strike in played.faults.strikes:
        phases = ", ".join(strike.phases) or "no trade"
        params = ", ".join(f"{k}={v}" for k, v in strike.fault.params.items() if k != "for_ms")
        yield strike.at_ns, f"! {strike.code.value} {params} at {strike.opportunity} ({phases})"
    for died_ns, started_ns in played.downs:
        yield died_ns, "! the process is dead"
        yield started_ns, "! the process starts again"
    for at_ns, what in played.meddled:
        yield at_ns, f"! {what}"
    for at_ns, alarm in played.run.alarms:
        yield at_ns, f"alarm {alarm.trade_id or ''} {alarm.reason}"
    parents: dict[str, str] = {}
    for line in played.run.log.lines:
        text = _line(line, parents)
        if text is not None:
            yield int(str(line["venue_ns"])), text


def _line(line: Mapping[str, object], parents: dict[str, str]) -> str | None:
    """One line of the venue's log; ``parents``: order id -> how we call it."""
    kind = str(line["kind"])
    if kind in _QUIET or not (line["order_id"] or kind == "refused"):
        return None
    order_id, cl_ord_id = str(line["order_id"] or ""), str(line["cl_ord_id"] or "")
    name = parents.get(order_id) or _name(line, cl_ord_id, parents)
    if order_id:
        parents.setdefault(order_id, name)
    parts = [f"venue {name} {kind}"]
    if kind in ("accept", "refused", "new", "held"):
        parts.append(f"{line['side']} {line['ord_type']} {_px(line['order_qty'])}")
    for word, key in (("limit", "limit_px"), ("stop", "stop_px"), ("at", "px")):
        if line[key] is not None:
            parts.append(f"{word} {_px(line[key])}")
    if "fill" in kind or kind.startswith("trade"):
        parts.append(f"qty {_px(line['qty'])} position {_px(line['position'])}")
    parts.append(f"[{_px(line['bid'])} {_px(line['ask'])}]")
    if line["text"]:
        parts.append(str(line["text"])[:90])
    return " ".join(parts)


def _name(line: Mapping[str, object], cl_ord_id: str, parents: Mapping[str, str]) -> str:
    owner = owner_of(cl_ord_id)
    if owner is not None:
        return f"{owner[0]}-{owner[1]}{owner[2]}"
    parent = parents.get(str(line["parent_id"] or "")) or parents.get(str(line["replaces"] or ""))
    return f"{parent}/{line['leg']}" if parent else cl_ord_id or "somebody's"


def _px(value: object) -> str:
    return to_text(value) if isinstance(value, int) else "-"
