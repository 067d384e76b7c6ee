from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, is_dataclass, replace
from enum import Enum, IntEnum, StrEnum
from threading import Barrier
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.core import units
from surefill.core.commands import Command
from surefill.core.events import Event
from surefill.core.fix import Side
from surefill.core.plan import ExitsByLevel, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import NANO
from surefill.journal import codec
from surefill.journal.codec import Codec, decode, encode, types_of
from surefill.ports import JournalError
from tests.journal.support import HALF_CENT_TICKS


class Colour(Enum):
    RED = "a long sentence"
    BLUE = "another"


class Rank(IntEnum):
    LOW = 0


class Word(StrEnum):
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Empty:
    pass


@dataclass(frozen=True, slots=True)
class One:
    number: int


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    children: tuple[Node, ...] = ()
    either: One | Empty | int | None = None


@dataclass(frozen=True, slots=True)
class Everything:
    number: int
    text: str
    flag: bool
    nothing: None
    colour: Colour
    rank: Rank
    word: Word
    maybe: str | None
    many: tuple[int, ...]
    pair: tuple[str, int]
    table: Mapping[str, One]
    flat: dict[str, int]
    lists: tuple[int, ...] | str | None
    tree: Node = field(default_factory=lambda: Node("root"))


@pytest.fixture
def own() -> Codec:
    own = Codec()
    own.register(Colour, Rank, Word, Empty, One, Node, Everything)
    return own


def everything(**changes: Any) -> Everything:
    values: dict[str, Any] = {
        "number": -5,
        "text": 'quote " newline \n é \ud800 end',
        "flag": True,
        "nothing": None,
        "colour": Colour.RED,
        "rank": Rank.LOW,
        "word": Word.YES,
        "maybe": None,
        "many": (1, 2),
        "pair": ("a", 1),
        "table": {"b": One(2), "a": One(1)},
        "flat": {},
        "lists": (7,),
    }
    return Everything(**{**values, **changes})


def test_the_spelling_is_canonical(own: Codec) -> None:
    assert own.encode(everything()) == (
        rb'{"$":"Everything","number":-5,"text":"quote \" newline \n \u00e9 \ud800 end",'
        rb'"flag":true,"nothing":null,"colour":"RED","rank":"LOW","word":"YES","maybe":null,'
        rb'"many":[1,2],"pair":["a",1],"table":{"a":{"$":"One","number":1},'
        rb'"b":{"$":"One","number":2}},"flat":{},"lists":[7],'
        rb'"tree":{"$":"Node","name":"root","children":[],"either":null}}'
    )
    assert own.encode(Empty()) == b'{"$":"Empty"}'


