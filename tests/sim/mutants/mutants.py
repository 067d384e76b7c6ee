"""Named bugs: each takes the clean run and makes it the run of an executor with that bug.

`MUTANTS` maps the name to the function, the plan it spoils and the codes the auditor must say.
A mutant changes lines or plans and nothing else; sums, hashes and outcomes are then worked out
again, so that only the bug itself can be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.sim.mutants.history import CENT, START_NS, TAG, UNIT, Case, Row, number

MS = 1_000_000


@dataclass(frozen=True)
class Mutant:
    """A bug, where it shows, and what the auditor must call it (at least)."""

    spoil: Callable[[Case], Case]
    plan_id: str
    codes: frozenset[str]


MUTANTS: dict[str, Mutant] = {}


def mutant(plan_id: str, *codes: str) -> Callable[[Callable[[Case], Case]], Callable[[Case], Case]]:
    """Register a function as a named mutant."""

    def register(spoil: Callable[[Case], Case]) -> Callable[[Case], Case]:
        MUTANTS[spoil.__name__] = Mutant(spoil, plan_id, frozenset(codes))
        return spoil

    return register


# --- finding and changing lines ---------------------------------------------------------------


def orders(case: Case, plan_id: str, letter: str) -> list[str]:
    """Order ids of a plan whose client id carries this leg letter, in order of acceptance."""
    return [
        str(line["order_id"])
        for line in case.of(plan_id, "accept")
        if str(line["cl_ord_id"]).rpartition("-")[2].startswith(letter)
        and str(line["cl_ord_id"]).startswith("sf-")
    ]


def stops(case: Case, plan_id: str) -> list[str]:
    """Order ids of a plan's stops."""
    return [str(row["order_id"]) for row in case.of(plan_id, "accept") if row["ord_type"] == "STOP"]


def change(case: Case, order_id: str, **fields: object) -> None:
    """Change every line of an order."""
    for line in case.lines:
        if line["order_id"] == order_id:
            line.update(fields)


def drop(case: Case, *order_ids: str) -> None:
    """An order that never was."""
    case.lines = [line for line in case.lines if line["order_id"] not in order_ids]


def shift(case: Case, order_ids: tuple[str, ...], by_ms: int, kinds: tuple[str, ...]) -> None:
    """Move lines of orders in time."""
    for line in case.lines:
        if line["order_id"] in order_ids and line["kind"] in kinds:
            line["venue_ns"] = number(line, "venue_ns") + by_ms * MS


def at_ms(line: Row) -> int:
    """Time of a line from the start of the run."""
    return (number(line, "venue_ns") - START_NS) // MS


def twin(case: Case, order_id: str, new_id: str, *, by_ms: int, **fields: object) -> None:
    """A second order like the first, somewhat later."""
    copies = [dict(line) for line in case.lines if line["order_id"] == order_id]
    for line in copies:
        line.update(order_id=new_id, **fields)
        line["venue_ns"] = number(line, "venue_ns") + by_ms * MS
        if line["exec_id"] is not None:
            line["exec_id"] = f"{line['exec_id']}-{new_id}"
    case.lines += copies
    case.owners[new_id] = case.owners[order_id]


def child_of(case: Case, order_id: str) -> str:
    """The stop of an OCO group."""
    return next(str(line["order_id"]) for line in case.lines if line["parent_id"] == order_id)


# --- price ------------------------------------------------------------------------------------


@mutant("reach_target", "I1")
def fill_beyond_worst_price(case: Case) -> Case:
    """Chased the price: limit and fill at 150.16, the worst price is 150.15."""
    (entry,) = orders(case, "reach_target", "E")
    change(case, entry, limit_px=150 * UNIT + 16 * CENT)
    for line in case.of("reach_target", "fill"):
        if line["order_id"] == entry:
            line["px"] = 150 * UNIT + 16 * CENT
    return case


@mutant("reach_target-short", "I1", "LOG")
def venue_broke_the_limit(case: Case) -> Case:
    """The fill is beyond the limit of its own order."""
    (entry,) = orders(case, "reach_target-short", "E")
    for line in case.of("reach_target-short", "fill"):
        if line["order_id"] == entry:
            line["px"] = 149 * UNIT
    return case


@mutant("reach_target", "I1")
def market_entry_on_the_smart_path(case: Case) -> Case:
    """The very order that lost the CRWD trade."""
    change(case, orders(case, "reach_target", "E")[0], ord_type="MARKET", limit_px=None)
    return case


@mutant("reach_target", "I1")
def worst_price_widened(case: Case) -> Case:
    """The executor stored another worst price than the terms give."""
    next(row for row in case.plans if row["plan_id"] == "reach_target")["worst_px"] = 151 * UNIT
    return case


@mutant("reach_target", "I13")
def off_tick(case: Case) -> Case:
    """150.075 is no price."""
    change(case, orders(case, "reach_target", "E")[0], limit_px=150_075_000_000)
    return case


