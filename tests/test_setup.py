"""Setting up, where it cannot work: one clear sentence each, and no traceback."""

import ast
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import build
import pytest
import report
import reproduce
from book import ROOT

BOOTSTRAP = ROOT / "tools" / "bootstrap.py"
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def names(text):
    return {re.sub(r"[-_.]+", "-", name).lower() for name in REQUIREMENT.findall(text)}


def lock():
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


def direct():
    return names((ROOT / "requirements.txt").read_text(encoding="utf-8"))


def test_the_lock_pins_every_direct_dependency():
    assert direct() - names(lock()) == set()


def test_the_lock_has_a_hash_for_every_package_and_no_place_of_its_own():
    pinned = [part for part in re.split(r"\n(?=\S)", lock()) if not part.startswith("#")]
    assert [
        part.split()[0] for part in pinned if "==" not in part or "--hash=sha256:" not in part
    ] == []
    assert re.findall(r"index-url|find-links|file:|https?:|/tmp|/home", lock()) == []


def test_requirements_name_what_the_library_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert names("\n".join(project["dependencies"])) - direct() == set()


def test_every_requirement_says_why_it_is_there():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if REQUIREMENT.match(line) and " # " not in line] == []


@pytest.fixture
def copy(tmp_path):
    """A folder as unkind as a reader's can be, with what the set-up reads."""
    folder = tmp_path / "sélles à côté"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(BOOTSTRAP, folder / "tools")
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def sentence(folder, python=sys.executable, **settings):
    """What the set-up says on its last line when it fails."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    env.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_CACHE_DIR="1", **settings)
    done = subprocess.run(
        [python, "tools/bootstrap.py"],
        cwd=folder,
        env=env,
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("saddles: ")
    return lines[0]


def test_bootstrap_uses_no_syntax_that_an_old_python_rejects():
    new = (
        ast.JoinedStr,
        ast.NamedExpr,
        ast.AnnAssign,
        ast.AsyncFunctionDef,
        ast.Match,
        ast.Starred,
    )
    tree = ast.parse(BOOTSTRAP.read_text(encoding="ascii"))
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, new)] == []


def test_an_old_python_is_turned_away(copy):
    script = copy / "tools" / "bootstrap.py"
    pretend = (
        "import sys, runpy; sys.version_info = (3, 10, 1); runpy.run_path(%r, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", pretend % str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Python 3.11 or newer is needed" in done.stderr
    for version in ("2.7", "3.6", "3.8", "3.10"):
        python = shutil.which(f"python{version}")
        if python and subprocess.call([python, "--version"], stderr=subprocess.DEVNULL) == 0:
            assert "Python 3.11 or newer is needed" in sentence(copy, python)


def test_a_python_without_venv_is_turned_away(copy, tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
    assert "apt-get install python3-venv" in sentence(copy, PYTHONPATH=str(tmp_path))


def test_a_missing_lock_is_named(copy):
    (copy / "requirements.lock").unlink()
    assert "requirements.lock is missing" in sentence(copy)


def test_a_missing_network_is_named(copy):
    said = sentence(copy, PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert "the package index cannot be reached" in said and "_build/install.log" in said
    assert "127.0.0.1" in (copy / "_build" / "install.log").read_text(encoding="utf-8")


def wheel(folder):
    """A package that installs without a network."""
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as file:
        file.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        file.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.as_uri()}


@pytest.mark.parametrize("damage", ["<<<<<<< ours\n", "tiny==1.0\n"], ids=["conflict", "no hash"])
def test_a_broken_lock_is_named(copy, tmp_path, damage):
    (copy / "requirements.lock").write_text(damage)
    assert "requirements.lock is broken" in sentence(copy, **wheel(tmp_path))


@pytest.mark.parametrize(
    "name, reason", [("tiny", "does not have the hash"), ("huge", "has no file for this Python")]
)
def test_a_lock_that_does_not_fit_the_index_is_named(copy, tmp_path, name, reason):
    (copy / "requirements.lock").write_text(f"{name}==1.0 --hash=sha256:{'0' * 64}\n")
    assert reason in sentence(copy, **wheel(tmp_path))


FULL = "/dev/full"  # a file of Linux on a disk that has no room


@pytest.mark.skipif(not os.path.exists(FULL), reason="this system has no /dev/full")
def test_a_full_disk_is_named(copy, tmp_path):
    (copy / "_build").mkdir()
    (copy / "_build" / "install.log").symlink_to(FULL)
    assert "the disk is full: make room" in sentence(copy, **wheel(tmp_path))


@pytest.mark.skipif(not os.path.exists(FULL), reason="this system has no /dev/full")
def test_a_disk_that_is_full_during_the_build_is_named(tmp_path):
    """A book without chapters, so that the first thing written is the log."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (tmp_path / "_config.yml").write_text("execute: {timeout: 1}\n")
    (tmp_path / "index.md").write_text("# A page\n")
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build" / "build.log").symlink_to(FULL)
    done = subprocess.run([sys.executable, "tools/build.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.strip().startswith("saddles: the disk is full: make room")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("says", [os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "database or disk is full"])
def test_every_way_to_say_that_the_disk_is_full_is_known_to_the_build(says):
    assert build.FULL.search(f"[Errno 28] {says}: 'x'")


def test_only_what_needs_git_asks_for_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report.said("git", "rev-parse", "HEAD") == "–"
    with pytest.raises(SystemExit, match="^saddles: .* needs git"):
        reproduce.committed()


def test_the_report_says_what_was_measured_of_each_page(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "SITE", tmp_path / "html")
    assert list(report.pages()) == ["not measured: `make test` does"]
    rows = [{"page": "chapters/x", "kilobytes": 81, "delay_ms": 9.5, "explorers": [{"cpu_seconds": 1.5}, {"cpu_seconds": 2.5}]},
            {"page": "chapters/y"}]
    (tmp_path / "budgets.json").write_text(json.dumps(rows), encoding="utf-8")
    first, second = report.pages()
    assert first.split() == "chapters/x 81 KB, a slider's delay 9.5 ms, the slowest explorer drawn in 2.5 s".split()
    assert second.startswith("chapters/y ")


def test_the_report_can_be_printed():
    done = subprocess.run([sys.executable, "tools/report.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"\n{title}\n" in done.stdout for title in report.PARTS)


def recipes():
    """The Makefile's commands, as they are typed without make."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return text.replace("$(PYTHON)", "python3").replace("$(IN)", ".venv/bin/python")


def test_the_plain_commands_of_the_readme_are_those_of_make():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^(.*python.*?) +# make (?:book|test)$", readme, re.MULTILINE)
    commands = [command for line in lines for command in line.split(" && ")]
    assert len(commands) == 3
    assert [command for command in commands if f"\t@{command}" not in recipes()] == []


def test_root_may_open_the_notebooks_and_is_told_so():
    """Jupyter alone refuses: the book's own build has run the same cells as root before."""
    lab = recipes().partition("\nlab:")[2].partition("\n\n")[0]
    assert "-m jupyterlab --allow-root " in lab and "you are root" in lab
