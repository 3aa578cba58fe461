"""The engine: same bits however it is run, right laws, and nothing lost without being counted.

How often the statistical tests may fail by chance stands in alarms.py.
"""

import itertools
import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import mpmath
import numpy as np
import pytest
from saddles.landscapes import Landscape, quadratic, quartic, two_minima
from saddles.noise import Discrete, Gaussian, Stream, TwoPoint, batch_mean, constant
from saddles.optimizers import SGD, Adam, AMSGrad
from saddles.simulate import (
    _binomial,
    _guide,
    _tabled,
    _Watch,
    histogram,
    moments,
    run,
    run_cells,
    run_log,
    uniform,
)
from saddles.symbols import w as coordinate
from scipy import stats

LAW, FLAT = TwoPoint(-1.0), two_minima.at(a=0.5, b=4)
CASES = {
    "sgd": (quadratic, LAW, SGD(0.8)),
    "quartic": (quartic(0.5, 0.25), LAW, SGD(0.3)),
    "two minima": (FLAT, TwoPoint(0.0), SGD(0.05)),
    "adam": (quadratic, TwoPoint(-0.1), Adam(0.2)),
    "amsgrad": (quadratic, TwoPoint(-0.1), AMSGrad(0.2)),
    "gaussian": (quadratic, Gaussian(-0.5, 1.0), SGD(0.5)),
    "batch": (quadratic, batch_mean(LAW, 4), SGD(0.8)),
    "inverse": (quadratic, Discrete((1.0, 0.0, -2.0), (0.3, 0.3, 0.4)), SGD(0.8)),
}


def start(landscape, n):
    return uniform(-1, 1, n) if landscape.dim == 1 else uniform((-1, -1), (1, 1), n)


def draws(law, n, steps, seed):
    """The x that `run` uses for its first chunk: (steps, n)."""
    child = np.random.SeedSequence(seed).spawn(2)[1].spawn(1)[0]
    rows = Stream(law, n).rows(np.random.default_rng(child), steps)
    return np.array([row.copy() for row in rows])


def same(one, two):
    return all(np.array_equal(getattr(one, f), getattr(two, f), equal_nan=f in ("w", "log_abs"))
               for f in one.__dataclass_fields__ if getattr(one, f) is not None)


# same bits


@pytest.mark.parametrize("case", CASES)
def test_block_size_changes_no_bit(case):
    landscape, law, rule = CASES[case]
    make = lambda block: run(landscape, law, rule, start(landscape, 300), 70, seed=4, chunk=128,
                             block=block, record=[0, 1, 33, 70])
    reference = make(1)
    assert all(same(make(block), reference) for block in (5, 16, 100))


def test_workers_and_executors_change_no_bit():
    def make(**how):
        return run(quadratic, LAW, AMSGrad(0.3), start(quadratic, 500), 40, seed=4, chunk=100,
                   reduce=moments, record=[20, 40], **how)

    reference = make()
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as processes:
        assert all(same(make(**how), reference)
                   for how in ({"workers": 2}, {"executor": threads}, {"executor": processes}))
        logs = [run_log(LAW, Adam(0.2), start(quadratic, 500), 40, seed=4, chunk=100, executor=e)
                for e in (None, processes)]
        assert same(*logs)


@pytest.mark.parametrize("landscape, box, reduce", [
    (quadratic, None, None), (quartic(0.5, 0.25), (-1, 0.5), moments), (FLAT, None, None),
    (FLAT, ((-1, -0.2), (1, 0.2)), moments)])
def test_cells_together_have_the_bits_of_cells_alone(landscape, box, reduce):
    """Fair coins, other laws and no noise side by side; rates up to divergence; a true zero."""
    laws = [LAW, TwoPoint(0.3), LAW, Gaussian(-0.2, 1.0), batch_mean(LAW, 4), constant(-0.5),
            Discrete((1.0, 0.0, -2.0), (0.3, 0.3, 0.4)), LAW]
    rates = [0.1, 0.3, 1.0, 0.2, 0.05, 0.1, 0.7, 40.0]
    args = {"record": [0, 33, 400], "box": box, "reduce": reduce}
    seeds = np.random.SeedSequence(4).spawn(len(laws))
    alone = [run(landscape, law, SGD(rate), start(landscape, 100), 400, seed=seed, **args)
             for law, rate, seed in zip(laws, rates, seeds)]
    for how in ({}, {"chunk": 300}, {"chunk": 100, "workers": 2}):
        cells = run_cells(landscape, laws, rates, start(landscape, 100), 400, seed=4, **args, **how)
        assert len(cells) == len(laws) and all(map(same, cells, alone))
        assert all(np.array_equal(cell.times, [0, 33, 400]) for cell in cells)
        assert all((cell.w is None) == (reduce is not None) and (cell.stats is None) == (reduce is None) for cell in cells)
    assert box or any(cell.diverged.any() for cell in cells)


