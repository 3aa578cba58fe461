"""One figure function, two lives: sliders with a kernel, sliders over drawn frames without one.

    explore(draw, alt=describe, name="warm-up", a=[-2, -1, -0.5], lam=[0.2, 0.5, 1.0])

`draw(ax, a, lam)` draws one picture on empty axes. With a person at a running kernel the sliders
are ipywidgets and every value in the range is recomputed. On a built page they are plain range
inputs that swap frames drawn beforehand, one for each combination of the listed values: no
kernel, no widget library, no request. assets/explorer.js does the swapping.
"""

import html
import json
import os
from itertools import product


from saddles import figures

LABELS = {"lam": "λ", "a": "a", "t": "t", "sigma": "σ", "w0": "w₀", "S": "S", "b": "b"}
MOST_FRAMES = 400


def explore(draw, *, alt, caption, name, start=None, live=None, size=(5.4, 3.3), rows=1, columns=1,
            labels=None, **values):
    """An explorer of `draw(ax, **parameters)`.

    draw     draws on empty axes (an array of axes if rows or columns > 1); must not keep state
    alt      what is seen, as a string or a function of the parameters returning one
    caption  what to look for, one sentence
    name     short id, unique on its page: letters, digits, hyphens
    start    the first picture, {parameter: value}; by default the middle of each list
    live     force ipywidgets (True) or frames (False); by default ipywidgets if Jupyter runs this
    size     inches; labels: {parameter: shown name}
    values   the values of each parameter, increasing: what a page offers, one frame a combination

    Returns an ipywidgets box, or an object that displays as HTML. Raises ValueError for values
    that are no increasing lists of finite numbers, for more than 400 frames or a bad name.
    """
    _refuse(name, values, start)
    start = {k: v[len(v) // 2] for k, v in values.items()} | (start or {})
    labels = LABELS | (labels or {})
    describe = alt if callable(alt) else lambda **_: alt
    paint = _painter(draw, size, rows, columns)
    if someone_is_there() if live is None else live:
        return _widgets(paint, describe, caption, values, start, labels)
    return Frames(paint, describe, caption, name, values, start, labels)


def someone_is_there():
    """Whether a person runs this: Jupyter's server names the session, and Colab its release.

    A book build does neither.
    """
    return any(os.environ.get(name) for name in ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG"))


def _refuse(name, values, start):
    if not name or not all(c.isascii() and (c.isalnum() or c == "-") for c in name):
        raise ValueError(f"name must consist of letters, digits and hyphens, got {name!r}")
    if not values:
        raise ValueError("values must hold at least one parameter")
    frames = 1
    for key, listed in values.items():
        listed = list(listed)
        frames *= len(listed)
        rising = all(float(p) < float(q) for p, q in zip(listed, listed[1:]))
        if len(listed) < 2 or not rising or not all(abs(float(v)) < float("inf") for v in listed):
            raise ValueError(f"{key} must be an increasing list of at least 2 finite numbers")
    if frames > MOST_FRAMES:
        raise ValueError(f"values must give at most {MOST_FRAMES} frames, got {frames}")
    for key, value in (start or {}).items():
        if key not in values or value not in list(values[key]):
            raise ValueError(f"start must name listed values, got {key} = {value!r}")


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

    def __init__(self, paint, describe, caption, name, values, start, labels):
        self.name, self.caption, self.labels, self.start = name, caption, labels, start
        self.values = {k: list(v) for k, v in values.items()}
        states = [dict(zip(self.values, combination)) for combination in product(*self.values.values())]
        self.alts = [describe(**state) for state in states]
        self.svgs = [paint(**state) for state in states]

    def frame(self, **parameters):
        """The drawn svg of one combination of listed values."""
        return self.svgs[self._index(parameters)]

    def _index(self, parameters):
        index = 0
        for key, listed in self.values.items():
            index = index * len(listed) + listed.index(parameters[key])
        return index

    def _repr_html_(self):
        first = self._index(self.start)
        table, frames = _table(self.svgs)
        data = {"values": list(self.values.values()), "alts": self.alts, "table": table, "frames": frames}
        packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        sliders = "".join(self._slider(key) for key in self.values)
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


def _table(svgs):
    """Frames as lists of indices into the table of their distinct lines: most lines repeat."""
    numbers = {}
    frames = [[numbers.setdefault(line, len(numbers)) for line in svg.split("\n")] for svg in svgs]
    return list(numbers), frames


def _widgets(paint, describe, caption, values, start, labels):
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
    return widgets.VBox([*sliders.values(), picture, widgets.HTML(html.escape(caption))])


def _live_slider(widgets, key, listed, value, labels):
    low, high = listed[0], listed[-1]
    kind = widgets.IntSlider if all(isinstance(v, int) for v in listed) else widgets.FloatSlider
    step = 1 if kind is widgets.IntSlider else (high - low) / 200
    return kind(value=value, min=low, max=high, step=step, description=labels.get(key, key),
                continuous_update=True)
