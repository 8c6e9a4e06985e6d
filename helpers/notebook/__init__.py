"""Notebook-safe functions: cells that workers can import, and checks of functions that they cannot.

::

    cells       the %%worker cell magic: a cell becomes a real module
    folder      the private folder these modules lie in
    functions   require_importable, module_of, source_stamp, function_name
    sources     standalone_source: the smallest program that defines a function
    paths       shorten_paths: tracebacks without the paths of this machine
    notices     Notice, show_code, colour_code: what is shown while a check waits, and code in colours
    shutdown    a kernel that has started processes ends cleanly
    looks       the style sheet of a notebook: pictures in a dark theme, long lines of code
    pictures    figures made without pyplot show as the last line of a cell
    showing     show_source, fold, show_table, answer: code, long messages, tables, answers to predictions

Standard library only; IPython is imported when the extension is loaded.
"""

from helpers.notebook.cells import borrowed_imports, load_ipython_extension, unload_ipython_extension
from helpers.notebook.functions import function_name, module_of, require_importable, source_stamp
from helpers.notebook.notices import Notice, show_code
from helpers.notebook.paths import shorten_paths
from helpers.notebook.showing import answer, fold, show_source, show_table
from helpers.notebook.sources import standalone_source

__all__ = [
    "answer",
    "borrowed_imports",
    "fold",
    "Notice",
    "function_name",
    "load_ipython_extension",
    "module_of",
    "require_importable",
    "shorten_paths",
    "show_source",
    "show_table",
    "show_code",
    "source_stamp",
    "standalone_source",
    "unload_ipython_extension",
]
