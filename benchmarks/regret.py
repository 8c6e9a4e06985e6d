"""Regret: what it costs to follow the advice, against the best setting that a full grid has.

::

    sweep, advise      as the lab does it          ──►  the advised setting, and the seconds that it took
    grid               every setting, twice        ──►  finalists: the few that can be the best
    finals             finalists, the advised one, the rules of thumb and joblib, in interleaved rounds
                                                   ──►  regret = 1 − throughput(advised) / throughput(best)

The grid only chooses who is measured again: the best, like everything it is compared with, has the figures of the
finals. Who is the fastest of several that are alike is luck, and its figures are too good by just that luck. So who is
the best in a round is decided by the other rounds: a regret below nothing then is luck, too. A setting is a number of
workers of an engine with a chunk size; every visit has fresh workers, whose start-up counts in the cold figures only.
"""

from __future__ import annotations

import inspect
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

from benchmarks.rows import Row, at_most, load, missing, not_here, timed
from benchmarks.workloads import WORKLOADS, count_choices, cpu_count
from helpers import runner
from helpers.engines import auto_chunksize, engine_problem
from helpers.errors import HelpersError
from helpers.labs.speedup import worker_choices
from helpers.machine import usable_cpus
from helpers.measure import require_same, run_once, sweep
from helpers.models import advise
from helpers.records import Estimate, estimate_ratio

QUICK = ("even", "tiny tasks", "waiting", "hashing", "heavy results")
SIZES = {
    "full": {"names": tuple(WORKLOADS), "rounds": 7, "scale": 1.0},
    "quick": {"names": QUICK, "rounds": 5, "scale": 0.5},
    "smoke": {"names": ("even",), "rounds": 1, "scale": 0.02},
}
#: Per cent of regret, in the median and at worst; seconds that an advice may take.
MEDIAN, WORST, SECONDS = 3.0, 15.0, 5.0
#: Seconds of measuring, where `sweep` takes a budget, and rounds where it does not.
BUDGET, REPEATS = 5.0, 5
#: Seconds after which a run of the grid counts as failed.
DEADLINE = 60.0
#: Settings slower than the fastest by more than this factor are not looked at twice; and the most finalists.
HOPELESS, FINALISTS = 1.5, 5
SERIAL, JOBLIB = "serial", "joblib, automatic batches"
ADVISED, ADVISED_ONCE = "advised", "advised for one call"


class Setting(NamedTuple):
    """A way to do the work."""

    engine: str
    n_workers: int
    chunksize: int

    def __str__(self):
        if self.engine == SERIAL:
            return SERIAL
        return f"{self.engine} × {self.n_workers}, chunks of {self.chunksize:,}"


class Visit(NamedTuple):
    """Seconds of one run of all items: of starting the workers, and of the work."""

    startup: float
    wall: float

    @property
    def cold(self):
        """Seconds with the start of the workers."""
        return self.startup + self.wall


@dataclass
class Outcome:
    """What came of one workload.

    ``chosen`` holds the setting that the advice, or a rule, names; ``visits`` those of each in the finals, none
    where it failed; ``measured`` the settings that the advice had figures of. A peer is its own setting.
    """

    name: str
    chosen: dict = field(default_factory=dict)
    visits: dict = field(default_factory=dict)
    measured: tuple = ()
    took: float = 0.0
    reason: str = ""
    doubts: tuple = ()
    loads: tuple = ()

    def seconds(self, cold=False, among=None):
        """Return the seconds of all settings, or of those `among`, by setting; without peers, and what failed."""
        ours = {chosen: visits for chosen, visits in self.visits.items() if isinstance(chosen, Setting) and visits}
        return {s: seconds_of(visits, cold) for s, visits in ours.items() if among is None or s in among}

    def best(self, cold=False):
        """Return the setting with the highest throughput."""
        seconds = self.seconds(cold)
        return min(seconds, key=lambda chosen: median(seconds[chosen]))

    def unseen(self):
        """Return the regret of the best setting that was measured, in per cent: what no advice could have saved."""
        return regret(best_of_rounds(self.seconds()), best_of_rounds(self.seconds(among=self.measured)))

    def regret(self, who, cold=False):
        """Return the regret of what `who` names, in per cent, as an Estimate: 100 for what fails."""
        visits = self.visits[self.chosen[who]]
        if not visits:
            return Estimate(100.0)
        return regret(best_of_rounds(self.seconds(cold)), seconds_of(visits, cold))


