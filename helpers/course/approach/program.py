"""The program behind "Show code" of `ApproachLab`: `concurrent.futures` and asyncio, side by side."""

from __future__ import annotations

from helpers.course.approach.runs import count_workers
from helpers.course.approach.tasks import WAITING_KINDS
from helpers.labs.program import write_program

IMPORTS = {
    "hashing": "import hashlib\n",
    "waiting": "import socket\nimport socketserver\nimport threading\n",
    "mixed": "import socket\nimport socketserver\nimport threading\n",
}
FETCH = '''
class Answer(socketserver.StreamRequestHandler):
    """A server that takes its time: in real work it is on another machine."""

    def handle(self):
        number, wait_ms = self.rfile.readline().split()
        time.sleep(float(wait_ms) / 1000)
        self.wfile.write(b"%d" % (3 * int(number)))


class Server(socketserver.ThreadingTCPServer):
    request_queue_size, daemon_threads = 1024, True


def fetch(port, number):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"%d %g\\n" % (number, WAIT_MS))
        return int(connection.makefile("rb").read())
'''
FETCH_ASYNC = """

async def fetch_async(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"%d %g\\n" % (number, WAIT_MS))
    reply = int(await reader.read())
    writer.close()
    return reply
"""
WORK = {
    "arithmetic": "return sum(number * number for number in range(item))",
    "hashing": (
        "hasher = hashlib.sha256()\n    for _ in range(item):\n        hasher.update(bytes(2**16))\n"
        "    return hasher.hexdigest()"
    ),
    "tiny": "return item + 1",
    "data": "return item[::-1]",
    "waiting": "return fetch(*item)",
    "mixed": "return fetch(*item) + sum(number * number for number in range(N_LOOPS))",
}
ITEMS = {
    "arithmetic": "[N_LOOPS] * N_TASKS",
    "hashing": "[N_BLOCKS] * N_TASKS",
    "tiny": "list(range(N_TASKS))",
    "data": "[bytes([number % 256]) * DATA_BYTES for number in range(N_TASKS)]",
    "waiting": "[(port, number) for number in range(N_TASKS)]",
    "mixed": "[(port, number) for number in range(N_TASKS)]",
}
USES = {
    "arithmetic": ("N_LOOPS",),
    "hashing": ("N_BLOCKS",),
    "data": ("DATA_BYTES",),
    "waiting": ("WAIT_MS",),
    "mixed": ("WAIT_MS", "N_LOOPS"),
}
RUNS = {
    "threads": "with ThreadPoolExecutor({n}) as pool:\n        return list(pool.map(work, items))",
    "processes": (
        "context = multiprocessing.get_context(START_METHOD)\n    with ProcessPoolExecutor({n}, mp_context=context) as "
        "pool:\n        return list(pool.map(work, items, chunksize=CHUNKSIZE))"
    ),
    "interpreters": (
        "with InterpreterPoolExecutor({n}) as pool:\n        return list(pool.map(work, items, chunksize=CHUNKSIZE))"
    ),
    "asyncio": (
        "async def run_all():\n        slots = asyncio.Semaphore({n})\n\n        async def run_one(item):\n"
        "            async with slots:\n                return await work_async(item)\n\n"
        "        return await asyncio.gather(*map(run_one, items))\n\n    return asyncio.run(run_all())"
    ),
}
EXECUTORS = {
    "threads": "ThreadPoolExecutor",
    "processes": "ProcessPoolExecutor",
    "interpreters": "InterpreterPoolExecutor",
}


def program(kinds, approaches, n_workers, n_waiting, sizes, start_method, repeats):
    """Return a program that does one kind of work by each approach and prints how long it takes, start included.

    `repeats` plays no part: it runs everything once.
    """
    (kind,) = kinds
    waits, others = kind in WAITING_KINDS, [each for each in approaches if each != "serial"]
    executors = sorted(EXECUTORS[each] for each in others if each in EXECUTORS)
    source = "import time\n" + IMPORTS.get(kind, "")
    source += "import asyncio\n" if "asyncio" in others else ""
    source += "import multiprocessing\n" if "processes" in others else ""
    source += f"from concurrent.futures import {', '.join(executors)}\n" if executors else ""
    source += (FETCH if waits else "") + (FETCH_ASYNC if waits and "asyncio" in others else "")
    source += f"\n\ndef work(item):\n    {WORK[kind]}\n"
    if "asyncio" in others:
        awaiting = WORK[kind].replace("fetch(", "await fetch_async(")
        body = awaiting if waits else "return work(item)  # it never awaits, so all others wait"
        source += f"\n\nasync def work_async(item):\n    {body}\n"
    for each in others:
        n = "N_WAITING" if count_workers(kind, each, 1, 2) == 2 else "N_WORKERS"
        source += f"\n\ndef run_{each}(items):\n    {RUNS[each].format(n=n)}\n"
    source += _write_main(kind, others, waits)
    numbers = {"N_TASKS": sizes.n_tiny if kind == "tiny" else sizes.n_tasks, "N_WORKERS": n_workers}
    numbers |= {"N_WAITING": n_waiting} if "N_WAITING" in source else {}
    known = {
        "N_LOOPS": sizes.n_loops,
        "N_BLOCKS": sizes.n_blocks,
        "WAIT_MS": sizes.wait_ms,
        "DATA_BYTES": sizes.data_bytes,
    }
    known["N_LOOPS"] = sizes.n_loops // 2 if kind == "mixed" else sizes.n_loops
    numbers |= {name: known[name] for name in USES.get(kind, ())}
    numbers |= {"CHUNKSIZE": max(1, sizes.n_tiny // (4 * n_workers)) if kind == "tiny" else 1}
    numbers |= {"START_METHOD": start_method} if "processes" in others else {}
    return write_program("The same work by several approaches, each compared with the serial loop", numbers, source)


def _write_main(kind, others, waits):
    """Return the function main of the program."""
    lines = ["", "", "def main():"]
    if waits:
        lines += [
            '    server = Server(("127.0.0.1", 0), Answer)',
            "    threading.Thread(target=server.serve_forever, daemon=True).start()",
        ]
        lines += ["    port = server.server_address[1]"]
    lines += [
        f"    items = {ITEMS[kind]}",
        "    began = time.perf_counter()",
        "    expected = [work(item) for item in items]",
    ]
    lines += ["    serial = time.perf_counter() - began", '    print(f"serial {serial:.3f} s")']
    lines += [
        f"    for run in ({', '.join(f'run_{each}' for each in others)},):",
        "        began = time.perf_counter()",
    ]
    lines += ["        assert run(items) == expected", "        wall = time.perf_counter() - began"]
    lines += [
        '        print(f"{run.__name__[4:]} {wall:.3f} s, start included: {serial / wall:.2f} times the serial loop")'
    ]
    return "\n".join([*lines, *(["    server.shutdown()"] if waits else []), ""])
