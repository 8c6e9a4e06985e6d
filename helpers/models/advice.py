"""`advise`: what to do with a piece of work, as the figures of its sweep have it. Arithmetic on records."""

from __future__ import annotations

from dataclasses import replace
from math import floor
from statistics import median

from helpers.arguments import check_count
from helpers.models.causes import crowded_pairs, explain_loss
from helpers.models.points import parallel_pairs
from helpers.records import COMPUTING_SHARE, ENGINE_ORDER, MIN_ROUNDS, MISTRUST, Advice, Finding, explain_problems
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
#: A speedup this near to the best may pass for as good where the rounds do not tell the two apart.
NEAR = 0.9
#: Efficiency from which on more workers are worth a try.
WORTH_MORE = 0.7
#: Times as long from which on a pair with too few rounds for an interval is out.
HOPELESS = 1.5
#: Most calls that can be asked about.
MOST_CALLS = 10**9


def advise(sweep, *, calls=None, in_lab=False):
    """Return what to do with this work, in a sentence with the figures it rests on, as Advice.

    The best is the pair with the highest speedup. As good as it are those within 5 %, and those within 10 % whose
    interval reaches into its own; of them the simplest is advised: the fewest workers, then the engine that comes first
    in serial, threads, asyncio, processes, pool, multiprocess, interpreters. "Stay serial" if the interval of the best
    includes 1, if there is none (below 3 rounds), or if nothing with two or more workers was measured. Holds for this
    machine, these items, and the counts that were measured.

    It is sure only where the figures are in no doubt, and where the rounds show that nothing else is more than 5 %
    faster than what is advised; else the sentence begins with "Perhaps" or "Undecided", and says what may be faster.

    Never advised are more workers than usable CPUs for work that computes (tasks that take turns in an event loop use
    one), a pair with a problem, and threads or tasks of asyncio of another number where some have failed: what goes
    wrong with four can go wrong with two. Further sentences say
    which settings are as good, how much longer tasks take side by side, which counts share the CPUs, what is in
    doubt, and what the problems of an engine mean.

    Parameters
    ----------
    calls : int, 1 to a billion, optional
        How often a program will do this work, on workers that it starts once; 1 for work that is done once. By default
        the figures are of workers that are up; where start-up eats the gain, the sentence says so.
    in_lab : bool, optional
        What is to be measured next is said in the words of a lab's controls, else by the names of arguments.

    Returns
    -------
    Advice
        ``evidence`` is the speedup it rests on, ``doubts`` are those of the figures that decide; ``chunksize`` is None
        for "stay serial"; ``explain()`` lists the comparisons.
    """
    calls = None if calls is None else check_count("calls", calls, 1, MOST_CALLS)
    pairs, within = _eligible(sweep)
    crowded = crowded_pairs(sweep)
    chosen = within or pairs
    speedups = {pair: sweep.speedup(*pair, calls=calls) for pair in chosen}
    if pairs and not within:
        advice = _advise_fewer(sweep, speedups, calls, in_lab)
    else:
        advice = _advise_of(sweep, speedups, calls, in_lab)
        advice = replace(advice, reason=sentences(advice.reason, _say_crowded(sweep, crowded.intersection(pairs))))
    advice = replace(advice, reason=sentences(advice.reason, _say_doubts_once(advice), _say_repeated(sweep)))
    meaning = explain_problems(sweep.problems, {engine for engine, _ in pairs})
    return replace(advice, reason=" ".join([advice.reason, *meaning]))


def quoted_pair(sweep):
    """Return the pair whose speedup `advise` quotes where it says to stay serial: the best; None if it quotes none."""
    pairs, within = _eligible(sweep)
    speedups = {pair: sweep.speedup(*pair) for pair in within or pairs}
    return find_best(speedups) if speedups else None


