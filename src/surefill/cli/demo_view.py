"""The demo in a trader's words: two tables, and a sentence for every word that needs one.

What: `morning_blocks`, `comparison_blocks` and `verdict_sentence`, text for `cli.output.show`.
Invariants: fits 80 columns, says the same without colours, shows a dash where there is no number.
Must never: compute a number that the measures do not hold, or round one to look better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from surefill.cli.output import Block, Table
from surefill.core.units import to_usd_text
from surefill.replay.demo import Comparison
from surefill.replay.measure import Measures
from surefill.replay.morning import FAST, FASTER, SHARES, SIGNAL, STOP, TARGET, Morning
from surefill.sim.scripts import CrwdEnding

NOTHING = "-"
OUTCOMES = {
    "CLOSED_TARGET": "at the target",
    "CLOSED_STOP": "at the stop",
    "CLOSED_TIME": "closed when its time was up",
    "CLOSED_FLATTEN": "closed at once, no stop was possible",
    "CLOSED_MIXED": "in parts, in several ways",
    "CLOSED_EXTERNAL": "closed by somebody else",
    "HANDED_OVER": "handed over",
    "OPEN": "still open",
}
"""Outcome -> words; those not here are rows of their own."""
REASONS = {
    "RR_BELOW_MIN": "reward too small for the risk",
    "ENTRY_TIMEOUT": "no shares within the worst price in time",
    "ENTRY_REJECTED": "refused by the exchange (stop already passed)",
    "WORST_PX_BEYOND_STOP": "stop too near for the worst price",
    "EXITS_DISTANCE_TOO_SMALL": "stop too near",
}
"""Reason code -> words; any other code is shown as it is."""


def morning_blocks(mornings: Sequence[Morning]) -> list[Block]:
    """Part one."""
    by_ending = {morning.ending: morning for morning in mornings}
    stop, target = by_ending[CrwdEnding.STOP], by_ending[CrwdEnding.TARGET]
    legacy, level, distance = stop.legacy, stop.level, stop.distance
    lost, won = to_usd_text(stop.legacy.pnl_usd), to_usd_text(target.legacy.pnl_usd)
    per_share = to_usd_text(legacy.entry_px - legacy.exit_px)
    code = level.code.name if level.code is not None else NOTHING
    return [
        "1. THE MORNING THAT STARTED SUREFILL, BOTH WAYS",
        f"Signal: buy {SHARES} CRWD at {SIGNAL}, stop {STOP}, target {TARGET}. The market already "
        f"asks {to_usd_text(legacy.entry_px)}. Played over real sockets, on an exchange on this "
        "machine.",
        "",
        Table(
            title="",
            head=("", "market order", "Surefill", "Surefill"),
            rows=(
                ("", "(legacy path)", "(same levels)", "(same distances)"),
                ("order sent", "buy at market", _sent(level.orders), "buy limit"),
                ("  its price", "any", NOTHING, to_usd_text(distance.limit_px)),
                ("  worst price allowed", "none", NOTHING, to_usd_text(distance.worst_px)),
                (
                    "entry",
                    to_usd_text(legacy.entry_px),
                    "denied",
                    f"none in {_seconds(distance.worked_ms)} s",
                ),
                ("risk a share", to_usd_text(legacy.risk_px), NOTHING, NOTHING),
                ("reward a share", to_usd_text(legacy.reward_px), NOTHING, NOTHING),
                ("risk : reward", f"1:{legacy.rr}", NOTHING, NOTHING),
                ("if it falls to the stop", f"{lost} USD", "0.00 USD", "0.00 USD"),
                ("if it reaches the target", f"+{won} USD", "0.00 USD", "0.00 USD"),
            ),
            right=frozenset({1, 2, 3}),
        ),
        "",
        f"Same levels: {level.sentence}. Denied before any order existed ({code}).",
        f"Same distances (risk 5.35, reward/risk 2): {distance.sentence}. No share, no loss. When "
        f"the time was up the market asked {to_usd_text(distance.ask_px)}.",
        f"What not entering cost: {won} USD of profit missed if the price goes on to the target; "
        f"{lost.removeprefix('-')} USD of loss avoided ({per_share} a share) if it falls to the "
        "stop.",
        f"(The exchange's clock ran {FAST} to {FASTER} times as fast while everybody waited, and "
        "in real time while orders travelled. The 60 s are the venue's.)",
        "",
    ]


def comparison_blocks(comparison: Comparison) -> list[Block]:
    """Part two."""
    legacy, smart = comparison.legacy, comparison.smart
    return [
        f"2. THE SAME {comparison.plans} PLANS DOWN BOTH PATHS",
        f"{comparison.title[:1].upper()}{comparison.title[1:]}; {comparison.minutes} minutes, in "
        "virtual time. The plans are random and have no edge: all you see is execution.",
        "",
        Table(
            title="",
            head=("", "market order", "Surefill"),
            rows=tuple(_rows(legacy, smart)),
            right=frozenset({1, 2}),
        ),
        "",
        "bps: 1/100 of a percent of the signal price; positive: worse than the signal. Shares that "
        "were not entered are charged too: with the market's price (ask for a buyer, bid for a "
        "seller) against the signal when their time was up. Negative: waiting paid.",
        "share-seconds: filled shares times the seconds in which no stop rested at the broker "
        "(20,000 shares for half a second: 10,000).",
        "",
    ]


def verdict_sentence(last: Mapping[str, object]) -> str:
    """The auditor's last word."""
    found = last["found"]
    head = (
        f"AUDITOR: {last['violations']} violations in {last['lines']} lines of the exchange's own "
        "log (both parts; it shares no code with the executor)."
    )
    return "; ".join([head, *map(str, found)]) if isinstance(found, list) else head


