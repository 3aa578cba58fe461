"""The API page: every module of `saddles` with its docstrings, by Sphinx's autodoc.

The docstrings are plain text, as `help()` shows them. Here their paragraphs become prose, their
aligned columns definitions, their signs those of print (≤ for <=), and what is indented stays as it is.
"""

import ast
import inspect
import pkgutil
import re
import textwrap
from importlib import import_module
from pathlib import Path

import saddles

PAGE, PLACE = "chapters/library", "<!-- every module -->"
MODULE = """
## {name}

{tests}

```{{eval-rst}}
.. automodule:: saddles.{name}
   :members:
   :inherited-members: Exception, object
   :member-order: bysource
```
"""


def modules():
    return [one.name for one in pkgutil.iter_modules(saddles.__path__) if one.name[0] != "_"]


def public(name):
    """The functions and classes that a module defines for its users."""
    module = import_module(f"saddles.{name}")
    return [key for key, value in vars(module).items()
            if not key.startswith("_") and getattr(value, "__module__", "") == module.__name__
            and (inspect.isfunction(value) or inspect.isclass(value))]


SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "->": "→", "<-": "←", "+-": "±", "-": "−"}
# a minus stands between spaces, or before a name or a number that nothing precedes
SIGN = re.compile(r"<=|>=|!=|->|<-|\+-|(?<=\s)-(?=\s)|(?<![\w)\]-])-(?=\w)")


def prose(text):
    """Plain text as reStructuredText: only backticks mean something."""
    parts = re.split(r"`+([^`]+)`+", text)
    parts[::2] = [SIGN.sub(lambda sign: SIGNS[sign[0]], part) for part in parts[::2]]
    parts[::2] = [re.sub(r"([\\*|`])|(?<=\w)(_)(?!\w)", r"\\\1\2", part) for part in parts[::2]]
    parts[2::2] = [re.sub(r"^(?=\w)", r"\\ ", part) for part in parts[2::2]]  # `Run`s: code, then a letter
    parts[1::2] = [f"``{part}``" for part in parts[1::2]]
    return "".join(parts)


def paragraphs(lines):
    """Lines of a docstring between its blank lines."""
    return [part.split("\n") for part in re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))]


def rows(lines):
    """A paragraph of two columns, `name   text`, or of lines `name: text`, as [(name, its lines)].

    A line that begins with no name goes on with the text before it. None for any other paragraph.
    """
    first = re.match(r"\S.*?  +(?=\S)", lines[0])
    name = re.compile(rf"(\S.{{{first.end() - 2}}}) (.*)" if first else r"(\w+(?:, \w+)*): (.*)")
    starts = [name.match(line) for line in lines]
    if not starts[0] or (not first and len(list(filter(None, starts))) < 2):
        return None
    found = []
    for line, start in zip(lines, starts):
        if start:
            found.append((start[1].strip(), [start[2]]))
        else:
            found[-1][1].append(line.strip())
    return found


def language(lines):
    """What a docstring's indented lines are written in: Python, or formulas."""
    try:
        ast.parse(textwrap.dedent("\n".join(lines)))
    except SyntaxError:
        return "text"
    return "python"


def restructured(lines):
    """A docstring's lines as reStructuredText."""
    out = []
    for part in paragraphs(lines):
        if part[0].startswith(" "):
            out += [f".. code-block:: {language(part)}", "", *[f"    {line}" for line in part]]
        elif rows(part):
            out += [line for name, text in rows(part)
                    for line in (f"``{name}``", *[f"    {prose(t)}" for t in text])]
        else:
            out += prose("\n".join(part)).split("\n")
        out.append("")
    return out


def rewrite(app, what, name, obj, options, lines):
    lines[:] = restructured(lines)


def insert(app, docname, source):
    if docname == PAGE:
        tests = Path(app.srcdir) / "tests"
        source[0] = source[0].replace(PLACE, "".join(
            MODULE.format(name=name, tests=f"Tested by `tests/test_{name}.py`."
                          if (tests / f"test_{name}.py").exists() else "")
            for name in modules()))


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.config.nitpick_ignore_regex = [("py:.*", ".*")]  # types of other libraries have no page here
    app.config.html_domain_indices = False
    app.config.add_module_names = False  # the heading says it
    app.config.toc_object_entries_show_parents = "hide"  # so does the class, above its methods
    app.connect("source-read", insert)
    app.connect("autodoc-process-docstring", rewrite)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
