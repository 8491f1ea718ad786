"""Many finished runs as one table: each column as an array of all runs. many.py asks them together."""

import numpy as np

from .history import History

NUMBERS = {float, int, bool, type(None)}


class Runs:
    """Finished runs, of any lengths, to be asked together. `compare` makes one of the list it is given.

    Args:
        histories: histories, or mappings of column -> one value per row, as `History.of` takes them.

    Raises:
        TypeError, ValueError: as `History.of`.

    >>> runs = Runs([{"val_loss": [0.9, 0.5, 0.6]}, {"val_loss": [0.9, 0.8]}])
    >>> len(runs), runs.lengths, runs[1]
    (2, array([3, 2]), {'val_loss': [0.9, 0.8]})
    """

    def __init__(self, histories):
        self._given = [_checked(history) for history in histories]
        self.lengths = np.array([_length(history) for history in self._given], dtype=int)
        self.starts = np.zeros(len(self), dtype=int)
        self._columns, self._whole = {}, self

    def __len__(self):
        return len(self._given)

    def __getitem__(self, run):
        """One of the runs, as a History."""
        history = History.of(self._given[run])
        start = int(self.starts[run])
        return history.tail(start) if start else history

    @property
    def rows(self):
        """How many rows the longest run has."""
        return int(self.lengths.max(initial=0))

    @property
    def inside(self):
        """Has the run such a row? bool array (rows, runs)."""
        return np.arange(self.rows)[:, None] < self.lengths

    def epochs(self, rows):
        """The epoch that a row belongs to, for one row of each run: array (runs,). See `History.epoch`."""
        return np.array([history["epoch"][row] if "epoch" in history else row
                         for history, row in zip(self._given, self.starts + rows)])

    def column(self, name):
        """(values, measured): arrays (rows, runs), float and bool. Below a run's end nothing is measured.

        Raises:
            MissingColumn: a run lacks it.
            TypeError, ValueError: a value is no number.
        """
        if name not in self._columns:
            self._columns[name] = self._read(name) if self._whole is self else self._moved(name)
        return self._columns[name]

    def tail(self, starts):
        """The same runs from row `starts` on: a number, or an array with one for each run."""
        rest = object.__new__(Runs)
        starts = np.minimum(starts, self.lengths)
        rest._given, rest._whole, rest._columns = self._given, self._whole, {}
        rest.starts, rest.lengths = self.starts + starts, self.lengths - starts
        return rest

    def _read(self, name):
        parts = [_values(history, name) for history in self._given]
        flat = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
        measured = np.concatenate([part[1] for part in parts]) if parts else np.zeros(0, bool)
        inside = self.inside.T  # (runs, rows): run after run, as they lie in `flat`
        tables = []
        for part, fill in ((flat, np.nan), (measured, False)):
            table = np.full(inside.shape, fill)
            table[inside] = part
            tables.append(np.ascontiguousarray(table.T))  # row after row, as they will be asked
        return tuple(tables)

    def _moved(self, name):
        values, measured = self._whole.column(name)
        if len(self) and np.all(self.starts == self.starts[0]):
            return values[self.starts[0] :], measured[self.starts[0] :]
        rows = np.arange(self.rows)[:, None] + self.starts
        inside, rows = self.inside, np.minimum(rows, max(len(values) - 1, 0))
        return (np.where(inside, np.take_along_axis(values, rows, 0), np.nan),
                np.take_along_axis(measured, rows, 0) & inside)


def _checked(history):
    """A dict of equally long lists, or arrays, of numbers as it is; else a History, which checks it."""
    plain = type(history) is dict and all(map(_is_plain, history.values()))
    return history if plain and len(set(map(len, history.values()))) == 1 else History.of(history)


def _is_plain(values):
    if type(values) is list:
        return set(map(type, values)) <= NUMBERS
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "fiub"


def _length(history):
    return len(next(iter(history.values()), ()))


def _values(history, name):
    """(values, measured) of one run's column."""
    if name not in history:
        History.of(history)[name]  # an error that names the columns there are
    values = history[name]
    numbers = np.asarray(values, dtype=float)  # None becomes NaN
    if isinstance(values, np.ndarray):
        return numbers, np.ones(len(numbers), bool)
    measured = ~np.isnan(numbers)
    for row in np.flatnonzero(~measured):
        measured[row] = values[row] is not None
    return numbers, measured
