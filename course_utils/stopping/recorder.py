"""The recorder: turns the hooks of one fit into the rows of a history."""

import math
import time

import numpy as np

from .checks import check_count
from .every import Every
from .history import History, missing_column
from .steps import Steps, bring_back, scalar

OWN = ("seconds", "steps", "epoch", "batch", "evaluation")  # columns that the recorder itself writes


class Recorder:
    """Rows, clock and steps of one fit.

    Args:
        check: "epoch", or "batch" to make every batch a row, or an Every, which makes evaluations of its own.
        validation_freq: what is given to `fit`: a whole number, or epochs counted from 1.
        clock: a function that returns seconds.

    Attributes:
        history: the rows so far.
        epoch, step, seconds: of the newest row or batch that was noted; None before the first.
        reserve: seconds that the last validation pass took.
        began_at: the epoch at which this fit began, if nothing is known of those before; else 0.
        longest_batch, saving: seconds that the longest batch but the first took, and the last end of an epoch
            with what other callbacks did there.
        sources: column -> what measures it in this fit, see interrupts.Source.
    """

    def __init__(self, check="epoch", validation_freq=1, clock=time.monotonic):
        if check not in ("epoch", "batch") and not isinstance(check, Every):
            raise ValueError(f'check should be "epoch" or "batch", or an Every; got {check!r}.')
        if not isinstance(validation_freq, (list, tuple, set)):
            check_count("validation_freq", validation_freq)
        self.every = check if isinstance(check, Every) else None
        self.check = "evaluation" if self.every else check
        self.validation_freq, self.clock = validation_freq, clock
        self.steps = Steps()
        self.reset()

    def reset(self):
        """Forget: no fit has begun."""
        self.history = History()
        self.epoch = self.step = self.seconds = None
        self.reserve = self.longest_batch = self.saving = 0.0
        self.began_at, self.sources = 0, {}
        self._batch_began = self._epoch_ended = None
        self._seconds_before = 0.0  # of the jobs before this one
        self._validation_began, self._was_validated, self._totals = None, False, {}
        self._evaluated = 0  # how many times the step of an evaluation has come

    # ---- what happens in a fit ----

    def begin(self, model):
        """A fit of this model begins."""
        self.reset()
        self._model = model
        self.steps.begin(model)
        self._started = self.clock()

    def begin_epoch(self, epoch):
        self.epoch, self._totals, self._validation_began = epoch, {}, None
        self._batch_began = None
        if self._epoch_ended is not None:
            self.saving = self.clock() - self._epoch_ended

    def begin_validation(self):
        self._validation_began = self.clock()

    def count_batch(self, batch):
        """A batch is over, row or not."""
        self.steps.batch(batch)
        now = self.clock()
        if self._batch_began is not None:
            self.longest_batch = max(self.longest_batch, now - self._batch_began)
        self._batch_began = now

    def end_batch(self, batch, logs):
        """A batch is over: append its row, if it has one. Returns the row, or None."""
        if self.check == "evaluation":
            return self._evaluation(batch, logs)
        if "batch_loss" in logs:
            raise _taken("batch_loss", ("batch_loss", *OWN, *self.sources))
        return self._append(dict(logs, **self._batch_loss(logs)), batch=batch)

    def _evaluation(self, batch, logs):
        due = self.steps.count // self.every.steps
        if due <= self._evaluated:
            return None
        began, self._evaluated, self._was_validated = self.clock(), due, True
        logs = {**logs, **self.every.evaluate(self._model)}
        self.reserve = self.clock() - began
        return self._append(logs, batch=batch, evaluation=self.history.rows)

    def end_epoch(self, logs, batches=None):
        """An epoch of so many batches (if known) is over. Returns its row, None if rows are batches."""
        self._epoch_ended = self.clock()
        if self._validation_began is not None:
            self.reserve = self._epoch_ended - self._validation_began
        self.steps.epoch(batches)
        self._was_validated = self._was_validated or self.validates(self.epoch)
        return self._append(logs) if self.check == "epoch" else None

    def note(self):
        """Note how far it has come, in steps and seconds."""
        self.step, self.seconds = self.steps.count, self.now()

    def _append(self, logs, **batch):
        taken = [name for name in (*OWN, *self.sources) if name in logs]
        if taken:
            raise _taken(taken[0], (*OWN, *self.sources))
        row = dict(numbers(logs), **batch, seconds=self.now(), steps=self.steps.count, epoch=self.epoch)
        row.update({name: source.read(self) for name, source in self.sources.items()})
        self.history.add(row)
        return row

    # ---- what others ask ----

    def now(self):
        """Seconds since the training began."""
        return self.clock() - self._started

    def job_seconds(self):
        """Seconds since this job began: of a training that was killed, the last one."""
        return self.now() - self._seconds_before

    def validates(self, epoch):
        """Does Keras validate after this epoch?"""
        often = self.validation_freq
        if self.every is not None:
            return True
        return epoch + 1 in often if isinstance(often, (list, tuple, set)) else (epoch + 1) % often == 0

    def measured(self, history):
        """A history as criteria read it: before the first validation, `val_` columns are not measured yet."""
        return history if self._was_validated else _BeforeValidation(history)

    def require(self, columns, where, logs):
        """Are these columns there after `where`? MissingColumn or TypeError if not."""
        for name in columns:
            if name in self.history:
                continue
            if name in logs:
                said = f"one number per {self.check}; after {where} it is {logs[name]!r}"
                raise TypeError(f'"{name}" should be {said}.')
            if self._was_validated or not name.startswith("val_"):
                raise missing_column(name, self.history, f" after {where}")
            self.history[name] = [None] * self.history.rows  # not measured yet

    # ---- on disk ----

    def facts(self):
        """What is to be remembered, as JSON can hold it."""
        return {"rows": self.check, "history": self.history, "at": [self.epoch, self.step, self.seconds],
                "reserve": self.reserve, "iterations": self.steps.iterations}

    def resume(self, facts):
        """Go on from what was remembered."""
        self.history = History(facts["history"])
        self.epoch, self.step, self.seconds = facts["at"]
        self.reserve = facts["reserve"]
        self._was_validated = any(map(self.validates, set(self.history["epoch"])))
        self._started, self._seconds_before = self.clock() - self.seconds, self.seconds
        if self.every is not None:
            self._evaluated = self.step // self.every.steps
        self.steps.begin(self._model, self.step)  # the backup has moved the optimizer's count meanwhile

    def _batch_loss(self, logs):
        """The batch's own loss, as a row's column.

        Keras reports a mean of the epoch so far, weighted by the batches' sizes; the difference of its totals
        is the batch's own. A train_step of one's own may report the batch's loss itself: then none of the
        model's means has that value.
        """
        if "loss" not in logs:
            return {}
        bring_back(self._model)
        loss, before = float(logs["loss"]), self._totals
        means = [m for m in self._model.metrics if hasattr(m, "total") and hasattr(m, "count")]
        self._totals = {mean.name: (scalar(mean.total), scalar(mean.count)) for mean in means}
        for name in sorted(self._totals, key=lambda name: name != "loss"):
            total, count = self._totals[name]
            total_before, count_before = before.get(name, (0.0, 0.0))
            if count > count_before and math.isclose(total / count, loss, rel_tol=1e-5):
                return {"batch_loss": (total - total_before) / (count - count_before)}
        return {"batch_loss": loss}

    def __getstate__(self):  # a copy has a model of its own
        return dict(self.__dict__, _model=None, sources={})


def _taken(name, own):
    return ValueError(f'A metric is called "{name}", which is a column of the history itself '
                      f"({', '.join(own)}). Give the metric another name.")


class _BeforeValidation(History):
    """A history whose validation columns are not measured yet, rather than missing."""

    def __missing__(self, name):
        return [None] * self.rows if str(name).startswith("val_") else super().__missing__(name)


def numbers(logs):
    """What in Keras's logs is a number, as floats; some metrics report arrays, which are not for a row."""
    row = {}
    for name, value in logs.items():
        try:
            if np.ndim(value) == 0:
                row[name] = float(value)
        except (TypeError, ValueError):
            pass
    return row
