"""The study of chapter 08: rules on recorded runs, what they cost and lose, compared with patience.

A problem's number is the mean over its runs; a mean over problems is the mean of these, so that every problem
counts the same. Cost is the share of the recorded epochs that is trained. Regret is the course's: by how many
percent the test loss of the kept weights, those best in val_loss, lies above that of the run's best epoch.
Needs NumPy alone.
"""

import functools
from dataclasses import dataclass

import numpy as np

from ...stopping import Patience, Runs, first_rows
from .. import data

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20, 25, 30, 40, 60, 100)
SEEN = "loss", "error", "val_loss", "val_error", "gradient_norm"  # what a rule may read
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Price:
    """What a rule costs (share of the epochs) and loses (regret, %) on each problem: arrays (problems,).

    `never` is the share of runs that it did not end.
    """

    name: str
    cost: np.ndarray
    regret: np.ndarray
    never: float = 0.0

    def on(self, places):
        """The same on some of the problems."""
        return Price(self.name, self.cost[places], self.regret[places], self.never)

    def __str__(self):
        cost, regret = 100 * self.cost.mean(), self.regret.mean()
        return f"{self.name}: {cost:.0f} % of the epochs, regret {regret:z.2f} %"


class Study:
    """Recorded runs of several problems.

    Args:
        columns: column -> float array (runs, epochs), NaN behind a run's end.
        labels: label -> array (runs,), `problem` among them.
        best: int array (runs,), the epochs whose weights regret compares with; each run's best in val_loss if
            left out.

    Attributes:
        runs: what a rule may see of them, as Runs.
        problems: their names, in order.
        of: int array (runs,): the place of each run's problem among them.
        kept: (epochs, runs): the epoch that is best in val_loss until then.
    """

    def __init__(self, columns, labels, best=None):
        self.columns, self.labels = columns, labels
        self.lengths = (~np.isnan(columns["val_loss"])).sum(1)
        self.runs = Runs([{name: columns[name][i, :end] for name in SEEN if name in columns}
                          for i, end in enumerate(self.lengths)])
        names = labels["problem"].tolist()
        self.problems = tuple(dict.fromkeys(names))
        self.of = np.array([self.problems.index(name) for name in names])
        losses = columns["val_loss"].T
        rows, lowest = np.arange(len(losses))[:, None], np.fmin.accumulate(losses)
        new = losses < np.concatenate([np.full((1, len(names)), np.inf), lowest[:-1]])
        self.kept = np.maximum.accumulate(np.where(new, rows, 0))
        self.best = self.kept[self.lengths - 1, np.arange(len(names))] if best is None else best

    def mean(self, values):
        """Means over the runs of each problem: array (problems,)."""
        return np.bincount(self.of, values) / np.bincount(self.of)

    def regrets(self, column="test_loss"):
        """By how many percent `column` at the kept epoch lies above the best epoch's: (epochs, runs)."""
        values = self.columns[column].T
        best = values[self.best, np.arange(len(self.of))]
        return 100 * (np.take_along_axis(values, self.kept, 0) / best - 1)

    def lost(self, stops):
        """The regret of each run, %, that ends in the row `stops`, -1 where it never does: array (runs,)."""
        return self.regrets()[self._last(stops), np.arange(len(self.of))]

    def price(self, name, stops):
        """The `Price` of stops: the row in which each run ends, -1 where it never does."""
        cost = (self._last(stops) + 1) / self.lengths
        return Price(name, self.mean(cost), self.mean(self.lost(stops)), float(np.mean(stops < 0)))

    def _last(self, stops):
        return np.where(stops < 0, self.lengths - 1, stops)


@functools.cache
def study(*groups, epochs=None, **labels):
    """The recorded runs of these groups: "first" and "second" (ten problems each), "last" (eight).

    Args:
        groups: names of groups; all of them if left out.
        epochs: cut the runs after so many.
        labels: optimizer="adam", rate=0.01, network="16", problem="glass": only the runs with these labels.
    """
    curves = data.load_curves("study")
    chosen = np.isin(curves.labels["group"], groups) if groups else np.ones(len(curves), bool)
    for label, value in labels.items():
        there = curves.labels[label]
        chosen &= np.isclose(there, value) if label == "rate" else there == value
    columns = {name: values[chosen].astype(float) for name, values in curves.columns.items()}
    end = int((~np.isnan(columns["val_loss"])).sum(1).max())
    end = end if epochs is None else min(epochs, end)
    return Study({name: values[:, :end] for name, values in columns.items()},
                 {label: values[chosen] for label, values in curves.labels.items()})


