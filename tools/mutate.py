"""Mutation testing: change the library in small ways and see whether its own tests notice.

mutmut makes the mutants (another operator, another number, None for an argument, ...) of one module
at a time and runs that module's tests on each. It lives in an environment of its own, which sees the
book's packages. What it found goes into tests/mutants.json, which `make report` reads: with the hash
of the module and of its tests, so that a score that is no longer true shows.

    make mutants                      all mutants of all modules: hours
    make mutants SAMPLE=100           that many of each module, drawn with a fixed seed
    make mutants MODULES="exact noise"
"""

import ast
import datetime
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "_build" / "mutation"
RESULTS = ROOT / "tests" / "mutants.json"
# {module: [[line, changed line, why], ...]}: survivors that no test could kill, or none should
EXCUSED = ROOT / "tests" / "mutants-excused.json"
MUTMUT = "mutmut==3.8.1"
COMMON = ("test_bad_input.py", "test_properties.py")
# Module -> tests of its own. symbols.py and __init__.py hold names only: nothing to mutate.
TESTS = {
    "check": "test_check.py",
    "diffusion": "test_diffusion.py",
    "estimate": "test_estimate.py",
    "exact": "test_exact.py",
    "explore": "test_explore.py",
    "figures": "test_explore.py",
    "landscapes": "test_landscapes.py",
    "lyapunov": "test_lyapunov.py",
    "noise": "test_noise.py",
    "optimizers": "test_optimizers.py",
    "simulate": "test_simulate.py",
}
CONFIG = """
[tool.pytest.ini_options]
markers = ["browser"]
filterwarnings = ["error::RuntimeWarning"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/saddles/{module}.py"]
also_copy = ["tools", "_toc.yml"]
pytest_add_cli_args = ["-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:nbmake",
                       "-k", "(not test_bad_input_is_refused or {module}) and not test_every_public_name and not test_every_argument"]
pytest_add_cli_args_test_selection = {tests}
timeout_constant = 20.0
timeout_multiplier = 10.0
"""
# mutmut tries each mutant in a copy of a process that has run all tests before: what the library then
# remembers (functools.lru_cache) would answer in the mutant's place. Added to the copy of conftest.py.
FORGET = """

def pytest_sessionstart(session):
    import sys
    for name, module in list(sys.modules.items()):
        if name.startswith("saddles"):
            for thing in vars(module).values():
                getattr(thing, "cache_clear", int)()
"""
# Printed by mutmut's own Python: every mutant with its fate, and what a survivor changes.
READ = """
import json, sys
from mutmut.mutation.diff_apply import get_diff_for_mutant
fates = json.load(open(sys.argv[1]))["exit_code_by_key"]
change = lambda name: [l.strip() for l in get_diff_for_mutant(name).splitlines()[2:] if l[:1] in "-+"]
print(json.dumps({n: [c, change(n) if c in (0, 33) else None] for n, c in fates.items()}))
"""
SURVIVED, UNTESTED, UNTRIED = 0, 33, None


def fingerprint(module):
    """Changes when the code of the module or of its own tests does, so that its score has to be measured again."""
    files = [ROOT / "lib/saddles" / f"{module}.py", ROOT / "tests" / TESTS[module]]
    return hashlib.sha256("\n".join(code_of(file) for file in files).encode()).hexdigest()[:16]


def code_of(file):
    """A file's code without its comments and docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def environment():
    """The Python with mutmut: an environment that sees the packages of the one that runs this."""
    python = HOME / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
        where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        own = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout
        Path(own.strip(), "book.pth").write_text(sysconfig.get_paths()["purelib"])
        subprocess.run([python, "-m", "pip", "install", "--quiet", MUTMUT], check=True)
    return python


def prepare(module):
    folder = HOME / module
    shutil.rmtree(folder, ignore_errors=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for source, target in (("lib", "src"), ("tests", "tests"), ("tools", "tools")):
        shutil.copytree(ROOT / source, folder / target, ignore=ignore)
    shutil.copy(ROOT / "_toc.yml", folder)
    with (folder / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(FORGET)
    tests = [f"tests/{name}" for name in (TESTS[module], *COMMON)]
    (folder / "pyproject.toml").write_text(CONFIG.format(module=module, tests=tests))
    return folder


def mutmut(python, folder, *arguments):
    env = os.environ | {"PYTHONPATH": f"{folder / 'tools'}", "OPENBLAS_NUM_THREADS": "1"}
    with (folder / "run.log").open("a") as log:
        done = subprocess.run([python, "-m", "mutmut", "run", "--max-children", "2", *arguments],
                              cwd=folder, env=env, stdout=log, stderr=log, check=False)
    if done.returncode:
        sys.exit(f"saddles: mutmut stopped; its words are in {(folder / 'run.log').relative_to(ROOT)}.")


def fates(python, folder, module):
    meta = folder / "mutants" / "src" / "saddles" / f"{module}.py.meta"
    done = subprocess.run([python, "-c", READ, meta], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def longest(module):
    """The module's longest function: it has mutants."""
    tree = ast.parse((ROOT / "lib/saddles" / f"{module}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    return max(functions, key=lambda node: node.end_lineno - node.lineno).name


def measure(python, module, sample):
    folder, measured = prepare(module), fingerprint(module)
    mutmut(python, folder, f"saddles.{module}.x_{longest(module)}__mutmut_1")  # makes all, tries one
    names = sorted(fates(python, folder, module))
    chosen = sorted(random.Random(0).sample(names, sample)) if 0 < sample < len(names) else names
    mutmut(python, folder, *chosen)
    found = {name: fate for name, fate in fates(python, folder, module).items() if name in set(chosen)}
    if any(code is UNTRIED for code, _ in found.values()):
        sys.exit(f"saddles: mutmut left mutants of {module} untried.")
    alive = {name: change for name, (code, change) in found.items() if code in (SURVIVED, UNTESTED)}
    return {
        "date": datetime.date.today().isoformat(),
        "hash": measured,
        "python": sys.version.split()[0],
        "mutmut": MUTMUT.partition("==")[2],
        "mutants": len(names),
        "tried": len(found),
        "killed": len(found) - len(alive),
        "survivors": [change for _, change in sorted(alive.items())],
    }


def main(sample=0, modules=""):
    python = environment()
    for module in modules.split() or TESTS:
        print(f"{module}: ", end="", flush=True)
        result = measure(python, module, int(sample or 0))
        stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        text = json.dumps(stored | {module: result}, indent=1, sort_keys=True, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")
        print(f"{result['killed']} of {result['tried']} killed ({result['mutants']} mutants in all)", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
