"""%%worker cells, checks of functions, source of functions: with real shells, kernels and workers."""

import functools
import json
import math
import operator
import os
import re
import signal
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest

import helpers
from helpers.errors import HelpersError, InvalidArgumentError, NotImportableError
from helpers.exercises import Exercise
from helpers.measure import run_once
from helpers.notebook import (
    borrowed_imports,
    function_name,
    module_of,
    require_importable,
    shorten_paths,
    source_stamp,
    standalone_source,
)
from helpers.notebook.folder import PREFIX, private_folder, remove_abandoned
from helpers.notebook.names import names_of
from helpers.tasks.cpu import count_primes

ROOT = str(Path(helpers.__file__).parents[1])
posix_only = pytest.mark.skipif(os.name != "posix", reason="about POSIX processes and file modes")


def run_python(code, folder, *, deadline=60):
    """Run a script of its own process, helpers importable, temporary files in `folder`."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": ROOT,
        "TMPDIR": str(folder),
        "TEMP": str(folder),
        "TMP": str(folder),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [sys.executable, str(script)], env=environment, cwd=folder, capture_output=True, text=True, timeout=deadline
    )


@pytest.fixture
def shell(capsys, tmp_path, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # a shell puts its own there
    shell = InteractiveShell.instance(
        config=Config(HistoryManager={"enabled": False}), ipython_dir=str(tmp_path / "ipython")
    )
    helpers.load_ipython_extension(shell)
    shell.number = 0

    def worker(body, magic="%%worker"):
        shell.number += 1
        return shell.run_cell(f"{magic}\n{textwrap.dedent(body)}", store_history=True)

    shell.worker = worker
    yield shell
    InteractiveShell.clear_instance()


# The cell magic, in a shell of this process


def test_a_cell_becomes_a_module_and_its_public_names_are_bound(shell):
    assert shell.worker(
        "import math\nLIMIT = 3\n_hidden = 4\ndef root(x):\n    return math.sqrt(x) + LIMIT\nclass Point: pass\n"
    ).success
    space = shell.user_ns
    assert space["root"](4) == 5.0 and space["LIMIT"] == 3 and space["math"] is math and "_hidden" not in space
    name = space["root"].__module__
    assert re.fullmatch(r"worker_[0-9a-f]{12}", name) and sys.modules[name].root is space["root"]
    assert require_importable(space["root"]) is space["root"] and module_of(space["root"]) == name
    lines = Path(sys.modules[name].__file__).read_text(encoding="utf-8").splitlines()
    assert lines[1] == "import math"  # line 1 of the notebook's cell is %%worker


def test_a_cell_may_hold_coroutine_functions_and_the_engine_asyncio_runs_them(shell):
    cell = "import asyncio\nasync def double(x):\n    await asyncio.sleep(0)\n    return await twice(x)\n"
    assert shell.worker("async def twice(x):\n    return 2 * x\n").success and shell.worker(cell).success
    double = shell.user_ns["double"]
    for engine in ("serial", "asyncio"):
        assert run_once(double, [1, 2, 3], engine=engine, n_workers=1, timeout=30).values() == [2, 4, 6]
    source, name = standalone_source(double)
    assert name == "double" and "async def twice(x):" in source


def test_loading_twice_and_unloading(shell):
    helpers.load_ipython_extension(shell)
    shell.worker("def f(): return 1\n")
    helpers.unload_ipython_extension(shell)
    assert "worker" not in shell.magics_manager.magics["cell"]
    helpers.load_ipython_extension(shell)
    shell.worker("def g(): return f() + 1\n")  # earlier cells are still known
    assert shell.user_ns["g"]() == 2


def test_a_later_cell_uses_names_of_earlier_ones_private_ones_too(shell):
    shell.worker("import math as m\n_FACTOR = 10\ndef scale(x):\n    return _FACTOR * x\n")
    shell.worker("OFFSET = 1\n")
    shell.worker("def both(x: int = OFFSET):\n    return m.floor(scale(x)) + OFFSET + _FACTOR\n")
    assert shell.user_ns["both"](2) == 31


def test_imports_that_a_cell_owes_to_earlier_ones_are_found_and_what_those_define_is_none(shell):
    shell.worker("import os.path\nfrom multiprocessing import Pipe as Line, Process\nLIMIT = 3\ndef help(): ...\n")
    shell.worker("def answer():\n    help()\n    return LIMIT, os.sep, Line, Process\n")
    space = shell.user_ns
    assert borrowed_imports(space["answer"]) == [
        "import os.path",
        "from multiprocessing import Pipe as Line",
        "from multiprocessing import Process",
    ]
    assert borrowed_imports(space["help"]) == borrowed_imports(len) == borrowed_imports(helpers.face.make_face) == []
    shell.worker("from multiprocessing import Process\ndef whole():\n    help()\n    return LIMIT, Process\n")
    assert borrowed_imports(space["whole"]) == []


def test_a_check_names_the_import_that_only_an_earlier_cell_made(shell):
    exercise = Exercise("x_1", "task", lambda func: None, "good", ("hint",), "")
    shell.worker("from multiprocessing import Process\n")
    shell.worker("def answer():\n    return Process\n")
    verdict = exercise.check(shell.user_ns["answer"])
    assert verdict.state == "wrong" and verdict.words.endswith(":\n  from multiprocessing import Process"), verdict
    shell.worker("from multiprocessing import Process\ndef answer():\n    return Process\n")
    assert exercise.check(shell.user_ns["answer"])


def test_a_cell_with_a_future_import_uses_earlier_names(shell):
    shell.worker("def one(): return 1\n")
    shell.worker(
        '"""About."""\nfrom __future__ import (\n    annotations,\n); A = 5\n\n\ndef two(x: Unknown): return one()'
        " + 1\n"
    )
    two = shell.user_ns["two"]
    assert (
        two(0) == 2
        and shell.user_ns["A"] == 5
        and two.__code__.co_firstlineno == 8
        and "annotations" not in shell.user_ns
    )


def test_an_encoding_comment_does_not_change_the_text(shell):
    shell.worker("# -*- coding: latin-1 -*-\ntext = 'é…'\n")
    assert shell.user_ns["text"] == "é…"


def test_main_guard_of_a_cell_is_not_executed(shell):
    assert shell.worker("def f(): return 1\nif __name__ == '__main__':\n    raise SystemExit('executed')\n").success


def test_an_identical_cell_is_the_same_module_and_binds_again(shell):
    shell.worker("def f(): return 1\n")
    first = shell.user_ns["f"]
    shell.user_ns["f"] = "lost"
    assert shell.worker("def f(): return 1\n").success
    assert shell.user_ns["f"] is first


def test_redefining_names_the_cell_to_run_again(shell, capsys):
    shell.worker("def f(): return 1\n")
    shell.worker("def g(): return f() + 10\n")
    capsys.readouterr()
    shell.worker("def f(): return 2\n")
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "`g` (In[2]) still uses the previous `f`: run that cell again" in said
    assert shell.user_ns["f"]() == 2 and shell.user_ns["g"]() == 11
    shell.worker("def g(): return f() + 10\n")
    assert shell.user_ns["g"]() == 12 and capsys.readouterr().err == ""


def test_what_a_cell_imports_once_more_is_not_called_redefined(shell, capsys):
    shell.worker("from os.path import join\n")
    shell.worker("def g(): return join('a', 'b')\n")
    shell.worker("from os.path import join\n\ndef f(): return join('c', 'd')\n")
    assert "previous" not in capsys.readouterr().err


def test_names_that_only_the_notebook_has_are_warned_about(shell, capsys):
    shell.run_cell("limit = 3; import math as m; i = 0")
    capsys.readouterr()
    assert shell.worker(
        "ALL = [i for i in range(3)]\ndef f(x):\n    return m.sqrt(x) + limit + len(ALL) + later(x)\n"
    ).success
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1
        and "`limit`, `m` exist only" in said
        and "`i`" not in said
        and "`len`" not in said
        and "later" not in said
    )


def test_names_from_a_star_import_are_not_warned_about(shell, capsys):
    shell.run_cell("sqrt = 3")
    shell.worker("from math import *\ndef f(x):\n    return sqrt(x)\n")
    assert capsys.readouterr().err == "" and shell.user_ns["f"](4) == 2.0


def test_a_plain_redefinition_of_a_worker_name_is_told(shell, capsys):
    shell.worker("def f(): return 1\n")
    shell.run_cell("def f(): return 2")
    shell.worker("def g(): return f()\n")
    assert "`f` has been redefined in a plain cell" in capsys.readouterr().err
    assert shell.user_ns["g"]() == 1


@pytest.mark.parametrize(
    "body, line, words",
    [
        ("x = 1\ndef f(:\n    pass\n", 3, "invalid syntax"),
        ("x = 1\n%timeit x\n", 3, "%magics"),
        ("!ls\n", 2, "!commands"),
        ("files = !ls\n", 2, "!commands"),
        ("len?\n", 2, "plain Python"),
        ("import asyncio\nawait asyncio.sleep(0)\n", 3, "async function"),
        ("return 1\n", 2, "outside function"),
    ],
)
def test_a_syntax_error_has_the_line_of_the_cell_and_binds_nothing(shell, capsys, body, line, words):
    shell.worker("x = 'before'\n")
    result = shell.worker(body)
    assert not result.success and type(result.error_in_exec).__name__ == "SyntaxError"
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert f"Cell In[2], line {line}\n" in shown and words in shown and "^" in shown and "Traceback" not in shown
    assert shell.user_ns["x"] == "before"


def test_a_failing_cell_binds_nothing_and_keeps_what_was(shell, capsys):
    shell.worker("def f(): return 1\n")
    result = shell.worker("def f(): return 2\nVALUE = 1 / 0\n")
    assert (
        isinstance(result.error_in_exec, ZeroDivisionError)
        and "VALUE" not in shell.user_ns
        and shell.user_ns["f"]() == 1
    )
    shell.worker("def g(): return f()\n")
    assert shell.user_ns["g"]() == 1


def test_a_cell_that_failed_runs_again_when_its_reason_is_gone(shell, tmp_path):
    flag = tmp_path / "flag"
    body = f"text = open({str(flag)!r}).read()\n"
    assert not shell.worker(body).success
    flag.write_text("there")
    assert shell.worker(body).success and shell.user_ns["text"] == "there"


def test_modules_are_written_again_if_the_folder_is_swept(shell):
    import shutil

    shell.worker("def f(): return 1\n")
    file = Path(sys.modules[shell.user_ns["f"].__module__].__file__)
    shutil.rmtree(file.parent)
    shell.worker("def g(): return f()\n")
    assert file.exists() and require_importable(shell.user_ns["f"])


@pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX")
@pytest.mark.parametrize("kind", ["link", "open to others", "a file"])
def test_a_private_folder_that_was_replaced_is_refused_and_nothing_is_imported_from_it(shell, tmp_path, kind):
    import shutil

    shell.worker("def f(): return 1\n")
    folder = Path(sys.modules[shell.user_ns["f"].__module__].__file__).parent
    kept = tmp_path / "kept"
    folder.rename(kept)
    if kind == "link":
        folder.symlink_to(tmp_path, target_is_directory=True)
    elif kind == "open to others":
        shutil.copytree(kept, folder)
        folder.chmod(0o777)
    else:
        folder.write_text("")
    try:
        with pytest.raises(HelpersError, match="not private any more"):
            private_folder()
    finally:
        shutil.rmtree(folder) if folder.is_dir() and not folder.is_symlink() else folder.unlink()
        kept.rename(folder)
    assert private_folder() == folder


def test_arguments_of_the_magic_are_refused(shell, capsys):
    assert not shell.worker("x = 1\n", magic="%%worker fast").success
    assert "takes no arguments" in capsys.readouterr().err


def test_plots_without_pyplot_show_sharp_and_pyplots_own_are_left_alone(shell):
    from matplotlib.figure import Figure
    from matplotlib.pyplot import close, subplots

    figure = Figure(figsize=(2, 1), dpi=100)
    for plot in (
        figure,
        figure.subplots(),
        figure.add_subplot(projection="polar"),
        figure.subfigures(1, 2)[0].subplots(),
    ):
        data, metadata = shell.display_formatter.format(plot)
        png = data["image/png"]
        facts = {"width": 200, "height": 100, "alt": "A picture without a title"}
        assert int.from_bytes(png[16:20], "big") == 400 and metadata["image/png"] == facts
    managed, axes = subplots()
    try:
        assert "image/png" not in shell.display_formatter.format(axes)[0]
    finally:
        close(managed)
    helpers.unload_ipython_extension(shell)
    assert "image/png" not in shell.display_formatter.format(figure)[0]


def test_only_pictures_on_a_light_ground_may_be_turned_dark_and_photographs_never(shell):
    from matplotlib.figure import Figure
    from matplotlib.pyplot import close, subplots

    def told(plot):
        return shell.display_formatter.format(plot)[1].get("needs_background")

    light, dark, photograph = Figure(), Figure(facecolor="#111111"), Figure()
    photograph.subplots().imshow([[0, 1]])
    managed, axes = subplots()
    try:
        assert (told(light), told(light.subplots())) == ("light", "light")
        assert (told(dark), told(photograph), told(photograph.axes[0]), told(axes)) == (None,) * 4
    finally:
        close(managed)
    helpers.unload_ipython_extension(shell)
    assert told(light) is None


def test_outside_of_a_notebook_loading_shows_nothing_and_again_nothing(shell, capsys):
    for magic in ("%load_ext helpers", "%load_ext helpers", "%reload_ext helpers"):
        assert shell.run_cell(magic).success and "worker" in shell.magics_manager.magics["cell"]
    shell.run_cell("%unload_ext helpers")
    assert capsys.readouterr().out == "" and "worker" not in shell.magics_manager.magics["cell"]
    assert not [f for f in shell.events.callbacks["pre_run_cell"] if "looks" in str(f)]


# Real kernels


def run_notebook(folder, *sources):
    """Run the cells in a kernel; return [(count, outputs without colours)]."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(textwrap.dedent(source)) for source in sources]
    )
    environment = {**os.environ, "PYTHONPATH": ROOT, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment)
    texts = []
    for cell in notebook.cells:
        parts = [
            o.get("text") or "\n".join(o.get("traceback", ())) or o.get("data", {}).get("text/plain", "")
            for o in cell.outputs
        ]
        texts.append(re.sub(r"\x1b\[[\d;]*m", "", "\n".join(parts)))
    return notebook.cells, texts


