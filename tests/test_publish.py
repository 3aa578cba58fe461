"""What a published book offers: links that lead somewhere, an API page, a PDF, notebooks for Binder and Colab."""

import http.server
import inspect
import json
import re
import shutil
import sys
import threading
from types import SimpleNamespace

import links
import nbformat
import pdf
import pytest
from book import ROOT, notebooks
from IPython.core.inputtransformer2 import TransformerManager

sys.path.insert(0, str(ROOT / "sphinxext"))
import library
import repository

HERE = repository.repository()  # GitHub's own runs know their repository; others do not
CHAPTERS = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks()]
FIRST = CHAPTERS[0]


# --- links -----------------------------------------------------------------------------------------


def test_every_link_inside_the_book_leads_somewhere(site):
    to_come = [] if HERE is None else [f"index.html: {repository.PDF}"]  # printed after the tests
    assert list(links.lost(site)) == to_come


@pytest.mark.parametrize("link, lost", [
    ("other.html", False), ("other.html#there", False), ("#here", False), ("file.json", False),
    ("none.html", True), ("other.html#nowhere", True), ("#nowhere", True),
])
def test_a_link_that_leads_nowhere_is_found(tmp_path, link, lost):
    (tmp_path / "page.html").write_text(f'<p id="here"><a class="x" href="{link}">a</a>')
    (tmp_path / "other.html").write_text('<script>"<a href=nothing.html>"</script><p id="there">')
    (tmp_path / "file.json").write_text("{}")
    assert list(links.lost(tmp_path)) == ([f"page.html: {link}"] if lost else [])


