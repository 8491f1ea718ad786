"""The engine on JAX (always, it is small) and on PyTorch (where it is installed, by `make backends`)."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

ENGINE = pathlib.Path(__file__).with_name("engine.py")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_engine_on_another_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; `make backends` installs it and runs this")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1",
                   "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join([str(ENGINE.parents[2]), *sys.path])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(ENGINE)]
    done = subprocess.run(command, env=environment, cwd=ENGINE.parents[2], text=True, capture_output=True,
                          timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
