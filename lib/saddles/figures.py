"""The book's pictures: one style, one colour per idea, and svg that follows the page.

A picture is an svg with real text. Its ink is the page's own text colour and its other colours
are the page's variables (assets/book.css), so it is sharp at any zoom and changes with dark mode.
"""

import functools
import html
import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib
import matplotlib.text
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from saddles._arguments import floats, positive, whole, words, yes_or_no

# Okabe-Ito colours, distinguishable with any kind of colour vision. One idea, one colour.
COLOURS = {
    "theory": "#d55e00",  # exact laws and theoretical lines
    "simulation": "#0072b2",  # what a run of SGD gave
    "maximum": "#882255",  # the local maximum, and being attracted to it
    "escape": "#009e73",  # escaping
    "muted": "#7f7f7f",  # guides: axes of symmetry, earlier steps
}
MOST_INCHES, MOST_PANELS, MOST_POINTS = 50, 20, 100  # of a side; in a row or column; of a dot
INK, PAPER = "#010203", "#fdfefc"  # stand for "the page's text colour", "the page's background"
MAP = "cividis"  # for maps: even in brightness, readable in grey

STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "saddles", "font.family": "sans-serif", "font.size": 11,
    "axes.edgecolor": INK, "axes.labelcolor": INK, "axes.titlesize": 11, "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "legend.frameon": False, "legend.fontsize": 10, "lines.linewidth": 1.8, "image.cmap": MAP,
    "xtick.labelsize": 10, "ytick.labelsize": 10, "axes.formatter.use_mathtext": False,
    "axes.titley": 1.0,  # else every drawing measures all labels to see whether one is in the way
}
matplotlib.rcParams.update(STYLE)  # legends and labels read it when they are made, not when drawn
# One measurer of text for all pictures: each would otherwise parse the same formulas again.
matplotlib.text.TextToPath = functools.cache(matplotlib.text.TextToPath)  # type: ignore[misc, assignment]


def new(width=5.4, height=3.3, columns=1, rows=1, steady=False, **kwargs):
    """An empty figure in the book's style and its axes, sizes in inches (72 css px each).

    The default width is a phone's: text stays legible there. `steady` fixes the margins and the
    places of the labels, so that nothing of an explorer moves from frame to frame but what it
    shows. Returns (figure, axes): one Axes, or an array of them. Nothing is registered with pyplot.
    Raises ValueError for sides that are not above 0 and at most 50 inches, and for columns or rows
    that are no whole numbers from 1 to 20; other keywords go to Matplotlib's `subplots`.
    """
    width, height = positive("width", width, MOST_INCHES), positive("height", height, MOST_INCHES)
    columns, rows = whole("columns", columns, 1, MOST_PANELS), whole("rows", rows, 1, MOST_PANELS)
    steady = yes_or_no("steady", steady)
    figure = Figure(figsize=(width, height), layout=None if steady else "constrained")
    if steady:
        figure.subplots_adjust(left=0.62 / width, right=1 - 0.15 / width, bottom=0.52 / height,
                               top=1 - 0.32 / height, wspace=0.3, hspace=0.5)
    axes = figure.subplots(rows, columns, **kwargs)
    if steady:
        for ax in figure.axes:  # also the fastest: nothing has to be measured
            box = ax.get_position()
            ax.xaxis.set_label_coords(0.5, -0.27 / (box.height * height))
            ax.yaxis.set_label_coords(-0.47 / (box.width * width), 0.5)
    return figure, axes


def grouped(number):
    """A whole number as the book prints it: 2000, but 50 000, with a narrow space that does not break.

    Raises ValueError for what is no whole number from -10^15 to 10^15.
    """
    number = whole("number", number, -(10**15), 10**15)
    text = f"{number:,}" if abs(number) > 9999 else f"{number}"
    return text.replace(",", "\u202f").replace("-", "−")


