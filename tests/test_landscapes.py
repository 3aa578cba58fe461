"""The losses, and the code generated from them against plain evaluation of the same expression."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from saddles.landscapes import Landscape, quadratic, quartic, two_minima
from saddles.noise import TwoPoint
from saddles.symbols import a, b, lam, w, w1, w2, x

R = sp.Rational
EXAMPLES = {
    "quadratic": quadratic,
    "expected": quadratic.expected(R(-1, 2)),
    "6.1": quartic(R(1, 2), R(1, 4)),
    "figure 1": quartic(R(1, 2), 1),
    "5.1": quartic(1.0, 1.0),
    "two minima": two_minima.at(a=0.5, b=4),
    "cosine": Landscape(x * sp.cos(w) + sp.log(1 + w**2), (w,)),
    "shared": Landscape(x * (w1 + w2) ** 2 + w1 * w2, (w1, w2)),
    "swap": Landscape(w1 * w2, (w1, w2)),
    "x twice": Landscape(x * w + x * w**3 + w**5, (w,)),
    "x squared": Landscape(x**2 * w**2, (w,)),
    "rational": Landscape(x / (1 + w**2), (w,)),
    "every function": Landscape(x * (sp.sqrt(1 + w**2) + sp.exp(-w**2) + sp.sin(w) * sp.tanh(w) + sp.sinh(w) / sp.cosh(w)), (w,)),
    "linear": Landscape(3 * w, (w,)),
}


def plain(landscape, points, data):
    """The gradient by SymPy's own NumPy printer: another path from the same expression."""
    f = sp.lambdify((*landscape.coords, x), landscape.gradient, "numpy")
    return np.array([np.broadcast_to(g, data.shape) for g in f(*points, data)])


def check_generated(landscape):
    rng = np.random.default_rng(2)
    points, data = rng.uniform(-1.5, 1.5, (landscape.dim, 200)), rng.choice([1.0, -2.0, 0.0], 200)
    expected = plain(landscape, points, data)
    size = np.abs(expected).max() + 1
    w_ = points if landscape.dim > 1 else points[0]
    got = landscape.numpy_gradient()(w_, data)
    assert got.shape == w_.shape
    assert np.allclose(got.reshape(expected.shape), expected, rtol=0, atol=1e-13 * size)
    code = landscape.code("sgd")
    moved = points * code.scale(0.3)
    step, (alpha, beta) = code.bind(moved, moved, 0.3)
    step(alpha + beta * data)
    assert np.allclose(moved / code.scale(0.3), points - 0.3 * expected, rtol=0, atol=1e-13 * size)


@pytest.mark.parametrize("name", [n for n in EXAMPLES if n != "x squared"])
def test_generated_code_agrees_with_the_expression(name):
    check_generated(EXAMPLES[name])


@pytest.mark.parametrize("loss, far", [
    (sp.exp(-((w - 30) ** 2)), 30.0), (sp.log(1 + sp.exp(-x * (w - 800))), 800.0),
    (-sp.exp(-((w - 30) ** 2) / 2) + x * w / 100, 30.0), (sp.cos(w) + (w - 10) ** 20 / 20, 10.0),
])
def test_what_is_no_polynomial_is_not_multiplied_out(loss, far):
    """Far from 0 the terms of the expanded form cancel, or overflow."""
    landscape, points = Landscape(loss, (w,)), far + np.linspace(-1, 1, 7)
    code, moved = landscape.code("sgd"), points[None].copy()
    assert code.unit == 1
    step, (alpha, beta) = code.bind(moved, moved, 0.1)
    step(np.full(7, alpha + beta))
    assert np.allclose(moved, points - 0.1 * plain(landscape, points[None], np.ones(7)), rtol=1e-13, atol=0)
    assert np.allclose(landscape.numpy_gradient()(points, 1.0), plain(landscape, points[None], np.ones(7)), rtol=1e-12, atol=1e-12)


