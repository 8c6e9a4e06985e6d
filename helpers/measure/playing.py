"""What is played in the runner: one run of all items on a fresh team, and visit after visit of a sweep."""

from __future__ import annotations

import gc
import pickle
import time
from dataclasses import replace
from itertools import islice

from helpers import machine
from helpers.engines import open_team
from helpers.engines.base import Batch
from helpers.engines.registry import SHARING, STARTING, check_start_method
from helpers.errors import HelpersError, ResultsDifferError
from helpers.measure.badges import CHANGES_ITEMS, Load, count_computing, find_badges, find_loop_badges
from helpers.measure.problems import set_back
from helpers.measure.sameness import is_same, require_same
from helpers.records import Accounting, Failure, Run, Timeline
from helpers.runner import edited_since, is_refusal, own_sources
from helpers.tasks.worker import describe, pack_results, say
from helpers.words import listing

#: Items compared at once, and the most blocks of them that are then compared one by one.
BLOCK, MANY = 1000, 10
#: What is loaded, in words.
FUNCTION, ITEMS = "The module of the function", "The items"
#: What a run that was stopped gives.
STOPPED_BATCH = Batch([], {}, Timeline(), Accounting(), 0.0, 0.0, 0.0, 1, complete=False)


def play_visits(payload, packed_items, visits, start_method, chunksize, usable_cpus, logical_cpus):
    """Yield a Run for each visit, the first of which is the serial loop's. Runs in the runner.

    A parallel visit that fails, or whose results are not the first visit's, yields a `Setback` and is the last
    one: whatever it did to this process, a global half changed or workers that hang, nothing is timed beside it.
    """
    func, expected, of_items = load(payload, FUNCTION), None, []
    sources, cpus = own_sources(), (usable_cpus, logical_cpus)
    for visit in visits:
        number, engine, n_workers = visit
        items, setback = load(packed_items, ITEMS), None  # fresh ones: those of the last visit may have changed
        try:
            batch, badges = measure_batch(engine, func, payload, items, n_workers, start_method, chunksize, *cpus)
            if expected is None:
                expected = batch.values()
                of_items = [CHANGES_ITEMS] if were_changed(items, packed_items) else []
            else:
                where = "in another round of it" if engine == "serial" else "in parallel"
                require_same(expected, batch.values(), items, where)
        except BaseException as raised:
            error = blame_edits(raised, sources)
            if engine == "serial":
                raise error from None
            setback = set_back(error, visit, items)
        if setback is not None:
            yield setback
            return
        del items  # not two lists of them while the next is made
        yield make_run(batch, number, engine, n_workers, start_method_of(engine, start_method), badges + of_items)


def load(packed, what):
    """Return what is packed; HelpersError where it cannot be built here. `what` is `FUNCTION` or `ITEMS`."""
    try:
        return pickle.loads(packed)
    except BaseException as error:
        raise HelpersError(
            f"{what} could not be loaded in a fresh process: {type(error).__name__}: {say(error)}. What is imported or "
            "unpickled there must neither raise nor end its program; try it in a fresh interpreter."
        ) from error


def blame_edits(error, sources):
    """Return `error`, or where results differ and a module was edited since `sources`, the error that names it."""
    edited = edited_since(sources) if isinstance(error, ResultsDifferError) else []
    if not edited:
        return error
    return ResultsDifferError(
        f"Item {error.index} gave {error.serial} in the serial loop and {error.parallel} in another run: "
        f"{listing(edited)} was edited while it was measured, and some workers have run the new one. Measure again.",
        edited=edited,
        index=error.index,
        serial=error.serial,
        parallel=error.parallel,
    )


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
    func, items = load(payload, FUNCTION), load(packed_items, ITEMS)
    batch = measure_batch(engine, func, payload, items, n_workers, start_method, chunksize)[0]
    results, failed = keep_sound(batch.results, items)
    failures = {**batch.failures, **{index: Failure(index, *facts) for index, facts in failed.items()}}
    yield replace(batch, results=results, failures=failures)


def keep_sound(results, items):
    """Return (results as another process gets them, failures of those that cannot be sent or built there)."""
    failed = {}
    try:
        return pickle.loads(pack_results(results, items, 0, failed)), failed
    except BaseException:  # tried here, not in the kernel: what builds a result can end a process
        pass
    sound = []
    for index, value in enumerate(results):
        try:
            sound.append(pickle.loads(pickle.dumps(value, protocol=5)))
        except BaseException as error:
            sound.append(None)
            said, kind, _, text = describe(error, items[index])
            failed[index] = said, kind, f"its result cannot be unpickled: {say(error)}", text
    return sound, failed


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
    try:
        with open_team(engine, func, n_workers, start_method, payload) as team:
            before = read_load()
            batch = team.run(items, size)
            after = read_load()
    except Exception as error:
        raise as_ours(error) from error
    elsewhere = 0.0 if engine in SHARING else batch.cpu
    computing = count_computing(n_workers, batch.loop)
    badges = find_badges(batch.wall, computing, usable_cpus, logical_cpus, before, after, elsewhere)
    return batch, badges + find_loop_badges(n_workers, batch.loop, badges)


def as_ours(error):
    """Return what is to be raised for an error of a run that no task raised: the machinery itself broke.

    What says it all itself, refusals of the system, and modules that are not what they should be are told elsewhere.
    """
    if isinstance(error, HelpersError | TimeoutError | ImportError | AttributeError) or is_refusal(error):
        return error
    return HelpersError(
        f"The run broke outside of the tasks: {say(error)}. If the function replaces something that its whole "
        "process uses (a clock, pickle, a hook, a built-in), have it put that back before it returns."
    )


def read_load():
    """Return the Load at this moment."""
    return Load(machine.read_busy_seconds(), time.process_time(), machine.read_throttling())


def were_changed(items, packed_items):
    """Return whether `items`, which tasks have had, differ from those packed; False where nobody can tell.

    Cheap where nothing changed: blocks of items are compared at once, and only what differs one by one. An
    item counts only if two fresh copies of it are the same: one that differs from its own copy cannot be compared.
    """
    try:
        fresh = pickle.loads(packed_items)
        blocks = [slice(at, at + BLOCK) for at in range(0, len(fresh), BLOCK)]
        suspects = list(islice((block for block in blocks if not is_same_block(items[block], fresh[block])), MANY))
        again = pickle.loads(packed_items) if suspects else []
        return any(
            is_same(one, other) and not is_same(used, one)
            for block in suspects
            for used, one, other in zip(items[block], fresh[block], again[block], strict=True)
        )
    except BaseException:  # what an item does when it is compared or unpickled is its own affair
        return False


def is_same_block(used, fresh):
    """Return whether two lists of items are surely the same: equal, or pickled to the same bytes."""
    try:
        if used == fresh:
            return True
    except Exception:  # arrays have no single truth value
        pass
    try:
        return pickle.dumps(used, protocol=5) == pickle.dumps(fresh, protocol=5)
    except Exception:
        return False
