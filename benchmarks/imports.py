"""Imports: what a worker and a notebook wait for before anything of theirs begins."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.rows import Row, at_most, interleave, missing, not_here, spread

SIZES = {"full": {"repeats": 15}, "quick": {"repeats": 5}, "smoke": {"repeats": 1}}
TASK_MS, LAB_S = 15.0, 0.7
BARE, TASKS, LABS = "a bare interpreter", "import helpers.tasks.cpu", "from helpers.labs import SpeedupLab"
LAB_MADE = f"{LABS}; SpeedupLab(len, ['a'])"  # draws its first picture
PEERS = {"joblib": "import joblib", "mpire": "import mpire"}


def measure(repeats):
    """Return the rows: the wall time of whole interpreters, from start to exit, taken in turns."""
    programs = {
        BARE: "pass",
        TASKS: TASKS,
        LABS: LABS,
        LAB_MADE: LAB_MADE,
        "import multiprocessing.pool": "import multiprocessing.pool",
    }
    programs |= {program: program for package, program in PEERS.items() if not missing(package)}

    def start(program):
        return lambda: subprocess.run([sys.executable, "-c", program], check=True)

    seconds = interleave({name: start(program) for name, program in programs.items()}, repeats)
    above = {name: median(took) - median(seconds[BARE]) for name, took in seconds.items()}
    rows = [
        at_most(f"{TASKS}, above {BARE}", 1000 * above[TASKS], "ms", TASK_MS, note=spread(seconds[TASKS])),
        at_most(f"{LABS}, above {BARE}", above[LABS], "s", LAB_S, note=spread(seconds[LABS])),
        Row(f"{LAB_MADE}, above {BARE}", above[LAB_MADE], "s", note=spread(seconds[LAB_MADE])),
        Row(BARE, 1000 * median(seconds[BARE]), "ms", note=spread(seconds[BARE])),
    ]
    rows += [
        Row(f"{name}, above {BARE}", 1000 * above[name], "ms", ratio=above[name] / above[TASKS], against=TASKS)
        for name in programs
        if name not in (BARE, TASKS, LABS, LAB_MADE)
    ]
    return rows + [not_here(program, "ms", missing(package)) for package, program in PEERS.items() if missing(package)]
