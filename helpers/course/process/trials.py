"""What the checks of the Process chapter's exercises hand to a learner's function. Standard library only."""

import multiprocessing
import os
import time
import uuid


def square_late(milliseconds):
    """Return the square of `milliseconds` after that time: results come in another order than the items."""
    time.sleep(milliseconds / 1000)
    return milliseconds * milliseconds


class NotedTarget:
    """A target that notes, in a folder, whether a process of its own runs it, and then does what `target` does."""

    def __init__(self, folder, target):
        self.folder, self.target, self.__name__ = str(folder), target, target.__name__

    def __call__(self):
        where = "caller" if multiprocessing.parent_process() is None else "apart"
        with open(os.path.join(self.folder, f"{where}-{uuid.uuid4().hex}"), "w"):
            pass
        return self.target()


def read_places(folder):
    """Return where NotedTargets of a folder ran: a list of "caller" (no process of its own) and "apart"."""
    return [name.partition("-")[0] for name in os.listdir(folder)]
