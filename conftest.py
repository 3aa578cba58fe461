"""Makes pytest run the chapters: `pytest` does, and `pytest --nbmake chapters/` alone does.

nbmake executes notebooks, but collects only .ipynb. Chapters are Markdown, so each is converted
into _build/nbmake (never beside the .md, where it would go stale), and nbmake runs it there. With
--overwrite the outputs stay in it, and tools/build.py --executed makes the pages of them.
"""

import os
import sys
from pathlib import Path

import jupytext
import pytest
from nbmake.pytest_items import NotebookItem

sys.path.insert(0, str(Path(__file__).parent / "tools"))
from book import NBMAKE, ROOT, notebooks, unattended

NARROWED = (
    "keyword",
    "markexpr",
    "lf",
    "failedfirst",
    "deselect",
    "ignore",
    "ignore_glob",
    "collectonly",
    "maxfail",
    "stepwise",
)
ran = set()


def pytest_configure():
    environment = unattended()
    os.environ.clear()
    os.environ.update(environment)


class Chapter(pytest.File):
    def collect(self):
        yield ChapterItem.from_parent(self, filename=str(self.path.relative_to(ROOT)))


class ChapterItem(NotebookItem):
    def runtest(self):
        source = ROOT / self.filename
        target = NBMAKE / f"{source.stem}.ipynb"
        NBMAKE.mkdir(parents=True, exist_ok=True)
        jupytext.write(jupytext.read(source), target)
        self.filename = str(target)
        super().runtest()

    def reportinfo(self):
        return self.path, 0, self.nodeid


def pytest_collect_file(file_path, parent):
    if file_path in notebooks():
        return Chapter.from_parent(parent, path=file_path)


def pytest_runtest_logreport(report):
    path = report.nodeid.split("::")[0]
    if report.when == "call" and path.endswith(".md"):
        ran.add(path)


def missing(config):
    """Chapters that should have run and did not, when all were asked for."""
    asked = {Path(config.invocation_params.dir, arg).resolve() for arg in config.args}
    narrowed = any(getattr(config.option, name, None) for name in NARROWED)
    if narrowed or hasattr(config, "workerinput") or not asked & {ROOT, ROOT / "chapters"}:
        return []
    return sorted({path.relative_to(ROOT).as_posix() for path in notebooks()} - ran)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    if missing(session.config) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if paths := missing(config):
        names = ", ".join(paths)
        terminalreporter.write_line(f"ERROR: notebooks that did not run: {names}", red=True)
