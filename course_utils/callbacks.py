"""Callbacks: do something when a criterion is met. `StopWhen` ends training; `When` does whatever you give it.

    stop = StopWhen(Below("loss", 0.01) | TimeBudget(minutes=5), restore_best="val_loss")
    model.fit(..., callbacks=[stop])
    print(stop.report)

They keep a history of their own (`.history`) and never write into Keras's logs. The same classes work in `fit` of `keras` and of
`tf_keras`. To use them elsewhere, copy history.py, criteria.py and this file into a folder of your project.
"""

import math
import time

import keras

from .criteria import Epochs, as_criterion
from .history import History, Report, direction, missing_column


class When(keras.callbacks.Callback):
    """When a criterion is met, call `do(model)`.

    A row of the history is an epoch. Budgets and NotFinite are asked after every batch as well; a TimeBudget keeps back the time
    that the last validation pass took (in the first epoch that is not known yet).

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to act.
        do: a function of the model.
        times: how often at most. After each time the criterion starts afresh and sees only what comes after.
        check: "epoch", or "batch" to make every batch a row. Batch rows have a column "batch_loss", the batch's own loss: the "loss"
            that Keras hands to callbacks within an epoch is the mean of the epoch so far.
        validation_freq: what you give to `fit`. Rows without validation hold None.
        clock: a function that returns seconds; tests pass their own.

    Raises:
        MissingColumn: at the end of the first epoch, if a column that the criterion reads is not there.

    Attributes:
        history: the rows so far, a History: Keras's logs and "seconds", "steps" (optimizer updates since the start) and "epoch".
        report: a Report, valid at any time.
    """

    def __init__(self, criterion, do, *, times=1, check="epoch", validation_freq=1, clock=time.monotonic):
        super().__init__()
        if check not in ("epoch", "batch"):
            raise ValueError(f'check should be "epoch" or "batch"; got {check!r}.')
        self.criterion, self.do, self.times = as_criterion(criterion), do, times
        self.check, self.validation_freq, self.clock = check, validation_freq, clock
        if check == "batch":
            self._refuse_in_batches(self.criterion.columns)
        self._begin(state="not begun")

    # Keras 3 calls every hook; tf_keras asks first, through these private names
    def _implements_train_batch_hooks(self):
        return self.check == "batch" or self.criterion.every_batch

    def _implements_test_batch_hooks(self):
        return False

    def _implements_predict_batch_hooks(self):
        return False

    # ---- what Keras calls ----

    def on_train_begin(self, logs=None):
        self._begin(state="running")
        self._first_step = self._iterations()
        self._started = self.clock()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._loss_before, self._validation_began = epoch, (0.0, 0.0), None

    def on_train_batch_end(self, batch, logs=None):
        if not self._implements_train_batch_hooks():
            return
        if self.check == "batch":
            row = dict(_numbers(logs), **self._batch_loss(batch, logs or {}), batch=batch)
            if not self._finish_row(row, f"batch {batch} of epoch {self._epoch}"):
                self._look_ahead(f"in batch {batch} of epoch {self._epoch}", logs)
        else:
            self._look_ahead(f"in batch {batch} of epoch {self._epoch}", logs)

    def on_test_begin(self, logs=None):
        self._validation_began = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        if self._validation_began is not None:
            self._reserve = self.clock() - self._validation_began
        if self.check == "epoch" and not self._finish_row(_numbers(logs), f"epoch {epoch}"):
            self._look_ahead(f"at epoch {epoch}", logs)
        self._note_progress()

    def on_train_end(self, logs=None):
        self._note_progress()
        self._ask = None  # a generator cannot be copied or pickled; the callback can
        self._state = "stopped" if self.model.stop_training else "done"

    # ---- the rest ----

    @property
    def report(self):
        """What became of the run so far: a Report."""
        reason, ended_by = self._verdict()
        return Report(reason, ended_by, self._epoch, self._step, seconds=self._seconds)

    def _verdict(self):
        """(reason, ended_by) for the report."""
        if self._events:
            return self._events[-1]
        if self._state == "not begun":
            return "training has not begun", None
        if self._state == "running":
            return f"training is running, or was interrupted, in epoch {self._epoch}; {self.criterion!r} is not met so far", None
        if self._state == "stopped":
            return f"another callback stopped training in epoch {self._epoch}", "another callback"
        return f"all {self.params['epochs']} epochs are done; {self.criterion!r} was never met", "all epochs done"

    def _begin(self, state):
        self.history, self._state, self._events, self._ask = History(), state, [], self.criterion.live()
        self._epoch = self._step = self._seconds = self._validation_began = None
        self._reserve = 0.0  # seconds that the last validation pass took
        if state == "not begun":
            self._ask = None

    def _finish_row(self, row, where):
        """Append a row, ask the criterion, act. Returns whether it was met."""
        self.history.add(dict(row, seconds=self._now(), steps=self._iterations() - self._first_step, epoch=self._epoch))
        self._require(self.criterion.columns, where)
        newest = self.history.rows - 1
        if not self._may_act() or not self._ask(self.history, newest):
            return False
        self._act(self.criterion.reason(self.history, newest, self.check), self.criterion.parts_met(self.history, newest))
        return True

    def _look_ahead(self, place, logs):
        """Ask the criteria that look at every batch, as if validation were over already."""
        if not self.criterion.every_batch or not self._may_act():
            return
        known = dict(seconds=self._now() + self._reserve)
        for name in self.criterion.columns:
            if name == "steps":
                known[name] = self._iterations() - self._first_step
            elif name in (logs or {}):
                known[name] = float(logs[name])
        met = self.criterion.met_mid_epoch(known, self.history.rows)
        if met:
            newest = History({name: [value] for name, value in known.items()})
            reasons = [part.reason(newest, 0, place=place) for part in met]
            if self._reserve and any("seconds" in part.columns for part in met):
                reasons[-1] += f" ({self._reserve:.2g} s kept for validation)"
            self._act("; ".join(reasons), met)

    def _act(self, reason, criteria):
        self._events.append((reason, "; ".join(map(repr, criteria))))
        self._note_progress()
        self._ask = self.criterion.live(self.history.rows)
        self.do(self.model)

    def _may_act(self):
        return len(self._events) < self.times

    def _require(self, columns, where):
        for name in columns:
            if name not in self.history:
                waiting = name.startswith("val_") and self.history.rows < self.validation_freq
                if not waiting:
                    raise missing_column(name, self.history, f" after {where}")
                self.history[name] = [None] * self.history.rows

    def _refuse_in_batches(self, columns):
        for name in columns:
            if name.startswith("val_"):
                raise ValueError(f'"{name}" is measured once an epoch; with check="batch" the rows are batches. Use check="epoch".')
        if any(isinstance(part, Epochs) for part in self.criterion.parts()):
            raise ValueError('Epochs counts rows, and with check="batch" a row is a batch. Use StepBudget.')

    def _now(self):
        return self.clock() - self._started

    def _iterations(self):
        optimizer = getattr(self.model, "optimizer", None)
        return 0 if optimizer is None else int(optimizer.iterations)

    def _note_progress(self):
        self._step, self._seconds = self._iterations() - self._first_step, self._now()

    def _batch_loss(self, batch, logs):
        """The batch's own loss, as a row's column. Keras keeps a weighted mean of the epoch so far; the difference of its totals is exact."""
        mean = next((m for m in self.model.metrics if m.name == "loss" and hasattr(m, "total")), None)
        if mean is not None:
            total, count = float(mean.total), float(mean.count)
        elif "loss" in logs:  # a train_step of one's own: all that is left is the mean over batches
            total, count = float(logs["loss"]) * (batch + 1), batch + 1.0
        else:
            return {}
        before, self._loss_before = self._loss_before, (total, count)
        return {"batch_loss": (total - before[0]) / (count - before[1]) if count > before[1] else math.nan}


