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

#: The toolkit: a module or folder of `helpers` imports only from those left of it (and from itself).
LAYERS = (
    "face errors words arguments records runner machine notebook tasks crew engines measure recordings models "
    "plots labs exercises"
).split()
#: Within a topic of the course: a module imports only from those left of it, and from the toolkit.
ORDER = "tasks measure plots lab exercises".split()
#: Further modules of a topic, and which of the above they belong to.
PART_OF = {
    "trials": "tasks",
    "break_even": "measure",
    "runs": "measure",
    "playing": "measure",
    "break_even_plot": "plots",
    "diagrams": "plots",
    "trips": "measure",
    "partners": "measure",
    "judging": "exercises",
    "together": "measure",
    "own_locks": "tasks",
    "exhibits": "tasks",
    "timing": "measure",
    "arrays": "tasks",
    "stacks": "measure",
    "server": "tasks",
    "claims": "measure",
    "decisions": "measure",
    "bars": "plots",
    "program": "lab",
    "losses": "measure",
    "chunks": "measure",
    "ceiling": "measure",
    "winners": "measure",
    "winners_plot": "plots",
    "beside_plot": "plots",
}
#: Topics that others may import.
SHARED = {"counting"}
#: Heavy packages: the layers whose modules may import them, and nobody else.
HEAVY = {
    "numpy": {"records", "models", "plots"},  # records: inside methods only
    "pandas": {"records"},  # inside methods only
    "matplotlib": {"plots", "labs", "lab"},
    "ipywidgets": {"labs", "lab"},
    "IPython": {"notebook", "labs"},
}
#: Of these, what may stand at the top of a module: loaded whenever the module is.
LAZY_ONLY = {("records", "numpy"), ("records", "pandas")}
#: Modules of tasks that are about a package outside the standard library.
ABOUT = {"helpers.course.value.arrays": {"numpy"}}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module):
    """Return (topic or None, layer) of a module of `helpers`; the layer of a topic's face is None."""
    parts = module.split(".")
    if len(parts) > 2 and parts[1] == "course":
        return parts[2], PART_OF.get(parts[3], parts[3]) if len(parts) > 3 else None
    return None, parts[1] if len(parts) > 1 else None


FILES = {module_name(path): path for path in sorted((ROOT / "helpers").rglob("*.py"))}
COURSE = [name for name in FILES if name.count(".") >= 2 and name.startswith("helpers.course.")]
TOPICS = sorted({name.split(".")[2] for name in COURSE})
FACES = ["helpers.labs", "helpers.exercises", *(f"helpers.course.{topic}" for topic in TOPICS)]
TASKS = [
    name for name in FILES if name.startswith("helpers.tasks") or (name.count(".") == 3 and room_of(name)[1] == "tasks")
]


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


def test_the_walk_sees_the_files_and_their_nested_imports():
    assert {"helpers", "helpers.errors", "helpers.records", "helpers.tasks.cpu"} <= set(FILES)
    assert ("numpy", False) in {(target, top) for target, _, top in imports_of("helpers.records.runs")}
    assert ("dataclasses", True) in {(target, top) for target, _, top in imports_of("helpers.records.runs")}


def targets_of(name):
    """Return the (module of `helpers`, line) that a module imports; each is named in full and exists."""
    found = []
    for target, line, _ in imports_of(name):
        assert target != "helpers", f"{FILES[name]}:{line} imports the bare package; name the module"
        if target.startswith("helpers."):
            assert target in FILES, f"{FILES[name]}:{line} imports {target}, which does not exist"
            found.append((target, line))
    return found


TOOLKIT = [name for name in FILES if name not in ("helpers", "helpers.course") and name not in COURSE]