@pytest.mark.parametrize(
    "value",
    [
        everything(),
        everything(maybe="x", flag=False, many=(), table={}, flat={"z": 1}, lists=None),
        everything(lists="text", tree=Node("a", (Node("b", (Node("c"),)), Node("d")))),
        everything(tree=Node("a", either=One(1))),
        everything(tree=Node("a", either=Empty())),
        everything(tree=Node("a", either=4)),
        everything(number=10**4000),
        Empty(),
    ],
)
def test_what_is_written_is_read_back(own: Codec, value: Everything | Empty) -> None:
    assert own.decode(own.encode(value), type(value)) == value


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 1.0},
        {"number": True},
        {"number": "1"},
        {"number": Rank.LOW},
        {"text": 1},
        {"text": Word.YES},
        {"flag": 1},
        {"nothing": 0},
        {"colour": "RED"},
        {"rank": 0},
        {"word": "yes"},
        {"maybe": 1},
        {"many": [1]},
        {"many": (1.0,)},
        {"pair": ("a",)},
        {"pair": ["a", 1]},
        {"pair": (1, "a")},
        {"table": {"a": 1}},
        {"table": [One(1)]},
        {"flat": {1: 1}},
        {"flat": {"a": 1.5}},
        {"lists": 1},
        {"tree": One(1)},
        {"tree": Node("a", either="x")},  # type: ignore[arg-type]
    ],
)
def test_a_value_that_breaks_its_annotation_is_our_bug(
    own: Codec, changes: dict[str, object]
) -> None:
    with pytest.raises(TypeError, match="Everything: "):
        own.encode(everything(**changes))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"number": 1.0}, "1.0 is not a whole number"),
        ({"number": 1e400}, "Infinity is not a whole number"),
        ({"number": True}, "Everything.number: expected int, found True"),
        ({"text": None}, "Everything.text: expected str, found None"),
        ({"flag": 0}, "Everything.flag: expected bool, found 0"),
        ({"nothing": 0}, "Everything.nothing: expected NoneType, found 0"),
        ({"colour": "GREEN"}, "Everything.colour: 'GREEN' is not a Colour"),
        ({"colour": 1}, "Everything.colour: 1 is not a Colour"),
        ({"many": {}}, "Everything.many: expected an array"),
        ({"many": ["x"]}, "Everything.many: expected int, found 'x'"),
        ({"pair": ["x"]}, "Everything.pair: expected an array of 2"),
        ({"pair": None}, "Everything.pair: expected an array of 2"),
        ({"table": []}, "Everything.table: expected an object"),
        ({"table": {"a": {"$": "Two"}}}, "Everything.table: expected One, found"),
        ({"lists": {}}, "Everything.lists: {} fits none of tuple[int, ...] | str | NoneType"),
        ({"tree": []}, "Everything.tree: expected Node, found []"),
        (
            {"tree": {"$": "Node", "name": "x", "children": [], "either": {"$": "Two"}}},
            "Everything.tree: Node.either: {'$': 'Two'} fits none of One | Empty | int | NoneType",
        ),
        (
            {"tree": {"$": "Node", "name": "x", "children": [], "either": {"$": []}}},
            "fits none of",
        ),
        ({"$": "Another"}, "expected Everything, found"),
    ],
)
def test_bytes_that_do_not_fit_are_named(own: Codec, change: dict[str, object], says: str) -> None:
    raw = json.loads(own.encode(everything())) | change
    with pytest.raises(JournalError) as corrupt:
        own.decode(json.dumps(raw).encode(), Everything)
    assert corrupt.value.code == "JOURNAL_CORRUPT"
    assert says in str(corrupt.value)
    assert "a stored Everything cannot be read" in str(corrupt.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"\xff",
        b'{"$":"One","number":1,"number":2}',
        b'{"$":"One","number":1} ',
        b'{"$":"One","number":%s}' % (b"9" * 5000),
        b'{"$":"One","number":' + b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_value_are_refused(own: Codec, data: bytes) -> None:
    if data.endswith(b" "):  # the one spelling has no white space, but it does no harm either
        assert own.decode(data, One) == One(1)
        return
    with pytest.raises(JournalError) as corrupt:
        own.decode(data, One)
    assert corrupt.value.code == "JOURNAL_CORRUPT"


def test_a_field_renamed_in_place_is_refused(own: Codec) -> None:
    with pytest.raises(JournalError, match="missing or unknown fields: nombre, number"):
        own.decode(b'{"$":"One","nombre":1}', One)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tree": {"$": "Node", "name": "x"}}, "Node has missing or unknown fields: children"),
        ({"surprise": 1}, "Everything has missing or unknown fields: surprise"),
    ],
)
def test_other_fields_mean_another_version(
    own: Codec, change: dict[str, object], says: str
) -> None:
    raw = json.loads(own.encode(everything())) | change
    with pytest.raises(JournalError) as foreign:
        own.decode(json.dumps(raw).encode(), Everything)
    assert foreign.value.code == "JOURNAL_VERSION"
    assert says in str(foreign.value)


# ----------------------------------------------------------------------- fields that came later


@dataclass(frozen=True, slots=True)
class Grown:
    number: int
    word: str = "none"
    more: tuple[int, ...] = ()


def grown(**added: frozenset[str]) -> Codec:
    codec = Codec(added)
    codec.register(Grown)
    return codec


def test_a_later_field_is_written_only_where_it_says_something() -> None:
    codec = grown(Grown=frozenset({"word", "more"}))
    for value, text in (
        (Grown(1), b'{"$":"Grown","number":1}'),
        (Grown(1, "some"), b'{"$":"Grown","number":1,"word":"some"}'),
        (Grown(1, more=(2,)), b'{"$":"Grown","number":1,"more":[2]}'),
    ):
        assert codec.encode(value) == text
        assert codec.decode(text, Grown) == value


