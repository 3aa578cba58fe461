"""The whole book as one PDF: the built pages, joined into one and printed by Chromium.

On paper nothing folds or slides: answers stand open, an explorer is its first picture with its
question, and folded code is left out (it is in the notebooks). Links between chapters lead to places
in the PDF; every chapter and section is a bookmark.
"""

import posixpath
import re
import sys

import yaml
from book import ROOT, SITE, chromium
from bs4 import BeautifulSoup
from playwright.sync_api import sync_playwright

JOINED = ROOT / "_build" / "pdf" / "book.html"
PDF = ROOT / "_build" / "saddles.pdf"
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
ON_SCREEN = "script, .headerlink, .explorer-controls, .explorer-alt, .ledger-filters, .run-it, details.hide, summary"
FRONT = """\
<section class="front"><p class="title">saddles</p>
<p>An executable companion to <em>SGD May Never Escape Saddle Points</em></p>
<p>Printed from the web pages. Explorers show their first picture, folded code is left out.</p>
<nav>{contents}</nav></section>
"""
STYLE = """\
html { font-size: 13.5px; }
body { background: #fff; }
.front { break-after: page; }
.front .title { font-size: 3rem; margin: 20mm 0 0; }
.front nav p { margin: 1rem 0 0; font-weight: bold; }
.front nav a { display: block; }
article { break-before: page; max-width: none; padding: 0; }
h1, h2, h3, h4 { break-after: avoid; }
figure, svg, .math, .verdict, tr { break-inside: avoid; }
figure.picture { max-width: 28rem; }
pre { white-space: pre-wrap; padding: .4rem; }
td p, th p { margin: 0; }
div.math, .ledger-scroll, .verdict p, dl.errata p { overflow: visible; }
div.citation { display: grid; grid-template-columns: 2.5rem 1fr; }
div.citation p { margin: 0; }
a { color: inherit; }
"""
FOOTER = '<div style="width: 100%; text-align: center; font-size: 8px"><span class="pageNumber"></span></div>'
TYPESET = "async () => { await MathJax.startup.promise; }"


def place(page, anchor=""):
    """Where a page, or an anchor on it, stands in the joined document."""
    return re.sub(r"\W+", "-", f"{page}-{anchor}" if anchor else page)


def target(page, address, pages):
    """A link of `page` in the joined document; None if it leads to no page of the book."""
    path, _, anchor = address.partition("#")
    if "://" in address or address.startswith("mailto:"):
        return address
    other = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)).removesuffix(".html") if path else page
    return f"#{place(other, anchor)}" if other in pages else None


def article(page, pages):
    """A page's text as it stands on paper."""
    text = SCRIPT.sub("", (SITE / f"{page}.html").read_text(encoding="utf-8"))
    part = BeautifulSoup(text, "html.parser").find("article")
    for one in part.select(ON_SCREEN):
        one.decompose()
    for one in part.find_all("details"):
        one.name = "div"
    for one in part.select("h1 .math, h2 .math, h3 .math"):  # a bookmark has no MathJax
        one.string = re.sub(r"[^\w ]", "", one.get_text())
    for one in part.find_all(id=True):
        if not one.find_parent("svg") and one.name != "svg":  # pictures refer to their own parts
            one["id"] = place(page, one["id"])
    for one in part.find_all("a", href=True):
        href = target(page, one["href"], pages)
        if href is None:
            one.unwrap()
        else:
            one["href"] = href
    part["id"] = place(page)
    return part


def needed(tag):
    """Whether a tag of a chapter's head is wanted on paper: a style, MathJax, or what configures it."""
    script = re.search(r'src="\.\./(_static/[^"?]+)', tag)
    return script is None or "mathjax/" in tag or (
        "/inline/" in tag and "window.MathJax" in (SITE / script[1]).read_text(encoding="utf-8"))


def joined():
    """The whole book as one HTML document."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [("", [toc["root"]])] + [(p["caption"], [c["file"] for c in p["chapters"]]) for p in toc["parts"]]
    pages = [page for _, part in parts for page in part]
    articles = {page: article(page, pages) for page in pages}
    contents = "".join(
        f"<p>{caption}</p>" + "".join(f'<a href="#{place(p)}">{articles[p].find("h1").get_text()}</a>' for p in part)
        for caption, part in parts)
    # A chapter's head brings the styles and MathJax; the rest of its scripts have nothing to do here.
    head = (SITE / f"{pages[1]}.html").read_text(encoding="utf-8").split("<head>")[1].split("</head>")[0]
    wanted = [tag for tag in re.findall(r'<link rel="stylesheet"[^>]*>|<script[^>]*></script>', head) if needed(tag)]
    links = "\n".join(wanted).replace("../_static/", "../html/_static/")
    body = "\n".join(map(str, articles.values()))
    return (f'<!DOCTYPE html>\n<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">\n'
            f"<title>saddles</title>\n{links}\n<style>{STYLE}</style></head>\n"
            f'<body><main class="bd-content">{FRONT.format(contents=contents)}{body}</main></body></html>\n')


def main():
    if not (SITE / "index.html").exists():
        sys.exit("saddles: there are no pages to print: run `make book` first.")
    if chromium() is None:
        sys.exit("saddles: printing needs Chromium: `apt-get install chromium`, or name one in SADDLES_CHROMIUM.")
    JOINED.parent.mkdir(exist_ok=True)
    JOINED.write_text(joined(), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(0)  # setting all formulas of the book takes its time
        page.goto(JOINED.as_uri())
        page.evaluate(TYPESET)
        margins = {"top": "16mm", "bottom": "18mm", "left": "18mm", "right": "18mm"}
        page.pdf(path=PDF, format="A4", margin=margins, print_background=True, outline=True, tagged=True,
                 display_header_footer=True, header_template="<span></span>", footer_template=FOOTER)
        browser.close()
    print(f"{PDF.relative_to(ROOT)} ({PDF.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
