"""What a chapter shows besides results: sources, folded messages, answers; and the guess that comes before them."""

import html
import re
import sys

import nbformat
import pytest
import record
from matplotlib.figure import Figure

from helpers.errors import InvalidArgumentError
from helpers.labs import Guess
from helpers.measure.badges import BUSY
from helpers.notebook import answer, fold, show_source, show_table
from helpers.notebook.looks import STYLE
from helpers.notebook.notices import colour_code
from helpers.notebook.pictures import draw_png
from helpers.plots import draw_images, plot_speedup
from helpers.records import recorded
from helpers.tasks.cpu import count_primes

pytestmark = pytest.mark.quick


def a_figure(title="One line", label=""):
    figure = Figure()
    figure.add_subplot().set_title(title)
    figure.set_label(label)
    return figure


def test_a_source_is_shown_with_its_module_and_highlighted():
    source = show_source(count_primes, "helpers.words.noun")
    assert repr(source).startswith("# helpers.tasks.cpu\ndef count_primes(limit):\n")
    page = source._repr_markdown_()
    assert page.count("```python\n# helpers.") == 2 and page.endswith("\n```") and "def noun(" in page


def test_neighbours_of_one_module_stand_under_its_name_together():
    parts = show_source("helpers.words.MIB", "helpers.words.noun", count_primes, "helpers.words.MIB").parts
    assert [module for module, _ in parts] == ["helpers.words", "helpers.tasks.cpu", "helpers.words"]
    assert parts[0][1].startswith("MIB = 2**20\n\n\ndef noun(")


def test_classes_constants_and_methods_have_a_source_too():
    assert repr(show_source("helpers.words.MIB")) == "# helpers.words\nMIB = 2**20"
    assert repr(show_source(Guess)).startswith("# helpers.labs.guess\nclass Guess(")
    assert repr(show_source(Guess.number.fget)).startswith("# helpers.labs.guess\n@property\ndef number(self):\n    ")


@pytest.mark.parametrize("thing", [len, 3, "len", "helpers.words.nothing", "no.such.module", "", "helpers.words."])
def test_what_has_no_source_is_told(thing):
    with pytest.raises(InvalidArgumentError, match="no Python source"):
        show_source(thing)


def test_a_long_message_is_folded_without_paths_and_without_markup():
    folded = fold(f'File "{sys.prefix}/lib/python3.11/json/decoder.py", line 1\nBad <b>', "what Python said")
    assert repr(folded) == 'what Python said\nFile "json/decoder.py", line 1\nBad <b>'
    page = folded._repr_html_()
    assert page.startswith("<details><summary>what Python said</summary>") and "Bad &lt;b&gt;" in page
    assert fold("  ")._repr_html_() == ""


def test_what_matters_most_stands_over_the_fold():
    folded = fold("first\nlast <1>", "all of it", above="last <1>")
    assert repr(folded) == "last <1>\nall of it\nfirst\nlast <1>"
    assert "last &lt;1&gt;</pre></div><details><summary>all of it" in folded._repr_html_()


def test_an_empty_text_leaves_no_empty_line_in_an_answer():
    told = answer("measured", "")
    assert (repr(told), told._repr_html_().count("<pre")) == ("measured", 1)


def test_a_table_has_its_values_as_text_its_fold_below_and_stands_in_an_answer():
    table = show_table(["end", "code"], [("returns <0>", 0), ("raises", None)], fold("a traceback", "printed"))
    assert repr(table) == "end          code\nreturns <0>  0\nraises       None\nprinted\na traceback"
    page = table._repr_html_()
    assert "returns &lt;0&gt;</th>" in page and ">None</td>" in page
    assert page.endswith("</table>" + table.folded._repr_html_())
    told = answer("no guess", table)
    assert repr(told) == f"no guess\n{table!r}" and f"no guess</pre>{page}</details>" in told._repr_html_()
    assert show_table(["a"], [(1,)])._repr_html_().endswith("</table>")


def test_an_answer_is_open_when_it_runs_and_stored_folded():
    cell = nbformat.v4.new_code_cell("answer(…)", metadata={"tags": ["nbval-ignore-output"]})
    data = {"text/html": answer("measured <2>", a_figure(label="a line that bends"))._repr_html_()}
    veil, page = data["text/html"].split("\n", 1)
    why = "JupyterLab shows the first line of an output that is hidden, as it stands in the source"
    assert veil and not set("<>&").intersection(veil) and "measured" not in veil, why
    assert page.startswith('<details open class="helpers-answer"><summary>Answer</summary><pre')
    assert (
        'measured &lt;2&gt;</pre><img class="helpers-light-card" width=' in data["text/html"]
        and 'alt="a line that bends"' in data["text/html"]
    )
    cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    plain = nbformat.v4.new_code_cell("1 + 1")
    plain.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=2)]
    looks = nbformat.v4.new_code_cell("%load_ext helpers")
    looks.outputs = [nbformat.v4.new_output("display_data", {"text/html": STYLE})]
    notebook = nbformat.v4.new_notebook(cells=[looks, cell, plain, nbformat.v4.new_markdown_cell("text")])
    record.clean(notebook)
    assert cell.outputs[0].data["text/html"].startswith(f'{veil}\n<details class="helpers-answer">')
    assert cell.metadata == {"tags": ["nbval-ignore-output"], "jupyter": {"outputs_hidden": True}}
    assert looks.metadata == {}, "style sheets hold only where they are not folded"
    assert plain.metadata == {} and plain.outputs[0].data == {"text/plain": "2"}


