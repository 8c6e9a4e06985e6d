"""The runner: a process of its own in which everything that is measured is played.

::

    kernel                                   runner (own session, one thread)
    ──────                                   ────────────────────────────────
    play(make_records, …) ── stdin ───────►  for record in make_records(…):
    for record in …       ◄── stdout ──────      send it, wait for the kernel's nod
    printed               ◄── stderr ──────  what tasks print, workers included
    (lifeline pipe)       ················►  closes when the kernel dies: the group is ended

The kernel only receives and draws, and it draws while the runner waits for the nod, so that
nothing disturbs a run. Stop, an error, a deadline, a closed notebook and a killed kernel all end
the same way: the whole process group goes, whatever its processes are doing. A runner that has
played to the end is kept for the next play with the same key.
"""

from helpers.runner.groups import describe_exit, end_group, own_group, start_tracker
from helpers.runner.handle import Runner, Stopped, borrow, end_all, give_back, idle_runners, play

__all__ = [
    "Runner",
    "Stopped",
    "borrow",
    "describe_exit",
    "end_all",
    "end_group",
    "give_back",
    "idle_runners",
    "own_group",
    "play",
    "start_tracker",
]
