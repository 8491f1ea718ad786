"""Compare: many criteria on many finished runs. What does each cost in epochs, and what does it lose?"""

import html
from dataclasses import dataclass, fields

import numpy as np

from .checks import direction
from .joins import as_criterion
from .many import first_rows
from .runs import in_parts


@dataclass(frozen=True)
class Row:
    """One criterion on all runs. Arrays have one value per run.

    Attributes:
        name: how the criterion is called in the table.
        stops: the epoch of the stop; the last epoch where it never fired.
        fired: whether it fired at all.
        kept: the value of the measured column at the best epoch until the stop. NaN where there is none.
        share: epochs trained, as a share of those recorded (0 to 1).
        regret: what is lost against the best epoch of the whole run; see `compare`. NaN where one of the two
            epochs, or its value, is missing.
    """

    name: str
    stops: np.ndarray
    fired: np.ndarray
    kept: np.ndarray
    share: np.ndarray
    regret: np.ndarray

    @property
    def never(self):
        """How many runs it never ended."""
        return int((~self.fired).sum())


class Comparison(list):
    """The rows of a comparison, in the order of the criteria; shows itself as a table."""

    heads = ("criterion", "stop, median", "epochs", "regret, mean ± sd", "never fired")

    def __init__(self, rows, percent):
        super().__init__(rows)
        self.percent = percent

    def __getitem__(self, key):
        """A row by its position or by its name."""
        if isinstance(key, str):
            named = {row.name: row for row in self}
            if key not in named:
                raise KeyError(f"No criterion is called {key!r}. There are: {', '.join(named)}.")
            return named[key]
        return super().__getitem__(key)

    def cells(self):
        """The table's body as text."""
        return [(row.name, f"{np.median(row.stops):g}", f"{row.share.mean():.0%}",
                 self._regret(row.regret), f"{row.never} of {len(row.fired)}") for row in self]

    def _regret(self, regret):
        known = regret[~np.isnan(regret)]
        if not known.size:
            return "none known"
        digits, unit = (".1f", " %") if self.percent else (".3g", "")
        left_out = "" if known.size == regret.size else f" ({known.size} of {regret.size} runs)"
        sd = f" ± {known.std(ddof=1):{digits}}" if known.size > 1 else ""  # of one run there is no spread
        return f"{known.mean():z{digits}}{sd}{unit}{left_out}"

    def __str__(self):
        table = [self.heads, *self.cells()]
        widths = [max(len(cell) for cell in column) for column in zip(*table)]
        sides = (str.ljust, *[str.rjust] * (len(widths) - 1))
        lines = ([side(*cell) for side, cell in zip(sides, zip(line, widths))] for line in table)
        return "\n".join("  ".join(line) for line in lines)

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(cells, "td") for cells in self.cells())
        return f"<table>{line(self.heads, 'th')}{body}</table>"


