"""Faults in how odd values are met: arguments, results that are compared, files that are read, programs that print."""

from mutations.fault import Fault

ARGUMENTS, SAMENESS, FILES = "helpers/arguments.py", "helpers/measure/sameness.py", "helpers/records/files.py"
A, S, R = "tests/contracts/test_arguments.py", "tests/toolkit/test_sameness.py", "tests/toolkit/test_files.py"
ODD = f"{A}::test_an_odd_argument_is_taken_or_refused_before_anything_starts"
SAME, DIFFERENT = f"{S}::test_equal_results_are_the_same_however_they_came", f"{S}::test_real_differences_are_found"

FAULTS = [
    Fault(
        "all errors share one dict of failures",
        "helpers/errors.py",
        "{name: copy(value) for name, value in self.FACTS.items()}",
        "self.FACTS",
        "tests/toolkit/test_runner.py::test_two_errors_share_nothing",
    ),
    # arguments
    Fault(
        "True taken for the number 1",
        ARGUMENTS,
        "return None if isinstance(value, bool) else operator.index(value)",
        "return operator.index(value)",
        f"{ODD}[measure_delivery]",
    ),
    Fault(
        "NaN and infinity taken for numbers",
        ARGUMENTS,
        "return number if math.isfinite(number) else None",
        "return number",
        f"{ODD}[amdahl]",
    ),
    Fault(
        "an object that exits when it is asked for its number ends the program",
        ARGUMENTS,
        "    except BaseException:  # the value's own methods may raise anything, SystemExit too",
        "    except Exception:",
        f"{ODD}[measure_delivery]",
    ),
    Fault(
        "a callback that is no function found out when it is called",
        ARGUMENTS,
        "if callback is not None and not callable(callback):",
        "if False:",
        f"{ODD}[measure_delivery]",
    ),
    Fault(
        "names read without end",
        ARGUMENTS,
        "taken = list(islice(values, most + 1))",
        "taken = list(islice(values, 100 * most))",
        f"{A}::test_an_iterator_is_read_no_further_than_needed",
    ),
    Fault(
        "bytes read number by number",
        ARGUMENTS,
        "issubclass(type(value), (str, bytes, bytearray))",
        "issubclass(type(value), str)",
        f"{ODD}[measure_pipes] {ODD}[measure_break_even]",
    ),
    Fault(
        "numpy's numbers kept in records",
        "helpers/course/queue/measure.py",
        '        check_count("n_items", n_items, 1, MAX_ITEMS),\n',
        "        n_items,\n",
        f"{A}::test_what_is_taken_becomes_a_plain_value",
    ),
    # results
    Fault(
        "the pickle after a journey forgotten",
        SAMENESS,
        "return mine_again == theirs or theirs_again in (mine, mine_again)",
        "return False",
        SAME,
    ),
    Fault(
        "parts of objects not compared one by one",
        SAMENESS,
        "pair_up(take_apart(one), take_apart(other))",
        "None",
        f"{S}::test_sets_within_objects_may_be_in_another_order",
    ),
    Fault(
        "NaN unlike NaN",
        SAMENESS,
        "one == other or (one != one and other != other)",
        "one == other",
        SAME,
    ),
    Fault(
        "keys found by their equal only",
        SAMENESS,
        "row = by_form.get(form_of(member)) or []",
        "row = []",
        f"{S}::test_many_objects_in_a_set_are_found_by_their_form",
    ),
    Fault(
        "members of sets not searched",
        SAMENESS,
        "if place is None and search:",
        "if False:",
        SAME,
    ),
    Fault(
        "results that contain themselves compared for ever",
        SAMENESS,
        "if one is other or (id(one), id(other)) in taken_apart:",
        "if one is other:",
        SAME,
    ),
    Fault(
        "an array of truths taken for True",
        SAMENESS,
        "return guarded(lambda: one == other) is True",
        "return bool(guarded(lambda: one == other))",
        f"{SAME} {DIFFERENT}",
    ),
    Fault(
        "an == that exits ends the play",
        SAMENESS,
        "    except BaseException:\n        return None",
        "    except Exception:\n        return None",
        SAME,
    ),
    Fault(
        "1, 1.0 and True the same",
        SAMENESS,
        "    if type(one) is not type(other):\n        return None\n",
        "",
        DIFFERENT,
    ),
    Fault(
        "what a subclass adds forgotten",
        SAMENESS,
        "return pairs + [(take_apart(one)[2], take_apart(other)[2])]",
        "return pairs",
        DIFFERENT,
    ),
    Fault(
        "a longer row the same as its beginning",
        SAMENESS,
        "    if len(ones) != len(others):\n        return None\n    return [",
        "    others = [*others, *ones][: len(ones)]\n    return [",
        DIFFERENT,
    ),
    Fault(
        "values of dicts not compared",
        SAMENESS,
        "(dict.__getitem__(one, key), dict.__getitem__(other, twin)) for key, twin in pairs",
        "(key, twin) for key, twin in pairs",
        DIFFERENT,
    ),
    Fault(
        "two serial rounds said to be parallel",
        "helpers/measure/playing.py",
        'where = "in another round of it" if engine == "serial" else "in parallel"',
        'where = "in parallel"',
        f"{S}::test_two_serial_rounds_that_differ_are_not_said_to_be_parallel",
    ),
    # files
    Fault(
        "walls of 0 read",
        "helpers/records/runs.py",
        '"wall": 1e-9',
        '"wall": 0',
        f"{R}::test_walls_and_counts_that_are_none_are_refused",
    ),
    Fault(
        "NaN read as a number of a record",
        FILES,
        "as_number(value) is not None and abs(value) <= LARGEST",
        "isinstance(value, (int, float)) and not abs(value) > LARGEST",
        f"{R}::test_walls_and_counts_that_are_none_are_refused",
    ),
    Fault(
        "columns of different lengths read",
        FILES,
        "if len({len(column) for column in columns.values()}) > 1:",
        "if False:",
        f"{R}::test_a_timeline_that_is_not_of_its_run_is_refused",
    ),
    Fault(
        "a timeline of more workers than its run has read",
        "helpers/records/runs.py",
        'max(timeline.worker) >= plain["n_workers"]',
        "False",
        f"{R}::test_a_timeline_that_is_not_of_its_run_is_refused",
    ),
    Fault(
        "depth without end is Python's own error",
        FILES,
        "    except Exception as error:  # a file",
        "    except (ValueError, TypeError, LookupError) as error:  # a file",
        f"{R}::test_a_file_of_another_kind_is_refused",
    ),
    # programs
    Fault(
        "a program ended that printed just as much as it may",
        "helpers/measure/programs.py",
        "return len(self._data) > PRINTED_LIMIT",
        "return len(self._data) >= PRINTED_LIMIT",
        "tests/toolkit/test_programs.py::test_what_is_printed_just_within_the_limit_is_all_there",
    ),
    Fault(
        "the last words of a program lost",
        "helpers/measure/programs.py",
        "                if self._enough.is_set():\n                    return\n",
        "                return\n",
        "tests/toolkit/test_programs.py::test_the_last_words_of_a_program_are_read",
    ),
]