def find_best(speedups):
    """Return the pair with the highest speedup, of those that have an interval if there are any."""
    judged = [pair for pair in speedups if speedups[pair].low is not None] or list(speedups)
    return max(judged, key=lambda pair: speedups[pair].median)


def _eligible(sweep):
    """Return (all pairs that may be quoted, those of them that may be advised), both with two workers or more."""
    spoilt = {"threads", "asyncio"} & {problem.engine for problem in sweep.problems if problem.kind != "unable"}
    pairs = [pair for pair in parallel_pairs(sweep) if pair[1] > 1 and pair[0] not in spoilt]
    crowded = crowded_pairs(sweep)
    return pairs, [pair for pair in pairs if pair not in crowded]


# ── the decision ──────────────────────────────────────────────────────────────────────────────


def _advise_of(sweep, speedups, calls, in_lab):
    """Return the Advice that follows from the speedups of pairs with two workers or more."""
    if not speedups and sweep.problems:
        return _stay_serial("Stay serial for now: nothing with two or more workers was measured without a problem.")
    if not speedups:
        return _stay_serial(
            f"Stay serial for now: no speedup of two or more workers is measured yet; {_say_next(in_lab)}."
        )
    best = find_best(speedups)
    evidence, doubts = speedups[best], sweep.doubts(*best)
    over = _finding(f"{_name(best)}, the best of {len(speedups)}, over the serial loop", evidence, 1.0, "faster")
    if not _beats_serial(evidence) or MISTRUST in doubts:
        return _without_gain(sweep, best, speedups, doubts, over, calls, in_lab)
    if AS_GOOD * evidence.median <= 1:
        sure = AS_GOOD * evidence.high <= 1 and not doubts
        reason = f"{'Stay' if sure else 'Perhaps stay'} serial: the best pair, {_name(best)}, is hardly faster, at "
        reason += f"{figures(evidence)} times its speed."
        return _stay_serial(reason, evidence, doubts, sure, (over,))
    equals = find_equals(speedups, best)
    chosen = equals[0]
    doubts = tuple(dict.fromkeys([*sweep.doubts(*chosen), *(() if chosen == best else doubts)]))
    rivals, findings = find_rivals(sweep, chosen, speedups, calls)
    sure = not doubts and not rivals
    reason = _why_parallel(sweep, chosen, speedups[chosen], sure, calls)
    reason = sentences(reason, _say_equals(speedups, equals, best, rivals), _say_rivals(speedups, rivals, equals))
    reason = sentences(reason, say_slowdown(sweep.slowdown(*chosen).median), _say_more(sweep, chosen, speedups))
    run = sweep.last_run(*chosen)
    return Advice(*chosen, run.chunksize, reason, speedups[chosen], doubts, sure, (over, *findings))


def _advise_fewer(sweep, speedups, calls, in_lab):
    """Return the Advice where everything measured with two workers or more has more of them than usable CPUs."""
    best = find_best(speedups)
    evidence, doubts, usable = speedups[best], sweep.doubts(*best), sweep.environment["usable_cpus"]
    over = _finding(f"{_name(best)} over the serial loop", evidence, 1.0, "faster")
    if not _beats_serial(evidence) or MISTRUST in doubts:
        return _without_gain(sweep, best, speedups, doubts, over, calls, in_lab)
    reason = (
        f"Stay serial for now: the work computes, and {_name(best)}, at {figures(evidence)} times the serial loop, "
        f"share {plural(usable, 'usable CPU')}"
    ) + (f": {_say_fewer(int(usable), in_lab)}." if usable >= 2 else ".")
    return _stay_serial(reason, evidence, doubts, False, (over,))


def _stay_serial(reason, evidence=None, doubts=(), sure=False, findings=()):
    return Advice("serial", 1, None, reason, evidence, doubts, sure, findings)


