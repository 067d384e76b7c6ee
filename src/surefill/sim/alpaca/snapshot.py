"""The whole exchange as a snapshot: venue, protocol face, keys, clock, place in the market.

What: `records` writes down what `surefill.sim.alpaca.app.build` made and what has become of it;
`restore` builds it again. Websocket connections are not part of it: their clients open new ones.
Why: a scenario that took an hour to reach is started from its file in a second, again and again.
Invariants: the configuration comes from the file, except what belongs to the machine (address,
speed, the path of a tape); a seeded or recorded market goes on at the event at which it stood, and
must show there what it showed before. Secrets of keys are kept as digests only.
Must never: run or open anything that the file names.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from surefill.core.values import replace
from surefill.sim.alpaca.app import ConfigError, ExchangeConfig, Venue, open_venue
from surefill.sim.alpaca.board import Board, Change, SymbolState
from surefill.sim.alpaca.context import Configuration
from surefill.sim.alpaca.history import Rows
from surefill.sim.alpaca.keys import Owner
from surefill.sim.alpaca.reads import Reads
from surefill.sim.alpaca.switches import FaceSwitches
from surefill.sim.alpaca.watchlists import Watchlist
from surefill.sim.market import TapeError
from surefill.sim.pacing import PaceError
from surefill.sim.records import RecordError, Shape, from_json, read_fields, shape_of, to_json
from surefill.sim.snapshot import Rebuilding, records_of
from surefill.sim.snapshot_file import (
    Record,
    SnapshotCode,
    SnapshotError,
    bad_value,
)
from surefill.sim.switches import SwitchError, Switches
from surefill.sim.types import PositionView, VenueEvent

CONFIG: Shape = {
    "seed": int | None,
    "tape_date": int | None,
    "start_ns": int | None,
    "switches": Switches,
    "face": FaceSwitches,
    "fee_per_share_usd": int,
    "borrow_bps": int,
    "latency": str,
    "latency_samples": dict[str, tuple[int, ...]],
    "id_seed": int,
}
"""What the file decides; the rest of `ExchangeConfig` belongs to the machine."""
HEAD: Shape = {
    "title": str,
    "recorded": bool,
    "config": dict[str, object],
    "first_ns": int,
    "clock_ns": int,
    "pinned": bool,
    "speed_ppb": int,
}
STATE: Shape = shape_of(SymbolState, without=frozenset({"history"}))
ONCE = frozenset(
    {
        *("venue", "unsettled", "client_ids", "auctions", "steps", "edge", "market", "faults"),
        *("keys", "configurations", "watchlists", "served"),
    }
)
"""Kinds of record that every snapshot has."""
ROWS_PER_RECORD = 1_000
NUMBER_MAX = (1 << 63) - 1
"""Market history keeps 64-bit numbers."""

_OWNER = dict[str, Owner]
_SECRETS = dict[str, bytes]
_NAMED = dict[str, tuple[bytes, Owner]]


# --- writing ------------------------------------------------------------------------------


def records(venue: Venue) -> Iterator[Record]:
    """Everything that `restore` needs, at the edge's present time."""
    config = venue.config
    yield (
        "exchange",
        {
            "title": venue.title,
            "recorded": config.tape is not None,
            "config": {name: to_json(hint, getattr(config, name)) for name, hint in CONFIG.items()},
            "first_ns": venue.first_ns,
            "clock_ns": max(venue.clock.now_ns(), venue.edge.now_ns),
            "pinned": venue.clock.is_pinned,
            "speed_ppb": venue.clock.speed_ppb,
        },
    )
    yield from records_of(venue.exchange, venue.edge)
    yield "keys", _keys_json(venue)
    desk = venue.face.desk
    yield "configurations", to_json(dict[str, Configuration], desk.configurations)
    made, lists = desk.watchlists.state()
    yield "watchlists", {"made": made, "lists": to_json(dict[str, list[Watchlist]], lists)}
    used = [[*bucket, *count] for bucket, count in venue.face.limit.used.items()]
    yield "served", {"count": venue.face.served, "used": used}
    yield from _read_records(desk.reads)
    yield from _board_records(desk.board)


def _keys_json(venue: Venue) -> object:
    keys = venue.keys
    return {
        "closed": keys.is_closed,
        "named": to_json(_NAMED, keys.named),
        "opened": to_json(_OWNER, {owner.key: owner for owner in keys.opened()}),
        "secrets": to_json(_SECRETS, keys.secrets),
    }


def _read_records(reads: Reads) -> Iterator[Record]:
    for event in reads.everything():
        yield "event", to_json(VenueEvent, event)
    for account, rows in reads.positions_then.items():
        for at_ns, views in rows:
            body = {"account": account, "at_ns": at_ns}
            yield "positions", {**body, "views": to_json(list[PositionView], views)}


def _board_records(board: Board) -> Iterator[Record]:
    for symbol in board.symbols():
        state = board.get(symbol)
        assert state is not None
        values = {name: to_json(hint, getattr(state, name)) for name, hint in STATE.items()}
        yield "symbol", {"symbol": symbol, **values, "updates": _updates(state)}
        for kind, rows in (("quotes", state.history.quotes), ("prints", state.history.prints)):
            for first in range(rows.first, rows.last + 1, ROWS_PER_RECORD):
                last = min(rows.last, first + ROWS_PER_RECORD - 1)
                block = [list(rows.get(number)) for number in range(first, last + 1)]
                yield kind, {"symbol": symbol, "first": first, "rows": block}
    for (symbol, number), change in board.changes.items():
        yield "change", {"symbol": symbol, "number": number, "change": to_json(Change, change)}


def _updates(state: SymbolState) -> object:
    return to_json(dict[int, str], state.history.updates)