# ── arithmetic ────────────────────────────────────────────────────────────────────────────


def seconds_of(visits, cold=False):
    """Return the seconds of each visit, those of starting the workers included if `cold`."""
    return [visit.cold if cold else visit.wall for visit in visits]


def best_of_rounds(seconds):
    """Return the seconds of the best setting in each round: of the one with the least median in the other rounds.

    So what is said of the best is free of the luck that made it so. `seconds` has one list a setting.
    """
    n_rounds = len(next(iter(seconds.values())))
    return [_best_by_others(seconds, number)[number] for number in range(n_rounds)]


def _best_by_others(seconds, number):
    """Return the list of `seconds` with the least median, round `number` left out where there are others."""
    return min(seconds.values(), key=lambda walls: median(walls[:number] + walls[number + 1 :] or walls))


def regret(best, chosen):
    """Return how many per cent of the best throughput are lost, as an Estimate; both in seconds, one value a round.

    Throughput is items over the median of seconds, so the items cancel: 1 − median(best) / median(chosen).
    """
    kept = estimate_ratio(best, chosen)
    low, high = (None, None) if kept.low is None else (100 * (1 - kept.high), 100 * (1 - kept.low))
    return Estimate(100 * (1 - kept.median), low, high, kept.n_rounds)


def setting(engine, n_workers, chunksize, n_items):
    """Return the Setting with the chunk size that it comes to: `chunksize` None is four chunks a worker."""
    if engine == SERIAL:
        return Setting(engine, 1, n_items)
    return Setting(engine, n_workers, min(n_items, chunksize or auto_chunksize(n_items, n_workers)))


