"""What `multiprocessing`, or its twin `multiprocess`, is told in a runner, so that nothing it makes outlives it."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager, nullcontext
from importlib import import_module

from helpers.runner.groups import POSIX
from helpers.runner.guardian import block_prefix, semaphore_prefix

#: In a runner: the folder for sockets, and the beginning of the names of semaphores.
_place = None
#: In a runner: the beginning of the names of blocks of shared memory; and the characters that follow it.
_block_prefix, RANDOM_LENGTH = None, 8
#: How the name of a block begins that bears a runner's mark, see `block_prefix`.
_MARKED = re.compile(r"psm_[0-9a-f]{8}-\d+-")


def set_place(folder, mark):
    """Have the libraries that are prepared from now on keep sockets in `folder`, and name by `mark` what they make."""
    global _place, _block_prefix
    _place, _block_prefix = {"tempdir": folder, "semprefix": semaphore_prefix(mark)}, block_prefix(mark)


def is_made_elsewhere(name):
    """Return whether the name of a block of shared memory bears the mark of a runner that is not this process.

    >>> is_made_elsewhere("psm_4e5f6071-7-0a1b2c3d"), is_made_elsewhere("psm_0a1b2c3d")
    (True, False)
    """
    return bool(_MARKED.match(name)) and (_block_prefix is None or not f"/{name}".startswith(_block_prefix))


def prepare_library(library):
    """Prepare a library, "multiprocessing" or "multiprocess", before it makes its first semaphore or socket.

    Its resource tracker is started: by itself it starts after the first semaphore was made, and one that is made
    just before the runner is ended would stay in shared memory. The tracker says nothing: what it has to clean up
    after a Stop no task has printed. In a runner, sockets go to its folder and semaphores bear its mark; both go to
    all processes that are started with the library (its private ``_config`` is the one way to say so). Elsewhere
    nobody looks for marks, so the tracker itself must outlive a signal that kills the group, as Jupyter sends to a
    kernel that is slow to end.

    Blocks of shared memory bear the mark too, where the runner itself makes them: the tracker is told of a block only
    after it was made, and one that is made just as the runner is ended would be nobody's. Outside Linux, where blocks
    cannot be listed, and for a block that another process made at that moment, this remains.
    """
    if not POSIX:
        return
    if _place is not None:
        import_module(f"{library}.process").current_process()._config.update(_place)
        blocks = import_module(f"{library}.shared_memory")
        blocks._SHM_NAME_PREFIX, blocks._SHM_SAFE_NAME_LENGTH = _block_prefix, len(_block_prefix) + RANDOM_LENGTH
    with _without_stderr(), _in_a_session_of_its_own(library) if _place is None else nullcontext():
        import_module(f"{library}.resource_tracker").ensure_running()


@contextmanager
def _in_a_session_of_its_own(library):
    """Have a tracker that is started inside lead a session of its own; the library has no option for it."""
    util = import_module(f"{library}.util")
    usual = util.spawnv_passfds

    def spawn_apart(path, args, descriptors):
        process = subprocess.Popen(args, executable=path, pass_fds=descriptors, start_new_session=True)
        process.returncode = 0  # it is the library that waits for it
        return process.pid

    util.spawnv_passfds = spawn_apart
    try:
        yield
    finally:
        util.spawnv_passfds = usual


@contextmanager
def _without_stderr():
    """Have processes that are started inside print their errors nowhere."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
