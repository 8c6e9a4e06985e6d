"""Deliberate faults in the Pipe chapter."""

from mutations.fault import Fault

TRIPS, MEASURE, PARTNERS, TASKS, PLOTS, LAB = (
    f"helpers/course/pipe/{name}.py" for name in ("trips", "measure", "partners", "tasks", "plots", "lab")
)
F = "tests/course/test_pipe_figures.py"
REAL = f"{F}::test_what_comes_back_by_a_real_partner_is_what_was_sent_last"
EXERCISES, FIGURES = "helpers/course/pipe/exercises.py", "tests/course/test_pipe_figures.py"

FAULTS = [
    Fault(
        "the first way is called the fastest whatever the rounds say",
        LAB,
        "sum(one is seconds[0] or not is_clear(one, seconds[0]) for one in seconds)",
        "1",
        f"{F}::test_a_way_is_called_the_fastest_only_where_its_interval_stands_clear",
    ),
    Fault(
        "the message tells the doubts of the ends alone",
        "helpers/course/pipe/lab.py",
        "words.say_doubts(doubts_in_picture(trips))",
        "words.say_doubts(trips.doubts(least, most))",
        f"{F}::test_doubts_of_trips_are_told_by_picture_text_and_advice",
    ),
    Fault(
        "the picture keeps its doubts to itself",
        PLOTS,
        "if hollow else (), trips.doubts())",
        "if hollow else ())",
        f"{F}::test_doubts_of_trips_are_told_by_picture_text_and_advice",
    ),
    Fault(
        "one size is taken for the latency",
        TRIPS,
        "return estimate_ratio([median(seconds) for seconds in by_round.values()])",
        "return estimate_ratio([seconds[0] for seconds in by_round.values()])",
        f"{F}::test_the_latency_is_the_median_over_small_sizes_of_each_round",
    ),
    Fault(
        "the latency counts again for every byte",
        TRIPS,
        "(self.median(way, largest) - latency) / largest",
        "self.median(way, largest) / largest",
        f"{F}::test_the_latency_is_the_median_over_small_sizes_of_each_round",
    ),
    Fault(
        "only the first block of what comes back is looked at",
        PARTNERS,
        "    places = range(0, size_bytes, len(BLOCK))",
        "    places = [0]",
        "tests/course/test_pipe.py::test_a_message_is_known_by_every_byte",
    ),
    Fault(
        "shared memory timed without the copy in",
        PARTNERS,
        "            there[:size] = message\n            data.send_bytes",
        "            data.send_bytes",
        f"{F}::test_every_trip_by_shared_memory_is_copied_in_and_told",
    ),
    Fault(
        "shared memory timed without the copy out",
        TASKS,
        "            data.recv_bytes()\n            outbox.buf[:size_bytes] = inbox.buf[:size_bytes]\n",
        "            data.recv_bytes()\n",
        REAL,
    ),
    Fault(
        "the memory copy of one direction only",
        PARTNERS,
        "            end[:size] = middle\n",
        "            pass\n",
        REAL,
    ),
    Fault(
        "bandwidth of one direction only",
        TRIPS,
        "return Estimate(2 * size_bytes / trip.median",
        "return Estimate(size_bytes / trip.median",
        f"{F}::test_bandwidth_counts_both_directions",
    ),
    Fault(
        "bandwidth drawn of one direction only",
        PLOTS,
        "else 2 * np.array(sizes) / seconds",
        "else np.array(sizes) / seconds",
        f"{F}::test_the_pictures_draw_seconds_and_bytes_a_second",
    ),
    Fault(
        "the ends of the interval swapped",
        TRIPS,
        "(2 * size_bytes / trip.high, 2 * size_bytes / trip.low)",
        "(2 * size_bytes / trip.low, 2 * size_bytes / trip.high)",
        f"{F}::test_bandwidth_counts_both_directions",
    ),
    Fault(
        "the warm-up round counts",
        TRIPS,
        "            if trip.round:\n",
        "            if True:\n",
        f"{F}::test_a_trip_is_its_part_of_the_visit_and_the_warm_up_counts_nowhere",
    ),
    Fault(
        "a visit taken for a trip",
        TRIPS,
        "return self.wall / self.n_trips",
        "return self.wall",
        f"{F}::test_a_trip_is_its_part_of_the_visit_and_the_warm_up_counts_nowhere",
    ),
    Fault(
        "the ratio the wrong way round",
        TRIPS,
        "return estimate_ratio(theirs[:both], ours[:both])",
        "return estimate_ratio(ours[:both], theirs[:both])",
        f"{F}::test_ratios_are_of_bandwidths_and_pair_their_rounds",
    ),
    Fault(
        "the warm trips are timed",
        PARTNERS,
        "    for number in range(n_warm):\n        trip(number)\n    began = perf_counter()\n",
        "    began = perf_counter()\n    for number in range(n_warm):\n        trip(number)\n",
        f"{F}::test_only_the_trips_after_the_warm_ones_are_timed",
    ),
    Fault(
        "time left of what was done",
        MEASURE,
        "for _, way, size in visits[len(done) :]]",
        "for _, way, size in visits[: len(done)]]",
        f"{F}::test_time_left_is_known_once_every_pair_was_visited",
    ),
    Fault(
        "filling the block counts as handing over",
        PARTNERS,
        "return filled - began, perf_counter() - filled",
        "return filled - began, perf_counter() - began",
        f"{F}::test_a_delivery_by_shared_memory_tells_filling_and_handing_over_apart",
    ),
    Fault(
        "the slowest way is called the best",
        LAB,
        "best, last = order[0], order[-1]",
        "last, best = order[0], order[-1]",
        f"{F}::test_advice_and_alt_text_name_the_figures",
    ),
    Fault(
        "workers that share a pipe pass",
        EXERCISES,
        "if 0 < n_pipes < N_WORKERS:",
        "if 0 < n_pipes < 1:",
        f"{FIGURES}::test_workers_are_two_other_processes_with_a_pipe_each",
    ),
    Fault(
        "results larger than a pipe are not tried",
        EXERCISES,
        "    _examine_large_results(func)\n",
        "",
        "tests/course/test_pipe.py::test_gathers_that_are_serial_or_leave_something_are_told_why",
    ),
    Fault(
        "a client that leaves at once ends the server",
        TASKS,
        "multiprocessing.AuthenticationError, EOFError, ConnectionError",
        "multiprocessing.AuthenticationError, KeyError",
        "tests/course/test_pipe.py::test_a_server_answers_those_who_know_the_key_and_goes_on_after_a_wrong_one_and_one_who_leaves",
    ),
    Fault(
        "a pause is blamed for a zero",
        EXERCISES,
        "if silent_at == PAUSE_BEFORE:",
        "if silent_at == 2:",
        f"{FIGURES}::test_a_zero_and_a_pause_are_told_apart",
    ),
    Fault(
        "what followed from an error is told for the reason",
        EXERCISES,
        "text, side = min(raised, ",
        "text, side = max(raised, ",
        f"{FIGURES}::test_the_reason_of_a_failed_exchange_is_told_before_what_followed_from_it",
    ),
    Fault(
        "the time in which a worker comes up counts as silence",
        TASKS,
        "receive_or(reader, None, START_SECONDS)",
        "receive_or(reader, None, 0)",
        "tests/course/test_pipe.py::test_processes_that_come_up_slowly_are_not_taken_for_a_deadlock",
    ),
    Fault(
        "a station is missing on the way of a byte",
        "helpers/course/pipe/diagrams.py",
        '[(SENDER[1], "bytes"), (MIDDLE, "pipe"), *zip(',
        '[(MIDDLE, "pipe"), *zip(',
        "tests/course/test_diagrams.py::test_an_arrow_is_a_copy_and_leads_from_the_sender_through_the_system_to_the_receiver",
    ),
    Fault(
        "the model is drawn without its latency",
        PLOTS,
        "ax.plot(at, latency + at * per_byte,",
        "ax.plot(at, at * per_byte,",
        f"{FIGURES}::test_the_model_is_drawn_as_the_sum_of_latency_and_time_of_the_bytes",
    ),
]
