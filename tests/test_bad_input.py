"""Every public function, method and constructor of the library, given what it cannot take.

The public names are found in the modules themselves, so a new one without a case here fails. Each
argument in turn gets every value of HOSTILE. The call must work, or raise ValueError or TypeError
with the argument's name in the message, in seconds and before it allocates much. For NaN,
text, a complex number or an object that is nothing, working is no answer.
"""

import inspect
import math
import pkgutil
import re
import signal
import tracemalloc
from contextlib import contextmanager
from itertools import islice

import ipywidgets  # noqa: F401 - explore imports it when it needs it, which takes longer than all cases
import numpy as np
import pytest
import saddles
import sympy as sp
from saddles import check, diffusion, estimate, exact, explore, figures, landscapes, lyapunov, noise, optimizers, simulate
from saddles.symbols import a, c0, w, x

MODULES = (check, diffusion, estimate, exact, explore, figures, landscapes, lyapunov, noise, optimizers, simulate)
SECONDS, BYTES = 20, 2**26  # of processor time; allocated by Python and NumPy

HOSTILE = {
    "an object": object(), "text": "no such thing", "nan": math.nan, "complex": 1j,
    "array with nan": np.array([1.0, math.nan]), "none": None, "inf": math.inf, "-inf": -math.inf,
    "minus one": -1, "zero": 0, "a fraction": 1.5, "huge": 10**30, "a bool": True, "empty": [],
    "empty array": np.empty((0, 3)), "three dimensions": np.ones((2, 3, 4)), "ragged": [[1], [1, 2]],
    "bytes": b"1", "a dict": {"a": 1}, "a set": {1.0}, "a class": int, "a matrix": sp.Matrix([[1, 2]]),
    "sympy nan": sp.nan, "sympy infinity": sp.zoo,
}
MUST_RAISE = ("an object", "text", "nan", "complex", "array with nan", "sympy nan")

LAW, LOSS, GOOD_RNG = noise.TwoPoint(-1.0), w**2 / 2, np.random.default_rng(0)
CHAIN = diffusion.exact_chain(LOSS, 1, np.linspace(-1, 1, 9), lam=0.5)
PAIR = lyapunov.Matrices([np.diag([0.5, 1.5]), np.array([[0.0, 1.0], [-1.0, 0.5]])])
CODE = landscapes.quartic(0.5, 0.25).code("sgd")
STEP = check.step("one and one", "2", sp.Integer(1) + 1)
VERDICT = check.define("def:1", "a name")
FIGURE, AXES = figures.new(1, 1)
FRAMES = explore.explore(lambda ax, lam: None, alt="nothing", caption="nothing", name="none", live=False, lam=[1, 2])


WORDS = dict.fromkeys(("instead", "reason", "changes", "conversion", "setup"))
RUN = dict(law=LAW, optimizer=optimizers.SGD(0.5), w0=np.ones(3), steps=2, seed=0, record=[1], box=(-1, 1),
           chunk=8, block=4, workers=1, executor=None, progress=False)

