"""The ledger: verdicts gathered from the executed chapters, shown in three places.

`saddles.check` leaves one record in the metadata of each checking cell's output. When every page has been
read, this extension takes them from the executed notebooks, adds chapter and anchor, validates
them, fills the directives `{ledger}`, `{errata}`, `{figures}` and `{verdict} eq:8`, and writes ledger.json to
the site's root. A numbered statement without a verdict, a claim that is checked twice, a wrong record or
an anchor that is not on its page fails the build.
"""

import json
from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from saddles.check import KEY, METHODS, slug, typeset
from words import ours, picture, said

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
    """`{ledger}`, `{errata}` or `{figures}`: the table of that name."""

    def run(self):
        return [Placeholder(what=self.name)]


class OneVerdict(SphinxDirective):
    """`{verdict} eq:8`: the verdict of one claim as a word that links to its chapter."""

    required_arguments = 1

    def run(self):
        return [Placeholder(what="verdict", id=self.arguments[0])]


def records_of(notebook, docname):
    """The ledger's entries in one executed notebook, in order."""
    picture = ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            shown = "".join(output.get("data", {}).get("text/html", ""))
            if shown.startswith('<figure class="picture">'):
                picture = shown
            record = output.get("metadata", {}).get(KEY)
            if record:
                yield record | {"chapter": docname, "anchor": f"verdict-{slug(record['id'])}",
                                "picture": picture if record["kind"] == "figure" else ""}


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
    missing = [id for id in PAPER if id not in {e["id"] for e in entries}]
    if missing:
        log.warning("ledger: no verdict on %s", ", ".join(missing))
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


def sentence(text):
    """A claim, correction or reason of a record as HTML."""
    return said(typeset(text))


def claim(entry):
    """What an entry is about, after "Printed" or "Ours"."""
    return sentence(ours(entry["printed"]) if is_ours(entry) else entry["printed"])


def is_ours(entry):
    return entry["id"].startswith("beyond:")


def link(entry, app, docname):
    return f"{app.builder.get_relative_uri(docname, entry['chapter'])}#{entry['anchor']}"


def one(entries, id, app, docname):
    found = [e for e in entries if e["id"] == id]
    if not found:
        log.warning("ledger: %s refers to %s, which has no verdict", docname, id)
        return ""
    return (f'<p class="verdict" data-verdict="{found[0]["verdict"]}"><a href="{link(found[0], app, docname)}">{escape(id)}</a> '
            f'<b>{found[0]["verdict"]}</b> {sentence(found[0]["reason"] or "")}</p>')


def ledger_table(entries, app, docname):
    numbered = len({e["id"] for e in entries} & set(PAPER))
    soft = sum(e["verdict"] in ("argued", "consistent") for e in entries)
    rows = "".join(row(e, app, docname) for e in entries)
    return (f"<p>{len(entries)} entries: {numbered} of the paper’s {len(PAPER)} numbered statements and "
            f"{len(entries) - numbered} claims of its text or of ours (<i>beyond</i>). {soft} of them rest on an argument or on a "
            f"simulation only.</p>{counts_table(entries)}{filters(entries)}"
            '<div class="ledger-scroll" tabindex="0" role="region" aria-label="The ledger">'
            '<table class="ledger" id="ledger"><thead><tr><th scope="col">Statement<th scope="col">Printed, or ours'
            '<th scope="col">What was found</thead>'
            f"<tbody>{rows}</tbody></table></div>")


def counts_table(entries):
    """How many entries of each verdict rest on which method."""
    methods = [m for m in (*METHODS, None) if any(e["method"] == m for e in entries)]
    times = Counter((e["verdict"], e["method"]) for e in entries)
    head = "".join(f'<th scope="col">{m or "no check"}' for m in methods)
    body = "".join(f'<tr><th scope="row">{v}' + "".join(f"<td>{times[v, m] or ''}" for m in methods)
                   + f"<td>{sum(times[v, m] for m in methods)}" for v in VERDICTS)
    return ('<div class="ledger-scroll" tabindex="0" role="region" aria-label="How many entries rest on what">'
            f'<table class="ledger"><thead><tr><th scope="col">Verdict{head}'
            f'<th scope="col">all</thead><tbody>{body}</tbody></table></div>')


