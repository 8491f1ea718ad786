"""The cases of exercise 7.2, the overfitting-to-generalisation ratio, and what is wrong with an answer."""

import math

import numpy as np

from ..stage import Wrong, one
from ..untouched import LISTS, call_untouched

TRAIN = [2.5, 2.0, 1.625, 1.125, 0.375, 0.1875, 0.125]
VALID = [2.5, 2.25, 2.125, 1.9375, 1.75, 2.0, 2.375]
START, END = 1, 4  # the gap grows from 0.25 to 1.375, the validation loss falls from 2.25 to 1.75
OTHERS = [  # train, val, start, end, the ratio, what is special
    (TRAIN, VALID, 4, 6, 1.4,
     "from epoch 4 to 6 the validation loss rises by 0.625, and the gap by 0.875; both are absolute values."),
    ([1.0, 2.0], [1.5, 2.25], 0, 1, 1 / 3,
     "where both losses rise and the gap shrinks, from 0.5 to 0.25, the ratio is positive, too."),
    ([1.0, 0.5], [0.75, 0.625], 0, 1, 3.0,
     "where the validation loss begins below the training loss, the gap goes from -0.25 to 0.125."),
    ([2.0, 1.0], [3.0, 2.0], 0, 1, 0.0, "where the gap stays as it is, nothing is overfitted."),
    ([2.0, 1.0, 0.5], [3.0, 2.5, 3.0], 0, 2, math.inf,
     "where the validation loss is where it was, and the training loss is not, the ratio is infinite."),
    ([1.0, 0.5, 1.0], [2.0, 1.0, 1.5], 0, 2, 1.0,
     "where the training loss is where it was, and the validation loss is not, the ratio is finite."),
    ([2.0, 1.0, 2.0], [3.0, 2.5, 3.0], 0, 2, math.inf,
     "where both losses are where they were, the validation loss is: the ratio is infinite there, too."),
    ([2.0, 1.0], [3.0, 3.0 - 2.0**-20], 0, 1, 2.0**20 - 1,
     "where the validation loss falls by a millionth it is not where it was. Neither round nor add to it."),
    ([1.0, 0.0], [1.0, 2.0**-30], 0, 1, 2.0**-30 / (1 - 2.0**-30),  # float32 has these numbers, too
     "where the gap grows by a billionth it grows. Do not round."),
    ([1.0, 0.5, 1.0], [2.0, 2.5, 2.5], 0, 2, 1.0,
     "where the gap grows and then shrinks, its change is from the one end to the other."),
    ([1.0, 1.5], [2.0, 2.0], 0, 1, math.inf,
     "where the validation loss is where it was, and the gap shrinks, the ratio is infinite, with no minus."),
    ([0.0, 1.0], [0.0, 0.25], 0, 1, 3.0,
     "where both losses are 0 at `start` they still change: only a change of 0 cannot be divided by."),
    ([1.0, 0.0], [0.25, 0.0], 0, 1, 3.0,
     "where both losses are 0 at `end` they have changed: only a change of 0 cannot be divided by.")]


def ogr(train, val, start, end):
    """The ratio of the changes from `start` to `end`."""
    gained = val[start] - val[end]
    return abs((val[end] - train[end] - val[start] + train[start]) / gained) if gained else math.inf


def _wandering(seed, scale=1.0):
    """A case whose losses go up and down; in sixteenths of `scale`, a power of 2, so that sums are exact."""
    numbers = np.random.default_rng(seed)
    train, val = (numbers.integers(8, 48, 12) / 16).tolist(), (numbers.permutation(40)[:12] / 16 + 1).tolist()
    start, end = sorted(numbers.permutation(12)[:2].tolist())
    train, val = ([scale * loss for loss in losses] for losses in (train, val))
    return (train, val, start, end, ogr(train, val, start, end),
            f"where both losses go up and down, those of `start` and `end`, here {start} and {end}, count.")


