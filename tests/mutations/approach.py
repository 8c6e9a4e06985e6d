"""Deliberate faults in the chapter on approaches."""

from mutations.fault import Fault

TASKS, SERVER, RUNS, PLAYING, MEASURE, CLAIMS_FILE, PLOTS = (
    f"helpers/course/approach/{name}.py"
    for name in ("tasks", "server", "runs", "playing", "measure", "claims", "plots")
)
F = "tests/course/test_approach_figures.py"
T = "tests/course/test_approach.py"

FAULTS = [
    Fault(
        "the start of workers counts in a warm speedup",
        RUNS,
        "run.cold_wall if cold else run.wall",
        "run.cold_wall",
        f"{F}::test_a_speedup_is_the_ratio_of_medians_warm_and_cold",
    ),
    Fault(
        "the warm-up counts",
        RUNS,
        "run.engine == approach and run.round > 0]",
        "run.engine == approach]",
        f"{F}::test_only_rounds_with_both_count_and_never_the_warm_up",
    ),
    Fault(
        "cores without the seconds that they took",
        RUNS,
        "median(run.cpu / run.wall for run in runs)",
        "median(run.cpu for run in runs)",
        f"{F}::test_cores_are_cpu_seconds_over_wall",
    ),
    Fault(
        "each batch of workers weighs all those before it, too",
        RUNS,
        "in pairwise(steps))",
        "in ((steps[0], step) for step in steps[1:]))",
        f"{F}::test_weights_are_steps_of_the_memory_over_the_workers",
    ),
    Fault(
        "a weight that is smaller than its noise is told",
        RUNS,
        "bool(self.each) and median(self.each) > self.noise",
        "bool(self.each)",
        f"{F}::test_weights_are_steps_of_the_memory_over_the_workers",
    ),
    Fault(
        "what waits is faster than CPUs can be",
        RUNS,
        "if estimate is None or kind in WAITING_KINDS:",
        "if estimate is None:",
        f"{F}::test_doubts_are_of_both_sides_and_of_what_cannot_be",
    ),
    Fault(
        "doubts of the serial loop are not those of the speedup",
        RUNS,
        "for side in (0, 1)]",
        "for side in (1,)]",
        f"{F}::test_doubts_are_of_both_sides_and_of_what_cannot_be",
    ),
    Fault(
        "a doubtful figure decides as any other",
        RUNS,
        "margin = CLEAR if doubts else",
        "margin = LEVEL if doubts else",
        f"{F}::test_a_figure_lies_beside_a_line_only_where_it_is_clear_of_it",
    ),
    Fault(
        "a doubtful figure is level",
        RUNS,
        'return "level" if line == 1.0 and not doubts and',
        'return "level" if line == 1.0 and',
        f"{F}::test_a_figure_lies_beside_a_line_only_where_it_is_clear_of_it",
    ),
    Fault(
        "only the leader is best, though others are as fast",
        RUNS,
        "if not is_clear(leader, estimate))",
        "if estimate is leader)",
        f"{F}::test_the_best_are_all_that_nobody_is_clearly_ahead_of",
    ),
    Fault(
        "the loop is best where nobody can tell",
        RUNS,
        "if lie and all(lie.values()) else ()",
        "if lie else ()",
        f"{F}::test_the_best_are_all_that_nobody_is_clearly_ahead_of",
    ),
    Fault(
        "a cell that failed keeps its figures",
        RUNS,
        "        if self.trouble(kind, approach):\n            return []\n",
        "",
        f"{F}::test_a_trouble_takes_the_figures_of_a_cell_and_counts_as_done",
    ),
    Fault(
        "a cell that was given up is never done",
        RUNS,
        "n_runs + len(given_up) * (self.repeats + 1)",
        "n_runs",
        f"{F}::test_a_trouble_takes_the_figures_of_a_cell_and_counts_as_done",
    ),
    Fault(
        "processes wait in numbers, too",
        RUNS,
        'WAIT_TOGETHER = ("threads", "asyncio")',
        'WAIT_TOGETHER = ("threads", "asyncio", "processes")',
        f"{F}::test_only_what_costs_little_waits_in_numbers",
    ),
    Fault(
        "the warm-up begins with anything",
        PLAYING,
        '                mixed.sort(key=lambda approach: approach != "serial")\n',
        '                mixed.sort(key=lambda approach: approach == "serial")\n',
        f"{F}::test_every_pair_is_visited_once_a_round_and_the_loop_leads_the_warm_up",
    ),
    Fault(
        "the loop suits waiting as soon as one approach is not faster",
        CLAIMS_FILE,
        '    for where, told in seen:\n        if where == "above":\n            return FAILS, told\n    if all(',
        "    if any(",
        f"{F}::test_a_claim_is_judged_by_its_figure",
    ),
    Fault(
        "tiny tasks judged the wrong way round",
        CLAIMS_FILE,
        'faster("tiny", "processes", faster=FAILS, slower=HOLDS)',
        'faster("tiny", "processes")',
        f"{F}::test_a_claim_is_judged_by_its_figure",
    ),
    Fault(
        "all cores are used at any speedup",
        CLAIMS_FILE,
        "ALL_CORES * cpus)",
        "1.0)",
        f"{F}::test_a_claim_is_judged_by_its_figure",
    ),
    Fault(
        "cores are judged on one CPU",
        CLAIMS_FILE,
        "if record.usable_cpus >= 2 else",
        "if record.usable_cpus >= 1 else",
        f"{F}::test_on_one_cpu_nothing_is_said_of_cores",
    ),
    Fault(
        "a starved event loop proves that it uses one core",
        CLAIMS_FILE,
        "if doubts and cores <= ONE_CORE:",
        "if False:",
        f"{F}::test_asyncio_uses_one_core_by_the_cpus_it_keeps_busy",
    ),
    Fault(
        "a little more memory is far more",
        CLAIMS_FILE,
        "if one > MORE_MEMORY * two else",
        "if one > two else",
        f"{F}::test_memory_is_compared_where_both_figures_are_told",
    ),
    Fault(
        "memory that cannot be told is compared",
        CLAIMS_FILE,
        "if weight is None or not weight.told:",
        "if weight is None:",
        f"{F}::test_memory_is_compared_where_both_figures_are_told",
    ),
    Fault(
        "dark text on dark cells",
        PLOTS,
        'return "white" if 1.05',
        'return "black" if 1.05',
        f"{F}::test_colours_run_from_red_over_white_to_blue_and_text_stays_readable",
    ),
    Fault(
        "faster is red",
        PLOTS,
        "0.5 + 0.5 * min(",
        "0.5 - 0.5 * min(",
        f"{F}::test_colours_run_from_red_over_white_to_blue_and_text_stays_readable",
    ),
    Fault(
        "no cell is hatched",
        PLOTS,
        "    if doubted:\n        hatched",
        "    if False:\n        hatched",
        f"{F}::test_the_picture_hatches_what_is_in_doubt_and_says_why",
    ),
    Fault(
        "what is not clear is not spoken of",
        PLOTS,
        "[open_ones] if unclear else []",
        "[open_ones] if False else []",
        f"{F}::test_the_message_names_the_best_and_what_is_not_clear",
    ),
    Fault(
        "workers are those of computing work in every cell",
        PLOTS,
        "n_workers = count_workers(kind, approach, record.n_workers, record.n_waiting)",
        "n_workers = record.n_workers",
        f"{F}::test_a_cell_has_its_speedup_interval_and_workers",
    ),
]
