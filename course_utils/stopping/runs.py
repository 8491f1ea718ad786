"""Many finished runs as one table: each column as an array of all runs. many.py asks them together."""

from array import array
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

import numpy as np

from . import parquet
from .history import History

PART = 10_000  # runs, or rows of a file, that are read at once
CELLS = 2**17  # numbers in the arrays that are computed with: 1 MB, which a processor keeps near


class Runs:
    """Finished runs, of any lengths, to be asked together. `compare` makes one of the list it is given.

    Args:
        histories: histories, or mappings of column -> one value per row, as `History.of` takes them.
        labels: mapping of name -> one value for each run, such as its seed. One is always there: "run", which
            counts from 0 if it is not given.

    Attributes:
        lengths: how many rows each run has, int array (runs,).
        labels: name -> array (runs,).

    Raises:
        TypeError, ValueError: as `History.of`; a label that does not have one value for each run.

    >>> runs = Runs([{"val_loss": [0.9, 0.5, 0.6]}, {"val_loss": [0.9, 0.8]}], labels={"seed": [7, 8]})
    >>> len(runs), runs.lengths, runs[1]
    (2, array([3, 2]), {'val_loss': [0.9, 0.8]})
    >>> runs.select(seed=8).labels
    {'run': array([1]), 'seed': array([8])}
    """

    def __init__(self, histories, labels=None):
        self._given = [_checked(history) for history in histories]
        labels = {"run": range(len(self)), **(labels or {})}
        self.labels = {name: _label(name, values, len(self)) for name, values in labels.items()}
        self.lengths = np.array([_length(history) for history in self._given], dtype=int)
        self.starts = np.zeros(len(self), dtype=int)
        self._columns, self._whole = {}, None  # not self: a circle would stay in memory for a while

    def __len__(self):
        return len(self._given)

    def __getitem__(self, run):
        """One of the runs, as a History."""
        history = History.of(self._given[run])
        start = int(self.starts[run])
        return history.tail(start) if start else history

    @cached_property
    def rows(self):
        """How many rows the longest run has."""
        return int(self.lengths.max(initial=0))

    @cached_property
    def inside(self):
        """Has the run such a row? bool array (rows, runs)."""
        return np.arange(self.rows)[:, None] < self.lengths

    def alike(self):
        """[(their numbers, those runs as Runs), ...]: of like length, and not too many, to compute with."""
        return self._alike or [(np.arange(len(self)), self)]

    @cached_property
    def _alike(self):
        sizes, found = np.frexp(self.lengths)[1], []  # of one size: the longest less than twice the shortest
        for size in np.unique(sizes):
            numbers, some = np.flatnonzero(sizes == size), max(CELLS >> size, 1)
            found += [numbers[begin : begin + some] for begin in range(0, len(numbers), some)]
        return [(numbers, self._chosen(numbers)) for numbers in found] if len(found) > 1 else []

    def epochs(self, rows):
        """The epoch that a row belongs to, for one row of each run: array (runs,). See `History.epoch`."""
        return np.array([history["epoch"][row] if "epoch" in history else row
                         for history, row in zip(self._given, self.starts + rows)])

    def column(self, name):
        """(values, measured): arrays (rows, runs), float and bool. Below a run's end nothing is measured.

        Where all that is there was measured, `measured` is the array `inside` itself.

        Raises:
            MissingColumn: a run lacks it.
            TypeError, ValueError: a value is no number.
        """
        if name not in self._columns:
            self._columns[name] = self._read(name) if self._whole is None else self._moved(name)
        return self._columns[name]

    def tail(self, starts):
        """The same runs from row `starts` on: a number, or an array with one for each run."""
        rest = object.__new__(Runs)
        starts, rest.labels = np.minimum(starts, self.lengths), self.labels
        rest._given, rest._columns = self._given, {}
        rest._whole = self if self._whole is None else self._whole
        rest.starts, rest.lengths = self.starts + starts, self.lengths - starts
        return rest

    def select(self, **labels):
        """The runs with these labels, as Runs: `runs.select(problem="gene", seed=[0, 1])`.

        Raises:
            ValueError: there is no such label.
        """
        chosen = np.ones(len(self), bool)
        for name, wanted in labels.items():
            if name not in self.labels:
                raise ValueError(f'These runs have no label "{name}". Labels: {", ".join(self.labels)}.')
            chosen &= np.isin(self.labels[name], wanted)
        return self._chosen(np.flatnonzero(chosen))

    def to_parquet(self, path):
        """Write the runs as a Parquet file, which `from_parquet` and other tools read. Needs pyarrow.

        A row of it is a run: each label a value, each column a list of values, null (None) where one was not
        measured and in place of a list where a run has no such column. For a table with a row for each row of
        a run: `pandas.read_parquet(path).explode([columns])`, `unnest` in DuckDB, `explode` in polars.

        Raises:
            ImportError: pyarrow is missing.
            ValueError: values of one column, or label, are of several kinds, as numbers and text; a label and
                a column have one name.

        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "runs.parquet")
        >>> Runs([{"val_loss": [0.9, None]}, {"val_loss": []}], {"seed": [7, 8]}).to_parquet(path)
        >>> runs = Runs.from_parquet(path)
        >>> runs[0], runs.lengths, runs.labels["seed"]
        ({'val_loss': [0.9, None]}, array([2, 0]), array([7, 8]))
        """
        parquet.write(path, [self[run] for run in range(len(self))] if self.starts.any() else self._given,
                      self.labels)

    @classmethod
    def from_parquet(cls, path, run=None, labels=(), columns=None):
        """Read runs that `to_parquet` wrote, or others: with a row for each run and lists, or for each row.

        A null is None, not measured; NaN is NaN. (pandas writes its NaN as null.) Rows keep their order.

        Args:
            path: a file.
            run: where the file has a row for each row of a run: the column that says of which run. The rows
                of a run stand together. It becomes a label.
            labels: in such a file, the columns that are labels, with one value in all rows of a run. Where a
                row is a run, all columns without lists are labels.
            columns: the columns to read; all if left out.

        Raises:
            ImportError: pyarrow is missing.
            MissingColumn: there is no such column in the file.
            ValueError: rows of one run stand apart, or their label changes; `run` is missing, or too much; it
                is no Parquet file.
        """
        histories, found = [], {}
        for some, their_labels in parquet.read(path, run, labels, columns, PART):
            histories += some
            for name, values in their_labels.items():
                found.setdefault(name, []).extend(values)
        return cls(histories, found)

    @classmethod
    def parts_of_parquet(cls, path, run=None, labels=(), columns=None, size=PART):
        """The same in parts, one Runs after the other, for more than fits into memory: an iterator.

        `compare` and `first_rows` take it. "run" counts on from part to part.

        Args:
            size: rows of the file that are read at once.
        """
        count = 0
        for histories, found in parquet.read(path, run, labels, columns, size):
            yield cls(histories, {"run": range(count, count + len(histories)), **found})
            count += len(histories)

    def _chosen(self, numbers):
        part = object.__new__(Runs)
        part._given = [self._given[run] for run in numbers]
        part.labels = {name: values[numbers] for name, values in self.labels.items()}
        part.starts, part.lengths = 0 * numbers, (self.starts + self.lengths)[numbers]
        part._columns, part._whole = {}, None
        return part.tail(self.starts[numbers]) if self.starts.any() else part

    def _read(self, name):
        table, measured = np.full((len(self), self.rows), np.nan), self.inside
        for run, history in enumerate(self._given):
            values, missing = _values(history, name)
            table[run, : len(values)] = values
            if missing is not None:
                measured = measured.copy() if measured is self.inside else measured
                measured[: len(values), run] &= ~missing
        return np.ascontiguousarray(table.T), measured  # row after row, as they will be asked

    def _moved(self, name):
        values, measured = self._whole.column(name)
        if len(self) and np.all(self.starts == self.starts[0]):
            is_whole = measured is self._whole.inside
            return values[self.starts[0] :], self.inside if is_whole else measured[self.starts[0] :]
        rows = np.arange(self.rows)[:, None] + self.starts
        inside, rows = self.inside, np.minimum(rows, max(len(values) - 1, 0))
        return (np.where(inside, np.take_along_axis(values, rows, 0), np.nan),
                np.take_along_axis(measured, rows, 0) & inside)


