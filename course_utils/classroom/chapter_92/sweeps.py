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
        return round(percent([self], [epochs], without))

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
        needed: of all sweeps together.
        serious: the same, without the trials at the hopeless setting.
        rise: by how many percent the best val_loss of a sweep is higher, in the worst case.
    """

    needed: float
    serious: float
    rise: float


def percent(sweeps, ended, without=None):
    """Of all their epochs, if each trial gets so many: a list for each sweep."""
    fair = [(each, len(run["val_loss"])) for sweep, epochs in zip(sweeps, ended)
            for each, run, name in zip(epochs, sweep.runs, sweep.names)
            if without is None or not name.endswith(without)]
    trained, whole = map(sum, zip(*fair))
    return 100 * trained / whole


def together(sweeps, ended, hopeless):
    """What these sweeps need, if each trial gets so many epochs: a list of such lists.

    Args:
        hopeless: the end of the names of trials that flatter whatever ends them, such as "rate 3".
    """
    return Found(percent(sweeps, ended), percent(sweeps, ended, without=hopeless),
                 max(map(Sweep.rise, sweeps, ended)))


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
