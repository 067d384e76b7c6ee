"""An operator's act on an account whose engine does not run.

What: `record_act` takes the journal as a start would, records the act, and lets go. Why: a kill
must always work, above all when the engine has died (failures.md C.6, 9); the next start finds it.
Invariants: nothing is sent and no broker is asked. What the engine would now ask for is asked again
by the next start, as after any crash.
Must never: be used for an act that needs the broker, such as a flatten.
"""

from __future__ import annotations

from surefill.config import Settings
from surefill.core.events import Act, OperatorActed
from surefill.ports import Clock
from surefill.runtime.build import rules_build
from surefill.runtime.guard import must_fit
from surefill.runtime.stepper import Stepper
from surefill.runtime.wiring import BUILD, engine_of, open_journal

SWITCHES = frozenset({Act.HALT, Act.RESUME, Act.KILL, Act.UNKILL})


def record_act(settings: Settings, act: Act, *, by: str, why: str, clock: Clock) -> int:
    """Make the act durable; the number of its record.

    Raises `JournalError`; `JournalHeld` when an engine runs after all: then ask that.
    """
    if act not in SWITCHES:
        raise ValueError(f"{act} needs a running engine")
    journal = open_journal(settings)
    try:
        stepper = Stepper(engine_of(settings), journal, holder=f"{BUILD}, to record an act")
        stepper.restore()
        now = max(clock.now_ns(), stepper.engine.state.started_ns)
        stepper.start(rules_build(), settings.digest(), now=now)
        stepper.handle([must_fit(OperatorActed(act, "", by, why, now))], now)
        return stepper.seq
    finally:
        journal.close()
