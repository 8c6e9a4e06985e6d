"""Deliberate faults in the chapter about workers."""

from mutations.fault import Fault

LOSSES, CHUNKS, CEILING, PLOTS, WINNERS, MAP = (
    f"helpers/course/workers/{name}.py" for name in ("losses", "chunks", "ceiling", "plots", "winners", "winners_plot")
)
F = "tests/course/test_workers_figures.py"

FAULTS = [
    Fault(
        "more is slower than the tasks took longer",
        LOSSES,
        "slower = min(more, max(0.0, cpu - cpu_alone))",
        "slower = max(0.0, cpu - cpu_alone)",
        f"{F}::test_cpu_seconds_never_make_more_slower_than_the_tasks_took_longer",
    ),
    Fault(
        "what is held up counts as slower, too",
        LOSSES,
        '"held_up": more - slower',
        '"held_up": more',
        f"{F}::test_the_time_inside_the_function_is_useful_slower_or_held_up",
    ),
    Fault(
        "tasks that were quicker have a loss below nothing",
        LOSSES,
        'more = max(0.0, parts["working"] - alone)',
        'more = parts["working"] - alone',
        f"{F}::test_tasks_that_took_less_than_in_the_loop_have_no_negative_loss",
    ),
    Fault(
        "rounds without the serial loop are counted",
        LOSSES,
        "runs = [run for run in result.runs_of(engine, n_workers) if run.round in alone]",
        "runs = list(result.runs_of(engine, n_workers))",
        f"{F}::test_a_pair_without_a_round_of_the_loop_is_refused",
    ),
    Fault(
        "what cannot be seen here is told as seen",
        LOSSES,
        "elif share < HARDLY:",
        "elif share < 0:",
        f"{F}::test_a_cause_that_cannot_be_seen_here_is_told_so",
    ),
    Fault(
        "a left-out loss still takes its share",
        LOSSES,
        "share / rest for each",
        "share for each",
        f"{F}::test_one_way_to_lose_is_left_out_and_the_others_add_up_again",
    ),
    Fault(
        "a round that is not whole is counted",
        CHUNKS,
        "whole = rows[: rounds * len(sizes)]",
        "whole = rows",
        f"{F}::test_a_curve_is_read_off_its_rows_and_drops_a_round_that_is_not_whole",
    ),
    Fault(
        "the account is that of another round than the time",
        CHUNKS,
        "self.accounts[size][self.walls[size].index(self.wall(size))]",
        "self.accounts[size][-1]",
        f"{F}::test_a_curve_is_read_off_its_rows_and_drops_a_round_that_is_not_whole",
    ),
    Fault(
        "a best size is named in doubt",
        PLOTS,
        '"Time by chunk size" if curve.doubts else',
        '"Time by chunk size" if not curve.rounds else',
        f"{F}::test_the_picture_of_chunks_is_as_high_as_the_time_and_names_no_best_in_doubt",
    ),
    Fault(
        "the reserve is given out",
        CEILING,
        "readings.free_bytes * (1 - reserve)",
        "readings.free_bytes",
        f"{F}::test_memory_is_the_ceiling_where_workers_are_large",
    ),
    Fault(
        "load on CPUs that are not ours takes ours away",
        CEILING,
        "spare = readings.logical_cpus - readings.busy_cpus",
        "spare = readings.usable_cpus - readings.busy_cpus",
        f"{F}::test_the_load_of_others_counts_where_it_takes_our_cpus",
    ),
    Fault(
        "waiting tasks get fewer workers instead of more",
        CEILING,
        "cpus / (1 - waiting)",
        "cpus * (1 - waiting)",
        f"{F}::test_waiting_tasks_take_more_workers_than_cpus",
    ),
    Fault(
        "our own work is load of others",
        CEILING,
        "after[0] - before[0] - (after[1] - before[1])",
        "after[0] - before[0]",
        f"{F}::test_what_is_ours_is_no_load_of_others",
    ),
    Fault(
        "every winner is a clear one",
        WINNERS,
        "if times[way] <= TIE * best",
        "if times[way] <= best",
        f"{F}::test_the_winner_of_a_cell_is_the_shortest_median_and_ties_are_within_10_per_cent",
    ),
    Fault(
        "the map is measured far from its border first",
        WINNERS,
        "line[max(before)] != line[min(after)]",
        "line[max(before)] == line[min(after)]",
        f"{F}::test_the_corners_come_first_and_then_the_border",
    ),
    Fault(
        "a doubtful cell looks like a sure one",
        MAP,
        "' ?' if cell.doubts else ''",
        "''",
        f"{F}::test_the_picture_names_winners_hatches_ties_and_marks_doubts",
    ),
    Fault(
        "the reader's task is placed as if the axes were even",
        MAP,
        "log(value / low) / log(high / low)",
        "(value - low) / (high - low)",
        f"{F}::test_the_picture_names_winners_hatches_ties_and_marks_doubts",
    ),
    Fault(
        "the other machine looks like this one",
        "helpers/course/workers/beside_plot.py",
        '_draw_curve(ax, "other machine", curves["other machine"]',
        '_draw_curve(ax, "other machine", curves["here"]',
        f"{F}::test_the_curve_here_stands_beside_that_of_a_named_machine",
    ),
]