def test_a_default_is_filled_in_for_no_other_field() -> None:
    codec = grown(Grown=frozenset({"more"}))
    assert codec.decode(b'{"$":"Grown","number":1,"word":"x"}', Grown) == Grown(1, "x")
    with pytest.raises(JournalError, match="missing or unknown fields: word"):
        codec.decode(b'{"$":"Grown","number":1}', Grown)
    with pytest.raises(JournalError, match="missing or unknown fields: less"):
        codec.decode(b'{"$":"Grown","number":1,"word":"x","less":1}', Grown)


def test_a_later_field_is_checked_like_any_other() -> None:
    codec = grown(Grown=frozenset({"word"}))
    with pytest.raises(TypeError, match="Grown: expected text"):
        codec.encode(Grown(1, None))  # type: ignore[arg-type]
    with pytest.raises(JournalError, match=r"Grown\.word: expected str, found 1"):
        codec.decode(b'{"$":"Grown","number":1,"word":1,"more":[]}', Grown)


def test_a_later_field_without_a_default_is_our_bug() -> None:
    codec = grown(Grown=frozenset({"number"}))
    with pytest.raises(TypeError, match=r"Grown\.number came later and has no default"):
        codec.encode(Grown(1))


def test_what_a_constructor_refuses_is_corrupt() -> None:
    with pytest.raises(JournalError, match="starts with a band from 0"):
        decode(b'{"$":"TickSchedule","bands":[]}', units.TickSchedule)


# ------------------------------------------------------------------------------- registration


def test_only_registered_types_are_written_or_built(own: Codec) -> None:
    @dataclass(frozen=True, slots=True)
    class Stranger:
        number: int

    @dataclass(frozen=True, slots=True)
    class Host:
        guest: object

    for _ in range(2):  # a failed compilation leaves nothing half done
        with pytest.raises(TypeError, match="Stranger is not a registered type"):
            own.encode(Stranger(1))
        with pytest.raises(TypeError, match="Stranger is not a registered type"):
            own.decode(b"{}", Stranger)
        with pytest.raises(TypeError, match="Host is not a registered type"):
            own.encode(Host(1))
    own.register(Host)
    for _ in range(2):
        with pytest.raises(TypeError, match="object is not a registered type"):
            own.encode(Host(1))
        with pytest.raises(TypeError, match="object is not a registered type"):
            own.decode(b"{}", Host)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_two_threads_may_meet_a_type_for_the_first_time() -> None:
    """Two engines of one process: one compiles, the other must not use what is half done."""
    tree = Node("root", (Node("leaf", (Node("deep"),)), Node("other")))
    text = b'{"$":"Node","name":"root","children":[{"$":"Node","name":"leaf"'
    for _ in range(50):
        fresh, start = Codec(), Barrier(4)
        fresh.register(Empty, One, Node)

        def both(_: int, fresh: Codec = fresh, start: Barrier = start) -> tuple[bytes, Node]:
            start.wait()
            data = fresh.encode(tree)
            return data, fresh.decode(data, Node)

        with ThreadPoolExecutor(4) as threads:
            for data, value in threads.map(both, range(4)):
                assert data.startswith(text)
                assert value == tree


def test_a_tag_means_one_type(own: Codec) -> None:
    own.register(One)
    another = type("One", (), {})
    with pytest.raises(TypeError, match="two types are called One"):
        own.register(another)


def test_only_frozen_dataclasses_are_values() -> None:
    @dataclass
    class Mutable:
        number: int

    class Plain:
        pass

    for cls in (Mutable, Plain):
        with pytest.raises(TypeError, match="is not a frozen dataclass"):
            Codec().register(cls)


