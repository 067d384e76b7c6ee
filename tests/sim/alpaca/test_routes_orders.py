"""``/v2/orders``: the routes beyond what the official client and the recordings already prove."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.sim.types import CancelResult, Refusal, RefusalKind
from tests.sim.alpaca.samples import order
from tests.support.bench import SYM, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    return bench


def test_a_submission_answers_with_its_legs(bench: Bench) -> None:
    answer = bench.order(
        order_class="bracket", take_profit={"limit_price": 102}, stop_loss={"stop_price": "98"}
    )
    assert answer.status == 200
    assert [leg["status"] for leg in answer.json["legs"]] == ["held", "held"]


def test_shape_and_state_errors_keep_their_codes(bench: Bench) -> None:
    assert bench.order(qty="0").error == (422, 40010001, "qty must be > 0")
    status, code, message = bench.order(type="limit", limit_price="100.001").error
    assert (status, code) == (422, 42210000)
    assert message.startswith("invalid limit_price 100.001. sub-penny")


def test_reads_and_404s(bench: Bench) -> None:
    order = bench.filled()
    assert bench.call("GET", f"/v2/orders/{order['id']}").json["legs"] is None
    path = f"/v2/orders:by_client_order_id?client_order_id={order['client_order_id']}"
    assert bench.call("GET", path).json["id"] == order["id"]
    missing = bench.call("GET", "/v2/orders:by_client_order_id")
    assert missing.error == (422, 40010001, "client_order_id is missing")
    assert bench.call("GET", "/v2/orders/fake_id").error == (422, 40010001, "order_id is missing")
    other = bench.call("GET", f"/v2/orders/{order['id']}", key="OTHER")
    assert other.error == (404, 40410000, f"order not found for {order['id']}")


def test_a_replacement_is_a_new_order_with_nanoseconds(bench: Bench) -> None:
    order = bench.filled(type="limit", limit_price="90")
    answer = bench.call("PATCH", f"/v2/orders/{order['id']}", {"limit_price": 91})
    assert answer.status == 200
    assert answer.json["id"] != order["id"]
    assert answer.json["replaces"] == order["id"]
    bench.advance()
    assert bench.call("GET", f"/v2/orders/{order['id']}").json["status"] == "replaced"


def test_cancels(bench: Bench) -> None:
    order = bench.filled(type="limit", limit_price="90")
    assert bench.call("DELETE", f"/v2/orders/{order['id']}").status == 204
    done = bench.filled()
    assert bench.call("DELETE", f"/v2/orders/{done['id']}").error == (
        422,
        42210000,
        'order is already in "filled" state',
    )


def test_cancel_all_with_an_order_that_cannot_be_canceled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = Refusal(RefusalKind.PENDING_REPLACE)
    results = [
        CancelResult(order_id="A", order=order(), refusal=refusal),
        CancelResult(order_id="B", order=order(), refusal=None),
    ]
    monkeypatch.setattr(bench.exchange, "cancel_all", lambda account: results)
    items = bench.call("DELETE", "/v2/orders").json
    assert [(item["id"], item["status"]) for item in items] == [("A", 500), ("B", 200)]
    assert items[0]["body"]["message"] == "original order pending replacement"


def patch_settings(bench: Bench, **changes: Any) -> None:
    assert bench.call("PATCH", "/v2/account/configurations", changes).status == 200


def test_the_accounts_own_settings_refuse(bench: Bench) -> None:
    patch_settings(bench, no_shorting=True)
    assert bench.order(side="sell").error == (403, 40310000, "account is not allowed to short")
    assert bench.order().status == 200
    patch_settings(bench, fractional_trading=False)
    message = "fractional trading is disabled for this account"
    assert bench.order(qty="0.5").error == (403, 40310000, message)
    assert bench.order(qty=None, notional="100").error == (403, 40310000, message)
    patch_settings(bench, suspend_trade=True)
    assert bench.order().error == (403, 40310000, "account is not authorized to trade")


def test_a_stated_intent_must_be_the_real_one(bench: Bench) -> None:
    assert bench.order(position_intent="buy_to_open").status == 200
    bench.advance()
    wrong = bench.order(side="sell", position_intent="sell_to_open")
    assert wrong.error == (
        422,
        42210000,
        "position intent mismatch, inferred: sell_to_close, specified: sell_to_open",
    )
    assert bench.order(side="sell", position_intent="sell_to_close").status == 200


def test_nothing_but_stocks_is_listed(bench: Bench) -> None:
    bench.order(type="limit", limit_price="90")
    rows = [
        len(bench.call("GET", f"/v2/orders?asset_class={word}").json)
        for word in ("us_equity", "crypto,us_equity", "all", "crypto", "us_option")
    ]
    assert rows == [1, 1, 1, 0, 0]


def test_a_leg_that_is_done_is_named_as_one(bench: Bench) -> None:
    legs = {"take_profit": {"limit_price": "102"}, "stop_loss": {"stop_price": "98"}}
    parent = bench.filled(order_class="bracket", **legs)
    bench.quote(SYM, "102.00", "102.02")
    bench.advance()
    target = bench.call("DELETE", f"/v2/orders/{parent['legs'][0]['id']}")
    assert target.error == (422, 42210000, "leg order is already in filled state")
    entry = bench.call("DELETE", f"/v2/orders/{parent['id']}")
    assert entry.error == (422, 42210000, 'order is already in "filled" state')


def test_no_new_notional_order_beside_a_closing_one(bench: Bench) -> None:
    bench.filled()
    closing = bench.order(side="sell", qty="5", type="limit", limit_price="110").json["id"]
    refused = bench.order(qty=None, notional="100", type="limit", limit_price="99")
    assert refused.error == (
        422,
        42210000,
        "unable to open new notional orders while having open closing position orders",
    )
    assert bench.order(qty="1", type="limit", limit_price="99").status == 200
    bench.call("DELETE", f"/v2/orders/{closing}")
    bench.advance()
    assert bench.order(qty=None, notional="100", type="limit", limit_price="99").status == 200


def test_who_holds_six_times_the_equity_may_only_close(bench: Bench) -> None:
    bench.filled(qty="3900")  # 390,000 of 400,000
    bench.quote(SYM, "77.99", "78.01")
    bench.print_(SYM, "78")
    held, equity = 3900 * 78, 100_000 - 3900 * 22
    assert held > 6 * equity > 0
    refused = bench.order(qty="1", type="limit", limit_price="1").error
    assert refused == (403, 40310000, "account is restricted to liquidation only")
    assert bench.order(side="sell", qty="3900").status == 200


def test_pages_of_a_listing(bench: Bench) -> None:
    for price in ("90", "91", "92"):
        bench.filled(type="limit", limit_price=price)
    first = bench.call("GET", "/v2/orders?direction=asc&limit=2").json
    assert [row["limit_price"] for row in first] == ["90", "91"]
    after = first[-1]["submitted_at"]
    rest = bench.call("GET", f"/v2/orders?direction=asc&after={after}").json
    assert [row["limit_price"] for row in rest] == ["92"]
    before = bench.call("GET", f"/v2/orders?until={after}").json
    assert [row["limit_price"] for row in before] == ["90"]
