"""The deployment checklist, judged when the page is opened.

What: ``/checklist``. The broker is not asked: what rests on it says NOT YET here, and the command
line asks.
Must never: let anybody tick a box.
"""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from surefill.dashboard.pages.parts import Grid, Line, Text, heading, note
from surefill.dashboard.pages.shell import PAGE_S, visit
from surefill.dashboard.words import Tone
from surefill.replay.checklist import STAGE_TITLES, Checklist
from surefill.replay.checklist_items import Verdict

TONES = {Verdict.PASS: Tone.GOOD, Verdict.FAIL: Tone.BAD, Verdict.NOT_YET: Tone.WARN}
HEAD = ("verdict", "item", "what was found")


def register() -> None:
    """Serve it."""
    ui.page("/checklist", response_timeout=PAGE_S)(page)


async def page(request: Request) -> None:
    """Draw it."""
    with visit(request, "Checklist", "/checklist") as found:
        if found is None:
            return
        heading("Deployment checklist")
        note(
            "Computed from settings, journal and log at this moment; load the page to judge again. "
            "The broker is not asked here: surefill checklist asks, rehearses and signs."
        )
        await found.tick()
        judged = await found.state.archive.checklist()
        if judged is None:
            note("Nobody told this server how to judge it: surefill checklist")
        else:
            draw(judged)


def draw(judged: Checklist) -> None:
    """Every stage."""
    counted = ", ".join(f"{count} {verdict.value}" for verdict, count in judged.counts.items())
    Text(counted, tag="p", classes="big").show(counted, TONES[judged.verdict])
    for stage in judged.stages:
        heading(STAGE_TITLES[stage])
        lines = judged.of_stage(stage)
        grid = Grid(HEAD, label=STAGE_TITLES[stage], empty="No item.")
        grid.show(
            [
                Line(
                    line.item.code,
                    (line.finding.verdict.value, line.item.title, line.finding.sentence),
                    TONES[line.finding.verdict],
                )
                for line in lines
            ]
        )
    heading("Sign-offs")
    signed = Grid(
        ("sign-off",),
        label="Sign-offs",
        empty="None in this journal. With no FAIL: surefill checklist --sign-off NAME",
    )
    signed.show([Line(str(one.seq), (one.sentence,)) for one in judged.signatures])