# name -> (what to call, good arguments)
CASES = {
    "check.Bounded": (check.Bounded, dict(value=1, error=0.1)),
    "check.Sampled": (check.Sampled, dict(mean=0.5, stderr=0.1, n=10, seed=1, alarm=1e-9)),
    "check.parse": (check.parse, dict(text="a + 1", names=None)),
    "check.holds": (check.holds, dict(printed=a, derived=a * 2, where={a: (0, 1)})),
    "check.twins": (check.twins, dict(value=a)),
    "check.check": (check.check, dict(id="eq:1", printed="a", derived=a * 1, says="it is", where={a: (0, 1)},
                                      corrected=None, only=None, severity=None, method=None, broken=(), names=None, **WORDS)),
    "check.step": (check.step, dict(says="it is", printed="a", derived=a * 1, where=None, method=None, broken=(), names=None)),
    "check.argue": (check.argue, dict(id="eq:1", says="it is", steps=[STEP], counter=None, severity=None, **WORDS)),
    "check.define": (check.define, dict(id="def:1", says="a name")),
    "check.typeset": (check.typeset, dict(text="$a$")),
    "check.slug": (check.slug, dict(id="eq:1")),
    "check.badge": (check.badge, dict(v=VERDICT)),
    "diffusion.flux": (diffusion.flux, dict(loss=LOSS, C=1, p=sp.exp(-w**2))),
    "diffusion.fokker_planck": (diffusion.fokker_planck, dict(loss=LOSS, C=1, p=sp.exp(-w**2))),
    "diffusion.stationary_density": (diffusion.stationary_density, dict(loss=LOSS, C=1)),
    "diffusion.noise_for": (diffusion.noise_for, dict(p=sp.exp(-w**2), loss=LOSS, c0=c0, low=0)),
    "diffusion.normalise": (diffusion.normalise, dict(density=sp.exp(-w**2), low=-1, high=1, points=(0,))),
    "diffusion.euler_maruyama": (diffusion.euler_maruyama, dict(
        drift=np.negative, noise=np.ones_like, w0=np.ones(3), steps=2, dt=0.1, seed=0, boundary=None, record=[1],
        tamed=False, chunk=8, workers=1, executor=None, progress=False)),
    "diffusion.exact_chain": (diffusion.exact_chain, dict(loss=LOSS, C=1, edges=np.linspace(-1, 1, 9), lam=0.5, S=1)),
    "diffusion.Chain.exit_time": (CHAIN.exit_time, dict(low=-0.5, high=0.5)),
    "estimate.exponent_of": (estimate.exponent_of, dict(log_norms=np.arange(40.0), level=0.95, look=None)),
    "estimate.follow": (estimate.follow, dict(step=lambda w, rng: 0.5 * w, point=[0.0], steps=3, radius=1e-4, seed=1)),
    "exact.log_factors": (exact.log_factors, dict(a=-1.0, lam=0.5)),
    "exact.mu": (exact.mu, dict(a=-1.0, lam=0.5)),
    "exact.s2": (exact.s2, dict(a=-1.0, lam=0.5)),
    "exact.attracting_rates": (exact.attracting_rates, dict(a=-1.0)),
    "exact.log_growth_law": (exact.log_growth_law, dict(a=-1.0, lam=0.5, t=3)),
    "exact.escape_probability": (exact.escape_probability, dict(a=-1.0, lam=0.5, t=3, threshold=1.0, w0="uniform")),
    "exact.mean_w": (exact.mean_w, dict(a=-1.0, lam=0.5, t=3)),
    "exact.mean_w2": (exact.mean_w2, dict(a=-1.0, lam=0.5, t=3)),
    "exact.gaussian_mu": (exact.gaussian_mu, dict(mean=0.0, std=1.0, lam=0.5)),
    "exact.exponent": (exact.exponent, dict(law=LAW, lam=0.5)),
    "exact.attracting_set": (exact.attracting_set, dict(law=LAW)),
    "exact.tail_index": (exact.tail_index, dict(law=noise.TwoPoint(-0.1), lam=0.5)),
    "explore.explore": (explore.explore, dict(
        draw=lambda ax, lam: None, alt="nothing is drawn", caption="nothing to see", name="none", start={"lam": 1}, live=None,
        size=(1, 1), rows=1, columns=1, labels={"lam": "λ"}, play=None, lam=[1, 2])),
    "explore.Frames.frame": (FRAMES.frame, dict(lam=1)),
    "figures.new": (figures.new, dict(width=1, height=1, columns=1, rows=1, steady=True)),
    "figures.grouped": (figures.grouped, dict(number=50_000)),
    "figures.dots": (figures.dots, dict(ax=AXES, x=[0.0, 1.0], y=[0.0, 1.0], size=1, color="red")),
    "figures.svg": (figures.svg, dict(figure=FIGURE)),
    "figures.show": (figures.show, dict(figure=FIGURE, alt="nothing is drawn", caption="nothing to see")),
    "figures.labelled": (figures.labelled, dict(text="<svg>", alt="nothing is drawn")),
    "figures.caption_html": (figures.caption_html, dict(text="$a$")),
    "landscapes.Landscape": (landscapes.Landscape, dict(loss=x * w, coords=(w,))),
    "landscapes.Landscape.expected": (landscapes.quadratic.expected, dict(law_or_mean=LAW)),
    "landscapes.Landscape.at": (lambda a: landscapes.two_minima.at(a=a), dict(a=1.0)),
    "landscapes.Landscape.numpy_gradient": (landscapes.quadratic.numpy_gradient(), dict(w=np.ones(3), x=1.0)),
    "landscapes.Landscape.code": (landscapes.quadratic.code, dict(kind="sgd")),
    "landscapes.Code.scale": (CODE.scale, dict(lr=0.5)),
    "landscapes.Code.bind": (CODE.bind, dict(w=np.ones((1, 3)), out=np.ones((1, 3)), lr=0.5)),
    "landscapes.quartic": (landscapes.quartic, dict(c2=0.5, c4=1.0)),
    "lyapunov.Matrices": (lyapunov.Matrices, dict(values=np.ones((1, 2, 2)), probs=None)),
    "lyapunov.Matrices.sample": (PAIR.sample, dict(rng=GOOD_RNG, n=3)),
    "lyapunov.exponents": (lyapunov.exponents, dict(law=PAIR, dim=2, steps=2, burn_in=1, n=3, seed=0, count=1)),
    "lyapunov.mean_log_det": (lyapunov.mean_log_det, dict(law=PAIR)),
    "lyapunov.upper_bounds": (lyapunov.upper_bounds, dict(law=PAIR, n=2)),
    "lyapunov.bracket": (lyapunov.bracket, dict(law=PAIR, cells=64, iterations=10)),
    "noise.Discrete": (noise.Discrete, dict(values=(1.0, 2.0), probs=(0.5, 0.5))),
    "noise.Discrete.expect": (LAW.expect, dict(f=abs)),
    "noise.Discrete.sample": (LAW.sample, dict(rng=GOOD_RNG, shape=3)),
    "noise.Gaussian": (noise.Gaussian, dict(mean=0.0, std=1.0)),
    "noise.Gaussian.expect": (noise.Gaussian(0.0, 1.0).expect, dict(f=abs, points=(), dps=15)),
    "noise.Gaussian.sample": (noise.Gaussian(0.0, 1.0).sample, dict(rng=GOOD_RNG, shape=3)),
    "noise.TwoPoint": (noise.TwoPoint, dict(a=-1.0)),
    "noise.constant": (noise.constant, dict(value=1.0)),
    "noise.batch_mean": (noise.batch_mean, dict(law=LAW, S=2)),
    "noise.sample_law": (noise.sample_law, dict(values=[1.0, 2.0])),
    "noise.Uniform": (noise.Uniform, dict(lo=0.0, hi=1.0)),
    "noise.StudentT": (noise.StudentT, dict(df=3.0, loc=0.0, scale=1.0)),
    "noise.Stream": (noise.Stream, dict(law=LAW, n=3, block=4, alpha=0.0, beta=1.0)),
    "noise.side_by_side": (lambda streams, rngs, steps: list(islice(noise.side_by_side(streams, rngs, steps), 3)),
                           dict(streams=[noise.Stream(LAW, 3)], rngs=[GOOD_RNG], steps=2)),
    "noise.Stream.rows": (lambda rng, steps: list(islice(noise.Stream(LAW, 3).rows(rng, steps), 3)),
                          dict(rng=GOOD_RNG, steps=2)),
    "optimizers.SGD": (optimizers.SGD, dict(lr=0.5)),
    "optimizers.SGD.start": (optimizers.SGD(0.5).start, dict(landscape=landscapes.quadratic, w=np.ones((1, 3)), scale=None)),
    "optimizers.Adam": (optimizers.Adam, dict(lr=0.5, beta1=0.9, beta2=0.9, eps=0.0, bias_correction=True)),
    "optimizers.Adam.start": (optimizers.Adam(0.5).start, dict(landscape=landscapes.quadratic, w=np.ones((1, 3)), scale=None)),
    "optimizers.AMSGrad": (optimizers.AMSGrad, dict(lr=0.5, beta1=0.9, beta2=0.9, eps=0.0, bias_correction=True)),
    "simulate.uniform": (simulate.uniform, dict(lo=0.0, hi=1.0, n=3)),
    "simulate.histogram": (simulate.histogram, dict(edges=(0, 1))),
    "simulate.moments": (simulate.moments, dict(t=1, w=np.ones(3))),
    "simulate.run_cells": (simulate.run_cells, dict(
        landscape=landscapes.quadratic, laws=[LAW], rates=[0.5], w0=np.ones(3), steps=2, seed=0, record=[1], reduce=None,
        box=(-1, 1), chunk=8, workers=1, executor=None, progress=False)),
    "simulate.run": (simulate.run, dict(landscape=landscapes.quadratic, reduce=None, additive=0.0, **RUN)),
    "simulate.run_log": (simulate.run_log, RUN),
}