def test_constants_of_any_size_are_floats():
    wide = Landscape(x * w1**2 / 2 + w1**4 / 4 + 10**20 * w2**4 / 4, (w1, w2))
    check_generated(wide)
    rows = np.full((2, 2, 3), 0.5)
    step, _ = wide.code("sgd").bind(rows, rows, [0.1, 0.2])
    step(1.0)
    assert rows.dtype == float and np.all(rows[1] < -1e18)


def test_data_that_enters_squared_is_generated_too():
    check_generated(EXAMPLES["x squared"])


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1)),
                       st.integers(-5, 5).filter(bool), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_generated_code_for_any_polynomial(terms):
    loss = sum(c * w1**i * w2**j * x**k for (i, j, k), c in terms.items())
    check_generated(Landscape(loss, (w1, w2)))


def test_generated_code_has_neither_powers_nor_new_arrays():
    for landscape in EXAMPLES.values():
        for kind in ("gradient", "sgd"):
            source = landscape.code(kind).source
            assert "power" not in source and "**" not in source
            assert all(line.strip().startswith(("def", "return", "pass")) or "=" in line
                       or line.rstrip().endswith(")") or not line.strip()
                       for line in source.splitlines())


def test_sgd_on_the_quadratic_is_one_multiplication():
    code = quadratic.code("sgd")
    assert code.noise == (1, -lam) and code.registers == 0
    assert code.source.count("(") == 3  # make, step, multiply


def test_noise_takes_over_what_it_can():
    """A step's count of array operations: what is linear in x, and constant beside it, is in y."""
    count = lambda code: code.source.count("(") - 2
    plane = two_minima.at(a=sp.Rational(1, 2), b=4)
    assert count(plane.code("sgd")) == 10 and plane.code("sgd").noise == (1 + 2 * lam, -4 * lam)
    fourth = quartic(sp.Rational(1, 2), sp.Rational(1, 4))
    assert count(fourth.code("sgd")) == 3 and fourth.code("sgd").noise == (1, -lam)
    assert count(fourth.code("gradient")) == 3 and fourth.code("gradient").noise == (0, 1)
    squeezed = Landscape(5 * x * w1**2 * w2**2, (w1, w2))
    assert squeezed.code("gradient").noise == (0, 10)


def test_sgd_moves_in_units_of_the_highest_power():
    """Where it has no factor x, s^(degree - 2) = lambda times its most frequent factor."""
    unit = lambda loss, *coords: Landscape(loss, coords).code("sgd").unit
    assert unit(x * w**2 / 2, w) == unit(x * w**4, w) == unit(sp.cos(w) + w**4, w) == 1
    assert unit(10**101 * w**4, w) == unit(w**4 / 10**101, w) == 1
    assert unit(w1**4 / 4 + x * w2**4, w1, w2) == sp.sqrt(lam)
    assert unit(3 * w**2 / 2 + x * w**2, w) == unit(x * w, w) == unit(sp.Integer(3), w) == 1
    assert unit(x * w**2 / 2 + w**4 / 4, w) == unit(x * w**2 / 2 - w**4 / 4, w) == sp.sqrt(lam)
    assert unit(x * w + w**3 / 2, w) == 3 * lam / 2
    assert unit(w1**4 + w1**2 * w2**2 + 5 * w2**2 * x, w1, w2) == sp.sqrt(2 * lam)
    code = quartic(sp.Rational(1, 2), sp.Rational(1, 4)).code("sgd")
    assert code.scale(0.25) == 0.5
    assert np.array_equal(code.scale(np.array([0.25, 1.0])), [[0.5], [1.0]])
    assert code.source.count("k") == 2 and code.constants == ()  # no constant but the argument's name


def test_negative_terms_are_subtracted():
    """w (y - w^2) has no factor -1; where all is negative, the sum is negated once."""
    source = Landscape(x * w**2 / 2 + w**4 / 4, (w,)).code("sgd").source
    assert "subtract(y, t0, t0)" in source and source.count("multiply") == 2
    hill = Landscape(-(w1**4) / 4 - w1**2 * w2**2 / 2, (w1, w2)).code("gradient").source
    assert hill.count("negative") == 1 and "subtract" not in hill


