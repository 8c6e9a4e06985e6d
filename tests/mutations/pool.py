"""Deliberate faults in the Pool chapter."""

from mutations.fault import Fault

RUNS, EVEN, PLOTS, LAB, EXERCISES = (
    f"helpers/course/pool/{name}.py" for name in ("runs", "break_even", "plots", "lab", "exercises")
)
F = "tests/course/test_pool_figures.py"

FAULTS = [
    Fault(
        "the bar falls back while the workers start",
        LAB,
        'progress.n_tasks if progress.phase != "serial"',
        'progress.n_tasks if progress.phase == "pool"',
        f"{F}::test_the_bar_never_goes_back_while_the_workers_start",
    ),
    Fault(
        "a grey line that must shrink to fit",
        PLOTS,
        '"each stripe is many tasks" if merged else "",',
        '"each stripe is many tasks" if merged else "neighbours of one shade share a chunk",',
        f"{F}::test_the_grey_lines_stay_as_large_as_other_small_words",
    ),
    Fault(
        "the first pool of a program starts the fork server, too",
        "helpers/course/pool/playing.py",
        "    bring_up_server(multiprocessing.get_context(plan.start_method))\n",
        "",
        "tests/course/test_pool.py::test_no_start_up_holds_that_of_the_fork_server",
    ),
    Fault(
        "up with the first worker instead of the last",
        RUNS,
        "max(stamps.ready) - stamps.asked",
        "min(stamps.ready) - stamps.asked",
        f"{F}::test_a_run_is_read_off_its_stamps",
    ),
    Fault(
        "times count from asking, whatever passed before the tasks came",
        RUNS,
        "origin = stamps.began - startup",
        "origin = stamps.asked",
        f"{F}::test_a_run_is_read_off_its_stamps",
    ),
    Fault(
        "the wall ends with the last task, not with its result in hand",
        RUNS,
        "stamps.ended - stamps.began",
        "max(stamps.board[2 * plan.n_tasks : 3 * plan.n_tasks]) - stamps.began",
        f"{F}::test_a_run_is_read_off_its_stamps",
    ),
    Fault(
        "cold and warm speedup swapped",
        RUNS,
        "return self.cold_gain.median",
        "return self.gain.median",
        f"{F}::test_speedups_with_and_without_start_up",
    ),
    Fault(
        "of several rounds the last one's speedup",
        RUNS,
        "return self.rounds or (",
        "return self.rounds[-1:] or (",
        f"{F}::test_of_several_rounds_the_median_and_its_interval_are_told",
    ),
    Fault(
        "the interval of the loop drawn for the pool",
        PLOTS,
        "[each.startup + each.wall for each in record.all_rounds]",
        "[each.serial for each in record.all_rounds]",
        f"{F}::test_of_several_rounds_the_median_and_its_interval_are_told",
    ),
    Fault(
        "a picture of a pool keeps its doubts to itself",
        PLOTS,
        "show_doubts(ax, record.badges)",
        "show_doubts(ax, ())",
        f"{F}::test_what_is_in_doubt_is_told_in_picture_and_sentence",
    ),
    Fault(
        "the sentence under the lab keeps the doubts to itself",
        LAB,
        "say_slowdown(record.slowdown), say_doubts(record.doubts))",
        "say_slowdown(record.slowdown))",
        f"{F}::test_what_is_in_doubt_is_told_in_picture_and_sentence",
    ),
    Fault(
        "how much longer tasks take side by side, upside down",
        RUNS,
        "return self.run.accounting.working / alone if",
        "return alone / self.run.accounting.working if",
        f"{F}::test_what_efficiency_lacks_beside_working_is_named",
    ),
    Fault(
        "a further round is drawn over the last one",
        PLOTS,
        "for boxes in self.boxes[1:]:",
        "for boxes in self.boxes[3:]:",
        f"{F}::test_a_further_round_shows_nothing_of_the_last_one",
    ),
    Fault(
        "rounds that disagree on the break-even are no doubt",
        EVEN,
        "DISAGREE = 2.0",
        "DISAGREE = 200.0",
        f"{F}::test_the_crossing_of_each_round_tells_how_sure_it_is",
    ),
    Fault(
        "the first arrival counts the start-up",
        RUNS,
        "return min(self.arrived) - self.run.startup",
        "return min(self.arrived)",
        f"{F}::test_speedups_with_and_without_start_up",
    ),
    Fault(
        "cold and warm pool swapped in the break-even",
        EVEN,
        "serial, cold, warm = map(tuple, columns)",
        "serial, warm, cold = map(tuple, columns)",
        f"{F}::test_rows_become_medians_of_each_size",
    ),
    Fault(
        "the crossing on plain axes",
        EVEN,
        "return exp(low + (high - low)",
        "return (self.sizes_ms[place - 1] + self.sizes_ms[place]) / 2 + 0 * exp(low + (high - low)",
        f"{F}::test_the_crossing_is_a_straight_line_on_log_axes",
    ),
    Fault(
        "the first crossing instead of the last",
        EVEN,
        "while place and ratios[place - 1] < 0:",
        "while place and (ratios[place - 1] < 0 or place > 1):",
        f"{F}::test_the_crossing_is_a_straight_line_on_log_axes",
    ),
    Fault(
        "a task that runs ends where it began",
        PLOTS,
        "rows[:, 2] = np.where(running, progress.now,",
        "rows[:, 2] = np.where(running, rows[:, 1],",
        f"{F}::test_a_look_knows_what_is_done_and_what_runs",
    ),
    Fault(
        "idle tails begin with the start-up",
        PLOTS,
        "np.maximum.at(last,",
        "np.minimum.at(last,",
        f"{F}::test_a_run_is_read_off_its_stamps",
    ),
    Fault(
        "advice names the smallest loss",
        LAB,
        "worst = max(lost, key=lost.get)",
        "worst = min(lost, key=lost.get)",
        f"{F}::test_advice_names_what_cost_most",
    ),
    Fault(
        "both long items by one process are fine",
        EXERCISES,
        "if int(item) >= LONG}) < 2",
        "if int(item) >= LONG}) < 1",
        f"{F}::test_answers_are_judged_by_results_calls_and_sharing",
    ),
    Fault(
        "tasks that were quicker in the pool go unnoticed",
        "helpers/course/pool/runs.py",
        "self.slowdown < ALIKE",
        "self.slowdown < 0",
        "tests/course/test_pool_figures.py::test_tasks_that_are_quicker_in_the_pool_than_in_the_loop_are_a_doubt",
    ),
]
