"""``surefill exchange``: serve an exchange that speaks Alpaca's protocols.

What: build the venue that the arguments ask for, bind, print the lines to copy into a client, and
serve until interrupted. Why: anybody's Alpaca program can be tried against it with only its URL
changed.
Invariants: loopback unless another host is named, which prints a warning; a taken port is a
sentence, not a traceback.
Must never: print or log a key's secret.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from surefill.cli.exits import Exit
from surefill.core.session import SessionKind
from surefill.core.units import NANO, UnitError, to_nano
from surefill.runtime.clock import SystemClock
from surefill.sim.alpaca.app import ConfigError, ExchangeConfig, Venue, build
from surefill.sim.alpaca.keys import KeyFileError
from surefill.sim.alpaca.server import listen, make_server, server_app
from surefill.sim.alpaca.snapshot import records, restore
from surefill.sim.alpaca.switch_notes import lines as switch_lines
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.alpaca.text import new_york_date, parse_stamp, stamp_new_york
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.faults import FaultError
from surefill.sim.market import TapeError
from surefill.sim.pacing import PaceError
from surefill.sim.snapshot_file import SnapshotError, load, save
from surefill.sim.switches import SwitchError

FRESH: Mapping[str, object] = {
    "seed": None,
    "date": None,
    "start": None,
    "model": None,
    "switch": [],
    "keys": None,
    "fee": "0",
    "faults": None,
    "latency": "default",
    "borrow": "0",
    "speed": "1",
}
"""What the arguments are when nobody gives them."""
DECIDED_BY_SNAPSHOT = tuple(name for name in FRESH if name != "speed")
DEFAULT_PORT = 8700
NOW = "now"
DAY_NS = 86_400 * NANO
LONGEST_CLOSED_DAYS = 14
PORTS = 65_536


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of design, section 9."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free port")
    market = parser.add_mutually_exclusive_group()
    market.add_argument("--tape", type=Path, help="recorded tape: a file or a folder")
    market.add_argument("--seed", type=int, help="synthetic market from this seed")
    parser.add_argument("--date", type=int, help="which day of the tape (yyyymmdd)")
    parser.add_argument(
        "--start",
        help="where the venue's clock starts: RFC 3339, or now; by default in an open market",
    )
    parser.add_argument("--speed", default="1", help="venue seconds per second")
    parser.add_argument("--model", choices=("queue", "paper", "touch"), help="how orders fill")
    parser.add_argument("--control", action="store_true", help="serve the /sim/ routes")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--switches", action="store_true", help="list the switches and end")
    parser.add_argument("--load", type=Path, metavar="FILE", help="go on from a snapshot")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write a snapshot at the end, or when /sim/ asks"
    )
    parser.add_argument("--keys", type=Path, help="JSON file that names the accounts")
    parser.add_argument("--fee", default="0", help="fee per executed share in USD")
    parser.add_argument("--faults", type=Path, help="JSON file of faults and when to arm them")
    parser.add_argument("--borrow", default="0", metavar="BPS", help="yearly cost of shorts")
    parser.add_argument(
        "--latency",
        default="default",
        help="default (log-normal), constant:MS, none, or a JSON file of recorded delays",
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="listen on an address others can reach"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if args.switches:
        sys.stdout.write("\n".join(switch_lines()) + "\n")
        return Exit.DONE
    if not 0 <= args.port < PORTS:
        return _refuse(f"--port {args.port}: expected 0 to {PORTS - 1}")
    if not _is_loopback(args.host) and not args.allow_remote:
        return _refuse(
            f"{args.host} can be reached by others and the exchange has no protection against "
            "them; add --allow-remote if that is what you want"
        )
    try:
        config = config_of(args)
        venue = _venue_of(args, config)
    except (ConfigError, FaultError, SwitchError, KeyFileError, PaceError, TapeError) as error:
        return _refuse(str(error))
    except SnapshotError as error:
        return _refuse(str(error), Exit.UNAVAILABLE)
    return _serve(venue, args)


def _venue_of(args: argparse.Namespace, config: ExchangeConfig) -> Venue:
    """A new exchange, or that of a snapshot."""
    clock = SystemClock()
    if args.load is None:
        keeps_time = args.start == NOW
        if keeps_time and (args.tape is not None or args.seed is not None):
            raise ConfigError("--start now is for an empty market; a tape has its own day")
        wall_ns = clock.now_ns if keeps_time else lambda: open_market_ns(clock.now_ns())
        return build(config, reading_ns=clock.now_ns, wall_ns=wall_ns)
    asked = [f"--{name}" for name in DECIDED_BY_SNAPSHOT if getattr(args, name) != FRESH[name]]
    if asked:
        raise ConfigError(f"the snapshot decides {', '.join(asked)}: leave it out with --load")
    venue = restore(load(args.load), machine=config, reading_ns=clock.now_ns)
    if args.speed != FRESH["speed"] and not venue.clock.is_pinned:
        venue.clock.run(config.speed_ppb)
    return venue


def open_market_ns(now_ns: int) -> int:
    """``now_ns``, or half an hour into the next regular session when there is none now: whoever
    tries the exchange on a Sunday sees orders fill."""
    calendar = us_equity_calendar(
        _date_of(now_ns - DAY_NS), _date_of(now_ns + LONGEST_CLOSED_DAYS * DAY_NS)
    )
    if calendar.kind_at(now_ns) is SessionKind.RTH:
        return now_ns
    next_ns = calendar.next_open_ns(now_ns)
    assert next_ns is not None, "no exchange holiday is that long"
    return next_ns + DAY_NS // 48


def _date_of(ns: int) -> int:
    return int(new_york_date(ns).replace("-", ""))


def config_of(args: argparse.Namespace) -> ExchangeConfig:
    """The configuration of these arguments; `ConfigError` or `SwitchError` when they clash."""
    switches, face = split_pairs(args.switch)
    latency, samples = _latency(args.latency)
    config = ExchangeConfig(
        tape=args.tape,
        tape_date=args.date,
        seed=args.seed,
        start_ns=_start_ns(args.start),
        speed_ppb=_speed_ppb(args.speed),
        switches=switches,
        face=face,
        keys_path=args.keys,
        faults_path=args.faults,
        fee_per_share_usd=_fee_usd(args.fee),
        borrow_bps=_bps(args.borrow),
        latency=latency,
        latency_samples=samples,
        id_seed=args.seed or 0,
    )
    return config if args.model is None else config.with_model(args.model)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host:port`` as it stands in a URL."""
        is_any = self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if is_any else self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def banner(address: Address, *, title: str, now_ns: int, with_control: bool) -> str:
    """What to copy into a client."""
    at = address.authority
    lines = [
        f"Surefill exchange on http://{at}",
        f"Market: {title}",
        f"Venue time {stamp_new_york(now_ns // NANO * NANO)}",
        "",
        "Any key pair opens its own account with $100,000 on first use.",
        "For alpaca-py:",
        f'  TradingClient("KEY", "SECRET", url_override="http://{at}")',
        f'  TradingStream("KEY", "SECRET", url_override="ws://{at}/stream")',
        f'  StockDataStream("KEY", "SECRET", url_override="ws://{at}/v2/iex")',
        f'  StockHistoricalDataClient("KEY", "SECRET",\n    url_override="http://{at}")',
        "For Surefill, alpaca-trade-api and other programs that read the environment:",
        "  export APCA_API_KEY_ID=KEY",
        "  export APCA_API_SECRET_KEY=SECRET",
        f"  export APCA_API_BASE_URL=http://{at}",
        f"  export APCA_API_DATA_URL=http://{at}",
        f"  export APCA_API_STREAM_URL=ws://{at}/stream",
    ]
    if with_control:
        lines += ["Control routes:", f"  http://{at}/sim/  (nbbo, print, status, clock, faults)"]
    return "\n".join(lines) + "\n"