def test_recording_names_the_cells_that_other_programs_disturbed():
    cells = [nbformat.v4.new_code_cell(f"first({number})\nsecond") for number in range(2)]
    cells[0].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "pool × 2   [wide interval]"})]
    cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": f"pool × 2   [{BUSY}; wide interval]"})]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(BUSY), *cells])
    assert record.disturbed_cells(notebook) == ["first(1)"]


def test_an_answer_in_text_names_its_pictures():
    assert repr(answer("two", a_figure("A title"))) == "two\nA title"
    assert repr(answer(2.5, a_figure().axes[0])) == "2.5\nOne line"


def test_a_photograph_in_an_answer_is_no_card():
    assert "<img width=" in answer(draw_images([[b"ab"]], ["two dots"]))._repr_html_()


def test_every_picture_has_an_alt_text():
    assert draw_png(a_figure("A title"))[1]["alt"] == "A title"
    assert draw_png(a_figure("A title", "its message"))[1]["alt"] == "its message"
    assert draw_png(Figure())[1]["alt"] == "A picture without a title"
    alt = draw_png(plot_speedup(recorded("count_primes")))[1]["alt"]
    assert alt.startswith("Speedup over the serial loop") and "rounds" in alt


# --- guesses ----------------------------------------------------------------------------------


def test_a_guess_begins_empty_and_zero_is_a_guess():
    guess = Guess("How much?", 0, 4, 0.5, "times")
    assert (guess.number, guess.words) == (None, "no guess")
    guess.value = 0.0
    assert (guess.number, guess.words) == (0.0, "your guess 0 times")
    guess.value = 1.5
    assert (guess.number, guess.words) == (1.5, "your guess 1.5 times")
    assert len(guess.options) == 1 + 9 and guess.options[-1] == ("4 times", 4.0)


@pytest.mark.parametrize(("n_steps", "places"), [(11, 1), (12, 2), (100, 9), (500, 42)])
def test_the_least_guess_is_easy_to_hit_beside_the_place_of_none(n_steps, places):
    guess = Guess("How much?", 0, n_steps)
    numbers = []
    for guess.index in range(places + 2):  # as a page tells where the handle is
        numbers.append(guess.number)
    assert numbers == [None, *[0.0] * places, 1.0], "one press from none to 0"
    # on a slider 200 pixels long 0 takes 15 of them or more: the handle covers 8
    assert 200 * places / (len(guess.options) - 1) >= 15
    guess.value = 0.0
    assert guess.index == 1
    guess.index = places  # still 0, and the handle stays where it was let go
    assert (guess.number, guess.index) == (0.0, places)


def test_a_guess_without_a_kernel_says_how_to_get_its_slider():
    shown = Guess("How much?", 0, 4)._repr_mimebundle_()
    assert shown["text/plain"] == "How much? (A slider for your guess: run this cell to get it.)"
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_a_guess_without_a_unit_has_thousands():
    guess = Guess("How many are lost?", 0, 200_000, 1000)
    guess.value = 50_000
    assert guess.words == "your guess 50,000"


@pytest.mark.parametrize("facts", [(0, 0, 1), (4, 1, 1), (0, 4, 0), (0, 4, -1), (0, 1000, 1), (0, 1, 3), ("0", 1, 1)])
def test_a_guess_needs_a_range(facts):
    with pytest.raises(InvalidArgumentError):
        Guess("How much?", *facts)


def test_code_in_colours_is_the_same_text_and_each_part_has_its_kind():
    source = '"""Doc: it\'s < 1 # no comment."""\n\ndef run(n2):  # "no string" & 5\n'
    source += '    return f"a\\"{n2}" + \'#\' * 0x1F if n2 else None\n'
    coloured = colour_code(source)
    assert html.unescape(re.sub(r"<[^>]*>", "", coloured)) == source
    found = re.findall(
        r'<span style="color:var\(--jp-mirror-editor-(\w+)-color\)[^"]*">(.*?)</span>', coloured, re.DOTALL
    )
    assert [(kind, html.unescape(text)) for kind, text in found] == [
        ("string", '"""Doc: it\'s < 1 # no comment."""'),
        ("keyword", "def"),
        ("def", "run"),
        ("comment", '# "no string" & 5'),
        ("keyword", "return"),
        ("string", 'f"a\\"{n2}"'),
        ("string", "'#'"),
        ("number", "0x1F"),
        ("keyword", "if"),
        ("keyword", "else"),
        ("keyword", "None"),
    ]
