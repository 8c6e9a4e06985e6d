"""`Sweep`: all runs of one function, what they tell, and the files they are kept in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from helpers.errors import EngineUnavailableError, InvalidArgumentError
from helpers.records.doubts import badges_of_rounds, doubts_of, unite_badges
from helpers.records.estimates import MIN_ROUNDS, Estimate, estimate_ratio
from helpers.records.files import read_record, require_fit
from helpers.records.problems import Problem
from helpers.records.runs import Run
from helpers.records.tables import sweep_html
from helpers.words import plural, shown

#: JSON layout number; raised when a field changes its meaning.
FORMAT = 1
#: The order in which engines are listed and drawn.
ENGINE_ORDER = ("serial", "threads", "asyncio", "processes", "pool", "multiprocess", "interpreters", "dask")
#: Width of an interval over its median from which on figures are in doubt; and times n workers from which on a
#: speedup cannot be.
WIDE_SHARE, IMPOSSIBLE = 0.25, 1.15
#: The badge of such a speedup.
MISTRUST = "faster than its workers can be: mistrust it"


@dataclass(frozen=True)
class Sweep:
    """All runs of one function over engines and worker counts, and where they were measured.

    ``complete`` is False if the sweep was stopped or failed: ``runs`` then holds what was
    measured before. ``environment`` is a plain dict (Python, platform, usable CPUs, …).
    ``problems`` says of which pairs there are no figures, and why: what they ran before stays in
    ``runs``, and is in no estimate. A sweep with a budget has an ``ending``: "clear" if the answer did not need all of
    it, else "budget spent"; ``repeated`` says how many runs were thrown away and measured again, because other programs
    used the CPUs.
    """

    function: str
    n_items: int
    runs: tuple[Run, ...]
    environment: dict
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    ending: str = ""
    repeated: int = 0

    def pairs(self):
        """Return the (engine, n_workers) pairs measured without a problem, in the usual order, then by worker count."""
        return _in_order({run.pair for run in self.runs} - {problem.pair for problem in self.problems})

    def problem(self, engine, n_workers):
        """Return the Problem of one pair, or None."""
        return next((problem for problem in self.problems if problem.pair == (engine, n_workers)), None)

    def runs_of(self, engine, n_workers, *, warmup=False):
        """Return the runs of one pair in the order of rounds, the warm-up left out unless asked for."""
        return tuple(r for r in self.runs if r.pair == (engine, n_workers) and (warmup or not r.warmup))

    def last_run(self, engine, n_workers):
        """Return the pair's last run, the warm-up too where there is no other: it has the timeline."""
        return self._require(self.runs_of(engine, n_workers, warmup=True), engine, n_workers)[-1]

    def _require(self, runs, engine, n_workers):
        if problem := self.problem(engine, n_workers):
            raise InvalidArgumentError(
                f"{engine!r} with {plural(n_workers, 'worker')} has no figures: {problem.reason} What it ran before is "
                "in runs_of()."
            )
        if not runs:
            known = ", ".join(f"{e} × {n}" for e, n in self.pairs()) or "nothing"
            raise InvalidArgumentError(
                f"{engine!r} with {plural(n_workers, 'worker')} has no measured round here; measured: {known}."
            )
        return runs

    def wall(self, engine, n_workers, *, cold=False):
        """Return the Estimate of seconds for all items; `cold` includes starting the workers."""
        runs = self._require(self.runs_of(engine, n_workers), engine, n_workers)
        return estimate_ratio([r.cold_wall if cold else r.wall for r in runs], rough=False)

    def speedup(self, engine, n_workers, *, cold=False, calls=None):
        """Return how many times faster than the serial loop, as an Estimate.

        Ratio of medians over the rounds in which both were measured. `cold` includes starting
        the workers: what a program gets that runs this work once. `calls` is how often a program runs it on workers
        that it starts once; 1 is the same as `cold`.
        """
        calls = 1 if cold and calls is None else calls
        runs = self._require(self.runs_of(engine, n_workers), engine, n_workers)
        if engine == "serial":
            return Estimate(1.0, 1.0, 1.0, len(runs)) if len(runs) >= MIN_ROUNDS else Estimate(1.0, n_rounds=len(runs))
        serial = {run.round: run.seconds_for(calls) for run in self.runs_of("serial", 1)}
        runs = self._require([run for run in runs if run.round in serial], engine, n_workers)
        return estimate_ratio([serial[r.round] for r in runs], [r.seconds_for(calls) for r in runs], rough=False)

    def times_as_long(self, pair, other, *, calls=None):
        """Return how many times as long `pair` takes as `other`, as an Estimate; None without a common round.

        Both are (engine, n_workers). Compared within rounds, so that what slowed a whole round down touches it less
        than two speedups laid side by side. `calls` as in `speedup`.
        """
        others = {run.round: run.seconds_for(calls) for run in self.runs_of(*other)}
        runs = [run for run in self.runs_of(*pair) if run.round in others]
        if not runs:
            return None
        return estimate_ratio(
            [run.seconds_for(calls) for run in runs], [others[run.round] for run in runs], rough=False
        )

    def slowdown(self, engine, n_workers):
        """Return how many times as long the tasks take in the pair as in the serial loop, as an Estimate.

        The time inside the function, of all workers together, over that in the serial loop: above 1 where workers
        share CPUs, memory, caches or a lock. Efficiency is the share of working over it.
        """
        runs = self._require(self.runs_of(engine, n_workers), engine, n_workers)
        alone = {run.round: run.accounting.working for run in self.runs_of("serial", 1)}
        runs = [run for run in runs if alone.get(run.round)]
        if not runs:
            return Estimate(1.0)
        return estimate_ratio([run.accounting.working for run in runs], [alone[run.round] for run in runs])

    def badges(self, engine, n_workers):
        """Return what makes the pair's figures doubtful, each in a few words.

        The serial loop's doubts are those of every speedup, which is a ratio to it. Of a pair with a problem:
        the problem.
        """
        if problem := self.problem(engine, n_workers):
            return (problem.what,)
        runs = self.runs_of(engine, n_workers)
        found = unite_badges(*(run.badges for run in runs), badges_of_rounds([run.wall for run in runs]))
        if engine != "serial" and self.runs_of("serial", 1):
            speedup = self.speedup(engine, n_workers)
            found += tuple(f"serial loop: {badge}" for badge in self.badges("serial", 1) if badge not in found)
            if speedup.low is not None and speedup.high - speedup.low > WIDE_SHARE * speedup.median:
                found += ("wide interval",)
            if speedup.median > IMPOSSIBLE * n_workers:
                found += (MISTRUST,)
        return found

    def doubts(self, engine, n_workers):
        """Return the badges that speak of noise, not of the number of workers."""
        return doubts_of(self.badges(engine, n_workers))

    def __str__(self):
        lines = [f"{self.function} over {plural(self.n_items, 'item')}" + ("" if self.complete else " (stopped early)")]
        lines += [self._row(*pair) for pair in self._shown_pairs()]
        return "\n".join([*lines, *(f"  {problem.reason}" for problem in self.problems)])

    def _row(self, engine, n_workers):
        """Return the row of one pair in the table."""
        name = f"  {engine:>12} × {n_workers:<3}"
        if problem := self.problem(engine, n_workers):
            return f"{name} no figures: {problem.what}"
        wall, speedup = self.wall(engine, n_workers), self.speedup(engine, n_workers)
        gain = f"{speedup.median:6.2f}" + (
            f"  ({speedup.low:.2f} to {speedup.high:.2f})" if speedup.low is not None else "  (no interval)"
        )
        badges = "; ".join(self.badges(engine, n_workers))
        return f"{name} {wall.median:8.3f} s   speedup {gain}" + (f"   [{badges}]" if badges else "")

    __repr__ = __str__

    def _repr_html_(self):
        return sweep_html(self, self._shown_pairs())

    def _shown_pairs(self):
        """Return the pairs that have a row: those with a counted round, and those with a problem."""
        pairs = _in_order({*self.pairs(), *(problem.pair for problem in self.problems)})
        return [pair for pair in pairs if self.problem(*pair) or self.runs_of(*pair)]

    def to_dict(self):
        """Return the sweep as plain values for JSON."""
        return {
            "format": FORMAT,
            "function": self.function,
            "n_items": self.n_items,
            "complete": self.complete,
            "environment": self.environment,
            "runs": [run.to_dict() for run in self.runs],
            "problems": [asdict(problem) for problem in self.problems],
            "ending": self.ending,
            "repeated": self.repeated,
        }

    def to_json(self, path):
        """Write the sweep to `path`, its environment included; return the Path."""
        path = Path(path)
        path.write_text(json.dumps(self.to_dict()), encoding="utf-8")
        return path

    @classmethod
    def from_json(cls, path):
        """Return the sweep stored by `to_json`; InvalidArgumentError if there is none, whatever the file holds."""
        advice = "give the file that to_json wrote, or measure again"
        return read_record(path, cls.from_dict, "a sweep saved by to_json", advice)

    @classmethod
    def from_dict(cls, plain):
        """Return the sweep that `to_dict` described; ValueError, TypeError or another error if it did not."""
        if plain["format"] != FORMAT:
            raise ValueError(f"its format is {shown(plain['format'])}, and this version reads {FORMAT}")
        require_fit(cls, plain, {"n_items": 1})
        if not isinstance(plain["runs"], list):
            raise TypeError(f"runs cannot be {shown(plain['runs'])}")
        usable = plain["environment"].get("usable_cpus")
        if usable is not None and not 0 < usable < 1e6:
            raise ValueError(f"usable_cpus cannot be {shown(usable)}")
        runs = tuple(map(Run.from_dict, plain["runs"]))
        problems = tuple(map(Problem.from_dict, plain.get("problems", ())))  # older files have none of these three
        facts = plain["function"], plain["n_items"], runs, plain["environment"], plain["complete"], problems
        return cls(*facts, plain.get("ending", ""), plain.get("repeated", 0))

    def to_frame(self):
        """Return one row a run as a pandas DataFrame, accounting in columns; needs pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise EngineUnavailableError("to_frame needs pandas: python -m pip install pandas") from error
        rows = []
        for run in self.runs:
            plain = {
                f.name: getattr(run, f.name) for f in fields(run) if f.name not in ("timeline", "accounting", "badges")
            }
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
            for number, event in enumerate(
                event for pid, run in enumerate(kept, 1) for event in _trace_events(pid, run)
            ):
                file.write((",\n" if number else "\n") + event)
            file.write("\n]}\n")
        return path


def _in_order(pairs):
    """Return (engine, n_workers) pairs sorted: engines in the usual order, then by worker count."""
    rank = {name: place for place, name in enumerate(ENGINE_ORDER)}
    return sorted(pairs, key=lambda pair: (rank.get(pair[0], len(rank)), pair))


def _trace_events(pid, run):
    """Yield the events of one run as JSON texts."""
    title = f"{run.engine} × {run.n_workers}, round {run.round}"
    yield json.dumps({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": title}})
    line = run.timeline
    for worker in sorted(set(line.worker)):
        yield json.dumps(
            {"name": "thread_name", "ph": "M", "pid": pid, "tid": worker + 1, "args": {"name": f"worker {worker + 1}"}}
        )
    for item, (worker, start, end) in enumerate(zip(line.worker, line.started, line.finished, strict=True)):
        times = f'"ts": {start * 1e6:.3f}, "dur": {(end - start) * 1e6:.3f}'
        yield f'{{"name": "item {item}", "ph": "X", "pid": {pid}, "tid": {worker + 1}, {times}}}'
