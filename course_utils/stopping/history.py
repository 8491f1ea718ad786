"""What is known about a training run: a table of what was measured.

A history is a table: column name -> one value per row, and a row is an epoch (or a batch, if asked). `None`
means "not measured in this row", NaN means "measured, and not a number". Epochs are counted from 0, as in
Keras's history; its progress bar counts from 1. This file depends on nothing but the standard library.
"""

import csv
import difflib
from collections.abc import Mapping

from .words import done

PROBES = {"gradient_norm": "GradientNorm", "weight_change": "WeightChange", "memory": "Memory",
          "learning_rate": "LearningRate"}
PLAIN = {float, int, bool, str, type(None)}  # values that need no reading
EMPTY = ("", "NA")  # fields of a file that say "not measured"; the second is CSVLogger's


class MissingColumn(KeyError):
    """A criterion asked for a column that the history does not have."""

    def __str__(self):  # KeyError would show the sentence in quotes, with its line breaks escaped
        return self.args[0]


def missing_column(name, columns, when=""):
    """The error for a column that is not there: it names those that are, the nearest one, and the mend.

    >>> print(missing_column("gradient_norm", ["loss"], " after epoch 0"))
    There is no column "gradient_norm" after epoch 0. Columns: loss. The probe GradientNorm() writes it: put
    it before this callback in callbacks=[...].
    """
    columns = sorted(map(str, columns))
    sentence = f'There is no column "{name}"{when}. Columns: {", ".join(columns) or "none"}.'
    near = [column for column in columns if column.startswith(str(name))]  # "acc" for "accuracy"
    near += difflib.get_close_matches(str(name), columns, n=1, cutoff=0.7)
    if name in PROBES:
        every = "per_batch=True" if "batch" in columns else ""  # rows that are batches have such a column
        probe = f"{PROBES[name]}({every})"
        sentence += f" The probe {probe} writes it: put it before this callback in callbacks=[...]."
    elif name == "batch_loss":
        sentence += ' Only check="batch" makes it, where Keras reports a "loss".'
    elif str(name).startswith("val_") and not any(column.startswith("val_") for column in columns):
        sentence += (" Validation columns need validation_data in fit; with validation_freq=n there, give"
                     " validation_freq=n to the callback too.")
    elif near:
        sentence += f' Did you mean "{near[0]}"?'
    else:
        sentence += " If a callback writes it, put that callback before this one."
    return MissingColumn(sentence)


