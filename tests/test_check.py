"""`check` must give the right verdict, and must refuse to give one that means nothing."""
import json
import re

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from saddles.check import Bounded, CheckError, Sampled, argue, badge, check, define, holds, parse, slug, step, twins, typeset
from saddles.symbols import a, lam, mu, t, w, x

NEGATIVE = {a: (-sp.oo, 0)}
MU = (sp.log(sp.Abs(1 - lam)) + sp.log(sp.Abs(1 - lam * (a - 1)))) / 2


def test_a_true_identity_is_verified_and_its_twins_are_refused():
    v = check("eq:84", "ln((2 - a)/(2*sqrt(1 - a)))", sp.log((2 - a) ** 2 / (4 * (1 - a))) / 2, where=NEGATIVE)
    assert (v.verdict, v.method, v.severity, v.corrected, v.kind) == ("verified", "symbolic", None, None, "equation")
    assert len(v.twins) == 3


def test_the_domain_matters():
    printed = "ln((1 - lam)*(1 - lam*(a - 1)))/2"  # without the absolute value
    assert check("eq:82", printed, MU, where=NEGATIVE | {lam: (0, 1)}).verdict == "verified"
    v = check("eq:82", printed, MU, where=NEGATIVE, only=NEGATIVE | {lam: (0, 1)}, severity="typo")
    assert v.verdict == "corrected" and "0 < \\lambda < 1" in v.corrected


DOMAINS = [((2, sp.oo), sp.Abs(x - 2), x - 2), ((-sp.oo, 2), sp.Abs(x - 2), 2 - x), ((2, 3), sp.Abs(x - 2) + sp.Abs(x - 3), sp.Integer(1)),
           ((-1, 0), sp.Abs(x), -x), ((-sp.oo, sp.oo), sp.cos(x)**2 - sp.cos(2 * x), sp.sin(x)**2)]


@pytest.mark.parametrize("ends, left, right", DOMAINS, ids=str)
def test_a_formula_that_holds_on_a_domain_is_proved_there_and_its_negative_refuted_there(ends, left, right):
    assert holds(left, right, {x: ends}) == (True, "")
    ok, why = holds(left, -right, {x: ends})
    witness = sp.Rational(why.removeprefix("at x = ").partition(":")[0])
    assert not ok and ends[0] < witness < ends[1]


def test_a_formula_that_fails_on_a_part_of_the_domain_is_refuted():
    """Points are drawn on both sides of zero if the domain has no end, or none is given."""
    for where in ({x: (-sp.oo, sp.oo)}, None):
        for side in (x, -x):
            assert not holds(sp.Abs(x), side, where)[0]
    assert not holds((-1) ** t, sp.Integer(1))[0] and not holds((-1) ** t, sp.Integer(-1))[0]


def test_a_wrong_formula_needs_a_correction_that_holds():
    with pytest.raises(CheckError, match="does not hold as printed: at a = "):
        check("claim:4-mean", "a", a / 2)
    with pytest.raises(CheckError, match="the correction does not hold either"):
        check("claim:4-mean", "a", a / 2, corrected="a/3", severity="typo")
    with pytest.raises(ValueError, match="severity must be"):
        check("claim:4-mean", "a", a / 2, corrected="a/2")
    v = check("claim:4-mean", "a", a / 2, corrected="a/2", severity="substantive")
    assert v.verdict == "corrected" and "printed" in v.reason and v.corrected == "$\\frac{a}{2}$"


def test_a_right_formula_cannot_be_corrected():
    with pytest.raises(CheckError, match="nothing to correct"):
        check("eq:1", "a/2", a / 2, corrected="a/3", severity="typo")
    with pytest.raises(CheckError, match="nothing to correct"):
        check("eq:1", "a/2", a / 2, severity="typo")


EMPTY = {
    "a tolerance wider than the effect": lambda: check("eq:1", "1", Bounded(1.0, 5)),
    "a statistic that tells nothing": lambda: check("eq:1", "1", Sampled(1.0, 100.0, 5, 0)),
    "a test that always passes": lambda: check("eq:1", "1", lambda v: True, method="exact"),
    "all symbols cancel": lambda: check("eq:1", "0*a", sp.Integer(0)),
    "a broken formula passes": lambda: check("eq:1", "a", a, broken=["2*a/2"]),
    "the shift is inside the tolerance": lambda: check("eq:1", "0", Bounded(0.2, 1.2)),
}


@pytest.mark.parametrize("call", EMPTY.values(), ids=EMPTY.keys())
def test_an_empty_check_raises(call):
    with pytest.raises(CheckError, match="empty check"):
        call()


