"""`Spy`: a task that tells who ran it and when, for checks of real parallelism. Standard library only."""

import os
import threading
import time
import uuid


class Spy:
    """Call `func` and note process, thread, begin and end of each call in a folder.

    Before it works, a call waits until `company` processes are inside a call at the same time,
    at most `patience` seconds: work that can overlap is seen to overlap, however fast the machine
    is, and work that cannot is not.

    Parameters
    ----------
    folder : str
        An existing private folder, on a disk that all processes share.
    func : callable
        Importable, of one item.
    company : int
        Processes to wait for; 1 never waits.
    patience : float
        Seconds; the first call that waited in vain ends the waiting for good.
    """

    def __init__(self, folder, func, company=2, patience=1.5):
        self.folder, self.func, self.company, self.patience = str(folder), func, company, patience

    def __call__(self, item):
        name = os.path.join(self.folder, f"{os.getpid()}-{uuid.uuid4().hex}")
        began = time.perf_counter()
        self._write(name + ".inside", "")
        try:
            self._wait_for_company(began)
            return self.func(item)
        finally:
            self._write(
                name + ".span", f"{os.getpid()} {threading.get_ident()} {began!r} {time.perf_counter()!r} {item!r}"
            )
            os.remove(name + ".inside")

    def _write(self, path, text):
        draft = f"{path}.{os.getpid()}-{threading.get_ident()}.draft"  # several may write the same path at once
        with open(draft, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)

    def _wait_for_company(self, began):
        met, alone = os.path.join(self.folder, "met"), os.path.join(self.folder, "alone")
        while self.company > 1 and not os.path.exists(met) and not os.path.exists(alone):
            inside = {name.partition("-")[0] for name in os.listdir(self.folder) if name.endswith(".inside")}
            if len(inside) >= self.company:
                self._write(met, "")
            elif time.perf_counter() - began > self.patience:
                self._write(alone, "")
            else:
                time.sleep(0.002)


def read_spans(folder):
    """Return [(process id, thread id, began, ended, repr of the item)] noted so far, by begin."""
    spans = []
    for name in os.listdir(folder):
        if name.endswith(".span"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                pid, thread, began, ended, item = file.read().split(" ", 4)
            spans.append((int(pid), int(thread), float(began), float(ended), item))
    return sorted(spans, key=lambda span: span[2])


def count_overlapping(spans):
    """Return the largest number of different processes that were inside a call at one moment."""
    most = 0
    for _, _, moment, _, _ in spans:
        most = max(most, len({pid for pid, _, began, ended, _ in spans if began <= moment < ended}))
    return most
