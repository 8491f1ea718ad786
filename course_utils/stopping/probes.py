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

    def write(self, logs, value):
        """Write the column.

        Raises:
            ValueError: a metric, or another probe, has that name.
        """
        if self.name in logs:
            raise ValueError(f'There is a column "{self.name}" already, from a metric or another probe: '
                             f'{type(self).__name__}(name="...") writes another.')
        logs[self.name] = value


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
        self.write(logs, float(moved / size) if size else float("inf"))

    def _weights(self):
        weights = [keras.ops.convert_to_numpy(weight) for weight in self.model.trainable_weights]
        # squares of float16 would overflow
        wide = [np.ravel(weight).astype(np.promote_types(weight.dtype, np.float32))
                if weight.dtype.kind == "f" else np.ravel(weight).astype(np.float32) for weight in weights]
        return np.concatenate(wide) if wide else np.zeros(0)


class Memory(Probe):
    """The memory that this process holds at the end of the epoch (resident set size), in MiB.

    A ceiling for it: `StopWhen(Above("memory", 8000))`. Memory of a graphics card is not counted.

    Raises:
        ImportError: when training begins, if psutil is missing (Jupyter's kernel brings it).
    """

    def __init__(self, name="memory"):
        super().__init__(name)

    def on_train_begin(self, logs=None):
        try:
            import psutil
        except ImportError as error:
            raise ImportError("Memory needs psutil: pip install psutil.") from error
        self._process = psutil.Process()

    def on_epoch_end(self, epoch, logs=None):
        self.write(logs, self._process.memory_info().rss / 2**20)
