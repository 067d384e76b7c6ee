"""Which path a plan is given to, when a part of them goes to each: by its id, before anything else.

What: `takes_smart`, the assignment of a gradual rollout.
Formula: the first 64 bits of BLAKE2b over ``salt:plan_id``, as a number below 2**64; the smart path
takes the plan when that lies in the lowest ``percent`` hundredths. Source: hash assignment of
online experiments (Kohavi, Tang & Xu, *Trustworthy Online Controlled Experiments*, 2020, ch. 14).
Invariants: the same plan gets the same path on every attempt and after every restart; raising the
percentage moves plans to the smart path only, never back. The path is decided before the gate and
stays with a plan that is denied or never filled (intention to treat).
Must never: look at the market, the plan's size or what became of other plans.
"""

from __future__ import annotations

from hashlib import blake2b

HASH_BYTES = 8


def takes_smart(plan_id: str, *, salt: str, percent: int) -> bool:
    """Whether the plan belongs to the ``percent`` hundredths of all that go the smart way."""
    digest = blake2b(f"{salt}:{plan_id}".encode(), digest_size=HASH_BYTES).digest()
    return int.from_bytes(digest) * 100 < percent << (8 * HASH_BYTES)
