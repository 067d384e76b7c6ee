"""Errors that callers of Surefill meet: a code to branch on and a sentence to read.

A trade that is denied, rejected or not entered is no error: it is a result with a reason. An error
says that Surefill could not do its work at all. The journal's own (`ports.JournalError`) has the
same two fields.
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """What went wrong, sorted by what to do next."""

    KEYS_MISSING = "KEYS_MISSING"
    """No credentials in the settings."""
    KEYS_REFUSED = "KEYS_REFUSED"
    """The broker does not accept the credentials: no later try will help. Nothing was sent."""
    BROKER_UNAVAILABLE = "BROKER_UNAVAILABLE"
    """The broker cannot be reached or does not answer in time. Nothing was sent."""
    LIVE_NOT_CONFIRMED = "LIVE_NOT_CONFIRMED"
    """The address is real money and nobody typed this account's number. Nothing was sent."""
    LIVE_OTHER_ACCOUNT = "LIVE_OTHER_ACCOUNT"
    """The keys belong to another account than the one confirmed. No entry was sent."""
    START_INCOMPLETE = "START_INCOMPLETE"
    """The start did not get a complete picture of the account in time (I25)."""
    PLAN_ID_REUSED = "PLAN_ID_REUSED"
    """This plan id belongs to another plan."""
    TRADE_UNKNOWN = "TRADE_UNKNOWN"
    """No trade or plan of this id is in the journal."""
    ENGINE_STOPPED = "ENGINE_STOPPED"
    """The engine ended by an error of its own; orders at the broker stay as they are."""
    FENCED = "FENCED"
    """Another process took the account over: this one sends nothing any more. Look at that one."""
    NOT_STARTED = "NOT_STARTED"
    """Use it inside ``with`` (or between start and close)."""
    NOTHING_TO_CLOSE = "NOTHING_TO_CLOSE"
    """A closing order (no price) where no trade of ours is open."""
    STOP_NOT_TIGHTER = "STOP_NOT_TIGHTER"
    """A stop only tightens, and only where shares are held. Nothing was changed."""
    CONTROL_UNREACHABLE = "CONTROL_UNREACHABLE"
    """No running engine of this account takes requests."""
    CONTROL_REFUSED = "CONTROL_REFUSED"
    """The engine does not take this client: token, version or a line that is no request."""
    CONTROL_BUSY = "CONTROL_BUSY"
    """More requests at once than one client may have. This one was not begun."""
    CONTROL_LOST = "CONTROL_LOST"
    """The connection was lost before the answer: it may have happened, look before repeating."""
    ALERTS_INVALID = "ALERTS_INVALID"
    """The alert channels cannot be read. Nothing was sent."""
    LOG_UNWRITABLE = "LOG_UNWRITABLE"
    """The log file cannot be written."""


class SurefillError(Exception):
    """Surefill could not do its work. ``code`` and ``sentence`` say why and what to do."""

    def __init__(self, code: ErrorCode, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
