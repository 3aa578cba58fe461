"""What is known exactly about SGD on the quadratic loss, eq. (4): first with the two-point law.

One step multiplies w by 1 - lambda (when x = 1) or by 1 - lambda (a - 1) (when x = a - 1), each
with probability 1/2. After t steps only the number k of draws x = 1 matters:

    log|w_t / w_0| = k log|1 - lambda| + (t - k) log|1 - lambda (a - 1)|
    with k ~ Binomial(t, 1/2).

Everything here is a sum over k, so it holds at every finite t, and it works with log|w|, so it
neither under- nor overflows. Arrays for `a` and `lam` broadcast.

For other laws of the data, `exponent(law, lam)` is the one number that decides, E log|1 - lambda x|,
`attracting_set(law)` the learning rates at which it is negative, and `tail_index(law, lam)` the power
of the tail that additive noise then gives.
"""

import math

import numpy as np
from scipy import optimize, special, stats

from ._arguments import floats, whole
from .noise import Discrete, Gaussian, StudentT, Uniform

TAIL = 1e-16  # binomial mass that `escape_probability` may leave out on each side
MOST = 10**8  # values in one answer (0.8 GB)


def _finite(name, value):
    array = floats(name, value)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite real numbers, got {value!r}")
    return array


def _scalar(name, value):
    array = _finite(name, value)
    if array.ndim:
        raise ValueError(f"{name} must be a single number, got an array of shape {array.shape}")
    return float(array)


def _together(**arrays):
    """The arrays, broadcast, before anything of that size is allocated."""
    names = " and ".join(arrays)
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = [array.shape for array in arrays.values()]
        raise ValueError(f"{names} must broadcast, got shapes {shapes}") from None
    if math.prod(shape) > MOST:
        raise ValueError(f"{names} must give at most {MOST} values together, got {math.prod(shape)}")
    return np.broadcast_arrays(*arrays.values())


def _positive(name, value):
    array = _finite(name, value)
    if not np.all(array > 0):
        raise ValueError(f"{name} must be > 0, got {value!r}")
    return array


def _steps(t, most=10**9):
    return whole("t", t, 0, most)


def log_factors(a, lam):
    """log|1 - lambda x| for x = 1 and for x = a - 1: what one step adds to log|w|.

    `a`, `lam` > 0: broadcastable arrays. Returns two arrays of the broadcast shape, in nats; -inf
    where the factor is exactly zero (lambda = 1, Proposition 1). Raises ValueError for a value
    that is not finite or a rate that is not positive.
    """
    a, lam = _together(a=_finite("a", a), lam=_positive("lam", lam))
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right value
        return np.log(np.abs(1 - lam)), np.log(np.abs(1 - lam * (a - 1)))


def mu(a, lam):
    """E log|1 - lambda x|, eqs (75)-(77): the rate at which log|w_t| grows, in nats a step."""
    first, second = log_factors(a, lam)
    return (first + second) / 2


def s2(a, lam):
    """Var log|1 - lambda x|, the s^2 of eq. (20); inf where a factor is exactly zero."""
    first, second = log_factors(a, lam)
    with np.errstate(invalid="ignore"):  # (-inf) - (-inf) cannot occur with a < 0
        return (first - second) ** 2 / 4


def attracting_rates(a):
    """The learning rates with mu < 0, as a list of open intervals: eq. (8), corrected.

    `a`: a number. For a < 0 (w = 0 is a local maximum) it is the one interval of eq. (8) without
    its end points, where mu = 0 and w_t does not converge. For 0 <= a <= 1 its lower end is 0 and
    for a > 1 the formula printed as (8) does not apply: there may be two intervals.
    Raises ValueError if `a` is not finite.
    """
    a = _scalar("a", a)
    # |q| < 1 with q = (1 - lambda)(1 - lambda (a - 1)) = 1 - a lambda - (1 - a) lambda^2
    if a == 1:
        return [(0.0, 2.0)]
    root = a * a - 8 * a + 8  # discriminant of q = -1
    if a < 1:
        # conjugate form of eq. (8)'s upper end: no cancellation for large |a|
        upper = (np.sqrt(root) - a) / (2 * (1 - a)) if a <= 0 else 4 / (a + np.sqrt(root))
        return [(max(0.0, a / (a - 1)), float(upper))]
    end = a / (a - 1)
    if root <= 0:
        middle = a / (2 * (a - 1))
        return [(0.0, end)] if root < 0 else [(0.0, middle), (middle, end)]
    left, right = ((a + sign * np.sqrt(root)) / (2 * (a - 1)) for sign in (-1, 1))
    return [(0.0, float(left)), (float(right), end)]


