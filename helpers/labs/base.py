"""`Lab`: what every lab shares. A lab adds its controls, what it measures and how that is drawn.

::

    Run ──► a thread ── measure(settings) ──► records ── receive() ──► draw() ──► the picture
             (in the kernel; the measuring itself is played in the runner, see helpers.runner)

The picture is one updatable display of a real image, so that it stays in the saved notebook;
it is drawn between runs, never while one is timed.
"""

from __future__ import annotations

import html
import threading
import time
import uuid

import ipywidgets as widgets
from IPython.display import Image, display

from helpers import plots
from helpers.errors import HelpersError
from helpers.labs.controls import button
from helpers.notebook import shorten_paths

#: Seconds between two pictures while a lab runs: drawing keeps the next run waiting.
DRAW_EVERY = 0.2
#: Pixels a CSS pixel, while running and at rest.
LIVE_SCALE, REST_SCALE = 1.0, 2.0
#: Seconds `stop` waits for the lab's thread after its processes have gone.
STOP_DEADLINE = 2.0

#: What the widgets' own looks lack: which toggles are pressed is told by a mark too, labels of a row share
#: one line, and the arrow of a list is seen in a dark theme.
STYLE = """<style>
.helpers-lab .jupyter-button.mod-active { box-shadow: inset 0 -3px 0 var(--jp-brand-color1, #1976d2); }
.helpers-lab .widget-toggle-button { padding: 0 7px; margin: 1px; }
.helpers-lab .widget-readout { min-width: 40px; }
.helpers-lab .widget-inline-hbox { align-items: center; }
.helpers-lab .widget-inline-hbox > * { margin-top: 0; margin-bottom: 0; }
.helpers-message .widget-html-content, .helpers-message .widget-html-content > div { line-height: 1.45; }
[data-jp-theme-light="false"] .helpers-lab select { background-image: url("data:image/svg+xml,\
%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E\
%3Cpath fill='%23ddd' d='M4.5 7h9L9 11.5z'/%3E%3C/svg%3E"); }
</style>"""

_running: set[Lab] = set()
_running_lock = threading.Lock()