def chunk_choices(n_items, n_workers):
    """Return the chunk sizes of a grid: 1, and one, four and sixteen chunks a worker.

    >>> chunk_choices(1000, 2)
    [1, 32, 125, 500]
    """
    return sorted({1, *(-(-n_items // (n_workers * chunks)) for chunks in (1, 4, 16))})


def make_grid(engines, counts, n_items):
    """Return every setting: the serial loop, then each engine with each count and each chunk size."""
    parallel = [(engine, n, chunk) for engine in engines for n in counts for chunk in chunk_choices(n_items, n)]
    return [setting(SERIAL, 1, None, n_items), *(Setting(*choice) for choice in parallel)]


def hopefuls(visits):
    """Return the settings whose fastest visit is within `HOPELESS` of the fastest, warm or cold."""
    chosen = []
    for cold in (False, True):
        least = {setting: min(seconds_of(seen, cold)) for setting, seen in visits.items() if seen}
        limit = HOPELESS * min(least.values())
        chosen += [setting for setting, seconds in least.items() if seconds <= limit and setting not in chosen]
    return chosen


def finalists(visits, measured):
    """Return the `FINALISTS` fastest settings by their fastest visit, and the two fastest cold and of `measured`."""
    warm, cold = (
        sorted((s for s in visits if visits[s]), key=lambda s, cold=cold: min(seconds_of(visits[s], cold)))
        for cold in (False, True)
    )
    return list(dict.fromkeys([*warm[:FINALISTS], *cold[:2], *[s for s in warm if s in measured][:2]]))


def rules(usable, cpus, n_items):
    """Return the settings of the rules of thumb, by name; their chunks are those of `Pool.map`."""
    named = {
        "processes = usable CPUs": ("processes", usable),
        "processes = cpu_count()": ("processes", cpus),
        "threads = 32": ("threads", 32),
        "stay serial": (SERIAL, 1),
    }
    return {name: setting(engine, n, None, n_items) for name, (engine, n) in named.items()}


# ── measuring ─────────────────────────────────────────────────────────────────────────────


def measure(names, rounds, scale):
    """Return the rows: the targets, each rule, each workload, the worst first, and each rule for each workload."""
    outcomes, absent = [], []
    for name in names:
        workload = WORKLOADS[name]
        if workload.needs and not find_spec(workload.needs):
            absent.append(not_here(name, "%", f"needs the module {workload.needs}, which this system does not have"))
            continue
        try:
            outcomes.append(measure_workload(workload, rounds, scale))
        except (HelpersError, TimeoutError) as error:
            absent.append(not_here(name, "%", f"no advice: {type(error).__name__}: {error}".partition("\n")[0]))
        finally:
            runner.end_all()
    if missing("joblib"):
        absent.append(not_here(JOBLIB, "%", missing("joblib")))
    return [*rows_of(outcomes), *absent]


def measure_workload(workload, rounds, scale):
    """Return the Outcome of one workload."""
    outcome = Outcome(workload.name, loads=(load(),))
    with workload.make(scale) as items:
        ask_advice(outcome, workload.func, items)
        outcome.chosen |= rules(usable_cpus(), cpu_count(), len(items))
        expected = run_once(workload.func, items, engine=SERIAL, n_workers=1).values()

        def visit(chosen):
            return visit_once(workload.func, items, chosen, expected)

        engines = [engine for engine in workload.engines if not engine_problem(engine, workload.func)]
        grid = make_grid(engines, count_choices(usable_cpus(), workload.waits), len(items))
        seen = take_turns(dict.fromkeys(grid, visit), 1)
        again = take_turns(dict.fromkeys(hopefuls(seen), visit), 1)
        seen |= {chosen: seen[chosen] + visits for chosen, visits in again.items() if visits}
        contenders = dict.fromkeys([*finalists(seen, outcome.measured), *outcome.chosen.values()], visit)
        with open_peers(workload.func, items, expected) as peers:
            outcome.chosen |= {name: name for name in peers}
            outcome.visits = take_turns(contenders | peers, rounds)
    outcome.loads += (load(),)
    return outcome


def ask_advice(outcome, func, items):
    """Measure as the lab does it, and note what is advised: for workers that stay open, and for one call if asked."""
    usable = usable_cpus()
    counts = [n for n in worker_choices(usable) if n <= usable]
    outcome.took, result = timed(lambda: sweep(func, items, n_workers=counts, **effort(sweep)))
    advice = advise(result)
    outcome.reason, outcome.doubts = advice.reason, advice.doubts
    pairs = [(*pair, result.last_run(*pair).chunksize) for pair in result.pairs()]
    outcome.measured = tuple(setting(*pair, len(items)) for pair in pairs)
    for who, said in ((ADVISED, advice), (ADVISED_ONCE, advise_once(advise, result))):
        if said is not None:
            outcome.chosen[who] = setting(said.engine, said.n_workers, said.chunksize, len(items))


def effort(measuring):
    """Return how much `measuring` is to measure: `BUDGET` seconds if it takes a budget, else `REPEATS` rounds."""
    return {"budget": BUDGET} if "budget" in inspect.signature(measuring).parameters else {"repeats": REPEATS}


def advise_once(advising, result):
    """Return what is advised for work that is done once; None where `advising` does not tell it apart."""
    known = inspect.signature(advising).parameters
    options = {"calls": 1} if "calls" in known else {"once": True} if "once" in known else None
    return None if options is None else advising(result, **options)


def visit_once(func, items, chosen, expected):
    """Return the Visit of one run in a process of its own; None if it failed or has other results."""
    try:
        batch = run_once(func, items, **chosen._asdict(), timeout=DEADLINE)
        require_same(expected, batch.values(), items, "in the grid")
    except (HelpersError, TimeoutError):
        return None
    return Visit(batch.startup, batch.wall)


def take_turns(contenders, rounds):
    """Return the visits of each contender: all of them once a round, in random order; none of one that failed once.

    `contenders` are functions by name, called with it. So a slow moment of the machine falls on all alike.
    """
    visits, order, dice = {name: [] for name in contenders}, list(contenders), random.Random(0)
    for _ in range(rounds):
        dice.shuffle(order)
        for name in list(order):
            visit = contenders[name](name)
            if visit is None:
                order.remove(name)
                visits[name] = []
            else:
                visits[name].append(visit)
    return visits


@contextmanager
def open_peers(func, items, expected):
    """Give the visits of others' ways to do the work, by name: joblib with workers that are up; it may be missing."""
    if missing("joblib"):
        yield {}
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    def visit(_):
        parallel = Parallel(usable_cpus(), backend="loky", batch_size="auto")
        wall, results = timed(lambda: parallel(delayed(func)(item) for item in items))
        require_same(expected, results, items, "by joblib")
        return Visit(0.0, wall)

    try:
        visit(None)  # starts the workers, which then stay
        yield {JOBLIB: visit}
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


# ── rows ──────────────────────────────────────────────────────────────────────────────────


def rows_of(outcomes):
    """Return the rows of all Outcomes: the targets, each rule, each workload, each rule for each workload."""
    if not outcomes:
        return []
    worst_first = sorted(outcomes, key=lambda outcome: -outcome.regret(ADVISED).median)
    return [*_targets(worst_first), *_rules(worst_first), *map(_workload, worst_first), *_details(worst_first)]


def _targets(outcomes):
    regrets = [outcome.regret(ADVISED).median for outcome in outcomes]
    took = [outcome.took for outcome in outcomes]
    yield at_most("regret of the advice, median", median(regrets), "%", MEDIAN, note=f"{len(outcomes)} workloads")
    yield at_most("regret of the advice, worst", max(regrets), "%", WORST, note=outcomes[0].name)
    yield at_most("seconds that an advice took, longest", max(took), "s", SECONDS, note=f"median {median(took):.1f} s")
    who = ADVISED_ONCE if all(ADVISED_ONCE in outcome.chosen for outcome in outcomes) else ADVISED
    asked = "asked for one call" if who == ADVISED_ONCE else "the same advice: it is not asked how often"
    unseen = [outcome.unseen().median for outcome in outcomes]
    note = f"nothing better was measured; median, worst {max(unseen):.0f} %"
    yield Row("regret that no advice could save", median(unseen), "%", note=note)
    yield _summary("regret with start-up", outcomes, who, cold=True, note=f"; {asked}")


def _rules(outcomes):
    named = dict.fromkeys(who for outcome in outcomes for who in outcome.chosen)
    for who in named:
        if who not in (ADVISED, ADVISED_ONCE):
            yield _summary(f"regret of {who}", [outcome for outcome in outcomes if who in outcome.chosen], who)


def _summary(name, outcomes, who, cold=False, note=""):
    regrets = {outcome.name: outcome.regret(who, cold).median for outcome in outcomes}
    worst = max(regrets, key=regrets.get)
    note = f"median of {len(regrets)} workloads; worst {regrets[worst]:.0f} % ({worst}){note}"
    return Row(name, median(regrets.values()), "%", note=note)


def _workload(outcome):
    found = outcome.regret(ADVISED)
    about = [
        say_interval(found),
        f"advised {outcome.chosen[ADVISED]}",
        f"best {outcome.best()}",
        f"best of those measured {outcome.unseen().median:.0f} %",
        f"in {outcome.took:.1f} s",
        f"load {' to '.join(map(str, outcome.loads))}",
        f"doubts: {', '.join(outcome.doubts)}" if outcome.doubts else "no doubts",
    ]
    return Row(outcome.name, found.median, "%", note="; ".join(filter(None, about)))


def _details(outcomes):
    for outcome in outcomes:
        for who in outcome.chosen:
            if who not in (ADVISED, ADVISED_ONCE):
                found = outcome.regret(who)
                yield Row(f"{outcome.name}: {who}", found.median, "%", note=say_interval(found))
        who = ADVISED_ONCE if ADVISED_ONCE in outcome.chosen else ADVISED
        found = outcome.regret(who, cold=True)
        about = f"{outcome.chosen[who]}; best {outcome.best(cold=True)}"
        note = "; ".join(filter(None, (say_interval(found), about)))
        yield Row(f"{outcome.name}: with start-up", found.median, "%", note=note)


def say_interval(found):
    """Return the interval of a regret in words, "" where it has none."""
    return "" if found.low is None else f"95 % interval {found.low:.0f} to {found.high:.0f} %"
