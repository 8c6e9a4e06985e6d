"""The runner: a process of its own in which everything that is measured is played.

::

    kernel                                   runner (own session, one thread)
    ──────                                   ────────────────────────────────
    play(make_records, …) ── stdin ───────►  for record in make_records(…):
    for record in …       ◄── stdout ──────      send it, wait for the kernel's nod
    printed               ◄── stderr ──────  what tasks print, workers included
    (lifeline pipe)       ················►  closes when the kernel dies: the group is ended
    (guardian's stdin)    ················►  closes too: the guardian ends and removes what is left

::

    guardian   marks, and the process that outlives the kernel     plays    borrow, play, stop, give back
    groups     ending trees of processes                           handle   the kernel's side of one runner
    library    what multiprocessing is told in a runner            inside   the runner's own side
    frames     messages that tell garbage from a message           tidying  the runner between two plays
    sources    the reader's own modules, and whether they were edited

The kernel only receives and draws, and it draws while the runner waits for the nod, so that
nothing disturbs a run. Stop, an error, a deadline, a closed notebook and a killed kernel all end
the same way: the whole process group goes, whatever its processes are doing. A runner that has
played to the end, and in which no task has changed anything, is kept for the next play with the same key.
"""

from helpers.runner.groups import cpu_seconds, describe_exit, end_group, own_group
from helpers.runner.guardian import VARIABLE as MARK
from helpers.runner.inside import is_refusal
from helpers.runner.library import is_made_elsewhere, prepare_library
from helpers.runner.plays import Play, end_all, idle_runners, play, watched_mark
from helpers.runner.sources import edited_since, installed_first, own_sources

__all__ = [
    "MARK",
    "Play",
    "cpu_seconds",
    "describe_exit",
    "edited_since",
    "end_all",
    "end_group",
    "idle_runners",
    "installed_first",
    "is_made_elsewhere",
    "is_refusal",
    "own_group",
    "own_sources",
    "play",
    "prepare_library",
    "watched_mark",
]
