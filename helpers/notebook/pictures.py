"""Figures made without pyplot show as the last line of a cell.

The types are registered by name, so matplotlib is not imported. Figures of pyplot are left to
its own backend, which would show them a second time.
"""

#: Pixels of the picture for one pixel of the page: sharp on dense screens.
DENSITY = 2
TYPES = (("matplotlib.figure", "Figure"), ("matplotlib.axes._axes", "Axes"))


def register_pictures(shell):
    """Register the PNG formatters in `shell`."""
    formatter = shell.display_formatter.formatters["image/png"]
    for module, name in TYPES:
        formatter.for_type_by_name(module, name, draw_png)


def unregister_pictures(shell):
    """Remove what `register_pictures` registered, and nothing that came in its place."""
    formatter = shell.display_formatter.formatters["image/png"]
    for module, name in TYPES:
        try:
            if formatter.lookup_by_type(f"{module}.{name}") is draw_png:
                formatter.pop(f"{module}.{name}", None)
        except KeyError:
            continue


def draw_png(plot):
    """Return (PNG bytes, width and height on the page) of a Figure or Axes; None for pyplot's."""
    from io import BytesIO

    figure = plot
    while getattr(figure, "figure", figure) is not figure:  # Axes, then a subfigure, then the Figure
        figure = figure.figure
    if figure.canvas.manager is not None:
        return None
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DENSITY * figure.dpi)
    png = file.getvalue()
    width, height = (int.from_bytes(png[at : at + 4], "big") // DENSITY for at in (16, 20))
    return png, {"width": width, "height": height}
