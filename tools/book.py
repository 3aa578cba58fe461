"""What the tools and the tests both have to know about this book."""

import os
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
NBMAKE = ROOT / "_build" / "nbmake"  # where nbmake executes the chapters
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def pages():
    """The pages of _toc.yml as `chapters/warm-up`, in reading order."""

    def walk(node):
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                yield from walk(part)

    return list(walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))))


def is_notebook(path):
    """A chapter with code: its header names the kernel that runs it."""
    text = path.read_text(encoding="utf-8")
    if not text.startswith("---\n"):
        return False
    return "kernelspec" in (yaml.safe_load(text.split("\n---", 1)[0]) or {})


def notebooks():
    """The notebooks of _toc.yml, as paths."""
    paths = [ROOT / f"{page.removesuffix('.md')}.md" for page in pages()]
    return [path for path in paths if path.exists() and is_notebook(path)]


def unattended(env=os.environ):
    """`env` for running chapters without a person: explorers draw their frames, and a kernel of
    another environment on this machine is not taken for ours."""
    person = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG")
    return {
        **{key: value for key, value in env.items() if key not in person},
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def chromium():
    """The path of the Chromium for the tests of the pages and for the PDF, or None."""
    named = os.environ.get("SADDLES_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUMS)), None)
