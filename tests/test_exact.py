"""The exact laws against enumeration of all histories, high precision, and their own limits."""
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddles import exact, noise, simulate
from saddles.symbols import a
from scipy import stats

CASES = [(-1.0, 0.8), (-1.0, 0.5), (-2.5, 0.3), (-0.1, 1.3), (0.7, 0.9), (3.0, 0.4)]
curvature, rate = st.floats(-5, 5), st.floats(0.01, 3).filter(lambda r: abs(r - 1) > 1e-3)


def histories(a, lam, t):
    """w_t / w_0 for each of the 2^t equally likely histories."""
    return np.array([np.prod([1 - lam * x for x in h]) for h in product((1.0, a - 1.0), repeat=t)])


@pytest.mark.parametrize("a, lam", CASES)
def test_growth_law_is_that_of_all_histories(a, lam):
    values, probs = exact.log_growth_law(a, lam, 7)
    every = np.log(np.abs(histories(a, lam, 7)))
    assert probs.sum() == pytest.approx(1, abs=1e-14)
    for value in values:  # several counts can give the same value
        assert probs[np.isclose(values, value)].sum() == pytest.approx(np.mean(np.isclose(every, value)), abs=1e-14)
    assert values @ probs == pytest.approx(every.mean(), abs=1e-12)


@pytest.mark.parametrize("a, lam", CASES)
@pytest.mark.parametrize("threshold", [0.05, 0.7, 2.0])
def test_escape_probability_is_that_of_all_histories(a, lam, threshold):
    sizes = np.abs(histories(a, lam, 8))
    assert exact.escape_probability(a, lam, 8, threshold, w0=1.0) == pytest.approx(np.mean(sizes > threshold), abs=1e-14)
    from_uniform = np.mean(np.maximum(0, 1 - threshold / sizes))
    assert exact.escape_probability(a, lam, 8, threshold) == pytest.approx(from_uniform, abs=1e-12)


def test_escape_probability_broadcasts_and_starts_where_told():
    grid = exact.escape_probability(np.array([-1.0, -2.0]), np.array([[0.3], [0.8]]), 9, 0.4, w0=-0.5)
    assert grid.shape == (2, 2)
    assert grid[1, 0] == exact.escape_probability(-1.0, 0.8, 9, 0.8, w0=1.0)
    assert exact.escape_probability(-1.0, 0.8, 9, 0.4, w0=0) == 0
    assert exact.escape_probability(-1.0, 0.8, 0, 0.25) == pytest.approx(0.75)


@pytest.mark.parametrize("a, lam", CASES)
def test_mu_and_s2_to_thirty_digits(a, lam):
    with mpmath.workdps(30):
        logs = [mpmath.log(abs(1 - mpmath.mpf(lam) * x)) for x in (1, mpmath.mpf(a) - 1)]
        mean = sum(logs) / 2
        spread = sum((v - mean) ** 2 for v in logs) / 2
    assert exact.mu(a, lam) == pytest.approx(float(mean), abs=1e-14)
    assert exact.s2(a, lam) == pytest.approx(float(spread), abs=1e-13)


def test_learning_rate_one_is_proposition_1():
    assert exact.mu(-1, 1) == -np.inf
    values, probs = exact.log_growth_law(-1, 1, 3)
    assert values[0] == pytest.approx(3 * np.log(3)) and list(values[1:]) == [-np.inf] * 3
    assert exact.escape_probability(-1, 1, 10, 1e-9, w0=1.0) == pytest.approx(2.0**-10)


@given(a=st.floats(-20, 20), lam=rate)
def test_attracting_rates_are_where_mu_is_negative(a, lam):
    inside = any(low < lam < high for low, high in exact.attracting_rates(a))
    drift = exact.mu(a, lam)
    assert abs(drift) < 1e-9 or inside == (drift < 0)


@pytest.mark.parametrize("a", [-1e6, -3.0, -1e-9, 0.0, 0.5, 1.0, 1.1, 2.0, 7.0])
def test_mu_vanishes_at_the_ends_of_the_attracting_rates(a):
    for interval in exact.attracting_rates(a):
        for end in interval:
            if end > 0:
                assert exact.mu(a, end) == pytest.approx(0, abs=1e-8) or exact.s2(a, end) == np.inf


