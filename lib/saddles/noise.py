"""Laws of the per-sample curvature x, and how to draw from them fast.

A law knows its mean, its variance, the expectation of any function, and how to draw. Discrete laws
also accept SymPy values, so that the book derives and simulates with the same object.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import repeat
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from ._arguments import whole

MAX_BATCH = 10_000  # largest S of `batch_mean`
MAX_SUMS = 10**6  # most values that the mean of a batch may take
MAX_DRAWS = 2**31  # numbers in one sample or buffer (16 GiB)


def _is_symbolic(value):
    return isinstance(value, sp.Basic)


def _number(name, value, low=-math.inf):
    """`value` as a finite float >= low, else ValueError naming the argument."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < low:
        bound = "" if low == -math.inf else f" >= {low:g}"
        raise ValueError(f"{name} must be a finite real number{bound}, got {value!r}")
    return number


def _number_or_symbol(name, value, low=-math.inf):
    """Refuses what is neither a finite number >= low nor an expression with symbols."""
    if not (isinstance(value, sp.Expr) and value.free_symbols):
        _number(name, value, low)


def _entries(name, values):
    if isinstance(values, (str, bytes, dict, set)) or not np.iterable(values):
        raise ValueError(f"{name} must be a sequence of numbers, got {values!r}")
    return tuple(values)


def _function(name, value):
    if not callable(value):
        raise ValueError(f"{name} must be a function, got {value!r}")


def _law(name, value):
    if not isinstance(value, _Law):
        raise ValueError(f"{name} must be a law of saddles.noise, got {value!r}")


def _generator(name, value):
    if not isinstance(value, np.random.Generator):
        raise ValueError(f"{name} must be a numpy.random.Generator, got {value!r}")


class _Law:
    def sample(self, rng, shape):
        """Independent draws as a float64 array of `shape` (an int or a tuple of ints)."""
        return _sample(self, rng, shape)


@dataclass(frozen=True)
class Discrete(_Law):
    """x takes `values[i]` with probability `probs[i]`.

    `values`, `probs`: sequences of the same length >= 1, of numbers or SymPy expressions; `probs`
    are >= 0 and sum to 1 (numbers: within 1e-12). Raises ValueError otherwise.
    """

    values: Any  # a sequence; kept as a tuple
    probs: Any

    def __post_init__(self):
        object.__setattr__(self, "values", _entries("values", self.values))
        object.__setattr__(self, "probs", _entries("probs", self.probs))
        if not 1 <= len(self.values) == len(self.probs):
            raise ValueError(
                f"values and probs must have the same length >= 1, "
                f"got {len(self.values)} and {len(self.probs)}"
            )
        for value in self.values:
            _number_or_symbol("values", value)
        for p in self.probs:
            _number_or_symbol("probs", p, 0)
        rest = sum(self.probs) - 1
        if _is_symbolic(rest):
            rest = sp.simplify(rest)
        if rest != 0 and not (not getattr(rest, "free_symbols", None) and abs(float(rest)) < 1e-12):
            raise ValueError(f"probs must sum to 1, got {sum(self.probs)}")

    def expect(self, f):
        """E[f(x)] = sum of p f(x) over the values with p != 0; symbolic if anything in it is."""
        _function("f", f)
        return sum(p * f(value) for value, p in zip(self.values, self.probs) if p != 0)

    @property
    def mean(self):
        """E[x]."""
        return self.expect(lambda value: value)

    @property
    def var(self):
        """E[(x - E x)^2]."""
        mean = self.mean
        return self.expect(lambda value: (value - mean) ** 2)

    def numbers(self):
        """(values, probs) as float64 arrays; ValueError if a symbol is left."""
        values = np.array([_number("values", value) for value in self.values])
        probs = np.array([_number("probs", p, 0) for p in self.probs])
        return values, probs / probs.sum()


