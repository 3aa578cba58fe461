"""Every step rule against torch.optim, step by step on the same draws.

Not part of `make test`, as PyTorch is no requirement of the book. Where it is installed:
`python -m pytest tests/extra_torch.py`.
"""

import numpy as np
import pytest
import torch
from saddles.noise import TwoPoint
from saddles.optimizers import SGD, Adam, AMSGrad
from test_optimizers import LANDSCAPES, derivative, start


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("rule", [SGD(0.1), Adam(0.2), Adam(0.2, beta1=0.0), Adam(0.1, eps=1e-8),
                                  AMSGrad(0.2, 0.0, bias_correction=True),
                                  AMSGrad(0.2, 0.9, eps=1e-8, bias_correction=True)], ids=repr)
def test_steps_against_torch(rule, name):
    landscape, rng, steps = LANDSCAPES[name], np.random.default_rng(2), 60
    xs = TwoPoint(-0.4).sample(rng, (steps, 50))
    w = rng.uniform(-0.6, 0.6, (landscape.dim, 50))
    theirs = torch.tensor(w.copy(), dtype=torch.float64, requires_grad=True)
    if isinstance(rule, SGD):
        optimizer = torch.optim.SGD([theirs], lr=rule.lr)
    else:
        optimizer = torch.optim.Adam([theirs], lr=rule.lr, betas=(rule.beta1, rule.beta2),
                                     eps=rule.eps, amsgrad=isinstance(rule, AMSGrad))
    step, _ = start(rule, landscape, w)
    for x in xs:
        theirs.grad = torch.stack(derivative(name, theirs.detach(), torch.tensor(x)))
        optimizer.step()
        step(x)
        assert np.allclose(w, theirs.detach().numpy(), rtol=1e-10, atol=1e-12)
        w[:] = theirs.detach().numpy()
