"""Exercises with real checks: ``from helpers.exercises import start_1``, then ``start_1.check(my_function)``."""

from helpers.exercises.lock import lock_1, lock_2, lock_3
from helpers.exercises.pipe import pipe_1, pipe_2, pipe_3
from helpers.exercises.pool import pool_1, pool_2, pool_3
from helpers.exercises.process import process_1, process_2, process_3
from helpers.exercises.queue import queue_1, queue_2, queue_3
from helpers.exercises.start import start_1, start_2
from helpers.exercises.value import value_1, value_2, value_3

__all__ = ["lock_1", "lock_2", "lock_3",
    
    "pipe_1",
    "pipe_2",
    "pipe_3",
    "pool_1",
    "pool_2",
    "pool_3",
    "process_1",
    "process_2",
    "process_3",
    "queue_1",
    "queue_2",
    "queue_3",
    "start_1",
    "start_2",
    "value_1",
    "value_2",
    "value_3",
]
