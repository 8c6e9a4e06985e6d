"""What chapters show to prove a cure fails without it: in at least 29 of 30 runs, also on a busy machine.

With the cure the same run is right every time. A lock is left away by a `nullcontext` in its place.
"""

import gc
import multiprocessing
import sys
from contextlib import nullcontext
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers.course.counting import run_gated
from helpers.course.counting import tasks as counting
from helpers.course.lock import own_locks, run_together
from helpers.course.lock import tasks as locks
from helpers.course.pipe.tasks import mix_two_writers
from helpers.machine import default_start_method, usable_cpus
from helpers.tasks.crew import run_all
from helpers.tasks.wait import wait_ms

RUNS, MOST_MISSES = 30, 1
CHAPTER = Path(__file__).resolve().parents[2] / "notebooks" / "05_lock.ipynb"


def count_with(target, *args, cured, pause=0.005, n_updates=4):
    """Return whether two processes that begin at once count right on a counter that pauses."""
    context = multiprocessing.get_context(default_start_method())
    counter = context.RawValue("q", 0)
    lock = context.Lock() if cured else nullcontext()
    slow = counting.PausingCounter(counter, pause=pause)
    run_together(context, target, slow, n_updates, lock, *args)
    return counter.value == 2 * n_updates


def count_locked(cured):
    return count_with(counting.add_locked, cured=cured)


def count_in_batches(cured):
    return count_with(counting.add_in_batches, 2, cured=cured)


def merge_at_the_end(cured):
    return count_with(counting.add_and_merge, cured=cured, pause=0.05)


def count_as_fast_as_can_be(cured):
    """The first surprise of chapters 05 and 06: nothing pauses, the gate alone sees to it that they meet."""
    context = multiprocessing.get_context(default_start_method())
    counter = context.Value("q", 0)
    target = counting.add_locked if cured else counting.add_unlocked
    run_gated(target, counter, 10_000 if cured else 100_000, start_method=default_start_method())
    return counter.value == (20_000 if cured else 200_000)


def keep_slots(cured):
    context = multiprocessing.get_context(default_start_method())
    slots, inside, most = context.Semaphore(2 if cured else 4), context.Value("i", 0), context.Value("i", 0)
    run_all(locks.use_slot, [(slots, inside, most, context.Barrier(4))] * 4, context)
    return most.value <= 2


def work_in_phases(cured):
    context = multiprocessing.get_context(default_start_method())
    barrier, squares, totals = context.Barrier(3 if cured else 1), context.RawArray("i", 3), context.RawArray("i", 3)
    run_all(locks.square_then_sum, [(barrier, squares, totals, number) for number in (1, 2, 3)], context)
    return list(totals) == [14, 14, 14]


def take_two_locks(cured):
    """The cure is one order for all."""
    context = multiprocessing.get_context(default_start_method())
    both = {"left": context.Lock(), "right": context.Lock()}
    gate, answers = context.Barrier(2), context.SimpleQueue()
    orders = {"one": ("left", "right"), "two": ("left", "right") if cured else ("right", "left")}
    run_all(locks.take_two, [(name, order, both, gate, answers, 0.1) for name, order in orders.items()], context)
    told = dict(answers.get() for _ in orders)
    assert sorted(told) == ["one", "two"] and all(got[0] == orders[name][0] for name, got in told.items())
    return all(len(got) == 2 for got in told.values())


def write_to_one_end(cured):
    sent, intact = mix_two_writers(20, 300_000, cured)
    return intact == sent


def take_results(cured):
    """The cure is to take them inside the `with` block of the pool: its end ends the workers."""
    with multiprocessing.get_context(default_start_method()).Pool(2) as pool:
        pool.map(abs, range(4))
        receipt = pool.map_async(wait_ms, [50] * 4)
        if cured:
            return receipt.get(timeout=2) == [50] * 4
    try:
        return receipt.get(timeout=0.15) == [50] * 4
    except multiprocessing.TimeoutError:
        return False
    finally:
        del pool, receipt  # the pool's list of what it owes holds the receipt, and that the pool
        gc.collect()


