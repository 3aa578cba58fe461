"""Renew requirements.lock: every package that requirements.txt leads to, pinned and with hashes.

One lock serves Python 3.11 and newer on any machine. uv resolves it, from an environment of its
own, so that a broken .venv cannot get in the way.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "_build" / "uv"
COMPILE = [
    "pip",
    "compile",
    "requirements.txt",
    "--output-file",
    "requirements.lock",
    "--universal",
    "--python-version",
    "3.11",
    "--fork-strategy",
    "fewest",
    "--generate-hashes",
    "--no-emit-package",
    "saddles",
    "--upgrade",
    "--quiet",
    "--no-annotate",
    "--custom-compile-command",
    "make lock",
]


def main():
    uv = HOME / "bin" / "uv"
    if not uv.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        subprocess.run(
            [HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True
        )
    # A uv setting of this machine (an index, a folder of wheels) must not end up in the lock.
    env = {key: value for key, value in os.environ.items() if not key.startswith("UV_")}
    subprocess.run([uv, *COMPILE], cwd=ROOT, env=env, check=True)
    print("requirements.lock is renewed; `make test` says whether the book still stands with it.")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"saddles: renewing the lock failed at `{error.cmd[0]}`; its words are above.")
