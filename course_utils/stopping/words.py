"""Counts, places and numbers as sentences say them. Standard library alone."""

import math


def plural(count, unit):
    """A number with its noun.

    >>> plural(1, "epoch"), plural(5, "epoch"), plural(2, "batch")
    ('1 epoch', '5 epochs', '2 batches')
    """
    return f"{count} {unit if count == 1 else {'batch': 'batches'}.get(unit, unit + 's')}"


def done(count, unit):
    """Said of a count that has been reached.

    >>> done(1, "step"), done(5, "epoch")
    ('1 step is done', '5 epochs are done')
    """
    return f"{plural(count, unit)} {'is' if count == 1 else 'are'} done"


def number(value, other=None):
    """A value in three digits, or in as many as it takes to look different from `other` where it is.

    >>> number(0.41249), number(0.0099996, 0.01), number(1200.0)
    ('0.412', '0.0099996', '1200')
    """
    value = float(value)
    if not math.isfinite(value):
        return f"{value:g}"
    for digits in range(3, 18):
        text = f"{value:.{digits}g}"
        if other is None or value == other or float(text) != float(f"{float(other):.{digits}g}"):
            break
    return f"{float(text):.15g}" if "e+" in text and abs(value) < 1e15 else text


def position(history, row, unit="epoch"):
    """Where a row stands, in words: "epoch 13", or "batch 4 of epoch 13"."""
    epoch = f"epoch {history.epoch(row)}"
    return epoch if unit == "epoch" else f"batch {history['batch'][row]} of {epoch}"


def counted(count, unit, column):
    """A number of rows in words: "5 epochs", or "5 measured epochs" where some of the column were not."""
    return plural(count, unit).replace(" ", " measured " if None in column else " ", 1)
