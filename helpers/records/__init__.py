"""The vocabulary: immutable records of what was measured. They know nothing of widgets.

::

    Sweep ── runs ──► Run ──► Timeline    who ran which item, when
      │                └────► Accounting  where n_workers × wall went
      ├─ problems ─► Problem          why a pair has no figures
      ├─ speedup(), wall() ─► Estimate
      └─ (helpers.models) ──► Fit, Advice

All times are seconds. Within a run they count from the moment the workers were asked for.
A `Recording` has sweeps of several workloads by one machine: those that come with the package are read by
`recordings`, one sweep of them by `recorded`; ``python -m helpers.recordings`` measures more.
"""

from helpers.records.accounts import Accounting, account_chunks, account_tasks
from helpers.records.doubts import (
    LOOP_BLOCKED,
    LOOP_COMPUTED,
    LOOP_HELD,
    MORE_WORKERS,
    UNSTEADY,
    badges_of_rounds,
    doubts_of,
    unite_badges,
)
from helpers.records.estimates import (
    GOOD_ROUNDS,
    MIN_ROUNDS,
    Advice,
    Estimate,
    Finding,
    Fit,
    estimate_ratio,
    is_clear,
)
from helpers.records.problems import Problem, explain_problems, list_problems
from helpers.records.runs import COMPUTING_SHARE, Failure, Run, Timeline
from helpers.records.shipped import RECORDINGS, Recording, recorded, recordings
from helpers.records.sweeps import ENGINE_ORDER, FORMAT, MISTRUST, Sweep

__all__ = [
    "COMPUTING_SHARE",
    "ENGINE_ORDER",
    "FORMAT",
    "GOOD_ROUNDS",
    "LOOP_BLOCKED",
    "LOOP_COMPUTED",
    "LOOP_HELD",
    "MIN_ROUNDS",
    "MISTRUST",
    "MORE_WORKERS",
    "RECORDINGS",
    "UNSTEADY",
    "Accounting",
    "Advice",
    "Estimate",
    "Failure",
    "Finding",
    "Fit",
    "Problem",
    "Recording",
    "Run",
    "Sweep",
    "Timeline",
    "account_chunks",
    "account_tasks",
    "badges_of_rounds",
    "doubts_of",
    "estimate_ratio",
    "explain_problems",
    "is_clear",
    "list_problems",
    "recorded",
    "recordings",
    "unite_badges",
]
