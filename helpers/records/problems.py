"""`Problem`: why an (engine, n_workers) pair of a sweep has no figures."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.words import listing

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
