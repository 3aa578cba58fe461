"""The continuous-time limit of appendix C: dw = -lambda L'(w) dt + lambda sqrt(C(w)/S) dW, eq. (43).

One unit of t is one SGD step; C is the covariance of the gradient of a single data point. Symbolic:
the flux, the Fokker-Planck equation, the density without flux, and the noise that a given density
needs. Numeric: an integral that refuses to be infinite, paths by Euler-Maruyama, and a chain on a
grid that has the stationary law exactly. Losses and noises are SymPy expressions in
`saddles.symbols.w` (a loss may be a Landscape without x).
"""

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import sympy as sp
from scipy import sparse

from .landscapes import Landscape, _floats, quadratic
from .noise import aligned
from .simulate import CHECK, Run, _block, _map, _starts, _times
from .symbols import S, lam, w

OCTAVES = 200  # how far `normalise` follows a tail or a singularity, in factors of 2
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def _expression(name, value):
    """`value` (a number, a SymPy expression, or a Landscape's loss) as SymPy, else ValueError."""
    value = value.loss if isinstance(value, Landscape) else value
    try:
        found = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError):
        found = sp.nan
    if not isinstance(found, sp.Expr) or found.is_Matrix or found.has(sp.nan, sp.zoo, sp.I):
        raise ValueError(f"{name} must be a SymPy expression in w, got {value!r}")
    return found


