"""Where log lines go, and the four that users search for.

What: handlers for stderr, ``<log dir>/surefill.log`` and, for programs, ``surefill.jsonl`` (both
rotated), the fixed lines of design section 5, redaction and neutralised line breaks at the sink.
Why at the sink: a secret or a line break in a broker's text must not get through whoever logged it
(I27, S8). Lines carry the engine's time, which is the venue's where that plays another day.
Invariants: one event is one line in each file; one pair of file handlers per directory however
many engines run.
Must never: fail a trade because a line could not be written.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from shutil import get_terminal_size
from typing import ClassVar

from surefill.config import Secret
from surefill.core.commands import Announce, Milestone
from surefill.core.reasons import ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.ports import Clock
from surefill.runtime import json_log
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.json_log import JsonFormatter, told
from surefill.runtime.redaction import Redactor
from surefill.runtime.result import TradeResult, result_of
from surefill.runtime.stepper import Decided

LOGGER_NAME = "smart_order_executor"
LOGGER_NAMES = (LOGGER_NAME, "surefill")
FILE_NAME = "surefill.log"
FILE_BYTES_MAX = 10_000_000
FILES_MAX = 10
"""100 MB in all of each kind: a year of a busy account, small enough for any disk."""

INITIALIZED = "Smart Order Executor initialized"
SUCCESSFUL = "Smart executor trade successful"
REJECTED = "Smart executor rejected trade"
NOT_ENTERED = "Smart executor not entered"
LEGACY_SUCCESSFUL = "Legacy trade successful"

FACTS = (
    "plan_id",
    "symbol",
    "side",
    "strategy",
    "is_legacy",
    "outcome",
    "order_qty",
    "entry_qty",
    "position_qty",
    "uncovered_qty",
    "avg_px",
    "stop_px",
    "target_px",
    "exit_avg_px",
    "slippage_vs_signal_bps",
    "slippage_vs_arrival_bps",
    "rr_at_fill",
    "r_realized",
    "pnl_usd",
    "uncovered_ns",
)
"""What a program learns of a trade with its line."""

logger = logging.getLogger(LOGGER_NAME)


class LineFormatter(logging.Formatter):
    """``2026-03-02T15:00:00.123Z ERROR smart_order_executor sentence``, one line, no secret."""

    def __init__(self, clock: Clock, redactor: Redactor | None = None) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._clock = clock
        self._redactor = redactor or Redactor()

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """The engine's time, not the machine's."""
        now = self._clock.now_ns()
        at = datetime.fromtimestamp(now // 1_000_000_000, tz=UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{now // 1_000_000 % 1000:03d}Z"

    def format(self, record: logging.LogRecord) -> str:
        """The whole record, traceback included, as one clean line."""
        return self._redactor.clean(super().format(record))


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read. A full disk costs its lines and nothing else:
    it is said once, without the line, which nobody has redacted yet."""

    _is_failing = _is_told = False

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return open(descriptor, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        self._is_failing = False
        super().emit(record)
        self._is_told = self._is_told and self._is_failing

    def handleError(self, record: logging.LogRecord) -> None:
        """The library's own way would print the arguments of the line."""
        self._is_failing = True
        if not self._is_told:
            self._is_told = True
            _complain(f"{self._shown_name} cannot be written ({type(sys.exc_info()[1]).__name__})")

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:
            _complain(f"{self._shown_name} lost its last lines ({error.strerror})")

    @property
    def _shown_name(self) -> str:
        return Path(self.baseFilename).name


class _Screen(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error: folded at words on a terminal, one line an event for everything else."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Nobody is there to be told."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if not self.stream.isatty():
            return line
        width = get_terminal_size().columns
        return textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False)


def _complain(text: str) -> None:
    try:
        sys.stderr.write(f"surefill: {text}\n")
    except (OSError, ValueError):
        pass  # a screen that is gone


@dataclass(slots=True)
class _Sink:
    """The handlers of one directory and how many engines use them."""

    redactor: Redactor
    handlers: tuple[logging.Handler, ...]
    users: int = 0


class LogSinks:
    """Handlers while an engine runs. Open it at the start, close it at the end."""

    _open: ClassVar[dict[Path, _Sink]] = {}

    def __init__(self, log_dir: Path, *, secrets: Iterable[Secret], clock: Clock) -> None:
        self._path = log_dir.absolute()
        self._secrets = tuple(secrets)
        self._clock = clock
        self._is_open = False

    def open(self) -> None:
        """Attach the handlers. Raises `SurefillError` when the file cannot be written."""
        if self._is_open:
            return
        sink = self._open_sinks().get(self._path)
        if sink is None:
            sink = self._attach()
        sink.redactor.hide(self._secrets)
        sink.users += 1
        self._is_open = True

    def close(self) -> None:
        """Detach them when nobody else logs there."""
        if not self._is_open:
            return
        self._is_open = False
        sink = self._open_sinks()[self._path]
        sink.users -= 1
        if sink.users:
            return
        del self._open_sinks()[self._path]
        for handler in sink.handlers:
            for name in LOGGER_NAMES:
                logging.getLogger(name).removeHandler(handler)
            handler.close()

    @classmethod
    def _open_sinks(cls) -> dict[Path, _Sink]:
        return cls._open

    def _attach(self) -> _Sink:
        redactor = Redactor()
        lines = LineFormatter(self._clock, redactor)
        objects = JsonFormatter(self._clock, redactor)
        handlers: list[logging.Handler] = []
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handlers.append(self._file(FILE_NAME, lines))
            handlers.append(self._file(json_log.FILE_NAME, objects))
        except OSError as error:
            for handler in handlers:
                handler.close()
            sentence = f"{self._path} cannot hold the log ({error.strerror}); set SUREFILL_LOG_DIR"
            raise SurefillError(ErrorCode.LOG_UNWRITABLE, sentence) from None
        if not logging.getLogger().handlers:
            # A program that has set up logging shows our lines its own way; ours would be doubles.
            screen = _Screen()
            screen.setFormatter(lines)
            handlers.append(screen)
        for handler in handlers:
            handler.setLevel(logging.INFO)
        for name in LOGGER_NAMES:
            named = logging.getLogger(name)
            if named.level == logging.NOTSET:
                named.setLevel(logging.INFO)
            for handler in handlers:
                named.addHandler(handler)
        sink = _Sink(redactor, tuple(handlers))
        self._open_sinks()[self._path] = sink
        return sink

    def _file(self, name: str, formatter: logging.Formatter) -> logging.Handler:
        handler = _PrivateFile(
            self._path / name,
            maxBytes=FILE_BYTES_MAX,
            backupCount=FILES_MAX - 1,
            encoding="utf-8",
        )
        handler.setFormatter(formatter)
        return handler


def report_decided(decided: Decided) -> None:
    """Log how far trades have come: the lines of design section 5."""
    denied = {denial.plan.plan_id: denial for denial in decided.denials}
    for command in decided.commands:
        if not isinstance(command, Announce):
            continue
        found: Trade | Denial | None = decided.trades.get(command.trade_id)
        if found is None:
            found = denied.get(command.trade_id)
        if found is not None:
            _report(result_of(found), command.milestone)


def _report(result: TradeResult, milestone: Milestone) -> None:
    match milestone:
        case Milestone.DENIED:
            _line(logging.ERROR, REJECTED, result, event="plan_denied")
        case Milestone.SETTLED if result.entry_qty:
            line = LEGACY_SUCCESSFUL if result.is_legacy else SUCCESSFUL
            logger.info("%s: %s", line, result.line, extra=_facts("trade_entered", result))
        case Milestone.SETTLED if result.code is ReasonCode.ENTRY_REJECTED:
            _line(logging.ERROR, REJECTED, result, event="entry_rejected")
        case Milestone.SETTLED:
            _line(logging.INFO, NOT_ENTERED, result, event="not_entered")
        case Milestone.CLOSED if result.entry_qty:
            logger.info("trade closed: %s", result.line, extra=_facts("trade_closed", result))
        case _:
            pass  # a trade that was never entered has its line already


def _line(level: int, line: str, result: TradeResult, *, event: str) -> None:
    words = (line, _why(result), result.plan_id)
    logger.log(level, "%s: %s [plan=%s]", *words, extra=_facts(event, result))


def _facts(event: str, result: TradeResult) -> dict[str, object]:
    found = result.to_dict()
    reasons = [reason.code.name for reason in result.reasons]
    return told(event, **{name: found[name] for name in FACTS}, reason_codes=reasons)


def _why(result: TradeResult) -> str:
    return "; ".join(str(reason) for reason in result.reasons) or "no reason given"
