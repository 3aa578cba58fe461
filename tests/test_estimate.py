"""The exponent of one run: what it is by hand, how often its interval holds, what it refuses.

Coverage is counted over runs with fixed seeds. How often these tests may fail by chance stands in alarms.py.
"""
import numpy as np
import pytest
from saddles import exact, noise
from saddles.estimate import Estimate, exponent_of, follow
from scipy import stats

CASES = [(-1.0, 0.8), (-1.0, 0.5), (-0.1, 0.3)]
RUNS = 3000


def coin_records(a, lam, steps, seed, runs=RUNS):
    """log|w_t| of independent runs with the coin, one a row."""
    factors = np.array(exact.log_factors(a, lam))
    draws = np.random.default_rng(seed).integers(0, 2, size=(runs, steps))
    return np.concatenate([np.zeros((runs, 1)), np.cumsum(factors[draws], axis=1)], axis=1)


def by_chance(hits, runs, share):
    """Probability of a count at least as far from what is expected."""
    return stats.binomtest(hits, runs, share).pvalue


def hits(records, mu, **options):
    found = [exponent_of(record, **options) for record in records]
    return sum(one.low <= mu <= one.high for one in found)


@pytest.mark.parametrize("a, lam", CASES)
@pytest.mark.parametrize("steps", [64, 256, 1000])
def test_the_interval_holds_as_often_as_it_says(a, lam, steps, alarm):
    records = coin_records(a, lam, steps, seed=steps)
    alarm(by_chance(hits(records, exact.mu(a, lam)), RUNS, 0.95))
    alarm(by_chance(hits(records, exact.mu(a, lam), level=0.8), RUNS, 0.8))


def test_the_interval_holds_for_gaussian_data(alarm):
    """log|1 - lambda x| has a long tail to the left there."""
    law = noise.Gaussian(-0.2, 1.0)
    ratios = np.log(np.abs(1 - law.sample(np.random.default_rng(5), (RUNS, 512))))
    records = np.concatenate([np.zeros((RUNS, 1)), np.cumsum(ratios, axis=1)], axis=1)
    alarm(by_chance(hits(records, exact.gaussian_mu(-0.2, 1.0, 1.0)), RUNS, 0.95))


@pytest.mark.parametrize("memory", [-0.7, 0.7])
def test_the_interval_allows_for_correlation(memory, alarm):
    """Increments with mean 0.1 that remember: u_t = memory u_(t-1) + e_t. Taken as independent they fail."""
    rng, runs, steps = np.random.default_rng(6), 1000, 4096
    u, increments = np.zeros(runs), np.empty((steps + 64, runs))
    for row in increments:
        u = memory * u + rng.standard_normal(runs)
        row[:] = u + 0.1
    increments = increments[64:].T
    records = np.concatenate([np.zeros((runs, 1)), np.cumsum(increments, axis=1)], axis=1)
    alarm(by_chance(hits(records, 0.1), runs, 0.95))
    naive = 1.96 * increments.std(axis=1, ddof=1) / np.sqrt(steps)
    share = np.mean(np.abs(increments.mean(axis=1) - 0.1) < naive)
    assert share < 0.7 if memory > 0 else share > 0.999


def test_looks_together_hold_as_often_as_they_say(alarm):
    """Six looks, at doubled lengths: fewer than 5 % of the runs ever see a wrong interval."""
    runs, records, mu = 1000, coin_records(-1.0, 0.8, 2048, seed=7, runs=1000), exact.mu(-1.0, 0.8)
    wrong = wrong_once = 0
    for record in records:
        parts = [record[: 2**k + 1] for k in range(6, 12)]
        every = [exponent_of(part, look=j) for j, part in enumerate(parts, 1)]
        single = [exponent_of(part) for part in parts]
        wrong += any(not one.low <= mu <= one.high for one in every)
        wrong_once += any(not one.low <= mu <= one.high for one in single)
    alarm(stats.binom.sf(wrong - 1, runs, 0.05))
    assert wrong_once > 0.12 * runs  # six looks at 95 % each are wrong far more often than 5 %


