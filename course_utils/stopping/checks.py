"""Arguments that are refused where they are given: directions, columns, numbers, counts."""

import difflib
import math
from numbers import Real

import numpy as np


def direction(metric, mode, parameter="mode"):
    """+1 where smaller is better, -1 where larger is. Never guessed: "min" is the default for losses alone.

    >>> direction("val_loss", None), direction("val_accuracy", "max")
    (1, -1)
    >>> direction("val_accuracy", None)
    Traceback (most recent call last):
    ValueError: Is a small or a large "val_accuracy" better? Say mode="min" or mode="max".
    """
    if mode is None and (metric in ("loss", "val_loss") or str(metric).endswith("_loss")):
        mode = "min"
    if mode not in ("min", "max"):
        asked = "" if mode is None else f" Not {mode!r}."
        near = difflib.get_close_matches(str(metric), ("loss", "val_loss"), n=1, cutoff=0.7)
        asked += f' Or did you mean "{near[0]}"?' if near and metric != near[0] else ""
        raise ValueError(
            f'Is a small or a large "{metric}" better? Say {parameter}="min" or {parameter}="max".{asked}'
        )
    return 1 if mode == "min" else -1


def check_best(column, mode):
    """The direction of the column that decides which epoch is best; None without one.

    Raises:
        TypeError, ValueError: `column` is no name, the direction is not known, or there is only a direction.
    """
    if column is None and mode is None:
        return None
    if column is None:
        raise ValueError(f"mode={mode!r} belongs to the column that decides which epoch is best: name it.")
    if not isinstance(column, str):
        raise TypeError(f'The column that says which epoch is best is a name, as "val_loss"; got {column!r}.')
    return direction(column, mode)


def stated_mode(criterion, column):
    """The direction of a column that a part of the criterion was given for it, "min" or "max", or None."""
    parts = [part for part in criterion.parts() if getattr(part, "metric", None) == column]
    return next((part.mode for part in parts if getattr(part, "mode", None)), None)


def check_column(name):
    if not isinstance(name, str) or not name:
        raise TypeError(f'The column to watch is a name, such as "val_loss"; got {name!r}.')


def check_number(what, value, above=None, least=None):
    fine = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not fine or (above is not None and value <= above) or (least is not None and value < least):
        bound = "" if above is None else f" above {above}"
        bound = bound if least is None else f" of at least {least}"
        raise ValueError(f"{what} should be a finite number{bound}; got {value!r}.")


def check_count(what, value, least=1):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{what} should be a whole number of at least {least}; got {value!r}.")
