"""A learner's function, called with lists that its caller still needs, and asked again after other calls."""

import copy

from .stage import Wrong, call

CHANGED = "Your function changes the list that it is given, and the caller still needs it. Change a copy."
LISTS = ("Your function changes the lists it is given, and whoever calls it still needs them. "
         "Leave them as they are, or work on a copy.")
DICT = ("Your function changes the dict it is given, and whoever calls it still needs it. "
        "Leave it as it is, or work on a copy.")
KEPT = ("Asked for the first time your function was right; asked for the same again, later, it is not: it "
        "keeps something from one call to the next. Make lists and dicts anew, inside it.")


def call_untouched(function, *given, said=CHANGED, none=False):
    """What `call` gives; Wrong, with `said`, if afterwards the values that were given are others."""
    before = copy.deepcopy(given)
    got = call(function, *given, none=none)
    if given != before:
        raise Wrong(said)
    return got


def first_fault(fault_of, cases):
    """The first fault that `fault_of(*case)` finds in some cases, a sentence, or None.

    It is KEPT where an earlier case that was right is not any more: the later case is not to blame then.
    """
    for number, case in enumerate(cases):
        if said := fault_of(*case):
            return KEPT if any(fault_of(*earlier) for earlier in cases[:number]) else said
    return None
