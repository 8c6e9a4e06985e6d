"""The figures of this machine, each with where it comes from and which one decides.

Every function that reads the system takes ``root``: the folder under which ``proc`` and ``sys``
lie, so that any machine can be rebuilt from plain files.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from helpers.machine.cgroups import find_levels, read_cpu_quota, read_memory_use, read_number
from helpers.words import html_table, memory, plural, text_table

#: Environment variables that only these platforms set.
PLATFORM_VARIABLES = {
    "Binder": ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_REF_URL", "BINDER_SERVICE_HOST"),
    "Colab": ("COLAB_RELEASE_TAG", "COLAB_BACKEND_VERSION", "COLAB_GPU"),
    "Codespaces": ("CODESPACES",),
}


@dataclass(frozen=True)
class Figure:
    """One limit: its value (None: not set) in CPUs or bytes, and a note on where it comes from."""

    name: str
    value: float | None = None
    note: str = ""
    invalid: bool = False


def _environment_figure(name, what, convert, unset=()):
    """Return the Figure an environment variable gives; a value `convert` refuses is marked invalid."""
    text = os.environ.get(name, "").strip()
    if text == "" or text in unset:
        return Figure(name)
    try:
        value = convert(text)
        if not 0 < value < math.inf:
            raise ValueError
    except (ValueError, OverflowError):
        return Figure(name, None, f"{text[:30]!r} is not {what}: ignored", invalid=True)
    return Figure(name, value)


def _affinity():
    """Return how many CPUs this process may be scheduled on; None where the system has no affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    with suppress(AttributeError, psutil.Error, OSError):
        return len(psutil.Process().cpu_affinity()) or None
    return None


def _cpu_figures(root):
    """Return (all Figures of CPUs, the one that decides)."""
    quotas = [(quota, file) for quota, file in (read_cpu_quota(*level) for level in find_levels(root, "cpu")) if quota]
    quota, file = min(quotas, key=lambda pair: pair[0], default=(None, None))
    logical = Figure("logical CPUs", psutil.cpu_count() or os.cpu_count() or 1)
    limits = (
        logical,
        Figure("affinity", _affinity()),
        Figure("cgroup CPU quota", quota, _shown(file, root)),
        _environment_figure("PYTHON_CPU_COUNT", "a whole number from 1", int, unset=("default",)),
        _environment_figure("CPU_LIMIT", "a number above 0", float),
    )
    physical = Figure("physical CPUs", psutil.cpu_count(logical=False))
    return (logical, physical, *limits[1:]), min((f for f in limits if f.value is not None), key=lambda f: f.value)


def _memory_figures(root):
    """Return (all Figures of memory, the limit that decides, the Figure of free memory)."""
    memory, levels = psutil.virtual_memory(), [read_memory_use(*level) for level in find_levels(root, "memory")]
    limited = [level for level in levels if level[0] is not None]
    limit, _, file = min(limited, key=lambda level: level[0], default=(None, None, None))
    variable = _environment_figure("MEM_LIMIT", "a number of bytes", lambda text: int(float(text)))
    limits = (
        Figure("physical memory", memory.total),
        Figure("cgroup memory limit", limit, _shown(file, root)),
        variable,
    )
    used = next((usage for _, usage, _ in levels if usage is not None), 0)
    left = [limit - (usage or 0) for limit, usage, _ in limited] + ([variable.value - used] if variable.value else [])
    available = Figure("available memory", memory.available)
    below = Figure("left below the limits", max(0, min(left)) if left else None)
    free = min((f for f in (available, below) if f.value is not None), key=lambda f: f.value)
    return (*limits, available, below), min((f for f in limits if f.value is not None), key=lambda f: f.value), free


def _shown(file, root):
    return "" if file is None else "/" + file.relative_to(root).as_posix()


def usable_cpus(root="/"):
    """Return how many CPUs this process may use at once: the least of all limits, at least 1.

    A fractional limit is rounded up at the end, as loky does: with a quota of 1.5 CPUs two
    workers are faster than one. Assumes that nobody else uses them. Limits: logical CPUs,
    affinity, cgroup CPU quota (v1, v2, every level up to the mount), ``PYTHON_CPU_COUNT`` and
    ``CPU_LIMIT`` (Binder). Source: kernel.org, "Control Group v2", cpu.max.
    """
    return max(1, math.ceil(_cpu_figures(Path(root))[1].value))


def start_methods():
    """Return the start methods of this platform, Python's default first.

    Of the standard library's own: a package such as loky adds names of its own to those that
    `multiprocessing.get_all_start_methods` lists.
    """
    return tuple(
        method for method in multiprocessing.get_all_start_methods() if method in ("fork", "spawn", "forkserver")
    )


def default_start_method():
    """Return "forkserver" where the platform has it, else "spawn": both safe beside threads."""
    return "forkserver" if "forkserver" in start_methods() else "spawn"


def read_throttling(root="/"):
    """Return how often a CPU quota stopped this process's cgroups so far; None where nobody counts.

    The sum of ``nr_throttled`` in ``cpu.stat`` over the process's own cgroup and those above it,
    since the quota may be set on any of them. Compare two readings.
    """
    counts = [read_number(folder / "cpu.stat", "nr_throttled") for _, folder in find_levels(Path(root), "cpu")]
    counts = [count for count in counts if count is not None]
    return sum(counts) if counts else None


def read_busy_seconds():
    """Return the CPU seconds used on the whole machine since it started: compare two readings.

    Includes time stolen by the hypervisor, for it is load from others too. Guest time is part
    of user time on Linux, interrupt time part of system time on Windows: neither is added again.
    """
    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq", "steal")))


