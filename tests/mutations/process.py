"""Deliberate faults in the Process chapter."""

from mutations.fault import Fault

MEASURE, TASKS, PLOTS, LAB = (f"helpers/course/process/{name}.py" for name in ("measure", "tasks", "plots", "lab"))
F, D = "tests/course/test_process_figures.py", "tests/course/test_process_diagrams.py"
DIAGRAMS = "helpers/course/process/diagrams.py"
EXERCISES = "helpers/course/process/exercises.py"

FAULTS = [
    Fault(
        "the start measured from the return of start()",
        TASKS,
        "return returned - called, first_line - called, joined - called",
        "return returned - called, first_line - returned, joined - called",
        f"{F}::test_a_start_counts_from_calling_it",
    ),
    Fault(
        "the wall ends with the first join",
        MEASURE,
        "return max(line.joined for line in self.lines)",
        "return min(line.joined for line in self.lines)",
        f"{F}::test_lives_count_from_the_first_call_and_last_until_the_last_join",
    ),
    Fault(
        "times count from the first line of the first process",
        MEASURE,
        "origin = lines[0].called",
        "origin = lines[0].began or lines[0].called",
        f"{F}::test_lives_count_from_the_first_call_and_last_until_the_last_join",
    ),
    Fault(
        "the first target the shortest",
        MEASURE,
        "range(n_processes, 0, -1) if",
        "range(1, n_processes + 1) if",
        f"{F}::test_targets_are_alike_or_each_next_one_is_a_step_shorter",
    ),
    Fault(
        "the cold start mixed into the others",
        MEASURE,
        "    if number == 0:\n        return replace(costs, cold=",
        "    if number == 0:\n        costs = replace(costs, cold=",
        f"{F}::test_the_cold_round_stands_apart",
    ),
    Fault(
        "the first line and the join swapped",
        MEASURE,
        "for method, _, until_line, until_joined in times:",
        "for method, _, until_joined, until_line in times:",
        f"{F}::test_the_cold_round_stands_apart",
    ),
    Fault(
        "the share of a start of the task alone",
        LAB,
        "percent(cost / (cost + lives.task_seconds), 1)",
        "percent(cost / lives.task_seconds, 1)",
        f"{F}::test_advice_says_which_share_a_start_takes_and_where_it_is_a_tenth",
    ),
    Fault(
        "processes that come up at once are passed over",
        LAB,
        "took < CROWDED * cost",
        "took > CROWDED * cost",
        f"{F}::test_processes_that_come_up_at_once_are_told_beside_a_start_alone",
    ),
    Fault(
        "the lanes keep their doubts to themselves",
        PLOTS,
        "lives.badges if lives is not None else ()",
        "()",
        f"{F}::test_doubts_are_told_under_lanes_and_strip_and_in_the_sentence",
    ),
    Fault(
        "the strip of starts keeps its doubts to itself",
        PLOTS,
        "costs.badges if costs is not None else ()",
        "()",
        f"{F}::test_doubts_are_told_under_lanes_and_strip_and_in_the_sentence",
    ),
    Fault(
        "rounds of starts that differ are no doubt",
        MEASURE,
        "if badges_of_rounds(self.first_line.get(method, ()))]",
        "if method is None]",
        f"{F}::test_doubts_are_told_under_lanes_and_strip_and_in_the_sentence",
    ),
    Fault(
        "a tenth at ten times the start",
        LAB,
        "seconds(9 * cost)",
        "seconds(10 * cost)",
        f"{F}::test_advice_says_which_share_a_start_takes_and_where_it_is_a_tenth",
    ),
    Fault(
        "a process runs until it is joined",
        PLOTS,
        "running.append((lane, line.began, _first(line.ended, line.joined, now)))",
        "running.append((lane, line.began, _first(line.joined, now)))",
        f"{F}::test_lanes_show_coming_up_running_and_not_joined_yet",
    ),
    Fault(
        "dots in seconds",
        PLOTS,
        "values = 1000 * np.array(costs.first_line.get(method, ()))",
        "values = np.array(costs.first_line.get(method, ()))",
        f"{F}::test_dots_are_milliseconds_and_the_median_is_marked",
    ),
    Fault(
        "progress forgets the cold round",
        LAB,
        "done = n_processes + 1 + run.costs.n_rounds",
        "done = n_processes + run.costs.n_rounds",
        f"{F}::test_progress_counts_joins_then_rounds_and_the_cold_one",
    ),
    Fault(
        "what comes back drawn as what goes out",
        DIAGRAMS,
        "start, end = ends if to_right else ends[::-1]",
        "start, end = ends",
        f"{D}::test_a_start_goes_out_and_results_and_the_end_come_back",
    ),
    Fault(
        "one memory shown twice",
        DIAGRAMS,
        '"the new process", CHILD, there)',
        '"the new process", CHILD, here)',
        f"{D}::test_each_process_shows_its_own_memory",
    ),
    Fault(
        "work in the learner's own process counts as a process",
        EXERCISES,
        "    if any(span[0] == pid for span in spans):\n        right = ",
        "    if False:\n        right = ",
        f"{F}::test_a_call_apart_is_one_call_in_another_process",
    ),
    Fault(
        "a target that is called counts as a process",
        EXERCISES,
        'if "caller" in places:',
        'if "nowhere" in places:',
        f"{F}::test_an_end_is_judged_by_where_the_target_ran_and_by_its_word",
    ),
    Fault(
        "two processes at once are enough for three items",
        EXERCISES,
        "require_overlap(spans, len(DELAYS), also",
        "require_overlap(spans, 1, also",
        f"{F}::test_three_items_are_three_processes_at_one_moment_and_results_in_order",
    ),
    Fault(
        "the pid of a short lane left out",
        PLOTS,
        "+ 10 < (start - line.called) * points",
        "+ 10 < 0",
        f"{F}::test_short_lanes_show_the_pid_while_they_come_up_and_the_key_has_the_exit_codes",
    ),
    Fault(
        "a pid that has no room written all the same",
        PLOTS,
        "+ 10 < (start - line.called) * points",
        "+ 10 > 0",
        f"{F}::test_short_lanes_show_the_pid_while_they_come_up_and_the_key_has_the_exit_codes",
    ),
    Fault(
        "the picture of a lab that starts asks to press Run",
        "helpers/labs/base.py",
        "            take_back_invitations(figure)",
        "            pass",
        "tests/contracts/test_labs.py::test_no_picture_asks_for_run_while_it_runs",
    ),
]
