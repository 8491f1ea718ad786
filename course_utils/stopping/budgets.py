"""Budgets: so much time, so many steps, so many epochs."""

from dataclasses import dataclass

from .checks import check_count, check_number
from .criterion import Criterion
from .words import done


@dataclass(frozen=True, repr=False)
class TimeBudget(Criterion):
    """Met once the column "seconds" has reached the budget, given in seconds or in minutes.

    Live, StopWhen looks after every batch and keeps the time of the last validation pass back.

    >>> TimeBudget(minutes=2).reason({"seconds": [50.0, 130.0]}, 1)
    '2 minutes are up at epoch 1'
    """

    seconds: float | None = None
    minutes: float | None = None
    every_batch = True
    columns = ("seconds",)
    limit = property(lambda self: self.seconds if self.minutes is None else 60 * self.minutes)

    def __post_init__(self):
        if (self.seconds is None) == (self.minutes is None):
            raise ValueError("Say one of TimeBudget(seconds=...) and TimeBudget(minutes=...).")
        check_number("a time budget", self.seconds if self.minutes is None else self.minutes, above=0)

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return score >= self.limit

    def sentence(self, history, row, place, unit):
        amount, of = (self.seconds, "second") if self.minutes is None else (self.minutes, "minute")
        return f"{amount:g} {of}{' is' if amount == 1 else 's are'} up {place}"


@dataclass(frozen=True, repr=False)
class StepBudget(Criterion):
    """Met once the column "steps" (the optimizer's updates since the start) has reached `steps`.

    Live, StopWhen looks after every batch.

    >>> StepBudget(200).reason({"steps": [120, 240]}, 1)
    '200 steps are done at epoch 1'
    """

    steps: int
    every_batch = True
    columns = ("steps",)
    limit = property(lambda self: self.steps)

    def __post_init__(self):
        check_count("steps", self.steps)

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return score >= self.steps

    def sentence(self, history, row, place, unit):
        return f"{done(self.steps, 'step')} {place}"


@dataclass(frozen=True, repr=False)
class Epochs(Criterion):
    """Met once `epochs` epochs (rows) are done: the fixed length, as a criterion among others.

    >>> Epochs(3).first({"loss": [3, 2, 1, 0]})
    2
    """

    epochs: int
    limit = property(lambda self: self.epochs)

    def __post_init__(self):
        check_count("epochs", self.epochs)

    def scores(self, values):
        return (done for done, _ in enumerate(values, 1))

    def is_met(self, score):
        return score >= self.epochs

    def sentence(self, history, row, place, unit):
        return f"{done(row + 1, unit)} {place}"
