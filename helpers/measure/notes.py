"""What is known of a sweep on its way: its runs and problems, the visits still to come, and how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from helpers.engines import max_workers
from helpers.measure.badges import BUSY
from helpers.measure.problems import LEAST_SECONDS, allow_seconds
from helpers.records import COMPUTING_SHARE, Problem, Run, Sweep

#: The first visit of a play that goes on after a problem.
REFERENCE = (0, "serial", 1)
#: Share of a budget within which runs are thrown away that other programs disturbed, and how many of them at most more
#: than runs that were not: where others never stop, waiting for them is in vain.
QUIET_SHARE, PATIENCE = 0.5, 3
#: The clock of budgets.
clock = time.perf_counter


@dataclass(frozen=True)
class Progress:
    """How far a sweep is: what `on_progress` gets after each run, while the next one waits.

    ``done`` counts the runs, and those left out because their pair has a problem. ``run`` is the one that ended;
    None at the beginning, and where ``problem`` is what came of it. With a budget nobody knows how many runs there will
    be: ``total`` then is of those that are planned, and ``share`` says how much of the budget is spent, 0 to 1.
    """

    done: int
    total: int
    seconds_left: float | None
    run: Run | None
    sweep: Sweep
    problem: Problem | None = None
    share: float | None = None


class Notes:
    """What is known of a sweep on its way: its runs and problems, and the visits still to come."""

    def __init__(self, function, items, environment, visits, chunksize, timeout):
        self.function, self.items, self.environment = function, items, environment
        self.chunksize, self.timeout = chunksize, timeout
        self.total, self.to_come = len(visits), list(visits)
        self.pairs = {visit[1:] for visit in visits if visit[1] != "serial"}
        self.runs, self.problems = [], []
        self.uncounted, self.playing, self.ahead = [], None, 0

    def begin(self, uncounted):
        """Note that a play begins: with visits whose runs are not counted, then all that are to come so far."""
        self.uncounted, self.ahead = uncounted, len(uncounted) + len(self.to_come)

    def hold(self, playing, on_start):
        """Keep the runner and tell `on_start`; a ``stop()`` that reached the one before too late holds for this one."""
        before, self.playing = self.playing, playing
        if on_start is not None:
            on_start(playing)
        if before is not None and before.stopped:
            playing.stop()

    @property
    def stopped(self):
        """Whether ``stop()`` of the last runner was called."""
        return self.playing is not None and self.playing.stopped

    @property
    def hopeless(self):
        """Whether every parallel pair has a problem."""
        return bool(self.pairs) and self.pairs == {problem.pair for problem in self.problems}

    def next_visit(self):
        """Return the visit whose record comes next; None after the last."""
        return next(iter([*self.uncounted, *self.to_come]), None)

    def plan_on(self):
        """Return the visits that were planned since the runner got its last ones."""
        new = [*self.uncounted, *self.to_come][self.ahead :]
        self.ahead += len(new)
        return new

    def skip(self):
        """Note a run that is not counted."""
        del self.uncounted[0]
        self.ahead -= 1

    def take(self, run):
        """Note the run of the next visit."""
        self.ahead -= 1
        forget_timeline(self.runs, run.pair)
        self.runs.append(run)
        del self.to_come[0]

    def give_up(self, problem):
        """Note the problem of a pair, whose further visits are left out."""
        self.problems.append(problem)
        self.to_come = [visit for visit in self.to_come if visit[1:] != problem.pair]

    def serial_wall(self):
        """Return the longest that the serial loop took so far, in seconds; None before it ran."""
        return max((run.wall for run in self.runs if run.engine == "serial"), default=None)

    def seconds_allowed(self):
        """Return the deadline of the next visit in seconds, None to wait; a fresh process has time to start, too."""
        visit, serial_wall, allowed = self.next_visit(), self.serial_wall(), self.timeout
        if allowed is None and serial_wall is not None:
            size = len(self.items), self.chunksize
            allowed = LEAST_SECONDS if visit is None else allow_seconds(*visit[1:], serial_wall, *size)
        return allowed + LEAST_SECONDS if visit is REFERENCE else allowed

    def sweep(self):
        """Return the Sweep so far."""
        facts = self.function, len(self.items), tuple(self.runs), self.environment
        return Sweep(*facts, complete=not self.to_come, problems=tuple(self.problems))

    def progress(self, run=None, problem=None):
        """Return the Progress after a run or a problem."""
        left = seconds_left(self.runs, self.to_come)
        return Progress(self.total - len(self.to_come), self.total, left, run, self.sweep(), problem)


class RaceNotes(Notes):
    """The Notes of a sweep with a budget: what comes next is for a `Race` to say, after each round."""

    def __init__(self, function, items, environment, race, chunksize, timeout, grow=()):
        """`grow` are the names of engines that may take more workers than were asked for, where the work waits."""
        super().__init__(function, items, environment, race.next_round(0.0), chunksize, timeout)
        self.race, self.repeated, self.quiet, self.grow = race, 0, 0, grow
        self.began = self.told = None

    def skip(self):
        """Note a run that is not counted, and that belongs to the cost of no other."""
        super().skip()
        self.told = clock()

    def take(self, run):
        """Note the run of the next visit, unless others disturbed it and there is time to measure it again."""
        now = clock()
        if self.began is None:
            self.began = self.told = now - run.all_walls
        cost, self.told = now - self.told, now
        disturbed, early = is_disturbed(run), self.elapsed() < QUIET_SHARE * self.race.budget
        self.quiet += not disturbed
        if not run.warmup and disturbed and early and self.repeated < self.quiet + PATIENCE:
            self.repeated += 1
            self.ahead -= 1
            self.to_come.append(self.to_come.pop(0))
        else:
            super().take(run)
            self.race.take(run.pair, run.round, run.wall, cost)
        self._go_on()

    def give_up(self, problem):
        """Note the problem of a pair, which leaves the race."""
        super().give_up(problem)
        self.race.give_up(problem.pair)
        self._go_on()

    def _go_on(self):
        """Have the race plan the next round as soon as this one is over."""
        if self.to_come:
            return
        if self.race.round == 0:
            self.race.bar(find_barred(self.runs, self.race.pairs, self.environment["usable_cpus"]))
            if self.runs and share_of_serial(self.runs) <= COMPUTING_SHARE:
                self.race.grow({engine: min(max_workers(engine), len(self.items)) for engine in self.grow})
        self.to_come = self.race.next_round(self.elapsed())
        self.total += len(self.to_come)
        self.pairs |= {visit[1:] for visit in self.to_come if visit[1] != "serial"}

    def elapsed(self):
        """Return the seconds since the first run began; 0 before it ended."""
        return 0.0 if self.began is None else clock() - self.began

    def sweep(self):
        """Return the Sweep so far."""
        return replace(super().sweep(), ending=self.race.verdict, repeated=self.repeated)

    def progress(self, run=None, problem=None):
        """Return the Progress after a run or a problem."""
        elapsed, told = self.elapsed(), super().progress(run, problem)
        left = None if self.began is None else max(told.seconds_left or 0.0, self.race.budget - elapsed)
        share = min(1.0, elapsed / self.race.budget) if self.to_come else 1.0
        return replace(told, seconds_left=left if self.to_come else 0.0, share=share)


def is_disturbed(run):
    """Return whether other programs used the CPUs that a run needed: by counters of CPU time alone."""
    return BUSY in run.badges


def find_barred(runs, pairs, usable_cpus):
    """Return the pairs that are never advised, whatever they take: single workers, and more than the work has CPUs for.

    Work that computes wants a CPU for each worker, work that waits for the share of its time in which the serial loop
    used one. The tasks of asyncio take turns in one thread, however many they are.
    """
    share = share_of_serial(runs)
    share = 1.0 if share > COMPUTING_SHARE else share
    most = max(1.0, usable_cpus * 1.02) if usable_cpus else float("inf")  # 2 %: clocks differ
    return {(engine, n) for engine, n in pairs if n < 2 or (n * share > most and engine != "asyncio")}


def share_of_serial(runs):
    """Return the share of its time in which the serial loop used a CPU; 1 if it was not measured."""
    return max((run.cpu_share for run in runs if run.engine == "serial"), default=1.0)


def forget_timeline(runs, pair):
    """Drop the timeline of the last run of `pair` in the list `runs`: only the newest one is kept."""
    for index in range(len(runs) - 1, -1, -1):
        if runs[index].pair == pair:
            runs[index] = replace(runs[index], timeline=None)
            return


def seconds_left(runs, visits):
    """Return how long `visits` will take, judging by `runs`; None before the first run."""
    if not runs:
        return None
    latest = {run.pair: run.all_walls for run in runs}
    return sum(latest.get((engine, n), runs[0].wall) for _, engine, n in visits)
