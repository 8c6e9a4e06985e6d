"""Latency: from Run pressed to the first point on the screen, and from Stop to nothing alive.

No browser: what a browser needs to show a picture that it was sent is not in the figures.
"""

from __future__ import annotations

import asyncio
import os
import threading
from statistics import median
from time import perf_counter, sleep

import psutil

from benchmarks.observer import work_for
from benchmarks.rows import Row, at_most, not_here, spread
from helpers import runner
from helpers.engines import ENGINES, engine_problem
from helpers.engines.registry import start_methods_of
from helpers.labs import SpeedupLab
from helpers.measure import run_once
from helpers.plots import provisional_points
from helpers.tasks.cpu import sum_squares
from helpers.tasks.faults import spin_for_ever

SIZES = {
    "full": {"presses": 7, "work": 0.25, "stops": 3, "engines": tuple(ENGINES)},
    "quick": {"presses": 3, "work": 0.25, "stops": 1, "engines": tuple(ENGINES)},
    "smoke": {"presses": 1, "work": 0.01, "stops": 1, "engines": ("serial", "pool")},
}
#: seconds; and runs: the serial loop and one other
FIRST_POINT, STOP, FIRST_RUNS = 0.6, 0.5, 2
#: seconds to wait for workers that are busy
PATIENCE = 30.0


def measure(presses, work, stops, engines):
    """Return the rows of both."""
    return [*_first_point(presses, work, engines), *_stop_in_lab(stops), *_stop_everywhere(stops, engines)]


def _first_point(presses, work, engines):
    runner.end_all()
    items = [work_for(100 * work)] * 10
    above = [_press(SpeedupLab(sum_squares, items, repeats=1))[0] for _ in range(presses + 1)]
    several = [_press(SpeedupLab(sum_squares, items, engines=engines, n_workers=2, repeats=1)) for _ in range(presses)]
    yield at_most(
        "Run to first point, above the work, warm", median(above[1:]), "s", FIRST_POINT, note=spread(above[1:])
    )
    yield Row("Run to first point, above the work, first press", above[0], "s", note="the runner has to be started")
    yield at_most("runs before the first point, all engines", max(runs for _, runs in several), "runs", FIRST_RUNS)
    seconds = [seconds for seconds, _ in several]
    yield at_most(
        "Run to first point, all engines, above the work", median(seconds), "s", FIRST_POINT, note=spread(seconds)
    )


def _press(lab):
    """Return (seconds from Run to the picture with the first point, less those of the runs before it; these runs)."""
    seen, show = [], lab._show_picture

    def show_and_note(scale):
        show(scale)
        if lab.result is not None and provisional_points(lab.result):
            seen.append((perf_counter(), lab.result.runs))

    lab._show_picture = show_and_note
    pressed = perf_counter()
    lab.run()
    lab.wait()
    lab.close()
    shown, runs = seen[0]
    return shown - pressed - sum(run.all_walls for run in runs), len(runs)


def _stop_in_lab(stops):
    took = []
    for _ in range(stops):
        lab = SpeedupLab(spin_for_ever, range(4))
        lab.run()
        took.append(_stop(lambda lab=lab: lab._runner, lab.stop, 1))
        lab.close()
    yield at_most("Stop in the lab, serial loop", max(took), "s", STOP, note=f"longest of {stops}")


async def spin_in_turns(item):
    """Never return, with the CPU busy; other tasks go on."""
    while True:
        await asyncio.sleep(0)


def spinning(engine):
    """Return a function for `engine` that never ends."""
    return spin_in_turns if engine == "asyncio" else spin_for_ever


def _stop_everywhere(stops, engines):
    for engine in engines:
        problem = engine_problem(engine, spinning(engine))
        if problem:
            yield not_here(f"Stop, {engine}", "s", problem)
            continue
        for method in start_methods_of(engine) or (None,):
            took = [_stop_one(engine, method) for _ in range(stops)]
            yield at_most(
                f"Stop, {engine}" + (f", {method}" if method else ""), max(took), "s", STOP, note=f"longest of {stops}"
            )


def _stop_one(engine, method):
    playing = []

    def work():
        n_workers = 1 if engine == "serial" else 2
        options = {"engine": engine, "n_workers": n_workers, "start_method": method}
        run_once(spinning(engine), range(4), **options, on_start=playing.append)

    thread = threading.Thread(target=work)
    thread.start()
    took = _stop(lambda: playing[0] if playing else None, lambda: playing[0].stop(), 3 if method else 1)
    thread.join()
    return took


def _stop(find_runner, stop, least):
    """Return the seconds from ``stop()`` until nothing of the runner's session is alive.

    Waits before until there are `least` processes and the CPU time of the session has grown by
    0.1 s three times: the tasks are then in the middle of their work.
    """
    until, busy, used = perf_counter() + PATIENCE, 0, 0.0
    while busy < 3:
        if perf_counter() > until:
            raise RuntimeError("The tasks that were to be stopped did not start.")
        sleep(0.15)
        playing = find_runner()
        members = _session(playing.pid) if playing is not None else []
        now = sum(map(_cpu_seconds, members))
        busy = busy + 1 if len(members) >= least and now - used >= 0.1 else 0
        used = now
    members, start = _session(playing.pid), perf_counter()
    stopping = threading.Thread(target=stop)
    stopping.start()
    while any(map(_alive, members)):
        sleep(0.002)
    took = perf_counter() - start
    stopping.join()
    if _session(playing.pid):  # something was started in between: it counts until it is gone too
        while any(map(_alive, _session(playing.pid))):
            sleep(0.002)
        took = perf_counter() - start
    return took


def _session(pid):
    """Return the living processes of the session (POSIX) of process `pid`, and all below it."""
    found = {}
    try:
        leader = psutil.Process(pid)
        found = {process.pid: process for process in (leader, *leader.children(recursive=True))}
    except psutil.Error:
        pass
    if hasattr(os, "getsid"):
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == pid:
                    found.setdefault(process.pid, process)
            except OSError:
                pass
    return [process for process in found.values() if _alive(process)]


def _alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _cpu_seconds(process):
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return 0.0
