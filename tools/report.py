"""Print what is known about how far this book can be trusted: `make report`.

Three things are measured elsewhere and kept, as they take long: which changes of the library its tests
notice (`make mutants`), whether two builds give the same site (`make reproduce`), what the pages weigh
(`make test`). Each is shown with its date, and with the word "old" if what it measured has changed since.
"""

import importlib.metadata
import json
import platform
import subprocess

import mutate
import reproduce
from book import ROOT, SITE, chromium

PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "matplotlib", "jupyter-book", "sphinx", "myst-nb",
            "nbmake", "ipywidgets", "hypothesis", "playwright")


def read(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def said(*command):
    """The first line that a command prints, or a dash if it is not there."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "–"
    return (done.stdout.splitlines() or ["–"])[0].strip()


def versions():
    yield f"commit {said('git', 'rev-parse', '--short', 'HEAD')}, Python {platform.python_version()}"
    browser = chromium()
    yield said(browser, "--version") if browser else "no Chromium"
    yield ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)


def excused(module, survivors):
    """How many of the survivors need no test: equivalent, or too small to matter. The list says why of each.

    An entry whose line is not in the module any more is an error: it excuses nothing.
    """
    source = (ROOT / "lib/saddles" / f"{module}.py").read_text(encoding="utf-8")
    listed = read(mutate.EXCUSED).get(module, [])
    if stale := [old for old, _, _ in listed if old not in source]:
        raise SystemExit(f"saddles: {mutate.EXCUSED.name} lists lines that {module}.py does not hold: {stale}")
    changes = [[f"-{old}", f"+{new}"] for old, new, _ in listed]
    return sum([line[0] + line[1:].strip() for line in change] in changes for change in survivors)


def mutants():
    """A line for each module: killed of tried, and whether that is still true of today's files."""
    stored = read(mutate.RESULTS)
    for module in mutate.TESTS:
        found = stored.get(module)
        if found is None:
            yield f"{module:12} not measured"
            continue
        old = "" if found["hash"] == mutate.fingerprint(module) else ", old: the module or its tests have changed"
        part = "all" if found["tried"] == found["mutants"] else f"a sample of {found['mutants']}"
        more = excused(module, found["survivors"])
        same = f", {more} excused" if more else ""
        yield f"{module:12} {found['killed']:4} of {found['tried']:4} killed{same} ({part}, {found['date']}{old})"
    tried, killed = (sum(found[key] for found in stored.values()) for key in ("tried", "killed"))
    if tried:
        more = sum(excused(module, found["survivors"]) for module, found in stored.items())
        yield f"{'together':12} {killed:4} of {tried:4} killed, {killed / tried:.1%}; {more} of the others excused in {mutate.EXCUSED.name}"


# What the pages are made of; a commit that changes something else leaves them as they were.
MADE_OF = ("_config.yml", "_toc.yml", "index.md", "references.bib", "requirements.lock", "assets",
           "benchmarks/results.json", "chapters", "lib", "sphinxext", "tools/build.py")


def same_pages(commit):
    try:
        subprocess.run(["git", "diff", "--quiet", commit, "HEAD", "--", *MADE_OF], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False  # changed, or there is no git to ask
    return True


def builds():
    for pythons, found in read(reproduce.RESULTS).items() or [("", None)]:
        if found is None:
            yield "not measured"
            continue
        old = "" if same_pages(found["commit"]) else ", old: what the pages are made of has changed"
        yield f"Python {pythons}: {len(found['differ'])} of {found['files']} files differ ({found['date']}{old})"
        yield from (f"  {name}: {what}" for name, what in found["differ"].items())


def pages():
    """A line for each page with explorers, from what the tests have left."""
    rows = read(SITE.parent / "budgets.json")
    if not rows:
        yield "not measured: `make test` does"
    for row in rows:
        drawn = max((one["cpu_seconds"] for one in row.get("explorers", [])), default="–")
        yield (f"{row['page']:32} {row.get('kilobytes', '–'):>4} KB, a slider's delay {row.get('delay_ms', '–'):>4} ms, "
               f"the slowest explorer drawn in {drawn} s")


PARTS = {
    "Versions": versions,
    "Mutation testing: changes of the library that its own tests notice": mutants,
    "Reproducibility: two builds of one commit, compared byte for byte": builds,
    "Pages: weight, delay and drawing": pages,
}

if __name__ == "__main__":
    for title, part in PARTS.items():
        print(f"\n{title}\n" + "\n".join(f"  {line}" for line in part()))
