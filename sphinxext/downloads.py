"""Each chapter's download button offers the executed notebook, and the page's end says how to run it.

What would be different in each build is left out: random cell ids, the times of execution, the
seconds that drawing took, the version of Python, where a printed text was cut into pieces. The same
commit then gives the same site, byte for byte (`make reproduce`).
"""

import json
from pathlib import Path

VOLATILE = ("execution", "saddles-explorer")

HOW = ('<aside class="run-it" aria-label="How to run this chapter"><p><b>Run this chapter.</b> Download it as an '
       '<a href="{address}" download>executed notebook</a>. In a copy of the repository, '
       "<code>pip install -r requirements.txt</code> installs the library and JupyterLab; then "
       "<code>jupyter lab {name}</code>, in whatever folder you keep it, opens it with sliders that recompute.</p></aside>")


def executed(app, page):
    return Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"


def offer(app, pagename, templatename, context, doctree):
    if executed(app, pagename).exists():
        context["ipynb_source"] = f"{pagename}.ipynb"  # the theme makes a button of it
        context["body"] += HOW.format(address=context["pathto"](f"_sources/{pagename}.ipynb", 1),
                                      name=f"{pagename.split('/')[-1]}.ipynb")


def whole(outputs):
    """The outputs with printed texts in one piece each: a kernel sends them in as many as it likes."""
    merged = []
    for output in outputs:
        same = merged and output["output_type"] == "stream" and merged[-1].get("name") == output["name"]
        if same:
            merged[-1]["text"] += output["text"]
        else:
            merged.append(output)
    for output in merged:
        if output["output_type"] == "stream":
            output["text"] = "".join(output["text"]).splitlines(keepends=True)
    return merged


def steady(notebook):
    """The notebook's text without what is different in each build, and without what ties it to its
    Markdown: with Jupytext installed, JupyterLab would refuse to open it alone."""
    for key in ("jupytext", "source_map"):
        notebook["metadata"].pop(key, None)
    notebook["metadata"].get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook["cells"], 1):
        cell["id"] = f"cell-{number}"
        if "outputs" in cell:
            cell["outputs"] = whole(cell["outputs"])
        for part in (cell, *cell.get("outputs", [])):
            for key in VOLATILE:
                part.get("metadata", {}).pop(key, None)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def copy(app, exception):
    if exception is None and app.builder.format == "html":
        for page in app.env.found_docs:
            if executed(app, page).exists():
                notebook = json.loads(executed(app, page).read_text(encoding="utf-8"))
                target = Path(app.outdir) / "_sources" / f"{page}.ipynb"
                target.write_text(steady(notebook), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", offer, priority=450)  # before the theme makes its buttons
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