def test_ends_for_the_paper_s_example():
    assert exact.attracting_rates(-1) == [(0.5, pytest.approx((1 + np.sqrt(17)) / 4))]
    for near in (1e-6, 1e-10, 1e-15):  # the upper end runs into 2, where its formula is 0 / 0
        with mpmath.workdps(50):
            shape = mpmath.mpf(1 - near)
            upper = (mpmath.sqrt(shape**2 - 8 * shape + 8) - shape) / (2 * (1 - shape))
        assert exact.attracting_rates(1 - near) == [(0.0, pytest.approx(float(upper), rel=1e-14))]
    with pytest.raises(ValueError, match="^a and lam must broadcast"):
        exact.mu(np.zeros(2) - 1, np.full(3, 0.5))


@given(a=curvature, lam=rate, t=st.integers(0, 200), low=st.floats(1e-6, 10), factor=st.floats(1, 100))
def test_escape_probability_is_a_probability_and_falls_with_the_threshold(a, lam, t, low, factor):
    near, far = exact.escape_probability(a, lam, t, [low, low * factor])
    assert -1e-12 <= far <= near + 1e-12 <= 1 + 2e-12


@pytest.mark.parametrize("a, lam", CASES)
def test_means_are_those_of_all_histories(a, lam):
    ratios = histories(a, lam, 6)
    assert exact.mean_w(a, lam, 6) == pytest.approx(ratios.mean())
    assert exact.mean_w2(a, lam, 6) == pytest.approx((ratios**2).mean())


BAD = [
    ("a", lambda: exact.mu(np.nan, 0.5)), ("lam", lambda: exact.mu(-1, 0)), ("lam", lambda: exact.s2(-1, -2)),
    ("a", lambda: exact.attracting_rates(np.inf)), ("t", lambda: exact.log_growth_law(-1, 0.5, -1)),
    ("t", lambda: exact.log_growth_law(-1, 0.5, 2.0)), ("t", lambda: exact.log_growth_law(-1, 0.5, 10**12)),
    ("threshold", lambda: exact.escape_probability(-1, 0.5, 3, 0)), ("w0", lambda: exact.escape_probability(-1, 0.5, 3, 1, w0="here")),
    ("w0", lambda: exact.escape_probability(-1, 0.5, 3, 1, w0=np.nan)), ("t", lambda: exact.mean_w(-1, 0.5, True)),
    ("lam", lambda: exact.mean_w2(-1, np.array([0.1, np.inf]), 1)),
]


@pytest.mark.parametrize("name, call", BAD, ids=[f"{i}-{name}" for i, (name, _) in enumerate(BAD)])
def test_bad_input_is_named(name, call):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()


# Gaussian data, Appendix B.2


def gaussian_mu_reference(mean, std, lam):
    """The closed form at 60 digits."""
    with mpmath.workdps(60):
        m, s = 1 - mpmath.mpf(lam) * mpmath.mpf(mean), mpmath.mpf(lam) * mpmath.mpf(std)
        k2 = (m / s) ** 2 / 2
        return mpmath.log(s) - (mpmath.euler + mpmath.log(2)) / 2 + k2 * mpmath.hyp2f2(1, 1, 1.5, 2, -k2)


SHAPES = [0, 1e-8, 0.1, 0.5, 1, 1.3, 2, 3, 5, 7, 9, 9.9999, 10.0001, 11, 15, 30]  # |m|/s, on both sides of 10


@pytest.mark.parametrize("k", SHAPES)
@pytest.mark.parametrize("side, scale", [(1, 1.0), (-1, 1.0), (1, 1e-6), (-1, 1e6)])
def test_gaussian_mu_is_the_closed_form(k, side, scale):
    lam, std = 0.5, 2.0
    mean = (1 - side * k) / lam  # m = side k and s = 1
    assert exact.gaussian_mu(mean, std, lam) == pytest.approx(float(gaussian_mu_reference(mean, std, lam)), abs=1e-14)
    assert exact.gaussian_mu(mean * scale, std * scale, lam / scale) == pytest.approx(
        float(exact.gaussian_mu(mean, std, lam)), abs=1e-13)  # x -> x scale, lambda -> lambda / scale


