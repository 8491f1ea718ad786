"""What a criterion is. The criteria themselves are in criteria.py, `|` and `&` in joins.py.

A criterion is a small frozen record. It reads columns of a history, gives a score to every row, and is met
where the score says so. It holds no state: what it must remember lives in the local variables of its
generator `scores`, so one piece of code follows a live run a row at a time and replays a finished one. No
Keras in here.
"""

from dataclasses import MISSING, fields, is_dataclass
from itertools import repeat

import numpy as np

from .history import History
from .scoring import scored, scorer
from .words import position

JOINS = {}  # "|" and "&" -> the class of two joined criteria; joins.py, which knows them, puts them here


class Criterion:
    """The base of all criteria. Your own needs `columns`, `scores`, `is_met`, and `sentence` for its reason.

    The contract, on any curve: it is causal, `met(h)[:k] == met(h.head(k))`; live equals replay; and a row in
    which a column of its own was not measured (None) leaves the verdict as it was.
    """

    columns = ()  # names of the columns it reads
    limit = None  # what the score is held against, where that is one number: plots draw it
    every_batch = False  # a verdict needs the newest values alone, so it can be asked for after every batch
    interrupts = False  # it ends a job, and the training goes on in another: see interrupts.py

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

    def sources(self):
        """Those in it that measure a column of their own while a fit runs: see interrupts.Source."""
        return []

    def columns_of_fit(self):
        """The columns that training has to bring: those that it does not measure itself."""
        own = {name for part in self.sources() for name in part.columns} | {"job_seconds"}
        return tuple(name for name in self.columns if name not in own)

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
        return JOINS["|"](self, other)

    def __ror__(self, other):
        return JOINS["|"](other, self)

    def __and__(self, other):
        return JOINS["&"](self, other)

    def __rand__(self, other):
        return JOINS["&"](other, self)

    def __repr__(self):  # as one would write it: what was left at its default stays out
        given = [(f, getattr(self, f.name)) for f in (fields(self) if is_dataclass(self) else ())]
        given = [(f, v) for f, v in given if f.default is MISSING or v != f.default]
        said = [repr(v) if f.default is MISSING else f"{f.name}={v!r}" for f, v in given]
        return f"{type(self).__name__}({', '.join(said)})"

    def __bool__(self):
        raise TypeError("A criterion is neither true nor false. To combine criteria use | and & : Python's "
                        "`or` and `and` would silently drop one of them.")
