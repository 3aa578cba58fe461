"""Words in HTML that Sphinx did not write: set as print, and nothing else of them changed."""
import json
import re
import sys

import pytest
from book import ROOT

from saddles import figures
from saddles.check import badge, check, typeset
from saddles.explore import explore
from saddles.symbols import a

sys.path.insert(0, str(ROOT / "sphinxext"))
import words


@pytest.mark.parametrize("text, right", [
    ("from -0.3 to 4e-05, 1e-14 or -1e-14", "from −0.3 to 4·10⁻⁵, 10⁻¹⁴ or −10⁻¹⁴"),
    ("4.38e+03, 7.5e+09, 95 %", "4380, 7.5·10⁹, 95%"),
    ("[-1, 1], (75)-(77), x-1, 10-20, log-normal", "[−1, 1], (75)-(77), x-1, 10-20, log-normal"),
])
def test_numbers_are_as_in_print(text, right):
    assert words.numbers(text) == right
    assert words.numbers(right) == right


@pytest.mark.parametrize("text, right", [
    ("|w_t|, w_{t-1} and C_ij", "|w<sub>t</sub>|, w<sub>t−1</sub> and C<sub>ij</sub>"),
    ("2^(−t), 2^t, float_64", "2<sup>−t</sup>, 2<sup>t</sup>, float_64"),
    ("so a < 0 and |w| > 1/λ", "so a\u00a0&lt;\u00a00 and |w|\u2060\u00a0&gt;\u00a01/\u2060λ"),
    ("<b>w_t</b>", "&lt;b&gt;w<sub>t</sub>&lt;/b&gt;"),
])
def test_plain_words_get_their_indices_and_keep_together(text, right):
    assert words.setting(typeset(text)) == right


def test_formulas_stay_and_keep_their_stop():
    formula = typeset("$w_t -1 < 2^t$")
    assert words.setting(formula) == formula
    assert words.setting(typeset("for ($w_t -1 < 2^t$), too")) == f'for <span class="formula-and-stop">({formula}),</span> too'
    assert words.setting(typeset(r"it is $\text{True}$")) == "it is true"
    assert words.setting(typeset(r"$\frac{\left(-1\right) x}{2}$, $a \left(-1\right) b$")).count("-1") == 1


@pytest.mark.parametrize("text, right", [
    ("the share is 1", "the share is 1."), ("it is $a$", f"it is {typeset('$a$')}."), ("It is so.", "It is so."),
    ("It is so. (Or not.)", "It is so. (Or not.)"), ("$a$, $b$", typeset("$a$, $b$")), ("", ""),
])
def test_words_end_with_a_stop_and_formulas_alone_do_not(text, right):
    assert words.ended(typeset(text)) == right


def test_a_verdict_keeps_its_broken_formulas():
    v = check("beyond:half", printed="a/2", derived=a / 2, says="Not in the paper: half of $a$ is", reason="At -1 it is -0.5.", broken=["-1*a"])
    html = words.verdict(badge(v))
    assert "<p>Ours: Half of" in html and "</span>.</span></p>" in html and "At −1 it is −0.5." in html
    assert "-1*a" in html and "Printed" not in html
    assert "Printed: " in words.verdict(badge(check("eq:1", "a/2", a / 2, says="Not in the paper: it is")))


def test_a_picture_changes_in_its_words_only():
    figure, ax = figures.new()
    ax.plot([-1, 1], [0, 1], label="-0.5")
    before = figures.show(figure, alt="from -1 to 1e-05", caption="It begins at -1 for $x = -1$.")._repr_html_()
    after = words.picture(before)
    assert 'aria-label="from −1 to 10⁻⁵"' in after and "<figcaption>It begins at −1 for" in after
    svg = re.compile(r"<svg[^>]*>(.*?)</svg>", re.S)
    assert svg.search(after)[1] == svg.search(before)[1] and r"\(x = -1\)" in after


def test_an_explorer_keeps_its_frames():
    made = explore(lambda ax, a: ax.plot([0, 1], [0, a]), name="line", a=[-1, 2], alt=lambda a: f"a line to {a}", caption="To -1 or 2.")
    data = [json.loads(re.search(r"json\">(.*?)</script>", html)[1]) for html in (made._repr_html_(), words.picture(made._repr_html_()))]
    assert data[1].pop("alts") == ["a line to −1", "a line to 2"] and data[0].pop("alts") == ["a line to -1", "a line to 2"]
    assert data[0] == data[1]
