"""Replay: ask a finished run where a criterion would have stopped it. No training, no Keras."""

import math

from .criteria import as_criterion
from .history import History, Report, direction


def replay(criterion, history, best=None, mode=None):
    """The report that StopWhen would have given on this history.

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to stop.
        history: column -> one value per epoch; also what `model.fit` returned, or `stop.history`.
        best: the column that says which epoch is best, as `restore_best` in StopWhen.
        mode: "min" or "max" for `best`; it may be left out for losses alone.

    Returns:
        Report. Budgets are looked at where the rows end: what happened within an epoch is not in a history.

    >>> from course_utils.criteria import Patience
    >>> print(replay(Patience("val_loss", 2), {"val_loss": [0.9, 0.5, 0.6, 0.7, 0.4]}, best="val_loss"))
    val_loss 0.7 at epoch 3 has not improved on 0.5 (epoch 1) for 2 epochs
    best val_loss 0.5 at epoch 1, 2 epochs before the end
    """
    criterion, history = as_criterion(criterion), History.of(history)
    row = criterion.first(history)
    if row is None:
        last, ended_by = history.rows - 1, "all epochs done"
        reason = f"all {history.rows} epochs are done; {criterion!r} was never met"
    else:
        last, reason = row, criterion.reason(history, row)
        ended_by = "; ".join(map(repr, criterion.parts_met(history, row)))
    best_row = None if best is None else best_so_far(history[best][: last + 1], direction(best, mode))
    at = {name: history[name][last] if name in history and history.rows else None for name in ("steps", "seconds")}
    epoch = history.epoch(last) if history.rows else None
    if best_row is None:
        return Report(reason, ended_by, epoch, at["steps"], best, seconds=at["seconds"])
    best_epoch = history.epoch(best_row)
    return Report(reason, ended_by, epoch, at["steps"], best, best_epoch, history[best][best_row], at["seconds"], epoch - best_epoch)


def best_so_far(values, sign=1):
    """The row of the best value (the first of equals), or None; None, NaN and infinities are never best. `sign` as in `direction`."""
    finite = [(sign * value, row) for row, value in enumerate(values) if value is not None and math.isfinite(value)]
    return min(finite)[1] if finite else None
