"""Measure again what comes with the package as a recording: ``python tests/record_sweep.py [NAME …]``.

Without arguments: every recording (`helpers.records.recorded` reads them). Chapters show them on machines that
cannot show the like, so measure on a quiet machine with two usable CPUs. A recording is replaced only if
the machine has these, and no figure of it is in doubt; otherwise the exit status is 1.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.machine import machine_report  # noqa: E402  found by the line before
from helpers.measure import sweep  # noqa: E402
from helpers.records.sweeps import RECORDINGS  # noqa: E402
from helpers.tasks.cpu import count_primes  # noqa: E402

USABLE_CPUS = 2
#: What each recording is a sweep of: function, items, and the rest as `sweep` takes it.
SWEEPS = {
    "count_primes": (
        count_primes,
        [15_000] * 16,
        {"engines": ("threads", "processes"), "n_workers": (1, 2), "repeats": 5},
    ),
}


def record(name, folder=RECORDINGS):
    """Measure the recording `name` and store it in `folder`; return why it was not stored, "" if it was."""
    cpus = machine_report().usable_cpus
    if cpus != USABLE_CPUS:
        return f"this machine has {cpus:g} usable CPUs, not {USABLE_CPUS}"
    func, items, settings = SWEEPS[name]
    result = sweep(func, items, **settings)
    print(result)
    if doubts := {doubt for pair in result.pairs() for doubt in result.doubts(*pair)}:
        return "its figures are in doubt: " + "; ".join(sorted(doubts))
    result.to_json(Path(folder) / f"{name}.json")
    return ""


def main(names):
    """Record all that is named (everything by default); return the exit status."""
    if unknown := sorted(set(names) - set(SWEEPS)):
        raise SystemExit(f"There is no recording {unknown[0]}. There are: {', '.join(SWEEPS)}.")
    problems = {name: record(name) for name in names or SWEEPS}
    for name, problem in problems.items():
        print(f"NOT recorded {name}: {problem}" if problem else f"recorded {name}")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
