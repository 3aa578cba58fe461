"""Each chapter's download button offers the executed notebook, and the page's end says how to run it."""

import shutil
from pathlib import Path

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


def copy(app, exception):
    if exception is None and app.builder.format == "html":
        for page in app.env.found_docs:
            if executed(app, page).exists():
                shutil.copyfile(executed(app, page), Path(app.outdir) / "_sources" / f"{page}.ipynb")


def setup(app):
    app.connect("html-page-context", offer, priority=450)  # before the theme makes its buttons
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
