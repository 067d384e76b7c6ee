"""Which plans a replay plays, and in what account: arguments shared by ``replay`` and ``sweep``.

What: `add_plan_choice`, `chosen` (arguments -> a source of plans, or ``None``: drawn by seed), how
what was left out is told; `add_account`, `fee_of` and `account_text` (what else decides the costs).
Invariants: one source at a time; a file with a bad row is refused with every bad row named, unless
``--allow-bad`` says to play the others.
Must never: leave a plan out without a line about it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from surefill.cli.output import say
from surefill.core.units import NANO, UnitError, to_nano, to_text
from surefill.replay.plan_files import read_plans
from surefill.replay.plan_history import market_entries
from surefill.replay.plan_rows import LeftOut
from surefill.replay.plan_sampled import SampledPlans
from surefill.replay.plan_source import FilePlans, PlanSource
from surefill.runtime.exported import ExportError, read_exported

SHOWN_MAX = 20
"""Of what was left out for the same cause; the rest is counted, and stands in ``--out``."""
EVERY_S_MIN = 60
REST_S = 30
"""Between a sampled trade's time exit and the next plan of its symbol."""
BUDGET_S = 30
"""To get in, where ``--budget`` says nothing."""
SHARES, RR = 100, "2.5"


class ChoiceError(ValueError):
    """Arguments, or a file, that give no plans."""


def add_plan_choice(
    parser: argparse.ArgumentParser, *, plans: int, has_budget: bool = True
) -> None:
    """Declare where plans come from; ``plans``: how many a day are drawn by default;
    ``has_budget``: whether the seconds to get in are one number (a sweep tries several)."""
    parser.add_argument(
        "--plans",
        metavar="N|FILE",
        type=_number_or_file,
        default=plans,
        help=f"draw at most N a day (default: {plans}), or play those of a file: CSV, JSON lines "
        "or Parquet (docs/replay.md)",
    )
    parser.add_argument(
        "--history",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="play the market entries of a broker's export (JSON) again",
    )
    parser.add_argument(
        "--signals", metavar="CSV", type=Path, help="of a history: columns id,signal"
    )
    parser.add_argument(
        "--every",
        metavar="S",
        type=int,
        help="sample a plan every S seconds, long and short in turn, exits from volatility",
    )
    parser.add_argument(
        "--stale", metavar="S", type=int, help="age of a sampled signal in seconds (default: 0)"
    )
    parser.add_argument("--qty", metavar="N", type=int, help="shares of a sampled plan (100)")
    if has_budget:
        parser.add_argument(
            "--budget",
            metavar="S",
            dest="budget_s",
            type=count,
            help=f"seconds to get in of a sampled plan (default: {BUDGET_S}, less where the "
            "plans are closer)",
        )
    else:
        parser.set_defaults(budget_s=None)
    parser.add_argument("--rr", metavar="K", help="target of a sampled plan, in stops (2.5)")
    parser.add_argument(
        "--allow-bad",
        action="store_true",
        help="go on without bad rows, and without tapes that cannot be used; each is named",
    )


def add_account(parser: argparse.ArgumentParser) -> None:
    """Declare what the account pays and may do."""
    parser.add_argument(
        "--fee", metavar="USD", default="0", help="of every executed share (default: none)"
    )
    parser.add_argument(
        "--beside",
        action="store_true",
        help="exits may rest beside a working entry, as with SUREFILL_WASH_EXEMPTS=all_complex; "
        "else the first partial fill ends the entry",
    )


def fee_of(args: argparse.Namespace) -> int:
    """The fee of a share, 1e-9 USD. Raises `ChoiceError`."""
    try:
        fee_usd = to_nano(args.fee)
    except UnitError as error:
        raise ChoiceError(f"--fee {args.fee}: {error}") from None
    if fee_usd < 0:
        raise ChoiceError(f"--fee {args.fee}: must not be negative")
    return fee_usd


def account_text(args: argparse.Namespace) -> str:
    """What stands beside the model of fills; nothing where nothing is unusual."""
    words = [", exits beside the entry"] if args.beside else []
    fee_usd = fee_of(args)
    return "".join([*words, *([f", fee {to_text(fee_usd)} USD a share"] if fee_usd else [])])


