"""The event feed: what the journal records, as server-sent events, from any record on.

    id: 4711
    event: OperatorActed
    data: {"seq": 4711, "now_ns": ..., "trades": ["or-1"], "commands": ["CancelOrder"], "facts": {}}

What: `stream`, an endless text for one listener, and `event_text`, one record of it.
Why the journal's own numbers: a listener that comes back says the last one it saw and misses
nothing, across restarts of the engine and of this server; every record is in the file.
Invariants: each listener is read for at its own pace, so a slow one costs no memory; facts are
listed one by one, so that nothing leaves because somebody added a field.
Must never: carry an account number, or a broker's words unescaped.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from surefill.core.events import (
    Event,
    ExecutionReport,
    NoteWritten,
    OperatorActed,
    PlanSubmitted,
    PositionAdopted,
    ReadFailed,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
)
from surefill.core.units import to_text
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.record import Record
from surefill.ports import JournalError
from surefill.service.reader import Reader

BATCH = 200
LOOK_S = 0.1
TROUBLE_S = 1.0
SILENCE_S = 10.0
"""Then a comment is sent, so that both sides find out about a dead connection."""
LISTENERS_MAX = 16


async def stream(reader: Reader, after_seq: int) -> AsyncGenerator[bytes]:
    """Everything after a record, for as long as somebody listens."""
    seq, silent_s = after_seq, 0.0
    yield b"retry: 1000\n\n"
    while True:
        try:
            found = await reader.records(seq, at_most=BATCH)
        except JournalError as error:
            yield f": {error.code}\n\n".encode()
            await asyncio.sleep(TROUBLE_S)
            continue
        if found:
            seq, silent_s = found[-1].seq, 0.0
            yield "".join(event_text(record) for record in found).encode()
            continue
        await asyncio.sleep(LOOK_S)
        silent_s += LOOK_S
        if silent_s >= SILENCE_S:
            silent_s = 0.0
            yield b": still here\n\n"


def event_text(record: Record) -> str:
    """One record as an event."""
    row = {
        "seq": record.seq,
        "now_ns": record.now_ns,
        "trades": [name for name, _ in record.images if not name.startswith("@")],
        "is_engine_changed": any(name == ENGINE_IMAGE for name, _ in record.images),
        "commands": [type(command).__name__ for command in record.commands],
        "facts": facts_of(record.event),
    }
    kind = type(record.event).__name__
    return f"id: {record.seq}\nevent: {kind}\ndata: {json.dumps(row)}\n\n"


def facts_of(event: Event) -> dict[str, str | bool]:
    """What an event says, as far as it is anybody's business."""
    match event:
        case PlanSubmitted(plan=plan) | PositionAdopted(plan=plan):
            return {"plan_id": plan.plan_id, "symbol": plan.symbol, "strategy": plan.strategy}
        case ReportReceived(report):
            return _report_facts(report)
        case RequestAnswered(trade_id, verb, cl_ord_id, answer):
            row: dict[str, str | bool] = {"plan_id": trade_id, "verb": verb.value}
            return row | {"cl_ord_id": cl_ord_id, "answer": type(answer).__name__}
        case OperatorActed(act, target, by, why):
            return {"act": act.value, "target": target, "by": by, "why": why}
        case StreamChanged(is_up):
            return {"is_up": is_up}
        case ReadFailed(what):
            return {"what": what}
        case NoteWritten(topic, by):
            return {"topic": topic, "by": by}
        case _:
            return {}


def _report_facts(report: ExecutionReport) -> dict[str, str | bool]:
    row: dict[str, str | bool] = {
        "symbol": report.symbol,
        "cl_ord_id": report.cl_ord_id,
        "exec_type": report.exec_type.value,
        "ord_status": report.ord_status.value,
        "cum_qty": to_text(report.cum_qty),
    }
    if report.last_qty is not None and report.last_px is not None:
        row |= {"last_qty": to_text(report.last_qty), "last_px": to_text(report.last_px)}
    return row
