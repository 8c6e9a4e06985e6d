"""What the machine offers, read from file trees of each kind, and the doctor on the real one."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import loky
import psutil
import pytest

from helpers.errors import InvalidArgumentError
from helpers.machine import (
    checkup,
    doctor,
    machine_line,
    machine_report,
    read_busy_seconds,
    read_throttling,
    usable_cpus,
)
from helpers.machine import report as machine
from helpers.machine.checkup import Check, DoctorReport

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = [
    "PYTHON_CPU_COUNT",
    "CPU_LIMIT",
    "MEM_LIMIT",
    *(name for names in machine.PLATFORM_VARIABLES.values() for name in names),
]
GIB = 2**30


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch, request):
    """A machine of 8 CPUs and 16 GiB without any limit, unless the test is about the real one."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if "real" in request.node.name:
        return
    monkeypatch.setattr(machine.psutil, "cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr(machine, "_affinity", lambda: 8)
    memory = type("Memory", (), {"total": 16 * GIB, "available": 10 * GIB})
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: memory)


def plant(root, files):
    """Write {path: text} below `root` and return it."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


CGROUP = "sys/fs/cgroup"


def own(*lines):
    """The process's own cgroups."""
    return {"proc/self/cgroup": "".join(f"{line}\n" for line in lines)}


def v2(folder, quota, period=100000):
    return {f"{CGROUP}/{folder}/cpu.max": f"{quota} {period}\n"}


def v1(folder, quota, period=100000):
    return {f"{CGROUP}/{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{CGROUP}/{folder}/cpu.cfs_period_us": f"{period}\n"}


def figure(report, name):
    return next(f for f in (*report.cpu_figures, *report.memory_figures) if f.name == name)


