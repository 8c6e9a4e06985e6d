"""Deliberate faults in exercises and their trials."""

from mutations.fault import Fault

TRIAL, SPY, PLAIN = "helpers/exercises/trial.py", "helpers/tasks/spy.py", "helpers/tasks/plain.py"
BASE = "helpers/exercises/base.py"
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
        "what another kernel made is laid on the answer",
        "helpers/measure/answers.py",
        "    if runner.is_made_elsewhere(name):\n        return True\n",
        "",
        f"{T}::test_what_others_leave_is_not_laid_on_an_answer",
    ),
    Fault(
        "one look at shared memory is enough",
        "helpers/measure/answers.py",
        "new & shared_blocks()",
        "shared_blocks()",
        f"{T}::test_what_others_leave_is_not_laid_on_an_answer",
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
        "an empty answer is tried",
        BASE,
        "code.co_code not in _EMPTY_BODIES",
        "code.co_code in _EMPTY_BODIES",
        f"{T}::test_a_blank_is_told_by_its_code",
    ),
    Fault(
        "a number that is returned counts as a docstring",
        BASE,
        "constant in (None, Ellipsis, func.__doc__)",
        "constant is not None or True",
        f"{T}::test_a_blank_is_told_by_its_code",
    ),
    Fault(
        "workers that die of an error are forgiven",
        TRIAL,
        "if code is not None and code > 0]",
        "if code is not None and code < 0]",
        f"{T}::test_a_worker_that_died_is_wrong_and_one_that_nobody_joined_a_remark",
    ),
    Fault(
        "a missing join is not remarked",
        TRIAL,
        "        if not n_unasked:\n",
        "        if n_unasked:\n",
        f"{T}::test_a_worker_that_died_is_wrong_and_one_that_nobody_joined_a_remark",
    ),
    Fault(
        "a remark is forgotten",
        BASE,
        "{remark or ''}",
        "{''}",
        f"{T}::test_a_remark_stands_behind_the_praise",
    ),
    Fault(
        "the line of a check stays",
        BASE,
        "            notice.clear()\n",
        "            pass\n",
        f"{T}::test_a_check_says_what_it_waits_for_and_for_how_long_and_then_no_more",
    ),
    Fault(
        "a pool that was closed counts as open",
        "helpers/tasks/watch.py",
        'states[one._place_of_watch] = "closed"',
        "pass",
        f"{T}::test_a_pool_that_nobody_closes_is_seen_and_remarked",
    ),
    Fault(
        "a pool that stays open is not counted",
        "helpers/tasks/watch.py",
        'note(pool.Pool, "close", "terminate")',
        "pass",
        f"{T}::test_a_pool_that_nobody_closes_is_seen_and_remarked",
    ),
    Fault(
        "a lock of the module is not recognised",
        "helpers/tasks/watch.py",
        "    if any(isinstance(value, SemLock) for value in values):\n",
        "    if False:\n",
        f"{T}::test_a_lock_of_one_process_alone_is_recognised",
    ),
    Fault(
        "a late answer gets the usual words twice",
        TRIAL,
        "(instead or {}).get(self.outcome, self.ended)",
        "self.ended",
        f"{T}::test_words_are_added_or_put_instead_by_outcome",
    ),
    Fault(
        "praise speaks of two start methods where both are spawn",
        BASE,
        "if default_start_method() == METHODS[0]:",
        "if default_start_method() == METHODS[1]:",
        "tests/contracts/test_exercises.py::test_praise_speaks_of_two_start_methods_where_there_are_two",
    ),
]