@pytest.mark.parametrize("name", TOOLKIT)
def test_the_toolkit_imports_to_the_left_only_and_never_the_course(name):
    layer = room_of(name)[1]
    assert layer in LAYERS, f"{name} has no place in the order of layers: give it one in LAYERS and in CONTRIBUTING.md"
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    for target, line in targets_of(name):
        topic, other = room_of(target)
        assert topic is None and other in allowed, (
            f"{FILES[name]}:{line}: {name} may import {', '.join(allowed)}, not {target}"
        )


@pytest.mark.parametrize("name", COURSE)
def test_a_topic_imports_the_toolkit_and_its_own_modules_to_the_left(name):
    topic, layer = room_of(name)
    assert layer is None or layer in ORDER, f"{name} has no place within a topic: give it one in ORDER or PART_OF"
    for target, line in targets_of(name):
        where, other = room_of(target)
        said = f"{FILES[name]}:{line}: {name} imports {target}"
        if where is None:
            assert layer is not None or other == "face", f"{said}: a face loads nothing"
        elif where == topic:
            assert layer is not None and other is not None, f"{said}: within a topic name the module, not the face"
            assert ORDER.index(other) <= ORDER.index(layer), f"{said}, which is to its right"
        else:
            assert where in SHARED and topic not in SHARED, f"{said}: topics do not know each other"


def test_the_course_itself_and_the_package_import_nothing():
    for name in ("helpers", "helpers.tasks", "helpers.course"):
        assert [(target, line) for target, line, top in imports_of(name) if top] == [], name


@pytest.mark.parametrize("name", FACES)
def test_a_face_loads_nothing_until_it_is_asked_for_a_name(name):
    program = f"""
import sys, {name} as face
before = sorted(module for module in sys.modules if module.startswith("helpers"))
assert face.__all__ and dir(face) == sorted(face.__all__)
for asked in face.__all__:
    assert getattr(face, asked) is not None
try:
    face.no_such_name
except AttributeError as error:
    assert "no_such_name" in str(error)
print(*before)
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    parents = {".".join(name.split(".")[:depth]) for depth in range(1, name.count(".") + 2)}
    assert set(loaded) == {*parents, "helpers.face"}


@pytest.mark.parametrize("name", TASKS)
def test_tasks_import_the_standard_library_and_each_other_only(name):
    topic = room_of(name)[0]
    for target, line, _ in imports_of(name):
        package = target.split(".")[0]
        if package != "helpers":
            assert package in sys.stdlib_module_names | ABOUT.get(name, set()), f"{FILES[name]}:{line}: {target}"
        else:
            where, other = room_of(target)
            assert other == "tasks" and (where is None or where == topic or where in SHARED), (
                f"{FILES[name]}:{line}: {target}"
            )


@pytest.mark.parametrize("name", FILES)
def test_heavy_packages_are_imported_in_their_layers_only(name):
    for target, line, top in imports_of(name):
        package = target.split(".")[0]
        if package in HEAVY and package not in ABOUT.get(name, ()):
            assert room_of(name)[1] in HEAVY[package], (
                f"{FILES[name]}:{line}: {package} belongs to {sorted(HEAVY[package])}"
            )
            lazy = (room_of(name)[1], package) in LAZY_ONLY
            assert not (lazy and top), f"{FILES[name]}:{line}: import {package} inside the function that needs it"


def test_the_order_of_layers_is_the_one_in_contributing():
    assert "  ".join(LAYERS) in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()


def test_no_module_imports_itself_by_way_of_others():
    graph = {
        name: {target for target, _, _ in imports_of(name) if target in FILES and target != name} for name in FILES
    }
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the cycle
    assert set(order) == set(FILES)


@pytest.mark.parametrize("name", [name for name in TASKS if name not in ABOUT])
def test_a_task_module_loads_nothing_heavy_in_a_fresh_interpreter(name):
    program = f"import sys, json, {name}; print(json.dumps(sorted(m for m in sys.modules if '.' not in m)))"
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )
    assert "helpers" in loaded
    assert {*HEAVY, "psutil", "multiprocess", "jupyterlab"} & set(loaded) == set()
