"""The smallest complete source that defines a function, for programs that stand alone.

A closure over modules: the definition, and of every top-level statement only what it uses, in
source order. Statements of ``%%worker`` cells, of this package and of the reader's own files are
copied; the standard library and installed packages are imported.
"""

import ast
import importlib
import sys
import tokenize
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import resolve_name
from math import isfinite
from pathlib import Path
from types import MethodType, ModuleType

from helpers.errors import NotImportableError
from helpers.notebook.functions import function_name, require_importable
from helpers.notebook.names import names_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def standalone_source(func):
    """Return (source, expression): a program's text that defines `func`, and how to call it.

    The expression is a name, ``Class.method``, or ``partial(name, …)``. Assumes that modules are
    changed at their top level only by statements that name what they change.

    Raises
    ------
    NotImportableError
        No worker could import `func` (a lambda, a nested function); it hangs on an object that
        cannot be written as source; or two modules give one name different meanings.
    """
    require_importable(func)
    program = _Program()
    expression = program.express(func)
    program.include_changes()
    return program.text(), expression


@dataclass(frozen=True)
class _Statement:
    """One statement at the top level of a module."""

    node: ast.stmt
    text: str

    @cached_property
    def names(self):
        return names_of(self.text)

    @cached_property
    def changed(self):
        """Names of objects that the statement changes in place: ``a[0] = 1``, ``a.b = 1``, ``a.append(1)``."""
        if isinstance(self.node, _DEFINITIONS + _IMPORTS) or self.is_main_guard:
            return set()
        targets, todo = [], [self.node]
        while todo:
            node = todo.pop()
            if isinstance(node, _DEFINITIONS):
                continue
            if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
                targets.append(node)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                targets.append(node.value.func)
            todo.extend(ast.iter_child_nodes(node))
        return {_root(target) for target in targets if not isinstance(target, ast.Name)} - {None}

    @property
    def is_main_guard(self):
        return isinstance(self.node, ast.If) and "__name__" in self.names[1]


def _root(node):
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


class _Module:
    """A module's top-level statements."""

    def __init__(self, name):
        self.module = importlib.import_module(name)
        self.package = self.module.__spec__.parent
        source = _read_source(self.module.__file__)
        lines = source.splitlines(keepends=True)
        self.statements = []
        for node in ast.parse(source).body:
            first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
            text = ast.get_source_segment(source, node)
            if first < node.lineno:
                text = "".join(lines[first - 1 : node.lineno - 1]) + text
            self.statements.append(_Statement(node, text))

    @cached_property
    def binders(self):
        """Indices of the statements that bind a name, by name."""
        found = {}
        for index, statement in enumerate(self.statements):
            for name in () if statement.is_main_guard else statement.names[0]:
                found.setdefault(name, []).append(index)
        return found

    def absolute(self, node):
        """Return the module that a ``from … import`` names."""
        return resolve_name("." * node.level + (node.module or ""), self.package) if node.level else node.module


