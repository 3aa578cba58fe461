"""The book's losses, each once, as a SymPy expression; everything else is derived from it.

The NumPy code of a gradient or of an SGD step is generated here from that same expression: in-place
ufunc calls in Horner form, so that w^3 is never a power and nothing is allocated; for SGD in units
in which the highest power has the factor 1.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import sympy as sp

from ._arguments import floats
from .noise import aligned
from .symbols import a, b, lam, w, w1, w2, x


@dataclass(frozen=True)
class Landscape:
    """A sampled loss L^(w; x): `loss`, a SymPy expression in the symbols `coords` and in x."""

    loss: sp.Expr
    coords: tuple

    def __post_init__(self):
        object.__setattr__(self, "loss", _expression("loss", self.loss))
        coords = tuple(self.coords) if np.iterable(self.coords) else ()
        object.__setattr__(self, "coords", coords)
        if not coords or not all(isinstance(c, sp.Symbol) for c in coords):
            raise ValueError(f"coords must be SymPy symbols, at least one, got {self.coords!r}")
        if x in self.coords:
            raise ValueError("coords must not contain x, the data")

    @property
    def dim(self):
        """The number of coordinates D of w."""
        return len(self.coords)

    @property
    def gradient(self):
        """The tuple of partial derivatives, in the order of `coords`."""
        return tuple(sp.diff(self.loss, c) for c in self.coords)

    @property
    def hessian(self):
        """The Matrix of second derivatives; its trace is the sharpness of Definition 3."""
        return sp.hessian(self.loss, self.coords)

    def expected(self, law_or_mean):
        """L(w) = E[L^(w; x)], eq. (1), as a Landscape without x: exact, as the loss is linear in x.

        `law_or_mean`: a law of saddles.noise, or E[x]. ValueError if the loss is not linear in x.
        """
        if sp.diff(self.loss, x, 2).simplify() != 0:
            raise ValueError(f"loss must be linear in x to take its mean, got {self.loss}")
        mean = getattr(law_or_mean, "mean", law_or_mean)
        return Landscape(self.loss.subs(x, _expression("law_or_mean", mean)), self.coords)

    @cached_property
    def params(self):
        """The free symbols that are neither coordinates nor x, sorted by name."""
        return tuple(sorted(self.loss.free_symbols - {*self.coords, x}, key=str))

    def at(self, **params):
        """The same landscape with values for its parameters, by name: two_minima.at(a=1, b=4)."""
        known = {str(symbol): symbol for symbol in self.params}
        for name in params:
            if name not in known:
                raise ValueError(f"{name} is no parameter of this loss; it has {sorted(known)}")
        values = {known[k]: _expression(k, value) for k, value in params.items()}
        return Landscape(self.loss.subs(values), self.coords)

    @property
    def is_quadratic(self):
        """Whether the loss is a multiple of w^2, so that SGD multiplies w by a number."""
        return _is_quadratic(self)

    def numpy_gradient(self):
        """grad(w, x) -> array of the shape of w, generated from `loss`.

        `w`: float array of shape (n,) if dim is 1, else (dim, n); `x`: number or array (n,).
        ValueError if a parameter has no value yet, or if w has another shape.
        """
        code = self.code("gradient")

        def grad(w, x):
            w = _points(self, w)
            out = np.empty_like(w)
            step, (alpha, beta) = code.bind(w, out)
            step(alpha + beta * _data(x, w.shape[1:]))
            return out if self.dim > 1 else out[0]

        return grad

    def code(self, kind):
        """Generated code, a `Code`: kind "gradient", or "sgd" for w <- w - lambda gradient."""
        if self.params:
            names = ", ".join(f"{p}=..." for p in self.params)
            raise ValueError(f"every parameter needs a value first: .at({names})")
        if not isinstance(kind, str) or kind not in ("gradient", "sgd"):
            raise ValueError(f'kind must be "gradient" or "sgd", got {kind!r}')
        return _code(self, kind)


def _points(landscape, w):
    """`w` as a float array (dim, n)."""
    w = _floats("w", w)
    ndim = 1 if landscape.dim == 1 else 2
    if w.ndim != ndim or (ndim == 2 and len(w) != landscape.dim) or not w.size:
        shape = "(n,)" if ndim == 1 else f"({landscape.dim}, n)"
        raise ValueError(f"w must have shape {shape} with n >= 1, got {w.shape}")
    return w.reshape(landscape.dim, -1)


def _data(x, shape):
    """`x` as a float array of that shape."""
    x = _floats("x", x)
    if x.shape not in ((), shape):
        raise ValueError(f"x must be a number or have shape {shape}, got {x.shape}")
    return np.broadcast_to(x, shape)


def _floats(name, value):
    """`value` as a float array without nan, else ValueError."""
    array = floats(name, value)
    if np.isnan(array).any():
        raise ValueError(f"{name} must be real numbers, got {value!r}")
    return array


def _expression(name, value):
    """`value` as a SymPy expression that is not known to be infinite, imaginary or nan."""
    try:
        expression = sp.sympify(value, strict=True)
    except (sp.SympifyError, TypeError):
        expression = sp.nan
    if (not isinstance(expression, sp.Expr) or expression.is_Matrix
            or expression.has(sp.nan, sp.zoo, sp.I)
            or expression.is_finite is False):
        raise ValueError(f"{name} must be a finite number or a SymPy expression, got {value!r}")
    return expression


quadratic = Landscape(x * w**2 / 2, (w,))  # eq. (4)

# eq. (10); its parameters a and b are given with .at
two_minima = Landscape(
    (-((w1 - w2) ** 2) - (w1 + w2) ** 2 + (w1 - w2) ** 4 + (w1 + w2) ** 4
     - 2 * a * w2**2 + x * b * w1**2) / 2,
    (w1, w2),
)


def quartic(c2, c4):
    """c2 x w^2 + c4 w^4.

    The paper has three: (1/2, 1/4) in 6.1, (1/2, 1) under Figure 1, (1, 1) in a remark of 5.1.
    Numbers or SymPy expressions; ValueError if one is not.
    """
    c2, c4 = _expression("c2", c2), _expression("c4", c4)
    return Landscape(c2 * x * w**2 + c4 * w**4, (w,))


# From an expression to in-place NumPy.


@dataclass(frozen=True)
class Code:
    """Generated code; `source` is meant to be read.

    Its noise y = alpha + beta x takes over all that is linear in x and can be done once per value
    of x instead of once per walker: for SGD on the quadratic, y = 1 - lambda x and w *= y.
    """

    source: str
    noise: tuple
    unit: sp.Expr
    constants: tuple
    registers: int

    def scale(self, lr):
        """s(lambda): "sgd" moves W = s w, e.g. s^2 = lambda for w <- w - lambda (x w + w^3).

        `lr`: lambda > 0, or c >= 1 of them in an array (c,); then s has shape (c, 1). s = 1 if the
        loss is quadratic or no polynomial, or if each term of the highest degree has x as a factor.
        """
        evaluate = _evaluate((self.unit,))
        if not floats("lr", lr).size:
            raise ValueError(f"lr must be a number > 0 or a sequence of them, got {lr!r}")
        if np.ndim(lr) == 0:
            return float(evaluate(_rate(lr))[0])
        return np.array([evaluate(_rate(rate)) for rate in lr], dtype=float)

    def bind(self, w, out, lr=1.0):
        """(step, (alpha, beta)): step(y) reads the rows of `w` and writes those of `out`.

        `w`, `out`: float arrays (dim, n); for "sgd" they are the same array, of W = s w with s from
        `scale`. `lr`: lambda > 0, of no meaning for "gradient". With c rates, an array (c,): `w`,
        `out` (dim, c, n), a rate for each row, and alpha, beta (c, 1).
        """
        for name, array in (("w", w), ("out", out)):
            if not isinstance(array, np.ndarray) or array.dtype != float or array.ndim not in (2, 3):
                raise ValueError(f"{name} must be a float array of shape (dim, n), got {array!r}")
        if w.shape != out.shape:
            raise ValueError(f"w and out must have the same shape, got {w.shape} and {out.shape}")
        evaluate, shape = _evaluate(self.noise + self.constants), w.shape[1:]
        if w.ndim == 2:
            alpha, beta, *constants = evaluate(_rate(lr))
            # arrays of no dimension: NumPy needs a third of a microsecond for each Python number
            constants = [np.array(float(k)) for k in constants]
        else:
            if np.shape(lr) != shape[:1]:
                raise ValueError(f"lr must be {shape[0]} rates, one for each row of w, got {lr!r}")
            numbers = np.array([evaluate(_rate(rate)) for rate in lr], dtype=float)
            alpha, beta, *constants = numbers.T[..., None]
            # full arrays: NumPy takes twice as long to spread a column over its rows
            constants = [np.array(k[0, 0]) if np.all(k == k[0])
                         else aligned(1, w[0].size, np.repeat(k, shape[1])).reshape(shape)
                         for k in constants]
        temporaries = aligned(self.registers, w[0].size).reshape(-1, *shape)
        step = _make(self.source)(list(w), list(out), list(temporaries), constants)
        return step, (alpha, beta)


def _rate(lr):
    if isinstance(lr, bool) or not isinstance(lr, (int, float, np.number)) or not 0 < lr < 1e308:
        raise ValueError(f"lr must be a finite number > 0, got {lr!r}")
    return float(lr)


@lru_cache(maxsize=256)
def _is_quadratic(landscape):
    slope = sp.cancel(landscape.gradient[0] / landscape.coords[0])
    return landscape.dim == 1 and not slope.has(*landscape.coords)


@lru_cache(maxsize=256)
def _evaluate(expressions):
    return sp.lambdify(lam, expressions, "math")


@lru_cache(maxsize=256)
def _make(source):
    names = {}
    code = compile(source, "<generated by saddles.landscapes>", "exec")
    exec(code, vars(np).copy(), names)  # noqa: S102 - our own source, from a SymPy expression
    return names["make"]


@lru_cache(maxsize=256)
def _code(landscape, kind):
    coords, gradient, unit = landscape.coords, [_exact(g) for g in landscape.gradient], sp.Integer(1)
    if kind == "gradient":
        outputs = gradient
    else:
        moves, unit = [lam * g for g in gradient], _unit(gradient, coords)
        if unit != 1:  # a polynomial: expanding anything else may lose all digits
            moves = [sp.expand(unit * m.xreplace({c: c / unit for c in coords})) for m in moves]
        outputs = [c - m for c, m in zip(coords, moves)]
    outputs = [_horner(output, coords, c) for output, c in zip(outputs, coords)]
    outputs, noise = _fold_noise(outputs, coords)
    return _Compiler(coords, in_place=kind == "sgd").compile(outputs, noise, unit)


_y = sp.Dummy("y", real=True)


def _exact(expression):
    """Floats as the fractions they are: rounding happens once, when constants are evaluated."""
    return expression.xreplace({f: sp.Rational(f) for f in expression.atoms(sp.Float)})


def _unit(gradient, coords):
    """s > 0 such that the most frequent factor of the highest powers in a step of W = s w is 1 or -1."""
    try:
        terms = [(sum(powers[:-1]), powers[-1], abs(factor)) for g in gradient
                 for powers, factor in sp.Poly(g, *coords, x).terms()]
    except sp.PolynomialError:
        return sp.Integer(1)
    degree = max(degree for degree, _, _ in terms)
    top = [factor for d, power_of_x, factor in terms if d == degree and power_of_x == 0]
    factor = max(top, key=top.count, default=0)
    if degree < 2 or not 1e-100 < factor < 1e100:  # none, or one that would push W out of range
        return sp.Integer(1)
    return (lam * factor) ** sp.Rational(1, degree - 1)


def _horner(expression, coords, coordinate):
    """A polynomial as c0 + w (c1 + w (c2 + ...)) in `coordinate`; anything else as it is."""
    try:
        terms = sp.Poly(expression, *coords, x).terms()
    except sp.PolynomialError:
        return expression
    index = coords.index(coordinate)
    by_degree = {}
    for powers, coefficient in terms:
        others = [g**p for g, p in zip((*coords, x), powers) if g != coordinate]
        by_degree.setdefault(powers[index], []).append(sp.Mul(coefficient, *others))
    nested = sp.Integer(0)
    for degree in range(max(by_degree), -1, -1):
        nested = nested * coordinate + sp.Add(*by_degree.get(degree, []))
    return nested


def _fold_noise(outputs, coords):
    """(outputs in terms of y, (alpha, beta)) with y = alpha + beta x doing as much as possible."""
    nodes = {n for output in outputs for n in sp.preorder_traversal(output) if n.has(x)}
    free = lambda e: not e.has(*coords, x)
    for kind in (sp.Add, sp.Mul):
        found = set()
        for node in (n for n in nodes if isinstance(n, kind)):
            if kind is sp.Mul:
                if x in node.args:
                    found.add((sp.Integer(0), sp.Mul(*[f for f in node.args if free(f)])))
                continue
            slope = sum(t / x for t in node.args if free(t / x))
            if slope != 0:
                found.add((sum(t for t in node.args if free(t)), slope))
        if len(found) == 1:
            alpha, beta = found.pop()
            back = {n: sp.Add(*[t for t in n.args if not free(t) and not free(t / x)], _y) if kind is sp.Add
                    else sp.Mul(*[f for f in n.args if f != x and not free(f)], _y)
                    for n in nodes
                    if isinstance(n, kind) and any(free(t / x) if kind is sp.Add else t == x
                                                   for t in n.args)}
            folded = [output.xreplace(back) for output in outputs]
            if not any(output.has(x) for output in folded):
                return folded, (sp.sympify(alpha), sp.sympify(beta))
    return [output.xreplace({x: _y}) for output in outputs], (sp.Integer(0), sp.Integer(1))


UFUNCS = {sp.exp: "exp", sp.log: "log", sp.sin: "sin", sp.cos: "cos", sp.tanh: "tanh",
          sp.sinh: "sinh", sp.cosh: "cosh", sp.Abs: "absolute", sp.sign: "sign"}


class _Compiler:
    """Expressions -> ufunc calls without repeated work -> source with as few arrays as possible."""

    def __init__(self, coords, in_place):
        self.inputs = {c: f"w{i}" for i, c in enumerate(coords)} | {_y: "y"}
        self.in_place = in_place
        self.operations = []  # (ufunc, operands), operand: an index of this list or a name
        self.known, self.constants = {}, []

    def compile(self, outputs, noise, unit):
        results = [self.visit(output) for output in outputs]
        lines, registers = self.allocate(results)
        width = len(self.inputs) - 1
        sizes = {"w": width, "g": width, "t": registers, "k": len(self.constants)}
        unpack = [f"    {name}{i} = {name}[{i}]"
                  for name, size in sizes.items() for i in range(size)]
        body = ["        " + line for line in lines]
        head = ["def make(w, g, t, k):", *unpack, "", "    def step(y):"]
        source = "\n".join([*head, *body, "", "    return step", ""])
        return Code(source, noise, unit, tuple(self.constants), registers)

    # visiting: each method returns an operand

    def visit(self, e):
        if e in self.inputs:
            return self.inputs[e]
        if not e.has(*self.inputs):
            if e not in self.constants:
                self.constants.append(e)
            return f"k{self.constants.index(e)}"
        if e.is_Add or e.is_Mul:
            return self.chain(e)
        if e.is_Pow and e.exp.is_Integer:
            return self.power(e.base, int(e.exp))
        if e.is_Pow and e.exp == sp.S.Half:
            return self.emit("sqrt", self.visit(e.base))
        if e.is_Pow and (2 * e.exp).is_Integer:
            return self.power(sp.sqrt(e.base), int(2 * e.exp))
        if e.func in UFUNCS:
            return self.emit(UFUNCS[e.func], *map(self.visit, e.args))
        raise ValueError(f"loss must be built from +, *, whole and half powers and "
                         f"{', '.join(UFUNCS.values())}; cannot generate code for {e}")

    def power(self, base, n):
        if n < 0:
            return self.emit("divide", self.visit(sp.Integer(1)), self.power(base, -n))
        if n == 1:
            return self.visit(base)
        half = self.power(base, n // 2)
        square = self.emit("multiply", half, half)
        return square if n % 2 == 0 else self.emit("multiply", square, self.visit(base))

    def chain(self, e):
        constant, rest = e.as_independent(*self.inputs)
        y_last = lambda part: (part == _y, sp.default_sort_key(part))
        parts = sorted(e.func.make_args(rest), key=y_last)
        if e.is_Mul:
            return self.fold("multiply", parts + [constant] * (constant != 1))
        minus = [part for part in parts if part.as_coeff_Mul()[0].is_negative]
        plus = [part for part in parts if part not in minus] + [constant] * (constant != 0)
        if not minus:
            return self.fold("add", plus)
        less = self.fold("add", [-part for part in minus])
        return self.emit("subtract", self.fold("add", plus), less) if plus else self.emit("negative", less)

    def fold(self, ufunc, parts):
        total = self.visit(parts[0])
        for part in parts[1:]:
            total = self.emit(ufunc, total, self.visit(part))
        return total

    def emit(self, ufunc, *operands):
        key = (ufunc, operands)
        if key not in self.known:
            self.known[key] = len(self.operations)
            self.operations.append(key)
        return self.known[key]

    # register allocation

    def allocate(self, results):
        last = {}  # operand -> index of the last operation that reads it
        for i, (_, operands) in enumerate(self.operations):
            last.update(dict.fromkeys(operands, i))
        place, free, count, lines, copies = {}, [], 0, [], []
        for i, (ufunc, operands) in enumerate(self.operations):
            ready = [o for o in set(operands) if last[o] == i and place.get(o, "").startswith("t")]
            free += [place[o] for o in ready if o not in results]
            goal = results.index(i) if i in results else None
            if goal is not None and not (self.in_place and last.get(f"w{goal}", -1) > i):
                place[i] = f"g{goal}"
            else:
                if not free:
                    free, count = [f"t{count}"], count + 1
                place[i] = free.pop()
            lines.append(f"{ufunc}({', '.join(place.get(o, o) for o in operands)}, {place[i]})")
        for goal, result in enumerate(results):
            source = place.get(result, result)
            if source != f"g{goal}":
                copies.append(f"copyto(g{goal}, {source})")
        return lines + copies or ["pass"], count