def log_growth_law(a, lam, t):
    """The law of log|w_t / w_0|: its t + 1 values and their probabilities.

    `a`, `lam` > 0: numbers; 0 <= `t` <= 10^7 steps. Returns (values, probs), each of shape (t + 1,),
    entry k for k draws x = 1. A value is -inf where w_t is exactly zero.
    """
    t = _steps(t, 10**7)
    first, second = (float(f) for f in log_factors(_scalar("a", a), _scalar("lam", lam)))
    k = np.arange(t + 1)
    with np.errstate(invalid="ignore"):  # 0 * (-inf): no such draw was made
        values = np.where(k > 0, k * first, 0.0) + np.where(k < t, (t - k) * second, 0.0)
    return values, stats.binom.pmf(k, t, 0.5)


def escape_probability(a, lam, t, threshold, w0="uniform"):
    """P(|w_t| > threshold) on the quadratic loss: Figure 2 (left) without simulation.

    `a`, `lam` > 0, `threshold` > 0: broadcastable arrays; `t` >= 0. `w0`: a number (all runs start
    there), or "uniform" (w_0 uniform on [-1, 1], as in Figure 1). Returns an array of the
    broadcast shape; terms of the binomial sum with a total mass below 2e-16 are left out.
    """
    t, log_eps = _steps(t), np.log(_positive("threshold", threshold))
    uniform = isinstance(w0, str)
    if uniform and w0 != "uniform":
        raise ValueError(f'w0 must be a finite number or "uniform", got {w0!r}')
    w0 = 1.0 if uniform else _scalar("w0", w0)
    start = np.log(np.abs(w0)) if w0 else -np.inf
    a, lam, log_eps = _together(a=_finite("a", a), lam=_positive("lam", lam), threshold=log_eps)
    first, second = log_factors(a, lam)
    total = np.zeros(first.shape)
    if w0 == 0:
        return total
    low, high = stats.binom.ppf([TAIL, 1 - TAIL], t, 0.5).astype(int)
    counts = np.arange(max(low, 0), min(high, t) + 1)
    for k, mass in zip(counts.tolist(), stats.binom.pmf(counts, t, 0.5)):
        size = start + (k * first if k else 0.0) + ((t - k) * second if k < t else 0.0)
        # from |w_0| uniform on [0, 1], the share above the threshold is 1 - eps / |w_t / w_0|
        share = -np.expm1(np.minimum(log_eps - size, 0)) if uniform else size > log_eps
        total += mass * share
    return total


def mean_w(a, lam, t):
    """E[w_t] / w_0 = (1 - lambda a / 2)^t: the corrected eq. (6) at any learning rate."""
    a, lam = _together(a=_finite("a", a), lam=_positive("lam", lam))
    return (1 - lam * a / 2) ** _steps(t)


def mean_w2(a, lam, t):
    """E[w_t^2] / w_0^2: eq. (7) at any learning rate."""
    a, lam = _together(a=_finite("a", a), lam=_positive("lam", lam))
    return (((1 - lam) ** 2 + (1 - lam * (a - 1)) ** 2) / 2) ** _steps(t)


MANY_STDS = 10.0  # from |m|/s on, the asymptotic series of `gaussian_mu` has all digits of float64
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)  # for Dawson's function over [0, MANY_STDS]


