"""Binder gets what binder/ says: seen with the real repo2docker, and by installing it.

The first tests need no network and no container engine: `--no-build` only prints the Dockerfile.
"""

import os
import re
import stat
import subprocess
import sys
import venv

import pytest
import yaml
from checkout import ROOT, copy_project
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

BINDER = ROOT / "binder"
#: names that differ between conda-forge and PyPI
PIP_NAMES = {"matplotlib-base": "matplotlib"}
needs_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="repo2docker and postBuild run on POSIX systems only, as Binder does"
)


def binder_dependencies():
    return yaml.safe_load((BINDER / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def binder_python():
    """Return Binder's Python version, as "3.13"."""
    [version] = [entry.split("=")[1].strip() for entry in binder_dependencies() if re.match(r"python\s*=", entry)]
    return version


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    """What repo2docker would build of this checkout, and what it said meanwhile."""
    clone = copy_project(tmp_path_factory.mktemp("binder") / "clone")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(clone)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@needs_posix
def test_repo2docker_installs_binder_environment_yml(dockerfile):
    text, _ = dockerfile
    assert re.search(r"^COPY .*src/binder/environment\.yml \$\{REPO_DIR\}/binder/environment\.yml$", text, re.MULTILINE)
    assert re.search(r'env update -p \$\{NB_PYTHON_PREFIX\} --file "binder/environment\.yml"', text)
    assert "requirements.txt" not in text


@needs_posix
def test_repo2docker_runs_binder_postbuild_after_copying_the_project(dockerfile):
    text, _ = dockerfile
    assert re.search(r"^RUN \./binder/postBuild$", text, re.MULTILINE)
    assert text.index("COPY --chown=0:0 src/ ${REPO_DIR}/") < text.index("RUN ./binder/postBuild")


@needs_posix
def test_repo2docker_starts_from_the_python_that_is_asked_for(dockerfile):
    _, log = dockerfile
    assert f"Building conda environment for python={binder_python()}" in log
    assert "unspecified" not in log


def test_binders_python_is_a_supported_one():
    root = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    [supported] = [entry.removeprefix("python ") for entry in root if entry.startswith("python ")]
    assert SpecifierSet(supported).contains(binder_python())


def test_postbuild_is_executable_and_stops_at_the_first_error():
    lines = (BINDER / "postBuild").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands[0] == "set -e"
    if os.name == "posix":
        assert (BINDER / "postBuild").stat().st_mode & stat.S_IXUSR
    start = BINDER / "start"
    assert not start.exists() or start.read_text(encoding="utf-8").rstrip().endswith('exec "$@"')


@needs_posix
@pytest.mark.clean_install
@pytest.mark.timeout(900)
def test_chapter_00_runs_with_exactly_what_binder_installs(tmp_path):
    clone = copy_project(tmp_path / "clone")
    assert (clone / "notebooks" / "00_start_here.ipynb").is_file()
    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / "bin"
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "JUPYTER_PREFER_ENV_PATH": "1"}
    environment.pop("PYTHONPATH", None)

    def run(*command):
        done = subprocess.run(
            command, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-5000:]}"
        return done.stdout

    entries = [entry for entry in binder_dependencies() if not re.match(r"(python\s*=|pip$)", entry)]
    wanted = [Requirement(entry) for entry in entries]
    python = str(scripts / "python")
    run(python, "-m", "pip", "install", "--quiet", *(f"{PIP_NAMES.get(r.name, r.name)}{r.specifier}" for r in wanted))
    run("binder/postBuild")
    assert "No broken requirements" in run(python, "-m", "pip", "check")
    run(
        "jupyter",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--output-dir",
        str(tmp_path),
        "notebooks/00_start_here.ipynb",
    )
    assert (tmp_path / "00_start_here.ipynb").is_file()
