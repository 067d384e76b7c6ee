"""Long runs in pieces over several processes, with a bar: one place for all proofs that take long.

A piece that fails ends the run with its own traceback; pieces are functions of their number.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Result = TypeVar("Result")


def run_chunks(
    work: Callable[[int], Result], numbers: Sequence[int], *, workers: int, title: str
) -> Iterator[Result]:
    """Results of all pieces, in order. ``work`` must be importable by a fresh interpreter."""
    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=len(numbers))
        if workers <= 1:
            for number in numbers:
                yield work(number)
                bar.advance(task)
            return
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for result in pool.map(work, numbers):
                yield result
                bar.advance(task)