def test_the_derived_side_cannot_be_typed_nor_the_printed_side_computed():
    with pytest.raises(ValueError, match="derived must be computed"):
        check("eq:1", "a", "a")
    with pytest.raises(ValueError, match="printed must be typed"):
        check("eq:1", a / 2, a / 2)


def test_undecided_is_an_error_not_a_verdict():
    with pytest.raises(CheckError, match="undecided: .* cannot prove"):  # equal wherever it is looked at
        check("eq:1", "a", a + sp.Heaviside(a - 100))
    with pytest.raises(CheckError, match="undecided: .* has no number"):
        check("eq:1", "a", sp.Function("f")(a))


def test_chains_are_checked_part_by_part():
    v = check("eq:5", ("0", "(2 - a)*w"), (sp.Integer(0), 2 * w - a * w))
    assert v.verdict == "verified" and any("part 2: doubled" in twin for twin in v.twins)
    assert check("eq:5", ("0", "w"), (sp.Integer(0), w * 1)).printed == "$0$, $w$"
    for printed in (("0", "w"), "w"):
        with pytest.raises(CheckError, match=": the two sides differ in their number of parts$"):
            check("eq:5", printed, (sp.Integer(0), w, w))
    with pytest.raises(ValueError, match="^printed must"):
        check("eq:5", ("0", "w ]["), (sp.Integer(0), w))
    both = (Bounded(0.33333, 1e-4), Sampled(0.51, 0.01, 2000, 3))
    assert len(check("eq:5", ("1/3", "1/2"), both, method="numeric").twins) == 6
    assert holds((sp.Rational(1, 3), sp.Integer(1)), both)[1].startswith("0.51 measured")


def test_intervals_differ_by_an_end_point():
    open_ = sp.Interval.open(0, a / (a - 1))
    v = check("eq:8", "Interval(0, a/(a - 1))", open_, where=NEGATIVE, corrected="Interval.open(0, a/(a - 1))", severity="typo")
    assert v.verdict == "corrected" and "end point" in v.reason
    assert any("open or closed" in twin for twin in v.twins)
    with pytest.raises(CheckError):
        check("eq:8", "Interval.open(0, a/(a - 2))", open_, where=NEGATIVE)


def test_numbers_and_samples():
    assert check("eq:1", "1/3", Bounded(0.33333, 1e-4)).method == "numeric"
    assert check("eq:1", "pi", Bounded(sp.pi.n(50), 1e-40)).verdict == "verified"
    with pytest.raises(CheckError):
        check("eq:1", "pi + 1/10**35", Bounded(sp.pi.n(50), 1e-40))
    v = check("fig:1-left", "1/2", Sampled(0.51, 0.01, 2000, 3))
    assert (v.verdict, v.method) == ("consistent", "simulation")
    with pytest.raises(CheckError, match="standard errors"):
        check("fig:1-left", "1/2", Sampled(0.6, 0.01, 2000, 3))


def test_evidence_reaches_as_far_as_it_says_and_no_further():
    assert holds(sp.Rational(3, 4), Bounded(0.5, 0.25))[0] and not holds(sp.Rational(751, 1000), Bounded(0.5, 0.25))[0]
    limit = -float(stats.norm.ppf(0.005))
    for sign in (1, -1):
        assert holds(sp.Float(sign * limit), Sampled(0.0, 1.0, 1, 0, alarm=0.01))[0]
        assert not holds(sp.Float(sign * limit * (1 + 1e-9)), Sampled(0.0, 1.0, 1, 0, alarm=0.01))[0]


@pytest.mark.parametrize("printed", [True, False])
@pytest.mark.parametrize("derived", [True, False, sp.true, sp.false])
def test_truth_values(printed, derived):
    assert holds(printed, derived)[0] == (printed == bool(derived))


def test_a_claim_may_be_false():
    assert check("eq:1", "False", sp.Integer(2) < 1).twins == ("negated",)


def test_what_is_of_another_kind_is_refused():
    for printed, derived in [((a, a), a), (sp.Interval(0, 1), a), (sp.Interval(0, 1), sp.FiniteSet(0, 1)), (a, sp.Interval(0, 1))]:
        assert not holds(printed, derived)[0]
    assert holds(sp.FiniteSet(0, 1), sp.FiniteSet(1, 0))[0]


