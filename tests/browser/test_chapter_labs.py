"""The labs of chapters 01 to 06, each once in a real JupyterLab: shown, run, watched, stopped. One page for all."""

import pytest

from .pages import open_cells, pages, set_theme

LABS = ["ProcessLab", "PoolLab", "QueueLab", "PipeLab", "LockLab", "ValueLab", "ApproachLab"]
IMPORTS = "\n".join(f"from helpers.course.{name.removesuffix('Lab').lower()} import {name}" for name in LABS)


@pytest.fixture(scope="module")
def notebook(browser, server):
    """A notebook with one lab a cell."""
    with pages(browser, server) as open_page:
        yield open_cells(open_page(scale=2), server, IMPORTS, *(f"{name}()" for name in LABS))


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


def test_what_a_chapter_measured_as_it_ran_is_not_of_other_settings(browser, server):
    """The page counts a slider's steps for itself, 0.1 + 2 × 0.1 = 0.30000000000000004, while the lab runs already."""
    make = "from helpers.course.process import ProcessLab\nlab = ProcessLab(n_processes=1, task_seconds=0.3, repeats=1)"
    with pages(browser, server) as open_page:
        notebook = open_cells(open_page(), server, make, "lab", "_ = lab.run(block=True)")
        (lab,) = notebook.labs()
        lab.wait_drawn()
        assert "1 of 1" in lab.progress.inner_text()
        assert not lab.cell.locator(".helpers-old").count()