@mutant("missed", "I13")
def part_of_a_share(case: Case) -> Case:
    """Half a share does not get a bracket."""
    change(case, orders(case, "missed", "E")[0], order_qty=UNIT // 2)
    return case


# --- size -------------------------------------------------------------------------------------


@mutant("missed", "I2")
def oversized_entry(case: Case) -> Case:
    """120 shares for a plan of 100."""
    change(case, orders(case, "missed", "E")[0], order_qty=120 * UNIT)
    return case


@mutant("missed", "I2")
def second_entry_while_in_doubt(case: Case) -> Case:
    """No answer came, so it sent another one."""
    (entry,) = orders(case, "missed", "E")
    twin(case, entry, "again", by_ms=5_000, cl_ord_id=f"sf-{TAG}-missed-E2")
    return case


# --- cover ------------------------------------------------------------------------------------


@mutant("partial_then_stop", "I3", "I5")
def naked_after_partial(case: Case) -> Case:
    """Waits for the rest of the entry; the 37 shares never get a stop."""
    first = orders(case, "partial_then_stop", "X")[0]
    drop(case, first, child_of(case, first))
    return case


@mutant("reach_target", "I3")
def late_cover(case: Case) -> Case:
    """The group comes 1.6 s after the fill."""
    (target,) = orders(case, "reach_target", "X")
    shift(case, (target, child_of(case, target)), 1_300, ("accept", "new", "armed"))
    return case


@mutant("reach_target-short", "I3")
def target_only_cover(case: Case) -> Case:
    """A resting target is no protection."""
    (target,) = orders(case, "reach_target-short", "X")
    drop(case, child_of(case, target))
    change(case, target, contingency="NONE")
    return case


@mutant("reach_target", "I3", "I13")
def stop_on_the_wrong_side(case: Case) -> Case:
    """A long's stop above the market and above the target."""
    change(case, stops(case, "reach_target")[0], stop_px=153 * UNIT)
    return case


@mutant("reach_target-short", "I3", "I13")
def stop_that_adds(case: Case) -> Case:
    """A short's stop that sells more."""
    change(case, stops(case, "reach_target-short")[0], side="SELL")
    return case


@mutant("reach_target", "I3")
def stop_never_armed(case: Case) -> Case:
    """The legs stay held and nobody looks (lone ``held`` is not cover)."""
    (stop,) = stops(case, "reach_target")
    case.lines = [
        line for line in case.lines if line["order_id"] != stop or line["kind"] != "armed"
    ]
    change(case, stop, armed=False)
    return case


# --- exits ------------------------------------------------------------------------------------


@mutant("reach_target", "I14")
def exits_from_the_signal(case: Case) -> Case:
    """Filled at 150.05, stop and target where 150.00 would have put them."""
    (target,) = orders(case, "reach_target", "X")
    change(case, target, limit_px=151 * UNIT)
    change(case, child_of(case, target), stop_px=149 * UNIT + 50 * CENT)
    return case


@mutant("bracket_anchored", "I14")
def cover_loosened_after_anchoring(case: Case) -> Case:
    """The anchored stop at 149.53 is moved to 149.00 later on."""
    anchored = orders(case, "bracket_anchored", "S")[0]
    replace_stop(case, anchored, "loose", by_ms=2_000, stop_px=149 * UNIT)
    return case


def replace_stop(case: Case, order_id: str, new_id: str, *, by_ms: int, stop_px: int) -> None:
    """From the moment it is replaced, the lines of a stop become those of its replacement."""
    accepted = next(line for line in case.lines if line["order_id"] == order_id)
    start_ns = number(accepted, "venue_ns") + by_ms * MS
    n = 2 + sum(1 for line in case.lines if "-S" in str(line["cl_ord_id"]))
    plan_id = case.owners[order_id][0]
    changes: Row = {
        "order_id": new_id,
        "cl_ord_id": f"sf-{TAG}-{plan_id}-S{n}",
        "replaces": order_id,
        "stop_px": stop_px,
    }
    for line in case.lines:
        if line["order_id"] == order_id and number(line, "venue_ns") > start_ns:
            line.update(changes)
    end = {**accepted, "venue_ns": start_ns, "kind": "replaced", "status": "REPLACED"}
    birth = {**accepted, **changes, "venue_ns": start_ns, "kind": "held", "armed": True}
    case.lines += [end, birth]
    case.owners[new_id] = case.owners[order_id]


@mutant("flattened", "I4")
def double_exit(case: Case) -> Case:
    """Flattens twice: the position turns round."""
    (close,) = orders(case, "flattened", "F")
    twin(case, close, "twice", by_ms=40, cl_ord_id=f"sf-{TAG}-flattened-F2")
    return case


@mutant("reach_target", "I4", "I5")
def orphan_exit_after_flat(case: Case) -> Case:
    """The target filled; the stop stays at the broker for ever."""
    (stop,) = stops(case, "reach_target")
    case.lines = [
        line
        for line in case.lines
        if line["order_id"] != stop or line["kind"] not in ("disarmed", "canceled")
    ]
    # The venue's group would have ended it; this stop was sent on its own.
    change(case, stop, contingency="NONE", parent_id=None, cl_ord_id=f"sf-{TAG}-reach_target-S1")
    for line in case.lines:
        if line["order_id"] == stop:
            line.update(status="NEW", working=True)
    return case


@mutant("partial_then_stop", "I4")
def exit_larger_than_the_position(case: Case) -> Case:
    """Covers the planned 100 when 37 are filled."""
    first = orders(case, "partial_then_stop", "X")[0]
    for order_id in (first, child_of(case, first)):
        change(case, order_id, order_qty=100 * UNIT)
    return case


@mutant("reach_target", "I20")
def restless_exits(case: Case) -> Case:
    """Moves the stop every two seconds."""
    stop = stops(case, "reach_target")[0]
    for step in range(5):
        stop_px = 149 * UNIT + (56 + step) * CENT
        replace_stop(case, stop, f"move{step}", by_ms=2_000, stop_px=stop_px)
        stop = f"move{step}"
    return case


@mutant("reach_target", "I20")
def repair_that_begins_with_a_cancel(case: Case) -> Case:
    """Recreates a group that worked (A-23)."""
    (target,) = orders(case, "reach_target", "X")
    stop = child_of(case, target)
    accepted = at_ms(case.of("reach_target", "accept")[0])
    for order_id, new_id in ((target, "again"), (stop, "again-stop")):
        lines = [line for line in case.lines if line["order_id"] == order_id]
        last = START_NS + (accepted + 5_000) * MS
        later = [line for line in lines if number(line, "venue_ns") > last]
        end = {**lines[0], "venue_ns": last, "kind": "canceled", "status": "CANCELED"}
        case.lines.append(end)
        parent = "again" if order_id == stop else None
        name = f"sf-{TAG}-reach_target-X2" if order_id == target else "venue-again"
        terms: Row = {"order_id": new_id, "cl_ord_id": name, "parent_id": parent}
        for line in later:
            line.update(terms)
        start = {**lines[-1], **terms, "venue_ns": last + 200 * MS, "exec_id": None}
        is_stop = order_id == stop
        status: Row = {"status": "NEW", "working": not is_stop, "armed": is_stop}
        case.lines.append({**start, "kind": "accept", **status})
        case.owners[new_id] = case.owners[order_id]
    return case


# --- bookkeeping ------------------------------------------------------------------------------


@mutant("missed", "I9")
def duplicate_client_id(case: Case) -> Case:
    """A new intent under an old id."""
    (entry,) = orders(case, "missed", "E")
    twin(case, entry, "same-id", by_ms=61_000)
    return case


@mutant("", "I9")
def order_without_a_plan(case: Case) -> Case:
    """An id that says nothing."""
    (entry,) = orders(case, "missed", "E")
    twin(case, entry, "stray", by_ms=61_000, cl_ord_id="8b1f2c")
    del case.owners["stray"]
    return case


@mutant("denied", "I15")
def denied_but_sent(case: Case) -> Case:
    """Says no and sends it."""
    (entry,) = orders(case, "missed", "E")
    symbol = next(row for row in case.plans if row["plan_id"] == "denied")["symbol"]
    twin(case, entry, "sent", by_ms=500_000, cl_ord_id=f"sf-{TAG}-denied-E1", symbol=symbol)
    case.owners["sent"] = "denied", True
    return case


@mutant("reach_target", "I15")
def reward_risk_ignored(case: Case) -> Case:
    """Enters a plan of 1.5 to 1 when the minimum is 2."""
    plan = next(row for row in case.plans if row["plan_id"] == "reach_target")
    plan["rr_ppb"] = 3 * UNIT // 2
    return case


@mutant("reach_target", "I23")
def both_paths(case: Case) -> Case:
    """A smart plan sends the legacy bracket as well."""
    change(case, orders(case, "reach_target", "E")[0], ord_type="MARKET", contingency="BRACKET")
    return case


@mutant("legacy", "I23")
def limit_on_the_legacy_path(case: Case) -> Case:
    """A legacy plan sends the smart path's order."""
    (entry,) = orders(case, "legacy", "E")
    change(case, entry, ord_type="LIMIT", limit_px=151 * UNIT, contingency="NONE")
    return case


@mutant("missed", "I18")
def entry_without_end(case: Case) -> Case:
    """Still working ten seconds after its time."""
    shift(case, tuple(orders(case, "missed", "E")), 9_000, ("pending_cancel", "canceled"))
    return case


def spoiled(name: str, case: Case) -> Case:
    """A copy of a clean run with one bug in it."""
    return MUTANTS[name].spoil(case.clone()).seal()
