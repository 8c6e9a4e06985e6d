"""A server on this machine that takes its time before it answers. Standard library only.

::

    client   "7 5.0\\n"  ──►   server   waits 5 ms, with all other requests at the same time
             "21"       ◄──            three times the number, then hangs up
"""

import signal

from helpers.tasks.worker import end_with_parent

__all__ = ["answer", "serve"]


def answer(number):
    """Return what the server gives for a number.

    >>> answer(7)
    21
    """
    return 3 * number


def serve(teller):
    """Serve until this process is ended; send the port that it listens at through the connection `teller`.

    Ends with the process that started it, whatever becomes of that.
    """
    import asyncio

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    asyncio.run(_serve(teller))


async def _serve(teller):
    import asyncio

    server = await asyncio.start_server(_reply, "127.0.0.1", 0, backlog=1024)
    teller.send(server.sockets[0].getsockname()[1])
    teller.close()
    async with server:
        await server.serve_forever()


async def _reply(reader, writer):
    import asyncio

    try:
        number, wait_ms = (await reader.readline()).split()
        await asyncio.sleep(float(wait_ms) / 1000)
        writer.write(b"%d" % answer(int(number)))
        await writer.drain()
    except (OSError, ValueError):  # a client that was ended
        pass
    finally:
        writer.close()
