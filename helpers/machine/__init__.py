"""What this machine really offers: CPUs, memory, start methods, and whether workers come up.

::

    usable_cpus()        least of logical CPUs, affinity, cgroup quota, PYTHON_CPU_COUNT, CPU_LIMIT
    machine_report()     each of these with its value, and which one decides; memory likewise
    machine_line()       the same in one line
    doctor()             one real worker per start method, packages, folders: green or what to mend
    read_throttling(), read_busy_seconds(), read_own_seconds()      counters the measuring layer compares

``report`` has the figures, ``cgroups`` what a container allows, ``checkup`` the doctor.
"""

from helpers.machine.checkup import Check, DoctorReport, doctor
from helpers.machine.report import (
    Figure,
    MachineReport,
    default_start_method,
    machine_line,
    machine_report,
    read_busy_seconds,
    read_own_seconds,
    read_throttling,
    start_methods,
    usable_cpus,
)

__all__ = [
    "Check",
    "DoctorReport",
    "Figure",
    "MachineReport",
    "default_start_method",
    "doctor",
    "machine_line",
    "machine_report",
    "read_busy_seconds",
    "read_own_seconds",
    "read_throttling",
    "start_methods",
    "usable_cpus",
]
