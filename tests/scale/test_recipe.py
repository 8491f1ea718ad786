"""The recipe "Several processes train one model": two processes of JAX, and two of Ray Train, one killed."""

import importlib.util
import json
import subprocess
import sys

import pytest

import sweep
from recipes import PAGE, recipes
from test_together import two_ports

ON_JAX, ON_RAY = [code for heading, code, _ in recipes(PAGE.read_text(encoding="utf-8"))
                  if heading == "Several processes train one model"]

# What is the reader's: data, a model, and what couples the processes.
DATA = """
import numpy as np

chance = np.random.default_rng(0)
x, y = chance.normal(size=(64, 4)).astype("float32"), chance.integers(0, 2, 64)
x_val, y_val = x[:32] + 1, 1 - y[:32]


def build_model():
    LIBRARY.utils.set_random_seed(0)
    layers = LIBRARY.layers
    model = LIBRARY.Sequential([LIBRARY.Input((4,)), layers.Dense(8, "relu"), layers.Dense(2, "softmax")])
    model.compile(LIBRARY.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    return model
"""
JAX = """
import sys
import jax

jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", 2, int(sys.argv[1]))
import keras as LIBRARY
"""
RAY = """
import os
import pathlib
import signal

from ray.cluster_utils import Cluster

build_kind = build_model
flag = pathlib.Path("killed").absolute()


def build_model():
    import os

    global LIBRARY
    import tf_keras as LIBRARY
    from ray import train

    model = build_kind()
    fit, rank = model.fit, train.get_context().get_world_rank()

    def dies(epoch, logs):
        if KILLED and rank == 1 and epoch == 4 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def with_a_kill(*data, callbacks, **options):
        return fit(*data, callbacks=[LIBRARY.callbacks.LambdaCallback(on_epoch_begin=dies), *callbacks],
                   **options)

    model.fit = with_a_kill
    return model


memory = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args=memory)
cluster.add_node(**{name: memory[name] for name in ("num_cpus", "object_store_memory")})
os.environ["RAY_ADDRESS"] = cluster.address
"""
END = """
ray.shutdown()
cluster.shutdown()
"""


@pytest.mark.rare
def test_the_recipe_on_jax(tmp_path):
    (tmp_path / "recipe.py").write_text(JAX + DATA + ON_JAX, encoding="utf-8")
    environment = {**sweep.environment(tmp_path), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "recipe.py"]
    port = str(two_ports())
    processes = [subprocess.Popen([*command, str(rank), port], cwd=tmp_path, text=True, env=environment,
                                  stdout=subprocess.PIPE) for rank in (0, 1)]
    try:
        printed = [process.communicate(timeout=300)[0].splitlines()[-1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert printed[0] == printed[1] and printed[0].endswith("for 5 epochs"), printed


def trained(folder, killed):
    """Both reports of the recipe on a cluster of two nodes, in a process of its own."""
    folder.mkdir()
    (folder / "recipe.py").write_text(f"KILLED = {killed}\n" + DATA + RAY + ON_RAY + END, encoding="utf-8")
    environment = {**sweep.environment(folder), "HOME": str(folder), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "recipe.py"], cwd=folder, capture_output=True, text=True,
                          timeout=600, env=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    reports = [json.loads((folder / "run" / f"report {rank}.json").read_text()) for rank in (0, 1)]
    for report in reports:
        report.pop("seconds")
    assert reports[0] == reports[1] and (folder / "killed").exists() == killed
    return reports[0]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None,
                    reason="ray is not installed; `make scale` installs it and runs this")
def test_a_run_whose_worker_was_killed_ends_as_the_undisturbed_one(tmp_path):
    undisturbed = trained(tmp_path / "whole", killed=False)
    assert undisturbed["reason"].endswith("for 5 epochs") and undisturbed["epochs_after_best"] == 5
    assert trained(tmp_path / "killed", killed=True) == undisturbed
