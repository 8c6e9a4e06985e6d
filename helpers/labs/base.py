"""`Lab`: what every lab shares. A lab adds its controls, what it measures and how that is drawn.

::

    Run ──► a thread ── measure(settings) ──► records ── receive() ──► draw() ──► the picture
             (in the kernel; the measuring itself is played in the runner, see helpers.runner)

How it looks, and what of it is saved with the notebook, is in `helpers.labs.view`. It is drawn between
runs, never while one is timed.
"""

from __future__ import annotations

import copy
import threading
import time

from helpers import plots
from helpers.errors import HelpersError
from helpers.labs.comms import is_deaf
from helpers.labs.turns import LOOK_EVERY, STOP_DEADLINE, Turn, turn_of_this_thread
from helpers.labs.view import DRAWING, LabView
from helpers.plots.drawing import take_back_invitations

#: Seconds between two pictures while a lab runs: drawing keeps the next run waiting.
DRAW_EVERY = 0.2
#: And at most, however long drawing takes: a lab that is not seen to move is no live one.
DRAW_PAUSE = 2.0
#: Pixels a CSS pixel, while running and at rest.
LIVE_SCALE, REST_SCALE = 1.0, 2.0

_running: set[Lab] = set()
#: Held while a run begins: one at a time, whatever number of threads press Run.
_starting = threading.RLock()


