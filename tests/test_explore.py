"""Explorers and pictures: what is on the page, what is live, and what is refused."""
import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import numpy as np
import pytest

from saddles import figures
from saddles.explore import Frames, explore, someone_is_there


def draw(ax, a, lam):
    ax.plot([0, 1], [a, lam], color=figures.COLOURS["theory"])
    ax.set(xlim=(0, 1), ylim=(-3, 3), xlabel="w")


def explorer(**changes):
    arguments = {"alt": lambda a, lam: f"a line from {a} to {lam}", "caption": "Look at $a$ first.", "name": "line",
                 "live": False, "a": [-2, -1, 0], "lam": [0.5, 1.5]} | changes
    return explore(draw, **arguments)


def data_of(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1])


def test_a_page_holds_every_frame_as_it_would_be_drawn_live():
    box = explorer()
    data = data_of(box._repr_html_())
    assert data["values"] == [["−2", "−1", "0"], ["0.5", "1.5"]] and len(data["frames"]) == 6
    for a in (-2, -1, 0):
        for lam in (0.5, 1.5):
            at = [-2, -1, 0].index(a) * 2 + [0.5, 1.5].index(lam)
            stored = "\n".join(data["table"][line] for line in data["frames"][at])
            figure, ax = figures.new(5.4, 3.3, steady=True)
            draw(ax, a, lam)
            assert stored == figures.svg(figure) == box.frame(a=a, lam=lam)
            assert data["alts"][at] == f"a line from {a} to {lam}"
    assert len(set(map(tuple, data["frames"]))) == 6


def test_the_first_picture_needs_no_script_and_every_slider_has_a_name():
    page = explorer(start={"a": -2})._repr_html_()
    first = re.search(r'<div class="explorer-frame".*?</div>', page, re.S)[0]
    assert "<svg" in first and 'aria-label="a line from -2 to 1.5"' in first
    ids = re.findall(r'<input type="range" id="([^"]+)"', page)
    assert ids == ["line-a", "line-lam"] and all(f'<label for="{i}">' in page for i in ids)
    assert ">λ</label>" in page and "<output for=\"line-a\">−2</output>" in page


def test_frames_share_what_they_have_in_common():
    page = explorer()._repr_html_()
    alone = len(explorer().frame(a=-1, lam=0.5))
    assert len(data_of(page)["table"]) < 2 * len(explorer().frame(a=-1, lam=0.5).split("\n"))
    assert len(page) < 4 * alone  # six frames


def test_text_cannot_end_the_script():
    page = explorer(alt=lambda a, lam: f"</script><b>{a}{lam}")._repr_html_()
    assert page.count("</script>") == 1
    assert data_of(page)["alts"][0] == "</script><b>-20.5"


def test_live_sliders_recompute_any_value():
    box = explorer(live=True)
    slider, picture = box.children[0], box.children[2]
    assert (slider.min, slider.max, slider.value) == (-2, 0, -1)
    before = picture.value
    box.children[1].value = 0.77
    assert picture.value != before and "to 0.77" in picture.value and picture.value.count("<svg") == 1


def test_a_page_can_play_a_parameter_and_says_what_it_cost():
    box = explorer(play="a")
    page, (shown, metadata) = box._repr_html_(), box._repr_mimebundle_()
    assert page.count('data-plays="a"') == 1 and "explorer-play" not in explorer()._repr_html_()
    cost = metadata["saddles-explorer"]
    assert cost == {"name": "line", "frames": 6, "cpu_seconds": round(box.seconds, 2)} and box.seconds > 0
    assert shown == {"text/html": page, "text/plain": "explorer line"}
    assert '" data-label="step &lt; a"' in explorer(play="a", labels={"a": "step < a"})._repr_html_().replace("'", '"')
    assert 'data-label="a"' in page and '", "' not in page.split("application/json")[1]


def played(box, stop_at=None):
    """The values that the slider takes while its button is pressed; pressed again at `stop_at`."""
    slider, button, seen = box.children[0], box.children[2], []

    def watch(change):
        assert button.description == "Pause"
        seen.append(change["new"])
        if change["new"] == stop_at:
            button.value = False

    async def press():
        slider.observe(watch, names="value")
        button.value = True
        for _ in range(3000):
            await asyncio.sleep(0.01)
            if not button.value:
                break
        await asyncio.sleep(0.2)  # longer than a step: nothing may move any more
        return seen

    with ThreadPoolExecutor(1) as thread:  # this one may already have a loop: the browser's
        return thread.submit(asyncio.run, press()).result()


