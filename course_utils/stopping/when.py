"""When: when a criterion is met, do what you give it."""

import time

from .follower import Follower


class When(Follower):
    """When a criterion is met, call `do(model)`.

    A row of the history is an epoch. Budgets and NotFinite are asked after every batch as well; a TimeBudget
    keeps back the time that the last validation pass took (in the first epoch that is not known yet).

    Args:
        criterion: a criterion, or a function of the history so far that returns whether to act.
        do: a function of the model.
        times: how often at most. After each time the criterion starts afresh: it sees only the rows that come
            after, and budgets count from there.
        check: "epoch"; an Every, to evaluate every so many steps and make each evaluation a row; or "batch",
            to make every batch a row. Batch rows have a column "batch_loss", the batch's own loss: the "loss"
            that Keras hands to callbacks within an epoch is the mean of the epoch so far. (With
            steps_per_execution it is the mean of the batches of one execution; after a loss that is not
            finite it is NaN to the epoch's end.)
        validation_freq: what you give to `fit`. Rows without validation hold None.
        clock: a function that returns seconds; tests pass their own.
        state: a folder in which it notes at every epoch's end what it knows, see StopWhen. It does not act
            twice. If `do` has a method `resume(model)`, it is called when a killed training goes on in which
            it had acted: to bring back what neither weights nor optimizer hold, such as `trainable`.
        together: where several processes train one model, how they agree, see scale.Together.

    Raises:
        MissingColumn: at the end of the first epoch (or batch, if these are the rows), if a column that the
            criterion reads is not there.

    Attributes:
        history: the rows so far, a History: what is a number in Keras's logs, and "seconds", "steps"
            (optimizer updates since the start) and "epoch". Batch rows have "batch" and "batch_loss" too.
        events: a Report for each time it acted.
        report: a Report, valid at any time.
    """

    def __init__(self, criterion, do, *, times=1, check="epoch", validation_freq=1, clock=time.monotonic,
                 state=None, together=None):
        if not callable(do):
            raise TypeError(f"do is a function of the model, such as scale_learning_rate(0.1); got {do!r}.")
        super().__init__(criterion, do, times=times, check=check, validation_freq=validation_freq,
                         clock=clock, state=state, together=together)
