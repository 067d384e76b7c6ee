"""The way from the HTTP API to the engine: its control port, as one client for each role.

What: `Door`: plans, acts, closing; every answer within a time, every error coded.
Why a connection for each role: the engine bounds the requests of one client at once, and the kill
switch must not stand in the operator's queue.
Invariants: what may be done is what the control port does; nobody gets more rights here, and no
limit is raised (failures.md C.6, 12). A plan's id is its idempotency key, kept by the engine's
journal: this process may die at any line and forget nothing.
Must never: trade by itself, or repeat what may not be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TypeVar

from surefill.client import AsyncClient
from surefill.config import Settings
from surefill.core.events import Act
from surefill.core.plan import PlanError, TradePlan
from surefill.ports import JournalError
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.errors import SurefillError
from surefill.runtime.flat import FlatReport
from surefill.runtime.result import TradeResult
from surefill.service.problems import ApiProblem, problem_of
from surefill.service.tokens import Role

RECONNECT_S = 1.0
"""An engine that restarts at this moment; a longer absence is said."""
ANSWER_S = 10.0
"""Beyond what the request itself allows: then the engine hangs, and somebody must know."""
NAMES = {Role.OPERATOR: "api-operator", Role.KILL_ONLY: "api-kill-only"}
"""Who stands in the journal beside an act."""

T = TypeVar("T")


class Door:
    """Asks the engine of one account. Close it."""

    def __init__(self, settings: Settings, names: Mapping[Role, str] = NAMES) -> None:
        self._names = names
        self._clients = {
            role: AsyncClient(settings, strategy=name, reconnect_s=RECONNECT_S)
            for role, name in names.items()
        }

    async def close(self) -> None:
        """Let the engine go."""
        for client in self._clients.values():
            await client.close()

    async def submit(self, plan: TradePlan, *, wait_s: int) -> TradeResult:
        """Do it, or say what became of it when it came before."""
        client = self._clients[Role.OPERATOR]
        return await _answered(client.execute(plan, timeout_s=wait_s), wait_s)

    async def check(self, plan: TradePlan) -> PlanCheck:
        """What would become of it."""
        return await _answered(self._clients[Role.OPERATOR].check(plan), 0)

    async def flatten(self, target: str, why: str, *, wait_s: int) -> FlatReport:
        """Close it; FLAT or NOT_FLAT."""
        client = self._clients[Role.OPERATOR]
        return await _answered(client.flatten(target, why, timeout_s=wait_s), wait_s)

    async def reduce(
        self, plan_id: str, quantity: object, why: str, *, key: str, wait_s: int
    ) -> TradeResult:
        """Close so many shares of a trade, once for each key."""
        client = self._clients[Role.OPERATOR]
        asked = client.reduce(plan_id, quantity, why, key=key, timeout_s=wait_s)
        return await _answered(asked, wait_s)

    async def tighten(self, plan_id: str, stop: object, why: str, *, wait_s: int) -> TradeResult:
        """Move a trade's stop nearer."""
        client = self._clients[Role.OPERATOR]
        asked = client.tighten(plan_id, stop, why, timeout_s=wait_s)
        return await _answered(asked, wait_s)

    async def adopt(self, plan: TradePlan, *, wait_s: int) -> TradeResult:
        """Cover shares that are there but not ours."""
        client = self._clients[Role.OPERATOR]
        return await _answered(client.adopt(plan, timeout_s=wait_s), wait_s)

    async def act(self, role: Role, act: Act, *, target: str = "", why: str = "") -> str:
        """Put an act on record; in whose name."""
        await _answered(self._clients[role].operate(act, target, why), 0)
        return self._names[role]


async def _answered(asked: Coroutine[None, None, T], wait_s: int) -> T:
    """The answer. Raises `ApiProblem`."""
    try:
        async with asyncio.timeout(wait_s + ANSWER_S):
            return await asked
    except TimeoutError:
        sentence = "the engine does not answer; it may have happened: look before you repeat it"
        raise ApiProblem(504, "ENGINE_SILENT", sentence) from None
    except (SurefillError, PlanError, JournalError) as error:
        raise problem_of(error) from None
