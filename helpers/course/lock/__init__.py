"""Chapter 05: what happens when processes touch the same thing. Counting together is in `helpers.course.counting`."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(
    __name__,
    {
        "measure": "LockRun LockSweep ceiling measure_locks run_together",
        "stacks": "find_stacks",
        "plots": "plot_lanes plot_lock_speedup",
        "lab": "LockLab",
        "exercises": "lock_1 lock_2 lock_3",
    },
)
