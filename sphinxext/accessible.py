"""What Sphinx writes and a screen reader stumbles over, mended."""


def mend(app, pagename, templatename, context, doctree):
    # A bibliography calls itself a list, but its entries hold what a list may not.
    body = context.get("body", "")
    context["body"] = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')


def setup(app):
    app.connect("html-page-context", mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
