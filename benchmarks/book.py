"""What the book costs: CPU seconds of every chapter, whole and with nothing but its imports.

    python benchmarks/book.py [names of chapters]

Each notebook is executed twice in a process of its own, as `jupyter execute` does, and the CPU time (user
and system) of that process and its kernel is taken, so a busy machine matters little. Without
names, the table goes into results.json, under "book".
"""

import ast
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tools"))

import jupytext
from book import notebooks, unattended


def imports_only(notebook):
    """The notebook with only the import statements of its cells."""
    bare = copy.deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            kept = [node for node in ast.parse(cell.source).body
                    if isinstance(node, (ast.Import, ast.ImportFrom))]
            cell.source = "\n".join(map(ast.unparse, kept))
    return bare


def cost(notebook):
    """CPU seconds that executing `notebook` takes, kernel included."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "chapter.ipynb"
        jupytext.write(notebook, path)
        command = [sys.executable, "-c", "from nbclient.cli import main; main()", str(path)]
        process = subprocess.Popen(command, env=unattended(), stderr=subprocess.PIPE, text=True)
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{said}\nthe notebook failed")
    return used.ru_utime + used.ru_stime


def main():
    wanted, rows = sys.argv[1:], {}
    print(f"{'chapter':26} {'whole':>7} {'imports':>8} {'ratio':>6}")
    for path in notebooks():
        if wanted and path.stem not in wanted:
            continue
        notebook = jupytext.read(path)
        bare, whole = cost(imports_only(notebook)), cost(notebook)
        rows[path.stem] = {"whole": round(whole, 2), "imports": round(bare, 2)}
        print(f"{path.stem:26} {whole:7.1f} {bare:8.1f} {whole / bare:6.2f}", flush=True)
    whole, bare = (sum(row[key] for row in rows.values()) for key in ("whole", "imports"))
    print(f"{'all':26} {whole:7.1f} {bare:8.1f} {whole / bare:6.2f}")
    if not wanted:
        file = HERE / "results.json"
        results = json.loads(file.read_text()) if file.exists() else {}
        results["book"] = {"unit": "CPU seconds", "whole": round(whole, 1),
                           "imports": round(bare, 1), "ratio": round(whole / bare, 2),
                           "chapters": rows}
        file.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
