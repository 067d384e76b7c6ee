"""The store of watchlists."""

from __future__ import annotations

from surefill.sim.alpaca.watchlists import Watchlists


def test_a_list_lives_and_ends() -> None:
    lists = Watchlists()
    made = lists.create("PA1", "tech", ["A", "B", "A"], now_ns=5)
    assert made.symbols == ["A", "B"]
    assert lists.by_id("PA1", made.watchlist_id) is made
    assert lists.by_name("PA1", "tech") is made
    assert lists.by_id("PA2", made.watchlist_id) is None
    made.add("C", now_ns=6)
    made.add("A", now_ns=7)
    made.remove("B", now_ns=8)
    assert (made.symbols, made.created_ns, made.updated_ns) == (["A", "C"], 5, 8)
    made.put("more", [], now_ns=9)
    assert lists.by_name("PA1", "tech") is None
    lists.delete("PA1", made)
    assert lists.all("PA1") == []


def test_ids_differ() -> None:
    lists = Watchlists()
    ids = {lists.create(name, "x", [], now_ns=0).watchlist_id for name in ("PA1", "PA2", "PA1")}
    assert len(ids) == 3
