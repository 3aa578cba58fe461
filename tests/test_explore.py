"""Explorers and pictures: what is on the page, what is live, and what is refused."""
import json
import re

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
    assert data["values"] == [[-2, -1, 0], [0.5, 1.5]] and len(data["frames"]) == 6
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


@pytest.mark.parametrize("name", ["JPY_SESSION_NAME", "COLAB_RELEASE_TAG"])
def test_a_person_is_there_only_under_jupyter(monkeypatch, name):
    monkeypatch.setenv(name, "chapter.md")
    assert someone_is_there() and not isinstance(explorer(live=None), Frames)
    monkeypatch.delenv(name)
    assert not someone_is_there() and isinstance(explorer(live=None), Frames)


@pytest.mark.parametrize("name, changes", [
    ("name", {"name": ""}), ("name", {"name": "a b"}), ("name", {"name": 'x"'}), ("a", {"a": [1]}), ("a", {"a": [1, 1]}),
    ("a", {"a": [2, 1]}), ("a", {"a": [0, float("nan")]}), ("lam", {"lam": [0, float("inf")]}),
    ("values", {"a": list(range(100))}), ("start", {"start": {"a": 5}}), ("start", {"start": {"b": 1}}),
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


def test_words_keep_their_digits():
    figure, ax = figures.new()
    ax.set(xticks=[0.0451, 0.0452], title="at 0.123456")
    text = figures.svg(figure)
    assert "0.123456" in text and "0.0451" in text and "0.0452" in text


def test_a_picture_is_the_same_every_time():
    assert figures.svg(picture()) == figures.svg(picture())


def test_a_picture_has_its_texts():
    page = figures.show(picture(), alt='a "line" going up', caption="It rises to $w = 1$.")._repr_html_()
    assert 'role="img" aria-label="a &quot;line&quot; going up"' in page and r"\(w = 1\)" in page
    for name in ("alt", "caption"):
        texts = {"alt": "a line going up", "caption": "It rises to one."} | {name: " "}
        with pytest.raises(ValueError, match=f"^{name} must"):
            figures.show(picture(), **texts)
