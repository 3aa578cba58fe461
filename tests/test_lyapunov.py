"""Lyapunov exponents against laws whose exponents are known in closed form.

How often the statistical tests may fail by chance stands in alarms.py.
"""
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from saddles import exact
from saddles.lyapunov import Matrices, _image, bracket, exponents, mean_log_det, upper_bounds
from scipy import special, stats

def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def turned(p, q, angles):
    """p I + q times the reflection at each angle: eigenvalues p + q and p - q."""
    return Matrices([p * np.eye(2) + q * rotation(t) @ np.diag([1.0, -1.0]) for t in angles])


def heavy_ball(a, lam, beta):
    return Matrices([[[1 + beta - lam * x, -beta], [1, 0]] for x in (1.0, a - 1.0)])


def by_chance(score):
    """How often a normal error is as large as this many standard errors."""
    return 2 * stats.norm.sf(abs(score))


def agrees(found, expected, alarm):
    for score in (found.mean - np.asarray(expected)) / found.stderr:
        alarm(by_chance(score))
    assert np.all(found.stderr < 0.02)  # else the comparison says nothing


# laws with known exponents: (law, exponents)
SPIRAL = Matrices([2.0 * rotation(0.4), 0.3 * rotation(-1.1), 1.5 * rotation(2.0)], [0.5, 0.3, 0.2])
TRIANGULAR = Matrices([[[0.5, 3.0], [0.0, 1.7]], [[2.5, -1.0], [0.0, 0.4]]], [0.25, 0.75])
DIAGONAL = Matrices([np.diag([3.0, 0.5]), np.diag([0.2, -1.6])])
KNOWN = {
    "spiral": (SPIRAL, [SPIRAL.probs @ np.log([2.0, 0.3, 1.5])] * 2),
    "triangular": (TRIANGULAR, [0.25 * np.log(0.5) + 0.75 * np.log(2.5), 0.25 * np.log(1.7) + 0.75 * np.log(0.4)]),
    "diagonal": (DIAGONAL, [np.log(0.5 * 1.6) / 2, np.log(3 * 0.2) / 2]),
    # Jensen's formula: the mean of log|p + q e^(i angle)| is log max(p, q), here up to (q/p)^24
    "isotropic": (turned(1.3, 0.2, 2 * np.pi * np.arange(24) / 24), [np.log(1.3), np.log(1.3**2 - 0.2**2) - np.log(1.3)]),
    "isotropic, negative determinant": (turned(0.2, 1.3, 2 * np.pi * np.arange(24) / 24),
                                        [np.log(1.3), np.log(1.3**2 - 0.2**2) - np.log(1.3)]),
    "one matrix": (Matrices([[[2.0, 1.0], [1.0, 1.0]]]), [np.log((3 + 5**0.5) / 2), np.log((3 - 5**0.5) / 2)]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_bracket_encloses_the_known_exponent(name):
    law, (top, _) = KNOWN[name]
    for cells, width in ((8, 4), (512, 0.1), (8192, 0.01)):
        low, high = bracket(law, cells)
        assert low <= top <= high
        assert high - low < width or name in ("diagonal", "one matrix")  # see the next test


LOWER = Matrices(TRIANGULAR.values[:, ::-1, ::-1], [0.9, 0.1])  # both keep the line of e_2


@pytest.mark.parametrize("law, slow", [
    (DIAGONAL, KNOWN["diagonal"][1][1]), (KNOWN["one matrix"][0], KNOWN["one matrix"][1][1]),
    (LOWER, 0.9 * np.log(0.5) + 0.1 * np.log(2.5))])
def test_the_lower_bound_is_that_of_the_slowest_line_that_all_matrices_share(law, slow):
    low, high = bracket(law, 4096)
    assert slow - 0.05 < low <= slow < high


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "one matrix"])
def test_simulation_finds_both_known_exponents(name, alarm):
    law, known = KNOWN[name]
    agrees(exponents(law, 2, steps=300, burn_in=200, n=200, seed=3, count=2), sorted(known, reverse=True), alarm)


