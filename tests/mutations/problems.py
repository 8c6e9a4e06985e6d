"""Deliberate faults in what a sweep does with items that change and with pairs that fail."""

from mutations.fault import Fault

T, F = "tests/toolkit/test_problems.py", "tests/toolkit/test_problems_figures.py"
PLAYING, PROBLEMS, MEASURE = (f"helpers/measure/{name}.py" for name in ("playing", "problems", "sweeps"))
RECORD, SWEEPS, MODELS = "helpers/records/problems.py", "helpers/records/sweeps.py", "helpers/models/advice.py"
SPEEDUP, TIMELINE, LAB = "helpers/plots/speedup.py", "helpers/plots/timeline.py", "helpers/labs/speedup.py"
NOTES = "helpers/measure/notes.py"

FAULTS = [
    # items changed in place
    Fault(
        "items changed in place are those of the next visit",
        PLAYING,
        "        self.items = load(self._packed, ITEMS)",
        "        self._kept = self.items = getattr(self, '_kept', None) or load(self._packed, ITEMS)",
        f"{T}::test_a_task_that_changes_its_items_has_the_same_work_in_every_visit",
    ),
    Fault(
        "changed items are not told",
        PLAYING,
        "badges + reference.badges",
        "badges",
        f"{T}::test_a_function_that_changes_its_items_is_told_in_table_badges_and_doubts",
    ),
    Fault(
        "items that cannot be compared are called changed",
        PLAYING,
        "is_same(one, other) and not is_same(used, one)",
        "not is_same(used, one)",
        f"{T}::test_items_that_nobody_changed_are_not_called_changed",
    ),
    Fault(
        "every item is compared one by one",
        PLAYING,
        "fresh[block])), MANY))",
        "fresh[block])), None))",
        f"{T}::test_looking_for_changes_looks_at_few_items_one_by_one",
    ),
    # what goes on after a problem
    Fault(
        "the serial loop that begins a play anew is counted",
        MEASURE,
        "                notes.skip()\n                continue\n",
        "                notes.skip()\n",
        f"{T}::test_threads_that_fail_are_a_finding_and_the_others_go_on",
    ),
    Fault(
        "the first start of a fresh process counts",
        MEASURE,
        "if visit[1] in STARTING and visit[0] > 0",
        "if visit[1] in STARTING and visit[0] < 0",
        f"{F}::test_a_fresh_process_begins_with_visits_that_are_not_counted",
    ),
    Fault(
        "what is left out counts as still to come",
        NOTES,
        "self.to_come = [visit for visit in self.to_come if visit[1:] != problem.pair]",
        "del self.to_come[0]",
        f"{T}::test_progress_counts_what_is_left_out_and_tells_the_problem",
    ),
    Fault(
        "a stopped sweep forgets its problems",
        NOTES,
        "problems=tuple(self.problems))",
        "problems=() if self.to_come else tuple(self.problems))",
        f"{T}::test_a_stopped_sweep_keeps_its_problems",
    ),
    Fault(
        "a stop between two runners is lost",
        NOTES,
        "        if before is not None and before.stopped:\n            playing.stop()\n",
        "",
        f"{T}::test_a_stop_of_the_runner_that_a_problem_ended_is_not_lost",
    ),
    Fault(
        "problems in every pair are no error",
        NOTES,
        "return bool(self.pairs) and self.pairs ==",
        "return bool(self.pairs) and self.pairs <",
        f"{T}::test_a_problem_in_every_pair_is_raised_with_all_of_them",
    ),
    # deadlines and reasons
    Fault(
        "the default deadline has no lower end",
        PROBLEMS,
        "max(LEAST_SECONDS, TIMES_SERIAL * serial_wall,",
        "max(0.0, TIMES_SERIAL * serial_wall,",
        f"{F}::test_the_deadline_that_nobody_gave",
    ),
    Fault(
        "chunks by the million have no time of their own",
        PROBLEMS,
        "CHUNK_SECONDS * n_chunks)",
        "CHUNK_SECONDS)",
        f"{F}::test_the_deadline_that_nobody_gave",
    ),
    Fault(
        "starting processes has no time of its own",
        PROBLEMS,
        'START_DEADLINE if engine in (*STARTING, "interpreters") else 0.0',
        "0.0",
        f"{F}::test_the_deadline_that_nobody_gave",
    ),
    Fault(
        "a given deadline told as one from the serial loop",
        MEASURE,
        "None if notes.timeout else notes.serial_wall())",
        "notes.serial_wall())",
        f"{T}::test_a_pair_that_passes_a_given_deadline_is_a_finding",
    ),
    Fault(
        "serial and parallel result swapped in the reason",
        PROBLEMS,
        "gave {error.parallel} for {where}; the serial loop gave {error.serial}",
        "gave {error.serial} for {where}; the serial loop gave {error.parallel}",
        f"{F}::test_the_reason_is_one_sentence_with_pair_and_item",
    ),
    # what is shown and advised
    Fault(
        "rounds before the failure make figures",
        SWEEPS,
        " - {problem.pair for problem in self.problems})",
        ")",
        f"{F}::test_a_pair_with_a_problem_has_no_figures "
        f"{F}::test_points_of_a_pair_with_a_problem_are_not_drawn_and_a_line_under_the_axes_names_it",
    ),
    Fault(
        "files lose the problems",
        SWEEPS,
        'plain.get("problems", ())',
        'plain.get("problem", ())',
        f"{F}::test_files_keep_problems_and_older_files_have_none",
    ),
    Fault(
        "two threads advised where four fail",
        MODELS,
        "if pair[1] > 1 and pair[0] not in spoilt]",
        "if pair[1] > 1]",
        f"{F}::test_threads_are_not_advised_where_some_of_them_fail",
    ),
    Fault(
        "processes that fail are called not safe in threads",
        RECORD,
        'if problem.engine == "threads" and problem.n_workers > 1 and',
        "if problem.n_workers > 1 and",
        f"{F}::test_advice_says_what_a_problem_means",
    ),
    Fault(
        "the line under the axes is cut by the edge of the axes",
        SPEEDUP,
        "if text_width(line, SMALL_SIZE) <= axes_width(ax)), lines[-1])",
        "if line), lines[-1])",
        f"{F}::test_the_line_under_the_axes_says_as_much_as_there_is_room_for",
    ),
    Fault(
        "the reason in the timeline runs out of the card",
        TIMELINE,
        "if all(text_width(line, TEXT_SIZE + 1) <= width for line in lines):",
        "if lines:",
        f"{F}::test_the_timeline_of_a_problem_says_why_it_was_not_measured",
    ),
    Fault(
        "the timeline still shows the pair that failed",
        LAB,
        "if run.pair in pairs and run.timeline is not None",
        "if run.timeline is not None",
        f"{F}::test_the_lab_shows_a_problem_at_once_and_its_pair_no_more",
    ),
]
