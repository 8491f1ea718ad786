"""A learner's function, called with lists that its caller still needs."""

import copy

from .stage import Wrong, call

CHANGED = "Your function changes the list that it is given, and the caller still needs it. Change a copy."
LISTS = ("Your function changes the lists it is given, and whoever calls it still needs them. "
         "Leave them as they are, or work on a copy.")


def call_untouched(function, *given, said=CHANGED):
    """What `call` gives; Wrong, with `said`, if afterwards the values that were given are others."""
    before = copy.deepcopy(given)
    got = call(function, *given)
    if given != before:
        raise Wrong(said)
    return got
