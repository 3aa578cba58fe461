"""Takes the chapters' outputs from where tools/build.py has put them, if it has.

It executes the chapters side by side, which Sphinx cannot. Without it (`jupyter-book build .`) the
setting in _config.yml holds, and every chapter is executed here, one after the other.
"""

import os
from pathlib import Path

import nbformat
from jupyter_cache import get_cache

FOLDER = os.environ.get("SADDLES_OUTPUTS")


def use(app, config):
    config.nb_execution_mode = "cache"
    config.nb_execution_cache_path = FOLDER


def complete(app, env):
    """Put the outputs into jupyter_execute too: with a cache, MyST-NB leaves them out there."""
    cache = get_cache(FOLDER)
    for path in (Path(app.outdir).parent / "jupyter_execute").rglob("*.ipynb"):
        try:
            _, notebook = cache.merge_match_into_notebook(nbformat.read(path, nbformat.NO_CONVERT))
        except KeyError:
            continue  # it failed, and Sphinx has said so
        nbformat.write(notebook, path)


def setup(app):
    if FOLDER:
        app.connect("config-inited", use)
        app.connect("env-updated", complete)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
