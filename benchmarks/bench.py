"""Walker-steps per second of this library and of what people use today, as ratios in one run.

    python benchmarks/bench.py [--walkers 2000 32768] [--rounds 5] [--workers 2] [--only quartic]
                               [--cpu]

All contenders of a workload take turns, so that a busy moment of the machine hits them alike; the
median over the rounds is kept. Prints a table and writes results.json beside this file.
On a busy machine --cpu takes CPU time of one process, PyTorch on one thread.
"""

import argparse
import ctypes
import functools
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from saddles import exact
from saddles.diffusion import euler_maruyama
from saddles.landscapes import quadratic, quartic, two_minima
from saddles.noise import TwoPoint
from saddles.optimizers import SGD, Adam, AMSGrad
from saddles.simulate import moments, run, run_cells, run_log, uniform

try:
    import torch
except ImportError:
    torch = None

HERE = pathlib.Path(__file__).parent
SECONDS = 0.3  # what one measurement should take
# Steps of one call. Near step 700 the square of the first coordinate of the two minima is a
# subnormal number, with which the processor is twenty times as slow, for everybody.
LONGEST, SHORTER = 2000, {"two minima, SGD": 500}
OURS = ["map, all processes", "map, one process", "cells, all processes", "one cell"]
COLUMNS = [*OURS, "plain Python", "plain NumPy", "torch.optim", "C loop",
           "C vectorised"]


# The contenders. Each maker returns f(n, steps), which moves n walkers.


def plain_python(step, lr, a, dim):
    """The loop one writes first: one walker, one random number, one step."""
    def go(n, steps):
        for _ in range(n):
            w = [random.uniform(-0.5, 0.5) for _ in range(dim)]
            state = {}
            for _ in range(steps):
                x = 1.0 if random.random() < 0.5 else a - 1.0
                w = step(w, x, lr, state)
    return go


def plain_numpy(gradient, rule, a, dim):
    """All walkers as an array, written as in the paper: rng.choice, powers, new arrays."""
    def go(n, steps):
        rng = np.random.default_rng(0)
        w = rng.uniform(-0.5, 0.5, (dim, n))
        m = v = top = np.zeros_like(w)
        for _ in range(steps):
            g = np.array(gradient(w, rng.choice([1.0, a - 1.0], n)))
            if isinstance(rule, SGD):
                w = w - rule.lr * g
                continue
            m = rule.beta1 * m + (1 - rule.beta1) * g
            v = rule.beta2 * v + (1 - rule.beta2) * g**2
            top = np.maximum(top, v)
            w = w - rule.lr * m / np.sqrt(top if isinstance(rule, AMSGrad) else v)
    return go


def with_torch(loss, rule, a, dim):
    """torch.optim with autograd, on float64 walkers."""
    def go(n, steps):
        w = (torch.rand((dim, n), dtype=torch.float64) - 0.5).requires_grad_(True)
        if isinstance(rule, SGD):
            optimizer = torch.optim.SGD([w], lr=rule.lr)
        else:
            optimizer = torch.optim.Adam([w], lr=rule.lr, betas=(rule.beta1, rule.beta2),
                                         eps=rule.eps, amsgrad=isinstance(rule, AMSGrad))
        for _ in range(steps):
            x = torch.randint(0, 2, (n,)).to(torch.float64) * (2.0 - a) + (a - 1.0)
            optimizer.zero_grad()
            loss(w, x).sum().backward()
            optimizer.step()
    return go


def with_c(library, name, numbers):
    function = getattr(library, name)
    function.restype = None
    pointer = ctypes.POINTER(ctypes.c_double)
    parameters = (ctypes.c_double * 4)(*numbers)

    def go(n, steps):
        w, u = (np.linspace(-0.5, 0.5, n) + 1e-3 for _ in range(2))
        function(w.ctypes.data_as(pointer), u.ctypes.data_as(pointer), ctypes.c_long(n),
                 ctypes.c_long(steps), ctypes.c_uint64(1), parameters)
    return go


def compiled():
    """The C reference as a library, or None."""
    if shutil.which("gcc") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder) / "reference.so"
        subprocess.run(["gcc", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math",
                        "-shared", "-fPIC", "-o", str(target), str(HERE / "reference.c"), "-lmvec", "-lm"],
                       check=True)
        return ctypes.CDLL(str(target))


# The workloads, written by hand for the others


def python_sgd(gradient):
    return lambda w, x, lr, state: [c - lr * g for c, g in zip(w, gradient(w, x))]


