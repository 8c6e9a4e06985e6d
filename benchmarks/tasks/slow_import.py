"""A task of `regret` whose module takes long to import, as one that loads a large package or a model."""

from helpers.tasks.cpu import burn, count_loops_per_ms

#: Milliseconds that importing this module takes.
IMPORT_MS = 300
LOADED = burn(int(IMPORT_MS * count_loops_per_ms()))


def burn_after_import(n_loops):
    """Return the result of `burn`, in a worker that had to import this module first."""
    return burn(n_loops)
