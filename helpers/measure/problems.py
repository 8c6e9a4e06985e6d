"""Why a parallel pair has no figures, told as a `Problem`; and how long a visit may take where nobody said."""

from __future__ import annotations

import pickle
from typing import NamedTuple

from helpers.engines import auto_chunksize
from helpers.engines.base import START_DEADLINE
from helpers.engines.registry import STARTING
from helpers.errors import HelpersError, NotPicklableError, ResultsDifferError, TaskFailedError, WorkerDiedError
from helpers.notebook import shorten_paths
from helpers.records import Problem
from helpers.runner import describe_exit
from helpers.tasks.worker import describe, safe_repr
from helpers.words import listing, seconds

#: The deadline of a visit where nobody gave one: see `allow_seconds`.
LEAST_SECONDS, TIMES_SERIAL, CHUNK_SECONDS = 30.0, 20, 0.002
#: Characters of what happened that are kept in a problem's reason.
MOST_WORDS = 200


class Setback(NamedTuple):
    """What ended the play of a sweep: the Problem of a pair, and its error, pickled."""

    problem: Problem
    error: bytes


def allow_seconds(engine, n_workers, serial_wall, n_items, chunksize=None):
    """Return the seconds that a visit may take where nobody gave a deadline.

    20 times the serial loop, and at least 30 s: threads that take turns, more workers than CPUs and caches that
    are shared cost a few times the serial loop, never twenty. Handing over chunks has a time of its own, at
    least 2 ms each (it takes a tenth of that), and workers that have to be started the minute that every engine
    gives them.
    """
    chunksize = 1 if engine == "asyncio" else chunksize or auto_chunksize(n_items, n_workers)
    n_chunks = 1 if engine == "serial" else -(-n_items // chunksize)
    starting = START_DEADLINE if engine in (*STARTING, "interpreters") else 0.0
    return max(LEAST_SECONDS, TIMES_SERIAL * serial_wall, CHUNK_SECONDS * n_chunks) + starting


def set_back(error, visit, items=()):
    """Return the Setback by an error that was raised where the work runs, of the visit (round, engine, n_workers)."""
    index = error.last_task if isinstance(error, WorkerDiedError) else getattr(error, "index", None)
    item = safe_repr(items[index]) if index is not None and index < len(items) else None
    where = "an item" if index is None else f"item {index}, which is {item}"
    return Setback(make_problem(visit, *say_error(error, where), index, item), pack_error(error))


def set_back_runner(error, visit, allowed=None, serial_wall=None):
    """Return the Setback by an error that the runner itself met: it died, or was ended by its deadline.

    `allowed` is the deadline in seconds; `serial_wall` the serial loop's, where the deadline was taken from it.
    """
    if isinstance(error, TimeoutError):
        times = f", {allowed / serial_wall:.0f} times the serial loop" if serial_wall else ", its deadline"
        kind, said = "late", f"took more than {seconds(allowed)}{times}: it was ended"
    elif isinstance(error, WorkerDiedError):
        kind, said = "died", f"ended the process that it ran in: {describe_exit(error.exitcode)}"
    else:
        kind, said = say_error(error, "an item")
    return Setback(make_problem(visit, kind, said), pack_error(error))


def say_error(error, where):
    """Return (kind, what happened: the rest of a sentence), with the item in words as `where`."""
    if isinstance(error, TaskFailedError):
        failure = error.failures[error.index]
        if failure.error_type == NotPicklableError.__name__:
            return "unsendable", f"cannot send back the result of {where}: it cannot be pickled"
        return "failed", f"fails on {where}: {failure.error_type}: {failure.message}"
    if isinstance(error, ResultsDifferError):
        if error.edited:
            return "differs", f"has other results: {listing(error.edited)} was edited while it was measured"
        return "differs", f"gave {error.parallel} for {where}; the serial loop gave {error.serial}"
    if isinstance(error, NotPicklableError):
        return "unsendable", f"cannot be given {where}: it cannot be pickled"
    if isinstance(error, WorkerDiedError):
        return "died", f"lost a worker process at {where}: {describe_exit(error.exitcode)}"
    name, message = describe(error, None)[1:3]
    return "unable", f"could not be run: {message if isinstance(error, HelpersError) else f'{name}: {message}'}"


def make_problem(visit, kind, said, index=None, item=None):
    """Return the Problem of a visit; its reason is the pair and what is `said` of it, as one line."""
    number, engine, n_workers = visit
    said = " ".join(shorten_paths(said).split())
    said = said if len(said) <= MOST_WORDS else f"{said[:MOST_WORDS]} …"
    end = "" if said.endswith((".", "!", "?", "…")) else "."
    return Problem(engine, n_workers, number, kind, f"{engine} × {n_workers} {said}{end}", index, item)


def pack_error(error):
    """Return an error pickled.

    One that cannot travel becomes a HelpersError with its words, and so does a SystemExit, which would end the
    program that measures.
    """
    if isinstance(error, Exception):
        try:
            data = pickle.dumps(error, protocol=5)
            pickle.loads(data)
            return data
        except BaseException:  # what its parts do when they are pickled is their own affair
            pass
    name, message = describe(error, None)[1:3]
    return pickle.dumps(HelpersError(f"{name}: {message}"), protocol=5)


def load_error(setback):
    """Return the error of a Setback; where it cannot be built here, a HelpersError with the problem's reason."""
    try:
        return pickle.loads(setback.error)
    except BaseException:
        return HelpersError(setback.problem.reason)
