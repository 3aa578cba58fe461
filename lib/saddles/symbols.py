"""The paper's symbols, each defined once for the whole book.

The names are those that `check` understands in a formula typed from the paper:
``"a/(a - 1)"`` there means the `a` below.
"""

import sympy as sp

w, w0, w1, w2 = sp.symbols("w w_0 w_1 w_2", real=True)  # parameter, its start, its coordinates
x = sp.Symbol("x", real=True)  # a data point: the per-sample curvature
a = sp.Symbol("a", real=True)  # shape of the data law; see TwoPoint
b, c0 = sp.symbols("b c_0", real=True)
lam = sp.Symbol("lambda", positive=True)  # learning rate
sigma, s, epsilon = sp.symbols("sigma s epsilon", positive=True)
mu, gamma = sp.symbols("mu gamma", real=True)
t, S = sp.symbols("t S", positive=True, integer=True)  # step, batch size

BY_NAME = {
    "w": w, "w0": w0, "w1": w1, "w2": w2, "x": x, "a": a, "b": b, "c0": c0, "lam": lam,
    "sigma": sigma, "s": s, "epsilon": epsilon, "mu": mu, "gamma": gamma, "t": t, "S": S,
}
