"""`Accounting`: where the workers' time went; worked out from the stamps of chunks or of tasks, nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Accounting:
    """Where ``n_workers × (startup + wall)`` went, in worker-seconds. The five add up to it.

    startup
        from asking for the workers until all are ready
    transfer
        unpickling items and pickling results in the workers, and the bookkeeping between tasks
    waiting
        a worker ready, with nothing to do yet: before its first chunk and between chunks; of asyncio, while the
        event loop is at other tasks
    working
        inside the function (which may itself wait: compare the run's ``cpu``)
    idle_tail
        a worker done while the run is not
    """

    startup: float = 0.0
    transfer: float = 0.0
    waiting: float = 0.0
    working: float = 0.0
    idle_tail: float = 0.0

    @property
    def total(self):
        """All worker-seconds of the run."""
        return self.startup + self.transfer + self.waiting + self.working + self.idle_tail

    def shares(self):
        """Return the five shares of the total by name; they add up to 1."""
        return {name: value / (self.total or 1.0) for name, value in asdict(self).items()}


def account_chunks(chunks, n_workers, startup, began, wall, working):
    """Return the Accounting of a run from the stamps of its chunks.

    Parameters
    ----------
    chunks : iterable of (worker, received, done)
        Clock seconds at which each worker had a chunk in hand, and was through with it.
    startup : float
        Seconds until all workers were ready; `began` and `wall` are of what came after.
    began, wall : float
        The clock when the items were handed over, and seconds from then to the last result.
    working : float
        Seconds inside the function, of all workers together.
    """
    in_chunks, ends = 0.0, {}
    for worker, received, done in chunks:
        in_chunks += done - received
        ends[worker] = max(done, ends.get(worker, done))
    idle_tail = sum(max(0.0, began + wall - end) for end in ends.values())
    idle_tail += wall * (n_workers - len(ends))  # workers that never got a chunk
    waiting = max(0.0, n_workers * wall - in_chunks - idle_tail)
    return Accounting(startup * n_workers, in_chunks - working, waiting, working, idle_tail)


def account_tasks(timeline, n_workers, chunksize, startup, wall):
    """Return the Accounting of a run from the stamps of its tasks, its times counted from asking for the workers.

    Time between two tasks of one chunk counts as transfer, time before a chunk as waiting: that of
    handing over chunks is not seen from here. The first `startup` seconds are start-up.
    """
    working = transfer = waiting = 0.0
    free = dict.fromkeys(range(n_workers), startup)
    last_chunk = {}
    for place in sorted(range(len(timeline)), key=timeline.started.__getitem__):
        worker, chunk = timeline.worker[place], place // chunksize
        gap = max(0.0, timeline.started[place] - free.get(worker, startup))
        if last_chunk.get(worker) == chunk:
            transfer += gap
        else:
            waiting += gap
        working += timeline.finished[place] - timeline.started[place]
        free[worker], last_chunk[worker] = timeline.finished[place], chunk
    idle_tail = sum(max(0.0, startup + wall - end) for end in free.values())
    return Accounting(startup * n_workers, transfer, waiting, working, idle_tail)
