"""However a program that uses this package ends, and whatever its surroundings are: nothing of it is left.

Each test runs a program of its own and looks at it from outside.
"""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack

import psutil
import pytest
from checkout import ROOT
from skips import needs_by_value

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="marks, guardians and mount namespaces are Linux's")

#: What is found in the environment of every process that such a program starts.
TAG = "MPL_TEST_TAG"
PRELUDE = """
import os, signal, sys, threading, time
import attacks
from helpers import runner
from helpers.errors import HelpersError
from helpers.measure import run_once, sweep
from helpers.tasks import faults
"""


class Program:
    """A program on this package in a temporary folder of its own; leaving the context ends what is left of it."""

    def __init__(self, folder, source, command=(), **environment):
        folder.mkdir(exist_ok=True)
        self.tag, self.folder = f"{os.getpid()}-{time.monotonic_ns()}", folder
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        settings = {"TMPDIR": str(folder), "PYTHONPATH": path, TAG: self.tag, **environment}
        code = PRELUDE + textwrap.dedent(source)
        self.process = subprocess.Popen(
            [*command, sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.living():
            process.kill()
        self.process.kill()
        self.process.communicate()

    def living(self):
        """Return the living processes that have the tag, the program itself excepted."""
        found = []
        for process in psutil.process_iter():
            try:
                tagged = process.environ().get(TAG) == self.tag
                if tagged and process.pid != self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                pass
        return found

    def read_line(self):
        """Return the next line that it prints."""
        line = self.process.stdout.readline().strip()
        assert line, self.process.communicate()[1]
        return line

    def require_gone(self, seconds=8.0):
        """Assert that within `seconds` no process and no temporary file of it is left."""
        deadline = time.monotonic() + seconds
        while (left := [*self.living(), *self.folder.iterdir()]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, left

    def finish(self, seconds=60):
        """Return what it printed once it has ended by itself, which takes at most `seconds`."""
        printed, errors = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, errors
        return printed


KILLED = {
    "a serial task that is deaf to SIGTERM": "run_once(attacks.spin_deaf, [1], engine='serial', n_workers=1)",
    "workers that spin": "run_once(faults.spin_for_ever, [1, 2], engine='processes', n_workers=2)",
    "a pool, and what it left": "run_once(attacks.hang_beside_a_daemon, [1, 2], engine='pool', n_workers=2)",
    "a stopped runner": """
        threading.Timer(0.7, lambda: os.kill(playing[0].pid, signal.SIGSTOP)).start()
        run_once(faults.sleep_for_ever, [1], engine='serial', n_workers=1, on_start=playing.append)
    """,
    "an idle runner": "run_once(attacks.fine, [1], engine='processes', n_workers=1); time.sleep(600)",
    "a stopped idle runner": """
        run_once(attacks.fine, [1], engine='processes', n_workers=1, on_start=playing.append)
        os.kill(playing[0].pid, signal.SIGSTOP); time.sleep(600)
    """,
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The programs by name, all at work at a time, then killed."""
    programs = {}
    with ExitStack() as all_of_them:
        for name, source in KILLED.items():
            source = "playing = []\nprint('begins', flush=True)\n" + textwrap.dedent(source)
            programs[name] = all_of_them.enter_context(Program(tmp_path_factory.mktemp("killed"), source))
        for program in programs.values():
            program.read_line()
            wait_until(lambda program=program: len(program.living()) >= 2)
        time.sleep(1.5)
        for program in programs.values():
            program.process.kill()
        yield programs


@pytest.mark.parametrize("name", KILLED)
def test_a_killed_program_leaves_nothing(name, killed):
    killed[name].require_gone()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def test_a_program_that_ends_in_the_middle_of_a_play_leaves_nothing(tmp_path):
    source = """
        records = runner.play(attacks.count, 5)
        print(next(records), flush=True)
        raise SystemExit(0)
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "0\n"
        program.require_gone()


FUZZ = """
import random
chance, seconds = random.Random(7), float(os.environ["FUZZ_SECONDS"])
ends, rounds, caught = time.monotonic() + seconds, 0, 0

def interrupt():
    while time.monotonic() < ends:
        time.sleep(chance.choice([0.002, 0.01, 0.03, 0.08, 0.2, 0.5]) * chance.random())
        for _ in range(chance.choice([1, 1, 2, 4])):
            os.kill(os.getpid(), signal.SIGINT)

def settle():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threads.join()

threads = threading.Thread(target=interrupt)
threads.start()
while time.monotonic() < ends:
    try:
        rounds += 1
        engine = chance.choice(["serial", "threads", "processes"])
        n_workers = 1 if engine == "serial" else 2
        run_once(chance.choice([attacks.fine, faults.sleep_for_ever]), [1, 2], engine=engine, n_workers=n_workers,
                 timeout=0.3)
    except (KeyboardInterrupt, TimeoutError):
        caught += 1
while True:
    try:
        settle()
        break
    except KeyboardInterrupt:
        pass
assert run_once(attacks.fine, [1], engine="serial", n_workers=1, timeout=20).values() == [1]
deadline = time.monotonic() + 10
import psutil
while time.monotonic() < deadline:
    own = [t for t in threading.enumerate() if t.name.startswith("helpers-")]
    children = psutil.Process().children()
    if len(own) <= 3 and len(children) <= 3 and len(runner.plays._all) == 1:
        break
    time.sleep(0.1)
else:
    raise SystemExit(f"left: {own} {children} {runner.plays._all}")
files = len(os.listdir("/proc/self/fd"))
print(rounds, caught, len(own), len(children), files, flush=True)
"""


@pytest.fixture(autouse=True)
def leave_nothing_behind():
    """In place of the fixture of this name: each program here is looked at by its tag, one runs all the time."""


@pytest.fixture(scope="module", autouse=True)
def interrupted(tmp_path_factory):
    """A program that is interrupted for half a minute, by a fixed seed, while the other tests here run."""
    with Program(tmp_path_factory.mktemp("interrupted"), FUZZ, FUZZ_SECONDS="30") as program:
        yield program


# ── surroundings ──────────────────────────────────────────────────────────────────────────────

EVERY_ENGINE = """
for engine in ("serial", "threads", "processes", "pool"):
    try:
        given = run_once(attacks.fine, [1, 2], engine=engine, n_workers=1 if engine == "serial" else 2, timeout=30)
        print(engine, given.values())
    except HelpersError as error:
        print(engine, "told:", str(error).splitlines()[0])
"""
ALL_WELL = "".join(f"{engine} [1, 2]\n" for engine in ("serial", "threads", "processes", "pool"))
FOLDERS = {
    "a colon": "a:b",
    "blanks": "a b",
    "letters of other languages": "äöü日本",
    "a new line": "a\nb",
    "180 characters": "l" * 180,
}


@pytest.mark.parametrize("name", FOLDERS)
def test_any_temporary_folder_will_do(name, tmp_path):
    source = "import tempfile\nos.chdir(tempfile.gettempdir())\nsys.path.insert(0, '')" + EVERY_ENGINE
    with Program(tmp_path / FOLDERS[name], source) as program:
        assert program.finish() == ALL_WELL
        program.require_gone()


def test_entries_of_the_path_may_be_relative_or_paths_and_hold_colons(tmp_path):
    (tmp_path / "x:y").mkdir()
    (tmp_path / "x:y" / "beside.py").write_text("def double(item):\n    return 2 * item\n", encoding="utf-8")
    source = f"""
        from pathlib import Path
        os.chdir({str(tmp_path / "x:y")!r})
        sys.path[:0] = ["", Path("..")]
        import beside
        for engine in ("serial", "processes", "pool"):
            n_workers = 1 if engine == "serial" else 2
            assert run_once(beside.double, [1, 2], engine=engine, n_workers=n_workers, timeout=30).values() == [2, 4]
        sys.path.remove("")
        sys.path.insert(0, {str(tmp_path / "x:y")!r})
        os.chdir("/")
        print(run_once(beside.double, [5], engine="serial", n_workers=1, timeout=30).values())
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "[10]\n"
        program.require_gone()


def test_a_working_folder_that_is_gone_is_told(tmp_path):
    source = f"os.makedirs({str(tmp_path / 'gone')!r}); os.chdir({str(tmp_path / 'gone')!r})\nos.rmdir(os.getcwd())"
    with Program(tmp_path / "own", source + EVERY_ENGINE) as program:
        told = program.finish().splitlines()
        assert len(told) == 4 and all("told: The working folder does not exist any more" in line for line in told)


@pytest.mark.parametrize("descriptors", [64, 24, 14, 9])
def test_few_descriptors_are_enough_or_it_is_told(descriptors, tmp_path):
    source = "import resource\nhard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
    source += f"resource.setrlimit(resource.RLIMIT_NOFILE, ({descriptors}, hard))\n{EVERY_ENGINE}"
    with Program(tmp_path / "own", source) as program:
        told = program.finish().splitlines()
        assert len(told) == 4 and all(line.endswith("[1, 2]") or "told: " in line for line in told)
        assert descriptors < 64 or "".join(f"{line}\n" for line in told) == ALL_WELL
        program.require_gone()


MOUNTS = {
    "shared memory full": "mount -t tmpfs -o size=4k tmpfs /dev/shm; head -c 4096 /dev/zero > /dev/shm/full",
    "shared memory read-only": "mount -t tmpfs -o ro tmpfs /dev/shm",
    "temporary folder full": 'mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs "$TMPDIR"; echo > "$TMPDIR/full"',
    "no /proc": "umount -l /proc",
}


def can_mount():
    """Return whether a program here can have mounts of its own: as root, and not in a folder that was made the root."""
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "--mount", "true"]).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="mounts of its own need root, unshare and a root that is a mount")
@pytest.mark.parametrize("name", MOUNTS)
def test_what_the_system_lacks_is_told_and_the_program_lives(name, tmp_path):
    command = ["unshare", "--mount", "bash", "-euc", MOUNTS[name] + '; exec "$@"', "bash"]
    with Program(tmp_path / "own", EVERY_ENGINE, command) as program:
        told = program.finish().splitlines()
        assert [line.split()[0] for line in told] == ["serial", "threads", "processes", "pool"]
        assert all(line.endswith("[1, 2]") or "told: " in line for line in told), told
        assert not program.living()


@pytest.mark.skipif(os.geteuid() != 0 if hasattr(os, "geteuid") else True, reason="only root can become another user")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, of util-linux")
@pytest.mark.parametrize("processes", [40, 12, 8, 5, 2])
def test_few_processes_are_enough_or_it_is_told(processes, tmp_path):
    """As a user of its own, who may have so many processes and threads, and may read what is root's."""
    may_read = "+dac_override,+dac_read_search"
    command = ["setpriv", f"--reuid={60_000 + processes}", f"--inh-caps={may_read}", f"--ambient-caps={may_read}"]
    with Program(tmp_path / "own", EVERY_ENGINE, [*command, "prlimit", f"--nproc={processes}"]) as program:
        told = program.finish().splitlines()
        assert [line.split()[0] for line in told] == ["serial", "threads", "processes", "pool"]
        assert all(line.endswith("[1, 2]") or "told: " in line for line in told), told
        assert processes < 40 or "".join(f"{line}\n" for line in told) == ALL_WELL
        program.require_gone()


@pytest.mark.parametrize("name", ["psutil", "json", "queue", "struct", "random"])
def test_a_file_named_like_what_is_relied_on_is_not_taken_for_it(name, tmp_path):
    """In a notebook's folder it lies on the path before everything; the kernel itself has loaded the right one."""
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong one')\n", encoding="utf-8")
    source = f"import {name}\nos.chdir({str(tmp_path)!r})\nsys.path.insert(0, '')" + EVERY_ENGINE
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == ALL_WELL


@needs_by_value
@pytest.mark.parametrize("name", ["multiprocess", "dill"])
def test_a_file_that_takes_the_place_of_a_package_is_named(name, tmp_path):
    (tmp_path / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    source = f"""
        import dill, multiprocess
        os.chdir({str(tmp_path)!r})
        sys.path.insert(0, "")
        try:
            run_once(attacks.fine, [1], engine="multiprocess", n_workers=1, timeout=30)
        except HelpersError as error:
            print({name + ".py has the name of a module"!r} in str(error))
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "True\n"


def test_output_of_a_runner_that_died_is_quoted(tmp_path):
    source = """
        try:
            run_once(attacks.say_and_die, [1], engine="serial", n_workers=1, timeout=20)
        except HelpersError as error:
            print("out of luck" in str(error))
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "True\n"


def test_clean_up_after_a_killed_tracker_takes_its_semaphores(tmp_path):
    source = """
        from multiprocessing import resource_tracker
        def left(): return [name for name in os.listdir("/dev/shm") if guardian.short_name(mark) in name]
        from helpers.runner import guardian
        records = runner.play(attacks.make_semaphores)
        tracker, _ = next(records)
        mark = runner.plays._all and next(iter(runner.plays._all)).mark
        assert len(left()) == 2, left()
        os.kill(tracker, signal.SIGKILL)
        records.close()
        print(left(), flush=True)
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "[]\n"
        program.require_gone()


def test_a_stop_between_making_a_block_and_telling_the_tracker_of_it_leaves_nothing(tmp_path):
    source = """
        def left(): return [name for name in os.listdir("/dev/shm") if name.startswith("psm_")]
        before, plays = left(), []
        records = runner.play(attacks.make_a_block_for_ever, on_start=plays.append)
        next(records)
        reading = threading.Thread(target=list, args=(records,))
        reading.start()
        while left() == before: time.sleep(0.01)
        plays[0].stop()
        reading.join()
        print(left() == before, flush=True)
    """
    with Program(tmp_path / "own", source) as program:
        assert program.finish() == "True\n"
        program.require_gone()


def test_interrupts_at_any_moment_leave_nothing_and_the_next_run_works(interrupted):
    """Alone and in bursts: the last test here, since they go on while the others run."""
    rounds, caught, threads, children, files = map(int, interrupted.finish(90).split())
    assert rounds > 20 and caught > 20 and threads <= 3 and children <= 3 and files < 25
    interrupted.require_gone()
