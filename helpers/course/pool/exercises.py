"""Exercises of chapter 02."""

from __future__ import annotations

import os
import tempfile

from helpers.exercises.base import METHODS, Exercise, Wrong, require_overlap, spy_on, try_answer
from helpers.tasks.faults import BAD_ITEM, raise_on_bad
from helpers.tasks.spy import Spy, read_spans
from helpers.tasks.wait import wait_ms
from helpers.words import plural

#: Two long items side by side, the second done first, then short ones: two workers take two items a chunk by default.
LONG, SHORT = 300, 2
UNEVEN = [LONG + 100, LONG] + [SHORT + number for number in range(14)]


#: The usual slips with a pool, by what came of the call.
INSTEAD = {
    "unpicklable": "it returns an iterator or a receipt of the pool, which cannot leave the process. Return the "
    "results themselves: list(…) of an iterator, .get() of a receipt."
}
#: Why several processes never work at the same time.
WAITS = "apply(), or map() with a single item, waits for its result before the next item is handed out."
ENDED_EARLY = "next() finds no more results: where items travel in chunks, the first error ends the iteration."
ALSO = {
    "late": "Are the results taken inside the with block? At its end the pool is terminated.",
    "left": "Is it a pool that nobody closed? A with block ends its workers.",
}


def _try(func, *args, start_method):
    """Return the Trial of an answer that gave something; the usual slips with a pool get their reasons."""
    trial = try_answer(func, *args, start_method=start_method)
    if trial.error_type == "StopIteration":
        raise Wrong(ENDED_EARLY)
    trial.require(also=ALSO, instead=INSTEAD)
    return trial


def _require_overlap(spans):
    """As `require_overlap`; several processes that take turns hear of the likely reason."""
    require_overlap(spans, also=WAITS if len({pid for pid, *_ in spans}) > 1 else "")


def _examine_map(func):
    for method in METHODS:
        trial, spans = spy_on(wait_ms, lambda spy, method=method: _try(func, spy, list(UNEVEN), start_method=method))
        if words := judge_map(trial.value, spans):
            raise Wrong(words)
        _require_overlap(spans)
        if words := judge_sharing(spans):
            raise Wrong(words)
        if (n_workers := len(trial.seen["exitcodes"])) > 2:
            raise Wrong(
                f"the results are right, but the pool has {plural(n_workers, 'worker')}, and two are asked for: "
                "Pool(2)."
            )
    return trial.judge_pools()


def judge_map(value, spans):
    """Return what is wrong with the results of the first exercise and the number of calls, else ""."""
    if not isinstance(value, (list, tuple)) or list(value) != UNEVEN:
        if isinstance(value, (list, tuple)) and sorted(value) == sorted(UNEVEN):
            return "all results are there, in the wrong order: result n belongs to item n."
        return f"for the items {UNEVEN} it gives {value!r}; it should give func(item) for each, in a list."
    if len(spans) != len(UNEVEN):
        return f"the function was called {plural(len(spans), 'time')} for {len(UNEVEN)} items."
    return ""


def judge_sharing(spans):
    """Return what is wrong if one process did both long items, else ""."""
    if len({pid for pid, _, _, _, item in spans if int(item) >= LONG}) < 2:
        return "the results are right, but one process did both long items: items 0 and 1 travelled in one chunk."
    return ""


pool_1 = Exercise(
    "pool_1",
    "Write fair_map(func, items): func over items by a pool of two, in order, long items never stuck behind each "
    "other.",
    _examine_map,
    "under two start methods the results are in order, two processes worked at the same time, and each took one of the "
    "long items.",
    (
        "Pool(2) as a context manager, and a method of it that keeps the order of the items.",
        (
            "By default map makes four chunks a worker, so neighbours travel together. Its third argument is the size "
            "of a chunk."
        ),
    ),
    """%%worker
from multiprocessing import Pool

def fair_map(func, items):
    with Pool(2) as pool:
        return pool.map(func, items, chunksize=1)""",
)

ITEMS = [BAD_ITEM, 0, 1, 2, BAD_ITEM, 4, 5]


def _examine_keep(func):
    for method in METHODS:
        with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
            trial = try_answer(func, Spy(folder, raise_on_bad), list(ITEMS), start_method=method)
            spans = read_spans(folder)
        if trial.error_type == "ValueError":
            raise Wrong(
                f"the ValueError of an item goes through it: of the items {ITEMS} each {BAD_ITEM} fails, "
                "and each failure is to be caught on its own."
            )
        if trial.error_type == "StopIteration":
            raise Wrong(ENDED_EARLY)
        if words := judge_kept(trial.require(also=ALSO, instead=INSTEAD)):
            raise Wrong(words)
        _require_overlap(spans)
    return trial.judge_pools()


