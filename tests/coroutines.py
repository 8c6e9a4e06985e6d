"""Coroutine functions for tests: made of plain ones, and such that do what none should.

`as_coroutine` gives every contract of the engines a coroutine function that does the same. The attacks return their
item. Module level only: runners import this.
"""

import asyncio
import contextvars
import signal
import subprocess
import sys
import threading
import time

from helpers.tasks import faults, wait

#: Seconds that what is left behind would live.
LONG = 600
kept = []
seen = contextvars.ContextVar("seen", default=0)


class Awaits:
    """A coroutine function that lets other tasks go on, and then does what a plain function does."""

    def __init__(self, func):
        self.func = func

    async def __call__(self, item):
        await asyncio.sleep(0)
        return self.func(item)


async def sleep_for_ever(item):
    await asyncio.sleep(LONG)


#: Engines of coroutine functions; the serial loop of one has a name of its own here.
AWAITING = "serial, awaiting"
#: Coroutine functions that wait where these do.
AWAITED = {wait.wait_ms: wait.await_ms, faults.sleep_for_ever: sleep_for_ever}


def as_coroutine(func):
    """Return a coroutine function that does what `func` does."""
    return AWAITED.get(func) or Awaits(func)


def given(func, engine):
    """Return (what is handed over for the plain function `func`, the name of the engine)."""
    if engine not in ("asyncio", AWAITING):
        return func, engine
    return as_coroutine(func), "serial" if engine == AWAITING else engine


async def fine(item):
    await asyncio.sleep(0)
    return item


async def double_with(item, factor=2):
    await asyncio.sleep(0)
    return factor * item


class Doubler:
    """Bound methods and instances that are coroutine functions."""

    async def double(self, item):
        return await double_with(item)

    async def __call__(self, item):
        return await double_with(item)


def forget_to_await(item):
    """A plain function that returns a coroutine."""
    return fine(item)


async def forget_inside(item):
    return fine(item)


async def yield_items(item):
    yield item


# ── what must do no harm ──────────────────────────────────────────────────────────────────────


async def cancel_itself(item):
    """The cancellation would come at the next await, which is that of another item."""
    asyncio.current_task().cancel()
    return item


async def set_a_variable(item):
    """Return what an item before has left in a context variable, and leave something."""
    before = seen.get()
    seen.set(item)
    await asyncio.sleep(0)
    return before


async def leave_a_task(item):
    asyncio.create_task(asyncio.sleep(LONG))
    return item


async def leave_a_cancelled_task(item):
    """As after ``asyncio.wait(…, return_when=FIRST_COMPLETED)``: what is cancelled ends a little later."""
    asyncio.create_task(asyncio.sleep(LONG)).cancel()
    return item


async def cling():
    while True:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            pass


async def leave_a_task_that_clings(item):
    asyncio.create_task(cling())
    await asyncio.sleep(0)
    return item


async def hold():
    time.sleep(LONG)


async def leave_a_task_that_holds_the_loop(item):
    """The last item starts it, so that all results are there when it begins."""
    if item == 4:
        asyncio.create_task(hold())
    return item


async def leave_a_thread_of_the_loop(item):
    asyncio.get_running_loop().run_in_executor(None, time.sleep, LONG)
    return item


async def leave_a_program(item):
    await asyncio.create_subprocess_exec(sys.executable, "-c", f"import time; time.sleep({LONG})")
    return item


async def leave_a_plain_program_and_a_thread(item):
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"], start_new_session=True)
    threading.Thread(target=time.sleep, args=(LONG,), daemon=True).start()
    return item


async def leave_a_generator(item):
    async def count():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)

    generator = count()
    kept.append(generator)
    return item + await anext(generator) - 1


async def replace_the_loop(item):
    asyncio.set_event_loop(asyncio.new_event_loop())
    await asyncio.sleep(0)
    return item


async def raise_in_a_callback(item):
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    return item


async def make_tasks_eager(item):
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    return item


async def count_tasks(item):
    await asyncio.sleep(0)
    return len(asyncio.all_tasks())


# ── what fails, or ends the run ───────────────────────────────────────────────────────────────


async def close_the_loop(item):
    asyncio.get_running_loop().close()


async def raise_keyboard_interrupt(item):
    await asyncio.sleep(0)
    raise KeyboardInterrupt


async def raise_base_exception(item):
    raise BaseException("of no kind")


async def cancel_all(item):
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(0)
    return item


async def stop_the_loop(item):
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.05)
    return item


async def exit_in_a_callback(item):
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.sleep(0.05)
    return item


async def interrupt_in_a_task(item):
    asyncio.create_task(raise_keyboard_interrupt(item))
    await asyncio.sleep(0.05)
    return item


def refuse(loop, coroutine, **options):
    coroutine.close()
    raise RuntimeError("no more tasks")


async def break_the_factory(item):
    asyncio.get_running_loop().set_task_factory(refuse)
    return item


async def hold_for_ever(item):
    while True:
        pass


async def hold_deaf(item):
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    await hold_for_ever(item)


# ── what is told of figures ───────────────────────────────────────────────────────────────────

current = None


async def race(item):
    """Write where others write too, and read after an await: the last who wrote wins."""
    global current
    current = item
    await asyncio.sleep(0)
    return current
