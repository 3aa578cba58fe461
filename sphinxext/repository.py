"""What a book can offer once it lives in a repository on GitHub; nowhere else, nothing.

GitHub's workflows set GITHUB_REPOSITORY. Only then does each page get links to the repository, to an
issue form and to its own source, and each chapter links that open it on Binder and on Colab. They
are plain links: a page still loads nothing from a third party.

Binder and Colab cannot open a chapter as it is stored (MyST Markdown). What they open are executed
notebooks on a branch of their own; this build writes the files of that branch into _build/notebooks,
and the workflow `book` pushes them.
"""

import json
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

from sphinx.errors import ExtensionError

GITHUB = "https://github.com"
BRANCH = "notebooks"  # the workflow `book` pushes to the same name
PDF = "saddles.pdf"  # the workflow `book` puts it beside the first page
INSTALL = """\
# Installs the library of the book where it is missing, as on Colab.
from importlib.util import find_spec

if find_spec("saddles") is None:
    %pip install --quiet "git+{repository}@{commit}"
"""
ABOUT = """\
# The executed notebooks of saddles

Made from {repository} at {commit}, for Binder and Colab. Nothing here is edited by hand:
the chapters live on the main branch, as Markdown.
"""


def repository(env=os.environ):
    """The address of the repository that GitHub is building from, or None."""
    name = env.get("GITHUB_REPOSITORY")
    if not name:
        return None
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ExtensionError(f"repository: GITHUB_REPOSITORY must be OWNER/NAME, got {name!r}")
    return f"{env.get('GITHUB_SERVER_URL', GITHUB)}/{name}"


def link(text, tooltip, icon, url):
    return {"type": "link", "text": text, "tooltip": tooltip, "icon": icon, "url": url}


def group(label, tooltip, icon, buttons):
    return {"type": "group", "label": label, "tooltip": tooltip, "icon": icon, "buttons": buttons}


def launch(address, page):
    """Links that open a chapter's executed notebook with a kernel; both services know github.com only."""
    if not address.startswith(f"{GITHUB}/"):
        return []
    name = address.removeprefix(f"{GITHUB}/")
    return [
        link("Binder", "Run on Binder (free, starts in minutes)", "fas fa-rocket",
             f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath={quote(f'lab/tree/{page}.ipynb', safe='')}"),
        link("Colab", "Run on Colab (needs a Google account)", "fas fa-play",
             f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{page}.ipynb"),
    ]


def source(address, page):
    return [
        link("Repository", "Where the book is made", "fab fa-github", address),
        link("Report an error", "Opens an issue form for this page", "fas fa-bug",
             f"{address}/issues/new?template=book.yml&page={quote(page, safe='')}"),
        link("Suggest an edit", "Opens the source of this page", "fas fa-pencil-alt",
             f"{address}/edit/main/{page}.md"),
    ]


def offer(app, pagename, templatename, context, doctree):
    address = repository()
    if address is None or doctree is None:  # search and index have no source
        return
    buttons = context["header_buttons"]
    if context.get("ipynb_source") and launch(address, pagename):
        buttons.insert(0, group("launch-buttons", "Run this chapter", "fas fa-rocket", launch(address, pagename)))
    more = source(address, pagename)
    if pagename == app.config.root_doc:
        more.append(link("The book as PDF", "All chapters in one file, to print", "fas fa-file-pdf", PDF))
    buttons.append(group("source-buttons", "Repository", "fab fa-github", more))


def pins(root):
    """The library's own requirements as requirements.lock pins them, without hashes."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [line.rstrip("\\ ") for line in lock if line.split("==")[0] in project["dependencies"]]


def branch(app, exception):
    """The files of the branch that Binder and Colab read."""
    address = repository()
    if exception or address is None or app.builder.format != "html":
        return
    root, folder = Path(app.confdir), Path(app.outdir).parent / BRANCH
    executed = Path(app.outdir).parent / "jupyter_execute"
    where = {"repository": address, "commit": os.environ.get("GITHUB_SHA", "main")}
    shutil.rmtree(folder, ignore_errors=True)
    for path in sorted(executed.rglob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"].insert(0, {
            "id": "install-saddles", "cell_type": "code", "metadata": {}, "execution_count": None,
            "outputs": [], "source": INSTALL.format(**where),
        })
        target = folder / path.relative_to(executed)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shutil.copytree(root / "lib", folder / "lib", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copyfile(root / "pyproject.toml", folder / "pyproject.toml")
    # Binder reads these two; "." is the library itself.
    (folder / "requirements.txt").write_text("\n".join([*pins(root), "."]) + "\n", encoding="utf-8")
    (folder / "runtime.txt").write_text(f"python-{sys.version_info[0]}.{sys.version_info[1]}\n", encoding="utf-8")
    (folder / "README.md").write_text(ABOUT.format(**where), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", offer, priority=502)  # after the theme has made its buttons
    app.connect("build-finished", branch)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
