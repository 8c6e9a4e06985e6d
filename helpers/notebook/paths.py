"""Tracebacks without the paths of the machine they come from."""

import os
import re
import sys
import sysconfig
from functools import cache
from pathlib import Path

from helpers.notebook.folder import PREFIX

_SEPARATOR = r"[\\/]"
#: Everything up to and with the match goes. The first that matches counts.
_GENERAL = (
    re.compile(rf".*{_SEPARATOR}{re.escape(PREFIX)}\d+-\w+{_SEPARATOR}"),
    re.compile(rf".*{_SEPARATOR}(?:site|dist)-packages{_SEPARATOR}"),
    re.compile(rf".*{_SEPARATOR}lib(?:64)?{_SEPARATOR}python3(?:\.\d+t?)?{_SEPARATOR}"),
    re.compile(rf".*{_SEPARATOR}python3\d+t?{_SEPARATOR}lib{_SEPARATOR}", re.IGNORECASE),
)
_START = r"(?:~|[A-Za-z]:)?[\\/]"
#: The file that a kernel names for a plain cell; there is none of this name.
_CELL = re.compile(rf".*{_SEPARATOR}ipykernel_\d+{_SEPARATOR}\d+\.py")
#: A path in quotes may hold blanks; without quotes it ends at the first. IPython colours paths.
_PATH = re.compile(
    rf"""(?P<before>["'])(?P<quoted>{_START}[^"'\n]*)(?=["'])"""
    rf"""|(?P<colour>^|[\s(\[<=,]|\x1b\[[\d;]*m)(?P<bare>{_START}[^\s"'\x1b]+)""",
    re.MULTILINE,
)


def shorten_paths(text):
    """Return `text` (a traceback) with the paths of Python files cut short.

    Modules of ``%%worker`` cells keep their name alone, the file that a kernel makes up for a plain
    cell becomes "a cell of this notebook"; files of this package, of the standard library and of
    installed packages keep the part from the package on, files under the working folder the part
    below it. All other paths stay as they are. Understands plain and IPython's tracebacks, of this
    machine and of others.

    >>> shorten_paths('File "/tmp/multiprocessing-live-7-ab/worker_12.py", line 3')
    'File "worker_12.py", line 3'
    """
    text = _PATH.sub(_shorten_match, text)
    for root, keep in _roots(os.getcwd()):
        follows = re.escape(keep) + _SEPARATOR if keep else r"[^\s\"']*\.py\b"
        text = re.sub(rf"(?:(?<![\w.\\/~-])|(?<=\dm)){re.escape(root)}{_SEPARATOR}(?={follows})", "", text)
    return text


def _shorten_match(match):
    if match["bare"]:
        return match["colour"] + _shorten(match["bare"])
    return match["before"] + _shorten(match["quoted"])


def _shorten(path):
    if _CELL.fullmatch(path):
        return "a cell of this notebook"
    for pattern in _GENERAL:
        if found := pattern.match(path):
            return path[found.end() :].replace("\\", "/")
    return path


@cache
def _roots(here):
    """Return ((folder, what must follow it), …) of this process, longest folder first."""
    package = str(Path(__file__).resolve().parents[2])
    library = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")]
    roots = {(folder, "") for folder in (*library, here) if folder and len(Path(folder).parts) > 1}
    roots |= {(package, "helpers"), (str(Path(__file__).parents[2]), "helpers")}
    home = os.path.expanduser("~")
    roots |= {("~" + folder[len(home) :], keep) for folder, keep in roots if folder.startswith(home + os.sep)}
    if sys.platform != "win32":
        roots |= {(os.path.realpath(folder), keep) for folder, keep in roots if not folder.startswith("~")}
    return sorted(roots, key=lambda root: -len(root[0]))
