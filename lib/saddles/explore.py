"""One figure function, two lives: sliders with a kernel, sliders over drawn frames without one.

    explore(draw, alt=describe, caption="What to look for.", name="warm-up",
            a=[-2, -1, -0.5], lam=[0.2, 0.5, 1.0])

`draw(ax, a, lam)` draws one picture on empty axes. With a person at a running kernel the sliders
are ipywidgets and every value in the range is recomputed. On a built page they are plain range
inputs that swap frames drawn beforehand, one for each combination of the listed values: no
kernel, no widget library, no request. assets/explorer.js does the swapping.
"""

import asyncio
import gc
import html
import json
import os
import time
from itertools import product

import numpy as np

from saddles import figures
from saddles._arguments import floats, positive, whole, words, yes_or_no

LABELS = {"lam": "λ", "a": "a", "t": "t", "sigma": "σ", "w0": "w₀", "S": "S", "b": "b"}
MOST_FRAMES = 400
KEY = "saddles-explorer"  # where an executed notebook keeps what its frames cost


def explore(draw, *, alt, caption, name, start=None, live=None, size=(5.4, 3.3), rows=1, columns=1,
            labels=None, play=None, **values):
    """An explorer of `draw(ax, **parameters)`.

    draw           draws on empty axes (an array of axes if rows or columns > 1); must not keep state
    alt            what is seen, as a string or a function of the parameters returning one
    caption        what to look for, one sentence
    name           short id, unique on its page: letters, digits, hyphens
    start          the first picture, {parameter: value}; by default the middle of each list
    live           force ipywidgets (True) or frames (False); by default ipywidgets if Jupyter runs this
    size           width and height in inches
    rows, columns  how many axes, below and beside each other
    labels         {parameter: shown name}
    play           the parameter that a button runs through, as an animation: a time
    values         the values of each parameter, increasing: what a page offers, one frame a combination

    Returns an ipywidgets box, or an object that displays as HTML. Raises ValueError for values
    that are no increasing lists of finite numbers, for more than 400 frames, a bad name, a
    `play` that is no parameter, and for any other argument that is not what stands above.
    """
    _refuse(name, values, start, play)
    _refuse_look(draw, alt, caption, live, size, rows, columns, labels)
    start = {k: v[len(v) // 2] for k, v in values.items()} | (start or {})
    labels = LABELS | (labels or {})
    describe = alt if callable(alt) else lambda **_: alt
    paint = _painter(draw, size, rows, columns)
    if someone_is_there() if live is None else live:
        return _widgets(paint, describe, caption, values, start, labels, play)
    return Frames(paint, describe, caption, name, values, start, labels, play)


def someone_is_there():
    """Whether a person runs this: Jupyter's server names the session, and Colab its release.

    A book build does neither.
    """
    return any(os.environ.get(name) for name in ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG"))


def _is_function(thing):
    return callable(thing) and not isinstance(thing, type)


def _refuse_look(draw, alt, caption, live, size, rows, columns, labels):
    if not _is_function(draw):
        raise ValueError(f"draw must be a function, got {draw!r}")
    if not isinstance(alt, str) and not _is_function(alt):
        raise ValueError(f"alt must be words, or a function that returns them, got {alt!r}")
    words("caption", caption)
    if live is not None:
        yes_or_no("live", live)
    sides = floats("size", size)
    if sides.shape != (2,):
        raise ValueError(f"size must be a width and a height, got {size!r}")
    for side in sides:
        positive("size", side, figures.MOST_INCHES)
    whole("rows", rows, 1, figures.MOST_PANELS)
    whole("columns", columns, 1, figures.MOST_PANELS)
    shown = labels if labels is not None else {}
    if not isinstance(shown, dict) or not all(isinstance(label, str) for label in shown.values()):
        raise ValueError(f"labels must be {{parameter: shown name}}, got {labels!r}")


def _refuse(name, values, start, play):
    if not isinstance(name, str) or not name or not all(c.isascii() and (c.isalnum() or c == "-") for c in name):
        raise ValueError(f"name must consist of letters, digits and hyphens, got {name!r}")
    if not values:
        raise ValueError("values must hold at least one parameter")
    frames = 1
    for key, listed in values.items():
        numbers = floats(key, listed)
        good = numbers.ndim == 1 and len(numbers) >= 2 and np.all(np.isfinite(numbers))
        if not good or not np.all(numbers[1:] > numbers[:-1]):
            raise ValueError(f"{key} must be an increasing list of at least 2 finite numbers")
        frames *= len(numbers)
    if frames > MOST_FRAMES:
        raise ValueError(f"values must give at most {MOST_FRAMES} frames, got {frames}")
    if start is not None and not isinstance(start, dict):
        raise ValueError(f"start must be {{parameter: value}}, got {start!r}")
    for key, value in (start or {}).items():
        if key not in values or value not in list(values[key]):
            raise ValueError(f"start must name listed values, got {key} = {value!r}")
    if play is not None and (not isinstance(play, str) or play not in values):
        raise ValueError(f"play must be one of the parameters {', '.join(values)}, got {play!r}")


def _painter(draw, size, rows, columns):
    def paint(**parameters):
        figure, axes = figures.new(size[0], size[1], rows=rows, columns=columns, steady=True)
        draw(axes, **parameters)
        return figures.svg(figure)

    return paint


def _number(value):
    return f"{value:g}".replace("-", "−")


class Frames:
    """The explorer of a page: range inputs and one drawn frame for each combination."""

    def __init__(self, paint, describe, caption, name, values, start, labels, play=None):
        self.name, self.caption, self.labels, self.start, self.play = name, caption, labels, start, play
        self.values = {k: list(v) for k, v in values.items()}
        states = [dict(zip(self.values, combination)) for combination in product(*self.values.values())]
        self.alts = [describe(**state) for state in states]
        began = time.process_time()
        gc.freeze()  # the chapter's own objects need not be searched for garbage at every frame
        try:
            self.svgs = [paint(**state) for state in states]
        finally:
            gc.unfreeze()
        self.seconds = time.process_time() - began

    def frame(self, **parameters):
        """The drawn svg of one combination of listed values. Raises ValueError for one not listed."""
        return self.svgs[self._index(parameters)]

    def _index(self, parameters):
        index = 0
        for key, listed in self.values.items():
            try:
                index = index * len(listed) + listed.index(parameters[key])
            except (KeyError, ValueError):
                raise ValueError(f"{key} must be one of {listed}, got {parameters.get(key)!r}") from None
        return index

    def _repr_mimebundle_(self, include=None, exclude=None):
        cost = {"name": self.name, "frames": len(self.svgs), "cpu_seconds": round(self.seconds, 2)}
        return {"text/html": self._repr_html_(), "text/plain": f"explorer {self.name}"}, {KEY: cost}

    def _repr_html_(self):
        first = self._index(self.start)
        table, frames = _table(self.svgs)
        shown = [[_number(value) for value in listed] for listed in self.values.values()]
        data = {"values": shown, "alts": self.alts, "table": table, "frames": frames}
        packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        sliders = "".join(self._slider(key) for key in self.values) + self._player()
        return (f'<figure class="picture explorer" id="explore-{self.name}">'
                f'<div class="explorer-frame" role="img" aria-label="{html.escape(self.alts[first])}">'
                f'{self.svgs[first]}</div><div class="explorer-controls">{sliders}</div>'
                f'<p class="explorer-alt" aria-live="polite">{html.escape(self.alts[first])}</p>'
                f"<figcaption>{figures.caption_html(self.caption)}</figcaption>"
                f'<script type="application/json">{packed}</script></figure>')

    def _slider(self, key):
        listed, id = self.values[key], f"{self.name}-{key}"
        at, shown = listed.index(self.start[key]), _number(self.start[key])
        return (f'<label for="{id}">{html.escape(self.labels.get(key, key))}</label>'
                f'<input type="range" id="{id}" name="{key}" min="0" max="{len(listed) - 1}" step="1" '
                f'value="{at}" aria-valuetext="{shown}"><output for="{id}">{shown}</output>')

    def _player(self):
        """The button that assets/explorer.js shows and moves the slider with."""
        if self.play is None:
            return ""
        shown = html.escape(self.labels.get(self.play, self.play))
        return (f'<button type="button" class="explorer-play" data-plays="{self.play}" '
                f'data-label="{shown}" hidden></button>')


def _table(svgs):
    """Frames as lists of indices into the table of their distinct lines: most lines repeat."""
    numbers = {}
    frames = [[numbers.setdefault(line, len(numbers)) for line in svg.split("\n")] for svg in svgs]
    return list(numbers), frames


def _widgets(paint, describe, caption, values, start, labels, play):
    """Sliders that recompute: any value in the range, and only the newest while one drags."""
    import ipywidgets as widgets

    picture = widgets.HTML()
    sliders = {key: _live_slider(widgets, key, list(listed), start[key], labels)
               for key, listed in values.items()}

    def update(_=None):
        state = {key: slider.value for key, slider in sliders.items()}
        picture.value = figures.labelled(paint(**state), describe(**state))

    for slider in sliders.values():
        slider.observe(update, names="value")
    update()
    player = [_live_player(widgets, sliders[play], list(values[play]), labels.get(play, play))] if play else []
    return widgets.VBox([*sliders.values(), *player, picture, widgets.HTML(html.escape(caption))])


def _live_slider(widgets, key, listed, value, labels):
    """A slider in round steps, 100 to 1000 of them, so that the values of the page are among its own."""
    low, high = listed[0], listed[-1]
    style = {"value": value, "min": low, "max": high, "description": labels.get(key, key)}
    if all(isinstance(v, int) for v in listed):
        return widgets.IntSlider(**style)
    digits = 2 - int(np.floor(np.log10(high - low)))
    return widgets.FloatSlider(**style, step=10.0**-digits, readout_format=f".{max(digits, 0)}f")


def _live_player(widgets, slider, listed, label, stops=8, pause=0.05):
    """A button that moves the slider on, from where it is or from the start: `stops` steps from
    one listed value to the next. It starts only when pressed, and a second press stops it."""
    places = np.interp(np.arange((len(listed) - 1) * stops + 1) / stops, range(len(listed)), listed)
    if isinstance(slider, widgets.IntSlider):
        places = np.unique(np.rint(places).astype(int))
    button = widgets.ToggleButton(description=f"Play {label}")
    running = []

    async def run():
        at = slider.value if slider.value < slider.max else -np.inf
        for place in places[places > at].tolist():
            slider.value = place
            await asyncio.sleep(pause)  # here the kernel hears a press or a drag
        button.value = False

    def press(change):
        button.description = "Pause" if change["new"] else f"Play {label}"
        while running:
            running.pop().cancel()
        if change["new"]:
            running.append(asyncio.ensure_future(run()))

    button.observe(press, names="value")
    return button
