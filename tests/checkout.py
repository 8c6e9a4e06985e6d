"""Where this checkout lies and which files belong to it: shared by the tests of the project itself."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: looked at only where git cannot say what belongs to the project
LEFTOVERS = {
    ".git",
    ".venv",
    "__pycache__",
    ".ipynb_checkpoints",
    ".pytest_cache",
    ".ruff_cache",
    "build",
    "dist",
    "screenshots",
}


def project_files():
    """Return the paths of the project's files: tracked ones, and new ones that git does not ignore."""
    listed = None
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed and listed.returncode == 0:
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        files = [
            path
            for path in ROOT.rglob("*")
            if not LEFTOVERS & set(path.relative_to(ROOT).parts) and ".egg-info" not in str(path)
        ]
    return sorted(path for path in files if path.is_file())


def copy_project(folder):
    """Return `folder`, now holding a copy of the project's files alone, as a fresh clone does."""
    for path in project_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def readme_command(name):
    """Return the code block of the README that follows the marker ``<!-- command: name -->``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"^<!-- command: {re.escape(name)} -->\n```\w+\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    assert len(found) == 1, f"README.md has {len(found)} blocks marked <!-- command: {name} -->, not one"
    return found[0]
