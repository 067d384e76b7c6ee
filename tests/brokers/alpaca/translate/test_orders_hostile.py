"""Records that no broker should send: nothing raises, whatever arrives (fault N7)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surefill.brokers.alpaca.translate import orders
from surefill.brokers.alpaca.wire import Unreadable
from surefill.core.events import ExecutionReport
from surefill.core.units import NANO
from tests.brokers.alpaca.support import Json, activity_json, body, fill_update, order_json

RECV_NS = 1_800_000_000 * NANO

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["NaN", "1e400", "-1", "filled", "fill", "held", "2021-07-08T14:50:45Z"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(order_json())), JSON_VALUES, max_size=4))
def test_no_order_raises(changes: Json) -> None:
    found = orders.order_report(body(order_json() | changes), RECV_NS)
    assert isinstance(found, ExecutionReport | Unreadable)


@given(
    st.dictionaries(
        st.sampled_from(["event", "order", "price", "qty", "execution_id", "timestamp", "at"]),
        JSON_VALUES,
        max_size=4,
    )
)
def test_no_update_raises(changes: Json) -> None:
    found = orders.update_report(body(fill_update()["data"] | changes), RECV_NS)
    assert isinstance(found, ExecutionReport | Unreadable)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    for found in (
        orders.order_report(data, RECV_NS),
        orders.update_report(data, RECV_NS),
        orders.fill_report(data, RECV_NS, {}),
        orders.position(data),
        orders.account(data),
        orders.items(data, "orders"),
    ):
        assert found is not None


@given(st.dictionaries(st.sampled_from(sorted(activity_json())), JSON_VALUES, max_size=3))
def test_no_activity_raises(changes: Json) -> None:
    found = orders.fill_report(body(activity_json() | changes), RECV_NS, {})
    assert isinstance(found, ExecutionReport | Unreadable)


def test_deep_nesting_is_refused() -> None:
    deep = b'{"id":"a","symbol":"A","side":"buy","status":"new","legs":' + b"[" * 50_000
    assert isinstance(orders.order_report(deep, RECV_NS), Unreadable)
