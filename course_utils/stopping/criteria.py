"""The criteria: when is it time to stop?

    Below("loss", 0.01) | TimeBudget(minutes=5)                         # either
    Patience("val_loss", 5) & Above("val_accuracy", 0.9)                # both in the same row
    After(20, Below("gradient_norm", 0.1))                              # not before row 20
    Lasting(3, GeneralizationLoss(5))                                   # three rows in a row
    Armed(Above("sparsity", 0.89), Patience("val_loss", 5))             # counts from that event on

What all criteria have in common is in criterion.py; budgets, scores (Prechelt's three and the plateau), peers
(what other tools have) and wrappers have rooms of their own.
"""

import math
from collections import deque
from dataclasses import dataclass

from .checks import check_column, check_count, check_number, direction
from .criterion import Criterion
from .words import counted, number, position

# ---- criteria that look at the newest value ----


@dataclass(frozen=True, repr=False)
class Below(Criterion):
    """Met in every row where `metric` < `value`.

    Source: the articles' formula, Loss = 1/N sum L(y_i, y_hat_i) < threshold.

    >>> rule = Below("loss", 0.5)
    >>> rule.first({"loss": [0.9, 0.5, 0.4]}), rule.reason({"loss": [0.9, 0.5, 0.4]}, 2)
    (2, 'loss 0.4 < 0.5 at epoch 2')
    """

    metric: str
    value: float
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.value)
    symbol = "<"

    def __post_init__(self):
        check_column(self.metric)
        check_number("value", self.value)

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return score < self.value

    def sentence(self, history, row, place, unit):
        value = self.score(history)[row]
        compared = f"{number(value, self.value)} {self.symbol} {number(self.value, value)}"
        return f"{self.metric} {compared} {place}"


@dataclass(frozen=True, repr=False)
class Above(Below):
    """Met in every row where `metric` > `value`.

    >>> Above("accuracy", 0.9).met({"accuracy": [0.8, 0.9, 0.95]})
    array([False, False,  True])
    """

    symbol = ">"

    def is_met(self, score):
        return score > self.value


@dataclass(frozen=True, repr=False)
class AtMost(Below):
    """Met in every row where `metric` <= `value`: for values that come in steps, such as counts of errors.

    >>> rule = AtMost("errors", 2)
    >>> rule.first({"errors": [5, 2, 1]}), rule.reason({"errors": [5, 2, 1]}, 1)
    (1, 'errors 2 <= 2 at epoch 1')
    """

    symbol = "<="

    def is_met(self, score):
        return score <= self.value


@dataclass(frozen=True, repr=False)
class AtLeast(Below):
    """Met in every row where `metric` >= `value`.

    >>> AtLeast("accuracy", 1).met({"accuracy": [0.9, 1.0]})
    array([False,  True])
    """

    symbol = ">="

    def is_met(self, score):
        return score >= self.value


@dataclass(frozen=True, repr=False)
class NotFinite(Criterion):
    """Met where `metric` is NaN or infinite. StopWhen looks after every batch.

    >>> NotFinite().first({"loss": [0.9, float("nan")]})
    1
    """

    metric: str = "loss"
    every_batch = True
    columns = property(lambda self: (self.metric,))

    def __post_init__(self):
        check_column(self.metric)

    def scores(self, values):
        return iter(values)

    def is_met(self, score):
        return not math.isfinite(score)

    def sentence(self, history, row, place, unit):
        return f"{self.metric} is {number(self.score(history)[row])} {place}"


# ---- criteria that remember ----


@dataclass(frozen=True, repr=False)
class Patience(Criterion):
    """Met once `metric` has not improved on its best for `patience` measured rows in a row.

    That is Keras's reading; others wait one row more.
    The score is that count. To improve is to be better than the last improvement by more than `min_delta`;
    with `relative=True` by more than `min_delta` times its size. `min_delta` decides when to stop, never
    which epoch is best: see StopWhen. NaN is no improvement.

    Args:
        metric: the column to watch.
        patience: rows without improvement, at least 1 (Keras treats its 0 as 1).
        min_delta: at least 0; in the metric's units, or a share of its size if `relative`.
        mode: "min" or "max"; it may be left out for losses alone.

    >>> rule = Patience("val_loss", 2)
    >>> rule.first({"val_loss": [0.9, 0.5, 0.6, 0.5, 0.4]})
    3
    >>> rule.reason({"val_loss": [0.9, 0.5, 0.6, 0.5, 0.4]}, 3)
    'val_loss 0.5 at epoch 3 has not improved on 0.5 (epoch 1) for 2 epochs'
    """

    metric: str
    patience: int = 5
    min_delta: float = 0.0
    relative: bool = False
    mode: str | None = None
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.patience)

    def __post_init__(self):
        check_column(self.metric)
        check_count("patience", self.patience)
        check_number("min_delta", self.min_delta, least=0)
        direction(self.metric, self.mode)

    def scores(self, values):
        sign, goal, wait = direction(self.metric, self.mode), math.inf, 0
        for value in values:
            value = sign * value
            if value < goal:
                # an infinite best has no margin: inf - inf would be NaN, and nothing is smaller than NaN
                margin = 0.0 if math.isinf(value) else self.min_delta * (abs(value) if self.relative else 1.0)
                goal, wait = value - margin, 0
            else:
                wait += 1
            yield wait

    def is_met(self, score):
        return score >= self.patience

    def sentence(self, history, row, place, unit):
        scored = [(r, int(wait)) for r, wait in self.scored(history) if r <= row]
        last, wait = scored[-1]
        value, rows = history[self.metric][last], counted(wait, unit, history[self.metric][: row + 1])
        if wait == len(scored):  # nothing came that was better than nothing: NaN, or infinitely bad
            return f"{self.metric} {number(value)} {place} has not been finite for {rows}"
        since = scored[-1 - wait][0]
        best = history[self.metric][since]
        margin = f"{number(100 * self.min_delta)} %" if self.relative else number(self.min_delta)
        by = f" by more than {margin}" if self.min_delta else ""
        return (f"{self.metric} {number(value, best)} {place} has not improved on {number(best, value)} "
                f"({position(history, since, unit)}){by} for {rows}")