def test_a_live_slider_reaches_the_values_of_the_page():
    listed = [-3, -1.5, -1, -0.05]
    slider = explorer(live=True, a=listed, start={"a": -1}).children[0]
    steps = (np.array(listed) - slider.min) / slider.step
    assert np.allclose(steps, np.rint(steps)) and 100 <= (slider.max - slider.min) / slider.step <= 1000
    assert slider.readout_format == ".2f" and slider.continuous_update


def test_live_play_runs_from_where_it_is_to_the_end():
    box = explorer(live=True, play="a", a=[0, 1, 4], start={"a": 1})
    assert played(box) == [2, 3, 4] and box.children[2].description == "Play a"
    assert played(box)[:3] == [0, 1, 2]  # from the end it begins again


def test_live_play_stops_when_pressed_again():
    box = explorer(live=True, play="a", a=[0, 1, 4], start={"a": 0})
    assert played(box, stop_at=2) == [1, 2]


@pytest.mark.parametrize("name", ["JPY_SESSION_NAME", "COLAB_RELEASE_TAG"])
def test_a_person_is_there_only_under_jupyter(monkeypatch, name):
    monkeypatch.setenv(name, "chapter.md")
    assert someone_is_there() and not isinstance(explorer(live=None), Frames)
    monkeypatch.delenv(name)
    assert not someone_is_there() and isinstance(explorer(live=None), Frames)


@pytest.mark.parametrize("name, changes", [
    ("name", {"name": ""}), ("name", {"name": "a b"}), ("name", {"name": 'x"'}), ("a", {"a": [1]}), ("a", {"a": [1, 1]}),
    ("a", {"a": [2, 1]}), ("a", {"a": [0, float("nan")]}), ("lam", {"lam": [0, float("inf")]}),
    ("values", {"a": list(range(100))}), ("play", {"play": "b"}), ("start", {"start": {"a": 5}}), ("start", {"start": {"b": 1}}),
], ids=str)
def test_bad_input_is_named_before_anything_is_drawn(name, changes):
    changes = {"lam": [0.1 * i for i in range(9)]} | changes if name == "values" else changes
    with pytest.raises(ValueError, match=rf"^{name} must"):
        explore(lambda *_, **__: pytest.fail("drawn"), **{"alt": "x", "caption": "x", "name": "n", "live": False,
                                                          "a": [1, 2], "lam": [1, 2]} | changes)


def test_no_parameter_is_no_explorer():
    with pytest.raises(ValueError, match="^values must"):
        explore(draw, alt="x", caption="x", name="n")


def picture():
    figure, ax = figures.new()
    ax.plot([0, 1], [0.123456789, 1], color=figures.COLOURS["escape"], label="line")
    ax.legend()
    return figure


def test_a_picture_follows_the_page():
    text = figures.svg(picture())
    assert "currentColor" in text and "var(--escape, #009e73)" in text
    assert figures.INK not in text and "<text" in text and "0.12345" not in text
    assert not re.search(r"<metadata|<style|\n\s|<svg[^>]*(width|height)=", text)
    referred = set(re.findall(r"#([\w-]+)\b", re.sub(r"#[0-9a-f]{6}\b", "", text)))
    assert referred == set(re.findall(r' id="([^"]+)"', text))


def test_numbers_of_five_digits_are_grouped():
    given = [0, -2000, 9999, 10_000, -50_000, np.int64(1_234_567)]
    assert list(map(figures.grouped, given)) == [
        "0", "−2000", "9999", "10\u202f000", "−50\u202f000", "1\u202f234\u202f567"]


def test_dots_are_one_element():
    figure, ax = figures.new()
    figures.dots(ax, range(500), np.sin(range(500)), size=1, color=figures.COLOURS["simulation"])
    text = figures.svg(figure)
    (path,) = [line for line in text.split("\n") if "--simulation" in line]
    assert path.count("M ") == 500 and "stroke-linecap: round" in path and "fill: none" in path
    assert ax.get_xlim()[0] < 0 and ax.get_xlim()[1] > 499


