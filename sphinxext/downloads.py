"""Each chapter's download button offers the executed notebook, not only its Markdown."""

import shutil
from pathlib import Path


def executed(app, page):
    return Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"


def offer(app, pagename, templatename, context, doctree):
    if executed(app, pagename).exists():
        context["ipynb_source"] = f"{pagename}.ipynb"  # the theme makes a button of it


def copy(app, exception):
    if exception is None and app.builder.format == "html":
        for page in app.env.found_docs:
            if executed(app, page).exists():
                shutil.copyfile(executed(app, page), Path(app.outdir) / "_sources" / f"{page}.ipynb")


def setup(app):
    app.connect("html-page-context", offer, priority=450)  # before the theme makes its buttons
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