@pytest.mark.parametrize("change, name", [
    ({"laws": []}, "laws"), ({"rates": [0.1]}, "rates"), ({"rates": [0.1, -1]}, "lr"),
    ({"laws": [LAW, 1]}, "law"), ({"chunk": 3}, "w0"), ({"w0": []}, "w0"), ({"seed": -1}, "seed"),
    ({"steps": -1}, "steps"), ({"box": (1, 0)}, "box"), ({"reduce": 3}, "reduce"),
])
def test_bad_input_of_cells_names_the_argument(change, name):
    good = {"landscape": quadratic, "laws": [LAW, LAW], "rates": [0.1, 0.2], "w0": np.ones(4),
            "steps": 5, "seed": 0}
    with pytest.raises(ValueError, match=name):
        run_cells(**(good | change))


def test_recording_more_changes_nothing_else():
    args = (quadratic, LAW, SGD(0.8), start(quadratic, 100), 50)
    every = run(*args, seed=1, record=range(51))
    some = run(*args, seed=1, record=[7, 50])
    assert np.array_equal(every.w[[7, 50]], some.w)
    assert np.array_equal(every.times, np.arange(51))


def test_seeds():
    args = (quadratic, LAW, SGD(0.8), start(quadratic, 100), 10)
    sequence = np.random.SeedSequence(5)
    assert same(run(*args, seed=5), run(*args, seed=sequence))
    assert same(run(*args, seed=5), run(*args, seed=sequence))  # not consumed
    assert not same(run(*args, seed=5), run(*args, seed=6))
    first = run(*args, seed=5, chunk=50)
    assert not np.array_equal(first.w[0, :50], first.w[0, 50:])


# right values


@pytest.mark.parametrize("case", CASES)
def test_walkers_follow_the_rule_step_by_step(case):
    """Against unfused NumPy on the same draws; short, so that chaos cannot amplify rounding."""
    landscape, law, rule = CASES[case]
    steps, n = 12, 64
    rng = np.random.default_rng(np.random.SeedSequence(9).spawn(2)[0])
    w = start(landscape, n)(rng)
    got = run(landscape, law, rule, start(landscape, n), steps, seed=9, record=range(steps + 1))
    assert np.array_equal(got.w[0], w)
    gradient, m, v, top = landscape.numpy_gradient(), 0.0, 0.0, 0.0
    for t, x in enumerate(draws(law, n, steps, 9), 1):
        g = gradient(w, x)
        if isinstance(rule, SGD):
            w = w - rule.lr * g
        else:
            m, v = rule.beta1 * m + (1 - rule.beta1) * g, rule.beta2 * v + (1 - rule.beta2) * g * g
            top = np.maximum(top, v) if isinstance(rule, AMSGrad) else v
            c1, c2 = ((1 - rule.beta1**t, 1 - rule.beta2**t) if rule.bias_correction else (1, 1))
            w = w - rule.lr * (m / c1) / np.sqrt(top / c2)
        assert np.allclose(got.w[t], w, rtol=1e-9, atol=1e-11)


def test_law_of_sgd_against_all_histories(alarm):
    """All 2^8 histories of the quadratic and of the quartic, each with its probability."""
    for landscape, slope in ((quadratic, lambda w, x: x * w),
                             (quartic(0.5, 0.25), lambda w, x: x * w + w**3)):
        ends = []
        for history in itertools.product(LAW.values, repeat=8):
            w = 0.3
            for x in history:
                w -= 0.2 * slope(w, x)
            ends.append(w)
        values, weights = np.unique(np.round(ends, 9), return_counts=True)
        n = 200_000
        got = np.round(run(landscape, LAW, SGD(0.2), np.full(n, 0.3), 8, seed=12).w[0], 9)
        index = np.searchsorted(values, got - 1e-8)
        assert np.allclose(values[index], got, rtol=0, atol=3e-9)
        counts = np.bincount(index, minlength=len(values))
        alarm(stats.chisquare(counts, weights / 256 * n).pvalue)


