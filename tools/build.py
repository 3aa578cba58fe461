"""Build the book: execute every chapter from clean, and write the pages into _build/html.

Jupyter Book does the work. This adds what it lacks: chapters executed side by side with a line for
each, a failure that says what failed, and a second look at the executed notebooks, whatever the
exit code was.

    build.py              executes the chapters
    build.py --executed   takes what nbmake has just executed, as `make test` does: once is enough
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import read_myst_markdown_notebook

from book import NBMAKE, ROOT, SITE, notebooks, unattended

BUILD = ROOT / "_build"
EXECUTED = BUILD / "jupyter_execute"
LOG = BUILD / "build.log"
CACHE = BUILD / "outputs"  # what the chapters gave, for Sphinx; empty at the start of each build
COMMAND = [
    sys.executable,
    "-u",
    "-c",
    "from jupyter_book.cli.main import main; main()",
    "build",
    str(ROOT),
    "--all",
    "-W",
    "-n",
    "--keep-going",
]

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PROBLEM = re.compile(
    r"\b(?:WARNING|ERROR|CRITICAL|SEVERE): |^(?:Extension|Theme|Configuration|Sphinx) error|"
    r"^Exception occurred"
)
STATUS = re.compile(
    r"^(?:reading sources|looking for|pickling|checking|preparing|copying|writing|"
    r"generating|dumping|building|build |=====)|: Execut(?:ing notebook using|ed notebook)|"
    r"^\[IPKernelApp\]"
)
# Frames of Jupyter's and Sphinx's own code, between a message and what caused it or after it.
MACHINERY = re.compile(
    r"Traceback \(most recent call last\):\n(?:[ ].*\n)+(?=nbclient)|"
    r"(?<=\n)Traceback \(most recent call last\):\n(?:[ ].*\n)+sphinx\.errors[\s\S]*"
)
# How a full disk shows itself in what Python, Sphinx and the cache's SQLite say.
FULL = re.compile(r"No space left on device|Disk quota exceeded|disk is full")
NO_ROOM = "\nsaddles: the disk is full: make room (_build takes about 100 MB), then run this again."
LINES_SHOWN = 80  # of one problem; a traceback's end is what matters, and the log has the rest


def execute(chapter, timeout):
    """The executed notebook of one chapter and the seconds it took; no notebook if a cell failed."""
    notebook = read_myst_markdown_notebook(chapter.read_text(encoding="utf-8"), path=chapter)
    quiet = ["--log-level=ERROR"]  # else each kernel warns that it talks to us over a socket
    done = single_nb_execution(
        notebook, str(chapter.parent), timeout, allow_errors=False, extra_arguments=quiet
    )
    return (None if done.err else notebook), done.time


def executed(chapter):
    """The notebook of one chapter with the outputs that nbmake has left (pytest --overwrite)."""
    notebook = read_myst_markdown_notebook(chapter.read_text(encoding="utf-8"), path=chapter)
    path = NBMAKE / f"{chapter.stem}.ipynb"
    if not path.exists():
        sys.exit(f"saddles: nbmake has not executed {chapter.name} yet; run `make test`.")
    done = nbformat.read(path, nbformat.NO_CONVERT)
    ours, theirs = ([c for c in one.cells if c.cell_type == "code"] for one in (notebook, done))
    if [cell.source for cell in ours] != [cell.source for cell in theirs]:
        sys.exit(f"saddles: {chapter.name} has changed since nbmake executed it; run `make test` again.")
    for cell, run in zip(ours, theirs):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    notebook.metadata.update({k: done.metadata[k] for k in ("language_info", "widgets") if k in done.metadata})
    return notebook


def store(cache, chapter, notebook, **data):
    cache.cache_notebook_bundle(CacheBundleIn(notebook, str(chapter), data=data), check_validity=False)


def execute_all(chapters, cache):
    """Execute the chapters, as many at once as there are cores, and put what they gave into `cache`.

    One that fails is left out: Sphinx then runs it again, and says which cell failed and how.
    """
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    timeout = config["execute"]["timeout"]
    longest_first = sorted(chapters, key=lambda chapter: -chapter.stat().st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a kernel, a process of its own
        futures = {pool.submit(execute, chapter, timeout): chapter for chapter in longest_first}
        for count, future in enumerate(as_completed(futures), 1):
            chapter, (notebook, seconds) = futures[future], future.result()
            result = f"{seconds:.1f} s" if notebook else "FAILED"
            name = chapter.relative_to(ROOT).with_suffix("").as_posix()
            print(f"  [{count}/{len(chapters)}] {name} {result}", flush=True)
            if notebook:
                store(cache, chapter, notebook, execution_seconds=seconds)


def run():
    """Run Jupyter Book; return its exit code and what it printed."""
    lines = []
    with (
        LOG.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=os.environ | {"SADDLES_OUTPUTS": str(CACHE)},
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        for line in process.stdout:
            line = COLOUR.sub("", line)
            log.write(line)
            log.flush()
            lines.append(line.rstrip())
    return process.returncode, lines


def problems(lines):
    """The warnings and errors among Sphinx's output, each with the lines that belong to it."""
    found = []
    inside = False
    for line in MACHINERY.sub("", "\n".join(lines)).split("\n"):
        if PROBLEM.search(line) and not STATUS.search(line):
            if not inside or not line.startswith((" ", "\t")):
                found.append([])
            inside = True
        elif STATUS.search(line):
            inside = False
        if inside:
            found[-1].append(line)
    return [
        "\n".join(
            [one[0], "  ..."] + one[-LINES_SHOWN:] if len(one) > LINES_SHOWN else one
        ).rstrip()
        for one in found
    ]


