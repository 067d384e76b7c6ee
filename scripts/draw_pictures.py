"""The design in pictures: the life of a trade, and what happens when something breaks.

What: each picture is a list of what is said between whom; each step is what the tests named on its
page show. Prices are those of the page. Must never: show a step that the engine does not take.
"""

from __future__ import annotations

from scripts.draw import Drawing, Say, sequence

ENGINE, JOURNAL, BROKER, STRATEGY = "engine", "journal", "broker", "strategy"

STAGES = (
    ("Plan", "symbol, side, shares,|signal, stop, target"),
    ("Gate", "every limit at once;|denied before any|order exists"),
    ("Price", "a worst price,|computed once,|never widened"),
    ("Enter", "limit orders inside it,|for so many seconds"),
    ("Cover", "a stop at the broker|for every filled share,|priced from the fill"),
    ("Manage", "stop, target, time,|or you"),
    ("Outcome", "one of nine, with|the broker's numbers"),
)


def stages() -> str:
    """The seven stages in a row, and the two ways out before anything was bought."""
    wide = 152
    drawing = Drawing(wide * len(STAGES) + 8, 216)
    for n, (name, words) in enumerate(STAGES):
        x = wide * n + wide / 2 + 4
        drawing.box((x, 40), (108, 38), name)
        drawing.text((x, 104), words, look="quiet", size=12)
        if n:
            drawing.line([(x - wide + 54, 40), (x - 55, 40)], tip=True)
    for n, words in ((1, "DENIED: nothing was sent"), (3, "NOT_ENTERED: no share, no loss")):
        x = wide * n + wide / 2 + 4
        drawing.line([(x, 140), (x, 178)], tip=True)
        drawing.text((x, 196), words, look="good", size=13)
    return drawing.svg()


SCALE_PX = 56
TOP_USD = 537.3


def _y(usd: float) -> float:
    return 30 + (TOP_USD - usd) * SCALE_PX


def prices() -> str:
    """The CRWD morning on one scale: where the market order filled, where Surefill would not."""
    drawing = Drawing(700, 524)
    rows = (
        (536.87, "536.87 target of the signal", "line"),
        (536.00, "536.00 what the market asks: the market order fills here", "bad"),
        (535.35, "535.35 worst price: 0.10 % beyond the signal", "good"),
        (535.08, "535.08 first limit", "good"),
        (534.82, "534.82 signal", "line"),
        (529.47, "529.47 stop of the signal", "line"),
    )
    aside = {535.35: -9, 535.08: 0, 534.82: 9}
    for usd, words, look in rows:
        drawing.line([(20, _y(usd)), (330, _y(usd))], look=look, dash=look == "line")
        shown = look if look != "line" else ""
        at = (342, _y(usd) + aside.get(usd, 0))
        drawing.text(at, words, anchor="start", look=shown, size=13)
    drawing.area((70, _y(536.87)), (90, _y(536.00) - _y(536.87)), look="band")
    drawing.area((70, _y(536.00)), (90, _y(529.47) - _y(536.00)), look="gap")
    drawing.text((115, (_y(536.87) + _y(536.00)) / 2), "win 0.87", size=13)
    drawing.text((115, _y(532.6)), "risk 6.53", size=13)
    drawing.area((200, _y(536.87)), (90, _y(534.82) - _y(536.87)), look="band")
    drawing.area((200, _y(534.82)), (90, _y(529.47) - _y(534.82)), look="gap")
    drawing.text((245, (_y(536.87) + _y(535.5)) / 2), "win 2.05", size=13)
    drawing.text((245, _y(532.1)), "risk 5.35", size=13)
    drawing.text((115, 496), "market order:|1 to 0.13", size=13, look="bad")
    drawing.text((245, 496), "as planned:|1 to 0.38", size=13)
    return drawing.svg()


def good_trade() -> str:
    """Everything works."""
    return sequence(
        [STRATEGY, ENGINE, BROKER],
        [
            Say(STRATEGY, ENGINE, "plan: buy 25 at 100.00, risk 1"),
            Say(ENGINE, "", "gate, prices; record on disk"),
            Say(ENGINE, BROKER, "buy 25 limit 100.05"),
            Say(BROKER, ENGINE, "25 filled at 100.01", held=25, bare=25),
            Say(ENGINE, "", "record on disk"),
            Say(ENGINE, BROKER, "stop 99.01 + target 102.01"),
            Say(BROKER, ENGINE, "both rest", bare=0),
            Say(ENGINE, STRATEGY, "entered and covered"),
            Say(BROKER, ENGINE, "target filled, stop gone", held=0),
            Say(ENGINE, STRATEGY, "CLOSED_TARGET"),
        ],
    )


