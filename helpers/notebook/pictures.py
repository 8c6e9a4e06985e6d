"""Figures made without pyplot show as the last line of a cell.

The types are registered by name, so matplotlib is not imported. Figures of pyplot are left to
its own backend, which would show them a second time.
"""

from helpers.notebook.looks import LIGHT_CARD

#: Pixels of the picture for one pixel of the page: sharp on dense screens.
DENSITY = 2
#: How this package marks the title of a picture, and the line that tells how it was measured.
TITLE_IDS = ("title", "how")
TYPES = (("matplotlib.figure", "Figure"), ("matplotlib.axes._axes", "Axes"))


def register_pictures(shell):
    """Register the formatters of pictures, and of what is told with them, in `shell`."""
    for formatter, draw in _formatters(shell):
        for module, name in TYPES:
            formatter.for_type_by_name(module, name, draw)


def unregister_pictures(shell):
    """Remove what `register_pictures` registered, and nothing that came in its place."""
    for formatter, draw in _formatters(shell):
        for module, name in TYPES:
            try:
                if formatter.lookup_by_type(f"{module}.{name}") is draw:
                    formatter.pop(f"{module}.{name}", None)
            except KeyError:
                continue


def _formatters(shell):
    known = shell.display_formatter
    return (known.formatters["image/png"], draw_png), (known.mimebundle_formatter, tell_ground)


def tell_ground(plot):
    """Return (no data, what a page must know of the ground of a Figure or Axes that it shows)."""
    return {}, dict(LIGHT_CARD) if is_light_card(plot) else {}


def is_light_card(plot):
    """Return whether a plot may be turned dark: it has a light ground, is not pyplot's and shows no photograph."""
    figure = _figure_of(plot)
    if figure.canvas.manager is not None or any(ax.images for ax in figure.axes):
        return False
    red, green, blue, alpha = figure.get_facecolor()
    return alpha > 0.5 and min(red, green, blue) > 0.5


def _figure_of(plot):
    figure = plot
    while getattr(figure, "figure", figure) is not figure:  # Axes, then a subfigure, then the Figure
        figure = figure.figure
    return figure


def draw_png(plot):
    """Return (PNG bytes, width and height on the page and alt text) of a Figure or Axes; None for pyplot's."""
    from io import BytesIO

    figure = _figure_of(plot)
    if figure.canvas.manager is not None:
        return None
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DENSITY * figure.dpi)
    png = file.getvalue()
    width, height = (int.from_bytes(png[at : at + 4], "big") // DENSITY for at in (16, 20))
    return png, {"width": width, "height": height, "alt": describe_figure(figure)}


def describe_figure(figure):
    """Return the alt text of a Figure: its label (`Figure.set_label`) if it has one, else the titles in it."""
    if figure.get_label():
        return str(figure.get_label())
    titles = [
        text.get_text() for ax in figure.axes for part in TITLE_IDS for text in ax.texts if text.get_gid() == part
    ]
    titles = titles or [ax.get_title() for ax in figure.axes if ax.get_title()]
    return ". ".join(" ".join(title.split()) for title in titles) or "A picture without a title"
