"""Step rules over an array of walkers: SGD of eq. (2), AMSGrad of eqs (13)-(16), Adam.

An optimizer is a frozen set of numbers. `start` puts its state beside an array of walkers and
returns a `Walk`, whose `step(y)` moves all walkers in place by one step. Gradient descent (GD) is
SGD under the law without noise: `saddles.noise.constant(law.mean)`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from .landscapes import Landscape
from .noise import aligned

# eps = 0 stands for the limit eps -> 0: 0 / sqrt(0) is a step of zero. So sqrt(v) is kept at FLOOR
# or above, which changes no digit as long as v > 1e-260; simulate counts the walkers with less.
FLOOR = 1e-150


@dataclass(frozen=True)
class Walk:
    """Walkers under way. step(y): one step in place; y: (n,) draws of alpha + beta x, with
    (alpha, beta) = `noise`. The array that moves holds `unit` w. `m`, `v`: the state of Adam and
    AMSGrad, (dim, n), or None for SGD."""

    step: Callable
    noise: tuple
    unit: float = 1.0
    m: np.ndarray | None = None
    v: np.ndarray | None = None


def _check(name, value, low, high, low_included):
    ok = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not ok or not (low <= value if low_included else low < value) or not value < high:
        left = "[" if low_included else "("
        raise ValueError(f"{name} must be a number in {left}{low:g}, {high:g}), got {value!r}")


def _walkers(landscape, w, scale=None):
    """Refuses what `start` cannot put under way."""
    if not isinstance(landscape, Landscape):
        raise ValueError(f"landscape must be a saddles.landscapes.Landscape, got {landscape!r}")
    floats = isinstance(w, np.ndarray) and w.dtype == float
    if not floats or w.ndim != 2 or len(w) != landscape.dim:
        raise ValueError(f"w must be a float array of shape ({landscape.dim}, n), got {w!r}")
    if scale is not None and (not isinstance(scale, np.ndarray) or scale.shape != w.shape[1:]
                              or np.isnan(scale).any()):
        raise ValueError(f"scale must be None or an array of shape ({w.shape[1]},), got {scale!r}")


@dataclass(frozen=True)
class SGD:
    """w <- w - lr grad L^(w; x), eq. (2). `lr`: the learning rate lambda > 0."""

    lr: float

    def __post_init__(self):
        _check("lr", self.lr, 0, math.inf, False)

    def start(self, landscape, w, scale=None):
        """The `Walk` of the walkers `w`, a float array (dim, n) that it will change in place.

        At once, too: to units in which the code of a step is shortest, `Code.scale`.
        """
        _walkers(landscape, w, scale)
        code = landscape.code("sgd")
        unit = code.scale(self.lr)
        with np.errstate(over="ignore"):
            w *= unit
        step, noise = code.bind(w, w, self.lr)
        return Walk(step, noise, unit)


@dataclass(frozen=True)
class Adam:
    """Adam. With g the sampled gradient and m_0 = v_0 = 0:

        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        w <- w - lr m' / (sqrt(v') + eps)
        with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t),

    the primes only with `bias_correction`. This is torch.optim.Adam, whose eps is 1e-8 by default.
    `lr` > 0, 0 <= `beta1`, `beta2` < 1, `eps` >= 0; eps = 0 means the limit eps -> 0, so that a
    walker without any gradient so far stays where it is (there torch gives nan). What is kept in
    memory is the plain sums m / (1 - beta1) and v / (1 - beta2): the same to rounding.
    """

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.0
    bias_correction: bool = True

    takes_maximum = False

    def __post_init__(self):
        _check("lr", self.lr, 0, math.inf, False)
        _check("beta1", self.beta1, 0, 1, True)
        _check("beta2", self.beta2, 0, 1, True)
        _check("eps", self.eps, 0, math.inf, True)
        if not isinstance(self.bias_correction, (bool, np.bool_)):
            raise ValueError(f"bias_correction must be True or False, got {self.bias_correction!r}")

    def start(self, landscape, w, scale=None):
        """The `Walk` of the walkers `w`, a float array (dim, n) that it will change in place.

        `scale`: None, or an array (n,): w, m and g are then in units of it (see simulate.run_log).
        """
        _walkers(landscape, w, scale)
        # arrays of no dimension: NumPy needs a third of a microsecond for each Python number
        beta1, beta2, eps = np.array(float(self.beta1)), np.array(float(self.beta2)), self.eps > 0
        g, s, v = aligned(*w.shape), aligned(*w.shape), aligned(*w.shape)
        m = aligned(*w.shape) if beta1 else g
        top = aligned(*w.shape, FLOOR**2) if self.takes_maximum else v
        gradient, noise = landscape.code("gradient").bind(w, g)
        rates = self._rates()
        multiply, add, subtract, divide = np.multiply, np.add, np.subtract, np.divide
        maximum, sqrt = np.maximum, np.sqrt

        def step(y):
            rate, offset = next(rates)
            gradient(y)
            if scale is None:
                multiply(g, g, s)
            else:
                multiply(g, scale, s)
                multiply(s, s, s)
            multiply(v, beta2, v)
            add(v, s, v)  # v = sum of beta2^k g^2
            if beta1:
                multiply(m, beta1, m)
                add(m, g, m)  # m = sum of beta1^k g
            if top is not v:
                maximum(top, v, out=top)  # eq. (15)
            sqrt(top, s)
            if eps or top is v:
                add(s, offset, s)
            divide(m, s, s)
            multiply(s, rate, s)
            subtract(w, s, w)

        return Walk(step, noise, m=m, v=top)

    def _rates(self):
        """Yield the factor before m / sqrt(v) and the eps beside sqrt(v), step by step."""
        root = math.sqrt(1 - self.beta2)
        rate, offset = self.lr * (1 - self.beta1) / root, self.eps / root
        if not self.bias_correction:
            yield from repeat((np.array(rate), np.array(max(offset, FLOOR))))
        power1 = power2 = 1.0
        while True:
            power1, power2 = power1 * self.beta1, power2 * self.beta2
            correction = math.sqrt(1 - power2)
            yield np.array(rate * correction / (1 - power1)), np.array(max(offset * correction, FLOOR))


@dataclass(frozen=True)
class AMSGrad(Adam):
    """AMSGrad, eqs (13)-(16): Adam with the largest v so far in place of v.

    The defaults are the paper's: beta1 = 0, no eps, no bias correction. Eq. (13) is printed with
    v_{t-1} where m_{t-1} is meant. With `bias_correction` it is torch.optim's
    Adam(amsgrad=True), which takes the maximum before it corrects: m' / (sqrt(max v / (1 -
    beta2^t)) + eps). Arguments as for Adam.
    """

    beta1: float = 0.0
    bias_correction: bool = False

    takes_maximum = True
