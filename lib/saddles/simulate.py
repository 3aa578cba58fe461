"""Run many independent walkers: seeded, in chunks that stay in cache, recording only what is asked.

`run` moves w itself and counts what left the range of float64. `run_log` follows log|w| on the
quadratic loss, where nothing can underflow: use it wherever something seems to have converged.
"""

import math
import sys
import time
from collections.abc import Sized
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice

import numpy as np
from scipy import special

from ._arguments import whole
from .landscapes import Landscape, _floats, quadratic
from .noise import Discrete, Gaussian, Stream, StudentT, Uniform, _entries, _words, aligned, side_by_side
from .optimizers import SGD, Adam, Walk

CHECK = 16  # steps between two looks at underflow; also between two rescalings in run_log
TINY = np.finfo(float).tiny  # smallest normal float64: below it, digits are lost
HUGE = np.finfo(float).max
TINY_V = 1e-260  # below it, g^2 may have been lost from v
MAX_TIMES = 10**6  # steps that may be recorded
MAX_RECORD = 2**31  # numbers that may be recorded (16 GiB)


@dataclass(frozen=True)
class Run:
    """What `run` returns; n walkers, k record times.

    times       (k,) steps after which was recorded
    w           (k, n), or (k, dim, n) if dim > 1; None if `reduce` was given
    stats       (k, ...) sums of `reduce` over the walkers that have not diverged; else None
    diverged    (n,) bool: a coordinate (or v) left the finite range by the last step, w itself or
                w in SGD's own units, those of `landscapes.Code.scale`. Such a walker stays at
                +-inf or nan and is not in `stats`; leave it out of averages.
    underflowed (n,) bool: at one of the looks, every 16 steps and at the end, a coordinate that
                began at w_0 != 0 was zero or subnormal (or v of Adam was, with eps = 0): the
                walker seems to have converged, but only float64 has. On the quadratic a zero
                that SGD reaches by a factor 1 - lr x = 0 is the true value and is not counted.
                What is subnormal at step 16, 32, ... is then set to 0. SGD looks in its own units.
    """

    times: np.ndarray
    w: np.ndarray | None
    stats: np.ndarray | None
    diverged: np.ndarray
    underflowed: np.ndarray

    def summary(self):
        """One line: walkers, steps, and how many left the range of float64."""
        return (f"{len(self.diverged)} walkers, {self.times[-1]} steps: "
                f"{self.diverged.sum()} diverged, {self.underflowed.sum()} underflowed")


@dataclass(frozen=True)
class LogRun:
    """What `run_log` returns: `log_abs` (k, n) = log|w|, `sign` (k, n) in {-1, 0, 1}; rest as Run.

    log_abs is -inf only where w is exactly zero. `underflowed` can only be set by Adam's or
    AMSGrad's v, if w_0 is so small that v < 1e-260.
    """

    times: np.ndarray
    log_abs: np.ndarray
    sign: np.ndarray
    diverged: np.ndarray
    underflowed: np.ndarray

    summary = Run.summary


@dataclass(frozen=True)
class uniform:
    """A start: uniform(lo, hi, n)(rng) has shape (n,), or (dim, n) if lo and hi have dim entries.

    lo <= hi: finite numbers or tuples of them; n >= 1.
    """

    lo: object
    hi: object
    n: int

    def __post_init__(self):
        lo, hi = _floats("lo", self.lo), _floats("hi", self.hi)
        if lo.shape != hi.shape or lo.ndim > 1 or not np.all(np.isfinite(lo) & np.isfinite(hi)):
            raise ValueError(f"lo and hi must be finite, alike, got {self.lo!r}, {self.hi!r}")
        if not np.all(lo <= hi):
            raise ValueError(f"lo and hi must be lo <= hi, got {self.lo!r}, {self.hi!r}")
        whole("n", self.n, 1, MAX_RECORD)

    def __call__(self, rng):
        lo, hi = np.asarray(self.lo, dtype=float), np.asarray(self.hi, dtype=float)
        return (lo + (hi - lo) * rng.random((self.n, *lo.shape))).T.copy()


