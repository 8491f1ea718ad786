"""Criteria of other tools and papers: a patience that grows, CatBoost's IncToDec, two losses that part.

Each says where its formula comes from, and where it differs from it.
"""

import math
from collections import deque
from dataclasses import dataclass

from .checks import check_column, check_count, check_number, direction
from .criterion import Criterion
from .scoring import total
from .words import counted, number, position

FORGET, MEMORY = 0.99, 2000  # CatBoost's: what is left of a rise a row later; rows that are remembered


@dataclass(frozen=True, repr=False)
class GrowingPatience(Criterion):
    """Met once `metric` has not improved for as long as its patience, which grows with the best row.

    The patience is round(`share` * b + `plus`), but at least `least` and at most `most`; b is the best row so
    far, counted from 0 over measured rows. (Until something is better than nothing, b is 0.) The score is the
    share of the patience that is used up, rows since b / patience, and it is met from 1 on. So a run that
    still improves in its row 300 is given another hundred rows, one that was best in row 3 is not. NaN is no
    improvement.

    Source: AutoGluon's AdaptiveES (core/utils/early_stopping.py), with its defaults.

    Args:
        metric: the column to watch.
        share: rows of patience for each row until the best, at least 0.
        plus: rows that are added, at least 0.
        least, most: the bounds of the patience, in rows, at least 1.
        mode: "min" or "max"; it may be left out for losses alone.

    >>> rule = GrowingPatience("val_loss", share=0.5, plus=1, least=1)
    >>> run = {"val_loss": [0.9, 0.8, 0.7, 0.6, 0.5, 0.6, 0.6, 0.6]}
    >>> rule.score(run).round(2)
    array([0.  , 0.  , 0.  , 0.  , 0.  , 0.33, 0.67, 1.  ])
    >>> rule.reason(run, 7)
    'val_loss 0.6 at epoch 7 has not improved on 0.5 (epoch 4) for 3 epochs; its patience was 3'
    """

    metric: str
    share: float = 0.3
    plus: float = 10
    least: int = 10
    most: int = 10_000
    mode: str | None = None
    columns = property(lambda self: (self.metric,))
    limit = 1

    def __post_init__(self):
        check_column(self.metric)
        check_number("share", self.share, least=0)
        check_number("plus", self.plus, least=0)
        check_count("least", self.least)
        check_count("most", self.most, least=self.least)
        direction(self.metric, self.mode)

    def scores(self, values):
        sign, goal, best = direction(self.metric, self.mode), math.inf, 0
        for row, value in enumerate(values):
            if sign * value < goal:
                goal, best = sign * value, row
            yield (row - best) / self.patience(best)

    def patience(self, best):
        """The patience, in rows, while row `best` is the best one."""
        return min(self.most, max(self.least, round(self.share * best + self.plus)))

    def is_met(self, score):
        return score >= 1

    def sentence(self, history, row, place, unit):
        column = history[self.metric]
        rows = [r for r, _ in self.scored(history) if r <= row]
        sign, best = direction(self.metric, self.mode), None
        for count, r in enumerate(rows):
            if sign * column[r] < (math.inf if best is None else sign * column[rows[best]]):
                best = count
        wait, last = len(rows) - 1 - (best or 0), column[rows[-1]]
        waited = counted(wait, unit, column[: row + 1])
        patience = f"its patience was {self.patience(best or 0)}"
        if best is None:
            return f"{self.metric} {number(last)} {place} has not become finite for {waited}; {patience}"
        value = column[rows[best]]
        return (f"{self.metric} {number(last, value)} {place} has not improved on {number(value, last)} "
                f"({position(history, rows[best], unit)}) for {waited}; {patience}")


