"""What the tests of the official clients share: which methods are public, who called them, and
what the exchange's own log says of an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient

from surefill.core.units import NANO
from surefill.sim.alpaca.keys import owner_of
from tests.support.exchange_server import RunningExchange

UNKNOWN = "11111111-1111-4111-8111-111111111111"
ENDS = frozenset({"FILLED", "CANCELED", "EXPIRED", "REPLACED", "REJECTED"})


class Counting:
    """A client that remembers which of its methods were called."""

    def __init__(self, client: Any, called: set[str]) -> None:
        self._client = client
        self._called = called

    def __getattr__(self, name: str) -> Any:
        self._called.add(name)
        return getattr(self._client, name)


def public(kind: type) -> set[str]:
    """Methods of a client that are its own and for its users."""
    return {
        name
        for name in dir(kind)
        if not name.startswith("_")
        and callable(getattr(kind, name))
        and not hasattr(RESTClient, name)
    }


def error_of(act: Callable[[], Any]) -> tuple[int, int | None, str]:
    """(status, code, message) of the error this raises; a body without a code has ``None``."""
    with pytest.raises(APIError) as caught:
        act()
    try:
        code: int | None = caught.value.code
    except KeyError:
        code = None
    return caught.value.status_code, code, caught.value.message


@dataclass(frozen=True)
class Truth:
    """The exchange's log, read for one key."""

    exchange: RunningExchange
    key: str

    def lines(self, *kinds: str) -> list[dict[str, Any]]:
        """Lines of this account, of these kinds (default: all)."""
        account = owner_of(self.key).account
        return [
            line
            for line in self.exchange.log()
            if line["account"] == account and (not kinds or line["kind"] in kinds)
        ]

    def last(self, order_id: object) -> dict[str, Any]:
        """The last line about an order."""
        return [line for line in self.lines() if line["order_id"] == str(order_id)][-1]

    def kinds(self, order_id: object) -> list[str]:
        """What happened to an order, in order."""
        return [str(line["kind"]) for line in self.lines() if line["order_id"] == str(order_id)]

    def fills(self) -> list[dict[str, Any]]:
        """Executions."""
        return self.lines("fill", "partial_fill")

    def open_ids(self) -> set[str]:
        """Orders that live and are not held back."""
        last = {line["order_id"]: line for line in self.lines() if line["order_id"]}
        live = [row for row in last.values() if row["status"] not in (*ENDS, None)]
        return {str(row["order_id"]) for row in live if row["kind"] != "held"}

    def position(self, symbol: str) -> Fraction:
        """Shares held."""
        rows = [row for row in self.fills() if row["symbol"] == symbol]
        return Fraction(rows[-1]["position"], NANO) if rows else Fraction(0)

    def cash(self) -> Fraction:
        """100,000 and what the executions have brought."""
        total = Fraction(100_000)
        for row in self.fills():
            sign = -1 if row["side"] == "BUY" else 1
            total += sign * Fraction(row["px"] * row["qty"], NANO * NANO)
        return total