def find_equals(speedups, best):
    """Return the pairs that are as good as `best`, itself among them, the simplest first.

    `speedups` holds Estimates. As good is what surely beats the serial loop, and whose median is within 5 % of that of
    the best, or within 10 % if its interval reaches into that of the best. Simplest are the fewest workers, then the
    engine that is listed first.
    """
    top = speedups[best]
    equals = [
        pair
        for pair, s in speedups.items()
        if _beats_serial(s)
        and s.median >= NEAR * top.median
        and (s.high >= top.low or s.median >= AS_GOOD * top.median)
    ]
    rank = {engine: place for place, engine in enumerate(ENGINE_ORDER)}
    return sorted(equals, key=lambda pair: (pair[1], rank.get(pair[0], len(rank)), pair[0]))


def find_rivals(sweep, chosen, speedups, calls=None):
    """Return ({pair: times as fast as `chosen` it may be}, Findings): those that may be more than 5 % faster.

    By the walls of the same rounds. A pair with too few of them for an interval is no rival if its speedup is far
    below.
    """
    rivals, findings = {}, []
    for pair in speedups:
        if pair == chosen:
            continue
        longer = sweep.times_as_long(chosen, pair, calls=calls)
        if longer is None or longer.high is None:
            far = speedups[pair].median * HOPELESS < speedups[chosen].median
            if not far:
                rivals[pair] = max(1 / AS_GOOD, longer.median if longer else 1.0)
            continue
        what = f"{_name(chosen)} take, times as long as {_name(pair)}"
        follows = "it may be faster" if longer.high > 1 / AS_GOOD else "it is not more than 5 % faster"
        findings.append(Finding(what, longer, 1 / AS_GOOD, follows))
        if longer.high > 1 / AS_GOOD:
            rivals[pair] = longer.high
    return rivals, findings


def _finding(what, estimate, threshold, follows):
    """Return the Finding of an Estimate that is above a threshold beyond doubt, or not."""
    if estimate.low is None:
        return Finding(what, estimate, threshold, "too few rounds to tell")
    sure = estimate.low > threshold or estimate.high < threshold
    return Finding(
        what, estimate, threshold, follows if estimate.low > threshold else "slower" if sure else "undecided"
    )


def _beats_serial(speedup):
    """Return whether the interval of a speedup stands above 1; False where there is none."""
    return speedup.low is not None and speedup.low > 1


# ── its words ─────────────────────────────────────────────────────────────────────────────────


def _say_equals(speedups, equals, best, rivals):
    """Return which pairs the first of `equals` is as good as, "" where it stands alone or nobody can tell."""
    chosen = equals[0]
    others = [pair for pair in equals[1:] if pair not in rivals]
    if not others:
        return ""
    other = max(others, key=lambda pair: speedups[pair].median)
    more = f" and {plural(len(others) - 1, 'more setting')}" if len(others) > 1 else ""
    if other == best and speedups[chosen].high < speedups[best].low:
        return f"hardly better: {_name(other)} at {figures(speedups[other])}{more}"
    return f"as good as {_name(other)} at {figures(speedups[other])}{more}, and simpler"


def _say_rivals(speedups, rivals, equals):
    """Return which pairs may be faster than what is advised, "" for none."""
    if not rivals:
        return ""
    first = max(rivals, key=lambda pair: speedups[pair].median)
    simpler = ", and simpler" if first in equals and len(equals) > 1 else ""
    more = f"; so for {plural(len(rivals) - 1, 'more setting')}" if len(rivals) > 1 else ""
    other = f"{_name(first)} at {figures(speedups[first])}"
    faster = percent(rivals[first] - 1)
    return f"undecided{simpler}: the rounds do not tell it from {other}, which may be {faster} faster{more}"


