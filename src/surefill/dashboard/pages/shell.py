"""The frame of every page: navigation, headline, kill switch, who is logged in; and its ticking.

What: `visit` opens a page for a session, `Visit` keeps it up to date and asks before it acts.
Invariants: what a role may not do is not on its pages; a session that is over leaves the page at
the next tick, and nothing is shown to it before; text of a token's field is gone with its dialog.
Must never: act without `deeds.Hands`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from fastapi import Request
from nicegui import ui

from surefill.core.risk import RiskState
from surefill.dashboard.assets import STYLE
from surefill.dashboard.board import Board
from surefill.dashboard.deeds import DEEDS, Deed, DeedRow, Order
from surefill.dashboard.gate import SESSION, SITE
from surefill.dashboard.pages.parts import NoticeList, Text
from surefill.dashboard.site import State
from surefill.dashboard.words import Tone
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role, TokenError

TICK_S = 0.5
PAGE_S = 30.0
"""A page may take so long to build: a story of a busy year does, and so does a busy machine. The
library's own three seconds end in an error page."""
LINKS = (
    ("Now", "/"),
    ("Costs", "/costs"),
    ("Refusals", "/refusals"),
    ("Checklist", "/checklist"),
    ("System", "/system"),
)
RISK_TONES = {
    RiskState.ACTIVE: Tone.GOOD,
    RiskState.REDUCING: Tone.WARN,
    RiskState.HALTED: Tone.BAD,
}
Work = Callable[[Board], None]


class Visit:
    """One page that somebody looks at."""

    def __init__(self, state: State, name: str, role: Role) -> None:
        self.state = state
        self.role = role
        self._name = name
        self._works: list[Work] = []
        self._board: Board | None = None

    @property
    def is_over(self) -> bool:
        """Whether its session has ended."""
        try:
            return self.state.sessions.find(self._name) is None
        except TokenError:
            return True

    def may(self, deed: Deed) -> bool:
        """Whether its role may."""
        return self.role in DEEDS[deed].roles

    def each_tick(self, work: Work) -> None:
        """Show every new board in this way."""
        self._works.append(work)

    async def tick(self) -> None:
        """Look, and show what is new."""
        if self.is_over:
            ui.navigate.to("/login")
            return
        board = await self.state.watcher.look()
        if board is self._board:
            return
        self._board = board
        for work in self._works:
            work(board)

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again, for as long as the session is good."""

        async def again() -> None:
            if not self.is_over:
                await work()

        ui.timer(seconds, again)

    def button(self, deed: Deed, *, target: str = "", symbol: str = "") -> ui.button | None:
        """A button for an act, where the role has it."""
        if not self.may(deed):
            return None
        row = DEEDS[deed]
        made = ui.button(
            f"{row.label} {symbol}".strip(),
            color=None,
            on_click=lambda: self.ask(Order(deed=deed, target=target, symbol=symbol)),
        )
        made.props("no-caps unelevated").classes(f"act {row.tone}")
        return made

    def ask(self, order: Order) -> None:
        """Say what would happen, let it be confirmed, do it."""
        row = DEEDS[order.deed]
        with ui.dialog() as dialog, ui.element("div").classes("ask"):
            with ui.element("h2"):
                ui.label(f"{row.label} {order.symbol}".strip())
            with ui.element("p"):
                ui.label(row.text)
            fields = _fields(row, order)
            problem = Text(tag="p", classes="problem")
            problem.box.props("role=alert")
            with ui.element("div").classes("row"):
                ui.button("Cancel", color=None, on_click=dialog.close).props("no-caps flat")
                sure = ui.button(row.label, color=None).props("no-caps unelevated")
                sure.classes(f"act {row.tone}")

        async def confirmed() -> None:
            sure.disable()
            typed = {name: str(field.value or "") for name, field in fields.items()}
            said = await self._done(
                Order(deed=order.deed, target=order.target, symbol=order.symbol, **typed)
            )
            if said is None:
                dialog.close()
            else:
                problem.show(said)
                sure.enable()

        sure.on_click(confirmed)
        for field in fields.values():
            field.on("keydown.enter", confirmed)
        dialog.on("hide", dialog.delete)
        dialog.open()

    async def _done(self, order: Order) -> str | None:
        """Why not, if it was not done."""
        try:
            sentence = await self.state.hands.do(self._name, order)
        except ApiProblem as problem:
            return f"{problem.code}: {problem.sentence}"
        except TokenError as error:
            return str(error)
        ui.notify(sentence, type="positive", position="top", timeout=8_000)
        return None


def _fields(row: DeedRow, order: Order) -> dict[str, ui.input]:
    word = order.symbol if row.is_target_typed else row.word
    fields = {}
    if word:
        fields["typed"] = ui.input(f"Type {word} to confirm").props("autofocus outlined dense")
        fields["typed"].props("autocomplete=off spellcheck=false")
    if row.needs_stop:
        fields["stop"] = ui.input("New stop price, USD").props("autofocus outlined dense")
        fields["stop"].props("inputmode=decimal autocomplete=off")
    if row.needs_token:
        fields["token"] = ui.input("Operator token", password=True).props("outlined dense")
        fields["token"].props("autocomplete=off")
    fields["why"] = ui.input("Why (for the journal)").props("outlined dense maxlength=200")
    if not word and not row.needs_stop:
        fields["why"].props("autofocus")
    return fields


@contextmanager
def visit(request: Request, title: str, here: str) -> Iterator[Visit | None]:
    """A page in its frame; ``None`` where the role has no such page and was sent home."""
    state: State = request.scope[SITE]
    name: str = request.scope[SESSION]
    session = state.sessions.find(name)
    if session is None or (session.role is Role.KILL_ONLY and here != "/"):
        ui.navigate.to("/login" if session is None else "/")
        yield None
        return
    found = Visit(state, name, session.role)
    ui.page_title(f"{title} - Surefill")
    ui.add_head_html(f'<link rel="stylesheet" href="{STYLE}">')
    ui.add_head_html('<meta name="color-scheme" content="light dark">')
    ui.link("Skip to content", "#main").classes("skip")
    with ui.element("header").classes("top"):
        _top(found, here)
    notices = NoticeList() if session.role is not Role.KILL_ONLY else None
    if notices is not None:
        found.each_tick(lambda board: notices.show(board.notices))
    with ui.element("div").props("id=main tabindex=-1").classes("page"):
        yield found
    ui.timer(TICK_S, found.tick)


def _top(found: Visit, here: str) -> None:
    with ui.element("div").classes("brand"):
        ui.label("Surefill")
    if found.role is not Role.KILL_ONLY:
        with ui.element("nav").props('aria-label="Pages"'):
            links = {href: ui.link(text, href) for text, href in LINKS}
        if here in links:
            links[here].props("aria-current=page")
    headline = Text(classes="headline")
    headline.box.props("role=status")
    risk = Text(classes="chip")

    def show(board: Board) -> None:
        headline.show(board.headline, board.worst)
        if board.risk is None:
            risk.show("unknown" if board.is_blind else "never started", Tone.PLAIN)
        else:
            risk.show(board.risk.value.replace("_", " "), RISK_TONES[board.risk])

    found.each_tick(show)
    with ui.element("div").classes("who"):
        found.button(Deed.KILL)
        Text(found.role.value, classes="chip")
        form = ui.element("form").props("method=post action=/logout")
        with form, ui.element("button").props("type=submit").classes("as-link"):
            ui.label("Log out")
