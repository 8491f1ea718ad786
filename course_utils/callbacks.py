"""Callbacks: do something when a criterion is met. `StopWhen` ends training; `When` does what you give it.

    stop = StopWhen(Below("loss", 0.01) | TimeBudget(minutes=5), restore_best="val_loss")
    model.fit(..., callbacks=[stop])
    print(stop.report)

They keep a history of their own (`.history`) and never write into Keras's logs. The same classes work in
`fit` of `keras` and of `tf_keras`. To use them elsewhere, copy history.py, criterion.py, criteria.py,
scores.py, state.py and this file into a folder of your project.
"""

import dataclasses
import math
import time

import keras
import numpy as np

from .criteria import Epochs, as_criterion
from .criterion import check_count, check_number, stated_mode
from .history import History, Report, check_best, missing_column, plural
from .state import State


class When(keras.callbacks.Callback):
    """When a criterion is met, call `do(model)`.

    A row of the history is an epoch. Budgets and NotFinite are asked after every batch as well; a TimeBudget
    keeps back the time that the last validation pass took (in the first epoch that is not known yet).

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to act.
        do: a function of the model.
        times: how often at most. After each time the criterion starts afresh: it sees only the rows that come
            after, and budgets count from there.
        check: "epoch", or "batch" to make every batch a row. Batch rows have a column "batch_loss", the
            batch's own loss: the "loss" that Keras hands to callbacks within an epoch is the mean of the
            epoch so far. (With steps_per_execution it is the mean of the batches of one execution; after a
            loss that is not finite it is NaN to the epoch's end.)
        validation_freq: what you give to `fit`. Rows without validation hold None.
        clock: a function that returns seconds; tests pass their own.

    Raises:
        MissingColumn: at the end of the first epoch (or batch, if these are the rows), if a column that the
            criterion reads is not there.

    Attributes:
        history: the rows so far, a History: what is a number in Keras's logs, and "seconds", "steps"
            (optimizer updates since the start) and "epoch". Batch rows have "batch" and "batch_loss" too.
        events: a Report for each time it acted.
        report: a Report, valid at any time.
    """

    def __init__(self, criterion, do, *, times=1, check="epoch", validation_freq=1, clock=time.monotonic):
        super().__init__()
        if check not in ("epoch", "batch"):
            raise ValueError(f'check should be "epoch" or "batch"; got {check!r}.')
        if not callable(do):
            raise TypeError(f"do is a function of the model, such as scale_learning_rate(0.1); got {do!r}.")
        check_count("times", times)
        if not isinstance(validation_freq, (list, tuple, set)):  # Keras takes epochs, counted from 1, as well
            check_count("validation_freq", validation_freq)
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
        self._epoch, self._totals, self._validation_began = epoch, {}, None

    def on_train_batch_end(self, batch, logs=None):
        if not self._implements_train_batch_hooks():
            return
        where = f"batch {batch} of epoch {self._epoch}"
        if self.check == "epoch":
            self._look_ahead(f"in {where}", logs, self._seen.rows, self._epoch)
        elif not self._finish_row(dict(logs or {}, **self._batch_loss(logs or {})), where, batch=batch):
            self._look_ahead(f"in {where}", logs, self._seen.rows - 1, self._epoch)

    def on_test_begin(self, logs=None):
        self._validation_began = self.clock()

    def on_epoch_end(self, epoch, logs=None):
        if self._validation_began is not None:
            self._reserve = self.clock() - self._validation_began
        if self.check == "batch" or not self._finish_row(logs or {}, f"epoch {epoch}"):
            # else the next epoch would be cut short in its first batch, and still be validated
            self._look_ahead(f"at epoch {epoch}", logs, self._seen.rows - 1, epoch + 1)
        self._note_progress()

    def on_train_end(self, logs=None):
        self._note_progress()
        self._state = "stopped" if self.model.stop_training else "done"

    # ---- the rest ----

    @property
    def report(self):
        """What became of the run so far: a Report."""
        reason, ended_by = self._verdict()
        return Report(reason, ended_by, self._epoch, self._step, seconds=self._seconds)

    def __getstate__(self):  # a generator cannot be copied or pickled; the callback can
        return dict(self.__dict__, _ask=None)

    def _verdict(self):
        """(reason, ended_by) for the report."""
        if self._ended:
            return self._ended.reason, self._ended.ended_by
        if self._state == "not begun":
            return "training has not begun", None
        acted = ""
        if self.events:
            acted = f"acted {plural(len(self.events), 'time')}, the last because {self.events[-1].reason}"
        if self._state == "running":
            where = "before the first epoch" if self._epoch is None else f"in epoch {self._epoch}"
            so_far = acted or f"{self.criterion!r} is not met so far"
            return f"training is running, or was interrupted, {where}; {so_far}", None
        if self._state == "stopped":
            reason = f"another callback stopped training in epoch {self._epoch}"
            return f"{reason}; {acted}" if acted else reason, "another callback"
        return self.history.never_met(self.criterion, acted), "all epochs done"

    def _begin(self, state):
        self.history, self.events, self._ended, self._state = History(), [], None, state
        self._epoch = self._step = self._seconds = self._validation_began = None
        self._reserve = 0.0  # seconds that the last validation pass took
        self._look_afresh(self.history, seconds=0.0, steps=0)

    def _look_afresh(self, seen, **since):
        """Let the criterion see only the rows that come from now on, and count budgets from here."""
        self._seen, self._since, self._ask = seen, since, self.criterion.live()

    def _finish_row(self, logs, where, **batch):
        """Append a row, ask the criterion, act. Returns whether it was met."""
        row = dict(_numbers(logs), **batch, seconds=self._now(), steps=self._steps(), epoch=self._epoch)
        self.history.add(row)
        self._note_best(row, where, logs)
        self._require(self.criterion.columns, where, logs)
        if self._seen is not self.history:
            newest = {name: values[-1] for name, values in self.history.items()}
            self._seen.add(dict(newest, **{name: row[name] - since for name, since in self._since.items()}))
        seen, newest = self._measured_so_far(self._seen), self._seen.rows - 1
        if not self._may_act() or not self._ask(seen, newest):
            return False
        self._act(self.criterion.reason(seen, newest, self.check), self.criterion.parts_met(seen, newest))
        return True

    def _note_best(self, row, where, logs):
        """StopWhen keeps the best weights here, before anything can go wrong."""

    def _look_ahead(self, place, logs, rows_before, epoch):
        """Ask the criteria that look at every batch, as if the validation pass of `epoch` were over."""
        if not self.criterion.every_batch or not self._may_act():
            return
        reserve = self._reserve if self._validates(epoch) else 0.0
        columns = self.criterion.columns
        known = _numbers({name: value for name, value in (logs or {}).items() if name in columns})
        if "seconds" in columns:
            known["seconds"] = self._now() + reserve - self._since["seconds"]
        if "steps" in columns:
            known["steps"] = self._steps() - self._since["steps"]
        met = self.criterion.met_mid_epoch(known, rows_before)
        if met:
            newest = History({name: [value] for name, value in known.items()})
            reasons = [part.reason(newest, 0, place=place) for part in met]
            if reserve and any("seconds" in part.columns for part in met):
                reasons[-1] += f" ({reserve:.2g} s kept for validation)"
            self._act("; ".join(reasons), met)

    def _act(self, reason, criteria):
        self._note_progress()
        ended_by = "; ".join(map(repr, criteria))
        self.events.append(Report(reason, ended_by, self._epoch, self._step, seconds=self._seconds))
        unseen = History({name: [] for name in self.history})
        self._look_afresh(unseen, seconds=self._seconds, steps=self._step)
        # whoever may have stopped this epoch before: a StopWhen that is met says why itself
        ends = self.do is _end_training or not self.model.stop_training
        self.do(self.model)
        if ends and self.model.stop_training:
            self._ended = self.events[-1]

    def _may_act(self):
        return len(self.events) < self.times

    def _validates(self, epoch):
        """Does Keras validate after this epoch?"""
        often = self.validation_freq
        return epoch + 1 in often if isinstance(often, (list, tuple, set)) else (epoch + 1) % often == 0

    def _awaits_validation(self):
        """Has no epoch come yet after which Keras validates?"""
        return not any(map(self._validates, self.history["epoch"]))

    def _measured_so_far(self, history):
        return _BeforeValidation(history) if self._awaits_validation() else history

    def _require(self, columns, where, logs):
        for name in columns:
            if name not in self.history:
                if name in logs:
                    said = f"one number per {self.check}; after {where} it is {logs[name]!r}"
                    raise TypeError(f'"{name}" should be {said}.')
                if not (name.startswith("val_") and self._awaits_validation()):
                    raise missing_column(name, self.history, f" after {where}")
                self.history[name] = [None] * self.history.rows  # not measured yet

    def _refuse_in_batches(self, columns):
        for name in columns:
            if name.startswith("val_") or name in ("weight_change", "memory"):
                why = f'"{name}" is measured once an epoch; with check="batch" the rows are batches.'
                raise ValueError(f'{why} Use check="epoch".')
        if any(isinstance(part, Epochs) for part in self.criterion.parts()):
            raise ValueError('Epochs counts rows, and with check="batch" a row is a batch. Use StepBudget.')

    def _now(self):
        return self.clock() - self._started

    def _iterations(self):
        optimizer = getattr(self.model, "optimizer", None)
        return 0 if optimizer is None else int(optimizer.iterations)

    def _steps(self):
        return self._iterations() - self._first_step

    def _note_progress(self):
        self._step, self._seconds = self._steps(), self._now()

    def _batch_loss(self, logs):
        """The batch's own loss, as a row's column.

        Keras reports a mean of the epoch so far, weighted by the batches' sizes; the difference of its totals
        is the batch's own. A train_step of one's own may report the batch's loss itself: then none of the
        model's means has that value.
        """
        if "loss" not in logs:
            return {}
        loss, before = float(logs["loss"]), self._totals
        means = [m for m in self.model.metrics if hasattr(m, "total") and hasattr(m, "count")]
        self._totals = {mean.name: (float(mean.total), float(mean.count)) for mean in means}
        for name in sorted(self._totals, key=lambda name: name != "loss"):
            total, count = self._totals[name]
            total_before, count_before = before.get(name, (0.0, 0.0))
            if count > count_before and math.isclose(total / count, loss, rel_tol=1e-5):
                return {"batch_loss": (total - total_before) / (count - count_before)}
        return {"batch_loss": loss}


