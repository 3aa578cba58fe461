"""The chapters as files; the hook in the root's conftest.py runs them."""

import subprocess
import sys

import build
import jupytext
import nbformat
import pytest
from book import ROOT, is_notebook, notebooks, pages


def test_every_page_of_the_toc_exists():
    assert [page for page in pages() if not (ROOT / f"{page}.md").exists()] == []


def test_every_chapter_is_in_the_toc():
    listed = {ROOT / f"{page}.md" for page in pages()}
    assert sorted(set((ROOT / "chapters").glob("*.md")) - listed) == []


def test_no_notebook_is_stored_beside_its_chapter():
    assert sorted((ROOT / "chapters").rglob("*.ipynb")) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "chapters").glob("*.md")), ids=lambda path: path.stem
)
def test_a_chapter_with_code_says_how_to_run_it(path):
    assert is_notebook(path) == ("{code-cell}" in path.read_text(encoding="utf-8"))


def test_nbmake_collects_as_many_chapters_as_the_toc_has():
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbmake",
        "chapters/",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    lines = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    collected = [line.split("::")[0] for line in lines if line.startswith("chapters/")]
    assert collected, "a book without notebooks checks nothing"
    assert sorted(collected) == sorted(path.relative_to(ROOT).as_posix() for path in notebooks())


def test_pages_are_not_made_of_what_an_older_chapter_gave(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "NBMAKE", tmp_path)
    chapter = notebooks()[0]
    with pytest.raises(SystemExit, match=f"nbmake has not executed {chapter.name} yet"):
        build.executed(chapter)
    ran = jupytext.read(chapter)
    cells = [cell for cell in ran.cells if cell.cell_type == "code"]
    cells[-1].outputs = [nbformat.v4.new_output("stream", text="given by nbmake")]
    jupytext.write(ran, tmp_path / f"{chapter.stem}.ipynb")
    assert "given by nbmake" in str(build.executed(chapter).cells)
    cells[-1].source += "  # changed"
    jupytext.write(ran, tmp_path / f"{chapter.stem}.ipynb")
    with pytest.raises(SystemExit, match=f"{chapter.name} has changed"):
        build.executed(chapter)
