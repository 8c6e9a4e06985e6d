"""The project keeps its word: lists that must be equal are, commands in the README are those that CI runs, chapters
keep their form."""

import ast
import importlib
import inspect
import itertools
import json
import re
import statistics
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml
from checkout import ROOT, project_files, readme_command
from mutations.run import load_faults
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
#: conda-forge's `matplotlib` adds Qt; PyPI's is its `matplotlib-base`
PIP_NAMES = {"matplotlib-base": "matplotlib"}

#: Lines of a file and of a function of the package, and what may be longer: each with the reason.
LONGEST_FILE, LONGER_FILES = 400, {}
LONGEST_FUNCTION, LONGER_FUNCTIONS = (
    50,
    {"helpers.measure.sweeps.sweep": "one loop; its docstring is what help() shows"},
)

#: What others rely on: they may be added to, never taken away or renamed without a word in the README.
PUBLIC = {
    "helpers.errors": (
        "EngineUnavailableError HelpersError InvalidArgumentError NoLawError NotEnoughPointsError NotImportableError "
        "NotPicklableError ResultsDifferError TaskFailedError WorkerDiedError"
    ),
    "helpers.records": "Advice Estimate Fit Problem Recording Run Sweep Timeline recorded recordings",
    "helpers.machine": "doctor machine_line machine_report usable_cpus",
    "helpers.notebook": "answer fold require_importable show_source show_table",
    "helpers.measure": "Watch run_once sweep",
    "helpers.models": "advise fit_points fit_usl overhead usl",
    "helpers.plots": "plot_fit plot_overhead plot_speedup plot_timeline show_doubts",
    "helpers.labs": "Guess Lab SpeedupLab",
    "helpers.exercises": "Exercise Verdict",
    "helpers.course.start": "start_1 start_2",
    "helpers.course.process": (
        "Lifeline Lifelines ProcessLab ProcessRun StartCosts draw_two_processes measure_lifelines measure_starts "
        "plot_lifelines plot_start_costs process_1 process_2 process_3"
    ),
    "helpers.course.pool": (
        "BreakEven FLAVOURS PoolLab PoolProgress PoolRun measure_break_even measure_pool plot_break_even plot_pool "
        "pool_1 pool_2 pool_3"
    ),
    "helpers.course.queue": (
        "QueueLab QueueLane QueueRun describe_queue_path draw_queue_path measure_queue plot_depth plot_queue_lanes "
        "queue_1 queue_2 queue_3"
    ),
    "helpers.course.pipe": (
        "COPIES COPY Deliveries PipeLab Trip Trips WAYS draw_copies measure_delivery measure_pipes pipe_1 pipe_2 "
        "pipe_3 plot_bandwidth plot_trip_times"
    ),
    "helpers.course.counting": (
        "Count Counting Slice WAYS draw_counting_card measure_counting plot_counting plot_counting_rates run_gated"
    ),
    "helpers.course.lock": (
        "LockLab LockRun LockSweep ceiling find_stacks lock_1 lock_2 lock_3 measure_locks plot_lanes plot_lock_speedup "
        "run_together"
    ),
    "helpers.course.approach": (
        "APPROACHES ApproachLab ApproachMap CLAIMS Claim Decision TITLES decide judge_claims measure_approaches "
        "plot_approach_bars plot_approaches usual_approaches"
    ),
    "helpers.course.workers": (
        "CAUSES Choice ChunkCurve LOSSES Losses Readings TaskPoint WinnerMap choose_workers find_losses "
        "measure_causes measure_chunks measure_task measure_winners measure_worker_memory plot_beside plot_chunks "
        "plot_losses plot_winners read_machine"
    ),
    "helpers.course.value": "ValueLab describe_sharing draw_sharing value_1 value_2 value_3",
}


# --- dependencies -----------------------------------------------------------------------------


def pyproject_requirements():
    return {r.name: r.specifier for r in map(Requirement, PYPROJECT["project"]["dependencies"])}


