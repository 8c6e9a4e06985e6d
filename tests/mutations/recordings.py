"""Deliberate faults in the recordings of other machines."""

from mutations.fault import Fault

SHIPPED, COMMAND, MODEL = "helpers/records/shipped.py", "helpers/recordings.py", "helpers/machine/processor.py"
T = "tests/toolkit/test_recordings.py"

FAULTS = [
    Fault(
        "the machine with the fewest CPUs comes first",
        SHIPPED,
        "(-recording.usable_cpus, recording.name)",
        "(recording.usable_cpus, recording.name)",
        f"{T}::test_the_machine_with_the_most_cpus_comes_first",
    ),
    Fault(
        "as many items for many workers as for few",
        COMMAND,
        "self.items_a_worker * max(counts)",
        "self.items_a_worker * min(counts)",
        f"{T}::test_items_grow_with_the_most_workers",
    ),
    Fault(
        "more workers than the system allows",
        COMMAND,
        "min(count, most) for count in wanted",
        "count for count in wanted",
        f"{T}::test_worker_counts_are_powers_of_two_and_twice_the_cpus_within_the_limit",
    ),
    Fault(
        "a recording that was stopped is in no doubt",
        COMMAND,
        "if doubts or not one.complete:",
        "if doubts:",
        f"{T}::test_what_is_in_doubt_is_told_by_workload",
    ),
    Fault(
        "a model with a slash could be taken for a path",
        MODEL,
        'name.replace("/", " ")',
        "name",
        f"{T}::test_the_model_of_the_cpu_is_read_from_the_kernels_list",
    ),
    Fault(
        "a workload with a problem is recorded",
        COMMAND,
        "if result.problems:",
        "if not result.runs:",
        f"{T}::test_a_workload_that_has_a_problem_is_not_recorded",
    ),
]
