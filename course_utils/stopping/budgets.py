"""Ends that are set beforehand: so much time, so many steps, so many epochs, so low a learning rate."""

import math
from dataclasses import dataclass
from datetime import timedelta

from .checks import check_column, check_count, check_number
from .criterion import Criterion
from .words import SECONDS, as_time, done, number, parts_of_time, plural

COLUMN_OF = {"run": "seconds", "job": "job_seconds"}


@dataclass(frozen=True, repr=False)
class TimeBudget(Criterion):
    """Met once the run's time, the column "seconds", has reached the budget.

        TimeBudget(90)   TimeBudget(minutes=10)   TimeBudget(hours=1.5)   TimeBudget("1h30m")

    Live, StopWhen looks after every batch and keeps the time of the last validation pass back.

    Args:
        seconds: a number; or a text of numbers with d, h, m (or min) and s, such as "2 days 4 h" or "1h30m";
            or a datetime.timedelta.
        minutes, hours: numbers, instead.
        of: "run", or "job" for the time since this job began: the column "job_seconds". A run that is killed
            and goes on in another job takes its "seconds" along. The end of a job is not that of the
            training: like a Deadline it leaves what the next job needs.

    Raises:
        ValueError: not one of seconds, minutes and hours is given; it is not above 0; or a text is no time.

    >>> TimeBudget(minutes=2).reason({"seconds": [50.0, 130.0]}, 1)
    '2 minutes are up at epoch 1'
    >>> TimeBudget("1h30m", of="job").reason({"job_seconds": [2900.0, 5400.0]}, 1)
    '1 hour 30 minutes of this job are up at epoch 1'
    """

    seconds: float | str | timedelta | None = None
    minutes: float | None = None
    hours: float | None = None
    of: str = "run"
    every_batch = True
    columns = property(lambda self: (COLUMN_OF[self.of],))
    interrupts = property(lambda self: self.of == "job")

    def __post_init__(self):
        given = self._given()
        if len(given) != 1:
            raise ValueError("Say one of TimeBudget(seconds=...), TimeBudget(minutes=...), "
                             'TimeBudget(hours=...) and TimeBudget("1h30m").')
        if self.of not in COLUMN_OF:
            raise ValueError(f'of should be "run" or "job"; got {self.of!r}.')
        if isinstance(self.seconds, timedelta):
            check_number("a time budget", self.seconds.total_seconds(), above=0)
            object.__setattr__(self, "seconds", as_time(self.seconds.total_seconds()))
        if not isinstance(self.seconds, str):
            check_number("a time budget", given[0][1], above=0)
        limit = sum(amount * SECONDS[unit] for amount, unit in self._parts())
        check_number("a time budget", limit, above=0)
        object.__setattr__(self, "limit", limit)  # not read from a text after every batch

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return score >= self.limit

    def sentence(self, history, row, place, unit):
        parts = self._parts()
        said = [plural(1 if amount == 1 else f"{amount:.10g}", unit) for amount, unit in parts]
        of = " of this job" if self.of == "job" else ""
        is_one = len(parts) == 1 and parts[0][0] == 1
        return f"{' '.join(said)}{of} {'is' if is_one else 'are'} up {place}"

    def _given(self):
        units = ("seconds", "minutes", "hours")
        return [(unit, getattr(self, unit)) for unit in units if getattr(self, unit) is not None]

    def _parts(self):
        """(number, unit) for each part of the time."""
        if isinstance(self.seconds, str):
            return parts_of_time(self.seconds)
        return [(amount, unit.removesuffix("s")) for unit, amount in self._given()]

    def __repr__(self):
        said = super().__repr__()
        return said.replace("seconds=", "", 1) if isinstance(self.seconds, str) else said


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


@dataclass(frozen=True, repr=False)
class RateFloor(Criterion):
    """Met in every row where the learning rate has come down to `floor`: what lowers it is at its end.

    An epoch was trained at that rate by then. The column comes from the probe LearningRate (in Keras 3 also
    from LearningRateScheduler and ReduceLROnPlateau). Rates are float32, so a millionth more is at the floor
    too.

    Source: fairseq's `--stop-min-lr`.

    Args:
        floor: the least rate, at least 0: ReduceLROnPlateau's `min_lr`, a decay's last value.
        metric: the column that holds the rate.

    >>> rule = RateFloor(1e-5)
    >>> rule.first({"learning_rate": [1e-3, 1e-4, 1e-5, 1e-5]})
    2
    >>> rule.reason({"learning_rate": [1e-3, 1e-4, 1e-5, 1e-5]}, 2)
    'learning_rate 1e-05 at epoch 2 has reached its floor, 1e-05'
    """

    floor: float
    metric: str = "learning_rate"
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.floor)

    def __post_init__(self):
        check_number("floor", self.floor, least=0)
        check_column(self.metric)

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return score <= self.floor * (1 + 1e-6)

    def sentence(self, history, row, place, unit):
        value = float(self.score(history)[row])
        equal = math.isclose(value, self.floor, rel_tol=1e-6)  # float32's rounding is not worth six digits
        rate = number(self.floor if equal else value, self.floor)
        return f"{self.metric} {rate} {place} has reached its floor, {number(self.floor, value)}"