def by_seed(on):
    """The same runs with a seed in place of a problem: means and intervals are over seeds."""
    seeds = np.char.add("seed ", on.labels["seed"].astype(str))
    return Study(on.columns, {**on.labels, "problem": seeds}, on.best)


def by_validation_size():
    """Examples that validate -> Study of the same trainings, seen through so many; "all" comes last.

    Regret compares with what the whole validation set calls each run's best epoch.
    """
    curves = data.load_curves("study_validation")
    columns = {name: values.astype(float) for name, values in curves.columns.items()}
    whole = Study(columns, curves.labels)
    small = {size: Study({**columns, "val_loss": columns[f"val_{size}_loss"]}, curves.labels, whole.best)
             for size in (25, 50, 100, 200)}
    return {**small, "all": whole}


def phase_of_transfer(way, phase):
    """Chapter 06's runs on photos, one phase of them: a Study in which each seed is a problem."""
    curves = data.load_curves("transfer")
    runs = np.flatnonzero(curves.labels["way"] == way)
    inside = curves.columns["phase"][runs] == phase
    columns = {}
    for name in ("loss", "val_loss", "test_loss"):
        columns[name] = np.full(inside.shape, np.nan)
        for row, run, own in zip(columns[name], runs, inside):
            row[: own.sum()] = curves.columns[name][run][own]
    labels = {"problem": curves.labels["way"][runs], "seed": curves.labels["seed"][runs]}
    return by_seed(Study(columns, labels))


def prices(rules, on):
    """Each rule's `Price`, in a list.

    Args:
        rules: a list of criteria, or a mapping of names to criteria.
        on: a Study.
    """
    named = rules if hasattr(rules, "items") else {repr(rule): rule for rule in rules}
    return [on.price(name, first_rows(rule, on.runs)) for name, rule in named.items()]


@functools.cache
def patience_line(on):
    """The prices of plain patience of many lengths, LENGTHS."""
    return prices({f"Patience {n}": Patience("val_loss", n) for n in LENGTHS}, on)


def at_regret(costs, regrets, regret):
    """What patience costs at this mean regret: on the line that joins the lengths, in their order.

    Above the regret of the shortest patience it is that one's cost; below the lowest regret it is the cost of
    the cheapest length that loses so little.

    Args:
        costs, regrets: arrays (lengths,), means of the lengths.
        regret: a number.

    >>> at_regret(np.array([10.0, 20.0]), np.array([4.0, 1.0]), 2.5)
    15.0
    """
    lowest = np.minimum.accumulate(regrets)
    ever = np.concatenate([[True], np.diff(lowest) < 0])  # a length that loses no less buys nothing
    return float(np.interp(regret, lowest[ever][::-1], costs[ever][::-1]))


def ratio(price, line):
    """The cost of a rule as a multiple of what patience costs at the same mean regret. Below 1 is better."""
    return float(_ratios(price, line, np.ones((1, len(price.cost))))[0])


def interval(price, line, seed=1):
    """A paired bootstrap over problems: the 2.5 % and the 97.5 % quantile of the ratio.

    Problems are drawn with replacement, for the rule and for patience the same ones.
    """
    count = len(price.cost)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return tuple(np.quantile(_ratios(price, line, drawn), [0.025, 0.975]).tolist())


def _ratios(price, line, times):
    """The ratio where each problem counts so many times: `times` is (resamples, problems)."""
    times = times / times.sum(1, keepdims=True)
    costs, regrets = (times @ np.array([getattr(other, of) for other in line]).T for of in ("cost", "regret"))
    cost, regret = times @ price.cost, times @ price.regret
    return np.array([own / at_regret(*lengths) for own, lengths in zip(cost, zip(costs, regrets, regret))])


def clairvoyant(on, column, worth):
    """One who sees the whole column beforehand and stops each run where that pays most.

    Args:
        on: a Study.
        column: "val_loss", or "test_loss".
        worth: the regret, in percent, that a percent of the epochs is worth. What is made least is regret in
            that column + worth * cost in percent.

    Returns:
        Price.
    """
    cost = 100 * (np.arange(len(on.kept))[:, None] + 1) / on.lengths
    return on.price(f"sees {column}", np.nanargmin(on.regrets(column) + worth * cost, 0))


def own_patience(on, worth):
    """The length of patience that is best for each problem, chosen in hindsight: Price. See `clairvoyant`."""
    line = patience_line(on)
    best = np.array([price.regret + worth * 100 * price.cost for price in line]).argmin(0)
    cost, regret = (np.array([getattr(price, of) for price in line])[best, np.arange(len(best))]
                    for of in ("cost", "regret"))
    return Price("each problem's own patience", cost, regret)
