"""Parts of a runtime for tests: a broker that only writes down, a clock set by hand, an engine on
an in-memory journal."""

from __future__ import annotations

from surefill.core.commands import BrokerCommand
from surefill.core.engine import Engine, EngineConfig
from surefill.core.events import (
    AccountRead,
    CalendarRead,
    Event,
    Instrument,
    InstrumentRead,
    MarketUpdated,
    OrdersRead,
    PlanSubmitted,
    PositionsRead,
    StreamChanged,
)
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.risk import Limits
from surefill.core.units import NANO, to_nano
from surefill.journal.memory import MemoryDisk, MemoryJournal
from surefill.ports import Capabilities, Inbox
from surefill.runtime.stepper import Stepper
from surefill.tactics.registry import TACTICS
from tests.support.core import ACCOUNT, CALENDAR, START_NS, SYMBOL


class HandClock:
    """Time stands still until the test moves it."""

    def __init__(self, now: int = START_NS) -> None:
        self.now = now

    def now_ns(self) -> int:
        """The test's time."""
        return self.now


class NotingBroker:
    """A `Broker` that writes down what it is told and answers nothing."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.sent: list[BrokerCommand] = []
        self.watched: list[str] = []

    def send(self, command: BrokerCommand) -> None:
        """Written down."""
        self.sent.append(command)

    def watch(self, symbol: str) -> None:
        """Written down."""
        self.watched.append(symbol)

    async def start(self, inbox: Inbox, *, within_s: float = 0) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to disconnect from."""


def stepper_of(disk: MemoryDisk | None = None) -> Stepper:
    """An engine that has just started on an in-memory journal."""
    engine = Engine(EngineConfig(account="A1", limits=Limits()), TACTICS)
    stepper = Stepper(engine, MemoryJournal(disk), holder="test")
    stepper.restore()
    stepper.start("test", "0" * 32, now=START_NS)
    return stepper


def readiness(now: int = START_NS) -> list[Event]:
    """What an engine has to learn before it takes entries."""
    nbbo = Nbbo(to_nano("99.99"), 1000 * NANO, to_nano("100.01"), 1000 * NANO, now, now)
    return [
        AccountRead(ACCOUNT, now),
        CalendarRead(CALENDAR, now),
        OrdersRead((), 0, now, now),
        PositionsRead((), now, now),
        StreamChanged(True, now),
        InstrumentRead(Instrument(SYMBOL, True, True, True), now),
        MarketUpdated(MarketView(SYMBOL, Feed.TEST, nbbo, TradingStatus.TRADING, now)),
    ]


def plan_of(plan_id: str = "p1", *, qty: int = 100, rr: str = "2") -> TradePlan:
    """A long plan at 100.00 with a risk of 2.00."""
    terms = {"signal_price": "100", "risk": "2", "rr": rr}
    return TradePlan.of(SYMBOL, "buy", qty, plan_id=plan_id, **terms)  # type: ignore[arg-type]


def submission(plan: TradePlan, now: int = START_NS) -> PlanSubmitted:
    """A caller's request for this plan."""
    return PlanSubmitted(plan, Policy(), False, now)
