"""Watchlists: named lists of symbols of an account (alpaca.md 1.5).

What: `Watchlists` keeps them, `Watchlist` is one. They mean nothing to the exchange: no order, no
price and no stream depends on them.
Invariants: names are unique within an account; an id is a function of (account, number); symbols
keep their order and appear once.
Must never: hold a symbol the exchange does not know (the routes check that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surefill.sim.alpaca.text import uuid_of

NAME_LENGTH_MAX = 64
"""Recorded: a longer name is refused."""
LISTS_MAX = 200
"""Watchlists an account may have here: a bound, not a rule of the broker's."""


@dataclass(slots=True)
class Watchlist:
    """One list. Times are UTC ns."""

    watchlist_id: str
    name: str
    created_ns: int
    updated_ns: int
    symbols: list[str]

    def put(self, name: str, symbols: Sequence[str], *, now_ns: int) -> None:
        """Replace name and symbols."""
        self.name, self.symbols, self.updated_ns = name, list(dict.fromkeys(symbols)), now_ns

    def add(self, symbol: str, *, now_ns: int) -> None:
        """Append a symbol; one that is there keeps its place."""
        self.put(self.name, [*self.symbols, symbol], now_ns=now_ns)

    def remove(self, symbol: str, *, now_ns: int) -> None:
        """Take a symbol out."""
        self.put(self.name, [item for item in self.symbols if item != symbol], now_ns=now_ns)


class Watchlists:
    """account -> its lists, in order of creation."""

    def __init__(self) -> None:
        self._lists: dict[str, list[Watchlist]] = {}
        self._made = 0

    def state(self) -> tuple[int, dict[str, list[Watchlist]]]:
        """How many were ever made, and all lists by account."""
        return self._made, self._lists

    def restore(self, made: int, lists: dict[str, list[Watchlist]]) -> None:
        """Go on with these."""
        self._made, self._lists = made, lists

    def all(self, account: str) -> list[Watchlist]:
        """The lists of an account."""
        return self._lists.get(account, [])

    def create(self, account: str, name: str, symbols: Sequence[str], *, now_ns: int) -> Watchlist:
        """A new list; the caller has checked the name."""
        self._made += 1
        watchlist_id = uuid_of("watchlist", account, str(self._made))
        made = Watchlist(watchlist_id, name, now_ns, now_ns, list(dict.fromkeys(symbols)))
        self._lists.setdefault(account, []).append(made)
        return made

    def by_id(self, account: str, watchlist_id: str) -> Watchlist | None:
        """The list with this id, if it is the account's."""
        return next((x for x in self.all(account) if x.watchlist_id == watchlist_id), None)

    def by_name(self, account: str, name: str) -> Watchlist | None:
        """The list with this name."""
        return next((x for x in self.all(account) if x.name == name), None)

    def delete(self, account: str, watchlist: Watchlist) -> None:
        """Forget a list."""
        self._lists[account] = [x for x in self.all(account) if x is not watchlist]
