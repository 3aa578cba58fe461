"""The built pages in a real browser: alone on a file system, and from a plain web server."""

import json
import re
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from book import ROOT, SITE, notebooks, pages

pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
CHAPTERS = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks()]
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
SLIDER_NAME = "one => one.labels?.[0]?.innerText || one.getAttribute('aria-label')"
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
  [`page ${document.documentElement.scrollWidth} px in a window of ${innerWidth} px`].concat(
  [...document.querySelectorAll('main *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 5)
    .map(one => one.outerHTML.slice(0, 120)))"""


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


# Between them, both origins meet both sizes and both themes.
VISITS = {
    "file": [(DESKTOP, "light"), (PHONE, "light"), (PHONE, "dark")],
    "http": [(PHONE, "dark"), (DESKTOP, "dark"), (DESKTOP, "light")],
}


@pytest.mark.parametrize("origin", VISITS)
@pytest.mark.parametrize("name", [*pages(), "search", "genindex"])
def test_page_reads_well(browser, origins, name, origin):
    size, scheme = VISITS[origin][0]
    with reading(browser, origins[origin], f"{name}.html", size, scheme) as page:
        typeset(page)
        assert page.evaluate(UNTYPESET) == []
        assert page.evaluate(UNNAMED) == []
        assert page.evaluate(EMPTY_ALT) == []
        for size, scheme in VISITS[origin]:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(
                "scheme => document.documentElement.dataset.theme === scheme", arg=scheme
            )
            assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("origin", VISITS)
def test_search_finds_pages(browser, origins, origin):
    with reading(browser, origins[origin], "search.html?q=saddle") as page:
        page.wait_for_selector("#search-results li a")


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_an_explorer(site, name):
    assert name in EXPLORERS


def picture(frame):
    """What `.explorer-frame` shows now; fails if there is nothing to see."""
    box = frame.locator("svg, img").first.bounding_box()
    assert box and box["width"] > 0 and box["height"] > 0
    return frame.inner_html()


@pytest.mark.parametrize("origin, size", [("file", PHONE), ("http", DESKTOP)], ids=["file", "http"])
@pytest.mark.parametrize("name", EXPLORERS)
def test_every_slider_moves_its_picture(browser, origins, name, origin, size):
    with reading(browser, origins[origin], f"{name}.html", size) as page:
        for explorer in page.locator(".explorer").all():
            frame, sliders = (
                explorer.locator(".explorer-frame"),
                explorer.locator("input[type=range]").all(),
            )
            assert sliders
            for slider in sliders:
                label = slider.evaluate(SLIDER_NAME)
                assert label, "a slider without a name"
                start = slider.input_value()
                slider.press("Home")
                first = picture(frame)
                slider.press("End")
                assert picture(frame) != first, (
                    f"slider {label!r} of {name} does not move its picture"
                )
                slider.fill(start)
        assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("name", EXPLORERS)
def test_first_picture_needs_no_script(browser, origins, name):
    with reading(browser, origins["file"], f"{name}.html", java_script_enabled=False) as page:
        for frame in page.locator(".explorer .explorer-frame").all():
            picture(frame)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_offers_its_executed_notebook(site, name):
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    assert f'href="../_sources/{name}.ipynb"' in page
    notebook = json.loads((site / "_sources" / f"{name}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["execution_count"] for cell in code)


# Each kind of page once: axe takes up to a minute for a long one.
@pytest.mark.parametrize("name", ["index", "chapters/warm-up", "chapters/gallery", "chapters/notation"])
def test_no_serious_accessibility_fault(browser, origins, name):
    with reading(browser, origins["http"], f"{name}.html", reduced_motion="reduce") as page:
        typeset(page)
        assert serious(page) == []
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert serious(page, runOnly=["color-contrast"]) == []


def serious(page, **options):
    """What axe calls serious or critical, as `rule: element`."""
    options |= {"preload": False, "resultTypes": ["violations"]}  # the page's own styles are enough
    parts = {"exclude": [["mjx-container"], ["svg"]]}  # thousands of pieces each, with one name outside
    violations = Axe().run(page, context=parts, options=options).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations if v["impact"] in ("serious", "critical")]
