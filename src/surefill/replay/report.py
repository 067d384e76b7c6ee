"""One self-contained page of a run: tables, plots, and the tape around any single trade.

What: `write_report`: HTML with the plotting library inside, so that it opens offline.
Why one file: a report is mailed, archived and opened in five years; nothing in it may need a
server.
Invariants: nothing is loaded from anywhere; at most `BYTES_MAX`; trades that are left out of the
picture book are counted. Text from outside is escaped. Import lazily: needs the extra `report`.
Must never: show a number that is not in the tables of the same run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from surefill.replay.plots import Plot, differences_of, figures_of
from surefill.replay.tracks import Track, key_of
from surefill.tca.analysis import Analysis
from surefill.tca.compare import Comparison, compare
from surefill.tca.facts import Fate
from surefill.tca.tables import Grid, comparison_grids, grids_of, paths_grid
from surefill.tca.text import bps, ratio

REFERENCE = "legacy"
"""What the other paths are compared with, where it was played: what users come from."""
BYTES_MAX = 6_000_000
TRADE_BYTES_MAX = 900_000
"""What the trades may take: the library alone is 4.8 MB."""
PX_DIGITS = 4
Paths = Mapping[str, Sequence[Analysis]]

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1060px;
padding:0 20px 60px;color:#222}
h1{font-size:24px;margin:28px 0 4px}h2{font-size:19px;margin:36px 0 4px;border-top:1px solid #ddd;
padding-top:18px}h3{font-size:15px;margin:18px 0 4px}p.note{color:#666;font-size:13px;margin:4px 0}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px;text-align:right;border-bottom:1px solid #eee}
th:first-child,td:first-child{text-align:left}th{color:#666;font-weight:600}
tr.ALL td{font-weight:600}details{margin:8px 0}summary{cursor:pointer;font-weight:600}
select{font:inherit;max-width:100%}.wide{overflow-x:auto}
"""

SCRIPT = """
const book = JSON.parse((document.getElementById('trades') || {}).textContent || 'null');
const trades = book ? book.trades : [];
const LEG = {ENTRY:'#4c78a8', TARGET:'#54a24b', STOP:'#e45756', FLATTEN:'#b279a2'};
function level(t, px, name, colour, dash) {
  if (px === null) return null;
  const line = {color:colour, dash:dash, width:1};
  return {x:[t.x0, t.x1], y:[px, px], mode:'lines', name:name, line:line};
}
function draw(n) {
  const t = trades[n], q = t.track === null ? null : book.tracks[t.track], data = [];
  if (q) {
    data.push({x:q.at, y:q.ask, mode:'lines', name:'ask',
               line:{shape:'hv', color:'#c44', width:1}});
    data.push({x:q.at, y:q.bid, mode:'lines', name:'bid', line:{shape:'hv', color:'#47a', width:1},
               fill:'tonexty', fillcolor:'rgba(120,120,120,.10)'});
  }
  data.push(level(t, t.signal, 'signal', '#444', 'dot'));
  data.push(level(t, t.worst, 'worst price', '#b8860b', 'dash'));
  data.push(level(t, t.stop, 'stop of the signal', '#e45756', 'dot'));
  data.push(level(t, t.target, 'target of the signal', '#54a24b', 'dot'));
  const named = {};
  for (const o of t.orders) {
    data.push({x:[o[1], o[2]], y:[o[3], o[3]], mode:'lines', name:'order: ' + o[0].toLowerCase(),
      legendgroup:o[0], showlegend:!named[o[0]], line:{color:LEG[o[0]], width:4}, opacity:.55});
    named[o[0]] = true;
  }
  const mark = (rows, name, symbol, colour) => rows.length && data.push({
    x:rows.map(r=>r[0]), y:rows.map(r=>r[1]), text:rows.map(r=>r[2]), mode:'markers', name:name,
    marker:{symbol:symbol, size:12, color:colour, line:{color:'#fff', width:1}}});
  mark(t.fills, 'entered', t.sign > 0 ? 'triangle-up' : 'triangle-down', '#1f3f77');
  mark(t.closings, 'closed', t.sign > 0 ? 'triangle-down' : 'triangle-up', '#7a1f1f');
  const layout = {template:'plotly_white', height:520, margin:{l:70, r:30, t:30, b:50},
    font:{family:'system-ui, sans-serif', size:13}, hovermode:'closest',
    legend:{orientation:'h', y:-0.16}, xaxis:{title:{text:'seconds since the plan arrived'},
      range:[t.x0, t.x1], zerolinecolor:'#bbb'}, yaxis:{title:{text:'USD'}, tickformat:'.2f'}};
  Plotly.react('tape', data.filter(d=>d), layout, {responsive:true, displaylogo:false});
  document.getElementById('about').textContent = t.about;
}
const pick = document.getElementById('pick');
if (pick) { trades.forEach((t, n) => pick.add(new Option(t.name, n)));
  pick.onchange = () => draw(+pick.value);
  pick.value = Math.min(+location.hash.slice(1) || 0, trades.length - 1); draw(+pick.value); }
"""


