"""Imports in `helpers` only go to the left, and a worker loads nothing but what it runs.

Every import statement counts, also those inside functions: a late import is still a dependency.
What is named by a string only (the doctor's probe imports a task in a process of its own) does not.
"""

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from checkout import ROOT

#: A module or folder of `helpers` imports only from those left of it (and from itself).
LAYERS = "errors arguments records runner machine notebook tasks engines measure models plots labs exercises".split()
#: Modules that are parts of a layer under a name of their own.
PART_OF = {"cgroups": "machine", "checkup": "machine"}
#: Heavy packages: the layers whose modules may import them, and nobody else.
HEAVY = {
    "numpy": {"records", "models", "plots"},  # records: inside methods only
    "pandas": {"records"},  # inside methods only
    "matplotlib": {"plots", "labs"},
    "ipywidgets": {"labs"},
    "IPython": {"notebook", "labs"},
}
#: Of these, what may stand at the top of a module: loaded whenever the module is.
LAZY_ONLY = {("records", "numpy"), ("records", "pandas")}
#: Modules of `helpers.tasks` that are about a package outside the standard library.
ABOUT = {}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted((ROOT / "helpers").rglob("*.py"))}
TASKS = [name for name in FILES if name.startswith("helpers.tasks")]


def imports_of(name):
    """Return (imported module, line, is at module level) for every import statement of the module."""
    path = FILES[name]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    top_level = {id(node) for node in top_level_nodes(tree)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")
                parent = parent[: len(parent) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            targets = [f"{base}.{a.name}" if f"{base}.{a.name}" in FILES else base for a in node.names]
        else:
            continue
        found += [(target, node.lineno, id(node) in top_level) for target in dict.fromkeys(targets)]
    return found


def top_level_nodes(node):
    """Yield every node that is executed on import: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from top_level_nodes(child)


def layer_of(module):
    name = module.split(".")[1] if "." in module else None
    return PART_OF.get(name, name)


RECORDS = "helpers.records.estimates"


def test_the_walk_sees_the_files_and_their_nested_imports():
    assert {"helpers", "helpers.errors", "helpers.records", "helpers.tasks.cpu"} <= set(FILES)
    assert ("numpy", False) in {(target, top) for target, _, top in imports_of("helpers.records.estimates")}
    assert ("dataclasses", True) in {(target, top) for target, _, top in imports_of("helpers.records.estimates")}


@pytest.mark.parametrize("name", [name for name in FILES if name != "helpers"])
def test_imports_go_to_the_left_only(name):
    assert layer_of(name) in LAYERS, f"{name} has no place in the order of layers: give it one in LAYERS and in CONTRIBUTING.md"
    for target, line, _ in imports_of(name):
        if target == "helpers":
            raise AssertionError(f"{FILES[name]}:{line} imports the bare package; name the module")
        if target.startswith("helpers."):
            assert target in FILES, f"{FILES[name]}:{line} imports {target}, which does not exist"
            allowed = LAYERS[: LAYERS.index(layer_of(name)) + 1]
            assert layer_of(target) in allowed, f"{FILES[name]}:{line}: {name} may import {', '.join(allowed)}, not {target}"


@pytest.mark.parametrize("name", ["helpers", "helpers.tasks"])
def test_packages_that_every_worker_executes_import_nothing(name):
    assert [(target, line) for target, line, top in imports_of(name) if top] == []


@pytest.mark.parametrize("name", TASKS)
def test_tasks_import_the_standard_library_and_each_other_only(name):
    allowed = sys.stdlib_module_names | ABOUT.get(name, set())
    foreign = [(target, line) for target, line, _ in imports_of(name)
               if target.split(".")[0] not in allowed and not target.startswith("helpers.tasks")]
    assert foreign == []


@pytest.mark.parametrize("name", FILES)
def test_heavy_packages_are_imported_in_their_layers_only(name):
    for target, line, top in imports_of(name):
        package = target.split(".")[0]
        if package in HEAVY and package not in ABOUT.get(name, ()):
            assert layer_of(name) in HEAVY[package], f"{FILES[name]}:{line}: {package} belongs to {sorted(HEAVY[package])}"
            lazy = (layer_of(name), package) in LAZY_ONLY
            assert not (lazy and top), f"{FILES[name]}:{line}: import {package} inside the function that needs it"


def test_the_order_of_layers_is_the_one_in_contributing():
    assert "  ".join(LAYERS) in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()


def test_no_module_imports_itself_by_way_of_others():
    graph = {name: {target for target, _, _ in imports_of(name) if target in FILES and target != name} for name in FILES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle
    assert set(order) == set(FILES)


@pytest.mark.parametrize("name", [name for name in TASKS if name not in ABOUT])
def test_a_task_module_loads_nothing_heavy_in_a_fresh_interpreter(name):
    program = f"import sys, json, {name}; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    assert "helpers" in loaded
    assert {*HEAVY, "psutil", "multiprocess", "jupyterlab"} & set(loaded) == set()
