"""Real money only where a person typed the number of the account.

What: `permit_of` (the newest confirmation in the journal, or why there is none), `must_be_account`
(that the broker serves the very account confirmed).
Why: one wrong line in a ``.env`` must not be enough to trade real money (failures.md C.6, 9 and
10). `surefill live` writes the confirmation; it stands in the journal with who, when and why.
Invariants: an address that is neither this machine nor the broker's paper host is real money; a
confirmation counts for one host and one account number; the newest word wins, so it can be ended.
Must never: take the absence of an answer for a yes.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.events import Account
from surefill.ports import Journal
from surefill.runtime.account import host_of, is_real_money
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.notes import last_note

CONFIRMED = "live confirmed"
ENDED = "live ended"
HOST, ACCOUNT = "host", "account"
"""Facts of the note."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What a person confirmed, in record ``seq``."""

    seq: int
    host: str
    account_id: str
    by: str


def masked(account_id: str) -> str:
    """An account number as people may see it in a log: its last three characters."""
    return f"...{account_id[-3:]}" if len(account_id) > 3 else "..."


def permit_of(journal: Journal, base_url: str) -> Permit | None:
    """The permission that this journal holds; ``None`` where none is needed.

    Raises `SurefillError` (LIVE_NOT_CONFIRMED) and `JournalError`.
    """
    if not is_real_money(base_url):
        return None
    host, found = host_of(base_url), last_note(journal, (CONFIRMED, ENDED))
    if found is not None and found[1].topic == CONFIRMED:
        facts = dict(found[1].facts)
        if facts.get(HOST) == host and facts.get(ACCOUNT):
            return Permit(found[0], host, facts[ACCOUNT], found[1].by)
    sentence = f"{host} is real money, and nobody has confirmed this account: `surefill live` asks "
    sentence += "for its number. Nothing was sent"
    raise SurefillError(ErrorCode.LIVE_NOT_CONFIRMED, sentence)


def must_be_account(permit: Permit | None, account: Account | None) -> None:
    """Raises `SurefillError` (LIVE_OTHER_ACCOUNT) unless the broker serves what was confirmed."""
    if permit is None:
        return
    served = account.account_id if account is not None else ""
    if served != permit.account_id:
        sentence = f"the keys belong to account {masked(served)}, confirmed was "
        sentence += f"{masked(permit.account_id)} (record {permit.seq}, by {permit.by}). "
        sentence += "No entry was sent; `surefill live` confirms another account"
        raise SurefillError(ErrorCode.LIVE_OTHER_ACCOUNT, sentence)
