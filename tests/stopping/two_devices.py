"""What a training on two devices gives, as JSON. test_devices.py runs this file as a script.

    python two_devices.py keras|tf_keras

The numbers of MirroredStrategy on two virtual processors stand beside those of one device.
"""

import json
import sys
import tempfile

import numpy as np
import tensorflow as tf

from course_utils.pruning import PruneWhen
from course_utils.stopping import (
    Below,
    Epochs,
    GradientNorm,
    Patience,
    StepBudget,
    StopWhen,
    WeightChange,
    When,
    scale_learning_rate,
)

chance = np.random.default_rng(0)
X = chance.normal(size=(96, 8)).astype("float32")
Y = X @ chance.normal(size=(8, 1)).astype("float32") + 0.3 * chance.normal(size=(96, 1)).astype("float32")


def train(K, strategy):
    K.utils.set_random_seed(1)
    with strategy.scope():
        model = K.Sequential([K.Input((8,)), K.layers.Dense(6, "tanh"), K.layers.Dense(1)])
        model.compile(K.optimizers.SGD(0.1), "mse")
    data = tf.data.Dataset.from_tensor_slices((X[:64], Y[:64])).batch(16)
    validation = tf.data.Dataset.from_tensor_slices((X[64:], Y[64:])).batch(32)
    stop = StopWhen(Patience("val_loss", 2) | StepBudget(30), "val_loss", state=tempfile.mkdtemp() + "/state")
    batches = StopWhen(Below("batch_loss", 0), check="batch")
    lower = When(Epochs(2), scale_learning_rate(0.5))
    prune = [PruneWhen(Epochs(1), 0.5, epochs=2, frequency=2)] if K.__name__ == "keras" else []
    model.fit(data, validation_data=validation, epochs=9, verbose=0,
              callbacks=[GradientNorm(), WeightChange(), *prune, lower, stop, batches])
    evaluated = model.evaluate(validation, verbose=0)
    return {
        "reason": stop.report.reason, "step": stop.report.step, "steps": stop.history["steps"],
        "kept": stop.report.kept, "evaluated": evaluated, "norm": stop.history["gradient_norm"],
        "change": stop.history["weight_change"], "batch_loss": batches.history["batch_loss"],
        "rate": float(np.asarray(K.backend.get_value(model.optimizer.learning_rate)
                                 if hasattr(K.backend, "get_value") else model.optimizer.learning_rate)),
        "sparsity": stop.history.get("sparsity"),
        "zeros": float(np.mean(np.concatenate([w.ravel() for w in model.get_weights()]) == 0)),
    }


if __name__ == "__main__":  # pytest looks for examples in every module, and there TensorFlow has begun
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
    K = __import__(sys.argv[1])
    one = train(K, tf.distribute.get_strategy())
    two = train(K, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    print(json.dumps({"one": one, "two": two}))
