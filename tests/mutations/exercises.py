"""Deliberate faults in exercises and their trials."""

from mutations.fault import Fault

TRIAL, SPY, T = "helpers/exercises/trial.py", "helpers/tasks/spy.py", "tests/contracts/test_exercises.py"

FAULTS = [
    Fault(
        "threads of one process count as overlap",
        SPY,
        "len({pid for pid, _, began, ended, _ in spans if began <= moment < ended})",
        "len({(pid, thread) for pid, thread, began, ended, _ in spans if began <= moment < ended})",
        f"{T}::test_overlap_is_a_matter_of_processes_and_moments",
    ),
    Fault(
        "work one after the other counts as overlap",
        SPY,
        "if began <= moment < ended",
        "if began <= moment <= ended",
        f"{T}::test_overlap_is_a_matter_of_processes_and_moments",
    ),
    Fault(
        "what an answer leaves behind is forgiven",
        TRIAL,
        "    if answer.left:\n",
        "    if not answer.left and answer.left:\n",
        f"{T}::test_what_is_left_behind_is_named",
    ),
    Fault(
        "nothing counts as wrong",
        TRIAL,
        'kind = NotAttempted if self.outcome == "nothing" else Wrong',
        "kind = Wrong",
        f"{T}::test_words_are_added_or_put_instead_by_outcome",
    ),
    Fault(
        "a late answer gets the usual words twice",
        TRIAL,
        "(instead or {}).get(self.outcome, self.ended)",
        "self.ended",
        f"{T}::test_words_are_added_or_put_instead_by_outcome",
    ),
]
