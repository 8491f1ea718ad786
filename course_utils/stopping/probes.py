"""Probes: callbacks that measure what Keras does not, and write it into the logs as a column.

A probe stands before the callback that reads its column:

    model.fit(..., callbacks=[GradientNorm(), StopWhen(Below("gradient_norm", 0.1))])
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
    """How far the weights moved in the epoch, as a share of their size.

    ||w_end - w_begin|| / ||w_begin||, over all trainable weights; infinite where they were all zero.
    """

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


class Memory(Probe):
    """The memory that this process holds at the end of the epoch (resident set size), in MiB.

    A ceiling for it: `StopWhen(Above("memory", 8000))`. Memory of a graphics card is not counted.
    Needs psutil, which comes with Jupyter's kernel.
    """

    def __init__(self, name="memory"):
        super().__init__(name)

    def on_epoch_end(self, epoch, logs=None):
        import psutil

        logs[self.name] = psutil.Process().memory_info().rss / 2**20


class GradientNorm(Probe):
    """The global norm of the gradient: its mean over the epoch's updates.

    The norm is sqrt(sum of squares over all weights), before clipping. It listens where the optimizer takes
    the gradients that `fit` has computed anyway, so it needs no second backward pass. The optimizer object is
    wrapped while training runs and is itself again afterwards; saving and loading do not notice. With loss
    scaling (mixed_float16) it is the norm of the unscaled gradient, without the updates that were skipped
    because of an overflow.

    Args:
        name: the column.
        per_batch: write a value for every batch too, for `check="batch"` (slower: it is fetched every time).
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
        self._whole_epoch = (0.0, 0.0)  # sum and updates that were read, batch by batch

        def listening(gradients, *args, **kwargs):
            gradients = list(gradients)
            values = [pair[0] if isinstance(pair, tuple) else pair for pair in gradients]
            values = [tf.cast(tf.convert_to_tensor(v), tf.float32) for v in values if v is not None]
            scale = _loss_scale(optimizer)
            norm = tf.linalg.global_norm(values if scale is None else [value / scale for value in values])
            # a loss-scaling optimizer skips the update if the scaled gradient overflows
            counts = tf.math.is_finite(norm) if hasattr(optimizer, "inner_optimizer") else True
            self._sum.assign_add(tf.where(counts, norm, 0.0))
            self._updates.assign_add(tf.where(counts, 1.0, 0.0))
            return original(gradients, *args, **kwargs)

        object.__setattr__(optimizer, method, listening)  # past Keras's tracking of attributes
        self._optimizer, self._method = optimizer, method
        self.model.make_train_function(force=True)  # the compiled step has to be traced anew

    def on_train_batch_end(self, batch, logs=None):
        if self.per_batch:
            total, updates = self._read()
            logs[self.name] = _mean(total, updates)
            self._whole_epoch = (self._whole_epoch[0] + total, self._whole_epoch[1] + updates)

    def on_epoch_end(self, epoch, logs=None):
        total, updates = self._read()
        logs[self.name] = _mean(self._whole_epoch[0] + total, self._whole_epoch[1] + updates)
        self._whole_epoch = (0.0, 0.0)

    def on_train_end(self, logs=None):
        self._unwrap()
        self.model.make_train_function(force=True)

    def _read(self):
        """The sum of the norms and the number of updates since the last reading."""
        read = float(self._sum), float(self._updates)
        self._sum.assign(0.0)
        self._updates.assign(0.0)
        return read

    def _unwrap(self):
        if self._optimizer is not None:
            # pop: another probe on the same optimizer may have been quicker
            self._optimizer.__dict__.pop(self._method, None)
            self._optimizer = None


def _mean(total, updates):
    return total / updates if updates else float("nan")


def _loss_scale(optimizer):
    """What Keras 3 multiplied the loss, and so the gradients, by, or None. tf_keras has divided already."""
    import tensorflow as tf

    if not hasattr(optimizer, "scale_loss"):
        return None
    # a LossScaleOptimizer has the first two (the first once it is built), others the third, if asked to
    for name in ("dynamic_scale", "initial_scale", "loss_scale_factor"):
        scale = getattr(optimizer, name, None)
        if scale is not None:
            return tf.cast(tf.convert_to_tensor(scale), tf.float32)
    return None
