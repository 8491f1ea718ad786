"""Criteria that stop on a score: three by Prechelt, and the plateau.

Prechelt's three read errors: columns in which small is good. Source: L. Prechelt, "Early Stopping - but
when?", in Neural Networks: Tricks of the Trade, 1998. None of them is certain to end training, so give them
a companion: `GeneralizationLoss(5) | Epochs(300)`.
"""

import math
from collections import deque
from dataclasses import dataclass

from .checks import check_column, check_count, check_number
from .criterion import Criterion
from .scoring import total
from .words import number, plural, position


@dataclass(frozen=True, repr=False)
class GeneralizationLoss(Criterion):
    """Met where `metric` is more than `alpha` per cent above its lowest value so far.

    The score is Prechelt's generalization loss, in per cent: GL(t) = 100 (E(t) / min E - 1), the minimum
    taken over the values up to t; it is met where GL > `alpha`. NaN is never met, and never the lowest.

    Args:
        alpha: in per cent, at least 0.
        metric: a column of errors that are above 0.

    Raises:
        ValueError: on a value of 0 or below, which has no percentage.

    >>> rule = GeneralizationLoss(5)
    >>> rule.score({"val_loss": [0.9, 0.5, 0.52, 0.6]}).round(1)
    array([ 0.,  0.,  4., 20.])
    >>> rule.reason({"val_loss": [0.9, 0.5, 0.52, 0.6]}, 3)
    'val_loss 0.6 at epoch 3 is 20 % above its lowest, 0.5 (epoch 1); more than 5 % is the end'
    """

    alpha: float
    metric: str = "val_loss"
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.alpha)

    def __post_init__(self):
        check_number("alpha", self.alpha, least=0)
        check_column(self.metric)

    def scores(self, values):
        lowest = math.inf
        for row, value in enumerate(values):
            if value <= 0:
                raise _not_positive(self, self.metric, value, row)
            lowest = min(lowest, value)
            yield _per_cent_above(lowest, value)

    def is_met(self, score):
        return score > self.alpha

    def sentence(self, history, row, place, unit):
        rows, score = _last_score(self, history, row)
        end = f"more than {number(self.alpha, score)} % is the end"
        return f"{_above_its_lowest(history, self.metric, rows, place, unit, self.alpha)}; {end}"


@dataclass(frozen=True, repr=False)
class ProgressQuotient(Criterion):
    """Met where the generalization loss is more than `alpha` times the progress of training.

    The progress in a strip of k = `strip` rows is P_k(t) = 1000 (mean / min - 1) of the training errors in
    it: how far they were on average above their lowest, per thousand. The score is GL(t) / P_k(t), met where
    it is above `alpha`. So a bad validation is forgiven for as long as training still moves fast.

    It speaks at the end of each strip only: rows 4, 9, 14, ... of those it measures, for a strip of 5. In
    between the score is NaN and it is not met. Where the training error stood still for a whole strip, P_k is
    0 and the score infinite if GL is above 0 (and 0 if not). Rows count in which both columns were measured.

    Args:
        alpha: at least 0.
        strip: rows in a strip, at least 2.
        metric, train: the columns of validation and of training errors, all above 0.

    Raises:
        ValueError: on a value of 0 or below.

    >>> rule = ProgressQuotient(1, strip=2)
    >>> history = {"val_loss": [0.9, 0.5, 0.5, 0.6], "loss": [0.9, 0.8, 0.5, 0.49]}
    >>> rule.score(history).round(2)
    array([ nan, 0.  ,  nan, 1.96])
    >>> print(rule.reason(history, 3))
    val_loss 0.6 at epoch 3 is 20 % above its lowest, 0.5 (epoch 1): 1.96 times the progress of loss in 2
    epochs, 10.2; more than 1 is the end
    """

    alpha: float
    strip: int = 5
    metric: str = "val_loss"
    train: str = "loss"
    columns = property(lambda self: (self.metric, self.train))
    limit = property(lambda self: self.alpha)

    def __post_init__(self):
        check_number("alpha", self.alpha, least=0)
        check_count("strip", self.strip, least=2)  # in a strip of one row there is no progress to see
        check_column(self.metric)
        check_column(self.train)

    def scores(self, values):
        lowest, strip = math.inf, []
        for row, (value, train) in enumerate(values):
            if value <= 0 or train <= 0:
                wrong = (self.metric, value) if value <= 0 else (self.train, train)
                raise _not_positive(self, *wrong, row)
            lowest = min(lowest, value)
            strip.append(train)
            if len(strip) < self.strip:
                yield math.nan
            else:
                loss, progress = _per_cent_above(lowest, value), _progress(strip)
                yield loss / progress if progress else (math.inf if loss > 0 else 0.0)
                strip = []

    def is_met(self, score):
        return score > self.alpha

    def sentence(self, history, row, place, unit):
        rows, score = _last_score(self, history, row)
        progress = _progress([history[self.train][r] for r in rows[-self.strip:]])
        strip = f"{self.train} in {plural(self.strip, unit)}"
        above = _above_its_lowest(history, self.metric, rows, place, unit)
        if not progress:
            return f"{above}, with no progress of {strip}"
        return (f"{above}: {number(score, self.alpha)} times the progress of {strip}, {number(progress)}; "
                f"more than {number(self.alpha, score)} is the end")