def write_report(
    path: Path,
    title: str,
    paths: Paths,
    *,
    tracks: Sequence[Track] = (),
    notes: Sequence[str] = (),
) -> tuple[Path, int]:
    """Write the page; (its path, trades that are not in the picture book)."""
    compared = compared_with(paths)
    difference = differences_of(compared, REFERENCE)
    trades, left_out = _trades(paths, {one.key: one for one in tracks})
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<p class=note>Basis points; positive is cost. Markouts: positive is in our favour.</p>",
        *(f"<p class=note>{escape(note)}</p>" for note in notes),
        _table(paths_grid(paths)),
        *([_section(difference)] if difference is not None else []),
        *(_section(plot) for plot in figures_of(paths)),
        *_picture_book(trades, left_out),
        "<h2>Tables</h2>",
    ]
    for name, found in paths.items():
        shown = [*grids_of(found)]
        shown += comparison_grids(compared[name]) if name in compared else []
        grids = "".join(_table(grid) for grid in shown if grid.rows)
        parts.append(f"<details><summary>{escape(name)}</summary>{grids}</details>")
    text = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title>"
        f"<style>{STYLE}</style><script>{get_plotlyjs()}</script></head><body>"
        f"{''.join(parts)}<script>{SCRIPT}</script></body></html>\n"
    )
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    return beside.replace(path), left_out


def compared_with(paths: Paths) -> dict[str, Comparison]:
    """Every other path against `REFERENCE`, where that was played and there is something to
    compare."""
    found = {}
    for path, plans in paths.items():
        if path == REFERENCE or REFERENCE not in paths:
            continue
        one = compare([a.parent for a in plans], [a.parent for a in paths[REFERENCE]])
        if one is not None:
            found[path] = one
    return found


def _table(grid: Grid) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in grid.head)
    body = "".join(
        f'<tr class="{escape(row[0])}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in grid.rows
    )
    return (
        f"<h3>{escape(grid.title)}</h3><div class=wide><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div><p class=note>{escape(grid.note)}</p>"
    )


def _section(plot: Plot) -> str:
    drawn = plot.figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=plot.name,
        config={"responsive": True, "displaylogo": False},
    )
    return f"<h2>{escape(plot.title)}</h2><p class=note>{escape(plot.text)}</p>{drawn}"


def _picture_book(trades: str, left_out: int) -> list[str]:
    if not trades:
        return []
    missing = (
        f" {left_out} more are in the data but not in this page: `surefill tca` with --symbol, "
        "--since or --until makes a page of fewer plans."
        if left_out
        else ""
    )
    return [
        "<h2>One trade on the tape</h2><p class=note>Worst shortfall first. Thick lines are orders "
        f"while they worked, triangles are fills.{missing}</p>",
        "<p><select id=pick></select></p><p id=about></p><div id=tape></div>",
        _embedded(trades),
    ]