NEEDS_TWO_CPUS = pytest.mark.skipif(usable_cpus() < 2, reason="on one CPU processes seldom meet at a bare counter")
WHOLE = pytest.mark.skipif(sys.platform == "win32", reason="there each message stays whole")
PROOFS = [
    take_results,
    count_locked,
    count_in_batches,
    merge_at_the_end,
    keep_slots,
    work_in_phases,
    take_two_locks,
    pytest.param(count_as_fast_as_can_be, marks=NEEDS_TWO_CPUS),
    pytest.param(write_to_one_end, marks=WHOLE),
]


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_fails_without_its_cure(proof):
    assert sum(proof(cured=False) for _ in range(RUNS)) <= MOST_MISSES


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_holds_with_its_cure(proof):
    assert all(proof(cured=True) for _ in range(3))


@pytest.mark.parametrize("target", [own_locks.add_with_module_lock, own_locks.add_with_own_lock])
def test_a_lock_of_ones_own_keeps_nobody_out(target):
    context = multiprocessing.get_context("spawn")
    counter = context.RawValue("q", 0)
    run_together(context, target, counting.PausingCounter(counter), 5)
    assert 0 < counter.value < 10


# --- the cells of chapter 05 ------------------------------------------------------------------


def sell_tickets(module, cured):
    """One ticket, two sellers: looking and acting in one critical section or in two."""
    context = multiprocessing.get_context(default_start_method())
    tickets, sold = context.RawValue("i", 1), context.RawValue("i", 0)
    run_together(context, module.reserve_and_sell if cured else module.sell, tickets, sold, context.Lock())
    return (sold.value, tickets.value) == (1, 0)


def count_in_a_pool(module, cured):
    """Counter and lock by the initializer, and both workers there before one counts."""
    context = multiprocessing.get_context(default_start_method())
    counter = context.RawValue("q", 0)
    initargs = counting.PausingCounter(counter), context.Lock() if cured else nullcontext(), context.Barrier(2)
    with context.Pool(2, initializer=module.keep, initargs=initargs) as pool:
        pool.map_async(module.add_kept, [3] * 4).get(timeout=30)
    return counter.value == 12


@pytest.fixture
def cells(answers):
    """A module of what the %%worker cells of chapter 05 define, above its exercises."""
    texts = [cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"]
    workers = [text.removeprefix("%%worker\n") for text in texts if text.startswith("%%worker\n")]
    return answers("\n\n".join(text for text in workers if not text.endswith("...")))


@pytest.mark.parametrize("proof", [sell_tickets, count_in_a_pool])
def test_a_proof_of_chapter_05_fails_without_its_cure_and_holds_with_it(proof, cells):
    assert sum(proof(cells, cured=False) for _ in range(RUNS)) <= MOST_MISSES
    assert all(proof(cells, cured=True) for _ in range(3))


def test_a_plate_of_chapter_06_fails_without_its_barrier_and_holds_with_it():
    names = {}
    code = "\n".join(
        cell.source
        for cell in nbformat.read(CHAPTER.with_name("06_value.ipynb"), as_version=4).cells
        if cell.cell_type == "code" and any(word in cell.source for word in ("def heat(", "warm = heat("))
    )
    imports = "import numpy as np\nfrom helpers.course.value.arrays import heat_rows\n"
    method = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(default_start_method(), force=True)
    try:
        exec(f"{imports}from helpers.tasks.crew import run_all\n{code}", names)
        heat, cold, halves = names["heat"], names["cold"], names["halves"]
        alone = heat(cold, [(5, 55)], multiprocessing.Barrier(1))
        assert np.array_equal(names["warm"], alone)
        wrong = [
            not np.array_equal(heat(cold, halves, multiprocessing.Barrier(1)), alone) for _ in range(RUNS // 3)
        ]  # each takes long; 30 of 30 went wrong when this was written
    finally:
        multiprocessing.set_start_method(method, force=True)
    assert sum(wrong) >= RUNS // 3 - MOST_MISSES
