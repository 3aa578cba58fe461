"""One claim, one computed verdict, and broken twins that the same test must refuse.

    check("eq:84", printed="ln((2 - a)/(2*sqrt(1 - a)))",
          derived=gamma_star, where={a: (-oo, 0)})

`printed` is typed from the paper, as a string: it cannot be the derived object in disguise.
`derived` is what the notebook computed: a SymPy expression, interval, matrix or tuple of them; a
`Bounded` number; a `Sampled` statistic; or a function that tests the printed value. The verdict
follows from comparing the two. Before it is given, `check` breaks the side that holds (a factor,
a sign, a shift) and runs the same comparison; a comparison that lets a broken twin pass is empty
and raises `CheckError`, as does any disagreement for which no correction is offered.
"""

import html
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

import numpy as np
import sympy as sp
from scipy import stats

from saddles.symbols import BY_NAME

KINDS = {"eq": "equation", "def": "definition", "lemma": "lemma", "thm": "theorem",
         "prop": "proposition", "ex": "example", "fig": "figure", "claim": "claim",
         "beyond": "claim"}
METHODS = ("symbolic", "exact", "numeric", "simulation", "argument")
SEVERITIES = ("typo", "substantive")
KEY = "saddles_verdict"  # under which an output's metadata carries the ledger's entry
DIGITS, POINTS, SEED = 40, 12, 20211109  # refutation: 12 rational points, 40 digits


class CheckError(AssertionError):
    """A claim does not hold as entered, or its check is empty."""


def _number(name, value):
    """`value`, a number or an expression without symbols, as a finite float, else ValueError."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    return number


def _words(**texts):
    """Refuses what is neither text nor None."""
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise ValueError(f"{name} must be words, got {text!r}")


def _one_of(name, value, allowed):
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
    return value


def _domain(name, where):
    """Refuses what is not {symbol: (low, high)} with low < high."""
    if where is None:
        return
    good = isinstance(where, dict) and all(
        isinstance(s, sp.Symbol) and isinstance(ends, tuple) and len(ends) == 2
        and sp.simplify(ends[1]) != sp.simplify(ends[0]) for s, ends in where.items())
    if not good:
        raise ValueError(f"{name} must be {{symbol: (low, high)}}, got {where!r}")


def _names(names):
    if names is not None and not isinstance(names, dict):
        raise ValueError(f"names must be {{name: symbol}}, got {names!r}")
    return names or {}


@dataclass(frozen=True)
class Bounded:
    """A number known up to `error` (absolute, same unit as `value`)."""

    value: object
    error: object

    def __post_init__(self):
        _number("value", self.value)
        if _number("error", self.error) < 0:
            raise ValueError(f"error must be a finite number >= 0, got {self.error!r}")


@dataclass(frozen=True)
class Sampled:
    """A statistic from `n` runs with `seed`: an estimate and its standard error.

    A printed value is refused when it is further away than a normal error would be with
    probability `alarm`: the false-alarm rate of this check. All of the book's are added up, and
    have a budget (tests/alarms.py), so leave it as it is.
    """

    mean: float
    stderr: float
    n: int
    seed: int
    alarm: float = 1e-9

    def __post_init__(self):
        _number("mean", self.mean)
        if _number("stderr", self.stderr) <= 0:
            raise ValueError(f"stderr must be a finite number > 0, got {self.stderr!r}")
        if not isinstance(self.n, (int, np.integer)) or self.n < 1:
            raise ValueError(f"n must be a whole number >= 1, got {self.n!r}")
        if not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise ValueError(f"seed must be a whole number >= 0, got {self.seed!r}")
        if not 0 < _number("alarm", self.alarm) < 1:
            raise ValueError(f"alarm must be in (0, 1), got {self.alarm!r}")


@dataclass(frozen=True)
class Step:
    """A step of an argument: its text and how it was tested."""

    says: str
    method: str
    twins: tuple
    alarm: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What the ledger records of one claim; displays as a badge."""

    id: str
    kind: str
    verdict: str
    severity: str | None
    method: str | None
    printed: str
    corrected: str | None
    reason: str
    twins: tuple = field(default=())
    changes: str | None = None
    conversion: str | None = None
    setup: str | None = None
    alarm: float = 0.0  # how often the check refuses a true statement by chance, at most

    def record(self):
        """The ledger's entry, without chapter and anchor, which the build adds."""
        return {k: getattr(self, k) for k in ("id", "kind", "verdict", "severity", "method",
                                              "printed", "corrected", "reason")}

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = {"text/html": badge(self), "text/plain": f"{self.id}: {self.verdict}"}
        return shown, {KEY: self.record() | {"twins": list(self.twins), "changes": self.changes,
                                             "conversion": self.conversion, "setup": self.setup,
                                             "alarm": self.alarm}}