# --- reading ------------------------------------------------------------------------------


def restore(
    records: Iterable[Record], *, machine: ExchangeConfig, reading_ns: Callable[[], int]
) -> Venue:
    """The exchange of a snapshot. ``machine`` says what is this machine's: tape, speed, pinned.

    `SnapshotError` when it cannot be built; nothing was executed then, and nothing was changed.
    """
    rows = iter(records)
    kind, head = next(rows, ("", None))
    try:
        if kind != "exchange":
            raise RecordError("it does not start with the exchange")
        venue = _empty(read_fields(HEAD, head), machine, reading_ns)
        reader = _FaceReader(venue)
        venue_reader = Rebuilding(venue.exchange, venue.edge)
        missing = set(ONCE)
        for kind, body in rows:
            missing.discard(kind)
            what = f"{kind[:40]}: "
            (venue_reader if venue_reader.reads(kind) else reader).read(kind, body)
        what = ""
        if missing:
            raise RecordError(f"no record of {min(missing)}")
        venue_reader.finish()
    except RecordError as error:
        where = locals().get("what", "")
        raise bad_value(f"{where}{error}") from None
    except KeyError as error:
        raise bad_value(
            f"{kind[:40]}: it names {str(error)[:60]}, which it does not hold"
        ) from None
    except (OverflowError, AssertionError) as error:
        raise bad_value(f"{kind[:40]}: {error}") from None
    return venue


def _empty(head: dict[str, Any], machine: ExchangeConfig, reading_ns: Callable[[], int]) -> Venue:
    """A venue of the configuration, with its market at its beginning."""
    values = read_fields(CONFIG, head["config"])
    if head["recorded"] and machine.tape is None:
        raise SnapshotError(
            SnapshotCode.SNAPSHOT_MARKET, f"it was played on a tape ({head['title']}): add --tape"
        )
    if not head["recorded"] and machine.tape is not None:
        raise SnapshotError(SnapshotCode.SNAPSHOT_MARKET, "it was not played on a tape")
    try:
        config = replace(machine, **values, keys_path=None, faults_path=None)
    except (ConfigError, SwitchError) as error:
        raise RecordError(str(error)) from None
    config = replace(config, pinned=head["pinned"], speed_ppb=head["speed_ppb"])
    try:
        return open_venue(
            config, first_ns=head["first_ns"], clock_ns=head["clock_ns"], reading_ns=reading_ns
        )
    except PaceError as error:
        raise RecordError(f"speed_ppb: {error}") from None
    except (ConfigError, TapeError) as error:
        raise SnapshotError(SnapshotCode.SNAPSHOT_MARKET, str(error)) from None


class _FaceReader:
    """Fills the protocol face, record by record."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._desk = venue.face.desk
        self._readers: Mapping[str, Callable[[object], None]] = {
            "keys": self._keys,
            "configurations": self._configurations,
            "watchlists": self._watchlists,
            "served": self._served,
            "event": lambda data: self._desk.reads.remember(from_json(VenueEvent, data)),
            "positions": self._positions,
            "symbol": self._symbol,
            "quotes": lambda data: self._rows("quotes", data),
            "prints": lambda data: self._rows("prints", data),
            "change": self._change,
        }

    def read(self, kind: str, data: object) -> None:
        """Take in one record."""
        if kind not in self._readers:
            raise RecordError("unknown kind of record")
        self._readers[kind](data)

    def _keys(self, data: object) -> None:
        shape = {"closed": bool, "named": _NAMED, "opened": _OWNER, "secrets": _SECRETS}
        self._venue.keys.restore(**read_fields(shape, data))

    def _configurations(self, data: object) -> None:
        self._desk.configurations = from_json(dict[str, Configuration], data)

    def _watchlists(self, data: object) -> None:
        values = read_fields({"made": int, "lists": dict[str, list[Watchlist]]}, data)
        self._desk.watchlists.restore(values["made"], values["lists"])

    def _served(self, data: object) -> None:
        values = read_fields({"count": int, "used": list[tuple[str, str, int, int]]}, data)
        self._venue.face.served = values["count"]
        self._venue.face.limit.used = {
            (account, kind): (window, count) for account, kind, window, count in values["used"]
        }

    def _positions(self, data: object) -> None:
        shape = {"account": str, "at_ns": int, "views": list[PositionView]}
        values = read_fields(shape, data)
        rows = self._desk.reads.positions_then[values["account"]]
        rows.append((values["at_ns"], values["views"]))

    def _symbol(self, data: object) -> None:
        shape = {"symbol": str, **STATE, "updates": dict[int, str]}
        values = read_fields(shape, data)
        symbol, updates = values.pop("symbol"), values.pop("updates")
        state = SymbolState(**values)
        state.history.updates = updates
        self._desk.board.put(symbol, state)

    def _rows(self, kind: str, data: object) -> None:
        values = read_fields({"symbol": str, "first": int, "rows": list[list[int]]}, data)
        state = self._desk.board.get(values["symbol"])
        if state is None:
            raise RecordError(f"no symbol {values['symbol'][:20]} before its history")
        target: Rows = getattr(state.history, kind)
        if target.last + 1 != values["first"]:
            target.start_at(values["first"])
        width = target.width
        for row in values["rows"]:
            if len(row) != width or not all(abs(number) <= NUMBER_MAX for number in row):
                raise RecordError(f"a row has {width} numbers of 64 bits")
            target.extend(array("q", row))

    def _change(self, data: object) -> None:
        values = read_fields({"symbol": str, "number": int, "change": Change}, data)
        key = (values["symbol"], values["number"])
        self._desk.board.changes[key] = values["change"]
