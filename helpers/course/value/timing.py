"""Two ways of doing the same, timed in turns: how many times as long one takes, and whether that can be trusted."""

from __future__ import annotations

from time import perf_counter

from helpers.records import badges_of_rounds, unite_badges
from helpers.words import best_times, listing, plural, say_doubts, sentences


def time_in_turns(ways, n_rounds=4):
    """Return {name: seconds of each round} of `ways`, {name: function without arguments}.

    In each round all of them are called, one after the other: what slows the machine for a while slows all of them.
    """
    times = {name: [] for name in ways}
    for _ in range(n_rounds):
        for name, call in ways.items():
            began = perf_counter()
            call()
            times[name].append(perf_counter() - began)
    return times


def best_against_best(longer, shorter, end="as long"):
    """Return how many times as long one way takes as another: by their best times, and from the least to the most.

    >>> best_against_best([8.0, 12.0], [2.0, 4.0])
    '4 times as long, best against best (range: 2 to 6)'
    """
    best, least, most = min(longer) / min(shorter), min(longer) / max(shorter), max(longer) / min(shorter)
    spread = f"range: {round(least):,} to {round(most):,}"
    return f"{plural(round(best), 'time')} {end}, best against best ({spread})"


def tell_times(times, n_calls=1, part=None, whole=None):
    """Return the best time of each way in a line of its own, by call if each is of `n_calls`, then what is in doubt.

    `part` names a way that the way called `whole` contains: it cannot take longer.

    >>> print(tell_times({"all": [0.4, 0.3, 0.5], "bare": [0.6, 0.6, 0.6]}, part="bare", whole="all"))
    all: 300 ms
    bare: 600 ms
    In doubt: bare took longer than all, which contains it; rounds differ by more than 10 % (all). Run this cell again.
    """
    doubts = []
    if part is not None and min(times[part]) > min(times[whole]):
        doubts.append(f"{part} took longer than {whole}, which contains it")
    badges = {name: badges_of_rounds(seconds) for name, seconds in times.items()}
    for badge in unite_badges(*badges.values()):
        doubts.append(f"{badge} ({listing(name for name in badges if badge in badges[name])})")
    lines = best_times(times, n_calls)
    return f"{lines}\n{sentences(say_doubts(doubts), 'run this cell again')}" if doubts else lines
