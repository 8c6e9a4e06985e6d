"""A clean end for a kernel that has started processes itself.

When Jupyter shuts a kernel down, ipykernel first waits until all children of the kernel are gone.
The resource tracker of `multiprocessing` ignores the signal that it sends them, so Jupyter loses
patience after some seconds and ends the kernel before its exit handlers have run. Ending the
service processes first spares the wait, and the handlers run. What they would end or remove is
ended and removed before: else a tracker calls it leaked in the server's log.
"""

import sys
import threading
from operator import attrgetter

PACKAGES = ("multiprocessing", "multiprocess")
#: Modules that keep a service process, and what in them is its handle.
SERVICES = [
    (f"{package}.{module}", handle)
    for package in PACKAGES
    for module, handle in (("forkserver", "_forkserver"), ("resource_tracker", "_resource_tracker"))
]
#: Seconds for all of it; a service whose clients still live does not end. Jupyter itself waits 2.5 s for a good end.
PATIENCE = 2.0


def end_services_at_shutdown(shell):
    """Have the kernel of `shell` end its service processes first when it is shut down; once is enough."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None or hasattr(kernel, "_helpers_do_shutdown"):
        return
    from helpers.runner import prepare_library  # not at the top: workers import this package

    prepare_library("multiprocessing")  # its tracker cleans up without a word in the server's log
    kernel._helpers_do_shutdown = usual = kernel.do_shutdown

    def do_shutdown(restart):
        end_services()
        return usual(restart)

    kernel.do_shutdown = do_shutdown


def end_services():
    """End this process's children, pools, semaphores, and the fork servers and resource trackers that served them."""
    for package in PACKAGES:
        for child in _call(package, "active_children") or ():
            child.terminate()
            child.join(PATIENCE)
    worker = threading.Thread(target=_stop_all, name="helpers-end-services", daemon=True)
    worker.start()
    worker.join(PATIENCE)


def _stop_all():
    for package in PACKAGES:
        _call(f"{package}.util", "_run_finalizers", 0)  # as at exit: it ends pools that are open, and semaphores
    for name, handle in SERVICES:
        _call(name, f"{handle}._stop")


def _call(module, name, *args):
    """Return what a function of a module gives, None where the module is not loaded or the function fails."""
    try:
        return attrgetter(name)(sys.modules[module])(*args)
    except Exception:  # mostly private functions: where one has changed, Jupyter waits as it does without us
        return None