def test_false_alarm_rate_of_a_sample_is_the_stated_one(alarm):
    """5000 normal estimates, alarm 1 %: the count is binomial with mean 50."""
    estimates = np.random.default_rng(8).normal(0.5, 0.01, 5000)
    refused = sum(not holds(sp.Rational(1, 2), Sampled(e, 0.01, 1, 8, alarm=0.01))[0] for e in estimates)
    alarm(stats.binomtest(refused, 5000, 0.01).pvalue)


def test_a_test_must_refuse_at_least_one_twin_and_says_its_method():
    v = check("eq:79", "2", lambda bound: bool(bound >= 2) and bool(bound < 4), method="exact")
    assert v.twins == ("doubled", "sign changed")
    with pytest.raises(ValueError, match="^method must be"):
        check("eq:79", "2", lambda bound: True)
    with pytest.raises(ValueError, match="^method must be 'simulation' for Sampled, got 'exact'"):
        check("eq:79", "2", Sampled(2.0, 0.1, 100, 1), method="exact")
    with pytest.raises(ValueError, match="^method must be 'numeric' for Bounded, got 'exact'"):
        check("eq:79", "2", Bounded(2.0, 0.1), method="exact")
    with pytest.raises(CheckError, match="must answer True or False"):
        check("eq:79", "2", lambda bound: "yes", method="exact")


def test_argue_needs_steps_and_a_counterexample_for_a_correction():
    good = step("one plus one", "2", sp.Integer(1) + 1)
    v = argue("eq:74", "a limit", [good], changes="this", conversion="that", setup="those")
    assert (v.id, v.kind, v.verdict, v.printed, v.severity, v.corrected) == ("eq:74", "equation", "argued", "a limit", None, None)
    assert (v.changes, v.conversion, v.setup) == ("this", "that", "those")
    assert v.reason == "A proof in words; tested: one plus one."
    assert v.twins == tuple(f"one plus one: {how}" for how in ("doubled", "sign changed", "shifted by 1"))
    v = argue("prop:7", "no such loss", [good], counter=good, instead="some loss", severity="substantive")
    assert (v.verdict, v.method, v.severity, v.corrected, v.reason) == ("corrected", "argument", "substantive", "some loss", "one plus one")
    with pytest.raises(ValueError, match="steps must"):
        argue("eq:74", "a limit", [])
    with pytest.raises(ValueError, match="belong together"):
        argue("eq:74", "a limit", [good], counter=good)
    with pytest.raises(CheckError, match="fails"):
        step("one plus one", "3", sp.Integer(1) + 1)


def test_define():
    assert define("def:1", "a name").record() == {
        "id": "def:1", "kind": "definition", "verdict": "definition", "severity": None, "method": None, "printed": "a name",
        "corrected": None, "reason": "A definition."}


@pytest.mark.parametrize("bad", ["", "8", "eq", "eq:", "figure:1", "eq:8 ", None])
def test_bad_ids(bad):
    with pytest.raises(ValueError, match="id must look like"):
        define(bad, "x")


@pytest.mark.parametrize("bad", ["", "q + 1", "a +", "import os"])
def test_what_is_no_formula(bad):
    with pytest.raises(ValueError, match="text must"):
        parse(bad)
    with pytest.raises(ValueError, match="printed must"):
        check("eq:1", bad, a / 2)
    with pytest.raises(ValueError, match="corrected must"):
        check("eq:1", "a", a / 2, corrected=bad, severity="typo")
    with pytest.raises(ValueError, match="broken must"):
        check("eq:1", "a/2", a / 2, broken=[bad])
    with pytest.raises(ValueError, match="broken must"):
        step("half", "a/2", a / 2, broken=[bad])


def test_names_extends_the_symbols():
    y = sp.Symbol("y", real=True)
    names = {"y": y}
    assert parse("y + a", names) == y + a
    v = check("eq:1", "y/2 + a", y + a, corrected="a + y", broken=["y - a", "3*y"], names=names, severity="typo")
    assert v.corrected == "$a + y$" and v.twins[-2:] == ("y - a", "3*y")
    assert check("eq:1", ("y", "a"), (y * 1, a), broken=[("y", "2*y")], names=names).twins[-1] == "y, 2*y"
    assert step("it is", "y", y * 1, broken=["2*y"], names=names).twins[-1] == "2*y"
    with pytest.raises(CheckError, match="the broken formula y\\*2/2 passes"):
        step("it is", "y", y * 1, broken=["y*2/2"], names=names)


@pytest.mark.parametrize("value", [a, -x, sp.Integer(3), sp.Rational(-1, 2), sp.oo, -sp.oo, True, (a, w), sp.Interval(0, a),
                                   sp.Interval(0, sp.oo), sp.Interval(-sp.oo, 0), sp.Interval(-sp.oo, sp.oo),
                                   sp.Matrix([[a, 1], [1, a]]), sp.log(lam) * mu**t], ids=str)
