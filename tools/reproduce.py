"""Build the committed book twice from clean, as differently as can be, and name each file that differs.

The two copies stand in folders of other names and lengths, and are built in other time zones, with
other seeds for the order of Python's sets, other languages and other numbers of processors. Compared
are the site, byte for byte, and what the chapters' cells have put out. What it found goes into
tests/reproduced.json, which `make report` reads.

    make reproduce                           twice with the same Python
    make reproduce OTHER=path/to/python      the second time with another one, in an environment of its own

Another Python need not give the same bytes, as its packages may: then the report says where.
"""

import datetime
import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "_build" / "reproduce"
RESULTS = ROOT / "tests" / "reproduced.json"
WAYS = (
    ("one", {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}),
    ("the other, elsewhere", {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "COLUMNS": "40"}),
)


def committed():
    """The last commit as a tar file, and its name."""
    git = lambda *words: subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout
    try:
        return git("archive", "HEAD"), git("rev-parse", "HEAD").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        sys.exit("saddles: this builds the last commit, so it needs git and a copy of the book made by git clone.")


def build(folder, python, settings):
    env = os.environ | settings | {"PYTHONPATH": str(folder / "lib")}
    done = subprocess.run([python, "tools/build.py"], cwd=folder, env=env, check=False)
    if done.returncode:
        sys.exit(f"saddles: the copy in {folder.relative_to(ROOT)} was not built; its words are above.")


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def first_difference(one, two):
    """Where two files part: the line number and both lines, shortened."""
    left, right = one.read_bytes().split(b"\n"), two.read_bytes().split(b"\n")
    for number, (a, b) in enumerate(zip(left, right), 1):
        if a != b:
            at = next((i for i, (p, q) in enumerate(zip(a, b)) if p != q), min(len(a), len(b)))
            cut = slice(max(0, at - 30), at + 60)
            return f"line {number}: {a[cut].decode(errors='replace')!r} | {b[cut].decode(errors='replace')!r}"
    return f"{len(left)} lines | {len(right)} lines"


def differences(one, two):
    """{file: what differs} between two folders; empty if they are the same, byte for byte."""
    left, right = files(one), files(two)
    found = {name: "is in one only" for name in sorted(left.keys() ^ right.keys())}
    for name in sorted(left.keys() & right.keys()):
        if left[name].read_bytes() != right[name].read_bytes():
            found[name] = first_difference(left[name], right[name])
    return found


def version(python):
    return subprocess.run([python, "-c", "import sys; print(sys.version.split()[0])"], check=True,
                          capture_output=True, text=True).stdout.strip()


def other_environment(python):
    """The book's locked packages under another Python."""
    home = HOME / f"python-{version(python)}"
    inside = home / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", home], check=True)
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "requirements.lock"],
                       check=True)
    return str(inside)


def main(other=""):
    tar, commit = committed()
    second = other_environment(other) if other else sys.executable
    for (name, settings), python in zip(WAYS, (sys.executable, second)):
        folder = HOME / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        tarfile.open(fileobj=BytesIO(tar)).extractall(folder, filter="data")
        print(f"Building commit {commit[:10]} in {folder.relative_to(ROOT)} with Python {version(python)}", flush=True)
        build(folder, python, settings)
    one, two = (HOME / name / "_build" / "html" for name, _ in WAYS)
    found = differences(one, two)
    for name, what in found.items():
        print(f"{name}: {what}")
    pythons = [version(sys.executable), version(second)]
    entry = {"date": datetime.date.today().isoformat(), "commit": commit, "pythons": pythons,
             "files": len(files(one)), "differ": found}
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    text = json.dumps(stored | {" and ".join(pythons): entry}, indent=1, sort_keys=True, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(f"{len(found)} of {len(files(one))} files differ")
    sys.exit(bool(found) and not other)


if __name__ == "__main__":
    main(*sys.argv[1:])
