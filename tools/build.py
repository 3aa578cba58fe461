"""Build the book: execute every chapter from clean, and write the pages into _build/html.

Jupyter Book does the work. This adds what it lacks: one line per chapter while it runs, a failure
that says what failed, and a second look at the executed notebooks, whatever the exit code was.
"""

import json
import re
import shutil
import subprocess
import sys
import time

from book import ROOT, SITE, notebooks, unattended

BUILD = ROOT / "_build"
EXECUTED = BUILD / "jupyter_execute"
LOG = BUILD / "build.log"
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
STARTS = re.compile(r"^(.+): Executing notebook using")
ENDS = re.compile(r"^.+: Executed notebook in ([\d.]+) seconds")
READ = "looking for now-outdated files"
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
LINES_SHOWN = 80  # of one problem; a traceback's end is what matters, and the log has the rest


def name(path):
    return path.replace(f"{ROOT}/", "").removesuffix(".md")


class Progress:
    """One line per chapter, told from Sphinx's output.

    It keeps warnings back until all pages are read, so a chapter has failed if the next thing
    begins and this one has not ended.
    """

    def __init__(self, total):
        self.total, self.count, self.running = total, 0, False

    def see(self, line):
        start, end = STARTS.match(line), ENDS.match(line)
        if self.running and (start or end or line.startswith(READ)):
            print(f"{float(end[1]):.1f} s" if end else "FAILED", flush=True)
            self.running = False
        if start:
            self.count, self.running = self.count + 1, True
            print(f"  [{self.count}/{self.total}] {name(start[1])} ", end="", flush=True)
        elif line.startswith(READ):
            print("  writing the pages", flush=True)


def run(total):
    """Run Jupyter Book; return its exit code and what it printed."""
    lines, progress = [], Progress(total)
    with (
        LOG.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=unattended(),
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
            progress.see(lines[-1])
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
    for folder in (SITE, EXECUTED, BUILD / ".doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    print(
        f"Executing {len(chapters)} chapters (all output goes to {LOG.relative_to(ROOT)})",
        flush=True,
    )
    code, lines = run(len(chapters))
    doubts = list(unsound(chapters))
    if code or doubts or not (SITE / "index.html").exists():
        shown = problems(lines) or ["\n".join(lines[-30:])]
        print("\n" + "\n\n".join(shown), file=sys.stderr)
        for doubt in doubts:
            print(f"\n{doubt}", file=sys.stderr)
        sys.exit(f"\nsaddles: the book was not built (full log: {LOG.relative_to(ROOT)}).")
    print(f"Open {SITE.relative_to(ROOT)}/index.html (built in {time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nsaddles: interrupted.")
