"""The built pages in a real browser: alone on a file system, and from a plain web server.

The server sends the content policy that README.md recommends, so each visit over http tests it too.
Each page is opened once from either place and everything is looked at there: loading a page and
setting its formulas is what takes time.
"""

import gzip
import json
import math
import re
import statistics
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from book import ROOT, SITE, notebooks, pages

pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
CHAPTERS = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks()]
LESSONS = [name for name in CHAPTERS if name != "chapters/engine"]  # that page is about the library
EXPLORERS = [
    page
    for page in pages()
    if (SITE / f"{page}.html").exists()
    and re.search(
        r'class="([^"]* )?explorer[ "]', (SITE / f"{page}.html").read_text(encoding="utf-8")
    )
]

UNTYPESET = """() => {
  const raw = [...document.querySelectorAll('.math')]
    .filter(one => !one.querySelector('mjx-container'));
  const wrong = [...document.querySelectorAll('mjx-merror, [data-mjx-error]')];
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const tex = [];
  while (words.nextNode()) {
    const parent = words.currentNode.parentElement;
    const text = words.currentNode.textContent;
    if (!parent.closest('pre, code, script, style, noscript, mjx-container, template')
        && /\\\\[(\\[]|\\$\\$|\\\\[a-zA-Z]+\\{/.test(text)) tex.push(text.trim());
  }
  return [...raw, ...wrong].map(one => one.textContent).concat(tex);
}"""
UNNAMED = """() => [...document.querySelectorAll(
    'img, svg[role=img], .cell_output svg:not(svg svg), .explorer svg:not(svg svg)')]
  .filter(one => one.getAttribute('aria-hidden') !== 'true'
                 && !one.closest('button, div[role=img][aria-label]'))
  .filter(one => one.tagName === 'IMG' ? !one.hasAttribute('alt')
                 : !(one.getAttribute('role') === 'img' && (one.getAttribute('aria-label')
                     || one.getAttribute('aria-labelledby'))))
  .map(one => one.outerHTML.slice(0, 200))"""
EMPTY_ALT = """() => [...document.querySelectorAll('main img:not([alt]), main img[alt=""]')]
  .map(one => one.src)"""
DISORDER = """() => {
  const levels = [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')]
    .map(one => Number(one.tagName[1]));
  const wrong = levels.filter((level, i) => i ? level > levels[i - 1] + 1 : level !== 1);
  const silent = [...document.querySelectorAll('figure.picture')]
    .filter(one => one.querySelector('figcaption').innerText.trim().length < 10);
  return wrong.map(level => `heading of level ${level} out of order`)
    .concat(silent.map(one => `no caption: ${one.outerHTML.slice(0, 100)}`),
            document.querySelector('a[href="#main-content"]') ? [] : ['no skip link']);
}"""
UNPRINTED = """() => [...document.querySelectorAll(
    '.explorer-frame svg, .admonition.dropdown > *, figure.picture > svg')]
  .filter(one => !one.matches('button') && !one.closest('details:not([open])'))
  .filter(one => !(one.getBoundingClientRect().height && getComputedStyle(one).opacity === '1'
                   && getComputedStyle(one).visibility === 'visible'))
  .concat([...document.querySelectorAll('.explorer-controls')].filter(one => one.offsetHeight))
  .map(one => one.outerHTML.slice(0, 120))"""
