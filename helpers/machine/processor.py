"""The model of the CPU, as its maker names it: for what is recorded on one machine and read on another."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

#: Lines of ``/proc/cpuinfo`` that name a model, the best first; on ARM the kernel often has none of them.
NAMES = ("model name", "cpu model", "cpu", "Hardware")
#: Most characters of a name: what is longer is cut.
LONGEST = 80


def read_cpu_model(root="/"):
    """Return the name of the CPU model in one line, None where the system does not tell.

    Says nothing of the machine's owner, name or place. In a virtual machine it is what the hypervisor shows.
    Read from ``/proc/cpuinfo``, ``sysctl`` (macOS) or the registry (Windows).
    """
    name = None
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(command, capture_output=True, text=True, timeout=5).stdout
        elif sys.platform == "win32":
            name = _from_registry()
        else:
            name = find_model((Path(root) / "proc" / "cpuinfo").read_text(encoding="utf-8", errors="replace"))
    return tidy_model(name or platform.processor())


def _from_registry():
    """Return the name that Windows has of the first CPU."""
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"HARDWARE\DESCRIPTION\System\CentralProcessor\0") as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])


def find_model(cpuinfo):
    """Return the model that the text of ``/proc/cpuinfo`` names, None for none.

    >>> find_model("processor : 0\\nmodel name : Some CPU @ 2 GHz\\n")
    'Some CPU @ 2 GHz'
    """
    lines = [line.partition(":") for line in cpuinfo.splitlines()]
    told = {}
    for key, _, value in lines:
        told.setdefault(key.strip(), value.strip())
    return next((told[name] for name in NAMES if told.get(name)), None)


def tidy_model(name):
    """Return a name in one line without what a path could be written with, None for an empty one.

    >>> tidy_model("  A/B   CPU "), tidy_model("x86_64"), tidy_model("")
    ('A B CPU', None, None)
    """
    words = name.replace("/", " ").replace("\\", " ").split()
    tidy = " ".join(words)[:LONGEST]
    return tidy if tidy and tidy != platform.machine() else None