def python_adaptive(rule):
    def step(w, x, lr, state):
        g = x * w[0]
        m = state["m"] = rule.beta1 * state.get("m", 0.0) + (1 - rule.beta1) * g
        v = state["v"] = rule.beta2 * state.get("v", 0.0) + (1 - rule.beta2) * g * g
        if isinstance(rule, AMSGrad):
            v = state["top"] = max(state.get("top", 0.0), v)
        return [w[0] - lr * m / v**0.5] if v > 0 else w
    return step


def two_minima_gradient(w, x):
    """Eq. (10) with a = 0.5, b = 4."""
    return [-2 * w[0] + 4 * w[0] ** 3 + 12 * w[0] * w[1] ** 2 + 4 * x * w[0],
            -3 * w[1] + 4 * w[1] ** 3 + 12 * w[0] ** 2 * w[1]]


def two_minima_loss(w, x):
    p, q = w[0] - w[1], w[0] + w[1]
    return (-(p**2) - q**2 + p**4 + q**4 - w[1] ** 2 + 4 * x * w[0] ** 2) / 2


def workloads():
    """name -> (landscape, a, rule, gradient by hand, torch loss, C name, C numbers)."""
    square = (lambda w, x: [x * w[0]]), (lambda w, x: x * w[0] ** 2 / 2)
    fourth = (lambda w, x: [x * w[0] + w[0] ** 3]), (lambda w, x: x * w[0]**2 / 2 + w[0]**4 / 4)
    plane = two_minima_gradient, two_minima_loss
    rows = {
        "quadratic, SGD": (quadratic, -1.0, SGD(0.5), *square, "quadratic", (0.5, -1, 0, 0)),
        "quartic, SGD": (quartic(0.5, 0.25), -1.0, SGD(0.2), *fourth, "quartic",
                         (0.2, -1, 0.5, 0.25)),
        "two minima, SGD": (two_minima.at(a=0.5, b=4), 0.0, SGD(0.05), *plane, "two_minima",
                            (0.05, 0, 0.5, 4)),
    }
    for beta1 in (0.0, 0.9):  # w grows here: no contender meets subnormal numbers
        for rule, name in ((Adam(0.02, beta1), "adam"), (AMSGrad(0.02, beta1), "amsgrad")):
            rows[f"quadratic, {type(rule).__name__}, beta1 = {beta1:g}"] = (
                quadratic, -3.0, rule, *square, name, (0.02, -3, beta1, 0.999))
    return rows


# The diffusion of eq. (43) on the quadratic, with C(w) = w^2 + sigma^2: lam, lam E[x], sigma^2
LAM, PULL, SIGMA2 = 0.1, 0.05, 0.01


def drift(w):
    return -PULL * w


def spread(w):
    return LAM * np.sqrt(w * w + SIGMA2)


def python_sde(n, steps):
    for _ in range(n):
        w = random.uniform(-0.5, 0.5)
        for _ in range(steps):
            w += -PULL * w + LAM * (w * w + SIGMA2) ** 0.5 * random.gauss(0.0, 1.0)


def numpy_sde(n, steps):
    rng = np.random.default_rng(0)
    w = rng.uniform(-0.5, 0.5, n)
    for _ in range(steps):
        w = w + drift(w) + spread(w) * rng.normal(size=n)


def torch_sde(n, steps):
    w = torch.rand(n, dtype=torch.float64) - 0.5
    for _ in range(steps):
        w = w - PULL * w + LAM * torch.sqrt(w * w + SIGMA2) * torch.randn(n, dtype=torch.float64)


def together(n):
    """Walkers in an array: cells that differ in nothing are just more of them, 16384 by default."""
    return 16384 // n * n or 16384


