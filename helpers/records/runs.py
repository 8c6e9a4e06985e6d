"""`Run`: one run of all items, with its `Timeline`."""

from __future__ import annotations

from array import array
from dataclasses import asdict, dataclass, field, fields

from helpers.records.accounts import Accounting
from helpers.records.files import require_finite, require_fit

#: Work that uses a CPU for more than this share of its time computes; the rest waits.
COMPUTING_SHARE = 0.5
#: Smallest values of a run's fields: nothing can be done in no time, nor by nobody.
LEAST = {"n_workers": 1, "chunksize": 1, "startup": 0, "wall": 1e-9, "cpu": 0, "passes": 1}


@dataclass(frozen=True)
class Failure:
    """One item whose task raised: where, what, and the traceback of the worker as text."""

    index: int
    item: str
    error_type: str
    message: str
    remote_traceback: str


@dataclass(frozen=True)
class Timeline:
    """Who ran which item, when: one row an item, in the order of the items.

    Columns are arrays, not objects: 30 bytes a task. ``worker`` is 0, 1, … in the order the
    workers came up; ``cpu`` is the CPU time of the item's chunk, of an event loop that of the whole run, shared
    out by duration.
    """

    worker: array = field(default_factory=lambda: array("H"))
    queued: array = field(default_factory=lambda: array("d"))
    started: array = field(default_factory=lambda: array("d"))
    finished: array = field(default_factory=lambda: array("d"))
    cpu: array = field(default_factory=lambda: array("f"))

    def __len__(self):
        return len(self.started)

    @property
    def nbytes(self):
        """Memory of the columns in bytes."""
        return sum(len(column) * column.itemsize for column in self.columns().values())

    @classmethod
    def of_chunks(cls, chunks, origin, many=False):
        """Return (Timeline, seconds inside the function) of `chunks`, [(worker, queued, times, cpu)] by their items.

        `times` are the bytes of all starts and then all ends of a chunk, in seconds of the clock at
        which the run's time is `origin`, as `queued` is; `cpu` is shared out by duration. `many` uses
        numpy, whose import only pays for tens of thousands of tasks.
        """
        if many:
            return cls._of_many(chunks, origin)
        line, working = cls(), 0.0
        for worker, queued, times, cpu in chunks:
            both = array("d", times)
            count = len(both) // 2
            starts, ends = [time - origin for time in both[:count]], [time - origin for time in both[count:]]
            busy = sum(ends) - sum(starts)
            rate = cpu / busy if busy > 0 else 0.0
            line.worker.extend(array("H", [worker]) * count)
            line.queued.extend(array("d", [queued - origin]) * count)
            line.started.extend(starts)
            line.finished.extend(ends)
            line.cpu.extend((end - start) * rate for start, end in zip(starts, ends, strict=True))
            working += busy
        return line, working

    @classmethod
    def of_tasks(cls, worker, queued, started, finished, origin, cpu):
        """Return the Timeline of tasks by their items: arrays of worker, start and end; all were `queued` at one time.

        Times are in seconds of the clock at which the run's time is `origin`; `cpu` is that of all tasks together,
        shared out by duration.
        """
        starts, ends = (array("d", [time - origin for time in column]) for column in (started, finished))
        lasted = [end - start for start, end in zip(starts, ends, strict=True)]
        busy = sum(lasted)
        rate = cpu / busy if busy > 0 else 0.0
        shares = array("f", [time * rate for time in lasted])
        return cls(array("H", worker), array("d", [queued - origin]) * len(starts), starts, ends, shares)

    @classmethod
    def _of_many(cls, chunks, origin):
        """As `of_chunks`: columns of the final length, filled in place."""
        import numpy as np

        count = sum(len(times) for _, _, times, _ in chunks) // 16
        line = cls(**{name: array(column.typecode, [0]) * count for name, column in cls().columns().items()})
        columns = {name: np.frombuffer(column, column.typecode) for name, column in line.columns().items()}
        end, working = 0, 0.0
        for worker, queued, times, cpu in chunks:
            starts, ends = np.frombuffer(times).reshape(2, -1)
            rows, end = slice(end, end + len(starts)), end + len(starts)
            lasted = ends - starts
            busy = float(lasted.sum())
            columns["worker"][rows] = worker
            columns["queued"][rows] = queued - origin
            np.subtract(starts, origin, out=columns["started"][rows])
            np.subtract(ends, origin, out=columns["finished"][rows])
            columns["cpu"][rows] = lasted * (cpu / busy if busy > 0 else 0.0)
            working += busy
        return line, working

    def columns(self):
        """Return the five columns by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def to_dict(self):
        """Return plain lists, times rounded to 0.1 µs."""
        rounded = {n: [round(v, 7) for v in c] for n, c in self.columns().items() if n != "worker"}
        return {"worker": list(self.worker), **rounded}

    @classmethod
    def from_dict(cls, columns):
        """Return the timeline that `to_dict` described; ValueError, TypeError or OverflowError if it did not."""
        line = cls(
            **{
                name: array("H" if name == "worker" else "f" if name == "cpu" else "d", values)
                for name, values in columns.items()
            }
        )
        require_finite(line.columns())
        return line


@dataclass(frozen=True)
class Run:
    """One run of all items by one engine with one number of workers.

    ``wall`` counts from handing over the items to the last result, on workers that are up
    (warm); ``startup`` is the time before, ``cold_wall`` the two together. ``warmup`` runs
    belong to the first round, which is left out of every estimate. ``timeline`` is kept for
    the last run of each pair only.

    A run of short work makes several ``passes`` over the items on the same workers: ``wall`` is the median of their
    walls, and ``cpu``, ``accounting``, ``timeline`` and bytes are those of that one pass. The first pass, which also
    pays for what a worker does once (an import within the task, a cold cache), took ``first_wall``; None for a single
    pass.
    """

    engine: str
    n_workers: int
    start_method: str | None
    chunksize: int
    round: int
    startup: float
    wall: float
    cpu: float
    n_items: int
    accounting: Accounting
    warmup: bool = False
    sent_bytes: int = 0
    received_bytes: int = 0
    badges: tuple[str, ...] = ()
    timeline: Timeline | None = None
    passes: int = 1
    first_wall: float | None = None

    @property
    def pair(self):
        """(engine, n_workers)"""
        return self.engine, self.n_workers

    @property
    def cpu_share(self):
        """CPU time over working time: 0 for work that waits, 1 for work that computes, also if unknown."""
        return min(1.0, self.cpu / self.accounting.working) if self.accounting.working > 0 else 1.0

    @property
    def cold_wall(self):
        """Seconds from asking for the workers to the last result of the first pass: what working once takes."""
        return self.startup + (self.wall if self.first_wall is None else self.first_wall)

    def seconds_for(self, calls=None):
        """Return the seconds that so many calls take, the first one with start-up, on workers that are kept.

        None: those of one call on workers that are up.
        """
        if self.engine == "serial":
            return (calls or 1) * self.wall
        return self.wall if calls is None else self.cold_wall + (calls - 1) * self.wall

    @property
    def shown_wall(self):
        """Seconds that the timeline and the accounting are of: start-up and one pass."""
        return self.startup + self.wall

    @property
    def all_walls(self):
        """Seconds that start-up and all passes took together, as far as they were timed."""
        return self.startup + self.passes * self.wall

    def to_dict(self):
        """Return the run as plain values for JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["accounting"] = asdict(self.accounting)
        plain["badges"] = list(self.badges)
        plain["timeline"] = self.timeline and self.timeline.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain):
        """Return the run that `to_dict` described; ValueError, TypeError or another error if it did not."""
        require_fit(cls, plain, LEAST)
        require_fit(Accounting, plain["accounting"])
        if (plain.get("first_wall") or 1) < 0:
            raise ValueError(f"first_wall cannot be {plain['first_wall']}")
        timeline = None if plain["timeline"] is None else Timeline.from_dict(plain["timeline"])
        if timeline is not None:
            if len(timeline) != plain["n_items"] or max(timeline.worker) >= plain["n_workers"]:
                raise ValueError("the timeline is of another run")
        made = {"accounting": Accounting(**plain["accounting"]), "badges": tuple(plain["badges"]), "timeline": timeline}
        return cls(**{**plain, **made})
