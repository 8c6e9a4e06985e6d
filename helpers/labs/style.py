"""The style sheets of labs: one that lives with the widgets, one that is saved beside the picture."""

from __future__ import annotations

from helpers.notebook.looks import DARKEN

#: What a lab is without its widgets: in a saved file, on a web page, before the kernel has run its cell.
ONE_LINE = "live lab: run this cell to get its controls"
#: What its controls say once the kernel has gone that they belong to.
KERNEL_GONE = "The kernel of this lab has ended: run this cell again."

#: What the widgets' own looks lack: which toggles are pressed is told by a mark too, labels of a row share
#: one line, and the arrow of a list is seen in a dark theme. In a dark theme the picture is turned dark; its
#: hues stay. Where the widgets are, the saved copies after them are not shown. Beside an open sidebar the
#: controls are smaller, and stay in their two rows.
STYLE = (
    """<style>
.helpers-lab .jupyter-button.mod-active { box-shadow: inset 0 -3px 0 var(--jp-brand-color1, #1976d2); }
.helpers-lab .widget-toggle-button { padding: 0 4px; margin: 0; }
.helpers-lab .widget-readout { min-width: 40px; }
.helpers-lab .helpers-sizes .widget-readout { flex-shrink: 0; min-width: 98px; }
.helpers-lab .widget-inline-hbox { align-items: center; }
.helpers-lab .widget-inline-hbox > * { margin-top: 0; margin-bottom: 0; }
.helpers-message .widget-html-content, .helpers-message .widget-html-content > div { line-height: 1.45; }
[data-jp-theme-light="false"] .helpers-lab select { background-image: url("data:image/svg+xml,\
%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E\
%3Cpath fill='%23ddd' d='M4.5 7h9L9 11.5z'/%3E%3C/svg%3E"); }
.helpers-picture { max-width: 100%; height: auto; margin: 0; border-radius: 3px; }
[data-jp-theme-light="false"] .helpers-picture { """
    + DARKEN
    + """ }
.helpers-picture.helpers-old, .helpers-message.helpers-old { opacity: 0.45; }
.helpers-alt { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.jp-OutputArea-child:has(.helpers-live) + .jp-OutputArea-child,
.jp-OutputArea-child:has(.helpers-live) + .jp-OutputArea-child + .jp-OutputArea-child { display: none; }
.helpers-live { width: 100%; container-type: inline-size; }
@container (max-width: 880px) {
.helpers-lab { zoom: 0.85; }
.helpers-lab .widget-toggle-button { padding: 0 2px; }
.helpers-lab .helpers-count { min-width: 26px !important; }
.helpers-lab .widget-hslider { max-width: 235px; }
.helpers-lab .helpers-sizes { max-width: 330px; }
.helpers-lab .helpers-guess { width: 280px !important; max-width: 280px; }
.helpers-lab .helpers-guess .widget-readout { flex-shrink: 0; min-width: 88px; }
.helpers-lab :is(.helpers-size, .helpers-skew, .helpers-kind, .helpers-updates) { max-width: 148px; }
.helpers-lab .helpers-workers { max-width: 152px; }
.helpers-lab .helpers-chunk { max-width: 125px; }
.helpers-lab .helpers-flavour { max-width: 165px; }
}
.helpers-live .jupyter-widgets-disconnected::before { display: none; }
.helpers-live.jupyter-widgets-disconnected::before { content: "⚠ """
    + KERNEL_GONE
    + """"; position: static;
font: bold var(--jp-ui-font-size1, 13px)/1.6 var(--jp-ui-font-family, sans-serif);
color: var(--jp-error-color1, #c62828); }
.helpers-live.jupyter-widgets-disconnected .helpers-lab { pointer-events: none; opacity: 0.5; }
.helpers-live.jupyter-widgets-disconnected :is(.helpers-bar, .helpers-buttons) { visibility: hidden; }
</style>"""
)

#: Where a notebook is opened without its kernel, JupyterLab says "Error displaying widget" or "Loading widget...":
#: the one line takes its place.
SAVED_STYLE = (
    """<style>
.jp-OutputArea-child:not(:has(.helpers-live)):has(+ .jp-OutputArea-child + .jp-OutputArea-child .helpers-saved)
> .jp-OutputArea-output:not(.jp-RenderedText) { font-size: 0; }
.jp-OutputArea-child:not(:has(.helpers-live)):has(+ .jp-OutputArea-child + .jp-OutputArea-child .helpers-saved)
> .jp-OutputArea-output:not(.jp-RenderedText)::before { content: \""""
    + ONE_LINE
    + """\"; font-size: var(--jp-code-font-size, 13px); }
</style>"""
)
