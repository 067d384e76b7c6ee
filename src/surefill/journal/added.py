"""Fields that came after the first journals: what an older image or record does not have.

What: `ADDED`, type name -> names of such fields. Their value in older bytes is the default that the
dataclass declares, and bytes are written without them while they have it.
Why a table: a field that is missing is damage or another version's work, unless somebody decided
here that older bytes may lack it; so adding a field is one deliberate row, and an open trade
survives the upgrade (and the way back, as long as nobody used what is new).
Invariants: a row stays for ever, and so does the default it stands for; the default must mean what
was true before the field existed.
Must never: name a field whose absence could make anything more aggressive.
"""

from __future__ import annotations

from collections.abc import Mapping

ADDED: Mapping[str, frozenset[str]] = {
    # No read was remembered: it counts as older than any question. Nothing was disputed.
    "ChildOrder": frozenset({"read_ns", "disputed_qty", "disputed_px", "is_moving"}),
    # Every group was for the one target there was.
    "ExitGroup": frozenset({"rank"}),
    # No limit over time counted before; volume was not known.
    "EngineState": frozenset({"entered"}),
    "MarketView": frozenset({"volume_qty"}),
    # Nobody could ask for a part of a trade before, nor name what he asked for.
    "OperatorActed": frozenset({"qty", "key", "px"}),
    # Nobody had looked: an older trade's excursion is not known. Pauses between refused changes
    # of exits begin anew at the shortest; the limit of changes counted all of them, and still does.
    "Record": frozenset({"seen"}),
    # No stop had been tightened since the entry; no exit hung on the first fill; no entry waited
    # for a trigger.
    "Trade": frozenset(
        {
            "keep_qty",
            "excursion",
            "change_failures",
            "short_ns",
            "ratchet_px",
            "ratchet_ns",
            "held_since_ns",
            "triggered_ns",
        }
    ),
    # Nobody had a name. Exits stayed where the fills had put them. Every entry began at once.
    "TradePlan": frozenset({"strategy", "manage", "trigger_px", "trigger_for_ns"}),
}
