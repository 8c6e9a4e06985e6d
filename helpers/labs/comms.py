"""How what is pressed in a page reaches the kernel: while a cell runs, and after the page was loaded again."""

from __future__ import annotations

import threading

import ipywidgets as widgets
from IPython import get_ipython


def hear_everywhere(*boxes):
    """Have the messages of all widgets below `boxes` handled by the thread that the page sends them to.

    ipykernel 7.4 hands them to the thread that was the last to send something to the widget instead. That may be
    the main thread, which a cell keeps busy, or one that has ended with the page it belonged to: the message is
    lost then ("Unknown subshell_id").
    """
    for box in boxes:
        comm = getattr(box, "comm", None)
        if hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = None
        if isinstance(box, widgets.Box):
            hear_everywhere(*box.children)


def is_deaf():
    """Return whether this thread runs a cell, and no button that is pressed meanwhile reaches the kernel.

    JupyterLab from 4.4 on and ipykernel from 7 on have threads for it, subshells; others keep it until the cell ends.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or threading.current_thread() is not threading.main_thread():
        return False
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    return manager is None or not manager.list_subshell()
