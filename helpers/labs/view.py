"""`LabView`: what is seen of a lab, and what of it is saved with the notebook.

::

    output 1   controls, picture and advice, as widgets: they live through a reload of the page
    output 2   the picture at the end of the last run, a real image  }  not shown where the widgets are: for the
    output 3   its advice                                            }  saved file, web pages, a page without a kernel

Updates of an output reach a page only until it is loaded again; those of a widget reach every page.
"""

from __future__ import annotations

import html
import uuid

import ipywidgets as widgets
from IPython.display import Image, display

from helpers.errors import HelpersError, TaskFailedError
from helpers.labs.comms import hear_everywhere
from helpers.labs.controls import button
from helpers.labs.style import ONE_LINE, SAVED_STYLE, STYLE
from helpers.notebook import fold, shorten_paths
from helpers.notebook.looks import AT_SPACES, LIGHT_CARD
from helpers.notebook.notices import colour_code
from helpers.tasks.worker import say
from helpers.words import as_html

OTHER_SETTINGS = "Picture of other settings; Run measures these"
NOT_YET = "Nothing was measured yet."
SHOW_CODE, HIDE_CODE = "Show code", "Hide code"
#: Stands where the advice will be until its picture is there: on a busy machine that takes a moment.
DRAWING = "drawing the picture …"


