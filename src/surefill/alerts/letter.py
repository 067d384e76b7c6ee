"""What a message says: every kind in it, the worst first, what to do, and where the runbook is.

Invariants: a message has at most `BODY_MAX` characters and still names every kind in it; text from
outside is one printable line without any of the secrets.
Must never: leave a kind out because the message is long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from surefill.alerts.mailbox import Group
from surefill.alerts.silences import Silence
from surefill.secret import Secret
from surefill.tca.rules import RUNBOOK, Severity

BODY_MAX = 1_800
"""What the narrowest of the usual channels takes in one piece (2,000), with room for its title."""
LINE_MAX = 300


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to be sent. ``kind``: ``failure``, ``warning``, ``success`` or ``info``,
    which channels show as a colour."""

    title: str
    body: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes letters. ``where``: which process on which machine; ``runbook``: the address of the
    page; ``secrets``: what may be in nothing that leaves."""

    where: str
    runbook: str = RUNBOOK
    secrets: Sequence[Secret] = ()

    def write(self, groups: Sequence[Group], held: Mapping[str, Silence]) -> Letter:
        """The message of these kinds, the worst come first; ``held``: what is silenced now."""
        first = groups[0].latest
        count = f" and {len(groups) - 1} more" if len(groups) > 1 else ""
        title = f"Surefill: {_state(first.is_over, first.severity)} {first.code}{count}"
        foot = "\n".join([*self._silenced(held), f"from {self.where}"])
        room = BODY_MAX - len(foot) - 1
        blocks = [self._block(group) for group in groups]
        short = [f"{self._headline(group)} {self.link(group.latest.code)}" for group in groups]
        lines = []
        for n, block in enumerate(blocks):
            rest = sum(len(line) + 1 for line in short[n + 1 :])
            chosen = block if len(block) + 1 + rest <= room else short[n]
            room -= len(chosen) + 1
            lines.append(chosen)
        kind = "failure" if first.severity is Severity.CRITICAL else "warning"
        if all(group.latest.is_over for group in groups):
            kind = "success"
        return Letter(title, "\n".join([*lines, foot]), kind)

    def test(self, name: str, what: str) -> Letter:
        """The message of a self-test: this channel works."""
        body = f"Channel {name} works. It is told {what}.\nRunbook: {self.runbook}"
        return Letter("Surefill: test", f"{body}\nfrom {self.where}", "info")

    def link(self, code: str) -> str:
        """Where the runbook treats this code."""
        return f"{self.runbook}#{code.lower()}"

    def _silenced(self, held: Mapping[str, Silence]) -> list[str]:
        """So that nobody forgets what is not told."""
        if not held:
            return []
        ends_ns = min(silence.until_ns for silence in held.values())
        return [f"Silenced until {_clock(ends_ns)} UTC or later: {', '.join(sorted(held))}"]

    def _block(self, group: Group) -> str:
        notice = group.latest
        lines = [self._headline(group)]
        lines += [f"  {self.clean(sentence)}" for sentence in group.sentences]
        if not notice.is_over:
            lines.append(f"  First: {self.clean(notice.advice)}")
        return "\n".join([*lines, f"  Runbook: {self.link(notice.code)}"])

    def _headline(self, group: Group) -> str:
        notice = group.latest
        times = f"{_clock(notice.at_ns)} UTC"
        if group.count > 1:
            times = f"{group.count} times, {_clock(group.first_ns)} to {times}"
        about = f" {self.clean(notice.what)}" if notice.what else ""
        return f"{_state(notice.is_over, notice.severity)} {notice.code}{about} ({times})"

    def clean(self, text: str) -> str:
        """One printable line of bounded length without a secret."""
        return clean(text, self.secrets)[:LINE_MAX]


def clean(text: str, secrets: Iterable[Secret]) -> str:
    """``text`` without these secrets and without control characters."""
    for secret in secrets:
        text = text.replace(secret.reveal(), "***") if secret else text
    return "".join(char if char.isprintable() else " " for char in text)


def _state(is_over: bool, severity: Severity) -> str:
    return "over" if is_over else severity.value


def _clock(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000, tz=UTC):%m-%d %H:%M:%S}"
