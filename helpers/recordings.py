"""Reference curves: record the course's standard workloads on any machine, list and show what was recorded.

::

    python -m helpers.recordings record [--out FILE] [--quick] [WORKLOAD …]
    python -m helpers.recordings list
    python -m helpers.recordings show NAME-OR-FILE [WORKLOAD …]

Chapters draw a recording beside the reader's own curve where the reader has few CPUs. To contribute one, see
CONTRIBUTING.md, "Add a recording".
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.engines import max_workers
from helpers.errors import HelpersError, InvalidArgumentError
from helpers.machine import machine_report
from helpers.machine.processor import read_cpu_model
from helpers.measure import sweep
from helpers.records import Recording, recordings
from helpers.tasks.cpu import copy_block, count_primes, hash_block, sum_squares
from helpers.tasks.wait import wait_ms
from helpers.words import listing, plural

#: Rounds of a recording, and of a quick one.
ROUNDS, QUICK_ROUNDS = 5, 3


@dataclass(frozen=True)
class Workload:
    """A standard workload: `func` over `n_items` equal items, or `items_a_worker` times the most workers if more."""

    func: object
    item: object
    n_items: int
    items_a_worker: int
    about: str

    def items(self, counts):
        """Return the items for these worker counts: enough that each of the most workers has its share."""
        return [self.item] * max(self.n_items, self.items_a_worker * max(counts))


#: The course's standard workloads by name.
WORKLOADS = {
    "count_primes": Workload(count_primes, 15_000, 16, 8, "pure Python, which keeps the GIL"),
    "hash_block": Workload(hash_block, 8_000_000, 32, 8, "C code that releases the GIL"),
    "copy_block": Workload(copy_block, 16, 16, 8, "copies memory: its bandwidth is the limit"),
    "sum_squares": Workload(sum_squares, 100, 20_000, 2_000, "many tiny tasks"),
    "wait_ms": Workload(wait_ms, 20, 16, 8, "waits, and needs no CPU"),
}


def choose_counts(usable_cpus, most, quick=False):
    """Return the worker counts of a recording: powers of two, the usable CPUs, and twice as many, none above `most`.

    A quick one has 1, 2 and the usable CPUs.

    >>> choose_counts(2, 61), choose_counts(12, 61), choose_counts(12, 61, quick=True), choose_counts(48, 61)
    ((1, 2, 4), (1, 2, 4, 8, 12, 24), (1, 2, 12), (1, 2, 4, 8, 16, 32, 48, 61))
    """
    wanted = {1, 2, usable_cpus}
    if not quick:
        wanted |= {2**power for power in range(usable_cpus.bit_length())} | {2 * usable_cpus}
    return tuple(sorted({min(count, most) for count in wanted}))


def record(names=(), quick=False, name="recording", on_sweep=None):
    """Return the Recording of the workloads `names` (none: all) on this machine.

    Measures for a few minutes, on a machine that should do nothing else. `on_sweep` is called with the name of a
    workload and its Sweep. A workload with a problem in a pair is an error: a recording has none.
    """
    if unknown := [workload for workload in names if workload not in WORKLOADS]:
        raise InvalidArgumentError(f"There is no workload {unknown[0]}. There are: {listing(WORKLOADS)}.")
    model = read_cpu_model()
    counts = choose_counts(machine_report().usable_cpus, max_workers(), quick)
    found = {}
    for workload in names or WORKLOADS:
        work = WORKLOADS[workload]
        settings = {"engines": ("threads", "processes"), "n_workers": counts}
        result = sweep(work.func, work.items(counts), repeats=QUICK_ROUNDS if quick else ROUNDS, **settings)
        if result.problems:
            raise HelpersError(f"{workload} cannot be recorded here: {result.problems[0].reason}")
        runs = tuple(replace(run, timeline=None) for run in result.runs)  # thousands of tasks: megabytes
        found[workload] = replace(result, runs=runs, environment={**result.environment, "cpu_model": model})
        if on_sweep is not None:
            on_sweep(workload, found[workload])
    return Recording(name, found)


def doubts_of_recording(recording):
    """Return what is in doubt as sentences, one a workload; none for a recording that others can rely on."""
    said = []
    for name, one in recording.sweeps.items():
        doubts = sorted({doubt for pair in one.pairs() for doubt in one.doubts(*pair)})
        if doubts or not one.complete:
            said.append(f"{name}: {'; '.join([*([] if one.complete else ['stopped early']), *doubts])}")
    return said


def main(arguments=None):
    """Do what the command line says; return the exit status: 1 for a recording that is in doubt, 2 for an error."""
    parser = argparse.ArgumentParser(prog="python -m helpers.recordings", description="Reference curves of machines.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("record", help="measure the standard workloads here")
    making.add_argument("--out", metavar="FILE", default="recording.json", help="where to write (%(default)s)")
    making.add_argument("--quick", action="store_true", help="fewer worker counts and rounds")
    making.add_argument("workloads", metavar="WORKLOAD", nargs="*", help=f"of {listing(WORKLOADS)}; all by default")
    commands.add_parser("list", help="what comes with the package")
    showing = commands.add_parser("show", help="the figures of a recording")
    showing.add_argument("name", metavar="NAME-OR-FILE")
    showing.add_argument("workloads", metavar="WORKLOAD", nargs="*")
    options = parser.parse_args(arguments)
    try:
        return {"record": _record, "list": _list, "show": _show}[options.command](options)
    except HelpersError as error:
        print(error, file=sys.stderr)
        return 2


def _record(options):
    out = Path(options.out)
    if not out.absolute().parent.is_dir():
        raise InvalidArgumentError(f"There is no folder for {options.out}: make it first.")
    recording = record(options.workloads, options.quick, out.stem, lambda name, one: print(f"{name}: {one}"))
    try:
        recording.to_json(out)
    except OSError as error:
        raise InvalidArgumentError(f"{options.out} cannot be written: {error.strerror}.") from error
    print(f"\n{plural(len(recording.sweeps), 'workload')} of this machine ({recording.machine}): {options.out}")
    doubts = doubts_of_recording(recording)
    if doubts:
        print("In doubt, so record again on a quiet machine before others rely on it:", *doubts, sep="\n  ")
    return 1 if doubts else 0


def _list(options):
    for recording in recordings():
        print(f"{recording.name}: {recording.machine}\n  {listing(recording.sweeps)}")
    return 0


def _show(options):
    shipped = {recording.name: recording for recording in recordings()}
    recording = shipped.get(options.name) or Recording.from_json(options.name)
    if unknown := [name for name in options.workloads if name not in recording.sweeps]:
        raise InvalidArgumentError(f"{options.name} has no {unknown[0]}. It has: {listing(recording.sweeps)}.")
    wanted = {name: recording.sweeps[name] for name in options.workloads or recording.sweeps}
    print(replace(recording, sweeps=wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
