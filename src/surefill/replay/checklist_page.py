"""The checklist as one HTML file: no script, no font, no picture from anywhere else.

What: `page`. Why: it is attached to mails and tickets and must look the same without a network.
Invariants: every text is escaped; the verdict is a word, not only a colour.
Must never: refer to another file or host.
"""

from __future__ import annotations

from html import escape

from surefill.replay.checklist import STAGE_TITLES, Checklist, Line
from surefill.replay.checklist_items import Verdict
from surefill.replay.narrate import at_text

_CLASSES = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.NOT_YET: "yet"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; }
th { font-weight: 600; } tr { border-top: 1px solid #8884; }
td.verdict { font-weight: 700; white-space: nowrap; }
.pass { color: #1a7f37; } .fail { color: #c4232a; } .yet { color: #9a6700; }
small { opacity: .75; display: block; } code { font-size: .9em; }
"""


def page(found: Checklist) -> str:
    """The whole file."""
    counted = ", ".join(f"{count} {verdict.value}" for verdict, count in found.counts.items())
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Surefill checklist: {found.verdict.value}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Surefill checklist: {_word(found.verdict)}</h1>",
        f"<p>{escape(at_text(found.at_ns))} New York. {escape(found.build)}. "
        f"Settings <code>{escape(found.settings)}</code>. {escape(counted)}.</p>",
    ]
    for stage in found.stages:
        parts += [f"<h2>{escape(STAGE_TITLES[stage])}</h2>", "<table>"]
        parts += ["<tr><th>verdict</th><th>item</th><th>found</th></tr>"]
        parts += [_row(line) for line in found.of_stage(stage)]
        parts.append("</table>")
    parts.append("<h2>Sign-offs</h2>")
    parts += [f"<p>{escape(one.sentence)}</p>" for one in found.signatures]
    if not found.signatures:
        parts.append("<p>None in this journal.</p>")
    return "\n".join([*parts, "</body></html>", ""])


def _word(verdict: Verdict) -> str:
    return f'<span class="{_CLASSES[verdict]}">{verdict.value}</span>'


def _row(line: Line) -> str:
    item, finding = line.item, line.finding
    basis = f"<small>rests on: {escape(finding.basis)}</small>" if finding.basis else ""
    return (
        f'<tr><td class="verdict">{_word(finding.verdict)}</td>'
        f"<td>{escape(item.title)}<small>{escape(item.passes)}</small></td>"
        f"<td>{escape(finding.sentence)}{basis}</td></tr>"
    )
