"""The way from what a task does to an approach: questions, answers, and the figures that each answer rests on.

::

    what does the work do?  ── waits ──────► how many at a time? ── thousands ► asyncio
             │                                        └──────────── some ─────► threads
          computes
             ▼
    how long is a task, beside its start and its arguments? ── short, large ──► serial
             ▼ long, small
    does its code release the GIL, or is there none? ── yes ► threads ── no ► processes
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.arguments import check_choice, check_flag, check_number
from helpers.words import figures, say_doubts

__all__ = ["Decision", "decide", "QUESTIONS"]

#: The questions in the order in which they are asked: name, text, answers.
QUESTIONS = {
    "does": ("What does the work do?", ("waits", "computes", "both")),
    "at_a_time": ("How many answers does it wait for at a time?", ("some", "thousands")),
    "task_ms": ("How long does one task take, in milliseconds?", ()),
    "argument_bytes": ("How many bytes go to a task and come back?", ()),
    "releases_gil": ("Does its code release the GIL while it computes?", (False, True)),
}
#: Bytes that travel to a worker process and back in a millisecond, roughly: pickled, sent, built again.
BYTES_PER_MS = 500_000
#: Milliseconds of work below which handing over a task costs more than half of what it can gain.
SHORTEST_MS = 0.5


@dataclass(frozen=True)
class Decision:
    """What to take, why, and the figure of the map that speaks for or against it.

    ``approach`` is a name of `helpers.course.approach.runs.APPROACHES`, ``kind`` the kind of work in the map that is
    most like the reader's, ``evidence`` its figure in words, "" without a map.
    """

    approach: str
    kind: str
    why: str
    evidence: str = ""

    def __str__(self):
        return " ".join(filter(None, (f"Take {WORDS[self.approach]}: {self.why}.", self.evidence)))


WORDS = {
    "serial": "the plain loop",
    "threads": "ThreadPoolExecutor",
    "asyncio": "asyncio",
    "processes": "ProcessPoolExecutor",
    "interpreters": "InterpreterPoolExecutor",
}


def decide(
    does,
    *,
    at_a_time="some",
    task_ms=10.0,
    argument_bytes=1000,
    releases_gil=False,
    has_gil=True,
    n_cpus=2,
    record=None,
):
    """Return the Decision for a function, by what is known of it.

    Assumes many tasks of one kind, on one machine. It is where to begin measuring, not the end: prove it by a sweep.

    Parameters
    ----------
    does : "waits", "computes" or "both"
    at_a_time : "some" or "thousands" of answers that are waited for
    task_ms : float, milliseconds of one task
    argument_bytes : float, bytes that go to a task and come back
    releases_gil : whether its code releases the GIL while it computes, as hashing and compressing do
    has_gil : whether Python has a GIL: a free-threaded one has none
    n_cpus : usable CPUs
    record : an `ApproachMap` that gives the evidence, or None

    Raises
    ------
    InvalidArgumentError

    Chapter 07.

    >>> decide("waits", at_a_time="thousands").approach, decide("computes").approach
    ('asyncio', 'processes')
    """
    does = check_choice("what it does", does, QUESTIONS["does"][1])
    at_a_time = check_choice("at_a_time", at_a_time, QUESTIONS["at_a_time"][1])
    task_ms = check_number("task_ms", task_ms, 0, 1e9, "milliseconds")
    argument_bytes = check_number("argument_bytes", argument_bytes, 0, 1e12, "bytes")
    n_cpus = check_number("n_cpus", n_cpus, 0, 1e6, above=True)
    free = check_flag("releases_gil", releases_gil) or not check_flag("has_gil", has_gil)
    approach, kind, why = _choose(does, at_a_time, task_ms, argument_bytes, free, n_cpus)
    return Decision(approach, kind, why, say_evidence(record, kind, approach))


def _choose(does, at_a_time, task_ms, argument_bytes, free, n_cpus):
    """Return (approach, kind of work most like it, why)."""
    if does == "waits":
        if at_a_time == "thousands":
            return "asyncio", "waiting", "a task that waits costs it next to no memory, so thousands can"
        return "threads", "waiting", "waiting needs neither a CPU nor the GIL, and plain functions stay as they are"
    if n_cpus < 2:
        if does == "both":
            return "threads", "mixed", "others compute while one waits; a second CPU is not there"
        return "serial", "arithmetic", "work that computes gains nothing without a second CPU"
    if task_ms < SHORTEST_MS:
        return "serial", "tiny", "handing over a task costs more than the task; make one of many, and ask again"
    kind = "mixed" if does == "both" else "hashing" if free else "arithmetic"
    if free:
        return "threads", kind, "nothing holds the GIL while it computes, and nothing has to be copied"
    if argument_bytes / BYTES_PER_MS > task_ms:
        if does == "both":
            return "threads", kind, "its waiting overlaps, and processes would only copy its arguments"
        return "serial", "data", "copying its arguments to a process takes longer than the task"
    return "processes", kind, "each has a GIL of its own, and the work is large against handing it over"


def say_evidence(record, kind, approach):
    """Return the figure of the map that a decision rests on, as a sentence; "" where there is none.

    For the plain loop it is that of processes, which it is to be better than.
    """
    other = "processes" if approach == "serial" else approach
    estimate = None if record is None else record.speedup(kind, other)
    if estimate is None:
        return ""
    doubts = say_doubts(record.doubts(kind, other))
    return (
        f"Measured here, {kind} by {other}: {figures(estimate)} times the serial loop{f', {doubts}' if doubts else ''}."
    )
