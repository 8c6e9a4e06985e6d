"""Run chapters and store their outputs: ``python tests/record.py [notebooks/00_start_here.ipynb …]``.

Without arguments: every chapter. A chapter is saved only if all of its cells ran. What changes
with every run or machine and says nothing (kernel names, versions, times of execution, the
state of widgets) is left out, so that a difference between two recordings is a real one. Cells
whose figures other programs have disturbed are named: record the chapter again on a quiet machine.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from helpers.measure.badges import BUSY
from helpers.notebook.showing import ANSWER_CLASS

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
OPEN = f'<details open class="{ANSWER_CLASS}">'
FOLDED = f'<details class="{ANSWER_CLASS}">'
#: keys of a cell's metadata that are kept
CELL_KEYS = {"tags", "jupyter", "slideshow", "collapsed"}


def record(path):
    """Run the notebook at `path` in its own folder, store it with its outputs, and return it."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
    )
    client.execute()
    clean(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    return notebook


def clean(notebook):
    """Leave in the notebook's metadata only what means something on every machine."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        fold_answers(cell)
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key in CELL_KEYS})


def fold_answers(cell):
    """Store the answer to a prediction (`helpers.notebook.answer`) folded, for JupyterLab and for a web page."""
    for output in cell.get("outputs", ()):
        page = output.get("data", {}).get("text/html", "")
        if OPEN in page:  # the style sheet of a chapter has the name of the class, too
            output.data["text/html"] = page.replace(OPEN, FOLDED)
            cell.metadata.setdefault("jupyter", {})["outputs_hidden"] = True


def disturbed_cells(notebook):
    """Return the first lines of the cells whose outputs say that other programs were using the CPUs."""
    return [
        cell.source.partition("\n")[0]
        for cell in notebook.cells
        if any(BUSY in output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", ()))
    ]


if __name__ == "__main__":
    for chapter in [Path(name).resolve() for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        disturbed = disturbed_cells(record(chapter))
        print(f"recorded {chapter.name}")
        if disturbed:
            print(f"  in doubt ({BUSY}); record it again on a quiet machine. Cells:", *disturbed, sep="\n  ")
