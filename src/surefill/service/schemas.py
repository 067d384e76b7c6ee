"""What the HTTP API takes and gives: one strict schema for each, read by msgspec.

What: bodies and queries (unknown fields are refused), rows of the answers, `plan_of`.
Why text for numbers: a JSON number is a double to most programs, and money is not. Whole numbers
may come as numbers; everything that leaves is text. Times are UTC ns.
Invariants: nothing is filled in that the plan itself does not fill in (`TradePlan.of`).
Must never: be decoded leniently.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from surefill.core.events import Position
from surefill.core.plan import TradePlan
from surefill.core.units import to_text
from surefill.service.problems import ApiProblem

Number = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-(10**12), le=10**12)]
"""A decimal number as text, or a whole one; never a double."""
Ns = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Bounded = Annotated[int, Meta(ge=-(2**62), le=2**62)]
Symbol = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9.]{0,9}$(?!\n)")]
"""``$`` alone would let a line feed pass at the end."""
Distance = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=0, le=10**12)]
"""USD a share, or a multiple of the initial risk such as ``1.5R``."""
ScaleOuts = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=4)]
"""``SHARE%:TARGET``, nearest first; the target in the terms of the plan's own."""
Why = Annotated[str, Meta(max_length=200)]
WaitS = Annotated[int, Meta(ge=1, le=30)]
WAIT_S = 10
S = TypeVar("S")


class PlanBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trade plan; the ``Idempotency-Key`` is its id. Exits: ``stop`` and ``target``, or ``risk``
    (USD per share) and ``rr``. ``wait_s``: how long the answer may wait for the entry. ``trigger``:
    a breakout, which waits at most ``trigger_for_s``; it is the signal price where none is given.
    """

    symbol: Symbol
    side: Literal["buy", "sell"]
    signal_price: Number | msgspec.UnsetType = msgspec.UNSET
    trigger: Number | None = None
    trigger_for_s: Number | None = None
    quantity: Number | None = None
    risk_usd: Number | None = None
    stop: Number | None = None
    target: Number | None = None
    risk: Number | None = None
    rr: Number | None = None
    tactic: Annotated[str, Meta(max_length=32)] = "limit"
    signal_ns: Ns | None = None
    exit_at_ns: Ns | None = None
    flat_by_close: bool = False
    extended_hours: bool = False
    overrides: Annotated[dict[str, Bounded], Meta(max_length=10)] = {}
    strategy: Annotated[str, Meta(max_length=32)] = ""
    break_even: Distance | None = None
    trail: Distance | None = None
    trail_from: Distance | None = None
    exit_after_s: Number | None = None
    scale_out: ScaleOuts = []
    plan_id: str | None = None
    wait_s: WaitS = WAIT_S


class WhyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why, for the journal."""

    why: Why = ""


class UnkillBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Taking the kill switch back is a person's decision: ``confirm`` is the typed word UNKILL."""

    confirm: str
    why: Why


class FlattenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Close one trade, or what is ours in a symbol; without either everything, for which
    ``confirm`` is the typed word FLATTEN."""

    symbol: Symbol | None = None
    confirm: str = ""
    why: Why = ""
    wait_s: WaitS = WAIT_S


class FlattenTradeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Close this trade."""

    why: Why = ""
    wait_s: WaitS = WAIT_S


class ReduceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Close so many shares of this trade; the ``Idempotency-Key`` makes it one request."""

    quantity: Number
    why: Why = ""
    wait_s: WaitS = WAIT_S


class TightenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put this trade's stop there; it only tightens, so the same again changes nothing."""

    stop: Number
    why: Why = ""
    wait_s: WaitS = WAIT_S


class AdoptBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cover shares of this symbol that are there but not ours; the ``Idempotency-Key`` is the id of
    the trade that they become."""

    symbol: Symbol
    quantity: Number
    stop: Number
    target: Number
    break_even: Distance | None = None
    trail: Distance | None = None
    trail_from: Distance | None = None
    exit_after_s: Number | None = None
    scale_out: ScaleOuts = []
    strategy: Annotated[str, Meta(max_length=32)] = ""
    wait_s: WaitS = WAIT_S


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing behind the question mark."""


class TradesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trades, newest change first."""

    state: Literal["open", "closed", "denied", "all"] = "open"
    symbol: Symbol | None = None
    strategy: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class RowsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which trades."""

    state: Literal["open", "all"] = "open"
    symbol: Symbol | None = None
    plan_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 500


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """From which record on; ``Last-Event-ID`` says the same and wins. Without either: from now."""

    after: Annotated[int, Meta(ge=0)] | None = None


class OrderRow(Struct, frozen=True, kw_only=True):
    """One order. ``order_id`` is the broker's, once known."""

    plan_id: str
    symbol: str
    leg: str
    cl_ord_id: str
    order_id: str | None
    state: str
    side: str
    ord_type: str
    tif: str
    order_qty: str
    cum_qty: str
    leaves_qty: str
    limit_px: str | None
    stop_px: str | None


