"""`Problem`: why an (engine, n_workers) pair of a sweep has no figures."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.records.files import require_fit
from helpers.words import listing, shown, worker_name

#: What each kind of problem is in a few words, with the item and without one.
KINDS = {
    "failed": ("fails on item {}", "fails"),
    "differs": ("other results: item {}", "other results"),
    "unsendable": ("item {} cannot be sent", "items cannot be sent"),
    "died": ("died at item {}", "died"),
    "late": ("took too long", "took too long"),
    "unable": ("could not be run", "could not be run"),
}


@dataclass(frozen=True)
class Problem:
    """Why one pair of a sweep has no figures; the sweep went on without it.

    Attributes
    ----------
    round : int
        In which it happened; 0 is the warm-up.
    kind : str
        "failed": the function raised. "differs": another result than the serial loop's. "unsendable": an item
        or a result cannot be pickled. "died": a process ended by itself. "late": it passed its deadline.
        "unable": the engine could not run it.
    reason : str
        What happened, in one sentence.
    index, item : int and str, or None
        The item at fault, where it is known, and its ``repr``.
    """

    engine: str
    n_workers: int
    round: int
    kind: str
    reason: str
    index: int | None = None
    item: str | None = None

    @classmethod
    def from_dict(cls, plain):
        """Return the problem that ``asdict`` described; ValueError, TypeError or another error if it did not."""
        require_fit(cls, plain, {"n_workers": 1})
        if plain["kind"] not in KINDS:
            raise ValueError(f"kind cannot be {shown(plain['kind'])}")
        return cls(**plain)

    @property
    def pair(self):
        """(engine, n_workers)"""
        return self.engine, self.n_workers

    @property
    def what(self):
        """What happened in a few words: "fails on item 1", "took too long"."""
        with_item, without = KINDS.get(self.kind, KINDS["unable"])
        return without if self.index is None else with_item.format(self.index)


def list_problems(problems):
    """Return problems in a few words each, those of one engine and one kind together.

    >>> late = [Problem("threads", n, 0, "late", "It took more than 30 s.") for n in (2, 4)]
    >>> list_problems([*late, Problem("pool", 2, 0, "failed", "It fails.", index=1)])
    ['threads × 2 and 4 (took too long)', 'pool × 2 (fails on item 1)']
    """
    alike = {}
    for problem in problems:
        alike.setdefault((problem.engine, problem.what), []).append(problem.n_workers)
    return [f"{engine} × {listing(sorted(counts))} ({what})" for (engine, what), counts in alike.items()]


#: What a problem does, as the verb and what follows it, for one worker and for several; and what it means.
DOES = {
    "failed": ("fails", "fail"),
    "differs": ("gives another result", "give other results"),
    "unsendable": ("cannot be sent what is needed", "cannot be sent what is needed"),
    "died": ("ended by itself", "ended by themselves"),
    "late": ("took too long and was ended", "took too long and were ended"),
}
MEANS = {
    "failed": "the function needs something that its own process alone has, such as a global set there or an open file",
    "differs": "a result depends on more than its item, such as random numbers, a process id or a global",
    "unsendable": "only what can be pickled reaches another process",
    "died": "look for memory that runs out, a crash in compiled code, or os._exit",
    "late": "look for tasks that wait for each other, for chunks that are many or large, or give a longer timeout",
}


def explain_problems(problems, sound=()):
    """Return a sentence for each engine with problems: the one of the fewest workers, and what it means.

    `sound` are the engines that were measured with several workers and without a problem.

    >>> explain_problems([Problem("threads", 4, 0, "failed", "", 1, "'b'")], {"processes"})
    ["4 threads fail on item 1 ('b'): the function is not safe in threads; processes are."]
    """
    fewest = {}
    for problem in sorted(problems, key=lambda problem: problem.n_workers):
        fewest.setdefault(problem.engine, problem)
    return [_explain(problem, sound) for problem in fewest.values()]


def _explain(problem, sound):
    """Return what a problem means, in one sentence."""
    if problem.kind not in MEANS:
        return problem.reason
    does = DOES[problem.kind][problem.n_workers > 1]
    where = f" on item {problem.index} ({problem.item})" if problem.index is not None else ""
    means = MEANS[problem.kind]
    if problem.engine == "threads" and problem.n_workers > 1 and problem.kind in ("failed", "differs", "died"):
        safe = listing(worker_name(engine, 2)[2:] for engine in sorted({*sound} - {"threads"}))
        means = "the function is not safe in threads" + (f"; {safe} are" if safe else "")
    elif problem.engine == "asyncio" and problem.n_workers > 1 and problem.kind in ("failed", "differs"):
        means = "at each await other tasks go on, and they change what this one relies on"
    elif problem.engine == "threads" and problem.kind == "failed":
        means = "the function does not work outside the main thread"
    elif problem.engine == "asyncio" and problem.kind == "failed":
        means = "the function does not work in a task of its own"
    return f"{worker_name(*problem.pair)} {does}{where}: {means}."
