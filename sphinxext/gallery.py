"""`{gallery}`: every explorer of the book, as its first picture with the question it answers.

The pictures are taken from the executed notebooks when all pages have been read. Each links to its
explorer; without JavaScript and in print it is a picture and a caption.
"""

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from words import numbers, setting

EXPLORER = re.compile(
    r'<figure class="picture explorer" id="(?P<id>[\w-]+)"><div class="explorer-frame"[^>]*aria-label="(?P<alt>[^"]*)">'
    r"(?P<svg><svg.*?</svg>)</div>.*?<figcaption>(?P<caption>.*?)</figcaption>", re.S)


class GalleryPlace(nodes.General, nodes.Element):
    """Stands for the gallery until every chapter has been executed."""


class Gallery(SphinxDirective):
    def run(self):
        return [GalleryPlace()]


def explorers_of(notebook):
    """The explorers in one executed notebook, in order."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            found = EXPLORER.match("".join(output.get("data", {}).get("text/html", "")))
            if found:
                yield found


def in_order(includes, page):
    """The pages of the book in reading order."""
    yield page
    for child in includes.get(page, []):
        yield from in_order(includes, child)


def fill(app, doctree, docname):
    for node in list(doctree.findall(GalleryPlace)):
        app.env.get_domain("math").data["has_equations"][docname] = True
        parts, folder = [], Path(app.outdir).parent / "jupyter_execute"
        for page in in_order(app.env.toctree_includes, app.config.root_doc):
            notebook = folder / f"{page}.ipynb"
            for found in explorers_of(notebook) if notebook.exists() else ():
                address = f"{app.builder.get_relative_uri(docname, page)}#{found['id']}"
                title = app.env.titles[page].astext()
                stop = "" if title.endswith(("?", ".")) else "."
                svg = found["svg"].replace("<svg", f'<svg role="img" aria-label="{numbers(found["alt"])}"', 1)
                parts.append(f'<figure class="picture"><a href="{address}" aria-label="To the explorer in: {escape(title)}">{svg}</a>'
                             f'<figcaption><a href="{address}">{escape(title)}</a>{stop} {setting(found["caption"])}</figcaption></figure>')
        node.replace_self(nodes.raw("", f'<div class="gallery">{"".join(parts)}</div>', format="html"))


def setup(app):
    app.add_node(GalleryPlace)
    app.add_directive("gallery", Gallery)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
