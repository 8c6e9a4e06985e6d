"""What a chapter shows besides results: the code it speaks of, long messages under a fold, answers to a prediction."""

import base64
import html
import importlib
import inspect

from helpers.errors import InvalidArgumentError
from helpers.notebook.looks import AT_SPACES, LIGHT_CARD_CLASS
from helpers.notebook.paths import shorten_paths
from helpers.notebook.pictures import describe_figure, draw_png, is_light_card
from helpers.words import shown

#: The class of an answer's fold: `tests/record.py` stores it closed, so that nobody reads it before guessing.
ANSWER_CLASS = "helpers-answer"
#: Its first line: JupyterLab shows that of a hidden output in its place, so it tells nothing.
_VEIL = "<!-- the answer: make your guess, then run this cell -->"


class Source:
    """The source of functions, classes or constants, highlighted in a notebook; made by `show_source`."""

    def __init__(self, parts):
        self.parts = parts

    def __repr__(self):
        return "\n\n".join(f"# {module}\n{text}" for module, text in self.parts)

    def _repr_markdown_(self):
        return "\n\n".join(f"```python\n# {module}\n{text}\n```" for module, text in self.parts)


def show_source(*things):
    """Return the source of functions or classes, as the last line of a cell shows it: highlighted, with its module.

    Parameters
    ----------
    things : functions, classes, or their names
        A name is that of a module and what is in it: ``"helpers.tasks.cpu.count_primes"``; so the code of
        constants can be shown too. Neighbours of one module stand under its name together.

    Raises InvalidArgumentError for what has no Python source: a built-in, a name that does not exist.

    >>> show_source("helpers.words.noun").parts[0][0]
    'helpers.words'
    """
    parts = []
    for module, text in map(_source_of, things):
        if parts and parts[-1][0] == module:
            text = f"{parts.pop()[1]}\n\n\n{text}"
        parts.append((module, text))
    return Source(parts)


def _source_of(thing):
    module, name = thing.rpartition(".")[::2] if isinstance(thing, str) else (getattr(thing, "__module__", ""), None)
    try:
        if name is not None:
            module = importlib.import_module(module)
            thing = getattr(module, name)
            if not (inspect.isfunction(thing) or inspect.isclass(thing)):
                return module.__name__, _constant_source(module, name)
        text = inspect.getsource(inspect.unwrap(thing)).rstrip()
        return thing.__module__, inspect.cleandoc(text) if text[:1] == " " else text
    except (AttributeError, ImportError, OSError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{shown(thing)} has no Python source to show: hand over a function or class written in Python, or "
            f'its name as in "helpers.tasks.cpu.count_primes" ({type(error).__name__}: {error}).'
        ) from None


def _constant_source(module, name):
    """Return the statement of a module that defines a constant."""
    import ast

    text = inspect.getsource(module)
    for node in ast.parse(text).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.get_source_segment(text, node)
    raise ValueError(f"{name} is not defined at the top of {module.__name__}")


class Folded:
    """A text under its title, which opens it; made by `fold`."""

    def __init__(self, title, text):
        self.title, self.text = title, text

    def __repr__(self):
        return f"{self.title}\n{self.text}"

    def _repr_html_(self):
        if not self.text:
            return ""
        title, text = html.escape(self.title), html.escape(self.text)
        return f'<details><summary>{title}</summary><pre style="{AT_SPACES}">{text}</pre></details>'


def fold(text, title="the whole message"):
    """Return a long text, such as a traceback or what a program printed, under a fold; without this machine's paths.

    >>> fold("one\\ntwo", "two lines")
    two lines
    one
    two
    """
    return Folded(title, shorten_paths(str(text)).strip())


class Answer:
    """What was measured after a prediction, open when the cell runs, stored folded; made by `answer`."""

    def __init__(self, parts):
        self.parts = parts

    def __repr__(self):
        return "\n".join(part if isinstance(part, str) else describe_figure(part.figure) for part in self.parts)

    def _repr_html_(self):
        shown_parts = "".join(
            f'<pre style="{AT_SPACES}">{html.escape(part)}</pre>' if isinstance(part, str) else _image(part)
            for part in self.parts
        )
        return f'{_VEIL}\n<details open class="{ANSWER_CLASS}"><summary>Answer</summary>{shown_parts}</details>'


def answer(*parts):
    """Return the answer to a prediction for the last line of a cell: texts, and pictures (a Figure or Axes).

    It is open when the cell has run. Stored with the chapter it is folded, so that nobody reads it before guessing.
    """
    return Answer([str(part) if not hasattr(part, "figure") else part for part in parts])


def _image(plot):
    """Return a Figure or Axes as an HTML image with its alt text."""
    png, facts = draw_png(plot)
    alt = html.escape(facts["alt"], quote=True)
    data = base64.b64encode(png).decode()
    looks = f'class="{LIGHT_CARD_CLASS}" ' if is_light_card(plot) else ""
    return f'<img {looks}width="{facts["width"]}" alt="{alt}" src="data:image/png;base64,{data}">'