def parse(text, names=None):
    """A formula typed from the paper -> SymPy, in the symbols of `saddles.symbols`.

    `names` adds symbols by name. Raises ValueError for an unknown name or what is no formula.
    """
    return _parse("text", text, names)


def _parse(argument, text, names):
    if not isinstance(text, str):
        raise ValueError(f"{argument} must be a formula, got {text!r}")
    known = BY_NAME | _names(names)
    try:
        value = sp.sympify(text, locals=known)
    except (sp.SympifyError, SyntaxError, TypeError, AttributeError) as error:
        raise ValueError(f"{argument} must be a formula, got {text!r}") from error
    unknown = _symbols(value) - set(known.values())
    if unknown:
        raise ValueError(f"{argument} must use the names {sorted(known)} only, got {unknown} in {text!r}")
    return value


def _is_test(derived):
    """Whether `derived` is a function that tests the printed value."""
    return callable(derived) and not isinstance(derived, (sp.Basic, type))


def _comparable(name, value):
    """Refuses what cannot be compared: no expression, set, truth value, or tuple of them."""
    parts = _parts(value)
    if parts is not None:
        for part in parts:
            _comparable(name, part)
        return
    if isinstance(value, (Bounded, Sampled)) and name == "derived":
        return
    try:
        found = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError):
        found = sp.nan
    good = isinstance(found, (sp.Expr, sp.Set, sp.logic.boolalg.Boolean)) and not isinstance(value, (set, complex))
    if not good or getattr(found, "is_Matrix", False) or found.has(sp.nan, sp.zoo):
        raise ValueError(f"{name} must be a formula, a set, True, False or a tuple of these, got {value!r}")


def _symbols(value):
    if isinstance(value, (tuple, list)):
        return set().union(*map(_symbols, value)) if value else set()
    return getattr(value, "free_symbols", set())


def _parts(value):
    """Tuples, lists and matrices as a tuple of entries; None for a single thing."""
    if isinstance(value, (tuple, list, sp.Tuple)):
        return tuple(value)
    if isinstance(value, sp.MatrixBase):
        return tuple(value)
    return None


# --- does it hold? -------------------------------------------------------------------------------

def holds(printed, derived, where=None):
    """Whether `printed` agrees with `derived`: (bool, why), `why` naming a witness if it does not.

    Raises CheckError when neither a proof nor a witness is found.
    """
    _domain("where", where)
    _comparable("printed", printed)
    if not isinstance(derived, (Bounded, Sampled)) and not _is_test(derived):
        _comparable("derived", derived)
    if _is_test(derived):
        answer = derived(printed)
        if answer not in (True, False):
            raise CheckError(f"the test must answer True or False, got {answer!r}")
        return bool(answer), f"the test answers {bool(answer)} for {_text(printed)}"
    if _parts(derived) is not None:
        left, right = _parts(printed), _parts(derived)
        if left is None or len(left) != len(right):
            return False, "the two sides differ in their number of parts"
        answers = [holds(p, d, where) for p, d in zip(left, right)]
        return all(ok for ok, _ in answers), "; ".join(why for ok, why in answers if not ok)
    if isinstance(derived, (Bounded, Sampled)):
        return _near(printed, derived)
    if isinstance(derived, (bool, sp.logic.boolalg.BooleanAtom)):
        return bool(printed) == bool(derived), f"printed {printed}, derived {derived}"
    derived = sp.sympify(derived)
    if isinstance(derived, sp.Set):
        return _same_set(sp.sympify(printed), derived, where)
    if _parts(printed) is not None or not isinstance(sp.sympify(printed), sp.Expr):
        return False, f"printed {printed} is no expression"
    domain = tuple((symbol, tuple(ends)) for symbol, ends in (where or {}).items())
    return _same(sp.sympify(printed), derived, domain)


