"""Does this point attract? The exponent of a single run, how sure it is, and what may be said.

For a run of any optimizer on any loss near a point w* that no sample moves: `follow` records
log|w_t - w*| without ever leaving the neighbourhood, `exponent_of` reads the exponent off such a
record. Nothing here knows the law of the data. The paper has the exponent in eqs (20) and (75), and
estimates it from 2000 runs in appendix A.2.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ._arguments import floats, whole

BATCHES = 16  # stretches of the run that are compared with each other
SHORTEST = 2 * BATCHES  # steps
TRIED = 64  # steps from w* itself that `follow` tries first


@dataclass(frozen=True, repr=False)
class Estimate:
    """What `exponent_of` returns.

    mu, stderr  the growth rate of log|w - w*| and its standard error, nats a step
    low, high   the interval for mu
    steps       how many steps were used
    verdict     "attracts" if high < 0, "escapes" if low > 0, else "undecided"
    """

    mu: float
    stderr: float
    low: float
    high: float
    steps: int
    verdict: str

    def __repr__(self):
        return (f"{self.verdict}: mu = {self.mu:.4f} +- {self.stderr:.4f}, "
                f"in [{self.low:.4f}, {self.high:.4f}], {self.steps} steps")


def exponent_of(log_norms, *, level=0.95, look=None):
    """The exponent of one run from its record of log|w_t - w*|; returns an `Estimate`.

    log_norms: (t + 1,) finite numbers, t >= 32: the logarithm of the distance to w* after each step
        of a stretch of the run, without its first transient and without what is too far from w* for
        the loss to be quadratic. From log ratios r of single steps: np.cumsum(np.append(0, r)).
    level: in (0, 1), the wanted coverage of the interval.
    look: None if the run is examined once, at a length fixed beforehand. If it is examined again and
        again, give 1, 2, 3, ...: look j gets the error probability (1 - level)/(j (j + 1)), so that
        all intervals together hold with the probability `level`, however many there are.

    mu is (last - first)/steps. Its error comes from batch means: the run is cut into 16 stretches of
    equal length (up to 15 first steps are left out), and Student's t with 15 degrees of freedom is
    applied to their 16 slopes. Steps may be correlated if the correlation dies out within a stretch.
    An event that is rarer than once in t steps is not in the record and so not in the interval.

    ValueError names the argument that is wrong. An infinite entry is refused: at -inf the run stood
    on w* exactly, by a factor zero or by underflow, and a record in float cannot say which.
    """
    norms = floats("log_norms", log_norms)
    if norms.ndim != 1:
        raise ValueError(f"log_norms must be one row of numbers, got shape {norms.shape}")
    if not np.all(np.isfinite(norms)):
        at = int(np.argmin(np.isfinite(norms)))
        raise ValueError(f"log_norms must be finite, got {norms[at]} at entry {at}: there the run stood on w* "
                         "exactly or left the range of float")
    if len(norms) < SHORTEST + 1:
        raise ValueError(f"log_norms must hold at least {SHORTEST + 1} numbers, got {len(norms)}")
    if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level!r}")
    if look is not None:
        whole("look", look, 1)
    alarm = (1 - level) / (1 if look is None else look * (look + 1))
    length = (len(norms) - 1) // BATCHES
    slopes = np.diff(norms[-BATCHES * length - 1 :: length]) / length
    mu, stderr = float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(BATCHES))
    half = float(special.stdtrit(BATCHES - 1, 1 - alarm / 2)) * stderr
    low, high = mu - half, mu + half
    verdict = "attracts" if high < 0 else "escapes" if low > 0 else "undecided"
    return Estimate(mu, stderr, low, high, BATCHES * length, verdict)


def follow(step, point, steps, *, radius=1e-4, seed):
    """log|w_t - w*| of one run that is kept near w*; (steps + 1,), or shorter if it reaches w*.

    step: a function (w, rng) -> w after one step of the optimizer, for arrays like `point`. An
        optimizer's memory belongs into w: with momentum, w holds the parameter and the velocity.
    point: (dim,) w*, a point that no sample moves: step(point, rng) must be point.
    steps: >= 1.
    radius: > 0, the distance at which the run starts, in a random direction.
    seed: a whole number >= 0.

    After each step the distance to w* is recorded and set back to `radius`, the direction is kept
    (Benettin et al. 1980). So the run neither underflows nor leaves, and sees the loss near w* only:
    the record differs from that of the linearised steps by the order of radius a step. If a step
    lands on w* itself, the record ends there with -inf.

    ValueError if the arguments are out of range, if a step moves w* (try 64; with noise that does not
    vanish at w* there is no exponent to measure), or if a step gives a number that is not finite.
    """
    if not callable(step) or isinstance(step, type):
        raise ValueError(f"step must be a function of (w, rng), got {step!r}")
    point = floats("point", point)
    if point.ndim != 1 or len(point) == 0 or not np.all(np.isfinite(point)):
        raise ValueError(f"point must be one row of finite numbers, got {point!r}")
    steps = whole("steps", steps, 1, 10**9)
    if not isinstance(radius, (int, float, np.number)) or not 0 < radius < 1e300:
        raise ValueError(f"radius must be a finite number > 0, got {radius!r}")
    rng, radius = np.random.default_rng(whole("seed", seed, 0)), float(radius)
    for _ in range(TRIED):
        after = floats("step", step(point.copy(), rng))
        if after.shape != point.shape:
            raise ValueError(f"step must return as many numbers as point has, got shape {after.shape}")
        moved = np.linalg.norm(after - point)
        if not moved <= 1e-6 * radius:
            raise ValueError(f"point must be moved by no sample, but a step moved it by {moved:.3g}")
    direction = rng.standard_normal(len(point))
    away, logs = direction * (radius / np.linalg.norm(direction)), [0.0]
    for _ in range(steps):
        away = step(point + away, rng) - point
        size = np.linalg.norm(away)
        if not np.isfinite(size):
            raise ValueError(f"step must return finite numbers, it gave {point + away} near point")
        if size == 0:
            logs.append(-np.inf)
            break
        logs.append(np.log(size / radius))
        away *= radius / size
    return np.log(radius) + np.cumsum(logs)
