"""``surefill serve``: the HTTP API, in a process of its own beside ``surefill run``.

What: token file, address, server, until SIGTERM or SIGINT; ``--rotate`` makes new tokens.
Why its own process, at lower priority: whatever is done to it, the engine covers as before.
Invariants: loopback unless a person names another address, and then only with TLS; where the
tokens are is said, what they are never.
Must never: hold the journal, or start when its tokens could be read by others.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import os
import signal
import sys
from pathlib import Path

from surefill.cli.account import journal_of, load
from surefill.cli.act import complaint
from surefill.cli.exits import Exit
from surefill.cli.output import emit, say
from surefill.config import ConfigError, Settings
from surefill.ports import JournalError
from surefill.runtime.account import machine_clock
from surefill.runtime.logs import LOGGER_NAME
from surefill.service.tokens import Role, TokenError, TokenFile, token_path

logger = logging.getLogger(LOGGER_NAME)

DEFAULT_PORT = 8710
PORTS = 65_536
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
NICE = 5
"""Behind the engine when there are more processes than cores."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill serve``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free port")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on an address others can reach; needs --tls-cert, --tls-key and --name",
    )
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate (PEM)")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key (PEM)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="a host name by which clients may address it, beside localhost",
    )
    parser.add_argument(
        "--rotate",
        action="append",
        choices=[*Role, "all"],
        help="make a new token for this role and end; a running server takes it at once",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object when it is ready")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; return an `Exit` code."""
    problem = _problem(args)
    if problem is not None:
        say(f"surefill serve: {problem}")
        return Exit.USAGE
    try:
        settings = load()
        tokens = TokenFile(token_path(journal_of(settings).path.absolute()))
        if args.rotate:
            return _rotate(tokens, args.rotate)
        if tokens.ensure():
            say(f"new tokens for {', '.join(Role)}: {tokens.path}")
        return _serve(settings, tokens, args)
    except TokenError as error:
        say(f"surefill serve: {error}")
        return Exit.UNAVAILABLE
    except (ConfigError, JournalError) as error:
        return complaint("serve", error)


def _problem(args: argparse.Namespace) -> str | None:
    if not 0 <= args.port < PORTS:
        return f"--port {args.port}: expected 0 to {PORTS - 1}"
    if (args.tls_cert is None) != (args.tls_key is None):
        return "--tls-cert and --tls-key belong together"
    if is_loopback(args.host):
        return None
    if not args.allow_remote:
        return f"{args.host} can be reached by others; add --allow-remote if that is what you want"
    if args.tls_cert is None:
        return "others would see the tokens on their way: give --tls-cert and --tls-key"
    return None if args.name else "say by which --name clients address it"


def _rotate(tokens: TokenFile, words: list[str]) -> int:
    roles = list(Role) if "all" in words else [Role(word) for word in words]
    tokens.rotate(*roles)
    say(f"new tokens for {', '.join(roles)}: {tokens.path}")
    return Exit.DONE


def _serve(settings: Settings, tokens: TokenFile, args: argparse.Namespace) -> int:
    from surefill.service.app import application  # the extra, and the engine's client
    from surefill.service.door import Door
    from surefill.service.guard import Names
    from surefill.service.reader import Reader
    from surefill.service.routes import Desk
    from surefill.service.server import Tls, listen, make_server

    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        say(f"surefill serve: {args.host} port {args.port}: {error.strerror}; choose another")
        return Exit.UNAVAILABLE
    port = bound.getsockname()[1]
    tls = None if args.tls_cert is None else Tls(args.tls_cert, args.tls_key)
    _log_to_stderr()
    os.nice(NICE)

    async def serve() -> None:
        desk = Desk(settings, Reader(journal_of(settings)), Door(settings))
        names = Names.of(port, *args.name)
        app = application(desk, tokens=tokens, names=names, now_ns=machine_clock().now_ns)
        server = make_server(app, tls=tls)
        for number in STOP_SIGNALS:
            # uvicorn takes them while it serves, ends, and raises them again: that is no crash.
            asyncio.get_running_loop().add_signal_handler(number, logger.debug, "stopped")
        await server.serve(sockets=[bound])

    _tell_ready(tokens, f"{'https' if tls else 'http'}://{_authority(args.host, port)}", args)
    try:
        asyncio.run(serve())
    except OSError as error:
        say(f"surefill serve: the certificate cannot be used ({error.strerror})")
        return Exit.USAGE
    finally:
        bound.close()
    return Exit.DONE


def _tell_ready(tokens: TokenFile, url: str, args: argparse.Namespace) -> None:
    if args.json:
        emit({"event": "ready", "url": url, "pid": os.getpid(), "tokens": str(tokens.path)})
    say(f"HTTP API on {url}, tokens in {tokens.path}")


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
