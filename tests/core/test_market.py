from __future__ import annotations

import pytest

from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo, Print


def nbbo(bid_px: int, ask_px: int, recv_ns: int = 0) -> Nbbo:
    return Nbbo(bid_px, 100, ask_px, 200, 1, recv_ns)


@pytest.mark.parametrize(
    ("bid_px", "ask_px", "is_two_sided", "mid_px"),
    [
        (100, 102, True, 101),
        (100, 103, True, 101),
        (100, 100, True, 100),
        (103, 100, False, None),
        (0, 100, False, None),
        (100, 0, False, None),
        (0, 0, False, None),
    ],
)
def test_a_mid_needs_two_sides(
    bid_px: int, ask_px: int, is_two_sided: bool, mid_px: int | None
) -> None:
    quote = nbbo(bid_px, ask_px)
    assert quote.is_two_sided is is_two_sided
    assert quote.mid_px == mid_px


def test_each_sign_has_its_touches() -> None:
    quote = nbbo(100, 103)
    assert (quote.near_px(1), quote.far_px(1)) == (100, 103)
    assert (quote.near_px(-1), quote.far_px(-1)) == (103, 100)


def test_a_quote_is_as_old_as_the_last_sign_of_life() -> None:
    view = MarketView("CRWD", Feed.SIP, nbbo(100, 103, recv_ns=50), TradingStatus.TRADING, 80)
    assert view.quote_age_ns(100) == 20
    view = MarketView("CRWD", Feed.SIP, nbbo(100, 103, recv_ns=90), TradingStatus.TRADING, 80)
    assert view.quote_age_ns(100) == 10
    assert view.quote_age_ns(70) == 0  # a quote from a later clock is not fresh credit


def test_no_quote_has_no_age() -> None:
    view = MarketView("CRWD", Feed.IEX, alive_ns=80)
    assert view.quote_age_ns(100) is None
    assert view.status is TradingStatus.UNKNOWN


def test_a_print_has_two_clocks() -> None:
    assert Print(px=1, qty=2, venue_ns=3, recv_ns=4).recv_ns == 4
