"""The other life of an explorer: a downloaded chapter, run in JupyterLab, its sliders dragged.

The notebook is the one that the page offers, alone in an empty folder.
"""

import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from book import unattended

pytestmark = pytest.mark.browser
CHAPTER = "warm-up"
START = 60  # seconds that a busy machine may take to start JupyterLab


@pytest.fixture
def lab(site, tmp_path):
    """The address of a JupyterLab that serves only a copy of the downloaded chapter."""
    root, home = tmp_path / "downloads", tmp_path / "home"
    root.mkdir()
    shutil.copy(site / "_sources" / "chapters" / f"{CHAPTER}.ipynb", root)
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # every cell's output stays in the page, wherever one has scrolled to
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
              "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    environment = unattended() | {key: str(home / name) for key, name in places.items()}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--allow-root",
               f"--ServerApp.root_dir={root}", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/lab/tree/{CHAPTER}.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=START)


def wait_for(address, server, log):
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        try:
            return urllib.request.urlopen(address, timeout=START).close()
        except urllib.error.HTTPError:
            return None  # it answers
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def box_with(page, label):
    """The live explorer that has a slider of that name."""
    return page.locator(f".widget-vbox:has(.widget-label:text-is('{label}'))").first


def number(slider):
    return int(slider.locator(".widget-readout").inner_text())


def test_a_downloaded_chapter_runs_and_its_sliders_recompute(browser, origins, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * START)
    page = context.new_page()
    page.goto(lab)
    page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
    assert page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')") is not False
    assert page.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0

    # drag: the picture follows, and at the end it is the frame of the built page
    box = box_with(page, "log₁₀ runs")
    slider = box.locator(".widget-slider", has_text="log₁₀ runs")
    picture = box.locator("svg[role=img]")
    before = picture.get_attribute("aria-label")
    slider.scroll_into_view_if_needed()
    handle, track = slider.locator(".noUi-handle").bounding_box(), slider.locator(".noUi-target").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] + 20, handle["y"] + handle["height"] / 2, steps=10)
    page.mouse.up()
    assert number(slider) == 6
    page.wait_for_function("([one, old]) => one.querySelector('svg[role=img]').getAttribute('aria-label').includes('1\u202f000\u202f000')",
                           arg=[box.element_handle(), before])
    live = picture.inner_html()

    built = context.new_page()
    built.goto(f"{origins['file']}/chapters/{CHAPTER}.html")
    built.locator("#warm-up-digits").press("End")
    assert built.locator("#explore-warm-up .explorer-frame svg").inner_html() == live
    built.close()

    # play: time runs (tests/test_explore.py holds that a second press stops it)
    box = box_with(page, "t")
    slider, button = box.locator(".widget-slider").last, box.locator("button")
    began = number(slider)
    button.click()
    page.wait_for_function("([one, t]) => Number(one.querySelector('.widget-readout').innerText) >= t + 2",
                           arg=[slider.element_handle(), began])
    context.close()