def in_parts(histories):
    """Runs to be asked one after the other: a list whole; an iterator in parts, or the Runs that it gives."""
    if not isinstance(histories, Iterator):
        yield histories if isinstance(histories, Runs) else Runs(histories)
        return
    for first in histories:
        yield first if isinstance(first, Runs) else Runs([first, *islice(histories, PART - 1)])


def _checked(history):
    """A dict of equally long lists, or arrays of numbers, as it is; else a History, which checks it."""
    plain = type(history) is dict and all(map(_is_plain, history.values()))
    return history if plain and len(set(map(len, history.values()))) == 1 else History.of(history)


def _is_plain(values):
    # what is in a list is looked at when it is read: most columns never are
    return type(values) is list or (
        isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "fiub")


def _label(name, values, runs):
    values = np.array(values if isinstance(values, np.ndarray) else [*values])
    if values.shape != (runs,):
        raise ValueError(f'The label "{name}" should have one value for each of {runs} runs; its shape is '
                         f"{values.shape}.")
    return values


def _length(history):
    return len(next(iter(history.values()), ()))


def _values(history, name):
    """(values, which were not measured, a bool array; None where all were) of one run's column."""
    if name not in history:
        History.of(history)[name]  # an error that names the columns there are
    values = history[name]
    if isinstance(values, np.ma.MaskedArray):
        return values.astype(float).filled(np.nan), np.ma.getmaskarray(values)
    if isinstance(values, np.ndarray):
        return values, None
    try:
        return array("d", values), None
    except TypeError:  # None, or something that is no number yet
        values = History.of({name: values})[name]
    return np.asarray(values, dtype=float), np.array([value is None for value in values])  # None becomes NaN
