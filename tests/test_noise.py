"""Laws: moments and batch means against enumeration, every sampler against its law.

How often the statistical tests may fail by chance stands in alarms.py.
"""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from saddles.noise import (Discrete, Gaussian, Stream, StudentT, TwoPoint, Uniform, _words, aligned,
                           batch_mean, constant, sample_law, side_by_side)
from saddles.symbols import a
from scipy import stats

LAWS = {
    "one bit": TwoPoint(-1),
    "one byte": batch_mean(TwoPoint(-1), 8),
    "two bytes": batch_mean(TwoPoint(-1), 16),
    "inverse": Discrete((-2.0, 0.5, 3.0), (0.3, 0.3, 0.4)),
}


def test_two_point_is_the_law_of_eq_8():
    law = TwoPoint(a)
    assert sp.expand(law.mean - a / 2) == 0
    assert sp.expand(law.var - (1 - a / 2) ** 2) == 0
    assert TwoPoint(-1.0) == Discrete((1, -2.0), (0.5, 0.5))
    assert set(TwoPoint(0).values) == {1, -1}
    assert TwoPoint(Fraction(-1, 2)).mean == Fraction(-1, 4)


def test_expectation_is_symbolic_or_a_number():
    assert TwoPoint(a).expect(sp.exp) == (sp.exp(1) + sp.exp(a - 1)) / 2
    assert TwoPoint(-1).expect(math.exp) == (math.exp(1) + math.exp(-2)) / 2
    assert Discrete((-1.0, 1.0), (0, 1)).expect(math.log) == 0


def test_constant_law_has_no_variance_and_needs_no_randomness():
    law, rng = constant(-0.05), np.random.default_rng(0)
    assert law.mean == -0.05 and law.var == 0
    before = rng.bit_generator.state
    assert np.all(law.sample(rng, 7) == -0.05)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("law", [TwoPoint(Fraction(-1)),
                                 Discrete((Fraction(1), Fraction(2), Fraction(4)),
                                          (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)))])
@pytest.mark.parametrize("S", [1, 2, 3, 5])
def test_batch_mean_equals_enumeration_of_all_batches(law, S):
    expected = {}
    for batch in itertools.product(range(len(law.values)), repeat=S):
        value = sum(law.values[i] for i in batch) / S
        expected[value] = expected.get(value, 0) + math.prod(law.probs[i] for i in batch)
    mean = batch_mean(law, S)
    assert dict(zip(mean.values, mean.probs)) == expected


def test_batch_mean_of_symbols_floats_and_gaussians():
    mean = batch_mean(TwoPoint(a), 3)
    assert sp.expand(mean.mean - a / 2) == 0
    assert sp.simplify(mean.var - TwoPoint(a).var / 3) == 0
    large = batch_mean(TwoPoint(-1.0), 2000)  # 2^-2000 is below float64; the sum must still be 1
    assert large.mean == pytest.approx(-0.5) and large.var == pytest.approx(2.25 / 2000)
    assert batch_mean(Gaussian(-1.0, 2.0), 4) == Gaussian(-1.0, 1.0)
    three = Discrete((0.1, 0.2, 0.3), (0.25, 0.5, 0.25))
    assert len(batch_mean(three, 2).values) == 6  # sums are compared exactly


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=3, unique=True), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_batch_mean_keeps_the_mean_and_divides_the_variance(values, S):
    law = Discrete(values, [1 / len(values)] * len(values))
    mean = batch_mean(law, S)
    assert mean.mean == pytest.approx(law.mean, abs=1e-9)
    assert mean.var == pytest.approx(law.var / S, abs=1e-9)


