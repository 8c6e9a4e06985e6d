"""A check of an exercise as a reader sees it in JupyterLab: a line while it waits, the verdict, colours."""

from .pages import open_cells

ANSWER = """%%worker
from multiprocessing import Pipe, Process

def run_apart(func, item):
    reader, writer = Pipe()
    process = Process(target=func, args=(item,))
    process.start()
    return reader.recv()"""
#: A longer wait than that says nothing more.
SHORTER = "from helpers.course.process import exercises, process_1\nexercises.DEADLINE = 4.0"
#: Run at first with nothing to check, so that the page is at rest when the check begins.
CHECK = "process_1.check()"
EDIT = "() => { window.panel.content.widgets[3].model.sharedModel.setSource('process_1.check(run_apart)'); }"
RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"


def test_a_check_says_that_it_waits_and_for_how_long_and_leaves_its_verdict_alone(own_page, server, screenshots):
    notebook = open_cells(own_page, server, "%load_ext helpers.notebook", ANSWER, SHORTER, CHECK)
    cell = notebook.page.locator(".jp-CodeCell").nth(3)
    notebook.page.evaluate(EDIT)
    notebook.page.evaluate(RUN)
    line = cell.locator("[role=status]")
    line.wait_for()
    assert line.inner_text() == "checking process_1 under spawn: 4 s at most …"
    cell.screenshot(path=screenshots / "check-waits.png")
    verdict = cell.get_by_text("its result never came")
    verdict.wait_for()
    assert not line.is_visible()
    cell.screenshot(path=screenshots / "check-done.png")
    outputs = notebook.cells()[3]["outputs"]
    texts = ["".join(output["data"]["text/plain"]) for output in outputs]
    assert texts[0] == "" and texts[1].startswith("✘ wrong: it did not return within 4 s") and len(texts) == 2
    assert notebook.page.errors == []


def test_a_solution_is_shown_as_coloured_code(own_page, server, screenshots):
    source = "from helpers.course.process import process_1\nprocess_1.hint()\nprocess_1.solution()"
    notebook = open_cells(own_page, server, source)
    code = notebook.page.locator(".jp-OutputArea-output pre code")
    code.locator("span").first.wait_for()
    assert "def run_apart(func, item):" in code.inner_text()
    notebook.page.locator(".jp-CodeCell").first.screenshot(path=screenshots / "solution.png")
