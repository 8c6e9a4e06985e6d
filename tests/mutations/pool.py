"""Deliberate faults in the Pool chapter."""

from mutations.fault import Fault

RUNS, EVEN, PLOTS, LAB, EXERCISES = (
    f"helpers/course/pool/{name}.py" for name in ("runs", "break_even", "plots", "lab", "exercises")
)
F = "tests/course/test_pool_figures.py"

FAULTS = [
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
        "return self.serial / self.run.cold_wall",
        "return self.serial / self.run.wall",
        f"{F}::test_speedups_with_and_without_start_up",
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
]
