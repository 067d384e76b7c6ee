"""A trade told in dated sentences, from its journal alone.

    story = narrate(journal, "CRWD-20261120T144000")
    for line in story.lines: print(line.at, line.sentence)

What: `Line` (one sentence with its instant), `Story`, `narrate`. Sentences come from what changed
between two records: plan and quote, orders with their reasons, answers, fills with the running
average, cover with the time shares were bare, alarms, the outcome.
Invariants: nothing but the journal is read (I19); times are those of our clock at each record,
shown in New York; a number that is not known is not told.
Must never: judge, or read a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from surefill.core.commands import Milestone
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO, to_text, to_usd_text
from surefill.journal.images import ENGINE_IMAGE, decode_trade
from surefill.journal.record import Record
from surefill.ports import Journal, JournalEntry
from surefill.replay.retell import moments
from surefill.replay.sentences import Line, LineKind, of_moment
from surefill.runtime.result import TradeResult, result_of
