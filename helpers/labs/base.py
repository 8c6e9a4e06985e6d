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
from helpers.labs.controls import STYLE, button
from helpers.labs.turns import STOP_DEADLINE, Turn, turn_of_this_thread
from helpers.notebook import fold, shorten_paths
from helpers.tasks.worker import say

#: Seconds between two pictures while a lab runs: drawing keeps the next run waiting.
DRAW_EVERY = 0.2
#: Pixels a CSS pixel, while running and at rest.
LIVE_SCALE, REST_SCALE = 1.0, 2.0

_running: set[Lab] = set()
#: Held while a run begins: one at a time, whatever number of threads press Run.
_starting = threading.RLock()


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
        self._turn = Turn(self)  # the present run, or the last one; any other is inert
        self._lock = threading.RLock()  # held while a record is taken in or something is shown
        self._drawing = threading.RLock()  # held while a picture is drawn
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
        with _starting:
            turn = self._begin()
        if not block:
            return None
        try:
            turn.wait()
        except BaseException:  # an Interrupt
            self._end(turn)
            raise
        if turn.error is not None:
            raise turn.error
        return turn.result

    def stop(self):
        """End the measurement; when this returns, no process it started is alive.

        What was measured so far stays in ``result``. Any thread may call it, at any time. A picture that
        is being drawn then may take longer; it does not keep a new run from starting.
        """
        self._end(self._turn)

    def wait(self, timeout=None):
        """Wait until the measurement is over, at most `timeout` seconds; return whether it is."""
        if turn_of_this_thread() is not self._turn:
            self._turn.wait(timeout)
        return not self.running

    def close(self):
        """Stop, and take the controls away."""
        with _starting:
            self._closed = True
        self.stop()
        for box in (self._head, self._foot):
            box.close()

    def _ipython_display_(self):
        display(self._head)
        display(self._picture, display_id=self._display_id)
        display(self._foot)
        self._displayed = True

    # ── working ───────────────────────────────────────────────────────────────────────────

    @property
    def _runner(self):
        """The handle of what is played in the runner now; None while nothing is."""
        return self._turn.playing

    def _begin(self):
        """Stop what is running here and elsewhere, and return the Turn that has begun, or could not."""
        for lab in {*_running, self}:
            lab.stop()
        if self._closed:
            raise HelpersError("This lab was closed: make a new one.")
        if not self._turn.ended.is_set():  # it still draws: what it draws with is left to it
            self._drawing = threading.RLock()
            self.card = self.card and self.card.anew()
        with self._lock:
            turn = self._turn = Turn(self)
        self.error = None
        try:
            settings = self._settings()
        except Exception as error:
            turn.fail(error)
            self._fail(turn.error)
            return turn
        try:
            _running.add(self)
            self._show_start()
            turn.start(lambda turn: self._work(turn, settings))
        except BaseException as error:
            turn.fail(error)
            self._settle(turn)
            raise
        return turn

    def _end(self, turn):
        if not turn.stop():
            self._settle(turn)

    def _hold(self, playing):
        (turn_of_this_thread() or self._turn).hold(playing)

    def _is_inert(self):
        """Return whether this is the thread of a run that is no longer the present one: it shows nothing any more."""
        turn = turn_of_this_thread()
        return turn is not None and turn.lab is self and turn is not self._turn

    def _work(self, turn, settings):
        """Go through one run, in its thread. Nothing that is raised on the way ends in silence."""
        steps = (
            lambda: self._measure_all(turn, settings),
            lambda: self._settle(turn),
            lambda: self._show_picture(REST_SCALE),
        )
        for step in steps:
            try:
                step()
            except BaseException as error:
                turn.fail(error)
        with self._lock:
            if turn.error is not None and turn.error is not self.error and not self._is_inert():  # the last picture's
                self._show_over(turn)

    def _measure_all(self, turn, settings):
        if turn.stopping:
            return
        records = self._measure(settings, self._hold)
        try:
            for record in records:
                with self._lock:
                    if turn.over or self._is_inert():
                        return
                    self._receive(record)
                if turn.stopping:
                    return
                self._show_if_due(turn)
        finally:
            turn.through = not turn.stopping
            try:
                records.close()
            finally:
                turn.printed += turn.playing.printed if turn.playing is not None else ""
                turn.playing = None
                with self._lock:
                    turn.result = None if self._is_inert() else self.result

    def _show_if_due(self, turn):
        """Show the picture if it is time; one that cannot be drawn is told, and the measuring goes on without."""
        if turn.error is not None:
            return
        try:
            waited = time.monotonic() - self._drawn_at
            if self._is_news() or waited >= max(self.draw_every, self._draw_took / self.draw_share):
                self._show_picture(LIVE_SCALE)
        except BaseException as error:
            turn.fail(error)
            if not self._is_inert():
                self._fail(turn.error)

    def _settle(self, turn):
        """Show that `turn` is over, once: its thread does so, or who stopped it while its picture takes longer."""
        with self._lock:
            if turn.over or turn is not self._turn:
                return
            turn.over = True
            _running.discard(self)
            self._show_over(turn)

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

    def _press(self, running):
        """Have either Run or Stop be what can be pressed: first the one that no longer can."""
        for control in (self._run_button, self._stop_button)[:: 1 if running else -1]:
            control.disabled = (control is self._run_button) is running

    def _show_start(self):
        self._press(running=True)
        self._progress.bar_style, self._extra.value = "info", ""
        self._say("")
        self._show_progress(0, 1, "starting …")

    def _show_over(self, turn):
        """Show how `turn` ended: green only if it measured to the end and its advice could be given."""
        advice = ""
        if turn.error is None:
            try:
                advice = self._advice()
            except BaseException as error:
                turn.fail(error)
        self._press(running=False)
        good = turn.error is None and turn.through
        self._progress.bar_style = "success" if good else "warning"
        ending = "" if good else " – stopped" if turn.error is None else " – failed"
        self._progress_label.value = f"{self._progress_words}{ending}"
        self._show_printed(turn.printed)
        self.error = turn.error
        if turn.error is None:
            self._say(advice)
        else:
            self._fail(turn.error)

    def _show_progress(self, done, total, words):
        self._progress_words = words
        self._progress.max, self._progress.value, self._progress_label.value = total, done, words

    def _say(self, text):
        self._message.value = f"<div>{html.escape(text)}</div>" if text else ""

    def _fail(self, error):
        self.error = error
        title, _, rest = shorten_paths(say(error)).partition("\n")
        self._message.value = (
            f"<b>⚠ {html.escape(type(error).__name__)}</b> {html.escape(title)}{fold(rest)._repr_html_()}"
        )

    def _show_printed(self, printed):
        self._extra.value = fold(shorten_paths(printed)[-4000:], "printed by the tasks")._repr_html_()

    def _png(self, scale):
        """Return the picture as PNG bytes: while it runs by `card`, at rest by `_draw`."""
        if self.card is not None and self.running and self._shown() is not None:
            return self.card.png(self._shown(), scale)
        return plots.figure_png(self._draw(), scale)

    def _redraw(self):
        """Show the picture anew, because a control changed; not while it runs or before it is shown."""
        if self.running or getattr(self, "_picture", None) is None:
            return
        try:
            self._show_picture(REST_SCALE)
        except Exception as error:  # a defect of the lab: told where it is seen
            self._fail(error)

    def _render(self, scale):
        return Image(self._png(scale), width=self.width, height=self.height, alt=self._describe())

    def _show_picture(self, scale):
        drawing, began = self._drawing, time.monotonic()
        if self._is_inert() or not drawing.acquire(timeout=STOP_DEADLINE):  # another thread draws, and takes very long
            return
        try:
            picture = self._render(scale)
            with self._lock:
                if self._is_inert():
                    return
                self._picture = picture
                if self._displayed:
                    display(self._picture, display_id=self._display_id, update=True)
                self._drawn_at = time.monotonic()
                self._draw_took = self._drawn_at - began
        finally:
            drawing.release()
