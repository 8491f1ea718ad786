"""The follower: Keras's hooks on one side, recorder, watch, best and state on the other."""

import dataclasses
import time
import zlib

import keras
import numpy as np

from .actions import end_training
from .best import Best
from .budgets import Epochs
from .recorder import Recorder
from .report import Report
from .state import State
from .watch import Watch
from .words import plural


class Follower(keras.callbacks.Callback):
    """Follows a fit of keras or tf_keras and acts when a criterion is met: the base of When and StopWhen.

    A row is appended, the best weights are kept, the criterion is asked, the action is done, the state is
    written: in this order, at every epoch's end, live and after a resume.

    Args:
        criterion: a criterion, or a function of the history so far.
        do: a function of the model. If it has a method `resume(model)`, that is called when a killed
            training goes on in which it had acted: to bring back what neither weights nor optimizer hold.
        best: a Best, or None.
        memory: name -> what else is to be remembered: an object with `facts()` (what JSON can hold),
            `arrays()` (a list of arrays, or None) and `resume(facts, arrays, model)`.
        times, check, validation_freq, clock, state: see When.

    Attributes:
        history: the rows so far, a History.
        events: a Report for each time it acted.
        report: a Report, valid at any time.
    """

    def __init__(self, criterion, do, *, times=1, check="epoch", validation_freq=1, clock=time.monotonic,
                 best=None, state=None, memory=None):
        super().__init__()
        self.recorder = Recorder(check, validation_freq, clock)
        self.watch, self.best, self.do = Watch(criterion, self.recorder, times), best or Best(), do
        self.state = None if state is None else State(state, type(self).__name__)
        self.memory = memory or {}
        if check == "batch":
            _refuse_in_batches(self.criterion, self.best.metric)
        self._forget("not begun")

    @property
    def criterion(self):
        return self.watch.criterion

    @property
    def history(self):
        return self.recorder.history

    @property
    def check(self):
        return self.recorder.check

    # Keras 3 calls every hook; tf_keras asks first, through these private names
    def _implements_train_batch_hooks(self):
        return self._asks_each_batch

    def _implements_test_batch_hooks(self):
        return False

    def _implements_predict_batch_hooks(self):
        return False

    # ---- what Keras calls ----

    def on_train_begin(self, logs=None):
        self.recorder.begin(self.model)
        self._forget("running")

    def on_epoch_begin(self, epoch, logs=None):
        if self.recorder.epoch is None:  # only now is known whether this fit goes on where another was killed
            self._go_on(epoch)
        if not self._was_over:
            self.recorder.begin_epoch(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self._was_over:
            return
        recorder = self.recorder
        recorder.steps.batch(batch)
        if not self._asks_each_batch:
            return
        where, logs = f"batch {batch} of epoch {recorder.epoch}", logs or {}
        event = None
        if self.check == "batch":
            event = self._row(recorder.end_batch(batch, logs), where, logs)
        if event is None:
            event = self.watch.ahead(f"in {where}", logs, recorder.epoch, self._whole_rows())
        self._act(event)

    def on_test_begin(self, logs=None):
        self.recorder.begin_validation()

    def on_epoch_end(self, epoch, logs=None):
        if not self._was_over:
            recorder, logs = self.recorder, logs or {}
            row, event = recorder.end_epoch(logs, (self.params or {}).get("steps")), None
            if row is not None:
                event = self._row(row, f"epoch {epoch}", logs)
            if event is None:
                # else the next epoch would be cut short in its first batch, and still be validated
                event = self.watch.ahead(f"at epoch {epoch}", logs, epoch + 1, self.watch.rows - 1)
            self._act(event)
            recorder.note()
        if self.state is not None:
            self._save(epoch + 1)

    def on_train_end(self, logs=None):
        if self.recorder.epoch is None and self.state is not None:  # it was killed after its last epoch
            self._go_on(self.params["epochs"], is_over=True)
        if not self._was_over:
            self.recorder.note()
        self._status = "stopped" if self.model.stop_training else "done"
        if self.best.weights is not None:
            self.best.restore(self.model)
        if self.state is not None:
            self.state.clear()

    # ---- the rest ----

    @property
    def report(self):
        """What became of the run so far: a Report."""
        reason, ended_by = self._verdict()
        recorder, best = self.recorder, self.best.said()
        after = None if self.best.epoch is None else recorder.epoch - self.best.epoch
        return Report(reason, ended_by, recorder.epoch, recorder.step, seconds=recorder.seconds,
                      epochs_after_best=after, notes=self._notes(), **best)

    def _row(self, row, where, logs):
        """A row was appended: keep the best weights before anything can go wrong, then ask."""
        self.best.row(self.recorder, row, where, logs, self._model)
        event = self.watch.row(where, logs)
        if self.best.metric is not None:
            self.recorder.require([self.best.metric], where, logs)
        return event

    def _act(self, event):
        if event is None:
            return
        recorder = self.recorder
        report = Report(event.reason, event.met, recorder.epoch, recorder.step, seconds=recorder.seconds)
        self.events.append(report)
        # whoever may have stopped this epoch before: a StopWhen that is met says why itself
        ends = self.do is end_training or not self._model.stop_training
        self.do(self.model)
        if ends and self._model.stop_training:
            self._ended = report

    def _whole_rows(self):
        return self.watch.rows - (self.check == "batch")

    def _verdict(self):
        """(reason, ended_by) for the report."""
        if self._ended:
            return self._ended.reason, self._ended.ended_by
        if self._status == "not begun":
            return "training has not begun", None
        epoch, acted = self.recorder.epoch, ""
        if self.events:
            acted = f"acted {plural(len(self.events), 'time')}, the last because {self.events[-1].reason}"
        if self._status == "running":
            where = "before the first epoch" if epoch is None else f"in epoch {epoch}"
            so_far = acted or f"{self.criterion!r} is not met so far"
            return f"training is running, or was interrupted, {where}; {so_far}", None
        if self._status == "stopped":
            reason = f"another callback stopped training in epoch {epoch}"
            return f"{reason}; {acted}" if acted else reason, "another callback"
        return self.history.never_met(self.criterion, acted), "all epochs done"

    def _notes(self):
        notes, recorder = [], self.recorder
        if recorder.began_at:
            notes.append(f"this fit began at epoch {recorder.began_at}: what came before is not known")
        if recorder.steps.unit == "batch":
            notes.append("steps are batches: no optimizer of the model was seen at work")
        return tuple(notes)

    def _forget(self, status):
        self.watch.begin()
        self.best.begin()
        self.events, self._ended, self._status, self._was_over = [], None, status, False
        self._asks_each_batch = self.check == "batch" or self.criterion.every_batch

    # ---- a training that was killed goes on ----

    def _save(self, epoch):
        facts = {
            "recorder": self.recorder.facts(), "watch": self.watch.facts(), "best": self.best.facts(),
            "events": [dataclasses.asdict(event) for event in self.events], "ended": self._ended is not None,
            "memory": {name: part.facts() for name, part in self.memory.items()},
            "of": dict(self._run(), weights=_fingerprint(self.model)),
        }
        best = self.best.weights and self.best.weights_for(self.model)
        arrays = {f"memory {name}": part.arrays() for name, part in self.memory.items()}
        self.state.save(epoch, facts, {"best": best, **arrays})

    def _run(self):
        """Whose state it is: another run, or another moment, has another."""
        return {"rows": self.check, "best": self.best.question, "iterations": self.recorder.steps.iterations}

    def _go_on(self, epoch, is_over=False):
        """Become what it was before `epoch`; at epoch 0 there is nothing to become."""
        if epoch == 0 or self.state is None:
            self.recorder.began_at = epoch
            if self.state is not None:
                self.state.clear()
            return
        then, arrays = self.state.load(epoch)
        now = self._run()
        if not is_over:  # at the very end an optimizer may have averaged the weights
            now["weights"] = _fingerprint(self.model)
        for what, value in now.items():
            if then["of"][what] != value:
                raise self.state.error(
                    f"The state for epoch {epoch} in {self.state.folder} belongs to another training, or to "
                    f"another moment of this one ({what}: {then['of'][what]}; now {value}).")
        self.recorder.resume(then["recorder"])
        self.watch.resume(then["watch"])
        self.best.resume(then["best"], arrays["best"], self.recorder, self.model)
        self.events = [Report(**dict(event, notes=tuple(event["notes"]))) for event in then["events"]]
        for name, part in self.memory.items():
            part.resume(then["memory"][name], arrays[f"memory {name}"], self.model)
        if self.events and hasattr(self.do, "resume"):
            self.do.resume(self.model)
        if then["ended"]:
            # Keras runs one more batch: it does not look before. That is no row, and its weights go.
            self._was_over, self._ended = True, self.events[-1]
            if self.best.weights is None:
                self.best.keep(self.model)
            end_training(self.model)

    def __getstate__(self):  # a copy has a model of its own, with other variables
        return dict(super().__getstate__(), best=self.best.copied_for(self._model))


def _fingerprint(model):
    """A checksum of all weights: it tells two runs of one script apart."""
    checksum = 0
    for weight in model.get_weights():
        checksum = zlib.crc32(np.ascontiguousarray(weight).view(np.uint8), checksum)
    return checksum


def _refuse_in_batches(criterion, best):
    for name in [*criterion.columns, *([] if best is None else [best])]:
        if name.startswith("val_") or name in ("weight_change", "memory"):
            why = f'"{name}" is measured once an epoch; with check="batch" the rows are batches.'
            raise ValueError(f'{why} Use check="epoch".')
    if any(isinstance(part, Epochs) for part in criterion.parts()):
        raise ValueError('Epochs counts rows, and with check="batch" a row is a batch. Use StepBudget.')
