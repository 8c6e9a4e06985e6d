"""`Race`: which pairs a sweep with a budget measures next, and when it ends. Arithmetic on walls and seconds alone.

::

    next_round(elapsed)   visits of the next round; none at the end, then `verdict` says why
    take(…)               the wall of each visit, and what it cost

The method is that of races (Maron & Moore, "Hoeffding races", NIPS 1994; Birattari et al., "A racing algorithm for
configuring metaheuristics", GECCO 2002: pairs are compared within rounds, so that what slows a whole round down
touches no comparison), ended by a budget; where the budget is short the most promising half goes on first, as in
sequential halving (Karnin, Koren & Somekh, ICML 2013). Every look at the figures is one more chance to be wrong, so
there are few of them (`is_look`), and each decides at a stricter level, `DECISION`, than that of the intervals which
are told (Jennison & Turnbull, "Interim analyses: the repeated confidence interval approach", JRSS B 51, 1989).
``benchmarks/stopping.py`` simulates how often that errs.
"""

from __future__ import annotations

import random
from math import ceil
from statistics import median

from helpers.records import MIN_ROUNDS
from helpers.records.intervals import log_interval

#: The pair that is in every round.
SERIAL = ("serial", 1)
#: Confidence of what is decided on the way.
DECISION = 0.99
#: Times the wall of the fastest from which on a pair is no longer as good: it reaches less than 95 % of its speedup.
WORSE = 1 / 0.95
#: Times the wall of the fastest from which on, in the warm-up and every round, two rounds tell enough.
HOPELESS = 1.5
#: Share of the wall before that doubling the workers must leave at most, so that they are doubled again.
GAINED = 0.8
#: Share of the budget that a warm-up of all pairs may take, if each takes as long as the serial loop.
WARM_SHARE = 0.5
#: Rounds that whoever may be advised has before the answer is called clear.
ENOUGH_ROUNDS = 5
#: What a race ends with.
CLEAR, SPENT = "clear", "budget spent"


def is_look(rounds):
    """Return whether the figures are looked at after so many rounds: 3, 5, 7, 10, 14, 20, 28, 40 and so on.

    >>> [n for n in range(60) if is_look(n)]
    [3, 5, 7, 10, 14, 20, 28, 40, 56]
    """
    look = MIN_ROUNDS
    while look < rounds:
        look = ceil(1.4 * look)
    return look == rounds