def test_one_matrix_has_no_scatter():
    law, known = KNOWN["one matrix"]
    found = exponents(law, 2, steps=10, burn_in=60, n=20, seed=3, count=2)
    assert found.mean == pytest.approx(known, abs=1e-12) and np.all(found.stderr < 1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_sum_of_the_exponents(name):
    law, known = KNOWN[name]
    assert mean_log_det(law) == pytest.approx(sum(known), abs=1e-12)


@pytest.mark.parametrize("name", KNOWN)
def test_upper_bounds_are_above_and_fall_along_doublings(name):
    law, (top, _) = KNOWN[name]
    bounds = upper_bounds(law, 3 if len(law.values) > 3 else 8)
    assert np.all(bounds >= top - 1e-12)
    for k in range(1, len(bounds) // 2 + 1):
        assert bounds[2 * k - 1] <= bounds[k - 1] + 1e-12


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_gaussian_matrices_are_newman_s(dim, alarm):
    """Newman 1986: gamma_i = (log 2 + digamma((d - i + 1)/2))/2 for entries N(0, 1), all independent."""
    class Gauss:
        def sample(self, rng, n):
            return rng.standard_normal((n, dim, dim))

    known = (np.log(2) + special.digamma((dim - np.arange(dim)) / 2)) / 2
    agrees(exponents(Gauss(), dim, steps=300, burn_in=50, n=100, seed=5, count=dim), known, alarm)


@pytest.mark.parametrize("a, lam", [(-1.0, 0.8), (-1.0, 0.3), (-2.5, 0.4)])
def test_one_dimension_is_mu(a, lam, alarm):
    law = Matrices([[[1 - lam]], [[1 - lam * (a - 1)]]])
    mu = exact.mu(a, lam)
    agrees(exponents(law, 1, steps=500, burn_in=0, n=400, seed=7), [mu], alarm)
    assert upper_bounds(law, 9) == pytest.approx(np.full(9, mu), abs=1e-12)
    assert mean_log_det(law) == pytest.approx(mu, abs=1e-14)


def test_the_standard_error_is_the_exact_one(alarm):
    """In one dimension it is s / sqrt(steps n); an estimated one scatters by 1/sqrt(2 n)."""
    n, steps = 4000, 50
    found = exponents(Matrices([[[0.2]], [[2.6]]]), 1, steps=steps, burn_in=5, n=n, seed=8)
    s = np.sqrt(exact.s2(-1.0, 0.8))
    alarm(by_chance((found.stderr[0] * np.sqrt(steps * n) / s - 1) * np.sqrt(2 * n)))


def test_a_product_that_vanishes_has_exponent_minus_infinity():
    law = Matrices([[[1.5, 1.5], [1.5, 1.5]], [[1.5, -1.5], [-1.5, 1.5]]])
    found = exponents(law, 2, steps=100, burn_in=0, n=50, seed=1)
    assert found.mean[0] == -np.inf and np.isnan(found.stderr[0])
    assert mean_log_det(law) == -np.inf
    assert upper_bounds(law, 3)[0] == pytest.approx(np.log(3)) and upper_bounds(law, 3)[1] == -np.inf


def test_nothing_over_or_underflows(alarm):
    for scale in (1e200, 1e-200):
        law = Matrices(SPIRAL.values * scale, SPIRAL.probs)
        top = KNOWN["spiral"][1][0] + np.log(scale)
        found = exponents(law, 2, steps=300, burn_in=0, n=300, seed=2)
        alarm(by_chance((found.mean[0] - top) / found.stderr[0]))
        assert upper_bounds(law, 5) == pytest.approx(np.full(5, top), rel=1e-12)
        low, high = bracket(law, 256)
        assert low <= top <= high


@pytest.mark.parametrize("law", [heavy_ball(-1.0, 0.4, 0.2), heavy_ball(-1.0, 0.8, 0.9), turned(1.4, 1.2, [0.3, -0.3, 2.8, 3.4])])
def test_simulation_lies_in_the_bracket(law, alarm):
    low, high = bracket(law, 16384)
    found = exponents(law, 2, steps=500, burn_in=150, n=300, seed=11, count=2)
    outside = max(low - found.mean[0], found.mean[0] - high, 0)
    alarm(by_chance(outside / found.stderr[0]))
    assert found.stderr[0] < 0.005 and high - low < 0.006
    off = max(abs(found.mean.sum() - mean_log_det(law)) - 1e-12, 0)  # rounding
    alarm(by_chance(off / found.stderr.sum()))


def test_enumeration_is_that_of_all_products():
    law = Matrices(TRIANGULAR.values, TRIANGULAR.probs)
    expected = 0
    for word in product(range(2), repeat=4):
        m = law.values[word[0]] @ law.values[word[1]] @ law.values[word[2]] @ law.values[word[3]]
        expected += np.prod(law.probs[list(word)]) * np.log(np.linalg.svd(m, compute_uv=False)[0]) / 4
    assert upper_bounds(law, 4)[3] == pytest.approx(expected, abs=1e-13)


entry = st.floats(-3, 3).map(lambda v: round(v, 3))
matrix = st.lists(entry, min_size=4, max_size=4).map(lambda e: np.array(e).reshape(2, 2))


def regular(*matrices):
    for m in matrices:
        assume(abs(np.linalg.det(m)) > 1e-2)


@settings(max_examples=60, deadline=None)
@given(m=matrix, at=st.floats(0, 0.999999), cells=st.sampled_from([4, 7, 64, 1001]), inside=st.floats(0, 1))
def test_images_of_arcs_are_not_missed(m, at, cells, inside):
    """Any direction in an arc: log|m u| within the arc's bounds, m u in one of the arcs listed."""
    regular(m)
    shortest, longest, pairs = _image(m, cells)
    cell = int(at * cells)
    angle = (cell + inside) * np.pi / cells
    to = m @ [np.cos(angle), np.sin(angle)]
    assert shortest[cell] - 1e-9 <= np.log(np.hypot(*to)) <= longest[cell] + 1e-9
    where = np.arctan2(to[1], to[0]) % np.pi * cells / np.pi
    first, stop = pairs[2 * cell : 2 * cell + 2]
    assert any(first - 1e-6 <= where + turn * cells <= stop + 1e-6 for turn in (-1, 0, 1, 2))


@settings(max_examples=25, deadline=None)
@given(first=matrix, second=matrix, basis=matrix, p=st.floats(0.1, 0.9))
def test_bounds_are_consistent_in_any_basis(first, second, basis, p):
    regular(first, second, basis)
    law = Matrices([first, second], [p, 1 - p])
    other = Matrices(basis @ law.values @ np.linalg.inv(basis), law.probs)
    (low, high), (low2, high2) = bracket(law, 512), bracket(other, 512)
    assert max(low, low2) <= min(high, high2)
    assert low <= upper_bounds(law, 8).min() + 1e-9
    assert high >= mean_log_det(law) / 2 - 1e-9


def test_draws_follow_the_probabilities(alarm):
    law, n = Matrices(np.arange(3.0)[:, None, None], [0.2, 0.0, 0.8]), 100_000
    counts = np.bincount(law.sample(np.random.default_rng(0), n).ravel().astype(int), minlength=3)
    assert counts[1] == 0
    alarm(stats.binomtest(counts[0], n, 0.2).pvalue)


def test_a_seed_gives_the_same_numbers():
    first, again, other = (exponents(SPIRAL, 2, steps=20, burn_in=0, n=9, seed=s) for s in (1, 1, 2))
    assert first.mean == again.mean and first.mean != other.mean


ARGS = {"steps": 5, "burn_in": 0, "n": 4, "seed": 0}
BAD = [
    ("values", lambda: Matrices([[1.0, 2.0]])), ("values", lambda: Matrices([[[np.nan]]])), ("values", lambda: Matrices([])),
    ("probs", lambda: Matrices([[[1.0]]], [0.5])), ("probs", lambda: Matrices([[[1.0]]], [0.5, 0.5])),
    ("probs", lambda: Matrices([[[1.0]], [[1.0]]], [1.5, -0.5])),
    ("dim", lambda: exponents(SPIRAL, 0, **ARGS)), ("count", lambda: exponents(SPIRAL, 2, **ARGS, count=3)),
    ("steps", lambda: exponents(SPIRAL, 2, **ARGS | {"steps": 0})), ("n", lambda: exponents(SPIRAL, 2, **ARGS | {"n": 1})),
    ("burn_in", lambda: exponents(SPIRAL, 2, **ARGS | {"burn_in": -1})), ("seed", lambda: exponents(SPIRAL, 2, **ARGS | {"seed": 0.5})),
    ("law", lambda: exponents(SPIRAL, 3, **ARGS)), ("n", lambda: upper_bounds(SPIRAL, 0)), ("n", lambda: upper_bounds(SPIRAL, 13)),
    ("law", lambda: bracket(Matrices([[[1.0]]]))), ("law", lambda: bracket(Matrices([[[1.0, 1.0], [1.0, 1.0]]]))),
    ("cells", lambda: bracket(SPIRAL, 3)), ("iterations", lambda: bracket(SPIRAL, 8, 0)),
]


@pytest.mark.parametrize("name, call", BAD, ids=[f"{i}-{name}" for i, (name, _) in enumerate(BAD)])
def test_bad_input_is_named(name, call):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()


def test_a_matrix_that_is_never_drawn_does_not_count():
    law = Matrices([2 * np.eye(2), np.zeros((2, 2))], [1.0, 0.0])
    assert mean_log_det(law) == pytest.approx(2 * np.log(2))
    assert law.sample(np.random.default_rng(0), 0).shape == (0, 2, 2)