@dataclass(frozen=True, repr=False)
class IncToDec(Criterion):
    """Met where `metric` has fallen from its best by much more than it lately used to rise.

    With s = `metric`, or its negative where small is good, at the measured row i:

        ExpectedInc = max over i1 <= i2 <= i of 0.99^(i - i1) (s[i2] - s[i1])
        x = ExpectedInc / (max over j <= i of s[j], less s[i])
        p = exp(-0.5 / x)

    The score is p, and 1 until more than `wait` rows have passed since the best; it is met where p <
    `threshold`. The best rise is forgotten by 1 % a row, so training that stands still ends too, slowly. A
    value that is not finite is skipped: its score is NaN (never met), but its row has passed.

    Source: CatBoost's overfitting detector of this name: the formula of its documentation, with 2000 rows of
    memory as in its code. CatBoost recommends thresholds from 1e-10 to 1e-2 and waits 20 rows (trees, there).

    Args:
        threshold: above 0, at most 1; the larger, the sooner.
        metric: the column to watch.
        wait: rows that are waited for anyway, at least 0.
        mode: "min" or "max"; it may be left out for losses alone.

    >>> rule = IncToDec(0.1, wait=0)
    >>> run = {"val_loss": [1.0, 0.5, 0.7, 1.2]}
    >>> rule.score(run).round(3)
    array([1.   , 1.   , 0.815, 0.486])
    >>> IncToDec(0.5, wait=0).reason(run, 3)
    'val_loss 1.2 at epoch 3 is worse than its best, 0.5 (epoch 1): p 0.486 < 0.5'
    """

    threshold: float
    metric: str = "val_loss"
    wait: int = 20
    mode: str | None = None
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.threshold)

    def __post_init__(self):
        check_number("threshold", self.threshold, above=0)
        if self.threshold > 1:
            raise ValueError(f"threshold is held against a p of at most 1; got {self.threshold!r}.")
        check_column(self.metric)
        check_count("wait", self.wait, least=0)
        direction(self.metric, self.mode)

    def scores(self, values):
        sign, rise, highest, since = -direction(self.metric, self.mode), 0.0, -math.inf, 0
        low = deque()  # (row, s) from which the next rise may start: old ones lower than new ones
        for row, value in enumerate(values):
            value, rise, since = sign * value, rise * FORGET, since + 1
            if not math.isfinite(value):
                yield math.nan
                continue
            if value > highest:
                highest, since = value, 0
            while low and low[-1][1] >= value:  # newer and lower: it will always be the better start
                low.pop()
            low.append((row, value))
            while row - low[0][0] >= MEMORY:
                low.popleft()
            rise = max(rise, max(FORGET ** (row - start) * (value - lowest) for start, lowest in low))
            yield _p(rise, highest - value) if since > self.wait else 1.0

    def is_met(self, score):
        return score < self.threshold

    def sentence(self, history, row, place, unit):
        column = history[self.metric]
        scored = [(r, p) for r, p in self.scored(history) if r <= row]
        last, p = scored[-1]
        sign = direction(self.metric, self.mode)
        best = min((r for r, _ in scored if math.isfinite(column[r])), key=lambda r: sign * column[r])
        value, lowest = column[last], column[best]
        return (f"{self.metric} {number(value, lowest)} {place} is worse than its best, "
                f"{number(lowest, value)} ({position(history, best, unit)}): "
                f"p {number(p, self.threshold)} < {number(self.threshold, p)}")


def _p(rise, fall):
    if fall <= 0:
        return 1.0
    return math.exp(-0.5 * fall / rise) if rise else 0.0


@dataclass(frozen=True, repr=False)
class CorrelationBelow(Criterion):
    """Met where training and validation loss no longer move together: their correlation is below `threshold`.

    The score is Pearson's correlation of the two columns over the last `window` rows in which both were
    measured: sum (v - mean v)(t - mean t) / sqrt(sum (v - mean v)^2 sum (t - mean t)^2). It is NaN, and not
    met, until there are `window` such rows, where one of the columns stood still, and with NaN or infinity in
    the window. While both fall it is near 1; when validation turns up it goes towards -1. It knows no scale,
    so noise on a flat curve looks like parting too: ask for several rows,
    `Lasting(5, CorrelationBelow(0.5, 20))`.

    Source: the correlation-driven stopping criterion (CDSC) of T. Miseta, A. Fodor, A. Vathy-Fogarassy,
    "Surpassing early stopping", Neurocomputing 567, 2024, which stops once the correlation has stayed below
    a threshold for a number of epochs.

    Args:
        threshold: from -1 to 1.
        window: rows, at least 3 (two points always lie on a line).
        metric, train: the columns of validation and of training errors.

    >>> rule = CorrelationBelow(0, window=3)
    >>> run = {"loss": [0.9, 0.7, 0.5, 0.4, 0.3], "val_loss": [0.9, 0.8, 0.7, 0.75, 0.8]}
    >>> rule.score(run).round(2)
    array([ nan,  nan,  1.  ,  0.65, -1.  ])
    >>> rule.reason(run, 4)
    'loss and val_loss have a correlation of -1 over 3 epochs at epoch 4; below 0 is the end'
    """

    threshold: float
    window: int = 20
    metric: str = "val_loss"
    train: str = "loss"
    columns = property(lambda self: (self.metric, self.train))
    limit = property(lambda self: self.threshold)

    def __post_init__(self):
        check_number("threshold", self.threshold)
        if abs(self.threshold) > 1:
            raise ValueError("A correlation lies between -1 and 1, and threshold should too; got "
                             f"{self.threshold!r}.")
        check_count("window", self.window, least=3)
        check_column(self.metric)
        check_column(self.train)

    def scores(self, values):
        last = deque(maxlen=self.window)
        for pair in values:
            last.append(pair)
            yield _correlation(*zip(*last)) if len(last) == self.window else math.nan

    def is_met(self, score):
        return score < self.threshold

    def sentence(self, history, row, place, unit):
        *_, score = (score for r, score in self.scored(history) if r <= row)
        pairs = [None if None in pair else pair for pair in zip(*(history[name] for name in self.columns))]
        return (f"{self.train} and {self.metric} have a correlation of {number(score, self.threshold)} over "
                f"{counted(self.window, unit, pairs[: row + 1])} {place}; "
                f"below {number(self.threshold, score)} is the end")


def _correlation(one, other):
    one, other = _direction_of(one), _direction_of(other)
    # in this order NaN stays NaN
    return max(min(total(a * b for a, b in zip(one, other)), 1.0), -1.0)


def _direction_of(values):
    """Their differences from their mean, as a vector of length 1; NaN where they are all the same."""
    # against the first of them, or rounding would give equal values a direction
    moves = [value - values[0] for value in values]
    mean = total(moves) / len(moves)
    moves = [move - mean for move in moves]
    length = math.hypot(*moves)
    return [move / length if length else math.nan for move in moves]