# What callers do not make themselves: results of the library, and its exception.
RESULTS = {"check.CheckError", "check.Step", "check.Verdict", "check.Verdict.record", "estimate.Estimate", "lyapunov.Exponents", "diffusion.Chain", "diffusion.Chain.generator",
           "explore.Frames", "figures.Picture", "landscapes.Code",
           "optimizers.Walk", "simulate.LogRun", "simulate.Run", "simulate.Run.summary", "simulate.LogRun.summary",
           # for the library's own use, with arrays that it made
           "noise.aligned", "noise.Gaussian.draw_standard", "noise.Uniform.draw_standard", "noise.StudentT.draw_standard",
           # without arguments
           "explore.someone_is_there", "noise.Discrete.numbers", "noise.Gaussian.shift_and_scale", "noise.Uniform.shift_and_scale",
           "noise.StudentT.shift_and_scale",
           # the same function as another's
           "optimizers.AMSGrad.start", "noise.Uniform.sample", "noise.StudentT.sample"}

# (case, argument) -> values of MUST_RAISE that are right there, and why.
RIGHT = {
    ("check.check", "corrected"): ("text",),  # the printed formula holds: nothing to correct comes first
    ("figures.dots", "x"): ("array with nan",), ("figures.dots", "y"): ("array with nan",),  # leaves a gap
    ("simulate.moments", "t"): MUST_RAISE,  # not looked at: a `reduce` gets it
}
for words in ("says", "id", "text", "reason", "instead", "changes", "conversion", "setup", "alt", "caption", "v"):
    RIGHT |= {(name, words): ("text",) for name in CASES}


