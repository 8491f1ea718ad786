"""The follower: Keras's hooks on one side, recorder, watch, best and state on the other."""

import dataclasses
import time

import keras

from .actions import end_training
from .belonging import first_difference, identity
from .best import Best
from .budgets import Epochs
from .kept import in_shards
from .neighbours import is_backup, is_listed_twice, keep_backup, neighbours
from .recorder import Recorder
from .report import Report
from .state import State
from .verdict import report_of
from .votes import Alone
from .watch import Watch


class Follower(keras.callbacks.Callback):
    """Follows a fit of keras or tf_keras and acts when a criterion is met: the base of When and StopWhen.

    A row is appended, the best weights are kept, the criterion is asked, the action is done, the state is
    written: in this order, at every epoch's end, live and after a resume.

    Args:
        criterion: a criterion, or a function of the history so far.
        do: a function of the model; what else it may have to say is in actions.py.
        best: a Best, or None.
        memory: name -> what else is to be remembered: an object with `facts()` (what JSON can hold),
            `arrays()` (a list of arrays, or None) and `resume(facts, arrays, model)`.
        times, check, validation_freq, clock, state, together: see When.

    Attributes:
        history: the rows so far, a History.
        events: a Report for each time it acted.
        report: a Report, valid at any time.
        interrupted: whether a signal, a deadline or a stop file ended the job: another one can go on.
        status: "not begun", "running", "stopped" or "done".
        ended, interruption: the Report of the event that ended the training, or the job; else None.
        said: what the action had to say afterwards, a sentence each.
    """

    def __init__(self, criterion, do, *, times=1, check="epoch", validation_freq=1, clock=time.monotonic,
                 best=None, state=None, memory=None, together=None):
        super().__init__()
        self.recorder = Recorder(check, validation_freq, clock)
        self.watch = Watch(criterion, self.recorder, times, ends=do is end_training)
        self.best, self.do = best or Best(), do
        self.state = None if state is None else State(state, type(self).__name__)
        self.votes = Alone() if together is None else together.votes()
        self.memory = {**(memory or {}), **self.votes.memory()}
        if self.check != "epoch":
            _refuse_within_epochs(self.check, self.criterion, self.best.metric)
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

    @property
    def interrupted(self):
        return self.interruption is not None

    # Keras 3 calls every hook; tf_keras asks first, through these private names
    def _implements_train_batch_hooks(self):
        return self._asks_each_batch

    def _implements_test_batch_hooks(self):
        return False

    def _implements_predict_batch_hooks(self):
        return False

    # ---- what Keras calls ----

    def on_train_begin(self, logs=None):
        if is_listed_twice(self):
            raise ValueError(f"This {type(self).__name__} stands twice in callbacks=[...], and would see "
                             "each epoch twice. Two rules need two objects, or one rule, a | b.")
        if self.state is not None:
            if in_shards(self.model):
                raise ValueError("state= cannot hold weights that lie in parts in several processes "
                                 "(ModelParallel). Leave it out.")
            self.state.try_out()
        self.watch.end()  # after Ctrl-C the last fit is still listened for
        self.recorder.begin(self.model)
        self._forget("running")
        self.watch.begin()
        self.votes.begin(self)
        if hasattr(self.do, "before"):
            self.do.before(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        if self.recorder.epoch is None:  # only now is known whether this fit goes on where another was killed
            self._go_on(epoch)
        if not self._was_over:
            self.recorder.begin_epoch(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self._was_over:
            return
        recorder = self.recorder
        recorder.count_batch(batch)
        if not self._asks_each_batch:
            return
        where, logs = f"batch {batch} of epoch {recorder.epoch}", logs or {}
        event = None
        row = None if self.check == "epoch" else recorder.end_batch(batch, logs)
        if row is not None:
            event = self._row(row, where, row if self.check == "evaluation" else logs)
        if event is None:
            event = self.watch.ahead(f"in {where}", logs, recorder.epoch, self._whole_rows())
        self._act(event)

    def on_test_begin(self, logs=None):
        self.recorder.begin_validation()

    def on_test_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.best.validates(self.model)

    def on_test_batch_end(self, batch, logs=None):
        if self._is_cut:  # there may be no time to validate an epoch that will be begun anew
            self._model.stop_evaluating = True

    def on_epoch_end(self, epoch, logs=None):
        if self._is_cut:
            return  # an unfinished epoch is no row, and no state: the next job begins it anew
        if not self._was_over:
            recorder, logs = self.recorder, logs or {}
            row, event = recorder.end_epoch(logs, (self.params or {}).get("steps")), None
            if row is not None:
                event = self._row(row, f"epoch {epoch}", logs)
            if event is None:
                # else the next epoch would be cut short in its first batch, and still be validated
                event = self.watch.ahead(f"at epoch {epoch}", logs, epoch + 1, self.watch.rows - 1)
            self._act(event, whole_epoch=True)
            self._look_after()
            recorder.note()
        if self.state is not None:
            self._save(epoch + 1)

    def on_train_end(self, logs=None):
        if self.recorder.epoch is None and self.state is not None:  # it was killed after its last epoch
            self._go_on(self.params["epochs"], is_over=True)
        if not self._was_over:
            self.recorder.note()
        self.status = "stopped" if self.model.stop_training else "done"
        self.watch.end()
        if self.best.weights is not None:
            self.best.restore(self.model)
        if self.state is not None and not self.interrupted:
            self.state.clear()

    def interrupt(self, report, whole_epoch):
        """The job ends, and the training does not: keep what another job needs.

        Args:
            report: why.
            whole_epoch: whether an epoch has just been finished; an unfinished one will be begun anew.
        """
        self.interruption, self._is_cut = report, not whole_epoch

    # ---- the rest ----

    @property
    def report(self):
        """What became of the run so far: a Report."""
        return report_of(self)

    def _row(self, row, where, logs):
        """A row was appended: keep the best weights before anything can go wrong, then ask."""
        self.best.row(self.recorder, row, where, logs, self._model, self.votes.mean)
        event = self.watch.row(where, logs)
        if self.best.metric is not None:
            self.recorder.require([self.best.metric], where, logs)
        return event

    def _act(self, event, whole_epoch=False):
        if not self.watch.is_over:
            event = self.votes.agreed(event, whole_epoch)
        if event is None:
            return
        self.watch.take(event)
        recorder, model = self.recorder, self.model
        report = Report(event.reason, event.met, recorder.epoch, recorder.step, seconds=recorder.seconds)
        if event.interrupts:
            self.interrupt(report, whole_epoch)
            for other in neighbours(self):
                if isinstance(other, Follower):
                    other.interrupt(report, whole_epoch)
                elif is_backup(other):
                    keep_backup(other, whole_epoch)
            end_training(model)
            return
        self.events.append(report)
        # whoever may have stopped this epoch before: a StopWhen that is met says why itself
        ends = self.do is end_training or not model.stop_training
        self.do(model, event.reason) if getattr(self.do, "takes_reason", False) else self.do(model)
        if ends and model.stop_training:
            self.ended = report

    def _look_after(self):
        if self.events and hasattr(self.do, "after"):
            said = self.do.after(self.model)
            if said and said not in self.said:
                self.said.append(said)

    def _whole_rows(self):
        return self.watch.rows - (self.check == "batch")  # it is a row already

    def _forget(self, status):
        self.watch.reset()
        self.best.begin()
        self.events, self.said, self.status = [], [], status
        self.ended = self.interruption = None
        self._was_over = self._is_cut = False
        self._asks_each_batch = self.check != "epoch" or self.criterion.every_batch or self.votes.each_batch

    # ---- a training that was killed goes on ----

    def _save(self, epoch):
        facts = {
            "recorder": self.recorder.facts(), "watch": self.watch.facts(), "best": self.best.facts(),
            "events": [dataclasses.asdict(event) for event in self.events], "ended": self.ended is not None,
            "memory": {name: part.facts() for name, part in self.memory.items()},
            "of": identity(self, self.model),
        }
        best = self.best.weights and self.best.weights_for(self.model)
        arrays = {f"memory {name}": part.arrays() for name, part in self.memory.items()}
        self.state.save(epoch, facts, {"best": best, **arrays})

    def _go_on(self, epoch, is_over=False):
        """Become what it was before `epoch`; at epoch 0 there is nothing to become."""
        if epoch == 0 or self.state is None:
            self.recorder.began_at = epoch
            if self.state is not None:
                self.state.clear()
            return
        then, arrays = self.state.load(epoch)
        # at the very end an optimizer may have averaged the weights
        differs = first_difference(then["of"], identity(self, self.model, weights=not is_over))
        if differs is not None:
            raise self.state.error(
                f"The state for epoch {epoch} in {self.state.folder} belongs to another training, or to "
                "another moment of this one ({}: {}; now {}).".format(*differs))
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
            self._was_over, self.ended = True, self.events[-1]
            if self.best.weights is None:
                self.best.keep(self.model)
            end_training(self.model)

    def __getstate__(self):  # a copy has a model of its own, with other variables
        return dict(super().__getstate__(), best=self.best.copied_for(self._model))


def _refuse_within_epochs(check, criterion, best):
    rows = "batches" if check == "batch" else "evaluations"
    for name in [*criterion.columns, *([] if best is None else [best])]:
        if name in ("weight_change", "memory") or check == "batch" and name.startswith("val_"):
            raise ValueError(f'"{name}" is measured once an epoch, and the rows are {rows} (check=). '
                             'Use check="epoch".')
    if any(isinstance(part, Epochs) for part in criterion.parts()):
        raise ValueError(f"Epochs counts rows, and here they are {rows} (check=). Use StepBudget.")