def moments(t, w):
    """A `reduce`: (3,) or (3, dim): number of walkers, sum of w, sum of w^2."""
    w = _floats("w", w)
    if not w.ndim:
        raise ValueError(f"w must have shape (n,) or (dim, n), got {w!r}")
    return np.array([np.full(w.shape[:-1], float(w.shape[-1])), w.sum(-1), (w * w).sum(-1)])


@dataclass(frozen=True)
class histogram:
    """A `reduce`: counts of w between `edges`, a sorted tuple (dim 1); outside is not counted."""

    edges: tuple

    def __post_init__(self):
        edges = _floats("edges", self.edges)
        if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
            raise ValueError(f"edges must be at least 2 growing numbers, got {self.edges!r}")
        object.__setattr__(self, "edges", tuple(edges.tolist()))

    def __call__(self, t, w):
        return np.histogram(w, self.edges)[0]


def run(landscape, law, optimizer, w0, steps, *, seed, record=None, reduce=None, box=None,
        additive=0.0, chunk=16384, block=None, workers=1, executor=None, progress=None):
    """Run independent walkers and return a `Run`.

    landscape, law, optimizer: from saddles.landscapes, .noise, .optimizers. One x is drawn per
    walker and step. For gradient descent: SGD and law=noise.constant(law.mean).
    w0: the starts, an array (n,) (or (dim, n)), or a callable rng -> array such as `uniform`.
    steps: 0 to 10^9.
    seed: a whole number >= 0 or a SeedSequence.
    record: increasing steps in [0, steps] after which w is kept; by default the last only.
    reduce: a function (t, w) -> array of sums or counts (`moments`, `histogram`), called on the
        walkers of each chunk that have not diverged and added up; then w itself is not kept.
    box: None, or (lo, hi), numbers or one per coordinate: after each step w is clipped to it.
    additive: sigma >= 0 of normal noise that is added to every gradient, besides that of x:
        w <- w - lr grad + lr sigma xi. Only with SGD. It has a stream of its own, so x is drawn as
        without it.
    chunk: walkers at a time. The result depends on (seed, chunk), and on nothing below:
    block: steps for which noise is drawn at once; by default what fits into the cache.
    workers: processes over chunks.
    executor: any concurrent.futures.Executor instead of them.
    progress: None draws a bar on a terminal in runs of over 2 s; False never; a callable gets
        the finished fraction.

    ValueError names the argument that is wrong, before anything is allocated.
    """
    times = _times(steps, record)
    w0, children = _starts(landscape, w0, seed, chunk, len(times) if reduce is None else 0)
    task = _Task(landscape, law, optimizer, steps, times, reduce, _box(box, landscape.dim),
                 _block(block, min(chunk, w0.shape[1])), additive=_sigma(additive))
    _check_task(task)
    kept = np.empty((len(times), *w0.shape)) if reduce is None else None
    stats, diverged, underflowed = _map(partial(_chunk, task), w0, children, chunk, steps, workers,
                                        executor, progress, into=kept)
    if kept is None:
        w, stats = None, sum(stats[1:], stats[0])
    else:
        w, stats = (kept[:, 0] if landscape.dim == 1 else kept), None
    return Run(times, w, stats, np.concatenate(diverged), np.concatenate(underflowed))