def chosen(args: argparse.Namespace) -> tuple[PlanSource | None, tuple[LeftOut, ...]]:
    """(the source, what of it cannot be played on any tape). Raises `ChoiceError`."""
    is_file = isinstance(args.plans, Path)
    named = [name for name, is_given in _sources(args).items() if is_given]
    if len(named) > 1:
        raise ChoiceError(f"plans come from one place, not from {' and '.join(named)}")
    names = {"stale": "stale", "qty": "qty", "rr": "rr", "budget_s": "budget"}
    of_every = [name for dest, name in names.items() if getattr(args, dest) is not None]
    if of_every and args.every is None:
        raise ChoiceError(f"--{of_every[0]} belongs to --every")
    if args.signals and not args.history:
        raise ChoiceError("--signals belongs to --history")
    if named and not args.tapes:
        raise ChoiceError(f"{named[0]} needs a recorded TAPE")
    if is_file:
        return _file(args)
    if args.history:
        return _history(args)
    return (_sampled(args), ()) if args.every is not None else (None, ())


def count_of(args: argparse.Namespace, default: int) -> int:
    """How many plans a day are drawn at most."""
    return args.plans if isinstance(args.plans, int) else default


def tell_left_out(verb: str, left_out: Sequence[LeftOut], *, all_of_them: bool = False) -> None:
    """A line on stderr for each, up to `SHOWN_MAX` of one cause."""
    told: dict[str, int] = {}
    for one in left_out:
        told[one.code] = told.get(one.code, 0) + 1
        if all_of_them or told[one.code] <= SHOWN_MAX:
            say(f"surefill {verb}: {one}" if verb else str(one))
    for code, count in told.items():
        if not all_of_them and count > SHOWN_MAX:
            say(f"surefill {verb}: {code}: {count - SHOWN_MAX} more")


def _sources(args: argparse.Namespace) -> dict[str, bool]:
    return {
        f"--plans {args.plans}": isinstance(args.plans, Path),
        "--history": bool(args.history),
        "--every": args.every is not None,
    }


def _file(args: argparse.Namespace) -> tuple[PlanSource, tuple[LeftOut, ...]]:
    found = read_plans(args.plans)
    if found.bad and not (args.allow_bad and found.draws):
        tell_left_out("", found.bad, all_of_them=True)
        raise ChoiceError(
            f"{args.plans}: {len(found.bad)} problems; {len(found.draws)} of {found.rows} rows "
            "could be played (--allow-bad plays those)"
        )
    return FilePlans(found.draws), found.bad


def _history(args: argparse.Namespace) -> tuple[PlanSource, tuple[LeftOut, ...]]:
    try:
        found = read_exported(args.history, args.signals)
    except ExportError as error:
        raise ChoiceError(str(error)) from None
    for note in found.notes:
        say(f"surefill: {note}")
    source, left_out = market_entries(found.parents)
    if not source.entries:
        raise ChoiceError(f"no market entry among {len(found.parents)} of the history")
    return source, left_out


def _sampled(args: argparse.Namespace) -> PlanSource:
    stale_s = 0 if args.stale is None else args.stale
    qty = SHARES if args.qty is None else args.qty
    if args.every < EVERY_S_MIN:
        raise ChoiceError(f"--every {args.every}: at least {EVERY_S_MIN} s, one trade at a time")
    if stale_s < 0 or qty <= 0:
        raise ChoiceError("--stale must not be negative, --qty must be positive")
    rr_ppb = _ratio(RR if args.rr is None else args.rr)
    hold_s = args.every - REST_S
    budget_s = min(BUDGET_S, hold_s) if args.budget_s is None else args.budget_s
    if budget_s > hold_s:
        raise ChoiceError(
            f"--budget {budget_s}: at most {hold_s} s, so that a trade is over before the next one"
        )
    return SampledPlans(
        every_s=args.every,
        stale_s=stale_s,
        order_qty=qty * NANO,
        rr_ppb=rr_ppb,
        budget_s=budget_s,
        hold_s=hold_s,
        minutes_max=args.minutes,
    )


def _ratio(text: str) -> int:
    try:
        rr_ppb = to_nano(text)
    except UnitError:
        raise ChoiceError(f"--rr {text}: not a number") from None
    if rr_ppb <= 0:
        raise ChoiceError(f"--rr {text}: must be positive")
    return rr_ppb


def count(text: str) -> int:
    """A whole number above 0, as an argument."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def _number_or_file(text: str) -> int | Path:
    """A number above 0, or a path."""
    if text.lstrip("-").isdigit():
        if int(text) <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
        return int(text)
    return Path(text)
