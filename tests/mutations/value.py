"""Deliberate faults in the Value chapter; most of its figures are those of counting together."""

from mutations.fault import Fault

EXERCISES, FIGURES = "helpers/course/value/exercises.py", "tests/course/test_value_figures.py"

DIAGRAMS = "tests/course/test_diagrams.py"

FAULTS = [
    Fault(
        "no arrow leads back from the worker",
        "helpers/course/value/diagrams.py",
        '(WORKER[0] - 0.08, y), HERE, both=True, gid="message")',
        '(WORKER[0] - 0.08, y), HERE, gid="message")',
        f"{DIAGRAMS}::test_data_lies_where_it_lies_and_copies_are_only_where_there_are_any",
    ),
    Fault(
        "doubts are told only where a way is the fastest",
        "helpers/course/value/lab.py",
        "say_doubts(name_doubts(counts)))",
        'say_doubts(name_doubts(counts)) if fastest else "")',
        "tests/course/test_counting_figures.py::test_doubts_are_told_where_no_way_is_called_the_fastest",
    ),
    Fault(
        "the argument's copy is drawn as the data itself",
        "helpers/course/value/diagrams.py",
        "_draw_data(ax, _middle_of(WORKER), y, copy=True)",
        "_draw_data(ax, _middle_of(WORKER), y)",
        f"{DIAGRAMS}::test_data_lies_where_it_lies_and_copies_are_only_where_there_are_any",
    ),
    Fault(
        "half of the updates are enough",
        EXERCISES,
        "expected = N_WORKERS * n_updates",
        "expected = n_updates",
        f"{FIGURES}::test_a_counter_is_judged_by_the_updates_of_both_processes",
    ),
    Fault(
        "one lost update is not noticed",
        EXERCISES,
        "if growth < expected:",
        "if growth < expected - 1:",
        f"{FIGURES}::test_a_counter_is_judged_by_the_updates_of_both_processes",
    ),
    Fault(
        "too many updates are not noticed",
        EXERCISES,
        'more than {expected:,}." if growth > expected else ""',
        'more than {expected:,}." if growth > 2 * expected else ""',
        f"{FIGURES}::test_a_counter_is_judged_by_the_updates_of_both_processes",
    ),
    Fault(
        "a counter that was set counts as one that lost updates",
        EXERCISES,
        "    if growth < 0:\n",
        "    if growth < -expected - 1000:\n",
        f"{FIGURES}::test_a_counter_is_judged_by_the_updates_of_both_processes",
    ),
    Fault(
        "a fill that does half of the work itself passes",
        EXERCISES,
        "    if pid in pids:\n",
        "    if not pids:\n",
        f"{FIGURES}::test_two_other_processes_fill_the_block_at_the_same_time",
    ),
    Fault(
        "a place that nobody wrote to passes",
        EXERCISES,
        "    if values != expected:\n",
        "    if sum(values) > sum(expected):\n",
        f"{FIGURES}::test_a_place_that_nobody_wrote_to_is_named",
    ),
    Fault(
        "a part that takes longer than the whole is no doubt",
        "helpers/course/value/timing.py",
        "min(times[part]) > min(times[whole])",
        "min(times[part]) > max(times[whole])",
        f"{FIGURES}::test_times_are_in_doubt_where_rounds_differ_or_a_part_takes_longer_than_the_whole",
    ),
    Fault(
        "best against best is the most that the timings allow",
        "helpers/course/value/timing.py",
        "best, least, most = min(longer) / min(shorter)",
        "best, least, most = max(longer) / min(shorter)",
        f"{FIGURES}::test_how_many_times_as_long_is_told_by_the_best_times_and_their_range",
    ),
    Fault(
        "heat flows from three neighbours and the place itself",
        "helpers/course/value/arrays.py",
        "now[first:last, :-2], now[first:last, 2:]",
        "now[first:last, :-2], now[first:last, 1:-1]",
        f"{FIGURES}::test_heat_flows_from_the_four_neighbours_into_the_rows_that_are_asked_for",
    ),
]
