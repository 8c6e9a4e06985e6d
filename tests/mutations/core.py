"""Deliberate faults in the measuring core: records, engines, measure, models, runner, worker."""

from mutations.fault import Fault

F, R = "tests/toolkit/test_figures.py", "tests/toolkit/test_runner.py"
ACCOUNTS, SWEEPS, RUNS = (f"helpers/records/{name}.py" for name in ("accounts", "sweeps", "runs"))
BASE, MODELS = "helpers/engines/base.py", "helpers/models.py"
BADGES, MEASURE = "helpers/measure/badges.py", "helpers/measure/sweeps.py"

FAULTS = [
    # accounts
    Fault(
        "idle tail and waiting swapped in the account of chunks",
        ACCOUNTS,
        "return Accounting(startup * n_workers, in_chunks - working, waiting, working, idle_tail)",
        "return Accounting(startup * n_workers, in_chunks - working, idle_tail, working, waiting)",
        f"{F}::test_account_of_chunks",
    ),
    Fault(
        "idle tail and waiting swapped in the account of tasks",
        ACCOUNTS,
        "return Accounting(startup * n_workers, transfer, waiting, working, idle_tail)",
        "return Accounting(startup * n_workers, transfer, idle_tail, working, waiting)",
        f"{F}::test_account_of_tasks",
    ),
    Fault(
        "transfer and waiting swapped in the account of tasks",
        ACCOUNTS,
        "if last_chunk.get(worker) == chunk:",
        "if last_chunk.get(worker) != chunk:",
        f"{F}::test_account_of_tasks",
    ),
    Fault(
        "a worker without a chunk is forgotten",
        ACCOUNTS,
        "idle_tail += wall * (n_workers - len(ends))",
        "idle_tail += 0 * (n_workers - len(ends))",
        f"{F}::test_account_of_chunks",
    ),
    Fault(
        "idle tail from the first chunk's end on",
        ACCOUNTS,
        "ends[worker] = max(done, ends.get(worker, done))",
        "ends[worker] = min(done, ends.get(worker, done))",
        f"{F}::test_account_of_chunks",
    ),
    Fault(
        "start-up of one worker only",
        ACCOUNTS,
        "return Accounting(startup * n_workers, in_chunks",
        "return Accounting(startup, in_chunks",
        f"{F}::test_account_of_chunks",
    ),
    # walls and start-up
    Fault(
        "start-up measured from the return of the start",
        BASE,
        "self.startup = perf_counter() - self.asked",
        "self.startup = perf_counter() - perf_counter()",
        f"{F}::test_start_up_counts_from_asking_and_the_wall_to_the_last_result",
    ),
    Fault(
        "the wall ends when the chunks are handed over",
        BASE,
        "wall = perf_counter() - began",
        "wall = handed[0][1] - began",
        f"{F}::test_start_up_counts_from_asking_and_the_wall_to_the_last_result",
    ),
    Fault(
        "times of the timeline count from handing over",
        BASE,
        "began - startup, many",
        "began, many",
        f"{F}::test_replies_become_a_timeline_an_account_and_cpu_seconds",
    ),
    Fault(
        "CPU time shared out evenly instead of by duration, by numpy",
        RUNS,
        "(lasted * (cpu / busy if busy > 0 else 0.0))",
        "(lasted * 0 + cpu / len(lasted))",
        f"{F}::test_replies_become_a_timeline_an_account_and_cpu_seconds",
    ),
    Fault(
        "cold wall without the start-up",
        RUNS,
        "return self.startup + self.wall",
        "return self.wall",
        f"{F}::test_start_up_counts_from_asking_and_the_wall_to_the_last_result",
    ),
    Fault(
        "a task's end stamped before it runs",
        "helpers/tasks/worker.py",
        "            value = func(item)\n",
        "            end(clock()); value = func(item)\n",
        f"{F}::test_each_task_is_stamped_before_and_after",
    ),
    Fault(
        "the board says the item before",
        "helpers/tasks/worker.py",
        "board[slot] = at\n",
        "board[slot] = at - 1\n",
        f"{F}::test_each_task_is_stamped_before_and_after",
    ),
    # speedups and estimates
    Fault(
        "cold and warm speedup swapped",
        SWEEPS,
        "[r.cold_wall if cold else r.wall for r in runs])\n\n    def badges",
        "[r.wall if cold else r.cold_wall for r in runs])\n\n    def badges",
        f"{F}::test_speedup_is_the_ratio_of_medians_over_common_rounds",
    ),
    Fault(
        "the serial baseline of other rounds",
        SWEEPS,
        "estimate_ratio([serial[r.round] for r in runs]",
        "estimate_ratio([max(serial.values()) for r in runs]",
        f"{F}::test_speedup_is_the_ratio_of_medians_over_common_rounds",
    ),
    Fault(
        "the warm-up round counts",
        SWEEPS,
        "and (warmup or not r.warmup)",
        "and (warmup or not r.warmup or True)",
        f"{F}::test_speedup_is_the_ratio_of_medians_over_common_rounds",
    ),
    Fault(
        "rounds drawn unpaired",
        "helpers/records/estimates.py",
        "ratios = ratios / np.median(np.asarray(below, float)[draws], axis=1)",
        "ratios = ratios / np.median(np.asarray(below, float)[draws[::-1]], axis=1)",
        f"{F}::test_rounds_are_drawn_in_pairs",
    ),
    Fault(
        "an interval of 50 % called one of 95 %",
        "helpers/records/estimates.py",
        "np.percentile(ratios, (2.5, 97.5))",
        "np.percentile(ratios, (25, 75))",
        f"{F}::test_interval_holds_the_middle_95_per_cent",
    ),
    # badges
    Fault(
        "busy-machine badge never given",
        BADGES,
        "others > OTHERS_CPUS and others + n_workers > logical_cpus + SPARE_CPUS",
        "False",
        f"{F}::test_badge_of_a_busy_machine",
    ),
    Fault(
        "CPU time of worker processes taken for that of others",
        BADGES,
        "ours = after.own - before.own + workers_cpu",
        "ours = after.own - before.own",
        f"{F}::test_badge_of_a_busy_machine",
    ),
    Fault(
        "throttling badge inverted",
        BADGES,
        "after.throttled > before.throttled",
        "after.throttled <= before.throttled",
        f"{F}::test_badge_of_throttling",
    ),
    Fault(
        "too short below 100 ms",
        BADGES,
        "TOO_SHORT, TOO_SHORT_FOR_LOAD = 0.001, 0.1",
        "TOO_SHORT, TOO_SHORT_FOR_LOAD = 0.1, 0.1",
        f"{F}::test_badge_of_a_run_too_short_to_time",
    ),
    Fault(
        "as many workers as CPUs are marked",
        BADGES,
        "n_workers > usable_cpus",
        "n_workers >= usable_cpus",
        f"{F}::test_badge_of_more_workers_than_cpus",
    ),
    Fault(
        "unsteady above 50 % only",
        SWEEPS,
        "UNSTEADY_SHARE, WIDE_SHARE, IMPOSSIBLE = 0.1,",
        "UNSTEADY_SHARE, WIDE_SHARE, IMPOSSIBLE = 0.5,",
        f"{F}::test_badge_of_unsteady_rounds",
    ),
    Fault(
        "doubts of the serial loop are kept quiet",
        SWEEPS,
        'if engine != "serial" and self.runs_of("serial", 1):',
        'if engine == "nobody":',
        f"{F}::test_doubts_of_the_serial_loop_are_those_of_every_speedup",
    ),
    Fault(
        "a wide interval is no doubt",
        SWEEPS,
        "IMPOSSIBLE = 0.1, 0.25, 1.15",
        "IMPOSSIBLE = 0.1, 0.9, 1.15",
        f"{F}::test_badge_of_a_wide_interval_and_of_a_speedup_that_cannot_be",
    ),
    # a sweep on its way
    Fault(
        "time left without start-up",
        MEASURE,
        "latest = {run.pair: run.cold_wall for run in runs}",
        "latest = {run.pair: run.wall for run in runs}",
        f"{F}::test_time_left_is_what_the_pairs_took_last",
    ),
    Fault(
        "time left by the oldest run of each pair",
        MEASURE,
        "latest = {run.pair: run.cold_wall for run in runs}",
        "latest = {run.pair: run.cold_wall for run in reversed(runs)}",
        f"{F}::test_time_left_is_what_the_pairs_took_last",
    ),
    Fault(
        "the warm-up round does not begin with the serial loop",
        MEASURE,
        "mixed.insert(0 if number == 0 else",
        "mixed.insert(1 if number == 0 else",
        f"{F}::test_plan_has_the_serial_loop_in_every_round_and_first_of_all",
    ),
    Fault(
        "a dead thread is blamed on the item of the first slot",
        MEASURE,
        'last = error.last_task if visit[1] == "serial" else None',
        "last = error.last_task",
        f"{F}::test_a_death_is_explained_by_the_item_the_loop_was_at",
    ),
    # advice
    Fault(
        "20 % less is as good",
        MODELS,
        "AS_GOOD = 0.95",
        "AS_GOOD = 0.8",
        f"{F}::test_fewer_workers_within_5_per_cent_of_the_best_are_as_good",
    ),
    Fault(
        "parallel advised while the interval includes 1",
        MODELS,
        "evidence.low <= 1:",
        "evidence.high <= 1:",
        f"{F}::test_advice_is_serial_while_the_interval_includes_1",
    ),
    Fault(
        "the slower engine to start is advised",
        MODELS,
        "cold=True).median)\n\n\ndef _why_not_parallel",
        "cold=False).median)\n\n\ndef _why_not_parallel",
        f"{F}::test_of_two_engines_as_good_the_quicker_to_start_is_advised",
    ),
    Fault(
        "start-up that eats the gain is not told",
        MODELS,
        "if cold.low is not None and cold.low <= 1:",
        "if cold.low is not None and cold.low <= 0:",
        f"{F}::test_advice_tells_what_start_up_leaves_of_the_gain",
    ),
    Fault(
        "the smallest loss is named as the cause",
        MODELS,
        "cause = max(losses, key=losses.get)",
        "cause = min(losses, key=losses.get)",
        f"{F}::test_advice_names_the_largest_loss",
    ),
    # the runner
    Fault(
        "an early Stop is forgotten",
        "helpers/runner/handle.py",
        "            if kind == _STOP:\n                raise Stopped()\n",
        "            if kind == _STOP:\n                continue\n",
        f"{R}::test_a_stop_before_the_first_record_is_not_forgotten",
    ),
    Fault(
        "a runner is kept after a play that did not end",
        "helpers/runner/handle.py",
        "        if finished:\n            give_back(runner)\n        else:\n            runner.kill()\n",
        "        give_back(runner)\n",
        f"{R}::test_nothing_is_kept_of_a_runner_whose_play_did_not_end",
    ),
    Fault(
        "Stop reaches the caller as an error",
        "helpers/runner/handle.py",
        "    except Stopped:\n        pass\n    finally:",
        "    finally:",
        f"{R}::test_a_stop_before_the_first_record_is_not_forgotten",
    ),
]
