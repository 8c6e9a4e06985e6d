"""What a chapter shows besides results: the code it speaks of, long messages under a fold, answers to a prediction."""

import base64
import html
import importlib
import inspect

from helpers.errors import InvalidArgumentError
from helpers.notebook.looks import AT_SPACES, LIGHT_CARD_CLASS
from helpers.notebook.paths import shorten_paths
from helpers.notebook.pictures import describe_figure, draw_png, is_light_card
from helpers.words import html_table, shown, text_table

#: The class of an answer's fold: `tests/record.py` stores it closed, so that nobody reads it before guessing.
ANSWER_CLASS = "helpers-answer"
#: Its first line: JupyterLab shows that of a hidden output in its place, as it stands in the source. So it is plain
#: words, and does not tell the answer. In an open output the looks of a chapter hide them.
_VEIL = "Make your guess, then run this cell."


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
    """A text under its title, which opens it; above it what is always seen. Made by `fold`."""

    def __init__(self, title, text, above=""):
        self.title, self.text, self.above = title, text, above

    def __repr__(self):
        return "\n".join(part for part in (self.above, self.title, self.text) if part)

    def _repr_html_(self):
        # a <pre> that is no part of another element is indented by JupyterLab
        above = f'<div><pre style="{AT_SPACES}">{html.escape(self.above)}</pre></div>' if self.above else ""
        if not self.text:
            return above
        title, text = html.escape(self.title), html.escape(self.text)
        return f'{above}<details><summary>{title}</summary><pre style="{AT_SPACES}">{text}</pre></details>'


def fold(text, title="the whole message", above=""):
    """Return a long text, such as a traceback or what a program printed, under a fold; without this machine's paths.

    `above` are the lines that matter most: they stand over the fold.

    >>> fold("one\\ntwo", "two lines")
    two lines
    one
    two
    """
    return Folded(title, shorten_paths(str(text)).strip(), shorten_paths(str(above)).strip())


class Table:
    """A small table, and what is folded under it; made by `show_table`."""

    def __init__(self, heads, rows, folded=None):
        self.heads, self.rows, self.folded = heads, rows, folded

    def __repr__(self):
        text = text_table([self.heads, *self.rows])
        return text if self.folded is None else f"{text}\n{self.folded!r}"

    def _repr_html_(self):
        table = html_table(self.heads, self.rows)
        return table if self.folded is None else table + self.folded._repr_html_()


def show_table(heads, rows, folded=None):
    """Return rows of values as a table, as the last line of a cell shows it.

    Parameters
    ----------
    heads : list of str
        The names of the columns.
    rows : list of sequences
        One value a column; each row's first one names it.
    folded : optional
        What `fold` returned: it stands under the table.

    >>> show_table(["end", "code"], [("returns", 0), ("raises", 1)])
    end      code
    returns  0
    raises   1
    """
    return Table([str(head) for head in heads], [[str(value) for value in row] for row in rows], folded)


class Answer:
    """What was measured after a prediction, open when the cell runs, stored folded; made by `answer`."""

    def __init__(self, parts):
        self.parts = parts

    def __repr__(self):
        return "\n".join(
            str(part) if isinstance(part, (str, Table)) else describe_figure(part.figure) for part in self.parts
        )

    def _repr_html_(self):
        shown_parts = "".join(_part(part) for part in self.parts)
        return f'{_VEIL}\n<details open class="{ANSWER_CLASS}"><summary>Answer</summary>{shown_parts}</details>'


def answer(*parts):
    """Return the answer to a prediction for the last line of a cell: texts, tables, and pictures (a Figure or Axes).

    It is open when the cell has run. Stored with the chapter it is folded, so that nobody reads it before guessing. An
    empty text, of doubts that there are not, leaves no empty line.
    """
    return Answer(
        [part if isinstance(part, Table) or hasattr(part, "figure") else str(part) for part in parts if part != ""]
    )


def _part(part):
    """Return a text, Table, Figure or Axes as HTML."""
    if isinstance(part, Table):
        return part._repr_html_()
    return f'<pre style="{AT_SPACES}">{html.escape(part)}</pre>' if isinstance(part, str) else _image(part)


def _image(plot):
    """Return a Figure or Axes as an HTML image with its alt text."""
    png, facts = draw_png(plot)
    alt = html.escape(facts["alt"], quote=True)
    data = base64.b64encode(png).decode()
    looks = f'class="{LIGHT_CARD_CLASS}" ' if is_light_card(plot) else ""
    return f'<img {looks}width="{facts["width"]}" alt="{alt}" src="data:image/png;base64,{data}">'