def conda_requirements(path):
    """Return the packages of a conda environment by their PyPI names, less python and pip."""
    entries = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["dependencies"]
    assert all(isinstance(entry, str) for entry in entries), (
        f"{path}: a nested list is not compared with pyproject.toml"
    )
    found = [Requirement(entry) for entry in entries if not re.match(r"python\b|pip$", entry)]
    return {PIP_NAMES.get(r.name, r.name): r.specifier for r in found}


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_dependency_lists_are_equal(path):
    assert conda_requirements(path) == pyproject_requirements()


def test_every_dependency_has_a_lower_bound_and_no_upper_one():
    for name, specifier in pyproject_requirements().items():
        assert [part.operator for part in specifier] == [">="], name


def test_the_supported_pythons_are_the_same_everywhere():
    requires = SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert [version for version in ["3.10", *PYTHONS] if requires.contains(version)] == PYTHONS
    classifiers = [c.rpartition(" ")[2] for c in PYPROJECT["project"]["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert classifiers == PYTHONS
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert f"python >={PYTHONS[0]},<3.{int(PYTHONS[-1][2:]) + 1}" in conda
    assert workflow()["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS
    assert f"\nversions=({' '.join(PYTHONS)})\n" in ci_run()
    for path in text_files():
        said = set(re.findall(r"3\.11 to 3\.\d\d", path.read_text(encoding="utf-8")))
        assert said <= {f"{PYTHONS[0]} to {PYTHONS[-1]}"}, path
    checkup = (ROOT / "helpers" / "machine" / "checkup.py").read_text(encoding="utf-8")
    assert f"sys.version_info >= (3, {int(PYTHONS[-1][2:]) + 1})" in checkup


def test_the_installed_package_is_this_checkout():
    from importlib.metadata import metadata

    assert metadata("multiprocessing-live")["Version"] == PYPROJECT["project"]["version"]
    assert importlib.import_module("helpers").__file__ == str(ROOT / "helpers" / "__init__.py")


# --- commands ---------------------------------------------------------------------------------


def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))


def ci_run():
    return (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_workflow_runs_the_test_commands_of_the_readme():
    commands = [step["run"].strip() for step in workflow()["jobs"]["test"]["steps"] if "run" in step]
    assert readme_command("test") in commands
    assert readme_command("test-windows") in commands


def test_the_workflow_covers_all_platforms_and_runs_weekly():
    triggers = workflow()[True]  # YAML 1.1 reads the key `on` as true
    assert {"push", "pull_request", "schedule"} <= set(triggers)
    assert re.fullmatch(r"\d+ \d+ \* \* \d", triggers["schedule"][0]["cron"])
    systems = {name.rpartition("-")[0] for name in workflow()["jobs"]["test"]["strategy"]["matrix"]["os"]}
    assert systems == {"ubuntu", "macos", "windows"}


def job_commands(job):
    return "\n".join(step.get("run", "") for step in workflow()["jobs"][job]["steps"])


def test_the_workflow_has_a_job_for_the_free_threaded_python_and_one_for_the_deliberate_faults():
    [python] = [
        step["with"]["python-version"] for step in workflow()["jobs"]["free-threaded"]["steps"] if "with" in step
    ]
    assert python == "3.14t" and "PYTHON_GIL" not in json.dumps(workflow()), "nothing may force the GIL off"
    for wanted in (
        '".[test,bench]"',
        "tests/contracts/test_free_threaded.py",
        "tests/toolkit tests/contracts notebooks",
    ):
        assert wanted in job_commands("free-threaded")
    assert "tests/mutations/run.py" in job_commands("faults")
    assert "schedule" in workflow()["jobs"]["faults"]["if"]
    assert (ROOT / "tests" / "mutations" / "run.py").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="bash and sed are needed")
@pytest.mark.parametrize("name", ["launch", "test"])
def test_ci_run_reads_its_command_from_the_readme(name):
    assert "command=$(readme_command test)" in ci_run()
    function = re.search(r"^readme_command\(\) \{.*?^\}$", ci_run(), re.DOTALL | re.MULTILINE).group()
    shown = subprocess.run(
        ["bash", "-c", f"{function}\nreadme_command {name}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == readme_command(name)


@pytest.mark.skipif(sys.platform == "win32", reason="bash is needed")
def test_ci_run_is_sound_bash_and_runs_the_chapters_under_every_python():
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)
    assert "-m pytest tests/toolkit tests/contracts notebooks" in ci_run()
    assert "\nexport CI=true\n" in ci_run()


def test_readme_commands_are_one_line_and_alike():
    for name in ("launch", "test", "launch-windows", "test-windows"):
        assert "\n" not in readme_command(name)
    assert (
        readme_command("launch").split(" && ")[0] == readme_command("test").split(" && ")[0] == "python3 -m venv .venv"
    )
    for name in ("launch", "test"):
        posix = (
            readme_command(name)
            .replace("python3", "python")
            .replace(".venv/bin/", ".venv\\Scripts\\")
            .replace(" && ", "; ")
        )
        assert readme_command(f"{name}-windows") == posix
    assert readme_command("launch").endswith("notebooks/00_start_here.ipynb")


def test_the_readmes_script_runs_as_it_stands(tmp_path):
    (tmp_path / "script.py").write_text(readme_command("script"), encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


# --- files ------------------------------------------------------------------------------------


def text_files():
    binary = {".png", ".ico", ".gif"}
    return [path for path in project_files() if path.suffix not in binary and path.name != "test_project.py"]


#: folders that only one machine has; `a`, `user` and Binder's `jovyan` stand for anybody
MACHINE_PATH = r"/root/|/work/|(/home/|/Users/|[A-Z]:\\+Users\\+)(?!(?i:a|user|jovyan)\b)\w"
#: and those that only one run has, which a stored output must not show
PATH_OF_A_RUN = rf"{MACHINE_PATH}|/tmp/\w|/var/folders/|AppData"
#: where packages come from is the reader's setting, not the project's
REGISTRY = (
    r"pypi\.org|pythonhosted\.org|anaconda\.(org|com)|npmjs\.(org|com)|(deb|security)\.debian\.org|snapshot\.debian"
)


@pytest.mark.parametrize("path", text_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_names_a_registry_host_or_a_folder_of_one_machine(path):
    if path.suffix == ".ipynb":
        text, folders = json.dumps(without_pictures(path)), PATH_OF_A_RUN
    else:
        text, folders = path.read_text(encoding="utf-8"), MACHINE_PATH
    found = [match.group() for match in re.finditer(f"{folders}|{REGISTRY}", text)]
    assert found == []


def test_links_in_markdown_lead_to_files():
    for path in [path for path in project_files() if path.suffix == ".md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def package_sources():
    """Return the text of every file of the package, by its path."""
    paths = sorted((ROOT / "helpers").rglob("*.py"))
    assert len(paths) > 90
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def functions_in(tree, prefix):
    """Yield (full name, lines with decorators and docstring) of every function, nested ones and methods too."""
    for node in ast.iter_child_nodes(tree):
        inner = prefix
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{prefix}.{node.name}"
            if not isinstance(node, ast.ClassDef):
                first = min(part.lineno for part in (*node.decorator_list, node))
                yield inner, node.end_lineno - first + 1
        yield from functions_in(node, inner)


def assert_none_longer(lengths, limit, exceptions):
    too_long = {name: length for name, length in lengths.items() if length > limit and name not in exceptions}
    assert too_long == {}, f"more than {limit} lines"
    assert [name for name in exceptions if lengths.get(name, 0) <= limit] == [], "no exception any more"


def test_files_of_the_package_stay_short():
    lengths = {path: len(text.splitlines()) for path, text in package_sources().items()}
    assert_none_longer(lengths, LONGEST_FILE, LONGER_FILES)


def test_functions_of_the_package_stay_short():
    lengths = {}
    for path, text in package_sources().items():
        lengths.update(functions_in(ast.parse(text), path.removesuffix(".py").replace("/", ".")))
    assert len(lengths) > 500 and "helpers.measure.sweeps.sweep" in lengths
    assert_none_longer(lengths, LONGEST_FUNCTION, LONGER_FUNCTIONS)


#: Nouns of what is counted here, as they stand in texts.
COUNTED = (
    "workers|items|rounds|runs|starts|tasks|processes|threads|updates|slices|visits|results|times|consumers|producers|"
    "CPUs|batches|chunks|calls|steps|messages|settings|ways|pairs|trips|points|lanes|counts"
)
#: What is never 1, or says the noun itself.
SPOKEN = r"(words\.)?(plural|out_of|median_of|listing|figures|rate|rounds_text)\(|[A-Z_]+$|len\([A-Z]+\)$|sum\(map\(len"


def counts_beside_a_plural(tree):
    """Yield the code of every number in an f-string that is followed by a noun in the plural, whatever the number."""
    for node in ast.walk(tree):
        for number, text in itertools.pairwise(node.values if isinstance(node, ast.JoinedStr) else ()):
            if not (isinstance(number, ast.FormattedValue) and isinstance(text, ast.Constant)):
                continue
            measured = number.format_spec is not None and ast.unparse(number.format_spec) != "f','"  # as in {x:.2f}
            if not measured and re.match(rf" ([a-z]+ )?({COUNTED})\b", text.value):
                yield ast.unparse(number.value)


def test_counts_get_their_noun_from_words():
    found = {}
    for path, text in package_sources().items():
        wrong = [code for code in counts_beside_a_plural(ast.parse(text)) if not re.match(SPOKEN, code)]
        found |= {path: wrong} if wrong else {}
    assert found.pop("helpers/words.py") == ["engine"]  # the name of an engine, as in "dask workers"
    # where there are two or more, or where the text before is no number
    allowed = {"taken[1]", "n_pids", "self.start_method", "times", "n_all", "say_rate(run)"}
    assert {code for codes in found.values() for code in codes} <= allowed, found


def test_the_formatter_is_seldom_switched_off():
    sources = [path.read_text(encoding="utf-8") for path in project_files() if path.suffix == ".py"]
    assert sum(len(re.findall(r"#\s*fmt:\s*(?:skip|off)\b", text)) for text in sources) <= 5


@pytest.mark.parametrize(("area", "fault"), load_faults(), ids=lambda part: getattr(part, "name", part))
def test_every_deliberate_fault_fits_the_code(area, fault):
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.old) == 1, f"mend tests/mutations/{area}.py"
    assert fault.old != fault.new and fault.caught_by.split()
    for test in fault.caught_by.split():
        file, _, name = test.partition("::")
        name = name.partition("[")[0]
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


# --- public names -----------------------------------------------------------------------------


def documentation(module, name):
    """Return what is said about a public name: its docstring, an exercise's task, the comment ``#:`` of a constant."""
    thing = getattr(importlib.import_module(module), name)
    if inspect.isroutine(thing) or inspect.isclass(thing):
        return inspect.getdoc(thing)
    if type(thing).__name__ == "Exercise":
        return thing.task if thing.hints and thing.answer else None
    sources = [text for path, text in package_sources().items() if path.startswith(module.replace(".", "/") + "/")]
    return re.search(rf"^#: .+\n(?:#: .+\n)*{name}\b.* = ", "\n".join(sources), re.MULTILINE)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in PUBLIC.items() for name in names.split()]
)
def test_public_name_is_there_and_documented(module, name):
    assert documentation(module, name)


def test_every_face_of_a_topic_shows_the_public_names_and_no_others():
    topics = [path.parent.name for path in sorted((ROOT / "helpers" / "course").glob("*/__init__.py"))]
    faces = {f"helpers.course.{topic}" for topic in topics} | {"helpers.labs", "helpers.exercises"}
    shown = {face: " ".join(sorted(importlib.import_module(face).__all__)) for face in faces}
    assert shown == {face: " ".join(sorted(PUBLIC.get(face, "").split())) for face in faces}


def test_a_face_forgets_no_lab_exercise_measurement_or_plot():
    """What a topic defines under such a name is for its chapter, so its face lends it."""
    forgotten = []
    for path, text in package_sources().items():
        if found := re.fullmatch(r"helpers/course/(\w+)/(?!__init__)\w+\.py", path):
            topic = found[1]
            names = rf"^(?:def ((?:measure|plot)_\w+)\(|class (\w+Lab)\b|({topic}_\d+) = )"
            defined = {name for groups in re.findall(names, text, re.MULTILINE) for name in groups if name}
            forgotten += sorted(defined - set(PUBLIC.get(f"helpers.course.{topic}", "").split()))
    assert forgotten == []


def test_sweep_takes_what_the_readme_promises():
    from helpers.measure import sweep

    parameters = inspect.signature(sweep).parameters
    assert list(parameters)[:2] == ["func", "items"]
    options = {name: p.default for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert set(parameters) - {"func", "items"} == set(options), "everything after func, items is keyword-only"
    wanted = ["engines", "n_workers", "start_method", "chunksize", "repeats", "timeout", "on_progress", "should_stop"]
    assert set(wanted) <= set(options)
    assert all(options[name] is None for name in ("start_method", "chunksize", "timeout", "on_progress", "should_stop"))


def test_records_and_labs_have_the_methods_that_others_rely_on():
    from helpers.labs import SpeedupLab
    from helpers.records import Sweep

    for method in ("speedup", "to_json", "from_json", "to_frame", "to_chrome_trace"):
        assert callable(getattr(Sweep, method))
    for method in ("run", "stop"):
        assert callable(getattr(SpeedupLab, method))
    parameters = inspect.signature(SpeedupLab).parameters
    assert list(parameters)[:2] == ["func", "items"]
    assert all(
        p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for name, p in parameters.items() if name not in ("func", "items")
    )


# --- chapters ---------------------------------------------------------------------------------


def test_the_readme_lists_every_chapter_and_no_other():
    listed = re.findall(r"^\| \[\d\d [^\]]+\]\((notebooks/[^)]+)\) \| .+\? \| .+ \| \d+ \|$", README, re.MULTILINE)
    assert listed == [f"notebooks/{path.name}" for path in NOTEBOOKS]
    assert listed[0] == "notebooks/00_start_here.ipynb"


def test_the_readme_says_in_about_as_many_words_what_one_can_do_after_each_chapter():
    lengths = {
        row[0]: len(row[1].split()) for row in re.findall(r"^\| \[(\d\d) .+\? \| (.+) \| \d+ \|$", README, re.MULTILINE)
    }
    assert len(lengths) == len(NOTEBOOKS) and all(16 <= n_words <= 21 for n_words in lengths.values()), lengths


def test_the_readme_and_the_chapters_state_the_same_minutes():
    stated = dict(re.findall(r"^\| \[(\d\d) .+ \| (\d+) \|$", README, re.MULTILINE))
    for path in NOTEBOOKS:
        (minutes,) = re.findall(r"about (\d+) minutes", nbformat.read(path, as_version=4).cells[0].source)
        assert stated[path.name[:2]] == minutes, path.name


def chapter_test(function):
    return pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)(function)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def without_pictures(path):
    """Return the notebook as a dict, less the bytes of its pictures."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind in [
                kind for kind in output.get("data", ()) if kind.startswith("image/") and kind != "image/svg+xml"
            ]:
                del output["data"][kind]
    return notebook


@chapter_test
def test_chapter_has_the_form_of_a_chapter(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert re.fullmatch(r"\d\d_[a-z_]+\.ipynb", path.name)
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")
    n_prose = sum(cell.cell_type == "markdown" for cell in notebook.cells)
    assert n_prose >= 10, "every output is interpreted: prose between the code"
    assert notebook.metadata.kernelspec.name == "python3"


@chapter_test
def test_chapter_has_many_short_code_cells(path):
    lengths = [len([line for line in cell.source.splitlines() if line.strip()]) for cell in code_cells(path)]
    assert 25 <= len(lengths) <= 40
    assert statistics.median(lengths) <= 4
    assert max(lengths) <= 15


@chapter_test
def test_chapter_is_stored_as_it_ran_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), (
        "record it: python tests/record.py"
    )
    assert any(cell.outputs for cell in cells)
    for cell in cells:
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        assert not errors or "raises-exception" in cell.metadata.get("tags", ()), cell.source


@chapter_test
def test_the_answer_to_every_guess_is_stored_folded(path):
    cells = code_cells(path)
    guesses = re.findall(r"^(\w+) = Guess\(", "\n".join(cell.source for cell in cells), re.MULTILINE)
    for guess in guesses:
        answers = [cell for cell in cells if f"{guess}.words" in cell.source]
        assert answers, f"{guess} is never compared with what was measured"
        for cell in answers:
            assert re.search(r"^ *answer\(", cell.source, re.MULTILINE), f"{guess}: its answer is shown by answer(…)"
            assert cell.metadata.get("jupyter", {}).get("outputs_hidden"), f"{guess}: record the chapter"


@chapter_test
def test_chapter_ends_by_asserting_that_no_child_process_is_left(path):
    last = code_cells(path)[-1].source
    assert re.search(r"^assert .*\b(active_children|children)\(", last, re.MULTILINE), last


# --- the glossary -----------------------------------------------------------------------------


def glossary_terms():
    """Return the terms of the glossary in its order, each with the number of the chapter that its text names."""
    text = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)[1:]
    terms = {}
    for term, said in zip(parts[::2], parts[1::2], strict=True):
        assert term not in terms, f"{term} stands in the glossary twice"
        said = re.sub(r'<a id="[^"]+"></a>\s*$', "", said).strip()  # that of the next term
        named = re.findall(r"\[Chapter (\d\d)\]\((\d\d)_[a-z_]+\.ipynb\)$", said)
        assert len(named) == 1 and named[0][0] == named[0][1], f"{term}: one chapter, at the end of its text"
        terms[term] = named[0][0]
    return terms


def anchor(heading):
    """Return the part after `#` of the address of a heading, as GitHub and the chapters spell it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def glossary_links(path):
    """Return the anchors of the glossary that the chapter links to."""
    cells = nbformat.read(path, as_version=4).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return set(re.findall(r"\]\(glossary\.md#([^)]*)\)", prose))


def test_the_glossary_is_in_alphabetical_order():
    terms = list(glossary_terms())
    assert terms == sorted(terms, key=str.casefold)
    assert len({anchor(term) for term in terms}) == len(terms)


def test_a_line_at_the_top_of_the_glossary_leads_to_the_first_term_of_each_letter():
    text = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    first = {}
    for term in glossary_terms():
        first.setdefault(term[0].upper(), anchor(term))
    assert text.split("\n\n")[2] == " · ".join(f"[{letter}](#{term})" for letter, term in first.items())


def test_the_terms_of_the_glossary_can_be_linked_to_in_jupyterlab_as_on_github():
    text = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    for term in glossary_terms():
        if term.replace(" ", "-") != anchor(term):  # JupyterLab keeps capitals and signs: an anchor of its own
            assert f'\n<a id="{anchor(term)}"></a>\n\n### {term}\n' in text, term


@chapter_test
def test_links_into_the_glossary_lead_to_its_terms(path):
    assert glossary_links(path) <= {anchor(term) for term in glossary_terms()}


def test_every_term_of_the_glossary_is_linked_from_the_chapter_that_it_names():
    links = {path.name[:2]: found for path in NOTEBOOKS if (found := glossary_links(path))}
    unlinked = [
        f"{term} in chapter {chapter}"
        for term, chapter in glossary_terms().items()
        if chapter in links and anchor(term) not in links[chapter]
    ]
    assert unlinked == []
