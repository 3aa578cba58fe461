"""Begin a chapter: copy tools/chapter.md under a new name and put it into _toc.yml."""

import re
import sys

from book import ROOT

BEFORE = "  - caption: What holds\n"  # new chapters stand at the end of the part above this one
NEXT = """\
chapters/{name}.md is a chapter that runs and passes every test. It stands in _toc.yml as the last before
"What holds". Now replace its parts one by one:
  make lab    opens it as a notebook
  make test   builds the book and says what is still wrong
"""


def begin(name, root=ROOT):
    """Write chapters/NAME.md and list it; ValueError if the name will not do."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"NAME must be lower-case words joined by hyphens, got {name!r}")
    chapter, toc = root / "chapters" / f"{name}.md", root / "_toc.yml"
    if chapter.exists():
        raise ValueError(f"NAME must be new: chapters/{name}.md exists")
    contents = toc.read_text(encoding="utf-8")
    if contents.count(BEFORE) != 1:
        raise ValueError(f"_toc.yml must have the line {BEFORE.strip()!r} once")
    template = (root / "tools" / "chapter.md").read_text(encoding="utf-8")
    chapter.write_text(template.replace("my-chapter", name), encoding="utf-8")
    toc.write_text(contents.replace(BEFORE, f"      - file: chapters/{name}\n{BEFORE}"), encoding="utf-8")


if __name__ == "__main__":
    try:
        begin(sys.argv[1])
    except ValueError as error:
        sys.exit(f"saddles: {error}")
    print(NEXT.format(name=sys.argv[1]), end="")
