"""What was measured of the approaches: the map of speedups, and what one more worker weighs. Arithmetic only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from mmap import PAGESIZE as PAGE
from statistics import median

from helpers.course.approach.tasks import WAITING_KINDS, Sizes
from helpers.measure.badges import BUSY
from helpers.records import Accounting, Run, badges_of_rounds, doubts_of, estimate_ratio, is_clear, unite_badges

__all__ = ["APPROACHES", "ApproachMap", "TITLES", "Trouble", "Weight", "count_workers", "name_approach"]

#: All approaches, in the order in which they are shown.
APPROACHES = ("serial", "threads", "asyncio", "processes", "interpreters")
#: What each kind of work is called in pictures and tables.
TITLES = {
    "arithmetic": "pure Python\narithmetic",
    "hashing": "C code without\nthe GIL: hashing",
    "waiting": "waiting for\na server",
    "tiny": "many\ntiny tasks",
    "data": "large data\nin and out",
    "mixed": "wait,\nthen compute",
}
#: Approaches that wait for many answers at a time; the others have as many workers as for computing.
WAIT_TOGETHER = ("threads", "asyncio")
#: Work that computes cannot be more than this many times as fast as the CPUs and workers allow.
ALLOWED, TOO_FAST = 1.15, "faster than its CPUs can be"


#: A speedup is level with 1 within this factor, and must be clear of a line by the second where it is in doubt.
LEVEL, CLEAR = 1.15, 2.0


def count_workers(kind, approach, n_workers, n_waiting):
    """Return with how many workers an approach does a kind of work.

    Threads and asyncio's tasks cost little, so that where work waits there are `n_waiting` of them; all else, and
    processes always, take `n_workers`.

    >>> count_workers("waiting", "asyncio", 2, 16), count_workers("waiting", "processes", 2, 16)
    (16, 2)
    """
    if approach == "serial":
        return 1
    return n_waiting if kind in WAITING_KINDS and approach in WAIT_TOGETHER else n_workers


def name_approach(approach, gil=True):
    """Return an approach as it is shown: threads of a free-threaded Python are another thing.

    >>> name_approach("threads", gil=False), name_approach("serial")
    ('threads, no GIL', 'serial')
    """
    return "threads, no GIL" if approach == "threads" and not gil else approach


@dataclass(frozen=True)
class Trouble:
    """Why an approach has no figures for a kind of work."""

    kind: str
    approach: str
    reason: str


@dataclass(frozen=True)
class Weight:
    """Bytes of memory that one more worker costs: USS, what would be free again without it.

    ``each`` holds what it came to in several trials. ``noise`` is by how many bytes a worker the readings differed
    while nothing was started. ``problem`` says why nothing could be read.
    """

    approach: str
    each: tuple[float, ...] = ()
    noise: float = 0.0
    problem: str = ""

    @property
    def told(self):
        """Whether the figure is larger than its noise: else it cannot be told."""
        return bool(self.each) and median(self.each) > self.noise

    @property
    def size_bytes(self):
        """The median of the trials; None where it cannot be told."""
        return median(self.each) if self.told else None


def weigh(approach, idle, grown, n_each):
    """Return the Weight of workers that share the process, from readings of its USS in bytes.

    Parameters
    ----------
    idle : several readings before anything is started; how far they lie apart, and a page, is the noise
    grown : readings, one after each batch of workers has come up on top of those before
    n_each : workers in a batch
    """
    steps = [idle[-1], *grown]
    each = tuple((after - before) / n_each for before, after in pairwise(steps))
    return Weight(approach, each, (max(idle) - min(idle) + PAGE) / n_each)


@dataclass(frozen=True)
class ApproachMap:
    """Speedups of every approach on every kind of work, against the plain serial loop.

    ``runs`` holds (kind, Run) in the order in which they were measured, round 0 being the warm-up, which no figure
    uses. ``gil`` is whether the Python that measured has a GIL, ``n_expected`` how many runs were planned.
    """

    kinds: tuple[str, ...]
    approaches: tuple[str, ...]
    n_workers: int
    n_waiting: int
    usable_cpus: float
    sizes: Sizes = Sizes()
    gil: bool = True
    python: str = ""
    start_method: str = ""
    repeats: int = 3
    runs: tuple[tuple[str, Run], ...] = field(default=(), repr=False)
    weights: tuple[Weight, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    n_expected: int = 0

    @property
    def done(self):
        """Runs that are through or were given up."""
        given_up = {(trouble.kind, trouble.approach) for trouble in self.troubles}
        n_runs = sum((kind, run.engine) not in given_up for kind, run in self.runs)
        return n_runs + len(given_up) * (self.repeats + 1)

    @property
    def complete(self):
        """Whether all of it was measured."""
        return self.n_expected > 0 and self.done >= self.n_expected

    def of(self, kind, approach):
        """Return the runs of one cell that count, by round, as a list: none where it has a trouble."""
        if self.trouble(kind, approach):
            return []
        found = [run for of, run in self.runs if of == kind and run.engine == approach and run.round > 0]
        return sorted(found, key=lambda run: run.round)

    def trouble(self, kind, approach):
        """Return why a cell has no figures, "" where nothing went wrong."""
        return next((each.reason for each in self.troubles if (each.kind, each.approach) == (kind, approach)), "")

    def speedup(self, kind, approach, cold=False):
        """Return the Estimate of the serial loop's seconds over the approach's; None before both were measured.

        Its workers are up, unless `cold`: then their start counts too.
        """
        pairs = self._pairs(kind, approach)
        if not pairs:
            return None
        below = [run.cold_wall if cold else run.wall for _, run in pairs]
        return estimate_ratio([serial.wall for serial, _ in pairs], below)

    def _pairs(self, kind, approach):
        """Return [(run of the serial loop, run of the approach)] of the rounds that have both."""
        serial = {run.round: run for run in self.of(kind, "serial")}
        return [(serial[run.round], run) for run in self.of(kind, approach) if run.round in serial]

    def cores(self, kind, approach):
        """Return the CPUs that a cell kept busy, on average over its rounds; None before it was measured."""
        runs = self.of(kind, approach)
        return median(run.cpu / run.wall for run in runs) if runs else None

    def badges(self, kind, approach):
        """Return what makes the figure of a cell doubtful, as a tuple: its own runs and those it is compared with."""
        pairs = self._pairs(kind, approach)
        walls = [[pair[side].wall for pair in pairs] for side in (0, 1)]
        noted = [run.badges for pair in pairs for run in pair]
        return unite_badges(*noted, *map(badges_of_rounds, walls), self._too_fast(kind, approach))

    def _too_fast(self, kind, approach):
        """Return the badge of a speedup that no computing can have."""
        estimate = self.speedup(kind, approach)
        if estimate is None or kind in WAITING_KINDS:
            return ()
        cpus = min(self.usable_cpus, count_workers(kind, approach, self.n_workers, self.n_waiting))
        return (TOO_FAST,) if estimate.median > ALLOWED * max(1, cpus) else ()

    def doubts(self, kind, approach):
        """Return the badges of a cell that speak of noise, as a tuple."""
        return doubts_of(self.badges(kind, approach))

    def account(self, kind, approach):
        """Return the Accounting of a cell, all its rounds together; None before it was measured."""
        parts = [asdict(run.accounting) for run in self.of(kind, approach)]
        if not parts:
            return None
        return Accounting(**{name: sum(part[name] for part in parts) for name in parts[0]})

    def weight(self, approach):
        """Return the Weight of one more worker of an approach; None where none was taken."""
        return next((each for each in self.weights if each.approach == approach), None)

    @property
    def busy(self):
        """Whether other programs used the CPUs while any cell was measured."""
        return any(BUSY in run.badges for _, run in self.runs if run.round > 0)

    def lies(self, kind, approach, line=1.0, cold=False):
        """Return where a speedup lies: "above", "below" or, of 1, "level" with a line; "" where nobody can tell.

        Its interval must be clear of the line, of 1 by `LEVEL` and, where it is in doubt, by a factor of `CLEAR`.
        "" also where it was not measured or has no interval.
        """
        estimate = self.speedup(kind, approach, cold)
        if estimate is None or estimate.low is None:
            return ""
        doubts = self.doubts(kind, approach)
        margin = CLEAR if doubts else LEVEL if line == 1.0 else 1.0
        if estimate.low > line * margin:
            return "above"
        if estimate.high < line / margin:
            return "below"
        return "level" if line == 1.0 and not doubts and 1 / LEVEL < estimate.low <= estimate.high < LEVEL else ""

    def best(self, kind):
        """Return the approaches that are best for a kind of work, as a tuple.

        Those that are clearly faster than the serial loop, less those clearly slower than the leader; "serial" alone
        where clearly none is faster; none where nobody can tell.
        """
        others = [each for each in self.approaches if each != "serial" and not self.trouble(kind, each)]
        lie = {each: self.lies(kind, each) for each in others}
        above = {each: self.speedup(kind, each) for each in others if lie[each] == "above"}
        if above:
            leader = max(above.values(), key=lambda estimate: estimate.median)
            return tuple(each for each, estimate in above.items() if not is_clear(leader, estimate))
        return ("serial",) if lie and all(lie.values()) else ()
