"""``surefill metrics``: what the journal says of slippage, refusals, cover and reward.

What: the metrics of any period as a table, as CSV or as JSON; ``--by`` splits them; ``--alerts``
evaluates the alert rules, prints what is broken and appends it to ``alerts.log`` beside the log.
Why a file of its own: the executor rotates its log, and two processes cannot rotate one file.
Invariants: nothing but the journal is read; what is not known is shown as ``-``, never as 0; a day
is a day in New York, and ``--until`` includes its day. ``--alerts`` ends with 1 when a rule is
broken, so that a timer can act on it.
Must never: take the journal's lease.
"""

from __future__ import annotations

import argparse
import csv
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from surefill.cli.account import chosen_journal, load
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.config import ConfigError, Settings
from surefill.core.units import to_usd_text
from surefill.ports import JournalError
from surefill.runtime.account import JournalSource, machine_clock, read_journal
from surefill.runtime.logs import LOGGER_NAME, LineFormatter
from surefill.tca.history import History, read_history
from surefill.tca.metrics import Group, Metrics, Quantiles, Sample, by_group, metrics_of
from surefill.tca.rules import Alert, Severity, alerts_of
from surefill.tca.text import UNKNOWN, bps, decimal_text, excursion, percent, ratio, seconds

NEW_YORK = ZoneInfo("America/New_York")
ALERTS_FILE = "alerts.log"
GROUP_HEAD = ("plans", "refused", "filled", "slip", "shortfall", "R/R", "bare max", "R")
QUALITY_HEAD = ("closed", "R", "hit", "MAE R", "MFE R", "MAE USD", "MFE USD", "unknown")
_Text = Callable[[int], str]
_LEVELS = {Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill metrics``."""
    parser.add_argument("--since", metavar="DATE", type=day, help="first day, as in 2026-11-20")
    parser.add_argument("--until", metavar="DATE", type=day, help="last day, included")
    parser.add_argument("--by", choices=[group.value for group in Group], help="split by this")
    parser.add_argument(
        "--alerts", action="store_true", help="print and log broken alert rules (then exit code 1)"
    )
    parser.add_argument(
        "--journal", metavar="PATH", help="a journal file (default: that of the account)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="one row per group; ppb and ns, exact")
    form.add_argument("--json", action="store_true", help="one JSON object on stdout")


def day(text: str) -> date:
    """A calendar day. Raises ``ValueError``, which argparse reports."""
    return date.fromisoformat(text)


def start_of_ns(at: date) -> int:
    """The first instant of this day in New York, UTC ns."""
    return int(datetime.combine(at, time(), NEW_YORK).timestamp()) * 1_000_000_000


def run(args: argparse.Namespace) -> int:
    """Measure; return an `Exit` code."""
    try:
        settings = load()
    except ConfigError as error:
        say(f"surefill metrics: {error}")
        return Exit.USAGE
    try:
        source = chosen_journal(args.journal)
        if not source.exists():
            say(f"surefill metrics: no journal at {source}; name one with --journal")
            return Exit.UNAVAILABLE
        history = _read(source, args)
    except JournalError as error:
        say(f"surefill metrics: {error}")
        return Exit.UNAVAILABLE
    total = metrics_of(history.facts, history.incidents)
    groups = by_group(history, Group(args.by)) if args.by else ()
    alerts = alerts_of(total) if args.alerts else ()
    if args.csv:
        _print_csv([("all", total), *groups])
    elif args.json:
        emit(_as_object(args, total, groups, alerts=alerts))
    else:
        show(_blocks(args, total, groups, alerts=alerts))
    if alerts:
        try:
            log_alerts(alerts, settings)
        except OSError as error:  # they were printed; the exit code still says that there are some
            say(f"surefill metrics: the alerts could not be logged: {error}")
    return Exit.NOT_TRADED if alerts else Exit.DONE


def _read(source: JournalSource, args: argparse.Namespace) -> History:
    since_ns = start_of_ns(args.since) if args.since else None
    until_ns = start_of_ns(args.until + timedelta(days=1)) if args.until else None
    journal = read_journal(source)
    try:
        return read_history(journal).between(since_ns, until_ns)
    finally:
        journal.close()


def log_alerts(alerts: Sequence[Alert], settings: Settings) -> None:
    """Append the alerts to their log file, private like the other one."""
    formatter = LineFormatter(machine_clock())
    settings.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with open(os.open(settings.log_dir / ALERTS_FILE, flags, 0o600), "a", encoding="utf-8") as file:
        for alert in alerts:
            level = _LEVELS[alert.rule.severity]
            record = logging.LogRecord(LOGGER_NAME, level, "", 0, f"alert {alert}", None, None)
            file.write(formatter.format(record) + "\n")


def _print_csv(rows: Sequence[tuple[str, Metrics]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["group", *rows[0][1].to_dict()], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"group": name, **found.to_dict()} for name, found in rows)
    sys.stdout.write(text.getvalue())


def _as_object(
    args: argparse.Namespace,
    total: Metrics,
    groups: Sequence[tuple[str, Metrics]],
    *,
    alerts: Sequence[Alert],
) -> dict[str, object]:
    found: dict[str, object] = {
        "since": args.since.isoformat() if args.since else None,
        "until": args.until.isoformat() if args.until else None,
        "all": total.to_dict(),
    }
    if args.by:
        found["by"] = args.by
        found["groups"] = {name: one.to_dict() for name, one in groups}
    if args.alerts:
        found["alerts"] = [alert.to_dict() for alert in alerts]
    return found


def _blocks(
    args: argparse.Namespace,
    total: Metrics,
    groups: Sequence[tuple[str, Metrics]],
    *,
    alerts: Sequence[Alert],
) -> list[Block]:
    since, until = args.since or "the beginning", args.until or "now"
    title = f"Plans from {since} to {until} (costs positive, in basis points of the signal)"
    blocks: list[Block] = [Table(title, total_rows(total))]
    if groups:
        rows = [_group_row(name, found) for name, found in groups]
        right = frozenset(range(1, len(GROUP_HEAD) + 1))
        blocks.append(Table(f"By {args.by}", rows, head=(args.by, *GROUP_HEAD), right=right))
        quality = [_quality_row(name, found) for name, found in groups]
        title = f"Closed trades by {args.by} (USD a share; unknown: not watched throughout)"
        blocks.append(Table(title, quality, head=(args.by, *QUALITY_HEAD), right=right))
    if args.alerts and not alerts:
        blocks += ["", "Alerts: none, no rule is broken."]
    if alerts:
        rows = [
            (one.rule.severity.value, one.rule.code, f"{one.sentence}. To do: {one.rule.advice}.")
            for one in alerts
        ]
        blocks.append(Table("Alerts", rows))
    return blocks


def total_rows(found: Metrics) -> list[tuple[str, str]]:
    """The metrics of one group for people."""
    errors = ", ".join(f"{name} {count}" for name, count in found.errors) or "none"
    reasons = ", ".join(f"{name} {count}" for name, count in found.reasons) or "none"
    fates = (
        f"{found.plans}: {found.entered} entered ({found.closed} closed), {found.not_entered} not "
        f"entered, {found.rejected} rejected, {found.denied} denied, {found.pending} pending"
    )
    if found.not_triggered:
        fates += f", {found.not_triggered} never triggered"
    unknown = f"{found.excursion_unknown} unknown"
    shares = _spread(found.uncovered_share_ms, lambda ms: f"{decimal_text(ms, 1000, 1)} share-s")
    return [
        ("plans", fates),
        ("rejection rate", f"{percent(found.rejection_ppb)} (denied and rejected, of all plans)"),
        ("fill rate", f"{percent(found.fill_ppb)} (entered, of entered and not entered)"),
        ("slippage vs signal", _costs(found.slippage_vs_signal)),
        ("with what was missed", f"{_costs(found.shortfall)}, {found.shortfall_unknown} unknown"),
        ("use of the cap", _mean(found.cap_use, percent)),
        ("reward/risk at fill", f"{_lows(found.rr_signal)}, against the signal's own levels"),
        ("reward/risk of exits", f"{_lows(found.rr_exits)}, of the exits in place"),
        ("beyond the cap", str(found.beyond_cap)),
        ("system errors", errors),
        ("longest in doubt", seconds(found.doubt_longest_ns)),
        ("without a stop", _spread(found.uncovered_ns, seconds)),
        ("the same, weighted", shares),
        ("result", f"{_mean(found.result, ratio)} R, hit rate {percent(found.hit_ppb)}"),
        ("money made", _usd(found.pnl_usd)),
        ("against it (MAE)", f"{_excursions(found.mae, found.mae_px)}, {unknown}"),
        ("in favour (MFE)", _excursions(found.mfe, found.mfe_px)),
        ("reasons", reasons),
    ]


def _group_row(name: str, found: Metrics) -> tuple[str, ...]:
    bare = found.uncovered_ns
    return (
        name,
        str(found.plans),
        percent(found.rejection_ppb),
        percent(found.fill_ppb),
        _mean(found.slippage_vs_signal, bps),
        _mean(found.shortfall, bps),
        _mean(found.rr_signal, ratio),
        seconds(bare.high if bare else None),
        _mean(found.result, ratio),
    )


def _quality_row(name: str, found: Metrics) -> tuple[str, ...]:
    return (
        name,
        str(found.result.count if found.result else 0),
        _mean(found.result, ratio),
        percent(found.hit_ppb),
        _mean(found.mae, ratio),
        _mean(found.mfe, ratio),
        _mean(found.mae_px, ratio),
        _mean(found.mfe_px, ratio),
        str(found.excursion_unknown),
    )


def _mean(sample: Sample | None, text: _Text) -> str:
    return text(sample.mean) if sample else UNKNOWN


def _costs(sample: Sample | None) -> str:
    if sample is None:
        return UNKNOWN
    return f"{bps(sample.mean)} on average, {bps(sample.high)} at worst ({sample.count} plans)"


def _lows(sample: Sample | None) -> str:
    if sample is None:
        return UNKNOWN
    return f"{ratio(sample.mean)} on average, {ratio(sample.low)} at worst"


def _excursions(found: Sample | None, of_share: Sample | None) -> str:
    if found is None or of_share is None:
        return UNKNOWN
    mean, most = excursion(found.mean, of_share.mean), excursion(found.high, of_share.high)
    return f"{mean} on average, {most} at most"


def _spread(found: Quantiles | None, text: _Text) -> str:
    if found is None:
        return UNKNOWN
    return f"median {text(found.p50)}, p99 {text(found.p99)}, longest {text(found.high)}"


def _usd(nano: int | None) -> str:
    return UNKNOWN if nano is None else f"{to_usd_text(nano // 10_000_000 * 10_000_000)} USD"