def _embedded(trades: str) -> str:
    """As data of the page; a closing tag inside a text would end the element early."""
    safe = trades.replace("<", "\\u003c")
    return f"<script id=trades type=application/json>{safe}</script>"


def _trades(paths: Paths, tracks: Mapping[str, Track]) -> tuple[str, int]:
    """(JSON of the trades that fit, worst first, with their tapes once each; how many do not)."""
    every = [one for found in paths.values() for one in found if one.parent.order_qty]
    every.sort(key=lambda one: -(one.shortfall.ppb if one.shortfall is not None else -(10**18)))
    trades: list[str] = []
    places: dict[str, int] = {}
    drawn: list[str] = []
    size = 0
    for one in every:
        key = key_of(one.parent.plan_id, one.parent.arrival_ns)
        is_new = key in tracks and key not in places
        place = places.get(key, len(drawn) if is_new else None)
        trade = _compact(_trade(one) | {"track": place})
        tape = _compact(_tape(tracks[key])) if is_new else ""
        if size + len(trade) + len(tape) > TRADE_BYTES_MAX:
            break
        if is_new:
            places[key] = len(drawn)
            drawn.append(tape)
        trades.append(trade)
        size += len(trade) + len(tape)
    text = f'{{"trades":[{",".join(trades)}],"tracks":[{",".join(drawn)}]}}'
    return (text if trades else ""), len(every) - len(trades)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _tape(track: Track) -> dict[str, list[float | None]]:
    return {
        "at": [round((ns - track.arrival_ns) / 1e9, 2) for ns in track.at_ns],
        "bid": [_px(px) for px in track.bid_px],
        "ask": [_px(px) for px in track.ask_px],
    }


def _trade(one: Analysis) -> dict[str, Any]:
    parent = one.parent

    def at(ns: int) -> float:
        return round((ns - parent.arrival_ns) / 1e9, 3)

    def shares(qty: int, px: int) -> str:
        return f"{qty / 1e9:g} at {_px(px)}"

    ends = [parent.budget_ns, *(fill.at_ns for fill in parent.fills)]
    ends += [fill.at_ns for fill in parent.closings]
    side = "buy" if parent.sign > 0 else "sell"
    return {
        "name": f"{parent.path}: {parent.plan_id} {parent.symbol} {side}, {_cost(one)}",
        "about": _about(one),
        "sign": parent.sign,
        "x0": -3,
        "x1": round(at(max(ends)) + 3, 1),
        "signal": _px(parent.signal_px),
        "worst": _px(parent.worst_px),
        "stop": _px(parent.stop_px),
        "target": _px(parent.target_px),
        "orders": [[o.leg.value, at(o.start_ns), at(o.end_ns), _px(o.px)] for o in parent.orders],
        "fills": [[at(f.at_ns), _px(f.px), shares(f.qty, f.px)] for f in parent.fills],
        "closings": [
            [at(c.at_ns), _px(c.px), f"{c.leg.value.lower()} {shares(c.qty, c.px)}"]
            for c in parent.closings
        ],
    }


def _px(nano: int | None) -> float | None:
    """Dollars for a screen; nobody's quote (0) is a gap."""
    return round(nano / 1e9, PX_DIGITS) if nano else None


def _cost(one: Analysis) -> str:
    return "cost unknown" if one.shortfall is None else f"{bps(one.shortfall.ppb)} bps"


def _about(one: Analysis) -> str:
    parent, costs = one.parent, one.costs
    wanted = f"{parent.qty / 1e9:g} of {parent.order_qty / 1e9:g} shares entered"
    if parent.fate is Fate.DENIED:
        wanted = "denied"
    words = [
        f"{parent.fate.value} ({parent.code}): {wanted}",
        f"shortfall {_cost(one)}",
        f"reward/risk planned {ratio(costs.rr_planned_ppb)}, at fill {ratio(costs.rr_fill_ppb)}",
        f"result {ratio(costs.r_ppb)} R",
    ]
    return "; ".join(words) + "."
