r"""Lets a formula of several lines carry the paper's number: `$$ a \\ b \tag{8} $$`.

Sphinx puts a formula that contains `\\` into a `split`, and there MathJax refuses `\tag`. So the
tag is taken out and set beside the `split`, where it is allowed.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

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


def setup(app):
    app.add_post_transform(TagsOutsideSplit)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
