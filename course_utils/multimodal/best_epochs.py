"""The clocks: after how many epochs each input, trained alone, is at its best; how far apart they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..stopping.checks import direction
from ..stopping.history import History
from ..stopping.replay import best_so_far
from ..stopping.words import number, plural


@dataclass(frozen=True)
class Clocks:
    """The best epochs of several inputs; print it to read it.

    Attributes:
        metric: the column that decided.
        best_epoch: input -> the best epoch, counted from 0.
        epochs: input -> how many epochs it had been trained by then, 1 or more.
        best: input -> the value of the best epoch.
        unfinished: inputs that were at their best when their run ended: their clocks may be slower.
        ratio: epochs of the slowest over epochs of the fastest, 1 or more.
    """

    metric: str
    best_epoch: dict
    best: dict
    unfinished: tuple

    @property
    def epochs(self):
        return {name: epoch + 1 for name, epoch in self.best_epoch.items()}

    @property
    def ratio(self):
        return max(self.epochs.values()) / min(self.epochs.values())

    def __str__(self):
        wide = max(map(len, (*self.best, "ratio")))
        lines = [f"{'':{wide}}  best after   {self.metric}"]
        for name, count in self.epochs.items():
            more = "   and still better when it ended" if name in self.unfinished else ""
            lines.append(f"{name:{wide}}  {plural(count, 'epoch'):11}  {number(self.best[name])}{more}")
        fastest, slowest = (pick(self.epochs, key=self.epochs.get) for pick in (min, max))
        return "\n".join([*lines, f"{'ratio':{wide}}  {self.ratio:<11.3g}  {slowest} / {fastest}"])


def clocks(histories, metric="val_loss", mode=None):
    """When each input is at its best if it is trained alone, and the ratio of the slowest to the fastest.

    A ratio needs a count that is never 0: not the number of the best epoch, which begins at 0, but how many
    epochs the input had been trained when it was best, which is one more. The first of equal values is best.
    Train all with the same batches and the same rate, or count something else than epochs.

    Args:
        histories: input -> the history of a model with that input alone: a History, a mapping of columns, or
            what `fit` returned; one row an epoch, from epoch 0 on.
        metric: the column that decides.
        mode: "min" or "max"; it may be left out for losses.

    Returns:
        Clocks.

    Raises:
        ValueError: there are fewer than two inputs, a history has no finite value, or `mode` is needed.

    >>> pictures, words = {"val_loss": [1.2, 1.1, 1.3]}, {"val_loss": [2.0, 1.8, 1.5, 1.2]}
    >>> print(clocks({"pictures": pictures, "words": words}))
              best after   val_loss
    pictures  2 epochs     1.1
    words     4 epochs     1.2   and still better when it ended
    ratio     2            words / pictures
    """
    if not isinstance(histories, Mapping) or len(histories) < 2:
        raise ValueError('histories is a dict, input -> history, of two inputs or more: {"pictures": ...}.')
    sign, best_epoch, best, unfinished = direction(metric, mode), {}, {}, []
    for name, history in histories.items():
        history = History.of(history)
        row = best_so_far(history[metric], sign)
        if row is None:
            raise ValueError(f'"{metric}" of "{name}" has no finite value: there is no best epoch.')
        best_epoch[name], best[name] = history.epoch(row), history[metric][row]
        unfinished += [name] if row == history.rows - 1 else []
    return Clocks(metric, best_epoch, best, tuple(unfinished))