class Lab(LabView):
    """A live lab: shows itself as the last line of a cell; nothing in it blocks the kernel.

    What a subclass defines stands below under "what a lab says"; everything else is the same for all.
    A lab is finished by its measuring function, its controls and its picture; see CONTRIBUTING.md.
    """

    #: Share of the time that drawing may take, where nothing new is to be seen.
    draw_share = 0.2
    #: And at most, where news follow upon news. The first of a run do not wait.
    news_share = 1 / 3
    #: Seconds between two pictures while it runs.
    draw_every = DRAW_EVERY
    #: What draws the picture while it runs: a `helpers.plots.live.MovingPicture`, or None for `_draw`.
    card = None
    #: Names of what belongs to a run, and comes back where the next one is stopped at once.
    of_a_run = ("result", "card", "_measured", "_said")

    def __init__(self):
        self.result = None
        self.error = None
        self._measured = None  # the settings of the run that is shown, as `_settings` returned them
        self._turn = Turn(self)  # the present run, or the last one; any other is inert
        self._lock = threading.RLock()  # held while a record is taken in or something is shown
        self._drawing = threading.RLock()  # held while a picture is drawn
        self._closed = False
        self._drawn_at = self._draw_took = 0.0
        self._new_display_id()
        self._build()
        self._show(self._png(LIVE_SCALE), self._describe())

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

    def code(self):
        """Return a complete program that does what the lab does with the present settings, for the standard library."""
        raise NotImplementedError(f"{type(self).__name__} must show its program")

    def _start_over(self, settings):
        """Prepare a run with `settings`: nothing of the run before is shown any more. ``result`` is None by now."""

    def _is_empty(self):
        """Return whether nothing was measured that is worth more than the run before."""
        return self.result is None

    def _preview(self, settings):
        """Show the empty picture of `settings`: a control changed, and there is nothing else to be shown."""
        self._redraw()

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
            self._wait_for(turn)
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
        self._box.close()

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
            self._clear(turn, settings)
            self._show_start()
            turn.start(lambda turn: self._work(turn, settings))
        except BaseException as error:
            turn.fail(error)
            self._settle(turn)
            raise
        return turn

    def _clear(self, turn, settings):
        """Let go of the run before, and keep what a Stop at once brings back."""
        if not self._is_empty():
            turn.before = {name: getattr(self, name) for name in self.of_a_run}
        self.result, self._measured = None, settings
        self.card = self.card and self.card.anew()
        self._start_over(settings)

    def _wait_for(self, turn):
        """Wait until `turn` is over; where no button reaches the kernel meanwhile, show how to stop it instead."""
        shown = False
        while True:
            if (deaf := is_deaf()) is not shown:
                with self._lock:
                    if not turn.over and turn is self._turn:
                        self._show_deaf(deaf)
                shown = deaf
            if turn.wait(LOOK_EVERY):
                return

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
            lambda: self._show_if_due(turn, first=True),
            lambda: self._measure_all(turn, settings),
            lambda: self._settle(turn),
            lambda: self._show_picture(REST_SCALE),
            lambda: self._show_advice(turn),
            lambda: self._keep(turn),
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
        records = self._measure(copy.copy(settings), self._hold)
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

    def _show_if_due(self, turn, first=False):
        """Show the picture if it is time; one that cannot be drawn is told, and the measuring goes on without."""
        if turn.error is not None:
            return
        try:
            turn.has_news = not first and self._is_news() or turn.has_news
            waited = time.monotonic() - self._drawn_at
            begins = first or (self.card is not None and self._shown() is not None and not self.card.begun)
            if begins or waited >= self._pause(turn):
                self._show_picture(LIVE_SCALE)
                turn.told_news, turn.has_news = turn.told_news or turn.has_news, False
                if begins:  # it built what stays: the next pictures take less
                    self._draw_took = 0.0
        except BaseException as error:
            turn.fail(error)
            if not self._is_inert():
                self._fail(turn.error)

    def _pause(self, turn):
        """Return the seconds that have to lie between the last picture and the next one."""
        if turn.has_news:
            return self._draw_took * (1 / self.news_share - 1) if turn.told_news else 0.0
        return max(self.draw_every, min(DRAW_PAUSE, self._draw_took / self.draw_share))

    def _settle(self, turn):
        """Show that `turn` is over, once: its thread does so, or who stopped it while its picture takes longer."""
        with self._lock:
            if turn.over or turn is not self._turn:
                return
            turn.over = True
            _running.discard(self)
            self._show_over(turn)

    # ── showing ───────────────────────────────────────────────────────────────────────────

    def _show_over(self, turn):
        """Show how `turn` ended: green only if it measured to the end and its advice could be given."""
        advice = ""
        if turn.error is None:
            try:
                advice = turn.bring_back() or self._advice()
            except BaseException as error:
                turn.fail(error)
        self._press(running=False)
        good = turn.error is None and turn.through
        self._progress.bar_style = "success" if good else "warning"
        ending = "" if good else " – stopped" if turn.error is None else " – failed"
        self._hint, self._progress_words = "", f"{self._progress_words}{ending}"
        self._progress_label.value = self._progress_words
        self._show_printed(turn.printed)
        self.error = turn.error
        if turn.error is None:
            self._say(advice)
            self._message.value = DRAWING if advice else ""  # until its picture is there
        else:
            self._fail(turn.error)
        self._mark(self._chosen_settings())

    def _show_advice(self, turn):
        """Show the advice of `turn`, now that its picture is there."""
        with self._lock:
            if turn.error is None and not self._is_inert():
                self._say(self._said)

    def _on_control(self):
        """A control has changed: show the empty picture of the new settings, or mark what is of other ones."""
        if self.running or self._picture is None:
            return
        settings = self._chosen_settings()
        self._mark(settings)
        if self._is_empty() and settings is not None:
            self._preview(settings)
        if self._shows_code:
            self._show_code()

    def _png(self, scale):
        """Return the picture as PNG bytes: while it runs by `card`, at rest by `_draw`."""
        if self.card is not None and self.running and self._shown() is not None:
            return self.card.png(self._shown(), scale)
        return self._still_png(scale)

    def _still_png(self, scale):
        """Return what `_draw` gives as PNG bytes; while it runs, no picture asks for Run."""
        figure = self._draw()
        if self.running:
            take_back_invitations(figure)
        return plots.figure_png(figure, scale)

    def _redraw(self):
        """Show the picture anew, because a control changed; not while it runs or before it is shown."""
        if self.running or self._picture is None:
            return
        try:
            self._show_picture(REST_SCALE)
        except Exception as error:  # a defect of the lab: told where it is seen
            self._fail(error)

    def _show_picture(self, scale):
        drawing, began = self._drawing, time.monotonic()
        if self._is_inert() or not drawing.acquire(timeout=STOP_DEADLINE):  # another thread draws, and takes very long
            return
        try:
            png, alt = self._png(scale), self._describe()
            with self._lock:
                if self._is_inert():
                    return
                self._show(png, alt)
                self._drawn_at = time.monotonic()
                self._draw_took = self._drawn_at - began
        finally:
            drawing.release()

    def _keep(self, turn):
        """Have the end of `turn` stand in the saved notebook, if it is still the present one."""
        with self._lock:
            if self._displayed and turn is self._turn:
                self._save_shown()
