"""A tiny venue that only writes: clean histories for the auditor, by hand or by seed.

What: `Desk` writes truth-log lines of plausible trades (limit entries, OCO groups, brackets, the
legacy path), `Case` is a whole run (plans, log, outcomes), `clean_case(seed, plans)` a random one.
Why: a mutant must be one spoiled thing in an otherwise spotless run; `Case.seal` therefore works
out again whatever follows from the lines (numbers, sums, positions, hashes, outcomes).
Times are ms from the start of the run; prices cents, quantities whole shares, until they become
lines (1e-9).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from random import Random

from surefill.sim.truth import GENESIS, line_hash

UNIT = 1_000_000_000
CENT = UNIT // 100
START_NS = 1_772_461_800 * UNIT
ACCOUNT = "PA1"
TAG = "0a1b2c"
DEAD = {"FILLED", "CANCELED", "EXPIRED", "REPLACED", "REJECTED"}

Row = dict[str, object]


def number(row: Row, name: str) -> int:
    """An ``int`` of a row."""
    value = row[name]
    assert isinstance(value, int), (name, value)
    return value


@dataclass
class Case:
    """A run. ``owners``: order id -> (plan id, is an entry). ``kinds``: plan id -> outcome."""

    plans: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    owners: dict[str, tuple[str, bool]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    outcomes: list[Row] = field(default_factory=list)

    def clone(self) -> Case:
        """A copy to spoil."""
        return copy.deepcopy(self)

    def of(self, plan_id: str, kind: str | None = None) -> list[Row]:
        """Lines of a plan, all or of one kind."""
        return [
            line
            for line in self.lines
            if self.owners.get(str(line["order_id"]), ("", False))[0] == plan_id
            and kind in (None, line["kind"])
        ]

    def seal(self) -> Case:
        """Number, sum, hash and conclude again after lines were changed."""
        self.lines.sort(key=lambda line: number(line, "venue_ns"))
        cum: dict[str, int] = {}
        positions: dict[str, int] = {}
        previous = GENESIS
        sums: dict[str, list[int]] = {str(plan["plan_id"]): [0, 0, 0, 0] for plan in self.plans}
        for seq, line in enumerate(self.lines, start=1):
            self._add_up(line, cum, positions)
            line["seq"] = seq
            line.pop("hash", None)
            line["hash"] = previous = line_hash(previous, line)
            if line["kind"] in ("fill", "partial_fill") and line["order_id"] in self.owners:
                plan_id, is_entry = self.owners[str(line["order_id"])]
                at = 0 if is_entry else 2
                sums[plan_id][at] += number(line, "qty")
                sums[plan_id][at + 1] += number(line, "qty") * number(line, "px")
        self.outcomes = [
            {
                "plan_id": plan_id,
                "outcome": self.kinds[plan_id],
                "entry_qty": entry_qty,
                "entry_cost": entry_cost,
                "exit_qty": exit_qty,
                "exit_cost": exit_cost,
            }
            for plan_id, (entry_qty, entry_cost, exit_qty, exit_cost) in sums.items()
            if plan_id in self.kinds
        ]
        return self

    def _add_up(self, line: Row, cum: dict[str, int], positions: dict[str, int]) -> None:
        order_id, symbol = str(line["order_id"]), str(line["symbol"])
        is_fill = line["kind"] in ("fill", "partial_fill")
        if is_fill:
            qty = number(line, "qty")
            cum[order_id] = cum.get(order_id, 0) + qty
            sign = 1 if line["side"] == "BUY" else -1
            positions[symbol] = positions.get(symbol, 0) + sign * qty
        else:
            line["qty"] = line["order_qty"]
        line["cum_qty"] = cum.get(order_id, 0)
        left = number(line, "order_qty") - cum.get(order_id, 0)
        if is_fill:
            line["kind"] = "partial_fill" if left else "fill"
            line["status"] = "PARTIALLY_FILLED" if left else "FILLED"
            line["working"] = bool(left)
        line["leaves"] = 0 if line["status"] in DEAD else left
        line["position"] = positions.get(symbol, 0)


class Desk:
    """Writes the lines of one plan after another into a `Case`."""

    def __init__(self) -> None:
        self.case = Case()
        self._state: dict[str, Row] = {}
        self._next = 0
        self._execs = 0

    # --- plans ----------------------------------------------------------------------------

    def plan(self, plan_id: str, at_ms: int, *, sign: int = 1, **changes: object) -> Row:
        """A plan: 100 IBM at 150.00, risk 0.50, ratio 2, unless said otherwise."""
        row: Row = {
            "plan_id": plan_id,
            "account": ACCOUNT,
            "symbol": "IBM",
            "side": "BUY" if sign > 0 else "SELL_SHORT",
            "qty": 100 * UNIT,
            "signal_px": 150 * UNIT,
            "risk_px": UNIT // 2,
            "rr_ppb": 2 * UNIT,
            "path": "smart",
            "entry_budget_ns": 60 * UNIT,
            "accepted_ns": START_NS + at_ms * 1_000_000,
        }
        row.update(changes)
        self.case.plans.append(row)
        return row

    def outcome(self, plan: Row, kind: str) -> None:
        """What became of it."""
        self.case.kinds[str(plan["plan_id"])] = kind

    # --- lines ----------------------------------------------------------------------------

    def line(self, at_ms: int, kind: str, order_id: str, **changes: object) -> Row:
        """A line about an order, with its state from now on."""
        state = self._state[order_id]
        state.update({key: value for key, value in changes.items() if key not in ("px", "qty")})
        row: Row = {"venue_ns": START_NS + at_ms * 1_000_000, "kind": kind, **state}
        row.update(changes)
        self.case.lines.append(row)
        return row

    def order(self, at_ms: int, plan: Row, cl_ord_id: str, **terms: object) -> str:
        """Accept an order of a plan; ``letter``-less legs pass ``cl_ord_id`` of the venue."""
        self._next += 1
        order_id = f"o{self._next}"
        sign = 1 if plan["side"] == "BUY" else -1
        is_entry = bool(terms.pop("is_entry", False))
        self._state[order_id] = {
            "account": ACCOUNT,
            "order_id": order_id,
            "cl_ord_id": cl_ord_id,
            "parent_id": None,
            "leg": None,
            "symbol": plan["symbol"],
            "side": "BUY" if (sign > 0) == is_entry else "SELL",
            "ord_type": "LIMIT",
            "contingency": "NONE",
            "order_qty": plan["qty"],
            "limit_px": None,
            "stop_px": None,
            "status": "PENDING_NEW",
            "working": False,
            "armed": False,
            "exec_id": None,
            "replaces": None,
            "replaced_by": None,
            "bid": number(plan, "signal_px") - CENT,
            "ask": number(plan, "signal_px") + CENT,
            "text": None,
        }
        self._state[order_id].update(terms)
        self.case.owners[order_id] = str(plan["plan_id"]), is_entry
        self.line(at_ms, "accept", order_id)
        return order_id

    def own_id(self, plan: Row, leg: str) -> str:
        """Our client order id."""
        return f"sf-{TAG}-{plan['plan_id']}-{leg}"

    def live(self, at_ms: int, order_id: str) -> None:
        """The order works."""
        self.line(at_ms, "new", order_id, status="NEW", working=True)

    def enter(self, at_ms: int, plan: Row, cents: int = 0, **terms: object) -> str:
        """A limit entry ``cents`` away from the signal, live 10 ms later."""
        order_id = self.order(
            at_ms,
            plan,
            self.own_id(plan, "E1"),
            is_entry=True,
            limit_px=number(plan, "signal_px") + cents * CENT,
            **terms,
        )
        self.live(at_ms + 10, order_id)
        return order_id

    def fill(self, at_ms: int, order_id: str, shares: int, cents: int) -> None:
        """An execution at 150.00 plus ``cents``."""
        self._execs += 1
        row = self.line(
            at_ms,
            "fill",
            order_id,
            qty=shares * UNIT,
            px=150 * UNIT + cents * CENT,
            exec_id=f"x{self._execs}",
        )
        self._state[order_id]["exec_id"] = None
        row["working"] = True

    def cancel(self, at_ms: int, order_id: str, *, took_ms: int = 15) -> None:
        """Ask for a cancel and have it confirmed."""
        self.line(at_ms, "pending_cancel", order_id, status="PENDING_CANCEL")
        self.dead(at_ms + took_ms, order_id)

    def dead(self, at_ms: int, order_id: str, status: str = "CANCELED") -> None:
        """The order ended."""
        self.line(at_ms, status.lower(), order_id, status=status, working=False, armed=False)

    def cover(self, at_ms: int, plan: Row, shares: int, **prices: int) -> tuple[str, str]:
        """An OCO group at ``stop`` and ``target`` (cents from 150.00), in force 12 ms later."""
        attempt = prices.get("attempt", 1)
        terms: dict[str, object] = {"order_qty": shares * UNIT, "contingency": "OCO"}
        target = self.order(
            at_ms,
            plan,
            self.own_id(plan, f"X{attempt}"),
            limit_px=150 * UNIT + prices["target"] * CENT,
            **terms,
        )
        stop = self.order(
            at_ms,
            plan,
            f"venue-{self._next}",
            ord_type="STOP",
            parent_id=target,
            stop_px=150 * UNIT + prices["stop"] * CENT,
            **terms,
        )
        self.live(at_ms + 12, target)
        self.line(at_ms + 12, "armed", stop, armed=True)
        return target, stop

    def replace(self, at_ms: int, plan: Row, order_id: str, leg: str, **terms: object) -> str:
        """Re-price a leg: accepted now, in force 9 ms later."""
        old = self._state[order_id]
        was_armed = old["armed"]
        new = self.order(
            at_ms,
            plan,
            str(terms.pop("cl_ord_id", self.own_id(plan, leg))),
            **{name: old[name] for name in ("parent_id", "ord_type", "contingency", "order_qty")},
            **{"limit_px": old["limit_px"], "stop_px": old["stop_px"], **terms},
            replaces=order_id,
        )
        self.line(at_ms, "pending_replace", order_id, status="PENDING_REPLACE")
        self.dead(at_ms + 9, order_id, "REPLACED")
        if was_armed:
            self.line(at_ms + 9, "held", new, armed=True)
        else:
            self.live(at_ms + 9, new)
        return new

    def hit_target(self, at_ms: int, group: tuple[str, str], shares: int, cents: int) -> None:
        """The target fills; the venue lets the stop go 30 ms later."""
        target, stop = group
        self.fill(at_ms, target, shares, cents)
        self.line(at_ms, "disarmed", stop, armed=False)
        self.dead(at_ms + 30, stop)

    def hit_stop(self, at_ms: int, group: tuple[str, str], shares: int, cents: int) -> None:
        """The stop is elected: the target is pulled, then the stop fills."""
        target, stop = group
        self.line(at_ms, "triggered", stop)
        self.cancel(at_ms, target, took_ms=5)
        self.line(at_ms + 5, "new", stop, status="NEW", working=True, armed=False)
        self.fill(at_ms + 6, stop, shares, cents)


def reach_target(desk: Desk, plan: Row, at_ms: int) -> None:
    """Filled at once at 150.05, covered, closed by the target."""
    sign = 1 if plan["side"] == "BUY" else -1
    entry = desk.enter(at_ms, plan, 7 * sign)
    desk.fill(at_ms + 10, entry, 100, 5 * sign)
    group = desk.cover(at_ms + 310, plan, 100, stop=-45 * sign, target=105 * sign)
    desk.hit_target(at_ms + 20_000, group, 100, 105 * sign)
    desk.outcome(plan, "CLOSED_TARGET")


def partial_then_stop(desk: Desk, plan: Row, at_ms: int) -> None:
    """37 of 100 filled, the rest cancelled with 13 more arriving during the cancel, stopped out."""
    sign = 1 if plan["side"] == "BUY" else -1
    entry = desk.enter(at_ms, plan, 7 * sign)
    desk.fill(at_ms + 500, entry, 37, 7 * sign)
    first = desk.cover(at_ms + 800, plan, 37, stop=-43 * sign, target=107 * sign)
    desk.line(at_ms + 3_000, "pending_cancel", entry, status="PENDING_CANCEL")
    desk.fill(at_ms + 3_005, entry, 13, 7 * sign)
    desk.dead(at_ms + 3_020, entry)
    second = desk.cover(at_ms + 3_400, plan, 13, stop=-43 * sign, target=107 * sign, attempt=2)
    desk.hit_stop(at_ms + 9_000, first, 37, -44 * sign)
    desk.hit_stop(at_ms + 9_000, second, 13, -45 * sign)
    desk.outcome(plan, "CLOSED_STOP")


def bracket_anchored(desk: Desk, plan: Row, at_ms: int) -> None:
    """A bracket whose legs are moved to a better fill; the target fills in part, then the stop."""
    sign = 1 if plan["side"] == "BUY" else -1
    entry = desk.enter(at_ms, plan, 7 * sign, contingency="BRACKET")
    legs: dict[str, object] = {"parent_id": entry, "contingency": "BRACKET"}
    target = desk.order(at_ms, plan, f"{entry}-t", limit_px=150 * UNIT + 107 * sign * CENT, **legs)
    stop_px = 150 * UNIT - 43 * sign * CENT
    stop = desk.order(at_ms, plan, f"{entry}-s", ord_type="STOP", stop_px=stop_px, **legs)
    desk.fill(at_ms + 40, entry, 60, 3 * sign)
    desk.fill(at_ms + 90, entry, 40, 3 * sign)
    desk.line(at_ms + 115, "armed", stop, armed=True)
    desk.live(at_ms + 115, target)
    new_stop_px = 150 * UNIT - 47 * sign * CENT
    stop = desk.replace(at_ms + 300, plan, stop, "S1", stop_px=new_stop_px)
    target = desk.replace(at_ms + 350, plan, target, "T1", limit_px=150 * UNIT + 103 * sign * CENT)
    desk.fill(at_ms + 5_000, target, 30, 103 * sign)
    desk.line(at_ms + 5_000, "resized", stop, order_qty=70 * UNIT)
    desk.hit_stop(at_ms + 8_000, (target, stop), 70, -47 * sign)
    desk.outcome(plan, "CLOSED_MIXED")


def missed(desk: Desk, plan: Row, at_ms: int) -> None:
    """Nothing fills; cancelled when the time is up."""
    entry = desk.enter(at_ms, plan, 7 if plan["side"] == "BUY" else -7)
    desk.cancel(at_ms + 60_000, entry)
    desk.outcome(plan, "NOT_ENTERED")


def legacy(desk: Desk, plan: Row, at_ms: int) -> None:
    """One market bracket, filled far off, exits from the signal."""
    sign = 1 if plan["side"] == "BUY" else -1
    plan["path"] = "legacy"
    terms: dict[str, object] = {"contingency": "BRACKET"}
    entry = desk.order(
        at_ms, plan, desk.own_id(plan, "E1"), is_entry=True, ord_type="MARKET", **terms
    )
    legs: dict[str, object] = {"parent_id": entry, **terms}
    target_px = 150 * UNIT + 100 * sign * CENT
    target = desk.order(at_ms, plan, f"{entry}-t", limit_px=target_px, **legs)
    stop_px = 150 * UNIT - 50 * sign * CENT
    stop = desk.order(at_ms, plan, f"{entry}-s", ord_type="STOP", stop_px=stop_px, **legs)
    desk.live(at_ms + 8, entry)
    desk.fill(at_ms + 8, entry, 100, 88 * sign)
    desk.line(at_ms + 30, "armed", stop, armed=True)
    desk.live(at_ms + 30, target)
    desk.hit_stop(at_ms + 4_000, (target, stop), 100, -51 * sign)
    desk.outcome(plan, "CLOSED_STOP")


def flattened(desk: Desk, plan: Row, at_ms: int) -> None:
    """Time exit: the group is cancelled, then a marketable limit closes."""
    sign = 1 if plan["side"] == "BUY" else -1
    entry = desk.enter(at_ms, plan, 7 * sign)
    desk.fill(at_ms + 10, entry, 100, 0)
    group = desk.cover(at_ms + 250, plan, 100, stop=-50 * sign, target=100 * sign)
    desk.cancel(at_ms + 30_000, group[0])
    desk.dead(at_ms + 30_090, group[1])
    close = desk.order(
        at_ms + 30_200, plan, desk.own_id(plan, "F1"), limit_px=150 * UNIT - 20 * sign * CENT
    )
    desk.live(at_ms + 30_210, close)
    desk.fill(at_ms + 30_210, close, 100, 10)
    desk.outcome(plan, "CLOSED_TIME")


def denied(desk: Desk, plan: Row, at_ms: int) -> None:
    """Never sent."""
    desk.outcome(plan, "DENIED")


SCENES = (reach_target, partial_then_stop, bracket_anchored, missed, legacy, flattened, denied)
SPACING_MS = 70_000


def named_case() -> Case:
    """Each scene once as a long (``missed`` ..) and once as a short (``missed-short`` ..).

    Every plan has a symbol of its own, so that a spoiled one cannot disturb the others.
    """
    desk = Desk()
    at_ms = 0
    for scene in SCENES:
        for sign, suffix in ((1, ""), (-1, "-short")):
            symbol = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at_ms // SPACING_MS] * 3
            name = scene.__name__ + suffix
            scene(desk, desk.plan(name, at_ms, sign=sign, symbol=symbol), at_ms)
            at_ms += SPACING_MS
    return desk.case.seal()


def clean_case(seed: int, plans: int) -> Case:
    """A random run; plans follow each other, three symbols interleaved."""
    random = Random(seed)
    desk = Desk()
    for index in range(plans):
        symbol = ("AIG", "BAC", "IBM")[index % 3]
        at_ms = index // 3 * SPACING_MS + random.randrange(1_000)
        plan = desk.plan(f"p{index}", at_ms, sign=random.choice((1, -1)), symbol=symbol)
        random.choice(SCENES)(desk, plan, at_ms)
    return desk.case.seal()
