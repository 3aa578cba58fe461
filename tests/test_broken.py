"""The book broken on purpose: each of these changes to a copy must be refused, and by what it broke.

A break in the library must fail the library's own tests; a break in a chapter must stop that chapter
at a check; a break of anything else must stop the build of a book. That book is a small one with the
same configuration, extensions, library and build (miniature.py): it is built in seconds.
"""
import os
import shutil
import subprocess
import sys

import miniature
import pytest
import reproduce
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


# The small book. All of these breaks are in one copy, and the build has to name each.
# file, what stands there, what is put there, what the build has to say
PAGES = {
    "a label": ("chapters/small.md", "(eq-half)=", "(eq-haif)=", "'myst' cross-reference target not found: 'eq-half'"),
    "a link": ("chapters/small.md", "[the errata](errata.md)", "[the errata](erata.md)", "erata.md"),
    "an image without words": ("chapters/small.md", "![The logo of the book]", "![]", "logo.svg has no alt text"),
    "an image that is not there": ("index.md", "# A small book", "# A small book\n\n![a logo](assets/lego.svg)", "lego.svg"),
    "a source": ("index.md", "ziyin2021sgd", "nobody2021", "could not find bibtex key \"nobody2021\""),
    "a statement without a verdict": ("chapters/small.md", "PAPER[2:]", "PAPER[3:]", "no verdict on eq:2, eq:3"),
    "a verdict that is not there": ("chapters/ledger.md", "```{ledger}", "```{verdict} eq:3\n```\n\n```{ledger}",
                                    "refers to eq:3, which has no verdict"),
    "a statement checked twice": ("chapters/small.md", 'check("eq:2", printed="1/3"', 'check("eq:1", printed="1/3"',
                                  "eq:1 is checked 2 times"),
    "a script from a third party": ("chapters/errata.md", "# Errata\n",
                                    '# Errata\n\n<script src="https://cdn.example.org/x.js"></script>\n',
                                    "https://cdn.example.org/x.js"),
    "a style from a third party": ("assets/book.css", ".ledger", "@import url(https://fonts.example.org/y.css);\n.ledger",
                                   "https://fonts.example.org/y.css"),
    "a warning of NumPy": ("chapters/small.md", "figure, ax = figures.new()",
                           "import numpy\nnumpy.log(numpy.zeros(1))\nfigure, ax = figures.new()", "stderr was found in the cell outputs"),
}
# These stop a chapter or the whole build, so each needs a copy of its own.
STOPS = {
    "a formula": ("chapters/small.md", 'corrected="a/2"', 'corrected="a/3"', "CheckError: eq:1: the correction does not hold"),
    "a page of the table of contents": ("_toc.yml", "chapters/errata", "chapters/erata", "erata"),
}
# These are told from the chapter's cells alone.
CELLS = {
    "a bound": ("Bounded(0.3333, 1e-3)", "Bounded(0.3333, 1e-6)"),
    "a bound that says nothing": ("Bounded(0.3333, 1e-3)", "Bounded(0.3333, 5)"),
    "the side that is derived": ("derived=TwoPoint(a).mean", 'derived="a/2"'),
    "a correction of what holds": ('check("eq:2", printed="1/3"', 'check("eq:2", corrected="1/4", severity="typo", printed="1/3"'),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The small book, built: unless it passes, what its broken copies do says nothing."""
    folder = tmp_path_factory.mktemp("sound")
    miniature.make(folder)
    code, output = miniature.build(folder, **reproduce.WAYS[0][1])
    assert code == 0, output[-3000:]
    return folder


def broken(folder, *breaks):
    miniature.make(folder)
    for file, old, new, _ in breaks:
        break_it(folder / file, old, new)
    return miniature.build(folder)


def test_a_small_book_with_every_kind_of_fault_is_refused_for_each(sound, tmp_path):
    code, output = broken(tmp_path, *PAGES.values())
    assert code == 1 and "the book was not built" in output
    silent = {what: words for what, (*_, words) in PAGES.items() if words not in output}
    assert silent == {}, output[-6000:]


@pytest.mark.parametrize("what", STOPS)
def test_a_small_book_that_cannot_be_finished_says_why(sound, tmp_path, what):
    code, output = broken(tmp_path, STOPS[what])
    assert code == 1 and "the book was not built" in output and STOPS[what][3] in output, output[-3000:]


def test_a_change_of_the_library_alone_reaches_the_pages(sound, tmp_path):
    """A built book, of which only the library changes: no output of before may be taken for a new one."""
    folder = tmp_path / "book"
    shutil.copytree(sound, folder)
    break_it(folder / "lib" / "saddles" / "noise.py", "return Discrete((1, a - 1), (half, half))",
             "return Discrete((1, a + 1), (half, half))")
    code, output = miniature.build(folder)
    assert code == 1 and "CheckError: eq:1" in output, output[-3000:]


@pytest.mark.parametrize("what", CELLS)
def test_a_broken_cell_stops_the_small_chapter(copy, what):
    folder, python = copy
    shutil.copytree(ROOT / "sphinxext", folder / "sphinxext")
    (folder / "chapters" / "small.md").write_text(miniature.SMALL.replace("../sphinxext", "sphinxext"), encoding="utf-8")
    break_it(folder / "chapters" / "small.md", *CELLS[what])
    code, output = python("-c", RUN_CELLS, "chapters/small.md")
    assert code == 1 and ("CheckError" in output or "must be computed" in output), output[-2000:]


def test_two_builds_are_the_same_byte_for_byte(sound, tmp_path):
    """In another folder, time zone, order of sets, language: `make reproduce` does it to the whole book."""
    folder = tmp_path / "sélles, ailleurs"
    folder.mkdir()
    miniature.make(folder)
    code, output = miniature.build(folder, **reproduce.WAYS[1][1])
    assert code == 0, output[-3000:]
    assert reproduce.differences(sound / "_build/html", folder / "_build/html") == {}


def test_a_file_that_differs_is_named(tmp_path):
    for name, text in (("one", "a\nb"), ("two", "a\nc")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same").write_text("x")
        (tmp_path / name / "page").write_text(text)
    (tmp_path / "two" / "more").write_text("x")
    found = reproduce.differences(tmp_path / "one", tmp_path / "two")
    assert found == {"more": "is in one only", "page": "line 2: 'b' | 'c'"}
