"""Counts, places, times and numbers as sentences say them. Standard library alone."""

import math
import re

SECONDS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
UNIT_OF = {word: unit for unit, words in {"day": "d day days", "hour": "h hr hrs hour hours",
                                          "minute": "m min mins minute minutes",
                                          "second": "s sec secs second seconds"}.items()
           for word in words.split()}
PART_OF_TIME = re.compile(r"(\d+\.\d+|\d+)\s*([a-z]+)")


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
    """Where a row stands, in words: "epoch 13", "batch 4 of epoch 13", or "step 1500"."""
    if unit == "evaluation":
        return f"step {history['steps'][row]}"
    epoch = f"epoch {history.epoch(row)}"
    return epoch if unit == "epoch" else f"batch {history['batch'][row]} of {epoch}"


def counted(count, unit, column):
    """A number of rows in words: "5 epochs", or "5 measured epochs" where some of the column were not."""
    return plural(count, unit).replace(" ", " measured " if None in column else " ", 1)


def parts_of_time(text):
    """A time that was written down: (number, unit) for each of its parts, from days to seconds.

    Raises:
        ValueError: it is not of that form, or names a unit twice.

    >>> parts_of_time("1h30m"), parts_of_time("2 days"), parts_of_time("0.5 min")
    ([(1, 'hour'), (30, 'minute')], [(2, 'day')], [(0.5, 'minute')])
    """
    found, rest = PART_OF_TIME.findall(text.lower()), PART_OF_TIME.sub("", text.lower())
    units = [UNIT_OF.get(word) for _, word in found]
    if not found or rest.strip() or None in units or len(set(units)) < len(units):
        raise ValueError('A time is written as "1h30m", "90 s" or "2 days 4 h", with a number before each of '
                         f"d, h, m and s; got {text!r}.")
    counts = [float(count) if "." in count else int(count) for count, _ in found]
    return sorted(zip(counts, units), key=lambda part: -SECONDS[part[1]])


def as_time(seconds):
    """A number of seconds as one would write it.

    >>> as_time(5400), as_time(90.5), as_time(172800)
    ('1h30m', '1m30.5s', '2d')
    """
    parts = []
    for unit, size in SECONDS.items():
        count = seconds if unit == "second" else seconds // size
        seconds -= count * size
        if count:  # a timedelta knows microseconds
            parts.append(f"{count:.6f}".rstrip("0").rstrip(".") + unit[0])
    return "".join(parts)
