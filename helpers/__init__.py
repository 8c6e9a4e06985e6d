"""Multiprocessing, Live: notebook-safe workers, honest measuring, live labs.

This file is executed in every worker, so it imports nothing. Use the modules by name::

    from helpers.measure import sweep
    from helpers.labs import SpeedupLab
"""


def load_ipython_extension(shell):
    """Register the ``%%worker`` cell magic; called by ``%load_ext helpers``."""
    from helpers.notebook import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell):
    """Remove what `load_ipython_extension` registered."""
    from helpers.notebook import unload_ipython_extension as unload

    unload(shell)
