"""A lab lives through a reload of the page, a cell that keeps the kernel busy, a restart; and tells when it cannot."""

import json

import nbformat
import pytest

from helpers.labs.style import KERNEL_GONE, ONE_LINE

from .notebook import Notebook
from .pages import SMALL, lent, load, open_cells

MAKE = """
from helpers.labs import SpeedupLab
from helpers.tasks.wait import wait_ms
lab = SpeedupLab(wait_ms, [15] * 20, engines=("threads",), n_workers=(2,), repeats=100)
"""
#: Run a new cell and go on at once: the kernel is busy with it.
BLOCK = """() => {
    const notebook = window.panel.content;
    notebook.model.sharedModel.addCell({cell_type: 'code', source: '_ = lab.run(block=True)'});
    notebook.activeCellIndex = notebook.widgets.length - 1;
    window.blocking = window.jupyterapp.commands.execute('notebook:run-cell');
}"""
NO_SUBSHELLS = "() => { window.panel.sessionContext.session.kernel.commsOverSubshells = 'disabled'; }"
IN_PLACE = """() => [...document.querySelectorAll('.jp-OutputArea-output')]
    .map(node => getComputedStyle(node, '::before').content).filter(text => text && text !== 'none')"""


@pytest.fixture(scope="module")
def notebook(page, server):
    """A notebook with one lab that runs until it is stopped."""
    with lent(page, server):
        load(page, server)  # where it is loaded again, what was open before comes back
        yield open_cells(page, server, MAKE, "lab")


@pytest.fixture
def lab(notebook):
    """The lab, at rest."""
    (lab,) = notebook.labs()
    lab.picture.wait_for()
    yield lab


def sees_it_go_on(notebook, lab):
    """Wait until picture and progress of a running lab have changed while we look."""
    lab.watch()
    notebook.page.wait_for_function("window.seen.pictures.length > 1 && window.seen.progress.length > 1")


def reload(notebook, server):
    """Save, load the page again, and return the lab in it."""
    notebook.save()
    notebook.page.reload()
    notebook.__init__(notebook.page, SMALL)
    (lab,) = notebook.labs()
    lab.picture.wait_for()
    assert lab.cell.locator(".jp-RenderedImage img:visible, .helpers-saved:visible").count() == 0, (
        "the copies are hidden"
    )
    return lab


def test_a_lab_at_rest_and_one_that_runs_live_on_after_the_page_was_loaded_again(notebook, lab, server):
    lab = reload(notebook, server)
    lab.run()
    sees_it_go_on(notebook, lab)
    lab = reload(notebook, server)
    sees_it_go_on(notebook, lab)
    lab.stop()
    notebook.page.wait_for_function(
        "(cell) => cell.querySelector('.helpers-alt').textContent.includes('times the serial loop')",
        arg=lab.cell.element_handle(),
    )
    lab.message.get_by_text("drawing the picture").wait_for(state="detached")
    said, shown = lab.message.inner_text(), lab.picture.evaluate("image => image.naturalWidth")
    assert "threads" in said and shown >= 900
    lab = reload(notebook, server)
    assert lab.message.inner_text() == said and "times the serial loop" in lab.alt()
    lab.run()
    sees_it_go_on(notebook, lab)
    lab.stop()
    assert "Unknown subshell_id" not in server.log.read_text(errors="replace")


def test_closing_the_tab_takes_nothing_from_the_lab(notebook, lab, server):
    lab.run()
    notebook.save()
    notebook.close()
    notebook.__init__(notebook.page, SMALL)
    (lab,) = notebook.labs()
    sees_it_go_on(notebook, lab)
    lab.stop()
    assert "Unknown subshell_id" not in server.log.read_text(errors="replace")


def test_stop_is_heard_while_a_cell_waits_for_the_run(notebook, lab):
    notebook.page.evaluate(BLOCK)
    lab.cell.locator("button.helpers-stop:not([disabled])").wait_for()
    sees_it_go_on(notebook, lab)
    lab.stop()
    notebook.page.evaluate("async () => { await window.blocking; }")
    assert "stopped" in lab.progress.inner_text()


def test_the_lab_of_a_kernel_that_was_restarted_says_so(notebook, lab, screenshots):
    notebook.page.evaluate(NO_SUBSHELLS)  # for the next test: those of before end with the kernel
    notebook.restart_kernel()
    notebook.page.wait_for_function("document.querySelector('.helpers-live.jupyter-widgets-disconnected')")
    lab.cell.screenshot(path=screenshots / "lab-after-restart.png")
    said = lab.cell.locator(".helpers-live").evaluate("node => getComputedStyle(node, '::before').content")
    assert KERNEL_GONE in said
    assert not lab.button("run").is_visible() and not lab.button("stop").is_visible()


def test_where_nothing_is_heard_while_a_cell_waits_stop_is_off_and_says_what_helps(notebook):
    """As with a page or a kernel that has no subshells: the cells run again, and the last one waits."""
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    notebook.page.locator(".helpers-live:not(.jupyter-widgets-disconnected)").wait_for()
    (lab,) = notebook.labs()
    lab.progress.get_by_text("interrupt the kernel to stop").wait_for()
    assert not lab.button("stop").is_enabled() and not lab.button("run").is_enabled()
    notebook.page.evaluate("async () => { await window.panel.sessionContext.session.kernel.interrupt(); }")
    lab.wait_over()
    lab.progress.get_by_text("stopped").wait_for()  # it comes right after the buttons
    assert "interrupt" not in lab.progress.inner_text()
    lab.run()
    lab.stop()


def test_without_its_kernel_a_lab_is_its_picture_its_advice_and_one_line(notebook, server, screenshots):
    """The last test: it ends the kernel."""
    notebook.save()
    notebook.close()
    assert server.end_kernels() == []
    saved = server.notebooks / SMALL
    Notebook(notebook.page, SMALL, kernel=False)
    notebook.page.locator(".helpers-saved").wait_for()
    assert [text.strip('"') for text in notebook.page.evaluate(IN_PLACE)] == [ONE_LINE]
    notebook.page.screenshot(path=screenshots / "lab-without-kernel.png")
    notebook.close()
    changed = nbformat.read(saved, as_version=4)
    changed.cells.append(nbformat.v4.new_markdown_cell("Somebody else has changed this file."))
    nbformat.write(changed, server.notebooks / "untrusted.ipynb")
    Notebook(notebook.page, "untrusted.ipynb", kernel=False)
    cell = notebook.page.locator(".jp-CodeCell").nth(1)
    cell.locator(".jp-RenderedImage img").wait_for()
    notebook.page.screenshot(path=screenshots / "lab-untrusted.png")
    words = json.loads((saved).read_text(encoding="utf-8"))["cells"][1]["outputs"][2]["data"]["text/plain"]
    assert ONE_LINE in cell.inner_text() and "".join(words) in cell.inner_text() and "VBox" not in cell.inner_text()
