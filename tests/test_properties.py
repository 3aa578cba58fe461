"""Laws of the library over many inputs, drawn by Hypothesis with a fixed seed."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from saddles import diffusion, exact, noise
from saddles.symbols import S, lam, w

curvature = st.floats(-8, 8)
rate = st.floats(0.01, 4).filter(lambda r: abs(r - 1) > 1e-3)
steps = st.integers(0, 300)
size = st.floats(1e-4, 10)


@given(curvature, rate, steps)
def test_the_growth_law_is_a_distribution_with_the_right_mean_and_variance(a, r, t):
    values, probs = exact.log_growth_law(a, r, t)
    assert values.shape == probs.shape == (t + 1,)
    assert probs.min() >= 0 and probs.sum() == pytest.approx(1, abs=1e-12)
    if np.all(np.isfinite(exact.log_factors(a, r))):
        mean = probs @ values
        assert mean == pytest.approx(t * exact.mu(a, r), abs=1e-9 * (1 + abs(mean)))
        spread = t * exact.s2(a, r)
        assert probs @ (values - mean) ** 2 == pytest.approx(spread, abs=1e-9 * (1 + spread))


@given(curvature, rate, steps, size, st.floats(0.1, 10))
def test_escape_depends_on_the_ratio_of_threshold_and_start_only(a, r, t, threshold, factor):
    one = exact.escape_probability(a, r, t, threshold, w0=2.0)
    other = exact.escape_probability(a, r, t, threshold * 4, w0=-8.0)  # powers of two: no rounding
    assert one == pytest.approx(other, abs=1e-12)
    near, far = exact.escape_probability(a, r, t, [threshold, threshold * factor])
    assert (near - far) * (factor - 1) >= -1e-12  # falls with the threshold
    assert -1e-12 <= near <= 1 + 1e-12


@given(curvature, rate, st.integers(1, 60), size)
def test_escape_from_a_uniform_start_is_the_mean_over_starts(a, r, t, threshold):
    values, probs = exact.log_growth_law(a, r, t)
    direct = probs @ np.maximum(0.0, 1 - threshold * np.exp(-np.clip(values, -600, 600)))
    assert exact.escape_probability(a, r, t, threshold) == pytest.approx(direct, abs=1e-12)


@given(curvature, rate, steps, size)
def test_chebyshev_holds(a, r, t, threshold):
    """P(|w_t| > u) <= E w_t^2 / u^2 for w_0 = 1."""
    with np.errstate(over="ignore"):
        bound = exact.mean_w2(a, r, t) / threshold**2
    assert exact.escape_probability(a, r, t, threshold, w0=1.0) <= bound * (1 + 1e-9) + 1e-12


@given(curvature, rate, steps, st.integers(0, 300))
def test_moments_multiply_over_time(a, r, t, more):
    for moment in (exact.mean_w, exact.mean_w2):
        with np.errstate(over="ignore", under="ignore"):
            both, product = moment(a, r, t + more), moment(a, r, t) * moment(a, r, more)
        if 1e-250 < abs(product) < 1e250:
            assert both == pytest.approx(product, rel=1e-9)
    assert exact.mean_w2(a, r, 1) >= exact.mean_w(a, r, 1) ** 2 * (1 - 1e-12)  # Jensen


@given(curvature, rate)
def test_mu_is_below_half_the_log_of_the_second_moment(a, r):
    assert exact.mu(a, r) <= math.log(exact.mean_w2(a, r, 1)) / 2 + 1e-12
    assert exact.s2(a, r) >= 0


@given(curvature, st.floats(1e-6, 1e-4))
def test_small_rates_are_the_diffusion(a, r):
    """mu / lambda -> -E x, and to second order -E x^2 / 2: the SDE's exponent, eq. (43) on eq. (4)."""
    law = noise.TwoPoint(a)
    second = law.mean**2 + law.var
    assert exact.mu(a, r) == pytest.approx(-r * law.mean - r**2 * second / 2, abs=50 * (r * (1 + abs(a))) ** 3 + 1e-15)


@given(st.floats(-3, 3), st.floats(0.1, 3), rate, st.floats(0.01, 100))
def test_gaussian_mu_scales_with_the_data(mean, std, r, factor):
    scaled = exact.gaussian_mu(mean * factor, std * factor, r / factor)
    assert scaled == pytest.approx(float(exact.gaussian_mu(mean, std, r)), abs=1e-11)


@given(st.floats(-8, 0.99))
def test_the_critical_rates_are_roots_of_mu(a):
    for low, high in exact.attracting_rates(a):
        assert 0 <= low < high
        assert exact.mu(a, (low + high) / 2) < 0
        assert exact.mu(a, high * (1 + 1e-6)) > 0
        if low > 1e-6:
            assert exact.mu(a, low * (1 - 1e-6)) > 0


@given(st.floats(1.001, 20))
def test_two_intervals_meet_where_mu_is_positive_or_zero(a):
    intervals = exact.attracting_rates(a)
    ends = [end for interval in intervals for end in interval]
    assert ends == sorted(ends) and ends[0] == 0
    assert len(intervals) == (2 if a * a - 8 * a + 8 >= 0 else 1)
    for low, high in intervals:
        middle = (low + high) / 2
        assert high - low < 1e-9 or exact.mu(a, middle) <= 1e-12
    if len(intervals) == 2:
        gap = (intervals[0][1] + intervals[1][0]) / 2
        assert exact.mu(a, gap) >= -1e-9


@given(st.integers(1, 40), st.floats(-5, 5), st.floats(0.1, 5))
def test_batches_divide_the_variance(batch, mean, std):
    assert noise.batch_mean(noise.Gaussian(mean, std), batch).var == pytest.approx(std**2 / batch)
    coin = noise.batch_mean(noise.TwoPoint(mean), batch)
    assert sum(coin.probs) == pytest.approx(1) and min(coin.probs) >= 0
    assert coin.var == pytest.approx(noise.TwoPoint(mean).var / batch, abs=1e-12)


@given(st.floats(0.2, 3), st.floats(0.05, 0.8), st.integers(1, 8))
@settings(max_examples=15)
def test_the_chain_has_the_law_of_the_diffusion(stiff, r, batch):
    """Ornstein-Uhlenbeck: variance lambda / (2 S stiffness)."""
    std = math.sqrt(r / (2 * batch * stiff))
    chain = diffusion.exact_chain(stiff * w**2 / 2, 1, np.linspace(-9 * std, 9 * std, 901), lam=r, S=batch)
    assert chain.probs.min() >= 0 and chain.probs.sum() == pytest.approx(1)
    assert chain.probs @ chain.centres == pytest.approx(0, abs=1e-9 * std)
    assert chain.probs @ chain.centres**2 == pytest.approx(std**2, rel=1e-3)
    density = diffusion.stationary_density(sp.Float(stiff) * w**2 / 2, sp.Integer(1)).subs({lam: r, S: batch})
    mass, error = diffusion.normalise(density)
    assert mass == pytest.approx(std * math.sqrt(2 * math.pi), rel=1e-6) and error < 1e-6 * mass
