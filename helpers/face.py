"""The face of a package: names that are loaded when somebody asks for them (PEP 562).

A worker that imports ``helpers.course.pool.tasks`` executes ``helpers/course/pool/__init__.py`` on
the way. So that file says where its names come from and loads nothing itself. Standard library only.
"""

from importlib import import_module


def make_face(package, names):
    """Return (``__all__``, ``__getattr__``, ``__dir__``) for the ``__init__`` of `package`.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    names : dict of str to str
        Module below the package: the names it lends, apart by blanks.
    """
    homes = {name: module for module, lent in names.items() for name in lent.split()}

    def __getattr__(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return sorted(homes), __getattr__, lambda: sorted(homes)
