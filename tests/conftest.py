"""A browser and a web server for the tests of the built site."""

import functools
import http.server
import json
import os
import re
import threading

import pytest
from alarms import ALPHA, COMPARISONS
from book import ROOT, SITE, chromium
from hypothesis import settings

settings.register_profile("book", derandomize=True, deadline=None)  # the same examples every time
settings.load_profile("book")

NO_BROWSER = (
    "browser tests not run: install Chromium, e.g. `apt-get install chromium`, "
    "or name one in SADDLES_CHROMIUM"
)


@pytest.fixture
def alarm(request):
    """alarm(p) fails if the p-value is below ALPHA; alarms.py must know how often it is called."""
    name = request.node.originalname
    runs, each = COMPARISONS[name]
    same = [item for item in request.session.items if getattr(item, "originalname", None) == name]
    assert len(same) <= runs
    called = []

    def judge(p):
        called.append(p)
        assert p > ALPHA, f"p = {p:.3g}: happens once in {1 / max(p, 1e-300):.3g} runs if all is right"

    yield judge
    assert len(called) <= each, f"alarms.py allows {each} comparisons, made were {len(called)}"


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").exists():
        pytest.fail("there is no built site to test: run `make book` first", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def browser(site):
    path = chromium()
    if path is None:
        required = os.environ.get("CI") or os.environ.get("SADDLES_REQUIRE_BROWSER")
        (pytest.fail if required else pytest.skip)(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def policy():
    """The Content-Security-Policy that README.md recommends to who serves the pages."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return " ".join(re.search(r"Content-Security-Policy: ([^`]+)", text)[1].split())


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def end_headers(self):
        self.send_header("Content-Security-Policy", policy())
        super().end_headers()


@pytest.fixture(scope="session")
def origins(site):
    """Where the pages are read from: a folder of this machine, and a static web server."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"file": site.as_uri(), "http": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()


@pytest.fixture
def report():
    """Keeps a page's measured numbers, for _build/budgets.json."""

    def keep(page, **numbers):
        folder = SITE.parent / "budgets"
        folder.mkdir(exist_ok=True)
        file = folder / f"{page.replace('/', '-')}-{'-'.join(numbers)}.json"
        file.write_text(json.dumps({"page": page} | numbers), encoding="utf-8")

    return keep


def pytest_sessionfinish(session):
    """What the tests measured of each page, in one file beside the pages: _build/budgets.json."""
    folder = SITE.parent / "budgets"
    if hasattr(session.config, "workerinput") or not folder.exists():
        return
    rows = {}
    for file in sorted(folder.glob("*.json")):
        row = json.loads(file.read_text(encoding="utf-8"))
        rows[row["page"]] = rows.get(row["page"], {}) | row
    text = json.dumps(list(rows.values()), indent=1, ensure_ascii=False)
    (SITE.parent / "budgets.json").write_text(text + "\n", encoding="utf-8")
