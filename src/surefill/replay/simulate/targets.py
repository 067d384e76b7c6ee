"""Whether several targets took the shares that the plan gave them, by the venue's log.

What: `target_faults`. No scale-out takes more than its share of what was entered; in a calm run
whose targets all filled each took exactly its share, and the plan's own the rest.
Why beside the auditor: that prices stand at a target is judged there, instant by instant.
Invariants: the shares are worked out a second time here, from the plan alone; a target is known by
its price, unless it was marketable when it took that price: then it was turned to the market, and
the price is the market's (simulation, seed 31341).
Must never: take the executor's word for which target a share left at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from surefill.replay.evidence import Row
from surefill.replay.simulate.play import Played
from surefill.sim.auditor import Violation
from surefill.sim.auditor_log import owner_of
from surefill.sim.auditor_terms import UNIT, PlanTerms, px_text, qty_text, read_plan

Line = Mapping[str, object]
_EXECUTED = frozenset({"fill", "partial_fill"})
_UNDONE = frozenset({"trade_bust", "trade_correct"})


def target_faults(played: Played, rows: Sequence[Row]) -> Iterator[Violation]:
    """Every scale-out that took other shares than its own."""
    terms = {str(row["plan_id"]): read_plan(row) for row in rows if row.get("scale_outs")}
    for plan_id, lines in _lines_of(played.run.log.lines, terms).items():
        if any(line["kind"] in _UNDONE for line in lines):
            continue  # what was entered is not what it was when the shares were divided
        at_ns = int(str(lines[-1]["venue_ns"]))
        for sentence in _sentences(terms[plan_id], lines, is_calm=played.scenario.is_calm):
            yield Violation("I14", plan_id, at_ns, sentence)


def _lines_of(lines: Sequence[Line], terms: Mapping[str, PlanTerms]) -> dict[str, list[Line]]:
    owners: dict[object, str] = {}
    found: dict[str, list[Line]] = {}
    for line in lines:
        named = owner_of(str(line["cl_ord_id"] or ""))
        kin = (line["order_id"], line["replaces"], line["parent_id"])
        known = next((owners[one] for one in kin if one in owners), None)
        plan_id = known if named is None else named[0]
        if line["order_id"] and plan_id is not None and plan_id in terms:
            owners[line["order_id"]] = plan_id
            found.setdefault(plan_id, []).append(line)
    return found


def _sentences(terms: PlanTerms, lines: Sequence[Line], *, is_calm: bool) -> Iterator[str]:
    entered, cost, last_fill = 0, 0, -1
    for n, line in enumerate(lines):
        if line["kind"] in _EXECUTED and (line["side"] == "BUY") == (terms.sign > 0):
            qty = _int(line, "qty")
            entered, cost, last_fill = entered + qty, cost + qty * _int(line, "px"), n
    taken: Counter[int] = Counter()
    turned, others = _turned(lines), 0
    for line in lines[last_fill + 1 :] if entered else ():
        if line["kind"] not in _EXECUTED:
            continue
        if line["leg"] == "TARGET" and line["order_id"] not in turned:
            taken[_int(line, "limit_px")] += _int(line, "qty")
        else:
            others += _int(line, "qty")
    own_px, *nearer = terms.targets(cost, entered) if entered else (0,)
    is_calm &= not others and set(taken) <= {own_px, *nearer}  # none was turned to the market
    whole = entered // UNIT
    for (share, _), px in zip(terms.scale_outs, nearer, strict=False):
        quota = whole * share // UNIT * UNIT
        is_wrong = taken[px] > quota or (is_calm and sum(taken.values()) == entered != 0)
        if is_wrong and taken[px] != quota and nearer.count(px) == 1 and px != own_px:
            yield (
                f"the target {px_text(px)} took {qty_text(taken[px])} shares of "
                f"{qty_text(entered)}, its share is {qty_text(quota)}"
            )


def _turned(lines: Sequence[Line]) -> frozenset[object]:
    """Orders that came to close at the market: in the place of a target, or under an id of ours for
    that, and marketable at once."""
    first = {line["order_id"]: line for line in reversed(lines)}
    return frozenset(order_id for order_id, line in first.items() if _is_turned(line))


def _is_turned(line: Line) -> bool:
    named = owner_of(str(line["cl_ord_id"] or ""))
    is_new_cover = not line["replaces"] and (named is None or named[1] != "F")
    touch_px = line["ask"] if line["side"] == "BUY" else line["bid"]
    if is_new_cover or line["leg"] != "TARGET" or not isinstance(touch_px, int):
        return False
    sign = 1 if line["side"] == "BUY" else -1
    return sign * (_int(line, "limit_px") - touch_px) >= 0


def _int(line: Line, name: str) -> int:
    value = line[name]
    assert isinstance(value, int)
    return value
