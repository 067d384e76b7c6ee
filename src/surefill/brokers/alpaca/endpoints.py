"""Which addresses belong to one account, and that no other address ever gets the keys.

What: the four base URLs (trading, data, order stream, market stream) from one setting.
Why: a misspelt or redirected host would receive the credentials (failures.md C.6, 16).
Invariants: beyond this machine only Alpaca's own hosts, only encrypted; on this machine any port.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from surefill.brokers.alpaca.translate.requests import FEED_WORDS
from surefill.core.fix import Feed

TRADING_HOSTS = frozenset({"api.alpaca.markets", "paper-api.alpaca.markets"})
DATA_HOSTS = frozenset({"data.alpaca.markets"})
STREAM_HOSTS = frozenset({"stream.data.alpaca.markets"})
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
PAPER_HOSTS = frozenset({"paper-api.alpaca.markets"})

ALPACA_DATA_URL = "https://data.alpaca.markets"
ALPACA_DATA_STREAM_URL = "wss://stream.data.alpaca.markets"


def plays_own_time(host: str) -> bool:
    """Whether this host may be a venue that plays another day: one on this machine."""
    return host in LOOPBACK_HOSTS


def is_practice(host: str) -> bool:
    """Whether orders there cost nothing. Everything that is not known to be practice is not."""
    return host in LOOPBACK_HOSTS or host in PAPER_HOSTS


class EndpointError(ValueError):
    """An address that must not be used; the sentence says which and why."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs without a trailing slash; streams are complete addresses."""

    trading_url: str
    data_url: str
    order_stream_url: str
    market_stream_url: str

    @property
    def shares_budget(self) -> bool:
        """Whether trading and data requests reach the same server, and so count together."""
        return self.trading_url == self.data_url


def endpoints_of(
    base_url: str, *, feed: Feed, data_url: str | None = None, stream_url: str | None = None
) -> Endpoints:
    """The addresses for this trading base (``https://paper-api.alpaca.markets`` or
    ``http://127.0.0.1:8700``, with or without ``/v2``). Raises `EndpointError`."""
    trading = _checked(base_url, ("http", "https"), TRADING_HOSTS)
    trading_url = _text(trading, trading.scheme)
    if trading.hostname in LOOPBACK_HOSTS:
        data_default = trading_url
        stream_default = _text(trading, "wss" if trading.scheme == "https" else "ws")
    else:
        data_default, stream_default = ALPACA_DATA_URL, ALPACA_DATA_STREAM_URL
    order_stream = _text(trading, "wss" if trading.scheme == "https" else "ws")
    data = _checked(data_url or data_default, ("http", "https"), DATA_HOSTS)
    stream = _checked(stream_url or stream_default, ("ws", "wss"), STREAM_HOSTS)
    return Endpoints(
        trading_url=trading_url,
        data_url=_text(data, data.scheme),
        order_stream_url=f"{order_stream}/stream",
        market_stream_url=f"{_text(stream, stream.scheme)}/v2/{FEED_WORDS[feed]}",
    )


def _checked(url: str, schemes: tuple[str, str], hosts: frozenset[str]) -> SplitResult:
    plain, secure = schemes
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise EndpointError("the address cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise EndpointError("an address must not carry credentials")
    if parts.path.rstrip("/") not in ("", "/v2") or parts.query or parts.fragment:
        raise EndpointError(f"{parts.hostname}: give the address without a path")
    if parts.hostname in LOOPBACK_HOSTS and parts.scheme in schemes:
        return parts
    if parts.hostname not in hosts:
        raise EndpointError(f"{parts.hostname} is not one of Alpaca's hosts: {sorted(hosts)}")
    if parts.scheme != secure or port not in (None, 443):
        raise EndpointError(f"{parts.hostname} is reached by {secure}:// only, not {plain}://")
    return parts


def _text(parts: SplitResult, scheme: str) -> str:
    return f"{scheme}://{parts.netloc}"
