"""Live labs: turn the knobs, press Run, watch it measured on this machine.

``from helpers.labs import SpeedupLab``, then ``SpeedupLab(func, items)`` as the last line of a cell.
The labs of the chapters are in their topics: ``from helpers.course.pool import PoolLab``.
"""

from helpers.face import make_face

__all__, __getattr__, __dir__ = make_face(__name__, {"base": "Lab", "guess": "Guess", "speedup": "SpeedupLab"})