@pytest.mark.parametrize("how", ["step", "count", "table", "log"])
def test_quadratic_follows_the_binomial_law(how, alarm):
    n, t, first, second = 100_000, 100, math.log(0.2), math.log(2.6)
    if how == "table":
        n = 200_000
    assert bool(_tabled(np.array([t]), n)) == (how == "table")
    if how == "step":
        log_abs = np.log(np.abs(run(quadratic, LAW, SGD(0.8), np.ones(n), t, seed=3).w[0]))
    elif how in ("count", "table"):
        log_abs = run_log(LAW, 0.8, np.ones(n), t, seed=3).log_abs[0]
    else:
        log_abs = run_log(LAW, SGD(0.8), np.ones(n), t, seed=3, box=(-1e300, 1e300)).log_abs[0]
    k = (log_abs - t * second) / (first - second)  # draws x = 1
    assert np.allclose(k, np.round(k), rtol=0, atol=1e-9)
    counts = np.bincount(np.round(k).astype(int), minlength=t + 1)
    expected = stats.binom.pmf(np.arange(t + 1), t, 0.5) * n
    middle = expected > 20
    both = [np.append(c[middle], c[~middle].sum()) for c in (counts, expected)]
    alarm(stats.chisquare(*both).pvalue)


def test_gaussian_noise_has_the_moments_of_the_product(alarm):
    n, t = 200_000, 5
    w = run(quadratic, Gaussian(-0.2, 0.3), SGD(0.5), np.ones(n), t, seed=8).w[0]
    first = 1.1**t  # E[1 - x/2] = 1.1
    second = (1.1**2 + 0.15**2) ** t
    z = (w.mean() - first) / math.sqrt((second - first**2) / n)
    alarm(2 * stats.norm.sf(abs(z)))


def test_gradient_descent_is_sgd_without_noise():
    w = run(quadratic, constant(LAW.mean), SGD(0.01), np.array([0.5]), 100, seed=0).w[0]
    assert w == pytest.approx(0.5 * 1.005**100)


def test_additive_noise_is_one_normal_a_step_and_leaves_x_as_it_was():
    n, steps, sigma, rate = 64, 12, 0.3, 0.8
    child = np.random.SeedSequence(9).spawn(2)[1].spawn(1)[0]
    xi = np.random.default_rng(child.spawn(1)[0]).standard_normal((steps, n))
    got = run(quadratic, LAW, SGD(rate), np.ones(n), steps, seed=9, record=range(steps + 1),
              additive=sigma)
    w = np.ones(n)
    for t, x in enumerate(draws(LAW, n, steps, 9)):
        w = w - rate * x * w + rate * sigma * xi[t]
        assert np.allclose(got.w[t + 1], w, rtol=1e-10, atol=1e-12)
    make = lambda **how: run(FLAT, TwoPoint(0.0), SGD(0.02), start(FLAT, 300), 40, seed=4,
                             chunk=128, additive=0.1, **how)
    assert all(same(make(**how), make(block=1))
               for how in ({}, {"block": 7}, {"workers": 2}))


def test_additive_noise_alone_makes_the_known_gaussian(alarm):
    """w <- (1 - lr) w + lr sigma xi: an AR(1) process."""
    n, rate, sigma, t = 100_000, 0.2, 0.5, 30
    w = run(quadratic, constant(1.0), SGD(rate), np.zeros(n), t, seed=6, additive=sigma).w[0]
    var = (rate * sigma) ** 2 * sum((1 - rate) ** (2 * k) for k in range(t))
    alarm(stats.kstest(w / math.sqrt(var), "norm").pvalue)


def test_box_projects_after_every_step():
    got = run(quadratic, LAW, SGD(0.8), np.array([1.0, -1.0]), 50, seed=2, box=(-1, 0.5),
              record=range(51)).w
    assert got[1:].min() >= -1 and got[1:].max() <= 0.5 and got[0].max() == 1.0
    x = draws(LAW, 2, 50, 2)
    for t in range(50):
        assert np.allclose(got[t + 1], np.clip(got[t] * (1 - 0.8 * x[t]), -1, 0.5), atol=1e-15)
    wide = run(FLAT, TwoPoint(0.0), SGD(0.05), np.full((2, 4), 0.9), 30, seed=2,
               box=((-1, -0.2), (1, 0.2)))
    assert np.abs(wide.w[0, 1]).max() <= 0.2