def _near(printed, derived):
    if isinstance(derived, Sampled):
        z = abs(float(printed) - derived.mean) / derived.stderr
        limit = stats.norm.isf(derived.alarm / 2)
        return bool(z <= limit), f"{derived.mean:.6g} measured, {z:.3g} standard errors from {float(printed):.6g}"
    gap = abs(sp.N(printed, DIGITS) - sp.N(derived.value, DIGITS))
    return bool(gap <= derived.error), f"computed {sp.N(derived.value, 8)}, printed {sp.N(printed, 8)}"


def _alarm(derived):
    """The sum of the false-alarm rates of all that is sampled in `derived`."""
    if isinstance(derived, Sampled):
        return derived.alarm
    return sum((_alarm(part) for part in _parts(derived) or ()), 0.0)


def _same_set(printed, derived, where):
    if not (isinstance(printed, sp.Interval) and isinstance(derived, sp.Interval)):
        return printed == derived, f"printed {printed}, derived {derived}"
    if (printed.left_open, printed.right_open) != (derived.left_open, derived.right_open):
        return False, "an end point belongs to one set and not to the other"
    return holds((printed.start, printed.end), (derived.start, derived.end), where)


@lru_cache(maxsize=4096)
def _same(printed, derived, where):
    """Equality of two expressions: refuted by a rational witness, or proved by SymPy.

    `where`: pairs. Answers are kept, as a broken twin of one part leaves the other parts as they are.
    """
    where = dict(where)
    if printed == derived:
        return True, ""
    difference = printed - derived
    point = _witness(difference, where)
    if point is not None:
        at = ", ".join(f"{s} = {v}" for s, v in point.items())
        values = " but ".join(f"{name} {sp.N(side.subs(point), 6)}"
                              for name, side in (("printed", printed), ("derived", derived)))
        return False, f"at {at}: {values}" if at else values
    if _proved_zero(difference, where):
        return True, ""
    raise CheckError(f"undecided: {difference} is zero at {POINTS} points, but SymPy cannot prove it")


def _draw(symbol, where, random):
    low, high = where.get(symbol, (0 if symbol.is_positive else -3, 3))
    if symbol.is_integer:
        return sp.Integer(random.randint(max(int(low), 1), 12))
    if low == -sp.oo:
        low = high - 4 if high != sp.oo else -2
    if high == sp.oo:
        high = low + 4
    return sp.sympify(low) + (sp.sympify(high) - low) * sp.Rational(random.randint(1, 998), 999)


def _witness(difference, where):
    """A point of the domain at which `difference` is certainly not zero, or None."""
    random, symbols = Random(SEED), sorted(difference.free_symbols, key=str)
    for _ in range(POINTS if symbols else 1):
        point = {s: _draw(s, where, random) for s in symbols}
        value = sp.N(difference.subs(point), DIGITS)
        if not value.is_number or value is sp.nan:
            raise CheckError(f"undecided: {difference} has no number at {point}")
        if abs(value) > sp.Float(10) ** (10 - DIGITS):
            return point
    return None


def _proved_zero(difference, where):
    for candidate in (difference, difference.subs(_positive_coordinates(difference, where))):
        for attempt in (sp.expand, sp.simplify, lambda e: sp.simplify(sp.expand_log(sp.factor(e), force=False)),
                        lambda e: sp.simplify(sp.expand_log(sp.simplify(e), force=True)), sp.radsimp):
            if attempt(candidate) == 0:
                return True
    return False


def _positive_coordinates(expression, where):
    """Each bounded symbol as a function of a positive one, so that SymPy sees the signs."""
    new = {}
    for symbol, (low, high) in where.items():
        if symbol in expression.free_symbols and not symbol.is_integer:
            u = sp.Dummy(f"u_{symbol}", positive=True)
            if low == -sp.oo and high != sp.oo:
                new[symbol] = high - u
            elif high == sp.oo and low != -sp.oo:
                new[symbol] = low + u
            elif low != -sp.oo:
                new[symbol] = (low + high * u) / (1 + u)
    return new


# --- broken twins --------------------------------------------------------------------------------

