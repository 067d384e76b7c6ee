"""A bench and a virtual run that keep a journal, so that their trades can be told afterwards."""

from __future__ import annotations

from pathlib import Path

from surefill.core.engine import Step
from surefill.core.events import Event
from surefill.core.plan import TradePlan
from surefill.core.session import Calendar
from surefill.core.trade import Trade
from surefill.journal.digest import image_digest
from surefill.journal.images import ENGINE_IMAGE, encode_image
from surefill.journal.memory import MemoryJournal
from surefill.journal.record import Record
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import Journal
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.replay.narrate import Story, narrate
from surefill.replay.retell import Moment, moments
from surefill.runtime.stepper import Stepper
from surefill.sim.scripts import CRWD_SESSION, CRWD_SIGNAL_NS, CrwdEnding, crwd_morning
from tests.support.core import Bench

SECOND_NS = 1_000_000_000


class ToldBench(Bench):
    """The bench, with every step recorded as the stepper records it."""

    def __init__(self, side: str = "buy", **more: object) -> None:
        self.journal = MemoryJournal()
        self.journal.acquire("bench")
        self._digest = ""
        self._seq_told = 0
        super().__init__(side, **more)  # type: ignore[arg-type]

    def feed(self, event: Event) -> Step:
        """One event; its record goes into the journal."""
        step = super().feed(event)
        if step.is_empty:
            return step
        images = {trade.trade_id: encode_image(trade) for trade in step.trades}
        images |= {denial.plan.plan_id: encode_image(denial) for denial in step.denials}
        is_open = {trade.trade_id: not trade.is_closed for trade in step.trades}
        if step.state is not None:
            images[ENGINE_IMAGE] = encode_image(step.state)
            is_open[ENGINE_IMAGE] = True
        self._seq_told += 1
        digests = tuple((name, image_digest(image)) for name, image in images.items())
        record = Record(
            self._seq_told, self.now, 1, event, step.views, step.commands, digests, step.seen
        )
        shut = dict.fromkeys(images, False)
        entry = record.entry(self._digest, images, is_open={**shut, **is_open})
        self._digest = entry.digest
        self.journal.append([entry])
        return step

    @property
    def story(self) -> Story:
        """The plan's story so far."""
        story = narrate(self.journal, "p1")
        assert story is not None
        return story

    @property
    def told(self) -> list[str]:
        """Its sentences."""
        return [line.sentence for line in self.story.lines]

    @property
    def retold(self) -> Trade:
        """The trade as the records alone give it."""
        return retold(self.journal, self.trade)


def records_of(journal: Journal) -> list[Record]:
    """Every record."""
    return [Record.from_bytes(entry.record) for entry in journal.records()]


def moments_of(journal: Journal, final: Trade) -> list[Moment]:
    """Every moment of a trade."""
    return list(moments(records_of(journal), final))


def retold(journal: Journal, final: Trade) -> Trade:
    """A trade as its records give it."""
    return moments_of(journal, final)[-1].after


def crwd_plan(
    plan_id: str = "crwd-1", *, signal: str = "534.82", by_level: bool = False
) -> TradePlan:
    """The plan of the CRWD morning."""
    exits = {"stop": "529.47", "target": "536.87"} if by_level else {"risk": "5.35", "rr": "2"}
    return TradePlan.of("CRWD", "buy", 25, plan_id=plan_id, signal_price=signal, **exits)  # type: ignore[arg-type]


def crwd_run(
    *arrivals: Arrival, ending: CrwdEnding = CrwdEnding.STOP, path: Path | None = None
) -> VirtualRun:
    """The CRWD morning with these plans, to its end; on a journal file if ``path`` is given."""
    market, calendar = crwd_morning(ending), Calendar.of([CRWD_SESSION])
    start_ns = CRWD_SIGNAL_NS - 60 * SECOND_NS
    run = VirtualRun(market, calendar, start_ns=start_ns, config=VirtualConfig(seed=7))
    if path is not None:
        run.journal = SqliteJournal(path)  # type: ignore[assignment]
        run.stepper = Stepper(run.engine, run.journal, holder="test")
    run.start()
    run.run_until(CRWD_SIGNAL_NS - 20 * SECOND_NS)  # the symbol is known by its first quote
    run.run_until(CRWD_SIGNAL_NS - 10 * SECOND_NS)
    run.play(arrivals, until_ns=CRWD_SIGNAL_NS + 325 * SECOND_NS)
    if path is not None:
        run.journal.close()
    return run


def arrival(plan: TradePlan, *, is_legacy: bool = False, after_s: int = 1) -> Arrival:
    """This plan, handed over ``after_s`` seconds after the morning's signal."""
    return Arrival(CRWD_SIGNAL_NS + after_s * SECOND_NS, plan, is_legacy)


__all__ = ["ToldBench", "arrival", "crwd_plan", "crwd_run", "moments_of", "records_of", "retold"]
