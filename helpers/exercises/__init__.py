"""Exercises with real checks: ``from helpers.exercises import start_1``, then ``start_1.check(my_function)``."""

from helpers.exercises.start import start_1, start_2

__all__ = ["start_1", "start_2"]
