"""What a criterion is, and how two are joined with `|` and `&`. The criteria themselves are in criteria.py.

A criterion is a small frozen record. It reads columns of a history, gives a score to every row, and is met
where the score says so. It holds no state: what it must remember lives in the local variables of its
generator `scores`, so one piece of code follows a live run a row at a time and replays a finished one. No
Keras in here.
"""

from dataclasses import MISSING, dataclass, fields, is_dataclass
from itertools import repeat

import numpy as np

from .history import History
from .scoring import scored, scorer
from .words import plural, position


class Criterion:
    """The base of all criteria. Your own needs `columns`, `scores`, `is_met`, and `sentence` for its reason.

    The contract, on any curve: it is causal, `met(h)[:k] == met(h.head(k))`; live equals replay; and a row in
    which a column of its own was not measured (None) leaves the verdict as it was.
    """

    columns = ()  # names of the columns it reads
    limit = None  # what the score is held against, where that is one number: plots draw it
    every_batch = False  # a verdict needs the newest values alone, so it can be asked for after every batch

    def scores(self, values):
        """Yield one score for each measured value (a tuple for several columns), from the past only."""
        raise NotImplementedError

    def is_met(self, score):
        """Does this score say stop?"""
        raise NotImplementedError

    def sentence(self, history, row, place, unit):
        """The reason, in a row where it is met. `place` is as "at epoch 13", `unit` is "epoch" or "batch"."""
        return f"{self!r} is met {place}"

    def score(self, history):
        """The score of every row: float array (rows,), NaN before the first measured row."""
        history = History.of(history)
        scores, row = np.full(history.rows, np.nan), 0
        for row, score in self.scored(history):
            scores[row:] = score
        return scores

    def met(self, history):
        """Is it time to stop? A bool for every row, array (rows,)."""
        history = History.of(history)
        met = np.zeros(history.rows, dtype=bool)
        for row, score in self.scored(history):
            met[row:] = self.is_met(score)
        return met

    def first(self, history):
        """The first row in which it is met, or None."""
        return next((row for row, score in self.scored(History.of(history)) if self.is_met(score)), None)

    def reason(self, history, row, unit="epoch", place=None):
        """Why it is met in this row: a sentence with numbers, such as `loss 0.0094 < 0.01 at epoch 13`."""
        history = History.of(history)
        return self.sentence(history, row, place or f"at {position(history, row, unit)}", unit)

    def live(self, start=0):
        """A fresh function (history, row) -> bool that follows one run; call it for every row, in order.

        `start` is the first row that it is given.
        """
        score, verdict = scorer(self), False

        def step(history, row):
            nonlocal verdict
            value = self._value(history, row)
            if value is not None:
                verdict = bool(self.is_met(score(value)))
            return verdict

        return step

    def met_mid_epoch(self, row, rows_before):
        """The parts that an unfinished row (a dict) meets, after `rows_before` whole ones; may be empty."""
        value = row.get(self.columns[0]) if self.every_batch else None
        return [self] if value is not None and self.is_met(value) else []

    def parts(self):
        """The simple criteria that this one is made of."""
        return [self]

    def parts_met(self, history, row):
        """Those of its parts that are met in this row, where it is met itself."""
        return [self]

    def met_in(self, history, row):
        """Is it time to stop in this row?"""
        return bool(self.met(history.head(row + 1))[row])

    def measured(self, history, row):
        """Was there something new for it in this row?"""
        return self._value(history, row) is not None

    def scored(self, history):
        """(row, score) for every measured row."""
        columns = [history[name] for name in self._names()]  # a missing one is an error even without rows
        if len(columns) == 1:
            return scored(self, columns[0])
        rows = zip(*columns) if columns else repeat((), history.rows)
        return scored(self, (None if None in values else values for values in rows))

    def _value(self, history, row):
        if len(self._names()) == 1:
            return history[self.columns[0]][row]
        values = tuple(history[name][row] for name in self.columns)
        return None if None in values else values

    def _names(self):
        if isinstance(self.columns, str):
            said = f"got {self.columns!r}. Is a comma missing?"
            raise TypeError(f"The columns of {self!r} should be a tuple of names; {said}")
        return self.columns

    def __or__(self, other):
        return AnyOf(self, other)

    def __ror__(self, other):
        return AnyOf(other, self)

    def __and__(self, other):
        return AllOf(self, other)

    def __rand__(self, other):
        return AllOf(other, self)

    def __repr__(self):  # as one would write it: what was left at its default stays out
        given = [(f, getattr(self, f.name)) for f in (fields(self) if is_dataclass(self) else ())]
        given = [(f, v) for f, v in given if f.default is MISSING or v != f.default]
        said = [repr(v) if f.default is MISSING else f"{f.name}={v!r}" for f, v in given]
        return f"{type(self).__name__}({', '.join(said)})"

    def __bool__(self):
        raise TypeError("A criterion is neither true nor false. To combine criteria use | and & : Python's "
                        "`or` and `and` would silently drop one of them.")


# ---- criteria made of others ----


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
        def step(history, row):
            so_far = history if row == history.rows - 1 else history.head(row + 1)
            return self._ask(so_far.tail(start) if start else so_far)

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