class LabView:
    """The widgets of a lab and how they are set; `helpers.labs.base.Lab` says when."""

    #: CSS pixels of the picture.
    width, height = 900, 350
    #: Said after the progress while it runs.
    _hint = ""
    _said = _words = _progress_words = ""
    _picture, _displayed, _shows_code = None, False, False

    def _build(self):
        self._run_button = button(
            "Run", "Measure with these settings", "play", "helpers-run", lambda _: self.run(), style="success"
        )
        tip = "End it at once; what was measured stays"
        self._stop_button = button("Stop", tip, "stop", "helpers-stop", lambda _: self.stop(), style="danger")
        self._stop_button.disabled = True
        self._progress = widgets.IntProgress(0, 0, 1, layout=widgets.Layout(width="220px"))
        self._progress.add_class("helpers-progress")
        self._progress_label = widgets.Label("")
        self._progress_label.add_class("helpers-progress-label")
        rows = [
            widgets.HBox(row, layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 4px"))
            for row in self._rows()
        ]
        bar = widgets.HBox(
            [self._run_button, self._stop_button, self._progress, self._progress_label],
            layout=widgets.Layout(align_items="center", grid_gap="0 4px"),
        )
        bar.add_class("helpers-bar")
        self._head = widgets.VBox(
            [widgets.HTML(STYLE, layout=widgets.Layout(display="none")), *rows, bar],
            layout=widgets.Layout(margin="0 0 6px"),
        )
        self._head.add_class("helpers-lab")
        self._build_picture()
        self._build_foot()
        self._box = widgets.VBox([self._head, self._image, self._alt, self._foot])
        self._box.add_class("helpers-live")
        hear_everywhere(self._box)
        for control in controls_of(*rows):
            if "helpers-guess" not in control._dom_classes:
                control.observe(lambda _: self._on_control(), "value")

    def _build_picture(self):
        self._image = widgets.Image(format="png", width=str(self.width), height=str(self.height))
        self._image.add_class("helpers-picture")
        self._alt = widgets.HTML("")
        self._alt.add_class("helpers-alt")

    def _build_foot(self):
        self._message = widgets.HTML("", layout=widgets.Layout(flex="1 1 0", min_width="300px"))
        self._message.add_class("helpers-message")
        self._extra = widgets.HTML("")
        self._extra.add_class("helpers-extra")
        # high enough for three lines of advice: nothing moves when it comes
        buttons = widgets.HBox(self._buttons())
        buttons.add_class("helpers-buttons")
        line = widgets.HBox(
            [self._message, buttons],
            layout=widgets.Layout(
                align_items="flex-start", justify_content="space-between", flex_flow="row wrap", min_height="64px"
            ),
        )
        self._foot = widgets.VBox([line, self._extra], layout=widgets.Layout(width="100%", max_width=f"{self.width}px"))

    def _buttons(self):
        """Return the buttons beside the advice."""
        tip = "A complete program of these settings, for the standard library alone"
        self._code_button = button(SHOW_CODE, tip, "code", "helpers-code", lambda _: self._toggle_code())
        return [self._code_button]

    # ── what is displayed, and saved ──────────────────────────────────────────────────────

    def _ipython_display_(self):
        view = self._box._repr_mimebundle_()
        view = view[0] if isinstance(view, tuple) else view
        display({**view, "text/plain": ONE_LINE}, raw=True)
        self._save_shown(update=False)
        self._displayed = True

    def _save_shown(self, update=True):
        """Have the picture and the words as they are now stand in the saved notebook, in each cell that shows the lab.

        With ``update=False``: in one more cell.
        """
        picture, said = self._picture, self._said or NOT_YET
        about = {"width": picture.width, "height": picture.height, "alt": picture.alt}
        words = f'{SAVED_STYLE}<div class="helpers-saved" style="max-width:{self.width}px">{as_html(said)}</div>'
        for name, data, metadata in (
            ("picture", {"image/png": picture.data, "text/plain": picture.alt}, {"image/png": about, **LIGHT_CARD}),
            ("words", {"text/html": words, "text/plain": said}, {}),
        ):
            display_id = f"{self._display_id}-{name}"
            display(data, metadata=metadata, raw=True, display_id=display_id, update=update)

    def _show(self, png, alt):
        """Show a picture, PNG bytes, and its message in words."""
        self._picture = Image(png, width=self.width, height=self.height, alt=alt)
        self._image.value = png
        self._alt.value = html.escape(alt)

    def _new_display_id(self):
        self._display_id = f"helpers-lab-{uuid.uuid4().hex}"

    # ── how it is going ───────────────────────────────────────────────────────────────────

    def _press(self, running):
        """Have either Run or Stop be what can be pressed: first the one that no longer can."""
        for control in (self._run_button, self._stop_button)[:: 1 if running else -1]:
            control.disabled = (control is self._run_button) is running

    def _show_start(self):
        self._press(running=True)
        self._hint, self._progress.bar_style = "", "info"
        self._show_extra("")
        self._say("")
        self._show_progress(0, 1, "starting …")
        self._show_old(False)

    def _show_deaf(self, deaf):
        self._stop_button.disabled = deaf
        self._hint = " – interrupt the kernel to stop" if deaf else ""
        self._progress_label.value = f"{self._progress_words}{self._hint}"

    def _show_progress(self, done, total, words):
        self._progress_words = words
        self._progress.max, self._progress.value, self._progress_label.value = total, done, f"{words}{self._hint}"

    def _show_old(self, old):
        """Mark what is shown as measured with other settings than those of the controls, or take the mark away.

        What went wrong is no result of old settings: it is never marked.
        """
        for part, pale in ((self._image, old), (self._message, old and self.error is None)):
            (part.add_class if pale else part.remove_class)("helpers-old")
        self._progress_label.value = OTHER_SETTINGS if old else self._progress_words

    def _chosen_settings(self):
        """Return the settings of the controls, None where they are wrong: that is said when Run is pressed."""
        try:
            return self._settings()
        except HelpersError:
            return None

    def _mark(self, settings):
        self._show_old(not self._is_empty() and settings != self._measured)

    def _say(self, text):
        self._said = text
        self._words = self._message.value = f"<div>{as_html(text)}</div>" if text else ""

    def _say_below(self, text):
        """Say `text` in a line of its own below what is said; the next such line takes its place."""
        self._message.value = f'{self._words}<div class="helpers-below">{as_html(text)}</div>'

    def _fail(self, error):
        self.error = error
        self._message.remove_class("helpers-old")
        title, _, rest = shorten_paths(say(error)).partition("\n")
        says_all = isinstance(error, HelpersError) and not isinstance(error, TaskFailedError)
        name = "" if says_all else f"{type(error).__name__}: "  # of what the reader's own function raised, and defects
        self._said = f"{name}{title}"
        self._words = self._message.value = (
            f"<b>⚠ {html.escape(name)}</b>{html.escape(title)}{fold(rest)._repr_html_()}"
        )

    def _show_printed(self, printed):
        self._show_extra(fold(shorten_paths(printed)[-4000:], "printed by the tasks")._repr_html_())

    def _show_extra(self, text, is_code=False):
        """Show `text`, HTML, below all; the button says what it does next."""
        self._shows_code, self._extra.value = is_code, text
        self._code_button.description = HIDE_CODE if is_code else SHOW_CODE

    # ── the program ───────────────────────────────────────────────────────────────────────

    def _toggle_code(self):
        self._shows_code = not self._shows_code
        self._show_code()

    def _show_code(self):
        """Show the program of the present settings where it is wanted."""
        program = ""
        if self._shows_code:
            try:
                program = colour_code(self.code())
            except Exception as error:
                self._fail(error)
        shape = f"class='helpers-program' style='{AT_SPACES};line-height:1.35;max-height:32em;overflow:auto'"
        self._show_extra(f"<pre {shape}>{program}</pre>" if program else "", is_code=bool(program))


def controls_of(*boxes):
    """Yield all widgets below `boxes` that have a value which a reader can change."""
    for box in boxes:
        if isinstance(box, widgets.Box):
            yield from controls_of(*box.children)
        elif isinstance(box, widgets.ValueWidget) and not isinstance(box, widgets.Label | widgets.HTML):
            yield box
