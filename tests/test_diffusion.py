"""The continuous-time limit: against closed forms, other quadratures and the chain against paths."""

import math
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import stats
from saddles import diffusion
from saddles.diffusion import (
    euler_maruyama,
    exact_chain,
    flux,
    fokker_planck,
    noise_for,
    normalise,
    stationary_density,
)
from saddles.landscapes import quadratic
from saddles.simulate import uniform
from saddles.symbols import S, a, b, c0, lam, sigma, t, w, w0, x

QUARTIC = a * w**2 / 2 + b * w**4 / 4
u = sp.Symbol("u", positive=True)


# Symbolic


def test_the_heat_equation_runs_forward():
    P = sp.Function("P")(w, t)
    heat = lam**2 / (2 * S) * sp.diff(P, w, 2)
    assert sp.simplify(fokker_planck(0, 1, P) - heat) == 0
    assert sp.simplify(flux(0, 1, sp.exp(-w)) * 2 * S / lam**2) == sp.exp(-w)  # downhill: to the right


def test_drift_carries_mass_down_the_slope():
    assert flux(w, 0, 1) == -lam


@pytest.mark.parametrize("C", [sp.Integer(1), w**2, w**2 + S * sigma**2, 1 + w**2, sp.exp(w)])
def test_stationary_density_has_no_flux(C):
    p = stationary_density(QUARTIC, C) if C != sp.exp(w) else stationary_density(w, C)
    loss = QUARTIC if C != sp.exp(w) else w
    assert sp.simplify(flux(loss, C, p).subs(w, u)) == 0
    assert sp.simplify(flux(loss, C, p).subs(w, -u)) == 0


def test_a_landscape_is_a_loss():
    assert flux(quadratic.expected(a), 0, 1) == -lam * a * w
    with pytest.raises(ValueError, match="without x"):
        flux(quadratic, 1, 1)


def test_stationary_density_refuses():
    with pytest.raises(ValueError, match="C must not be zero"):
        stationary_density(w, 0)
    with pytest.raises(ValueError, match="SymPy cannot integrate"):
        stationary_density(sp.sin(w), sp.exp(-w**4))
    with pytest.raises(ValueError, match="C must be a SymPy expression"):
        stationary_density(w, "w")


@pytest.mark.parametrize("p, loss", [(sp.exp(-(w - w0) ** 2), w**2 / 2), (sp.exp(-w**2), w**4 / 4),
                                     (1 / (1 + w**2) ** 2, w**2 / 2)])
def test_noise_for_makes_p_stationary(p, loss):
    C = noise_for(p, loss, c0)
    assert sp.simplify(flux(loss, C, p)) == 0
    assert sp.simplify(C.subs(w, 0) - (c0 / p).subs(w, 0)) == 0


def test_another_lower_limit_is_another_constant():
    p = sp.exp(-w**2)
    change = (noise_for(p, w**2 / 2, c0, low=-sp.oo) - noise_for(p, w**2 / 2, c0)) * p
    assert sp.simplify(sp.diff(change, w)) == 0 and sp.simplify(change) != 0


# Integrals


@pytest.mark.parametrize("density, low, high, value", [
    (sp.exp(-w**2), -math.inf, math.inf, math.sqrt(math.pi)),
    (1 / (1 + w**2), -math.inf, math.inf, math.pi),
    (sp.exp(-w**2) / sp.sqrt(sp.Abs(w)), -math.inf, math.inf, math.gamma(0.25)),
    (sp.Abs(w) ** sp.Rational(-99, 100), -1, 1, 200),
    (sp.exp(-(w - 300) ** 2), -math.inf, math.inf, math.sqrt(math.pi)),
    (sp.Abs(w) ** sp.Rational(-3, 2), 1, math.inf, 2),
    (1 / sp.sqrt(1 - w), 0, 1, 2),
    (lambda v: np.exp(-v), 2, math.inf, math.exp(-2)),
    (lambda v: 3.0, -2, 5, 21),
    (sp.Abs(w) ** -1.4, 316.2, math.inf, 2.5 * 316.2**-0.4), (lambda v: np.exp(-(v - 1e6)), 1e6, math.inf, 1),
    (lambda v: v, 1000, 1001, 1000.5), (sp.Abs(w) ** -1.4, -math.inf, -1e-5, 2.5 * 1e-5**-0.4),
    (sp.Integer(0), -1, 1, 0),
])
def test_normalise_knows_integrals(density, low, high, value):
    found, error = normalise(density, low, high)
    loose = 1e-6 if density == 1 / sp.sqrt(1 - w) else 1e-12  # 1 - w has lost digits near w = 1
    assert abs(found - value) <= max(10 * error, loose * value) and error <= 1e-6 * max(value, 1)


