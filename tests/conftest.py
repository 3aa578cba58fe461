"""A browser and a web server for the tests of the built site."""

import functools
import http.server
import os
import threading

import pytest
from book import SITE, chromium

NO_BROWSER = (
    "browser tests not run: install Chromium, e.g. `apt-get install chromium`, "
    "or name one in SADDLES_CHROMIUM"
)


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