@pytest.mark.parametrize("mean, std, lam", [(-0.2, 0.5, 0.8), (-1.0, 1.0, 0.3), (0.0, 1.0, 1.0), (3.0, 0.7, 0.4)])
def test_gaussian_mu_is_the_quadrature(mean, std, lam):
    log = lambda v: mpmath.log(abs(1 - lam * v))
    assert exact.gaussian_mu(mean, std, lam) == pytest.approx(
        float(noise.Gaussian(mean, std).expect(log, points=[1 / lam])), abs=1e-14)


def test_gaussian_mu_in_its_limits():
    assert exact.gaussian_mu(0.0, 1.0, 1e9) == pytest.approx(np.log(1e9) - (np.euler_gamma + np.log(2)) / 2)
    assert exact.gaussian_mu(-1.0, 0.0, 0.8) == np.log(1.8)
    assert exact.gaussian_mu(2.0, 0.0, 0.5) == -np.inf  # m = s = 0
    assert exact.gaussian_mu(0.0, 1e-300, 1.0) == 0
    assert exact.gaussian_mu(-1.0, 1e-3, 1.0) == pytest.approx(np.log(2) - 1e-6 / 8, abs=1e-12)
    grid = exact.gaussian_mu(np.linspace(-1, 0, 3), 1.0, np.array([[0.1], [0.5]]))
    assert grid.shape == (2, 3) and grid[1, 2] == exact.gaussian_mu(0.0, 1.0, 0.5)


@given(mean=st.floats(-50, 50), std=st.floats(0.01, 50), lam=rate)
def test_gaussian_mu_falls_below_the_mean_step_at_most(mean, std, lam):
    """Jensen: E log|y| <= log E[y^2] / 2; and Gaussian noise never gives less than k = 0 does."""
    m, s = 1 - lam * mean, lam * std
    value = exact.gaussian_mu(mean, std, lam)
    assert np.log(s) - (np.euler_gamma + np.log(2)) / 2 - 1e-12 <= value <= np.log(m * m + s * s) / 2 + 1e-12


BAD_GAUSSIAN = [("mean", (np.nan, 1.0, 0.5)), ("std", (0.0, -1.0, 0.5)), ("std", (0.0, np.inf, 0.5)),
                ("lam", (0.0, 1.0, 0.0)), ("lam", (0.0, 1.0, [0.1, -1.0]))]


@pytest.mark.parametrize("name, arguments", BAD_GAUSSIAN)
def test_bad_input_of_gaussian_mu_is_named(name, arguments):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        exact.gaussian_mu(*arguments)


# Any law of the data


def student_reference(df, loc, scale, lam):
    """Another way, at 50 digits: log s + E log|T| + (k^2/2) 3F2(1, 1, 1 + df/2; 3/2, 2; -k^2/df)."""
    with mpmath.workdps(50):
        df, half = mpmath.mpf(df), mpmath.mpf(1) / 2
        m, s = 1 - mpmath.mpf(lam) * mpmath.mpf(loc), mpmath.mpf(lam) * mpmath.mpf(scale)
        start = (mpmath.log(df) + mpmath.psi(0, half) - mpmath.psi(0, df / 2)) / 2
        k2 = (m / s) ** 2
        return mpmath.log(s) + start + k2 / 2 * mpmath.hyp3f2(1, 1, 1 + df / 2, 3 * half, 2, -k2 / df)


PLACES = [(-0.2, 1.0), (-1.0, 0.01), (0.0, 1.0), (0.999, 1e-3), (-1.0, 100.0), (1.0, 1.0), (3.0, 1e-4)]


@pytest.mark.parametrize("df", [0.2, 0.5, 1, 1.1, 2, 2.5, 3, 3.7, 10, 300, 10_000])
def test_student_exponent_is_its_hypergeometric_closed_form(df):
    for loc, scale in PLACES:
        value = exact.exponent(noise.StudentT(df, loc, scale), 1.0)
        assert value == pytest.approx(float(student_reference(df, loc, scale, 1.0)), abs=2e-13)


