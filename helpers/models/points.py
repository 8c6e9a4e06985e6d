"""What of a sweep a model may rest on: pairs that have a speedup, and enough CPUs. Arithmetic on records."""

from __future__ import annotations

#: CPU seconds a second up to which one thread alone computed: the clocks differ, and a run has more than its tasks.
ONE_CPU = 1.1


def parallel_pairs(sweep):
    """Return the (engine, n_workers) pairs that have a speedup: a counted round, serial loop included."""
    serial = {run.round for run in sweep.runs_of("serial", 1)}
    found = {run.pair for run in sweep.runs if run.engine != "serial" and not run.warmup and run.round in serial}
    return tuple(pair for pair in sweep.pairs() if pair in found)


def best_engine(sweep):
    """Return the parallel engine with the highest speedup; None if nothing parallel was measured."""
    pairs = parallel_pairs(sweep)
    return max(pairs, key=lambda pair: sweep.speedup(*pair).median)[0] if pairs else None


def starved_counts(sweep, engine):
    """Return the worker counts of `engine` whose work wants more CPUs than are usable, as a set.

    Empty if the sweep's environment does not say how many CPUs are usable, and for tasks that take turns in an
    event loop: it uses one CPU. The CPU share is taken where nothing starves (starving lowers it): at the largest
    count within the CPUs, else in the serial loop.
    """
    usable = sweep.environment.get("usable_cpus")
    counts = [n for e, n in parallel_pairs(sweep) if e == engine]
    if not usable or not counts or takes_turns(sweep, engine):
        return set()
    within = [n for n in counts if n <= max(1, usable)]
    share = cpu_share(sweep.runs_of(engine, within[-1]) if within else sweep.runs_of("serial", 1))
    return {n for n in counts if n > max(1, usable) and n * share > usable * 1.02}  # 2 %: clocks differ


def takes_turns(sweep, engine):
    """Return whether the tasks of `engine` took turns in the thread of an event loop: together they used one CPU.

    They can use more by other threads, as `asyncio.to_thread` does.
    """
    runs = [run for run in sweep.runs if run.engine == engine == "asyncio" and not run.warmup]
    return bool(runs) and all(run.cpu <= ONE_CPU * run.wall for run in runs)


def cpu_share(runs):
    """Return CPU time over working time of `runs`, 0 (waits) to 1 (computes; also if unknown)."""
    working = sum(run.accounting.working for run in runs)
    return min(1.0, sum(run.cpu for run in runs) / working) if working > 0 else 1.0
