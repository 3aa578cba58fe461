r"""Words in HTML that Sphinx did not write: verdicts, captions, the ledger's tables.

They are set as the rest of the book is:

- numbers as in print: −0.3 for -0.3, 4·10⁻⁵ for 4e-05, 95% for 95 %;
- an index below the line and an exponent above it, for w_t and 2^t outside of formulas;
- no line that begins with the stop after a formula, or breaks within "a < 0" or "1/λ";
- no sentence without an end, where the words of a claim are completed by its formula.
"""

import json
import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

FORMULA = r'<span class="math notranslate nohighlight">\\\(.*?\\\)</span>'
FIXED = re.compile(rf"({FORMULA}|<[^>]*>)", re.S)  # formulas and tags: what stands between is words
BOUND = re.compile(rf"(\(?)({FORMULA})((?:[.,;:?!)’”]|&quot;)*)", re.S)
TRUTH = re.compile(r'<span class="math notranslate nohighlight">\\\(\\text\{(True|False)\}\\\)</span>')
MINUS_ONE = re.compile(r"(?<=[{(])\\left\(-1\\right\) ")  # SymPy's -x, if it may not evaluate
POWER = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)e([+-]?\d+)\b")
MINUS = re.compile(r"(?<![\w.)\]}])-(?=\.?\d)")
PERCENT = re.compile(r"(?<=\d) %")
INDEX = re.compile(r"(?<![^\W_])([^\W\d_])_(?:\{([^{}]*)\}|(\w+))")
EXPONENT = re.compile(r"\^(?:\(([^()]*)\)|\{([^{}]*)\}|(\w+))")
RELATION = re.compile(r" (=|&lt;|&gt;|[≤≥≠≈≪≫∈∝→±]) ")
SLASH = re.compile(r"(?<=[\w)])/(?=[\w(√])")
CLAIM = re.compile(r"(?<=<p>)(Printed|Ours|Instead): (.*?)(?=</p>)", re.S)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(found):
    """4.38e+03 as 4380, 4e-05 as 4·10⁻⁵, 1e-14 as 10⁻¹⁴."""
    factor, exponent = found[1], int(found[2])
    if 0 <= exponent <= 5 and float(found[0]) == round(float(found[0])):
        return f"{float(found[0]):.0f}"
    power = "10" + str(exponent).translate(RAISED)
    return {"1": power, "-1": f"-{power}"}.get(factor, f"{factor}·{power}")


def numbers(text):
    """Plain text with its numbers as in print."""
    return PERCENT.sub("%", MINUS.sub("−", POWER.sub(_power, text)))


def _between(text):
    """The text between two tags: its numbers, indices, exponents, and no break beside a relation."""
    text = INDEX.sub(lambda m: f"{m[1]}<sub>{(m[2] or m[3]).replace('-', '−')}</sub>", numbers(text))
    text = EXPONENT.sub(lambda m: f"<sup>{next(filter(None, m.groups()))}</sup>", text)
    text = RELATION.sub("\u00a0\\1\u00a0", text)
    text = text.replace("|\u00a0", "|\u2060\u00a0")  # after a bar a browser breaks even there
    return SLASH.sub("/\u2060", text)


def _together(found):
    if not found[1] and not found[3]:
        return found[0]
    return f'<span class="formula-and-stop">{found[0]}</span>'


def setting(text):
    """HTML with its words set as above."""
    text = MINUS_ONE.sub("-", TRUTH.sub(lambda m: m[1].lower(), text))
    parts = FIXED.split(text)
    parts[::2] = [_between(part) for part in parts[::2]]
    return BOUND.sub(_together, "".join(parts))


def ended(text):
    """HTML that ends with a full stop if there are words in it."""
    words = FIXED.sub(" ", text)
    seen = re.sub(r"<[^>]*>", "", re.sub(FORMULA, "x", text, flags=re.S)).rstrip()
    if re.search(r"[^\W\d_]{2}", words) and not re.search(r"[.?!](?:[)’”]|&quot;)*$", seen):
        return f"{text}."
    return text


def said(text):
    """HTML of a claim, a correction or a reason, as a sentence."""
    return setting(ended(text))


def ours(text):
    """HTML of a claim of our own, which no paper prints: without "Not in the paper:"."""
    text = text.removeprefix("Not in the paper: ")
    return text[:1].upper() + text[1:]


def verdict(text):
    """HTML of a verdict's box, but for the broken formulas, which are code."""
    if 'id="verdict-beyond-' in text:
        text = re.sub(r"(?<=<p>)Printed: ([^<]*)", lambda m: f"Ours: {ours(m[1])}", text)
    words, code, broken = text.partition("<p>Refused when broken:")
    return setting(CLAIM.sub(lambda m: f"{m[1]}: {ended(m[2])}", words)) + code + broken


def picture(text):
    """HTML of a figure or an explorer: its caption, and the numbers of its text alternatives."""
    text = re.sub(r"(?s)(?<=<figcaption>).*?(?=</figcaption>)", lambda m: setting(m[0]), text)
    text = re.sub(r'(?<=aria-label=")[^"]*(?=")', lambda m: numbers(m[0]), text)
    text = re.sub(r'(?<=<p class="explorer-alt" aria-live="polite">)[^<]*', lambda m: numbers(m[0]), text)
    return re.sub(r'(?s)(?<=<script type="application/json">).*?(?=</script>)', _states, text)


def _states(found):
    data = json.loads(found[0])
    data["alts"] = [numbers(alt) for alt in data["alts"]]
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


class WordsOfOutputs(SphinxPostTransform):
    default_priority = 900
    formats = ("html",)

    def run(self):
        for node in self.document.findall(nodes.raw):
            text = node.astext()
            if text.startswith('<div class="verdict"'):
                node[:] = [nodes.Text(verdict(text))]
            elif text.startswith('<figure class="picture'):
                node[:] = [nodes.Text(picture(text))]
