"""`Guess`: a prediction of the reader's, made before the run. It begins empty."""

from __future__ import annotations

import ipywidgets as widgets

from helpers.arguments import check_number
from helpers.errors import InvalidArgumentError
from helpers.labs.comms import hear_everywhere
from helpers.words import plural

#: Steps of a guess at most: what a slider of this width can tell apart.
MAX_STEPS = 500
EMPTY = "no guess yet"
#: One of so many steps at the left end gives `least`: of a hundred or more, nobody could hit the one beside `EMPTY`,
#: which the handle covers as long as there is no guess.
END_SHARE = 12


class Guess(widgets.SelectionSlider):
    """A slider for a prediction, from `least` to `most`; its first place says that there is no guess yet.

    The next one is `least`, with more places than others where steps are narrow: it is hit by a click at the left end,
    and by the first press of an arrow key.

    Parameters
    ----------
    question : str
        What is guessed, in a few words.
    least, most, step : float
        In `unit`; at most 500 steps.
    unit : str, optional
        "ms", "%", "times faster": what follows the number.

    ``number`` is the guess, None before there is one, ``words`` tells it in a sentence; set and observe ``value``,
    which is the number or `EMPTY`. Raises InvalidArgumentError.

    >>> Guess("How many times faster?", 0, 4, 0.5, "times").words
    'no guess'
    """

    def __init__(self, question, least, most, step=1, unit=""):
        least = check_number("least", least, -1e12, 1e12)
        most, step = check_number("most", most, least, 1e12), check_number("step", step, 0, 1e12, above=True)
        n_steps = round((most - least) / step)
        if not 1 <= n_steps <= MAX_STEPS:
            raise InvalidArgumentError(
                f"From {least:g} to {most:g} in steps of {step:g} is {plural(n_steps, 'step')}: "
                f"choose 1 to {MAX_STEPS}."
            )
        self._unit = f" {unit}" if unit else ""
        values = [round(least + place * step, 10) for place in range(n_steps + 1)]
        values[:0] = values[:1] * (n_steps // END_SHARE)
        options = [(EMPTY, EMPTY), *((f"{value:,g}{self._unit}", value) for value in values)]
        super().__init__(
            options=options,
            value=EMPTY,
            description=question,
            continuous_update=False,
            style={"description_width": "auto"},
            layout=widgets.Layout(width="560px", max_width="100%"),
        )
        self.add_class("helpers-guess")
        hear_everywhere(self)

    def _repr_mimebundle_(self, **options):
        """Return the slider; in its place, where no kernel runs, a line that says how to get it."""
        said = f"{self.description} (A slider for your guess: run this cell to get it.)"
        return {**super()._repr_mimebundle_(**options), "text/plain": said}

    @property
    def number(self):
        """The guess, None before there is one."""
        return None if self.value == EMPTY else self.value

    @property
    def words(self):
        """What was guessed, for a sentence: "your guess 1.5 times", or "no guess"."""
        return "no guess" if self.number is None else f"your guess {self.number:,g}{self._unit}"
