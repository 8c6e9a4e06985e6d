"""What is often said of the approaches, each beside what was measured: holds, does not hold, cannot be seen here.

A pure function of an `ApproachMap`. A figure decides only where its interval lies clear of the line between yes and
no; one that is in doubt must be clear of it by a factor of 2: see `ApproachMap.lies`.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.course.approach.runs import name_approach
from helpers.records import MIN_ROUNDS
from helpers.words import figures, html_table, say_doubts, sentences, text_table

__all__ = ["CLAIMS", "Claim", "Claims", "HOLDS", "FAILS", "UNSEEN", "judge_claims"]

HOLDS, FAILS, UNSEEN = "holds", "does not hold", "cannot be seen on this machine"
#: CPUs up to which work keeps one of them busy.
ONE_CORE = 1.2
#: Share of the CPUs from which on they count as used: a speedup of 0.75 × CPUs.
ALL_CORES = 0.75
#: How many times as much memory is another class of it.
MORE_MEMORY = 2.0


@dataclass(frozen=True)
class Claim:
    """One claim: of which approach and column of the usual table, in words, and what was found.

    ``verdict`` is `HOLDS`, `FAILS` or `UNSEEN`; ``reason`` names the figure it rests on, or what keeps it from sight.
    """

    approach: str
    column: str
    text: str
    verdict: str
    reason: str


class Claims(tuple):
    """A tuple of Claim that shows itself as a table."""

    def rows(self):
        """Return one row of text for each claim."""
        return [(claim.text, f"{SIGNS[claim.verdict]} {claim.verdict}", claim.reason) for claim in self]

    def __str__(self):
        return text_table([HEADS, *self.rows()])

    __repr__ = __str__

    def _repr_html_(self):
        return html_table(HEADS, self.rows())


HEADS = ("what is said", "here", "because")
#: A sign beside each verdict, which reads without colour.
SIGNS = {HOLDS: "✓", FAILS: "✗", UNSEEN: "?"}


def judge_claims(record):
    """Return the Claims about the approaches, each judged by the figures of an ApproachMap.

    Assumes that its kinds of work stand for what the claim speaks of. Chapter 07.
    """
    judged = []
    for approach, column, text, judge in CLAIMS:
        verdict, reason = judge(record)
        judged.append(Claim(approach, column, text, verdict, sentences(reason)))
    return Claims(judged)


# ── where a figure lies ──────────────────────────────────────────────────────────────────────


def place(record, kind, approach, line=1.0, cold=False):
    """Return ("above", "below", "level" or "", the figure or why there is none) of a speedup against a line.

    "" where nobody can tell: see `ApproachMap.lies`.

    >>> from helpers.course.approach.runs import ApproachMap
    >>> place(ApproachMap(("tiny",), ("serial",), 2, 16, 2), "tiny", "threads")
    ('', 'threads were not measured on this kind of work')
    """
    why, estimate = record.trouble(kind, approach), record.speedup(kind, approach, cold)
    name = name_approach(approach, record.gil)
    if why or estimate is None:
        verb = "was" if approach in ("serial", "asyncio") else "were"
        return "", f"{name} failed: {why}" if why else f"{name} {verb} not measured on this kind of work"
    if estimate.low is None:
        return "", f"{figures(estimate)} times the serial loop, without an interval below {MIN_ROUNDS} rounds"
    told = f"{NAMES[kind]} by {name}: {figures(estimate)} times the serial loop"
    where = record.lies(kind, approach, line, cold)
    if where:
        return where, told
    return "", f"{told}, {say_doubts(record.doubts(kind, approach)) or 'an interval too wide to tell'}"


#: Kinds of work as a sentence names them.
NAMES = {
    "arithmetic": "arithmetic",
    "hashing": "hashing",
    "waiting": "waiting",
    "tiny": "tiny tasks",
    "data": "large data",
    "mixed": "mixed work",
}


def one_cpu(record):
    """Return why nothing that needs a second CPU can be seen here, "" where it can."""
    return "" if record.usable_cpus >= 2 else "this machine lends one CPU, or a part of it"


# ── the claims ───────────────────────────────────────────────────────────────────────────────


def serial_is_for_waiting(record):
    """The plain loop suits work that waits: it does not, if threads or asyncio are faster there."""
    seen = [place(record, "waiting", approach) for approach in ("asyncio", "threads")]
    for where, told in seen:
        if where == "above":
            return FAILS, told
    if all(where in ("below", "level") for where, _ in seen):
        return HOLDS, seen[0][1]
    return UNSEEN, next(told for where, told in seen if not where)


def threads_use_one_core(record):
    """Threads use one core because of the GIL: not where code releases it, nor without a GIL."""
    if why := one_cpu(record):
        return UNSEEN, why
    seen = [place(record, kind, "threads") for kind in ("arithmetic", "hashing")]
    for (where, told), reason in zip(seen, ("this Python runs without a GIL", "C code releases the GIL"), strict=True):
        if where == "above":
            return FAILS, f"{told}; {reason}"
    if all(where in ("below", "level") for where, _ in seen):
        return HOLDS, f"{seen[0][1]}; {seen[1][1]}"
    return UNSEEN, next(told for where, told in seen if not where)


def faster(kind, approach, needs_cpus=False, faster=HOLDS, slower=FAILS):
    """Return a judge: `faster` if the approach beats the serial loop on this kind of work, `slower` if it does not."""

    def judge(record):
        if needs_cpus and (why := one_cpu(record)):
            return UNSEEN, why
        where, told = place(record, kind, approach)
        return {"above": faster, "below": slower, "level": slower, "": UNSEEN}[where], told

    return judge


def processes_use_all_cores(record):
    """Processes use all cores: the speedup of arithmetic is near the CPUs that they could use."""
    if why := one_cpu(record):
        return UNSEEN, why
    cpus = min(record.usable_cpus, record.n_workers)
    where, told = place(record, "arithmetic", "processes", ALL_CORES * cpus)
    return {"above": HOLDS, "below": FAILS, "": UNSEEN}[where], f"{told}, on {cpus:g} CPUs"


def asyncio_uses_one_core(record):
    """asyncio uses one core: the CPUs that it keeps busy while its tasks compute."""
    if why := one_cpu(record):
        return UNSEEN, why
    cores, doubts = record.cores("arithmetic", "asyncio"), record.doubts("arithmetic", "asyncio")
    if cores is None:
        return UNSEEN, place(record, "arithmetic", "asyncio")[1]
    told = f"its tasks kept {cores:.2f} CPUs busy while they computed"
    if doubts and cores <= ONE_CORE:  # it may have wanted more than it got
        return UNSEEN, f"{told}, {say_doubts(doubts)}"
    return (HOLDS if cores <= ONE_CORE else FAILS), told


def heavier(approach, other, heavier=HOLDS, lighter=FAILS):
    """Return a judge: `heavier` if one more worker of an approach costs clearly more memory than one of another."""

    def judge(record):
        weights = record.weight(approach), record.weight(other)
        for weight, name in zip(weights, (approach, other), strict=True):
            if weight is None or not weight.told:
                why = (
                    weight.problem if weight is not None and weight.problem else "the figure is smaller than its noise"
                )
                return UNSEEN, f"memory of one more worker by {name}: {why if weight else 'not measured'}"
        one, two = (weight.size_bytes for weight in weights)
        told = f"one more worker costs {say_weight(one)} by {approach}, {say_weight(two)} by {other}"
        return (heavier if one > MORE_MEMORY * two else lighter), told

    return judge


def say_weight(size_bytes):
    """Return a number of bytes with a binary unit, two digits.

    >>> say_weight(900), say_weight(15_744), say_weight(7_561_216)
    ('0.88 KiB', '15 KiB', '7.2 MiB')
    """
    value, unit = (size_bytes / 2**20, "MiB") if size_bytes >= 2**20 else (size_bytes / 1024, "KiB")
    return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"


#: What is said, in our own words: approach, column of the usual table, claim, and the function that judges it.
CLAIMS = (
    ("serial", "ideal for", "The plain loop is the right thing for work that waits.", serial_is_for_waiting),
    ("threads", "cores used", "Threads use one core only.", threads_use_one_core),
    ("threads", "ideal for", "Threads suit work that waits.", faster("waiting", "threads")),
    ("threads", "memory", "A thread costs more memory than an asyncio task.", heavier("threads", "asyncio")),
    ("processes", "cores used", "Processes use all cores.", processes_use_all_cores),
    ("processes", "memory", "A process costs far more memory than a thread.", heavier("processes", "threads")),
    ("processes", "ideal for", "Processes suit work that computes.", faster("arithmetic", "processes", True)),
    (
        "processes",
        "drawbacks",
        "Sending much data to processes costs more than they gain.",
        faster("data", "processes", faster=FAILS, slower=HOLDS),
    ),
    (
        "processes",
        "drawbacks",
        "Tiny tasks are not worth processes.",
        faster("tiny", "processes", faster=FAILS, slower=HOLDS),
    ),
    ("asyncio", "cores used", "asyncio uses one core only.", asyncio_uses_one_core),
    ("asyncio", "ideal for", "asyncio suits work that waits for many answers.", faster("waiting", "asyncio")),
    (
        "asyncio",
        "drawbacks",
        "asyncio gains nothing where tasks compute.",
        faster("arithmetic", "asyncio", faster=FAILS, slower=HOLDS),
    ),
)