@dataclass(frozen=True)
class Gaussian(_Law):
    """x is normal with `mean` and standard deviation `std` >= 0 (the paper's B.2)."""

    mean: float | sp.Expr
    std: float | sp.Expr

    def __post_init__(self):
        _number_or_symbol("mean", self.mean)
        _number_or_symbol("std", self.std, 0)

    @property
    def var(self):
        """E[(x - E x)^2]."""
        return self.std**2

    def expect(self, f, points=(), dps=30):
        """E[f(x)] by tanh-sinh quadrature with mpmath, at `dps` decimal digits; returns an mpf.

        `f` takes and returns mpmath numbers (mpmath.log, not numpy.log). `points`: the x where f
        or its derivative is singular, e.g. 1/lambda for log|1 - lambda x|; there the integral is
        split and f is not evaluated. The tails beyond the weight 10^-(dps + 5) are left out.
        """
        _function("f", f)
        points, dps = _entries("points", points), whole("dps", dps, 1, 1000)
        points = [p if isinstance(p, mpmath.mpf) else _number("points", p) for p in points]
        mean, std = _number("mean", self.mean), _number("std", self.std, 0)
        with mpmath.workdps(dps):
            mean, std = mpmath.mpf(mean), mpmath.mpf(std)
            if std == 0:
                return mpmath.mpmathify(f(mean))
            end = mpmath.sqrt(2 * (dps + 5) * mpmath.log(10))
            inner = sorted((mpmath.mpmathify(p) - mean) / std for p in points)
            cuts = sorted({-end, mpmath.mpf(-3), mpmath.mpf(0), mpmath.mpf(3), end}
                          | {z for z in inner if -end < z < end})
            density = lambda z: f(mean + std * z) * mpmath.npdf(z)
            return mpmath.quad(density, cuts)

    def shift_and_scale(self):
        """(mean, std) as floats: x = mean + std z, with z from `draw_standard`."""
        return _number("mean", self.mean), _number("std", self.std, 0)

    @staticmethod
    def draw_standard(rng, out):
        """Fill `out` with standard normal numbers."""
        rng.standard_normal(out=out)


@dataclass(frozen=True)
class Uniform(_Law):
    """x is uniform on [lo, hi], `lo` <= `hi`: a law with a density and with bounded data."""

    lo: float
    hi: float

    def __post_init__(self):
        if _number("lo", self.lo) > _number("hi", self.hi):
            raise ValueError(f"lo and hi must be lo <= hi, got {self.lo!r}, {self.hi!r}")

    @property
    def mean(self):
        """E[x]."""
        return (self.lo + self.hi) / 2

    @property
    def var(self):
        """E[(x - E x)^2]."""
        return (self.hi - self.lo) ** 2 / 12

    def shift_and_scale(self):
        """(lo, hi - lo): x = lo + (hi - lo) z, with z from `draw_standard`."""
        return float(self.lo), float(self.hi) - float(self.lo)

    @staticmethod
    def draw_standard(rng, out):
        """Fill `out` with uniform numbers in [0, 1)."""
        rng.random(out=out)


@dataclass(frozen=True)
class StudentT(_Law):
    """x = loc + scale T, where T is Student's t with `df` > 0 degrees of freedom; `scale` >= 0.

    Its tails are powers, P(|T| > u) ~ u^-df: a heavy-tailed data set. df = 1 is the Cauchy law, and
    df -> infinity the Gaussian.
    """

    df: float
    loc: float = 0.0
    scale: float = 1.0

    def __post_init__(self):
        if _number("df", self.df) <= 0:
            raise ValueError(f"df must be > 0, got {self.df!r}")
        _number("loc", self.loc)
        _number("scale", self.scale, 0)

    @property
    def mean(self):
        """E[x] = loc; nan for df <= 1 (and scale > 0), where there is none."""
        return float(self.loc) if self.df > 1 or self.scale == 0 else math.nan

    @property
    def var(self):
        """E[(x - E x)^2] = scale^2 df / (df - 2); inf for 1 < df <= 2, nan for df <= 1."""
        if self.scale == 0:
            return 0.0
        if self.df <= 2:
            return math.inf if self.df > 1 else math.nan
        return self.scale**2 * self.df / (self.df - 2)

    def shift_and_scale(self):
        """(loc, scale): x = loc + scale z, with z from `draw_standard`."""
        return float(self.loc), float(self.scale)

    def draw_standard(self, rng, out):
        """Fill `out` with Student's t."""
        out[...] = rng.standard_t(self.df, out.shape)