def test_a_kernel_shows_errors_of_worker_cells_like_those_of_plain_cells(tmp_path):
    (tmp_path / "broken.py").write_text("a = (\n")
    cells, texts = run_notebook(
        tmp_path,
        "%load_ext helpers",
        "%%worker\ndef f(x):\n    return 1 / x",
        "%%worker\nx = 1\ndef g(:\n    pass",
        "%%worker\n\ny = f(0)",
        "f(0)",
        "%%worker\nimport broken",
        "def g(:\n    pass",
    )
    error = cells[2].outputs[0]
    assert error.ename == "SyntaxError" and "line 3" in error.evalue
    assert texts[2].startswith("  Cell In[3], line 3\n    def g(:\n          ^\nSyntaxError: invalid syntax")
    assert texts[2].replace("In[3], line 3", "In[7], line 1") == texts[6]
    assert cells[3].outputs[0].ename == "ZeroDivisionError"
    assert (
        "Cell In[4], line 3\n" in texts[3]
        and "----> 3 y = f(0)" in texts[3]
        and "Cell In[2], line 3, in f(x)" in texts[3]
    )
    assert "Cell In[2], line 3, in f(x)" in texts[4]
    assert "Cell In[6], line 2" in texts[5] and "broken.py:1" in texts[5]
    for text in texts[2:6]:
        assert "interactiveshell" not in text and "importlib" not in text and "helpers" not in text


