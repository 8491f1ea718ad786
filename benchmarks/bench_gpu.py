"""What callbacks add to a step on a GPU, where a step is short; rows in turn. No part of `make bench`.

    KERAS_BACKEND=jax python benchmarks/bench_gpu.py            # or torch: STEPS=60
"""

import os
import time

import keras
import numpy as np
from keras import layers

from course_utils.pruning import PruneWhen, pruner
from course_utils.stopping import Epochs, GradientNorm, Patience, StepBudget, StopWhen

STEPS, ROUNDS, BATCH, WIDTH = int(os.environ.get("STEPS", 300)), 3, 256, 1024
chance = np.random.default_rng(0)
X = chance.normal(size=(BATCH * STEPS, 256)).astype("float32")
Y = chance.normal(size=(BATCH * STEPS, 1)).astype("float32")


class Seconds(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(time.perf_counter() - self.began)


def milliseconds(callbacks, on_host=None):
    """Of a step, in each epoch but the first, which compiles."""
    pruner._is_on_host = DECIDE if on_host is None else lambda kernel: on_host
    keras.utils.set_random_seed(1)
    hidden = [layers.Dense(WIDTH, "relu") for _ in range(4)]
    model = keras.Sequential([keras.Input((256,)), *hidden, layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), "mse")
    seconds = Seconds()
    model.fit(X, Y, batch_size=BATCH, epochs=4, verbose=0, shuffle=False, callbacks=[*callbacks, seconds])
    return [1000 * each / STEPS for each in seconds.epochs[1:]]


def prune(frequency):
    return [PruneWhen(Epochs(1), 0.8, epochs=50, frequency=frequency)]


DECIDE = pruner._is_on_host
ROWS = {
    "nothing": lambda: milliseconds([]),
    "StopWhen(Patience)": lambda: milliseconds([StopWhen(Patience("loss", 9), "loss")]),
    "StopWhen(StepBudget)": lambda: milliseconds([StopWhen(StepBudget(10**9))]),
    "GradientNorm": lambda: milliseconds([GradientNorm(), StopWhen(Epochs(99))]),
    "PruneWhen, masks made on the host": lambda: milliseconds(prune(10), on_host=True),
    "PruneWhen": lambda: milliseconds(prune(10)),
    "PruneWhen without new masks": lambda: milliseconds(prune(10**6)),
}

if __name__ == "__main__":
    got = {name: [] for name in ROWS}
    milliseconds([])
    for _ in range(ROUNDS):
        for name, row in ROWS.items():
            got[name] += row()
    base = np.median(got["nothing"])
    print(f"keras {keras.__version__} on {keras.backend.backend()}")
    for name, values in got.items():
        print(f"{name:36s} {np.median(values):7.3f} ms  {np.median(values) / base:5.2f}")
