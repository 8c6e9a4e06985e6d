"""A line that says that something is under way, and code that is shown in colours: in a notebook and elsewhere."""

import html
import keyword
import re
import sys

#: What erases the line of a terminal, of any kind, that the cursor is in.
ERASE = "\r" + 79 * " " + "\r"
#: A line of text over a bar that is full when the time is over. The page moves it: no message is needed for that.
LINE = """<style>@keyframes helpers-notice {{ from {{ width: 0 }} to {{ width: 100% }} }}</style>
<div role="status" style="font-size: 13px">{text}</div>
<div style="height: 4px; max-width: 40em; background: rgba(128, 128, 128, 0.25)">
<div style="height: 100%; background: #0072B2; animation: helpers-notice {seconds:g}s linear forwards"></div></div>"""

#: The parts of Python source that have a colour of their own, and how JupyterLab shows them, in any theme.
_LONG, _SHORT = r"""{0}{0}{0}[\s\S]*?{0}{0}{0}""", r"""{0}(?:\\.|[^{0}\\\n])*{0}"""
_STRINGS = "|".join(shape.format(quote) for shape in (_LONG, _SHORT) for quote in "\"'")
_PARTS = re.compile(
    r"(?P<comment>#[^\n]*)"
    rf"|(?P<string>(?:\b[rbfRBF]{{1,2}})?(?:{_STRINGS}))"
    rf"|(?P<keyword>\b(?:{'|'.join(keyword.kwlist)})\b)"
    r"|(?P<def>(?<=\bdef )\w+|(?<=\bclass )\w+)"
    r"|(?P<number>(?<![\w.])\d[\w.]*)"
)
_WEIGHTS = {"keyword": ";font-weight:bold", "comment": ";font-style:italic"}


class Notice:
    """A line that is there while something is waited for and gone afterwards.

    In a notebook it has a bar; in a terminal it is one line of stderr; where nobody watches there is nothing.
    """

    def __init__(self):
        self._handle = self._terminal = None

    def show(self, text, seconds):
        """Show `text`, with a bar that is full after `seconds`, in place of what was shown before."""
        if (show := _find_display()) is not None:
            data = {"text/plain": text, "text/html": LINE.format(text=html.escape(text), seconds=seconds)}
            if self._handle is None:
                self._handle = show(data, raw=True, display_id=True)
            else:
                self._handle.update(data, raw=True)
        elif _is_terminal(sys.stderr):
            self._terminal = sys.stderr
            print(ERASE + text, end="", file=self._terminal, flush=True)

    def clear(self):
        """Have the line gone."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)
        elif self._terminal is not None:
            print(ERASE, end="", file=self._terminal, flush=True)
        self._handle = self._terminal = None


def show_code(source):
    """Show Python source, coloured in a notebook, printed elsewhere."""
    if (show := _find_display()) is None:
        print(source)
    else:
        show({"text/plain": source, "text/markdown": f"```python\n{source}\n```"}, raw=True)


def colour_code(source):
    """Return Python source as HTML in the colours of the page's theme; its text is `source`, to be copied.

    >>> colour_code("x < y")
    'x &lt; y'
    """
    pieces, end = [], 0
    for part in _PARTS.finditer(source):
        kind = part.lastgroup
        style = f"color:var(--jp-mirror-editor-{kind}-color){_WEIGHTS.get(kind, '')}"
        pieces += [html.escape(source[end : part.start()]), f'<span style="{style}">{html.escape(part[0])}</span>']
        end = part.end()
    return "".join(pieces) + html.escape(source[end:])


def _find_display():
    """Return IPython's ``display`` in the kernel of a notebook, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return display


def _is_terminal(stream):
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # none at all, or closed
        return False