def test_gaussian_expectation_against_closed_forms():
    law = Gaussian(-1.0, 2.0)
    assert law.expect(lambda v: v) == pytest.approx(-1, abs=1e-25)
    assert law.expect(lambda v: (v + 1) ** 2) == pytest.approx(law.var, abs=1e-25)
    # E log|Z| = -(gamma + log 2) / 2 for a standard normal, singular at 0
    value = Gaussian(0, 1).expect(lambda v: mpmath.log(abs(v)), points=(0,))
    assert abs(value + (mpmath.euler + mpmath.log(2)) / 2) < 1e-14
    assert Gaussian(2.0, 0.0).expect(lambda v: v * v) == 4
    width = sp.Symbol("sigma", positive=True)
    assert Gaussian(a, width).mean == a
    assert [batch_mean(Gaussian(0, width), S).std for S in (2, 4)] == [width / sp.sqrt(2), width / 2]
    with pytest.raises(ValueError, match="^std must"):
        Gaussian(0.0, width).sample(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="^mean must"):
        Gaussian(a, 1.0).sample(np.random.default_rng(0), 1)


def test_a_stream_may_be_asked_for_one_row_and_not_for_a_thousand_million():
    stream = Stream(TwoPoint(-1.0), 3, 4)
    assert next(stream.rows(np.random.default_rng(0), 1)).shape == (3,)
    with pytest.raises(ValueError, match="^steps must be a whole number from 0 to 1000000000"):
        next(stream.rows(np.random.default_rng(0), 10**9 + 1))


@pytest.mark.parametrize("n", [16, 100, 72, 3])  # whole words, whole bytes or neither
@pytest.mark.parametrize("laws", [(-1.0, 0.5, -0.2), (-1.0, "gauss", "gd", 0.5), ("quarter", 0.5)], ids=str)
def test_streams_side_by_side_are_the_streams(laws, n):
    """The same bits as each stream alone; fair coins have a look-up of their own."""
    others = {"gauss": Gaussian(0.5, 2.0), "gd": constant(0.3), "quarter": Discrete((1.0, 2.0), (0.25, 0.75))}
    make = lambda: [Stream(others[a] if a in others else TwoPoint(a), n, 4, 1.0, -0.1) for a in laws]
    rngs = lambda: [np.random.default_rng(j) for j in range(len(laws))]
    alone = [[row.copy() for row in s.rows(rng, 11)] for s, rng in zip(make(), rngs())]
    together = [rows.copy() for rows in side_by_side(make(), rngs(), 11)]
    assert len(together) == 11 and np.array_equal(np.array(alone).swapaxes(0, 1), together)


def test_coins_of_many_cells_are_looked_up_at_once(monkeypatch):
    """For whole bytes of walkers no stream is asked for rows of its own."""
    monkeypatch.setattr(Stream, "_next", None)
    rows = lambda n: next(side_by_side([Stream(TwoPoint(-1.0), n)], [np.random.default_rng(0)], 1))
    assert rows(16).shape == (1, 16)
    with pytest.raises(TypeError):
        rows(3)


def test_side_by_side_names_what_it_refuses():
    stream, rng = Stream(TwoPoint(-1.0), 3, 4), np.random.default_rng(0)
    for streams, rngs, steps, message in (
        ([stream], [rng], 10**9 + 1, "^steps must be a whole number from 0 to 1000000000"),
        ([stream], [], 1, "^streams and rngs must have the same length >= 1, got 1 and 0"),
        (None, [rng], 1, "^streams and rngs must be sequences, got None"),
        ([], [], 1, "^streams and rngs must have the same length >= 1, got 0 and 0"),
        ([stream, Stream(TwoPoint(-1.0), 4, 4)], [rng, rng], 1, "^streams must have the same n and block"),
        ([stream, Stream(TwoPoint(-1.0), 3, 5)], [rng, rng], 1, "^streams must have the same n and block"),
    ):
        with pytest.raises(ValueError, match=message):
            next(side_by_side(streams, rngs, steps))


def test_probabilities_may_need_algebra_to_sum_to_one():
    assert Discrete((1, 2), (sp.sin(a) ** 2, sp.cos(a) ** 2)).mean == sp.sin(a) ** 2 + 2 * sp.cos(a) ** 2


def test_a_law_with_symbols_does_not_draw():
    share = sp.Symbol("share", positive=True)
    for law, name in ((Discrete((1, 2), (share, 1 - share)), "probs"), (TwoPoint(a), "values")):
        with pytest.raises(ValueError, match=f"^{name} must be a finite real number"):
            law.sample(np.random.default_rng(0), 1)


