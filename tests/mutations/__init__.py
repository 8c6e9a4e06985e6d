"""Deliberate faults, one file an area; a package, so that an area may be called like a module of Python."""