def unsound(chapters):
    """Why the executed notebooks cannot be trusted: sentences, none if each ran to its end."""
    for chapter in chapters:
        page = chapter.relative_to(ROOT).with_suffix("")
        path = (EXECUTED / page).with_suffix(".ipynb")
        if not path.exists():
            yield f"{page} is a notebook of _toc.yml, but was not executed"
            continue
        cells = [
            cell
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]
        if any(output["output_type"] == "error" for cell in cells for output in cell["outputs"]):
            yield f"{page} has a cell that raised an error"
        if any(cell["execution_count"] is None for cell in cells):
            yield f"{page} has a cell that did not run"
    count, expected = len(list(EXECUTED.rglob("*.ipynb"))), len(chapters)
    if count != expected:
        yield f"{count} notebooks were executed, and _toc.yml has {expected}"


def main():
    began = time.monotonic()
    chapters = notebooks()
    given = [executed(chapter) for chapter in chapters] if "--executed" in sys.argv[1:] else None
    for folder in (SITE, EXECUTED, BUILD / ".doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    os.environ.update(environment := unattended())
    for key in os.environ.keys() - environment.keys():
        del os.environ[key]
    shutil.rmtree(CACHE, ignore_errors=True)  # an old output would hide that the library changed
    cache = get_cache(CACHE)
    if given:
        for chapter, notebook in zip(chapters, given):
            store(cache, chapter, notebook)
    else:
        print(f"Executing {len(chapters)} chapters", flush=True)
        execute_all(chapters, cache)
    print(f"Writing the pages (what Sphinx says goes to {LOG.relative_to(ROOT)})", flush=True)
    code, lines = run()
    doubts = list(unsound(chapters))
    if code or doubts or not (SITE / "index.html").exists():
        shown = problems(lines) or ["\n".join(lines[-30:])]
        if FULL.search("\n".join(lines)):
            sys.exit(NO_ROOM)
        print("\n" + "\n\n".join(shown), file=sys.stderr)
        for doubt in doubts:
            print(f"\n{doubt}", file=sys.stderr)
        sys.exit(f"\nsaddles: the book was not built (full log: {LOG.relative_to(ROOT)}).")
    (SITE / ".buildinfo").unlink(missing_ok=True)  # differs between Pythons; only for building in part
    print(f"Open {SITE.relative_to(ROOT)}/index.html (built in {time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nsaddles: interrupted.")
    except Exception as error:  # SQLite's is not an OSError
        if not FULL.search(str(error)):
            raise
        sys.exit(NO_ROOM)
