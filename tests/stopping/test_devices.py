"""On two devices everything gives the numbers of one."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

WORKER = pathlib.Path(__file__).with_name("two_devices.py")
ALONE = {"PYTHONPATH": os.pathsep.join([str(WORKER.parents[2]), *sys.path]), "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.parametrize("name", ["keras", pytest.param("tf_keras", marks=pytest.mark.rare)])
def test_two_devices_give_the_numbers_of_one(name):
    done = subprocess.run([sys.executable, str(WORKER), name], env={**os.environ, **ALONE}, text=True,
                          capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    known = json.loads(done.stdout.splitlines()[-1])
    one, two = known["one"], known["two"]
    assert one["step"] == 30 and one["kept"] == pytest.approx(one["evaluated"], rel=1e-5)
    for what, value in one.items():
        if isinstance(value, (str, type(None))):
            assert two[what] == value, what
        else:
            np.testing.assert_allclose(two[what], value, rtol=1e-3, atol=1e-6, err_msg=what)
    if name == "keras":
        assert one["sparsity"][-1] == 0.5 and one["zeros"] > 0.4
