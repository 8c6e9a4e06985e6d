"""The reader's own modules: which files they come from, and whether they were edited."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path

HELPERS = str(Path(__file__).parents[1])
#: Packages that the measuring relies on: a file of such a name beside a notebook is imported in their place.
RELIED_ON = {"psutil", "dill", "multiprocess", "numpy", "helpers"}


def own_sources():
    """Return {module name: (file, time of its last change in ns, bytes)} of the modules here that are not installed.

    Neither the standard library's, nor those in site-packages, nor this package's. Two of these differ where a
    module was edited, or one more was imported.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not _is_installed(file):
            try:
                status = os.stat(file)
                found[name] = file, status.st_mtime_ns, status.st_size
            except OSError:  # removed, or within an archive
                found[name] = file, None, None
    return found


def edited_since(before):
    """Return the names of the modules of `before`, which `own_sources` gave, whose files are others now."""
    now = own_sources()
    return sorted(name for name, stamp in before.items() if now.get(name, stamp) != stamp)


def find_shadows():
    """Return the files of the reader's own modules here that have the name of what the measuring relies on."""
    return sorted(
        file
        for name, (file, *_) in own_sources().items()
        if name in sys.stdlib_module_names or name.partition(".")[0] in RELIED_ON
    )


def installed_first(path):
    """Return the entries of a search path: the installed folders, this package's, then the reader's own."""
    own = str(Path(HELPERS).parent)
    return sorted(path, key=lambda entry: 1 if entry == own else 0 if _is_installed(os.path.join(entry, "")) else 2)


@cache
def _is_installed(file):
    return file.startswith(_installed_folders()) or not {"site-packages", "dist-packages"}.isdisjoint(
        file.split(os.sep)
    )


@cache
def _installed_folders():
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} | {HELPERS}
    return tuple(folder + os.sep for folder in folders if folder)
