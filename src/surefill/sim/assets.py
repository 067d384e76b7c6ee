"""What may be traded: the asset table.

What: symbol -> `Asset`. A symbol that gets a quote becomes a tradable, shortable, fractionable
asset unless the table names it (design 9).
Invariant: ``asset_id`` is a function of the symbol alone, so every run and every process agrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from surefill.core.units import US_EQUITY_TICKS, TickSchedule


def uuid_text(*parts: object) -> str:
    """A uuid-shaped text (version 4 layout) that is a pure function of ``parts``."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One instrument. ``ticks`` is its price grid."""

    symbol: str
    name: str = ""
    exchange: str = "NASDAQ"
    active: bool = True
    tradable: bool = True
    marginable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    fractionable: bool = True
    ticks: TickSchedule = US_EQUITY_TICKS

    @property
    def asset_id(self) -> str:
        """Deterministic identifier of the instrument."""
        return uuid_text("asset", self.symbol)


class AssetTable:
    """The assets of one exchange. ``assets``: those that differ from the default or exist before
    their first quote."""

    def __init__(self, assets: Iterable[Asset] = ()) -> None:
        self._by_symbol = {asset.symbol: asset for asset in assets}
        self._symbol_of = {asset.asset_id: symbol for symbol, asset in self._by_symbol.items()}

    def get(self, symbol_or_id: str) -> Asset | None:
        """The asset of this symbol or asset id; ``None`` when unknown."""
        symbol = self._symbol_of.get(symbol_or_id, symbol_or_id)
        return self._by_symbol.get(symbol)

    def put(self, asset: Asset) -> None:
        """Add an asset or change its properties from now on."""
        self._by_symbol[asset.symbol] = asset
        self._symbol_of[asset.asset_id] = asset.symbol

    def note_quote(self, symbol: str) -> Asset:
        """The asset of a quoted symbol, created with the defaults when unknown."""
        asset = self._by_symbol.get(symbol)
        if asset is None:
            asset = Asset(symbol=symbol, name=symbol)
            self.put(asset)
        return asset

    def all(self) -> list[Asset]:
        """Every asset, in order of symbol."""
        return [self._by_symbol[symbol] for symbol in sorted(self._by_symbol)]
