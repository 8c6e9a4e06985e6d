"""Measure what this package costs, as a table: ``python -m benchmarks [NAME …] [--quick] [--json PATH]``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

from benchmarks.rows import load, not_here
from helpers.machine import machine_report

#: groups in the order in which they are measured, each a module of this package
GROUPS = (
    "imports",
    "startup",
    "tracing",
    "observer",
    "events",
    "messages",
    "harness",
    "latency",
    "timeline",
    "chapter",
    "regret",
    "stopping",
)


def parse(arguments):
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure what helpers costs, against its targets and its peers."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(GROUPS)} (default: all)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="size", const="quick", help="fewer repeats")
    size.add_argument(
        "--smoke",
        action="store_const",
        dest="size",
        const="smoke",
        help="the smallest sizes: shows that all of it runs, no figure means anything",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows to this file")
    parser.set_defaults(size="full")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(GROUPS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(GROUPS)}")
    return options


def measure(group, size):
    """Return the rows of one group; what goes wrong in it becomes a row, so that the others still run."""
    module = importlib.import_module(f"benchmarks.{group}")
    try:
        return module.measure(**module.SIZES[size])
    except Exception as error:
        traceback.print_exc()
        return [not_here(group, "", f"failed: {type(error).__name__}: {error}".partition("\n")[0])]


def show(group, rows, seconds):
    """Print the rows of one group as a table."""
    print(f"\n{group} ({seconds:.0f} s)")
    width = max(len(row.name) for row in rows)
    for row in rows:
        figure = (
            "–" if row.figure is None else f"{row.figure:,.0f}" if abs(row.figure) >= 10_000 else f"{row.figure:.4g}"
        )
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        ratio = f"{row.ratio:.3g} × {row.against}" if row.ratio is not None else ""
        remark = "; ".join(filter(None, (ratio, row.note)))
        print(
            f"  {row.name:<{width}}  {figure:>10} {row.unit:<7}  {row.target or '':<12} {verdict:<6}  {remark}".rstrip()
        )
    sys.stdout.flush()


def main(arguments=None):
    """Run the chosen groups and print their tables. Whatever the figures, this is no failure."""
    options = parse(arguments)
    about = machine_report().to_dict()
    about["load_before"] = load()
    print(
        f"Python {sys.version.split()[0]} on {sys.platform}, {about['usable_cpus']:g} usable CPUs, "
        f"load {about['load_before']}, size {options.size}"
    )
    found = {}
    for group in options.names or GROUPS:
        start = perf_counter()
        found[group] = measure(group, options.size)
        show(group, found[group], perf_counter() - start)
    about["load_after"] = load()
    rows = [row for group in found.values() for row in group if row.met is not None]
    print(f"\n{sum(row.met for row in rows)} of {len(rows)} targets met; load {about['load_after']} at the end")
    if options.json is not None:
        groups = {group: [asdict(row) for row in rows] for group, rows in found.items()}
        plain = {"size": options.size, "environment": about, "groups": groups}
        options.json.write_text(json.dumps(plain, indent=1, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
