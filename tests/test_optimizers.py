"""Every step rule, walker by walker, against plain Python (and torch.optim: extra_torch.py)."""

import math

import numpy as np
import pytest
from saddles.landscapes import quadratic, quartic, two_minima
from saddles.noise import TwoPoint
from saddles.optimizers import SGD, Adam, AMSGrad

RULES = [SGD(0.1), Adam(0.2), Adam(0.2, beta1=0.0), Adam(0.05, eps=1e-3, bias_correction=False),
         Adam(0.1, beta1=0.5, beta2=0.0), AMSGrad(0.2), AMSGrad(0.2, beta1=0.9),
         AMSGrad(0.2, beta1=0.9, eps=1e-2, bias_correction=True)]
LANDSCAPES = {"quadratic": quadratic, "quartic": quartic(0.5, 0.25),
              "two minima": two_minima.at(a=0.5, b=2)}


def derivative(name, w, x):
    """The gradients written out by hand."""
    if name == "quadratic":
        return [x * w[0]]
    if name == "quartic":
        return [x * w[0] + w[0] ** 3]
    w1, w2 = w
    return [-2 * w1 + 4 * w1**3 + 12 * w1 * w2**2 + 2 * x * w1,
            -3 * w2 + 4 * w2**3 + 12 * w1**2 * w2]


def plain_step(rule, state, w, g, t):
    """One step of one coordinate, textbook form; `state` is changed."""
    if isinstance(rule, SGD):
        return w - rule.lr * g
    state["m"] = rule.beta1 * state.get("m", 0.0) + (1 - rule.beta1) * g
    state["v"] = rule.beta2 * state.get("v", 0.0) + (1 - rule.beta2) * g * g
    state["max"] = max(state.get("max", 0.0), state["v"])
    m, v = state["m"], state["max"] if isinstance(rule, AMSGrad) else state["v"]
    if rule.bias_correction:
        m, v = m / (1 - rule.beta1**t), v / (1 - rule.beta2**t)
    return w - rule.lr * m / (math.sqrt(v) + rule.eps) if m else w


def start(rule, landscape, w):
    walk = rule.start(landscape, w)
    alpha, beta = walk.noise
    return lambda x: walk.step(alpha + beta * np.asarray(x)), walk


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_steps_against_plain_python(rule, name):
    """Errors are reset each step, so that chaos cannot amplify rounding."""
    landscape, rng, steps = LANDSCAPES[name], np.random.default_rng(1), 60
    xs = TwoPoint(-0.4).sample(rng, (steps, 5))
    w = rng.uniform(-0.6, 0.6, (landscape.dim, 5))
    reference, states = w.copy(), [[{} for _ in range(5)] for _ in range(landscape.dim)]
    step, walk = start(rule, landscape, w)
    for t, x in enumerate(xs, 1):
        for j in range(5):
            g = derivative(name, reference[:, j], x[j])
            for i in range(landscape.dim):
                reference[i, j] = plain_step(rule, states[i][j], reference[i, j], g[i], t)
        step(x)
        assert np.allclose(w / walk.unit, reference, rtol=1e-10, atol=1e-12), t
        w[:] = reference * walk.unit


def test_first_step_of_adam_has_length_lr():
    w = np.array([[1e-30, -1e-3, 1.0]])
    step, _ = start(Adam(0.2), quadratic, w)
    step([1.0, 1.0, -2.0])
    assert np.allclose(w, [[1e-30 - 0.2, -1e-3 + 0.2, 1.2]])


@pytest.mark.parametrize("rule", RULES[1:], ids=repr)
def test_without_any_gradient_nothing_moves(rule):
    w = np.array([[0.5, 0.0]])
    step, _ = start(rule, quadratic, w)
    step([0.0, 1.0])
    assert np.array_equal(w, [[0.5, 0.0]])


def test_amsgrad_never_forgets_and_adam_does():
    for rule, forgets in ((Adam(1e-9, beta1=0.0, beta2=0.5), True),
                          (AMSGrad(1e-9, beta2=0.5), False)):
        w = np.ones((1, 1))
        step, walk = start(rule, quadratic, w)
        step([2.0])
        top = walk.v.copy()
        step([0.1])
        assert (walk.v < top).all() if forgets else (walk.v == top).all()


@pytest.mark.parametrize("rule", RULES[1:], ids=repr)
def test_a_walk_shows_its_state(rule):
    """m and v are the plain sums of beta1^k g and beta2^k g^2; v of AMSGrad the largest of them."""
    w = np.array([[0.5, -2.0]])
    step, walk = start(rule, quadratic, w)
    m = v = top = 0.0
    for x in (1.0, -2.0, 0.1):
        g = x * w
        m, v = rule.beta1 * m + g, rule.beta2 * v + g * g
        top = np.maximum(top, v) if rule.takes_maximum else v
        step([x, x])
        assert np.allclose(walk.m, m, rtol=1e-14, atol=0) and np.allclose(walk.v, top, rtol=1e-14, atol=0)


@pytest.mark.parametrize("make, name", [
    (lambda: SGD(0), r"^lr must be a number in \(0, inf\), got 0$"), (lambda: SGD(-1.0), "lr"), (lambda: SGD(math.nan), "lr"),
    (lambda: SGD(math.inf), "lr"), (lambda: SGD("1"), "lr"), (lambda: SGD(True), "lr"),
    (lambda: Adam(0.0), "lr"), (lambda: Adam(0.1, beta1=1.0), r"^beta1 must be a number in \[0, 1\), got 1.0$"),
    (lambda: Adam(0.1, beta1=-0.1), "beta1"), (lambda: Adam(0.1, beta2=1.0), "beta2"),
    (lambda: AMSGrad(0.1, beta2=math.nan), "beta2"), (lambda: Adam(0.1, eps=-1e-8), "eps"),
    (lambda: AMSGrad(0.1, eps=math.inf), "eps"),
])
def test_bad_input_names_the_argument(make, name):
    with pytest.raises(ValueError, match=name):
        make()


@pytest.mark.parametrize("rule", [rule for rule in RULES if not isinstance(rule, SGD)], ids=str)
def test_walkers_in_a_unit_of_their_own_walk_the_same_way(rule):
    """On the quadratic loss w/s, with any scale s, is what w is over s; for powers of two to the bit."""
    w, scale = np.array([[0.5, -0.3, 2.0]]), np.array([4.0, 0.125, 1.0])
    plain = w.copy()
    scaled = rule.start(quadratic, w := w / scale, scale)
    walk, (alpha, beta) = rule.start(quadratic, plain), scaled.noise
    for x in np.random.default_rng(1).choice([1.0, -2.0], (9, 3)):
        walk.step(alpha + beta * x)
        scaled.step(alpha + beta * x)
        assert np.allclose(w * scale, plain, rtol=1e-14, atol=0)
        assert np.array_equal(scaled.v, walk.v)
