"""`Run`: one run of all items, with its `Timeline`."""

from __future__ import annotations

from array import array
from dataclasses import asdict, dataclass, field, fields

from helpers.records.accounts import Accounting


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
    workers came up; ``cpu`` is the CPU time of the item's chunk, shared out by duration.
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

    def add_chunk(self, worker, queued, times, cpu, origin, many=False):
        """Append the rows of a chunk; return the seconds its tasks took.

        `times` are the bytes of all starts and then all ends, in seconds of the clock at which
        the run's time is `origin`; `cpu` is shared out by duration. `many` uses numpy, whose
        import only pays for tens of thousands of tasks.
        """
        both = array("d")
        both.frombytes(times)
        count = len(both) // 2
        self.worker.extend(array("H", [worker]) * count)
        self.queued.extend(array("d", [queued - origin]) * count)
        if many:
            import numpy as np

            spans = np.frombuffer(both).reshape(2, -1) - origin
            lasted = spans[1] - spans[0]
            busy = float(lasted.sum())
            self.started.frombytes(spans[0].tobytes())
            self.finished.frombytes(spans[1].tobytes())
            self.cpu.frombytes((lasted * (cpu / busy if busy > 0 else 0.0)).astype("f").tobytes())
            return busy
        starts, ends = [time - origin for time in both[:count]], [time - origin for time in both[count:]]
        busy = sum(ends) - sum(starts)
        rate = cpu / busy if busy > 0 else 0.0
        self.started.extend(starts)
        self.finished.extend(ends)
        self.cpu.extend((end - start) * rate for start, end in zip(starts, ends, strict=True))
        return busy

    def columns(self):
        """Return the five columns by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def to_dict(self):
        """Return plain lists, times rounded to 0.1 µs."""
        rounded = {n: [round(v, 7) for v in c] for n, c in self.columns().items() if n != "worker"}
        return {"worker": list(self.worker), **rounded}

    @classmethod
    def from_dict(cls, columns):
        """Return the timeline that `to_dict` described."""
        return cls(
            **{
                name: array("H" if name == "worker" else "f" if name == "cpu" else "d", values)
                for name, values in columns.items()
            }
        )


@dataclass(frozen=True)
class Run:
    """One run of all items by one engine with one number of workers.

    ``wall`` counts from handing over the items to the last result, on workers that are up
    (warm); ``startup`` is the time before, ``cold_wall`` the two together. ``warmup`` runs
    belong to the first round, which is left out of every estimate. ``timeline`` is kept for
    the last run of each pair only.
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

    @property
    def pair(self):
        """(engine, n_workers)"""
        return self.engine, self.n_workers

    @property
    def cold_wall(self):
        """Seconds from asking for the workers to the last result."""
        return self.startup + self.wall

    def to_dict(self):
        """Return the run as plain values for JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["accounting"] = asdict(self.accounting)
        plain["badges"] = list(self.badges)
        plain["timeline"] = self.timeline and self.timeline.to_dict()
        return plain

    @classmethod
    def from_dict(cls, plain):
        """Return the run that `to_dict` described."""
        timeline = plain["timeline"]
        return cls(
            **{
                **plain,
                "accounting": Accounting(**plain["accounting"]),
                "badges": tuple(plain["badges"]),
                "timeline": timeline and Timeline.from_dict(timeline),
            }
        )