def test_run_all_stops_at_a_worker_cell_with_a_syntax_error_and_the_folder_goes_with_the_kernel(tmp_path):
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    where = "import sys; print([p for p in sys.path if 'multiprocessing-live-' in p][0])"
    sources = ["%load_ext helpers", "%%worker\nx = 1", where, "%%worker\nx = (", "1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    environment = {
        **os.environ,
        "PYTHONPATH": ROOT,
        "TMPDIR": str(tmp_path),
        "TEMP": str(tmp_path),
        "TMP": str(tmp_path),
    }
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute(env=environment)
    assert notebook.cells[4].execution_count is None
    folder = Path(notebook.cells[2].outputs[0].text.strip())
    assert folder.parent == tmp_path and not folder.exists()


# Real workers


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_worker_cells_run_in_processes(tmp_path, start_method):
    import multiprocessing

    if start_method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"{start_method} does not exist on this platform")
    done = run_python(
        f"""
        if __name__ == "__main__":
            from concurrent.futures import ProcessPoolExecutor
            from functools import partial
            from multiprocessing import get_context
            from IPython.core.interactiveshell import InteractiveShell
            import helpers, json

            shell = InteractiveShell()
            helpers.load_ipython_extension(shell)
            run = lambda text: shell.run_cell("%%worker\\n" + text).raise_error()
            run("import math\\nLIMIT = 2\\nclass Point:\\n    def __init__(self, x): self.x = x\\n"
                "def root(x):\\n    return math.sqrt(x) + LIMIT")
            space = shell.user_ns
            with ProcessPoolExecutor(1, mp_context=get_context("{start_method}")) as pool:
                results = list(pool.map(space["root"], [4], timeout=30))
                run("import os\\ndef shifted(x, by):\\n    return Point(root(x) + by), os.getpid()")
                point, pid = pool.submit(partial(space["shifted"], by=10), 9).result(30)  # newer than the worker
                run("def root(x):\\n    return -x")
                os = __import__("os")
                results += [point.x, type(point) is space["Point"], pid != os.getpid()]
                results.append(pool.submit(space["root"], 5).result(30))
            print(json.dumps(results))
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [4.0, 15.0, True, True, -5]
    assert not list(tmp_path.glob(PREFIX + "*"))


# The private folder

MAKE_FOLDER = """
    import os, sys, time
    from helpers.notebook.folder import private_folder
    folder = private_folder()
    assert private_folder() == folder and sys.path.count(str(folder)) == 1
"""


@posix_only
def test_the_folder_is_private_and_removed_at_exit(tmp_path):
    done = run_python(
        MAKE_FOLDER + "    print(oct(folder.stat().st_mode & 0o777), folder.name, os.getpid(), folder.exists())",
        tmp_path,
    )
    mode, name, pid, exists = done.stdout.split()
    assert mode == "0o700" and exists == "True" and name.startswith(f"{PREFIX}{pid}-")
    assert not list(tmp_path.glob(PREFIX + "*"))


@posix_only
def test_a_forked_child_leaves_its_parents_folder(tmp_path):
    done = run_python(
        MAKE_FOLDER
        + """
    child = os.fork()
    if child == 0:
        sys.exit(0)  # runs what was registered for exit
    os.waitpid(child, 0)
    grandchild = os.fork()
    if grandchild == 0:
        own = private_folder()
        assert own != folder and own.exists()
        sys.exit(0)
    assert os.waitpid(grandchild, 0)[1] == 0
    print(folder.exists(), len(list(folder.parent.glob("multiprocessing-live-*"))))
    """,
        tmp_path,
    )
    assert done.stdout.split() == ["True", "1"], done.stderr
    assert not list(tmp_path.glob(PREFIX + "*"))


@posix_only
def test_a_killed_process_folder_is_removed_by_the_next_and_a_living_ones_is_not(tmp_path):
    code = MAKE_FOLDER + "    os.fork() and print(folder, flush=True)\n    time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": ROOT, "TMPDIR": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(2)
    ]
    try:
        killed, living = (Path(process.stdout.readline().strip()) for process in processes)
        assert remove_abandoned(tmp_path) == [] and killed.exists() and living.exists()
        processes[0].kill()  # its forked child lives on
        processes[0].wait(10)
        (tmp_path / f"{PREFIX}link").symlink_to(living)
        assert killed.exists()
        assert run_python(MAKE_FOLDER, tmp_path).returncode == 0
        assert not killed.exists() and living.exists()
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            process.stdout.close()


@posix_only
def test_a_folder_without_lock_goes_only_when_it_is_old_and_its_process_gone(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    fresh, old, running, other = (
        tmp_path / name
        for name in (
            f"{PREFIX}{ended.pid}-aa",
            f"{PREFIX}{ended.pid}-bb",
            f"{PREFIX}{os.getpid()}-cc",
            f"{PREFIX}notes",
        )
    )
    for folder in (fresh, old, running, other):
        folder.mkdir()
    for folder in (old, running, other):
        os.utime(folder, (1, 1))
    assert remove_abandoned(tmp_path) == [old]


def test_import_is_standard_library_only(tmp_path):
    heavy = ("IPython", "numpy", "matplotlib", "ipywidgets", "psutil", "pandas")
    done = run_python(
        f"import sys\nimport helpers.notebook\nprint([name for name in {heavy} if name in sys.modules])", tmp_path
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_names_of_finds_globals_in_every_scope():
    bound, used = names_of(
        "import a.b\nfrom c import d as e\nclass K(Base):\n    x = x\n    def m(self, p=Default): return self.z + G\n"
        "def f(n: N):\n    global made\n    made = 1\n    y = [q for q in It]\n    return lambda: y + deep\nu += 1\n"
    )
    assert bound == {"a", "e", "K", "f", "made", "u"}
    assert used == {"Base", "x", "Default", "G", "N", "It", "deep"}


# require_importable and its companions


class Tool:
    def __init__(self, part=None):
        self.part = part

    def method(self, x):
        return x

    @classmethod
    def make(cls, x):
        return cls(x)

    @staticmethod
    def static(x):
        return x

    def __call__(self, x):
        raise AssertionError("called")


@functools.lru_cache
def cached(x):
    return x


def plain(x, *rest, **named):
    raise AssertionError("called")


def hide(function):
    return functools.wraps(function)(lambda x: function(x))


decorated = hide(plain)
original = plain


@hide
def wrapped(x):
    return x


def outer():
    def inner(x):
        return x

    return inner


IMPORTABLE = [
    plain,
    count_primes,
    wrapped,
    cached,
    len,
    math.sqrt,
    operator.itemgetter(1),
    operator.add,
    str.upper,
    "abc".join,
    Tool,
    int,
    dict.fromkeys,
    Tool.make,
    Tool.static,
    Tool().method,
    Tool([1]).method,
    Tool(),
    functools.partial(plain, 1, key=len),
    os.path.join,
    functools.partial(functools.partial(plain, [plain]), 2),
    Tool(functools.partial(Tool().method, plain)),
    json.dumps,
]


@pytest.mark.parametrize("func", IMPORTABLE, ids=function_name)
def test_importable_functions_pass_and_are_not_called(func):
    assert require_importable(func) is func


the_lambda = lambda x: x  # noqa: E731
LINE = the_lambda.__code__.co_firstlineno


@pytest.mark.parametrize(
    "func, culprit",
    [
        (the_lambda, f"the lambda on line {LINE}"),
        (outer(), "`inner`, defined inside `outer`"),
        (functools.partial(functools.partial(plain, 1), key=the_lambda), f"the lambda on line {LINE}"),
        (functools.partial(plain, {"deep": [outer()]}), "`inner`, defined inside `outer`"),
        (functools.partial(outer()), "`inner`, defined inside `outer`"),
        (Tool(outer()).method, "`inner`, defined inside `outer`"),
        (Tool(the_lambda), f"the lambda on line {LINE}"),
        (Tool(sys.stdout).method, "cannot be pickled"),
        (wrapped.__wrapped__, "`wrapped`: in module"),
        (types.MethodType(outer(), Tool()), "a method that its class `Tool` does not have"),
        (type("Local", (), {}), "`Local`, which module"),
    ],
)
def test_the_culprit_is_named_with_three_ways_out(func, culprit):
    with pytest.raises(NotImportableError) as caught:
        require_importable(func)
    assert culprit in caught.value.culprit and caught.value.culprit in str(caught.value)
    assert (
        "%%worker" in str(caught.value) and "module file" in str(caught.value) and '"multiprocess"' in str(caught.value)
    )


def test_what_cannot_be_called_is_an_invalid_argument():
    with pytest.raises(InvalidArgumentError, match="3 is not a function"):
        require_importable(3)


def test_functions_of_a_plain_cell_are_refused(tmp_path):
    _, texts = run_notebook(
        tmp_path,
        """
        from functools import lru_cache, partial
        from helpers.notebook import require_importable, module_of
        def f(x): return x
        @lru_cache
        def g(x): return x
        class C:
            def m(self): pass
        def tell(func):
            try: require_importable(func)
            except TypeError as error: print(error.culprit, module_of(func))""",
        "for func in (f, g, C, C().m, partial(len, f)): tell(func)",
    )
    assert texts[1].splitlines() == [
        "`f`, defined in a plain notebook cell None",
        "`g`, defined in a plain notebook cell None",
        "`C`, defined in a plain notebook cell None",
        "`C`, defined in a plain notebook cell None",
        "`f`, defined in a plain notebook cell builtins",
    ]


def test_functions_of_a_script_are_refused(tmp_path):
    done = run_python(
        "from helpers.notebook import require_importable\ndef f(x): return x\nrequire_importable(f)", tmp_path
    )
    assert "A worker cannot import `f`, defined in the program that was started" in done.stderr


def test_a_module_without_a_file_and_a_shadowed_one_are_refused(tmp_path, monkeypatch):
    made = types.ModuleType("made_on_the_fly")
    exec("def f(x): return x", vars(made))
    monkeypatch.setitem(sys.modules, "made_on_the_fly", made)
    with pytest.raises(NotImportableError, match="`f`: its module `made_on_the_fly` has no file"):
        require_importable(made.f)
    assert module_of(made.f) is None
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "shadowed_tasks.py").write_text("def f(x): return x\n")
    monkeypatch.syspath_prepend(tmp_path / "one")
    import shadowed_tasks

    monkeypatch.setitem(sys.modules, "shadowed_tasks", shadowed_tasks)
    assert require_importable(shadowed_tasks.f)
    monkeypatch.syspath_prepend(tmp_path / "two")
    with pytest.raises(NotImportableError, match="but a worker would import"):
        require_importable(shadowed_tasks.f)


def test_module_and_stamp_see_through_wrappers(tmp_path, monkeypatch):
    assert module_of(functools.partial(functools.partial(count_primes), 1)) == "helpers.tasks.cpu"
    assert module_of(Tool().method) == module_of(Tool()) == module_of(Tool.make) == __name__
    assert (
        module_of(len) == "builtins"
        and module_of(operator.itemgetter(1)) == "operator"
        and module_of(str.upper) == "builtins"
    )
    file = tmp_path / "stamped_tasks.py"
    file.write_text("def f(x): return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import stamped_tasks

    before = source_stamp(functools.partial(stamped_tasks.f))
    assert before == ("stamped_tasks", str(file), file.stat().st_mtime_ns)
    os.utime(file, ns=(1, 1))
    assert source_stamp(stamped_tasks.f) != before
    file.unlink()
    assert source_stamp(stamped_tasks.f) == (None, None, None)  # nothing left to import
    assert source_stamp(len) == ("builtins", None, None)


@pytest.mark.parametrize(
    "func, name",
    [
        (plain, "plain"),
        (outer(), "inner"),
        (functools.partial(plain, 3), "plain(3, …)"),
        (functools.partial(plain, key="a" * 99), "plain(key='aaaaaaaaaaaaaaaaa…', …)"),
        (functools.partial(plain, Tool()), "plain(Tool(…), …)"),
        (Tool().method, "Tool.method"),
        (Tool.make, "Tool.make"),
        (Tool.static, "Tool.static"),
        (Tool, "Tool"),
        (Tool(), "Tool(…)"),
        (the_lambda, f"lambda (line {LINE})"),
        (functools.partial(plain, object()), "plain(<object>, …)"),
        (len, "len"),
    ],
)
def test_function_names_are_readable(func, name):
    assert function_name(func) == name


# shorten_paths


@pytest.mark.parametrize(
    "text, short",
    [
        ('File "/tmp/multiprocessing-live-12-a_b/worker_ab12.py", line 3, in f', 'File "worker_ab12.py", line 3, in f'),
        (
            'File "C:\\Users\\A B\\Temp\\multiprocessing-live-12-ab\\worker_ab12.py", line 3',
            'File "worker_ab12.py", line 3',
        ),
        ('File "/tmp/ipykernel_12/3091447941.py", line 7, in f', 'File "a cell of this notebook", line 7, in f'),
        (
            'File "C:\\Users\\A B\\Temp\\ipykernel_12\\30.py", line 7',
            'File "a cell of this notebook", line 7',
        ),
        (
            'File "/home/a b/env/lib/python3.13/site-packages/numpy/linalg/x.py", line 3',
            'File "numpy/linalg/x.py", line 3',
        ),
        ('File "/usr/lib/python3/dist-packages/dask/x.py", line 3', 'File "dask/x.py", line 3'),
        (
            'File "/opt/x/lib/python3.12/concurrent/futures/process.py", line 3',
            'File "concurrent/futures/process.py", line 3',
        ),
        ('File "C:\\Python312\\Lib\\multiprocessing\\pool.py", line 3', 'File "multiprocessing/pool.py", line 3'),
        ("File ~/env/lib/python3.11/json/decoder.py:353, in f", "File json/decoder.py:353, in f"),
        (
            "File \x1b[32m/x/lib/python3.11/json/decoder.py:353\x1b[39m, in f",
            "File \x1b[32mjson/decoder.py:353\x1b[39m, in f",
        ),
        (
            "FileNotFoundError: '/data/my file.txt' and/or /etc/x 1 / 2",
            "FileNotFoundError: '/data/my file.txt' and/or /etc/x 1 / 2",
        ),
        ('File "<frozen importlib._bootstrap>", line 1', 'File "<frozen importlib._bootstrap>", line 1'),
        (f'File "{json.__file__}", line 3', 'File "json/__init__.py", line 3'),
        (f'File "{pytest.__file__}", line 3', 'File "pytest/__init__.py", line 3'),
        (
            f'  File "{Path(helpers.__file__).parent / "tasks" / "cpu.py"}", line 3',
            '  File "helpers/tasks/cpu.py", line 3',
        ),
        (f"File {Path(helpers.__file__).parent / 'tasks' / 'cpu.py'}:3, in f", "File helpers/tasks/cpu.py:3, in f"),
        (f'File "{Path.cwd() / "my_tasks.py"}", line 3', 'File "my_tasks.py", line 3'),
    ],
)
def test_paths_of_the_machine_are_cut(text, short):
    assert shorten_paths(text).replace("helpers\\tasks\\", "helpers/tasks/") == short


# standalone_source


def run_source(func, call, folder):
    """Run the standalone program in a process without helpers; return what it prints for `call`."""
    source, name = standalone_source(func)
    assert "helpers" not in source and "worker_" not in source
    script = folder / "program.py"
    script.write_text(f"{source}\n\nprint(({name}){call})\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.returncode == 0, source + done.stderr
    return done.stdout.strip(), source, name


def test_source_of_a_task_of_this_package(tmp_path):
    printed, source, name = run_source(count_primes, "(30)", tmp_path)
    assert printed == "10" and name == "count_primes"
    assert source.startswith("from math import isqrt\n\n\ndef is_prime(number):")
    assert "hash_block" not in source and "sha256" not in source


def test_source_takes_what_is_used_in_order_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "long_tasks.py").write_text(
        textwrap.dedent('''
        """A module."""
        from __future__ import annotations
        import os, math
        import functools as ft
        from helpers.tasks.cpu import count_primes as primes, sum_squares
        try:
            import nothing_there as fast
        except ImportError:
            fast = None

        TABLE = {}
        UNUSED = os.getpid()
        for number in range(3):
            TABLE[number] = number * 10
        UNUSED_LIST = [UNUSED]
        UNUSED_LIST.append(2)

        class Base:
            factor = 2

        class Shape(Base):
            def area(self, x):
                return math.floor(x) * self.factor

        Base.factor = 3

        def trace(func):
            @ft.wraps(func)
            def inner(x):
                return func(x)
            return inner

        @trace
        def work(x: int) -> Missing:
            return helper(x), primes(30), fast, "text\\
        more"

        def helper(x):
            return Shape().area(x) + TABLE[2]

        def unused(): return sum_squares(3)

        if __name__ == "__main__":
            TABLE.clear()
        ''')
    )
    monkeypatch.syspath_prepend(tmp_path)
    import long_tasks

    printed, source, name = run_source(long_tasks.work, "(2.5)", tmp_path)
    assert printed == "(26, 10, None, 'textmore')" and name == "work"
    for word in ("UNUSED", "import os", "sum_squares", "def unused", "__main__", "A module"):
        assert word not in source
    partial = functools.partial(long_tasks.work)
    assert standalone_source(partial)[1] == "partial(work)"


def test_source_of_worker_cells_is_inlined(shell, tmp_path):
    shell.worker("import math\nLIMIT = 2\n_MORE = 1\ndef root(x):\n    return math.sqrt(x) + LIMIT + _MORE\n")
    shell.worker(
        "import math\nclass Box:\n    def __init__(self, x): self.x = x\n    @staticmethod\n    def open(x): return "
        "Box(x).x\n"
    )
    shell.worker("def both(x, by=0):\n    return math.floor(root(x)) + Box.open(by)\n")
    printed, source, name = run_source(functools.partial(shell.user_ns["both"], by=4), "(9)", tmp_path)
    assert printed == "10" and name == "partial(both, by=4)" and source.count("import math\n") == 1
    assert source.index("def root") < source.index("def both")
    assert run_source(shell.user_ns["Box"].open, "(7)", tmp_path)[0] == "7"


def test_one_name_for_two_things_is_refused(shell):
    shell.worker("LIMIT = 2\ndef f(x):\n    return x + LIMIT\n")
    shell.worker("LIMIT = 3\ndef g(x):\n    return f(x) + LIMIT\n")
    with pytest.raises(NotImportableError, match="`LIMIT` means two things"):
        standalone_source(shell.user_ns["g"])


@pytest.mark.parametrize(
    "func, source, name",
    [
        (math.sqrt, "from math import sqrt\n", "sqrt"),
        (operator.add, "from operator import add\n", "add"),
        (len, "", "len"),
        (str.upper, "", "str.upper"),
        (json.dumps, "from json import dumps\n", "dumps"),
        (functools.partial(pow, 2.5), "from functools import partial\n", "partial(pow, 2.5)"),
        (
            functools.partial(math.isclose, 1, rel_tol=float("inf")),
            "from functools import partial\nfrom math import isclose\n",
            'partial(isclose, 1, rel_tol=float("inf"))',
        ),
        (
            functools.partial(map, math.sqrt),
            "from functools import partial\nfrom math import sqrt\n",
            "partial(map, sqrt)",
        ),
        (
            functools.partial(len, ({"a": [1, (2,)]}, set())),
            "from functools import partial\n",
            "partial(len, ({'a': [1, (2,)]}, set([])))",
        ),
    ],
)
def test_installed_functions_become_an_import(func, source, name):
    assert standalone_source(func) == (source, name)


def test_functions_of_installed_packages_become_an_import():
    import numpy as np

    source, name = standalone_source(np.linalg.norm)
    assert source == "from numpy.linalg import norm\n" and name == "norm"


def test_source_of_a_class_as_argument():
    source, name = standalone_source(functools.partial(plain, Tool))
    assert name == "partial(plain, Tool)" and "class Tool:" in source and "def plain(" in source


@pytest.mark.parametrize(
    "func", [the_lambda, outer(), Tool().method, Tool(), functools.partial(plain, Tool())], ids=function_name
)
def test_source_that_cannot_be_written_is_refused(func):
    with pytest.raises(NotImportableError):
        standalone_source(func)
