"""Pictures that move: what stays is drawn once, what moves in every frame.

::

    class QueueCard(MovingPicture):
        def frame(self, run): …            what the still part depends on: limits, rows, titles
        def build(self, figure, run): …    draw it; artists that will move go through self.keep()
        def move(self, run): …             set them to what `run` says now; return all that move

    QueueCard().png(run)                   the picture as it is now, PNG bytes
"""

from __future__ import annotations

import copy
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers.plots.drawing import CARD_SIZE, DPI, new_figure


class LivePicture:
    """A picture of which only some artists move: everything else is drawn once.

    Drawing text costs most of a frame; a moving picture draws its moving artists alone.

    Parameters
    ----------
    figure : Figure
        Complete, with axes limits set: they must not change while the picture lives.
    moving : list of Artist
        What changes between frames (`set_verts`, `set_data`, `set_text`, …).
    scale : float
        Pixels a CSS pixel.
    """

    def __init__(self, figure, moving, scale=1.0):
        self.figure, self.moving = figure, list(moving)
        figure.set_dpi(DPI * scale)
        self.canvas = FigureCanvasAgg(figure)
        for artist in self.moving:
            artist.set_animated(True)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(figure.bbox)

    def png(self):
        """Return the picture as it is now, as PNG bytes: always the same number of pixels."""
        from PIL import Image  # comes with matplotlib

        self.canvas.restore_region(self.background)
        for artist in self.moving:
            self.figure.draw_artist(artist)
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def settle(self, artists):
        """Draw `artists`, which will not change any more, into the still part."""
        self.canvas.restore_region(self.background)
        for artist in artists:
            self.figure.draw_artist(artist)
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)


class MovingPicture:
    """A picture of a record that grows; the base of every picture that a lab draws while it measures.

    A subclass defines `frame`, `build` and `move`. Drawing text costs most of a frame: the still part is
    drawn anew only when `frame` or the scale changes.
    """

    #: Inches of the card; it is 9 inches wide.
    height = CARD_SIZE[1]
    _key, _live, _kept = None, None, ()

    # ── what a subclass says ──────────────────────────────────────────────────────────────

    def frame(self, record):
        """Return a hashable value: as long as it is the same, the still part is."""
        raise NotImplementedError(f"{type(self).__name__} must say what its still part depends on")

    def build(self, figure, record):
        """Draw what stays into the empty `figure`; hand each artist that lasts and will move to `keep`."""
        raise NotImplementedError(f"{type(self).__name__} must draw what stays")

    def move(self, record):
        """Set what moves to what `record` says now and return all of it, in the order in which it is drawn.

        Artists that were not handed to `keep` are taken away again after the frame.
        """
        raise NotImplementedError(f"{type(self).__name__} must draw what moves")

    # ── what it does with that ────────────────────────────────────────────────────────────

    @property
    def begun(self):
        """Whether there was a picture already: each further one takes less time."""
        return self._live is not None

    def png(self, record, scale=1.0):
        """Return the picture of `record` as PNG bytes; `scale` is pixels a CSS pixel, always the same size."""
        key = self.frame(record), scale
        if key != self._key:
            self._begin(record, scale)
            self._key = key
        artists = self.move(record)
        self._live.moving = artists
        try:
            return self._live.png()
        finally:
            for artist in artists:
                if artist not in self._kept:
                    artist.remove()

    def still(self, record):
        """Return the picture of `record` as a Figure, at rest."""
        figure = self._open(record)
        self.move(record)
        return figure

    def anew(self):
        """Return a picture like this one that is not begun yet: two threads may draw the two at the same time."""
        other = copy.copy(self)
        other._key, other._live, other._kept = None, None, ()
        return other

    def keep(self, artist):
        """Register an artist that lasts and moves, and return it; for `build`."""
        self._kept.append(artist)
        return artist

    def settle(self, artists):
        """Draw artists that will not change any more into the still part, for `move`: they cost nothing then.

        Those that were not handed to `keep` are taken away. What was settled is seen until `frame` changes:
        where two records in a row may have the same frame, each takes a picture of its own. In a picture at
        rest (`still`) they stay as they are.
        """
        if self._live is None or not artists:
            return
        self._live.settle(artists)
        for artist in artists:
            if artist not in self._kept:
                artist.remove()

    def _begin(self, record, scale):
        figure = self._open(record)
        self._live = LivePicture(figure, self._kept, scale)

    def _open(self, record):
        """Return the figure of a picture begun anew; nothing of an earlier one is used any more."""
        self._key, self._live, self._kept = None, None, []
        figure = new_figure(self.height)
        self.build(figure, record)
        return figure
