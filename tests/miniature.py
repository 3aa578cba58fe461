"""A book as small as can be, with this book's configuration, extensions, library and build.

It has one chapter with one of each: a check, a figure, an explorer, a label and what refers to it, a
link, an image. The paper's other statements are entered as definitions, so that its ledger is complete.
It is there to be built in seconds, and to be broken (test_broken.py) or built twice (tools/reproduce.py).
"""

import os
import shutil
import subprocess
import sys

from book import ROOT

TOC = """format: jb-book
root: index
parts:
  - caption: A part
    chapters:
      - file: chapters/small
      - file: chapters/ledger
      - file: chapters/errata
      - file: chapters/figures
      - file: chapters/gallery
"""

INDEX = """# A small book

See [the only chapter](chapters/small.md), after {cite}`ziyin2021sgd`.

```{bibliography}
```
"""

SMALL = r"""---
jupytext:
  formats: md:myst
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A small chapter

The mean of the data is half of what the paper writes; see [(1)](#eq-half) and [the errata](errata.md).

(eq-half)=
$$ \mathrm{E}\, x = \frac{a}{2} \tag{1} $$

![The logo of the book](../assets/logo.svg)

```{code-cell} ipython3
import sys
sys.path.append("../sphinxext")
from IPython.display import display
from ledger import PAPER
from saddles import figures
from saddles.check import Bounded, check, define
from saddles.explore import explore
from saddles.noise import TwoPoint
from saddles.symbols import a
```

```{code-cell} ipython3
check("eq:1", printed="a", derived=TwoPoint(a).mean, corrected="a/2", severity="substantive")
```

```{code-cell} ipython3
check("eq:2", printed="1/3", derived=Bounded(0.3333, 1e-3))
```

```{code-cell} ipython3
figure, ax = figures.new()
ax.plot([0, 1], [0, 1], color=figures.COLOURS["theory"])
figures.show(figure, alt="a line that rises from 0 to 1", caption="The line rises to $1$.")
```

```{code-cell} ipython3
for id in PAPER[2:]:
    display(define(id, "entered so that the ledger of this small book is complete"))
```

```{code-cell} ipython3
explore(lambda ax, a: ax.plot([0, 1], [0, a]), name="line", a=[1, 2], alt=lambda a: f"a line that rises to {a}",
        caption="The line rises.")
```
"""

COPIED = ("_config.yml", "references.bib", "pyproject.toml")
FOLDERS = ("assets", "lib", "sphinxext", "tools")
PAGES = ("ledger", "errata", "figures", "gallery")


def make(folder):
    """Write the small book into `folder`."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in COPIED:
        shutil.copy(ROOT / name, folder)
    (folder / "chapters").mkdir()
    for page in PAGES:
        shutil.copy(ROOT / "chapters" / f"{page}.md", folder / "chapters")
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    (folder / "index.md").write_text(INDEX, encoding="utf-8")
    (folder / "chapters" / "small.md").write_text(SMALL, encoding="utf-8")


def build(folder, **settings):
    """(exit code, output) of building the book in `folder` with its own library."""
    env = os.environ | {"PYTHONPATH": str(folder / "lib")} | settings
    done = subprocess.run([sys.executable, "tools/build.py"], cwd=folder, env=env, capture_output=True,
                          text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr
