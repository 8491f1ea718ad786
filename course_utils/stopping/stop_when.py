"""StopWhen: end training when a criterion is met, and keep the best weights."""

import time

from .actions import end_training
from .best import Best
from .follower import Follower


class StopWhen(Follower):
    """End training when a criterion is met, and keep the best weights.

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to stop.
        restore_best: the column that says which epoch is best, for instance "val_loss". The weights of its
            best epoch come back when training ends, whoever ended it. Best is best: `min_delta` has no say,
            warm-up epochs count, NaN is never best.
        mode: "min" or "max", the good direction of `restore_best`; it may be left out for losses, and where
            the criterion was told it for the same column.
        best_when: a criterion; only an epoch in which it is met may be the best one. The best validation loss
            at a sparsity of 0.9 or more: `restore_best="val_loss", best_when=Above("sparsity", 0.899)`.
        check, validation_freq, clock: see When.
        state: a folder in which it notes at every epoch's end what it knows. With BackupAndRestore after it
            in callbacks=[...], a training that was killed then goes on where it was: history, patience, best
            weights, seconds and steps. The folder is cleared when training ends by itself, or begins at epoch
            0. The run is the same to the bit as without the kill, if the order of the batches depends on the
            epoch alone.
        together: where several processes train one model, how they agree, see scale.Together.

    Raises:
        RuntimeError: a fit begins at a later epoch than 0, and `state` does not fit to it.

    One object serves several fits: each `fit` starts afresh. After Ctrl-C, Keras calls no callback's end;
    `restore_best()` still works.

    >>> from course_utils.stopping import Patience, TimeBudget
    >>> stop = StopWhen(Patience("val_loss", 5) | TimeBudget(minutes=5), restore_best="val_loss")
    >>> stop.report.reason
    'training has not begun'
    """

    def __init__(self, criterion, restore_best=None, mode=None, *, best_when=None, check="epoch",
                 validation_freq=1, clock=time.monotonic, state=None, together=None):
        best = Best(restore_best, mode, best_when, criterion)
        super().__init__(criterion, end_training, check=check, validation_freq=validation_freq, clock=clock,
                         best=best, state=state, together=together)

    def restore_best(self):
        """Give the model the weights of the best epoch so far.

        It happens by itself at the end of training, but not after Ctrl-C.

        Raises:
            RuntimeError: none were kept.
        """
        self.best.restore(self.model)
