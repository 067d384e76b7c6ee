"""An oracle of the engine, written from the specification and from nothing else.

What: it hears every event that the engine hears, judges every request when it is sent, and
predicts: why a plan is refused, worst price and first limit, where stop and target belong, how many
shares are bare, how a trade may end. Sources: design.md 4, failures.md C.0 to C.2.
Why independent: core's integers and machines are fractions here, and sums of what was said. Of core
it knows the shapes of plans, events and commands, and no function.
Must never: import what decides; be longer than 300 lines, so that it can be checked by reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from surefill.core import commands as cmd
from surefill.core import events as ev
from surefill.core.fix import Contingency, ExecType, Leg, OrdStatus, OrdType
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan

USD = SHARE = 10**9
CAP, BUFFER, MIN_RR = Fraction(1, 1000), Fraction(1, 2000), 2
READS, SETTLE_NS = 3, 120 * 10**9  # I10 iii: so many reads, over so long, before it is absent
DEAD = {OrdStatus.CANCELED, OrdStatus.EXPIRED, OrdStatus.REJECTED}


def tick(px: Fraction) -> Fraction:
    """SEC Rule 612, USD."""
    return Fraction(1, 100) if px >= 1 else Fraction(1, 10_000)


def on_grid(px: Fraction, *, up: bool) -> int:
    """A price in USD on its tick, as 1e-9 USD."""
    steps = px / tick(px)
    number = -(-steps.numerator // steps.denominator) if up else steps // 1
    return int(number * tick(px) * USD)


@dataclass
class Terms:
    """What a plan comes to before any order exists. Prices 1e-9 USD."""

    plan: TradePlan
    worst_px: int = 0
    first_px: int = 0
    refusals: frozenset[str] = frozenset()

    @staticmethod
    def of(plan: TradePlan) -> Terms:
        """Design 4.3: cap, bound of the levels, first limit; I15 and the least distance."""
        s, signal, exits, terms = plan.sign, Fraction(plan.signal_px, USD), plan.exits, Terms(plan)
        stop, target = (Fraction(px, USD) for px in terms.exits(signal))
        tighter = min if s > 0 else max
        terms.worst_px = on_grid(signal * (1 + s * CAP), up=s < 0)
        if isinstance(exits, ExitsByLevel):
            bound_px = on_grid((target + MIN_RR * stop) / (1 + MIN_RR), up=s < 0)
            terms.worst_px = tighter(terms.worst_px, bound_px)
            distance = min(s * (Fraction(terms.worst_px, USD) - stop), s * (signal - stop))
            ratio = (target - signal) / (signal - stop) if signal != stop else Fraction(0)
        else:
            assert exits is not None
            distance, ratio = Fraction(exits.risk_px, USD), Fraction(exits.rr_ppb, USD)
        worst = Fraction(terms.worst_px, USD)
        terms.first_px = tighter(on_grid(signal * (1 + s * BUFFER), up=s < 0), terms.worst_px)
        stop_px, target_px = terms.exits(worst)
        wrong = {"EXITS_STOP_WRONG_SIDE": s * (signal - stop) <= 0}
        wrong |= {"EXITS_TARGET_WRONG_SIDE": s * (target - signal) <= 0}
        others = {
            "RR_BELOW_MIN": ratio < MIN_RR,
            "EXITS_DISTANCE_TOO_SMALL": distance < max(Fraction(1, 100), 2 * tick(worst)),
            "EXITS_TARGET_NOT_POSITIVE": target_px <= 0,
            "EXITS_LEVEL_INVALID": stop_px <= 0 < target_px,
        }
        found = (wrong if any(wrong.values()) else others).items()
        terms.refusals = frozenset(code for code, is_so in found if is_so)
        return terms

    def exits(self, vwap: Fraction) -> tuple[int, int]:
        """I14: stop and target of fills at this average; no more risk, no less reward."""
        s, exits = self.plan.sign, self.plan.exits
        assert exits is not None
        if isinstance(exits, ExitsByDistance):
            risk = Fraction(exits.risk_px, USD)
            stop, target = vwap - s * risk, vwap + s * risk * Fraction(exits.rr_ppb, USD)
        else:
            stop, target = Fraction(exits.stop_px, USD), Fraction(exits.target_px, USD)
        return on_grid(stop, up=s > 0), on_grid(target, up=s > 0)


@dataclass
class Family:
    """Orders that stand for the same shares: an entry or an exit group, with replacements."""

    plan_id: str
    spec: cmd.OrderSpec
    sent_ns: int
    is_refused: bool = False
    is_unsent: bool = False
    is_exit: bool = False
    missed_ns: list[int] = field(default_factory=list)


@dataclass
class Told:
    """What the engine was told of one order at the broker."""

    cum_qty: int = 0
    status: OrdStatus = OrdStatus.NEW
    fills: dict[str, tuple[int, int]] = field(default_factory=dict)
    before: Told | None = None

    @property
    def chain_qty(self) -> int:
        """Executed shares with those of the orders it stands for now: what a broker counts."""
        before_qty = self.before.chain_qty if self.before is not None else 0
        return max(self.cum_qty, before_qty + sum(qty for qty, _ in self.fills.values()))

    @property
    def qty(self) -> int:
        """Its own, by executions or by sums, whichever says more (I24)."""
        return self.chain_qty - (self.before.chain_qty if self.before is not None else 0)


class Oracle:
    """The books of one account by what was said. ``roots``: which order of ours a broker's id
    belongs to, and as what; only the venue knows who stands in whose place."""

    def __init__(self) -> None:
        self.terms: dict[str, Terms] = {}
        self.families: dict[str, Family] = {}
        self.bodies: dict[str, cmd.OrderSpec] = {}
        self.told: dict[str, Told] = {}
        self.roots: dict[str, tuple[str, Leg]] = {}
        self.closing: set[str] = set()
        self.closers: set[str] = set()
        self.is_killed = self.is_halted = False

    def hear(self, event: ev.Event, now: int) -> None:
        """An event on its way to the engine."""
        match event:
            case ev.ReportReceived(report):
                self._report(report)
            case ev.RequestAnswered():
                self._answer(event, now)
            case ev.OrdersRead(reports) | ev.FillsRead(reports):
                for report in reports:
                    self._report(report)
            case ev.OperatorActed(act, target):
                self.is_killed = act is ev.Act.KILL or (self.is_killed and act is not ev.Act.UNKILL)
                self.is_halted = act is ev.Act.HALT or (self.is_halted and act is not ev.Act.RESUME)
                if act is ev.Act.FLATTEN:
                    mine = {p for p, t in self.terms.items() if target in ("", t.plan.symbol)}
                    self.closing |= mine
            case _:
                pass

    def _answer(self, event: ev.RequestAnswered, now: int) -> None:
        family = self.families.get(event.cl_ord_id)
        match event.answer:
            case ev.Accepted(report) if report is not None:
                self._report(report)
            case ev.Rejected(ev.RejectKind.NOT_FOUND) if event.verb is ev.Verb.QUERY and family:
                if event.sent_ns > family.sent_ns:
                    family.missed_ns.append(now)
            case ev.Rejected(kind) if event.verb is ev.Verb.SUBMIT and family:
                family.is_refused = kind is not ev.RejectKind.DUPLICATE_ID
            case ev.Unavailable() | ev.RateLimited() if event.verb is ev.Verb.SUBMIT and family:
                family.is_unsent = True
            case _:
                pass

    def _report(self, report: ev.ExecutionReport) -> None:
        told = self.told.setdefault(report.order_id, Told())
        if report.replaces is not None:
            told.before = self.told.setdefault(report.replaces, Told())
        told.cum_qty = max(told.cum_qty, report.cum_qty)
        if report.exec_type is ExecType.TRADE and report.exec_id is not None:
            told.fills[report.exec_id] = (report.last_qty or 0, report.last_px or 0)
        if report.ord_status.is_terminal and told.status is not OrdStatus.FILLED:
            told.status = report.ord_status
        for leg in report.legs:
            self._report(leg)

    def members(self, key: str, *, exits: bool) -> list[Told]:
        """What was told of a family's orders: of its entry, or of its exits."""
        roots = self.roots.items()
        mine = {i for i, (root, leg) in roots if root == key and exits == (leg is not Leg.ENTRY)}
        return [told for order_id, told in self.told.items() if order_id in mine]

    def _of(self, plan_id: str) -> dict[str, Family]:
        return {key: f for key, f in self.families.items() if f.plan_id == plan_id}

    def open_qty(self, key: str) -> int:
        """Shares that an entry or a group of exits may still execute, for all that is known."""
        family = self.families[key]
        known, missed = self.members(key, exits=family.is_exit), family.missed_ns
        is_pair = family.is_exit and family.spec.contingency is Contingency.OCO
        is_absent = len(missed) >= READS and missed[-1] - missed[0] >= SETTLE_NS
        is_absent |= bool(missed) and is_pair  # enough for a pair: decision 0003
        is_gone = not known and (family.is_refused or family.is_unsent or is_absent)
        if is_gone or any(told.status in DEAD for told in known):
            return 0
        return max(0, family.spec.order_qty - sum(told.qty for told in known))

    def leg_qty(self, key: str) -> int:
        """Shares that legs of a bracket stand for, armed by its whole fill (B-01)."""
        entry, legs = self.members(key, exits=False), self.members(key, exits=True)
        spec, bought_qty = self.families[key].spec, sum(told.qty for told in entry)
        is_over = any(told.status in DEAD for told in [*legs, *entry])
        if spec.contingency is not Contingency.BRACKET or is_over or bought_qty < spec.order_qty:
            return 0
        return max(0, bought_qty - sum(told.qty for told in legs))

    def entered(self, plan_id: str) -> tuple[int, Fraction | None]:
        """Shares known to be entered, and their average in USD if every execution is known."""
        told = [t for key in self._of(plan_id) for t in self.members(key, exits=False)]
        qty, fills = sum(t.qty for t in told), [f for t in told for f in t.fills.values()]
        if not qty or sum(part for part, _ in fills) != qty:
            return qty, None
        return qty, Fraction(sum(part * px for part, px in fills), qty * USD)

    def held_qty(self, plan_id: str) -> int:
        """Shares of a plan, as far as was told."""
        told = (t.qty for key in self._of(plan_id) for t in self.members(key, exits=True))
        return self.entered(plan_id)[0] - sum(told)

    def exits_qty(self, plan_id: str) -> int:
        """Shares that exits of a plan stand for, in flight or working."""
        mine = self._of(plan_id).items()
        return sum(self.open_qty(key) if f.is_exit else self.leg_qty(key) for key, f in mine)

    def outcomes(self, plan_id: str, *, elsewhere: bool) -> set[str]:
        """How a flat trade may call itself, by what closed its shares (design 4.7)."""
        if not self.entered(plan_id)[0]:
            return {"NOT_ENTERED"}
        mine, ends = self._of(plan_id), {"CLOSED_EXTERNAL"} if elsewhere else set()
        for order_id, told in self.told.items():
            root, leg = self.roots[order_id]
            if told.qty and root in mine and leg is not Leg.ENTRY:
                ends.add(f"CLOSED_{leg.value}")
        return ends if len(ends) == 1 else {"CLOSED_MIXED"}

    def judge(self, command: cmd.Command, now: int) -> None:
        """A request at the moment it is sent; ``AssertionError`` says what is wrong with it."""
        match command:
            case cmd.SubmitOrder(plan_id, spec):
                assert self.bodies.setdefault(spec.cl_ord_id, spec) == spec, f"I9: {spec}"
                assert spec.order_qty % SHARE == 0 < spec.order_qty, f"I13: {spec}"
                before = self.families.pop(spec.cl_ord_id, None)
                family = Family(plan_id, spec, now, is_exit=spec.leg is not Leg.ENTRY)
                may_repeat = before is None or before.is_unsent or family.is_exit
                assert may_repeat, f"I10: {spec} sent again in doubt"
                (self._judge_exit if family.is_exit else self._judge_entry)(plan_id, spec)
                if before is None and family.is_exit and spec.leg is not Leg.FLATTEN:
                    stop_px = spec.stop_loss_px or spec.stop_px  # a body sent again never changes
                    self._judge_prices(plan_id, stop_px, spec.take_profit_px)
                self.families[spec.cl_ord_id] = family
            case cmd.ReplaceOrder(plan_id, new_cl_ord_id=key, limit_px=limit_px, stop_px=stop_px):
                assert self.bodies.get(key) is None, f"I9: {command} names a used id"
                if limit_px is not None and plan_id in self.closing:
                    self.closers.add(key)
                else:
                    self._judge_prices(plan_id, stop_px, limit_px)
            case cmd.CancelOrder(plan_id, _, order_id) if plan_id not in self.closing:
                root, leg = self.roots[order_id]
                is_dead = any(told.status in DEAD for told in self.members(root, exits=True))
                is_too_much = self.exits_qty(plan_id) > self.held_qty(plan_id)
                assert leg is Leg.ENTRY or is_dead or is_too_much, f"I20: {command} ends cover"
            case _:
                pass

    def _judge_entry(self, plan_id: str, spec: cmd.OrderSpec) -> None:
        terms = self.terms[plan_id]
        plan, mine = terms.plan, [k for k, f in self._of(plan_id).items() if not f.is_exit]
        committed = self.entered(plan_id)[0] + sum(map(self.open_qty, mine)) + spec.order_qty
        assert committed <= (plan.order_qty or 0), f"I2: {committed} with {spec}"
        assert (spec.side, spec.ord_type) == (plan.side, OrdType.LIMIT), f"I1, A-28: {spec}"
        allowed_px = terms.first_px if plan.tactic == "limit" else terms.worst_px
        assert spec.limit_px == allowed_px, f"I1: {spec}, not {allowed_px}"
        assert True not in (self.is_killed, self.is_halted), f"I6: {spec}"
        if spec.contingency is Contingency.BRACKET:
            expected = terms.exits(Fraction(terms.worst_px, USD))
            assert (spec.stop_loss_px, spec.take_profit_px) == expected, f"I14: {spec} {expected}"

    def _judge_exit(self, plan_id: str, spec: cmd.OrderSpec) -> None:
        room = self.held_qty(plan_id) - self.exits_qty(plan_id)
        assert spec.side is self.terms[plan_id].plan.side.exit_side, f"A-28: {spec}"
        assert spec.order_qty <= room, f"I4: {spec} closes {room} free shares"
        if spec.leg is Leg.FLATTEN:
            was_refused = any(f.is_exit and f.is_refused for f in self._of(plan_id).values())
            assert plan_id in self.closing or was_refused, f"A-32: nothing asks for {spec}"

    def _judge_prices(self, plan_id: str, stop_px: int | None, target_px: int | None) -> None:
        """Exits hang on the fills; while an execution is unknown, its price is no ground (A-04)."""
        vwap = self.entered(plan_id)[1]
        if vwap is not None:
            stop, target = self.terms[plan_id].exits(vwap)
            assert stop_px in (None, stop), f"I14: stop at {stop_px}, not {stop}"
            assert target_px in (None, target), f"I14: target at {target_px}, not {target}"
