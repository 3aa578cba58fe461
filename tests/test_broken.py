"""The book broken on purpose: each of these changes to a copy must be refused, and by what it broke.

A break in the library must fail the library's own tests; a break in a chapter must stop that chapter
at a check.
"""
import os
import shutil
import subprocess
import sys

import pytest
from book import ROOT

# file, what stands there, what is put there, the test file that must fail
LIBRARY = [
    ("noise.py", "return Discrete((1, a - 1), (half, half))", "return Discrete((1, a + 1), (half, half))", "test_noise.py"),
    ("noise.py", "math.comb(S, k)", "math.comb(S, k) * 2", "test_noise.py"),
    ("exact.py", "np.log(np.abs(1 - lam * (a - 1)))", "np.log(np.abs(1 - lam * a))", "test_exact.py"),
    ("exact.py", "return (first + second) / 2", "return first + second", "test_exact.py"),
    ("exact.py", "return (first - second) ** 2 / 4", "return (first - second) ** 2 / 2", "test_exact.py"),
    ("exact.py", "(np.sqrt(root) - a) / (2 * (1 - a))", "(np.sqrt(root) + a) / (2 * (1 - a))", "test_exact.py"),
    ("exact.py", "a / (a - 1))", "a / (a - 2))", "test_exact.py"),
    ("exact.py", "stats.binom.pmf(k, t, 0.5)", "stats.binom.pmf(k, t + 1, 0.5)", "test_exact.py"),
    ("exact.py", "size > log_eps", "size < log_eps", "test_exact.py"),
    ("exact.py", "(1 - lam * a / 2)", "(1 - lam * a)", "test_exact.py"),
    ("exact.py", "_log_moment(p, np.log(s) + np.log(y), weights)", "_log_moment(p, np.log(y), weights)", "test_exact.py"),
    ("estimate.py", "slopes.std(ddof=1) / np.sqrt(BATCHES)", "slopes.std(ddof=1) / BATCHES", "test_estimate.py"),
    ("estimate.py", "away *= radius / size", "away *= 1.0", "test_estimate.py"),
    ("optimizers.py", "maximum(top, v, out=top)", "maximum(v, v, out=top)", "test_optimizers.py"),
    ("landscapes.py", "Landscape(x * w**2 / 2, (w,))", "Landscape(x * w**2, (w,))", "test_landscapes.py"),
    ("lyapunov.py", "abs(np.linalg.det(m)) * np.sin(width)", "abs(np.linalg.det(m)) * np.sin(width) / 2", "test_lyapunov.py"),
    ("lyapunov.py", "each.std(axis=0, ddof=1) / np.sqrt(n)", "each.std(axis=0, ddof=1) / n", "test_lyapunov.py"),
    ("check.py", "return bool(z <= limit)", "return bool(z <= 1e9)", "test_check.py"),
    ("check.py", "if _proved_zero(difference, where):", "if True:", "test_check.py"),
    ("explore.py", "index = index * len(listed) + listed.index(parameters[key])", "index = listed.index(parameters[key])",
     "test_explore.py"),
]

# chapter, what stands there, what is put there
CHAPTERS = [
    ("warm-up", 'printed="a", derived=data.mean', 'printed="a/2", derived=data.mean'),
    ("warm-up", 'corrected="a/2", instead="Its mean', 'corrected="a/3", instead="Its mean'),
    ("warm-up", 'printed=("0", "(2 - a)*w")', 'printed=("0", "(1 - a)*w")'),
    ("warm-up", "ln((2 - a)/sqrt(2))", "ln((2 - a)/2)"),
    ("warm-up", 'corrected="ln(1 - a/2)"', 'corrected="ln(1 - a)"'),
    ("local-maximum", "ln(Abs(1 - lam))/2 + ln(Abs(1 - lam*(a - 1)))/2", "ln(Abs(1 - lam))/2 + ln(Abs(1 - lam*a))/2"),
    ("local-maximum", 'printed="Interval.open(0, a/(a - 1))"', 'printed="Interval.open(0, a/(a + 1))"'),
    ("local-maximum", "(a - sqrt(a**2 - 8*a + 8))/(2*(a - 1)))\"\nopen_range",
     "(a - sqrt(a**2 - 8*a + 4))/(2*(a - 1)))\"\nopen_range"),
    ("local-maximum", 'corrected="1/sqrt(t)"', 'corrected="1/t"'),
]

RUN_CELLS = """
import sys, jupytext
for cell in jupytext.read(sys.argv[1]).cells:
    if cell.cell_type == "code":
        exec(compile(cell.source, "cell", "exec"))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of what is broken here, and a function that runs Python in it."""
    for folder in ("lib", "tests", "chapters", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for file in ("conftest.py", "pyproject.toml", "_toc.yml"):
        shutil.copy(ROOT / file, tmp_path)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {"PYTHONPATH": str(tmp_path / "lib")}

    def python(*arguments):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return tmp_path, python


def break_it(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer has {old!r}: choose another way to break it"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("file, old, new, tests", LIBRARY, ids=[f"{f}-{i}" for i, (f, *_) in enumerate(LIBRARY)])
def test_a_broken_library_fails_its_tests(copy, file, old, new, tests):
    folder, python = copy
    break_it(folder / "lib" / "saddles" / file, old, new)
    code, output = python("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"tests/{tests}")
    assert code in (1, 2) and ("1 failed" in output or "1 error" in output), output[-2000:]


@pytest.mark.parametrize("chapter, old, new", CHAPTERS, ids=[f"{c}-{i}" for i, (c, *_) in enumerate(CHAPTERS)])
def test_a_broken_chapter_stops_at_a_check(copy, chapter, old, new):
    folder, python = copy
    break_it(folder / "chapters" / f"{chapter}.md", old, new)
    code, output = python("-c", RUN_CELLS, f"chapters/{chapter}.md")
    assert code == 1 and "CheckError" in output, output[-2000:]