def test_a_number_without_bounds_is_refused_without_naming_any():
    with pytest.raises(ValueError, match="^lo must be a finite real number, got nan$"):
        Uniform(math.nan, 1.0)


@pytest.mark.parametrize("name", LAWS)
def test_sampler_draws_its_law(name, alarm):
    law = LAWS[name]
    draws = law.sample(np.random.default_rng(7), 400_000)
    values, probs = law.numbers()
    keep = probs * draws.size > 20
    counts = np.array([(draws == value).sum() for value in values])
    assert counts.sum() == draws.size
    table = np.append(counts[keep], counts[~keep].sum()), np.append(probs[keep], probs[~keep].sum())
    used = table[1] > 0
    alarm(stats.chisquare(table[0][used], table[1][used] * draws.size).pvalue)


@pytest.mark.parametrize("name", LAWS)
def test_neighbouring_draws_are_independent(name, alarm):
    """Of one walker (down the rows) and of neighbouring walkers (along a row)."""
    law, rng = LAWS[name], np.random.default_rng(11)
    block = np.array([row.copy() for row in Stream(law, 517).rows(rng, 600)])
    z = (block - float(law.mean)) / math.sqrt(law.var)
    for lag in (1, 2, 8, 64):
        for product in (z[lag:] * z[:-lag], z[:, lag:] * z[:, :-lag]):
            score = product.mean() * math.sqrt(product.size)
            alarm(2 * stats.norm.sf(abs(score)))


def test_every_pattern_of_eight_bits_is_equally_likely(alarm):
    draws = TwoPoint(0).sample(np.random.default_rng(3), (100_000, 8)) > 0
    counts = np.bincount(draws @ (1 << np.arange(8)), minlength=256)
    alarm(stats.chisquare(counts).pvalue)


def test_gaussian_sampler(alarm):
    draws = Gaussian(-1.0, 2.0).sample(np.random.default_rng(5), 200_000)
    alarm(stats.kstest(draws, stats.norm(-1, 2).cdf).pvalue)


@pytest.mark.parametrize("law, oracle", [
    (Uniform(-1.5, 0.5), stats.uniform(-1.5, 2.0)), (StudentT(0.5, -1.0, 2.0), stats.t(0.5, -1.0, 2.0)),
    (StudentT(3, 0.0, 0.1), stats.t(3, 0.0, 0.1)),
])
def test_laws_with_a_density_draw_it(law, oracle, alarm):
    draws = law.sample(np.random.default_rng(6), 200_000)
    alarm(stats.kstest(draws, oracle.cdf).pvalue)
    z = oracle.cdf(draws) - 0.5  # uniform, so neighbours can be correlated whatever the tails
    score = (z[1:] * z[:-1]).mean() * 12 * math.sqrt(len(z) - 1)
    alarm(2 * stats.norm.sf(abs(score)))


def test_moments_of_laws_with_a_density():
    law = Uniform(-1.5, 0.5)
    assert law.mean == -0.5 and law.var == pytest.approx(1 / 3)
    heavy = StudentT(5, -1.0, 2.0)
    assert heavy.mean == -1 and heavy.var == pytest.approx(stats.t(5, -1.0, 2.0).var())
    assert StudentT(2).var == math.inf and math.isnan(StudentT(1).mean) and math.isnan(StudentT(1).var)
    assert StudentT(1, 3.0, 0.0).mean == 3 and StudentT(1, 3.0, 0.0).var == 0
    assert batch_mean(law, 1) is law
    assert np.all(StudentT(1, 3.0, 0.0).sample(np.random.default_rng(0), 4) == 3)


def test_sample_law_is_one_point_of_the_data():
    law = sample_law([3.0, -1.0, 3.0, 0.5])
    assert law.values == (-1.0, 0.5, 3.0)
    assert law.probs == (Fraction(1, 4), Fraction(1, 4), Fraction(1, 2))
    data = np.random.default_rng(2).standard_normal(999)
    law = sample_law(data)
    assert sum(law.probs) == 1
    assert law.mean == pytest.approx(data.mean()) and law.var == pytest.approx(data.var())
    assert set(law.sample(np.random.default_rng(3), 50)) <= set(data)


