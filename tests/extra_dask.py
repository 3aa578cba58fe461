"""The engine on Dask's workers: where one machine is too small, hand in any executor.

Not part of `make test`, as Dask is an optional extra (`pip install distributed`). Where it is
installed: `python -m pytest tests/extra_dask.py`.
"""

import distributed
from saddles.landscapes import quadratic
from saddles.optimizers import AMSGrad
from saddles.simulate import run
from test_simulate import LAW, same, start


def test_dask_is_one_more_executor():
    args = (quadratic, LAW, AMSGrad(0.3), start(quadratic, 500), 40)
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        there = run(*args, seed=4, chunk=100, executor=client.get_executor())
    assert same(there, run(*args, seed=4, chunk=100))
