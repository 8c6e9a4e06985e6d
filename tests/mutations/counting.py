"""Deliberate faults in counting together."""

from mutations.fault import Fault

MEASURE, PLOTS = "helpers/course/counting/measure.py", "helpers/course/counting/plots.py"
FIGURES = "tests/course/test_counting_figures.py"

FAULTS = [
    Fault(
        "the first of several ways is called the fastest",
        "helpers/course/value/lab.py",
        "if count is best or not is_clear(best.rate, count.rate)]",
        "if count is best]",
        f"{FIGURES}::test_the_fastest_way_is_named_only_where_its_interval_stands_clear",
    ),
    Fault(
        "the card keeps its doubts to itself",
        PLOTS,
        "doubt = show_doubts(self.bars.ax, name_doubts(counting.counts))",
        "doubt = None",
        f"{FIGURES}::test_doubts_of_a_way_are_told_by_picture_text_and_advice",
    ),
    Fault(
        "a way that differs between rounds is not in doubt",
        MEASURE,
        "return unite_badges(short, self.noted, badges_of_rounds([part.seconds / part.made for part in parts]))",
        "return unite_badges(short, self.noted)",
        f"{FIGURES}::test_doubts_of_a_way_are_told_by_picture_text_and_advice",
    ),
    Fault(
        "a doubt names the ways that it is not about",
        MEASURE,
        "ways = [count.way for count in counts if doubt in count.doubts]",
        "ways = [count.way for count in counts if doubt not in count.doubts]",
        f"{FIGURES}::test_doubts_name_the_ways_that_they_are_about_unless_all",
    ),
    Fault(
        "the advice does not say which way is in doubt",
        "helpers/course/value/lab.py",
        "say_doubts(name_doubts(exact))",
        "say_doubts(sum((count.doubts for count in exact), ()))",
        f"{FIGURES}::test_doubts_name_the_ways_that_they_are_about_unless_all",
    ),
    Fault(
        "wall taken as the first worker's end",
        MEASURE,
        "seconds = max(ended for",
        "seconds = min(ended for",
        f"{FIGURES}::test_a_slice_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "wall counted from the last worker's beginning",
        MEASURE,
        "min(began for began, _, _, _ in answers)",
        "max(began for began, _, _, _ in answers)",
        f"{FIGURES}::test_a_slice_lasts_from_the_first_beginning_to_the_last_end",
    ),
    Fault(
        "lost updates counted the wrong way round",
        MEASURE,
        "return self.made - self.counted",
        "return self.counted - self.made",
        f"{FIGURES}::test_a_count_adds_up_its_slices_without_the_warm_up",
    ),
    Fault(
        "lost share of what was counted, not of what was made",
        MEASURE,
        "return self.lost / self.made if self.made else 0.0",
        "return self.lost / self.counted if self.made else 0.0",
        f"{FIGURES}::test_a_count_adds_up_its_slices_without_the_warm_up",
    ),
    Fault(
        "the warm-up counts",
        MEASURE,
        "(*count.slices, part) if part.round else count.slices",
        "(*count.slices, part)",
        f"{FIGURES}::test_a_count_adds_up_its_slices_without_the_warm_up",
    ),
    Fault(
        "ends of the rate's interval swapped",
        MEASURE,
        "(1 / cost.high, 1 / cost.low)",
        "(1 / cost.low, 1 / cost.high)",
        f"{FIGURES}::test_a_count_adds_up_its_slices_without_the_warm_up",
    ),
    Fault(
        "running out of time is forgotten",
        MEASURE,
        "any(part.made < part.asked for part in self.slices)",
        "any(part.made < 0 for part in self.slices)",
        f"{FIGURES}::test_a_count_that_could_not_finish_is_out_of_time",
    ),
    Fault(
        "the rounds make fewer updates than were asked for",
        MEASURE,
        "n_updates // repeats + ((number or 1) <= n_updates % repeats)",
        "n_updates // repeats",
        f"{FIGURES}::test_the_rounds_make_all_updates_together",
    ),
    Fault(
        "the hatched part begins at zero",
        PLOTS,
        "move_row_boxes(self.lost, counted, made)",
        "move_row_boxes(self.lost, np.zeros(self.rows), made)",
        f"{FIGURES}::test_the_bars_end_where_the_figures_say",
    ),
    Fault(
        "the guess is drawn at what is lost",
        PLOTS,
        "place = expected * (1 - guess)",
        "place = expected * guess",
        f"{FIGURES}::test_the_bars_end_where_the_figures_say",
    ),
    Fault(
        "the words for a speed lie on its interval",
        PLOTS,
        "text.set_position((-8 if right else 8, 9))",
        "text.set_position((-8 if right else 8, 0))",
        f"{FIGURES}::test_the_words_for_a_speed_stand_above_its_interval",
    ),
    Fault(
        "the slowest exact way is called the fastest",
        "helpers/course/value/lab.py",
        "key=lambda count: count.rate.median, reverse=True)",
        "key=lambda count: count.rate.median)",
        f"{FIGURES}::test_the_fastest_way_is_named_only_where_its_interval_stands_clear",
    ),
    Fault(
        "a way that may be as fast as the fastest is called the slowest",
        "helpers/course/value/lab.py",
        "[count for count in counts if count not in equals][-1]",
        "counts[-1]",
        f"{FIGURES}::test_the_fastest_way_is_named_only_where_its_interval_stands_clear",
    ),
]
