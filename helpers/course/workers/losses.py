"""Where each lost per cent goes: the time of n workers, taken apart into what is useful and six ways to lose.

::

    n × (start-up + wall)  =  useful + slower CPUs + held up + transfer + waiting + idle tail + start-up
                              └────── inside the function ──┘

What is useful is what the same tasks take in the serial loop, so its share is the efficiency, the start-up
counted in. All arithmetic is on the sums over rounds: the parts add up to all of it, nothing is left over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.arguments import check_choices, check_count
from helpers.course.workers import tasks
from helpers.errors import NotEnoughPointsError
from helpers.machine import usable_cpus
from helpers.measure import sweep
from helpers.words import listing, percent, plural, say_doubts, sentences, worker_name

#: What workers lose time by, and what it means, in a few words.
LOSSES = {
    "slower": "CPUs slower side by side: they share memory, caches or a core",
    "held_up": "no CPU to run on, or waiting for the GIL or a lock, inside the function",
    "transfer": "packing and unpacking arguments and results",
    "waiting": "ready, with nothing to do yet",
    "idle_tail": "done, while others still work",
    "startup": "starting the workers",
}
#: Shares below this are not spoken of, and shares in sum that are called hardly any.
SPOKEN, HARDLY = 0.02, 0.05


@dataclass(frozen=True)
class Losses:
    """The time of the workers of one pair, by what became of it; ``shares`` add up to 1.

    ``shares`` begins with "useful" and goes on as `LOSSES`; ``gained`` is the share of the useful time that the
    tasks took less side by side than in the loop (0 as a rule: above it the figures are to be mistrusted).
    """

    engine: str
    n_workers: int
    shares: dict[str, float] = field(repr=False)
    rounds: int
    gained: float = 0.0
    doubts: tuple[str, ...] = ()

    @property
    def efficiency(self):
        """The share of the workers' time that the serial loop would have needed, 0 to 1; start-up counted in."""
        return self.shares["useful"] * (1 + self.gained)

    @property
    def lost(self):
        """The share that is lost, 0 to 1."""
        return 1 - self.shares["useful"]

    @property
    def largest(self):
        """The name in `LOSSES` of what takes the most."""
        return max(LOSSES, key=self.shares.get)

    def explain(self):
        """Return in two sentences what is useful, and what the rest is lost by; doubts first."""
        who = worker_name(self.engine, self.n_workers)
        spoken = sorted((name for name in LOSSES if self.shares[name] >= SPOKEN), key=self.shares.get, reverse=True)
        parts = [f"{percent(self.shares[name])} by {LOSSES[name]}" for name in spoken]
        useful = f"of the time of {who}, {percent(self.shares['useful'])} is work that the serial loop does too"
        lost = f"lost: {'; '.join(parts)}" if parts and self.lost > HARDLY else "hardly anything is lost"
        return sentences(say_doubts(self.doubts), useful, lost)


def find_losses(result, engine, n_workers):
    """Return the Losses of one pair of the Sweep `result`, over all rounds in which the serial loop ran too.

    CPU seconds tell the two losses inside the function apart: what a task needs more of is a slower CPU, what it
    does not get is being held up. Assumes that the tasks do the same work in both; time in which other programs
    used the CPUs counts as held up, and is told as a doubt.

    Raises NotEnoughPointsError where no round has both. Chapter 08.
    """
    alone = {run.round: run for run in result.runs_of("serial", 1)}
    runs = [run for run in result.runs_of(engine, n_workers) if run.round in alone]
    if not runs:
        words = "no round with the serial loop in it: measure it with sweep"
        raise NotEnoughPointsError(f"{worker_name(engine, n_workers)}: {words}.")
    parts = {
        name: sum(getattr(run.accounting, name) for run in runs)
        for name in ("working", "transfer", "waiting", "idle_tail", "startup")
    }
    loops = [alone[run.round] for run in runs]
    cpu = sum(run.cpu for run in runs), sum(loop.cpu for loop in loops)
    shares, gained = share_out(parts, sum(loop.accounting.working for loop in loops), *cpu)
    doubts = result.doubts(engine, n_workers)
    return Losses(engine, n_workers, shares, len(runs), gained, tuple(doubts))


