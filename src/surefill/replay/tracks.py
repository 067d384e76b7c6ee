"""The market around each plan, thin enough to draw: what a picture of one trade shows.

What: `Track` (bid and ask from just before a plan until just after its end), `track_of`,
`tracks_of` and their lines on disk.
Invariants: at most `POINTS_MAX` quotes a track; the ends are kept and every kept quote was on the
tape. A thinned track says so.
Must never: be measured: it is for eyes.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from surefill.replay.run_files import RunError
from surefill.tca.market import Market
from surefill.tca.parent import Parent

POINTS_MAX = 160
MARGIN_NS = 5 * 1_000_000_000
FILE = "tracks.jsonl"


@dataclass(frozen=True, slots=True)
class Track:
    """Quotes in time order, 1e-9 USD, 0 = nobody. ``left_out``: quotes that are not shown."""

    plan_id: str
    arrival_ns: int
    at_ns: tuple[int, ...]
    bid_px: tuple[int, ...]
    ask_px: tuple[int, ...]
    left_out: int

    @property
    def key(self) -> str:
        """Plan and instant: ids of plans come again every day."""
        return key_of(self.plan_id, self.arrival_ns)


def key_of(plan_id: str, arrival_ns: int) -> str:
    """What joins a plan and its track."""
    return f"{plan_id} {arrival_ns // 1_000_000}"


def track_of(parents: Sequence[Parent], market: Market) -> Track:
    """The market around one plan on all its paths (at least one)."""
    first = parents[0]
    ends = [one.budget_ns for one in parents]
    ends += [fill.at_ns for one in parents for fill in one.fills]
    ends += [fill.at_ns for one in parents for fill in one.closings]
    start_ns, end_ns = first.arrival_ns - MARGIN_NS, max(ends) + MARGIN_NS
    first_n = max(0, bisect_right(market.quote_ns, start_ns) - 1)
    inside = range(first_n, bisect_right(market.quote_ns, end_ns))
    kept: Iterable[int] = inside
    if len(inside) > POINTS_MAX:
        last = len(inside) - 1
        kept = sorted({inside[n * last // (POINTS_MAX - 1)] for n in range(POINTS_MAX)})
    shown = tuple(kept)
    return Track(
        first.plan_id,
        first.arrival_ns,
        tuple(max(start_ns, market.quote_ns[n]) for n in shown),
        tuple(market.bid_px[n] for n in shown),
        tuple(market.ask_px[n] for n in shown),
        len(inside) - len(shown),
    )


def tracks_of(parents: Iterable[Parent], markets: Mapping[str, Market]) -> tuple[Track, ...]:
    """A track of every plan; ``markets``: symbol -> market of that day."""
    members: dict[str, list[Parent]] = defaultdict(list)
    for parent in parents:
        members[key_of(parent.plan_id, parent.arrival_ns)].append(parent)
    return tuple(track_of(found, markets[found[0].symbol]) for found in members.values())


def write_tracks(folder: Path, tracks: Iterable[Track]) -> Path:
    """Write the lines into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    beside = path.with_name(f"{FILE}.new")
    lines = (json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in tracks)
    beside.write_text("".join(lines), encoding="utf-8")
    return beside.replace(path)


def read_tracks(folder: Path) -> tuple[Track, ...]:
    """The tracks of a run; () where none were kept. Raises `RunError`."""
    path = folder / FILE
    if not path.exists():
        return ()
    found = []
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            columns = {name: tuple(row[name]) for name in ("at_ns", "bid_px", "ask_px")}
            found.append(Track(**row | columns))
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(f"{path}, line {n} is no track: {error}") from None
    return tuple(found)
