"""Record data/curves/sweep.npz: five sweeps of twelve trials, and where Ray Tune ended them, for notebook 92.

    pip install jax scikit-learn "ray[tune]>=2.44"
    python data/make/sweep.py

A sweep is a grid of three widths and four learning rates, the last of them far too high, for the digits. All
trials are trained for 60 epochs, side by side as the study's are; the five sweeps differ in their seed:
another split, other first weights. Then Ray Tune runs each sweep three times, ended by
`as_stopper(Patience("val_loss", 5) | NotFinite("val_loss"))`, by its own ASHA, and by both. Its trials tell
the recorded curves, an epoch in 0.05 seconds, two at a time. A few minutes of two cores.
"""

import functools
import itertools
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from npz import joined, save

HERE = Path(__file__).resolve().parent
UNITS, RATES = (8, 32, 128), (0.0003, 0.003, 0.03, 3.0)
SEEDS = range(5)
EPOCHS = 60


def trained():
    """All trials: a list of (labels, columns) as `joined` takes them, the trials of a sweep in a row."""
    import study_networks
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = (x / 16).astype("float32"), y.astype("int32")
    orders = [np.random.default_rng(seed).permutation(len(x)) for seed in SEEDS]
    seeds = list(itertools.chain(*([seed] * len(RATES) for seed in SEEDS)))
    own = np.stack([orders[seed] for seed in seeds])
    rates = np.tile(RATES, len(SEEDS))
    trials = []
    held_out = {"val": own[:, 600:900], "test": own[:, 900:]}
    for units in UNITS:
        network = functools.partial(study_networks.dense, str(units), 64, 10)
        columns = study_networks.curves(network, "adam", rates, seeds, x, np.tile(y, (len(seeds), 1)),
                                        own[:, :600], held_out, 32, EPOCHS)
        trials.append(({"seed": np.array(seeds), "units": units, "rate": rates},
                       {name: columns[name] for name in ("val_loss", "val_error", "test_error")}))
    arrays = joined(trials)
    order = np.lexsort((arrays["label/rate"], arrays["label/units"], arrays["label/seed"]))
    return {key: array[order] for key, array in arrays.items()}


def trial(config):
    from ray import tune

    for value in config["curve"]:
        time.sleep(0.05)
        tune.report({"val_loss": value})


def by_ray(curves, how):
    """Epochs that each trial gets in a sweep of Ray Tune's."""
    from ray import tune

    from course_utils.scale import as_stopper
    from course_utils.stopping import NotFinite, Patience

    stop, scheduler = None, None
    if how in ("rule", "both"):
        stop = as_stopper(Patience("val_loss", 5) | NotFinite("val_loss"))
    if how in ("asha", "both"):
        scheduler = tune.schedulers.ASHAScheduler(max_t=EPOCHS, grace_period=5, reduction_factor=3)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            trial, param_space={"curve": tune.grid_search(curves.tolist())},
            tune_config=tune.TuneConfig(metric="val_loss", mode="min", scheduler=scheduler,
                                        reuse_actors=True),
            run_config=tune.RunConfig(name="sweep", storage_path=folder, stop=stop, verbose=0))
        results = tuner.fit()
    epochs = {tuple(result.config["curve"]): result.metrics["training_iteration"] for result in results}
    return [epochs[tuple(curve)] for curve in curves.tolist()]


def main():
    os.environ["KERAS_BACKEND"] = "jax"  # before Keras is imported
    folders = str(HERE), *filter(None, sys.path)  # for Ray's processes
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    os.environ["RAY_raylet_start_wait_time_s"] = "120"  # a busy machine takes its time
    # apart: JAX and the forks of Ray do not mix
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        arrays = apart.submit(trained).result()
    print(arrays["column/val_loss"].min(1).reshape(len(SEEDS), -1).round(3))
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR,
             object_store_memory=100 * 2**20)
    sweeps = arrays["column/val_loss"].reshape(len(SEEDS), -1, EPOCHS)
    for how in ("rule", "asha", "both"):
        arrays[f"label/epochs_{how}"] = np.array([by_ray(curves, how) for curves in sweeps]).ravel()
        print(how, arrays[f"label/epochs_{how}"].reshape(len(SEEDS), -1), flush=True)
    save("curves/sweep.npz", arrays)


if __name__ == "__main__":
    main()