@pytest.mark.parametrize("name, bad", [("x and y", {"y": [1]}), ("size", {"size": 0}), ("size", {"size": float("nan")}),
                                       ("x", {"x": [1, np.inf]}), ("y", {"y": [-np.inf, 1]}), ("x", {"x": [[1, 2]]})])
def test_dots_name_what_they_refuse(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must"):
        figures.dots(figures.new()[1], **{"x": [1, 2], "y": [1, 2], "size": 1, "color": "red"} | bad)


def test_nothing_moves_between_frames_but_what_is_shown():
    def labels(top):
        figure, ax = figures.new(steady=True)
        ax.plot([0, top], [0, top])
        ax.set(xlabel="along", ylabel="up", title="title")
        return re.findall(r"<text[^>]*>(?:along|up|title)</text>", figures.svg(figure))

    assert len(labels(1)) == 3 and labels(1) == labels(123456)


def test_steady_margins_are_inches():
    """Every explorer has the same room for its labels, whatever its size and number of panels."""
    width, height = 4.0, 6.0
    figure, axes = figures.new(width, height, rows=2, columns=2, steady=True)
    edges = axes[0, 0].get_position(), axes[1, 1].get_position()
    got = edges[0].x0 * width, (1 - edges[1].x1) * width, edges[1].y0 * height, (1 - edges[0].y1) * height
    assert got == pytest.approx((0.62, 0.15, 0.52, 0.32))
    assert (figure.subplotpars.wspace, figure.subplotpars.hspace) == (0.3, 0.5)
    box = axes[1, 0].get_position()
    below, beside = axes[1, 0].xaxis.label.get_position(), axes[1, 0].yaxis.label.get_position()
    assert (below[0], below[1] * box.height * height) == pytest.approx((0.5, -0.27))
    assert (beside[0] * box.width * width, beside[1]) == pytest.approx((-0.47, 0.5))


def test_words_have_the_page_s_font_and_numbers_no_loose_ends():
    text = figures.svg(picture())
    fonts = set(re.findall(r"font[^;\"]*", text))
    assert len(fonts) > 1 and {font for font in fonts if not re.fullmatch(r"font-size: [\d.]+px", font)} == {
        "font-family: var(--figure-font, sans-serif)"}
    tags = " ".join(re.findall(r"<[^>]*>", text)[1:])  # the first has addresses
    assert not re.search(r"\d\.(?!\d)|\d\.\d{3}", tags) and re.search(r"\d\.\d\d\b", tags)


def test_words_keep_their_digits():
    figure, ax = figures.new()
    ax.set(xticks=[0.0451, 0.0452], title="at 0.123456")
    text = figures.svg(figure)
    assert "0.123456" in text and "0.0451" in text and "0.0452" in text


def test_a_picture_is_well_formed_and_all_its_words_are_in_text_elements():
    root = ElementTree.fromstring(figures.svg(picture()))
    kind = lambda node: node.tag.rpartition("}")[2]
    loose = [node.tail for node in root.iter() if (node.tail or "").strip()]
    loose += [node.text for node in root.iter() if (node.text or "").strip() and kind(node) not in ("text", "tspan")]
    assert loose == [] and {"text", "path"} <= {kind(node) for node in root.iter()}


def test_margins_are_fitted_unless_they_have_to_stay():
    assert type(figures.new()[0].get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    assert figures.new(steady=True)[0].get_layout_engine() is None


def test_a_picture_is_the_same_every_time():
    assert figures.svg(picture()) == figures.svg(picture())


def test_a_picture_has_its_texts():
    page = figures.show(picture(), alt='a "line" going up', caption="It rises to $w = 1$.")._repr_html_()
    assert 'role="img" aria-label="a &quot;line&quot; going up"' in page and r"\(w = 1\)" in page
    for name in ("alt", "caption"):
        texts = {"alt": "a line going up", "caption": "It rises to one."} | {name: " "}
        with pytest.raises(ValueError, match=f"^{name} must"):
            figures.show(picture(), **texts)
    assert figures.show(picture(), alt="ten digits", caption="0123456789").alt == "ten digits"
