"""What exercise 7.5 is scored on: six views of digits, each with a clock, on splits that are known or not."""

import functools
from typing import NamedTuple

import numpy as np

from ...stopping import Epochs, Patience
from ..data import VIEWS, load_curves

SEEN = ("loss", "accuracy", "val_loss", "val_accuracy")  # a rule must not see the test
KNOWN, UNSEEN = range(10), range(10, 20)  # splits: to try on, and for the score
EPOCHS = 100


class Score(NamedTuple):
    """What became of a rule: view -> array, a value for each split.

    Attributes:
        stops: the epochs in which the rule stops; the last one where it does not.
        lost: points of test accuracy, against the epoch of lowest val_loss of all 100.
        endless: how many runs it does not stop, of all.
    """

    stops: dict
    lost: dict
    endless: int

    @property
    def cost(self):
        """Percent of the epochs that were trained."""
        return 100 * float(np.mean([of + 1 for of in self.stops.values()])) / EPOCHS

    @property
    def by_view(self):
        """View -> points lost, mean of the splits."""
        return {view: float(of.mean()) for view, of in self.lost.items()}

    @property
    def worst(self):
        """The view that loses most."""
        return max(self.by_view, key=self.by_view.get)

    @property
    def mean(self):
        """Points lost, mean of all runs."""
        return float(np.mean(list(self.by_view.values())))


@functools.cache
def runs(splits):
    """View -> for each split (what a rule sees, test accuracy in percent, epoch of lowest val_loss)."""
    curves, found = load_curves("views"), {}
    for view in VIEWS:
        of = [curves.select(way=view, seed=seed)[0] for seed in splits]
        found[view] = [({name: run[name] for name in SEEN}, 100 * np.array(run["test_accuracy"]),
                        int(np.argmin(run["val_loss"]))) for run in of]
    return found


def score(rule, splits=UNSEEN):
    """Score of a criterion: the epoch of lowest val_loss until its stop is kept."""
    stops, lost, endless = {}, {}, 0
    for view, of in runs(splits).items():
        first = [rule.first(seen) for seen, *_ in of]
        endless += first.count(None)
        stops[view] = np.array([EPOCHS - 1 if stop is None else stop for stop in first])
        kept = [int(np.argmin(seen["val_loss"][: stop + 1])) for (seen, *_), stop in zip(of, stops[view])]
        lost[view] = np.array([accuracy[best] - accuracy[epoch]
                               for (_, accuracy, best), epoch in zip(of, kept)])
    return Score(stops, lost, endless)


def bests(view, splits=UNSEEN):
    """The epochs of lowest val_loss of a view."""
    return np.array([best for *_, best in runs(splits)[view]])


@functools.cache
def lines():
    """(fixed numbers of epochs, patiences): name -> (cost in percent, points lost in the worst view)."""
    def points(make, numbers):
        scores = {str(n): score(make(n)) for n in numbers}
        return {name: (of.cost, of.by_view[of.worst]) for name, of in scores.items()}

    return (points(Epochs, (5, 10, 20, 30, 40, 60, 80, 100)),
            points(lambda n: Patience("val_loss", n), (1, 2, 3, 5, 8, 20)))
