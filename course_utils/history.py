"""What is known about a training run, and what is said about it.

A history is a table: column name -> one value per row, and a row is an epoch (or a batch, if asked). `None`
means "not measured in this row", NaN means "measured, and not a number". Epochs are counted from 0, as in
Keras's history; its progress bar counts from 1. This file depends on nothing but the standard library.
"""

import csv
import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

PROBES = {"gradient_norm": "GradientNorm", "weight_change": "WeightChange", "memory": "Memory"}


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
    course_utils.history.MissingColumn: There is no column "val_los". Columns: loss, val_loss.
    Did you mean "val_loss"?
    """

    @classmethod
    def of(cls, source):
        """Read a mapping of equally long columns (lists, arrays, a pandas table), or what `fit` returned.

        Raises:
            TypeError: `source` is no table.
            ValueError: the columns differ in length. Keras's own History does that with `validation_freq`: it
                keeps the measured values and loses their places. The history that StopWhen keeps has `None`
                there.
        """
        source = getattr(source, "history", source)
        if isinstance(source, cls):
            return source
        if not isinstance(source, Mapping) and not hasattr(source, "keys"):
            got = type(source).__name__
            raise TypeError(f"A history maps column names to lists, one value per epoch; got {got}.")
        table = cls({name: _listed(name, source[name]) for name in source.keys()})
        lengths = {name: len(values) for name, values in table.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns differ in length: {lengths}. Keras's History loses the places of "
                             "what was not measured (validation_freq); use the history that StopWhen keeps.")
        return table

    @property
    def rows(self):
        """How many rows there are."""
        return len(next(iter(self.values()), ()))

    @property
    def unit(self):
        """What a row is: "epoch", or "batch" in what StopWhen keeps with `check="batch"`."""
        return "batch" if "batch" in self else "epoch"

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
        """Write the table as CSV (UTF-8), a line per row; what was not measured is an empty field."""
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
    if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
        raise TypeError(f'Column "{name}" should hold one value per row; got {values!r}.')
    return values.tolist() if hasattr(values, "tolist") else list(values)


def direction(metric, mode, parameter="mode"):
    """+1 where smaller is better, -1 where larger is. Never guessed: "min" is the default for losses alone.

    >>> direction("val_loss", None), direction("val_accuracy", "max")
    (1, -1)
    >>> direction("val_accuracy", None)
    Traceback (most recent call last):
    ValueError: Is a small or a large "val_accuracy" better? Say mode="min" or mode="max".
    """
    if mode is None and (metric in ("loss", "val_loss") or str(metric).endswith("_loss")):
        mode = "min"
    if mode not in ("min", "max"):
        asked = "" if mode is None else f" Not {mode!r}."
        near = difflib.get_close_matches(str(metric), ("loss", "val_loss"), n=1, cutoff=0.7)
        asked += f' Or did you mean "{near[0]}"?' if near and metric != near[0] else ""
        raise ValueError(
            f'Is a small or a large "{metric}" better? Say {parameter}="min" or {parameter}="max".{asked}'
        )
    return 1 if mode == "min" else -1


def check_best(column, mode):
    """The direction of the column that decides which epoch is best; None without one.

    Raises:
        TypeError, ValueError: `column` is no name, the direction is not known, or there is only a direction.
    """
    if column is None and mode is None:
        return None
    if column is None:
        raise ValueError(f"mode={mode!r} belongs to the column that decides which epoch is best: name it.")
    if not isinstance(column, str):
        raise TypeError(f'The column that says which epoch is best is a name, as "val_loss"; got {column!r}.')
    return direction(column, mode)


def plural(count, unit):
    """A number with its noun.

    >>> plural(1, "epoch"), plural(5, "epoch"), plural(2, "batch")
    ('1 epoch', '5 epochs', '2 batches')
    """
    return f"{count} {unit if count == 1 else {'batch': 'batches'}.get(unit, unit + 's')}"


def done(count, unit):
    """Said of a count that has been reached.

    >>> done(1, "step"), done(5, "epoch")
    ('1 step is done', '5 epochs are done')
    """
    return f"{plural(count, unit)} {'is' if count == 1 else 'are'} done"


def number(value, other=None):
    """A value in three digits, or in as many as it takes to look different from `other` where it is.

    >>> number(0.41249), number(0.0099996, 0.01), number(1200.0)
    ('0.412', '0.0099996', '1200')
    """
    value = float(value)
    if not math.isfinite(value):
        return f"{value:g}"
    for digits in range(3, 18):
        text = f"{value:.{digits}g}"
        if other is None or value == other or float(text) != float(f"{float(other):.{digits}g}"):
            break
    return f"{float(text):.15g}" if "e+" in text and abs(value) < 1e15 else text


@dataclass(frozen=True)
class Report:
    """What became of a run: why it ended and what was kept. The same live and in replay; print it to read it.

    Attributes:
        reason: a sentence with numbers.
        ended_by: what ended the run, as text: the criterion that was met, "another callback", "all epochs
            done", or None (not over, or interrupted).
        epoch, step: the last epoch, counted from 0, and the optimizer's updates until then (None where
            unknown).
        metric, best_epoch, kept: the column that decides which epoch is best, that epoch, and its value (None
            without one).
        seconds: how long it took, in seconds (None where unknown).
        epochs_after_best: epochs that came after the best one.
        best_when: the criterion that an epoch had to meet to be the best one, as text (None without one).
    """

    reason: str
    ended_by: str | None = None
    epoch: int | None = None
    step: int | None = None
    metric: str | None = None
    best_epoch: int | None = None
    kept: float | None = None
    seconds: float | None = None
    epochs_after_best: int | None = None
    best_when: str | None = None

    def to_json(self):
        """The report as JSON, with its attributes as names; a number that is not finite is null.

        >>> json.loads(Report("3 epochs are done at epoch 2", epoch=2).to_json())["epoch"]
        2
        """
        values = asdict(self).items()
        finite = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values}
        return json.dumps(finite)

    def __str__(self):
        where = f"where {self.best_when} is met" if self.best_when else ""
        among = f" (of the epochs {where})" if where else ""
        parts = [self.reason]
        if self.best_epoch is not None:
            after = self.epochs_after_best
            place = f"{plural(after, 'epoch')} before the end" if after else "the last"
            best = f"best {self.metric} {number(self.kept)}{among}"
            parts.append(f"{best} at epoch {self.best_epoch}, {place}")
        elif self.metric and self.ended_by:
            never = f"{self.metric} was never a finite number{where and ' '}{where}"
            parts.append(f"{never}: there is no best epoch")
        if self.step is not None and self.seconds is not None:
            parts.append(f"{plural(self.step, 'step')} in {self.seconds:.1f} s")
        return "\n".join(parts)
