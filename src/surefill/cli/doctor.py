"""``surefill doctor``: what is wrong and what to do, before it costs money.

What: gathers facts (settings, file modes, journal, disk, versions, one look at the broker) and
shows the checks of `runtime.checkup`.
Invariants: one broken part does not hide the others; exit 0 without a FAIL, 3 when the broker or
the journal cannot be used, 1 for any other FAIL.
Must never: repair anything.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from surefill import __version__
from surefill.alerts.channels import read_channels
from surefill.alerts.health import State, health_of
from surefill.cli.account import DOTENV, journal_of, load, look
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, show
from surefill.config import ConfigError, Settings
from surefill.ports import JournalError
from surefill.runtime import checkup
from surefill.runtime.account import has_own_time, is_real_money, journal_path
from surefill.runtime.checkup import Check, Level
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.standing import Standing, review, standing_of

PACKAGES = ("aiohttp", "msgspec", "python-dotenv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill doctor``."""
    parser.add_argument("--env", metavar="FILE", default=DOTENV, help="default: .env")
    parser.add_argument("--json", action="store_true", help="one JSON object a check on stdout")


def run(args: argparse.Namespace) -> int:
    """Examine; return an `Exit` code."""
    checks = list(examine(args.env))
    if args.json:
        for check in checks:
            emit(
                {
                    "check": check.name,
                    "level": check.level.value,
                    "found": check.found,
                    "advice": check.advice,
                }
            )
    else:
        show(_as_blocks(checks))
    return exit_of(checks)


def exit_of(checks: list[Check]) -> Exit:
    """0 without a FAIL; 3 when broker or journal cannot be used; else 1."""
    fails = [check for check in checks if check.level is Level.FAIL]
    if any(check.is_access for check in fails):
        return Exit.UNAVAILABLE
    return Exit.NOT_TRADED if fails else Exit.DONE


def examine(dotenv: str) -> Iterator[Check]:
    """Every check there is, in the order in which a start needs things."""
    yield checkup.versions_check(_versions(), python=sys.version_info[:2])
    yield checkup.dotenv_check(_mode_of(dotenv), dotenv)
    try:
        settings = load(dotenv)
    except ConfigError as error:
        for problem in error.problems:
            yield Check("settings", Level.FAIL, problem.sentence, "see docs/settings.md")
        return
    yield checkup.ok("settings", f"valid, digest {settings.digest()[:12]}")
    yield checkup.mode_check(settings)
    yield checkup.keys_check(settings)
    yield checkup.feed_check(settings)
    yield from _alert_checks(settings)
    standing = None
    source = journal_of(settings)
    yield checkup.disk_check(_free_bytes(source.path), str(source.path.parent))
    try:
        standing = standing_of(source) if source.exists() else None
    except JournalError as error:
        advice = "start the version that wrote it, or restore a backup"
        yield Check("journal", Level.FAIL, str(error), advice, is_access=True)
    else:
        if standing is None:
            yield checkup.ok("journal", f"none yet at {source}; the first start makes it")
        else:
            yield from checkup.journal_checks(standing)
    if settings.key_id:
        yield from _broker_checks(settings, standing)


def _alert_checks(settings: Settings) -> Iterator[Check]:
    try:
        channels = read_channels(settings.alerts).all
    except ConfigError as error:
        for problem in error.problems:
            yield Check("alerts", Level.FAIL, problem.sentence, "see docs/channels.md")
        return
    names = {channel.name for channel in channels}
    failing = {
        name: health.code
        for found in health_of(journal_path(settings)).values()
        for name, health in found.items()
        if name in names and health.state is State.FAILS
    }
    is_real = is_real_money(settings.base_url)
    yield checkup.channels_check(len(channels), failing, is_real_money=is_real)


def _broker_checks(settings: Settings, standing: Standing | None) -> Iterator[Check]:
    try:
        sight = look(settings, standing)
    except SurefillError as error:
        advice = "check the address, the network and the keys"
        is_access = error.code in (ErrorCode.BROKER_UNAVAILABLE, ErrorCode.KEYS_REFUSED)
        yield Check("broker", Level.FAIL, error.sentence, advice, is_access)
        return
    picture = sight.picture
    yield from checkup.account_checks(picture)
    yield checkup.budget_check(picture)
    yield checkup.clock_check(picture, has_own_time=has_own_time(settings))
    yield checkup.session_check(picture, now=sight.now)
    if standing is None:
        yield from checkup.stranger_checks(picture)
        return
    found = review(standing, settings, picture, now=sight.now)
    yield from checkup.read_checks(found)
    yield from checkup.trade_checks(found)
    yield from checkup.foreign_checks(found)


def _mode_of(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None


def _free_bytes(path: Path) -> int:
    """Free space where the journal is or will be."""
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _versions() -> dict[str, str]:
    found = {"surefill": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _as_blocks(checks: list[Check]) -> list[Block]:
    rows = [(check.level.value, check.name, check.found) for check in checks]
    blocks: list[Block] = [Table("Doctor", rows)]
    wrong = [check for check in checks if check.level is not Level.OK]
    if wrong:
        advice = [(check.level.value, check.name, check.advice) for check in wrong]
        blocks.append(Table("What to do", advice))
    fails = sum(check.level is Level.FAIL for check in checks)
    warns = len(wrong) - fails
    blocks.append(f"{len(checks)} checks: {fails} FAIL, {warns} WARN.")
    return blocks