def _rows(legacy: Measures, smart: Measures) -> Iterable[Sequence[str]]:
    both = (legacy, smart)
    yield ("PLANS", "", "")
    yield _row("entered", [one.entered for one in both])
    yield _row("  of these only in part", [one.partly for one in both])
    yield _row("missed (not filled in time, or refused)", [one.missed for one in both])
    yield _row("denied (not worth its risk)", [one.denied for one in both])
    yield ("COST AGAINST THE SIGNAL, in bps", "", "")
    yield _row("entered plans, mean", [one.slippage_mean_bps for one in both])
    yield _row("entered plans, worst", [one.slippage_worst_bps for one in both])
    yield _row("missed plans, mean", [one.missed_mean_bps for one in both])
    yield _row("denied plans, mean", [one.denied_mean_bps for one in both])
    yield _row("ALL PLANS, missed and denied included", [one.all_in_bps for one in both])
    yield ("REWARD FOR 1 USD OF RISK, at the price paid", "", "")
    yield _row("mean, by the signal's stop and target", [one.rr_mean for one in both])
    yield _row("worst", [one.rr_worst for one in both])
    yield _row("trades below 1", [f"{one.rr_below_1_percent} %" for one in both])
    yield _row("trades below 2", [f"{one.rr_below_2_percent} %" for one in both])
    yield _row("worst, by the stop and target that rested", [one.rr_rested_worst for one in both])
    yield ("SHARES WITHOUT A STOP", "", "")
    yield _row("usual trade, share-seconds", [one.uncovered_p50_share_s for one in both])
    yield _row("worst trade, share-seconds", [one.uncovered_max_share_s for one in both])
    yield _row("longest wait of a single share, ms", [one.uncovered_longest_ms for one in both])
    yield ("HOW TRADES ENDED", "", "")
    yield from _counted(OUTCOMES, [dict(one.outcomes) for one in both])
    names = dict.fromkeys(code for one in both for code, _ in one.reasons)
    if names:
        yield ("WHY PLANS WERE NOT ENTERED", "", "")
    words = {code: REASONS.get(code, code) for code in names}
    yield from _counted(words, [dict(one.reasons) for one in both])


def _row(name: str, values: Sequence[Decimal | int | str | None]) -> Sequence[str]:
    return (f"  {name}", *(NOTHING if value is None else str(value) for value in values))


def _counted(
    words: Mapping[str, str], counts: Sequence[Mapping[str, int]]
) -> Iterable[Sequence[str]]:
    """One row for each name that occurs on either path."""
    for name, text in words.items():
        numbers = [one.get(name, 0) for one in counts]
        if any(numbers):
            yield _row(text, numbers)


def _sent(orders: int) -> str:
    return "none" if orders == 0 else f"{orders} orders"


def _seconds(ms: int) -> str:
    return f"{Decimal(ms) / 1000:.0f}"
