"""What a person may do from the dashboard, and what they have to type for it.

What: `DEEDS` (one row for each act: who may, what it does in words, the typed word) and `Hands`,
which checks a session again at the moment of the act and asks the engine.
Why typed words: a click can be a slip; the kill switch, closing everything, and every way back to
new risk are not (failures.md C.6, 9). Un-kill also wants the token once more.
Invariants: nobody can do more here than with the API and the same token; the kill switch works for
an idle session too; what stands in the journal says that a page was used.
Must never: decide by what the page shows: buttons that are hidden are refused as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.events import Act
from surefill.dashboard.sessions import Session, Sessions
from surefill.dashboard.words import Tone, px_text, qty_text
from surefill.service.door import Door
from surefill.service.pacing import ACTS_PER_S, NowNs, Pace
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role

NAMES = {Role.OPERATOR: "dashboard-operator", Role.KILL_ONLY: "dashboard-kill-only"}
"""Who stands in the journal beside an act."""
FLATTEN_WAIT_S = 15
TIGHTEN_WAIT_S = 10
WHY_CHARS_MAX = 200
TRADERS = frozenset({Role.OPERATOR})
KILLERS = frozenset({Role.OPERATOR, Role.KILL_ONLY})


class Deed(StrEnum):
    """One act."""

    KILL = "kill"
    UNKILL = "unkill"
    HALT = "halt"
    RESUME = "resume"
    FLATTEN_ALL = "flatten-all"
    FLATTEN = "flatten"
    CANCEL_ENTRY = "cancel-entry"
    TIGHTEN = "tighten"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedRow:
    """``word``: what has to be typed, "" for nothing; ``is_target_typed``: the symbol is it."""

    label: str
    text: str
    roles: frozenset[Role]
    tone: Tone = Tone.PLAIN
    word: str = ""
    is_target_typed: bool = False
    needs_token: bool = False
    needs_stop: bool = False


DEEDS = {
    Deed.KILL: DeedRow(
        label="Kill switch",
        text="Ends every entry and refuses new plans, until a person takes it back. Positions and "
        "their stops stay.",
        roles=KILLERS,
        tone=Tone.BAD,
        word="KILL",
    ),
    Deed.UNKILL: DeedRow(
        label="Un-kill",
        text="New plans are taken again. Needs the operator's token once more.",
        roles=TRADERS,
        tone=Tone.WARN,
        word="UNKILL",
        needs_token=True,
    ),
    Deed.HALT: DeedRow(
        label="Halt",
        text="Ends every entry; only exits from now on, until somebody resumes. Stops stay.",
        roles=TRADERS,
        tone=Tone.WARN,
    ),
    Deed.RESUME: DeedRow(
        label="Resume",
        text="Entries are allowed again.",
        roles=TRADERS,
        word="RESUME",
    ),
    Deed.FLATTEN_ALL: DeedRow(
        label="Flatten all",
        text="Closes every trade of ours with marketable limit orders. What is not ours stays.",
        roles=TRADERS,
        tone=Tone.BAD,
        word="FLATTEN",
    ),
    Deed.FLATTEN: DeedRow(
        label="Flatten",
        text="Closes this trade with marketable limit orders.",
        roles=TRADERS,
        tone=Tone.BAD,
        is_target_typed=True,
    ),
    Deed.CANCEL_ENTRY: DeedRow(
        label="Cancel entry",
        text="No further shares; what has filled stays covered.",
        roles=TRADERS,
        tone=Tone.WARN,
    ),
    Deed.TIGHTEN: DeedRow(
        label="Tighten stop",
        text="Moves the stop nearer to the market; a stop is never widened.",
        roles=TRADERS,
        needs_stop=True,
    ),
}
_ACTS = {
    Deed.KILL: (Act.KILL, "Killed: no entries until somebody un-kills."),
    Deed.UNKILL: (Act.UNKILL, "Un-killed: new plans are taken."),
    Deed.HALT: (Act.HALT, "Halted: exits only."),
    Deed.RESUME: (Act.RESUME, "Resumed: entries are allowed."),
    Deed.CANCEL_ENTRY: (Act.CANCEL_ENTRY, "The entry was asked to end."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody typed. ``target``: a plan's id; ``symbol``: its symbol."""

    deed: Deed
    target: str = ""
    symbol: str = ""
    why: str = ""
    typed: str = ""
    token: str = ""
    stop: str = ""


class Hands:
    """Does it, for sessions that may."""

    def __init__(self, door: Door, sessions: Sessions, now_ns: NowNs) -> None:
        self._door = door
        self._sessions = sessions
        self._pace = Pace(now_ns, per_s=ACTS_PER_S)

    async def do(self, name: str, order: Order) -> str:
        """Do it for the session ``name``; what came of it, as a sentence. Raises `ApiProblem`,
        `TokenError`."""
        found = self._sessions.find(name)
        if found is None:
            raise ApiProblem(401, "SESSION_OVER", "log in again")
        self._check(found, order)
        self._sessions.touch(name)
        why = "".join(c if c.isprintable() else " " for c in order.why)[:WHY_CHARS_MAX]
        if order.deed in (Deed.FLATTEN, Deed.FLATTEN_ALL):
            return await self._flatten(order, why)
        if order.deed is Deed.TIGHTEN:
            return await self._tighten(order, why)
        act, sentence = _ACTS[order.deed]
        await self._door.act(found.role, act, target=order.target, why=why)
        return sentence

    def _check(self, found: Session, order: Order) -> None:
        row = DEEDS[order.deed]
        if found.role not in row.roles:
            raise ApiProblem(403, "ROLE_REFUSED", f"the role {found.role} may not do this")
        if order.deed is not Deed.KILL:
            if self._sessions.is_idle(found):
                raise ApiProblem(403, "SESSION_IDLE", "you were away: load the page again")
            if not self._pace.takes(found.role):
                raise ApiProblem(429, "TOO_FAST", "more acts than a second takes")
        word = order.symbol if row.is_target_typed else row.word
        if order.typed.strip() != word:
            raise ApiProblem(403, "NOT_CONFIRMED", f"type {word} to confirm")
        if row.needs_token and not self._sessions.is_own_token(found, order.token.strip()):
            raise ApiProblem(403, "TOKEN_WRONG", "this needs the operator's token once more")

    async def _tighten(self, order: Order, why: str) -> str:
        stop = order.stop.strip()
        result = await self._door.tighten(order.target, stop, why, wait_s=TIGHTEN_WAIT_S)
        return f"The stop belongs at {px_text(result.stop_px)} now."

    async def _flatten(self, order: Order, why: str) -> str:
        target = order.target if order.deed is Deed.FLATTEN else ""
        report = await self._door.flatten(target, why, wait_s=FLATTEN_WAIT_S)
        if report.is_flat:
            return "Flat: nothing of ours is held."
        left = ", ".join(f"{qty_text(row.position_qty)} {row.symbol}" for row in report.rows)
        return f"Not flat yet: {left}. The engine goes on with it."