@pytest.mark.parametrize("df", [0.7, 1.5, 4])
def test_student_exponent_is_the_integral(df):
    """Quadrature of the density itself, split at the singularity."""
    with mpmath.workdps(20):
        norm = mpmath.gamma((df + 1) / mpmath.mpf(2)) / mpmath.gamma(df / mpmath.mpf(2)) / mpmath.sqrt(df * mpmath.pi)
        density = lambda t: norm * (1 + t * t / df) ** (-(df + 1) / mpmath.mpf(2))
        # T = sinh(y); 1 - 0.6 (0.5 T - 0.3) = 0 at T = 1.18 / 0.3
        middle = mpmath.asinh(mpmath.mpf("1.18") / mpmath.mpf("0.3"))
        f = lambda y: mpmath.log(abs(mpmath.mpf("1.18") - mpmath.mpf("0.3") * mpmath.sinh(y))) * density(mpmath.sinh(y)) * mpmath.cosh(y)
        total = mpmath.quad(f, [-120, -30, -10, -3, 0, middle, middle + 3, 10, 30, 120])
    assert exact.exponent(noise.StudentT(df, -0.3, 0.5), 0.6) == pytest.approx(float(total), abs=1e-12)


def test_cauchy_exponent_is_elementary():
    lam = np.geomspace(1e-3, 1e3, 50)
    for loc in (-1.0, 0.0, 2.0):
        expected = np.log((1 - lam * loc) ** 2 + (0.7 * lam) ** 2) / 2
        assert exact.exponent(noise.StudentT(1, loc, 0.7), lam) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("lo, hi", [(-1.5, 0.9), (-1.0, 3.0), (0.999, 1.002), (-2.0, -1.9), (-1.0, 1.0), (-100.0, 90.0)])
@pytest.mark.parametrize("lam", [1e-3, 0.3, 1.0, 1.4])
def test_uniform_exponent_is_the_integral(lo, hi, lam):
    with mpmath.workdps(30):
        u, v = 1 - mpmath.mpf(lam) * mpmath.mpf(hi), 1 - mpmath.mpf(lam) * mpmath.mpf(lo)
        whole = lambda y: y * mpmath.log(abs(y)) - y if y else mpmath.mpf(0)
        expected = float((whole(v) - whole(u)) / (v - u))
    assert exact.exponent(noise.Uniform(lo, hi), lam) == pytest.approx(expected, abs=1e-13 * (1 + abs(expected)))