class FillRow(Struct, frozen=True, kw_only=True):
    """One execution. ``busted_qty``: what it was, before it was taken back."""

    plan_id: str
    symbol: str
    leg: str
    side: str
    cl_ord_id: str
    exec_id: str
    last_qty: str
    last_px: str
    venue_ns: int
    busted_qty: str


class PositionRow(Struct, frozen=True, kw_only=True):
    """Shares of one trade (signed), or that are not ours (``plan_id`` is null: not touched)."""

    symbol: str
    plan_id: str | None
    position_qty: str
    covered_qty: str | None
    uncovered_qty: str | None
    stop_px: str | None
    target_px: str | None


class SettingRow(Struct, frozen=True, kw_only=True):
    """One setting of this server's environment; credentials are not among them."""

    name: str
    value: str
    default: str
    unit: str
    meaning: str


class LimitRow(Struct, frozen=True, kw_only=True):
    """One limit of an entry; ``symbol`` is null for all."""

    name: str
    symbol: str | None
    value: str
    unit: str
    meaning: str


class RefusalRow(Struct, frozen=True, kw_only=True):
    """How many plans a reason kept out: ``denied`` by us, ``not_entered`` afterwards."""

    code: str
    denied: int
    not_entered: int


class Health(Struct, frozen=True, kw_only=True):
    """How it stands, worst first for the eye: bare shares, doubts, switches."""

    uncovered_qty: str
    in_doubt: int
    open_trades: int
    risk_state: str
    switches: list[str]
    engine: str | None
    """Who has the account, as a sentence; null: no engine runs."""
    heartbeat: int | None
    mode: str | None
    is_stream_up: bool
    requests_left: int | None
    account: str | None
    """Masked."""
    seq: int
    build: str
    """Version and digest of the code that decides, of this server."""


class Recorded(Struct, frozen=True, kw_only=True):
    """An act is in the journal."""

    act: str
    by: str


class FlatAnswer(Struct, frozen=True, kw_only=True):
    """FLAT, or NOT_FLAT with what still covers the rest."""

    state: str
    uncovered_qty: str
    trades: list[PositionRow]
    foreign: dict[str, str]


class PlanAnswer(Struct, frozen=True, kw_only=True):
    """What would become of a plan now; nothing was sent."""

    is_accepted: bool
    reasons: list[dict[str, str]]
    order_qty: str | None
    worst_px: str | None
    first_limit_px: str | None
    stop_px: str | None
    target_px: str | None


def read(data: bytes, schema: type[S]) -> S:
    """A body. Raises `ApiProblem`."""
    try:
        return msgspec.json.decode(data or b"{}", type=schema, strict=True)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiProblem(422, "BODY_INVALID", str(error)) from None


def read_query(pairs: list[tuple[str, str]], schema: type[S]) -> S:
    """What stands behind the question mark. Raises `ApiProblem`."""
    if len(dict(pairs)) != len(pairs):
        raise ApiProblem(422, "QUERY_INVALID", "a name came twice")
    try:
        return msgspec.convert(dict(pairs), type=schema, strict=False)
    except msgspec.ValidationError as error:
        raise ApiProblem(422, "QUERY_INVALID", str(error)) from None


def plan_of(body: PlanBody, key: str) -> TradePlan:
    """The plan with this id. Raises `PlanError`, `ApiProblem`."""
    if body.plan_id not in (None, key):
        raise ApiProblem(422, "KEY_IS_PLAN_ID", "plan_id and Idempotency-Key are the same thing")
    terms = msgspec.structs.asdict(body)
    for name in ("wait_s", "plan_id", "symbol", "side", "quantity", "overrides"):
        del terms[name]
    if terms["signal_price"] is msgspec.UNSET:
        del terms["signal_price"]
    return TradePlan.of(
        body.symbol,
        body.side,
        body.quantity,
        plan_id=key,
        overrides=tuple(sorted(body.overrides.items())),
        **terms,
    )


def adoption_of(
    body: AdoptBody, key: str, *, held: Position | None, known: TradePlan | None
) -> TradePlan:
    """The plan that stands for these shares: side and cost as the broker shows them, or as they
    were when the same was asked before (``known``). Raises `PlanError`."""
    cost_px = held.avg_px if held is not None else None
    is_long = held is None or held.qty > 0
    if known is not None:
        cost_px, is_long = known.signal_px, known.sign > 0
    return TradePlan.of(
        body.symbol,
        "buy" if is_long else "sell",
        body.quantity,
        plan_id=key,
        signal_price=body.stop if cost_px is None else to_text(cost_px),
        stop=body.stop,
        target=body.target,
        strategy=body.strategy,
        break_even=body.break_even,
        trail=body.trail,
        trail_from=body.trail_from,
        exit_after_s=body.exit_after_s,
        scale_out=body.scale_out,
    )