class Race:
    """The state of a sweep with a budget.

    Parameters
    ----------
    pairs : iterable of (engine, n_workers), without the serial loop
    budget : float, seconds from the first run on
    seed : int, optional, of the order within rounds
    """

    def __init__(self, pairs, budget, seed=None):
        self.pairs, self.budget, self.verdict = list(pairs), budget, ""
        self.round, self.looked, self.warmed = 0, 0, False
        self.walls = {pair: {} for pair in [SERIAL, *self.pairs]}
        self.costs, self.worse, self.barred, self.growing, self.tried = {}, set(), set(), {}, set()
        self._order = random.Random(seed)

    def take(self, pair, number, wall, cost):
        """Note that a visit of a pair in round `number`, 0 for the warm-up, had a `wall` and took `cost` seconds."""
        self.walls[pair][number] = wall
        self.costs[pair] = min(cost, self.costs.get(pair, cost))  # the first start of all pays for a fork server

    def give_up(self, pair):
        """Leave a pair out from now on: it has a problem."""
        self.pairs.remove(pair)
        self.worse.discard(pair)

    def bar(self, pairs):
        """Have these pairs decide nothing: they are measured a few times and never advised."""
        self.barred = set(pairs)

    def grow(self, most):
        """Have engines take more workers as long as that gains: `most` is the largest number of each, as a dict."""
        self.growing = dict(most)

    def _find_larger(self):
        """Return a pair with twice the workers of the largest of an engine that may grow; None where that is no use."""
        for engine, most in self.growing.items():
            counts = sorted(n for name, n in self.pairs if name == engine and self.walls[name, n])
            larger = (engine, 2 * counts[-1]) if counts else None
            if larger is None or larger[1] > most or larger in self.tried or larger in self.pairs:
                continue
            before = self.score((engine, counts[-2])) if len(counts) > 1 else 1.0
            if self.score((engine, counts[-1])) <= GAINED * before:
                return larger
        return None

    # ── what is next ──────────────────────────────────────────────────────────────────────────

    def next_round(self, elapsed):
        """Return [(round, engine, n_workers)] of the round to come, `elapsed` seconds after the first run began.

        The warm-up is the serial loop, and then every pair; where the loop is long for the budget, without those that
        are never advised. Later rounds have the serial loop at a random place, and of the pairs those that are to be
        measured again. Where the race may grow, a pair with twice the workers joins the warm-up as long as the last
        doubling gained. Empty at the end.
        """
        if not self.walls[SERIAL]:
            self.round = 0
            return [(0, *SERIAL)]
        if self.round == 0 and not self.warmed:
            self.warmed = True
            long = self._cost(SERIAL) * (len(self.pairs) + 1) > WARM_SHARE * self.budget
            chosen = (self.contenders() if long else []) or self.pairs
            if chosen:
                return [(0, *pair) for pair in self._order.sample(chosen, len(chosen))]
        if self.round == 0 and elapsed < WARM_SHARE * self.budget and (larger := self._find_larger()):
            self.pairs.append(larger)
            self.tried.add(larger)
            self.walls[larger] = {}
            return [(0, *larger)]
        self.round += 1
        self._look()
        if self._is_clear():
            self.verdict = CLEAR
            return []
        chosen = self._choose(self.budget - elapsed)
        if chosen is None:
            self.verdict = SPENT
            return []
        mixed = [SERIAL, *chosen]
        return [(self.round, *pair) for pair in self._order.sample(mixed, len(mixed))]

    def _choose(self, left):
        """Return the pairs of the next round, `left` seconds before the budget is spent; None for no further round."""
        leader = self.leader()
        first = [pair for pair in (leader,) if pair != SERIAL] or self._by_score(self.contenders())[:1]
        spent = self._cost(SERIAL) + sum(map(self._cost, first))
        needed = any(len(self.counted(pair)) < MIN_ROUNDS for pair in (SERIAL, *first))
        if spent > left and not needed:
            return None
        if self.round == 1:
            allowed = left - 2 * spent
        else:
            allowed = left / max(1, MIN_ROUNDS + 1 - self.round)
        rivals = self._by_score(pair for pair in self.contenders() if pair not in first and self._is_open(pair))
        chosen = first
        for pair in rivals:
            if spent + self._cost(pair) <= allowed:
                chosen, spent = [*chosen, pair], spent + self._cost(pair)
        if rivals and chosen == first and all(len(self.counted(pair)) >= ENOUGH_ROUNDS for pair in first):
            return None  # without a rival beside it, one more round of the leader decides nothing
        if self.round <= MIN_ROUNDS:
            allowed = allowed if self.round == 1 else left / (ENOUGH_ROUNDS + 1 - self.round)
            for pair in self._by_score(pair for pair in self.pairs if pair not in chosen and self.walls[pair]):
                if spent + self._cost(pair) <= allowed:
                    chosen, spent = [*chosen, pair], spent + self._cost(pair)
        return chosen

    def _cost(self, pair):
        """Return the seconds that a visit of the pair takes, judging by its shortest one."""
        return self.costs.get(pair, 0.0)

    # ── who leads ─────────────────────────────────────────────────────────────────────────────

    def contenders(self):
        """Return the pairs that may be advised and are not worse than the leader beyond doubt."""
        return [pair for pair in self.pairs if pair not in self.barred and pair not in self.worse]

    def counted(self, pair):
        """Return the counted rounds of the pair as {round: wall}."""
        return {number: wall for number, wall in self.walls[pair].items() if number > 0}

    def score(self, pair):
        """Return the wall of a pair over that of the serial loop in the same round: the median; lower is better.

        By the warm-up as long as no round counts.
        """
        ratios = self._ratios(pair, SERIAL)
        return median(ratios) if ratios else self.walls[pair].get(0, 0.0) / self.walls[SERIAL][0]

    def leader(self):
        """Return the fastest of the serial loop and the pairs that may be advised."""
        return min([SERIAL, *self.contenders()], key=self.score)

    def _by_score(self, pairs):
        return sorted(pairs, key=self.score)

    def _ratios(self, pair, other, warmup=False):
        """Return wall(pair) / wall(other) in each round that both have."""
        both = self.walls[pair].keys() & self.walls[other].keys()
        return [self.walls[pair][n] / self.walls[other][n] for n in sorted(both) if n > 0 or warmup]

    def standing(self, pair, leader):
        """Return how a pair stands beside the leader: "worse" or "equal" beyond doubt, else "open".

        Equal is what reaches at least 95 % of the leader's speedup.
        """
        ratios, every = self._ratios(pair, leader), self._ratios(pair, leader, warmup=True)
        if len(every) > 1 and min(every) > HOPELESS:
            return "worse"
        if len(ratios) < MIN_ROUNDS:
            return "open"
        low, high = log_interval(ratios, DECISION)
        return "worse" if low > WORSE else "equal" if high < WORSE else "open"

    def _is_open(self, pair):
        """Return whether further rounds of a contender may change the answer."""
        leader = self.leader()
        return len(self.counted(pair)) < ENOUGH_ROUNDS or self.standing(pair, leader) == "open"

    def _look(self):
        """Leave out what is worse than the leader beyond doubt, where it is time to look."""
        leader = self.leader()
        done = len(self.counted(leader))
        if done < MIN_ROUNDS or (is_look(done) and done > self.looked):
            self.looked = done
            self.worse |= {pair for pair in self.contenders() if self.standing(pair, leader) == "worse"}

    def _is_clear(self):
        """Return whether every pair that may be advised, and the serial loop, stands clear of the leader or with it."""
        leader = self.leader()
        done = len(self.counted(leader))
        if done < ENOUGH_ROUNDS or not is_look(done):
            return False
        others = [pair for pair in [SERIAL, *self.contenders()] if pair != leader]
        standings = {pair: self.standing(pair, leader) for pair in others}
        equals = [pair for pair, standing in standings.items() if standing == "equal"]
        return "open" not in standings.values() and all(len(self.counted(p)) >= ENOUGH_ROUNDS for p in equals)