UNANSWERED = """() => {
  const parts = [...document.querySelectorAll('.explorer, .admonition.dropdown:not(.solution)')];
  return parts.filter((one, i) => one.matches('.explorer')
    && !(parts[i + 1]?.matches('.admonition') && parts[i + 1].querySelector('em')))
    .map(one => `no question and folded answer after ${one.id}`);
}"""
# Milliseconds from each input to the moment after the browser has painted what it changed.
DELAYS = """async () => {
  const delays = [];
  for (const slider of document.querySelectorAll('.explorer input[type=range]')) {
    const before = slider.value;
    for (const value of [slider.min, slider.max, before]) {
      const began = performance.now();
      slider.value = value;
      slider.dispatchEvent(new Event('input', {bubbles: true}));
      await new Promise(requestAnimationFrame);
      await new Promise(done => {
        const {port1, port2} = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(null);
      });
      delays.push(performance.now() - began);
    }
  }
  return delays;
}"""
# What axe is not to look at costs it most: it visits thousands of pieces of formulas and drawings,
# which have one name outside, and thousands of words of code, whose colours go by kind. So the
# former become empty before it comes, and of the latter one of each kind stays that can be seen.
EMPTIED = """() => {
  for (const one of document.querySelectorAll('mjx-container, figure svg')) one.replaceChildren();
  for (const one of document.querySelectorAll('script')) one.remove();
  const kinds = new Set();
  for (const one of document.querySelectorAll('pre span')) {
    if (kinds.has(one.className) || !one.checkVisibility()) one.replaceWith(...one.childNodes);
    else kinds.add(one.className);
  }
}"""
# The theme lets the keyboard reach code that scrolls, a moment after the window or the page changed.
REACHABLE = """() => [...document.querySelectorAll('pre')]
  .every(one => one.scrollWidth <= one.clientWidth || one.tabIndex === 0)"""