class Lab:
    """A live lab: shows itself as the last line of a cell; nothing in it blocks the kernel.

    What a subclass defines stands below under "what a lab says"; everything else is the same for all.
    A lab is finished by its measuring function, its controls and its picture; see CONTRIBUTING.md.
    """

    #: CSS pixels of the picture.
    width, height = 900, 350
    #: Share of the time that drawing may take, where nothing new is to be seen.
    draw_share = 0.2
    #: Seconds between two pictures while it runs.
    draw_every = DRAW_EVERY
    #: What draws the picture while it runs: a `helpers.plots.live.MovingPicture`, or None for `_draw`.
    card = None

    def __init__(self):
        self.result = None
        self.error = None
        self._runner = None
        self._printed = ""
        self._thread = None
        self._stopping = False
        self._closed = False
        self._drawn_at = self._draw_took = 0.0
        self._display_id = f"helpers-lab-{uuid.uuid4().hex}"
        self._displayed = False
        self._build()
        self._picture = self._render(LIVE_SCALE)

    # ── what a lab says ───────────────────────────────────────────────────────────────────

    def _rows(self):
        """Return the rows of controls, lists of widgets, above Run and Stop."""
        raise NotImplementedError(f"{type(self).__name__} must return its rows of controls")

    def _settings(self):
        """Return the values of the controls, asked when Run is pressed; raise HelpersError on bad ones."""
        raise NotImplementedError(f"{type(self).__name__} must read its controls")

    def _measure(self, settings, on_start):
        """Return a generator of records, by way of `helpers.runner.play`, to which `on_start` goes."""
        raise NotImplementedError(f"{type(self).__name__} must measure")

    def _receive(self, record):
        """Take one record in: set ``result``, and progress by `_show_progress`."""
        raise NotImplementedError(f"{type(self).__name__} must take in what was measured")

    def _draw(self):
        """Return the whole picture as a Figure: how it looks at rest."""
        raise NotImplementedError(f"{type(self).__name__} must draw")

    def _describe(self):
        """Return the message of the picture in one sentence, for use as alt text."""
        raise NotImplementedError(f"{type(self).__name__} must describe its picture")

    def _shown(self):
        """Return the record that `card` draws while it runs; None for `_draw` instead."""
        return self.result

    def _advice(self):
        """Return the sentence under the picture, "" for none."""
        return ""

    def _buttons(self):
        """Return buttons beside the advice, if any."""
        return []

    def _is_news(self):
        """Return whether the last record must be seen at once."""
        return False

    # ── to be used ────────────────────────────────────────────────────────────────────────

    @property
    def running(self):
        """Whether a measurement is going on."""
        return self in _running

    def run(self, block=False):
        """Measure with the controls as they are.

        Returns at once, or with ``block=True`` when done: then it returns the result and raises
        what goes wrong, for scripts and tests. A lab that is running is stopped first, and so is
        every other one: two measurements at a time would disturb each other.
        """
        for other in list(_running):
            other.stop()
        if self._closed:
            raise HelpersError("This lab was closed: make a new one.")
        self.error, self._stopping = None, False
        try:
            settings = self._settings()
        except HelpersError as error:
            self._fail(error)
            if block:
                raise
            return None
        with _running_lock:
            _running.add(self)
        self._show_running(True)
        if block:
            self._work(settings)
            if self.error is not None:
                raise self.error
            return self.result
        self._thread = threading.Thread(target=self._work_quietly, args=(settings,), name="helpers-lab", daemon=True)
        self._thread.start()
        return None

    def stop(self):
        """End the measurement; when this returns, no process it started is alive.

        What was measured so far stays in ``result``.
        """
        self._stopping = True
        playing, thread = self._runner, self._thread
        if playing is not None:
            playing.stop()
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_DEADLINE)
            if thread.is_alive() and playing is not None:
                playing.kill()

    def wait(self, timeout=None):
        """Wait until the measurement is over, at most `timeout` seconds; return whether it is."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    def close(self):
        """Stop, and take the controls away."""
        self.stop()
        self._closed = True
        for box in (self._head, self._foot):
            box.close()

    def _ipython_display_(self):
        display(self._head)
        display(self._picture, display_id=self._display_id)
        display(self._foot)
        self._displayed = True

    # ── working ───────────────────────────────────────────────────────────────────────────

    def _hold(self, playing):
        if self._runner is not None:  # a sweep goes on in a fresh one: what was printed before is kept
            self._printed += self._runner.printed
        self._runner = playing
        if self._stopping:
            playing.stop()

    def _work_quietly(self, settings):
        try:
            self._work(settings)
        except Exception as error:  # it cannot even be drawn: show that, do not lose it in a thread
            self._fail(error)

    def _work(self, settings):
        records = self._measure(settings, self._hold)
        try:
            for record in records:
                self._receive(record)
                if self._stopping:
                    break
                waited = time.monotonic() - self._drawn_at
                if self._is_news() or waited >= max(self.draw_every, self._draw_took / self.draw_share):
                    self._show_picture(LIVE_SCALE)
        except KeyboardInterrupt:
            self._stopping = True
            raise
        except Exception as error:  # also a defect of the lab itself: never a run that looks well
            self._fail(error)
        finally:
            records.close()
            printed = self._printed + (self._runner.printed if self._runner is not None else "")
            self._runner, self._printed = None, ""
            with _running_lock:
                _running.discard(self)
            self._show_running(False)
            self._show_printed(printed)
            self._show_picture(REST_SCALE)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _build(self):
        self._run_button = button(
            "Run", "Measure with these settings", "play", "helpers-run", lambda _: self.run(), style="success"
        )
        self._stop_button = button(
            "Stop",
            "End it at once; what was measured stays",
            "stop",
            "helpers-stop",
            lambda _: self.stop(),
            style="danger",
        )
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
        self._head = widgets.VBox(
            [widgets.HTML(STYLE, layout=widgets.Layout(display="none")), *rows, bar],
            layout=widgets.Layout(margin="0 0 6px"),
        )
        self._head.add_class("helpers-lab")
        self._message = widgets.HTML("", layout=widgets.Layout(flex="1 1 0", min_width="300px"))
        self._message.add_class("helpers-message")
        self._extra = widgets.HTML("")
        self._extra.add_class("helpers-extra")
        # high enough for three lines of advice: nothing moves when it comes
        line = widgets.HBox(
            [self._message, *self._buttons()],
            layout=widgets.Layout(
                align_items="flex-start", justify_content="space-between", flex_flow="row wrap", min_height="64px"
            ),
        )
        self._foot = widgets.VBox([line, self._extra], layout=widgets.Layout(width="100%", max_width=f"{self.width}px"))

    def _show_running(self, running):
        for control, disabled in sorted(
            [(self._run_button, running), (self._stop_button, not running)], key=lambda pair: not pair[1]
        ):
            control.disabled = disabled  # first the one that is no longer to be pressed
        if running:
            self._progress.bar_style, self._extra.value = "info", ""
            self._say("")
            self._show_progress(0, 1, "starting …")
        else:
            over = self.error is None and not self._stopping
            self._progress.bar_style = "success" if over else "warning"
            if not over:
                self._progress_label.value += " – stopped" if self.error is None else " – failed"
            if self.error is None:
                self._say(self._advice())

    def _show_progress(self, done, total, words):
        self._progress.max, self._progress.value, self._progress_label.value = total, done, words

    def _say(self, text):
        self._message.value = f"<div>{html.escape(text)}</div>" if text else ""

    def _fail(self, error):
        self.error = error
        title, _, rest = shorten_paths(str(error)).partition("\n")
        self._message.value = (
            f"<b>⚠ {html.escape(type(error).__name__)}</b> {html.escape(title)}{folded('the whole message', rest)}"
        )

    def _show_printed(self, printed):
        self._extra.value = folded("printed by the tasks", shorten_paths(printed)[-4000:])

    def _png(self, scale):
        """Return the picture as PNG bytes: while it runs by `card`, at rest by `_draw`."""
        if self.card is not None and self.running and self._shown() is not None:
            return self.card.png(self._shown(), scale)
        return plots.figure_png(self._draw(), scale)

    def _redraw(self):
        """Show the picture anew, because a control changed; not while it runs or before it is shown."""
        if not self.running and getattr(self, "_picture", None) is not None:
            self._show_picture(REST_SCALE)

    def _render(self, scale):
        return Image(self._png(scale), width=self.width, height=self.height, alt=self._describe())

    def _show_picture(self, scale):
        began = time.monotonic()
        self._picture = self._render(scale)
        if self._displayed:
            display(self._picture, display_id=self._display_id, update=True)
        self._drawn_at = time.monotonic()
        self._draw_took = self._drawn_at - began


def folded(title, text):
    """Return `text` as HTML under a title that opens it; "" for no text."""
    if not text.strip():
        return ""
    return (
        f"<details><summary>{title}</summary><pre "
        f"style='white-space:pre-wrap'>{html.escape(text.strip())}</pre></details>"
    )