def test_every_twin_differs(value):
    made = twins(value)
    assert made
    for _, twin in made:
        assert twin != value and not (isinstance(twin, tuple) and list(twin) == list(value))


@pytest.mark.parametrize("low, high, breaks", [(a, 2 * a, 8), (a, sp.oo, 5), (-sp.oo, a, 5), (-sp.oo, sp.oo, 2)])
def test_an_interval_is_broken_at_both_ends(low, high, breaks):
    """Each finite end in four ways, an infinite one by its sign; none of the same kind twice."""
    made = twins(sp.Interval(low, high))
    assert len({how for how, _ in made}) == len(made) == breaks
    assert sum(how.startswith("lower") for how, _ in made) == (1 if low == -sp.oo else 4)
    for kind in (sp.Interval, sp.Interval.open, sp.Interval.Lopen, sp.Interval.Ropen):
        whole = kind(low, high)
        for how, broken in twins(whole):
            if "open or closed" not in how and isinstance(broken, sp.Interval) and broken.inf.is_finite and broken.sup.is_finite:
                assert (broken.left_open, broken.right_open) == (whole.left_open, whole.right_open)


def test_the_twins_of_a_number():
    assert twins(a) == [("doubled", 2 * a), ("sign changed", -a), ("shifted by 1", a + 1)]
    assert twins((a, True)) == [("part 1: doubled", (2 * a, True)), ("part 1: sign changed", (-a, True)),
                                ("part 1: shifted by 1", (a + 1, True)), ("part 2: negated", (a, False))]


def test_the_badge_shows_all_that_is_known():
    v = check("eq:5", "a", a / 2, corrected="a/2", severity="typo", reason="It < says $b$.", changes="more $c$", conversion="the sign $d$",
              broken=["3*a"])
    html = badge(v)
    for shown in (r"\(\frac{a}{2}\)", r"\(a\)", "It &lt; says", r"\(b\)", "more", r"\(c\)", "the sign", r"\(d\)", "typo · symbolic",
                  "corrected", "doubled; sign changed; shifted by 1; 3*a", "eq:5"):
        assert shown in html
    assert not re.search("XX|may be to blame|Changes", badge(check("eq:5", "a", a * 1)))
    bare = badge(define("def:1", "a name"))
    assert "<p></p>" not in bare and "None" not in bare and "Refused" not in bare and "Instead" not in bare


def test_a_verdict_travels_in_the_metadata_and_shows_a_badge():
    v = check("eq:5", "2 - a", 1 - (a - 1), says="the factor is $2 - a$ <b>")
    shown, metadata = v._repr_mimebundle_()
    record = metadata["saddles_verdict"]
    assert json.loads(json.dumps(record)) == record and record["id"] == "eq:5"
    assert set(record) == {"id", "kind", "verdict", "severity", "method", "printed", "corrected", "reason", "twins", "changes", "conversion",
                           "setup", "alarm"}
    assert 'id="verdict-eq-5"' in shown["text/html"] and "ledger.html#eq-5" in shown["text/html"]
    assert "&lt;b&gt;" in badge(v) and r"\(2 - a\)" in badge(v)


def test_typeset_and_slug():
    assert typeset("a < $b < c$") == r'a &lt; <span class="math notranslate nohighlight">\(b &lt; c\)</span>'
    assert slug("claim:6.1-minima") == "claim-6-1-minima"


def test_a_printed_formula_is_shown_as_printed():
    assert check("eq:1", "1/lam", lam ** -1).printed == r"$\frac{1}{\lambda}$"
    v = check("eq:1", "1/2", sp.Rational(1, 2), says="the share is")
    assert v.printed == r"the share is $\frac{1}{2}$"


@pytest.mark.parametrize("name, make", [
    ("error", lambda: Bounded(1, -1e-3)), ("error", lambda: Bounded(1, float("inf"))), ("error", lambda: Bounded(1, float("nan"))),
    ("stderr", lambda: Sampled(0.5, 0.0, 10, 1)), ("stderr", lambda: Sampled(0.5, float("nan"), 10, 1)),
    ("n", lambda: Sampled(0.5, 0.1, 0, 1)), ("alarm", lambda: Sampled(0.5, 0.1, 10, 1, alarm=0)),
])
def test_evidence_must_be_possible(name, make):
    with pytest.raises(ValueError, match=f"^{name} must"):
        make()