def _number(name, value):
    """`value` as a float, which may be infinite, else ValueError."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return number


def _slope(loss):
    loss = _expression("loss", loss)
    if any(str(symbol) == "x" for symbol in loss.free_symbols):
        raise ValueError("loss must be the expected loss, without x: use landscape.expected(law)")
    return sp.diff(loss, w)


def flux(loss, C, p):
    """J of eq. (48) with its sign corrected: -lambda L' p - lambda^2/(2 S) (C p)'.

    loss, C, p: SymPy expressions in w (p may also depend on t). J is probability per step that
    crosses w from left to right, so that dp/dt = -dJ/dw, eq. (47).
    """
    C, p = _expression("C", C), _expression("p", p)
    return -lam * _slope(loss) * p - lam**2 / (2 * S) * sp.diff(C * p, w)


def fokker_planck(loss, C, p):
    """The right side of eq. (46), dp/dt: minus the divergence of `flux`."""
    return -sp.diff(flux(loss, C, p), w)


def stationary_density(loss, C):
    """The density without flux, eq. (51), not normalised: exp(-(2 S/lambda) int L'/C dw) / C.

    loss, C: SymPy expressions in w. Logarithms are of absolute values, so the result is real on
    both sides of a zero of C; there each side may carry a constant of its own (to simplify it,
    put a positive symbol for w). Nothing is said about its integral: see `normalise`. ValueError if SymPy finds no antiderivative of L'/C.
    """
    C = _expression("C", C)
    if C == 0:
        raise ValueError("C must not be zero: without noise there is no density")
    exponent = sp.integrate(sp.cancel(_slope(loss) / C), w)
    if exponent.has(sp.Integral):
        raise ValueError(f"loss and C must be simple enough: SymPy cannot integrate L'/C = "
                         f"{_slope(loss) / C}; use exact_chain")
    exponent = sp.expand(-2 * S / lam * exponent)
    powers = sp.collect(exponent, sorted(exponent.atoms(sp.log), key=str), evaluate=False)
    rest = powers.pop(sp.S.One, sp.S.Zero)
    factors = [sp.Abs(log.args[0]) ** power if isinstance(log, sp.log) else sp.exp(log * power)
               for log, power in powers.items()]
    return sp.powsimp(sp.Mul(*factors, sp.exp(rest)) / C)


def noise_for(p, loss, c0, low=0):
    """C(w) of eq. (110): (c0 - (2 S/lambda) int_low^w L' p) / p, which makes p stationary.

    p: SymPy density in w; c0: number or expression; low: the lower limit of the integral, 0 by
    default (the paper leaves it open; another limit is another c0). Any constant factor of p cancels
    except in c0. The caller has to see to C > 0: c0 > (2 S/lambda) times the largest value of the
    integral. ValueError if SymPy cannot do the integral.
    """
    p, low = _expression("p", p), _expression("low", low)
    v = sp.Dummy("v", real=True)
    pull = sp.powsimp(sp.expand(_slope(loss) * p))  # exponents as one sum: SymPy then knows erf
    force = sp.integrate(pull.subs(w, v), (v, low, w))
    if force.has(sp.Integral):
        raise ValueError(f"p and loss must be simple enough: SymPy cannot integrate {pull}")
    return (_expression("c0", c0) - 2 * S / lam * force) / p


# The integral of a density


def normalise(density, low=-math.inf, high=math.inf, points=(0,)):
    """(Z, error): the integral of `density` over (low, high) and a bound on its numerical error.

    density: a SymPy expression whose only symbol is w, or a function of a float array.
    points: where in between it may be singular or very narrow; by default 0. Towards such points
    and both ends the integral is added octave by octave, so power laws, narrow peaks at a point and
    exponential tails all work. The rest of a power law is summed as a geometric series.

    ValueError if the integral is infinite, naming the end, or if it converges too slowly to tell
    (a power of a logarithm), or if the density is negative, infinite inside, or not a number.
    """
    low, high = _number("low", low), _number("high", high)
    if not low < high:
        raise ValueError(f"low and high must be low < high, got {low}, {high}")
    if isinstance(points, (str, bytes)) or not np.iterable(points):
        raise ValueError(f"points must be a sequence of numbers, got {points!r}")
    f, points = _function("density", density), sorted(_number("points", p) for p in points)
    cuts = [low, *(p for p in points if low < p < high), high]
    if len(cuts) == 2 and np.isinf(cuts).all():
        cuts.insert(1, 0.0)
    parts = [part for left, right in pairwise(cuts) for part in _halves(f, left, right)]
    return tuple(map(math.fsum, zip(*parts)))


def _function(name, value):
    """A function of a float array from a SymPy expression in w or a function."""
    if callable(value) and not isinstance(value, (sp.Basic, type)):
        return lambda v: np.broadcast_to(np.asarray(value(v), dtype=float), np.shape(v))
    value = _expression(name, value)
    left = value.free_symbols - {w}
    if left:
        raise ValueError(f"{name} must have no symbol but w, got {sorted(map(str, left))}")
    made = sp.lambdify(w, value, ["scipy", "numpy"])
    return lambda v: np.broadcast_to(np.asarray(made(v), dtype=float), np.shape(v))


def _halves(f, left, right):
    """The integrals from a middle point to both ends of (left, right), as (value, error)."""
    if math.isinf(left) or math.isinf(right):
        anchor, side = (right, -1) if math.isinf(left) else (left, 1)
        unit = side * (abs(anchor) or 1.0)
        yield _towards(f, lambda k: anchor + unit * 2.0**-k, anchor, _octaves(anchor, unit))
        yield _towards(f, lambda k: anchor + unit * 2.0**k, side * math.inf, OCTAVES)
        return
    middle = left / 2 + right / 2
    for end in (left, right):
        steps = _octaves(end, middle - end)
        yield _towards(f, lambda k, end=end: end + (middle - end) * 2.0**-k, end, steps)


def _octaves(end, length):
    """How many octaves float64 resolves towards a finite end, from a point at that distance."""
    return OCTAVES if end == 0 else max(8, 40 - max(0, math.ceil(math.log2(abs(end / length)))))


def _towards(f, edge, end, octaves):
    """Sum of the octaves between edge(0) and the end, plus the rest; (value, error)."""
    masses, errors, total = [], [], 0.0
    for k in range(octaves):
        mass, error = _shell(f, edge(k), edge(k + 1), total, end)
        masses.append(mass)
        errors.append(error)
        total += mass
        if k > 4 and total > 0 and all(m <= 1e-22 * total for m in masses[-4:]):
            return total, sum(errors) + masses[-1] + 1e-15 * total
    if total == 0:
        return 0.0, 0.0
    decay = [1 - masses[k] / masses[k - 1] if masses[k - 1] > 0 else 1.0
             for k in (octaves // 2, octaves - 2, octaves - 1)]
    if decay[-1] < 1e-4:
        raise ValueError(f"density cannot be normalised: its integral diverges at {end:g}")
    if decay[-1] < 0.1 and abs(decay[0] - decay[-1]) > 0.1 * decay[-1]:
        raise ValueError(f"density has an integral that, at {end:g}, converges too slowly to tell")
    rest, other = (masses[-1] * (1 - d) / d for d in (decay[-1], decay[-2]))
    return total + rest, sum(errors) + abs(rest - other) + 1e-14 * (total + rest)


def _shell(f, start, stop, total, end):
    """One octave by 16-point Gauss rules, halved until two answers agree; (value, error)."""
    width, pieces, before = abs(stop - start), 1, None
    while True:
        cells = start + (stop - start) * (np.arange(pieces)[:, None] + (NODES + 1) / 2) / pieces
        with np.errstate(all="ignore"):
            values = f(cells)
        if math.isinf(end) and np.isinf(values).any():
            raise ValueError(f"density cannot be normalised: its integral diverges at {end:g}")
        if not np.all(values >= 0) or np.isinf(values).any():
            raise ValueError(f"density must be finite and >= 0 inside; it is not near {cells.flat[0]:g}"
                             f" on the way to {end:g}")
        mass = float((values @ WEIGHTS).sum() * width / (2 * pieces))
        if before is not None and (abs(mass - before) <= 1e-13 * (total + mass) or pieces >= 4096):
            return mass, abs(mass - before)
        before, pieces = mass, 2 * pieces


# Paths


def euler_maruyama(drift, noise, w0, steps, dt, *, seed, boundary=None, record=None, tamed=False,
                   chunk=16384, workers=1, executor=None, progress=None):
    """Paths of dw = drift(w) dt + noise(w) dW (Ito) by Euler-Maruyama; returns a `simulate.Run`.

    drift, noise: functions of a float array; for eq. (43) -lambda L'(w) and lambda sqrt(C(w)/S).
    They may return a number.
    w0: the starts, an array (n,) or a callable rng -> array such as `simulate.uniform`.
    steps: how many.
    dt: the length > 0 of one, in the unit of t (for eq. (43) SGD steps).
    record: steps after which w is kept, by default the last; Run.times counts steps, t = times dt.
    boundary: None, ("clip", lo, hi) or ("reflect", lo, hi), applied after every step. Clipping
    collects mass on the bounds; reflecting folds it back.
    tamed: divides the drift's increment by 1 + dt |drift|, so that a superlinear drift cannot
    overshoot; costs a further bias of order dt.

    A mean over the paths has a bias of order dt (weak order 1) where drift and noise are smooth and
    grow at most linearly, and none of that is guaranteed elsewhere: halve dt and compare. Walkers
    that leave the finite range are `diverged`. `underflowed` is always False: follow log|w| instead
    where w shrinks for ever.

    chunk, workers, executor, progress: as for `simulate.run`; the result depends on (seed, chunk)
    only. For other processes drift and noise must be functions of a module, not lambdas.
    """
    if not isinstance(dt, (int, float, np.number)) or not 0 < dt < math.inf:
        raise ValueError(f"dt must be a finite number > 0, got {dt!r}")
    for name, function in (("drift", drift), ("noise", noise)):
        if not callable(function) or isinstance(function, type):
            raise ValueError(f"{name} must be a function of a float array, got {function!r}")
    if not isinstance(tamed, (bool, np.bool_)):
        raise ValueError(f"tamed must be True or False, got {tamed!r}")
    times = _times(steps, record)
    bound = _boundary(boundary)
    w0, children = _starts(quadratic, w0, seed, chunk, len(times))
    work = partial(_paths, drift, noise, times, int(steps), float(dt), bound, tamed)
    kept = np.empty((len(times) + 1, w0.shape[1]))
    _map(work, w0, children, chunk, steps, workers, executor, progress, into=kept)
    return Run(times, kept[:-1], None, ~np.isfinite(kept[-1]), np.zeros(kept.shape[-1], dtype=bool))


def _paths(drift, noise, times, steps, dt, bound, tamed, w0, child, tick=None):
    """(w of one chunk at the recorded steps and, as the last row, at the end: (k + 1, n),)."""
    v, push, (n,) = aligned(*w0.shape, w0)[0], aligned(*w0.shape)[0], w0.shape[1:]
    rng = np.random.Generator(np.random.SFC64(child))  # with PCG64 a path takes a quarter longer
    root, wanted, kept = math.sqrt(dt), set(times.tolist()), []
    rows = _block(None, n)
    normals = aligned(1, rows * n).reshape(rows, n)
    with np.errstate(all="ignore"):  # what leaves the finite range is counted at the end
        for step in range(steps + 1):
            if step in wanted:
                kept.append(v.copy())
            if step == steps:
                return (np.array([*kept, v]),)
            if step % rows == 0:
                rng.standard_normal(out=normals)
                normals *= root
            np.multiply(drift(v), dt, out=push)
            if tamed:
                push /= 1 + np.abs(push)
            kick = normals[step % rows]
            kick *= noise(v)
            push += kick
            v += push
            bound(v)
            if tick is not None and step % CHECK == 0:
                tick(n * step)


def _boundary(boundary):
    """A function that applies the rule in place."""
    if boundary is None:
        return _free
    try:
        rule, low, high = boundary
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        rule, low, high = None, 0.0, 0.0
    if rule not in ("clip", "reflect") or not -math.inf < low < high < math.inf:
        raise ValueError(f'boundary must be None or ("clip" or "reflect", low, high) with finite '
                         f"low < high, got {boundary!r}")
    return partial(_clip if rule == "clip" else _fold, low, high)


def _free(v):
    pass


def _clip(low, high, v):
    np.clip(v, low, high, out=v)


def _fold(low, high, v):
    v -= low
    np.mod(v, 2 * (high - low), out=v)
    np.minimum(v, 2 * (high - low) - v, out=v)
    v += low


# A chain on a grid


@dataclass(frozen=True)
class Chain:
    """What `exact_chain` returns; n cells.

    centres, widths  (n,) the cells
    probs            (n,) stationary probability of each cell
    up, down         (n,) jump rates to the right and left neighbour, per unit of t (an SGD step);
                     up[-1] = down[0] = 0: nothing leaves the grid
    """

    centres: np.ndarray
    widths: np.ndarray
    probs: np.ndarray
    up: np.ndarray
    down: np.ndarray

    @property
    def density(self):
        """Stationary probability per unit of w, (n,)."""
        return self.probs / self.widths

    def generator(self):
        """The sparse (n, n) matrix Q of rates: d probs/dt = probs Q, and rows sum to zero."""
        return sparse.diags([self.down[1:], -self.up - self.down, self.up[:-1]], [-1, 0, 1], format="csr")

    def exit_time(self, low=-math.inf, high=math.inf):
        """Mean time (SGD steps) to leave the cells with a centre in (low, high), from each; (n,).

        0 outside. An infinite bound is no exit; at least one must be finite and cut the grid. The
        elimination never subtracts, so even times of 10^30 keep their digits.
        """
        low, high = _number("low", low), _number("high", high)
        inside = np.flatnonzero((self.centres > low) & (self.centres < high))
        if not 0 < len(inside) < len(self.centres):
            raise ValueError(f"low and high must leave cells inside and outside, got {low}, {high}")
        out, (i, j) = np.zeros(len(self.centres)), inside[[0, -1]]
        leave, rest = [self.down[i]], [1.0]  # (leave + up) T = rest + up T_next
        for k in range(i + 1, j + 1):
            share = self.down[k] / (leave[-1] + self.up[k - 1])
            leave.append(share * leave[-1])
            rest.append(1 + share * rest[-1])
        for k in range(j, i - 1, -1):
            beyond = out[k + 1] if k + 1 < len(out) else 0.0
            out[k] = (rest[k - i] + self.up[k] * beyond) / (leave[k - i] + self.up[k])
        return out


def exact_chain(loss, C, edges, *, lam, S=1):
    """A reversible nearest-neighbour chain whose stationary law is eq. (51) on a grid: a `Chain`.

    loss, C: SymPy expressions in w without other symbols, C > 0 on the grid. edges: the n + 1
    increasing edges of the cells, possibly uneven; the two outer ones reflect. lam, S: numbers > 0.

    Rates: up[i] = lambda^2/(2S) C(e) p(e) / (p(x_i) h_i (x_{i+1} - x_i)) with e the edge between the
    centres x_i, x_{i+1}, h_i the width and p the density; `down` likewise, so up[i] p_i h_i =
    down[i+1] p_{i+1} h_{i+1}. No time is discretised, so the stationary law has no bias but that of
    the grid (p at the centre stands for the cell: order h^2). A walker exits when it reaches the
    first centre outside, so exit times are right to order h^2 if the bounds are centres, else h.
    """
    for name, value in (("lam", lam), ("S", S)):
        if not isinstance(value, (int, float, np.number)) or not 0 < value < math.inf:
            raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    edges = _floats("edges", edges)
    if edges.ndim != 1 or len(edges) < 3 or not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0):
        raise ValueError(f"edges must be at least 3 finite increasing numbers, got {edges!r}")
    C, slope = _function("C", C), _function("loss", _slope(loss))
    centres, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    points = np.sort(np.concatenate([centres, edges[1:-1]]))  # centre, edge, centre, ..., centre
    if not np.all(C(points) > 0):
        raise ValueError("C must be > 0 on the grid")
    nodes = points[:-1, None] + np.diff(points)[:, None] * (NODES + 1) / 2
    climbs = 2 * S / lam * (slope(nodes) / C(nodes)) @ WEIGHTS * np.diff(points) / 2
    log_p = -np.log(C(centres)) - np.concatenate([[0], np.cumsum(climbs[::2] + climbs[1::2])])
    probs = np.exp(log_p - log_p.max()) * widths
    rate = lam**2 / (2 * S) * C(centres) / widths
    gaps = np.diff(centres)
    up = np.append(rate[:-1] * np.exp(-climbs[::2]) / gaps, 0)
    down = np.append(0, rate[1:] * np.exp(climbs[1::2]) / gaps)
    return Chain(centres, widths, probs / probs.sum(), up, down)
