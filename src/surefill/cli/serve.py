"""``surefill serve``: the HTTP API and the dashboard, in a process of its own beside
``surefill run``.

What: token file, address, server, until SIGTERM or SIGINT; ``--rotate`` makes new tokens. Without
the extra `dashboard`, or with ``--no-dashboard``, the API alone.
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
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from surefill.cli.account import journal_of, load
from surefill.cli.act import complaint
from surefill.cli.checklist import judged_offline
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
    parser.add_argument("--no-dashboard", action="store_true", help="the HTTP API alone, no pages")
    parser.add_argument(
        "--tape",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="recorded tapes on which the dashboard draws trades of their days",
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
    from surefill.service.server import listen  # the extra

    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        say(f"surefill serve: {args.host} port {args.port}: {error.strerror}; choose another")
        return Exit.UNAVAILABLE
    port = bound.getsockname()[1]
    has_pages = not args.no_dashboard and _has_library()
    os.nice(NICE)
    url = f"{'https' if args.tls_cert else 'http'}://{_authority(args.host, port)}"
    _tell_ready(tokens, url, args, has_pages=has_pages)
    try:
        with _logging_to_stderr():
            asyncio.run(_served(settings, tokens, args, bound=bound, has_pages=has_pages))
    except OSError as error:
        say(f"surefill serve: the certificate cannot be used ({error.strerror})")
        return Exit.USAGE
    finally:
        bound.close()
    return Exit.DONE


async def _served(
    settings: Settings,
    tokens: TokenFile,
    args: argparse.Namespace,
    *,
    bound: socket.socket,
    has_pages: bool,
) -> None:
    from surefill.service.app import application  # the extra, and the engine's client
    from surefill.service.door import Door
    from surefill.service.guard import App, Names
    from surefill.service.reader import Reader
    from surefill.service.routes import Desk
    from surefill.service.server import Tls, make_server

    source, now_ns = journal_of(settings), machine_clock().now_ns
    port = bound.getsockname()[1]
    tls = None if args.tls_cert is None else Tls(args.tls_cert, args.tls_key)
    desk, names = Desk(settings, Reader(source), Door(settings)), Names.of(port, *args.name)
    async with AsyncExitStack() as stack:
        app: App
        if has_pages:
            from surefill.dashboard.site import furnish, running  # the extra `dashboard`

            house = furnish(
                desk,
                source,
                tokens=tokens,
                names=names,
                port=port,
                now_ns=now_ns,
                is_tls=tls is not None,
                tapes=args.tape,
                checklist=judged_offline,
            )
            await stack.enter_async_context(running(house.site, house.state))
            app = house.app
        else:
            app = application(desk, tokens=tokens, names=names, now_ns=now_ns)
        server = make_server(app, tls=tls, has_pages=has_pages)
        for number in STOP_SIGNALS:
            # uvicorn takes them while it serves, ends, and raises them again: that is no crash.
            asyncio.get_running_loop().add_signal_handler(number, logger.debug, "stopped")
        await server.serve(sockets=[bound])


def _has_library() -> bool:
    """Whether the pages' library is installed."""
    if find_spec("nicegui") is not None:
        return True
    say("the API alone; the dashboard needs an extra: pip install 'surefill[dashboard]'")
    return False


def _tell_ready(tokens: TokenFile, url: str, args: argparse.Namespace, *, has_pages: bool) -> None:
    if args.json:
        row: dict[str, object] = {"event": "ready", "url": url, "pid": os.getpid()}
        emit(row | {"tokens": str(tokens.path), "dashboard": has_pages})
    pages = "Dashboard and HTTP API" if has_pages else "HTTP API"
    say(f"{pages} on {url}, tokens in {tokens.path}")


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _logging_to_stderr() -> Iterator[None]:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