def dots(ax, x, y, size, color):
    """Thousands of dots, `size` points wide, as one path: as markers each would be an element of
    the page, and a slow page is what comes of it. `x` and `y` are of one length; NaN leaves a dot out.

    Raises ValueError for x or y that are no numbers, are infinite or of two lengths, for a size that is not
    above 0 and at most 100, for what is no colour, and for an `ax` that is no Axes.
    """
    if not isinstance(ax, Axes):
        raise ValueError(f"ax must be axes of Matplotlib, got {ax!r}")
    if not isinstance(color, (str, tuple)) or not is_color_like(color):
        raise ValueError(f"color must be a colour of Matplotlib, got {color!r}")
    size = positive("size", size, MOST_POINTS)
    x, y = floats("x", x), floats("y", y)
    for name, values in (("x", x), ("y", y)):
        if values.ndim != 1 or np.any(np.isinf(values)):
            raise ValueError(f"{name} must be a row of finite numbers or NaN, got {values!r}")
    if len(x) != len(y):
        raise ValueError(f"x and y must be of one length, got {len(x)} and {len(y)}")
    places = np.column_stack([x, y])
    path = Path(np.repeat(places, 2, axis=0), np.tile([Path.MOVETO, Path.LINETO], len(places)))
    path.should_simplify = False  # a dot is a line of no length with round ends
    ax.add_patch(PathPatch(path, edgecolor=color, facecolor="none", lw=size, capstyle="round"))
    ax.autoscale_view()


def svg(figure):
    """The figure as svg text that takes its colours and its font from the page.

    Raises ValueError for what is no figure of Matplotlib.
    """
    if not isinstance(figure, Figure):
        raise ValueError(f"figure must be a figure of Matplotlib, got {figure!r}")
    out = io.StringIO()
    # print_svg draws once; savefig would draw twice to measure what we do not crop
    FigureCanvasSVG(figure).print_svg(out)
    return _slim(out.getvalue())


def _slim(text):
    """One element a line, no prologue, two decimals, page colours, no ids but the used ones."""
    text = text[text.index("<svg"):]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<title>.*?</title>", "", text, flags=re.S)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)  # stands in book.css
    text = re.sub(r'="([^"]*)"', lambda m: '="' + " ".join(m[1].split()) + '"', text)
    # coordinates stand in tags; what stands between tags is words and tick labels
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _two_decimals, tag[0]), text)
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([\w.-]+)"', lambda m: m[0] if m[1] in used else "", text)
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--figure-font, sans-serif)", text)
    for name, colour in COLOURS.items():
        text = text.replace(colour, f"var(--{name}, {colour})")
    text = text.replace(INK, "currentColor").replace(PAPER, "var(--paper, #fff)")
    text = re.sub(r'(<svg[^>]*?) (?:height|width)="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg[^>]*?) (?:height|width)="[^"]*"', r"\1", text)
    return re.sub(r"\n\s*", "\n", text).strip()


def _two_decimals(number):
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Picture:
    """A finished figure: svg, what is seen (`alt`) and what it shows (`caption`)."""

    svg: str
    alt: str
    caption: str

    def _repr_html_(self):
        return (f'<figure class="picture">{labelled(self.svg, self.alt)}'
                f"<figcaption>{caption_html(self.caption)}</figcaption></figure>")


def show(figure, *, alt, caption):
    """A finished figure with its alt text and its caption; both are required.

    `alt` states what is seen, `caption` states the finding ($...$ for formulas). Raises ValueError
    for one of less than 10 characters, and for what is no figure.
    """
    for name, value in (("alt", alt), ("caption", caption)):
        if not isinstance(value, str) or len(value.strip()) < 10:
            raise ValueError(f"{name} must be a sentence of at least 10 characters, got {value!r}")
    return Picture(svg(figure), alt, caption)


def labelled(text, alt):
    """The svg as one image with a text alternative. Raises ValueError for what is no text."""
    words("alt", alt)
    return words("text", text).replace("<svg", f'<svg role="img" aria-label="{html.escape(alt)}"', 1)


def caption_html(text):
    """A caption with its formulas set by MathJax. Raises ValueError for what is no text."""
    from saddles.check import typeset

    return typeset(text)
