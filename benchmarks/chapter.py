"""Chapters without a browser: how long each runs, and what the processes of chapter 00 take in memory.

``python -m benchmarks.chapter NOTEBOOK`` runs one notebook and writes nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep

import psutil

from benchmarks.rows import Row, at_most, missing, not_here

SIZES = {
    "full": {"repeats": 3, "others": 20},
    "quick": {"repeats": 1, "others": 20},
    "smoke": {"repeats": 1, "others": 1, "cells": 3},
}
ROOT = Path(__file__).resolve().parents[1]
FIRST, *OTHERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
FIRST_S, OTHER_S, MEBIBYTES = 16.0, 15.0, 500.0
EVERY = 0.2


def measure(repeats, others, cells=None):
    """Return the rows: chapter 00 `repeats` times, then `others` of the other chapters; of each the first `cells`.

    The tree is the kernel, the runner and all workers. The process that feeds the cells to the
    kernel stands in for JupyterLab's server: it is not part of the tree and has a row of its own.
    """
    if missing("nbclient"):
        return [not_here("chapter 00", "s", missing("nbclient"))]
    took = [_play(FIRST, cells) for _ in range(repeats)]
    wall, tree, kernel, client, most = (max(column) for column in zip(*took, strict=True))
    longest, looked = f"highest of {repeats}", f"looked at every {EVERY:g} s"
    started = f"{longest}; start of the client and of the kernel included"
    return [
        at_most("chapter 00, wall", wall, "s", FIRST_S, note=started),
        *(at_most(f"chapter {path.stem[:2]}, wall", _play(path, cells)[0], "s", OTHER_S) for path in OTHERS[:others]),
        at_most("chapter 00, kernel and all below it, peak PSS", tree, "MiB", MEBIBYTES, note=f"{longest}; {looked}"),
        Row("chapter 00, the kernel alone, peak PSS", kernel, "MiB"),
        Row("chapter 00, the client, not counted, peak PSS", client, "MiB"),
        Row("chapter 00, processes at a time", most, ""),
    ]


def _play(path, cells):
    """Return (seconds, peak MiB of the kernel's tree, of the kernel, of the client, most processes at a time)."""
    start = perf_counter()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    client = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.chapter", str(path), *([str(cells)] if cells else [])],
        cwd=ROOT,
        env=environment,
    )
    above = psutil.Process(client.pid)
    tree, kernel, own, most = 0.0, 0.0, 0.0, 0
    while client.poll() is None:
        try:
            below = {process: _mebibytes(process) for process in above.children(recursive=True)}
            tree, own, most = max(tree, sum(below.values())), max(own, _mebibytes(above)), max(most, len(below))
            kernel = max([kernel, *(size for process, size in below.items() if _is_kernel(process, above.pid))])
        except psutil.Error:
            pass
        sleep(EVERY)
    if client.returncode:
        raise RuntimeError(
            f"{path.name} did not run to its end (exit code {client.returncode}): run it in JupyterLab to see why."
        )
    return perf_counter() - start, tree, kernel, own, most


def _is_kernel(process, client_pid):
    try:
        return process.ppid() == client_pid and "ipykernel_launcher" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _mebibytes(process):
    """Return the memory of a process: PSS, which shares out common pages, on Linux; USS elsewhere; 0 if it is gone."""
    try:
        memory = process.memory_full_info()
    except (psutil.Error, OSError):
        return 0.0
    return getattr(memory, "pss", memory.uss) / 2**20


def run_notebook(path, cells=None):
    """Run the notebook at `path`, in its folder, without storing anything."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells = notebook.cells[:cells]
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(Path(path).parent)}}
    ).execute()


if __name__ == "__main__":
    run_notebook(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