def test_normalise_against_tanh_sinh():
    k, power = mpmath.mpf("1e-8"), mpmath.mpf("-0.7")
    exact = 2 * mpmath.quad(lambda y: mpmath.e**y * (mpmath.e ** (2 * y) + k) ** power
                            * mpmath.e ** (-10 * mpmath.e ** (2 * y)), [-60, -20, -9, -3, 0, 2])
    found, error = normalise((w**2 + sp.Float("1e-8")) ** -0.7 * sp.exp(-10 * w**2))
    assert abs(found - exact) < 1e-11 * exact and error < 1e-11 * exact


@pytest.mark.parametrize("density, low, high, end", [
    (sp.Integer(1), -math.inf, math.inf, "at -inf"), (1 / sp.Abs(w), -1, 1, "at 0"),
    (sp.Abs(w) ** -1.5, -1, 1, "at 0"), (sp.Abs(w) ** -0.5, 1, math.inf, "at inf"),
    (sp.exp(w), 0, math.inf, "at inf"), ((w**2 + 0.01) ** 0.25, 0, math.inf, "at inf"),
])
def test_normalise_names_the_end_that_diverges(density, low, high, end):
    with pytest.raises(ValueError, match=f"diverges {end}$"):
        normalise(density, low, high)


def test_normalise_does_not_guess_about_logarithms():
    with pytest.raises(ValueError, match="too slowly to tell"):
        normalise(1 / (sp.Abs(w) * sp.log(2 + w**2) ** 2 + 1))


@pytest.mark.parametrize("density, low, high, message", [
    (w, -1, 1, "density must be finite and >= 0"), (sp.exp(-a * w**2), -1, 1, r"no symbol but w, got \['a'\]"),
    (sp.exp(-w), 1, 1, "low and high must be"), (sp.exp(-w), 0, math.nan, "high must be"),
])
def test_normalise_refuses(density, low, high, message):
    with pytest.raises(ValueError, match=message):
        normalise(density, low, high)


# Paths


def test_ornstein_uhlenbeck_step_by_step(alarm):
    """The variance of the scheme itself: v -> (1 - dt)^2 v + dt."""
    dt, steps, n = 0.1, 30, 40_000
    result = euler_maruyama(lambda v: -v, lambda v: 1.0, np.zeros(n), steps, dt, seed=1)
    var = sum((1 - dt) ** (2 * k) * dt for k in range(steps))
    total = (result.w[0] ** 2).sum() / var  # chi-squared with n degrees of freedom
    alarm(2 * min(stats.chi2.cdf(total, n), stats.chi2.sf(total, n)))
    assert not result.diverged.any() and not result.underflowed.any()


def test_records_and_the_last_state():
    kw = dict(drift=lambda v: -v, noise=lambda v: v, w0=uniform(-1, 1, 50), steps=20, dt=0.01, seed=3)
    every = euler_maruyama(**kw, record=range(21))
    assert every.w.shape == (21, 50) and np.array_equal(every.times, range(21))
    assert np.array_equal(euler_maruyama(**kw).w[0], every.w[-1])
    assert np.all(np.abs(every.w[0]) <= 1)


def test_what_diverges_after_the_last_record_is_counted_too():
    run = euler_maruyama(lambda v: v**3, np.zeros_like, [1.0, 0.0], 60, 1.0, seed=0, record=[0, 1])
    assert np.array_equal(run.w, [[1, 0], [2, 0]]) and run.diverged.tolist() == [True, False]


def test_chunks_are_independent():
    kw = dict(drift=lambda v: -v, noise=lambda v: 1.0, w0=np.zeros(10), steps=100, dt=0.1, seed=3)
    first = euler_maruyama(**kw, chunk=5).w
    assert np.array_equal(first, euler_maruyama(**kw, chunk=5).w)
    assert len(np.unique(first)) == 10


def _pull(v):
    return -v


def _spread(v):
    return np.sqrt(1 + v * v)


def test_workers_change_no_bit_of_a_path():
    kw = dict(drift=_pull, noise=_spread, w0=uniform(-1, 1, 60), steps=90, dt=0.1, seed=3, chunk=25,
              record=[0, 40, 90], boundary=("reflect", -2, 2))
    alone = euler_maruyama(**kw).w
    with ThreadPoolExecutor(2) as threads:
        for how in ({"workers": 2}, {"executor": threads}):
            assert np.array_equal(alone, euler_maruyama(**kw, **how).w)


