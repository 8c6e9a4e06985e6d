"""The vocabulary: immutable records of what was measured. They know nothing of widgets.

::

    Sweep ── runs ──► Run ──► Timeline    who ran which item, when
      │                └────► Accounting  where n_workers × wall went
      ├─ speedup(), wall() ─► Estimate
      └─ (helpers.models) ──► Fit, Advice

All times are seconds. Within a run they count from the moment the workers were asked for.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median

from helpers.errors import InvalidArgumentError

#: JSON layout number; raised when a field changes its meaning.
FORMAT = 1
#: Rounds needed before an interval is given.
MIN_ROUNDS = 3
#: The order in which engines are listed and drawn.
ENGINE_ORDER = ("serial", "threads", "processes", "pool", "multiprocess", "interpreters", "dask")


@dataclass(frozen=True, repr=False)
class Estimate:
    """A median with its 95 % bootstrap interval; ``low``/``high`` are None below 3 rounds."""

    median: float
    low: float | None = None
    high: float | None = None
    n_rounds: int = 0

    def __str__(self):
        if self.low is None:
            return f"{self.median:.3g} (no interval: {self.n_rounds} of {MIN_ROUNDS} rounds)"
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"

    __repr__ = __str__


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
        return cls(**{name: array("H" if name == "worker" else "f" if name == "cpu" else "d", values) for name, values in columns.items()})


@dataclass(frozen=True)
class Accounting:
    """Where ``n_workers × (startup + wall)`` went, in worker-seconds. The five add up to it.

    startup
        from asking for the workers until all are ready
    transfer
        unpickling items and pickling results in the workers, and the bookkeeping between tasks
    waiting
        a worker ready, with nothing to do yet: before its first chunk and between chunks
    working
        inside the function (which may itself wait: compare the run's ``cpu``)
    idle_tail
        a worker done while the run is not
    """

    startup: float = 0.0
    transfer: float = 0.0
    waiting: float = 0.0
    working: float = 0.0
    idle_tail: float = 0.0

    @property
    def total(self):
        """All worker-seconds of the run."""
        return self.startup + self.transfer + self.waiting + self.working + self.idle_tail

    def shares(self):
        """Return the five shares of the total by name; they add up to 1."""
        return {name: value / (self.total or 1.0) for name, value in asdict(self).items()}


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


@dataclass(frozen=True)
class Fit:
    """A scalability law fitted to measured speedups: ``γ·n / (1 + σ·(n−1) + κ·n·(n−1))``.

    ``serial_fraction`` is σ, ``coherency`` κ (0 for Amdahl), ``scale`` γ (speedup at one
    worker); all at least 0. ``largest_measured`` bounds how far the curve may be drawn.
    """

    law: str
    scale: Estimate
    serial_fraction: Estimate
    coherency: Estimate
    n_points: int
    largest_measured: int
    peak_workers: float | None = None

    def speedup(self, n_workers):
        """Return the fitted speedup at `n_workers` (a number or an array)."""
        loss = self.serial_fraction.median * (n_workers - 1) + self.coherency.median * n_workers * (n_workers - 1)
        return self.scale.median * n_workers / (1 + loss)


@dataclass(frozen=True)
class Advice:
    """What to do, and the measurement it rests on. ``engine`` is "serial" for "stay serial"."""

    engine: str
    n_workers: int
    chunksize: int | None
    reason: str
    evidence: Estimate | None = None

    def __str__(self):
        return self.reason


def estimate_ratio(above, below=None):
    """Return the Estimate of median(above) / median(below), rounds drawn with replacement.

    `above` and `below` hold one value a round, in the same order, and rounds are drawn as
    wholes, so that a slow moment of the machine falls on both. Percentile bootstrap, 2,000
    draws (Efron & Tibshirani, *An Introduction to the Bootstrap*, chapter 13).
    """
    n_rounds = len(above)
    centre = median(above) / (median(below) if below is not None else 1.0)
    if n_rounds < MIN_ROUNDS:
        return Estimate(centre, n_rounds=n_rounds)
    import numpy as np

    draws = np.random.default_rng(0).integers(0, n_rounds, (2000, n_rounds))
    ratios = np.median(np.asarray(above, float)[draws], axis=1)
    if below is not None:
        ratios = ratios / np.median(np.asarray(below, float)[draws], axis=1)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Estimate(centre, float(low), float(high), n_rounds)


@dataclass(frozen=True)
class Sweep:
    """All runs of one function over engines and worker counts, and where they were measured.

    ``complete`` is False if the sweep was stopped or failed: ``runs`` then holds what was
    measured before. ``environment`` is a plain dict (Python, platform, usable CPUs, …).
    """

    function: str
    n_items: int
    runs: tuple[Run, ...]
    environment: dict
    complete: bool = True

    def pairs(self):
        """Return the measured (engine, n_workers) pairs, engines in the usual order, then by worker count."""
        rank = {name: place for place, name in enumerate(ENGINE_ORDER)}
        return sorted({run.pair for run in self.runs}, key=lambda pair: (rank.get(pair[0], len(rank)), pair))

    def runs_of(self, engine, n_workers, *, warmup=False):
        """Return the runs of one pair in the order of rounds, the warm-up left out unless asked for."""
        return tuple(r for r in self.runs if r.pair == (engine, n_workers) and (warmup or not r.warmup))

    def last_run(self, engine, n_workers):
        """Return the pair's last run, the warm-up too where there is no other: it has the timeline."""
        return self._require(self.runs_of(engine, n_workers, warmup=True), engine, n_workers)[-1]

    def _require(self, runs, engine, n_workers):
        if not runs:
            known = ", ".join(f"{e} × {n}" for e, n in self.pairs()) or "nothing"
            raise InvalidArgumentError(f"{engine!r} with {n_workers} workers has no measured round here; measured: {known}.")
        return runs

    def wall(self, engine, n_workers, *, cold=False):
        """Return the Estimate of seconds for all items; `cold` includes starting the workers."""
        runs = self._require(self.runs_of(engine, n_workers), engine, n_workers)
        return estimate_ratio([r.cold_wall if cold else r.wall for r in runs])

    def speedup(self, engine, n_workers, *, cold=False):
        """Return how many times faster than the serial loop, as an Estimate.

        Ratio of medians over the rounds in which both were measured. `cold` includes starting
        the workers: what a program gets that runs this work once.
        """
        runs = self._require(self.runs_of(engine, n_workers), engine, n_workers)
        if engine == "serial":
            return Estimate(1.0, 1.0, 1.0, len(runs)) if len(runs) >= MIN_ROUNDS else Estimate(1.0, n_rounds=len(runs))
        serial = {run.round: run.wall for run in self.runs_of("serial", 1)}
        runs = self._require([run for run in runs if run.round in serial], engine, n_workers)
        return estimate_ratio([serial[r.round] for r in runs], [r.cold_wall if cold else r.wall for r in runs])

    def badges(self, engine, n_workers):
        """Return what makes the pair's figures doubtful, each in a few words."""
        found = dict.fromkeys(badge for run in self.runs_of(engine, n_workers) for badge in run.badges)
        walls = sorted(run.wall for run in self.runs_of(engine, n_workers))
        if len(walls) >= MIN_ROUNDS and walls[-1 - len(walls) // 4] - walls[len(walls) // 4] > 0.1 * median(walls):
            found["rounds differ by more than 10 %"] = None
        return tuple(found)

    def __str__(self):
        lines = [f"{self.function} over {self.n_items} items" + ("" if self.complete else " (stopped early)")]
        for engine, n_workers in self.pairs():
            if not self.runs_of(engine, n_workers):
                continue
            wall, speedup = self.wall(engine, n_workers), self.speedup(engine, n_workers)
            gain = f"{speedup.median:6.2f}" + (
                f"  ({speedup.low:.2f} to {speedup.high:.2f})" if speedup.low is not None else "  (no interval)"
            )
            badges = "; ".join(self.badges(engine, n_workers))
            lines.append(f"  {engine:>12} × {n_workers:<3} {wall.median:8.3f} s   speedup {gain}" + (f"   [{badges}]" if badges else ""))
        return "\n".join(lines)

    __repr__ = __str__

    def to_dict(self):
        """Return the sweep as plain values for JSON."""
        return {
            "format": FORMAT,
            "function": self.function,
            "n_items": self.n_items,
            "complete": self.complete,
            "environment": self.environment,
            "runs": [run.to_dict() for run in self.runs],
        }

    def to_json(self, path):
        """Write the sweep to `path`, its environment included; return the Path."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict()), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, path):
        """Return the sweep stored by `to_json`; InvalidArgumentError if it is not one."""
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            if plain["format"] != FORMAT:
                raise InvalidArgumentError(f"{path} has format {plain['format']}, this version reads {FORMAT}: measure again.")
            return cls(
                plain["function"], plain["n_items"], tuple(map(Run.from_dict, plain["runs"])), plain["environment"], plain["complete"]
            )
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InvalidArgumentError(f"{path} is not a sweep saved by to_json ({type(error).__name__}: {error}).") from error

    def to_frame(self):
        """Return one row a run as a pandas DataFrame, accounting in columns; needs pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            from helpers.errors import EngineUnavailableError

            raise EngineUnavailableError("to_frame needs pandas: python -m pip install pandas") from error
        rows = []
        for run in self.runs:
            plain = {f.name: getattr(run, f.name) for f in fields(run) if f.name not in ("timeline", "accounting", "badges")}
            rows.append(
                {
                    **plain,
                    "cold_wall": run.cold_wall,
                    **{f"{n}_share": v for n, v in run.accounting.shares().items()},
                    "badges": "; ".join(run.badges),
                }
            )
        return pd.DataFrame(rows)

    def to_chrome_trace(self, path):
        """Write every kept timeline as Chrome-trace JSON, for ui.perfetto.dev; return the Path.

        One process a run, one thread a worker, one complete event ("X", microseconds) a task.
        Source: "Trace Event Format", the Chromium project.
        """
        path = Path(path)
        with path.open("w", encoding="utf-8") as file:
            file.write('{"displayTimeUnit": "ms", "traceEvents": [')
            kept = [run for run in self.runs if run.timeline is not None]
            for number, event in enumerate(event for pid, run in enumerate(kept, 1) for event in _trace_events(pid, run)):
                file.write((",\n" if number else "\n") + event)
            file.write("\n]}\n")
        return path


def _trace_events(pid, run):
    """Yield the events of one run as JSON texts."""
    title = f"{run.engine} × {run.n_workers}, round {run.round}"
    yield json.dumps({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": title}})
    line = run.timeline
    for worker in sorted(set(line.worker)):
        yield json.dumps({"name": "thread_name", "ph": "M", "pid": pid, "tid": worker + 1, "args": {"name": f"worker {worker + 1}"}})
    for item, (worker, start, end) in enumerate(zip(line.worker, line.started, line.finished, strict=True)):
        times = f'"ts": {start * 1e6:.3f}, "dur": {(end - start) * 1e6:.3f}'
        yield f'{{"name": "item {item}", "ph": "X", "pid": {pid}, "tid": {worker + 1}, {times}}}'
