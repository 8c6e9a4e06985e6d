"""Chapter 00 as a reader meets it: opened in JupyterLab, Run All, looked at, saved, opened again."""

import base64
import json

import pytest

from .notebook import Notebook
from .pages import lent, set_theme

CHAPTER = "00_start_here.ipynb"


@pytest.fixture(scope="module")
def chapter(page, server):
    """The chapter with all cells run."""
    with lent(page, server, height=1500):
        notebook = Notebook(page, CHAPTER)
        notebook.run_all()
        n_labs = sum("Lab(" in "".join(cell["source"]) for cell in notebook.cells())
        assert n_labs > 0
        for lab in notebook.labs(n_labs):
            lab.button("run").scroll_into_view_if_needed()
            lab.picture.wait_for()
        yield notebook


def test_run_all_shows_no_error(chapter):
    cells = [cell for cell in chapter.cells() if cell["cell_type"] == "code"]
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert not ["".join(cell["source"]) for cell in cells if not cell["execution_count"]], "cells that did not run"
    assert not chapter.page.locator(
        ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
    ).all_inner_texts()


def test_every_lab_shows_its_controls_and_its_picture(chapter):
    for lab in chapter.labs():
        assert lab.button("run").is_visible()
        assert lab.picture.evaluate("image => image.complete && image.naturalWidth") >= 900
        assert "times the serial loop" in lab.alt()
        assert lab.message.inner_text().strip()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_labs_are_readable_in_both_themes(chapter, theme, screenshots):
    set_theme(chapter.page, theme)
    for number, lab in enumerate(chapter.labs(), 1):
        lab.cell.scroll_into_view_if_needed()
        lab.cell.screenshot(path=screenshots / f"chapter-00-lab-{number}-{theme.split()[1].lower()}.png")
        contrasts = lab.contrasts()
        assert {
            "Workers",
            "Engines",
            "Start method",
            "Your guess",
            "1",
            "threads",
            "Run",
            "Show code",
        } <= contrasts.keys()
        assert not {text: round(ratio, 1) for text, ratio in contrasts.items() if ratio < 3}
        assert corner(lab.picture) == [255, 255, 255, 255]  # a white card, not letters on the theme's ground


def corner(picture):
    """Return red, green, blue, alpha of the picture's upper left pixel."""
    return picture.evaluate("""(image) => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        canvas.getContext('2d').drawImage(image, 0, 0);
        return [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data];
    }""")


def test_the_console_shows_no_error(chapter):
    chapter.page.wait_for_timeout(500)  # what the labs asked for has come or failed
    assert chapter.page.errors == []


def test_the_pictures_stay_in_the_saved_notebook(chapter, server, screenshots):  # the last one: it ends the kernel
    n_labs = len(chapter.labs())
    chapter.save()
    chapter.close()
    assert server.end_kernels() == []
    saved = json.loads((server.notebooks / CHAPTER).read_text(encoding="utf-8"))
    outputs = [output for cell in saved["cells"] if "Lab(" in "".join(cell["source"]) for output in cell["outputs"]]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == n_labs
    for picture in pictures:
        assert base64.b64decode(picture["data"]["image/png"]).startswith(b"\x89PNG")
        assert "times the serial loop" in picture["metadata"]["image/png"]["alt"]
    reopened = Notebook(chapter.page, CHAPTER, kernel=False)
    for picture in pictures:
        source = "".join(picture["data"]["image/png"]).replace("\n", "")
        shown = reopened.page.locator(f".jp-RenderedImage img[src$='{source[-80:]}']")
        shown.wait_for()
        assert shown.evaluate("image => image.naturalWidth") >= 900
        shown.scroll_into_view_if_needed()
    reopened.page.screenshot(path=screenshots / "chapter-00-without-kernel.png")
    assert server.ask("kernels") == []
