"""Compare: many criteria on many finished runs. What does each cost in epochs, and what does it lose?"""

import html
from dataclasses import dataclass

import numpy as np

from .criteria import as_criterion
from .history import History, direction
from .replay import best_so_far


@dataclass(frozen=True)
class Row:
    """One criterion on all runs. Arrays have one value per run.

    Attributes:
        name: how the criterion is called in the table.
        stops: the epoch of the stop; the last epoch where it never fired.
        fired: whether it fired at all.
        kept: the value of the measured column at the best epoch until the stop.
        share: epochs trained, as a share of those recorded (0 to 1).
        regret: what is lost against the best epoch of the whole run; see `compare`.
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

    def __init__(self, rows, unit):
        super().__init__(rows)
        self.unit = unit

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
        return [(row.name, f"{np.median(row.stops):.0f}", f"{row.share.mean():.0%}",
                 f"{row.regret.mean():.1f} ± {row.regret.std():.1f}{self.unit}", f"{row.never} of {len(row.fired)}") for row in self]

    def __str__(self):
        table = [self.heads, *self.cells()]
        widths = [max(len(line[i]) for line in table) for i in range(len(self.heads))]
        return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                   for i, (cell, width) in enumerate(zip(line, widths))) for line in table)

    __repr__ = __str__

    def _repr_html_(self):
        def line(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        return f"<table>{line(self.heads, 'th')}{''.join(line(cells, 'td') for cells in self.cells())}</table>"


def compare(criteria, histories, best="val_loss", mode=None, measured=None, regret="percent"):
    """Replay every criterion on every run: what it costs and what it loses.

    Each run is ended where the criterion is first met (at its last row if it never is), and the best epoch until then is kept,
    best by the column `best`. Cost is the share of recorded epochs that were trained. Regret compares that epoch with the best of
    the whole run, also best by `best`, in the column `measured`: a test column says what a user would lose, so regret can be negative.

    Args:
        criteria: a list of criteria, or a mapping of names to criteria.
        histories: a list of histories: column -> one value per epoch.
        best, mode: the column that says which epoch is best, and its good direction (needed unless it is a loss).
        measured: the column in which regret is measured; `best` if None.
        regret: "percent", 100 (kept / best - 1), for positive columns where less is better; or "difference", counted so that
            losing is positive.

    Returns:
        Comparison: a list of Row that shows itself as a table.

    Raises:
        ValueError: no criteria or runs; "percent" of a column that is not positive, or where more is better.
        MissingColumn: a run lacks a column.

    >>> from course_utils.criteria import Epochs, Patience
    >>> print(compare([Patience("val_loss", 1), Epochs(3)], [{"val_loss": [1.0, 0.5, 0.6, 0.4]}]))
    criterion                             stop, median  epochs  regret, mean ± sd  never fired
    Patience('val_loss', patience=1)                 2     75%       25.0 ± 0.0 %       0 of 1
    Epochs(3)                                        2     75%       25.0 ± 0.0 %       0 of 1
    """
    named = criteria if hasattr(criteria, "items") else {_name(criterion): criterion for criterion in criteria}
    histories, measured, sign = [History.of(history) for history in histories], measured or best, direction(best, mode)
    if not named or not histories:
        raise ValueError("compare needs at least one criterion and one history.")
    if regret not in ("percent", "difference"):
        raise ValueError(f'regret is "percent" or "difference"; got {regret!r}.')
    if regret == "percent" and sign < 0:
        raise ValueError(f'"percent" is for columns where less is better; for "{measured}" say regret="difference".')
    finest = [_value(history, best, measured, sign, history.rows, regret) for history in histories]
    rows = []
    for name, criterion in named.items():
        criterion = as_criterion(criterion)
        first = [criterion.first(history) for history in histories]
        stops = np.array([history.rows - 1 if row is None else row for row, history in zip(first, histories)])
        kept = np.array([_value(history, best, measured, sign, stop + 1, regret) for history, stop in zip(histories, stops)])
        lost = 100 * (kept / np.array(finest) - 1) if regret == "percent" else sign * (kept - np.array(finest))
        share = (stops + 1) / np.array([history.rows for history in histories])
        rows.append(Row(name, stops, np.array([row is not None for row in first]), kept, share, lost))
    return Comparison(rows, " %" if regret == "percent" else "")


def _name(criterion):
    return repr(as_criterion(criterion))


def _value(history, best, measured, sign, rows, regret):
    """The measured column at the best epoch of the first `rows` rows; NaN where there is none."""
    row = best_so_far(history[best][:rows], sign)
    value = np.nan if row is None or history[measured][row] is None else float(history[measured][row])
    if regret == "percent" and value <= 0:
        raise ValueError(f'A regret in percent needs positive values; "{measured}" is {value:g} at epoch {row}. Say regret="difference".')
    return value
