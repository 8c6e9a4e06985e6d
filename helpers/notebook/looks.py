"""How outputs look in a notebook that has loaded this package: pictures in a dark theme, lines of code.

A style sheet is shown once, by the cell with ``%load_ext helpers``. It is seen nowhere, stays in the saved notebook,
and holds for all cells of that notebook and no other. Web pages that take style sheets away show the same in light.
"""

import re

#: What turns a light picture dark; its hues stay.
DARKEN = "filter: invert(0.93) hue-rotate(180deg) brightness(1.2);"
#: What JupyterLab and nbconvert make of the metadata that say "this picture needs a light ground", and our own class
#: for pictures inside of HTML.
LIGHT_CARD = {"needs_background": "light"}
LIGHT_CARD_CLASS = "helpers-light-card"
_HERE = ".jp-Notebook:has(.helpers-looks)"
_LIGHT_CARDS = f":is(.jp-RenderedImage > img.jp-needs-light-background, img.{LIGHT_CARD_CLASS})"
_CODE = f"{_HERE} .jp-OutputArea-output.jp-RenderedMarkdown pre"
#: The text of a fold or an answer stands where printed text does, in its letters.
_TEXT = f"{_HERE} .jp-OutputArea-output.jp-RenderedHTML pre"
_LETTERS = "var(--jp-code-font-size)/var(--jp-code-line-height) var(--jp-code-font-family)"
#: How a line of text that is too long breaks: at a space, within a word only where there is none.
AT_SPACES = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
STYLE = f"""<style class="helpers-looks">
[data-jp-theme-light="false"] {_HERE} {_LIGHT_CARDS},
[data-jp-theme-light="false"]{_HERE} {_LIGHT_CARDS} {{ {DARKEN} }}
{_HERE} .jp-OutputArea-output pre {{ word-break: normal; overflow-wrap: anywhere; }}
{_TEXT} {{ padding-left: 1ch; font: {_LETTERS}; }}
{_CODE}, {_CODE} code {{ white-space: pre; overflow-x: auto; }}
{_CODE} {{ margin: 6px 0; padding: 3px 12px; border-left: 3px solid var(--jp-border-color2);
font: {_LETTERS}; }}
{_CODE} code {{ padding: 0; }}
{_HERE} .jp-RenderedHTMLCommon:has(> .helpers-answer) {{ font-size: 0; line-height: 0; }}
.helpers-answer {{ font-size: var(--jp-content-font-size1, 14px); line-height: var(--jp-content-line-height, 1.6); }}
.jp-OutputArea-child:has(> .jp-OutputArea-output > .helpers-looks),
.jp-Cell-outputWrapper:has(.helpers-looks):not(:has(.jp-OutputArea-child + .jp-OutputArea-child)) {{ display: none; }}
</style>"""
_LOADS = re.compile(r"^\s*%load_ext\s+helpers\b", re.MULTILINE)


def show_looks(shell):
    """Show the style sheet below the running cell of a notebook; elsewhere nothing."""
    if getattr(shell, "kernel", None) is not None:
        from IPython.display import display

        display({"text/html": STYLE, "text/plain": ""}, raw=True)


def keep_looks(shell):
    """Have a cell that loads this package do so each time it runs, so that the style sheet stays below it.

    IPython would only print that it is loaded already. Returns what was registered.
    """

    def forget(info):
        if _LOADS.search(info.raw_cell or ""):
            shell.extension_manager.loaded.discard("helpers")

    shell.events.register("pre_run_cell", forget)
    return forget