def sample_law(values):
    """The law of one point drawn at random from `values`, a data set: a Discrete law.

    `values`: a sequence of n >= 1 finite numbers, each with weight 1/n; equal ones become one value
    with their common weight. Values increase, and weights are exact fractions.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.array(math.nan)
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError("values must be a sequence of one or more finite numbers")
    unique, counts = np.unique(array, return_counts=True)
    return Discrete(unique.tolist(), [Fraction(k, array.size) for k in counts.tolist()])


def TwoPoint(a):
    """The book's law, eq. (8) and Propositions 1-5: x = 1 or x = a - 1, each with probability 1/2.

    Its mean is a/2 (the paper writes a). `a`: a finite number or a SymPy expression; a = 0 gives
    x = +1 or -1, the law of Proposition 4.
    """
    _number_or_symbol("a", a)
    half = 0.5
    if _is_symbolic(a):
        half = sp.Rational(1, 2)
    elif isinstance(a, Fraction):
        half = Fraction(1, 2)
    return Discrete((1, a - 1), (half, half))


def constant(value):
    """The law without noise: with the mean of another law, SGD becomes gradient descent (GD)."""
    _number_or_symbol("value", value)
    return Discrete((value,), (1,))


def batch_mean(law, S):
    """The law of the mean of S independent draws: what a minibatch of size S sees.

    `S`: a whole number from 1 to 10 000. Exact: a discrete law stays discrete (binomial weights for
    two values, repeated convolution for more; floats are added as the fractions they are, and give
    floats), a Gaussian stays Gaussian with std / sqrt(S).
    """
    _law("law", law)
    S = whole("S", S, 1, MAX_BATCH)
    if S == 1:
        return law
    if isinstance(law, Gaussian):
        root = sp.sqrt(S) if _is_symbolic(law.std) else math.sqrt(S)
        return Gaussian(law.mean, law.std / root)
    if not isinstance(law, Discrete):
        raise ValueError(f"law must be Discrete or Gaussian for S > 1, got {law!r}")
    if len(law.values) == 1:
        return law
    symbolic = any(map(_is_symbolic, law.values + law.probs))
    exact = sp.sympify if symbolic else _fraction
    fractions = symbolic or all(isinstance(v, (int, Fraction)) for v in law.values + law.probs)
    values, probs = [exact(v) for v in law.values], [exact(p) for p in law.probs]
    sums = (_two_point_sums if len(values) == 2 else _sums)(values, probs, S)
    back = (lambda number: number) if fractions else float
    return Discrete([back(total / S) for total in sums], [back(p) for p in sums.values()])


def _fraction(value):
    return Fraction(value) if isinstance(value, (int, Fraction)) else Fraction(float(value))


def _two_point_sums(values, probs, S):
    (u, v), (p, q) = values, probs
    powers_p, powers_q = [p**0], [q**0]
    for _ in range(S):
        powers_p.append(powers_p[-1] * p)
        powers_q.append(powers_q[-1] * q)
    sums = {}
    for k in range(S + 1):
        total = _expand(k * u + (S - k) * v)
        weight = math.comb(S, k) * powers_p[k] * powers_q[S - k]
        sums[total] = sums.get(total, 0) + weight
    return sums


def _sums(values, probs, S):
    sums = {values[0] * 0: probs[0] ** 0}
    for _ in range(S):
        longer = {}
        for total, weight in sums.items():
            for value, p in zip(values, probs):
                key = _expand(total + value)
                longer[key] = longer.get(key, 0) + weight * p
        sums = longer
        if len(sums) > MAX_SUMS:
            raise ValueError(f"S must be smaller for this law: its batch mean takes more than {MAX_SUMS} values")
    return sums


def _expand(value):
    return sp.expand(value) if _is_symbolic(value) else value


# Drawing. The draws of one step are one row; how many rows are drawn at once never matters.

LINE = 64  # bytes of a cache line


def aligned(rows, n, fill=0.0):
    """A float array (rows, n) full of `fill`; each row begins at a cache line.

    Vector instructions on rows that do not are two to three times slower out of cache.
    """
    width = -(-n * 8 // LINE) * LINE // 8
    memory = np.empty(rows * width + LINE // 8)
    begin = -memory.ctypes.data % LINE // 8
    out = memory[begin : begin + rows * width].reshape(rows, width)[:, :n]
    out[...] = fill
    return out


class Stream:
    """Rows of `n` independent draws of alpha + beta x, made `block` rows at a time, in cache.

    A two-point law with equal weights costs one random bit a draw: a byte of the bit generator
    picks a row of 8 draws in a table of 256 rows. Other laws whose probabilities are multiples of
    2^-8 or 2^-16 cost one byte or two; the rest an inverse CDF; laws with a density draw themselves
    (the Gaussian by NumPy's ziggurat).
    """

    def __init__(self, law, n, block=16, alpha=0.0, beta=1.0):
        _law("law", law)
        self.n, self.block = n, block = whole("n", n, 1, MAX_DRAWS), whole("block", block, 1, 10**6)
        alpha, beta = _number("alpha", alpha), _number("beta", beta)
        if n * block > MAX_DRAWS:
            raise ValueError(f"n and block must give at most {MAX_DRAWS} draws, got {n} times {block}")
        if not isinstance(law, Discrete):
            shift, scale = law.shift_and_scale()
            self._constant = scale == 0
            self._fill, width = self._draw, 1
            self._standard = law.draw_standard
            self._shift, self._scale = alpha + beta * shift, beta * scale
            self._first = self._shift
        else:
            values, probs = law.numbers()
            values = alpha + beta * values
            self._constant = np.all(values == values[0])
            self._first = values[0]
            bits = _dyadic_bits(probs)
            width = 8 if bits == 1 else 1
            if bits:
                self._fill, self._table = self._look_up, _table(values, probs, bits)
                self._word = np.dtype(np.uint8 if bits <= 8 else np.uint16)
                self._words = -(-n * self._word.itemsize // (8 * width))  # 64-bit words a row
            else:
                self._fill, self._values = self._invert, values
                self._cdf = np.cumsum(probs)[:-1]
        self.is_coin = width == 8 and not self._constant
        self._width = n
        if self._fill == self._look_up:
            self._width = self._words * 64 // (8 * self._word.itemsize) * width  # whole words

    @cached_property
    def _buffer(self):
        rows = 1 if self._constant else self.block
        return aligned(1, rows * self._width, self._first).reshape(rows, self._width)

    def rows(self, rng, steps):
        """Yield `steps` arrays of shape (n,); each is overwritten later, so use it at once."""
        _generator("rng", rng)
        steps = whole("steps", steps, 0, 10**9)
        rows = [row[: self.n] for row in self._buffer]
        if self._constant:
            yield from repeat(rows[0], steps)
            return
        for start in range(0, steps, self.block):
            count = min(self.block, steps - start)
            self._fill(rng, self._buffer[:count])
            yield from rows[:count]

    def _next(self, rng, count):
        """The next `count` <= block rows as one array (count, n), or (1, n) if all are the same."""
        if not self._constant:
            self._fill(rng, self._buffer[:count])
        return self._buffer[:count, : self.n]

    def _bytes(self, rng, count):
        """The random bytes (or 16-bit words) of `count` rows."""
        return _words(rng, count * self._words).view(self._word).reshape(count, -1)

    def _look_up(self, rng, out):
        index = self._bytes(rng, len(out)).ravel()
        self._table.take(index, axis=0, out=out.reshape(len(index), -1), mode="clip")

    def _invert(self, rng, out):
        rng.random(out=out)
        index = np.searchsorted(self._cdf, out.ravel(), side="right")
        self._values.take(index, out=out.ravel(), mode="clip")

    def _draw(self, rng, out):
        self._standard(rng, out)
        out *= self._scale
        out += self._shift


def side_by_side(streams, rngs, steps):
    """Yield `steps` arrays (c, n): row j is what streams[j].rows(rngs[j], steps) yields.

    `streams`, `rngs`: c >= 1 of them, the streams with the same n and block. Each array is
    overwritten later.
    """
    if not np.iterable(streams) or not np.iterable(rngs):
        raise ValueError(f"streams and rngs must be sequences, got {streams!r} and {rngs!r}")
    streams, rngs = tuple(streams), tuple(rngs)
    if not 1 <= len(streams) == len(rngs):
        raise ValueError(f"streams and rngs must have the same length >= 1, got {len(streams)} and {len(rngs)}")
    if not all(isinstance(stream, Stream) for stream in streams):
        raise ValueError(f"streams must be of the class Stream, got {streams!r}")
    if len({(stream.n, stream.block) for stream in streams}) > 1:
        raise ValueError("streams must have the same n and block")
    for rng in rngs:
        _generator("rngs", rng)
    n, block, steps = streams[0].n, streams[0].block, whole("steps", steps, 0, 10**9)
    buffer = aligned(1, block * len(streams) * n).reshape(block, len(streams), n)
    coins = n % 8 == 0 and all(stream.is_coin for stream in streams)
    fill = (_coins_together if coins else _one_by_one)(streams, rngs)
    for start in range(0, steps, block):
        rows = buffer[: min(block, steps - start)]
        fill(rows)
        yield from rows


def _one_by_one(streams, rngs):
    def fill(out):
        for j, (stream, rng) in enumerate(zip(streams, rngs)):
            out[:, j] = stream._next(rng, len(out))

    return fill


def _coins_together(streams, rngs):
    """Fair coins for whole bytes of walkers: one look-up, in tables one below the other."""
    width = streams[0].n // 8
    table = np.concatenate([stream._table for stream in streams])
    shift = np.repeat(256 * np.arange(len(streams)), width)
    index = np.empty((streams[0].block, len(streams), width), dtype=np.intp)

    def fill(out):
        rows = index[: len(out)]
        for j, (stream, rng) in enumerate(zip(streams, rngs)):
            rows[:, j] = stream._bytes(rng, len(out))[:, :width]
        flat = rows.reshape(len(out), -1)
        flat += shift
        table.take(flat.ravel(), axis=0, out=out.reshape(-1, 8), mode="clip")

    return fill


def _words(rng, size):
    """`size` random 64-bit words: what rng.integers(0, 2**64, size) gives, several times faster."""
    if isinstance(rng.bit_generator, np.random.MT19937):  # its raw words have 32 bits
        return rng.integers(0, 2**64, size=size, dtype=np.uint64)
    return rng.bit_generator.random_raw(size)


def _dyadic_bits(probs):
    """1, 8 or 16 if all probabilities are multiples of 2^-1, 2^-8, 2^-16; else 0."""
    for bits in (1, 8, 16):
        if np.all(probs * 2.0**bits % 1 == 0):
            return bits
    return 0


HEADS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) == 0


def _table(values, probs, bits):
    """What each byte or 16-bit word stands for: 8 draws for a fair coin, else one draw."""
    if bits == 1:
        heads, tails = np.repeat(values, (probs * 2).astype(int))
        return np.where(HEADS, heads, tails)
    return np.repeat(values, (probs * 2**bits).astype(int))[:, None]


def _sample(law, rng, shape):
    _generator("rng", rng)
    shape = _entries("shape", shape) if np.iterable(shape) else (shape,)
    shape = tuple(whole("shape", k, 0, MAX_DRAWS) for k in shape)
    size = math.prod(shape)
    if size > MAX_DRAWS:
        raise ValueError(f"shape must hold at most {MAX_DRAWS} draws, got {shape}")
    if size == 0:
        return np.empty(shape)
    (row,) = Stream(law, size, 1).rows(rng, 1)
    return np.array(row).reshape(shape)