def share_out(parts, alone, cpu, cpu_alone):
    """Return (shares by name that add up to 1, share gained) of worker-seconds.

    Parameters
    ----------
    parts : dict
        Seconds of working, transfer, waiting, idle_tail and startup.
    alone, cpu, cpu_alone : float
        Seconds inside the function in the serial loop; CPU seconds of the workers; those of the serial loop.
    """
    more = max(0.0, parts["working"] - alone)
    slower = min(more, max(0.0, cpu - cpu_alone))
    useful = parts["working"] - more
    spent = {
        "useful": useful,
        "slower": slower,
        "held_up": more - slower,
        **{name: parts[name] for name in ("transfer", "waiting", "idle_tail", "startup")},
    }
    total = sum(spent.values()) or 1.0
    return {name: value / total for name, value in spent.items()}, alone / useful - 1 if useful > 0 else 0.0


@dataclass(frozen=True)
class Cause:
    """A small piece of work that loses in one way: `make_items` gives its items for a number of workers.

    ``expected`` are the names in `LOSSES` of what should take the most; ``crowd`` times the usable CPUs are the
    workers; ``chunksize`` None is automatic.
    """

    func: object
    make_items: object
    expected: tuple[str, ...]
    crowd: int = 1
    chunksize: int | None = None
    engine: str = "processes"


#: Small measurements, by what is wrong with them; the first one has nothing wrong.
CAUSES = {
    "even, computing": Cause(tasks.burn, lambda n: [200_000] * 8 * n, ()),
    "one long task": Cause(tasks.burn, lambda n: tasks.make_one_long(8 * n, 100_000, 8 * n), ("idle_tail",), 1, 1),
    "tiny tasks": Cause(tasks.burn, lambda n: [100] * 1000 * n, ("waiting", "transfer"), 1, 1),
    "large arguments": Cause(tasks.count_ones, lambda n: [bytes(4_000_000)] * 4 * n, ("waiting", "transfer"), 1, 1),
    "copies memory": Cause(tasks.copy_block, lambda n: [8] * 8 * n, ("slower",)),
    "more workers than CPUs": Cause(tasks.burn, lambda n: [200_000] * 4 * n, ("held_up",), 3),
    "threads in pure Python": Cause(tasks.burn, lambda n: [200_000] * 8 * n, ("held_up",), 1, None, "threads"),
}


def measure_causes(names=tuple(CAUSES), *, n_workers=None, repeats=3, on_cause=None, **settings):
    """Return {name: Losses} of the small measurements `names`, each a sweep of its own.

    Start-up is the first thing that small work loses by, so it is left out of the shares here: `find_losses` has
    it. A cause that cannot be seen on this machine (one CPU; memory fast enough for all) shows in the shares: see
    `say_cause`.

    Parameters
    ----------
    names : of `CAUSES`
    n_workers : int; None takes the usable CPUs, at least 2 and at most 4
    repeats : int, 1 to 100 rounds
    on_cause : callable of a name and its Losses, called after each
    settings : start_method, timeout, should_stop, on_start, as in `helpers.measure.sweep`
    """
    names = check_choices("cause", names, CAUSES)
    n_workers = min(4, max(2, usable_cpus())) if n_workers is None else check_count("n_workers", n_workers, 1, 16)
    found = {}
    for name in names:
        cause = CAUSES[name]
        count = n_workers * cause.crowd
        options = {"engines": (cause.engine,), "n_workers": (count,), "chunksize": cause.chunksize, "repeats": repeats}
        result = sweep(cause.func, cause.make_items(count), **options, **settings)
        if result is None or not result.complete or (cause.engine, count) not in result.pairs():
            break
        found[name] = leave_out(find_losses(result, cause.engine, count), "startup")
        if on_cause is not None:
            on_cause(name, found[name])
    return found


def leave_out(losses, name):
    """Return the Losses without one way to lose: the other shares add up to 1 again."""
    rest = 1 - losses.shares[name] or 1.0
    shares = {each: 0.0 if each == name else share / rest for each, share in losses.shares.items()}
    return Losses(losses.engine, losses.n_workers, shares, losses.rounds, losses.gained, losses.doubts)


def say_cause(name, losses):
    """Return in a sentence whether what `CAUSES` expects of `name` was seen, doubts first."""
    expected = CAUSES[name].expected
    share = sum(losses.shares[each] for each in expected)
    if not expected:
        said = f"{percent(losses.shares['useful'])} of the workers' time is useful"
    elif share < HARDLY:
        said = f"{listing(map(say_loss, expected), 'or')} cannot be seen on this machine"
    else:
        said = f"{percent(share)} goes by {listing(map(say_loss, expected))}"
    return sentences(say_doubts(losses.doubts), f"{name}, {plural(losses.n_workers, 'worker')}: {said}")


def say_loss(name):
    """Return the name of a loss as the pictures have it."""
    return {"slower": "slower CPUs", "held_up": "being held up", "idle_tail": "idle tail", "startup": "start-up"}.get(
        name, name
    )
