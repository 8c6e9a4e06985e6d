"""Controls that several labs have in common."""

from __future__ import annotations

import ipywidgets as widgets

from helpers.machine import start_methods

NARROW = {"description_width": "auto"}


def method_control(value, tooltip="How worker processes are started"):
    """Return the choice of the start method, `value` chosen; offers those of this platform."""
    made = widgets.Dropdown(
        options=start_methods(),
        value=value,
        description="Start method",
        style=NARROW,
        tooltip=tooltip,
        layout=widgets.Layout(width="200px"),
    )
    made.add_class("helpers-method")
    return made


def repeats_control(value):
    """Return the number of measured rounds, 1 to 100."""
    made = widgets.BoundedIntText(
        value=value,
        min=1,
        max=100,
        description="Repeats",
        style=NARROW,
        tooltip="Measured rounds after the warm-up; intervals need 3",
        layout=widgets.Layout(width="120px"),
    )
    made.add_class("helpers-repeats")
    return made
