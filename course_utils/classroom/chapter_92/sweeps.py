"""The recorded sweeps of notebook 92: data/curves/sweep.npz, see data/README.md. Needs NumPy alone."""

from dataclasses import dataclass

import numpy as np

from ...stopping import Runs, first_rows
from .. import data


@dataclass(frozen=True, eq=False)
class Sweep:
    """One sweep: twelve trials, none of which was ended.

    Attributes:
        names: what each trial tried.
        runs: their curves, a dict of lists for each.
        rule, asha, both: epochs that each trial got from Ray Tune, ended by as_stopper, by ASHA, by both.
    """

    names: tuple
    runs: list
    rule: np.ndarray
    asha: np.ndarray
    both: np.ndarray

    @property
    def epochs(self):
        """Of all trials together."""
        return sum(len(run["val_loss"]) for run in self.runs)

    def by_rule(self, criterion):
        """Epochs of each trial if this criterion ends it: a list."""
        rows = first_rows(criterion, Runs(self.runs))
        return [len(run["val_loss"]) if row < 0 else int(row) + 1 for row, run in zip(rows, self.runs)]

    def percent(self, epochs, without=None):
        """Of all epochs, if each trial gets so many: a whole number.

        Args:
            without: the end of the names of trials that are not to count, such as "rate 3"; None: all count.
        """
        counts = [without is None or not name.endswith(without) for name in self.names]
        whole = sum(len(run["val_loss"]) for run, fair in zip(self.runs, counts) if fair)
        return round(100 * sum(each for each, fair in zip(epochs, counts) if fair) / whole)

    def share(self, epochs, of):
        """Of the epochs that are saved if each trial gets so many: the percentage that certain trials save.

        Args:
            of: the end of their names, such as "rate 3".
        """
        saved = [len(run["val_loss"]) - each for run, each in zip(self.runs, epochs)]
        theirs = sum(each for each, name in zip(saved, self.names) if name.endswith(of))
        return round(100 * theirs / sum(saved))

    def rise(self, epochs):
        """By how many percent the sweep's best val_loss is higher, if each trial gets so many epochs."""
        return 100 * (self.best(epochs) / self.best() - 1)

    def best(self, epochs=None):
        """The lowest val_loss of the sweep, if each trial gets so many epochs; all of them if left out."""
        return min(self._lowest(epochs))

    def winner(self, epochs=None):
        """The trial that has it."""
        lowest = self._lowest(epochs)
        return self.names[lowest.index(min(lowest))]

    def _lowest(self, epochs):
        ends = epochs if epochs is not None else [None] * len(self.runs)
        return [min(run["val_loss"][:end]) for run, end in zip(self.runs, ends)]


@dataclass(frozen=True)
class Found:
    """What several sweeps need if something ends their trials, in percent of their epochs.

    Attributes:
        least, most: in the sweep that needs least, and in the one that needs most; whole numbers.
        needed: of all sweeps together.
        rise: by how many percent the best val_loss of a sweep is higher, in the worst case.
    """

    least: int
    most: int
    needed: float
    rise: float


def together(sweeps, ended):
    """What these sweeps need, if each trial gets so many epochs: a list of such lists."""
    shares = [sweep.percent(epochs) for sweep, epochs in zip(sweeps, ended)]
    needed = 100 * sum(map(sum, ended)) / sum(sweep.epochs for sweep in sweeps)
    return Found(min(shares), max(shares), needed, max(map(Sweep.rise, sweeps, ended)))


def recorded():
    """The five sweeps, in the order of their seeds."""
    curves = data.load_curves("sweep")
    found = []
    for seed in np.unique(curves.labels["seed"]):
        rows = np.flatnonzero(curves.labels["seed"] == seed)
        tried = zip(curves.labels["units"][rows], curves.labels["rate"][rows])
        runs = [{name: values[row].astype(float).tolist() for name, values in curves.columns.items()}
                for row in rows]
        found.append(Sweep(tuple(f"{units:3} units, rate {rate:g}" for units, rate in tried), runs,
                           *(curves.labels[f"epochs_{how}"][rows] for how in ("rule", "asha", "both"))))
    return found