def twins(value):
    """Broken versions of a value as (how, value): a factor, a sign, a shift, an end point."""
    _comparable("value", value)
    parts = _parts(value)
    if parts is not None:
        return [(f"part {i + 1}: {how}", parts[:i] + (twin,) + parts[i + 1:])
                for i, part in enumerate(parts) for how, twin in twins(part)]
    if isinstance(value, (bool, sp.logic.boolalg.BooleanAtom)):
        return [("negated", not bool(value))]
    if isinstance(value, sp.Interval):
        low, high, lo, ro = value.start, value.end, value.left_open, value.right_open
        new = [(f"lower end {how}", sp.Interval(e, high, lo, ro)) for how, e in twins(low)]
        new += [(f"upper end {how}", sp.Interval(low, e, lo, ro)) for how, e in twins(high)]
        if low != -sp.oo:
            new.append(("lower end open or closed", sp.Interval(low, high, not lo, ro)))
        if high != sp.oo:
            new.append(("upper end open or closed", sp.Interval(low, high, lo, not ro)))
        return new
    if value in (sp.oo, -sp.oo):
        return [("sign changed", -value)]
    new = [("doubled", 2 * value), ("sign changed", -value), ("shifted by 1", value + 1)]
    return [(how, twin) for how, twin in new if twin != value]


def _refused(value, derived, where, broken):
    """The twins that the comparison refuses. An equality must refuse all, a test at least one."""
    made = twins(value)
    failing = [how for how, twin in made if not holds(twin, derived, where)[0]]
    if not failing or (len(failing) < len(made) and not callable(derived)):
        passed = [how for how, _ in made if how not in failing]
        raise CheckError(f"empty check: it lets a broken twin pass ({', '.join(passed) or 'no twin'})")
    for text, twin in broken:
        if holds(twin, derived, where)[0]:
            raise CheckError(f"empty check: the broken formula {text} passes")
        failing.append(text if isinstance(text, str) else ", ".join(text))
    return tuple(failing)


# --- verdicts ------------------------------------------------------------------------------------

def check(id, printed, derived, *, says=None, where=None, corrected=None, instead=None, only=None,
          severity=None, reason=None, changes=None, conversion=None, setup=None, method=None, broken=(),
          names=None):
    """Compute the verdict on one claim of the paper.

    id         the ledger's id, e.g. "eq:8" or "claim:6.1-minima"
    printed    the printed side, typed from the paper: a string, or a tuple of strings for a chain
    derived    what was computed (see the module); a function needs `method`
    says       the printed claim in words ($...$ for formulas), if the formula alone does not say it;
               words that end in "is", "by", "to", ... are completed by the printed formula
    where      {symbol: (low, high)}: the open domain on which the paper states it
    corrected  the statement that holds instead, a string like `printed`; `instead`: in words
    only       {symbol: (low, high)}: the smaller domain on which it holds
    severity   "typo" or "substantive"; needed if it is corrected, refused if it is not
    reason     one sentence; by default the witness that was found
    changes    if it is corrected: what that changes downstream, which results survive
    conversion if the text conversion of the paper may be to blame: which character
    setup      for a figure: parameters, runs, seed, and what the paper leaves out
    broken     further broken formulas (strings) that the comparison must refuse
    names      {name: symbol} for formulas with symbols that are not in `saddles.symbols`

    Returns a Verdict. Raises CheckError if printed and derived disagree and no correction holds,
    if a correction is offered that is not needed, or if the check is empty; ValueError for bad
    arguments.
    """
    kind = _kind(id)
    _words(says=says, instead=instead, reason=reason, changes=changes, conversion=conversion, setup=setup)
    method = _method(derived, method)
    _refuse_same(printed, derived)
    _domain("only", only)
    if corrected is not None:
        _typed("corrected", corrected)
    if severity is not None:
        _one_of("severity", severity, SEVERITIES)
    broken = _typed_list(broken)
    value, target, domain = _parse_any(printed, names), derived, where
    if value == 0 and value is not False and printed not in ("0", ("0",)):
        raise CheckError(f"empty check: the printed side {printed!r} is zero whatever its symbols are")
    ok, why = holds(value, target, domain)
    fixing = corrected is not None or only is not None
    if ok and (fixing or severity or changes):
        raise CheckError(f"{id} holds as printed; there is nothing to correct")
    right = None
    if not ok:
        if not fixing:
            raise CheckError(f"{id} does not hold as printed: {why}")
        if severity is None:
            raise ValueError(f"severity must be one of {SEVERITIES} for a corrected claim, got None")
        value = _parse_any(printed, names) if corrected is None else _parse_any(corrected, names, "corrected")
        domain = where if only is None else only
        ok_now, why_not = holds(value, target, domain)
        if not ok_now:
            raise CheckError(f"{id}: the correction does not hold either: {why_not}")
        right = instead or _text(corrected if corrected is not None else printed, names, only)
    refused = _refused(value, target, domain, [(text, _parse_any(text, names, "broken")) for text in broken])
    verdict = "corrected" if not ok else "consistent" if method == "simulation" else "verified"
    return Verdict(id, kind, verdict, severity, method, _sayings(says, _text(printed, names)), right,
                   reason or ("" if ok else _sentence(why)), refused, changes, conversion, setup,
                   _alarm(derived))


