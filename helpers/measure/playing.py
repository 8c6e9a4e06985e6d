"""What is played in the runner: one run of all items on a fresh team, and visit after visit of a sweep."""

from __future__ import annotations

import gc
import pickle
import time
from collections import deque
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


def play_visits(payload, packed_items, visits, start_method, chunksize, usable_cpus, logical_cpus, pass_seconds=0.0):
    """Yield a Run for each visit, the first of which is the serial loop's. Runs in the runner.

    What ``yield`` gives is a list of further visits, or None. Where a pass over the items is short, a run makes as many
    as fit into `pass_seconds`: its pair's first run finds out how many. The first run of all makes one: nobody knows a
    deadline for it yet, and what runs for the first time tells little of how long it takes. A parallel visit that
    fails, or whose results are not the first visit's, yields a `Setback` and is the last one: whatever it did to this
    process, a global half changed or workers that hang, nothing is timed beside it.
    """
    func, sources, passes, to_come = load(payload, FUNCTION), own_sources(), {}, deque(visits)
    reference, cpus = Reference(packed_items), (usable_cpus, logical_cpus)
    while to_come:
        visit = to_come.popleft()
        setback, _, engine, n_workers = None, *visit
        reference.where = "in another round of it" if engine == "serial" else "in parallel"
        filled = pass_seconds if reference.known else 0.0
        plan = Passes(reference.hand_out, reference.check, filled, passes.get((engine, n_workers)))
        try:
            batch, badges = plan.measure(engine, func, payload, n_workers, start_method, chunksize, *cpus)
            if filled:
                passes[engine, n_workers] = len(plan.walls)
        except BaseException as raised:
            error = blame_edits(raised, sources)
            if engine == "serial":
                raise error from None
            setback = set_back(error, visit, reference.items or ())
        if setback is not None:
            yield setback
            return
        reference.items = None  # not two lists of them while the next is made
        facts = start_method_of(engine, start_method), badges + reference.badges, plan.walls
        to_come.extend((yield make_run(batch, *visit, *facts)) or ())


class Reference:
    """The results of the first pass of all, the serial loop's, which every pass of the runs to come must give too.

    It hands out the items, fresh ones for each pass: those of the pass before may have changed.
    """

    def __init__(self, packed_items):
        self._packed, self._expected, self.known = packed_items, None, False
        self.items, self.badges, self.where = None, [], ""

    def hand_out(self):
        """Return a list of fresh items; there are never two of them."""
        self.items = None
        self.items = load(self._packed, ITEMS)
        return self.items

    def check(self, batch):
        """Raise ResultsDifferError if the results of a pass are others than those of the first one."""
        if not self.known:
            self._expected, self.known = batch.values(), True
            self.badges = [CHANGES_ITEMS] if were_changed(self.items, self._packed) else []
        else:
            require_same(self._expected, batch.values(), self.items, self.where)


class Passes:
    """The passes of one run over its items, on a team that stays up.

    Parameters
    ----------
    fresh : callable that returns the items, as a list of their own for each pass
    check : callable of the Batch of each pass, called when it is over; what it raises ends the run
    seconds : float
        A run of several passes ends before it takes longer, what is not timed between them included.
    count : int, optional
        How many: an odd number, so that the median is one of them. None finds out how many fit.
    """

    def __init__(self, fresh, check, seconds=0.0, count=None):
        self.fresh, self.check, self.seconds, self.count = fresh, check, seconds, count
        self.walls = []

    def enough(self, spent):
        """Return whether no further pass is made, `spent` seconds after the first one began."""
        done = len(self.walls)
        if done % 2 == 0:
            return False
        if self.count is not None:
            return done >= self.count or spent >= self.seconds
        return spent * (done + 2) / done > self.seconds

    def measure(self, engine, func, payload, n_workers, start_method, chunksize, usable_cpus=None, logical_cpus=None):
        """Return (Batch of the pass whose wall is the median, badges) on a fresh team."""
        items = self.fresh()
        if not items:
            return Batch([], {}, Timeline(), Accounting(), 0.0, 0.0, 0.0, chunksize or 1), []
        gc.collect()
        n_items, batches = len(items), []
        try:
            with open_team(engine, func, n_workers, start_method, payload) as team:
                before, began = read_load(), time.perf_counter()
                while True:
                    batch = team.run(items, n_items if engine == "serial" else chunksize)
                    after, span = read_load(), time.perf_counter() - began
                    self.walls.append(batch.wall)
                    self.check(batch)
                    if self.enough(time.perf_counter() - began):
                        break
                    batches.append(replace(batch, results=[]))  # its results are checked: not kept for all passes
                    del items, batch
                    items = self.fresh()
        except Exception as error:
            raise as_ours(error) from error
        middle = sorted(self.walls)[len(self.walls) // 2]
        chosen = replace([*batches, batch][self.walls.index(middle)], results=batch.results)
        elsewhere = 0.0 if engine in SHARING else sum(each.cpu for each in (*batches, batch))
        load = usable_cpus, logical_cpus, before, after, elsewhere, max(span, sum(self.walls))
        badges = find_badges(chosen.wall, count_computing(n_workers, chosen.loop), *load)
        return chosen, badges + find_loop_badges(n_workers, chosen.loop, badges)


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


def make_run(batch, number, engine, n_workers, start_method, badges, walls=()):
    """Return the Run of a Batch: round `number`, of which round 0 is the warm-up. `walls` are those of all passes."""
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
        passes=len(walls) or 1,
        first_wall=walls[0] if len(walls) > 1 else None,
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
    """Return (Batch, badges) of one run of all items on a fresh team, one pass."""
    passes = Passes(lambda: items, lambda batch: None)
    return passes.measure(engine, func, payload, n_workers, start_method, chunksize, usable_cpus, logical_cpus)


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
