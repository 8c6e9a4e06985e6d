"""Faults in the benchmark of the advice: a wrong regret, a wrong best, contenders that do not take turns."""

from mutations.fault import Fault

REGRET, WORKLOADS, T = "benchmarks/regret.py", "benchmarks/workloads.py", "tests/test_regret.py"

FAULTS = [
    Fault(
        "regret as the longer time, not as the lost throughput",
        REGRET,
        "kept = estimate_ratio(best, chosen)",
        "kept = estimate_ratio(chosen, best)",
        f"{T}::test_regret_is_the_share_of_the_best_throughput_that_is_lost",
    ),
    Fault(
        "the ends of the interval the wrong way round",
        REGRET,
        "(100 * (1 - kept.high), 100 * (1 - kept.low))",
        "(100 * (1 - kept.low), 100 * (1 - kept.high))",
        f"{T}::test_regret_is_the_share_of_the_best_throughput_that_is_lost",
    ),
    Fault(
        "a peer counted as a setting that could be advised",
        REGRET,
        "if isinstance(chosen, Setting) and visits}",
        "if visits}",
        f"{T}::test_the_best_is_a_setting_of_ours_and_a_peer_can_be_better",
    ),
    Fault(
        "the best of all taken for the best of those measured",
        REGRET,
        "if among is None or s in among}",
        "if True}",
        f"{T}::test_what_was_not_measured_no_advice_could_have_named",
    ),
    Fault(
        "the best of a round chosen by its own luck",
        REGRET,
        "median(walls[:number] + walls[number + 1 :] or walls))",
        "median(walls))",
        f"{T}::test_the_best_of_a_round_is_chosen_by_the_other_rounds",
    ),
    Fault(
        "start-up left out of the cold figures",
        REGRET,
        "return [visit.cold if cold else visit.wall for visit in visits]",
        "return [visit.wall for visit in visits]",
        f"{T}::test_start_up_counts_in_the_cold_figures_alone",
    ),
    Fault(
        "what fails has no regret",
        REGRET,
        "return Estimate(100.0)",
        "return Estimate(0.0)",
        f"{T}::test_what_fails_has_no_throughput_and_is_not_the_best",
    ),
    Fault(
        "the same setting measured under two names",
        REGRET,
        "min(n_items, chunksize or auto_chunksize(n_items, n_workers))",
        "chunksize or 0",
        f"{T}::test_settings_are_told_by_the_chunk_size_that_they_come_to",
    ),
    Fault(
        "a grid without small chunks",
        REGRET,
        "for chunks in (1, 4, 16))})",
        "for chunks in (1, 4))})",
        f"{T}::test_the_grid_has_every_engine_count_and_chunk_size",
    ),
    Fault(
        "work that waits measured with few workers",
        WORKLOADS,
        "32 if waits else 2",
        "2",
        f"{T}::test_counts_of_the_grid_go_beyond_the_cpus_and_far_for_what_waits",
    ),
    Fault(
        "cheap with its start-up, but not looked at again",
        REGRET,
        "    chosen = []\n    for cold in (False, True):",
        "    chosen = []\n    for cold in (False,):",
        f"{T}::test_only_what_can_be_the_best_is_looked_at_again",
    ),
    Fault(
        "the same contender first in every round",
        REGRET,
        "        dice.shuffle(order)\n",
        "",
        f"{T}::test_contenders_take_turns_and_one_that_fails_is_out",
    ),
    Fault(
        "figures of a contender that failed once",
        REGRET,
        "                visits[name] = []\n",
        "",
        f"{T}::test_contenders_take_turns_and_one_that_fails_is_out",
    ),
    Fault(
        "rounds although there is a budget",
        REGRET,
        '{"budget": BUDGET} if "budget" in inspect',
        '{"budget": BUDGET} if "budgets" in inspect',
        f"{T}::test_the_effort_is_a_budget_where_there_is_one",
    ),
    Fault(
        "the best workload on top",
        REGRET,
        "-outcome.regret(ADVISED).median)",
        "outcome.regret(ADVISED).median)",
        f"{T}::test_rows_begin_with_the_targets_and_the_worst_workload",
    ),
    Fault(
        "no lock around the second loop",
        "benchmarks/tasks/plain.py",
        "fcntl.flock(file, fcntl.LOCK_EX)",
        "fcntl.flock(file, fcntl.LOCK_UN)",
        f"{T}::test_one_lock_is_shared_by_all_who_open_the_file",
    ),
    Fault(
        "a server that outlives who started it",
        "benchmarks/serving.py",
        "    os._exit(0)\n",
        "    pass\n",
        f"{T}::test_the_server_ends_when_who_started_it_is_killed",
    ),
    Fault(
        "the smallest cache taken for the last level",
        WORKLOADS,
        "return max(known, default=CACHE_BYTES)",
        "return min(known, default=CACHE_BYTES)",
        f"{T}::test_the_cache_is_read_where_the_system_tells_it",
    ),
]
