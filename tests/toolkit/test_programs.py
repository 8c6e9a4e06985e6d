"""`run_program`: what a program prints is bounded, its deadline holds, and odd sources are refused."""

import math
import os
import sys
import tempfile
import textwrap
import time

import numpy as np
import psutil
import pytest

from helpers.errors import HelpersError, InvalidArgumentError
from helpers.measure.programs import PRINTED_LIMIT, SHOWN_LIMIT, run_program

ENDLESS = {
    "a line at a time": "while True: print('so it goes')",
    "in large pieces": "import os\nwhile True: os.write(1, b'x' * 10**7)",
    "deaf to being asked": """
        import os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True: os.write(2, b'x' * 10**7)
    """,
    "from a child": """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "while True: print('from the child')"]).wait()
    """,
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_program_that_prints_without_end_is_ended_and_says_so(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    began = time.monotonic()
    run = run_program(textwrap.dedent(ENDLESS[kind]), timeout=60)
    assert time.monotonic() - began < 50, "it is not the deadline that ended it"
    assert run.exitcode is None and run.flooded and "printed more than 2 MB" in run.ended
    assert PRINTED_LIMIT - 10 <= len(run.printed) <= PRINTED_LIMIT
    assert len(repr(run)) < SHOWN_LIMIT + 100 and run.ended in repr(run)


def test_what_is_printed_just_within_the_limit_is_all_there():
    run = run_program(f"print('x' * {PRINTED_LIMIT - 1})")
    assert run.exitcode == 0 and not run.flooded and run.printed == "x" * (PRINTED_LIMIT - 1) + "\n"


def test_the_deadline_holds_while_a_program_prints_slowly():
    run = run_program("import time\nwhile True: print('tick'); time.sleep(0.01)", timeout=1)
    assert run.exitcode is None and not run.flooded and run.ended == "ended by the deadline" and run.count("tick") > 3
    assert run.seconds < 20


@pytest.mark.skipif(os.name != "posix", reason="sessions are POSIX")
def test_nobody_waits_for_a_process_that_outlives_its_program_and_holds_what_it_printed_to():
    survivor = "import time; time.sleep(6)"
    source = f"""
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", {survivor!r}], start_new_session=True)
        print("its parent is done", flush=True)
    """
    began = time.monotonic()
    run = run_program(textwrap.dedent(source), timeout=30)
    assert run.exitcode == 0 and run.printed == "its parent is done\n" and time.monotonic() - began < 5.5


def test_the_last_words_of_a_program_are_read():
    run = run_program("import os, time\ntime.sleep(0.5)\nos.write(1, b'x' * 60_000)\nos._exit(3)")
    assert run.exitcode == 3 and len(run.printed) == 60_000


NO_TIMEOUTS = [0, -1, math.nan, math.inf, 601, 10**400, None, True, "2", np.array([1, 2]), [1]]


@pytest.mark.parametrize("timeout", NO_TIMEOUTS, ids=lambda value: repr(value)[:20])
def test_a_timeout_that_is_none_is_refused(timeout):
    with pytest.raises(InvalidArgumentError, match="timeout must be a number of seconds above 0 and at most 600"):
        run_program("", timeout=timeout)


@pytest.mark.parametrize("in_file", [True, False])
def test_a_source_that_no_file_can_hold_is_refused(in_file):
    with pytest.raises(InvalidArgumentError, match="'.ud800' at character 7, half of a character"):
        run_program("print('\ud800')", in_file=in_file)


def test_a_null_character_is_refused_where_a_source_cannot_hold_it():
    assert "null" in run_program("print(1)\0").printed
    with pytest.raises(InvalidArgumentError, match="null character"):
        run_program("print(1)\0", in_file=False)


@pytest.mark.skipif(os.name != "posix", reason="the length of an argument is limited elsewhere in another way")
def test_a_program_that_cannot_be_started_is_an_error_that_says_what_helps():
    with pytest.raises(HelpersError, match="in_file=True"):
        run_program("#" * 3_000_000, in_file=False)
    assert run_program("#" * 3_000_000).exitcode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="marks are Linux's")
def test_what_left_the_session_of_its_program_is_ended_and_no_temporary_file_stays():
    source = (
        "import multiprocessing, subprocess, sys, tempfile\n"
        "if __name__ == '__main__':\n"
        "    tempfile.mkdtemp()\n"
        "    process = multiprocessing.get_context('forkserver').Process(target=print)\n"
        "    process.start(); process.join()\n"
        "    command = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "    program = subprocess.Popen(command, start_new_session=True)\n"
        "    print(program.pid)\n"
    )
    before = set(os.listdir(tempfile.gettempdir()))
    run = run_program(source)
    left = int(run.last_lines(1))
    assert run.exitcode == 0
    assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE  # for init to reap
    assert set(os.listdir(tempfile.gettempdir())) == before
