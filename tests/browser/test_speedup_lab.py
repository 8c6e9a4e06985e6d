"""The speedup lab in a small notebook: clicked, typed into, watched. The tests share the page; each finds the lab
idle."""

import re

import pytest

from helpers.records import Sweep

from .pages import lent, open_cells, set_theme

MAKE = """
from helpers.labs import SpeedupLab
from helpers.tasks.cpu import count_primes
lab = SpeedupLab(count_primes, [20_000] * 8, engines=("threads", "processes"), n_workers=(1,), repeats=3)
"""

WIDE = """
wide = SpeedupLab(count_primes, [15_000] * 8, n_workers=(1, 2, 3, 4, 6, 8, 12, 16))  # as on a machine with 8 CPUs
wide
"""


@pytest.fixture(scope="module")
def notebook(page, server):
    """A notebook with the lab alone."""
    with lent(page, server):
        yield open_cells(page, server, MAKE, "lab", WIDE)


@pytest.fixture
def lab(notebook):
    """The lab, at rest."""
    lab, _ = notebook.labs(2)
    lab.picture.wait_for()
    yield lab
    lab.stop()


def test_run_draws_while_it_measures_and_ends_with_advice(notebook, lab, screenshots):
    before = lab.boxes()
    lab.cell.screenshot(path=screenshots / "lab-before.png")
    lab.count(2).click()
    lab.control("repeats").select_option(label="5 rounds")
    assert lab.counts() == [1, 2]
    lab.watch()
    lab.run()
    lab.message.get_by_text("warm-up round, which is not counted").wait_for()
    lab.cell.screenshot(path=screenshots / "lab-warm-up.png")
    notebook.page.wait_for_function("window.seen.pictures.length >= 3")
    during = lab.boxes()
    lab.cell.screenshot(path=screenshots / "lab-running.png")
    notebook.page.wait_for_function("window.seen.over")
    seen = lab.seen()
    # how many of the pictures a busy browser shows is its affair; that each first point is drawn at once is held in
    # tests/toolkit/test_labs_figures.py
    assert len(seen["pictures"]) >= 3, "the picture changes while it measures"
    told = [text for text in seen["progress"] if " of 30 runs" in text]  # 6 rounds of serial and 2 x 2
    assert len(told) >= 3, seen["progress"]
    assert any("no round counts yet" in alt for alt in seen["alts"]), "the first points are those of the warm-up"
    assert "times the serial loop" in seen["alts"][-1]
    lab.wait_drawn()
    assert "serial" in lab.message.inner_text()
    assert before == during == lab.boxes(), "nothing moves"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        set_theme(notebook.page, theme)
        lab.cell.screenshot(path=screenshots / f"lab-{theme.split()[1].lower()}.png")


def test_controls_stand_in_two_rows_over_the_run_row_and_nothing_is_cut_off(notebook, screenshots):
    for lab in notebook.labs(2):
        lab.cell.screenshot(path=screenshots / "lab-wide.png")
        rows = lab.rows()
        assert [row[0] for row in rows] == ["Workers", rows[1][0], "Run"] and rows[1][0].startswith("Start method")
        assert lab.cut_off() == []
        assert lab.picture.bounding_box()["width"] == 900


def test_engines_that_cannot_run_are_grey_and_say_why(lab):
    for name in ("multiprocess", "interpreters"):
        button = lab.cell.locator("button.helpers-engine", has_text=name)
        tooltip = button.get_attribute("title")
        assert tooltip and (button.is_enabled() or "needs" in tooltip)


def test_controls_are_reached_with_tab_in_reading_order(notebook, lab):
    lab.button("count").first.focus()
    order = []
    for _ in range(40):
        name = notebook.page.evaluate(
            "[...document.activeElement.closest('[class*=helpers-]')?.classList ?? []].find(one => "
            "one.startsWith('helpers-'))"
        )
        if name is None or name == "helpers-code":
            break
        if name not in order[-1:]:
            order.append(name)
        notebook.page.keyboard.press("Tab")
    assert order == [f"helpers-{name}" for name in ("count", "engine", "method", "chunk", "repeats", "guess", "run")]
    lab.button("run").focus()
    notebook.page.keyboard.press("Space")
    lab.button("stop").and_(notebook.page.locator(":enabled")).wait_for()


def test_show_code_shows_a_program_and_hides_it_again(lab):
    program = lab.cell.locator(".helpers-program")
    lab.press("code")
    program.wait_for()
    compile(program.inner_text(), "program", "exec")
    assert "def count_primes(limit):" in program.inner_text() and 'if __name__ == "__main__":' in program.inner_text()
    lab.press("code")
    program.wait_for(state="detached")


def test_save_results_writes_a_file_that_can_be_read(lab, server):
    lab.run()
    lab.wait_over()
    lab.press("save")
    lab.message.get_by_text("Saved ").wait_for()
    (name,) = re.findall(r"Saved (\S+) beside", lab.message.inner_text())
    assert "times the serial loop" in lab.message.inner_text(), "the advice stays"
    sweep = Sweep.from_json(server.notebooks / name)
    assert sweep.function.endswith("count_primes") and sweep.complete


@pytest.mark.parametrize("text", ["abc", "0", "-3", "2.5"])
def test_a_bad_chunk_size_is_named_and_the_lab_goes_on(lab, text):
    lab.fill("chunk", text)
    lab.press("run")
    lab.message.get_by_text(repr(text)).wait_for()
    assert lab.button("run").is_enabled() and not lab.button("stop").is_enabled()
    lab.fill("chunk", "auto")
    lab.run()
    lab.message.get_by_text(repr(text)).wait_for(state="detached")


def test_the_console_shows_no_error(notebook, lab):
    assert notebook.page.errors == []
