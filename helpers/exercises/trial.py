"""`Trial`: what came of calling a learner's function once, by its outcome, never by the words of a message."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

from helpers.errors import WorkerDiedError
from helpers.measure.answers import UNPICKLABLE, run_answer
from helpers.notebook import require_importable, shorten_paths
from helpers.tasks.spy import Spy, count_overlapping, read_spans
from helpers.words import plural

#: Seconds a learner's function may take in one call, at most.
CHECK_DEADLINE = 20.0
#: Start methods under which answers are tried: one that is everywhere, and the default of this course.
METHODS = ("spawn", None)
#: How a call can end. Only the first is one that gives something to judge.
OUTCOMES = ("returned", "nothing", "raised", "unpicklable", "late", "left", "died")


class Wrong(Exception):
    """Raised by the examination of an exercise: the answer is wrong, and why."""


class NotAttempted(Exception):
    """Raised by the examination of an exercise: there is no answer yet."""


@dataclass(frozen=True)
class Trial:
    """One call of a learner's function, in a process of its own.

    Attributes
    ----------
    outcome : str
        "returned" a value; "nothing": None or ``...``; "raised"; "unpicklable": its result cannot be sent
        back; "late": not back at the deadline, and ended; "left": a process, a thread or shared memory
        was left behind; "died": it ended the process that it ran in.
    value : object
        What it returned.
    error_type : str or None
        The name of the exception's type, if it raised.
    details : str
        The traceback, what was left, how it died, or what was printed by a process that others waited for.
    start_method : str or None
        As asked for; None is the default.
    seconds : float
        The deadline it had.
    """

    outcome: str
    value: object = None
    error_type: str | None = None
    details: str = ""
    start_method: str | None = None
    seconds: float = CHECK_DEADLINE

    @property
    def ended(self):
        """What is to be said of an outcome that gives no value."""
        return {
            "nothing": "the function returns nothing yet. (Is the `return` missing?)",
            "raised": f"it raises:\n{self.details}",
            "unpicklable": "its result cannot be pickled: return plain data, not an iterator, a coroutine, a pool or a "
            "lock.",
            "late": f"it did not return within {self.seconds:g} s under {say_method(self.start_method)}: "
            f"something waits for ever.{self.details}",
            "left": f"it leaves something behind: {self.details}.",
            "died": f"it ended the process it ran in: {self.details}",
        }[self.outcome]

    def require(self, *, also=None, instead=None):
        """Return the value; raise Wrong, or NotAttempted where there was nothing.

        Parameters
        ----------
        also, instead : dict of str to str, optional
            By outcome: what to say behind the usual words, or instead of them.
        """
        if self.outcome == "returned":
            return self.value
        said = (instead or {}).get(self.outcome, self.ended)
        more = (also or {}).get(self.outcome, "")
        kind = NotAttempted if self.outcome == "nothing" else Wrong
        raise kind(f"{said} {more}".strip())


def say_method(start_method):
    """Return a start method as a message names it."""
    return start_method or "the default start method"


def try_answer(func, *args, start_method=None, timeout=None, by_value=False):
    """Return the Trial of ``func(*args)`` in a process of its own, where `start_method` is the default.

    `timeout` is in seconds, `CHECK_DEADLINE` by default and at most. Raises NotImportableError where no
    process could import it; with `by_value` the function itself is sent where that can be done.
    """
    if not by_value:
        require_importable(func)
    timeout = CHECK_DEADLINE if timeout is None else min(timeout, CHECK_DEADLINE)
    known = {"start_method": start_method, "seconds": timeout}
    try:
        answer = run_answer(func, *args, start_method=start_method, timeout=timeout, plain=True)
    except TimeoutError as error:
        notes = "".join(f"\n{shorten_paths(note)}" for note in getattr(error, "__notes__", ()))
        return Trial("late", details=notes, **known)
    except WorkerDiedError as error:
        return Trial("died", details=shorten_paths(str(error)), **known)
    if answer.error_type == UNPICKLABLE:
        return Trial("unpicklable", error_type=UNPICKLABLE, details=shorten_paths(answer.error), **known)
    if answer.error is not None:
        return Trial("raised", error_type=answer.error_type, details=shorten_paths(answer.error), **known)
    if answer.left:
        return Trial("left", answer.value, details="; ".join(answer.left), **known)
    if answer.value is None or answer.value is Ellipsis:
        return Trial("nothing", **known)
    return Trial("returned", answer.value, **known)


def spy_on(func, call, company=2, patience=1.5):
    """Return (value, spans) of ``call(spy)``, where `spy` does what `func` does and notes who ran it.

    `call` gets a picklable callable to hand to the learner's function; see `helpers.tasks.spy`.
    """
    with tempfile.TemporaryDirectory(prefix="multiprocessing-live-check-") as folder:
        value = call(Spy(folder, func, company, patience))
        return value, read_spans(folder)


def find_overlap_problem(spans, n_processes=2):
    """Return what is wrong if never `n_processes` different processes were at work at one moment, else ""."""
    if not spans:
        return "the function it was given was never called."
    if count_overlapping(spans) >= n_processes:
        return ""
    done_by = plural(len({pid for pid, *_ in spans}), "process")
    return (
        f"the result is right, but the work was done by {done_by}, never by {n_processes} at the same time: "
        "it is still serial work."
    )


def require_overlap(spans, n_processes=2, also=""):
    """Raise Wrong unless `n_processes` different processes were at work at the same moment; `also` is said then."""
    if problem := find_overlap_problem(spans, n_processes):
        raise Wrong(f"{problem} {also}".strip())
