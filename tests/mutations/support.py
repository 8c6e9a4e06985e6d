"""Faults in what is said about a Python or a package that cannot serve."""

from mutations.fault import Fault

REGISTRY, TESTS = "helpers/engines/registry.py", "tests/contracts/test_python_support.py"

FAULTS = [
    Fault(
        "a dill that gives back another function passes",
        REGISTRY,
        "if copy(5) != step * 5 + len(IMPORTING):",
        "if False:",
        f"{TESTS}::test_a_dill_that_gives_back_another_function_does_not_serve",
    ),
    Fault(
        "a dill that fails is not told",
        REGISTRY,
        "    if problem is not None:\n        raise EngineUnavailableError(",
        "    if False:\n        raise EngineUnavailableError(",
        f"{TESTS}::test_the_engine_says_which_dill_fails_and_how_to_mend_it",
    ),
    Fault(
        "every look at the engine tries dill again",
        REGISTRY,
        "@cache\ndef problem_by_value",
        "def problem_by_value",
        f"{TESTS}::test_dill_is_tried_once_in_a_process",
    ),
    Fault(
        "engines that need no dill ask for it",
        REGISTRY,
        'if engine == "multiprocess":',
        'if engine != "serial":',
        f"{TESTS}::test_the_other_engines_do_not_need_dill",
    ),
    Fault(
        "a Python without a GIL blames it",
        "helpers/models/causes.py",
        'if engine == "threads" and locked and computing',
        'if engine == "threads" and computing',
        "tests/toolkit/test_models.py::test_a_python_without_a_gil_does_not_blame_it",
    ),
]