def patience_for(epochs):
    """A patience to begin with, from the most epochs that a run may take: 0.75 times their square root.

    Whole, and at least 1. A start, and no law: of chapter 08's 28 problems most lose less than a percent by
    it, and those that learn slowly lose more, whatever number is fixed beforehand. Where finished runs are at
    hand, `compare` on them knows better.

    Args:
        epochs: at least 1.

    Raises:
        ValueError, TypeError: no such count.

    Source: this course's own study, data/curves/study.npz.

    >>> [patience_for(epochs) for epochs in (1, 30, 100, 300)]
    [1, 4, 8, 13]
    """
    check_count("epochs", epochs)
    return max(1, round(0.75 * math.sqrt(epochs)))


@dataclass(frozen=True, repr=False)
class ImprovementBelow(Criterion):
    """Met once `metric` has improved by no more than `epsilon` over the last `window` measured rows.

    The score is that improvement, v[t - window] - v[t] (with the sign turned where larger is better), and
    infinite while there is nothing to compare with; it is met where score <= epsilon. With `relative=True`
    the score is divided by |v[t - window]|. A value that got worse is an improvement below zero. NaN is never
    met: see NotFinite.

    Source: the article's formula, stop when the improvement of performance <= epsilon, which has window 1.

    Args:
        metric: the column to watch.
        epsilon: in the metric's units, or a share of its size if `relative`.
        window: how many measured rows to look back, at least 1.
        mode: "min" or "max"; it may be left out for losses alone.

    >>> rule = ImprovementBelow("loss", 0.01)
    >>> rule.score({"loss": [0.9, 0.6, 0.65, 0.5]}).round(2)
    array([  inf,  0.3 , -0.05,  0.15])
    >>> rule.reason({"loss": [0.9, 0.6, 0.65, 0.5]}, 2)
    'loss got worse by 0.05, from 0.6 (epoch 1) to 0.65 at epoch 2; 0.01 or less in 1 epoch is the end'
    """

    metric: str
    epsilon: float
    window: int = 1
    relative: bool = False
    mode: str | None = None
    columns = property(lambda self: (self.metric,))
    limit = property(lambda self: self.epsilon)

    def __post_init__(self):
        check_column(self.metric)
        check_number("epsilon", self.epsilon)
        check_count("window", self.window)
        direction(self.metric, self.mode)

    def scores(self, values):
        sign, last = direction(self.metric, self.mode), deque(maxlen=self.window)
        for value in values:
            before = last[0] if len(last) == self.window else None
            last.append(value)
            if before is None:
                yield math.inf
            elif before == value:
                yield 0.0  # also for two infinities, whose difference would be NaN
            else:
                finite = before and math.isfinite(before)  # from 0, or from infinity, there is no share
                yield sign * (before - value) / (abs(before) if self.relative and finite else 1.0)

    def is_met(self, score):
        return score <= self.epsilon

    def sentence(self, history, row, place, unit):
        rows = [r for r, _ in self.scored(history) if r <= row]
        since, last = rows[-1 - self.window], rows[-1]
        before, value = history[self.metric][since], history[self.metric][last]
        score = float(self.score(history)[row])

        def said(amount):
            return f"{number(100 * amount)} %" if self.relative else number(amount)

        moved = "did not move"
        if score:
            moved = f"improved by {said(score)}" if score > 0 else f"got worse by {said(-score)}"
        return (f"{self.metric} {moved}, from {number(before, value)} ({position(history, since, unit)}) to "
                f"{number(value, before)} {place}; {said(self.epsilon)} or less in "
                f"{counted(self.window, unit, history[self.metric][: row + 1])} is the end")