def public():
    """The public callables of the library, by name: functions, classes, their methods."""
    for module in MODULES:
        short = module.__name__.removeprefix("saddles.")
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__ or not callable(thing):
                continue
            if isinstance(thing, landscapes.Landscape):
                continue
            yield f"{short}.{name}", thing
            if inspect.isclass(thing):
                for method, body in inspect.getmembers(thing, inspect.isfunction):  # inherited ones too
                    if not method.startswith("_"):
                        yield f"{short}.{name}.{method}", body


def test_every_module_is_looked_at():
    names = {one.name for one in pkgutil.iter_modules(saddles.__path__) if one.name[0] != "_"}
    assert names - {module.__name__.removeprefix("saddles.") for module in MODULES} == {"symbols"}


def test_every_public_name_has_a_case():
    names = {name for name, _ in public()}
    assert len(names) > 60
    assert names - CASES.keys() - RESULTS == set(), "no bad-input case for these"
    assert (CASES.keys() | RESULTS) - names == set(), "these are no public names any more"


def test_every_argument_has_a_good_value():
    for name, thing in public():
        if name in CASES:
            wanted = {p.name for p in inspect.signature(thing).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
            if name != "landscapes.Landscape.numpy_gradient":  # the arguments are those of what it returns
                assert wanted - {"self"} - CASES[name][1].keys() == set(), name


@pytest.mark.parametrize("name", CASES)
def test_good_arguments_work(name):
    call, good = CASES[name]
    call(**good)


@contextmanager
def bounded():
    """Fails if what is inside takes too long or too much memory."""
    def too_long(*_):
        raise AssertionError(f"took more than {SECONDS} s")

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < BYTES, "allocated too much"
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def complaint(name, argument, label):
    """What is wrong with how one call answers; None if nothing is."""
    call, good = CASES[name]
    value = HOSTILE[label]
    try:
        with bounded():
            call(**good | {argument: value})
    except (ValueError, TypeError) as error:
        if not re.match(rf"(\w+(, | and ))*{argument}\b(?! real)", str(error)):
            return f"{label}: {type(error).__name__} without the argument's name: {str(error)[:150]}"
    except check.CheckError:
        if label in MUST_RAISE and label not in RIGHT.get((name, argument), ()):
            return f"{label}: taken for a claim"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"{label}: {type(error).__name__}: {str(error)[:150]}"
    else:
        if label in MUST_RAISE and label not in RIGHT.get((name, argument), ()):
            return f"{label}: accepted"
    return None


@pytest.mark.filterwarnings("ignore")  # what an infinity does on its way is not the point here
@pytest.mark.parametrize("name, argument", [(n, arg) for n, (_, good) in CASES.items() for arg in good])
def test_bad_input_is_refused_by_name(name, argument):
    complaints = [complaint(name, argument, label) for label in HOSTILE]
    assert [text for text in complaints if text] == []