def test_progress_of_paths_ends_at_one():
    seen = []
    euler_maruyama(_pull, _spread, np.ones(10), 100, 0.1, seed=0, chunk=5, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 2


def test_paths_are_the_textbook_loop_on_the_same_draws():
    n, steps, dt = 40, 30, 0.05
    child = np.random.SeedSequence(8).spawn(2)[1].spawn(1)[0]
    v = np.linspace(-1, 1, n)
    found = euler_maruyama(_pull, _spread, v, steps, dt, seed=8, record=range(steps + 1)).w
    normals = np.random.Generator(np.random.SFC64(child)).standard_normal((64, n))
    for step in range(steps):
        assert np.allclose(found[step], v, rtol=1e-13, atol=1e-15)
        v = v + dt * _pull(v) + math.sqrt(dt) * _spread(v) * normals[step]


def test_starts_are_not_changed():
    start = np.ones(5)
    euler_maruyama(lambda v: -v, lambda v: 1.0, start, 3, 0.1, seed=0)
    assert np.array_equal(start, np.ones(5))


def test_boundaries(alarm):
    kw = dict(drift=lambda v: 0.0 * v, noise=lambda v: 1.0, w0=np.zeros(5000), steps=200, dt=0.1, seed=5)
    clipped = euler_maruyama(**kw, boundary=("clip", -1, 2)).w[0]
    folded = euler_maruyama(**kw, boundary=("reflect", -1, 2)).w[0]
    for sample in (clipped, folded):
        assert sample.min() >= -1 and sample.max() <= 2
    at_end = stats.binom(5000, 0.05)  # a fold leaves nothing on the bound, a clip more than 5 %
    alarm(at_end.cdf((clipped == -1).sum()))
    alarm(at_end.sf((folded == -1).sum()))
    counts = np.histogram(folded, 6, (-1, 2))[0]  # reflected Brownian motion is uniform
    alarm(stats.chisquare(counts).pvalue)


def test_folding_is_a_mirror_even_from_far():
    fold = diffusion._boundary(("reflect", -1.0, 2.0))
    v = np.array([-1.5, 2.5, 0.3, 8.5, -100.0, np.nan])
    fold(v)
    np.testing.assert_allclose(v, [-0.5, 1.5, 0.3, 1.5, 2.0, np.nan], atol=1e-12)


def test_taming_keeps_a_superlinear_drift_in():
    kw = dict(drift=lambda v: -v**3, noise=lambda v: 1.0, w0=np.full(100, 10.0), steps=100, dt=0.1, seed=5)
    assert euler_maruyama(**kw).diverged.all()
    tamed = euler_maruyama(**kw, tamed=True)
    assert not tamed.diverged.any() and np.abs(tamed.w).max() < 10


@pytest.mark.parametrize("change, message", [
    ({"dt": 0}, "dt must be"), ({"dt": math.nan}, "dt must be"), ({"dt": "1"}, "dt must be"),
    ({"steps": -1}, "steps must be"), ({"seed": -1}, "seed must be"), ({"w0": [math.nan]}, "w0 must be"),
    ({"boundary": ("stop", 0, 1)}, "boundary must be"), ({"boundary": ("clip", 1, 0)}, "boundary must be"),
    ({"boundary": (0, 1)}, "boundary must be"), ({"record": [5, 3]}, "record and steps must"),
])
def test_euler_maruyama_refuses(change, message):
    kw = dict(drift=np.negative, noise=np.ones_like, w0=[1.0], steps=5, dt=0.1, seed=0) | change
    with pytest.raises(ValueError, match=message):
        euler_maruyama(**kw)


# The chain


def grid(low, high, h):
    """Edges such that low, low + h, ..., high are centres."""
    return np.arange(low - h / 2, high + h, h)


def test_the_chain_is_reversible_and_stationary():
    chain = exact_chain(w**4 / 4 - w**2 / 2, 1 + w**2, np.linspace(-3, 3, 400) ** 3 / 9, lam=0.3, S=2)
    assert np.allclose(chain.probs[:-1] * chain.up[:-1], chain.probs[1:] * chain.down[1:], rtol=1e-12)
    assert np.abs(chain.probs @ chain.generator()).max() < 1e-12 * (chain.up * chain.probs).max()
    p = stationary_density(w**4 / 4 - w**2 / 2, 1 + w**2).subs({lam: 0.3, S: 2})
    values = sp.lambdify(w, p)(chain.centres)
    ratio = chain.density / values
    assert np.ptp(ratio) < 1e-10 * ratio[0]


def test_the_chain_converges_like_h_squared():
    """Variance of the Ornstein-Uhlenbeck process: lambda / (2 S)."""
    errors = []
    for h in (0.1, 0.05):
        chain = exact_chain(w**2 / 2, 1 + w**2 / 10, grid(-12, 12, h), lam=0.5)
        # for C = 1 + w^2/10: E w^2 = (lambda/2) E C  =>  E w^2 = (lambda/2)/(1 - lambda/20)
        errors.append(abs(chain.probs @ chain.centres**2 - 0.25 / (1 - 0.025)))
    assert errors[1] < 1e-5


def test_exit_times_against_the_double_integral():
    rate = 0.1
    inner = lambda y: mpmath.quad(lambda v: mpmath.e ** (-10 * v * v), [0, y])
    exact = 2 / rate**2 * mpmath.quad(lambda y: inner(y) * mpmath.e ** (10 * y * y), [0, 0.5])
    errors = []
    for h in (0.02, 0.01):
        chain = exact_chain(w**2 / 2, 1, grid(-3, 3, h), lam=rate)
        middle = np.argmin(abs(chain.centres))
        errors.append(abs(chain.exit_time(-0.5 + h / 4, 0.5 - h / 4)[middle] / exact - 1))
    assert errors[1] < 1e-3 and 3.5 < errors[0] / errors[1] < 4.5


def test_exit_times_solve_the_linear_system():
    chain = exact_chain(-w**2 / 2, 1 + w**2, grid(-2, 2, 0.1), lam=0.4)
    for low, high in ((-1, 1), (-math.inf, 0.5), (-0.3, math.inf)):
        inside = (chain.centres > low) & (chain.centres < high)
        time = chain.exit_time(low, high)
        assert np.allclose((chain.generator() @ time)[inside], -1) and np.all(time[~inside] == 0)


def test_exit_times_keep_digits_when_they_are_huge():
    chain = exact_chain(w**2 / 2, 1, grid(-3, 3, 0.01), lam=0.1)
    time = chain.exit_time(-2.4975, 2.4975)[np.argmin(abs(chain.centres))]  # 2.5 is a centre
    inner = lambda y: mpmath.sqrt(mpmath.pi / 40) * mpmath.erf(mpmath.sqrt(10) * y)
    exact = 200 * mpmath.quad(lambda y: inner(y) * mpmath.e ** (10 * y * y), [0, 1, 2, 2.3, 2.4, 2.5])
    assert exact > 1e27 and abs(time / exact - 1) < 0.02  # (50 h)^2 / 24


def test_paths_and_chain_agree(alarm):
    loss, C, rate = w**4 / 4 - w**2 / 2, 1 + w**2, 0.5
    chain = exact_chain(loss, C, grid(-4, 4, 0.02), lam=rate)
    n = 20_000
    found = euler_maruyama(lambda v: -rate * (v**3 - v), lambda v: rate * np.sqrt(1 + v * v),
                           np.zeros(n), 800, 0.05, seed=11).w[0]
    cdf = np.cumsum(chain.probs)
    gaps = np.searchsorted(np.sort(found), chain.centres + 0.01) / n - cdf
    alarm(2 * math.exp(-2 * n * np.abs(gaps).max() ** 2))  # Dvoretzky, Kiefer, Wolfowitz, Massart


@pytest.mark.parametrize("loss, C, edges, kw, message", [
    (w**2, 1, [0, 1], {"lam": 1}, "edges must be"), (w**2, 1, [0, 1, 1, 2], {"lam": 1}, "edges must be"), (w**2, 1, [0, 2, 1], {"lam": 1}, "edges must be"),
    (w**2, w**2, [-1, -0.5, 0.5, 1], {"lam": 1}, "C must be > 0"), (w**2, 1, [0, 1, 2], {"lam": 0}, "lam must be"),
    (w**2, 1, [0, 1, 2], {"lam": 1, "S": -1}, "S must be"), (a * w**2, 1, [0, 1, 2], {"lam": 1}, "no symbol but w"),
    (x * w**2, 1, [0, 1, 2], {"lam": 1}, "without x"),
])
def test_exact_chain_refuses(loss, C, edges, kw, message):
    with pytest.raises(ValueError, match=message):
        exact_chain(loss, C, edges, **kw)


def test_exit_time_refuses():
    chain = exact_chain(w**2, 1, [0, 1, 2], lam=1)
    for bounds in ((-math.inf, math.inf), (5, 6)):
        with pytest.raises(ValueError, match="low and high must leave cells"):
            chain.exit_time(*bounds)
