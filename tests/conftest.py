"""A browser and a web server for the tests of the built site."""

import functools
import http.server
import os
import threading

import pytest
from alarms import ALPHA, COMPARISONS
from book import SITE, chromium
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
    assert sum(item.originalname == name for item in request.session.items) <= runs
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


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def origins(site):
    """Where the pages are read from: a folder of this machine, and a static web server."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"file": site.as_uri(), "http": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()