def gaussian_mu(mean, std, lam):
    """E log|1 - lambda x| for x normal with `mean` and `std`: the mu of eqs (38) and (39), Appendix B.2.

    With m = 1 - lambda mean, s = lambda std and k = m/s,

        mu = log s - (gamma_E + log 2)/2 + (k^2/2) 2F2(1, 1; 3/2, 2; -k^2/2),

    where the last term is the integral of sqrt(2) D(u / sqrt(2)) over u from 0 to k, and D is Dawson's
    function. `mean`, `std` >= 0, `lam` > 0: broadcastable arrays. Returns an array of the broadcast
    shape, in nats a step, with an absolute error below 1e-14 + 1e-15 |mu| for given m and s; std = 0
    gives log|m|, so -inf at m = 0. Raises ValueError for a value that is not finite or out of range.
    """
    mean, std, lam = _finite("mean", mean), _finite("std", std), _positive("lam", lam)
    if not np.all(std >= 0):
        raise ValueError(f"std must be >= 0, got {std!r}")
    mean, std, lam = _together(mean=mean, std=std, lam=lam)
    m, s = np.abs(1 - lam * mean), lam * std
    far = m >= MANY_STDS * s
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right value
        ratio = np.where(far, s, 0.0) / np.where(m > 0, m, 1.0)
        outer = np.log(m) + _log_of_one_plus_noise(ratio)
    k = np.where(far, 0.0, m) / np.where(far, 1.0, s)
    return np.where(far, outer, np.log(np.where(far, 1.0, s)) + _log_of_k_plus_noise(k))[()]


def _log_of_k_plus_noise(k):
    """E log|k + e|, e standard normal, for 0 <= k <= MANY_STDS: Gauss-Legendre over Dawson's function."""
    half = k / np.sqrt(8)
    total = sum(weight * special.dawsn(half * (1 + node)) for node, weight in zip(NODES, WEIGHTS))
    return 2 * half * total - (np.euler_gamma + np.log(2)) / 2


def _log_of_one_plus_noise(ratio):
    """E log|1 + ratio e| for ratio <= 1/MANY_STDS: - sum of (2n - 1)!! ratio^(2n) / (2n), 24 terms."""
    moment, total = np.ones_like(ratio), np.zeros_like(ratio)
    for n in range(1, 25):
        moment = moment * (2 * n - 1) * ratio**2
        total -= moment / (2 * n)
    return total


# Any law of the data

EDGE = 2e-15  # relative: as near to a pole as 1 - lambda x still has a sign in float64


def exponent(law, lam):
    """E log|1 - lambda x| for x with any law of saddles.noise, in nats a step.

    `law`: Discrete (an exact finite sum), Gaussian (`gaussian_mu`), Uniform (closed form) or StudentT
    (a trapezoid rule that converges exponentially; 0.2 <= df <= 10^6). `lam` > 0: a number or an
    array; returns its shape. -inf where a value of positive probability makes 1 - lambda x zero in
    float64. Absolute error, for given law and lam in float64: below 1e-13 (1 + |log m| + |log s|),
    m and s being the location and the scale of 1 - lambda x, unless the law is Discrete and a factor
    is nearly zero: then what counts is the rounding of 1 - lambda x itself. ValueError for a law
    that is none of these or holds a symbol, and for a lam that is not positive and finite.
    """
    lam = _positive("lam", lam)
    if isinstance(law, Discrete):
        return _discrete_exponent(*law.numbers(), lam)
    if not isinstance(law, (Gaussian, Uniform, StudentT)):
        raise ValueError(f"law must be a law of saddles.noise, got {law!r}")
    shift, scale = law.shift_and_scale()
    if isinstance(law, Gaussian):
        return gaussian_mu(shift, scale, lam)
    if scale == 0:
        return _log_abs(1 - lam * shift)
    if isinstance(law, Uniform):
        return _uniform_exponent(np.abs(1 - lam * (shift + scale / 2)), lam * scale / 2)
    return _student_exponent(1 - lam * shift, lam * scale, law.df)


def _log_abs(value):
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right value
        return np.log(np.abs(value))


def _discrete_exponent(values, probs, lam):
    used = probs > 0  # 0 times log 0 is 0
    logs = _log_abs(1 - np.multiply.outer(lam, values[used]))
    return np.einsum("...i,i->...", logs, probs[used])[()]


def _uniform_exponent(m, h):
    """E log|m + h u| for u uniform on [-1, 1], m >= 0, h > 0.

    With k = m/h it is log h + ((k + 1) log(k + 1) - (k - 1) log|k - 1|)/2 - 1; from k = 4 on, where
    that cancels, log m - sum of k^(-2n) / (2n (2n + 1)), whose 13th term is below 1e-17.
    """
    far = m >= 4 * h
    k = np.where(far, 0.0, m) / h
    near = np.log(h) + (special.xlogy(k + 1, k + 1) - special.xlogy(k - 1, np.abs(k - 1))) / 2 - 1
    r = (np.where(far, h, 0.0) / np.where(far, m, 1.0)) ** 2
    series = sum(r**n / (2 * n * (2 * n + 1)) for n in range(1, 14))
    return np.where(far, np.log(np.where(far, m, 1.0)) - series, near)[()]


