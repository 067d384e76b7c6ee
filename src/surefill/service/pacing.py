"""How often somebody may ask the HTTP API, and how often somebody may be wrong.

What: `Pace` (requests a second of one role) and `LockOut` (wrong tokens of one address, with a
back-off that doubles).
Why distinct tokens are counted: a program that goes on with a rotated token is no guesser, and must
not lock its neighbours on this machine out. Why the kill switch passes both: it is wanted on the
worst day, and a guess at 256 bits is worth nothing.
Invariants: memory is bounded whatever is sent.
Must never: keep a token that was shown, only its digest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

SECOND_NS = 1_000_000_000
FREE_GUESSES = 10
"""Distinct wrong tokens of one address before it has to wait."""
LOCKED_S_MAX = 60
FORGET_NS = 600 * SECOND_NS
PEERS_MAX = 1_000
READS_PER_S = 200
ACTS_PER_S = 20
"""Each may cost the engine a turn; its own port takes 200 lines a second of one client."""

NowNs = Callable[[], int]


@dataclass(slots=True)
class _Peer:
    """Guesses of one address."""

    last_ns: int
    until_ns: int = 0
    locked_s: int = 0
    digests: set[bytes] = field(default_factory=set)


class LockOut:
    """address -> its wrong tokens."""

    def __init__(self, now_ns: NowNs) -> None:
        self._now_ns = now_ns
        self._peers: dict[str, _Peer] = {}

    def wait_s(self, address: str) -> int:
        """Seconds for which nothing of this address is compared; 0: it may try."""
        peer = self._peers.get(address)
        left_ns = peer.until_ns - self._now_ns() if peer is not None else 0
        return max(0, -(-left_ns // SECOND_NS))

    def failed(self, address: str, shown: str) -> None:
        """It showed a wrong token."""
        now = self._now_ns()
        peer = self._peers.pop(address, None)
        if peer is None or now - peer.last_ns > FORGET_NS:
            peer = _Peer(now)
        self._peers[address] = peer  # the one heard last is forgotten last
        peer.last_ns = now
        digest = blake2b(shown.encode(), digest_size=8).digest()
        if digest in peer.digests:
            return
        if len(peer.digests) < FREE_GUESSES:
            peer.digests.add(digest)
        else:
            peer.locked_s = min(LOCKED_S_MAX, max(1, peer.locked_s * 2))
            peer.until_ns = now + peer.locked_s * SECOND_NS
        if len(self._peers) > PEERS_MAX:
            del self._peers[next(iter(self._peers))]


class Pace:
    """So many requests in each second of one name."""

    def __init__(self, now_ns: NowNs, *, per_s: int) -> None:
        self._now_ns = now_ns
        self._per_s = per_s
        self._second = 0
        self._counts: dict[str, int] = {}

    def takes(self, name: str) -> bool:
        """Count one request; whether it is within the rate."""
        second = self._now_ns() // SECOND_NS
        if second != self._second:
            self._second, self._counts = second, {}
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name] <= self._per_s