class History(dict):
    """Column name -> list of values, one per row; a missing column is an error that names those there are.

    >>> history = History.of({"loss": [0.9, 0.5], "val_loss": [1.0, None]})
    >>> history.rows, history["loss"]
    (2, [0.9, 0.5])
    >>> history["val_los"]
    Traceback (most recent call last):
    course_utils.stopping.history.MissingColumn: There is no column "val_los". Columns: loss, val_loss.
    Did you mean "val_loss"?
    """

    @classmethod
    def of(cls, source, nan=None):
        """Read a mapping of equally long columns (lists, arrays, a pandas table), or what `fit` returned.

        Args:
            source: column -> one value per row. A value is a number, a scalar or an array of one element of
                NumPy, TensorFlow, JAX or PyTorch, or None; pandas' NA and masked values count as None.
            nan: "measured", or "not measured" for a table in which NaN stands for an empty field. None is the
                first, and of a pandas table the second: pandas writes NaN for both, and cannot tell them
                apart. `History.from_csv` can.

        Raises:
            TypeError: `source` is no table, or a value is not one number.
            ValueError: the columns differ in length. Keras's own History does that with `validation_freq`: it
                keeps the measured values and loses their places. The history that StopWhen keeps has `None`
                there.

        >>> History.of({"val_loss": [0.9, float("nan"), 0.5]}, nan="not measured")
        {'val_loss': [0.9, None, 0.5]}
        """
        if nan is None:
            nan = "not measured" if type(source).__module__.startswith("pandas.") else "measured"
        if nan not in ("measured", "not measured"):
            raise ValueError(f'nan should be "measured" or "not measured"; got {nan!r}.')
        source = getattr(source, "history", source)
        if isinstance(source, cls) and nan == "measured":
            return source
        if not isinstance(source, Mapping) and not hasattr(source, "keys"):
            got = type(source).__name__
            raise TypeError(f"A history maps column names to lists, one value per epoch; got {got}.")
        table = cls({name: _listed(name, source[name]) for name in source.keys()})
        lengths = {name: len(values) for name, values in table.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns differ in length: {lengths}. Keras's History loses the places of "
                             "what was not measured (validation_freq); use the history that StopWhen keeps.")
        if nan == "not measured":
            for values in table.values():
                values[:] = [None if value != value else value for value in values]
        return table

    @classmethod
    def from_csv(cls, path, separator=","):
        """Read a table that was written as CSV: by `to_csv`, by Keras's CSVLogger, or by others.

        An empty field and CSVLogger's "NA" are None, not measured; "nan" is NaN, measured and no number. What
        `to_csv` wrote comes back as it was. What is no number stays text.

        Args:
            path: a file in UTF-8, whose first line has the columns' names.
            separator: what stands between two fields.

        Raises:
            ValueError: two columns have one name, or a line has more or fewer fields than there are names.
        """
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, delimiter=separator)
            names, rows = next(lines, []), []
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{path} has two columns of one name: {', '.join(twice)}.")
            for fields in filter(None, lines):
                if len(fields) != len(names):
                    raise ValueError(f"Line {lines.line_num} of {path} has {len(fields)} fields, but the "
                                     f"first line names {len(names)}. Is the separator {separator!r}?")
                rows.append([_from_text(field) for field in fields])
        return cls(zip(names, map(list, zip(*rows) if rows else [[] for _ in names])))

    @property
    def rows(self):
        """How many rows there are."""
        return len(next(iter(self.values()), ()))

    @property
    def unit(self):
        """What a row is: "epoch", or what StopWhen was given as `check`: "batch", or "evaluation"."""
        return next((unit for unit in ("evaluation", "batch") if unit in self), "epoch")

    def add(self, row):
        """Append one row (a mapping). Columns it lacks get None; new columns are None in the rows before."""
        before = self.rows
        for name in row:
            if name not in self:
                self[name] = [None] * before
        for name, column in self.items():
            column.append(row.get(name))

    def head(self, rows):
        """The first `rows` rows, as a history of its own."""
        return type(self)({name: values[:rows] for name, values in self.items()})

    def tail(self, start):
        """The rows from `start` on, as a history of its own; its epochs keep their numbers."""
        rest = type(self)({name: values[start:] for name, values in self.items()})
        if start and "epoch" not in self:
            rest["epoch"] = list(range(start, self.rows))
        return rest

    def epoch(self, row):
        """The epoch that a row belongs to: the column "epoch" where there is one, else the row itself."""
        return self["epoch"][row] if "epoch" in self else row

    def to_csv(self, path):
        """Write the table as CSV (UTF-8), a line per row; what was not measured is an empty field.

        `History.from_csv` reads it again. pandas reads an empty field as NaN: see `History.of`.
        """
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(self)
            table.writerows(zip(*self.values()))

    def never_met(self, criterion, instead=""):
        """The reason of a run that went on to its last epoch."""
        epochs = len({self.epoch(row) for row in range(self.rows)})
        so_far = f"{'all ' if epochs > 1 else ''}{done(epochs, 'epoch')}"
        return f"{so_far}; {instead or f'{criterion!r} was never met'}"

    def __missing__(self, name):
        raise missing_column(name, self)


def _listed(name, values):
    is_list = hasattr(values, "__len__") and not isinstance(values, (str, Mapping))
    if not is_list or not getattr(values, "shape", (0,)):  # an array without axes has no rows
        raise TypeError(f'Column "{name}" should hold one value per row; got {values!r}.')
    try:
        values = values.tolist() if hasattr(values, "tolist") else values
        if type(values) is list and set(map(type, values)) <= PLAIN:
            return values.copy()
        return [_plain(value) for value in values]
    except (TypeError, ValueError) as error:
        raise TypeError(f'Column "{name}" should hold one value per row; got {values!r}.') from error


def _plain(value):
    """A value as Python's own number, if it is one, or an array or list of one; ValueError if of several."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, (list, tuple)):
        (value,) = value
        return _plain(value)
    if type(value).__name__ in ("NAType", "NaTType"):  # pandas
        return None
    if hasattr(value, "numpy") and not hasattr(value, "item"):  # TensorFlow
        value = value.numpy()
    return value.item() if hasattr(value, "item") else value


def _from_text(field):
    if field in EMPTY:
        return None
    for kind in (int, float):
        try:
            return kind(field)
        except ValueError:
            pass
    return field
