"""Surefill: a trade plan in, a protected position and one audited outcome out.

What: the names a strategy imports. Why so few: the rest may change without breaking anybody.
Each name is loaded when it is first used, so that ``import surefill`` and ``surefill --help`` cost
nothing.

Must never: import a part of the package at import time, or export an internal name.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing typing would take 80 % of the time
if TYPE_CHECKING:
    from surefill.blocking_executor import BlockingExecutor
    from surefill.client import AsyncClient, Client
    from surefill.config import Settings
    from surefill.core.plan import TradePlan
    from surefill.order_manager import OrderManager
    from surefill.smart_order_executor import SmartOrderExecutor, TradeResult

__version__ = "0.2.0"

__all__ = [
    "TradePlan",
    "Settings",
    "SmartOrderExecutor",
    "BlockingExecutor",
    "OrderManager",
    "Client",
    "AsyncClient",
    "TradeResult",
    "__version__",
]

_HOME = {
    "TradePlan": "surefill.core.plan",
    "Settings": "surefill.config",
    "SmartOrderExecutor": "surefill.smart_order_executor",
    "BlockingExecutor": "surefill.blocking_executor",
    "OrderManager": "surefill.order_manager",
    "Client": "surefill.client",
    "AsyncClient": "surefill.client",
    "TradeResult": "surefill.smart_order_executor",
}
"""Exported name -> the module that defines it."""


def __getattr__(name: str) -> object:
    """Load an exported name from its home on first use (PEP 562)."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'surefill' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What a user may import."""
    return sorted(__all__)
