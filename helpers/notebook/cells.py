"""The ``%%worker`` cell magic: a cell becomes a real module, which workers can import.

::

    %%worker                      ►  worker_1f0c….py, line 1: imports from earlier cells
    def square(x):                                    line 2: the cell
        return x * x

Line numbers in tracebacks are the cell's own. The name carries a hash of the source, so an
edited cell is another module, and workers never run an older version than the notebook.
"""

import ast
import builtins
import importlib
import re
import sys
import warnings
from dataclasses import dataclass, field
from hashlib import sha256

from helpers.notebook.folder import private_folder, write_file
from helpers.notebook.looks import keep_looks, show_looks
from helpers.notebook.names import names_of
from helpers.notebook.pictures import register_pictures, unregister_pictures
from helpers.notebook.shutdown import end_services_at_shutdown

#: IPython adds these to the built-in names while a cell runs; no worker has them.
_ONLY_IN_IPYTHON = {"display", "get_ipython"}
#: The names of the modules that cells become.
_CELL_MODULE = re.compile(r"worker_[0-9a-f]{12}")
_MAGIC_LINE = re.compile(r"\s*(?:[\w\s,.\[\]]+=\s*)?[%!]|.*\?\s*$|\s*\?")


def load_ipython_extension(shell):
    """Register the ``%%worker`` cell magic and the pictures of figures, show how outputs look; twice does no harm."""
    cells = vars(shell).setdefault("_worker_cells", WorkerCells(shell))  # outlives unloading
    shell.register_magic_function(cells.run, "cell", "worker")
    register_pictures(shell)
    show_looks(shell)
    cells.looks = cells.looks or keep_looks(shell)
    end_services_at_shutdown(shell)


def unload_ipython_extension(shell):
    """Remove what `load_ipython_extension` registered; modules made so far stay importable."""
    shell.magics_manager.magics["cell"].pop("worker", None)
    unregister_pictures(shell)
    cells = vars(shell).get("_worker_cells")
    if cells is not None and cells.looks is not None:
        shell.events.unregister("pre_run_cell", cells.looks)
        cells.looks = None


@dataclass(eq=False)
class Cell:
    """A cell that ran: its module, the names it binds, and the modules of the names it uses."""

    module: str
    text: str
    label: str
    bound: dict = field(default_factory=dict)
    uses: dict = field(default_factory=dict)

    def describe(self):
        """Return words that find the cell in the notebook."""
        public = [name for name in self.bound if not name.startswith("_")]
        return f"the %%worker cell that defines {_quote(public[:3])} ({self.label})"


class WorkerCells:
    """All ``%%worker`` cells of one shell."""

    def __init__(self, shell):
        self.shell = shell
        self.cells = {}  # module name -> Cell
        self.owner = {}  # name -> Cell that binds it now
        self.looks = None  # what has the style sheet shown again

    def run(self, line, body):
        """Make this cell a module that workers can import, and bind its names in the notebook.

        The cell holds plain Python: imports, constants, functions, classes. It may use the names
        of earlier %%worker cells, not the variables of plain cells. An unchanged cell is not
        executed a second time.
        """
        if line.strip():
            from IPython.core.error import UsageError

            raise UsageError(f"%%worker takes no arguments, not {line.strip()!r}: begin the code in the next line.")
        self._check_syntax(body)
        bound, used = names_of(body)
        uses = {name: self.owner[name].module for name in sorted(used - bound) if name in self.owner}
        text = _module_text(body, uses)
        cell = Cell("worker_" + sha256(text.encode()).hexdigest()[:12], text, f"In[{self._number()}]", uses=uses)
        only_here = self._only_in_notebook(used - bound - set(uses))
        try:
            module = self._import(cell)
        except BaseException as error:
            self._warn_only_here(only_here)
            shown = self._own_lines_only(error, cell)
            if shown is error:
                raise
            raise shown from None
        self._warn_only_here(name for name in only_here if name not in vars(module))
        cell.bound = {name: value for name, value in vars(module).items() if name not in uses and _is_own(name, value)}
        self._bind(cell)

    def _number(self):
        """Return the number in the cell's prompt; the shell's own count may already be the next."""
        numbers, frame = getattr(self.shell.compile, "_filename_map", {}), sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename in numbers:
                return numbers[frame.f_code.co_filename]
            frame = frame.f_back
        return self.shell.execution_count

    def _check_syntax(self, body):
        """Raise the cell's syntax error the way IPython shows one, lines counted from %%worker."""
        name = self.shell.compile.cache(f"%%worker\n{body}", self._number())
        try:
            _compile(f"\n{body}", name)
        except (SyntaxError, ValueError) as error:
            if not isinstance(error, SyntaxError):
                error = SyntaxError(str(error))
            error.msg = _explain(error, body)
            raise _syntax_error(self.shell, error, []) from None

    def _only_in_notebook(self, names):
        missing = names - (set(dir(builtins)) - _ONLY_IN_IPYTHON)
        return sorted(name for name in missing if name in self.shell.user_ns and not name.startswith("__"))

    def _warn_only_here(self, names):
        if names := list(names):
            exist = "exists" if len(names) == 1 else "exist"
            _say(
                f"%%worker: {_quote(names)} {exist} only in the notebook; workers will not find what only the notebook "
                "has. Define or import it in this cell, or pass it with each item; calls belong in the next cell."
            )

    def _import(self, cell):
        """Return the module of `cell`, executed unless it has been before."""
        folder = private_folder()
        for known in (*self.cells.values(), cell):
            path = folder / f"{known.module}.py"
            if not path.exists():
                write_file(path, known.text)
        numbers = getattr(self.shell.compile, "_filename_map", {})  # lets tracebacks say "Cell In[3]"
        numbers[str(folder / f"{cell.module}.py")] = self._number()
        importlib.invalidate_caches()
        return importlib.import_module(cell.module)

    def _own_lines_only(self, error, cell):
        """Return the exception to raise for `error`: shown from the cell's own first line on."""
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__") != cell.module:
            trace = trace.tb_next
        if trace is None:
            return error
        if isinstance(error, SyntaxError):  # of a file that the cell imports
            import traceback

            return _syntax_error(self.shell, error, traceback.extract_tb(trace))
        try:
            error._render_traceback_ = lambda: self.shell.InteractiveTB.structured_traceback(
                type(error), error, trace, tb_offset=0
            )
        except (AttributeError, TypeError):
            pass  # an exception that takes no attributes is shown with the frames above
        return error

    def _bind(self, cell):
        """Bind the cell's public names in the notebook, and name the cells that use older versions."""
        self.cells[cell.module] = cell
        for name, module in cell.uses.items():
            bound = self.cells[module].bound[name]
            if not name.startswith("_") and self.shell.user_ns.get(name, bound) is not bound:
                _say(
                    f"%%worker: `{name}` has been redefined in a plain cell; this cell uses the one of "
                    f"{self.cells[module].describe()}."
                )
        self.shell.push({name: value for name, value in cell.bound.items() if not name.startswith("_")})
        self.owner.update(dict.fromkeys(cell.bound, cell))
        for other in dict.fromkeys(self.owner.values()):
            old = [
                name
                for name, module in other.uses.items()
                if self.owner[name] is cell and self.cells[module].bound[name] is not cell.bound[name]
            ]
            if old and other is not cell:
                _say(f"%%worker: {other.describe()} still uses the previous {_quote(old)}: run that cell again.")


