"""Replay: ask a finished run where a criterion would have stopped it. No training, no Keras."""

import math

from .checks import check_best, stated_mode
from .history import History
from .joins import as_criterion
from .report import Report


def replay(criterion, history, best=None, mode=None, best_when=None):
    """The report that StopWhen would have given on this history.

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to stop.
        history: column -> one value per epoch; also what `model.fit` returned, or `stop.history`.
        best: the column that says which epoch is best, as `restore_best` in StopWhen.
        mode: "min" or "max" for `best`; it may be left out for losses, and where the criterion was told it.
        best_when: a criterion; only an epoch in which it is met may be the best one, as in StopWhen.

    Returns:
        Report. Budgets are looked at where the rows end: what happened within an epoch is not in a history.

    >>> from course_utils.stopping import Patience
    >>> print(replay(Patience("val_loss", 2), {"val_loss": [0.9, 0.5, 0.6, 0.7, 0.4]}, best="val_loss"))
    val_loss 0.7 at epoch 3 has not improved on 0.5 (epoch 1) for 2 epochs
    best val_loss 0.5 at epoch 1, 2 epochs before the end
    """
    criterion, history = as_criterion(criterion), History.of(history)
    sign = check_best(best, mode or (None if best is None else stated_mode(criterion, best)))
    if best_when is not None and best is None:
        raise ValueError(f"best_when={best_when!r} says which epochs may be best: name best too.")
    row = criterion.first(history)
    if row is None:
        last, ended_by = history.rows - 1, "all epochs done"
        reason = history.never_met(criterion)
    else:
        last, reason = row, criterion.reason(history, row, history.unit)
        ended_by = "; ".join(map(repr, criterion.parts_met(history, row)))
    best_row, where = None, None
    if best is not None:
        values = history[best][: last + 1]
        if best_when is not None:
            may_be_best, where = as_criterion(best_when).met(history), repr(best_when)
            values = [value if may else None for value, may in zip(values, may_be_best)]
        best_row = best_so_far(values, sign)
    at_end = {name: values[-1] for name, values in history.head(last + 1).items() if values}
    steps, seconds = at_end.get("steps"), at_end.get("seconds")
    epoch = history.epoch(last) if history.rows else None
    if best_row is None:
        return Report(reason, ended_by, epoch, steps, best, seconds=seconds, best_when=where)
    best_epoch = history.epoch(best_row)
    kept = history[best][best_row]
    return Report(reason, ended_by, epoch, steps, best, best_epoch, kept, seconds, epoch - best_epoch, where)


def best_so_far(values, sign=1):
    """The row of the best value (the first of equals), or None; None, NaN and infinities are never best.

    `sign` is 1 where smaller is better, -1 where larger is.
    """
    measured = ((row, value) for row, value in enumerate(values) if value is not None)
    finite = [(sign * value, row) for row, value in measured if math.isfinite(value)]
    return min(finite)[1] if finite else None