def read_own_seconds():
    """Return the CPU seconds of this process and of all that descends from it so far: compare two readings.

    Those of a process that has ended count on as its parent's on Linux. On macOS and Windows they are lost: there
    both readings belong into the life of the workers.
    """
    total, this = 0.0, psutil.Process()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.Error, OSError):  # it has ended in the meantime
            total += sum(process.cpu_times()[:4])  # user, system, and those of its children that have ended
    return total


@dataclass(frozen=True, repr=False)
class MachineReport:
    """What this machine really offers. ``decided_by`` names the figure that sets ``usable_cpus``.

    ``memory_free_bytes`` is the least of what the machine has available and what is left below
    every limit; ``platform`` is "Binder", "Colab", "Codespaces" or "plain".
    """

    usable_cpus: int
    decided_by: str
    cpu_figures: tuple[Figure, ...]
    memory_limit_bytes: int
    memory_decided_by: str
    memory_free_bytes: int
    memory_free_decided_by: str
    memory_figures: tuple[Figure, ...]
    start_methods: tuple[str, ...]
    default_start_method: str
    python: str
    implementation: str
    free_threaded: bool
    gil_enabled: bool
    platform: str
    system: str
    architecture: str

    def rows(self):
        """Return [(what, value, note)] as shown; limits come before what follows from them."""
        build = (
            f"{'free-threaded' if self.free_threaded else 'standard'} build, GIL {'on' if self.gil_enabled else 'off'}"
        )
        methods = [
            f"{name} (Python's default)" if name == self.start_methods[0] else name for name in self.start_methods
        ]
        service = "" if self.platform == "plain" else f"on {self.platform}"
        return [
            *(_figure_row(figure, "{:g}".format, self.decided_by) for figure in self.cpu_figures),
            ("usable CPUs", str(self.usable_cpus), f"decided by {self.decided_by}"),
            *(_figure_row(f, memory, self.memory_decided_by, self.memory_free_decided_by) for f in self.memory_figures),
            ("memory limit", memory(self.memory_limit_bytes), f"decided by {self.memory_decided_by}"),
            ("free memory", memory(self.memory_free_bytes), f"decided by {self.memory_free_decided_by}"),
            ("start methods", self.default_start_method, f"default here, of: {', '.join(methods)}"),
            ("Python", self.python, f"{self.implementation}, {build}"),
            ("platform", f"{self.system} {self.architecture}", service),
        ]

    @property
    def line(self):
        """What matters for reading a measurement, in one line."""
        build = f"{self.implementation} {self.python}{'' if self.gil_enabled else ' without a GIL'}"
        facts = [plural(self.usable_cpus, "usable CPU"), f"{memory(self.memory_free_bytes)} free", build]
        facts += [self.default_start_method] + ([self.platform] if self.platform != "plain" else [])
        return ", ".join(facts)

    def __repr__(self):
        return text_table(self.rows())

    def _repr_html_(self):
        return html_table(("what", "value", "note"), self.rows())

    def to_dict(self):
        """Return plain values for JSON, for storing beside a measurement; nothing that names a person or place."""
        skipped = ("cpu_figures", "memory_figures", "start_methods")
        plain = {name: value for name, value in vars(self).items() if name not in skipped}
        cpus = {figure.name: figure.value for figure in self.cpu_figures}
        names = {
            "logical_cpus": "logical CPUs",
            "physical_cpus": "physical CPUs",
            "affinity_cpus": "affinity",
            "cgroup_cpus": "cgroup CPU quota",
            "python_cpu_count": "PYTHON_CPU_COUNT",
            "cpu_limit": "CPU_LIMIT",
        }
        plain.update({key: cpus[name] for key, name in names.items()}, start_methods=list(self.start_methods))
        return {**plain, "memory_total_bytes": self.memory_figures[0].value}


def _figure_row(figure, form, *deciding):
    value = "invalid" if figure.invalid else "not set" if figure.value is None else form(figure.value)
    mark = ["<- decides"] if figure.name in deciding and figure.value is not None else []
    return figure.name, value, "  ".join(mark + ([figure.note] if figure.note else []))


def _platform():
    return next(
        (name for name, variables in PLATFORM_VARIABLES.items() if any(map(os.environ.get, variables))), "plain"
    )


def machine_report(root="/"):
    """Return the MachineReport of this process and machine, read anew; last line of a cell shows it."""
    cpus, cpu = _cpu_figures(Path(root))
    memory, limit, free = _memory_figures(Path(root))
    return MachineReport(
        usable_cpus=max(1, math.ceil(cpu.value)),
        decided_by=cpu.name,
        cpu_figures=cpus,
        memory_limit_bytes=limit.value,
        memory_decided_by=limit.name,
        memory_figures=memory,
        memory_free_bytes=free.value,
        memory_free_decided_by=free.name,
        start_methods=start_methods(),
        default_start_method=default_start_method(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        gil_enabled=getattr(sys, "_is_gil_enabled", lambda: True)(),
        platform=_platform(),
        system=platform.system(),
        architecture=platform.machine(),
    )


def machine_line():
    """Return in one line what matters of this machine for reading a measurement; `machine_report` has it all.

    Usable CPUs, free memory, the Python, the start method that is the default here, and the platform if it is a
    known one: "2 usable CPUs, 23.0 GiB free, CPython 3.13.1, forkserver".
    """
    return machine_report().line