@dataclass(frozen=True, repr=False)
class SuccessiveIncreases(Criterion):
    """Met once `metric` has risen in `s` strips in a row: Prechelt's UP.

    A strip has k = `strip` rows. UP_1 is met at the end of a strip where E(t) > E(t - k); UP_s where,
    besides, UP_(s-1) was met at the end of the strip before. How much it rises does not matter. The score is
    the count of strips in a row that rose. It speaks at the end of each strip only: rows 4, 9, 14, ... of
    those it measures, for a strip of 5. In between the score is NaN and it is not met. A strip that ends in
    NaN did not rise, nor does the one after it.

    Args:
        s: strips in a row, at least 1.
        strip: rows in a strip, at least 1.
        metric: a column of errors; they may be negative.

    >>> rule = SuccessiveIncreases(2, strip=2)
    >>> rule.score({"val_loss": [0.9, 0.5, 0.4, 0.6, 0.5, 0.7]})
    array([nan,  0., nan,  1., nan,  2.])
    >>> rule.reason({"val_loss": [0.9, 0.5, 0.4, 0.6, 0.5, 0.7]}, 5)
    'val_loss rose in 2 strips of 2 epochs in a row, from 0.5 (epoch 1) to 0.7 at epoch 5'
    """

    s: int
    strip: int = 5
    metric: str = "val_loss"
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.s)

    def __post_init__(self):
        check_count("s", self.s)
        check_count("strip", self.strip)
        check_column(self.metric)

    def scores(self, values):
        before, rises = math.inf, 0
        for row, value in enumerate(values, 1):
            if row % self.strip:
                yield math.nan
            else:
                rises = rises + 1 if value > before else 0
                before = value
                yield rises

    def is_met(self, score):
        return score >= self.s

    def sentence(self, history, row, place, unit):
        rows, rises = _last_score(self, history, row)
        since, last = rows[-1 - int(rises) * self.strip], rows[-1]
        before, value = history[self.metric][since], history[self.metric][last]
        strips = f"{plural(int(rises), 'strip')} of {plural(self.strip, unit)}"
        strips += " in a row" if rises > 1 else ""
        return (f"{self.metric} rose in {strips}, from {number(before, value)} "
                f"({position(history, since, unit)}) to {number(value, before)} {place}")


@dataclass(frozen=True, repr=False)
class Plateau(Criterion):
    """Met where the last `window` measured values of `metric` have a standard deviation of at most `std`.

    The score is that standard deviation (divided by the number of values, not by one less), and infinite
    until there are `window` values; it is met where score <= `std`. Up or down does not matter, so there is
    no mode. With NaN or an infinite value in the window it is never met.

    Source: Ray Tune's TrialPlateauStopper, there with `std=0.01, num_results=4` and < for <=.

    Args:
        metric: the column to watch.
        std: in the metric's units, at least 0.
        window: rows, at least 2.

    >>> rule = Plateau("val_loss", std=0.1, window=2)
    >>> rule.score({"val_loss": [0.9, 0.5, 0.4]}).round(3)
    array([ inf, 0.2 , 0.05])
    >>> rule.reason({"val_loss": [0.9, 0.5, 0.4]}, 2)
    'val_loss 0.4 at epoch 2: the standard deviation of 2 epochs is 0.05 <= 0.1'
    """

    metric: str
    std: float
    window: int
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.std)

    def __post_init__(self):
        check_column(self.metric)
        check_number("std", self.std, least=0)
        check_count("window", self.window, least=2)  # one value has no spread

    def scores(self, values):
        last = deque(maxlen=self.window)
        for value in values:
            last.append(value)
            if len(last) < self.window:
                yield math.inf
            else:
                # against the first of them, or rounding would give equal values a spread
                moves = [v - last[0] for v in last]
                mean = total(moves) / self.window
                yield math.hypot(*(move - mean for move in moves)) / math.sqrt(self.window)

    def is_met(self, score):
        return score <= self.std

    def sentence(self, history, row, place, unit):
        rows, score = _last_score(self, history, row)
        compared = f"{number(score, self.std)} <= {number(self.std, score)}"
        return (f"{self.metric} {number(history[self.metric][rows[-1]])} {place}: the standard deviation of "
                f"{plural(self.window, unit)} is {compared}")


def _not_positive(criterion, column, value, row):
    what = f"{column} is {number(value)} in measured row {row} (counted from 0)"
    return ValueError(f"{criterion!r} compares errors by their ratio, so they must be above 0; {what}.")


def _per_cent_above(lowest, value):
    return 100 * (value / lowest - 1)


def _progress(strip):
    """Prechelt's P_k, 1000 (mean / min - 1); written so that equal values give 0, not a rounding error."""
    lowest = min(strip)
    return 1000 * total(value - lowest for value in strip) / (len(strip) * lowest)


def _last_score(criterion, history, row):
    """(the rows that were measured up to `row`, the score of the last of them)."""
    scored = [(r, score) for r, score in criterion.scored(history) if r <= row]
    return [r for r, _ in scored], float(scored[-1][1])


def _above_its_lowest(history, metric, rows, place, unit, other=None):
    values = history[metric]
    best = min((row for row in rows if not math.isnan(values[row])), key=values.__getitem__)
    value, lowest = values[rows[-1]], values[best]
    above = _per_cent_above(lowest, value)
    return (f"{metric} {number(value, lowest)} {place} is {number(above, other)} % above its lowest, "
            f"{number(lowest, value)} ({position(history, best, unit)})")