def _banner_of(venue: Venue, address: Address, args: argparse.Namespace) -> str:
    now_ns = venue.clock.now_ns()
    shown = banner(address, title=venue.title, now_ns=now_ns, with_control=args.control)
    if venue.exchange.calendar.kind_at(now_ns) is not SessionKind.RTH:
        next_ns = venue.exchange.calendar.next_open_ns(now_ns)
        opens = stamp_new_york(next_ns) if next_ns is not None else "an unknown time"
        shown += f"The market is closed until {opens}: orders wait for it.\n"
    return shown


def _serve(venue: Venue, args: argparse.Namespace) -> int:
    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        return _refuse(
            f"port {args.port} on {args.host} cannot be used: {error.strerror}; "
            "choose another with --port",
            Exit.UNAVAILABLE,
        )
    address = Address(args.host, bound.getsockname()[1])
    if not _is_loopback(args.host):
        sys.stderr.write(f"warning: {args.host} can be reached by others; no protection\n")
    sys.stdout.write(_banner_of(venue, address, args))
    sys.stdout.flush()
    server = make_server(venue, with_control=args.control, save_path=args.save)
    try:
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[bound]))
    except KeyboardInterrupt:
        pass  # uvicorn has already ended its connections; Ctrl-C is how one stops a server
    return Exit.DONE if args.save is None else _save_last(server_app(server).venue, args.save)


def _save_last(venue: Venue, path: Path) -> int:
    """Write what is there at the end."""
    try:
        save(path, records(venue))
    except SnapshotError as error:
        return _refuse(str(error), Exit.UNAVAILABLE)
    sys.stdout.write(f"Saved to {path}; go on with: surefill exchange --load {path}\n")
    return Exit.DONE


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _start_ns(text: str | None) -> int | None:
    if text is None or text == NOW:
        return None
    ns = parse_stamp(text)
    if ns is None:
        raise ConfigError(f"--start {text}: expected an RFC 3339 time, or {NOW}")
    return ns


def _fee_usd(text: str) -> int:
    try:
        fee_usd = to_nano(text)
    except UnitError as error:
        raise ConfigError(f"--fee {text}: {error}") from None
    if fee_usd < 0:
        raise ConfigError(f"--fee {text}: must not be negative")
    return fee_usd


def _bps(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"--borrow {text}: expected a whole number of basis points")
    return int(text)


def _latency(text: str) -> tuple[str, dict[str, tuple[int, ...]]]:
    """The word, or the recorded delays of a file: ``{"UP": [12.5, 14], ...}`` in milliseconds."""
    if not text.endswith(".json"):
        return text, {}
    try:
        rows = json.loads(Path(text).read_text(encoding="utf-8"), parse_float=Decimal)
        samples = {
            str(kind): tuple(int(Decimal(ms) * 1_000) for ms in values)
            for kind, values in rows.items()
        }
    except OSError as error:
        raise ConfigError(f"--latency {text}: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        raise ConfigError(
            f"--latency {text}: expected an object of lists of milliseconds"
        ) from None
    return "default", samples


def _speed_ppb(text: str) -> int:
    try:
        speed = Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"--speed {text}: expected a number") from None
    if not speed.is_finite():
        raise ConfigError(f"--speed {text}: expected a number")
    return int(speed * NANO)


def _refuse(sentence: str, code: Exit = Exit.USAGE) -> Exit:
    sys.stderr.write(f"surefill exchange: {sentence}\n")
    return code
