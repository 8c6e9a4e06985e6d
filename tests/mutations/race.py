"""Deliberate faults in sweeps with a budget: the race, its intervals, passes, and the advice that follows."""

from mutations.fault import Fault

R, A = "tests/toolkit/test_race.py", "tests/toolkit/test_advice.py"
RACE, SWEEPS, PLAYING = (f"helpers/measure/{name}.py" for name in ("race", "sweeps", "playing"))
INTERVALS, ADVICE, RUNS = "helpers/records/intervals.py", "helpers/models/advice.py", "helpers/records/runs.py"
NOTES = "helpers/measure/notes.py"

FAULTS = [
    # who is measured, and until when
    Fault(
        "a race is clear after three rounds",
        RACE,
        "done < ENOUGH_ROUNDS or not is_look(done)",
        "done < MIN_ROUNDS or not is_look(done)",
        f"{R}::test_a_clear_winner_ends_the_race_after_five_rounds",
    ),
    Fault(
        "pairs that cannot be told apart are not measured again",
        RACE,
        'self.standing(pair, leader) == "open"',
        "False",
        f"{R}::test_pairs_that_cannot_be_told_apart_are_measured_again",
    ),
    Fault(
        "whoever leads may have one round",
        RACE,
        "needed = any(len(self.counted(pair)) < MIN_ROUNDS for pair in (SERIAL, *first))",
        "needed = False",
        f"{R}::test_whoever_may_be_advised_has_three_rounds_whatever_they_cost",
    ),
    Fault(
        "only the serial loop needs three rounds",
        RACE,
        "for pair in (SERIAL, *first))",
        "for pair in (SERIAL,))",
        f"{R}::test_who_took_the_lead_late_gets_three_rounds_too",
    ),
    Fault(
        "the least promising go on",
        RACE,
        "return sorted(pairs, key=self.score)",
        "return sorted(pairs, key=self.score, reverse=True)",
        f"{R}::test_where_time_is_short_the_most_promising_go_on",
    ),
    Fault(
        "barred pairs are advised",
        RACE,
        "if pair not in self.barred and pair not in self.worse]",
        "if pair not in self.worse]",
        f"{R}::test_barred_pairs_decide_nothing",
    ),
    Fault(
        "one slow run is enough to be out",
        RACE,
        "if len(every) > 1 and min(every) > HOPELESS:",
        "if max(every) > HOPELESS:",
        f"{R}::test_standing_needs_three_rounds_unless_it_is_hopeless",
    ),
    Fault(
        "what is worse is compared with the fastest itself, not with 95 % of it",
        RACE,
        '"worse" if low > WORSE else',
        '"worse" if low > 1 else',
        f"{R}::test_standing_needs_three_rounds_unless_it_is_hopeless",
    ),
    Fault(
        "the figures are looked at after every round",
        RACE,
        "look = ceil(1.4 * look)",
        "look = look + 1",
        f"{R}::test_there_are_few_looks",
    ),
    # the sweep's side
    Fault(
        "the budget counts from the plan on",
        NOTES,
        "self.began = self.told = now - run.all_walls",
        "self.began = self.told = now",
        f"{R}::test_the_budget_counts_from_the_first_run_on",
    ),
    Fault(
        "disturbed runs count",
        NOTES,
        "return BUSY in run.badges",
        "return False",
        f"{R}::test_a_disturbed_run_is_measured_again_within_its_round",
    ),
    Fault(
        "others that never stop take half of the budget",
        NOTES,
        "and self.repeated < self.quiet + PATIENCE",
        "and True",
        f"{R}::test_where_others_never_stop_their_runs_count_and_are_in_doubt",
    ),
    Fault(
        "runs are thrown away until the end",
        NOTES,
        "self.elapsed() < QUIET_SHARE * self.race.budget",
        "True",
        f"{R}::test_late_in_the_budget_nothing_is_thrown_away",
    ),
    Fault(
        "work that waits is barred like work that computes",
        NOTES,
        "share = 1.0 if share > COMPUTING_SHARE else share",
        "share = 1.0",
        f"{R}::test_who_is_barred_by_the_cpus",
    ),
    Fault(
        "visits are handed to the runner twice",
        NOTES,
        "self.ahead += len(new)",
        "self.ahead += 0",
        f"{R}::test_a_sweep_with_a_budget_says_how_it_ended",
    ),
    # passes
    Fault(
        "an even number of passes",
        PLAYING,
        "if done % 2 == 0:",
        "if done % 2 == 1 and done > 1:",
        f"{R}::test_as_many_passes_as_fit_and_an_odd_number",
    ),
    Fault(
        "two passes more than fit",
        PLAYING,
        "spent * (done + 2) / done > self.seconds",
        "spent > self.seconds",
        f"{R}::test_as_many_passes_as_fit_and_an_odd_number",
    ),
    Fault(
        "cold is the median pass",
        RUNS,
        "(self.wall if self.first_wall is None else self.first_wall)",
        "self.wall",
        f"{R}::test_cold_is_of_the_first_pass",
    ),
    # intervals
    Fault(
        "not interpolated",
        INTERVALS,
        "share = (count - place) * share / (place + (count - 2 * place) * share)",
        "share = 0.0",
        f"{R}::test_the_interval_lies_between_the_ordered_values",
    ),
    Fault(
        "a normal distribution instead of Student's",
        INTERVALS,
        "t_quantile(confidence, len(logs) - 1)",
        "1.96",
        f"{R}::test_few_values_have_students_interval",
    ),
    # advice
    Fault(
        "what may be faster is no rival",
        ADVICE,
        "        if longer.high > 1 / AS_GOOD:\n            rivals",
        "        if longer.low > 1 / AS_GOOD:\n            rivals",
        f"{A}::test_what_may_be_more_than_five_per_cent_faster_is_a_rival",
    ),
    Fault(
        "a pair that was hardly measured is no rival",
        ADVICE,
        "            if not far:\n",
        "            if False:\n",
        f"{A}::test_a_pair_with_too_few_rounds_is_a_rival_unless_it_is_far_behind",
    ),
    Fault(
        "a speedup that cannot be is advised",
        "helpers/records/sweeps.py",
        'MISTRUST = "faster',
        'MISTRUST, _ = "", "faster',
        f"{A}::test_a_speedup_that_cannot_be_is_never_advised",
    ),
    Fault(
        "the doubts of the best are swallowed",
        ADVICE,
        "*(() if chosen == best else doubts)",
        "*()",
        f"{A}::test_the_doubts_of_what_it_was_preferred_to_are_told_too",
    ),
    Fault(
        "what gains from the first call on is told to gain only then",
        "helpers/models/advice.py",
        'if first > 1 else ""',
        'if first > 0 else ""',
        "tests/toolkit/test_advice.py::test_from_which_call_on_open_workers_gain_is_told_unless_it_is_the_first",
    ),
    Fault(
        "every call starts the workers anew",
        RUNS,
        "self.cold_wall + (calls - 1) * self.wall",
        "calls * self.cold_wall",
        f"{A}::test_how_often_the_work_is_done_decides_whether_start_up_pays",
    ),
]