def _say_more(sweep, chosen, speedups):
    """Return that more workers than were measured may gain more, "" where that is not so: work that waits has room."""
    engine, n_workers = chosen
    most, share = max(n for _, n in speedups), max(run.cpu_share for run in sweep.runs_of("serial", 1))
    if n_workers < most or share > COMPUTING_SHARE or speedups[chosen].median < WORTH_MORE * n_workers:
        return ""
    return (
        f"the work waits (it uses a CPU for {percent(share)} of its time), and {n_workers} was the largest number "
        f"measured: {2 * n_workers} and more may gain more"
    )


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


def _say_repeated(sweep):
    """Return how many runs were thrown away, "" for none."""
    return f"{plural(sweep.repeated, 'run')} repeated because other programs ran" if sweep.repeated else ""


def _without_gain(sweep, best, speedups, doubts, over, calls, in_lab):
    """Return the Advice to stay serial, although or because `best` reached what it did."""
    name, evidence = _name(best), speedups[best]
    facts = evidence, doubts
    if evidence.low is None:
        reason = (
            f"Stay serial for now: {name} reached {evidence.median:.2f} times the serial loop "
            f"in {plural(evidence.n_rounds, 'round')}, too few for an interval: {_say_rounds(in_lab)}."
        )
        return _stay_serial(reason, *facts, False, (over,))
    open_pairs = [pair for pair, s in speedups.items() if (s.high or s.median) * AS_GOOD > 1]
    if (doubts and evidence.high >= 1) or (open_pairs and evidence.high >= 1):
        said = f"the figures are {say_doubts(doubts)}" if doubts else "the rounds do not tell it from the loop"
        reason = (
            f"Undecided, so stay serial for now: {name} reached {figures(evidence)} times the serial loop, but {said}. "
            "Close other programs, or take more rounds or larger items."
        )
        return _stay_serial(reason, *facts, False, (over,))
    verdict = "does not beat" if round(evidence.high, 2) >= 1 else "is slower than"  # as its figures are shown
    reached = f"{verdict} the serial loop, at {figures(evidence)} times its speed"
    why = "" if doubts else f", {explain_loss(sweep, best)}"
    if calls is not None and sweep.speedup(*best).median > 1:
        start = median(run.startup for run in sweep.runs_of(*best))
        why = f" for {plural(calls, 'call')}, since starting its workers takes {seconds(start)}"
    sure = not doubts and not open_pairs
    begin = "Stay serial" if sure or not open_pairs else "Perhaps stay serial"
    return _stay_serial(f"{begin}: the best pair, {name}, {reached}{why}.", *facts, sure, (over,))


def _why_parallel(sweep, chosen, evidence, sure, calls):
    """Return what to use, and what that gains."""
    before, after = sweep.wall("serial", 1).median, sweep.wall(*chosen).median
    cold = sweep.speedup(*chosen, cold=True)
    start = median(run.startup for run in sweep.runs_of(*chosen))
    use = f"Use {_name(chosen)}" if sure else f"Perhaps use {_name(chosen)}"
    if calls is not None:
        gain = f"{figures(evidence)} times the serial loop, the start-up of {seconds(start)} counted in"
        return f"{use} for {plural(calls, 'call')}: {gain}."
    gain = f"{figures(evidence)} times the serial loop, saving {seconds(before - after)} of {seconds(before)}"
    if cold.low is not None and cold.low <= 1:
        use += f", but only if the workers stay open for many calls{_say_first_gain(sweep, chosen)}"
        return f"{use}: {gain} once they are up, and {figures(cold)} with their start-up of {seconds(start)}."
    return f"{use}: {gain} once they are up, {cold.median:.2f} with start-up."


def _say_first_gain(sweep, pair):
    """Return from how many calls on a pair gains, start-up counted in, as a remark.

    "" if it never does, and where it does from the first one on: that is what is not sure here.
    """
    before, after = sweep.wall("serial", 1).median, sweep.wall(*pair).median
    if before <= after:
        return ""
    first = floor((sweep.wall(*pair, cold=True).median - after) / (before - after)) + 1
    return f" (it gains from call {first} on)" if first > 1 else ""


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
