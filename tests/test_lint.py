"""What the linters say of the code, the chapters' cells, the types and the workflow files: nothing."""

import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from book import ROOT, notebooks

SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".github/ISSUE_TEMPLATE/*.yml": "vendor.github-issue-forms",
    "CITATION.cff": "vendor.citation-file-format",
}


def says(tool, *arguments, cwd=ROOT):
    """What a tool that stands beside this Python prints when it complains, or nothing."""
    command = [Path(sys.executable).with_name(tool), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def ruff(*arguments):
    return says("ruff", "check", "--no-cache", "--output-format=concise", f"--config={ROOT}/pyproject.toml", *arguments)


def test_ruff_has_nothing_to_say_about_the_code():
    assert ruff(".") == ""


def test_ruff_has_nothing_to_say_about_the_chapters_cells(tmp_path):
    """Ruff reads notebooks, not MyST: what it names `x.ipynb:cell 3` is the third cell of x.md."""
    for path in notebooks():
        jupytext.write(jupytext.read(path), tmp_path / f"{path.stem}.ipynb")
    assert ruff(str(tmp_path)) == ""


def test_ruff_sees_a_fault_in_a_cell(tmp_path):
    chapter = notebooks()[0].read_text(encoding="utf-8")
    chapter += "\n```{code-cell} ipython3\nno_such_name\n```\n"
    jupytext.write(jupytext.reads(chapter, "md:myst"), tmp_path / "page.ipynb")
    assert "F821" in ruff(str(tmp_path))


def test_mypy_has_nothing_to_say_about_the_library(tmp_path):
    assert says("mypy", f"--cache-dir={tmp_path}", "--no-error-summary") == ""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from saddles.exact import TAIL\nTAIL + 'a'\n")
    assert "[operator]" in says("mypy", f"--cache-dir={tmp_path}", str(wrong))


def test_zizmor_finds_no_hole_in_the_workflows():
    assert says("zizmor", "--offline", "--quiet", ".github") == ""


def test_zizmor_sees_an_action_that_is_not_pinned(tmp_path):
    text = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    hole = tmp_path / ".github" / "workflows" / "book.yml"
    hole.parent.mkdir(parents=True)
    hole.write_text(text.replace("@11bd71901bbe5b1630ceea73d27597364c9af683", "@main"), encoding="utf-8")
    assert "unpinned-uses" in says("zizmor", "--offline", "--quiet", ".", cwd=tmp_path)


@pytest.mark.parametrize("files", SCHEMAS)
def test_a_file_for_others_has_their_form(files):
    paths = sorted(map(str, ROOT.glob(files)))
    assert paths
    assert says("check-jsonschema", "--builtin-schema", SCHEMAS[files], *paths) == ""


def test_the_book_tells_one_version():
    version = f'version = "{__import__("saddles").__version__}"'
    assert version in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert version.replace(' = "', ": ").strip('"') in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