BOTH = "cpu,cpuacct"
DOCKER_MOUNT = {
    "proc/self/mountinfo": "31 23 0:28 /docker/0123 /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n"
}
ODD_MOUNT = {
    "proc/self/mountinfo": "22 27 0:21 / /proc rw - proc proc rw\n31 23 0:28 / /my\\040cgroups rw - cgroup2 none rw\n"
}
#: name: (files, usable CPUs, quota, the file below /sys/fs/cgroup that sets it)
TREES = {
    "no cgroup files": ({}, 8, None, None),
    "unreadable words": (own("nonsense", "", "0::/job") | v2("job", "many", "few"), 8, None, None),
    "v2 without limit": (own("0::/job") | v2("job", "max"), 8, None, None),
    "v2": (own("0::/job") | v2("job", 300000), 3, 3.0, "job/cpu.max"),
    "v2 half a CPU": (own("0::/job") | v2("job", 50000), 1, 0.5, "job/cpu.max"),
    "v2 one and a half": (own("0::/job") | v2("job", 150000), 2, 1.5, "job/cpu.max"),
    "v2 smaller in the parent": (
        own("0::/a/b/c") | v2("a/b/c", "max") | v2("a/b", 500000) | v2("a", 100000, 50000),
        2,
        2.0,
        "a/cpu.max",
    ),
    "v2 neighbours do not count": (
        own("0::/a/mine") | v2("a/mine", 400000) | v2("a/other", 100000),
        4,
        4.0,
        "a/mine/cpu.max",
    ),
    "v2 container, path of the host": (own("0::/system.slice/docker-0123.scope") | v2(".", 200000), 2, 2.0, "cpu.max"),
    "v2 container, path above the namespace": (
        own("0::/../../pods") | v2(".", 200000) | v2("../../pods", 100000) | v2("pods", 100000),
        2,
        2.0,
        "cpu.max",
    ),
    "v2 container, part mounted, below it": (
        own("0::/docker/0123/inner") | DOCKER_MOUNT | v2("inner", 100000) | v2(".", 300000),
        1,
        1.0,
        "inner/cpu.max",
    ),
    "v2 mounted elsewhere": (
        own("0::/job") | ODD_MOUNT | v2("../../../my cgroups/job", 300000),
        3,
        3.0,
        "/my cgroups/job/cpu.max",
    ),
    "v1": (
        own("4:memory:/x", "3:cpu,cpuacct:/job") | v1(f"{BOTH}/job", 300000),
        3,
        3.0,
        f"{BOTH}/job/cpu.cfs_quota_us",
    ),
    "v1 without limit": (own("3:cpu,cpuacct:/job") | v1(f"{BOTH}/job", -1), 8, None, None),
    "v1 cpu alone, one and a half": (
        own("1:cpu:/job", "2:cpuacct:/") | v1("cpu/job", 75000, 50000) | v1("cpuacct", 50000),
        2,
        1.5,
        "cpu/job/cpu.cfs_quota_us",
    ),
    "v1 smaller in the parent": (
        own("3:cpu,cpuacct:/a/b") | v1(f"{BOTH}/a/b", 600000) | v1(f"{BOTH}/a", 250000),
        3,
        2.5,
        f"{BOTH}/a/cpu.cfs_quota_us",
    ),
    "v1 container, path of the host": (
        own("3:cpu,cpuacct:/docker/0123") | v1(BOTH, 50000),
        1,
        0.5,
        f"{BOTH}/cpu.cfs_quota_us",
    ),
    "hybrid, quota in v1": (
        own("3:cpu,cpuacct:/job", "0::/user")
        | v1(f"{BOTH}/job", 200000)
        | {f"{CGROUP}/unified/user/cgroup.procs": "1\n"},
        2,
        2.0,
        f"{BOTH}/job/cpu.cfs_quota_us",
    ),
    "hybrid, quota in v2": (
        own("4:memory:/", "0::/job") | {f"{CGROUP}/memory/memory.stat": ""} | v2("unified/job", 200000),
        2,
        2.0,
        "unified/job/cpu.max",
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_quota_of_every_kind_of_tree(tmp_path, name):
    files, expected, quota, file = TREES[name]
    plant(tmp_path, files)
    report = machine_report(tmp_path)
    assert usable_cpus(tmp_path) == report.usable_cpus == expected
    found = figure(report, "cgroup CPU quota")
    shown = "" if file is None else file if file.startswith("/") else f"/{CGROUP}/{file}"
    assert (found.value, found.note) == (quota, shown)
    assert report.decided_by == ("logical CPUs" if quota is None else "cgroup CPU quota")
    assert shown in repr(report)


@pytest.mark.parametrize(
    ("variables", "expected", "decided_by"),
    [
        ({}, 8, "logical CPUs"),
        ({"PYTHON_CPU_COUNT": "3"}, 3, "PYTHON_CPU_COUNT"),
        ({"PYTHON_CPU_COUNT": "default"}, 8, "logical CPUs"),
        ({"PYTHON_CPU_COUNT": ""}, 8, "logical CPUs"),
        ({"PYTHON_CPU_COUNT": "64"}, 8, "logical CPUs"),
        ({"CPU_LIMIT": "1.0"}, 1, "CPU_LIMIT"),
        ({"CPU_LIMIT": "0.5"}, 1, "CPU_LIMIT"),
        ({"CPU_LIMIT": "2.5", "PYTHON_CPU_COUNT": "3"}, 3, "CPU_LIMIT"),
        ({"CPU_LIMIT": "4", "PYTHON_CPU_COUNT": "2"}, 2, "PYTHON_CPU_COUNT"),
    ],
)
def test_environment_variables_limit_cpus(tmp_path, monkeypatch, variables, expected, decided_by):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    report = machine_report(tmp_path)
    assert (report.usable_cpus, report.decided_by) == (expected, decided_by)
    assert not any(f.invalid for f in report.cpu_figures)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHON_CPU_COUNT", "many"),
        ("PYTHON_CPU_COUNT", "0"),
        ("PYTHON_CPU_COUNT", "1.5"),
        ("PYTHON_CPU_COUNT", "-2"),
        ("CPU_LIMIT", "0"),
        ("CPU_LIMIT", "nan"),
        ("CPU_LIMIT", "inf"),
        ("CPU_LIMIT", "2 CPUs"),
        ("MEM_LIMIT", "2G"),
        ("MEM_LIMIT", "inf"),
    ],
)
def test_invalid_variables_are_ignored_and_shown(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    report = machine_report(tmp_path)
    assert (report.usable_cpus, report.memory_limit_bytes) == (8, 16 * GIB)
    assert figure(report, name).invalid
    line = next(line for line in repr(report).splitlines() if line.startswith(name))
    assert "invalid" in line and repr(value) in line


def test_affinity_decides_when_it_is_least(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_affinity", lambda: 2)
    plant(tmp_path, TREES["v2"][0])
    assert (machine_report(tmp_path).usable_cpus, machine_report(tmp_path).decided_by) == (2, "affinity")


def test_report_shows_every_figure_and_which_one_decides(tmp_path):
    report = machine_report(plant(tmp_path, TREES["v2"][0]))
    lines = repr(report).splitlines()
    for name in (
        "logical CPUs",
        "physical CPUs",
        "affinity",
        "cgroup CPU quota",
        "PYTHON_CPU_COUNT",
        "CPU_LIMIT",
        "cgroup memory limit",
        "MEM_LIMIT",
        "start methods",
        "Python",
        "platform",
    ):
        assert any(line.startswith(name) for line in lines), name
    assert [line.split("  ")[0] for line in lines if "<- decides" in line][0] == "cgroup CPU quota"
    assert "not set" in next(line for line in lines if line.startswith("CPU_LIMIT"))
    page = report._repr_html_()
    assert "cgroup CPU quota" in page and "color" not in page and "background" not in page


V2_MEMORY = {
    "proc/self/cgroup": "0::/pod/job\n",
    "sys/fs/cgroup/pod/job/memory.max": "max\n",
    "sys/fs/cgroup/pod/job/memory.current": f"{GIB}\n",
    "sys/fs/cgroup/pod/job/memory.stat": f"anon 1\ninactive_file {GIB // 4}\n",
    "sys/fs/cgroup/pod/memory.max": f"{4 * GIB}\n",
    "sys/fs/cgroup/pod/memory.current": f"{3 * GIB}\n",
    "sys/fs/cgroup/pod/memory.stat": f"file {2 * GIB}\ninactive_file {GIB}\n",
}


def test_the_line_says_what_matters_and_no_more(tmp_path, monkeypatch):
    report = machine_report(tmp_path)  # 8 CPUs, 10 GiB available
    python = f"{report.implementation} {report.python}"
    sound = replace(report, gil_enabled=True, default_start_method="spawn")
    assert sound.line == f"8 usable CPUs, 10.0 GiB free, {python}, spawn"
    alone = replace(sound, usable_cpus=1, gil_enabled=False, platform="Binder")
    assert alone.line == f"1 usable CPU, 10.0 GiB free, {python} without a GIL, spawn, Binder"
    monkeypatch.setattr(machine, "machine_report", lambda: alone)
    assert machine_line() == alone.line


def test_memory_of_v2_counts_the_parent_and_leaves_out_reclaimable_cache(tmp_path):
    report = machine_report(plant(tmp_path, V2_MEMORY))
    assert (report.memory_limit_bytes, report.memory_decided_by) == (4 * GIB, "cgroup memory limit")
    assert figure(report, "cgroup memory limit").note == "/sys/fs/cgroup/pod/memory.max"
    assert report.memory_free_bytes == 2 * GIB  # 4 - (3 - 1)


def test_memory_of_v1(tmp_path):
    folder = "sys/fs/cgroup/memory"
    report = machine_report(
        plant(
            tmp_path,
            {
                "proc/self/cgroup": "4:memory:/docker/0123\n",
                f"{folder}/memory.limit_in_bytes": f"{2 * GIB}\n",
                f"{folder}/memory.usage_in_bytes": f"{GIB}\n",
                f"{folder}/memory.stat": f"inactive_file 7\ntotal_inactive_file {GIB // 2}\n",
            },
        )
    )
    assert (report.memory_limit_bytes, report.memory_free_bytes) == (2 * GIB, 2 * GIB - GIB // 2)


def test_memory_of_v1_without_limit(tmp_path):
    report = machine_report(
        plant(
            tmp_path,
            {
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            },
        )
    )
    assert (report.memory_limit_bytes, report.memory_decided_by) == (16 * GIB, "physical memory")
    assert (report.memory_free_bytes, report.memory_free_decided_by) == (10 * GIB, "available memory")


def test_memory_of_a_binder_pod(tmp_path, monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", str(2 * GIB))
    report = machine_report(plant(tmp_path, V2_MEMORY))
    assert (report.memory_limit_bytes, report.memory_decided_by) == (2 * GIB, "MEM_LIMIT")
    assert (
        report.memory_free_bytes == 2 * GIB - 3 * GIB // 4
    )  # the process's own cgroup uses 1 GiB, a quarter of it cache


def test_free_memory_is_never_negative(tmp_path, monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", "1000")
    assert machine_report(plant(tmp_path, V2_MEMORY)).memory_free_bytes == 0


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("BINDER_LAUNCH_HOST", "Binder"), ("COLAB_RELEASE_TAG", "Colab"), ("CODESPACES", "Codespaces"), (None, "plain")],
)
def test_platform(tmp_path, monkeypatch, variable, expected):
    if variable:
        monkeypatch.setenv(variable, "true")
    report = machine_report(tmp_path)
    assert report.platform == expected
    told = {"Binder": "on Binder", "Colab": "on Colab", "Codespaces": "on Codespaces", "plain": ""}[expected]
    assert report.rows()[-1] == ("platform", f"{report.system} {report.architecture}", told)


def test_to_dict_is_plain_json_and_names_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("CPU_LIMIT", "1.5")
    plain = machine_report(plant(tmp_path, V2_MEMORY)).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    wanted = {
        "python",
        "implementation",
        "platform",
        "usable_cpus",
        "logical_cpus",
        "physical_cpus",
        "decided_by",
        "start_methods",
        "free_threaded",
        "memory_limit_bytes",
        "memory_free_bytes",
        "cgroup_cpus",
        "cpu_limit",
    }
    assert wanted <= plain.keys()
    assert (plain["usable_cpus"], plain["logical_cpus"], plain["physical_cpus"], plain["cpu_limit"]) == (2, 8, 4, 1.5)
    text = json.dumps(plain)
    assert os.path.expanduser("~") not in text and str(tmp_path) not in text and "/sys/" not in text


def test_throttling_counts_own_cgroup_and_parents(tmp_path):
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/b/cpu.stat": "usage_usec 5\nnr_periods 9\nnr_throttled 0\n",
            "sys/fs/cgroup/a/cpu.stat": "usage_usec 5\nnr_throttled 7\n",
            "sys/fs/cgroup/cpu.stat": "usage_usec 5\n",
        },
    )
    assert read_throttling(tmp_path) == 7


def test_throttling_of_v1_linked_twice_counts_once(tmp_path):
    plant(
        tmp_path,
        {
            "proc/self/cgroup": "3:cpu,cpuacct:/job\n",
            "sys/fs/cgroup/cpu,cpuacct/job/cpu.stat": "nr_throttled 5\n",
            "proc/self/mountinfo": "".join(
                f"3{n} 23 0:28 / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,cpu,cpuacct\n"
                for n, name in enumerate(("cpu,cpuacct", "cpu"))
            ),
        },
    )
    try:
        (tmp_path / "sys/fs/cgroup/cpu").symlink_to("cpu,cpuacct", target_is_directory=True)
    except OSError as error:
        pytest.skip(f"this system refuses symbolic links: {error}")
    assert read_throttling(tmp_path) == 5


def test_throttling_is_none_where_nobody_counts(tmp_path):
    assert read_throttling(tmp_path) is None


def test_busy_seconds_grow_with_work_and_leave_out_idle_time():
    before, own = read_busy_seconds(), time.process_time()
    while time.process_time() < own + 0.3:
        pass
    assert read_busy_seconds() - before >= 0.2  # the counters step by 10 ms


def test_busy_seconds_count_guest_time_once(monkeypatch):
    times = {
        "user": 10.0,
        "nice": 2.0,
        "system": 3.0,
        "idle": 100.0,
        "iowait": 50.0,
        "irq": 1.0,
        "softirq": 1.0,
        "steal": 1.0,
        "guest": 4.0,
        "guest_nice": 1.0,
    }
    monkeypatch.setattr(machine.psutil, "cpu_times", lambda: type("Times", (), times))
    assert read_busy_seconds() == 18.0


def test_default_start_method_is_safe_beside_threads():

    methods = machine.start_methods()
    assert machine.default_start_method() == ("forkserver" if "forkserver" in methods else "spawn")


# The real machine


def test_real_machine_agrees_with_loky(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    assert usable_cpus() == loky.cpu_count()


def test_real_machine_pinned_to_one_core_agrees_with_loky():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no os.sched_setaffinity")
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); import loky; from helpers.machine import "
        "*; print(usable_cpus(), loky.cpu_count(), machine_report().decided_by)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    decided_by = "logical CPUs" if psutil.cpu_count() == 1 else "affinity"
    assert done.stdout.split(maxsplit=2) == ["1", "1", f"{decided_by}\n"]


def test_real_machine_report_is_complete():
    report = machine_report()
    assert 1 <= report.usable_cpus <= psutil.cpu_count()
    assert 0 < report.memory_free_bytes <= report.memory_limit_bytes <= psutil.virtual_memory().total
    assert json.loads(json.dumps(report.to_dict()))["python"] == ".".join(map(str, sys.version_info[:3])) + (
        "" if sys.version_info.releaselevel == "final" else report.python.lstrip("0123456789.")
    )


def alive_with(mark):
    """Return the processes, other than this one, whose environment carries `mark`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and mark in process.environ().values():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def mark(monkeypatch):
    """A mark in the environment of everything the doctor starts; nothing with it is alive afterwards."""
    text = uuid.uuid4().hex
    monkeypatch.setenv("DOCTOR_TEST_MARK", text)
    yield text
    assert alive_with(text) == []


def worker_checks(report):
    return {
        check.name.removeprefix("worker by "): check for check in report.checks if check.name.startswith("worker by")
    }


@pytest.fixture
def broken_helpers(tmp_path, monkeypatch):
    """Return a function that puts a copy of helpers, with another tasks/cpu.py, first on the path."""

    def plant_copy(source):
        shutil.copytree(ROOT / "helpers", tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / "helpers/tasks/cpu.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    return plant_copy


def test_real_doctor_is_green_and_leaves_nothing_behind(mark):

    report = doctor(timeout=60)
    assert report.ok and report, report
    assert set(worker_checks(report)) == set(machine.start_methods())
    assert {"Python", "packages", "usable CPUs", "free memory", "temporary folder"} <= {
        check.name for check in report.checks
    }
    assert repr(report).startswith("All good")
    page = report._repr_html_()
    assert "ok" in page and "color" not in page and "background" not in page


def test_the_column_of_what_to_do_is_there_only_if_there_is_something_to_do():
    good, bad = Check("one", True, "seen"), Check("two", False, "missing", "Install it.")
    assert "what to do" not in DoctorReport((good, good))._repr_html_()
    page = DoctorReport((good, bad))._repr_html_()
    assert "what to do" in page and page.count("<td") == 2 * 3 and "Install it." in page


def test_real_doctor_is_red_when_a_worker_cannot_import_the_task(mark, broken_helpers):
    broken_helpers("raise ImportError('numbers & letters are gone')\n")
    report = doctor(timeout=60)
    assert not report and not report.ok
    for check in worker_checks(report).values():
        assert not check.ok and "numbers & letters are gone" in check.saw and check.mend
        assert "\n" not in check.saw + check.mend
    assert "to mend" in repr(report) and "numbers &amp; letters" in report._repr_html_()


def test_real_doctor_kills_a_worker_that_hangs_and_still_sees_the_others(mark, broken_helpers):
    broken_helpers("""
import multiprocessing, time
if multiprocessing.parent_process() and multiprocessing.get_start_method(allow_none=True) == "spawn":
    time.sleep(600)
def count_primes(limit):
    return 10
""")
    started = time.monotonic()
    checks = worker_checks(doctor(timeout=8))
    assert time.monotonic() - started < 30  # far below the 600 s of the worker: the deadline ended it
    assert not checks["spawn"].ok and "deadline" in checks["spawn"].saw
    assert all(check.ok for name, check in checks.items() if name != "spawn"), checks


def test_real_doctor_sees_a_worker_that_dies(mark, broken_helpers):
    broken_helpers("import os\nos._exit(3)\n")
    checks = worker_checks(doctor(timeout=60))
    assert not any(check.ok for check in checks.values())
    assert all("BrokenProcessPool" in check.saw for check in checks.values()), checks


def test_real_doctor_says_when_python_cannot_be_started(monkeypatch):
    monkeypatch.setattr(checkup.sys, "executable", str(ROOT / "no-python-here"))
    checks = worker_checks(doctor())
    assert checks and not any(check.ok for check in checks.values())
    assert all("cannot be started" in check.saw for check in checks.values())


def test_doctor_names_a_missing_package_and_how_to_install_it(monkeypatch):
    monkeypatch.setattr(checkup, "CORE_PACKAGES", ("psutil", "no-such-package-here"))
    check = checkup.check_packages()
    assert not check.ok and f"psutil {psutil.__version__}" in check.saw and "no-such-package-here" in check.saw
    assert check.mend.startswith("python -m pip install") and check.mend.endswith(" no-such-package-here")


def test_doctor_says_when_a_folder_cannot_be_written(tmp_path):
    check = checkup.check_folder("temporary folder", lambda: tmp_path / "gone", 1, "Set TMPDIR.")
    assert (check.ok, check.status, check.mend) == (False, "mend", "Set TMPDIR.")
    assert checkup.check_folder("temporary folder", lambda: tmp_path, 1, "Set TMPDIR.").status == "ok"
    assert checkup.check_folder("temporary folder", lambda: tmp_path, 2**62, "Set TMPDIR.").status == "note"


def test_one_cpu_is_a_note_and_little_memory_a_fault(monkeypatch):
    monkeypatch.setattr(machine, "_affinity", lambda: 1)
    monkeypatch.setattr(
        machine.psutil, "virtual_memory", lambda: type("Memory", (), {"total": GIB, "available": 100 * 2**20})
    )
    cpus, memory = checkup.check_limits()
    assert cpus.ok and cpus.status == "note" and "waiting" in cpus.mend
    assert not memory.ok and memory.mend
    assert not checkup.DoctorReport((cpus, memory)) and checkup.DoctorReport((cpus,))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "20", None])
def test_doctor_refuses_a_timeout_that_is_none(timeout):
    with pytest.raises(InvalidArgumentError, match="timeout"):
        doctor(timeout=timeout)
