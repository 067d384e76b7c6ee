"""What entries cost, against the target and against legacy; and why plans were kept out.

What: ``/costs`` and ``/refusals``, read when they are opened and again every few seconds.
Must never: average over paths.
"""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from surefill.dashboard.costs import Costs, EndedRow, costs_of, refusals_of
from surefill.dashboard.figures import Figure, reward_figure, slippage_figure
from surefill.dashboard.pages.parts import Grid, Line, Text, heading, note
from surefill.dashboard.pages.shell import PAGE_S, visit

AGAIN_S = 3.0
NO_ENTRY = (
    "No entry yet. What execution cost is shown from the first fill on; to compare paths on "
    "recorded days: surefill replay --path legacy --path adaptive."
)
NO_LEGACY = (
    "No entry of the legacy path in this journal to compare with. On recorded days: surefill "
    "compare; on this account: surefill rollback."
)
ENDED_HEAD = (
    "trade",
    "symbol",
    "path",
    "ended",
    "outcome",
    "paid",
    "exit",
    "slippage, bps",
    "reward/risk",
    "result",
    "USD",
)
NO_REFUSAL = "No plan was kept out. What would become of one: surefill check SYMBOL buy 10 ..."


def register() -> None:
    """Serve them."""
    ui.page("/costs", response_timeout=PAGE_S)(costs_page)
    ui.page("/refusals", response_timeout=PAGE_S)(refusals_page)


async def costs_page(request: Request) -> None:
    """Draw what entries cost."""
    with visit(request, "Costs", "/costs") as found:
        if found is None:
            return
        watcher = found.state.watcher
        heading("What entries cost")
        note(
            "Against the signal price, in basis points; positive is cost. The target is 0.10 % on "
            "average (surefill checklist, week 1)."
        )
        empty = Text(NO_ENTRY, tag="p", classes="empty")
        sentences = [Text(tag="p", classes="big") for _ in range(2)]
        legacy = Text(NO_LEGACY, tag="p", classes="empty")
        plots = ui.element("div").classes("plots")
        heading("Trades that are over")
        ended = Grid(
            ENDED_HEAD,
            label="Trades that are over",
            empty="No trade is over yet; open ones are on the first page.",
            numbers=frozenset({5, 6, 7, 9, 10}),
        )
        drawn = _Plots(plots)

        async def show() -> None:
            await watcher.look()
            costs = costs_of(watcher.picture)
            empty.box.set_visibility(not costs.has_entries)
            legacy.box.set_visibility(costs.has_entries and not costs.paths[1].points)
            for text, path in zip(sentences, costs.paths, strict=True):
                text.show(path.sentence if costs.has_entries else "")
            drawn.show(costs)
            ended.show([_ended_line(row) for row in costs.ended])

        await show()
        await found.tick()
        found.every(AGAIN_S, show)


class _Plots:
    """Two plots that are drawn once there is something to draw."""

    def __init__(self, box: ui.element) -> None:
        self._box = box
        self._shown: list[ui.plotly] = []
        self._last: Costs | None = None

    def show(self, costs: Costs) -> None:
        """Draw what changed."""
        if not costs.has_entries or (self._last and self._last.paths == costs.paths):
            return
        self._last = costs
        figures = (slippage_figure(costs), reward_figure(costs))
        if not self._shown:
            names = ("Distribution of slippage", "Reward/risk planned and at the fill")
            with self._box:
                self._shown = [_plot(*pair) for pair in zip(figures, names, strict=True)]
        else:
            for plot, figure in zip(self._shown, figures, strict=True):
                plot.update_figure(figure)


def _plot(figure: Figure, name: str) -> ui.plotly:
    with ui.element("div").classes("plot"):
        return ui.plotly(figure).props(f'role=img aria-label="{name}"')


def _ended_line(row: EndedRow) -> Line:
    cells = (
        row.plan_id,
        row.symbol,
        row.path,
        row.ended,
        row.outcome,
        row.paid,
        row.exited,
        row.slippage,
        row.reward,
        row.result,
        row.money,
    )
    return Line(row.plan_id, cells, href=f"/trade/{row.plan_id}")


async def refusals_page(request: Request) -> None:
    """Draw why plans were kept out."""
    with visit(request, "Refusals", "/refusals") as found:
        if found is None:
            return
        watcher = found.state.watcher
        heading("Why plans were kept out")
        note(
            "Denied: by us, before anything was sent. Not entered: sent, and missed. A plan with "
            "two reasons counts twice. docs/reasons.md says what each of them means."
        )
        grid = Grid(
            ("reason", "denied", "not entered", "what it says"),
            label="Refusals by reason",
            empty=NO_REFUSAL,
            numbers=frozenset({1, 2}),
        )

        async def show() -> None:
            await watcher.look()
            rows = refusals_of(watcher.picture)
            grid.show(
                [
                    Line(row.code, (row.code, str(row.denied), str(row.not_entered), row.sentence))
                    for row in rows
                ]
            )

        await show()
        await found.tick()
        found.every(AGAIN_S, show)