def test_by_hand():
    """16 stretches of 2 steps, in turn down by 3 and level."""
    record = np.concatenate([[5.0], 5 + np.cumsum(np.tile([-1.0, -2.0, 0.5, -0.5], 8))])
    found = exponent_of(record)
    slopes = np.tile([-1.5, 0.0], 8)
    error = slopes.std(ddof=1) / 4
    half = stats.t.ppf(0.975, 15) * error
    assert (found.mu, found.steps, found.verdict) == (-0.75, 32, "attracts")
    assert found.stderr == pytest.approx(error) and found.high == pytest.approx(-0.75 + half)
    assert exponent_of(record + 100).mu == pytest.approx(-0.75)
    assert exponent_of(-record).verdict == "escapes"
    assert exponent_of(record, level=0.999).verdict == "undecided"
    assert repr(found) == f"attracts: mu = -0.7500 +- {error:.4f}, in [{found.low:.4f}, {found.high:.4f}], 32 steps"
    third = exponent_of(record, look=3)
    assert third.high == pytest.approx(-0.75 + stats.t.ppf(1 - 0.05 / 12 / 2, 15) * error)


def test_first_steps_that_fill_no_stretch_are_left_out():
    record = np.concatenate([[99.0, -7.0, 3.0], np.arange(33.0)])
    assert exponent_of(record) == Estimate(1.0, 0.0, 1.0, 1.0, 32, "escapes")


