"""Honest timing: the same work by several engines and worker counts, in randomised rounds.

::

    sweep()  ── visits in rounds ──►  play_visits()  in the runner
       ▲                                 │ open a team, wait until it is up, run all items,
       ├────────── Run, a nod ◄──────────┤ compare the results with the serial loop's
       └────────── Problem ◄─────────────┘ the others go on in a fresh runner

The rules (each is a test): the plain serial loop runs in every round; pairs are visited in
random order; the first round is a warm-up and left out of all estimates; every visit has fresh
items; start-up and work are told apart; a pair whose results differ from the serial ones has no
figures; nothing is drawn or computed while a run is timed.
"""

from helpers.measure.badges import Watch
from helpers.measure.handing import MAX_ITEMS, check_counts, check_items, check_settings, pack_function, pack_items
from helpers.measure.notes import Progress
from helpers.measure.playing import measure_batch, play_batch
from helpers.measure.sameness import is_same, require_same
from helpers.measure.sweeps import check_rounds, plan_visits, run_once, sweep, sweep_steps

__all__ = [
    "MAX_ITEMS",
    "Progress",
    "Watch",
    "check_counts",
    "check_items",
    "check_rounds",
    "check_settings",
    "is_same",
    "measure_batch",
    "pack_function",
    "pack_items",
    "plan_visits",
    "play_batch",
    "require_same",
    "run_once",
    "sweep",
    "sweep_steps",
]
