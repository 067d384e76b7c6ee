"""The same sweep on a real Dask cluster on this machine, one of whose workers is killed."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from distributed import Client, LocalCluster

from surefill.cli.sweep import RETRIES
from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import Scope
from surefill.replay.sweep import Cell, grid, play_tasks, synthetic_tasks

pytestmark = pytest.mark.slow

SCOPE = Scope(plans_max=4, window_ns_max=240 * SECOND_NS, events_max=10**9)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the library's own sockets at its end
def test_a_killed_worker_changes_nothing() -> None:
    choices = grid(["limit", "passive", "legacy"], {})
    tasks = synthetic_tasks(choices, 2, model="queue", seed=7, scope=SCOPE)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        here = dict(play_tasks(tasks, pool))
    there: dict[int, Cell] = {}
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        victims = [worker.pid for worker in cluster.workers.values()]
        for n, cell in play_tasks(tasks, client.get_executor(retries=RETRIES)):
            if not there:
                os.kill(victims[0], signal.SIGKILL)
            there[n] = cell
    assert there == here
