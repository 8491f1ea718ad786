"""Criteria joined with `|` and `&`, and plain functions as criteria."""

from dataclasses import dataclass
from inspect import isroutine
from types import GeneratorType

import numpy as np

from .criterion import JOINS, Criterion
from .history import History
from .words import plural


class Combined(Criterion):
    """A criterion made of others: all it knows is how to follow a run, and the rest comes from that."""

    def score(self, history):
        raise TypeError(f"{self!r} is made of several criteria; ask one of its parts() for a score.")

    def met(self, history):
        history = History.of(history)
        step = self.live()
        return np.array([step(history, row) for row in range(history.rows)], dtype=bool)

    def first(self, history):
        history = History.of(history)
        step = self.live()
        return next((row for row in range(history.rows) if step(history, row)), None)


class AnyOf(Combined):
    """Met where at least one of its parts is: `a | b`.

    >>> from course_utils.stopping import Below, Epochs
    >>> rule = Below("loss", 0.1) | Epochs(3)
    >>> rule.first({"loss": [0.5, 0.4, 0.3]}), rule
    (2, Below('loss', 0.1) | Epochs(3))
    """

    symbol = " | "

    def __init__(self, *criteria):
        if not criteria:
            raise TypeError(f"{type(self).__name__} takes at least one criterion.")
        flat = [as_criterion(criterion) for criterion in criteria]
        # a | b | c reads as one rule of three parts
        parts = [part.criteria if type(part) is type(self) else (part,) for part in flat]
        self.criteria = tuple(criterion for part in parts for criterion in part)
        self.columns = tuple(dict.fromkeys(name for part in self.criteria for name in part.columns))
        self.every_batch = any(part.every_batch for part in self.criteria)

    def live(self, start=0):
        steps = [part.live(start) for part in self.criteria]
        # a list, not a generator: every part sees every row
        return lambda history, row: any([step(history, row) for step in steps])

    def measured(self, history, row):
        return any(part.measured(history, row) for part in self.criteria)

    def met_mid_epoch(self, row, rows_before):
        return [met for part in self.criteria for met in part.met_mid_epoch(row, rows_before)]

    def sentence(self, history, row, place, unit):
        met = [part for part in self.criteria if part.met_in(history, row)]
        said = "; ".join(part.sentence(history, row, place, unit) for part in met)
        return said or super().sentence(history, row, place, unit)  # a function may have changed its mind

    def parts_met(self, history, row):
        met = [part for part in self.criteria if part.met_in(history, row)]
        return [simple for part in met for simple in part.parts_met(history, row)] or [self]

    def parts(self):
        return [simple for part in self.criteria for simple in part.parts()]

    def sources(self):
        return [source for part in self.criteria for source in part.sources()]

    def __repr__(self):
        said = [f"({part!r})" if isinstance(part, AnyOf) else repr(part) for part in self.criteria]
        return self.symbol.join(said)

    def __eq__(self, other):
        return type(self) is type(other) and self.criteria == other.criteria

    def __hash__(self):
        return hash((type(self), self.criteria))


class AllOf(AnyOf):
    """Met where all of its parts are, in the same row: `a & b`.

    >>> from course_utils.stopping import Below
    >>> rule = Below("loss", 0.5) & Below("val_loss", 0.5)
    >>> rule.first({"loss": [0.4, 0.3, 0.2], "val_loss": [0.6, 0.6, 0.4]})
    2
    """

    symbol = " & "

    def live(self, start=0):
        steps = [part.live(start) for part in self.criteria]
        return lambda history, row: all([step(history, row) for step in steps])

    def met_mid_epoch(self, row, rows_before):
        met = [part.met_mid_epoch(row, rows_before) for part in self.criteria]
        return [part for parts in met for part in parts] if all(met) else []


@dataclass(frozen=True, repr=False)
class Asked(Combined):
    """A plain function as a criterion: it gets the history so far and returns whether to stop.

    `a | function` and StopWhen make one by themselves.

    >>> def far_apart(history):
    ...     return history["loss"][-1] < history["val_loss"][-1] / 2
    >>> as_criterion(far_apart).first({"loss": [9, 3], "val_loss": [9, 8]})
    1
    """

    function: object

    def live(self, start=0):
        seen = None  # a history of its own, where it must not see all of the run's: a row more at each call

        def step(history, row):
            nonlocal seen
            if not start and seen is None and row == history.rows - 1:
                return self._ask(history)
            if seen is None:
                seen = history.head(row).tail(start)
            seen.add({"epoch": history.epoch(row), **{name: values[row] for name, values in history.items()}}
                     if start else {name: values[row] for name, values in history.items()})
            return self._ask(seen)

        return step

    def measured(self, history, row):
        return True

    def met_in(self, history, row):  # asked once more, for this row alone: it may print, or be slow
        return self._ask(history.head(row + 1))

    def score(self, history):
        raise TypeError(f"{self!r} is a function that says yes or no: it has no score.")

    def sentence(self, history, row, place, unit):
        return f"{self!r} said stop {place}"

    def _ask(self, history):
        answer = self.function(history)
        if isinstance(answer, Criterion):
            raise TypeError(f"{self!r} returned a criterion. Give the criterion, with no function around it.")
        if answer is None or answer is ...:
            raise TypeError(f"{self!r} returned {answer!r} for a history of {plural(history.rows, 'row')}. "
                            "Is a return missing? It should return True (stop) or False.")
        if np.ndim(answer):
            raise TypeError(f"{self!r} returned an array of shape {np.shape(answer)}; it should return one "
                            "answer: stop in the newest row, or not?")
        if isinstance(answer, (str, GeneratorType)) or isroutine(answer) or answer != answer:
            raise TypeError(f"{self!r} returned {answer!r}, which counts as true and says nothing. It should "
                            "return True (stop) or False.")
        return bool(answer)

    def __repr__(self):
        return getattr(self.function, "__name__", repr(self.function))


def as_criterion(rule):
    """A criterion as it is; a plain function of the history, wrapped; anything else is a TypeError."""
    if isinstance(rule, Criterion):
        return rule
    if callable(rule) and not isinstance(rule, type):
        return Asked(rule)
    raise TypeError('A criterion is such as Below("loss", 0.01), or a function of the history that returns a '
                    f"bool; got {rule!r}.")


JOINS.update({"|": AnyOf, "&": AllOf})
