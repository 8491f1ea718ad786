"""Optuna: StopWhen for a trial, which completes with its best value, and is pruned only if asked for."""

import math
import time

from ..stopping.actions import end_training
from ..stopping.checks import direction, stated_mode
from ..stopping.joins import as_criterion
from ..stopping.report import Report
from ..stopping.stop_when import StopWhen
from .installed import need


class OptunaStop(StopWhen):
    """StopWhen for the training of one Optuna trial. What the objective returns is its `best_value`.

        def objective(trial):
            model = build_model(trial.suggest_float("rate", 1e-4, 1e-1, log=True))
            stop = OptunaStop(trial, Patience("val_loss", 5) | NotFinite(), restore_best="val_loss")
            model.fit(..., callbacks=[stop])
            return stop.best_value

    A trial whose criterion is met is finished, so it completes, and the samplers learn from its value.
    Pruners are for those that fall behind other trials: `prune=True` asks the study's after every epoch.

    Each measured value of `restore_best` is reported to Optuna, with the epoch as its step. At the end the
    trial has the user attributes "reason", "ended_by", "epoch" and "best_epoch", as in a Report. A signal, a
    deadline or a stop file in the criterion also ends the study, after this trial.

    Args:
        trial: what the objective is given. It is for one fit: Optuna takes one value for each epoch.
        criterion, best_when, validation_freq, clock: see StopWhen.
        restore_best: the column whose best value is the trial's.
        mode: its good direction, "min" or "max". It may be left out: it is the study's.
        prune: whether the study's pruner may end the trial. `fit` then raises `optuna.TrialPruned`, when all
            callbacks have seen the end of the epoch.

    Attributes:
        best_value: the best value so far, a float; NaN, with which Optuna takes the trial as failed, if the
            column was never a number.

    Raises:
        ImportError: Optuna is missing or too old.
        ValueError: the study and `mode` (or the criterion) disagree; `prune` in a study of several
            objectives. Optuna is told no values of such a trial on the way, and `mode` is stated.
    """

    def __init__(self, trial, criterion, restore_best, mode=None, *, prune=False, best_when=None,
                 validation_freq=1, clock=time.monotonic):
        need("optuna", "OptunaStop")
        self.trial, self.prune = trial, prune
        study = getattr(trial, "study", None)  # a FixedTrial, with which an objective is tried, has none
        self._has_one_value = study is None or len(study.directions) == 1
        if self._has_one_value and study is not None:
            mode = _as_the_study(study, restore_best, mode, criterion)
        if prune and not self._has_one_value:
            raise ValueError(f"Optuna prunes by one value, and this study has {len(study.directions)}: leave "
                             "out prune=True.")
        super().__init__(criterion, restore_best, mode, best_when=best_when, validation_freq=validation_freq,
                         clock=clock)

    @property
    def best_value(self):
        return math.nan if self.best.value is None else self.best.value

    def on_epoch_end(self, epoch, logs=None):
        rows = self.history.rows
        super().on_epoch_end(epoch, logs)
        value = self.history[self.best.metric][-1] if self.history.rows > rows else None
        if value is None or not self._has_one_value:
            return
        self.trial.report(value, epoch)
        # who is finished is not pruned, and an interrupted trial has not fallen behind
        if self.prune and not self.ended and not self.interrupted and self.trial.should_prune():
            pruner = type(self.trial.study.pruner).__name__
            self.ended = Report(f"{pruner} pruned the trial at epoch {epoch}", pruner, epoch,
                                self.recorder.step, seconds=self.recorder.seconds)
            self.pruned = True
            end_training(self.model)

    def on_train_begin(self, logs=None):
        self.pruned = False
        super().on_train_begin(logs)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        report = self.report
        for name in ("reason", "ended_by", "epoch", "best_epoch"):
            self.trial.set_user_attr(name, getattr(report, name))
        if self.interrupted and hasattr(self.trial, "study"):
            self.trial.study.stop()
        if self.pruned:
            from optuna import TrialPruned

            raise TrialPruned(report.reason)


def _as_the_study(study, column, mode, criterion):
    """The study's direction as a mode, where nothing contradicts it."""
    wanted = {"MINIMIZE": "min", "MAXIMIZE": "max"}[study.directions[0].name]
    stated = mode or stated_mode(as_criterion(criterion), column)
    if stated is None and str(column).endswith("loss"):
        stated = "min"
    if stated is not None and direction(column, stated) != direction(column, wanted):
        raise ValueError(
            f'The study wants a {"small" if wanted == "min" else "large"} value, and of "{column}" a '
            f'{"small" if stated == "min" else "large"} one is better. Say optuna.create_study(direction='
            f'"{"minimize" if stated == "min" else "maximize"}"), or name the column that it is about.')
    return wanted
