"""Ray Tune: a criterion as what Tune calls a stopper. Every trial is a run, every result of it a row."""

import sys
from collections.abc import Mapping
from numbers import Integral

from ..stopping.history import MissingColumn
from ..stopping.joins import as_criterion
from ..stopping.replay import replay
from .installed import need
from .rows import NUMBER, TrialRows

NO_COLUMNS = {"config", "date", "done", "pid", "should_checkpoint", "timestamp"}  # Tune's, of no use here


def as_stopper(criterion, folder=None):
    """A criterion as a stopper for Ray Tune: `tune.RunConfig(stop=as_stopper(criterion, folder))`.

    Each trial is judged by its own results, and ends as finished: Tune's best result may be one of those. A
    result is a row, and has what the trial gave to `tune.report`. Tune's count from 1, "training_iteration",
    gives "epoch" (from 0), and "time_total_s" gives "seconds", unless the trial reports such columns itself.

    Args:
        criterion: a criterion, or a function of a trial's history so far that returns whether to stop.
        folder: where the rows are kept, a file for each trial. With it the rows outlive the driver, and after
            `Tuner.restore` each trial is judged by all of its rows. A sweep has one of its own. Keep all
            checkpoints, too: with `num_to_keep` Tune may restore a trial from one that it has deleted.

    Returns:
        CriterionStopper, a `tune.Stopper`. It goes through pickle, if the criterion does.

    Raises:
        ImportError: Ray is missing or too old.
        TypeError, ValueError: as CriterionStopper.
    """
    need("ray", "as_stopper")
    from ray import tune

    _introduce(tune)
    return CriterionStopper(criterion, folder)


class CriterionStopper:
    """What `as_stopper` returns: Tune calls it with each result of each trial. Without Ray it can be tried.

    Args:
        criterion, folder: see as_stopper.

    Attributes:
        reasons: trial's name -> why it was stopped, a sentence.

    Raises:
        TypeError: `criterion` is none, or `folder` no path.
        ValueError: a part of the criterion ends a job (Signal, Deadline, StopFile, a budget of a job). A
            trial that is stopped is over, and nothing goes on with it.
        MissingColumn: when a trial's first result lacks a column that the criterion reads.

    >>> from course_utils.stopping import Patience
    >>> stopper = CriterionStopper(Patience("val_loss", 2))
    >>> curve = [0.9, 0.5, 0.6, 0.7]
    >>> [stopper("a", {"training_iteration": i + 1, "val_loss": value}) for i, value in enumerate(curve)]
    [False, False, False, True]
    >>> print(stopper.reports(best="val_loss")["a"])
    val_loss 0.7 at epoch 3 has not improved on 0.5 (epoch 1) for 2 epochs
    best val_loss 0.5 at epoch 1, 2 epochs before the end
    """

    def __init__(self, criterion, folder=None):
        self.criterion = as_criterion(criterion)
        jobs = [part for part in self.criterion.parts() if part.interrupts]
        if jobs:
            raise ValueError(f"{jobs[0]!r} ends a job, for another one to go on. A trial that Tune stops is "
                             "over. Stop the driver instead, and go on with Tuner.restore.")
        self.rows, self.reasons, self._asking = TrialRows(folder), {}, {}

    def __call__(self, trial_id, result):
        """A trial has a new result. Is it time to stop it?"""
        history = self.rows.add(trial_id, row_of(result))
        newest = history.rows - 1
        self._require(trial_id, history)
        ask, seen = self._asking.get(trial_id, (None, None))
        if seen != newest:  # new here, or begun again from a checkpoint: it has seen other rows than these
            ask = self.criterion.live()
            for row in range(newest):
                ask(history, row)
        met = ask(history, newest)
        self._asking[trial_id] = ask, history.rows
        self.reasons.pop(trial_id, None)
        if met:
            self.reasons[trial_id] = self.criterion.reason(history, newest)
        return met

    def stop_all(self):
        """Is it time to end the sweep? Never: each trial ends by itself."""
        return False

    @property
    def histories(self):
        """Trial's name -> its rows, a History. In a folder they are those of earlier drivers, too."""
        return {trial: self.rows.history(trial) for trial in self.rows.trials()}

    def reports(self, best=None, mode=None):
        """Trial's name -> its Report, by its rows: see `replay`."""
        return {trial: replay(self.criterion, history, best, mode)
                for trial, history in self.histories.items() if history.rows}

    def _require(self, trial_id, history):
        for name in self.criterion.columns:
            if name not in history:
                there = ", ".join(sorted(history))
                raise MissingColumn(f'Trial {trial_id} reports no "{name}", which {self.criterion!r} reads. '
                                    f"It reports: {there}. Give tune.report a number for it, or None where "
                                    "it is not measured.")

    def __getstate__(self):  # a generator cannot be pickled; it is made again from the rows
        return dict(self.__dict__, _asking={})

    def __setstate__(self, state):
        self.__dict__.update(state)
        if "ray.tune" in sys.modules:  # Tuner.restore, in a new process
            _introduce(sys.modules["ray.tune"])


def row_of(result):
    """A result of Tune's as a row: its numbers, those of nested results as "outer/inner", as Tune says it."""
    row = {name: value for name, value in _numbers(result) if name not in NO_COLUMNS}
    row.setdefault("epoch", row[NUMBER] - 1)
    if "time_total_s" in row:
        row.setdefault("seconds", row["time_total_s"])
    return row


def _numbers(result, outer=""):
    for name, value in result.items():
        name = f"{outer}{name}"
        if isinstance(value, Mapping):
            if name not in NO_COLUMNS:
                yield from _numbers(value, f"{name}/")
        elif value is None or isinstance(value, Integral):
            yield name, None if value is None else int(value)
        elif not isinstance(value, (str, bytes)):
            try:
                yield name, float(value)
            except (TypeError, ValueError):
                pass


def _introduce(tune):
    """Tell Tune that this is a stopper; it would ask why a mere function has a stop_all."""
    tune.Stopper.register(CriterionStopper)
