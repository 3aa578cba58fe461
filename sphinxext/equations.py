r"""Two things that Sphinx leaves undone for formulas.

A formula of several lines may carry the paper's number: `$$ a \\ b \tag{8} $$`. Sphinx puts a
formula that contains `\\` into a `split`, and there MathJax refuses `\tag`. So the tag is taken out
and set beside the `split`, where it is allowed.

A browser may begin a line with the full stop that follows a formula, or end one with the bracket
before it, since to it the formula is a box like a picture. So they go into one span that does not
break (assets/book.css); words.py does the same for what the chapters' cells show.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from words import WordsOfOutputs

STOP = re.compile(r"[.,;:?!)’”]+")
TAG = re.compile(r"\\tag\*?\{[^{}]*\}")


class TagsOutsideSplit(SphinxPostTransform):
    default_priority = 900
    formats = ("html",)

    def run(self):
        for node in self.document.findall(nodes.math_block):
            text = node.astext()
            tags = TAG.findall(text)
            if r"\\" in text and len(tags) == 1 and not node.get("nowrap"):
                body = TAG.sub("", text).strip()
                formula = rf"\[\begin{{split}}{body}\end{{split}}{tags[0]}\]"
                node["nowrap"] = True
                node[:] = [nodes.Text(formula)]


class StopsStayWithFormulas(SphinxPostTransform):
    default_priority = 900
    formats = ("html",)

    def run(self):
        for node in list(self.document.findall(nodes.math)):
            parent, place = node.parent, node.parent.index(node)
            before = parent[place - 1] if place else None
            after = parent[place + 1] if place + 1 < len(parent) else None
            bracket = isinstance(before, nodes.Text) and before.endswith("(")
            stop = STOP.match(after) if isinstance(after, nodes.Text) else None
            if bracket or stop:
                parent[place] = group = nodes.inline(classes=["formula-and-stop"])
                group += node
            if bracket:
                parent[place - 1] = nodes.Text(before[:-1])
                group.insert(0, nodes.Text("("))
            if stop:
                parent[place + 1] = nodes.Text(after[stop.end() :])
                group += nodes.Text(stop.group())


def setup(app):
    app.add_post_transform(TagsOutsideSplit)
    app.add_post_transform(StopsStayWithFormulas)
    app.add_post_transform(WordsOfOutputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
