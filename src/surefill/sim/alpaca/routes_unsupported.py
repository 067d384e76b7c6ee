"""What this exchange does not offer, refused in Alpaca's own error shape.

What: options, crypto, news, corporate-action announcements and locates. A trading route answers
403 with a code, a market-data route 403 without one (alpaca.md 1.3), so a client's own handling of
a missing permission is what meets it.
Must never: answer with an empty success: "no contracts" would be a statement about the market.
"""

from __future__ import annotations

from surefill.sim.alpaca.context import Call
from surefill.sim.alpaca.errors import FORBIDDEN, error_response
from surefill.sim.wire import WireResponse


def options(_: Call) -> WireResponse:
    """Option contracts, exercise."""
    return error_response(403, FORBIDDEN, "account is not authorized to trade options")


def announcements(_: Call) -> WireResponse:
    """Corporate-action announcements."""
    return error_response(403, FORBIDDEN, "corporate action announcements are not offered here")


def locates(_: Call) -> WireResponse:
    """Locates of shares that are hard to borrow."""
    return error_response(403, FORBIDDEN, "account is not authorized to request locates")


def other_data(_: Call) -> WireResponse:
    """Market data of other asset classes, news, screeners."""
    return error_response(403, None, "subscription does not permit querying this data")
