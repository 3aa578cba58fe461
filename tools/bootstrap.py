"""Create .venv and install what requirements.lock pins, unless that is done already.

Runs before anything is installed, under whatever `python3` happens to be, so this file must
stay readable to old Pythons (no f-strings): they have to reach the sentence that turns them away.
Every failure ends in one sentence and exit code 1; pip's own words are kept in _build/install.log.
"""

from __future__ import print_function

import errno
import hashlib
import io
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "saddles-stamp")
LOCK = os.path.join(ROOT, "requirements.lock")
PYPROJECT = os.path.join(ROOT, "pyproject.toml")
LOG = os.path.join(ROOT, "_build", "install.log")
OLDEST = (3, 11)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room, a quota, a limit on a file's size

# What pip prints -> what the reader should know. The first match counts, so causes stand before
# their consequences ("no matching distribution" is also what pip says without a network).
REASONS = [
    (
        ["DO NOT MATCH THE HASHES"],
        "a downloaded file does not have the hash that requirements.lock states for it: "
        "restore requirements.lock, or renew it with `make lock`",
    ),
    (
        ["Invalid requirement", "require-hashes mode", "UnicodeDecodeError"],
        "requirements.lock is broken: restore it, or renew it with `make lock`",
    ),
    (
        ["No space left on device", "Disk quota exceeded", "File too large"],
        "the disk is full",
    ),
    (
        [
            "NewConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "ConnectionResetError",
            "ProxyError",
            "NameResolutionError",
            "Could not fetch URL",
            "SSLError",
            "Read timed out",
            "connection broken",
        ],
        "the package index cannot be reached: check the network (or the proxy, or PIP_INDEX_URL) "
        "and run the same command again",
    ),
    (
        ["No matching distribution found", "Could not find a version"],
        "the package index has no file for this Python and machine that requirements.lock accepts",
    ),
]


def fail(sentence):
    sys.stdout.flush()
    print("saddles: " + sentence, file=sys.stderr)
    sys.exit(1)


def check_python():
    if sys.version_info[:2] < OLDEST:
        fail(
            "Python 3.11 or newer is needed, and %s is Python %d.%d: name another one, "
            "as in `make book PYTHON=python3.12`." % ((sys.executable,) + sys.version_info[:2])
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(
            "%s cannot make virtual environments: install its venv module "
            "(Debian, Ubuntu: apt-get install python3-venv)." % sys.executable
        )


def fingerprint():
    """Changes when .venv has to be made again, as when the folder moved (paths are absolute)."""
    text = hashlib.sha256(repr((sys.version_info[:3], ROOT)).encode("utf-8", "surrogateescape"))
    for path in (LOCK, PYPROJECT):
        try:
            with open(path, "rb") as file:
                text.update(file.read())
        except EnvironmentError:
            fail("%s is missing: restore it from the repository." % os.path.basename(path))
    return text.hexdigest()


def is_done(stamp):
    try:
        with io.open(STAMP, encoding="utf-8") as file:
            return file.read() == stamp and os.access(VENV_PYTHON, os.X_OK)
    except EnvironmentError:
        return False


def environment():
    """Ours, without what would send the packages somewhere else than into .venv."""
    unwanted = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONHOME", "PYTHONPATH")
    env = {key: value for key, value in os.environ.items() if key not in unwanted}
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return env


def run(command, log, total=0):
    """Run `command`, copy what it prints into `log`, count packages; return (exit code, output)."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines, seen = [], 0
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace")
        log.write(line)
        log.flush()
        lines.append(line)
        seen += line.startswith("Collecting ")
        if total and line.startswith("Collecting ") and seen % 25 == 0:
            print("  %d of about %d packages" % (seen, total), flush=True)
        if line.startswith("Installing collected"):
            print("  unpacking", flush=True)
    return process.wait(), "".join(lines)


def explain(what, output):
    reasons = [why for needles, why in REASONS if any(needle in output for needle in needles)]
    last = [line.strip() for line in output.splitlines() if line.strip()][-1:]
    reason = (reasons + last + ["no reason given"])[0]
    fail("%s failed, because %s (full log: %s)." % (what, reason, os.path.relpath(LOG)))


def install(log):
    # Inside .venv itself, sys.executable would be deleted by --clear: its base is the one to use.
    python = getattr(sys, "_base_executable", None) or sys.executable
    with io.open(LOCK, encoding="utf-8", errors="replace") as file:
        total = sum("==" in line and "sys_platform ==" not in line for line in file)
    print("Creating .venv with Python %d.%d" % sys.version_info[:2], flush=True)
    code, output = run([python, "-m", "venv", "--clear", VENV], log)
    if code:
        explain("creating .venv", output)
    pip = [VENV_PYTHON, "-m", "pip", "install"]
    print("Installing what requirements.lock pins (once; a minute or two)", flush=True)
    code, output = run(
        pip + ["--progress-bar", "off", "--retries", "2", "--require-hashes", "-r", LOCK],
        log,
        total,
    )
    if code:
        explain("installing requirements.lock", output)
    print("Installing the library saddles from lib/", flush=True)
    code, output = run(pip + ["--no-deps", "--no-build-isolation", "-e", ROOT], log)
    if code:
        explain("installing the library", output)


def main():
    check_python()
    stamp = fingerprint()
    if is_done(stamp):
        return
    if not os.path.isdir(os.path.dirname(LOG)):
        os.makedirs(os.path.dirname(LOG))
    with io.open(LOG, "w", encoding="utf-8") as log:
        install(log)
    with io.open(STAMP, "w", encoding="utf-8") as file:  # last: an interrupted run starts again
        file.write(stamp)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("interrupted; the same command starts again.")
    except EnvironmentError as error:
        if error.errno in FULL:
            fail("the disk is full: make room (.venv takes about 1 GB) and run the same command again.")
        fail("%s." % error)
