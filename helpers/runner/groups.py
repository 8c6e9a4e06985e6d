"""Process groups: how a process ended, and ending one with everything it started.

This is the one way in which whole trees of processes are ended: runners, programs and probes alike.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from importlib import import_module

import psutil

POSIX = os.name == "posix"
#: What the command line of multiprocessing's resource trackers contains.
TRACKER = "resource_tracker"
#: Seconds a resource tracker may take to clean up; it needs a few hundredths on an idle machine.
TRACKER_SECONDS = 3.0


def describe_exit(exitcode):
    """Return an exit code in words: "exit code 3", "killed by SIGKILL: out of memory?"."""
    if exitcode is None:
        return "exit code unknown"
    if exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:
        name = f"signal {-exitcode}"
    hint = (
        ": the system does this when memory runs out"
        if name == "SIGKILL"
        else ": a crash in compiled code"
        if name == "SIGSEGV"
        else ""
    )
    return f"killed by {name}{hint}"


def own_group():
    """Return the arguments with which `Popen` gives a process a group (and session) of its own."""
    if POSIX:
        return {"start_new_session": True}
    return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}


def _group_members(pid):
    """Return the processes of group `pid` and all that descends from its leader."""
    found = {}
    try:
        leader = psutil.Process(pid)
        found = {p.pid: p for p in [leader, *leader.children(recursive=True)]}
    except psutil.Error:
        pass
    if POSIX:
        for other in psutil.process_iter():
            try:
                if os.getpgid(other.pid) == pid:
                    found.setdefault(other.pid, other)
            except (ProcessLookupError, PermissionError):
                pass
    return list(found.values())


def _living(processes):
    alive = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.Error:
            pass
    return alive


def _is_tracker(process):
    try:
        return any(TRACKER in part for part in process.cmdline())
    except psutil.Error:
        return False


def start_tracker(library):
    """Have the resource tracker of `library` up before there is a semaphore or a block: none can outlive us then.

    By itself it starts after the first semaphore was made: one that is made just before the runner is
    ended would stay in shared memory. `library` is "multiprocessing" or "multiprocess".
    """
    if POSIX:
        import_module(f"{library}.resource_tracker").ensure_running()


def end_group(process):
    """End `process` (a Popen that leads its own group) and all it started; return when they are gone.

    Everything but the resource trackers is asked (SIGTERM) and, if it resists, killed. The
    trackers then see that they are alone, remove what the others left in shared memory, and end
    by themselves; they are killed only if they do not.
    """
    members = {}
    for ask, seconds in (("terminate", 0.2), ("kill", 0.2)):
        members.update({member.pid: member for member in _group_members(process.pid)})
        workers = [member for member in _living(members.values()) if not _is_tracker(member)]
        _tell(workers, ask)
        if _wait_gone(process, workers, seconds):
            break
    trackers = _living(members.values())
    if not _wait_gone(process, trackers, TRACKER_SECONDS):
        _tell(trackers, "kill")
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:  # a process in an uninterruptible wait: nothing can end it now
        pass


def end_descendants():
    """Kill everything that this very process started, at once."""
    _tell(psutil.Process().children(recursive=True), "kill")


def _tell(processes, ask):
    for process in processes:
        try:
            getattr(process, ask)()
        except psutil.Error:
            pass


def _wait_gone(process, members, seconds):
    """Wait until none of `members` lives, at most `seconds`; return whether."""
    deadline = time.monotonic() + seconds
    while True:
        process.poll()
        if not _living(members):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.004)
