"""Probes: callbacks that measure what Keras does not, and write it into the logs as a column.

A probe stands before the callback that reads its column: `callbacks=[GradientNorm(), StopWhen(Below("gradient_norm", 0.1))]`.
"""

import keras
import numpy as np


class Probe(keras.callbacks.Callback):
    """What the probes share: a column's name, and the answers that tf_keras asks of a Keras 3 callback."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def _implements_train_batch_hooks(self):
        return False

    def _implements_test_batch_hooks(self):
        return False

    def _implements_predict_batch_hooks(self):
        return False


class WeightChange(Probe):
    """How far the weights moved in the epoch, as a share of their size: ||w_end - w_begin|| / ||w_begin||, over all trainable weights."""

    def __init__(self, name="weight_change"):
        super().__init__(name)

    def on_epoch_begin(self, epoch, logs=None):
        self._before = self._weights()

    def on_epoch_end(self, epoch, logs=None):
        moved = np.linalg.norm(self._weights() - self._before)
        size = np.linalg.norm(self._before)
        logs[self.name] = float(moved / size) if size else float("inf")

    def _weights(self):
        weights = [np.ravel(weight) for weight in self.model.trainable_weights]
        return np.concatenate(weights) if weights else np.zeros(0)


class GradientNorm(Probe):
    """The global norm of the gradient, sqrt(sum of squares over all weights): its mean over the epoch's updates.

    It listens where the optimizer takes the gradients that `fit` has computed anyway, so it needs no second backward pass. The
    optimizer object is wrapped while training runs and is itself again afterwards; saving and loading do not notice.

    Args:
        name: the column.
        per_batch: write a value for every batch, for `check="batch"` (slower: the value is fetched every time).
    """

    def __init__(self, name="gradient_norm", per_batch=False):
        super().__init__(name)
        self.per_batch, self._optimizer = per_batch, None

    def _implements_train_batch_hooks(self):
        return self.per_batch

    def on_train_begin(self, logs=None):
        import tensorflow as tf

        self._unwrap()  # after Ctrl-C the last fit has left it wrapped
        optimizer = self.model.optimizer
        method = "apply" if hasattr(optimizer, "apply") else "apply_gradients"  # Keras 3, tf_keras
        original = getattr(optimizer, method)
        self._sum, self._updates = tf.Variable(0.0, trainable=False), tf.Variable(0.0, trainable=False)

        def listening(gradients, *args, **kwargs):
            gradients = list(gradients)
            values = [pair[0] if isinstance(pair, tuple) else pair for pair in gradients]
            norm = tf.linalg.global_norm([tf.cast(tf.convert_to_tensor(value), tf.float32) for value in values if value is not None])
            # a loss-scaling optimizer (mixed_float16) gets gradients that are multiplied by its scale
            scale = getattr(optimizer, "dynamic_scale", None)
            self._sum.assign_add(norm if scale is None else norm / tf.cast(tf.convert_to_tensor(scale), tf.float32))
            self._updates.assign_add(1.0)
            return original(gradients, *args, **kwargs)

        object.__setattr__(optimizer, method, listening)  # past Keras's tracking of attributes
        self._optimizer, self._method = optimizer, method
        self.model.make_train_function(force=True)  # the compiled step has to be traced anew

    def on_train_batch_end(self, batch, logs=None):
        if self.per_batch and logs is not None:
            logs[self.name] = self._read()

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self._read()

    def on_train_end(self, logs=None):
        self._unwrap()
        self.model.make_train_function(force=True)

    def _read(self):
        updates = float(self._updates)
        mean = float(self._sum) / updates if updates else float("nan")
        self._sum.assign(0.0)
        self._updates.assign(0.0)
        return mean

    def _unwrap(self):
        if self._optimizer is not None:
            object.__delattr__(self._optimizer, self._method)
            self._optimizer = None
