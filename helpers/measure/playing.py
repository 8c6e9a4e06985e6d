"""What is played in the runner: one run of all items on a fresh team, and visit after visit of a sweep."""

from __future__ import annotations

import gc
import pickle
import time
from dataclasses import replace

from helpers import machine
from helpers.engines import open_team
from helpers.engines.base import Batch
from helpers.engines.registry import STARTING, check_start_method
from helpers.measure.badges import Load, find_badges
from helpers.measure.sameness import require_same
from helpers.records import Accounting, Failure, Run, Timeline
from helpers.tasks.worker import pack_results

#: What a run that was stopped gives.
STOPPED_BATCH = Batch([], {}, Timeline(), Accounting(), 0.0, 0.0, 0.0, 1, complete=False)


def play_visits(payload, packed_items, visits, start_method, chunksize, usable_cpus, logical_cpus):
    """Yield a Run for each visit. Runs in the runner."""
    func, items = pickle.loads(payload), pickle.loads(packed_items)
    expected = None
    for number, engine, n_workers in visits:
        batch, badges = measure_batch(
            engine, func, payload, items, n_workers, start_method, chunksize, usable_cpus, logical_cpus
        )
        results = batch.values()
        if expected is None:
            expected = results
        else:
            where = "in another round of it" if engine == "serial" else "in parallel"
            require_same(expected, results, items, where)
        yield make_run(batch, number, engine, n_workers, start_method_of(engine, start_method), badges)


def make_run(batch, number, engine, n_workers, start_method, badges):
    """Return the Run of a Batch: round `number`, of which round 0 is the warm-up."""
    return Run(
        engine=engine,
        n_workers=n_workers,
        start_method=start_method,
        chunksize=batch.chunksize,
        round=number,
        startup=batch.startup,
        wall=batch.wall,
        cpu=batch.cpu,
        n_items=len(batch.results),
        accounting=batch.accounting,
        warmup=number == 0,
        sent_bytes=batch.sent_bytes,
        received_bytes=batch.received_bytes,
        badges=tuple(badges),
        timeline=batch.timeline,
    )


def play_batch(payload, packed_items, engine, n_workers, start_method, chunksize):
    """Yield the Batch of a single run. Runs in the runner."""
    func, items = pickle.loads(payload), pickle.loads(packed_items)
    batch = measure_batch(engine, func, payload, items, n_workers, start_method, chunksize)[0]
    failed = {}
    results = pickle.loads(pack_results(batch.results, items, 0, failed))
    failures = {**batch.failures, **{index: Failure(index, *facts) for index, facts in failed.items()}}
    yield replace(batch, results=results, failures=failures)


def start_method_of(engine, start_method):
    """Return the start method a run of `engine` has: None for engines that start no processes."""
    return check_start_method(start_method) if engine in STARTING else None


def measure_batch(
    engine, func, payload, items, n_workers, start_method, chunksize, usable_cpus=None, logical_cpus=None
):
    """Return (Batch, badges) of one run of all items on a fresh team."""
    if not items:
        return Batch([], {}, Timeline(), Accounting(), 0.0, 0.0, 0.0, chunksize or 1), []
    gc.collect()
    size = len(items) if engine == "serial" else chunksize
    with open_team(engine, func, n_workers, start_method, payload) as team:
        before = read_load()
        batch = team.run(items, size)
        after = read_load()
    elsewhere = 0.0 if engine in ("serial", "threads", "interpreters") else batch.cpu
    return batch, find_badges(batch.wall, n_workers, usable_cpus, logical_cpus, before, after, elsewhere)


def read_load():
    """Return the Load at this moment."""
    return Load(machine.read_busy_seconds(), time.process_time(), machine.read_throttling())
