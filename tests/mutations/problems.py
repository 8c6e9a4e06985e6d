"""Deliberate faults in what a sweep does with items that change and with pairs that fail."""

from mutations.fault import Fault

T = "tests/toolkit/test_problems.py"
PLAYING = "helpers/measure/playing.py"

FAULTS = [
    Fault(
        "items changed in place are those of the next visit",
        PLAYING,
        "        items = pickle.loads(packed_items)\n        batch, badges",
        "        items = items if expected else pickle.loads(packed_items)\n        batch, badges",
        f"{T}::test_a_task_that_changes_its_items_has_the_same_work_in_every_visit",
    ),
    Fault(
        "changed items are not told",
        PLAYING,
        "badges + of_items)",
        "badges)",
        f"{T}::test_a_function_that_changes_its_items_is_told_in_table_badges_and_doubts",
    ),
    Fault(
        "items that cannot be compared are called changed",
        PLAYING,
        "is_same(one, other) and not is_same(used, one)",
        "not is_same(used, one)",
        f"{T}::test_items_that_nobody_changed_are_not_called_changed",
    ),
    Fault(
        "every item is compared one by one",
        PLAYING,
        "fresh[block])), MANY))",
        "fresh[block])), None))",
        f"{T}::test_looking_for_changes_looks_at_few_items_one_by_one",
    ),
]
