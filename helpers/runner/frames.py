"""Messages between kernel and runner: pickles in frames that tell garbage from a message.

A task can write to any descriptor of its process. What it writes into the runner's pipe is noticed at once, by the
first bytes of the next frame, and never waited for, taken for a length, or unpickled.
"""

from __future__ import annotations

import struct

#: First bytes of a frame, before the length of what follows.
MAGIC = b"MpL\x01"
HEAD = struct.Struct("<4sQ")


class GarbageError(Exception):
    """What came is no frame."""


def write_frame(file, data):
    """Write the bytes `data` as one frame and flush."""
    file.write(HEAD.pack(MAGIC, len(data)))
    file.write(data)
    file.flush()


def read_frame(file):
    """Return the bytes of the next frame; raise EOFError at the end, GarbageError for anything else."""
    head = file.read(HEAD.size)
    if not head:
        raise EOFError
    magic, size = HEAD.unpack(head.ljust(HEAD.size, b"\0"))
    if magic != MAGIC:
        raise GarbageError
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data