SLIDER_NAME = "one => one.labels?.[0]?.innerText || one.getAttribute('aria-label')"
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
  [`page ${document.documentElement.scrollWidth} px in a window of ${innerWidth} px`].concat(
  [...document.querySelectorAll('main *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 5)
    .map(one => one.outerHTML.slice(0, 120)))"""

# The sign that links to a heading must not begin a line, and a formula that goes on must look so.
UNTIDY = """async () => {
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);  // where a fade stands is known after a picture
  const signs = [...document.querySelectorAll('main :is(h1, h2, h3) a.headerlink')];
  const heights = () => signs.map(one => one.parentElement.offsetHeight);
  const shown = heights();
  for (const one of signs) one.style.display = 'none';
  const hidden = heights();
  for (const one of signs) one.style.display = '';
  const lines = signs.filter((one, i) => shown[i] !== hidden[i]);
  const cut = [...document.querySelectorAll('main :is(div.math, div.math mjx-container)')].filter(one => one.offsetHeight
    && getComputedStyle(one).overflowX === 'auto' && one.scrollWidth > one.clientWidth + 1
    && parseFloat(getComputedStyle(one).getPropertyValue('--fade')) < 40);
  return [...lines, ...cut].map(one => one.outerHTML.slice(0, 120));
}"""


@contextmanager
def reading(browser, base, path, size=DESKTOP, scheme="light", **options):
    """A page with the rest of the world cut off; what it asks for or complains of is a failure."""
    context = browser.new_context(viewport=size, color_scheme=scheme, **options)
    faults = []

    def local_only(route):
        if route.request.url.startswith((f"{base}/", "data:", "blob:")):
            return route.continue_()
        faults.append(f"asked for {route.request.url}")
        route.abort()

    context.route("**/*", local_only)
    page = context.new_page()
    page.faults = faults
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    # Without JavaScript the browser drops the scripts that a page wants early; that is no fault.
    scripts = options.get("java_script_enabled", True)
    page.on(
        "requestfailed",
        lambda request: (
            (scripts or request.resource_type != "script")
            and faults.append(f"could not load {request.url}")
        ),
    )
    page.on(
        "response",
        lambda response: (
            response.status >= 400 and faults.append(f"{response.status} for {response.url}")
        ),
    )
    try:
        page.goto(f"{base}/{path}", wait_until="load")
        yield page
        assert faults == []
    finally:
        context.close()


def typeset(page):
    page.evaluate("async () => { if (window.MathJax) await MathJax.startup.promise; }")


# What a reader may be asked to wait for or to load (docstrings of saddles.explore name no numbers).
MOST_KILOBYTES, MOST_DELAY, MOST_DRAWING = 600, 50, 6.0
OURS = ("book.css", "explorer.js", "ledger.js", "buttons.js")  # the rest of _static is the theme's

LOOKS = [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "dark"), (DESKTOP, "light")]


def reads_well(page, looks):
    """Formulas are set, pictures have names, and at no size does the page scroll sideways."""
    typeset(page)
    assert page.evaluate(UNTYPESET) == []
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(EMPTY_ALT) == []
    assert page.evaluate(DISORDER) == []
    assert page.evaluate(UNANSWERED) == []
    for size, scheme in looks:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
        )
        assert page.evaluate(TOO_WIDE) == []
        assert page.evaluate(UNTIDY) == []


def picture(frame):
    """What `.explorer-frame` shows now; fails if there is nothing to see."""
    box = frame.locator("svg, img").first.bounding_box()
    assert box and box["width"] > 0 and box["height"] > 0
    return frame.inner_html()


def every_slider_moves_its_picture(page):
    for explorer in page.locator(".explorer").all():
        frame, words = explorer.locator(".explorer-frame"), explorer.locator(".explorer-alt")
        sliders = explorer.locator("input[type=range]").all()
        assert sliders
        for slider in sliders:
            label = slider.evaluate(SLIDER_NAME)
            assert label, "a slider without a name"
            start = slider.input_value()
            slider.press("Home")
            first, said = picture(frame), words.inner_text()
            slider.press("End")
            assert picture(frame) != first, f"slider {label!r} does not move its picture"
            assert words.inner_text() == frame.get_attribute("aria-label") != said
            assert f"{slider.get_attribute('name')}={slider.get_attribute('max')}" in page.url
            slider.fill(start)


def prints(page):
    """On paper every answer is open and every explorer is its picture."""
    page.emulate_media(media="print")
    assert page.evaluate(UNPRINTED) == []
    page.emulate_media(media="screen")


def serious(page, **options):
    """What axe calls serious or critical, as `rule: element`."""
    options |= {"preload": False, "resultTypes": ["violations"]}  # the page's own styles are enough
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{v['id']}: {node['html'][:120]}"
        for v in violations
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]


def accessible(page):
    page.evaluate(EMPTIED)
    page.wait_for_function(REACHABLE)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    assert serious(page, runOnly=["color-contrast"]) == []


def least_delay(page):
    """Milliseconds from input to paint: the least of up to 20 medians, as what else the machine does is not
    the page's delay. It stops as soon as one is small enough."""
    least = math.inf
    for _ in range(20):
        least = min(least, statistics.median(page.evaluate(DELAYS)))
        if least < MOST_DELAY:
            break
    return least


@pytest.mark.parametrize("name", [*pages(), "search", "genindex"])
def test_page_from_a_server(browser, origins, name, report):
    with reading(browser, origins["http"], f"{name}.html", reduced_motion="reduce") as page:
        reads_well(page, LOOKS)
        if name in EXPLORERS:
            every_slider_moves_its_picture(page)
            delay = least_delay(page)
            report(name, delay_ms=round(delay, 1))
            assert delay < MOST_DELAY
        prints(page)
        accessible(page)


# A page of each kind: what a folder changes is where scripts come from, and that is the same for all.
FROM_A_FOLDER = ["index", "chapters/warm-up", "chapters/sharper-minima", "chapters/figures", "chapters/gallery",
                 "chapters/ledger", "chapters/notation", "chapters/library", "search", "genindex"]


@pytest.mark.parametrize("name", FROM_A_FOLDER)
def test_page_from_a_folder(browser, origins, name):
    with reading(browser, origins["file"], f"{name}.html", PHONE, "dark") as page:
        reads_well(page, [(PHONE, "dark"), (PHONE, "light")])
        every_slider_moves_its_picture(page)


@pytest.mark.parametrize("name", EXPLORERS)
def test_first_picture_needs_no_script(browser, origins, name):
    with reading(browser, origins["file"], f"{name}.html", java_script_enabled=False) as page:
        for frame in page.locator(".explorer .explorer-frame").all():
            picture(frame)
        assert page.locator(".explorer-play:visible").count() == 0


@pytest.mark.parametrize("origin", ["file", "http"])
def test_search_finds_pages(browser, origins, origin):
    with reading(browser, origins[origin], "search.html?q=saddle") as page:
        page.wait_for_selector("#search-results li a")


def test_the_policy_is_in_force(browser, origins):
    """A page with an inline script would be caught: the tests above rely on it."""
    with reading(browser, origins["http"], "index.html") as page:
        with page.expect_console_message() as complaint:
            page.evaluate("document.head.append(Object.assign(document.createElement('script'),"
                          "{textContent: 'window.broken = true'}))")
        assert page.evaluate("window.broken") is None
        assert "script-src" in complaint.value.text
        page.faults.clear()  # it is not the page's own


PLAYED = [name for name in EXPLORERS
          if "explorer-play" in (SITE / f"{name}.html").read_text(encoding="utf-8")]


def test_time_is_played_where_it_is_the_point():
    assert len(PLAYED) >= 3


def test_an_explorer_plays_and_pauses(browser, origins):
    with reading(browser, origins["http"], f"{PLAYED[0]}.html") as page:
        box = page.locator(".explorer:has(.explorer-play)").first
        button = box.locator(".explorer-play")
        slider = box.locator(f"input[name={button.get_attribute('data-plays')}]")
        slider.press("End")
        button.click()  # from the end it begins again
        assert slider.input_value() == "0" and button.inner_text().startswith("Pause")
        page.wait_for_function("one => Number(one.value) >= 2", arg=slider.element_handle())
        button.click()
        held = slider.input_value()
        page.wait_for_timeout(900)  # longer than a step
        assert slider.input_value() == held and button.inner_text().startswith("Play")
        assert f"{button.get_attribute('data-plays')}={held}" in page.url


def test_less_motion_is_one_step_a_press(browser, origins):
    with reading(browser, origins["http"], f"{PLAYED[0]}.html", reduced_motion="reduce") as page:
        box = page.locator(".explorer:has(.explorer-play)").first
        button = box.locator(".explorer-play")
        slider = box.locator(f"input[name={button.get_attribute('data-plays')}]")
        slider.press("Home")
        assert button.inner_text().startswith("Next")
        button.click()
        page.wait_for_timeout(900)
        assert slider.input_value() == "1"


@pytest.mark.parametrize("name", LESSONS)
def test_a_chapter_is_light_and_quickly_drawn(site, name, report):
    """A chapter's weight on top of the theme, gzipped, and the CPU time of drawing its explorers."""
    assert name in EXPLORERS
    files = [site / f"{name}.html", *(site / "_static" / ours for ours in OURS)]
    weight = sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000
    executed = site.parent / "jupyter_execute" / f"{name}.ipynb"  # the site's own copy has no times
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    drawn = [
        output["metadata"]["saddles-explorer"]
        for cell in cells
        for output in cell.get("outputs", [])
        if "saddles-explorer" in output.get("metadata", {})
    ]
    report(name, kilobytes=round(weight), explorers=drawn)
    assert weight <= MOST_KILOBYTES
    assert drawn and max(one["cpu_seconds"] for one in drawn) <= MOST_DRAWING


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_offers_its_executed_notebook(site, name):
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    assert f'href="../_sources/{name}.ipynb"' in page and "pip install -r requirements.txt" in page
    notebook = json.loads((site / "_sources" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["execution_count"] for cell in code)


def test_nothing_is_shipped_that_no_page_needs(site):
    names = {path.name for path in (site / "_static").rglob("*")}
    assert not names & {"fontawesome.js", "sphinx-thebe.js", "sphinx-thebe.css", "require.min.js"}