def several(n, workers):
    """Cells of one call: enough for each process to have several chunks of them."""
    return max(4, 64_000 // n) * workers


def diffusion_contenders(n, pool, workers, library):
    def ours(n, steps, count=1, executor=None):
        euler_maruyama(drift, spread, uniform(-0.5, 0.5, count * n), steps, 1.0, seed=1,
                       executor=executor, chunk=together(n))
        return count * n

    numbers = (LAM, 0, PULL / LAM, SIGMA2)
    return {
        "cells, all processes": functools.partial(ours, count=several(n, workers), executor=pool),
        "one cell": ours,
        "plain Python": python_sde,
        "plain NumPy": numpy_sde,
        "torch.optim": torch_sde if torch else None,
        "C loop": with_c(library, "plain_sde", numbers) if library else None,
        "C vectorised": with_c(library, "tiled_sde", numbers) if library else None,
    }


def contenders(row, n, pool, workers, library):
    landscape, a, rule, gradient, loss, name, numbers = row
    law, dim = TwoPoint(a), landscape.dim
    ends = (-0.5, 0.5) if dim == 1 else ((-0.5, -0.5), (0.5, 0.5))
    step = python_sgd(gradient) if isinstance(rule, SGD) else python_adaptive(rule)

    def one(n, steps, count=1, executor=None):
        """One cell of n walkers, or `count` of them in all processes."""
        run(landscape, law, rule, uniform(*ends, count * n), steps, seed=1, executor=executor,
            chunk=together(n))
        return count * n

    def cells(n, steps, count=8, executor=None):
        """A map, as in the figures: `count` learning rates with n walkers each."""
        run_cells(landscape, [law] * count, rule.lr * np.linspace(0.8, 1, count),
                  uniform(*ends, n), steps, seed=1, executor=executor)
        return count * n

    ours = {"cells, all processes": functools.partial(one, count=several(n, workers), executor=pool),
            "one cell": one}
    if isinstance(rule, SGD) and n <= 4096:
        ours |= {"map, all processes": functools.partial(cells, count=several(n, workers), executor=pool),
                 "map, one process": cells}
    return ours | {
        "plain Python": plain_python(step, rule.lr, a, dim),
        "plain NumPy": plain_numpy(gradient, rule, a, dim),
        "torch.optim": with_torch(loss, rule, a, dim) if torch else None,
        "C loop": with_c(library, f"plain_{name}", numbers) if library else None,
        "C vectorised": with_c(library, f"tiled_{name}", numbers) if library else None,
    }


# Measuring


clock = time.perf_counter


def timed(go, *args):
    begin = clock()
    go(*args)
    return clock() - begin


def rate(go, n, steps, calls=1):
    """Walker-steps per second of so many calls."""
    begin = clock()
    moved = sum(go(n, steps) or n for _ in range(calls))
    return moved * steps / (clock() - begin)


def calibrated(go, n, longest):
    """(n, steps, calls) that take about SECONDS; fewer walkers for what is very slow."""
    steps = 8
    timed(go, min(n, 16), 2)  # warm up: compile, import, start workers
    small = timed(go, n // 64 or 1, steps) * 64 > 20 * SECONDS
    n = n // 64 or 1 if small else n
    while (seconds := min(timed(go, n, steps) for _ in range(3))) < SECONDS / 4 and 4 * steps <= longest:
        steps *= 4
    more = SECONDS / seconds
    longer = max(4, min(longest, int(steps * more)))
    return n, longer, max(1, round(steps * more / longer))


def speeds(entries, n, rounds, longest=LONGEST):
    """Median walker-steps per second of each contender, measured in turns."""
    sizes = {name: calibrated(go, n, longest) for name, go in entries.items() if go and name in COLUMNS}
    samples = {name: [] for name in sizes}
    for _ in range(rounds):
        for name, size in sizes.items():
            samples[name].append(rate(entries[name], *size))
    return {name: statistics.median(values) for name, values in samples.items()}


def seconds(go, rounds):
    go()
    return statistics.median(timed(go) for _ in range(rounds))


def counting(pool, library):
    """log|w_t| of the quadratic from counts: no step is made."""
    def ours(n, steps, executor=None):
        run_log(TwoPoint(-1.0), 0.5, np.full(n, 0.5), steps, seed=1, executor=executor, chunk=65536)

    entries = {"cells, all processes": functools.partial(ours, executor=pool), "one cell": ours}
    if library:
        entries["C vectorised"] = with_c(library, "tiled_count", (0.5, -1, 0, 0))
    return entries


def phase_diagram():
    """Figure 2 (left) from the exact law: 101 x 101 cells at t = 1000."""
    a, lam = np.linspace(-2, 2, 101)[:, None], np.linspace(0.01, 2, 101)[None]
    return exact.escape_probability(a, lam, 1000, 0.05)


def figure_4(pool=None):
    """Four optimizers x 2000 walkers x 50 000 steps, with moments at 500 times."""
    record = np.unique(np.linspace(0, 50_000, 500).astype(int))
    rules = Adam(0.2, 0.0), AMSGrad(0.2), Adam(0.2, 0.9), AMSGrad(0.2, 0.9)
    one = functools.partial(run, quadratic, TwoPoint(-0.1), w0=uniform(-1, 1, 2000), steps=50_000,
                            seed=1, box=(-1, 1), record=record, reduce=moments)
    list((pool.map if pool else map)(one, rules))


# Reporting


def number(value):
    return "-" if value is None else f"{value:.0f}" if value >= 20 else f"{value:.2g}"


def ratio(row, upper, lower):
    """Of the library, the fastest way counts: a process pool does not pay for what is short."""
    row = row | {"library": max(row.get(name, 0) for name in OURS)}
    return row[upper] / row[lower] if upper in row and lower in row else None


def table(speed):
    lines = ["| workload | " + " | ".join(COLUMNS) + " | library / torch | C vect. / library |",
             "|---" * (len(COLUMNS) + 3) + "|"]
    for name, row in speed.items():
        cells = [number(row[c] / 1e6) if c in row else "-" for c in COLUMNS]
        cells += [number(ratio(row, "library", "torch.optim")),
                  number(ratio(row, "C vectorised", "library"))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def measure(options, pool, library):
    """{walkers: {workload: {contender: walker-steps per second}}}"""
    speed = {}
    for walkers in options.walkers:
        speed[walkers] = {}
        for name, row in workloads().items():
            if options.only in name:
                print(f"{walkers} walkers: {name}", file=sys.stderr)
                entries = contenders(row, walkers, pool, options.workers, library)
                speed[walkers][name] = speeds(entries, walkers, options.rounds,
                                              SHORTER.get(name, LONGEST))
        if options.only in DIFFUSION:
            print(f"{walkers} walkers: {DIFFUSION}", file=sys.stderr)
            entries = diffusion_contenders(walkers, pool, options.workers, library)
            speed[walkers][DIFFUSION] = speeds(entries, walkers, options.rounds)
        if options.only in COUNTED:
            speed[walkers][COUNTED] = speeds(counting(pool, library), 500_000, options.rounds, 1000)
            by_steps = speed[walkers].get("quadratic, SGD", {})
            if "torch.optim" in by_steps:  # it has no way but to step
                speed[walkers][COUNTED]["torch.optim"] = by_steps["torch.optim"]
    return speed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--walkers", type=int, nargs="+", default=[2000, 32768])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions, at least 5")
    parser.add_argument("--workers", type=int, default=2, help="processes of the first column")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--cpu", action="store_true", help="CPU time of one process")
    options = parser.parse_args()
    if options.rounds < 5 or min(options.walkers) < 1024 or options.workers < 1:
        parser.error("need --rounds >= 5, --walkers >= 1024 and --workers >= 1")
    library = compiled()
    if options.cpu:
        global clock, SECONDS
        clock, SECONDS = time.process_time, 0.05
        COLUMNS.remove("map, all processes")
        COLUMNS.remove("cells, all processes")
        if torch:
            torch.set_num_threads(1)
    if torch is None:
        print("torch.optim: skipped, PyTorch is not installed (pip install torch)")
    if library is None:
        print("C: skipped, there is no gcc")
    with ProcessPoolExecutor(options.workers) as pool:
        speed = measure(options, pool, library)
        wall = {} if options.only else {name: seconds(go, options.rounds) for name, go in WALL.items()}
        if not options.only and not options.cpu:
            wall[FIGURE_4] = seconds(functools.partial(figure_4, pool), options.rounds)
    for walkers, rows in speed.items():
        print(f"\nMillion walker-steps per second with {walkers} walkers:\n\n{table(rows)}")
    if options.only:
        return
    print("\n" + "\n".join(f"{name}: {value:.3g} s" for name, value in wall.items()))
    ratios = {name: {walkers: {row: ratio(values, *pair) for row, values in rows.items()}
                     for walkers, rows in speed.items()}
              for name, pair in {"library / torch": ("library", "torch.optim"),
                                "C vectorised / library": ("C vectorised", "library")}.items()}
    results = {"unit": "walker-steps per second, median", "rounds": options.rounds,
               "clock": "CPU time, one process" if options.cpu else "wall time",
               "ours": OURS, "workers": options.workers, "cpus": os.cpu_count(), "machine": platform.machine(),
               "python": platform.python_version(), "numpy": np.__version__,
               "torch": torch.__version__ if torch else None, "speed": speed, "seconds": wall,
               "ratios": ratios}
    file = HERE / "results.json"
    old = json.loads(file.read_text()) if file.exists() else {}
    results |= {"book": old["book"]} if "book" in old else {}  # measured by book.py
    file.write_text(json.dumps(results, indent=2) + "\n")


COUNTED = "quadratic, SGD, counted"
DIFFUSION = "SDE, Euler-Maruyama"
WALL = {"phase diagram of Figure 2 from the exact law, 101 x 101 cells, t = 1000": phase_diagram,
        "Figure 4, 4 optimizers x 2000 walkers x 50 000 steps, one process": figure_4}
FIGURE_4 = "Figure 4, 4 optimizers x 2000 walkers x 50 000 steps, all processes"

if __name__ == "__main__":
    main()
