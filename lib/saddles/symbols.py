"""The paper's symbols, each defined once for the whole book.

The names are those that `check` understands in a formula typed from the paper:
``"a/(a - 1)"`` there means the `a` of this module. Positive are `lam`, `sigma`, `s`, `epsilon`, `t`
and `S`, the last two whole numbers; all others are real.

w, w0, w1, w2  the parameter, its start, its two coordinates
x              a data point: the per-sample curvature
a, b, c0       the shape of the data law (see `TwoPoint`), constants of a loss and of a noise
lam            the learning rate, printed lambda, a name that Python keeps for itself
sigma          the strength of additive noise, or a standard deviation of the data
mu, s          mean and standard deviation of log|1 - lambda x|
gamma          the escape rate
epsilon        a small number
t, S           the step, the batch size
"""

import sympy as sp

w, w0, w1, w2 = sp.symbols("w w_0 w_1 w_2", real=True)
x = sp.Symbol("x", real=True)
a = sp.Symbol("a", real=True)
b, c0 = sp.symbols("b c_0", real=True)
lam = sp.Symbol("lambda", positive=True)
sigma, s, epsilon = sp.symbols("sigma s epsilon", positive=True)
mu, gamma = sp.symbols("mu gamma", real=True)
t, S = sp.symbols("t S", positive=True, integer=True)

BY_NAME = {
    "w": w, "w0": w0, "w1": w1, "w2": w2, "x": x, "a": a, "b": b, "c0": c0, "lam": lam,
    "sigma": sigma, "s": s, "epsilon": epsilon, "mu": mu, "gamma": gamma, "t": t, "S": S,
}