@pytest.mark.parametrize("law", [*LAWS.values(), Gaussian(-1.0, 2.0), constant(3.0), Uniform(-1.0, 2.0),
                                 StudentT(2.5, -1.0, 2.0), sample_law([1.0, 2.0, 4.0])])
def test_block_size_does_not_change_a_bit(law):
    def rows(block):
        return np.array([r.copy() for r in Stream(law, 77, block, 1.0, -0.8).rows(
            np.random.default_rng(1), 50)])

    reference = rows(1)
    assert reference.shape == (50, 77)
    for block in (3, 16, 64):
        assert np.array_equal(rows(block), reference)
    plain = np.array([r.copy() for r in Stream(law, 77).rows(np.random.default_rng(1), 50)])
    assert np.allclose(reference, 1 - 0.8 * plain, rtol=0, atol=1e-12)


def test_shapes():
    rng = np.random.default_rng(0)
    assert TwoPoint(0).sample(rng, (2, 3)).shape == (2, 3)
    assert TwoPoint(0).sample(rng, 0).shape == (0,)
    assert TwoPoint(0).sample(rng, ()).shape == ()


@pytest.mark.parametrize("make, name", [
    (lambda: Discrete((1, 2), (0.5,)), "values"),
    (lambda: Discrete((), ()), "values"),
    (lambda: Discrete((1, math.inf), (0.5, 0.5)), "values"),
    (lambda: Discrete((1, "x"), (0.5, 0.5)), "values"),
    (lambda: Discrete((1, 2), (1.5, -0.5)), "probs"),
    (lambda: Discrete((1, 2), (0.5, 0.6)), "probs"),
    (lambda: TwoPoint(math.nan), "values|finite"),
    (lambda: Gaussian(0, -1), "std"),
    (lambda: Gaussian(math.inf, 1), "mean"),
    (lambda: Uniform(math.nan, 1), "lo"),
    (lambda: Uniform(1.0, 0.0), "hi"),
    (lambda: StudentT(0), "df"),
    (lambda: StudentT(-1), "df"),
    (lambda: StudentT(3, math.inf), "loc"),
    (lambda: StudentT(3, 0, -1), "scale"),
    (lambda: sample_law([]), "values"),
    (lambda: sample_law([1.0, math.nan]), "values"),
    (lambda: sample_law([[1.0]]), "values"),
    (lambda: sample_law(["x"]), "values"),
    (lambda: batch_mean(Uniform(0, 1), 2), "law"),
    (lambda: batch_mean(TwoPoint(0), 0), "S"),
    (lambda: batch_mean(TwoPoint(0), 2.0), "S"),
    (lambda: batch_mean(TwoPoint(0), True), "S"),
    (lambda: TwoPoint(a).sample(np.random.default_rng(0), 3), "values"),
    (lambda: Gaussian(a, 1).sample(np.random.default_rng(0), 3), "mean"),
    (lambda: TwoPoint(0).sample(np.random.default_rng(0), -1), "shape"),
    (lambda: TwoPoint(0).sample(np.random.default_rng(0), (2, 1.5)), "shape"),
])
def test_bad_input_names_the_argument(make, name):
    with pytest.raises(ValueError, match=name):
        make()


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.SFC64, np.random.Philox, np.random.MT19937])
def test_words_have_64_random_bits_of_any_generator(kind):
    words, rng = _words(np.random.Generator(kind(3)), 9), np.random.Generator(kind(3))
    assert words.dtype == np.uint64
    assert np.array_equal(words, rng.integers(0, 2**64, size=9, dtype=np.uint64))


@pytest.mark.parametrize("rows, n", [(1, 1), (2, 8), (3, 13), (5, 1000)])
def test_rows_begin_at_cache_lines(rows, n):
    for _ in range(20):  # memory begins somewhere else each time
        out = aligned(rows, n, 3.0)
        assert out.shape == (rows, n) and np.all(out == 3.0)
        assert all(row.ctypes.data % 64 == 0 for row in out)
