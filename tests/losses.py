"""Measuring generators that lose a worker while the runner plays them. Module level only: the runner imports this."""

from multiprocessing import connection

from helpers.engines import open_team
from helpers.engines.base import dump_chunk
from helpers.tasks import faults
from helpers.tasks.worker import run_chunk


def lose_a_worker(engine):
    """Yield whether the worker that replaces a dead one of `engine` ran a task within a second; raise what is said of
    the death."""
    with open_team(engine, faults.exit_on_bad, 1) as team:
        team.items = [faults.BAD_ITEM, 4]
        team._submit(run_chunk, 0, dump_chunk(team.items[:1], 0))
        connection.wait([team.processes[0].sentinel], 30)
        answer = team._submit(run_chunk, 1, dump_chunk(team.items[1:], 1))
        answer.wait(1)  # whoever would run it needs milliseconds
        yield answer.ready()
        raise team._death({})
