"""Faults in what a chapter shows besides results: what is hidden, and which names a message has."""

from mutations.fault import Fault

FAULTS = [
    Fault(
        "the line that JupyterLab shows in place of a hidden answer tells it",
        "helpers/notebook/showing.py",
        "return f'{_VEIL}\\n<details",
        "return f'<details",
        "tests/toolkit/test_showing.py::test_an_answer_is_open_when_it_runs_and_stored_folded",
    ),
    Fault(
        "a long docstring is broken within a word, where the page ends",
        "helpers/notebook/showing.py",
        "len(line) > _COLUMNS",
        "len(line) > 1000",
        "tests/toolkit/test_showing.py::test_a_docstring_that_begins_with_a_long_line_is_broken_between_words",
    ),
    Fault(
        "a plain cell is named by a file that does not exist",
        "helpers/notebook/paths.py",
        "if _CELL.fullmatch(path):",
        "if False:",
        "tests/toolkit/test_notebook.py::test_paths_of_the_machine_are_cut",
    ),
]
