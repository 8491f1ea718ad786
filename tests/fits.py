"""Small fits of keras and of tf_keras, and callbacks that script them."""

import math

import keras
import numpy as np
import pytest
import tf_keras

from course_utils.stopping import Probe

NAN, INF = math.nan, math.inf
SAMPLES, BATCH = 10, 4  # three batches an epoch, the last one smaller
X = np.random.default_rng(0).normal(size=(SAMPLES, 2)).astype("float32")
Y = X @ np.array([[1.0], [-2.0]], dtype="float32") + 0.5

both = pytest.mark.parametrize("K", [keras, tf_keras], ids=["keras", "tf_keras"])


def tiny(K, rate=0.01, inner=None, **compiled):
    K.utils.set_random_seed(3)
    inputs = K.Input((2,))
    model = (inner or K.Model)(inputs, K.layers.Dense(1)(inputs))
    optimizer = compiled.pop("optimizer", None) or K.optimizers.SGD(rate)
    model.compile(**{"optimizer": optimizer, "loss": "mse", **compiled})
    return model


SHARED = {}


def shared(K):
    """One compiled model for the tests that do not mind what it has learned: compiling takes the time."""
    if K not in SHARED:
        SHARED[K] = tiny(K)
    return SHARED[K]


def fit(model, *callbacks, epochs=3, **options):
    options = {"batch_size": BATCH, "verbose": 0, "shuffle": False, "epochs": epochs, **options}
    return model.fit(X, Y, callbacks=list(callbacks), **options)


class EachBatch(Probe):
    """A callback whose batch hooks tf_keras calls, too."""

    def __init__(self, name="each batch"):
        super().__init__(name)

    def _implements_train_batch_hooks(self):
        return True


class Script(Probe):
    """Writes columns into the logs, a value an epoch; None is not written."""

    def __init__(self, first_epoch=0, **columns):
        super().__init__("script")
        self.columns, self.first = columns, first_epoch

    def on_epoch_end(self, epoch, logs=None):
        logs.update(
            {
                name: values[epoch - self.first]
                for name, values in self.columns.items()
                if values[epoch - self.first] is not None
            }
        )


class Weights(Probe):
    """Notes the weights at the end of every epoch."""

    def __init__(self):
        super().__init__("weights")
        self.at = []

    def on_epoch_end(self, epoch, logs=None):
        self.at.append(self.model.get_weights())


class Clock(EachBatch):
    """A clock that stands still but for a second a batch and three a validation pass."""

    def __init__(self, batch=1.0, validation=3.0):
        super().__init__()
        self.now, self.batch, self.validation = 1000.0, batch, validation

    def __call__(self):
        return self.now

    def on_train_batch_end(self, batch, logs=None):
        self.now += self.batch

    def on_test_end(self, logs=None):
        self.now += self.validation


class Interrupt(EachBatch):
    """Ctrl-C in a batch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.when, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.when:
            raise KeyboardInterrupt


def same(weights, others):
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))