def partial() -> str:
    """A part fills, the rest does not."""
    return sequence(
        [ENGINE, BROKER],
        [
            Say(ENGINE, BROKER, "buy 100 limit 100.05"),
            Say(BROKER, ENGINE, "37 filled", held=37, bare=37),
            Say(ENGINE, BROKER, "end the rest"),
            Say(BROKER, ENGINE, "63 cancelled"),
            Say(ENGINE, BROKER, "stop + target for 37"),
            Say(BROKER, ENGINE, "both rest", bare=0),
        ],
    )


def stream_down() -> str:
    """Nothing is heard any more; questions take the stream's place."""
    return sequence(
        [ENGINE, BROKER],
        [
            Say(ENGINE, BROKER, "buy 100 limit 100.05"),
            Say(BROKER, ENGINE, "it rests"),
            Say(BROKER, ENGINE, "100 filled", is_lost=True, held=100, bare=100),
            Say(ENGINE, "", "silence, no pong: down"),
            Say(ENGINE, BROKER, "orders? positions? (every second)"),
            Say(BROKER, ENGINE, "100 filled at 100.03"),
            Say(ENGINE, BROKER, "stop + target for 100"),
            Say(BROKER, ENGINE, "accepted", bare=0),
            Say(ENGINE, BROKER, "connect, log in, read the gap"),
            Say(BROKER, ENGINE, "100 filled (again: nothing new)"),
        ],
    )


def timed_out() -> str:
    """The answer to an order is lost."""
    return sequence(
        [ENGINE, BROKER],
        [
            Say(ENGINE, BROKER, "buy 100, id sf-...-E1"),
            Say(BROKER, ENGINE, "accepted", is_lost=True),
            Say(ENGINE, "", "IN_DOUBT: counts as 100 bought"),
            Say(ENGINE, BROKER, "is there an order sf-...-E1?"),
            Say(BROKER, ENGINE, "yes, 100 filled", held=100, bare=100),
            Say(ENGINE, BROKER, "stop + target for 100"),
            Say(BROKER, ENGINE, "both rest", bare=0),
        ],
    )


def race() -> str:
    """Our cancel and their fill cross."""
    return sequence(
        [ENGINE, BROKER],
        [
            Say(ENGINE, "", "60 s are over"),
            Say(ENGINE, BROKER, "cancel E1"),
            Say(BROKER, ENGINE, "40 filled", held=40, bare=40),
            Say(BROKER, ENGINE, "cancelled, 40 of 100 filled"),
            Say(ENGINE, BROKER, "stop + target for 40"),
            Say(BROKER, ENGINE, "both rest", bare=0),
            Say(BROKER, ENGINE, "2 more (late)", held=42, bare=2),
            Say(ENGINE, BROKER, "stop + target for 2"),
            Say(BROKER, ENGINE, "both rest", bare=0),
        ],
    )


def killed() -> str:
    """The process dies while an entry works."""
    return sequence(
        [JOURNAL, ENGINE, BROKER],
        [
            Say(ENGINE, JOURNAL, "I will send E1 (fsync)"),
            Say(ENGINE, BROKER, "buy 100 limit 50.02"),
            Say(ENGINE, "", "kill -9", dies=True),
            Say(BROKER, "", "100 filled", held=100, bare=100),
            Say(ENGINE, "", "started again", starts=True),
            Say(JOURNAL, ENGINE, "E1 was on its way"),
            Say(ENGINE, BROKER, "E1? all orders? positions?"),
            Say(BROKER, ENGINE, "E1: 100 filled at 50.02"),
            Say(ENGINE, JOURNAL, "I will send X1 (fsync)"),
            Say(ENGINE, BROKER, "stop + target for 100"),
            Say(BROKER, ENGINE, "both rest", bare=0),
            Say(ENGINE, "", "only now: new plans"),
        ],
    )


def refused() -> str:
    """The broker does not take the cover."""
    return sequence(
        [ENGINE, BROKER],
        [
            Say(BROKER, ENGINE, "100 filled", held=100, bare=100),
            Say(ENGINE, BROKER, "stop + target (OCO)"),
            Say(BROKER, ENGINE, "refused"),
            Say(ENGINE, "", "alarm: COVER_REFUSED"),
            Say(ENGINE, BROKER, "a lone stop"),
            Say(BROKER, ENGINE, "refused"),
            Say(ENGINE, BROKER, "sell 100, limit with a collar"),
            Say(BROKER, ENGINE, "refused"),
            Say(ENGINE, "", "alarm: EXPOSED; again"),
            Say(ENGINE, BROKER, "sell 100, limit with a collar"),
            Say(BROKER, ENGINE, "100 sold", held=0),
        ],
    )


DRAWN = {
    "docs/images/life_stages.svg": stages,
    "docs/images/life_prices.svg": prices,
    "docs/images/life_trade.svg": good_trade,
    "docs/images/when_partial.svg": partial,
    "docs/images/when_stream_down.svg": stream_down,
    "docs/images/when_timed_out.svg": timed_out,
    "docs/images/when_race.svg": race,
    "docs/images/when_killed.svg": killed,
    "docs/images/when_refused.svg": refused,
}
"""Where a picture stands -> what draws it."""
