"""A real JupyterLab with folders of its own, and the processes of its kernels."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from helpers.runner import guardian

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-tests"
START_DEADLINE, STOP_DEADLINE = 60.0, 10.0
#: Nothing from outside, and all cells in the page at once.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
_local = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LabServer:
    """JupyterLab on a free port over `notebooks`; everything it writes goes to folders below `home`."""

    def __init__(self, home, notebooks):
        self.notebooks = notebooks
        folders = {
            name: home / name
            for name in ("config", "data", "runtime", "ipython", "settings", "workspaces", "overrides")
        }
        for folder in folders.values():
            folder.mkdir()
        (folders["overrides"] / "overrides.json").write_text(json.dumps(SETTINGS))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        environment |= {
            "JUPYTER_CONFIG_DIR": str(folders["config"]),
            "JUPYTER_DATA_DIR": str(folders["data"]),
            "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
            "IPYTHONDIR": str(folders["ipython"]),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.allow_root": True,
            "ServerApp.root_dir": notebooks,
            "IdentityProvider.token": TOKEN,
            "LabApp.expose_app_in_browser": True,
            "LabApp.news_url": "",
            "LabApp.extension_manager": "readonly",
            "LabApp.app_settings_dir": folders["overrides"],
            "LabApp.user_settings_dir": folders["settings"],
            "LabApp.workspaces_dir": folders["workspaces"],
        }
        self.log = home / "server.log"
        with self.log.open("wb") as log:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", "--no-browser", *(f"--{k}={v}" for k, v in options.items())],
                cwd=notebooks,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.process = psutil.Process(self._popen.pid)

    def wait_ready(self):
        """Return when it answers; AssertionError with its log if it does not within the deadline."""
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline and self._popen.poll() is None:
            try:
                return self.ask("status")
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not come up:\n{self.log.read_text(errors='replace')[-4000:]}")

    def ask(self, what, method="GET"):
        """Return the JSON answer of the server's API, None if it is empty."""
        request = urllib.request.Request(
            f"{self.url}/api/{what}", method=method, headers={"Authorization": f"token {TOKEN}"}
        )
        with _local.open(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def kernel(self):
        """Return the psutil Process of the one kernel that runs now."""
        (model,) = self.ask("kernels")
        (found,) = [
            p for p in self.process.children(recursive=True) if f"kernel-{model['id']}.json" in " ".join(command(p))
        ]
        return found

    def end_kernels(self):
        """Shut every kernel down; return the processes it left alive (which are ended then)."""
        family = self.process.children(recursive=True)
        for model in self.ask("kernels"):
            with contextlib.suppress(urllib.error.HTTPError):
                self.ask(f"kernels/{model['id']}", "DELETE")
        return end(family)

    def stop(self):
        """End the server and all that it started."""
        family = [self.process, *self.process.children(recursive=True)]
        self._popen.terminate()
        end(family)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(STOP_DEADLINE)


def end(family, seconds=STOP_DEADLINE):
    """Wait until the processes `family` are gone; kill and return those that are alive after `seconds`."""
    left = psutil.wait_procs(family, timeout=seconds)[1]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=seconds)
    return left


def command(process):
    """Return the command line of `process`, empty if it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_alive(process):
    """Return whether `process` lives; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def children(kernel):
    """Return the living descendants of `kernel`, less the helpers that `multiprocessing` itself keeps for its context.

    These are the direct children of the kernel that serve bare examples in cells, fork server and
    resource tracker, and the guardian of all runners. Those of a runner are its children, and count.
    """
    found = []
    for process in kernel.children(recursive=True):
        text = " ".join(command(process))
        with contextlib.suppress(psutil.Error):
            own = process.ppid() == kernel.pid and (
                "multiprocessing.forkserver" in text
                or "multiprocessing.resource_tracker" in text
                or guardian.__file__ in text
            )
            if not own and is_alive(process):
                found.append(process)
    return found


def wait_until(condition, seconds, what):
    """Return the first true value of `condition()`, asked every 10 ms; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)
    return value
