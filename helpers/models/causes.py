"""What work is like, and why more workers do not pay: read off the accounts of a sweep."""

from __future__ import annotations

from helpers.models.points import cpu_share, parallel_pairs, starved_counts, takes_turns
from helpers.records import COMPUTING_SHARE, LOOP_HELD
from helpers.words import percent, plural, seconds

#: Serial loops shorter than this (seconds) cannot pay for handing work over.
TOO_SHORT = 1e-3


def computes(sweep):
    """Return whether the work of a sweep computes, judging by the serial loop that others disturbed least."""
    return max((cpu_share([run]) for run in sweep.runs_of("serial", 1)), default=1.0) > COMPUTING_SHARE


def crowded_pairs(sweep):
    """Return the pairs that have more workers than usable CPUs although their work computes, as a set.

    Empty if the sweep's environment does not say how many CPUs are usable.
    """
    usable, pairs = sweep.environment.get("usable_cpus"), parallel_pairs(sweep)
    if not usable:
        return set()
    if computes(sweep):
        return {pair for pair in pairs if pair[1] > max(1, usable) and not takes_turns(sweep, pair[0])}
    return {(engine, n) for engine, n in pairs if n in starved_counts(sweep, engine)}


def explain_loss(sweep, best):
    """Return why the best pair does not win, read off the accounting of its last run."""
    engine, n_workers = best
    usable = sweep.environment.get("usable_cpus")
    serial_runs, run = sweep.runs_of("serial", 1), sweep.last_run(*best)
    before = sweep.wall("serial", 1).median
    computing = computes(sweep)
    if held := next((badge for badge in sweep.badges(*best) if badge.startswith(LOOP_HELD)), ""):
        return f"since {held}"
    if before < TOO_SHORT:
        return f"since the whole loop takes {seconds(before)}, less than handing it over costs"
    if usable and usable <= 1 and computing:
        return f"since the work computes and this machine offers {plural(usable, 'usable CPU')}"
    spent = run.accounting
    # start-up is no cause here: the speedup is of workers that are up
    losses = {
        "transfer": spent.transfer,
        "waiting": spent.waiting,
        "idle_tail": spent.idle_tail,
        "slower": spent.working - serial_runs[-1].accounting.working,
    }
    cause = max(losses, key=losses.get)
    share = f"{percent(max(0.0, losses[cause]) / (n_workers * run.wall or 1))} of the workers' time"
    if engine == "asyncio":
        return _why_asyncio(cause, share)
    if cause == "slower":
        locked = sweep.environment.get("gil_enabled", True)
        if engine == "threads" and locked and computing and run.cpu < 1.3 * run.wall:
            return (
                f"since threads take turns: together they used {run.cpu / (run.wall or 1):.1f} CPUs, the GIL lets one "
                "compute at a time"
            )
        if usable and n_workers > usable and computing:
            return f"since {plural(n_workers, 'worker')} share {plural(usable, 'usable CPU')}"
        slower = spent.working / (serial_runs[-1].accounting.working or spent.working)
        return (
            f"since the same tasks take {slower:.1f} times as long side by side (shared memory, caches or other load)"
        )
    return {
        "transfer": f"since {share} goes into sending items and results (transfer): try larger chunks or smaller items",
        "waiting": f"since {share} passes waiting for the next item: try larger chunks",
        "idle_tail": f"since {share} is idle tail, one long chunk holding up the end: try smaller chunks",
    }[cause]


def _why_asyncio(cause, share):
    """Return why tasks of asyncio do not win, by the largest loss and its share of the slots' time in words."""
    return {
        "waiting": f"since {share} passes waiting for the event loop",
        "idle_tail": f"since {share} is idle tail, one long task holding up the end",
    }.get(cause, "since tasks take longer side by side: they wait for the event loop, or for what they share")