def _student_exponent(m, s, df):
    """E log|m + s T|, T Student's t: a trapezoid rule on a line above the real axis.

    T = sqrt(df) sinh w has the density ~ cosh(w)^-df. On w = y + i c the logarithm has no
    singularity, and its real part has the same mean as on the real axis, as m + s T is analytic and
    not zero in between. There the rule errs by exp(-2 pi c / step) (Trefethen and Weideman 2014);
    the step and the last y make this and the tail left out less than 1e-16.
    """
    if not 0.2 <= df <= 1e6:
        raise ValueError(f"df must be from 0.2 to 10**6 for the exponent, got {df!r}")
    c = min(np.pi / 6, 1.5 / np.sqrt(df))
    last = np.arccosh(np.exp(42 / df)) if df > 0.5 else 42 / df + np.log(2)
    count = int(np.ceil(last / (2 * np.pi * c / 38)))
    w = np.linspace(-last, last, 2 * count + 1) + 1j * c
    z = 2 * np.sinh(w / 2) ** 2  # cosh w - 1; NumPy's complex log1p loses digits where it is small
    size = np.log1p(z.real * (2 + z.real) + z.imag**2) / 2
    weights = np.exp(-df * (size + 1j * np.arctan2(z.imag, 1 + z.real)))  # cosh(w)^-df
    weights /= weights.sum()
    points, total = np.sqrt(df) * np.sinh(w), np.zeros(np.shape(m))
    for weight, point in zip(weights, points):
        total += (weight * np.log(m + s * point)).real
    return total[()]


def attracting_set(law):
    """The learning rates with exponent(law, lam) < 0: a list of open intervals, from small to large.

    `law`: as for `exponent`. The list is empty if no learning rate attracts.

    Discrete: at each pole 1/x, x > 0 a value of the law, the exponent is -inf, and between two poles
    it is concave, so what does not attract there is one interval; its ends are bisected to float64.
    What attracts around a pole on less than 1e-14 of its rate is left out.

    Laws with a density: the sign changes on a grid of 600 rates, evenly in log lambda from
    1e-5 / (|location| + scale) to 100 / scale, and at its lowest points, each refined by Brent's
    method to 1e-14 relative. A lower end below that grid is given as 0.
    """
    if isinstance(law, Discrete):
        return _discrete_attracting_set(*law.numbers())
    exponent(law, 1.0)  # complains about a law that is none
    shift, scale = law.shift_and_scale()
    if scale == 0:
        return [(0.0, 2 / shift)] if shift > 0 else []
    grid = np.geomspace(1e-5 / (abs(shift) + scale), 100 / scale, 600)
    values = exponent(law, grid)
    lowest = 1 + np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:]))
    for i in lowest:  # a dip may be narrower than the grid
        dip = optimize.minimize_scalar(lambda lam: exponent(law, lam), method="bounded",
                                       bounds=(grid[i - 1], grid[i + 1]), options={"xatol": 0})
        grid, values = np.append(grid, dip.x), np.append(values, dip.fun)
    grid, order = np.unique(grid, return_index=True)
    negative = values[order] < 0
    ends = [0.0] * bool(negative[0])
    for i in np.flatnonzero(negative[1:] != negative[:-1]):
        ends.append(optimize.brentq(lambda lam: exponent(law, lam), grid[i], grid[i + 1], xtol=1e-300, rtol=1e-14))
    return list(zip(ends[::2], ends[1::2]))


