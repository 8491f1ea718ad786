"""How much is left of a fit that goes on: at most so many epochs, and about so long."""

from .budgets import Epochs, TimeBudget
from .words import plural


def remaining(criterion, history, epochs):
    """What is left at most, in words; "" where nothing limits it.

    Args:
        criterion: of the run; of `a | b` the nearest budget counts.
        history: the rows so far, epochs.
        epochs: how many epochs `fit` was asked for, or None.

    >>> rule = Epochs(10) | TimeBudget(60)
    >>> from course_utils.stopping import History
    >>> remaining(rule, History({"seconds": [5.0, 10.0], "epoch": [0, 1]}), 100)
    'at most 8 epochs, about 40 s, are left'
    """
    rows = history.rows
    if not rows or history.unit != "epoch":
        return ""
    seconds = history["seconds"][-1]
    each = seconds / rows
    left = [] if epochs is None else [epochs - 1 - history.epoch(rows - 1)]
    for part in getattr(criterion, "criteria", [criterion]):
        if isinstance(part, Epochs):
            left.append(part.limit - rows)
        elif isinstance(part, TimeBudget) and each > 0:
            left.append((part.limit - seconds) / each)
    if not left:
        return ""
    most = max(min(left), 0)
    whole = int(most)
    return (f"at most {plural(whole, 'epoch')}, about {_duration(most * each)}, "
            f"{'is' if whole == 1 else 'are'} left")


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
