"""Deliberate faults in the base of labs, in SpeedupLab, and in the pictures of sweeps and runs."""

from mutations.fault import Fault

T = "tests/toolkit/test_labs_figures.py"
BASE, LAB = "helpers/labs/base.py", "helpers/labs/speedup.py"
SPEEDUP, TIMELINE = "helpers/plots/speedup.py", "helpers/plots/timeline.py"

FAULTS = [
    # the lab
    Fault(
        "wrong time left shown",
        LAB,
        'left = f", {seconds_left:.0f} s left"',
        'left = f", {total - done:.0f} s left"',
        f"{T}::test_progress_says_runs_and_seconds_left",
    ),
    Fault(
        "time left shown at the end",
        LAB,
        "if seconds_left is not None and done < total else",
        "if seconds_left is not None else",
        f"{T}::test_progress_says_runs_and_seconds_left",
    ),
    Fault(
        "the timeline of the settings before stays",
        LAB,
        "self._last_run, self._seen = None, set()",
        "self._seen = set()",
        f"{T}::test_a_new_sweep_shows_nothing_of_the_last_one",
    ),
    Fault(
        "serial preferred in the timeline",
        LAB,
        'return run.engine not in ("serial", "threads"), run.engine != "serial", run.n_workers',
        'return run.engine in ("serial", "threads"), run.engine != "serial", run.n_workers',
        f"{T}::test_processes_are_worth_more_to_see_than_threads_and_those_more_than_the_loop",
    ),
    Fault(
        "the first point waits for a counted round",
        LAB,
        'self._seen.add("warm-up")',
        "pass",
        f"{T}::test_the_first_point_is_news_and_so_is_each_first_counted_point",
    ),
    Fault(
        "the warm-up is not told",
        LAB,
        "if parallel_pairs(sweep) or not plots.provisional_points(sweep):",
        "if parallel_pairs(sweep) or plots.provisional_points(sweep):",
        f"{T}::test_the_warm_up_is_in_no_advice_and_no_alt_text "
        f"{T}::test_progress_and_the_warm_up_are_told_while_it_runs",
    ),
    Fault(
        "worker counts offered end at the CPUs",
        LAB,
        "beyond = {-(-3 * usable // 2), 2 * usable}",
        "beyond = set()",
        f"{T}::test_worker_choices_reach_twice_the_usable_cpus",
    ),
    Fault(
        "green bar after a failure",
        BASE,
        "over = self.error is None and not self._stopping",
        "over = not self._stopping",
        f"{T}::test_a_run_that_failed_is_not_green_and_says_why",
    ),
    Fault(
        "green bar after a stop",
        BASE,
        "over = self.error is None and not self._stopping",
        "over = self.error is None",
        f"{T}::test_a_run_that_was_stopped_or_interrupted_is_not_green",
    ),
    Fault(
        "green bar after a defect of the lab",
        BASE,
        "except Exception as error:  # also a defect of the lab itself",
        "except (HelpersError, TimeoutError) as error:  # also a defect of the lab itself",
        f"{T}::test_a_run_that_failed_is_not_green_and_says_why",
    ),
    Fault(
        "advice after a failure",
        BASE,
        "if self.error is None:\n                self._say(self._advice())",
        "if True:\n                self._say(self._advice())",
        f"{T}::test_a_run_that_failed_is_not_green_and_says_why",
    ),
    Fault(
        "a stop before the runner exists is forgotten",
        BASE,
        "        self._runner = playing\n        if self._stopping:",
        "        self._runner = playing\n        if False:",
        f"{T}::test_a_stop_before_the_runner_exists_reaches_it",
    ),
    Fault(
        "the stop before is not forgotten by the next run",
        BASE,
        "self.error, self._stopping = None, False",
        "self.error = None",
        f"{T}::test_a_stop_before_the_runner_exists_reaches_it",
    ),
    Fault(
        "the last picture is not sharp",
        BASE,
        "self._show_printed(printed)\n            self._show_picture(REST_SCALE)",
        "self._show_printed(printed)\n            self._show_picture(LIVE_SCALE)",
        f"{T}::test_pictures_are_plain_while_it_runs_and_sharp_at_rest",
    ),
    # the speedup picture
    Fault(
        "provisional points with the start-up",
        SPEEDUP,
        "walls = parallel_pairs(sweep), {run.pair: run.wall for run in runs}",
        "walls = parallel_pairs(sweep), {run.pair: run.cold_wall for run in runs}",
        f"{T}::test_provisional_points_are_the_ratios_of_the_warm_up",
    ),
    Fault(
        "provisional points upside down",
        SPEEDUP,
        "serial / walls[engine, n]",
        "walls[engine, n] / serial",
        f"{T}::test_provisional_points_are_the_ratios_of_the_warm_up",
    ),
    Fault(
        "provisional points stay beside counted ones",
        SPEEDUP,
        "(engine, n) in walls and (engine, n) not in counted",
        "(engine, n) in walls",
        f"{T}::test_counted_points_take_the_place_of_provisional_ones",
    ),
    Fault(
        "the warm-up round counts",
        "helpers/models.py",
        'if run.engine != "serial" and not run.warmup and run.round in serial}',
        'if run.engine != "serial"}',
        f"{T}::test_the_warm_up_is_in_no_advice_and_no_alt_text",
    ),
    Fault(
        "provisional points look as if they counted",
        SPEEDUP,
        '"mec": paler(colour, 0.45)',
        '"mec": colour',
        f"{T}::test_provisional_points_are_hollow_pale_and_say_so",
    ),
    Fault(
        "nothing says that provisional points do not count",
        SPEEDUP,
        'NOT_COUNTED if pale else ""',
        '""',
        f"{T}::test_provisional_points_are_hollow_pale_and_say_so",
    ),
    Fault(
        "points with as many workers as CPUs are hollow",
        SPEEDUP,
        "beyond = n > (cpus or np.inf)",
        "beyond = n >= (cpus or np.inf)",
        f"{T}::test_more_workers_than_cpus_are_hollow_but_not_pale",
    ),
    Fault(
        "doubt not shown",
        SPEEDUP,
        'return f"in doubt: {max(doubts, key=doubts.count)}" if doubts else ""',
        'return ""',
        f"{T}::test_the_doubt_that_most_pairs_share_is_shown",
    ),
    Fault(
        "the line with start-up leaves the start-up out",
        SPEEDUP,
        "np.median([run.cold_wall for run in runs])",
        "np.median([run.wall for run in runs])",
        f"{T}::test_points_are_the_ratios_of_medians_with_and_without_start_up",
    ),
    Fault(
        "the alt text begins with the slowest engine",
        SPEEDUP,
        "sorted(pairs, key=medians.get, reverse=True)",
        "sorted(pairs, key=medians.get)",
        f"{T}::test_the_alt_text_names_the_best_count_of_each_engine_best_engine_first",
    ),
    # the timeline
    Fault(
        "start-up left out of the timeline's length",
        TIMELINE,
        "end = run.cold_wall",
        "end = run.wall",
        f"{T}::test_the_timeline_shows_start_up_tasks_and_idle_tails_where_they_were",
    ),
    Fault(
        "the idle tail begins with the last task",
        TIMELINE,
        "last[some] = stop[(first + tasks - 1)[some]]",
        "last[some] = start[(first + tasks - 1)[some]]",
        f"{T}::test_the_timeline_shows_start_up_tasks_and_idle_tails_where_they_were",
    ),
    Fault(
        "a worker without a task has no idle tail",
        TIMELINE,
        "last = np.full(run.n_workers, run.startup, float)",
        "last = np.full(run.n_workers, run.cold_wall, float)",
        f"{T}::test_a_worker_without_a_task_idles_from_its_start_on",
    ),
    Fault(
        "stripes run over gaps",
        TIMELINE,
        "(start[1:] - stop[:-1] > 2 * end / limit) | ",
        "",
        f"{T}::test_very_many_tasks_become_stripes_that_keep_a_gap_that_is_seen",
    ),
    Fault(
        "shares that do not add up to 100",
        TIMELINE,
        "return whole_percents(run.accounting.shares())",
        "return {name: int(100 * share) for name, share in run.accounting.shares().items()}",
        f"{T}::test_the_shares_of_the_timeline_add_up_to_100",
    ),
    Fault(
        "waiting and transfer swapped in the bars",
        TIMELINE,
        '    "transfer": "transfer",\n    "waiting": "waiting",',
        '    "transfer": "waiting",\n    "waiting": "transfer",',
        f"{T}::test_the_shares_of_the_timeline_add_up_to_100",
    ),
]
