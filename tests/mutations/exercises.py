"""Deliberate faults in exercises and their trials."""

from mutations.fault import Fault

TRIAL, SPY, PLAIN = "helpers/exercises/trial.py", "helpers/tasks/spy.py", "helpers/tasks/plain.py"
T = "tests/contracts/test_trials.py"

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
        "a result is unpickled in the kernel first",
        PLAIN,
        "    packed = pickle.dumps(value)\n    pickle.loads(packed)\n",
        "    packed = pickle.dumps(value)\n",
        f"{T}::test_a_result_is_unpickled_apart_first",
    ),
    Fault(
        "objects of a class of the learner's are compared in the kernel",
        TRIAL,
        "plain=True",
        "plain=False",
        f"{T}::test_what_is_judged_is_plain_data {T}::test_what_has_no_plain_form_equals_nothing_and_looks_as_it_did",
    ),
    Fault(
        "what has a plain form is shown only",
        PLAIN,
        "if issubclass(named, kind):",
        "if named is kind:",
        f"{T}::test_what_is_judged_is_plain_data",
    ),
    Fault(
        "an answer may take as long as its exercise says",
        TRIAL,
        "min(timeout, CHECK_DEADLINE)",
        "timeout",
        f"{T}::test_no_call_takes_longer_than_the_deadline_of_a_check",
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