def _discrete_attracting_set(values, probs):
    values, probs = values[probs > 0], probs[probs > 0]
    poles = np.unique(1 / values[values > 0])
    if not len(poles):
        return []  # every factor 1 - lambda x is at least 1
    growth = lambda lam: float(_discrete_exponent(values, probs, np.asarray(lam)))
    slope = lambda lam: -float(np.sum(probs * values / (1 - lam * values)))
    escaping = [] if probs @ values >= 0 else [(0.0, _end(growth, slope, 0.0, poles[0])[1])]
    escaping += [_end(growth, slope, *gap) for gap in zip(poles[:-1], poles[1:])]
    far = 2 * poles[-1]
    while growth(far) < 0:
        far *= 2
    escaping.append((_root(growth, poles[-1] * (1 + EDGE), far), np.inf))
    edges = [0.0, *(end for gap in escaping if gap for end in gap)]
    return [(lo, hi) for lo, hi in zip(edges[::2], edges[1::2]) if hi - lo > 4 * EDGE * hi]


def _end(growth, slope, lo, hi):
    """The interval between two poles where the concave `growth` is not negative, or None."""
    first, last = lo * (1 + EDGE), hi * (1 - EDGE)
    if first >= last:
        return None  # the poles are one number in float64
    top = (lo + hi) / 2
    if slope(first) > 0 > slope(last):
        top = optimize.bisect(slope, first, last, xtol=1e-300, rtol=1e-15)
    if growth(top) < 0:
        return None
    return (_root(growth, first, top), _root(growth, last, top))


def _root(growth, negative, positive):
    """Where growth changes sign; `negative` itself if it is not negative there any more."""
    if growth(negative) >= 0:
        return float(negative)
    return float(optimize.bisect(growth, negative, positive, xtol=1e-300, rtol=1e-15))


STEP = 0.125  # of the trapezoidal rule in `tail_index`; its error is below 1e-15


def tail_index(law, lam):
    """The kappa > 0 with E|1 - lambda x|^kappa = 1: the index of the tail with additive noise.

    Under w <- (1 - lambda x) w + noise the stationary law has P(|w| > u) of the order u^-kappa, and
    E|w|^p is finite for p < kappa only (Kesten 1973, Goldie 1991; their hypotheses are in the
    chapter on heavy tails). The paper has the tail of the diffusion only, eqs (57) and (70).

    law: a law of saddles.noise without symbols; lam > 0: a number. Returns a float:
    nan if mu = E log|1 - lambda x| >= 0, as then no stationary law exists; this includes a mu that
    rounding cannot tell from 0 (above -1e-13 times the largest |log|, or times 1);
    inf if mu < 0 and |1 - lambda x| never exceeds 1: then no power law comes from the factors.
    Otherwise kappa is unique, as log E|1 - lambda x|^p is convex in p. Its relative error is below
    1e-14 (1 + L/|mu|), L the largest |log| of a discrete law, else 1 (1e-12 instead of 1e-14 for
    Uniform and StudentT). Discrete: a sum; Uniform: closed form; Gaussian and StudentT: quadrature.
    kappa is at most df for StudentT. Raises ValueError for a law that is none of these or holds a
    symbol, and for a lam that is not a finite number > 0.
    """
    lam = _scalar("lam", _positive("lam", lam))
    exponent(law, lam)  # complains about a law that is none
    if not isinstance(law, Discrete) and law.shift_and_scale()[1] == 0:
        law = Discrete((law.shift_and_scale()[0],), (1,))
    kinds = {Discrete: _discrete_moment, Gaussian: _gaussian_moment, Uniform: _uniform_moment,
             StudentT: _student_moment}
    log_moment, mu, scale, exceeds = kinds[type(law)](law, lam)
    if not mu < -1e-13 * scale:
        return np.nan
    if not exceeds:
        return np.inf
    low = high = 1.0
    while log_moment(high) <= 0:
        low, high = high, 2 * high
    while low > 0 and log_moment(low) >= 0:
        low, high = low / 2, low
    if low == 0:
        raise ArithmeticError(f"mu = {mu} is negative, but no moment of |1 - lambda x| is below 1")
    slope = lambda p: log_moment(p) / p  # grows with p, from mu
    return float(optimize.brentq(slope, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))


# Each returns p -> log E|1 - lambda x|^p, mu, the scale of the logs, and P(|1 - lambda x| > 1) > 0


def _discrete_moment(law, lam):
    values, probs = law.numbers()
    values, probs = values[probs > 0], probs[probs > 0]
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right value
        logs = np.log(np.abs(1 - lam * values))
    scale = np.abs(logs[np.isfinite(logs)]).max(initial=0.0)
    return lambda p: _log_moment(p, logs, np.log(probs)), probs @ logs, scale, logs.max() > 0


