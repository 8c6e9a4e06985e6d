"""Stopping: how often a sweep with a budget errs, in simulated rounds whose truth is known. No machine is measured.

Walls are drawn, a race decides which pair comes next, and `advise` says what to do, as in a sweep. An interval errs if
it does not hold the true speedup; an advice errs if it is sure and another setting is more than 5 % faster.
"""

from __future__ import annotations

import math
import random
from statistics import median

from benchmarks.rows import Row, at_least, at_most
from helpers.measure.race import CLEAR, SERIAL, Race
from helpers.models import advise
from helpers.records import GOOD_ROUNDS, Accounting, Run, Sweep

SIZES = {"full": {"n_races": 400}, "quick": {"n_races": 60}, "smoke": {"n_races": 2}}
#: True walls of the serial loop, and of pairs with 2, 3, 4 … workers.
WORK = {
    "a winner": (1.0, 0.5, 0.8, 1.1),
    "ties": (1.0, 0.5, 0.5, 0.9),
    "near ties": (1.0, 0.54, 0.55, 0.52, 0.5),
    "6 % apart": (1.0, 0.5, 0.53, 1.0),
    "no gain": (1.0, 1.0, 1.02, 1.0),
    "hardly a gain": (1.0, 0.95, 0.97, 1.0),
    "eight pairs": (1.0, 0.5, 0.53, 0.53, 0.53, 0.56, 0.6, 0.9, 1.2),
}
#: By name: a factor on the wall, of a share of noise.
NOISES = {
    "log-normal": lambda draw, share: math.exp(share * draw.gauss(0, 1)),
    "heavy tails": lambda draw, share: math.exp(share * draw.gauss(0, 1) / math.sqrt(draw.gammavariate(1.5, 2) / 3)),
    "spikes": lambda draw, share: (
        math.exp(share * draw.gauss(0, 1)) * (1 + (draw.random() < 0.1) * draw.expovariate(2))
    ),
}
SHARES, SHARED, DRIFTS = (0.02, 0.05, 0.1, 0.2), (0.0, 0.1, 0.3), (-0.02, 0.0, 0.02)
#: Seconds: the serial loop, the start of workers, the budget; and an answer that is off by more than this is wrong.
LOOP, START, BUDGET, OFF = 0.1, 0.03, 5.0, 1.05


def measure(n_races):
    """Return the rows: for each kind of noise how often intervals hold and advice is wrong, and what it took."""
    rows = []
    for name, noise in NOISES.items():
        held, told, wrong, sure, clear, rounds = 0, 0, 0, 0, 0, []
        for number in range(n_races):
            draw = random.Random(f"{name} {number}")
            walls = [LOOP * wall for wall in draw.choice([*WORK.values()])]
            sweep = simulate(walls, noise, draw)
            advice, truth = (
                advise(sweep),
                {("pool", n): wall for n, wall in enumerate(walls[1:], 2)} | {SERIAL: walls[0]},
            )
            for pair in sweep.pairs():
                speedup = sweep.speedup(*pair)
                if pair != SERIAL and speedup.n_rounds >= GOOD_ROUNDS:
                    held, told = held + (speedup.low <= truth[SERIAL] / truth[pair] <= speedup.high), told + 1
            chosen = (advice.engine, advice.n_workers)
            wrong += advice.sure and truth[chosen] > OFF * min(truth.values())
            sure, clear = sure + advice.sure, clear + (sweep.ending == CLEAR)
            rounds.append(len(sweep.runs_of(*SERIAL)))
        share = 100 / n_races
        rows += [
            at_least(
                f"{name}: intervals that hold the truth", 100 * held / max(1, told), "%", 93, note=f"{told} of them"
            ),
            at_most(f"{name}: advice that is sure and wrong", share * wrong, "%", 5, note=f"{n_races} races"),
            Row(f"{name}: advice that is sure", share * sure, "%"),
            Row(f"{name}: races that ended clear", share * clear, "%", note=f"{median(rounds):g} rounds, the median"),
        ]
    return rows


def simulate(walls, noise, draw):
    """Return the Sweep of a race whose pairs take `walls`, the serial loop's first, with noise drawn by `draw`."""
    pairs = [("pool", n) for n in range(2, len(walls) + 1)]
    truth = dict(zip([SERIAL, *pairs], walls, strict=True))
    share, shared, drift = draw.choice(SHARES), draw.choice(SHARED), draw.choice(DRIFTS)
    race, elapsed, runs = Race(pairs, BUDGET, seed=draw.random()), 0.0, []
    while visits := race.next_round(elapsed):
        common = math.exp(shared * draw.gauss(0, 1))
        for number, engine, n_workers in visits:
            pair = engine, n_workers
            wall = truth[pair] * common * noise(draw, share) * (1 + drift * elapsed)
            startup = 0.0 if pair == SERIAL else START
            elapsed += startup + wall
            race.take(pair, number, wall, startup + wall)
            facts = {"start_method": None, "chunksize": 1, "cpu": wall, "n_items": 1, "warmup": number == 0}
            account = Accounting(working=n_workers * wall)
            runs.append(Run(engine, n_workers, round=number, startup=startup, wall=wall, accounting=account, **facts))
    return Sweep("simulated", 1, tuple(runs), {"usable_cpus": 64}, ending=race.verdict)
