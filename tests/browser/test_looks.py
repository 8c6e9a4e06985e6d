"""How outputs look in a real page: pictures in a dark theme, long lines of code; now, and in the saved file."""

import json

import nbformat
import pytest

from .notebook import Notebook
from .pages import SMALL, lent, open_cells, set_theme

CELLS = """
%load_ext helpers
---
from helpers.notebook import answer, fold, show_source
from helpers.plots import draw_images, plot_speedup
from helpers.records import recorded
plot = plot_speedup(recorded("count_primes"))
plot
---
draw_images([[bytes(range(0, 256, 16))] * 16] * 2, ["sent", "received"])
---
answer("measured", plot)
---
%matplotlib inline
import matplotlib.pyplot as plt
_ = plt.plot([1, 2])
---
show_source("helpers.plots.plot_speedup", "helpers.labs.guess.Guess")
---
fold("one two three four five " * 30 + "x" * 400)
---
from helpers.labs import SpeedupLab
from helpers.tasks.wait import wait_ms
SpeedupLab(wait_ms, [5] * 20)
---
print("printed")
""".split("---")
OURS, IMAGES, ANSWER, READERS, CODE, MESSAGE, PRINTED = 1, 2, 3, 4, 5, 6, 8
#: What is done to the picture below a cell before it is shown.
FILTER = "image => getComputedStyle(image).filter"
#: Where the text below a cell begins, from the left edge of the page, and how large its letters and lines are.
LETTERS = """(cell) => {
    const text = cell.querySelector('.jp-OutputArea-output pre'), looks = getComputedStyle(text);
    const left = text.getBoundingClientRect().left + parseFloat(looks.paddingLeft);
    return [Math.round(left), looks.fontSize, looks.lineHeight];
}"""
#: Which lines of text below a cell break within a word: the letters before and after each break.
BROKEN = """(cell) => {
    const found = [], text = cell.querySelector('.jp-OutputArea-output pre'), range = document.createRange();
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let before = '', top = 0;
    for (let node; (node = walker.nextNode());) {
        for (let at = 0; at < node.data.length; at++) {
            const letter = node.data[at];
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            const box = range.getBoundingClientRect();
            if (before.trim() && letter.trim() && box.top > top + 8) found.push(before + letter);
            [before, top] = [letter, box.top];
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def notebook(page, server):
    """A notebook that has run, with what chapters show in each of its cells."""
    with lent(page, server):
        notebook = open_cells(page, server, *CELLS)
        notebook.page.locator(".helpers-picture").wait_for()
        yield notebook


@pytest.fixture
def dark(notebook):
    set_theme(notebook.page, "JupyterLab Dark")
    yield
    set_theme(notebook.page, "JupyterLab Light")


def cell(notebook, number):
    return notebook.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").nth(number)


def filters(notebook):
    return [cell(notebook, number).locator("img").first.evaluate(FILTER) for number in (OURS, ANSWER, IMAGES, READERS)]


def test_the_sheet_itself_takes_no_room(notebook):
    assert not cell(notebook, 0).locator(".jp-OutputArea-child").is_visible()
    assert cell(notebook, 0).bounding_box()["height"] < 45


def test_in_a_light_theme_pictures_are_shown_as_they_are(notebook):
    assert filters(notebook) == ["none"] * 4


def test_in_a_dark_theme_our_pictures_are_dark_and_photographs_and_the_readers_own_stay(notebook, dark, screenshots):
    ours, answers, images, readers = filters(notebook)
    assert ours == answers == notebook.page.locator(".helpers-picture").evaluate(FILTER) != "none"
    assert images == readers == "none"
    for name, number in (("plot", OURS), ("images", IMAGES), ("answer", ANSWER)):
        cell(notebook, number).screenshot(path=screenshots / f"dark-{name}.png")


def test_another_notebook_in_the_page_is_left_alone(notebook, dark):
    page = notebook.page
    html = "<img id='other' class='helpers-light-card' src='data:,'>"
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", html)
    assert page.locator("#other").evaluate(FILTER) == "none"


def test_an_answers_text_and_a_folds_are_set_as_printed_text_is(notebook):
    cell(notebook, MESSAGE).locator("details").evaluate("fold => { fold.open = true; }")
    printed, *others = [cell(notebook, number).evaluate(LETTERS) for number in (PRINTED, ANSWER, MESSAGE)]
    cell(notebook, MESSAGE).locator("details").evaluate("fold => { fold.open = false; }")
    assert others == [printed] * 2


def test_code_scrolls_and_no_text_breaks_within_a_word(notebook, screenshots):
    notebook.page.set_viewport_size({"width": 700, "height": 1000})
    try:
        code = cell(notebook, CODE)
        cell(notebook, MESSAGE).locator("summary").click()
        assert code.locator("pre").first.evaluate("pre => pre.scrollWidth > pre.clientWidth"), "wide enough to tell"
        assert code.evaluate(BROKEN) == []
        assert set(cell(notebook, MESSAGE).evaluate(BROKEN)) == {"xx"}, "only a word that is longer than the line"
        code.screenshot(path=screenshots / "code-at-700.png")
    finally:
        notebook.page.set_viewport_size({"width": 1400, "height": 1000})


def test_where_the_cell_runs_again_the_looks_stay_and_nothing_is_printed(notebook, dark):
    notebook.page.evaluate("() => { window.panel.content.activeCellIndex = 0; }")
    notebook.page.evaluate("async () => { await window.jupyterapp.commands.execute('notebook:run-cell'); }")
    notebook.page.wait_for_function("n => window.panel.content.model.cells.get(0).executionCount > n", arg=len(CELLS))
    (shown,) = notebook.cells()[0]["outputs"]
    assert shown["output_type"] == "display_data" and filters(notebook)[0] != "none"


def test_the_saved_notebook_keeps_them_without_a_kernel(notebook, server):
    """The last test: it ends the kernel."""
    notebook.save()
    notebook.close()
    assert server.end_kernels() == []
    set_theme(notebook.page, "JupyterLab Dark")
    Notebook(notebook.page, SMALL, kernel=False)
    cell(notebook, OURS).locator("img").wait_for()
    ours, answers, images, readers = filters(notebook)
    assert ours == answers != "none" and images == readers == "none"
    saved = notebook.page.locator(".jp-RenderedImage img.jp-needs-light-background").last
    assert saved.evaluate(FILTER) == ours, "the picture of the lab"
    notebook.close()
    changed = json.loads((server.notebooks / SMALL).read_text(encoding="utf-8"))
    changed["cells"].append({**nbformat.v4.new_markdown_cell("Somebody else has changed this file.")})
    (server.notebooks / "untrusted.ipynb").write_text(json.dumps(changed), encoding="utf-8")
    Notebook(notebook.page, "untrusted.ipynb", kernel=False)
    cell(notebook, OURS).locator("img").wait_for()
    assert ".jp-" not in cell(notebook, 0).locator(".jp-OutputArea").inner_text(), "no text of the sheet"
