"""What an HTTP outcome proves: the catalogue of refusals, and everything that is doubt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.brokers.alpaca.translate import answers
from surefill.brokers.alpaca.transport import HttpOutcome, HttpResponse, Lost, NotSent, Throttled
from surefill.core.events import (
    Accepted,
    Answer,
    InDoubt,
    RateLimited,
    Rejected,
    RejectKind,
    Unavailable,
    Verb,
)
from surefill.core.units import NANO
from tests.brokers.alpaca.support import CL_ORD_ID, body, order_json, payload_lines

NOW = 1_800_000_000 * NANO
WRITING = [Verb.SUBMIT, Verb.CANCEL, Verb.REPLACE]
K = RejectKind


def answer(verb: Verb, outcome: HttpOutcome, cl_ord_id: str = "") -> Answer:
    return answers.order_answer(verb, outcome, cl_ord_id=cl_ord_id, now=NOW)


def response(status: int, content: object = None, **headers: str) -> HttpResponse:
    raw = content if isinstance(content, bytes) else body(content)
    return HttpResponse(status, raw, NOW, {k.replace("_", "-"): v for k, v in headers.items()})


def refused(status: int, message: str, verb: Verb = Verb.SUBMIT, **extra: Any) -> Rejected:
    found = answer(verb, response(status, {"message": message} | extra))
    assert isinstance(found, Rejected), found
    return found


CATALOGUE = [
    (Verb.SUBMIT, 403, 40310000, "insufficient buying power", K.BUYING_POWER),
    (
        Verb.SUBMIT,
        403,
        40310000,
        "insufficient qty available for order (requested: 1, available: 0)",
        K.QTY_UNAVAILABLE,
    ),
    (Verb.SUBMIT, 403, 40310000, "insufficient balance for BTC", K.QTY_UNAVAILABLE),
    (
        Verb.SUBMIT,
        403,
        40310000,
        "potential wash trade detected. use complex orders",
        K.WASH_TRADE,
    ),
    (
        Verb.SUBMIT,
        403,
        40310000,
        "cannot open a short sell while a long buy order is open",
        K.WASH_TRADE,
    ),
    (
        Verb.SUBMIT,
        403,
        40310000,
        "cannot open a long buy while a short sell order is open",
        K.WASH_TRADE,
    ),
    (Verb.SUBMIT, 403, 40310000, "account is not allowed to short", K.NOT_SHORTABLE),
    (Verb.SUBMIT, 403, 40310000, "account is not authorized to trade", K.ACCOUNT),
    (Verb.SUBMIT, 403, 40310000, "account is restricted to liquidation only", K.ACCOUNT),
    (Verb.SUBMIT, 403, 40310000, "fractional trading is disabled for this account", K.ACCOUNT),
    (
        Verb.SUBMIT,
        403,
        40310100,
        "trade denied due to pattern day trading protection",
        K.ACCOUNT,
    ),
    (Verb.SUBMIT, 403, 40310000, 'asset "OCGN" is not fractionable', K.OTHER),
    (Verb.SUBMIT, 422, 40010001, "client_order_id must be unique", K.DUPLICATE_ID),
    (Verb.SUBMIT, 422, 40010001, "limit price must be > 0", K.OTHER),
    (Verb.SUBMIT, 422, 40010001, 'could not find asset "FACEBOOK"', K.NOT_TRADABLE),
    (Verb.SUBMIT, 422, 42210000, 'asset "X" not found', K.NOT_TRADABLE),
    (Verb.SUBMIT, 422, 42210000, 'asset "X" is not tradable', K.NOT_TRADABLE),
    (Verb.SUBMIT, 422, 42210000, 'asset "X" is not active', K.NOT_TRADABLE),
    (Verb.SUBMIT, 404, 40410000, "symbol not found: X", K.NOT_TRADABLE),
    (Verb.SUBMIT, 422, 42210000, 'asset "TXN" cannot be sold short', K.NOT_SHORTABLE),
    (Verb.SUBMIT, 422, 42210000, "oco orders must be exit orders", K.NOT_AN_EXIT),
    (Verb.SUBMIT, 422, 42210000, "bracket orders must be entry orders", K.OTHER),
    (
        Verb.SUBMIT,
        422,
        42210000,
        "stop price must be less than current price",
        K.PRICE_THROUGH,
    ),
    (
        Verb.SUBMIT,
        422,
        42210000,
        "stop price must be greater than current price",
        K.PRICE_THROUGH,
    ),
    (
        Verb.SUBMIT,
        422,
        42210000,
        "stop_loss.stop_price must be <= base_price - 0.01",
        K.PRICE_THROUGH,
    ),
    (
        Verb.SUBMIT,
        422,
        42210000,
        "take_profit.limit_price must be > stop_loss.stop_price",
        K.OTHER,
    ),
    (
        Verb.SUBMIT,
        422,
        42210000,
        "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing",
        K.OTHER,
    ),
    (Verb.CANCEL, 422, 42210000, 'order is already in "filled" state', K.ALREADY_TERMINAL),
    (Verb.CANCEL, 422, 42210000, "leg order is already in canceled state", K.ALREADY_TERMINAL),
    (Verb.CANCEL, 422, 42210000, 'order is already in "pending_cancel" state', K.PENDING),
    (Verb.CANCEL, 422, 42210000, "original order pending replacement", K.PENDING),
    (Verb.CANCEL, 404, 40410000, "order not found for b0b6dd9d", K.NOT_FOUND),
    (Verb.QUERY, 404, 40410000, "order not found for b0b6dd9d", K.NOT_FOUND),
    (Verb.REPLACE, 404, 40410000, "order not found for b0b6dd9d", K.NOT_FOUND),
    (
        Verb.REPLACE,
        422,
        42210000,
        "cannot replace order in filled status",
        K.ALREADY_TERMINAL,
    ),
    (Verb.REPLACE, 422, 42210000, "cannot replace order in accepted status", K.PENDING),
    (Verb.REPLACE, 422, 42210000, "cannot replace order in held status", K.NOT_REPLACEABLE),
    (Verb.REPLACE, 422, 42210000, "cannot replace order in odd status", K.NOT_REPLACEABLE),
    (Verb.REPLACE, 422, 42210000, "order already replaced", K.ALREADY_TERMINAL),
    (Verb.REPLACE, 422, 42210000, "order chain not fully replaced", K.PENDING),
    (Verb.REPLACE, 422, 42210000, "order already pending replacement", K.PENDING),
    (Verb.REPLACE, 422, 42210000, "order parameters are not changed", K.UNCHANGED),
    (
        Verb.REPLACE,
        422,
        42210000,
        "qty cannot be changed for advanced orders",
        K.NOT_REPLACEABLE,
    ),
    (
        Verb.REPLACE,
        422,
        42210000,
        "unable to replace order, order is not open",
        K.NOT_REPLACEABLE,
    ),
    (
        Verb.REPLACE,
        422,
        40010001,
        "unable to replace order, order isn't sent to exchange yet",
        K.PENDING,
    ),
    (Verb.REPLACE, 422, 42210000, "unable to replace order, somehow", K.NOT_REPLACEABLE),
    (Verb.SUBMIT, 401, 40110000, "access key verification failed", K.AUTHORIZATION),
    (Verb.SUBMIT, 403, None, "forbidden.", K.AUTHORIZATION),
]


@pytest.mark.parametrize(("verb", "status", "code", "message", "kind"), CATALOGUE)
def test_the_catalogue_of_refusals(
    verb: Verb, status: int, code: int | None, message: str, kind: RejectKind
) -> None:
    extra = {} if code is None else {"code": code}
    found = refused(status, message, verb, **extra)
    assert found.kind is kind
    assert message[:40] in found.text


def test_the_extras_of_a_refusal_decide_and_are_told() -> None:
    found = refused(422, "price is off", base_price="483.505")
    assert found.kind is K.PRICE_THROUGH
    assert "base_price=483.505" in found.text
    held = refused(403, "insufficient qty available", available="0", held_for_orders="1")
    assert "available=0 held_for_orders=1" in held.text
    assert (
        "reject_reason=opposite side"
        in refused(403, "potential wash trade", reject_reason="opposite side").text
    )


def test_recorded_refusals() -> None:
    seen = 0
    for name in ("orders.jsonl", "positions.jsonl", "assets.jsonl"):
        for record in payload_lines(name):
            if record["status"] >= 400:
                verb = Verb.SUBMIT if record["method"] == "POST" else Verb.QUERY
                found = answer(verb, response(record["status"], record["response"]))
                assert isinstance(found, Rejected)
                assert record["response"]["message"] in found.text
                seen += 1
    assert seen >= 9


def test_a_sentence_is_one_bounded_line() -> None:
    found = refused(422, "a\nb\x1b[31m" + "x" * 5_000)
    assert "\n" not in found.text
    assert "\x1b" not in found.text
    assert len(found.text) < 300
    assert refused(422, "").text == "422: no message"


@pytest.mark.parametrize("verb", WRITING)
@pytest.mark.parametrize("status", [300, 302, 408, 409, 425, 499, 500, 502, 503, 504, 100])
def test_a_writing_request_with_an_unclear_answer_is_in_doubt(verb: Verb, status: int) -> None:
    assert isinstance(answer(verb, response(status, b"<html>")), InDoubt)


@pytest.mark.parametrize("status", [300, 408, 500, 502, 503, 504])
def test_a_read_with_an_unclear_answer_changed_nothing(status: int) -> None:
    assert isinstance(answer(Verb.QUERY, response(status, b"")), Unavailable)


@pytest.mark.parametrize("verb", Verb)
def test_lost_is_doubt_and_not_sent_is_none(verb: Verb) -> None:
    assert isinstance(answer(verb, NotSent("no connection")), Unavailable)
    lost = answer(verb, Lost("timeout"))
    assert lost == (Unavailable("timeout") if verb is Verb.QUERY else InDoubt("timeout"))
    assert answer(verb, Throttled(NOW + 5)) == RateLimited(NOW + 5)


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"<html>502</html>",
    body(order_json())[:-40],
    b"\x1f\x8b\x08garbage",
    b"\xff\xfe",
    body(order_json(status="unheard-of")),
    body(order_json(qty="NaN")),
]


@pytest.mark.parametrize("raw", BAD_BODIES)
def test_a_success_that_cannot_be_read_is_doubt(raw: bytes) -> None:
    assert isinstance(answer(Verb.SUBMIT, response(200, raw)), InDoubt)
    assert isinstance(answer(Verb.REPLACE, response(200, raw)), InDoubt)
    assert isinstance(answer(Verb.QUERY, response(200, raw)), Unavailable)


def test_an_answer_about_another_order_is_doubt() -> None:
    good = response(200, order_json())
    accepted = answer(Verb.SUBMIT, good, CL_ORD_ID)
    assert isinstance(accepted, Accepted)
    assert accepted.report is not None
    assert accepted.report.cl_ord_id == CL_ORD_ID
    assert isinstance(answer(Verb.SUBMIT, good, "sf-0a1b2c-plan-2-E1"), InDoubt)


def test_a_cancel_needs_no_body() -> None:
    assert answer(Verb.CANCEL, response(204, b"")) == Accepted()


@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b'{"code":40410000}'])
@pytest.mark.parametrize("verb", Verb)
def test_a_bare_404_proves_no_absence(verb: Verb, raw: bytes) -> None:
    found = answer(verb, response(404, raw))
    assert isinstance(found, Unavailable if verb is Verb.QUERY else InDoubt)


def test_a_refusal_without_a_body_is_still_a_refusal() -> None:
    found = answer(Verb.SUBMIT, response(401, b"<html>nginx</html>"))
    assert isinstance(found, Rejected)
    assert found.kind is K.AUTHORIZATION
    assert isinstance(answer(Verb.SUBMIT, response(422, b"")), Rejected)


SECOND = NOW // NANO


@pytest.mark.parametrize(
    ("headers", "until_ns"),
    [
        ({"x-ratelimit-reset": str(SECOND + 30)}, NOW + 30 * NANO),
        ({"x-ratelimit-reset": str(SECOND - 30), "retry-after": "7"}, NOW + 7 * NANO),
        ({"x-ratelimit-reset": str(SECOND + 86_400)}, NOW + 60 * NANO),
        ({"retry-after": "0"}, NOW + 60 * NANO),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, NOW + 60 * NANO),
        ({"retry-after": "9" * 20}, NOW + 60 * NANO),
        ({}, NOW + 60 * NANO),
    ],
)
def test_a_429_is_waited_out_within_bounds(headers: dict[str, str], until_ns: int) -> None:
    limited = HttpResponse(429, b"too many requests.", NOW, headers)
    assert answer(Verb.SUBMIT, limited) == RateLimited(until_ns)


def test_reads_succeed_only_with_a_200() -> None:
    assert answers.read_failure(response(200, []), NOW) is None
    assert isinstance(answers.read_failure(response(204, b""), NOW), Unavailable)
    assert isinstance(answers.read_failure(response(403, {"message": "forbidden."}), NOW), Rejected)
    assert isinstance(answers.read_failure(Lost("x"), NOW), Unavailable)


def test_every_error_can_be_said_in_a_line() -> None:
    assert answers.describe(Rejected(K.OTHER, "no")) == "OTHER: no"
    assert answers.describe(RateLimited(1)) == "rate limited"
    assert answers.describe(Unavailable("a")) == "a"
    assert answers.describe(InDoubt("b")) == "b"


@given(st.integers(100, 599), st.binary(max_size=200), st.sampled_from(Verb))
def test_no_answer_raises_and_no_server_error_is_a_refusal(
    status: int, raw: bytes, verb: Verb
) -> None:
    found = answer(verb, response(status, raw), CL_ORD_ID)
    if status >= 500:
        assert isinstance(found, Unavailable if verb is Verb.QUERY else InDoubt)
