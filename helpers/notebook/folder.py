"""The private folder that holds the modules made from ``%%worker`` cells.

One folder a process, mode 0700, removed when the process exits. A process that was killed
cannot clean up, so the next one removes what it left. Whether the owner still lives is told by
a lock and not by the process id in the name: an id may have been given to another process, or
belong to another container that shares the folder for temporary files.
"""

import atexit
import os
import re
import stat
import sys
import time
from pathlib import Path

from helpers.errors import HelpersError

#: Start of every folder's name; the process id and random letters follow.
PREFIX = "multiprocessing-live-"
#: A folder without a lock is left alone for so long (seconds): its owner may just be making it.
GRACE = 60.0

_NAME = re.compile(re.escape(PREFIX) + r"(\d+)-\w+")
_owned = None  # (process id, path, lock) of the folder in use


def private_folder():
    """Return the Path of this process's private folder, on ``sys.path``; made at the first call.

    A forked child gets a folder of its own, and leaves its parent's alone when it exits.
    """
    global _owned
    if _owned is None or _owned[0] != os.getpid():
        import tempfile

        remove_abandoned(tempfile.gettempdir())
        path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        _owned = os.getpid(), path, _lock(path)
        atexit.register(_remove_own, os.getpid(), path)
    path = _owned[1]
    if not path.exists() and not path.is_symlink():  # swept away while the kernel was running
        path.mkdir(mode=0o700)
        _owned = os.getpid(), path, _lock(path)
    _require_private(path)
    if str(path) not in sys.path:
        sys.path.append(str(path))
    return path


def _require_private(path):
    """Raise HelpersError unless `path` is a folder of this user's that nobody else can write to.

    What lies in it is imported, and so run: a link to a folder of somebody else's must not take its place.
    """
    status = path.lstat()
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    open_to_others = os.name == "posix" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISDIR(status.st_mode) or not mine or open_to_others:
        raise HelpersError(
            f"The private folder of this notebook's %%worker cells ({path}) is not private any more: it was replaced, "
            "or others may write to it. Remove it, restart the kernel and run the cells again."
        )


def write_file(path, text):
    """Write `text` to `path` in one step: a reader sees the whole file or none."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_bytes(text.encode("utf-8"))
    os.replace(draft, path)


def remove_abandoned(parent):
    """Remove the private folders in `parent` whose process no longer exists; return their Paths.

    Only folders of the same user, never through a symbolic link.
    """
    import shutil

    removed = []
    for path in Path(parent).glob(PREFIX + "*"):
        try:
            if _is_ours(path) and _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path)
        except OSError:
            continue  # gone in the meantime, or not readable: somebody else's care
    return removed


def _is_ours(path):
    status = path.lstat()
    same_user = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    own = _owned is not None and path == _owned[1]
    return bool(_NAME.fullmatch(path.name)) and stat.S_ISDIR(status.st_mode) and same_user and not own


def _lock(path):
    """Return an open descriptor that holds the folder's lock until this process ends, or None.

    POSIX: a record lock, which children do not inherit. Windows: an open file, which nobody can
    delete.
    """
    draft, owner = path / "owner.draft", path / "owner"
    if sys.platform == "win32":
        return os.open(owner, os.O_CREAT | os.O_RDWR)
    import fcntl

    lock = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks: the process id in the name must do
        os.close(lock)
        return None
    os.rename(draft, owner)  # locked before it is seen
    return lock


def _is_abandoned(path):
    owner = path / "owner"
    if not owner.exists():
        return time.time() - path.stat().st_mtime > GRACE and not _is_running(int(_NAME.fullmatch(path.name)[1]))
    if sys.platform == "win32":
        owner.unlink()  # PermissionError, an OSError, while the owner lives
        return True
    import fcntl

    probe = os.open(owner, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(probe)
    return True


def _is_running(pid):
    if sys.platform == "win32":
        return False  # there, os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_own(pid, path):
    if os.getpid() != pid:
        return  # a forked child
    import shutil

    if sys.platform == "win32" and _owned and _owned[2] is not None:
        os.close(_owned[2])
    shutil.rmtree(path, ignore_errors=True)
