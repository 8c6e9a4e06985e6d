"""One contract, many engines: run a function over items with N workers, and say who ran what.

::

    base.py          Team (the contract), Batch (what came back), chunking and accounting
    local.py         serial, threads          workers that share this process
    coroutines.py    serial, asyncio          coroutine functions: tasks that share one event loop (loop.py)
    pools.py         processes, pool, multiprocess    worker processes
    interpreters.py  interpreters             one Python interpreter a thread (3.14+)

>>> with open_team("threads", len, n_workers=2) as team:
...     team.run(["a", "bb", "ccc"]).values()
[1, 2, 3]
"""

from helpers.engines.base import Batch, Team, auto_chunksize, max_workers
from helpers.engines.registry import ENGINES, check_engine, engine_problem, open_team, start_methods_of, usual_engines

__all__ = [
    "ENGINES",
    "Batch",
    "Team",
    "auto_chunksize",
    "check_engine",
    "engine_problem",
    "max_workers",
    "open_team",
    "start_methods_of",
    "usual_engines",
]