class Site(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the address names; 301 leads to 200."""

    def do_GET(self):
        status = int(self.path.strip("/"))
        self.send_response(status)
        self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_an_outside_link_works_is_broken_or_unsure():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        answers = {status: links.ask(f"{base}/{status}")[0] for status in (200, 301, 403, 404, 410, 429, 503)}
        server.shutdown()
    assert answers == {200: "works", 301: "works", 403: "unsure", 404: "broken", 410: "broken", 429: "unsure", 503: "unsure"}
    assert links.ask(base)[0] == "unreachable"


def test_without_a_network_no_link_counts_as_checked():
    works, gone = ("a", "page", "works", "200"), ("b", "page", "broken", "answers 404")
    away, none = ("c", "page", "unreachable", "timed out"), ("d", "page", "unreachable", links.NO_SITE)
    assert links.judge([away, none])[0] == 2
    assert [links.judge(tried)[0] for tried in ([works], [works, away], [works, gone], [works, none])] == [0, 0, 1, 1]
    assert links.judge([works, away, gone, none])[1][-1] == "4 outside links: 1 works, 2 broken, 1 unsure"


# --- the API page ----------------------------------------------------------------------------------


def described():
    """Every public function, class, method and property, under its full name."""
    for module in library.modules():
        for name in library.public(module):
            yield f"saddles.{module}.{name}"
            thing = getattr(sys.modules[f"saddles.{module}"], name)
            parents = thing.__mro__ if inspect.isclass(thing) else ()
            for parent in (p for p in parents if p.__module__.startswith("saddles")):
                for key, value in vars(parent).items():
                    if not key.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                        yield f"saddles.{module}.{name}.{key}"


def test_the_api_page_misses_nothing(site):
    page = (site / "chapters" / "library.html").read_text(encoding="utf-8")
    names = list(described())
    assert "saddles.exact.mu" in names and "saddles.noise.Discrete.sample" in names
    assert [name for name in names if f'id="{name}"' not in page] == []


@pytest.mark.parametrize("text, right", [
    ("log|w_t| * x_", r"log\|w_t\| \* x\_"),
    ("`a|b` and ``c_``", "``a|b`` and ``c_``"),
])
def test_a_docstring_means_what_it_shows(text, right):
    assert library.prose(text) == right


def test_a_docstring_s_columns_are_definitions():
    assert library.rows(["lr      the rate,", "        positive", "weights of all"]) == [
        ("lr", ["the rate,", "positive"]), ("weights", ["of all"])]
    assert library.rows(["lr: the rate,", "    positive", "w, b: others"]) == [
        ("lr", ["the rate,", "positive"]), ("w, b", ["others"])]
    assert library.rows(["Returns: a number", "that is positive."]) is None


# --- the PDF ---------------------------------------------------------------------------------------


def test_on_paper_nothing_folds_or_slides(site):
    paper = pdf.article(FIRST, CHAPTERS)
    assert paper.select("script, input, details, summary") == []
    assert paper.select(".explorer svg") and paper.select(".explorer figcaption") and paper.select(".dropdown p")
    places = {one["id"] for one in paper.find_all(id=True)}
    here = [one["href"][1:] for one in paper.find_all("a", href=True) if one["href"].startswith(f"#{pdf.place(FIRST)}")]
    assert here and [link for link in here if link not in places] == []


@pytest.mark.parametrize("address, right", [
    ("#here", "#chapters-a-here"), ("b.html#x", "#chapters-b-x"), ("../index.html", "#index"),
    ("https://a.org", "https://a.org"), ("../_sources/a.md", None),
])
def test_a_link_leads_to_its_place_in_the_pdf(address, right):
    assert pdf.target("chapters/a", address, ["index", "chapters/a", "chapters/b"]) == right


# --- the repository --------------------------------------------------------------------------------


def test_a_repository_is_known_only_from_github():
    assert repository.repository({}) is None
    assert repository.repository({"GITHUB_REPOSITORY": "a/b.c"}) == "https://github.com/a/b.c"
    with pytest.raises(repository.ExtensionError, match="GITHUB_REPOSITORY must be OWNER/NAME"):
        repository.repository({"GITHUB_REPOSITORY": "https://github.com/a/b"})


def test_pages_link_to_their_repository_only_where_they_have_one(site):
    page = (site / f"{FIRST}.html").read_text(encoding="utf-8")
    found = [address for address in map(links.html.unescape, links.LINK.findall(page))
             if re.search("github|binder|colab", address)]
    expected = [] if HERE is None else [
        button["url"] for make in (repository.launch, repository.source) for button in make(HERE, FIRST)]
    assert found == expected


def test_what_the_links_open_exists():
    urls = [button["url"] for make in (repository.launch, repository.source)
            for button in make("https://github.com/a/b", FIRST)]
    assert urls == [
        f"https://mybinder.org/v2/gh/a/b/notebooks?urlpath=lab%2Ftree%2F{FIRST.replace('/', '%2F')}.ipynb",
        f"https://colab.research.google.com/github/a/b/blob/notebooks/{FIRST}.ipynb",
        "https://github.com/a/b",
        f"https://github.com/a/b/issues/new?template=book.yml&page={FIRST.replace('/', '%2F')}",
        f"https://github.com/a/b/edit/main/{FIRST}.md",
    ]
    assert "id: page" in (ROOT / ".github" / "ISSUE_TEMPLATE" / "book.yml").read_text(encoding="utf-8")
    assert repository.launch("https://git.example.org/a/b", FIRST) == []  # Binder and Colab know github.com


def test_the_branch_of_notebooks_has_what_runs_them(site, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    monkeypatch.setenv("GITHUB_SHA", "0123abc")
    executed = tmp_path / "jupyter_execute" / f"{FIRST}.ipynb"
    executed.parent.mkdir(parents=True)
    shutil.copy(site / "_sources" / f"{FIRST}.ipynb", executed)
    app = SimpleNamespace(confdir=ROOT, outdir=tmp_path / "html", builder=SimpleNamespace(format="html"))
    repository.branch(app, None)

    branch = tmp_path / repository.BRANCH
    notebook = json.loads((branch / f"{FIRST}.ipynb").read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    install = notebook["cells"][0]["source"]
    assert 'find_spec("saddles")' in install and "git+https://github.com/a/b@0123abc" in install
    exec(TransformerManager().transform_cell(install), {})  # here the library is installed: does nothing
    pinned = (branch / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert pinned[-1] == "." and len(pinned) == 7 and all(f"\n{line} \\" in lock for line in pinned[:-1])
    assert (branch / "pyproject.toml").exists() and (branch / "lib" / "saddles" / "exact.py").exists()