@pytest.mark.parametrize("landscape", [quartic(0.5, 0.25), FLAT], ids=["quartic", "two minima"])
def test_the_units_of_a_step_are_not_seen_from_outside(landscape):
    """Starts are kept as they were given; additive noise is in the units of w."""
    rate, sigma, n, steps = 0.07, 0.3, 40, 9
    unit = landscape.code("sgd").scale(rate)
    assert unit != 1
    how = dict(steps=steps, seed=8, record=range(steps + 1))
    free = run(landscape, LAW, SGD(rate), start(landscape, n), **how, additive=sigma).w
    own = np.random.SeedSequence(8).spawn(2)[1].spawn(1)[0].spawn(1)[0]
    kicks = np.random.default_rng(own).standard_normal((steps, landscape.dim * n))
    gradient, w = landscape.numpy_gradient(), free[0]
    assert np.array_equal(w, start(landscape, n)(np.random.default_rng(np.random.SeedSequence(8).spawn(2)[0])))
    for t, x in enumerate(draws(LAW, n, steps, 8), 1):
        w = w - rate * gradient(w, x) + rate * sigma * kicks[t - 1].reshape(w.shape)
        assert np.allclose(free[t], w, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rate, wall", [(0.07, 0.2), (0.01, 0.7), (0.03, 0.3), (0.11, 0.15)])
@pytest.mark.parametrize("landscape", [quartic(0.5, 0.25), FLAT], ids=["quartic", "two minima"])
def test_walkers_on_a_wall_are_on_the_wall(landscape, rate, wall):
    """To the bit, although wall * s / s may differ from the wall in units s of a step."""
    n, how = 40, dict(steps=9, seed=8, record=range(10), box=(-wall, wall / 2))
    for got in (run(landscape, LAW, SGD(rate), start(landscape, n), **how).w,
                run_cells(landscape, [LAW], [rate], start(landscape, n), **how)[0].w):
        assert got[0].min() < -wall and got[0].max() > wall / 2
        assert got[1:].min() == -wall and got[1:].max() == wall / 2
        for bound in (-wall, wall / 2):
            assert set(got[1:][np.abs(got[1:] - bound) < 1e-12]) == set(got[1][np.abs(got[1] - bound) < 1e-12]) == {bound}


def test_the_units_of_a_step_have_the_range_of_w_and_their_own():
    hill = Landscape(-(coordinate**4) / 4, (coordinate,))  # s = 1/100
    high = run(hill, LAW, SGD(1e-4), [5e306 ** (1 / 3) / 1e-2, 0.1], 1, seed=0, reduce=moments)
    assert high.diverged.tolist() == [True, False] and high.stats[0, 0] == 1 and np.isfinite(high.stats).all()
    low = run(quartic(0.5, 0.25), LAW, SGD(1e-4), [1e-322, 0.0], 20, seed=0)
    assert low.underflowed.tolist() == [True, False]
    for got in (run(quartic(0.5, 1e6), LAW, SGD(1.0), [1e306, 0.5], 0, seed=0),
                run_cells(quartic(0.5, 1e6), [LAW], [1.0], [1e306, 0.5], 0, seed=0)[0]):
        assert got.w.tolist() == [[1e306, 0.5]] and got.diverged.tolist() == [True, False]
    wide = run(quartic(0.5, 1e6), LAW, SGD(1e-6), [0.5], 3, seed=0, box=(-1e308, 1e308))
    assert not wide.diverged.any()


def test_reduce_adds_up_over_chunks():
    args = (quadratic, LAW, SGD(0.8), start(quadratic, 1000), 20)
    full = run(*args, seed=1, chunk=300, record=[0, 20]).w
    got = run(*args, seed=1, chunk=300, record=[0, 20], reduce=moments)
    assert got.w is None and got.stats.shape == (2, 3)
    assert np.allclose(got.stats[1], [1000, full[1].sum(), (full[1] ** 2).sum()])
    counts = run(*args, seed=1, chunk=300, reduce=histogram((-1, 0, 1))).stats
    assert np.array_equal(counts[0], np.histogram(full[1], (-1, 0, 1))[0])
    two = run(FLAT, LAW, SGD(0.01), start(FLAT, 50), 2, seed=1, reduce=moments)
    assert two.stats.shape == (1, 3, 2)


def test_shapes():
    assert run(quadratic, LAW, SGD(0.8), np.ones(5), 3, seed=0).w.shape == (1, 5)
    assert run(FLAT, LAW, SGD(0.1), np.ones((2, 5)), 3, seed=0, record=[1, 3]).w.shape == (2, 2, 5)
    assert run(quadratic, LAW, SGD(0.8), np.ones(5), 0, seed=0).w.tolist() == [[1.0] * 5]
    assert uniform((0, 1), (1, 2), 7)(np.random.default_rng(0)).shape == (2, 7)


# the edges of float64


def test_underflow_is_counted_and_absent_from_the_log(alarm):
    args = (SGD(0.8), start(quadratic, 2000), 3000)
    got = run(quadratic, LAW, *args, seed=1)
    zero = got.w[0] == 0
    assert zero.mean() > 0.95 and np.all(got.underflowed[zero]) and not got.diverged.any()
    assert "underflowed" in got.summary() and "3000 steps" in got.summary()
    log = run_log(LAW, *args, seed=1)
    assert np.isfinite(log.log_abs).all() and not log.underflowed.any()
    mean, spread = 3000 * math.log(0.52) / 2 - 1, math.sqrt(3000) * math.log(13) / 2 + 1
    z = (log.log_abs.mean() - mean) / (spread / math.sqrt(2000))
    alarm(2 * stats.norm.sf(abs(z)))


def test_what_is_subnormal_at_a_look_is_set_to_zero_and_counted():
    """It halves exactly; steps 15 and 17 are no looks, so w_15 is the same wherever the run ends."""
    halving = constant(1.0), SGD(0.5), np.array([2.0**-1020, 2.0**-990, 0.0])
    got = run(quadratic, *halving, 17, seed=0, record=[15, 16, 17])
    assert got.w[0].tolist() == [2.0**-1035, 2.0**-1005, 0]
    assert got.w[1].tolist() == [0, 2.0**-1006, 0] and got.w[2].tolist() == [0, 2.0**-1007, 0]
    assert got.underflowed.tolist() == [True, False, False]
    short = run(quadratic, *halving, 15, seed=0)
    assert np.array_equal(short.w[0], got.w[0]) and np.array_equal(short.underflowed, got.underflowed)


def test_a_subnormal_momentum_is_set_to_zero_with_its_walker():
    w, m = np.array([[1e-310, 1.0, 1e-310]]), np.array([[-1e-310, 1e-310, 1e-300]])
    watch = _Watch(w, w != 0, m)
    watch.look(17)
    assert w[0, 0] == 1e-310 and watch.underflowed.tolist() == [True, False, True]
    watch.look(32)
    assert w.tolist() == [[0, 1, 0]] and m.tolist() == [[0, 1e-310, 1e-300]]


def test_the_smallest_normal_number_is_no_underflow():
    """Halving gets to 2^-1022 at a look, beside a walker that is subnormal there."""
    got = run(quadratic, constant(1.0), SGD(0.5), [4.0, 1.0], 1024, seed=0)
    assert got.w.tolist() == [[2.0**-1022, 0.0]] and got.underflowed.tolist() == [False, True]


def test_an_underflow_is_remembered():
    """Also where additive noise moves the walker on from 0."""
    got = run(quadratic, constant(1.0), SGD(0.5), [1e-310, 1.0], 20, seed=0, additive=0.1)
    assert got.underflowed.tolist() == [True, False] and np.all(np.abs(got.w) > 1e-6)


def test_a_true_zero_is_no_underflow():
    """Proposition 1: lambda = 1 and x = 1 make w exactly zero."""
    got = run(quadratic, LAW, SGD(1.0), np.ones(1000), 60, seed=1)
    assert np.all(got.w == 0) and not got.underflowed.any()
    log = run_log(LAW, SGD(1.0), np.ones(1000), 60, seed=1)
    assert np.all(log.log_abs == -np.inf) and np.all(log.sign == 0)
    resting = run(quadratic, LAW, SGD(0.8), np.zeros(3), 60, seed=1)
    assert not resting.underflowed.any()


def test_divergence_is_counted_and_never_averaged():
    w0 = np.array([0.1, 1e3, -1e3])
    got = run(quartic(0.5, 0.25), LAW, SGD(0.3), w0, 40, seed=1, record=[0, 40], reduce=moments)
    assert got.diverged.tolist() == [False, True, True]
    assert got.stats[0, 0] == 3 and got.stats[1, 0] == 1 and np.isfinite(got.stats).all()
    kept = run(quartic(0.5, 0.25), LAW, SGD(0.3), w0, 40, seed=1).w[0]
    assert np.isfinite(kept[0]) and not np.isfinite(kept[1:]).any()
    growing = run(quadratic, LAW, SGD(100.0), np.ones(5), 400, seed=1)
    assert growing.diverged.all() and np.isinf(growing.w).all()
    assert np.isfinite(run_log(LAW, 100.0, np.ones(5), 400, seed=1).log_abs).all()


def test_an_infinite_v_is_divergence_not_convergence():
    got = run(quadratic, LAW, AMSGrad(0.1), np.array([1e200, 1.0]), 5, seed=1)
    assert got.diverged.tolist() == [True, False] and np.isnan(got.w[0, 0])


def test_a_v_lost_to_underflow_is_counted():
    for rule in (Adam(0.1), AMSGrad(0.1)):
        got = run(quadratic, LAW, rule, np.array([1e-200, 0.5, 0.0]), 1, seed=1)
        assert got.underflowed.tolist() == [True, False, False]


# log|w|


@pytest.mark.parametrize("rule", [SGD(0.8), Adam(0.2), Adam(0.2, beta1=0.0), AMSGrad(0.2),
                                  AMSGrad(0.2, beta1=0.9), Adam(0.2, eps=1e-8)], ids=repr)
@pytest.mark.parametrize("box", [None, (-1, 1), (-0.5, 1)])
def test_log_run_equals_the_run_on_the_same_draws(rule, box):
    if isinstance(rule, SGD) and box is None:
        box = (-1e300, 1e300)  # without a box it counts instead of stepping: other draws
    args = (TwoPoint(-0.1), rule, start(quadratic, 200), 150)
    direct = run(quadratic, *args, seed=6, box=box, record=[0, 10, 150])
    log = run_log(*args, seed=6, box=box, record=[0, 10, 150])
    assert not direct.underflowed.any()
    assert np.array_equal(log.sign, np.sign(direct.w))
    assert np.allclose(log.log_abs, np.log(np.abs(direct.w)), rtol=0, atol=1e-9)


@pytest.mark.parametrize("rule", [AMSGrad(0.2), Adam(0.2, beta1=0.0), AMSGrad(0.2, beta1=0.9)],
                         ids=repr)
def test_log_run_far_below_float64_against_mpmath(rule):
    """3000 steps; AMSGrad without momentum gets where float64 has long been zero."""
    law, steps, n = TwoPoint(-0.1), 3000, 2
    log = run_log(law, rule, np.array([0.5, -0.9]), steps, seed=3, box=(-1, 1),
                  record=[1000, steps])
    if rule == AMSGrad(0.2):
        assert log.log_abs[-1].min() < math.log(1e-308)
    x = draws(law, n, steps, 3)
    with mpmath.workdps(30):
        for j, w in enumerate((mpmath.mpf("0.5"), mpmath.mpf(-0.9))):
            m = v = top = mpmath.mpf(0)
            for t in range(1, steps + 1):
                g = x[t - 1, j] * w
                m = rule.beta1 * m + (1 - rule.beta1) * g
                v = rule.beta2 * v + (1 - rule.beta2) * g * g
                top = max(top, v) if isinstance(rule, AMSGrad) else v
                c1 = 1 - rule.beta1**t if rule.bias_correction else 1
                c2 = 1 - rule.beta2**t if rule.bias_correction else 1
                w = min(max(w - rule.lr * m / c1 / mpmath.sqrt(top / c2), -1), 1)
                if t in (1000, steps):
                    row = 0 if t == 1000 else 1
                    assert abs(log.log_abs[row, j] - mpmath.log(abs(w))) < 1e-6
                    assert log.sign[row, j] == mpmath.sign(w)


def test_counting_agrees_with_stepping_in_law(alarm):
    """Same distribution of log|w| and of the sign, for a law with three values."""
    law = Discrete((1.5, 0.25, -1.0), (0.25, 0.25, 0.5))
    n, t = 20_000, 30
    counted = run_log(law, 0.9, np.ones(n), t, seed=1)
    stepped = run(quadratic, law, SGD(0.9), np.ones(n), t, seed=2).w[0]
    atoms = [np.round(v, 9) for v in (counted.log_abs[0], np.log(np.abs(stepped)))]
    alarm(stats.ks_2samp(*atoms).pvalue)
    table = [[np.sum(s > 0), np.sum(s < 0)] for s in (counted.sign[0], stepped)]
    alarm(stats.chi2_contingency(table).pvalue)


@pytest.mark.parametrize("steps, p", [(1, 0.5), (7, 0.3), (1000, 0.5), (1000, 0.01),
                                      (30_000, 0.999), (50_000, 0.3)])
def test_counts_from_the_table_are_binomial(steps, p, alarm):
    n = 1_000_000
    counts = _binomial(np.random.default_rng(11), steps, p, n)
    assert counts.min() >= 0 and counts.max() <= steps
    expected = stats.binom.pmf(np.arange(steps + 1), steps, p) * n
    seen = np.bincount(counts, minlength=steps + 1)
    middle = expected > 20
    both = [np.append(c[middle], c[~middle].sum()) for c in (seen, expected)]
    if not expected[~middle].sum() > 5:
        both = [c[:-1] for c in both]
        both[1] *= both[0].sum() / both[1].sum()
    alarm(stats.chisquare(*both).pvalue)


def test_the_table_is_the_inverse_of_the_distribution_function():
    """Every one of the 2^16 words, settled by it or not, and both ends of the rest."""
    cdf, guide = _guide(1000, 0.5)
    words = np.arange(2**16)
    for rest in (0.0, 1 - 2**-20):
        count = np.searchsorted(np.append(cdf, 1.0), (words + rest) / 2**16, side="right")
        assert np.array_equal(guide[guide >= 0], count[guide >= 0])
    assert 0 < np.mean(guide < 0) < 0.01
    assert np.allclose(cdf, stats.binom.cdf(np.arange(1000), 1000, 0.5), rtol=0, atol=1e-12)


def test_counting_three_values_of_many_walkers(alarm):
    """Against the moments of log|w_t|, a sum of t independent terms, and of the sign, a product."""
    law, rate, t, n = Discrete((1.0, -2.0, 4.0), (0.125, 0.625, 0.25)), 0.5, 40, 200_000
    got = run_log(law, rate, np.ones(n), t, seed=12, record=[3, t])
    z = (got.sign[0].mean() - 0.5**3) / math.sqrt((1 - 0.5**6) / n)  # the factor of x = 4 is -1
    alarm(2 * stats.norm.sf(abs(z)))
    logs = got.log_abs[1]
    terms, probs = np.log(np.abs(1 - rate * np.array(law.values))), np.array(law.probs)
    mean = probs @ terms
    spread = math.sqrt(probs @ (terms - mean) ** 2)
    alarm(2 * stats.norm.sf(abs(logs.mean() - t * mean) / (spread * math.sqrt(t / n))))


def test_an_executor_is_used_whatever_the_workers():
    with ThreadPoolExecutor(1) as pool:
        submitted, submit = [], pool.submit
        pool.submit = lambda *args: submitted.append(args) or submit(*args)
        for workers in (1, 2):
            run(quadratic, LAW, SGD(0.5), np.ones(30), 2, seed=0, chunk=10, executor=pool, workers=workers)
    assert len(submitted) == 6


def test_counting_from_the_table_takes_any_executor():
    args = (LAW, 0.8, uniform(-1, 1, 120_000), 100)
    with ProcessPoolExecutor(2) as processes:
        assert same(run_log(*args, seed=4), run_log(*args, seed=4, executor=processes))


def test_counting_reaches_a_million_steps(alarm):
    log = run_log(LAW, 0.8, np.ones(2000), 10**6, seed=1, record=[10**5, 10**6])
    rate = math.log(0.52) / 2
    spread = math.log(13) / 2 / math.sqrt(10**6 * 2000)
    alarm(2 * stats.norm.sf(abs(log.log_abs[1].mean() / 10**6 - rate) / spread))
    alarm(stats.pearsonr(log.log_abs[0], log.log_abs[1] - log.log_abs[0]).pvalue)


# arguments


def test_the_sign_goes_with_the_count_whichever_factor_is_negative():
    """x = 1 or 2: the size of w tells how often 2 was drawn, and the signs of the factors tell the rest."""
    for lam, signs in ((0.8, (1, -1)), (1.2, (-1, -1)), (0.4, (1, 1)), (1.6, (-1, -1))):
        one, two = abs(1 - lam), abs(1 - 2 * lam)
        for steps in (5, 6):
            kept = run_log(TwoPoint(3.0), lam, np.ones(300), steps, seed=8)
            twice = (kept.log_abs[0] - steps * np.log(one)) / np.log(two / one)
            assert np.allclose(twice, np.rint(twice)) and len(set(np.rint(twice))) > 3
            wanted = float(signs[1]) ** np.rint(twice) * float(signs[0]) ** (steps - np.rint(twice))
            assert np.array_equal(kept.sign[0], wanted)


def test_with_eps_a_small_v_is_no_underflow():
    start = np.full(3, 1e-140)
    with_eps, without = (run(quadratic, LAW, Adam(1e-3, eps=eps), start, 1, seed=0) for eps in (1e-8, 0.0))
    assert not with_eps.underflowed.any() and without.underflowed.all()


def test_a_bar_is_drawn_only_where_one_waits(capsys):
    run(quadratic, LAW, SGD(0.8), np.ones(10), 100, seed=0, progress=True)
    assert capsys.readouterr().err == ""


def test_progress_of_cells_counts_every_step():
    seen = []
    run_cells(quadratic, [LAW] * 3, [0.1, 0.2, 0.3], np.ones(10), 64, seed=0, chunk=10, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) > 6 and 0 < seen[1] < 1 / 3


def test_progress_callback_ends_at_one():
    seen = []
    run(quadratic, LAW, SGD(0.8), np.ones(10), 100, seed=0, chunk=5, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 2


GOOD = {"landscape": quadratic, "law": LAW, "optimizer": SGD(0.8), "w0": np.ones(4), "steps": 5,
        "seed": 0}


@pytest.mark.parametrize("wrong, name", [
    ({"steps": -1}, "steps"), ({"steps": 1.5}, "steps"), ({"steps": 10**10}, "steps"),
    ({"steps": True}, "steps"), ({"seed": None}, "seed"), ({"seed": -1}, "seed"),
    ({"seed": 2**128 + 1}, f"^seed must be a whole number from 0 to {2**128}, got"),
    ({"record": []}, "record"), ({"record": 3}, "record"), ({"record": [2, 1]}, "record"),
    ({"record": [1, 1]}, "record"), ({"record": [6]}, "record"), ({"record": [-1]}, "record"),
    ({"record": [0.5]}, "record"), ({"chunk": 0}, "chunk"), ({"block": 0}, "block"),
    ({"workers": 0}, "workers"), ({"workers": 1.0}, "workers"), ({"progress": "yes"}, "progress"),
    ({"w0": np.ones((2, 2))}, r"^w0 must have shape \(n,\)"), ({"w0": []}, "w0"), ({"w0": [np.nan]}, "w0"),
    ({"w0": [np.inf]}, "w0"), ({"w0": 1.0}, "w0"), ({"landscape": FLAT}, r"^w0 must have shape \(2, n\)"),
    ({"landscape": two_minima, "w0": np.ones((2, 3))}, r"\.at\("),
    ({"optimizer": 0.1}, "optimizer"), ({"law": 1.0}, "law"), ({"reduce": 3}, "reduce"),
    ({"additive": -1}, "additive"), ({"additive": np.nan}, "additive"),
    ({"additive": True}, "additive"), ({"additive": "1"}, "additive"),
    ({"additive": 0.1, "optimizer": AMSGrad(0.1)}, "additive"),
    ({"box": 1}, "box"),
    ({"box": (1, -1)}, "box"), ({"box": (0, np.nan)}, "box"), ({"box": ((0, 0), (1, 1))}, "box"),
    ({"steps": 10**9, "record": range(10**9)}, "record"),
    ({"steps": 10**9, "record": range(0, 10**9, 1000), "w0": np.ones(3000)}, "record"),
])
def test_bad_input_names_the_argument(wrong, name):
    with pytest.raises(ValueError, match=name):
        run(**{**GOOD, **wrong})


@pytest.mark.parametrize("make, name", [
    (lambda: run_log(LAW, 0.8, np.ones(3), 5, seed=0, box=(0, 1)), "box"),
    (lambda: run_log(LAW, -0.8, np.ones(3), 5, seed=0), "lr"),
    (lambda: run_log(LAW, 0.8, np.ones((2, 3)), 5, seed=0), "w0"),
    (lambda: uniform(1, 0, 3), "lo"), (lambda: uniform(0, (1, 1), 3), "lo"), (lambda: uniform(((0, 0),), ((1, 1),), 3), "lo"),
    (lambda: uniform(0, np.inf, 3), "lo"), (lambda: uniform(0, 1, 0), "n must"),
    (lambda: histogram((1,)), "edges"), (lambda: histogram((1, 0)), "edges"), (lambda: histogram((0, 1, 1)), "edges"),
])
def test_bad_input_of_the_others(make, name):
    with pytest.raises(ValueError, match=name):
        make()


def test_errors_in_workers_come_back():
    with pytest.raises(ZeroDivisionError):
        run(quadratic, LAW, SGD(0.8), np.ones(4), 5, seed=0, chunk=2, workers=2, reduce=_fails)


def _fails(t, w):
    return 1 // 0
