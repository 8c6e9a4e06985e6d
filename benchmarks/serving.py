"""A server on this machine that takes its time: what tasks wait for, in a process of its own.

::

    with serving(wait=0.02) as port:         answers each line, a number, with its square, 20 ms later
    with serving(wait=0.02, at_once=4):      and no more than four at a time, as a database does
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

#: Seconds for the server to end once nobody needs it.
ENDING = 5.0


@contextmanager
def serving(wait, at_once=0):
    """Give the port of a server that answers after `wait` seconds, `at_once` requests at a time (0: any number).

    It ends with this context, and with the process that started it, however that ends: its input is closed then.
    """
    command = [sys.executable, __file__, str(wait), str(at_once)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        line = server.stdout.readline()
        if not line:
            raise RuntimeError("The server that tasks were to wait for did not start.")
        yield int(line)
    finally:
        server.stdin.close()
        try:
            server.wait(ENDING)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


async def serve(wait, at_once):
    """Answer for ever; print the port first."""
    turns = asyncio.Semaphore(at_once or 1_000_000)

    async def answer(reader, writer):
        with suppress(ConnectionError, ValueError):  # who hangs up before it has asked
            number = int(await reader.readline())
            async with turns:
                await asyncio.sleep(wait)
            writer.write(b"%d\n" % number**2)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def end_with_input():
    """End this process as soon as its input is closed."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    asyncio.run(serve(float(sys.argv[1]), int(sys.argv[2])))