def test_exponent_of_discrete_and_gaussian_laws_are_those_known():
    lam = np.array([0.3, 1.0, 2.5])
    assert exact.exponent(noise.TwoPoint(-1), lam) == pytest.approx(exact.mu(-1.0, lam), abs=1e-15)
    assert exact.exponent(noise.TwoPoint(-1), 1.0) == -np.inf
    assert exact.exponent(noise.Discrete((1, -2), (0, 1)), 1.0) == np.log(3)  # 0 log 0 = 0
    assert np.array_equal(exact.exponent(noise.Gaussian(-0.3, 2.0), lam), exact.gaussian_mu(-0.3, 2.0, lam))
    sample = np.random.default_rng(1).standard_normal(500)
    assert exact.exponent(noise.sample_law(sample), 0.4) == pytest.approx(np.log(np.abs(1 - 0.4 * sample)).mean())
    assert exact.exponent(noise.Uniform(0.5, 0.5), 2.0) == -np.inf == exact.exponent(noise.StudentT(3, 2.0, 0.0), 0.5)
    assert exact.exponent(noise.Uniform(-1, 0), np.ones((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("law", [noise.Uniform(-1.5, 0.9), noise.StudentT(1.5, -0.2, 0.5), noise.Gaussian(-0.1, 1.0)])
def test_exponent_is_the_drift_of_simulated_runs(law, alarm):
    """The mean of 10^6 terms of finite variance is as good as normal."""
    runs, steps = 2000, 500
    drift = simulate.run_log(law, 0.8, np.ones(runs), steps, seed=17).log_abs[-1] / steps
    score = (drift.mean() - exact.exponent(law, 0.8)) / (drift.std(ddof=1) / np.sqrt(runs))
    alarm(2 * stats.norm.sf(abs(score)))


LAWS = [noise.TwoPoint(-1), noise.TwoPoint(0.5), noise.TwoPoint(1.1), noise.TwoPoint(7), noise.Gaussian(-0.1, 1.0),
        noise.Gaussian(1.0, 0.01), noise.Uniform(-1.5, 0.9), noise.StudentT(1.5, -0.01, 1.0), noise.StudentT(1, 0.2, 1.0),
        noise.Discrete((1, -2, 0.2, 0), (0.1, 0.3, 0.2, 0.4)), noise.sample_law([1.0, -2.0, 0.3, -0.1, 5.0])]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_attracting_set_is_where_the_exponent_is_negative(law):
    found = exact.attracting_set(law)
    ends = np.array(found).ravel()
    assert len(found) and np.all(np.diff(ends) > 0)
    for end in ends[ends > 0]:
        below, above = exact.exponent(law, np.array([end * (1 - 1e-9), end * (1 + 1e-9)]))
        assert below * above < 0
    lam = np.concatenate([np.geomspace(1e-3, 50, 4001), (ends[1:] + ends[:-1]) / 2])
    inside = np.any([(low < lam) & (lam < high) for low, high in found], axis=0)
    sure = np.abs(exact.exponent(law, lam)) > 1e-12
    assert np.array_equal(inside[sure], exact.exponent(law, lam[sure]) < 0)


def test_attracting_set_of_the_coin_is_eq_8():
    for shape in (-3, -1, -0.1, 0, 0.5, 1.1, 1.2, 3, 7):
        known, found = exact.attracting_rates(shape), exact.attracting_set(noise.TwoPoint(shape))
        assert np.array(found) == pytest.approx(np.array(known), rel=1e-12)


def test_attracting_set_may_be_empty():
    for law in (noise.Gaussian(-0.33, 1.0), noise.Uniform(-2, -1), noise.StudentT(1, -1e-3, 1.0), noise.StudentT(0.5),
                noise.Discrete((-1, 0), (0.5, 0.5)), noise.Gaussian(-1, 0)):
        assert exact.attracting_set(law) == []
    assert exact.attracting_set(noise.Gaussian(0.5, 0)) == [(0.0, 4.0)]
    # near its only positive value, but on less than float64 resolves
    assert exact.attracting_set(noise.Discrete((1, -9), (0.001, 0.999))) == []


def test_attracting_set_finds_a_dip_between_grid_points():
    """The steepest maximum that Gaussian data trap: |A|/std = 0.32818757 (chapter gaussian-noise)."""
    (low, high), = exact.attracting_set(noise.Gaussian(-0.3281875, 1.0))
    assert high - low < 1e-3 and exact.exponent(noise.Gaussian(-0.3281875, 1.0), (low + high) / 2) < 0
    assert exact.attracting_set(noise.Gaussian(-0.3281876, 1.0)) == []


BAD_LAWS = [("lam", lambda: exact.exponent(noise.TwoPoint(-1), 0)), ("lam", lambda: exact.exponent(noise.Uniform(0, 1), [1, np.inf])),
            ("law", lambda: exact.exponent(-1.0, 0.5)), ("law", lambda: exact.attracting_set("coin")),
            ("df", lambda: exact.exponent(noise.StudentT(0.1), 0.5)), ("values", lambda: exact.exponent(noise.TwoPoint(a), 0.5)),
            ("mean", lambda: exact.attracting_set(noise.Gaussian(a, 1)))]


@pytest.mark.parametrize("name, call", BAD_LAWS, ids=[f"{i}-{name}" for i, (name, _) in enumerate(BAD_LAWS)])
def test_bad_input_for_any_law_is_named(name, call):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        call()


# The index of the tail with additive noise


GOLDEN = (1 + np.sqrt(5)) / 2


@pytest.mark.parametrize("g", [1.05, 1.7, 2.0, 10.0, 1e3])
def test_tail_index_of_the_golden_coin(g):
    """Factors g and g^-2: y = g^kappa solves y + y^-2 = 2, so y is the golden ratio."""
    law, lam = noise.Discrete((1.0, (1 - g) / (1 - g**-2)), (0.5, 0.5)), 1 - g**-2
    assert exact.tail_index(law, lam) == pytest.approx(np.log(GOLDEN) / np.log(g), rel=1e-13)


@pytest.mark.parametrize("a", [-5.0, -1.0, -0.01, 0.5])
def test_tail_index_where_one_factor_is_zero(a):
    """Proposition 1's learning rate: 2^-1 (2 - a)^kappa = 1."""
    assert exact.tail_index(noise.TwoPoint(a), 1.0) == pytest.approx(np.log(2) / np.log(2 - a), rel=1e-14)


@pytest.mark.parametrize("mean, std", [(0.5, 1.0), (1.0, 0.2), (2.0, 3.0)])
def test_tail_index_is_two_where_the_mean_square_is_constant(mean, std):
    """E (1 - lambda x)^2 = 1 at lambda = 2 E[x] / E[x^2], whatever the law."""
    lam = 2 * mean / (mean**2 + std**2)
    assert exact.tail_index(noise.Gaussian(mean, std), lam) == pytest.approx(2, rel=1e-13)
    coin = noise.Discrete((mean - std, mean + std), (0.5, 0.5))
    assert exact.tail_index(coin, lam) == pytest.approx(2, rel=1e-13)


def gaussian_log_moment(mean, std, lam, p):
    """log E|1 - lambda x|^p of a normal x in closed form, at 50 digits (Kummer's function)."""
    m, s, p = 1 - mpmath.mpf(lam) * mpmath.mpf(mean), mpmath.mpf(lam) * mpmath.mpf(std), mpmath.mpf(p)
    kummer = mpmath.hyp1f1(-p / 2, mpmath.mpf(1) / 2, -((m / s) ** 2) / 2)
    return (p * mpmath.log(s * mpmath.sqrt(2)) + mpmath.loggamma((p + 1) / 2)
            - mpmath.log(mpmath.pi) / 2 + mpmath.log(kummer))


@pytest.mark.parametrize("mean, std, lam", [(0.0, 1.0, 1.0), (-0.2, 1.0, 1.0), (-0.277, 1.0, 1.0), (0.5, 0.1, 0.3), (0.9, 0.03, 1.0),
                                            (1.0, 0.5, 0.1), (-0.01, 0.2, 1.1), (3.0, 0.7, 0.4)])
def test_tail_index_of_gaussian_data_solves_its_equation(mean, std, lam):
    """On both sides of kappa the closed form has different signs, within the promised error."""
    kappa = exact.tail_index(noise.Gaussian(mean, std), lam)
    error = 1e-14 * (1 + 1 / abs(float(exact.gaussian_mu(mean, std, lam))))
    with mpmath.workdps(50):
        below, above = (gaussian_log_moment(mean, std, lam, mpmath.mpf(kappa) * (1 + side * error)) for side in (-1, 1))
    assert below < 0 < above


def absolute_moment(density, m, s, p, ends):
    """E|m + s z|^p by tanh-sinh quadrature at 30 digits; z has this density between the ends."""
    with mpmath.workdps(30):
        m, s = mpmath.mpf(m), mpmath.mpf(s)
        cuts = sorted({*map(mpmath.mpf, ends), -m / s, mpmath.mpf(0)})
        cuts = [c for c in cuts if ends[0] <= c <= ends[-1]]
        return mpmath.quad(lambda z: abs(m + s * z) ** p * density(z), cuts)


@pytest.mark.parametrize("lo, hi, lam", [(-1.2, 1.0, 1.3), (-2.0, 1.9, 1.0), (-0.1, 3.0, 0.5), (0.5, 2.5, 0.9)])
def test_tail_index_of_uniform_data_solves_its_equation(lo, hi, lam):
    kappa = exact.tail_index(noise.Uniform(lo, hi), lam)
    side = [absolute_moment(lambda z: 1, 1 - lam * lo, -lam * (hi - lo), mpmath.mpf(kappa) * (1 + shift), (0, 1))
            for shift in (-1e-10, 1e-10)]
    assert side[0] < 1 < side[1]


def student_excess(df, m, s, p):
    """E|m + s T|^p - 1 for T Student's t, 25 digits: the integral over log|T + m/s|, its far end by hand."""
    with mpmath.workdps(25):
        df, m, s, p, end = *map(mpmath.mpf, (df, m, s, p)), 60
        norm = mpmath.gamma((df + 1) / 2) / mpmath.gamma(df / 2) / mpmath.sqrt(df * mpmath.pi)
        density = lambda z: norm * (1 + z * z / df) ** (-(df + 1) / 2)
        near = mpmath.quad(lambda u: (s * mpmath.exp(u)) ** p * mpmath.exp(u)
                           * (density(mpmath.exp(u) - m / s) + density(-mpmath.exp(u) - m / s)),
                           [-80, -20, -5, -2, 0, 1, 2, 3, 4, 5, 6, 8, 12, 20, end])
        far = 2 * norm * df ** ((df + 1) / 2) * s**p * mpmath.exp((p - df) * end) / (df - p)
        return near + far - 1


@pytest.mark.parametrize("df, loc, scale, lam", [(3.0, -0.05, 1.0, 0.7), (1.5, 0.2, 0.6, 0.5), (5.0, 0.9, 0.3, 1.0),
                                                 (2.5, 0.9, 0.05, 1.0), (0.5, 1.0, 0.01, 1.0)])
def test_tail_index_of_student_data_solves_its_equation(df, loc, scale, lam):
    kappa = exact.tail_index(noise.StudentT(df, loc, scale), lam)
    below, above = (student_excess(df, 1 - lam * loc, lam * scale, kappa * (1 + side * 1e-11)) for side in (-1, 1))
    assert 0 < kappa < df and below < 0 < above


def test_tail_index_of_student_data_cannot_exceed_the_degrees_of_freedom():
    """|1 - lambda x| has no moment from df on; with little noise kappa is all but df."""
    assert exact.tail_index(noise.StudentT(30.0, 0.5, 0.1), 0.8) == pytest.approx(30, rel=1e-8)


def test_tail_index_of_student_data_with_many_degrees_is_nearly_the_gaussian_one():
    bell = exact.tail_index(noise.Gaussian(-0.1, 1.0), 1.0)
    assert exact.tail_index(noise.StudentT(1e5, -0.1, 1.0), 1.0) == pytest.approx(bell, rel=1e-4)


@given(a=st.floats(-5, -0.01), lam=rate)
def test_tail_index_of_the_coin_at_a_maximum(a, lam):
    """Below 1 where the maximum attracts: there E|1 - lambda x| >= 1 - lambda a/2 > 1. Else there is none."""
    kappa, drift = exact.tail_index(noise.TwoPoint(a), lam), exact.mu(a, lam)
    if drift > -1e-6:
        assert np.isnan(kappa) or drift < 0
    else:
        factors = np.abs(1 - lam * np.array([1, a - 1]))
        assert 0 < kappa < 1
        assert np.mean(factors ** (0.999 * kappa)) < 1 < np.mean(factors ** (1.001 * kappa))


def test_tail_index_where_there_is_none():
    assert np.isnan(exact.tail_index(noise.TwoPoint(-1.0), 0.5))  # mu = 0, factors 1/2 and 2
    assert np.isnan(exact.tail_index(noise.TwoPoint(-1.0), 0.3))  # mu > 0
    assert np.isnan(exact.tail_index(noise.Gaussian(-1.0, 1.0), 0.3))
    assert exact.tail_index(noise.TwoPoint(1.5), 0.5) == np.inf  # a bowl in every sample
    assert exact.tail_index(noise.Gaussian(1.0, 0.0), 0.5) == np.inf
    assert exact.tail_index(noise.Uniform(0.5, 1.5), 0.5) == np.inf
    assert np.isnan(exact.tail_index(noise.StudentT(1.0, -0.1, 1.0), 0.7))  # Cauchy data: mu > 0
    assert exact.tail_index(noise.Discrete((1.0, -50.0), (1.0, 0.0)), 0.5) == np.inf  # never drawn


@pytest.mark.parametrize("lam", [0, -1.0, np.nan, np.inf])
def test_bad_input_of_tail_index_is_named(lam):
    with pytest.raises(ValueError, match=r"^lam must"):
        exact.tail_index(noise.TwoPoint(-1.0), lam)


@pytest.mark.parametrize("law", ["coin", None, 1.0])
def test_a_law_that_is_none_is_named(law):
    with pytest.raises(ValueError, match=r"^law must"):
        exact.tail_index(law, 0.5)
