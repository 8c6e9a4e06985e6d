"""Exercises with real checks. Each chapter's are in its topic: ``from helpers.course.start import start_1``,
then ``start_1.check(my_function)``."""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(__name__, {"base": "Exercise Verdict"})
