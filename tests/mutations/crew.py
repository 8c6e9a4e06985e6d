"""Deliberate faults in the crew."""

from mutations.fault import Fault

CREW, T = "helpers/tasks/crew.py", "tests/toolkit/test_crew.py"

FAULTS = [
    Fault(
        "replies in the order in which they come",
        CREW,
        "return [replies[number] for number in waited]",
        "return list(replies.values())[::-1]",
        f"{T}::test_members_come_up_answer_in_order_and_are_gone",
    ),
    Fault(
        "questions go to the wrong members",
        CREW,
        "for number, question in enumerate(questions):",
        "for number, question in enumerate(reversed(questions)):",
        f"{T}::test_members_come_up_answer_in_order_and_are_gone",
    ),
    Fault(
        "nobody is killed",
        CREW,
        "                process.kill()\n",
        "                pass\n",
        f"{T}::test_a_member_that_ignores_its_end_is_killed",
    ),
    Fault(
        "a call that was cut is taken for the reason",
        CREW,
        'not in ("returned", "cut")',
        'not in ("returned",)',
        f"{T}::test_calls_side_by_side_tell_how_they_ended",
    ),
    Fault(
        "calls side by side begin as they come",
        CREW,
        "    if link.recv() is None:\n        return\n    try:\n        reply",
        "    try:\n        reply",
        f"{T}::test_calls_side_by_side_begin_when_all_are_up_and_the_deadline_begins_then",
    ),
]
