"""Whose state it is: a state belongs to one run, and to one moment of it."""

import zlib

import numpy as np


def identity(follower, model, weights=True):
    """What the run of a Follower is known by, as JSON can hold it: name -> value.

    Not part of it is what differs from job to job: signals, deadlines, stop files.

    Args:
        weights: whether a checksum of the model's weights belongs to it: it tells two runs of one script
            apart, and two moments of one run.
    """
    criterion = follower.criterion
    rules = [repr(each) for each in getattr(criterion, "criteria", [criterion]) if not each.interrupts]
    values = model.get_weights()
    known = {
        "rows": follower.check, "best": follower.best.question, "criterion": rules,
        "shapes": [list(np.shape(value)) for value in values],
        "iterations": follower.recorder.steps.iterations,
    }
    return dict(known, weights=_checksum(values)) if weights else known


def first_difference(then, now):
    """(name, what it was, what it is) of the first thing in which two identities differ, or None."""
    differing = (name for name, value in now.items() if then.get(name) != value)
    return next(((name, then.get(name), now[name]) for name in differing), None)


def _checksum(arrays):
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array).view(np.uint8), checksum)
    return checksum
