"""The ledger: verdicts gathered from the executed chapters, shown in three places.

`saddles.check` leaves one record in the metadata of each checking cell's output. When every page has been
read, this extension takes them from the executed notebooks, adds chapter and anchor, validates
them, fills the directives `{ledger}`, `{errata}` and `{verdict} eq:8`, and writes ledger.json to
the site's root. A claim that is checked twice, a wrong record or an anchor that is not on its
page is a warning, and the book is built with warnings as errors.
"""

import json
from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from saddles.check import KEY, slug, typeset

log = logging.getLogger(__name__)
FIELDS = ("id", "kind", "verdict", "severity", "method", "printed", "corrected", "reason", "chapter", "anchor")
VERDICTS = ("verified", "corrected", "consistent", "argued", "definition")
FIGURES = ("1-left", "1-right", "2-left", "2-right", "3", "4-left", "4-right", "5", "6", "7", "8")
PAPER = ([f"eq:{n}" for n in range(1, 115)] + [f"def:{n}" for n in range(1, 4)] + ["lemma:1"]
         + [f"thm:{n}" for n in range(1, 5)] + [f"prop:{n}" for n in range(1, 11)]
         + [f"ex:{n}" for n in range(1, 3)] + [f"fig:{n}" for n in FIGURES])


class Placeholder(nodes.General, nodes.Element):
    """Stands for a table until every chapter has been executed."""


class Table(SphinxDirective):
    """`{ledger}` or `{errata}`: the table of that name."""

    def run(self):
        return [Placeholder(what=self.name)]


class OneVerdict(SphinxDirective):
    """`{verdict} eq:8`: the verdict of one claim as a word that links to its chapter."""

    required_arguments = 1

    def run(self):
        return [Placeholder(what="verdict", id=self.arguments[0])]


def records_of(notebook, docname):
    """The ledger's entries in one executed notebook, in order."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get(KEY)
            if record:
                yield {k: record.get(k) for k in FIELDS[:-2]} | {
                    "chapter": docname, "anchor": f"verdict-{slug(record['id'])}"}


def order(entry):
    """Numbered statements in the paper's order, claims after them."""
    return (PAPER.index(entry["id"]), "") if entry["id"] in PAPER else (len(PAPER), entry["id"])


def gather(app):
    """All entries, sorted; complains about ids that appear twice or that the paper does not have."""
    folder, entries = Path(app.outdir).parent / "jupyter_execute", []
    for docname in sorted(app.env.found_docs):
        notebook = folder / f"{docname}.ipynb"
        if notebook.exists():
            entries += records_of(notebook, docname)
    for id, times in Counter(e["id"] for e in entries).items():
        if times > 1:
            log.warning("ledger: %s is checked %d times", id, times)
    for entry in entries:
        if entry["id"] not in PAPER and entry["kind"] != "claim":
            log.warning("ledger: the paper has no %s", entry["id"])
        if entry["verdict"] not in VERDICTS:
            log.warning("ledger: %s has the verdict %r", entry["id"], entry["verdict"])
    return sorted(entries, key=order)


def fill(app, doctree, docname):
    """Replace each placeholder by its table."""
    for node in list(doctree.findall(Placeholder)):
        if not hasattr(app, "ledger_entries"):
            app.ledger_entries = gather(app)
        # the tables hold formulas that Sphinx has not seen: ask it to load MathJax here too
        app.env.get_domain("math").data["has_equations"][docname] = True
        entries = app.ledger_entries
        if node["what"] == "verdict":
            text = one(entries, node["id"], app, docname)
        else:
            text = TABLES[node["what"]](entries, app, docname)
        node.replace_self(nodes.raw("", text, format="html"))


def link(entry, app, docname):
    return f"{app.builder.get_relative_uri(docname, entry['chapter'])}#{entry['anchor']}"


def one(entries, id, app, docname):
    found = [e for e in entries if e["id"] == id]
    if not found:
        log.warning("ledger: %s refers to %s, which has no verdict", docname, id)
        return ""
    return (f'<p class="verdict" data-verdict="{found[0]["verdict"]}"><a href="{link(found[0], app, docname)}">{escape(id)}</a> '
            f'<b>{found[0]["verdict"]}</b> {typeset(found[0]["reason"] or "")}</p>')


def ledger_table(entries, app, docname):
    counts = Counter(e["verdict"] for e in entries)
    left = [id for id in PAPER if id not in {e["id"] for e in entries}]
    total = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v])
    rows = "".join(row(e, app, docname) for e in entries)
    rest = (f'<details><summary>{len(left)} of the paper\'s {len(PAPER)} numbered statements are not yet '
            f'treated.</summary><p>{escape(", ".join(left))}</p></details>' if left else
            f"<p>Every one of the paper's {len(PAPER)} numbered statements is treated.</p>")
    return (f"<p>{len(entries)} entries: {total}.</p>{rest}"
            '<div class="ledger-scroll" tabindex="0"><table class="ledger"><thead><tr><th>Id<th>Verdict<th>How'
            f"<th>Printed<th>Instead<th>Why</thead><tbody>{rows}</tbody></table></div>")


def row(e, app, docname):
    return (f'<tr id="{slug(e["id"])}" class="{e["verdict"]}" data-kind="{e["kind"]}" data-chapter="{e["chapter"]}" '
            f'data-verdict="{e["verdict"]}" data-severity="{e["severity"] or ""}">'
            f'<td><a href="{link(e, app, docname)}">{escape(e["id"])}</a>'
            f"<td>{e['verdict']}{' (' + e['severity'] + ')' if e['severity'] else ''}<td>{e['method'] or '—'}"
            f"<td>{typeset(e['printed'])}<td>{typeset(e['corrected'] or '')}<td>{typeset(e['reason'] or '')}")


def errata_list(entries, app, docname):
    wrong = sorted((e for e in entries if e["verdict"] == "corrected"),
                   key=lambda e: (e["severity"] != "substantive", order(e)))
    items = "".join(
        f'<li><a href="{link(e, app, docname)}">{escape(e["id"])}</a> ({e["severity"]}). Printed: '
        f"{typeset(e['printed'])}. Instead: {typeset(e['corrected'])}. {typeset(e['reason'])}</li>" for e in wrong)
    return f"<p>{len(wrong)} corrections.</p><ol>{items}</ol>"


TABLES = {"ledger": ledger_table, "errata": errata_list}


def write(app, exception):
    """ledger.json, and the test that every anchor exists on its page."""
    if exception or app.builder.format != "html":
        return
    entries, lost = gather(app), []
    for chapter in sorted({e["chapter"] for e in entries}):
        page = Path(app.builder.get_outfilename(chapter)).read_text(encoding="utf-8")
        lost += [f"{chapter}#{e['anchor']}" for e in entries if e["chapter"] == chapter
                 and f'id="{e["anchor"]}"' not in page]
    if lost:  # too late for a warning: it would no longer fail the build
        raise ExtensionError(f"ledger: anchors that are not on their page: {', '.join(lost)}")
    text = json.dumps(entries, ensure_ascii=False, indent=1)
    (Path(app.outdir) / "ledger.json").write_text(text + "\n", encoding="utf-8")


def setup(app):
    app.add_node(Placeholder)
    for name in TABLES:
        app.add_directive(name, Table)
    app.add_directive("verdict", OneVerdict)
    app.connect("doctree-resolved", fill)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
