"""The crew of measuring code: `helpers.tasks.crew` with the errors of this package.

Used in the runner: "start n processes on a target, wait until they are ready, ask all, watch until a
deadline, end them all". A member that ends by itself is a `WorkerDiedError` that says how.
"""

from __future__ import annotations

import multiprocessing

from helpers.errors import WorkerDiedError
from helpers.runner import describe_exit
from helpers.tasks import crew
from helpers.tasks.crew import PATIENCE

__all__ = ["PATIENCE", "Crew"]


class Crew(crew.Crew):
    """Processes on one target, as `helpers.tasks.crew.Crew`, started by `start_method`.

    Raises WorkerDiedError for a member that ended by itself and TimeoutError at a deadline; either
    way all members are ended when the context is left.
    """

    def __init__(self, target, arguments, start_method=None, **options):
        super().__init__(target, arguments, multiprocessing.get_context(start_method), **options)

    def death(self, number):
        """Return the WorkerDiedError for member `number`."""
        process = self.processes[number]
        process.join(1)
        return WorkerDiedError(
            f"{self.names[number].capitalize()} ended by itself: {describe_exit(process.exitcode)}. "
            "Everything that was started with it was ended; run it again.",
            exitcode=process.exitcode,
        )
