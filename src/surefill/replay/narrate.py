"""A trade told in dated sentences, from its journal alone.

    story = narrate(journal, "CRWD-1")
    for line in story.lines: print(at_text(line.at_ns), line.sentence)

What: `narrate` finds the trade's image and records and puts `replay.sentences` in order; `Story`;
`at_text` and `near_ids` for people.
Invariants: nothing but the journal is read (I19); times are those of our clock at each record,
shown in New York.
Must never: judge, write, or read a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from surefill.core.events import PlanSubmitted, PositionAdopted
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.journal.images import (
    ENGINE_IMAGE,
    closing_name,
    decode_closing,
    decode_trade,
    plan_ids,
)
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.replay.retell import moments
from surefill.replay.sentences import Line, LineKind, of_moment, plan_sentences
from surefill.runtime.result import TradeResult, result_of

SECOND_NS = 1_000_000_000
NEAR_MAX = 3
LAST_MAX = 5
NEW_YORK = "America/New_York"


@dataclass(frozen=True, slots=True)
class Story:
    """One trade, told. ``result`` is how it stands now."""

    trade_id: str
    lines: tuple[Line, ...]
    result: TradeResult

    def to_dict(self) -> dict[str, object]:
        """JSON-ready; times as UTC ns and as New York text."""
        return {
            "trade_id": self.trade_id,
            "lines": [
                {
                    "at": at_text(line.at_ns),
                    "at_ns": line.at_ns,
                    "seq": line.seq,
                    "kind": line.kind.value,
                    "sentence": line.sentence,
                }
                for line in self.lines
            ],
            "result": self.result.to_dict(),
        }


def narrate(journal: Journal, trade_id: str) -> Story | None:
    """The story of a trade or of a denied plan; ``None`` when the journal knows no such id. The id
    of a closing request tells the trade that it was for.

    Raises `JournalError` where the journal is damaged.
    """
    if not PLAN_ID_PATTERN.fullmatch(trade_id):
        return None
    closing = journal.image(closing_name(trade_id))
    image = journal.image(trade_id)
    if image is None and closing is not None:
        trade_id = decode_closing(closing).trade_id
        image = journal.image(trade_id)
    if image is None:
        return None
    final = decode_trade(image)
    records = _records_of(journal, trade_id)
    if isinstance(final, Trade):
        told = [line for moment in moments(records, final) for line in of_moment(moment, final)]
    else:
        told = [line for record in records for line in _denied(record, final)]
    return Story(trade_id, _without_echoes(told), result_of(final))


def _without_echoes(told: list[Line]) -> tuple[Line, ...]:
    """A question asked again with the same answer is told once."""
    texts = ["", *(line.sentence for line in told)]
    return tuple(line for line, before in zip(told, texts, strict=False) if line.sentence != before)


def _records_of(journal: Journal, trade_id: str) -> Iterator[Record]:
    """Records that mention the trade; the others are not even decoded."""
    mention = f'"{trade_id}"'.encode()
    for entry in journal.records():
        if mention in entry.record:
            yield Record.from_bytes(entry.record)


def _denied(record: Record, denial: Denial) -> Iterator[Line]:
    """A plan that never became a trade: what it met, and every reason against it."""
    event = record.event
    if (
        not isinstance(event, PlanSubmitted | PositionAdopted)
        or event.plan.plan_id != denial.plan.plan_id
    ):
        return
    if record.now_ns != denial.at_ns:
        return  # the same id came again later, and changed nothing
    sentences = [
        *plan_sentences(event.plan, record),
        *(f"DENIED, nothing was sent. {reason}." for reason in denial.reasons),
    ]
    for n, sentence in enumerate(sentences):
        kind = LineKind.PLAN if n < len(sentences) - len(denial.reasons) else LineKind.OUTCOME
        yield Line(record.now_ns, record.seq, kind, sentence)


def at_text(at_ns: int) -> str:
    """An instant (UTC ns) as New York writes it: ``2026-11-20 09:40:00.015``."""
    at = datetime.fromtimestamp(at_ns // SECOND_NS, tz=UTC).astimezone(ZoneInfo(NEW_YORK))
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ns // 1_000_000 % 1000:03d}"


def near_ids(journal: Journal, trade_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(ids that look like ``trade_id``, the ids of the trades that changed last, newest first)."""
    open_ids = [name for name in journal.open_images() if name != ENGINE_IMAGE]
    known = [*plan_ids(journal.closed_ids()), *open_ids]
    near = [name for name in known if trade_id and trade_id.lower() in name.lower()]
    near += get_close_matches(trade_id, known, n=NEAR_MAX, cutoff=0.6)
    unique = tuple(dict.fromkeys(near))[:NEAR_MAX]
    return unique, tuple(reversed(known[-LAST_MAX:]))