def step(says, printed, derived, *, where=None, method=None, broken=(), names=None):
    """A step of an argument, tested like a claim. Returns a Step; raises CheckError if it fails."""
    _words(says=says)
    method = _method(derived, method)
    _refuse_same(printed, derived)
    broken = _typed_list(broken)
    value = _parse_any(printed, names)
    ok, why = holds(value, derived, where)
    if not ok:
        raise CheckError(f"the step '{says}' fails: {why}")
    refused = _refused(value, derived, where, [(s, _parse_any(s, names, "broken")) for s in broken])
    return Step(says, method, refused, _alarm(derived))


def argue(id, says, steps, *, counter=None, instead=None, severity=None, reason=None, changes=None,
          conversion=None, setup=None):
    """The verdict on a claim that rests on a proof in words, whose steps are tested.

    `steps`: results of `step`, at least one. If the printed claim is wrong, `counter` is a `step`
    that shows a counterexample, `instead` the statement that the steps support, and `severity` is
    needed; `changes`, `conversion` and `setup` are as in `check`. Returns a Verdict: "argued", or
    "corrected" by argument.
    """
    kind, steps = _kind(id), tuple(steps) if isinstance(steps, (tuple, list)) else ()
    _words(says=says, instead=instead, reason=reason, changes=changes, conversion=conversion, setup=setup)
    if not steps or not all(isinstance(s, Step) for s in steps):
        raise ValueError("steps must hold at least one result of step(...), and nothing else")
    if not isinstance(counter, Step | None):
        raise ValueError(f"counter must be a result of step(...), got {counter!r}")
    if (counter is None) != (instead is None) or (counter is None) != (severity is None):
        raise ValueError("counter, instead and severity belong together")
    if severity is not None:
        _one_of("severity", severity, SEVERITIES)
    verdict = "corrected" if counter else "argued"
    why = reason or (counter.says if counter else "A proof in words; tested: "
                     + "; ".join(s.says for s in steps) + ".")
    every = steps + ((counter,) if counter else ())
    return Verdict(id, kind, verdict, severity, "argument", says, instead, why,
                   tuple(f"{s.says}: {twin}" for s in every for twin in s.twins), changes, conversion,
                   setup, sum(s.alarm for s in every))


def define(id, says):
    """A definition: nothing to check, so the ledger says just that."""
    kind = _kind(id)
    _words(says=says)
    return Verdict(id, kind, "definition", None, None, says, None, "A definition.")


def _kind(id):
    kind = KINDS.get(str(id).partition(":")[0])
    if kind is None or not re.fullmatch(r"[a-z]+:[A-Za-z0-9.\-]+", id):
        raise ValueError(f"id must look like eq:8 with a kind of {sorted(KINDS)}, got {id!r}")
    return kind


def _method(derived, method):
    natural = {Sampled: "simulation", Bounded: "numeric"}.get(type(derived))
    if natural is None and _is_test(derived) and method is None:
        raise ValueError(f"method must be one of {METHODS} when derived is a test")
    if method is not None:
        _one_of("method", method, METHODS)
    if natural is not None and method not in (None, natural):
        raise ValueError(f"method must be {natural!r} for {type(derived).__name__}, got {method!r}")
    return method or natural or "symbolic"


