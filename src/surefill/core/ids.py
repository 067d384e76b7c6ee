"""Client order ids as functions of the intent: ``sf-<account tag>-<plan_id>-<leg letter><n>``.

What: minting and reading our own ids (FIX 11).
Why: a retry of the same intent must reuse its id and a new intent never may (I9, diary A-29, A-43);
an id that carries plan, leg and attempt lets a restart, a stream event or a person in the broker's
own UI find the trade without our journal.
Must never: depend on a clock, a random number or process state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

PREFIX = "sf"
PLAN_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
"""Callers choose the plan id; 64 characters keep the whole id within every broker's limit (128)."""

_CL_ORD_ID_PATTERN = re.compile(
    rf"{PREFIX}-(?P<tag>[0-9a-f]{{6}})-(?P<plan>{PLAN_ID_PATTERN.pattern})-(?P<leg>[EXTSF])(?P<n>[1-9][0-9]{{0,3}})"
)


class IdLeg(StrEnum):
    """The letter of an id: what the order is for."""

    ENTRY = "E"
    EXITS = "X"
    """An OCO group: the target order, whose stop the broker names itself."""
    TARGET = "T"
    """A replacement of a group's target."""
    STOP = "S"
    """A lone stop, or a replacement of a group's stop."""
    FLATTEN = "F"


@dataclass(frozen=True, slots=True)
class ParsedId:
    """The parts of one of our client order ids."""

    account_tag: str
    plan_id: str
    leg: IdLeg
    n: int


def account_tag(account: str) -> str:
    """Six hex digits that stand for an account in ids: the number itself stays private."""
    return blake2b(account.encode(), digest_size=3).hexdigest()


def cl_ord_id(tag: str, plan_id: str, *, leg: IdLeg, n: int) -> str:
    """The client order id of the ``n``-th order (from 1) of this leg of this plan.

    Raises ``ValueError`` for a plan id outside `PLAN_ID_PATTERN` or ``n`` outside 1..9999.
    """
    if not PLAN_ID_PATTERN.fullmatch(plan_id) or not 1 <= n <= 9999:
        raise ValueError(f"no client order id for plan {plan_id!r}, leg {leg}, number {n}")
    return f"{PREFIX}-{tag}-{plan_id}-{leg.value}{n}"


def parse_cl_ord_id(text: str) -> ParsedId | None:
    """The parts of an id of ours; ``None`` for anybody else's (I16: not ours, not touched)."""
    match = _CL_ORD_ID_PATTERN.fullmatch(text)
    if match is None:
        return None
    return ParsedId(match["tag"], match["plan"], IdLeg(match["leg"]), int(match["n"]))