def _gaussian_moment(law, lam):
    """|1 - lambda x| = s y with s = lambda std, and y has the density phi(y - k) + phi(y + k).

    With y = log(1 + e^v) the integrand is smooth on the whole line of v and no narrower than 0.7.
    What counts lies within 40 of k (and down to e^-40 if 0 is near), and of the peak of y^p phi(y - k).
    """
    m, s = abs(1 - lam * float(law.mean)), lam * float(law.std)
    mu, k = float(gaussian_mu(float(law.mean), float(law.std), lam)), m / s

    def log_moment(p):
        peak, left = (k + np.hypot(k, 2 * np.sqrt(p))) / 2, (-40 if k < 40 else k - 40)
        windows = [(left, k + 40), (max(left, peak - 40), peak + 40)]
        nodes = [np.arange(int(low / STEP), int(high / STEP) + 1) for low, high in windows]
        v = STEP * np.union1d(*nodes)
        y = np.logaddexp(0, v)
        log_density = np.logaddexp(-((y - k) ** 2) / 2, -((y + k) ** 2) / 2)
        weights = log_density + special.log_expit(v) + np.log(STEP / np.sqrt(2 * np.pi))
        return _log_moment(p, np.log(s) + np.log(y), weights)

    return log_moment, mu, 1.0, True


def _uniform_moment(law, lam):
    """1 - lambda x is uniform on (m - h, m + h), and y -> y |y|^p / (p + 1) - y is an antiderivative."""
    shift, scale = law.shift_and_scale()
    m, h = abs(1 - lam * (shift + scale / 2)), lam * scale / 2
    ends = np.array([m + h, m - h])
    logs = _log_abs(ends)

    def log_moment(p):
        low, high = ends * (np.expm1(p * logs) - p)
        return np.log1p((low - high) / (2 * h * (p + 1)))

    return log_moment, float(_uniform_exponent(m, h)), 1.0, m + h > 1


def _student_moment(law, lam):
    """|1 - lambda x| = s y, and y has the density f(y - k) + f(y + k) with f Student's.

    Double-exponential rules (Takahasi and Mori 1974) on (0, k) and (k, infinity): they take the
    singularity at 0 and the power law at infinity, out to log y = 4 10^8, so that kappa may come near
    df. Moments with p >= df, which are infinite, come out as huge numbers.
    """
    shift, scale = law.shift_and_scale()
    m, s, step = abs(1 - lam * shift), lam * scale, STEP / 8
    k, tau = m / s, step * np.arange(-4 / step, 20 / step + 1)
    log_beyond = np.pi / 2 * np.sinh(tau)
    log_y = np.logaddexp(np.log(k), log_beyond) if k > 0 else log_beyond
    log_slope = log_beyond + np.log(np.pi / 2 * np.cosh(tau))
    if k > 0:
        tau = tau[tau <= 4]
        inside = np.pi * np.sinh(tau)
        log_y = np.append(log_y, np.log(k) + special.log_expit(inside))
        log_slope = np.append(log_slope, np.log(k * np.pi * np.cosh(tau))
                              + special.log_expit(inside) + special.log_expit(-inside))
    y = np.exp(np.minimum(log_y, 300))  # beyond that a power
    log_density = np.logaddexp(stats.t.logpdf(y - k, law.df), stats.t.logpdf(y + k, law.df))
    log_density -= (law.df + 1) * np.maximum(log_y - 300, 0)
    logs, weights = np.log(s) + log_y, log_slope + log_density + np.log(step)
    mu = float(_student_exponent(1 - lam * shift, s, law.df))
    return lambda p: _log_moment(p, logs, weights), mu, 1.0, True


def _log_moment(p, logs, log_weights):
    """log of the sum of e^(p logs) with weights of sum 1; without cancellation if it is near 0."""
    with np.errstate(over="ignore", invalid="ignore"):  # 0 * inf: then the other branch is taken
        excess = np.exp(log_weights) @ np.expm1(p * logs)
    if abs(excess) < 0.5:
        return np.log1p(excess)
    return special.logsumexp(p * logs + log_weights)