def _refuse_same(printed, derived):
    """A check of a thing against itself is empty: the printed side is text, the derived is not."""
    _typed("printed", printed)
    if isinstance(derived, str) or any(isinstance(d, str) for d in _parts(derived) or ()):
        raise ValueError("derived must be computed, not typed")


def _typed(name, text):
    parts = text if isinstance(text, tuple) else (text,)
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{name} must be typed from the paper: a string or a tuple of strings, got {text!r}")


def _typed_list(broken):
    if not isinstance(broken, (tuple, list)):
        raise ValueError(f"broken must be a list of formulas, got {broken!r}")
    for text in broken:
        _typed("broken", text)
    return broken


def _parse_any(text, names, argument="printed"):
    if isinstance(text, tuple):
        return tuple(_parse(argument, part, names) for part in text)
    value = _parse(argument, text, names)
    return bool(value) if isinstance(value, sp.logic.boolalg.BooleanAtom) else value


def _text(value, names=None, only=None):
    """LaTeX in $...$ of a printed side, with the domain it holds on."""
    parts = value if isinstance(value, tuple) else (value,)
    text = ", ".join(f"${_latex(p, names)}$" for p in parts)
    if only:
        limits = ", ".join(f"${sp.latex(lo)} < {sp.latex(s)} < {sp.latex(hi)}$" for s, (lo, hi) in only.items())
        text += f" for {limits}"
    return text


def _latex(value, names):
    if not isinstance(value, str):
        return sp.latex(value)
    try:  # as printed, not as SymPy would rearrange it
        with sp.evaluate(False):
            text = sp.latex(sp.sympify(value, locals=BY_NAME | (names or {})), ln_notation=True)
    except (TypeError, ValueError, AttributeError, RecursionError):  # not all can be built unevaluated
        return sp.latex(parse(value, names), ln_notation=True)
    return re.sub(r"\b1 (?:\\cdot )?(?=\\frac\{1\})", "", text)  # unevaluated, 1/x is "1 times 1/x"


def _sayings(says, formula):
    if not says:
        return formula
    return f"{says} {formula}" if re.search(r"\b(is|are|by|to|of|at|from)$|:$", says) else says


def _sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def typeset(text):
    """Words with $...$ as HTML in which MathJax finds the formulas."""
    if not isinstance(text, str):
        raise ValueError(f"text must be words, got {text!r}")
    pieces = re.split(r"\$([^$]+)\$", text)
    return "".join(rf'<span class="math notranslate nohighlight">\({html.escape(p)}\)</span>' if i % 2
                   else html.escape(p) for i, p in enumerate(pieces))


def slug(id):
    """The id as an HTML anchor: eq:8 -> eq-8, claim:6.1-minima -> claim-6-1-minima."""
    if not isinstance(id, str):
        raise ValueError(f"id must be a string, got {id!r}")
    return re.sub(r"[^A-Za-z0-9]+", "-", id)


def badge(v):
    """The verdict as HTML: what a reader needs at once, and how it was checked behind a click."""
    if not isinstance(v, Verdict):
        raise ValueError(f"v must be a Verdict, got {v!r}")
    how = " · ".join(x for x in (v.severity, v.method) if x)
    fixed = f"<p>Instead: {typeset(v.corrected)}</p>" if v.corrected else ""
    reason = f"<p>{typeset(v.reason)}</p>" if v.reason else ""
    after = f"<p>What it changes: {typeset(v.changes)}</p>" if v.changes else ""
    blame = f"<p>The text conversion may be to blame: {typeset(v.conversion)}</p>" if v.conversion else ""
    twins = f"<p>Refused when broken: {html.escape('; '.join(v.twins))}.</p>" if v.twins else ""
    return (f'<div class="verdict" data-verdict="{v.verdict}" id="verdict-{slug(v.id)}">'
            f'<p><a href="ledger.html#{slug(v.id)}">{html.escape(v.id)}</a> <b>{v.verdict}</b> '
            f"<small>{how}</small></p>{fixed}<details><summary>why, and how it was checked</summary>"
            f"<p>Printed: {typeset(v.printed)}</p>{reason}{after}{blame}{twins}</details></div>")