def filters(entries):
    """Choices that assets/ledger.js turns into a filter; without it they stay hidden."""
    def choice(key):
        options = sorted({e[key] for e in entries if e[key]})
        return (f'<label>{key} <select data-key="{key}"><option value="">all</option>'
                + "".join(f"<option>{escape(o)}</option>" for o in options) + "</select></label>")

    return (f'<form class="ledger-filters" hidden>{"".join(map(choice, ("verdict", "severity", "kind", "chapter")))}'
            '<output aria-live="polite"></output></form>')


def row(e, app, docname):
    data = "".join(f' data-{k}="{escape(e[k] or "")}"' for k in ("verdict", "severity", "kind", "chapter"))
    how = ", ".join(x for x in (e["severity"], e["method"]) if x)
    name = escape(e["id"]).replace(":", ":<wbr>")  # where a narrow column may break it
    whose = "Ours" if is_ours(e) else "Printed"  # shown where the column's head does not say it (book.css)
    found = (f"<p>Instead: {sentence(e['corrected'])}</p>" if e["corrected"] else "") + sentence(e["reason"] or "")
    return (f'<tr id="{slug(e["id"])}"{data}><td><a href="{link(e, app, docname)}">{name}</a>'
            f'<br><b>{e["verdict"]}</b><br><small>{how}</small><td data-whose="{whose}">{claim(e)}<td>{found}')


def errata_list(entries, app, docname):
    """The corrected entries, substantive ones first, each with its witness and consequences."""
    parts, shown = [], {}
    for severity, title in (("substantive", "A reader who relies on these goes wrong"),
                            ("typo", "No reader goes wrong by these")):
        wrong = [e for e in entries if e["severity"] == severity]
        items = "".join(erratum(e, app, docname, shown) for e in wrong)
        parts.append(f'<section id="{severity}"><h2>{title} ({len(wrong)})</h2><dl class="errata">{items}</dl></section>')
    return "".join(parts)


def erratum(e, app, docname, shown):
    """One entry; what an earlier one (`shown`) says at length in the same words is not said again."""
    conversion = e.get("conversion") or ""
    lines = [("Printed", e["printed"]), ("Right", e["corrected"]), ("Witness", e["reason"]), ("Changes", e.get("changes")),
             ("The text conversion may be to blame", conversion[:1].upper() + conversion[1:])]
    text = ""
    for name, value in lines:
        if value:
            first = shown.setdefault((name, value), e["id"]) if name in ("Witness", "Changes") and len(value) > 60 else e["id"]
            same = f'As for <a href="#erratum-{slug(first)}">{escape(first)}</a>.'
            text += f"<p><i>{name}.</i> {sentence(value) if first == e['id'] else same}</p>"
    return (f'<dt><a href="{link(e, app, docname)}">{escape(e["id"])}</a></dt>'
            f'<dd id="erratum-{slug(e["id"])}">{text}</dd>')


def figures_list(entries, app, docname):
    """One part for each panel of the paper: our picture, how it was made, and the verdict."""
    parts = []
    for e in (e for e in entries if e["kind"] == "figure"):
        setup = f"<p><i>Made with.</i> {sentence(e['setup'])}</p>" if e.get("setup") else ""
        found = f"<p><i>Instead.</i> {sentence(e['corrected'])}</p>" if e["corrected"] else ""
        parts.append(f'<section id="{slug(e["id"])}"><h2>Figure {escape(e["id"][4:].replace("-", ", "))}</h2>'
                     f"<p><i>The claim.</i> {sentence(e['printed'])}</p>"
                     f'<p class="verdict" data-verdict="{e["verdict"]}"><a href="{link(e, app, docname)}">{escape(e["id"])}</a> '
                     f"<b>{e['verdict']}</b> <small>{e['method']}</small> {sentence(e['reason'] or '')}</p>"
                     f"{found}{setup}{picture(e['picture'])}</section>")
    return "".join(parts)


TABLES = {"ledger": ledger_table, "errata": errata_list, "figures": figures_list}


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
    text = json.dumps([{k: e[k] for k in FIELDS} for e in entries], ensure_ascii=False, indent=1)
    (Path(app.outdir) / "ledger.json").write_text(text + "\n", encoding="utf-8")


def setup(app):
    app.add_node(Placeholder)
    for name in TABLES:
        app.add_directive(name, Table)
    app.add_directive("verdict", OneVerdict)
    app.connect("doctree-resolved", fill)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