class _Program:
    """A program in the making."""

    def __init__(self):
        self.modules = {}  # name -> _Module, those that are copied from
        self.chosen = {}  # (module, index) -> texts
        self.imports = {}  # import line -> None, in the order found
        self.meaning = {}  # name in the program -> where it comes from
        self.needs = {}  # module -> modules that come before it
        self.done = set()  # (module, name)

    def express(self, func):
        """Return the expression for `func`, its definition added to the program."""
        if isinstance(func, partial):
            self.add_import("from functools import partial", "partial")
            given = [self.express_value(value) for value in func.args]
            given += [f"{key}={self.express_value(value)}" for key, value in func.keywords.items()]
            return f"partial({', '.join([self.express(func.func), *given])})"
        if isinstance(func, MethodType) and isinstance(func.__self__, type):
            return f"{self.express(func.__self__)}.{func.__name__}"
        owner = getattr(func, "__objclass__", None)
        if isinstance(owner, type):
            return f"{self.express(owner)}.{func.__name__}"
        module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", None)
        if isinstance(func, MethodType) or not isinstance(module, str) or not isinstance(name, str):
            raise self.refuse(f"`{function_name(func)}` belongs to an object made at run time", func)
        if module == "builtins":
            return name
        root = name.partition(".")[0]
        if _is_copied(module):
            self.add(module, root)
        else:
            self.add_import(f"from {_public_module(module, root)} import {root}", root)
        return name

    def express_value(self, value):
        """Return source that makes an equal value; NotImportableError if there is none."""
        kind = type(value)
        if value is None or value is ... or kind in (bool, int, str, bytes, range):
            return repr(value)
        if kind is float:
            return repr(value) if isfinite(value) else f'float("{value}")'
        if kind in (list, tuple, set, frozenset):
            inner = [self.express_value(part) for part in value]
            if kind is tuple:
                return f"({', '.join(inner)}{',' * (len(inner) == 1)})"
            listed = f"[{', '.join(inner)}]"
            return listed if kind is list else f"{kind.__name__}({listed})"
        if kind is dict:
            return (
                "{"
                + ", ".join(f"{self.express_value(key)}: {self.express_value(part)}" for key, part in value.items())
                + "}"
            )
        if callable(value):
            return self.express(value)
        raise self.refuse(f"an argument of type `{kind.__name__}` cannot be written as source", value)

    def refuse(self, reason, culprit):
        return NotImportableError(
            f"No program can be written out: {reason}. Use a function defined at the top level of a "
            "%%worker cell or a module file, with plain values as arguments.",
            culprit=function_name(culprit) if callable(culprit) else type(culprit).__name__,
        )

    def add_import(self, line, name):
        self.claim(name, line)
        self.imports[line] = None

    def claim(self, name, origin):
        """Note where a name comes from; raise if the program has another thing of that name."""
        if self.meaning.setdefault(name, origin) != origin:
            raise NotImportableError(
                f"No program can be written out: `{name}` means two things in the modules it is made of "
                f"({self.meaning[name]}; {origin}). Rename one.",
                culprit=name,
            )

    def copied(self, module_name):
        """Return the _Module that statements are copied from."""
        return self.modules.get(module_name) or self.modules.setdefault(module_name, _Module(module_name))

    def is_submodule(self, module_name, name):
        """Return whether ``from module_name import name`` gives a file of the package, not a name in it."""
        value = getattr(importlib.import_module(module_name), name, None)
        return isinstance(value, ModuleType) and name not in self.copied(module_name).binders

    def add(self, module_name, name):
        """Add every statement that binds `name` in the module, and what they use."""
        if (module_name, name) in self.done:
            return
        self.done.add((module_name, name))
        module = self.copied(module_name)
        self.needs.setdefault(module_name, set())
        for index in module.binders.get(name, ()):
            node = module.statements[index].node
            if isinstance(node, _IMPORTS):
                self.add_from(module_name, index, name)
            else:
                self.include(module_name, index)
        if name not in module.binders and hasattr(module.module, name):
            self.add_star(module_name, name)

    def include(self, module_name, index):
        """Add one statement as it stands, and what it uses."""
        if (module_name, index) in self.chosen:
            return
        statement = self.modules[module_name].statements[index]
        self.chosen[module_name, index] = [statement.text]
        bound, used = statement.names
        for name in sorted(bound):
            self.claim(name, module_name)
        for name in sorted(bound | used):
            self.add(module_name, name)

    def add_from(self, module_name, index, name):
        """Add what an import statement binds to `name`: the import, or the definition itself."""
        module, node = self.modules[module_name], self.modules[module_name].statements[index].node
        for alias in node.names:
            if name != (alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name)):
                continue
            suffix = f" as {alias.asname}" if alias.asname else ""
            if isinstance(node, ast.Import):
                self.imports[f"import {alias.name}{suffix}"] = None
                self.claim(name, f"import {name if not suffix else alias.name + suffix}")
                continue
            source = module.absolute(node)
            if source == "__future__":
                continue
            if not _is_copied(source) or self.is_submodule(source, alias.name):
                self.add_import(f"from {source} import {alias.name}{suffix}", name)
                continue
            self.needs[module_name].add(source)
            self.add(source, alias.name)
            if alias.asname and alias.asname != alias.name:
                self.claim(name, module_name)
                self.chosen.setdefault((module_name, index), []).append(f"{alias.asname} = {alias.name}")

    def add_star(self, module_name, name):
        """Add the star import that gave the module `name`."""
        module = self.modules[module_name]
        for statement in module.statements:
            if isinstance(statement.node, ast.ImportFrom) and statement.node.names[0].name == "*":
                source = module.absolute(statement.node)
                if not hasattr(importlib.import_module(source), name):
                    continue
                if _is_copied(source):
                    self.needs[module_name].add(source)
                    self.add(source, name)
                else:
                    self.add_import(f"from {source} import {name}", name)

    def include_changes(self):
        """Add the statements that change, in place, objects the program has; until there are none left."""
        size = -1
        while size != len(self.chosen):
            size = len(self.chosen)
            for module_name, module in list(self.modules.items()):
                for index, statement in enumerate(module.statements):
                    if any((module_name, name) in self.done for name in statement.changed):
                        self.include(module_name, index)

    def text(self):
        """Return the program: imports, then the modules' statements, each after what it needs."""
        order = {}

        def visit(name, above=()):
            for needed in sorted(self.needs[name]):
                if needed not in above:
                    visit(needed, (*above, name))
            order.setdefault(name)

        for name in self.needs:
            visit(name)
        features = {
            ast.unparse(s.node): None
            for m in self.modules.values()
            for s in m.statements
            if isinstance(s.node, ast.ImportFrom) and s.node.module == "__future__"
        }
        text, after_block = "\n".join([*features, *self.imports]), True
        for module_name in order:
            for index in sorted(index for name, index in self.chosen if name == module_name):
                is_block = isinstance(self.modules[module_name].statements[index].node, _DEFINITIONS)
                gap = "\n\n\n" if is_block or after_block else "\n"
                text += gap + "\n".join(self.chosen[module_name, index])
                after_block = is_block
        return text.strip() + "\n" if text.strip() else ""


def _is_copied(module_name):
    """Return whether the module's statements are copied, not imported."""
    top = module_name.partition(".")[0]
    if top != "helpers" and top in sys.stdlib_module_names:
        return False
    module = importlib.import_module(module_name)
    file = getattr(module, "__file__", None) or ""
    if not file.endswith(".py") or (top != "helpers" and {"site-packages", "dist-packages"} & set(Path(file).parts)):
        return False
    try:
        return bool(_read_source(file)) and module.__spec__ is not None
    except (OSError, SyntaxError, UnicodeDecodeError):
        return False


def _read_source(file):
    with tokenize.open(file) as opened:  # knows about encoding comments
        return opened.read()


def _public_module(module_name, name):
    """Return the public module of a function that a private one implements, as operator of _operator."""
    public = sys.modules.get(module_name.lstrip("_"))
    private = sys.modules.get(module_name)
    return module_name.lstrip("_") if getattr(public, name, None) is getattr(private, name, public) else module_name