def test_members_that_look_alike_are_refused(own: Codec) -> None:
    @dataclass(frozen=True)
    class TextOrEnum:
        value: str | Colour

    @dataclass(frozen=True)
    class RowOrList:
        value: tuple[int, ...] | tuple[str, int]

    @dataclass(frozen=True)
    class MappingOrOne:
        value: Mapping[str, int] | One

    values = [TextOrEnum("x"), RowOrList((1,)), MappingOrOne(One(1))]
    own.register(TextOrEnum, RowOrList, MappingOrOne)
    for value in values:
        with pytest.raises(TypeError, match="look alike in JSON"):
            own.encode(value)
        with pytest.raises(TypeError, match="look alike in JSON"):
            own.decode(b"{}", type(value))


def test_a_mapping_may_stand_beside_nothing(own: Codec) -> None:
    @dataclass(frozen=True)
    class Box:
        table: dict[str, int] | None

    own.register(Box)
    for value in (Box(None), Box({"a": 1})):
        assert own.decode(own.encode(value), Box) == value


# ------------------------------------------------------------------------------- the core's types


def test_every_value_of_the_core_that_is_kept_is_known() -> None:
    known = {cls.__name__ for module in codec.CORE_MODULES for cls in types_of(module)}
    assert {"TradePlan", "ExecutionReport", "SubmitOrder", "ReasonCode", "EntryTerms"} <= known
    assert {"Trade", "EngineState", "Denial", "ChildOrder", "TickSchedule"} <= known
    assert "Any" not in known


@given(event=st.from_type(Event))  # type: ignore[arg-type]
def test_every_event_survives(event: Event) -> None:
    _survives(event)


@given(command=st.from_type(Command))  # type: ignore[arg-type]
def test_every_command_survives(command: Command) -> None:
    _survives(command)


def _survives(value: Any) -> None:
    data = encode(value)
    again = decode(data, type(value))
    assert again == value
    assert encode(again) == data


def parts_of(hint: object, known: frozenset[object] = frozenset()) -> Iterator[object]:
    """A type and everything that is in its values; a report holds reports."""
    yield hint
    inner = [*get_args(hint)]
    if isinstance(hint, type) and is_dataclass(hint):
        inner += get_type_hints(hint).values()
    for one in inner:
        if one not in known:
            yield from parts_of(one, known | {hint})


@pytest.mark.parametrize("cls", sorted(codec.REPEATED, key=str))
def test_what_is_spelled_once_can_never_change(cls: type) -> None:
    """Its text is remembered by identity: a mapping in it could change behind our back."""
    assert not {Mapping, dict, list} & {get_origin(one) or one for one in parts_of(cls)}


def test_an_equal_value_is_spelled_alike_whoever_holds_it() -> None:
    first = TradePlan.of("ACME", "buy", 1, plan_id="p", signal_price="10", risk="1", rr="2")
    second = TradePlan.of("ACME", "buy", 1, plan_id="p", signal_price="10", risk="1", rr="2")
    assert encode(first) == encode(first) == encode(second)
    with pytest.raises(TypeError, match="expected an int"):
        encode(replace(first, signal_px=1.5))  # type: ignore[arg-type]


def test_a_reason_is_kept_by_name() -> None:
    reason = Reason.of(ReasonCode.RR_BELOW_MIN, ratio="0.38", minimum="2")
    data = encode(reason)
    assert data == (
        b'{"$":"Reason","code":"RR_BELOW_MIN","context":[["ratio","0.38"],["minimum","2"]]}'
    )
    assert decode(data, Reason) == reason


def test_a_plan_keeps_its_kind_of_exits() -> None:
    trade_plan = TradePlan(
        plan_id="crwd-1",
        symbol="CRWD",
        side=Side.BUY,
        signal_px=534_820_000_000,
        exits=ExitsByLevel(529_470_000_000, 536_870_000_000),
        order_qty=25 * NANO,
        overrides=(("min_rr_ppb", NANO),),
    )
    assert decode(encode(trade_plan), TradePlan) == trade_plan


def test_a_tick_schedule_survives() -> None:
    _survives(HALF_CENT_TICKS)


def test_types_may_be_added_once() -> None:
    @dataclass(frozen=True, slots=True)
    class AddedByATest:
        number: int

    codec.register(AddedByATest)
    codec.register(AddedByATest)
    assert decode(encode(AddedByATest(1)), AddedByATest) == AddedByATest(1)