@pytest.mark.parametrize("rates", [[0.01, 0.05, 0.2], [0.05]])
def test_a_row_for_each_rate_is_what_each_rate_does_alone(rates):
    rates, plane = np.array(rates), two_minima.at(a=0.5, b=4)
    rows = np.random.default_rng(3).uniform(-1, 1, (2, len(rates), 7))
    alone, data = rows.copy(), np.random.default_rng(4).choice([1.0, -1.0], (len(rates), 7))
    code = plane.code("sgd")
    rows *= code.scale(rates)
    step, (alpha, beta) = code.bind(rows, rows, rates)
    assert alpha.shape == beta.shape == (len(rates), 1)
    step(alpha + beta * data)
    for i, rate in enumerate(rates):
        one = alone[:, i] * code.scale(rate)
        step, (alpha, beta) = code.bind(one, one, rate)
        step(alpha + beta * data[i])
        assert np.array_equal(one, rows[:, i])


def test_gradient_hessian_and_sharpness():
    assert quadratic.gradient == (x * w,)
    assert quadratic.hessian == sp.Matrix([[x]])
    assert quartic(R(1, 2), R(1, 4)).gradient == (x * w + w**3,)
    flat = two_minima.expected(0)
    assert [sp.expand(g) for g in flat.gradient] == [
        sp.expand(-2 * w1 + 4 * w1**3 + 12 * w1 * w2**2),
        sp.expand(-2 * w2 - 2 * a * w2 + 4 * w2**3 + 12 * w1**2 * w2)]
    assert two_minima.dim == 2 and quadratic.dim == 1


def test_expected_loss():
    assert quadratic.expected(TwoPoint(a)).loss == a * w**2 / 4
    assert quartic(1, 1).expected(-3).loss == w**4 - 3 * w**2
    with pytest.raises(ValueError, match="linear in x"):
        EXAMPLES["x squared"].expected(0)


def test_parameters():
    assert two_minima.params == (a, b)
    assert two_minima.at(a=1).params == (b,)
    assert two_minima.at(a=1, b=2).loss == two_minima.loss.subs({a: 1, b: 2})
    assert quartic(sp.Symbol("c"), 1).params == (sp.Symbol("c"),)


def test_which_losses_are_quadratic():
    assert quadratic.is_quadratic and quadratic.expected(1).is_quadratic
    assert not quartic(R(1, 2), R(1, 4)).is_quadratic and not EXAMPLES["linear"].is_quadratic
    assert not two_minima.is_quadratic


@pytest.mark.parametrize("make, name", [
    (lambda: two_minima.at(c=1), "c is no parameter"),
    (lambda: two_minima.at(x=1), "x is no parameter"),
    (lambda: two_minima.numpy_gradient(), "a=..., b=..."),
    (lambda: quadratic.numpy_gradient()(np.zeros((2, 3)), 1.0), "w must"),
    (lambda: two_minima.at(a=1, b=1).numpy_gradient()(np.zeros(3), 1.0), "w must"),
    (lambda: quadratic.code("newton"), "kind"), (lambda: quadratic.code("sgd").scale([]), "lr must"),
    (lambda: quadratic.code("sgd").bind(*[np.ones((1, 3, 4))] * 2, 0.1), "lr must be 3 rates"),
    (lambda: quadratic.code("sgd").bind(*[np.ones((1, 3, 4))] * 2, [0.1, 0.2]), "lr must be 3 rates"),
    (lambda: Landscape(x * w, ()), "coords"),
    (lambda: Landscape(x * w, (x,)), "coords"),
    (lambda: Landscape(x * w, ("w",)), "coords"),
    (lambda: quartic(float("nan"), 1), "c2"),
    (lambda: quartic(1, float("inf")), "c4"),
    (lambda: Landscape(sp.gamma(w), (w,)).code("sgd"), "loss"),
])
def test_bad_input_names_the_argument(make, name):
    with pytest.raises(ValueError, match=name):
        make()
