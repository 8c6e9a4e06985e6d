"""Deliberate faults in the Lock chapter."""

from mutations.fault import Fault

MEASURE, PLOTS, LAB = (f"helpers/course/lock/{name}.py" for name in ("measure", "plots", "lab"))
FIGURES = "tests/course/test_lock_figures.py"
EXERCISES, FIGURES = "helpers/course/lock/exercises.py", "tests/course/test_lock_figures.py"

FAULTS = [
    Fault(
        "wall taken as the first worker's end",
        MEASURE,
        "wall = max(lane.ended for lane in lanes)",
        "wall = min(lane.ended for lane in lanes)",
        f"{FIGURES}::test_a_run_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "times count from the last worker's beginning",
        MEASURE,
        "origin = min(began for began, *_ in replies)",
        "origin = max(began for began, *_ in replies)",
        f"{FIGURES}::test_a_run_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "waiting counted as holding",
        MEASURE,
        "return sum(self.released) - sum(self.got)",
        "return sum(self.released) - sum(self.asked)",
        f"{FIGURES}::test_a_run_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "waiting not taken off the free time",
        MEASURE,
        "self.ended - self.began - self.waiting - self.holding",
        "self.ended - self.began - self.holding",
        f"{FIGURES}::test_a_run_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "lost updates counted the wrong way round",
        MEASURE,
        "return self.expected - self.counted",
        "return self.counted - self.expected",
        f"{FIGURES}::test_the_plain_loop_has_no_lanes_and_updates_lost_are_those_not_counted",
    ),
    Fault(
        "rounds of the speedup unpaired",
        MEASURE,
        "both = sorted(serial.keys() & parallel.keys())",
        "both = sorted(parallel.keys()); serial = dict(zip(both, sorted(serial.values(), reverse=True)))",
        f"{FIGURES}::test_a_sweep_leaves_the_warm_up_out_and_pairs_its_rounds",
    ),
    Fault(
        "the warm-up round counts",
        MEASURE,
        "            if r.round and (r.kind",
        "            if (r.kind",
        f"{FIGURES}::test_a_sweep_leaves_the_warm_up_out_and_pairs_its_rounds",
    ),
    Fault(
        "the ceiling grows with the workers for ever",
        MEASURE,
        "return float(min(bounds))",
        "return float(max(bounds))",
        f"{FIGURES}::test_bounds_of_the_speedup",
    ),
    Fault(
        "the ceiling forgets the CPUs",
        MEASURE,
        'return ceiling(n_workers, share, self.usable_cpus if self.work == "compute" else None)',
        "return ceiling(n_workers, share)",
        f"{FIGURES}::test_the_bounds_name_what_sets_them_and_know_the_cpus",
    ),
    Fault(
        "doubts of the plain loop are not told",
        MEASURE,
        'found += tuple(f"plain loop: {badge}"',
        'tuple(f"plain loop: {badge}"',
        f"{FIGURES}::test_doubts_are_those_of_the_workers_and_of_the_plain_loop",
    ),
    Fault(
        "the picture keeps its doubts to itself",
        PLOTS,
        "doubt = show_doubts(self.ax, sweep.doubts()) if found else None",
        "doubt = None",
        f"{FIGURES}::test_doubts_are_those_of_the_workers_and_of_the_plain_loop",
    ),
    Fault(
        "lanes end before their run in silence",
        PLOTS,
        "self.cut.set_text(describe_cut(run, self.window))",
        "self.cut.set_text('')",
        f"{FIGURES}::test_lanes_that_end_before_the_run_say_so",
    ),
    Fault(
        "the lanes of every lock are equally long",
        PLOTS,
        "seconds * max(WINDOW, SPARE * n_steps * setting.share * setting.locked)",
        "seconds * WINDOW",
        f"{FIGURES}::test_lanes_are_as_long_as_a_quiet_run_whose_steps_sleep",
    ),
    Fault(
        "a gate that nobody waits at",
        "helpers/course/counting/tasks.py",
        "    gate.wait(PATIENCE)\n    target(*args)",
        "    target(*args)",
        "tests/course/test_lock.py::test_nobody_calls_before_all_are_at_the_gate",
    ),
    Fault(
        "hollow and full points swapped",
        PLOTS,
        "((self.full, False), (self.hollow, True))",
        "((self.full, True), (self.hollow, False))",
        f"{FIGURES}::test_points_beyond_the_cpus_are_hollow_where_steps_compute",
    ),
    Fault(
        "lost updates of the last round alone, of those made in all",
        LAB,
        "out_of(sum(lost), made",
        "out_of(lost[-1], made",
        f"{FIGURES}::test_losses_are_those_of_all_counted_rounds",
    ),
    Fault(
        "swapped signs are a matter of locks",
        EXERCISES,
        "if there == expected[::-1]:",
        "if there == expected[:1] * 2:",
        f"{FIGURES}::test_swapped_signs_are_told_from_a_half_transfer",
    ),
    Fault(
        "one of two locks is enough",
        EXERCISES,
        "if min(taken) < 2 * N_TRANSFERS:",
        "if max(taken) < 2 * N_TRANSFERS:",
        f"{FIGURES}::test_transfers_are_judged_by_balances_then_locks_then_both_at_once",
    ),
    Fault(
        "the transfer back is not looked at",
        EXERCISES,
        "if returned != [expected[0] + BACK",
        "if False and returned != [expected[0] + BACK",
        f"{FIGURES}::test_whoever_loses_the_amount_is_not_the_one_that_is_locked_first",
    ),
    Fault(
        "a counter that is overwritten passes for one that is added to",
        EXERCISES,
        "    if total == gain:",
        "    if total == -gain:",
        f"{FIGURES}::test_what_is_wrong_in_one_process_alone_is_no_matter_of_locks",
    ),
    Fault(
        "the message tells the doubts of the most workers alone",
        "helpers/course/lock/lab.py",
        "_say_bounds(sweep, n), say_doubts(sweep.doubts()))",
        "_say_bounds(sweep, n), say_doubts(sweep.doubts(n)))",
        f"{FIGURES}::test_the_message_tells_the_doubts_of_every_number_of_workers_as_its_picture_does",
    ),
    Fault(
        "a process that was seen once stands still",
        "helpers/course/lock/stacks.py",
        "len(stacks) > 1 and stacks[-1] == stacks[-2]",
        "len(stacks) > 0",
        "tests/course/test_lock.py::test_a_process_stands_still_once_it_was_seen_at_one_place_twice",
    ),
]
