"""Past order events as server-sent events (alpaca.md 4, U16).

What: ``GET /v2/events/trades?since=&until=&since_id=&until_id=``: one ``data:`` line per event of
the account, then the end of the answer. A client that reconnects with ``since_id`` misses nothing.
Whether ordinary accounts have it is not known: a switch, off by default (404).
Must never: stay open; this exchange has the websocket for what comes next.
"""

from __future__ import annotations

from surefill.sim.alpaca.context import Call
from surefill.sim.alpaca.encode import dump, trade_update
from surefill.sim.alpaca.errors import not_found
from surefill.sim.alpaca.parse import query_stamp, query_value
from surefill.sim.wire import WireResponse


def trades(call: Call) -> WireResponse:
    """GET /v2/events/trades. Bounds are inclusive, except ``since_id``."""
    if call.desk.switches.event_history == "off":
        not_found("endpoint not found")
    query = call.request.query
    since_ns, until_ns = query_stamp(query, "since"), query_stamp(query, "until")
    since_id, until_id = query_value(query, "since_id"), query_value(query, "until_id")
    lines: list[bytes] = []
    for event in call.desk.reads.events(call.account):
        data = trade_update(event)
        event_id = str(data["event_id"])
        is_wanted = (
            (since_ns is None or event.venue_ns >= since_ns)
            and (until_ns is None or event.venue_ns <= until_ns)
            and (since_id is None or event_id > since_id)
            and (until_id is None or event_id <= until_id)
        )
        if is_wanted:
            lines.append(b"data: " + dump(data) + b"\n\n")
    return WireResponse(200, {"content-type": "text/event-stream"}, b"".join(lines))