def judge_kept(value):
    """Return what is wrong with (good results, errors by place) of `ITEMS`, else ""."""
    good = [raise_on_bad(item) for item in ITEMS if item != BAD_ITEM]
    bad = [place for place, item in enumerate(ITEMS) if item == BAD_ITEM]
    pair = isinstance(value, tuple) and len(value) == 2
    if not pair or not isinstance(value[0], list) or not isinstance(value[1], dict):
        return f"it gives {value!r}; it should give a tuple: a list of good results, and a dict of errors by place."
    if value[0] != good:
        fewer = len(value[0]) < len(good)
        lost = " What comes after a failed item counts, too: ask for one result at a time, each inside its own try."
        order = (
            " These are all of them, in another order." if sorted(value[0], key=str) == sorted(good, key=str) else ""
        )
        found = f"of the items {ITEMS}, where {BAD_ITEM} fails, the good results are {good}; it gives {value[0]!r}."
        return f"{found}{lost if fewer else order}"
    if sorted(value[1]) != bad:
        found = sorted(value[1], key=repr)
        return f"the failed places are {bad}, the first item being place 0; its dict has {found!r}."
    if not all(isinstance(error, ValueError) for error in value[1].values()):
        return "the dict should hold the exceptions themselves (each a ValueError here), not texts about them."
    return ""


pool_2 = Exercise(
    "pool_2",
    "Write keep_good(func, items): a tuple of the list of good results, in order, and a dict {place: exception} of the "
    "failed items.",
    _examine_keep,
    "under two start methods all good results are kept, each failure comes with its exception, and two processes worked"
    " at the same time.",
    (
        (
            "pool.map gives the first error and nothing else. imap gives one result, or raises one error, each time "
            "next() is called."
        ),
        (
            "results = pool.imap(func, items); then, for each place, next(results) inside try. Take the list inside the"
            " with block."
        ),
    ),
    """%%worker
from multiprocessing import Pool

def keep_good(func, items):
    good, failed = [], {}
    with Pool(2) as pool:
        results = pool.imap(func, items)
        for place in range(len(items)):
            try:
                good.append(next(results))
            except Exception as error:  # any: func is not ours
                failed[place] = error
    return good, failed""",
)

#: The first item takes longer than any answer that does not wait for it.
SLOW_FIRST = [2500, 11, 12, 13]


def _examine_first(func):
    for method in METHODS:
        with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
            trial = _try(func, Spy(folder, wait_ms), list(SLOW_FIRST), start_method=method)
            value = trial.value
            spans, met = (
                read_spans(folder),
                os.path.exists(os.path.join(folder, "met")),
            )  # a worker ended early leaves no span
        if value == SLOW_FIRST[0]:
            raise Wrong(
                "it gives the result of the first item, which is the slowest: it waited for the order of the items."
            )
        if value not in SLOW_FIRST:
            raise Wrong(f"it gives {value!r}, which is the result of no item: it should give a single result.")
        slow_ended = any(item == str(SLOW_FIRST[0]) for *_, item in spans)
        if slow_ended and trial.seen["n_open"]:
            raise Wrong(
                "the result is right, but a pool that nobody closed works on until the slow item has ended. A with "
                "block ends it at once."
            )
        if slow_ended:
            raise Wrong(
                "the result is right, but it returned only after the slow item had ended: nobody needed to wait for "
                "that."
            )
        if not spans:
            raise Wrong("the function it was given was never called.")
        if not met:
            raise Wrong(
                "the result is right, but two processes were never at work at the same time: it is still serial work."
            )
    return trial.judge_pools()


pool_3 = Exercise(
    "pool_3",
    "Write first_done(func, items): the result that is ready first, without waiting for the others.",
    _examine_first,
    "under two start methods it gives a fast result and returns while the slow item is still being worked on.",
    (
        "One method of Pool gives results as they come, whatever their order; next() takes a single one.",
        "Leaving the with block terminates the pool. Here that is what we want: the slow item is given up.",
    ),
    """%%worker
from multiprocessing import Pool

def first_done(func, items):
    with Pool(2) as pool:
        return next(pool.imap_unordered(func, items))""",
)
