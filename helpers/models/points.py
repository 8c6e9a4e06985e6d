"""What of a sweep a model may rest on: pairs that have a speedup, and enough CPUs. Arithmetic on records."""

from __future__ import annotations


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

    Empty if the sweep's environment does not say how many CPUs are usable. The CPU share is
    taken where nothing starves (starving lowers it): at the largest count within the CPUs,
    else in the serial loop.
    """
    usable = sweep.environment.get("usable_cpus")
    counts = [n for e, n in parallel_pairs(sweep) if e == engine]
    if not usable or not counts:
        return set()
    within = [n for n in counts if n <= max(1, usable)]
    share = cpu_share(sweep.runs_of(engine, within[-1]) if within else sweep.runs_of("serial", 1))
    return {n for n in counts if n > max(1, usable) and n * share > usable * 1.02}  # 2 %: clocks differ


def cpu_share(runs):
    """Return CPU time over working time of `runs`, 0 (waits) to 1 (computes; also if unknown)."""
    working = sum(run.accounting.working for run in runs)
    return min(1.0, sum(run.cpu for run in runs) / working) if working > 0 else 1.0