class _BeforeValidation(History):
    """A history whose validation columns are not measured yet, rather than missing."""

    def __missing__(self, name):
        return [None] * self.rows if str(name).startswith("val_") else super().__missing__(name)


class StopWhen(When):
    """End training when a criterion is met, and keep the best weights.

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to stop.
        restore_best: the column that says which epoch is best, for instance "val_loss". The weights of its
            best epoch come back when training ends, whoever ended it. Best is best: `min_delta` has no say,
            warm-up epochs count, NaN is never best.
        mode: "min" or "max", the good direction of `restore_best`; it may be left out for losses, and where
            the criterion was told it for the same column.
        best_when: a criterion; only an epoch in which it is met may be the best one. The best validation loss
            at a sparsity of 0.9 or more: `restore_best="val_loss", best_when=Above("sparsity", 0.899)`.
        check, validation_freq, clock: see When.
        state: a folder in which it notes at every epoch's end what it knows. With BackupAndRestore after it
            in callbacks=[...], a training that was killed then goes on where it was: history, patience, best
            weights, seconds and steps. The folder is cleared when training ends by itself, or begins at epoch
            0. The run is the same to the bit as without the kill, if the order of the batches depends on the
            epoch alone.

    Raises:
        RuntimeError: a fit begins at a later epoch than 0, and `state` does not fit to it.

    One object serves several fits: each `fit` starts afresh. After Ctrl-C, Keras calls no callback's end;
    `restore_best()` still works.

    >>> from course_utils.criteria import Patience, TimeBudget
    >>> stop = StopWhen(Patience("val_loss", 5) | TimeBudget(minutes=5), restore_best="val_loss")
    >>> stop.report.reason
    'training has not begun'
    """

    def __init__(self, criterion, restore_best=None, mode=None, *, best_when=None, check="epoch",
                 validation_freq=1, clock=time.monotonic, state=None):
        if mode is None and restore_best is not None:
            mode = stated_mode(as_criterion(criterion), restore_best)
        self.metric, self._sign = restore_best, check_best(restore_best, mode)
        if best_when is not None and restore_best is None:
            raise ValueError(f"best_when={best_when!r} says which epochs may be best: name restore_best too.")
        self.best_when = None if best_when is None else as_criterion(best_when)
        self.state = None if state is None else State(state)
        super().__init__(criterion, _end_training, check=check, validation_freq=validation_freq, clock=clock)
        if check == "batch" and restore_best is not None:
            self._refuse_in_batches([restore_best])

    def on_epoch_begin(self, epoch, logs=None):
        if self.state is not None and self._epoch is None:  # only now is known whether this is a resumed fit
            self._resume(epoch)
        if not self._was_over:
            super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.state is not None:
            self.state.save(epoch + 1, self._facts(), self._weights and self._kept_weights())

    def on_train_end(self, logs=None):
        if self.state is not None and self._epoch is None:  # it was killed after its last epoch
            self._resume(self.params["epochs"])
        super().on_train_end(logs)
        if self._weights is not None:
            self.restore_best()
        if self.state is not None:
            self.state.clear()

    def restore_best(self):
        """Give the model the weights of the best epoch so far.

        It happens by itself at the end of training, but not after Ctrl-C.

        Raises:
            RuntimeError: none were kept.
        """
        if self._weights is None:
            where = "" if self.best_when is None else f" where {self.best_when!r} is met"
            never = f"{self.metric} was never a number{where}"
            why = never if self.metric else "restore_best was not asked for"
            raise RuntimeError(f"No weights were kept: {why}.")
        self.model.set_weights(self._kept_weights())

    def _kept_weights(self):
        """The kept weights in today's order: in tf_keras, freezing a part of a layer changes it."""
        kept = dict(zip(map(id, self._variables), self._weights, strict=False))
        today = [id(variable) for variable in getattr(self.model, "weights", ())]
        return [kept[variable] for variable in today] if kept.keys() == set(today) else self._weights

    def __getstate__(self):  # a copy has a model of its own, with other variables
        state = dict(super().__getstate__(), _may_be_best=None)
        return state if self._weights is None else dict(state, _weights=self._kept_weights(), _variables=())

    @property
    def report(self):
        """What became of the run so far: a Report."""
        reason, ended_by = self._verdict()
        after = None if self._best_epoch is None else self._epoch - self._best_epoch
        best = self.metric, self._best_epoch, self._kept
        best_when = None if self.best_when is None else repr(self.best_when)
        return Report(reason, ended_by, self._epoch, self._step, *best, self._seconds, after, best_when)

    def _begin(self, state):
        super()._begin(state)
        self._best_epoch = self._kept = self._weights = None
        self._variables = ()
        self._may_be_best = None if self.best_when is None else self.best_when.live()
        self._was_over = False  # resumed after the criterion had been met: what Keras still runs is no row

    def _facts(self):
        """What `state` holds besides the weights."""
        events = [dataclasses.asdict(event) for event in self.events]
        best = [self.metric, self._sign, *([] if self.best_when is None else [repr(self.best_when)])]
        return {"rows": self.check, "best": best, "iterations": self._iterations(),
                "history": self.history, "events": events, "at": [self._epoch, self._step, self._seconds],
                "reserve": self._reserve, "best so far": [self._best_epoch, self._kept]}

    def _resume(self, epoch):
        """Become what it was before `epoch`."""
        if epoch == 0:
            self.state.clear()
            return
        then, weights = self.state.load(epoch)
        now = self._facts()
        for what in ("rows", "best", "iterations"):
            if then[what] != now[what]:
                raise self.state.error(
                    f"The state for epoch {epoch} in {self.state.folder} belongs to another training, or to "
                    f"another moment of this one ({what}: {then[what]}; now {now[what]}).")
        self.history = History(then["history"])
        self.events = [Report(**event) for event in then["events"]]
        self._epoch, self._step, self._seconds = then["at"]
        self._reserve, (self._best_epoch, self._kept) = then["reserve"], then["best so far"]
        self._weights, self._variables = weights, tuple(getattr(self.model, "weights", ()))
        self._started, self._first_step = self.clock() - self._seconds, self._iterations() - self._step
        self._look_afresh(self.history, seconds=0.0, steps=0)
        seen = self._measured_so_far(self.history)
        for row in range(seen.rows):
            self._ask(seen, row)
            if self.best_when is not None:
                self._may_be_best(seen, row)
        if self.events:
            self._was_over, self._ended = True, self.events[-1]
            self._weights = weights or self.model.get_weights()
            _end_training(self.model)  # after a batch: Keras does not look before

    def _note_progress(self):
        if not self._was_over:
            super()._note_progress()

    def _finish_row(self, logs, where, **batch):
        if self._was_over:
            return True
        met = super()._finish_row(logs, where, **batch)
        if self.metric:
            self._require([self.metric], where, logs)
        return met


    def _note_best(self, row, where, logs):
        if self.best_when is not None:
            self._require(self.best_when.columns, where, logs)
            if not self._may_be_best(self._measured_so_far(self.history), self.history.rows - 1):
                return
        value = row.get(self.metric, math.nan)
        if math.isfinite(value) and (self._kept is None or self._sign * value < self._sign * self._kept):
            self._best_epoch, self._kept = self._epoch, value
            self._weights = self.model.get_weights()
            self._variables = tuple(getattr(self.model, "weights", ()))  # whose they are


def scale_learning_rate(factor):
    """An action for When: multiply the optimizer's learning rate by `factor`.

    Raises:
        ValueError: `factor` is not a number above 0.
        TypeError (when it acts): the optimizer follows a learning rate schedule, which sets the rate itself.
    """
    check_number("factor", factor, above=0)

    def scale(model):
        rate = model.optimizer.learning_rate
        try:
            model.optimizer.learning_rate = float(rate) * factor
        except TypeError as error:
            raise TypeError("The optimizer's learning rate is a schedule, which sets the rate itself; give "
                            "the optimizer a number instead.") from error

    scale.__name__ = f"scale_learning_rate({factor})"
    return scale


def _end_training(model):
    model.stop_training = True


def _numbers(logs):
    """What in Keras's logs is a number, as floats; some metrics report arrays, which are not for a row."""
    row = {}
    for name, value in logs.items():
        try:
            if np.ndim(value) == 0:
                row[name] = float(value)
        except (TypeError, ValueError):
            pass
    return row
