"""Faults in what a chapter shows besides results: what is hidden, and which names a message has."""

from mutations.fault import Fault

N, P = "tests/toolkit/test_notebook.py", "helpers/notebook/pictures.py"
FAULTS = [
    Fault(
        "a photograph is turned dark",
        P,
        " or any(ax.images for ax in figure.axes)",
        "",
        f"{N}::test_only_pictures_on_a_light_ground_may_be_turned_dark_and_photographs_never",
    ),
    Fault(
        "a dark picture is turned light",
        P,
        "return alpha > 0.5 and min(red, green, blue) > 0.5",
        "return True",
        f"{N}::test_only_pictures_on_a_light_ground_may_be_turned_dark_and_photographs_never",
    ),
    Fault(
        "the table of checks has an empty column",
        "helpers/machine/checkup.py",
        "if any(mend for *_, mend in rows)",
        "if rows",
        "tests/toolkit/test_machine.py::test_the_column_of_what_to_do_is_there_only_if_there_is_something_to_do",
    ),
    Fault(
        "the line that JupyterLab shows in place of a hidden answer tells it",
        "helpers/notebook/showing.py",
        "return f'{_VEIL}\\n<details",
        "return f'<details",
        "tests/toolkit/test_showing.py::test_an_answer_is_open_when_it_runs_and_stored_folded",
    ),
    Fault(
        "the line that JupyterLab shows in place of a hidden answer is a comment",
        "helpers/notebook/showing.py",
        '_VEIL = "Make your guess, then run this cell."',
        '_VEIL = "<!-- Make your guess, then run this cell. -->"',
        "tests/toolkit/test_showing.py::test_an_answer_is_open_when_it_runs_and_stored_folded",
    ),
    Fault(
        "a plain cell is named by a file that does not exist",
        "helpers/notebook/paths.py",
        "if _CELL.fullmatch(path):",
        "if False:",
        "tests/toolkit/test_notebook.py::test_paths_of_the_machine_are_cut",
    ),
    Fault(
        "a string that holds a sign for comments ends in its colour",
        "helpers/notebook/notices.py",
        "[^{0}\\\\\\n]",
        "[^{0}#\\\\\\n]",
        "tests/toolkit/test_showing.py::test_code_in_colours_is_the_same_text_and_each_part_has_its_kind",
    ),
]
