"""A chapter begun with `make chapter` passes, as it is, what the tests ask of every chapter."""

import shutil
import subprocess
import sys

import chapter
import jupytext
import pytest
from book import ROOT, unattended
from build import problems
from test_lint import ruff
from test_site import DESKTOP, EMPTY_ALT, PHONE, TOO_WIDE, UNNAMED, UNTYPESET, picture, reading, typeset

NAME = "a-trial"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A book of one chapter, the one that was just begun, built like the whole one."""
    folder = tmp_path_factory.mktemp("book")
    for part in ("assets", "sphinxext"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "chapters").mkdir()
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "chapter.md", folder / "tools")
    for name in ("_config.yml", "references.bib", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    (folder / "index.md").write_text("# A book\n")
    (folder / "_toc.yml").write_text(
        f"format: jb-book\nroot: index\nparts:\n  - caption: One\n    chapters:\n{chapter.BEFORE}    chapters: []\n")
    chapter.begin(NAME, folder)
    toc = (folder / "_toc.yml").read_text()
    (folder / "_toc.yml").write_text(toc.split(chapter.BEFORE)[0])
    build = "from jupyter_book.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", build, "build", str(folder), "--all", "-n"], cwd=folder, text=True,
                          env={**unattended(), "NO_COLOR": "1"}, capture_output=True, check=False)
    return folder, problems((done.stdout + done.stderr).split("\n")), done


def test_it_builds_without_a_warning_of_its_own(begun):
    folder, found, done = begun
    # A book of one chapter has no verdict on what the other chapters check.
    assert [one for one in found if "ledger: no verdict on" not in one] == [], done.stderr[-3000:]
    ledger = (folder / "_build" / "html" / "ledger.json").read_text(encoding="utf-8")
    assert f'"beyond:{NAME}-mean"' in ledger and f'"beyond:{NAME}-runs"' in ledger


def test_ruff_has_nothing_to_say_about_it(begun, tmp_path):
    jupytext.write(jupytext.read(begun[0] / "chapters" / f"{NAME}.md"), tmp_path / "page.ipynb")
    assert ruff(str(tmp_path)) == ""


def test_its_page_reads_well_and_its_sliders_move(browser, begun):
    base = (begun[0] / "_build" / "html").as_uri()
    with reading(browser, base, f"chapters/{NAME}.html") as page:
        typeset(page)
        assert [page.evaluate(script) for script in (UNTYPESET, UNNAMED, EMPTY_ALT)] == [[], [], []]
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            assert page.evaluate(TOO_WIDE) == []
        frame = page.locator(".explorer .explorer-frame")
        for slider in page.locator(".explorer input[type=range]").all():
            slider.press("Home")
            first = picture(frame)
            slider.press("End")
            assert picture(frame) != first


def test_a_chapter_is_begun_once_and_with_a_good_name(begun):
    folder = begun[0]
    (folder / "_toc.yml").write_text(chapter.BEFORE)
    for name in (NAME, "", "Two words", "ümlaut", "-x"):
        with pytest.raises(ValueError, match="NAME must be"):
            chapter.begin(name, folder)
    (folder / "_toc.yml").write_text("parts: []\n")
    with pytest.raises(ValueError, match="_toc.yml must have the line"):
        chapter.begin("another", folder)
    assert not (folder / "chapters" / "another.md").exists()
