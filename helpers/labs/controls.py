"""Builders for controls: each with a label, a tooltip in plain words, and a CSS class ``helpers-NAME`` of its own."""

from __future__ import annotations

import ipywidgets as widgets
from traitlets import validate

from helpers.errors import InvalidArgumentError
from helpers.labs.guess import Guess
from helpers.machine import start_methods

#: A label takes the room it needs, not a fixed one.
NARROW = {"description_width": "auto"}


def _finish(control, name, tooltip):
    """Return the control with its tooltip and its CSS class."""
    control.tooltip = tooltip
    control.add_class(f"helpers-{name}")
    return control


def button(text, tooltip, icon, css_class, on_click, style=""):
    """Return a Button with an own CSS class, so that tests and styles can find it."""
    layout = widgets.Layout(width="auto")
    made = widgets.Button(description=text, tooltip=tooltip, icon=icon, button_style=style, layout=layout)
    made.add_class(css_class)
    made.on_click(on_click)
    return made


def toggle(text, value, tooltip, css_class, disabled=False):
    """Return a ToggleButton with an own CSS class."""
    layout = widgets.Layout(width="auto", min_width="30px")
    made = widgets.ToggleButton(value=value, description=text, tooltip=tooltip, disabled=disabled, layout=layout)
    made.add_class(css_class)
    return made


def toggles(options, chosen, tooltips, name):
    """Return {option: ToggleButton} for `options`, those of `chosen` pressed; `tooltips` is a function or a dict."""
    tip = tooltips if callable(tooltips) else tooltips.__getitem__
    return {option: toggle(str(option), option in chosen, tip(option), f"helpers-{name}") for option in options}


def keep_one(pressed):
    """Have exactly one of the ToggleButtons in the dict `pressed` stay pressed: the last one chosen."""

    def on_change(change, mine):
        if change["new"]:
            for option, control in pressed.items():
                if option != mine:
                    control.value = False
        elif not any(control.value for control in pressed.values()):
            pressed[mine].value = True

    for option, control in pressed.items():
        control.observe(lambda change, mine=option: on_change(change, mine), "value")


def chosen_of(pressed):
    """Return the options of the ToggleButtons in the dict `pressed` that are pressed, as a tuple."""
    return tuple(option for option, control in pressed.items() if control.value)


def label(text, apart=False):
    """Return a Label; `apart` leaves some room before it."""
    return widgets.Label(text, layout=widgets.Layout(margin="2px 2px 2px 10px") if apart else widgets.Layout())


class StepSlider(widgets.FloatSlider):
    """A slider of decimal steps: the page counts 0.1 + 0.2 as 0.30000000000000004, and that is no other setting."""

    @validate("value")
    def _validate_value(self, proposal):
        return round(super()._validate_value(proposal), 9)


def slider(name, text, value, least, most, tooltip, *, step=1, width="260px", continuous=False):
    """Return a slider from `least` to `most`: of whole numbers where `step` is one, else of floats."""
    options = {"value": value, "min": least, "max": most, "step": step, "description": text, "style": NARROW}
    options |= {"continuous_update": continuous, "layout": widgets.Layout(width=width)}
    if isinstance(step, int):
        return _finish(widgets.IntSlider(**options), name, tooltip)
    return _finish(StepSlider(readout_format=".1f", **options), name, tooltip)


def steps(name, text, value, values, tooltip, *, width="200px"):
    """Return a slider over given values, `value` among them."""
    options = [(f"{step:g}", step) for step in sorted({*values, value})]
    layout = widgets.Layout(width=width)
    made = widgets.SelectionSlider(
        options=options, value=value, description=text, style=NARROW, layout=layout, continuous_update=False
    )
    return _finish(made, name, tooltip)


def choice(name, text, value, options, tooltip, *, width="180px"):
    """Return a drop-down list; `options` are values, or pairs (text, value)."""
    layout = widgets.Layout(width=width)
    made = widgets.Dropdown(options=list(options), value=value, description=text, style=NARROW, layout=layout)
    return _finish(made, name, tooltip)


def number(name, text, value, least, most, tooltip, *, width="120px"):
    """Return a field for a whole number; what is typed beyond the range becomes its end."""
    layout = widgets.Layout(width=width)
    made = widgets.BoundedIntText(value=value, min=least, max=most, description=text, style=NARROW, layout=layout)
    return _finish(made, name, tooltip)


def guess_control(text, value, most, step, unit, tooltip, *, width="350px"):
    """Return a `Guess` from 0 to `most`, at the step next to `value`, None for no guess yet; read its ``number``."""
    made = Guess(text, 0, most, step, unit)
    if value is not None:
        made.value = min((number for _, number in made.options[1:]), key=lambda number: abs(number - value))
    made.continuous_update, made.layout.width = True, width
    return _finish(made, "guess", tooltip)


def chunk_control(value, tooltip="Items handed over at once: a number, or auto for four chunks a worker"):
    """Return the field for the chunk size, "auto" for None; read it with `read_chunk`."""
    layout = widgets.Layout(width="140px")
    made = widgets.Text(
        value=str(value or "auto"), description="Chunk size", style=NARROW, continuous_update=False, layout=layout
    )
    return _finish(made, "chunk", tooltip)


def read_chunk(control, most):
    """Return the chunk size that was typed, None for auto; raise InvalidArgumentError for anything else."""
    text = control.value.strip().lower()
    if text in ("", "auto"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 0 < int(text) <= most):
        raise InvalidArgumentError(
            f"Chunk size must be auto or a whole number from 1 to {most:,}, not {control.value!r}."
        )
    return int(text)


def method_control(value, tooltip="How worker processes are started"):
    """Return the choice of the start method, `value` chosen; offers those of this platform."""
    return choice("method", "Start method", value, start_methods(), tooltip, width="200px")


def repeats_control(value, text="Repeats", tooltip="Measured rounds after the warm-up; intervals need 3", most=100):
    """Return the number of measured rounds, 1 to `most`."""
    return number("repeats", text, value, 1, most, tooltip, width="120px" if text == "Repeats" else "165px")


def rounds_control(repeats, budget):
    """Return the choice of how long is measured: for some seconds, or a number of rounds; read it with `read_rounds`.

    `repeats` or `budget` is chosen, the other one None.
    """
    seconds, rounds = {2.0, 5.0, 15.0, 60.0, *([] if budget is None else [budget])}, {1, 3, 5, 10, 20, 50, 100}
    rounds |= set() if repeats is None else {repeats}
    options = [(f"{number:g} s", (None, number)) for number in sorted(seconds)]
    options += [(f"{number} round{'s' * (number > 1)}", (number, None)) for number in sorted(rounds)]
    tooltip = "Seconds, spent where they decide; or rounds of all settings after the warm-up (intervals need 3)"
    return choice("repeats", "Measure", (repeats, budget), options, tooltip, width="165px")


def read_rounds(control):
    """Return what a `rounds_control` says as a dict: ``repeats`` and ``budget``, one of them None."""
    return dict(zip(("repeats", "budget"), control.value, strict=True))


def on_change(callback, *controls):
    """Call `callback` without arguments whenever the value of one of the controls changes."""
    for control in controls:
        control.observe(lambda _: callback(), "value")