@pytest.mark.parametrize("steps", [32, 46, 47, 48, 63, 64])
def test_every_length_is_cut_into_sixteen_stretches(steps):
    found = exponent_of(0.5 * np.arange(steps + 1.0))
    assert (found.mu, found.stderr, found.steps) == (0.5, 0.0, steps // 16 * 16)


def test_an_interval_that_ends_at_zero_decides_nothing():
    assert exponent_of(np.zeros(33)) == Estimate(0.0, 0.0, 0.0, 0.0, 32, "undecided")


BAD = [("log_norms", (np.zeros(32),), {}), ("log_norms", (np.zeros((40, 2)),), {}),
       ("log_norms", (np.append(np.zeros(40), -np.inf),), {}), ("log_norms", (np.append(np.zeros(40), np.nan),), {}),
       ("level", (np.zeros(40),), {"level": 1.0}), ("look", (np.zeros(40),), {"look": 0}),
       ("look", (np.zeros(40),), {"look": 1.5}), ("log_norms", ("a long text",), {}), ("log_norms", ([[0.0], [1.0, 2.0]],), {}),
       ("log_norms", ([],), {}), ("level", (np.zeros(40),), {"level": "0.9"}), ("look", (np.zeros(40),), {"look": True})]


@pytest.mark.parametrize("name, arguments, options", BAD)
def test_bad_input_is_named(name, arguments, options):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        exponent_of(*arguments, **options)


def test_an_infinite_entry_is_located():
    with pytest.raises(ValueError, match="-inf at entry 40"):
        exponent_of(np.append(np.zeros(40), [-np.inf, -np.inf]))
    with pytest.raises(ValueError, match="at least 33 numbers, got 32"):
        exponent_of(np.zeros(32))
    with pytest.raises(ValueError, match="-inf at entry 3"):  # and not that it is short
        exponent_of([0.0, 1.0, 2.0, -np.inf])


# follow


def coin_step(lam):
    return lambda w, rng: w * (1 - lam * rng.choice([1.0, -2.0]))


def test_follow_records_the_factors():
    """On the quadratic loss each record is a sum of the two log factors, for ever without underflow."""
    record = follow(coin_step(0.8), [0.0], 3000, seed=1)
    assert record[0] == pytest.approx(np.log(1e-4)) and record.shape == (3001,)
    steps = np.diff(record)
    low, high = exact.log_factors(-1.0, 0.8)
    assert np.all(np.isclose(steps, low, atol=1e-9) | np.isclose(steps, high, atol=1e-9))
    assert record[-1] < np.log(np.finfo(float).tiny)  # w itself would have been lost
    assert exponent_of(record).verdict == "attracts"


def test_follow_finds_the_largest_exponent_away_from_zero(alarm):
    """w* = (3, -2), one attracting and one escaping direction, and a cubic term that hides far away."""
    centre = np.array([3.0, -2.0])

    def step(w, rng):
        d = w - centre
        return centre + d * (1 - np.array([0.8, 0.25]) * rng.choice([1.0, -2.0], size=2)) - 5 * d**3

    found = exponent_of(follow(step, centre, 4000, seed=3)[200:], level=0.999)
    alarm(2 * stats.t.sf(abs(found.mu - exact.mu(-1.0, 0.25)) / found.stderr, 15))
    assert found.verdict == "escapes"


def test_follow_with_momentum_in_the_state():
    """Without noise the exponent is log of the larger root of z^2 - (1 + beta - lr x) z + beta."""
    lr, beta, x = 0.1, 0.9, -0.5

    def step(state, rng):
        velocity = beta * state[1] - lr * x * state[0]
        return np.array([state[0] + velocity, velocity])

    root = np.roots([1, -(1 + beta - lr * x), beta]).max()
    assert exponent_of(follow(step, [0.0, 0.0], 600, seed=4)[200:]).mu == pytest.approx(np.log(root), abs=1e-9)


def test_follow_ends_on_the_point():
    record = follow(coin_step(1.0), [0.0], 100, seed=2)
    assert record[-1] == -np.inf and np.all(np.isfinite(record[:-1]))


def test_follow_starts_at_the_radius_in_a_random_direction():
    def first(seed):
        seen = []
        follow(lambda w, rng: seen.append(w.copy()) or 0.5 * w, [0.0, 0.0], 1, radius=0.25, seed=seed)
        return seen[-1]

    one, other = first(1), first(2)
    assert np.linalg.norm([one, other], axis=1) == pytest.approx(0.25)
    assert len({*one, *other}) == 4 and np.array_equal(one, first(1))


def test_follow_takes_one_step_or_up_to_a_billion():
    record = follow(lambda w, rng: -2 * w, [0.0], 1, radius=0.25, seed=0)
    assert record == pytest.approx(np.log([0.25, 0.5]))
    assert len(follow(lambda w, rng: 0 * w, [0.0], 10**9, seed=0)) == 2  # on the point at once
    with pytest.raises(ValueError, match="^steps must"):
        follow(lambda w, rng: 0 * w, [0.0], 10**9 + 1, seed=0)


def test_follow_allows_the_point_to_move_by_rounding_only():
    """A millionth of the radius, in each of the first steps."""
    assert len(follow(lambda w, rng: 0.5 * w + 1e-11, [0.0], 3, seed=0)) == 4
    with pytest.raises(ValueError, match="^point must be moved by no sample"):
        follow(lambda w, rng: 0.5 * w + 1e-9, [0.0], 3, seed=0)
    calls = iter(range(10**6))
    with pytest.raises(ValueError, match="^point must be moved by no sample"):  # one sample in 64 does
        follow(lambda w, rng: 0.5 * w + (next(calls) == 63), [0.0], 3, seed=0)


BAD_FOLLOW = [("point", coin_step(0.8), [[0.0]], 9, {}), ("point", coin_step(0.8), [np.nan], 9, {}),
              ("point", lambda w, rng: w + 1e-3 * rng.standard_normal(1), [0.0], 9, {}),
              ("point", coin_step(0.8), [1.0], 9, {}), ("steps", coin_step(0.8), [0.0], 0, {}),
              ("radius", coin_step(0.8), [0.0], 9, {"radius": 0.0}),
              ("step", lambda w, rng: np.where(w == 0, 0, np.nan), [0.0], 9, {}),
              ("step", "w", [0.0], 9, {}), ("step", lambda w, rng: np.zeros(2), [0.0], 9, {}),
              ("step", lambda w, rng: None, [0.0], 9, {}), ("step", lambda w, rng: ["here"], [0.0], 9, {}), ("point", coin_step(0.8), "here", 9, {}),
              ("steps", coin_step(0.8), [0.0], 9.5, {}), ("radius", coin_step(0.8), [0.0], 9, {"radius": "small"})]


@pytest.mark.parametrize("name, step, point, steps, options", BAD_FOLLOW)
def test_bad_input_of_follow_is_named(name, step, point, steps, options):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        follow(step, point, steps, seed=1, **options)
