"""The way of a request to the venue and of its answer back, and the faults on it (N).

What: `RequestPath` sends a request up, has the venue's face answer it and sends the answer down.
Invariants: a request that was answered took effect before its answer left; what a fault swallowed
never answers.
Must never: know a protocol; what is said in a broker's words comes from `VenueFace`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from surefill.core.values import replace
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, FaultPlan
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.wire import Delivery, DeliveryKind, VenueFace, WireRequest, WireResponse

NOBODY = 0
"""The ticket of a request whose client is gone; servers count theirs from 1."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What will reach the venue whoever is connected by then: a request (without ``opportunity``:
    one whose answer is lost already), or a fault to be armed."""

    request: WireRequest | None = None
    opportunity: str | None = None
    fault: Fault | None = None


class Way(Protocol):
    """What the requests need of the edge: its time, its agenda, its way out."""

    face: VenueFace
    faults: FaultPlan
    latency: LatencyModel

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""

    def at(self, at_ns: int, act: Callable[[], None]) -> None:
        """Let ``act`` happen at ``at_ns``."""

    def put_under_way(self, at_ns: int, what: UnderWay, ticket: int = NOBODY) -> None:
        """Let it reach the venue at ``at_ns``."""

    def emit(self, delivery: Delivery) -> None:
        """Hand something to the client now."""


class RequestPath:
    """All requests of one edge."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def send(self, ticket: int, request: WireRequest) -> None:
        """A request leaves the client now."""
        opportunity = f"{request.method} {request.path}"
        outage = self._draw(FaultCode.N10, opportunity)
        if outage is not None:
            if outage.mode == "reset":
                self._reset(ticket, None)
            return
        if self._draw(FaultCode.N1, opportunity) is not None:
            return
        at_ns = self._way.now_ns + self._way.latency.draw(Delay.UP)
        lost = self._draw(FaultCode.N2, opportunity)
        if lost is not None:
            at_ns += lost.number("accept_delay_ms", 0) * NS_PER_MS
            self._way.put_under_way(at_ns, UnderWay(request))
            return
        self._way.put_under_way(at_ns, UnderWay(request, opportunity), ticket)

    def _draw(self, code: FaultCode, opportunity: str) -> Fault | None:
        faults = self._way.faults
        return faults.draw(code, opportunity, self._way.now_ns) if faults.arms else None

    def arrive(self, ticket: int, request: WireRequest, opportunity: str | None) -> None:
        """It reaches the venue; without ``opportunity`` nobody hears of it (N2)."""
        if opportunity is None:
            self._effect(request)
        else:
            self._answered(ticket, request, opportunity)

    def _effect(self, request: WireRequest) -> None:
        """The venue does what was asked; nobody will hear of it."""
        self._way.face.handle(request)

    def _answered(self, ticket: int, request: WireRequest, opportunity: str) -> None:
        """A request reaches the venue: faults that replace the answer, or the answer itself."""
        limited = self._draw(FaultCode.N4, opportunity)
        if limited is not None:
            self._answer(
                ticket, self._way.face.fault_answer(429, _limit_headers(limited, self._way.now_ns))
            )
            return
        refused = self._draw(FaultCode.N12, opportunity)
        if refused is not None:
            self._answer(ticket, self._way.face.refused(refused.mode, request))
            return
        failed = self._draw(FaultCode.N3, opportunity)
        if failed is not None:
            if failed.flag("effect", default=False):
                self._effect(request)
            answer = self._way.face.fault_answer(failed.number("status", 504), {})
            self._answer(ticket, answer, failed.number("delay_ms", 0))
            return
        broken = self._draw(FaultCode.N5, opportunity)
        if broken is not None and not broken.flag("effect", default=True):
            self._break(ticket, broken, self._way.face.fault_answer(502, {}))
            return
        response = self._handled(request, opportunity)
        if broken is not None:
            self._break(ticket, broken, response)
            return
        slow = self._draw(FaultCode.N6, opportunity)
        if slow is not None and slow.flag("never", default=False):
            return
        delay_ms = slow.number("delay_ms", 5_000) if slow is not None else 0
        if request.method == "POST":
            late = self._draw(FaultCode.W10, opportunity)
            delay_ms += late.number("delay_ms", 500) if late is not None else 0
        self._answer(ticket, response, delay_ms)

    def _handled(self, request: WireRequest, opportunity: str) -> WireResponse:
        """The venue's answer, perhaps to the second of two (N11), perhaps gone wrong (N7, N9)."""
        response = self._way.face.handle(self._as_of(request, opportunity))
        is_post = request.method == "POST"
        twice = self._draw(FaultCode.N11, opportunity) if is_post else None
        if twice is not None:
            again = self._way.face.handle(request)
            response = again if twice.mode == "second" else response
        if response.status != 200:
            return response
        for code in (FaultCode.N7, FaultCode.N9, FaultCode.V26):
            fault = self._draw(code, opportunity)
            if fault is not None:
                response = self._way.face.spoiled(
                    response, fault.mode, rows=fault.number("rows", 1)
                )
        return response

    def _as_of(self, request: WireRequest, opportunity: str) -> WireRequest:
        """Fault N8: a read that shows the past. A list may lag more than a single read."""
        if request.method != "GET":
            return request
        stale = self._draw(FaultCode.N8, opportunity)
        if stale is None:
            return request
        lag_ms = stale.number("lag_ms", 2_000)
        if _is_list(request):
            lag_ms = stale.number("list_lag_ms", lag_ms)
        return replace(request, as_of_ns=self._way.now_ns - lag_ms * NS_PER_MS)

    def _break(self, ticket: int, fault: Fault, response: WireResponse) -> None:
        """Fault N5: the venue did it, the answer does not survive the way."""
        if fault.mode == "reset":
            self._reset(ticket, None)
        elif fault.mode == "truncated":
            headers = {**response.headers, "content-length": str(len(response.body))}
            half = response.body[: len(response.body) // 2]
            self._reset(ticket, WireResponse(response.status, headers, half))
        elif fault.mode == "html":
            body = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
            self._answer(ticket, WireResponse(200, {"content-type": "text/html"}, body))
        else:
            self._answer(ticket, WireResponse(200, {"content-type": "application/json"}, b""))

    def _answer(self, ticket: int, response: WireResponse, delay_ms: int = 0) -> None:
        skew = self._draw(FaultCode.V27, "clock")
        if skew is not None:
            body = self._way.face.skewed(response.body, skew_ns_of(skew))
            response = WireResponse(response.status, response.headers, body)
        at_ns = self._way.now_ns + self._way.latency.draw(Delay.DOWN) + delay_ms * NS_PER_MS
        self._deliver(at_ns, DeliveryKind.RESPONSE, ticket=ticket, response=response)

    def _reset(self, ticket: int, part: WireResponse | None) -> None:
        at_ns = self._way.now_ns + self._way.latency.draw(Delay.DOWN)
        self._deliver(at_ns, DeliveryKind.RESET, ticket=ticket, response=part)

    def _deliver(
        self,
        at_ns: int,
        kind: DeliveryKind,
        *,
        ticket: int | None = None,
        response: WireResponse | None = None,
    ) -> None:
        self._way.at(
            at_ns,
            lambda: self._way.emit(
                Delivery(self._way.now_ns, kind, ticket=ticket, response=response)
            ),
        )


def skew_ns_of(fault: Fault) -> int:
    """How far fault V27 moves every time, nanoseconds."""
    skew_ns = fault.number("skew_ms", 5_000) * NS_PER_MS
    return skew_ns if fault.mode == "ahead" else -skew_ns


def _is_list(request: WireRequest) -> bool:
    return request.path.count("/") <= 2 and ":" not in request.path


def _limit_headers(fault: Fault, now_ns: int) -> dict[str, str]:
    """What a 429 says of when to come back (fault N4)."""
    if not fault.flag("headers", default=True):
        return {}
    wait_s = fault.number("retry_after_s", 3)
    return {
        "retry-after": str(wait_s),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": str(now_ns // 1_000_000_000 + wait_s),
    }
