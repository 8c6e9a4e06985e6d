"""`advise`: what to do with a piece of work, as the figures of its sweep have it. Arithmetic on records."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from helpers.models.points import cpu_share, parallel_pairs, starved_counts, takes_turns
from helpers.records import ENGINE_ORDER, LOOP_HELD, MIN_ROUNDS, Advice, explain_problems
from helpers.words import (
    figures,
    listing,
    percent,
    plural,
    say_doubts,
    say_slowdown,
    seconds,
    sentences,
    worker_name,
)

#: A speedup this near to the best is as good: what is simpler is preferred then.
AS_GOOD = 0.95
#: Serial loops shorter than this (seconds) cannot pay for handing work over.
TOO_SHORT = 1e-3
#: Work that uses a CPU for more than this share of its time computes; the rest waits.
COMPUTING_SHARE = 0.5


def advise(sweep, *, in_lab=False):
    """Return what to do with this work, in a sentence with the figures it rests on, as Advice.

    The best is the pair with the highest speedup. As good as it are those whose interval reaches into its own, and
    those within 5 %; of them the simplest is advised: the fewest workers, then the engine that comes first in
    serial, threads, asyncio, processes, pool, multiprocess, interpreters. "Stay serial" if the interval of the best
    includes 1, if there is none (below 3 rounds), or if nothing with two or more workers was measured. The figures
    are of workers that are up; where start-up eats the gain, the sentence says so. Holds for this machine, these
    items, and the counts that were measured.

    Never advised are more workers than usable CPUs for work that computes (tasks that take turns in an event loop use
    one), a pair with a problem, and threads or tasks of asyncio of another number where some have failed: what goes
    wrong with four can go wrong with two. Further sentences say
    which settings are as good, how much longer tasks take side by side, which counts share the CPUs, what is in
    doubt, and what the problems of an engine mean. What is to be measured next is said in the words of a lab's
    controls with `in_lab`, else by the names of arguments.

    Returns
    -------
    Advice
        ``evidence`` is the speedup it rests on, ``doubts`` are those of that speedup; ``chunksize`` is None for
        "stay serial".
    """
    pairs, within = _eligible(sweep)
    crowded = crowded_pairs(sweep)
    if pairs and not within:
        advice = _advise_fewer(sweep, {pair: sweep.speedup(*pair) for pair in pairs}, in_lab)
    else:
        advice = _advise_of(sweep, {pair: sweep.speedup(*pair) for pair in within}, in_lab)
        advice = replace(advice, reason=sentences(advice.reason, _say_crowded(sweep, crowded.intersection(pairs))))
    advice = replace(advice, reason=sentences(advice.reason, _say_doubts_once(advice)))
    meaning = explain_problems(sweep.problems, {engine for engine, _ in pairs})
    return replace(advice, reason=" ".join([advice.reason, *meaning]))


def quoted_pair(sweep):
    """Return the pair whose speedup `advise` quotes where it says to stay serial: the best; None if it quotes none."""
    pairs, within = _eligible(sweep)
    return max(within or pairs, key=lambda pair: sweep.speedup(*pair).median, default=None)


def _eligible(sweep):
    """Return (all pairs that may be quoted, those of them that may be advised), both with two workers or more."""
    spoilt = {"threads", "asyncio"} & {problem.engine for problem in sweep.problems if problem.kind != "unable"}
    pairs = [pair for pair in parallel_pairs(sweep) if pair[1] > 1 and pair[0] not in spoilt]
    crowded = crowded_pairs(sweep)
    return pairs, [pair for pair in pairs if pair not in crowded]


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


def _advise_of(sweep, speedups, in_lab):
    """Return the Advice that follows from the speedups of pairs with two workers or more."""
    if not speedups and sweep.problems:
        return _stay_serial("Stay serial for now: nothing with two or more workers was measured without a problem.")
    if not speedups:
        return _stay_serial(
            f"Stay serial for now: no speedup of two or more workers is measured yet; {_say_next(in_lab)}."
        )
    best = max(speedups, key=lambda pair: speedups[pair].median)
    evidence = speedups[best]
    if not _beats_serial(evidence):
        return _stay_serial(_why_not_parallel(sweep, best, evidence, in_lab), evidence, sweep.doubts(*best))
    if AS_GOOD * evidence.median <= 1:
        reason = f"Stay serial: the best pair, {_name(best)}, is hardly faster, at {figures(evidence)} times its speed."
        return _stay_serial(reason, evidence, sweep.doubts(*best))
    equals = find_equals(speedups, best)
    chosen = equals[0]
    reason = sentences(_why_parallel(sweep, chosen, speedups[chosen]), _say_equals(speedups, equals, best))
    reason = sentences(reason, say_slowdown(sweep.slowdown(*chosen).median))
    run = sweep.last_run(*chosen)
    return Advice(*chosen, run.chunksize, reason, speedups[chosen], sweep.doubts(*chosen))


def _advise_fewer(sweep, speedups, in_lab):
    """Return the Advice where everything measured with two workers or more has more of them than usable CPUs."""
    best = max(speedups, key=lambda pair: speedups[pair].median)
    evidence, usable = speedups[best], sweep.environment["usable_cpus"]
    if not _beats_serial(evidence):
        reason = _why_not_parallel(sweep, best, evidence, in_lab)
    else:
        reason = (
            f"Stay serial for now: the work computes, and {_name(best)}, at {figures(evidence)} times the serial loop, "
            f"share {plural(usable, 'usable CPU')}"
        ) + (f": {_say_fewer(int(usable), in_lab)}." if usable >= 2 else ".")
    return _stay_serial(reason, evidence, sweep.doubts(*best))


def _stay_serial(reason, evidence=None, doubts=()):
    return Advice("serial", 1, None, reason, evidence, doubts)


def find_equals(speedups, best):
    """Return the pairs that are as good as `best`, itself among them, the simplest first.

    `speedups` holds Estimates. As good is what surely beats the serial loop, and whose interval reaches into that of
    the best or whose median is within 5 %. Simplest are the fewest workers, then the engine that is listed first.
    """
    top = speedups[best]
    equals = [
        pair
        for pair, s in speedups.items()
        if _beats_serial(s) and (s.high >= top.low or s.median >= AS_GOOD * top.median)
    ]
    rank = {engine: place for place, engine in enumerate(ENGINE_ORDER)}
    return sorted(equals, key=lambda pair: (pair[1], rank.get(pair[0], len(rank)), pair[0]))


def _beats_serial(speedup):
    """Return whether the interval of a speedup stands above 1; False where there is none."""
    return speedup.low is not None and speedup.low > 1


def _say_equals(speedups, equals, best):
    """Return which pairs the first of `equals` is as good as, "" where it stands alone."""
    chosen, *others = equals
    if not others:
        return ""
    other = max(others, key=lambda pair: speedups[pair].median)
    more = f" and {plural(len(others) - 1, 'more setting')}" if len(others) > 1 else ""
    if speedups[chosen].high < speedups[best].low:
        return f"hardly better: {_name(other)} at {figures(speedups[other])}{more}"
    return f"as good as {_name(other)} at {figures(speedups[other])}{more}, and simpler"


def _say_crowded(sweep, crowded):
    """Return which measured counts are never advised, "" for none."""
    counts = sorted({n for _, n in crowded})
    if not counts:
        return ""
    usable = plural(sweep.environment["usable_cpus"], "usable CPU")
    return f"{listing(counts)} workers share {usable}: never advised for work that computes"


def _say_doubts_once(advice):
    """Return all doubts of an Advice, "" where its sentence has them already."""
    return "" if "in doubt" in advice.reason else say_doubts(advice.doubts)


def _why_not_parallel(sweep, best, evidence, in_lab):
    """Return why to stay serial, although or because `best` reached `evidence`."""
    name = _name(best)
    if evidence.low is None:
        return (
            f"Stay serial for now: {name} reached {evidence.median:.2f} times the serial loop "
            f"in {plural(evidence.n_rounds, 'round')}, too few for an interval: {_say_rounds(in_lab)}."
        )
    doubts = sweep.doubts(*best)
    if doubts and evidence.high >= 1:
        return (
            f"Undecided, so stay serial for now: {name} reached {figures(evidence)} times the serial loop, but the "
            f"figures are {say_doubts(doubts)}. Close other programs, or take more rounds or larger items."
        )
    verdict = "does not beat" if round(evidence.high, 2) >= 1 else "is slower than"  # as its figures are shown
    reached = f"{verdict} the serial loop, at {figures(evidence)} times its speed"
    why = "" if doubts else f", {_why_serial(sweep, best)}"
    return f"Stay serial: the best pair, {name}, {reached}{why}."


def _why_parallel(sweep, chosen, evidence):
    before, after = sweep.wall("serial", 1).median, sweep.wall(*chosen).median
    cold = sweep.speedup(*chosen, cold=True)
    use = f"Perhaps use {_name(chosen)}" if sweep.doubts(*chosen) else f"Use {_name(chosen)}"
    gain = f"{figures(evidence)} times the serial loop, saving {seconds(before - after)} of {seconds(before)}"
    if cold.low is not None and cold.low <= 1:
        start = median(run.startup for run in sweep.runs_of(*chosen))
        return (
            f"{use}, but only if the workers stay open for many calls: {gain} once they are up, "
            f"and {figures(cold)} with their start-up of {seconds(start)}."
        )
    return f"{use}: {gain} once they are up, {cold.median:.2f} with start-up."


def _why_serial(sweep, best):
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


def _say_next(in_lab):
    """Return what to measure where nothing with two or more workers was: a lab has counts to press, no argument."""
    if in_lab:
        return f"choose at least one count of two or more, and let it run {plural(MIN_ROUNDS, 'round')}"
    return f"measure at least {plural(MIN_ROUNDS, 'round')} with n_workers=2 or more"


def _say_fewer(usable, in_lab):
    return f"choose {plural(usable, 'worker')}, and run again" if in_lab else f"measure with n_workers={usable}"


def _say_rounds(in_lab):
    return f"let it run {plural(MIN_ROUNDS, 'round')} or more" if in_lab else f"run at least {MIN_ROUNDS}"


def _name(pair):
    return worker_name(*pair)