def compare(criteria, histories, best="val_loss", mode=None, measured=None, regret="percent",
            measured_mode=None):
    """Replay every criterion on every run: what it costs and what it loses.

    Each run is ended where the criterion is first met (at its last row if it never is). The best epoch until
    then is kept, best by the column `best`. Cost is the share of recorded epochs that were trained. Regret
    compares the kept epoch with the best of the whole run, also best by `best`, in the column `measured`. A
    test column says what a user would lose, so regret can be negative.

    A run has no regret (NaN) where nothing was kept, as where `best` is NaN until the stop, or where
    `measured` was not measured. The table's mean is over the others, and says over how many; its sd is their
    standard deviation, with n - 1 under the root, and is left out where there is but one.

    Args:
        criteria: a list of criteria, or a mapping of names to criteria.
        histories: a list of histories: column -> one value per epoch; or Runs, if they are asked often. Of an
            iterator of either, such as `Runs.parts_of_parquet(path)`, only a part is in memory at a time.
        best, mode: the column that says which epoch is best, and its good direction: "min" or "max", needed
            unless it is a loss.
        measured, measured_mode: the column in which regret is measured, and its good direction. `best` and
            `mode` if left out; the direction is needed where that is another column and no loss.
        regret: "percent", 100 (kept / best - 1), for positive columns where less is better; or "difference",
            in the column's units and counted so that losing is positive.

    Returns:
        Comparison: a list of Row that shows itself as a table.

    Raises:
        ValueError: no criteria, no runs, or a run without rows; two criteria of one name; a direction that is
            not known; "percent" of a column that is not positive, or where more is better.
        MissingColumn: a run lacks a column.

    >>> from course_utils.stopping import Epochs, Patience
    >>> print(compare([Patience("val_loss", 1), Epochs(3)], [{"val_loss": [1.0, 0.5, 0.6, 0.4]}]))
    criterion                             stop, median  epochs  regret, mean ± sd  never fired
    Patience('val_loss', patience=1)                 2     75%             25.0 %       0 of 1
    Epochs(3)                                        2     75%             25.0 %       0 of 1
    """
    named, found, places, runs = _named(criteria), {}, [], 0
    if regret not in ("percent", "difference"):
        raise ValueError(f'regret is "percent" or "difference"; got {regret!r}.')
    if measured is None and measured_mode is not None:
        raise ValueError(f"measured_mode={measured_mode!r} belongs to the measured column: name it.")
    for part in filter(len, in_parts(histories)):
        if not part.lengths.all():
            raise ValueError(f"Run {runs + int(part.lengths.argmin())} has no rows.")
        for numbers, some in part.alike() if named else ():
            places.append(runs + numbers)
            for row in _rows(named, some, best, mode, measured, measured_mode, regret == "percent"):
                found.setdefault(row.name, []).append(row)
        runs += len(part)
    if not found:
        raise ValueError("compare needs at least one criterion and one history.")
    order = np.argsort(np.concatenate(places))

    def whole(name, rows):
        each = (np.concatenate([getattr(row, field.name) for row in rows]) for field in fields(Row)[1:])
        return Row(name, *(values[order] for values in each))

    return Comparison([whole(name, rows) for name, rows in found.items()], regret == "percent")


def _rows(named, runs, best, mode, measured, measured_mode, percent):
    """A Row for each criterion, on these runs alone."""
    measured = measured or best
    # columns that are missing are an error, before their direction is asked
    chosen_by, values = runs.column(best)[0], runs.column(measured)[0]
    sign = direction(best, mode)
    if measured == best:
        measured_mode = measured_mode or mode
    measured_sign = direction(measured, measured_mode, "measured_mode")
    if percent and measured_sign < 0:
        raise ValueError(f'"percent" is for columns where less is better; for "{measured}" say '
                         'regret="difference".')
    bests, each = _best_rows(sign * chosen_by), np.arange(len(runs))

    def value(last):
        """The measured column at the best epoch until row `last` of each run; NaN where there is none."""
        row = bests[last, each]
        value = np.where(row < 0, np.nan, values[row, each])
        if percent and (value <= 0).any():
            run = int((value <= 0).argmax())
            raise ValueError(f'A regret in percent needs positive values; "{measured}" is {value[run]:g} at '
                             f'epoch {runs.epochs(row)[run]}. Say regret="difference".')
        return value

    finest = value(runs.lengths - 1)
    for name, criterion in named.items():
        first = first_rows(criterion, runs)
        last = np.where(first < 0, runs.lengths - 1, first)
        kept = value(last)
        lost = 100 * (kept / finest - 1) if percent else measured_sign * kept - measured_sign * finest
        yield Row(name, runs.epochs(last), first >= 0, kept, (last + 1) / runs.lengths, lost)


def _best_rows(values):
    """The row of the lowest value so far, the first of equals, -1 where none was finite: (rows, runs)."""
    values = np.where(np.isfinite(values), values, np.inf)
    lowest = np.minimum.accumulate(values)
    before = np.concatenate([np.full((1, values.shape[1]), np.inf), lowest[:-1]])
    return np.maximum.accumulate(np.where(values < before, np.arange(len(values))[:, None], -1))


def _named(criteria):
    """Name -> criterion; the name of one in a list is how one would write it."""
    if hasattr(criteria, "items"):
        return {str(name): as_criterion(criterion) for name, criterion in criteria.items()}
    named = {}
    for criterion in map(as_criterion, criteria):
        name = repr(criterion)
        if name in named:
            raise ValueError(f"Two criteria are called {name}. Give a mapping of names to criteria.")
        named[name] = criterion
    return named