def mistakes():
    """(what is computed instead from START to END, what to say)."""
    (t0, t1), (v0, v1) = ((losses[START], losses[END]) for losses in (TRAIN, VALID))
    train, gained, gap0, gap1 = t1 - t0, v1 - v0, v0 - t0, v1 - t1
    gap, last = gap1 - gap0, len(VALID) - 1

    def of(start, end):
        return ogr(TRAIN, VALID, start, end)

    below = "Below belongs the change of the validation loss."
    return [
        (gap / gained, "You return a negative number. The ratio is of absolute values."),
        (abs(gained / gap), "That is the other way round: the change of the gap is above, that of the "
                            "validation loss below."),
        (gained / gap, "That is the other way round, and negative: the change of the gap is above, and both "
                       "are absolute values."),
        (abs(gap / train), f"You divide by the change of the training loss. {below}"),
        (gap / train, f"You divide by the change of the training loss, with its sign. {below}"),
        (gap / v1, "You divide by the validation loss at `end`. Divide by its change since `start`."),
        (gap / v0, "0.5 is with the validation loss at `start` below. Divide by its change until `end`."),
        (gap1 / v1, "That is a ratio of losses. Take changes from `start` to `end`, above and below."),
        (gap1 / abs(gained), "Above stands the gap at `end`. Take its change since `start`."),
        (gap1 / gained, "Above stands the gap at `end`. Take its change since `start`, and absolute values."),
        (gap1 / gap0, f"You divide the gap by the gap. {below}"),
        (gap, "That is the change of the gap. Divide it by that of the validation loss."),
        (v1 / t1, "That is a ratio of losses. Take changes from `start` to `end`, above and below."),
        (t1 / v1, "That is a ratio of losses. Take changes from `start` to `end`, above and below."),
        (abs(train / gained), "Above stands the change of the training loss. It should be that of the gap, "
                              "val - train."),
        (abs(gained / train), "You compare the changes of the two losses. Above belongs that of the gap, "
                              "val - train."),
        (1 + abs(train / gained), "Above stand both changes, added up without their signs. The gap is "
                                  "val - train: take its change."),
        (abs(gap / gained) ** 2, "That is the square, or the ratio times the loss at `start`, 2.25, too. The "
                                  "ratio itself is asked for: no square, no share of a loss."),
        (of(END - 1, END), "You compare `end` with the epoch before it. Compare it with `start`."),
        (of(START, START + 1), "That is the ratio from `start` to the epoch after it, or 2.25 without its "
                               "decimals. Go to `end`, and do not round."),
        (of(0, END), "You begin at epoch 0. Begin at `start`."),
        (of(START, last), "You go on to the last epoch. Go to `end`."),
        (of(0, 2), "That is from epoch 0 to 2. Take `start` and `end`."),
        (of(0, last), "That is from the first epoch to the last. Take `start` and `end`."),
        (of(START, END - 1), "You go to the epoch before `end`: a slice ends there. val[end] is a loss."),
        (of(START + 1, END + 1), "You are one epoch late at both ends. Epochs count from 0, as lists do."),
        (of(START - 1, END - 1), "You are one epoch early at both ends. Epochs count from 0, as lists do."),
        (np.mean([of(n, n + 1) for n in range(START, END)]),
         "That is the mean of the ratios from epoch to epoch. Take the change from `start` to `end`."),
        (sum(of(n, n + 1) for n in range(START, END)),
         "That is the sum of the ratios from epoch to epoch. Take the change from `start` to `end`.")]


def _asked(answer, train, val, start, end):
    """What the answer gives for two lists. Wrong if it is no number, or changes them."""
    try:
        # numbers made anew: as in a history, two that are equal are not one object
        given = np.array(train).tolist(), np.array(val).tolist()
        got = call_untouched(answer, *given, start, end, said=LISTS)
    except ZeroDivisionError:
        if val[start] == val[end]:
            raise Wrong("Where the validation loss is the same at both epochs you divide by 0. The ratio is "
                        "infinite there: float(\"inf\").") from None
        raise
    return one(got, "One number is asked for", typed=False)


def fault(answer):
    """What is wrong with the function `answer`, a sentence, or None."""
    got, due = _asked(answer, TRAIN, VALID, START, END), ogr(TRAIN, VALID, START, END)
    if not np.isclose(got, due, rtol=1e-6, atol=0):  # float32 will do
        for instead, reason in mistakes():
            if np.isclose(got, instead, rtol=1e-6, atol=1e-9):
                return reason
        return _near(got, due) or (
            "From epoch 1 to 4 the gap goes from 0.25 to 1.375, the validation loss from 2.25 to 1.75: 1.125 "
            f"divided by 0.5 is 2.25. You return {got:.4g}.")
    small = *_wandering(4, 2.0**-60)[:-1], "losses may be as small as 1e-18, and still change. No margin."
    for train, val, start, end, right, told in (*OTHERS, *map(_wandering, range(4)), small):
        got = _asked(answer, train, val, start, end)
        if not (got == right or np.isclose(got, right, rtol=1e-6, atol=0)):
            return _near(got, right) or (f"Right for a first run. But {told} It should be {right:.10g}; you "
                                         f"return {got:.10g}.")
    return None


def _near(got, due):
    if 0 < abs(got - due) < 0.01:
        return f"You return {got:.10g} for {due:.10g}. Neither round, nor add anything to what you divide by."
    return None
