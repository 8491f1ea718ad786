"""How a criterion's generator is driven: over a finished column, or a value at a time, and kept in step."""

from collections import deque
from functools import reduce
from operator import add


def scored(criterion, rows):
    """(row, score) for every row that was measured.

    Args:
        criterion: its `scores(values)` yields one score for each value.
        rows: a value for each row; None where it was not measured.

    Raises:
        RuntimeError: `scores` takes more, or fewer, values than it yields scores.
    """
    taken = []  # the rows whose values `scores` has asked for

    def measured():
        for row, value in enumerate(rows):
            if value is not None:
                taken.append(row)
                yield value

    values = measured()
    for count, score in enumerate(criterion.scores(values), 1):
        if count != len(taken):
            raise _out_of_step(criterion)
        yield taken[-1], score
    if next(values, None) is not None:
        raise _out_of_step(criterion)


def scorer(criterion):
    """A fresh function value -> score, for a live run. Raises RuntimeError as `scored` does."""
    inbox = deque()

    def values():
        while True:
            if not inbox:
                raise _out_of_step(criterion)
            yield inbox.popleft()

    scores = iter(criterion.scores(values()))

    def score(value):
        inbox.append(value)
        newest = next(scores, inbox)
        if inbox or newest is inbox:
            raise _out_of_step(criterion)
        return newest

    return score


def total(values):
    """Their sum, added in their order.

    From Python 3.12 on `sum` rounds in another way, and where training stops must not depend on that.

    >>> total([0.1] * 10) == 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1
    True
    """
    return reduce(add, values, 0.0)


def _out_of_step(criterion):
    name = type(criterion).__name__
    return RuntimeError(f"{name}.scores should yield one score for each value, before it takes the next.")
