"""How fast a product of independent random matrices grows: w <- M w with a fresh M at each step.

The top Lyapunov exponent gamma_1 = lim (1/n) log|M_n ... M_1 w| is, for almost every w, the same
for almost every run (Furstenberg and Kesten 1960), and its sign says whether SGD leaves or is
attracted. In d dimensions there are d exponents, gamma_1 >= ... >= gamma_d (Oseledets 1968). Four
ways to get at them:

exponents      a simulation with error bars, in any dimension
upper_bounds   exact bounds on gamma_1 from above: all products of n matrices, enumerated
mean_log_det   the exact sum of all exponents, E log|det M|; gamma_1 is at least a d-th of it
bracket        for 2 x 2 matrices: two bounds that meet as the cells get smaller
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arguments import floats, whole

MAX_PRODUCTS = 2**20  # products that `upper_bounds` may enumerate
MAX_NUMBERS = 2**31  # that one draw may hold (16 GiB)
SINGULAR = 1e-12  # smaller ratios of singular values are too near to rounding for `bracket`
SLACK = 1e-9  # for rounding: `bracket` makes images wider by this part of a cell, bounds by this


@dataclass(frozen=True, eq=False)
class Matrices:
    """A random matrix that is values[i] with probability probs[i].

    `values`: (k, d, d), finite, k >= 1; `probs`: (k,), >= 0, with sum 1 (within 1e-12); by default
    equal. Raises ValueError otherwise.
    """

    values: np.ndarray
    probs: Any = None  # a sequence; kept as an array

    def __post_init__(self):
        values = floats("values", self.values)
        if values.ndim != 3 or values.shape[1] != values.shape[2] or values.size == 0:
            raise ValueError(f"values must have shape (k, d, d) with k, d >= 1, got {values.shape}")
        if not np.all(np.isfinite(values)):
            raise ValueError("values must be finite")
        k = len(values)
        probs = np.full(k, 1 / k) if self.probs is None else floats("probs", self.probs)
        if probs.shape != (k,) or not np.all(probs >= 0) or abs(probs.sum() - 1) > 1e-12:
            raise ValueError(f"probs must be {k} numbers >= 0 with sum 1, got {self.probs!r}")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "probs", probs)

    def sample(self, rng, n):
        """n independent draws, (n, d, d)."""
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng must be a numpy.random.Generator, got {rng!r}")
        whole("n", n, 0, MAX_NUMBERS // self.values[0].size)
        index = np.searchsorted(np.cumsum(self.probs)[:-1], rng.random(n), side="right")
        return self.values[index]


@dataclass(frozen=True)
class Exponents:
    """What `exponents` returns: estimates, largest first, and their standard errors, (count,) each,
    from `n` independent walkers with `seed`; in nats a step."""

    mean: np.ndarray
    stderr: np.ndarray
    n: int
    seed: int


def exponents(law, dim, *, steps, burn_in, n, seed, count=1):
    """The `count` largest Lyapunov exponents, by simulation.

    law     has sample(rng, n) -> (n, dim, dim): a `Matrices`, or your own
    dim     dimension of w, >= 1
    steps   steps that are averaged over, >= 1, after `burn_in` >= 0 steps that are not: by then
            the directions should have forgotten where they began. What they have not forgotten is
            a bias that no error bar shows; it falls exponentially with `burn_in` where gamma_1 >
            gamma_2, and like 1/burn_in at worst
    n       independent walkers, >= 2, which give the standard error
    seed    a whole number >= 0
    count   1 to dim

    Each walker carries `count` orthonormal vectors, at first in random directions; after each step
    they are made orthonormal again (Gram-Schmidt, i.e. QR), and the logarithms of their lengths
    are what is averaged. Nothing under- or overflows. A walker whose vector becomes exactly zero
    stays there: the exponent is then -inf, its standard error nan. Returns `Exponents`; memory is
    of order n dim^2. ValueError names the argument that is wrong.
    """
    for name, value, low in (("dim", dim, 1), ("steps", steps, 1), ("burn_in", burn_in, 0),
                             ("n", n, 2), ("seed", seed, 0), ("count", count, 1)):
        whole(name, value, low, math.inf if name == "seed" else 10**9)
    if not callable(getattr(law, "sample", None)):
        raise ValueError(f"law must have sample(rng, n), got {law!r}")
    if n * dim**2 > MAX_NUMBERS:
        raise ValueError(f"n and dim must give at most {MAX_NUMBERS} numbers, got {n} times {dim}^2")
    if count > dim:
        raise ValueError(f"count must be at most dim = {dim}, got {count}")
    rng = np.random.default_rng(seed)
    frame = np.linalg.qr(rng.standard_normal((n, dim, count)))[0]
    total = np.zeros((n, count))
    for t in range(burn_in + steps):
        matrices = np.asarray(law.sample(rng, n))
        if matrices.shape != (n, dim, dim):
            raise ValueError(f"law must give shape {(n, dim, dim)}, gave {matrices.shape}")
        frame, length = _orthonormal(matrices @ frame)
        if t >= burn_in:
            with np.errstate(divide="ignore"):  # log 0 = -inf is the right value
                total += np.log(length)
    each = total / steps
    with np.errstate(invalid="ignore"):  # -inf - (-inf) in the standard error
        return Exponents(each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(n), n, seed)


def _orthonormal(frame):
    """(orthonormal vectors, the lengths they had), (n, dim, count) and (n, count)."""
    if frame.shape[2] > 1:
        q, r = np.linalg.qr(frame)
        return q, np.abs(np.diagonal(r, axis1=1, axis2=2))
    largest = np.abs(frame).max(axis=1)  # divided out before squaring: no overflow in the squares
    frame = frame / np.where(largest > 0, largest, 1)[:, None]
    length = np.sqrt(np.einsum("nik,nik->nk", frame, frame))
    return frame / np.where(length > 0, length, 1)[:, None], largest * length


def mean_log_det(law):
    """E log|det M| of a `Matrices`: the exact sum of all exponents; -inf if some M is singular."""
    _matrices(law)
    size = np.linalg.slogdet(law.values)[1]
    return float(law.probs[law.probs > 0] @ size[law.probs > 0])


def upper_bounds(law, n):
    """(n,) exact values of E log||M_k ... M_1|| / k for k = 1 to n, with the spectral norm.

    Each is an upper bound on gamma_1, since log||.|| is subadditive; the bound for 2k is never
    above that for k, and the limit is gamma_1. All products are enumerated: ValueError if there
    are more than 2^20 of length n. In nats a step; `law` is a `Matrices`.
    """
    _matrices(law)
    whole("n", n, 1, MAX_PRODUCTS)
    k, dim = law.values.shape[:2]
    if n * np.log(k) > np.log(MAX_PRODUCTS) + SLACK:
        raise ValueError(f"n must give at most {MAX_PRODUCTS} products, got {k}^{n}")
    products, exponent, weights = np.eye(dim)[None], np.zeros(1, dtype=int), np.ones(1)
    bounds = np.empty(n)
    for length in range(1, n + 1):
        products = (law.values[:, None] @ products[None]).reshape(-1, dim, dim)
        weights = np.outer(law.probs, weights).ravel()
        size = np.linalg.norm(products, ord=2, axis=(1, 2))
        shift = np.frexp(size)[1]  # kept as products 2^exponent: moving powers of two is exact
        products = np.ldexp(products, -shift[:, None, None])
        with np.errstate(divide="ignore"):  # a product that is exactly zero: log 0 = -inf
            logs = np.log(size) + np.tile(exponent, k) * np.log(2)
        exponent = np.tile(exponent, k) + shift
        bounds[length - 1] = weights[weights > 0] @ logs[weights > 0] / length
    return bounds


def bracket(law, cells=4096, iterations=400):
    """(low, high) with low <= gamma_1 <= high, for invertible 2 x 2 matrices: no simulation.

    For any bounded function g of the direction u of w,

        min over u of D(u) <= gamma_1 <= max over u of D(u)
        with D(u) = E[log|M u| + g(M u)] - g(u),

    since summed along a run the g cancel but for the first and the last. Here g is constant on
    `cells` arcs of directions, and D is bounded on each arc from the end points and extrema of
    |M u| and from all arcs that the image of the arc meets. g is improved by repeating g <- g + D,
    which never loosens a bound, until D is constant within 1e-7 or `iterations` are done. The
    bounds meet as `cells` grows, unless all matrices share a line on which they grow slower (as
    diagonal ones do): then low stays at that line's rate. In float64, not in interval arithmetic:
    for rounding, 1e-9 is added on each side, and 1e-9 of a cell to each image.
    ValueError if a matrix with positive probability is not 2 x 2 or (nearly) singular.
    """
    _matrices(law)
    whole("cells", cells, 4, 2**24)
    whole("iterations", iterations, 1, 10**9)
    if law.values.shape[1:] != (2, 2):
        raise ValueError(f"law must have 2 x 2 matrices, got {law.values.shape[1:]}")
    used = law.probs > 0
    size = np.linalg.svd(law.values[used], compute_uv=False)
    if not np.all(size[:, 1] > SINGULAR * size[:, 0]):
        raise ValueError("law must have invertible matrices, singular values within a factor 1e12")
    parts = [(p, *_image(m, cells)) for p, m in zip(law.probs[used], law.values[used])]
    lower = [(p, shortest, pairs) for p, shortest, _, pairs in parts]
    upper = [(p, longest, pairs) for p, _, longest, pairs in parts]
    low = _value(cells, iterations, lower, np.minimum)
    high = _value(cells, iterations, upper, np.maximum)
    return low - SLACK, high + SLACK


def _image(m, cells):
    """What m does to each arc: smallest and largest log|m u| in it, and which arcs its image meets.

    The latter as (first, last + 1) pairs in one row, for ufunc.reduceat; last may exceed `cells`.
    """
    scale = np.abs(m).max()
    m, width = m / scale, np.pi / cells
    angle = width * np.arange(cells + 1)
    at = m @ np.array([np.cos(angle), np.sin(angle)])
    log = np.log(np.hypot(*at))
    shortest, longest = np.minimum(log[1:], log[:-1]), np.maximum(log[1:], log[:-1])
    _, sizes, axes = np.linalg.svd(m)
    for size, axis, extreme in zip(sizes, axes, (longest, shortest)):
        inside = (np.arctan2(axis[1], axis[0]) % np.pi) / width
        for cell in (np.floor(inside - SLACK), np.floor(inside + SLACK)):
            extreme[int(cell) % cells] = np.log(size)
    # the angle between the images of an arc's ends; it is below pi, and never 0
    turn = np.arctan2(abs(np.linalg.det(m)) * np.sin(width), (at[:, 1:] * at[:, :-1]).sum(axis=0))
    begin = np.arctan2(at[1], at[0])
    begin = begin[:-1] if np.linalg.det(m) > 0 else begin[1:]
    begin = (begin % np.pi) / width
    first = np.floor(begin - SLACK)
    last = np.floor(begin + turn / width + SLACK)
    last = np.minimum(last - first, cells - 1) + first % cells
    pairs = np.array([first % cells, last + 1]).T.ravel().astype(int)
    return shortest + np.log(scale), longest + np.log(scale), pairs


def _value(cells, iterations, parts, extreme):
    """The bound on gamma_1 from g <- g + D; extreme is np.minimum (from below) or np.maximum."""
    g = np.zeros(cells)
    for _ in range(iterations):
        around = np.concatenate([g, g, g[:1]])  # arcs may begin near pi and end beyond
        new = sum(p * (log + extreme.reduceat(around, pairs)[::2]) for p, log, pairs in parts)
        difference = new - g
        if np.ptp(difference) < 1e-7:
            break
        g = new - new[0]
    return float(extreme.reduce(difference))


def _matrices(law):
    if not isinstance(law, Matrices):
        raise ValueError(f"law must be Matrices, got {law!r}")