class StopWhen(When):
    """End training when a criterion is met, and keep the best weights.

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to stop.
        restore_best: the column that says which epoch is best, for instance "val_loss". The weights of its best epoch come back when
            training ends, whoever ended it. Best is best: `min_delta` has no say, warm-up epochs count, NaN is never best.
        mode: "min" or "max", the good direction of `restore_best`; it may be left out for losses alone.
        check, validation_freq, clock: see When.

    One object serves several fits: each `fit` starts afresh. After Ctrl-C, Keras ends no callback; `restore_best()` still works.

    >>> from course_utils.criteria import Patience, TimeBudget
    >>> stop = StopWhen(Patience("val_loss", 5) | TimeBudget(minutes=5), restore_best="val_loss")
    >>> stop.report.reason
    'training has not begun'
    """

    def __init__(self, criterion, restore_best=None, mode=None, *, check="epoch", validation_freq=1, clock=time.monotonic):
        if restore_best is not None:
            self._sign = direction(restore_best, mode)
        self.metric = restore_best
        super().__init__(criterion, _end_training, check=check, validation_freq=validation_freq, clock=clock)
        if check == "batch" and restore_best is not None:
            self._refuse_in_batches([restore_best])

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self._weights is not None:
            self.restore_best()

    def restore_best(self):
        """Give the model the weights of the best epoch so far. Keras does it by itself at the end of training, but not after Ctrl-C.

        Raises:
            RuntimeError: none were kept.
        """
        if self._weights is None:
            why = "restore_best was not asked for" if self.metric is None else f"{self.metric} was never a number"
            raise RuntimeError(f"No weights were kept: {why}.")
        self.model.set_weights(self._weights)

    @property
    def report(self):
        """What became of the run so far: a Report."""
        reason, ended_by = self._verdict()
        if self.metric and self.history.rows and self._best_epoch is None:
            reason += f"; {self.metric} was never a number, so the weights are the last ones"
        after = None if self._best_epoch is None else self._epoch - self._best_epoch
        return Report(reason, ended_by, self._epoch, self._step, self.metric, self._best_epoch, self._kept, self._seconds, after)

    def _begin(self, state):
        super()._begin(state)
        self._best_epoch = self._kept = self._weights = None

    def _finish_row(self, row, where):
        value = row.get(self.metric) if self.metric else None
        if value is not None and math.isfinite(value) and (self._kept is None or self._sign * value < self._sign * self._kept):
            self._best_epoch, self._kept, self._weights = self._epoch, value, self.model.get_weights()
        met = super()._finish_row(row, where)
        if self.metric:
            self._require([self.metric], where)
        return met


def scale_learning_rate(factor):
    """An action for When: multiply the optimizer's learning rate by `factor`.

    Raises (when it acts):
        TypeError: the optimizer follows a learning rate schedule, which sets the rate itself.
    """

    def scale(model):
        rate = model.optimizer.learning_rate
        try:
            model.optimizer.learning_rate = float(rate) * factor
        except TypeError as error:
            raise TypeError("The optimizer's learning rate is a schedule, which sets the rate itself; give it a number instead.") from error

    scale.__name__ = f"scale_learning_rate({factor})"
    return scale


def _end_training(model):
    model.stop_training = True


def _numbers(logs):
    """What in Keras's logs is a number, as floats; some metrics report arrays, which are not for a row."""
    row = {}
    for name, value in (logs or {}).items():
        try:
            row[name] = float(value)
        except (TypeError, ValueError):
            pass
    return row