def run_cells(landscape, laws, rates, w0, steps, *, seed, record=None, reduce=None, box=None,
              chunk=8192, workers=1, executor=None, progress=None):
    """SGD for the cells of a map: a list of `Run`s, one for each pair of `laws` and `rates`.

    Cell i has the same bits as run(landscape, laws[i], SGD(rates[i]), w0, steps, seed=child i of
    `seed`, ...), but the walkers of many cells, `chunk` together, are one array: with a few hundred
    walkers a cell NumPy would else spend most of its time on calls.
    laws, rates: sequences of the same length >= 1. w0: as for `run`, at most `chunk` walkers; if
    it is an array, every cell has these starts. Other arguments as for `run`; nothing depends on
    `chunk`. ValueError names the argument that is wrong.
    """
    laws, rates = _entries("laws", laws), _entries("rates", rates)
    try:
        rates = [SGD(rate) for rate in rates]
    except ValueError:
        raise ValueError(f"rates must be learning rates lr > 0, got {rates!r}") from None
    if not 1 <= len(laws) == len(rates):
        raise ValueError(f"laws and rates must have the same length >= 1, got {len(laws)} and "
                         f"{len(rates)}")
    times, chunk = _times(steps, record), whole("chunk", chunk, 1, 2**24)
    kept, starts, children = (len(times) if reduce is None else 0) * len(laws), [], []
    for child in _sequence(seed).spawn(len(laws)):
        start, own = _starts(landscape, w0, child, chunk, kept)
        if len(own) > 1:
            raise ValueError(f"w0 must have at most chunk = {chunk} walkers, got {start.shape[1]}")
        starts.append(start)
        children += own
    n = starts[0].shape[1]
    size = max(1, chunk // n)
    task = _Task(landscape, None, None, steps, times, reduce, _box(box, landscape.dim),
                 _block(None, n * min(size, len(laws))))
    for law, rate in zip(laws, rates):
        _check_task(replace(task, law=law, optimizer=rate))
    cells = [(law, rate.lr, child) for law, rate, child in zip(laws, rates, children)]
    groups = [cells[i : i + size] for i in range(0, len(cells), size)]
    parts, = _map(partial(_cells, task), np.concatenate(starts, axis=1), groups, size * n, steps,
                  workers, executor, progress)
    runs = []
    for kept, diverged, underflowed in (cell for part in parts for cell in part):
        w, stats = (kept, None) if reduce is None else (None, kept)
        w = w[:, 0] if w is not None and landscape.dim == 1 else w
        runs.append(Run(times, w, stats, diverged, underflowed))
    return runs


def run_log(law, optimizer, w0, steps, *, seed, record=None, box=None, chunk=16384, block=None,
            workers=1, executor=None, progress=None):
    """Run walkers on the quadratic loss, eq. (4), with log|w| in place of w; return a `LogRun`.

    Nothing underflows, at any number of steps. `optimizer` may be a number: SGD(lr). Other
    arguments as for `run`; a box must have lo < 0 < hi.

    SGD without a box under a discrete law: log|w_t| = log|w_0| + sum over values of
    count log|1 - lr x|, with multinomial counts between two record times, so the cost does not
    grow with the number of steps. Two values and many walkers: binomial counts from a table.

    In all other cases w and m are held as (W, M) 2^e, with an exponent e per walker renewed every
    16 steps. That is exact as x w is linear in w: the step w <- w - (lr / sqrt(v)) m does not
    change if w and m are scaled together. It is not free of scale in v: sqrt(v) is an absolute
    length, so g^2 enters v with its true size x^2 W^2 2^(2e), and may vanish against a normal v
    without harm.
    """
    times = _times(steps, record)
    if not isinstance(optimizer, (SGD, Adam)):
        try:
            optimizer = SGD(optimizer)
        except ValueError:
            raise ValueError(f"optimizer must be SGD, Adam, AMSGrad or a learning rate lr > 0, "
                             f"got {optimizer!r}") from None
    w0, children = _starts(quadratic, w0, seed, chunk, 2 * len(times))
    box = _box(box, 1)
    if box and not box[0] < 0 < box[1]:
        raise ValueError(f"box must have lo < 0 < hi in run_log, got {box}")
    task = _Task(quadratic, law, optimizer, steps, times, None, box,
                 _block(block, min(chunk, w0.shape[1])), log=True)
    _check_task(task)
    counts = isinstance(optimizer, SGD) and isinstance(law, Discrete) and box is None
    work = partial(_chunk, task)
    if counts:
        work = partial(_count_chunk, times, _sorted_factors(law, optimizer.lr), _tabled(times, w0.shape[1]))
    kept = np.empty((len(times), 2, w0.shape[1]))
    _, diverged, underflowed = _map(work, w0, children, chunk, steps, workers, executor, progress,
                                    into=kept)
    log_abs, sign = np.moveaxis(kept, 1, 0)
    return LogRun(times, log_abs, sign, np.concatenate(diverged), np.concatenate(underflowed))


# One chunk


@dataclass(frozen=True)
class _Task:
    landscape: object
    law: object
    optimizer: object
    steps: int
    times: np.ndarray
    reduce: object
    box: tuple | None
    block: int
    log: bool = False
    additive: float = 0.0


def _chunk(task, w0, child, tick=None):
    """(what was kept at the record times, diverged, underflowed) of one chunk; w0: (dim, n)."""
    w, rng = aligned(*w0.shape, w0), np.random.default_rng(child)
    scale = _Scale(w, task.box) if task.log else None
    walk = task.optimizer.start(task.landscape, w, None if scale is None else scale.factor)
    noise = Stream(task.law, w.shape[1], task.block, *walk.noise)
    rows, step = noise.rows(rng, task.steps), walk.step
    if task.additive:
        step = _kicked(step, w, task, child, walk.unit)
    step = _boxed(step, w, task.box, scale, walk.unit)
    adaptive = walk.v is not None and task.optimizer.eps == 0
    zero = (walk.v is None and not task.additive
            and _may_vanish(task.landscape, task.law, walk.noise))
    watch = _Watch(w, w0 != 0, walk.m, walk.v if adaptive else None, not task.log, zero)
    kept = []

    def look(t):
        watch.look(t)
        if scale is not None:
            scale.renew(walk.m)

    _march(task, rows, step, look, lambda t: kept.append(_keep(task, t, w, w0, walk, scale)),
           tick and (lambda t: tick(w.shape[1] * t)))
    return np.array(kept), ~_finite(w, walk), watch.underflowed


def _march(task, rows, step, look, keep, tick):
    """All steps; look(t) every CHECK steps and at the end, keep(t) at the recorded times."""
    times, done = set(task.times.tolist()), 0
    with np.errstate(all="ignore"):  # what leaves the finite range is counted by `_Watch`
        for stop in sorted(times | {*range(0, task.steps, CHECK), task.steps}):
            for y in islice(rows, stop - done):
                step(y)
            done = stop
            if stop % CHECK == 0 or stop == task.steps:
                look(stop)
            if stop in times:
                keep(stop)
            if tick is not None:
                tick(stop)


def _cells(task, w0, cells, tick=None):
    """(kept, diverged, underflowed) of each of the `cells` (law, rate, child); w0 side by side."""
    laws, rates, children = zip(*cells)
    shape = len(w0), len(cells), w0.shape[1] // len(cells)
    w, w0 = aligned(*w0.shape, w0).reshape(shape), w0.reshape(shape)
    code, rates = task.landscape.code("sgd"), np.array(rates)
    unit = code.scale(rates)
    with np.errstate(over="ignore"):
        w *= unit
    step, (alpha, beta) = code.bind(w, w, rates)
    walks = [Walk(step, (float(a), float(b)), float(s)) for a, b, s in np.broadcast(alpha, beta, unit)]
    rows = side_by_side([Stream(law, shape[2], task.block, *walk.noise) for law, walk in zip(laws, walks)],
                        [np.random.default_rng(child) for child in children], task.steps)
    zero = [[_may_vanish(task.landscape, law, walk.noise)] for law, walk in zip(laws, walks)]
    watch = _Watch(w, w0 != 0, true_zero=np.array(zero))
    kept = [[] for _ in cells]

    def keep(t):
        for j, (own, walk) in enumerate(zip(kept, walks)):
            own.append(_keep(task, t, w[:, j], w0[:, j], walk, None))

    _march(task, rows, _boxed(step, w, task.box, None, unit), watch.look, keep,
           tick and (lambda t: tick(w[0].size * t)))
    diverged = [~_finite(w[:, j], walk) for j, walk in enumerate(walks)]
    return ([(np.array(own), bad, lost) for own, bad, lost in zip(kept, diverged, watch.underflowed)],)


def _keep(task, t, w, w0, walk, scale):
    if task.log:
        sign = np.sign(w[0])
        return np.array([np.log(np.abs(w[0])) + scale.exponent * math.log(2), sign])
    finite = _finite(w, walk)
    kept = w / walk.unit if t > 0 else w0.copy()
    if task.box is not None and walk.unit != 1 and t > 0:
        lo, hi = task.box
        np.clip(kept, lo, hi, out=kept)  # the division rounds, but on the walls it must not
        np.copyto(kept, lo, where=w <= lo * walk.unit)
        np.copyto(kept, hi, where=w >= hi * walk.unit)
    if task.reduce is None:
        if walk.v is not None:
            kept[:, ~finite & np.isfinite(kept).all(axis=0)] = np.nan  # only v has left the range
        return kept
    kept = kept[:, finite]
    return np.asarray(task.reduce(t, kept[0] if len(kept) == 1 else kept))


def _finite(w, walk):
    finite = (np.abs(w) <= HUGE * min(walk.unit, 1.0)).all(axis=0)  # both w and unit w; nan is not <=
    return finite if walk.v is None else finite & np.isfinite(walk.v).all(axis=0)


def _kicked(step, w, task, child, unit):
    """`step`, then lr sigma xi for every coordinate, from a child of the chunk's own seed."""
    own = np.random.SeedSequence(child.entropy, spawn_key=(*child.spawn_key, 0))
    law = Gaussian(0.0, task.optimizer.lr * task.additive * unit)
    kicks = Stream(law, w.size, task.block).rows(np.random.default_rng(own), task.steps)

    def kicked(y):
        step(y)
        np.add(w, next(kicks).reshape(w.shape), w)

    return kicked


def _boxed(step, w, box, scale, unit):
    """`step`, then the projection to the box; its bounds are arrays, as scalars cost four times."""
    if box is None:
        return step
    if scale is None:
        column = -1, *[1] * (w.ndim - 1)  # one bound for each coordinate, or for all
        lo, hi = (aligned(len(w), w[0].size).reshape(w.shape) for _ in box)
        with np.errstate(over="ignore"):
            lo[...], hi[...] = (np.reshape(bound, column) * unit for bound in box)
    else:
        lo, hi = scale.bounds
    maximum, minimum = np.maximum, np.minimum

    def boxed(y):
        step(y)
        maximum(w, lo, out=w)
        minimum(w, hi, out=w)

    return boxed


class _Watch:
    """Counts underflow: w below the normal range, or v of Adam so small that g^2 was lost.

    At its looks it sets what is subnormal in w to 0: such a number has lost digits, may never
    get to 0 by itself, and the processor needs twenty times as long for each operation with it.
    """

    def __init__(self, w, moving, m=None, v=None, use_w=True, true_zero=False):
        self.w, self.m, self.v = w, m, v
        self.moving = moving  # began at w_0 != 0
        self.use_w, self.true_zero = use_w, true_zero
        self.underflowed = np.zeros(w.shape[1:], dtype=bool)
        self.size = np.empty_like(w)

    def look(self, t):
        size = np.abs(self.w, self.size)
        if self.use_w and not size.min() >= TINY:
            low = size < TINY
            lost = low & self.moving
            if np.any(self.true_zero):
                lost &= (size > 0) | np.logical_not(self.true_zero)
            self.underflowed |= lost.any(axis=0)
            if t % CHECK == 0:  # not at the end of a run, or w_t would depend on where it ends
                self.w[low] = 0.0
                if self.m is not None:  # it would hover there in its turn
                    self.m[low & (np.abs(self.m) < TINY)] = 0.0
        if self.v is not None and t > 0 and not self.v.min() >= TINY_V:
            lost = (self.v < TINY_V) & (self.m != 0)
            self.underflowed |= lost.any(axis=0)


def _may_vanish(landscape, law, noise):
    """Whether SGD can truly reach w = 0: on the quadratic, by a factor 1 - lr x = 0."""
    if not landscape.is_quadratic or not isinstance(law, Discrete):
        return False
    alpha, beta = noise
    return bool(np.any(alpha + beta * law.numbers()[0] == 0))


class _Scale:
    """w = W 2^e: keeps W near 1 by moving powers of two, which is exact, into `exponent`."""

    def __init__(self, w, box):
        self.w, self.box = w, box
        self.exponent = np.zeros(w.shape[1], dtype=np.int64)
        self.factor = aligned(1, w.shape[1])[0]  # 2^e; 0 below 2^-1074
        self.bounds = (aligned(*w.shape), aligned(*w.shape))
        self.renew(None)

    def renew(self, m):
        size = np.abs(self.w[0]) if m is None else np.maximum(np.abs(self.w[0]), np.abs(m[0]))
        shift = np.frexp(size)[1].astype(np.int64)
        np.ldexp(self.w[0], -shift, out=self.w[0])
        if m is not None:
            np.ldexp(m[0], -shift, out=m[0])
        self.exponent += shift
        bounded = np.clip(self.exponent, -2000, 2000)
        np.ldexp(1.0, bounded, out=self.factor)
        if self.box is not None:
            for bound, value in zip(self.bounds, self.box):
                np.ldexp(value, -bounded, out=bound[0])


def _sorted_factors(law, lr):
    """(probabilities, factors 1 - lr x, log|factors|) of a discrete law, by growing |factor|."""
    values, probs = law.numbers()
    factors = 1 - lr * values
    order = np.argsort(np.abs(factors), kind="stable")
    with np.errstate(divide="ignore"):
        return probs[order], factors[order], np.log(np.abs(factors[order]))


def _count_chunk(times, sorted_factors, tabled, w0, child, tick=None):
    """SGD on the quadratic by counting: how often each value was drawn is all that matters.

    As if all draws were of the value with the largest |factor|: a draw of another swaps a factor.
    """
    rng, (probs, factors, logs) = np.random.default_rng(child), sorted_factors
    kept = np.empty((len(times), 2, w0.shape[1]))
    log_abs, sign = kept[0]
    with np.errstate(divide="ignore"):
        np.log(np.abs(w0[0], log_abs), log_abs)
    np.sign(w0[0], sign)
    done = 0
    for i, t in enumerate(times.tolist()):
        log_abs, sign = kept[i]
        if i:
            kept[i] = kept[i - 1]
        steps, done = t - done, t
        if steps:
            log_abs += steps * logs[-1]
        if steps and factors[-1] <= 0:
            sign *= np.sign(factors[-1]) ** steps
        counts = _counts(rng, steps, probs, len(sign), steps in tabled)
        for count, factor, log in zip(counts, factors, logs):
            if factor == 0:
                log_abs[count > 0], sign[count > 0] = -np.inf, 0
            else:
                log_abs += count * (log - logs[-1])
                if factor * factors[-1] < 0:
                    sign *= 1 - 2 * (count & 1)
    nobody = np.zeros(w0.shape[1], dtype=bool)
    return kept, nobody, nobody.copy()


def _counts(rng, steps, probs, n, tabled):
    """How often each value but the last comes up in `steps` draws, (len(probs) - 1, n)."""
    if len(probs) == 2 and tabled:
        return [_binomial(rng, steps, probs[0], n)]
    if len(probs) == 2:
        return [rng.binomial(steps, probs[0], size=n)]
    return rng.multinomial(steps, probs, size=n).T[:-1] if len(probs) > 2 else []


def _tabled(times, n):
    """The intervals between record times for which n walkers draw so often that a table pays."""
    steps, how_often = np.unique(np.diff(times, prepend=0), return_counts=True)
    return frozenset(steps[(n * how_often > 10**5 + 4 * steps) & (steps < 10**6)].tolist())


def _binomial(rng, steps, p, n):
    """`n` binomial counts by inverting the distribution function; 10 times faster than NumPy's.

    16 random bits settle nearly every count; where they do not, 53 more bits follow.
    """
    cdf, guide = _guide(steps, p)
    words = _words(rng, -(-n // 4)).view(np.uint16)[:n]
    counts = guide.take(words, mode="clip")
    open_ = np.flatnonzero(counts < 0)
    u = (words[open_] + rng.random(len(open_))) / 2**16
    counts[open_] = np.searchsorted(cdf, u, side="right")
    return counts


@lru_cache(maxsize=64)
def _guide(steps, p):
    """The distribution function, and per 2^-16 of probability the count, or -1 if more than one."""
    cdf = special.bdtr(np.arange(steps), steps, p)  # up to steps - 1: what is above is `steps`
    edges = np.arange(2**16 + 1) / 2**16
    low = np.searchsorted(cdf, edges[:-1], side="right")
    high = np.searchsorted(cdf, edges[1:], side="left")
    return cdf, np.where(low == high, low, -1).astype(np.int32)


# Chunks together


def _map(work, w0, children, chunk, steps, workers, executor, progress, into=None):
    """work(part of w0, child) of all chunks in order: in this process, a pool or `executor`.

    `work` gives (kept, ...), and so does this: a tuple of lists, one entry a chunk. `into`: None, or
    an array (..., n) that takes what was kept; the lists have None there. Nothing is held twice then.
    In this process `work` also gets a function to call with the walker-steps it has done.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ValueError(f"executor must be None or a concurrent.futures.Executor, got {executor!r}")
    workers = whole("workers", workers, 1, 4096)
    parts = [w0[:, i : i + chunk] for i in range(0, w0.shape[1], chunk)]
    bar, results = _Bar(progress), [()] * len(parts)

    def keep(i, result):
        if into is not None:
            into[..., i * chunk : i * chunk + parts[i].shape[1]] = result[0]
            result = (None, *result[1:])
        results[i] = result

    if executor is None and workers == 1:
        total = w0.shape[1] * max(steps, 1)
        for i, (part, child) in enumerate(zip(parts, children)):
            done = i * chunk * steps
            keep(i, work(part, child, lambda k, done=done: bar((done + k) / total)))
        bar(1.0)
        return tuple(map(list, zip(*results)))
    own = executor is None
    with ProcessPoolExecutor(min(workers, len(parts))) if own else nullcontext(executor) as pool:
        futures = {pool.submit(work, part, child): i
                   for i, (part, child) in enumerate(zip(parts, children))}
        try:
            for count, future in enumerate(as_completed(futures), 1):
                keep(futures[future], future.result())
                bar(count / len(futures))
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return tuple(map(list, zip(*results)))


class _Bar:
    """A bar on the terminal once a run takes longer than 2 s, or the caller's own callback."""

    def __init__(self, progress):
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise ValueError(f"progress must be None, False, True or a callable, got {progress!r}")
        self.callback = progress if callable(progress) else None
        self.draws = progress is True or (progress is None and sys.stderr.isatty())
        self.start = self.last = time.monotonic()
        self.shown = False

    def __call__(self, fraction):
        if self.callback is not None:
            self.callback(fraction)
        if not self.draws:
            return
        now = time.monotonic()
        if (now - self.start > 2 and now - self.last > 0.2) or (self.shown and fraction >= 1):
            self.last, self.shown = now, True
            filled = int(40 * fraction)
            end = "\n" if fraction >= 1 else ""
            sys.stderr.write(f"\r[{'#' * filled}{' ' * (40 - filled)}] {fraction:4.0%}{end}")
            sys.stderr.flush()


# Arguments


def _block(block, n):
    """`block`, or 4 rows and up to a quarter of a megabyte of noise for n walkers: they stay in cache."""
    return min(64, max(4, 2**15 // n)) if block is None else whole("block", block, 1, 10**6)


def _times(steps, record):
    steps = whole("steps", steps, 0, 10**9)
    if record is None:
        return np.array([steps])
    if not np.iterable(record):
        raise ValueError(f"record must be one or more whole numbers in a sequence, got {record!r}")
    if isinstance(record, Sized) and len(record) > MAX_TIMES:
        raise ValueError(f"record must have at most {MAX_TIMES} steps, got {len(record)}")
    try:
        times = np.asarray(list(record))
    except ValueError:  # ragged
        times = np.empty((0, 0))
    if times.ndim != 1 or not len(times) or times.dtype.kind not in "iu":
        raise ValueError(f"record must be one or more whole numbers in a sequence, got {record!r}")
    if times[0] < 0 or times[-1] > steps or np.any(np.diff(times) <= 0):
        raise ValueError(f"record and steps must fit: record increases within [0, {steps}], got {record!r}")
    return times.astype(np.int64)


def _sequence(seed):
    """A SeedSequence of our own to spawn from."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    return np.random.SeedSequence(whole("seed", seed, 0, 2**128))


def _starts(landscape, w0, seed, chunk, kept):
    """(w0 as (dim, n), one SeedSequence per chunk); the callable w0 has a stream of its own."""
    if not isinstance(landscape, Landscape):
        raise ValueError(f"landscape must be a saddles.landscapes.Landscape, got {landscape!r}")
    chunk = whole("chunk", chunk, 1, 2**24)
    start, noise = _sequence(seed).spawn(2)
    if callable(w0) and not isinstance(w0, type):
        w0 = w0(np.random.default_rng(start))
    if type(w0) is not np.ndarray or w0.dtype != float:  # else no copy: starts are only read
        w0 = _floats("w0", w0)
    want = "(n,)" if landscape.dim == 1 else f"({landscape.dim}, n)"
    ndim = 1 if landscape.dim == 1 else 2
    if w0.ndim != ndim or w0.size == 0 or (ndim == 2 and len(w0) != landscape.dim):
        raise ValueError(f"w0 must have shape {want} with n >= 1, got {w0.shape}")
    if not np.all(np.isfinite(w0)):
        raise ValueError("w0 must be finite")
    if kept * w0.size > MAX_RECORD:
        raise ValueError(f"record would keep {kept * w0.size} numbers, more than {MAX_RECORD}: "
                         "record fewer steps, or give reduce")
    w0 = w0.reshape(landscape.dim, -1)
    return w0, noise.spawn(-(-w0.shape[1] // chunk))


def _sigma(value):
    """`additive` as a finite number >= 0."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, bool) or not 0 <= value < math.inf:
        raise ValueError(f"additive must be a finite number >= 0, got {value!r}")
    return float(value)


def _box(box, dim):
    """None, or (lo, hi) as numbers or arrays (dim, 1)."""
    if box is None:
        return None
    try:
        lo, hi = (np.asarray(bound, dtype=float) for bound in box)
    except (TypeError, ValueError):
        raise ValueError(f"box must be (lo, hi), got {box!r}") from None
    if any(bound.shape not in ((), (dim,)) for bound in (lo, hi)) or not np.all(lo < hi):
        raise ValueError(f"box must be (lo, hi) with lo < hi, numbers or {dim} each, got {box!r}")
    if lo.ndim == hi.ndim == 0:
        return float(lo), float(hi)
    return tuple(np.broadcast_to(bound, (dim,)).reshape(dim, 1) for bound in (lo, hi))


def _check_task(task):
    """Fail in the caller's process, with the argument's name, rather than in a worker."""
    if not hasattr(task.optimizer, "start"):
        raise ValueError(f"optimizer must be SGD, Adam or AMSGrad, got {task.optimizer!r}")
    if not isinstance(task.law, (Discrete, Gaussian, Uniform, StudentT)):
        raise ValueError(f"law must be a law of saddles.noise, got {task.law!r}")
    if task.additive and not isinstance(task.optimizer, SGD):
        raise ValueError(f"additive must be 0 unless the optimizer is SGD, got {task.additive!r}")
    if task.reduce is not None and (not callable(task.reduce) or isinstance(task.reduce, type)):
        raise ValueError(f"reduce must be a function of (t, w), got {task.reduce!r}")
    task.law.numbers() if isinstance(task.law, Discrete) else task.law.shift_and_scale()
    task.landscape.code("sgd" if isinstance(task.optimizer, SGD) else "gradient")
