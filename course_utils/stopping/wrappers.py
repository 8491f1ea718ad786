"""Criteria around a criterion: not before a row, from an event on, several rows in a row, on means."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from .checks import check_count
from .criterion import Criterion
from .history import History
from .joins import Combined, as_criterion
from .scoring import total
from .words import plural


@dataclass(frozen=True, repr=False)
class After(Combined):
    """`criterion`, which does not see the first `rows` rows: for what is small before training has begun.

    >>> from course_utils.stopping import Below
    >>> After(2, Below("gradient_norm", 0.7)).first({"gradient_norm": [0.6, 1.5, 0.9, 0.5]})
    3
    """

    rows: int
    criterion: Criterion
    columns = property(lambda self: self.criterion.columns)
    limit = property(lambda self: self.criterion.limit)
    every_batch = property(lambda self: self.criterion.every_batch)

    def __post_init__(self):
        check_count("rows", self.rows, least=0)
        object.__setattr__(self, "criterion", as_criterion(self.criterion))

    def live(self, start=0):
        start += self.rows
        step = self.criterion.live(start)
        return lambda history, row: row >= start and step(history, row)

    def measured(self, history, row):
        return self.criterion.measured(history, row)

    def score(self, history):
        history = History.of(history)
        hidden = np.full(min(self.rows, history.rows), np.nan)
        return np.concatenate([hidden, self.criterion.score(history.tail(self.rows))])

    def met_mid_epoch(self, row, rows_before):
        return self.criterion.met_mid_epoch(row, rows_before - self.rows) if rows_before >= self.rows else []

    def sentence(self, history, row, place, unit):
        return self.criterion.sentence(history.tail(self.rows), row - self.rows, place, unit)

    def parts_met(self, history, row):
        return self.criterion.parts_met(history.tail(self.rows), row - self.rows)

    def parts(self):
        return self.criterion.parts()

    def sources(self):
        return self.criterion.sources()


@dataclass(frozen=True, repr=False)
class Armed(Combined):
    """`criterion`, which sees only the rows from the first one on in which `event` is met.

    For what has no meaning before: a patience that begins when a schedule has reached its end. In
    `event & criterion` the patience would have begun at row 0. It is asked once a row, budgets too.

    >>> from course_utils.stopping import Above, Patience
    >>> rule = Armed(Above("sparsity", 0.89), Patience("val_loss", 2))
    >>> run = {"val_loss": [0.2, 0.3, 0.4, 0.6, 0.5, 0.7, 0.8],
    ...        "sparsity": [0.0, 0.4, 0.7, 0.9, 0.9, 0.9, 0.9]}
    >>> Patience("val_loss", 2).first(run), rule.first(run)
    (2, 6)
    """

    event: Criterion
    criterion: Criterion
    columns = property(lambda self: tuple(dict.fromkeys((*self.event.columns, *self.criterion.columns))))
    limit = property(lambda self: self.criterion.limit)

    def __post_init__(self):
        object.__setattr__(self, "event", as_criterion(self.event))
        object.__setattr__(self, "criterion", as_criterion(self.criterion))

    def live(self, start=0):
        event, step = self.event.live(start), None

        def armed(history, row):
            nonlocal step
            if step is None and event(history, row):
                step = self.criterion.live(row)
            return step is not None and step(history, row)

        return armed

    def measured(self, history, row):
        return self.event.measured(history, row) or self.criterion.measured(history, row)

    def score(self, history):
        history = History.of(history)
        start = self.event.first(history)
        hidden = np.full(history.rows if start is None else start, np.nan)
        return np.concatenate([hidden, self.criterion.score(history.tail(len(hidden)))])

    def sentence(self, history, row, place, unit):
        start = self.event.first(history)
        if start is None:  # a function may have changed its mind
            return super().sentence(history, row, place, unit)
        said = self.criterion.sentence(history.tail(start), row - start, place, unit)
        return f"{said} (armed: {self.event.reason(history, start, unit)})"

    def parts_met(self, history, row):
        start = self.event.first(history)
        return [self] if start is None else self.criterion.parts_met(history.tail(start), row - start)

    def parts(self):
        return [*self.criterion.parts(), *self.event.parts()]

    def sources(self):
        return [*self.event.sources(), *self.criterion.sources()]


@dataclass(frozen=True, repr=False)
class Lasting(Combined):
    """Met once `criterion` has been met in `rows` measured rows in a row.

    The score is that count. A row in which `criterion` measured nothing new is not counted, and does not end
    the count.

    Raises:
        ValueError: `criterion` speaks at the end of a strip only, so never in two rows in a row.

    >>> from course_utils.stopping import Below
    >>> rule = Lasting(2, Below("loss", 0.5))
    >>> rule.first({"loss": [0.4, 0.6, 0.4, 0.3]}), rule.reason({"loss": [0.4, 0.6, 0.4, 0.3]}, 3)
    (3, 'loss 0.3 < 0.5 at epoch 3 (for 2 epochs in a row)')
    """

    rows: int
    criterion: Criterion
    columns = property(lambda self: self.criterion.columns)
    limit = property(lambda self: self.rows)

    def __post_init__(self):
        check_count("rows", self.rows)
        object.__setattr__(self, "criterion", as_criterion(self.criterion))
        if self.rows > 1 and getattr(self.criterion, "strip", 1) > 1:
            raise ValueError(f"{self.criterion!r} speaks at the end of a strip only: it is never met in "
                             f"{self.rows} rows in a row.")

    def live(self, start=0):
        count = self._counter(start)
        return lambda history, row: count(history, row) >= self.rows

    def score(self, history):
        history, count = History.of(history), self._counter()
        return np.array([count(history, row) for row in range(history.rows)], dtype=float)

    def measured(self, history, row):
        return self.criterion.measured(history, row)

    def sentence(self, history, row, place, unit):
        rows = plural(int(self.score(history.head(row + 1))[row]), unit)
        return f"{self.criterion.sentence(history, row, place, unit)} (for {rows} in a row)"

    def parts_met(self, history, row):
        return self.criterion.parts_met(history, row)

    def parts(self):
        return self.criterion.parts()

    def sources(self):
        return self.criterion.sources()

    def _counter(self, start=0):
        step, count = self.criterion.live(start), 0

        def counted(history, row):
            nonlocal count
            met = step(history, row)
            if self.criterion.measured(history, row):
                count = count + 1 if met else 0
            return count

        return counted


@dataclass(frozen=True, repr=False)
class Smoothed(Criterion):
    """`criterion` on the means of the last `window` measured rows (of those there are, at the beginning).

    It smooths the columns of one simple criterion; smooth the parts of a combined one. The best weights that
    StopWhen keeps are best by the values as they are.

    >>> from course_utils.stopping import Patience
    >>> noisy = {"val_loss": [0.9, 0.5, 0.6, 0.4, 0.5, 0.3]}
    >>> Patience("val_loss", 1).first(noisy), Smoothed(2, Patience("val_loss", 1)).first(noisy)
    (2, None)
    """

    window: int
    criterion: Criterion
    columns = property(lambda self: self.criterion.columns)
    limit = property(lambda self: self.criterion.limit)

    def __post_init__(self):
        check_count("window", self.window)
        object.__setattr__(self, "criterion", as_criterion(self.criterion))
        if isinstance(self.criterion, Combined) or not self.criterion.columns:
            raise TypeError(f"Smoothed takes a simple criterion that reads a column; got {self.criterion!r}.")

    def scores(self, values):
        return self.criterion.scores(self._means(values))

    def is_met(self, score):
        return self.criterion.is_met(score)

    def sentence(self, history, row, place, unit):
        smooth = History(history)
        for name in self.columns:
            column, values = list(history[name]), [self._value(history, r) for r in range(history.rows)]
            means = self._means(history[name][r] for r, value in enumerate(values) if value is not None)
            smooth[name] = [next(means) if value is not None else column[r] for r, value in enumerate(values)]
        return f"{self.criterion.sentence(smooth, row, place, unit)} (means of {plural(self.window, unit)})"

    def _means(self, values):
        last = deque(maxlen=self.window)
        for value in values:
            last.append(value)
            if isinstance(value, tuple):
                yield tuple(total(column) / len(last) for column in zip(*last))
            else:
                yield total(last) / len(last)
