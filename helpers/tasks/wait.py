"""Tasks that wait and leave the CPU free. Standard library only."""

from time import perf_counter, sleep


def wait_ms(milliseconds):
    """Sleep for `milliseconds` and return them: stands for a disk or a server.

    Shows waiting, never CPU work: more workers than CPUs help here.
    """
    sleep(milliseconds / 1000)
    return milliseconds


async def await_ms(milliseconds):
    """As `wait_ms`, awaited: the event loop goes on to other tasks meanwhile."""
    from asyncio import sleep  # here: workers that never await are not to load it

    await sleep(milliseconds / 1000)
    return milliseconds


def spin_ms(milliseconds):
    """Keep a CPU busy for `milliseconds` of wall time and return them.

    Its length does not depend on the machine, and not on how much CPU it gets either: for
    measuring overhead, not speedup.
    """
    end = perf_counter() + milliseconds / 1000
    while perf_counter() < end:
        pass
    return milliseconds
