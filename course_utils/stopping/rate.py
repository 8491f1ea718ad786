"""The learning rate: how it is read, whoever sets it, and the probe that makes a column of it."""

import math

from .probes import Probe
from .steps import scalar


class LearningRate(Probe):
    """The learning rate, as a column: that of the epoch's last update, whether fixed, scheduled or reduced.

        model.fit(..., callbacks=[LearningRate(), ReduceLROnPlateau(min_lr=1e-5), StopWhen(RateFloor(1e-5))])

    Put it before callbacks that change the rate at the end of an epoch (ReduceLROnPlateau, a When). Keras's
    own write the column too, with this meaning: what they have written is left as it is.

    Args:
        name: the column.
        per_batch: write a value for every batch too, for `check="batch"`.

    Raises:
        TypeError: at the start of training, if the model has no optimizer with a learning rate.
        ValueError: at the end of the first epoch, if the column is there and holds something else.
    """

    def __init__(self, name="learning_rate", per_batch=False):
        super().__init__(name)
        self.per_batch = per_batch

    def _implements_train_batch_hooks(self):
        return self.per_batch

    def on_train_begin(self, logs=None):
        self._began_with, self._is_checked = rate_of(self.model), False

    def on_epoch_begin(self, epoch, logs=None):
        if not self._is_checked:
            self._began_with = rate_of(self.model)

    def on_train_batch_end(self, batch, logs=None):
        if self.per_batch:
            self._write(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._write(logs)

    def _write(self, logs):
        rate = rate_of(self.model)
        found = logs.setdefault(self.name, rate)
        # ReduceLROnPlateau has written the rate of the epoch, and may have lowered it since
        if not self._is_checked and not any(same_rate(found, r) for r in (rate, self._began_with)):
            raise ValueError(f'There is a column "{self.name}" already, and in it {found!r}; the learning '
                             f'rate is {rate!r}. Give the probe another name, LearningRate("rate"), and tell '
                             'its reader.')
        self._is_checked = True


def rate_of(model):
    """The learning rate of a model's last update (before the first: of the first), a float.

    Of a LearningRateSchedule it is the value at that update; Keras 3 itself would say that of the next one.

    Raises:
        TypeError: the model has no optimizer, or one without a learning rate.
    """
    optimizer = getattr(model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        had = "no optimizer" if optimizer is None else f"{type(optimizer).__name__}, which has none"
        raise TypeError(f"The learning rate is read from model.optimizer; this model has {had}.")
    schedule = schedule_of(optimizer)
    if not hasattr(schedule, "get_config"):  # a number, or a function that Keras has asked already
        return float(scalar(optimizer.learning_rate))
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer
    steps = int(scalar(getattr(inner, "_iterations", inner.iterations)))
    return float(scalar(schedule(max(steps - 1, 0))))


def schedule_of(optimizer):
    """What sets the optimizer's rate by itself, a schedule or a function; None where the rate is a number."""
    inner = getattr(optimizer, "inner_optimizer", None) or optimizer  # loss scaling
    rates = getattr(inner, "_learning_rate", None), inner.learning_rate  # the second in tf_keras's legacy
    return next((rate for rate in rates if callable(rate)), None)


def same_rate(one, other):
    """Are two learning rates the same but for float32?

    >>> same_rate(1e-3, 0.0010000000474974513), same_rate(1e-3, 1.1e-3)
    (True, False)
    """
    return math.isclose(one, other, rel_tol=1e-6)
