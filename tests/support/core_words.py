"""Commands as a trader would read them aloud: ``submit X1 SELL 37 OCO target 104.05 ... GTC``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from string import Formatter

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    OrderSpec,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.fix import (
    Contingency,
)
from surefill.core.reasons import Reason
from surefill.core.step import Step
from surefill.core.units import to_text


def reasons_of(step: Step) -> Iterator[Reason]:
    """Everything that a step says to people, now or later from what it keeps."""
    yield from (command.reason for command in step.commands if isinstance(command, RaiseAlarm))
    found: list[Reason | None] = [reason for denial in step.denials for reason in denial.reasons]
    for trade in step.trades:
        found += [trade.reason, trade.entry_end, trade.exit_reason]
    if step.state is not None:
        found += [step.state.kill, step.state.halt]
    yield from (reason for reason in found if reason is not None)


def in_full(step: Step) -> Step:
    """The step, if everything that it says is said in full."""
    for reason in reasons_of(step):
        assert has_all_words(reason), reason
    return step


def has_all_words(reason: Reason) -> bool:
    """Whether it has a value for every place of its sentence, and no other."""
    places = {name for _, name, _, _ in Formatter().parse(reason.code.value) if name}
    values = dict(reason.context)
    return set(values) == places and "None" not in values.values()


class Words:
    """Lines for commands; ``name_of`` shortens client order ids."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self.name_of = name_of

    def line(self, command: Command) -> str:
        match command:
            case SubmitOrder(_, spec):
                return f"submit {self.spec_line(spec)}"
            case CancelOrder(_, key):
                return f"cancel {self.name_of(key)}"
            case ReplaceOrder():
                what, px = "limit", command.limit_px
                if px is None:
                    what, px = "stop", command.stop_px
                new = self.name_of(command.new_cl_ord_id)
                return (
                    f"replace {self.name_of(command.cl_ord_id)} -> {new} {what} {to_text(px or 0)}"
                )
            case QueryOrder(_, key):
                return f"? {self.name_of(key)}"
            case QueryOrders():
                return "? orders"
            case QueryFills():
                return "? fills"
            case QueryPositions():
                return "? positions"
            case QueryAccount():
                return "? account"
            case RaiseAlarm(_, reason):
                return f"ALARM {reason.code.name}"
            case Announce(_, milestone):
                return milestone.value

    def spec_line(self, spec: OrderSpec) -> str:
        words = [self.name_of(spec.cl_ord_id), spec.side.value, to_text(spec.order_qty)]
        if spec.contingency is Contingency.OCO:
            words.append("OCO")
        else:
            words.append(spec.ord_type.value)
            words += [to_text(px) for px in (spec.limit_px, spec.stop_px) if px is not None]
        if spec.contingency is Contingency.BRACKET:
            words.append("BRACKET")
        if spec.take_profit_px is not None and spec.stop_loss_px is not None:
            words += ["target", to_text(spec.take_profit_px), "stop", to_text(spec.stop_loss_px)]
        return " ".join([*words, spec.tif.value])