def _compile(source, filename, flags=0):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing the module gives them once more
        return compile(source, filename, "exec", flags, dont_inherit=True)


def _explain(error, body):
    """Return the message for a syntax error, in clearer words where the notebook misleads."""
    try:
        _compile(body, "<cell>", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        lines = ["%%worker", *body.splitlines()]
        if error.lineno and error.lineno <= len(lines) and _MAGIC_LINE.match(lines[error.lineno - 1]):
            return (
                "IPython's %magics, !commands and ? do not work in a %%worker cell, which is plain Python: move the "
                "line to another cell"
            )
        return error.msg
    return f"{error.msg}: workers import a %%worker cell, they cannot await; put it into an async function"


def _syntax_error(shell, error, stack):
    """Return an exception that IPython shows like the SyntaxError `error`, reached by `stack`.

    It is no SyntaxError itself: those IPython always shows with the frames of the magic above.
    """

    def render(self):
        return shell.SyntaxTB.structured_traceback(type(error), error, stack)

    kind = type(type(error).__name__, (Exception,), {"__module__": "builtins", "_render_traceback_": render})
    shown = kind(str(error))
    shown.error = error
    return shown


def _module_text(body, uses):
    """Return the module's source: one line of imports from earlier cells, then the cell.

    ``from __future__`` must come first, so it moves to line 1, if there is anything else there.
    """
    modules = {}
    for name, module in uses.items():
        modules.setdefault(module, []).append(name)
    prelude = [f"from {module} import {', '.join(names)}" for module, names in modules.items()]
    if not prelude:
        return "# %%worker, coding: utf-8\n" + body
    lines = body.encode().splitlines(keepends=True)
    for node in reversed(ast.parse(body).body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            prelude.insert(0, ast.unparse(node))
            first, last = node.lineno - 1, node.end_lineno - 1
            rest = lines[last][node.end_col_offset :]
            lines[first : last + 1] = [lines[first][: node.col_offset] + b"pass" + b"\\\n" * (last - first) + rest]
    return "; ".join(prelude) + "\n" + b"".join(lines).decode()


def borrowed_imports(func):
    """Return the import lines of earlier %%worker cells that the cell of `func` needs, as a list; [] for none.

    What such a cell defines itself is no import: cells may build on each other. [] too for what no cell defines.
    """
    prelude = _source_of(getattr(func, "__module__", None)).partition("\n")[0]
    lines = []
    for node in ast.parse(prelude).body:
        if isinstance(node, ast.ImportFrom) and _CELL_MODULE.fullmatch(node.module or ""):
            borrowed = {alias.name for alias in node.names}
            lines += [line for name, line in _imports_of(_source_of(node.module)) if name in borrowed]
    return lines


def _source_of(module_name):
    """Return the source of a %%worker cell's module, "" for any other."""
    if not _CELL_MODULE.fullmatch(module_name or ""):
        return ""
    path = private_folder() / f"{module_name}.py"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _imports_of(source):
    """Return [(name, the line that imports it alone)] of the imports at the top level of `source`."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)
                alone = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
                found.append((name, ast.unparse(alone)))
    return found


def _is_own(name, value):
    import __future__

    return not (name.startswith("__") and name.endswith("__")) and not isinstance(value, __future__._Feature)


def _quote(names):
    return ", ".join(f"`{name}`" for name in names)


def _say(text):
    print(text, file=sys.stderr)
