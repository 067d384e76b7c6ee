"""``surefill alerts [test | silence CODE]``: the channels that alerts take to people.

What: without a word: every channel, how the engine and the watchdog found it, what is silenced.
``test`` sends a message on each and says which arrived; ``silence`` holds one code back for a while
(``--undo``: no more).
Invariants: `test` ends with 3 when a channel does not work; what is silenced is still logged, and
told when the silence is over.
Must never: show an address of a channel.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from surefill.alerts.channels import Channel, Channels, read_channels
from surefill.alerts.health import ROLES, ChannelHealth, health_of
from surefill.alerts.letter import Writer
from surefill.alerts.post import SENT, Post
from surefill.alerts.silences import HOURS_MAX, Silence, Silences, silences_path
from surefill.cli.account import load
from surefill.cli.act import add_who, who
from surefill.cli.exits import Exit
from surefill.cli.output import Table, clean, emit, say, show
from surefill.config import ALERTS_NAME, ConfigError, Settings
from surefill.runtime.account import journal_path, machine_clock
from surefill.runtime.telling import CODES, place_of

MINUTE_NS = 60_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill alerts``."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    acts = parser.add_subparsers(dest="act", metavar="test|silence")
    test = acts.add_parser("test", help="send a message on every channel; which arrived?")
    test.add_argument("channel", nargs="?", metavar="CHANNEL", help="on this one only")
    test.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    silence = acts.add_parser("silence", help="hold one alert's messages back for a while")
    silence.add_argument("code", metavar="CODE", help="the alert's code: docs/alerts.md")
    silence.add_argument("--minutes", type=int, metavar="N", default=60, help="default: 60")
    silence.add_argument("--undo", action="store_true", help="tell it again from now on")
    add_who(silence)


def run(args: argparse.Namespace) -> int:
    """Do it; return an `Exit` code."""
    try:
        settings = load()
        channels = read_channels(settings.alerts)
    except ConfigError as error:
        say(f"surefill alerts: {error}")
        return Exit.USAGE
    match args.act:
        case "silence":
            return _silence(settings, args)
        case "test":
            return _test(settings, channels, args)
        case _:
            return _show(settings, channels, as_json=args.json)


def _test(settings: Settings, channels: Channels, args: argparse.Namespace) -> Exit:
    chosen = [one for one in channels.all if args.channel in (None, one.name)]
    if not chosen:
        return _nothing(args.channel)
    writer = Writer(where=place_of(settings, "a test"), runbook=channels.runbook)

    def send(channel: Channel) -> str:
        return Post(channel.url).send(writer.test(channel.name, channel.told))

    with ThreadPoolExecutor(len(chosen)) as pool:
        codes = list(pool.map(send, chosen))
    for channel, code in zip(chosen, codes, strict=True):
        if args.json:
            emit({"channel": channel.name, "works": code == SENT, "code": code})
        else:
            show([f"{channel.name}: {'works' if code == SENT else f'fails: {code}'}"])
    return Exit.DONE if set(codes) == {SENT} else Exit.UNAVAILABLE


def _nothing(name: str | None) -> Exit:
    if name is not None:
        say(f"surefill alerts: there is no channel {clean(name)}")
    else:
        say(f"surefill alerts: no channel; {ALERTS_NAME} names a file of them: docs/channels.md")
    return Exit.USAGE


def _silence(settings: Settings, args: argparse.Namespace) -> Exit:
    if args.code not in CODES:
        say(f"surefill alerts: {clean(args.code)} is no alert; one of {', '.join(CODES)}")
        return Exit.USAGE
    if not 1 <= args.minutes <= HOURS_MAX * 60:
        say(f"surefill alerts: --minutes is 1 to {HOURS_MAX * 60}")
        return Exit.USAGE
    now = machine_clock().now_ns()
    until_ns = now + args.minutes * MINUTE_NS
    silence = None if args.undo else Silence(until_ns, who(args), clean(args.why)[:200])
    try:
        Silences(silences_path(journal_path(settings))).put(args.code, silence, now=now)
    except OSError as error:
        say(f"surefill alerts: the silence cannot be written ({error.strerror})")
        return Exit.UNAVAILABLE
    if args.json:
        emit({"code": args.code, "until_ns": None if args.undo else until_ns})
    elif args.undo:
        show([f"{args.code} is told again."])
    else:
        show(
            [
                f"{args.code} is not told until {_time(until_ns)}; it is logged, and what came is "
                "told then. Back with --undo."
            ]
        )
    return Exit.DONE


def _show(settings: Settings, channels: Channels, *, as_json: bool) -> Exit:
    if not channels.all:
        return _nothing(None)
    journal = journal_path(settings)
    found = health_of(journal)
    silences = Silences(silences_path(journal)).now(machine_clock().now_ns())
    if as_json:
        for channel in channels.all:
            row: dict[str, object] = {"channel": channel.name, "least": channel.least.value}
            emit(row | {role: _object(found[role].get(channel.name)) for role in ROLES})
        for code, one in silences.items():
            emit({"silenced": code, "until_ns": one.until_ns, "by": one.by, "why": one.why})
        return Exit.DONE
    rows = [
        (one.name, one.least.value, *(_words(found[role].get(one.name)) for role in ROLES))
        for one in channels.all
    ]
    show([Table("Alert channels", rows, ("channel", "from", *ROLES)), *_silenced(silences)])
    if len(channels.all) == 1:
        show(["One channel only: when it fails, nobody hears of it. Two are better."])
    return Exit.DONE


def _silenced(silences: Mapping[str, Silence]) -> list[str]:
    return [
        f"{code} is silenced until {_time(one.until_ns)} by {one.by}: {one.why or 'no reason'}"
        for code, one in silences.items()
    ]


def _object(health: ChannelHealth | None) -> dict[str, object] | None:
    if health is None:
        return None
    return {
        "state": health.state.value,
        "since_ns": health.since_ns,
        "sent_ns": health.sent_ns,
        "code": health.code,
        "waiting": health.waiting,
    }


def _words(health: ChannelHealth | None) -> str:
    if health is None:
        return "not tried yet"
    why = f" ({health.code})" if health.code else ""
    return f"{health.state.value.lower()}{why} since {_time(health.since_ns)}"


def _time(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000, tz=UTC):%Y-%m-%d %H:%M} UTC"
