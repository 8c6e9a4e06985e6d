"""The labs of chapters 01 to 06, each once in a real JupyterLab: shown, run, watched, stopped. One page for all."""

import pytest

from .pages import lent, open_cells, set_theme

LABS = ["ProcessLab", "PoolLab", "QueueLab", "PipeLab", "LockLab", "ValueLab", "ApproachLab"]
#: What is shorter than the lab would do by itself: a few pictures are enough.
SHORTER = {"ProcessLab": "repeats=2", "PipeLab": "repeats=1", "LockLab": "repeats=1", "ValueLab": "n_updates=40_000"}
IMPORTS = "\n".join(f"from helpers.course.{name.removesuffix('Lab').lower()} import {name}" for name in LABS)


@pytest.fixture(scope="module")
def notebook(page, server):
    """A notebook with one lab a cell."""
    with lent(page, server):
        yield open_cells(page, server, IMPORTS, *(f"{name}({SHORTER.get(name, '')})" for name in LABS))


@pytest.fixture(params=LABS)
def named_lab(request, notebook):
    """The name of a lab and the lab, at rest."""
    lab = notebook.labs()[LABS.index(request.param)]
    lab.button("run").scroll_into_view_if_needed()
    lab.picture.wait_for()
    yield request.param, lab
    lab.stop()


def test_a_lab_draws_while_it_runs_and_nothing_moves(notebook, named_lab, screenshots):
    name, lab = named_lab
    assert lab.cut_off() == [] and lab.picture.bounding_box()["width"] == 900
    assert len(lab.rows()) <= 3, "two rows of controls over the row of Run"
    before = lab.boxes()
    lab.watch()
    lab.run()
    notebook.page.wait_for_function("window.seen.pictures.length > 1")
    during = lab.boxes()
    lab.cell.screenshot(path=screenshots / f"{name}-running.png")
    notebook.page.wait_for_function("window.seen.over")
    seen = lab.seen()  # a new picture was seen; how many more a busy browser shows is its affair
    assert not lab.message.locator("b", has_text="⚠").count(), lab.message.inner_text()
    assert seen["alts"][-1].strip()
    assert not lab.cell.locator(".helpers-old").count(), "nobody has touched a control since"
    notebook.page.wait_for_function(
        "(cell) => cell.querySelector('.helpers-picture')?.naturalWidth >= 1800", arg=lab.cell.element_handle()
    )
    assert before == during == lab.boxes(), "nothing moves"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        set_theme(notebook.page, theme)
        lab.cell.screenshot(path=screenshots / f"{name}-{theme.split()[1].lower()}.png")
    assert notebook.page.errors == []


def test_beside_a_sidebar_the_controls_stay_in_two_rows_and_nothing_is_cut_off(notebook, screenshots):
    page = notebook.page
    wide = page.viewport_size
    first = page.locator(".helpers-live").first
    try:
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.set_viewport_size({"width": 880, "height": 1000})
        page.wait_for_function("document.querySelector('.helpers-picture').getBoundingClientRect().width < 800")
        assert 690 < first.bounding_box()["width"] < 720
        for name, lab in zip(LABS, notebook.labs(), strict=True):
            lab.cell.scroll_into_view_if_needed()
            lab.cell.screenshot(path=screenshots / f"{name}-narrow.png")
            assert len(lab.rows()) == 3 and lab.cut_off() == [], name
    finally:
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        page.set_viewport_size(wide)


def test_a_lab_can_be_stopped_and_run_again(named_lab):
    _, lab = named_lab
    lab.run()
    lab.stop()
    assert lab.button("run").is_enabled() and not lab.button("stop").is_enabled()
    assert not lab.message.locator("b", has_text="⚠").count(), lab.message.inner_text()


def test_what_a_chapter_measured_as_it_ran_is_not_of_other_settings(own_page, server):
    """As the next one it takes the page: these are the last.

    The page counts a slider's steps for itself, 0.1 + 2 × 0.1 = 0.30000000000000004, while the lab runs already.
    """
    make = "from helpers.course.process import ProcessLab\nlab = ProcessLab(n_processes=1, task_seconds=0.3, repeats=1)"
    notebook = open_cells(own_page, server, make, "lab", "_ = lab.run(block=True)")
    (lab,) = notebook.labs()
    lab.wait_drawn()
    assert "1 of 1" in lab.progress.inner_text()
    assert not lab.cell.locator(".helpers-old").count()


def test_a_guess_of_zero_is_hit_by_a_click_at_the_left_end_and_by_one_key(own_page, server):
    """Of 500 steps, on a track of a few hundred pixels, nobody could hit the one beside "no guess yet"."""
    notebook = open_cells(own_page, server, "from helpers.labs import Guess", "Guess('How much?', 0, 500)")
    slider = notebook.page.locator(".helpers-guess")
    readout, handle = slider.locator(".widget-readout"), slider.locator(".noUi-handle")
    assert readout.inner_text() == "no guess yet"
    box = handle.bounding_box()  # at the left end, over the place of "no guess yet"
    notebook.page.mouse.click(box["x"] + box["width"] + 2, box["y"] + box["height"] / 2)
    notebook.page.wait_for_function("document.querySelector('.helpers-guess .widget-readout').innerText === '0'")
    handle.focus()
    for key, said in (("Home", "no guess yet"), ("ArrowRight", "0")):
        notebook.page.keyboard.press(key)
        wanted = f"document.querySelector('.helpers-guess .widget-readout').innerText === '{said}'"
        notebook.page.wait_for_function(wanted)
