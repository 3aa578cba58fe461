"""The pages load nothing that is not in the site, from a web server and from file:// alike.

- MathJax comes from the package sphinx-mathjax-offline: of its 24 MB, what a page can ask for.
- Thebe, which Jupyter Book loads by default, is taken out: it starts a service we do not use.
- The theme draws its icons twice, by a script of 1.5 MB and by web fonts: the fonts are enough.
- Scripts written into the pages become files, and the theme's two inline handlers become marks that
  assets/buttons.js knows: with them a page works under `script-src 'self'`.
- After the build, a script, style, picture or frame from elsewhere makes the build fail.
"""

import hashlib
import os
import re
import shutil
from importlib.metadata import files
from pathlib import Path

from sphinx.errors import ExtensionError

MATHJAX = "sphinx-mathjax-offline/static/mathjax/"
# tex-chtml.js is the page's script; the rest it asks for itself, when a formula needs it.
MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions/", "output/chtml/fonts/woff-v2/")

# Sphinx's search shows a summary by fetching the page found, which browsers refuse on file://,
# and then it stops at the first result.
SEARCH_WITHOUT_FETCH = (
    "if (location.protocol === 'file:') DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;"
)

ICON_SCRIPT = re.compile(r"\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>")
INLINE_SCRIPT = re.compile(
    r"<script(?![^>]*\b(?:src=|type=.application/json))[^>]*>(.*?)</script>", re.DOTALL
)
HANDLERS = {
    'onclick="window.print()"': 'data-press="print"',
    'onclick="toggleFullScreen()"': 'data-press="fullscreen"',
}
UNUSED = ("scripts/fontawesome.js", "scripts/fontawesome.js.LICENSE.txt", "locales")
UNUSED_KINDS = ("*.map", "fa-*.ttf")  # browsers take the .woff2 beside each .ttf
LOADING_TAG = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|embed|object)\b[^>]*>", re.IGNORECASE
)
ADDRESS = re.compile(
    r"""\b(?:src|srcset|href|data)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)""", re.IGNORECASE
)
STYLE_ADDRESS = re.compile(
    r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE
)
NOT_LOADED = re.compile(
    r"""\brel\s*=\s*["']?(?:canonical|next|prev|author|license)\b""", re.IGNORECASE
)


def remove_thebe(app):
    app.setup_extension("sphinx_thebe")  # first, so that there is something to take out
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if one.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [
        css for css in app.registry.css_files if css[0] != "sphinx-thebe.css"
    ]


def copy_mathjax(static):
    for file in files("sphinx-mathjax-offline"):
        name = file.as_posix()
        if name.startswith(MATHJAX) and name[len(MATHJAX) :].startswith(MATHJAX_PARTS):
            target = static / "mathjax" / name[len(MATHJAX) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
    if not (static / "mathjax" / "tex-chtml.js").exists():
        raise ExtensionError("offline: sphinx-mathjax-offline no longer ships tex-chtml.js")


def take_scripts_out(text, page, folder):
    """`text` of `page` with its inline scripts in files of `folder`, named by what they hold."""

    def moved(found):
        file = folder / f"{hashlib.sha256(found[1].encode()).hexdigest()[:12]}.js"
        folder.mkdir(exist_ok=True)
        file.write_text(found[1].strip() + "\n", encoding="utf-8")
        return f'<script src="{Path(os.path.relpath(file, page.parent)).as_posix()}"></script>'

    for handler, mark in HANDLERS.items():
        text = text.replace(handler, mark)
    return INLINE_SCRIPT.sub(moved, text)


def lighten(site):
    static = site / "_static"
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        lighter = take_scripts_out(ICON_SCRIPT.sub("", text), page, static / "inline")
        if lighter != text:
            page.write_text(lighter, encoding="utf-8")
    kinds = [path for kind in UNUSED_KINDS for path in static.rglob(kind)]
    for path in [static / name for name in UNUSED] + kinds:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def third_parties(site):
    """Every address in `site` that a browser would load from elsewhere, as `page: address`."""
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        tags = [tag for tag in LOADING_TAG.findall(text) if not NOT_LOADED.search(tag)]
        found = [address for tag in tags for address in ADDRESS.findall(tag)]
        for address in found + STYLE_ADDRESS.findall(text):
            yield f"{page.relative_to(site)}: {address}"
    for sheet in sorted(site.rglob("*.css")):
        for address in STYLE_ADDRESS.findall(sheet.read_text(encoding="utf-8")):
            yield f"{sheet.relative_to(site)}: {address}"


def finish(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    copy_mathjax(site / "_static")
    lighten(site)
    found = list(third_parties(site))
    if found:
        raise ExtensionError("offline: pages load from a third party:\n  " + "\n  ".join(found))


def setup(app):
    remove_thebe(app)
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.add_js_file(None, body=SEARCH_WITHOUT_FETCH, priority=201)  # after the options
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
