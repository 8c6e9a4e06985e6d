"""Process groups: how a process ended, and ending one with everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil

POSIX = os.name == "posix"
TRACKER = "resource_tracker"


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
    hint = ": the system does this when memory runs out" if name == "SIGKILL" else ": a crash in compiled code" if name == "SIGSEGV" else ""
    return f"killed by {name}{hint}"


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


def end_group(process):
    """End `process` (a Popen that leads its own group) and all it started; return when they are gone."""
    members = _group_members(process.pid)
    for ask, seconds in (("terminate", 0.2), ("kill", 0.2)):
        members = _living({p.pid: p for p in members + _group_members(process.pid)}.values())
        for member in members:
            if not _is_tracker(member):
                try:
                    getattr(member, ask)()
                except psutil.Error:
                    pass
        _wait_gone(process, members, seconds)
        if not _living(members):
            break
    for tracker in _living(members):
        try:
            tracker.kill()
        except psutil.Error:
            pass
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:  # a process in an uninterruptible wait: nothing can end it now
        pass


def _wait_gone(process, members, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        process.poll()
        if not _living(members):
            return
        time.sleep(0.004)
