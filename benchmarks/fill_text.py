"""The sentences of the report of `benchmarks.fill_model`: what to read its numbers with."""

from __future__ import annotations

TITLE = """# The fill model against real orders, place by place

Written by `benchmarks/fill_model.py`, whose first lines say what is counted. `displayed` is the
default of the exchange (`queue_place`), `last` and `first` are its bounds. No number of it is
fitted, so CSCO is where the sentences were chosen, YHOO and AAPL where they are checked.
`displayed-queue` and `touch` are the simple baselines of the tapes' README; its own numbers (until
the owner's cancel; fills, recall, false) come out in the rows "cancel", apart by 0.1 % at most.

**The goal, 90 % recall at 1 % false fills out of sample, is reached** by `displayed`, at every
horizon, on both symbols that it was not chosen on. Of the two baselines the first misses a quarter
of the fills, the second invents two to eight per cent.

Read it with three cautions. The tapes hold each order's own execution: a print that filled it is a
print that the model sees, so this is the best that can be hoped for (of the baselines too). The
queues are those of one venue in 2003 and 2012, short ones: most of who was ahead traded or showed
that he left; so `displayed` and `last` hardly differ here, and nothing in these tapes says which is
right where a queue is long and changes hands. And on a consolidated quote neither the displayed
size nor the prints are our venue's: see "If the queue were another".
"""
CALIBRATION = """Orders that are alike (symbol, day, hour, place in the queue, joined or improved)
are a cell; in each, what share of them the model fills stands against what share really filled. The
drawing orders the cells by the former and cuts them into ten parts of as many orders; on the
diagonal is right. The table has the mean distance over the cells, weighted by orders."""
SHARE = """On a single venue's tape the displayed size is the queue and every print at the price
comes out of it. On a consolidated one neither holds: the size shown is one venue's, which may not
be ours, and prints of all venues seem to shorten the queue. An order at a venue that gets a share s
of the prints, behind a queue as long as the one shown, is filled as if the queue were 1/s times as
long: a model that does not know it works with a queue taken for s of what it is. So 50 % and 25 %
are venues with a half and a quarter of the prints; 200 % and 400 % a queue that is really shorter
than the one shown. Joins of the best price, `displayed`, the first three days of each symbol. What
it means for costs is in the [report on tactics](2026-11-23-tactics.md)."""
PLACE = """"first" has nobody ahead. `displayed` in full, of the baselines recall / false /
precision."""
