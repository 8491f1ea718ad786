"""What becomes of a callback in exercise 3.3: where it stops scripted runs, and which weights it leaves.

And the pictures of such runs, for 3.1 and 3.3.
"""

import math
import random

import numpy as np

from ...stopping import Patience, Report
from ..stage import Model, Wrong, run

LONG = [1.0, 0.9, 0.95, 0.8, 0.8, 0.795, 0.85, 0.79, 0.9, 0.9, 0.9, 0.9, 0.7]
RUNS = (  # losses, patience, what to say of this run
    (LONG, 3, ""),
    (LONG, 2, " Is the patience the one asked for, and does the run before leave nothing behind?"),
    ([2.0, 1.0, 1.0, 1.0, 1.0, 0.5], 2, " A loss equal to the best is no improvement."),
    ([3.0, 2.0, 1.0, 2.0, 1.5, 1.2, 0.9], 2,
     " Better than the epoch before is not enough: improve on the best."),
    ([math.nan, 0.5, 0.4, 0.3, 0.35, 0.36], 2,
     " The first loss is NaN: it is not smaller than anything, and must not become the best."),
    ([1.0, 0.5, math.nan, 0.8, 0.7, 0.6], 3,
     " The loss of epoch 2 is NaN: that is a failure, and never the best."),
    ([3.0, 1.0, 2.0, 1.5], 3, " Two failures are not three."),
    ([2.0, 3.0, 1.0], 1, " With patience 1 the first failure is the last."),
    ([0.5, 0.4999999, 0.4999998, 0.4999997, 0.6], 2, " Lower by however little is lower: no "
                                                     "min_delta was asked for."),
    ([3e30, 2e30, 1e30, 0.5, 0.6, 0.7], 2, ' No number is above all losses. Begin with '
                                           'float("inf").'),
    ([-1.0, -2.0, -3.0, -2.5, -2.7], 2, ' A loss may be below 0. Begin with float("inf").'),
    ([0.5, 0.0, 0.4, 0.3, 0.2], 2, " A loss of 0 is a loss. Python takes 0 for false: do you ask `if loss`, "
                                   "`not best`, or use `or`?"))


def drawn_runs(count=30):
    """Runs as in RUNS, always the same: of many lengths, with ties, zeros, negative and large losses, NaN."""
    draw = random.Random(33)
    for _ in range(count):
        scale = draw.choice((0.25, 0.25, 1e30))
        losses = [(draw.randint(0, 6) - epoch // 3) * scale for epoch in range(draw.randint(2, 20))]
        losses[1:] = [math.nan if draw.random() < 0.15 else loss for loss in losses[1:]]
        yield losses, draw.randint(1, 5), ""


def picture(losses, stop, kept, own=...):
    """A function that draws a scripted run with the right stop and best epoch, and the learner's stop."""

    def draw():
        from ...stopping import plots
        from ..notebook import show

        right = Report("", epoch=stop, metric="val_loss", best_epoch=kept)
        ax = plots.curve({"val_loss": losses}, ["val_loss"], right)
        plots.draw_guess(ax, own, "your stop")
        ax.legend(frameon=False)
        yours = f"; yours is at epoch {own}" if own is not ... else ""
        where = "no stop" if stop is None else f"the right stop at epoch {stop}"
        show(ax, f"The validation losses, with {where} and the best epoch {kept}{yours}.")

    return draw


def own_picture(losses, stop, kept):
    """A function that draws the losses of exercise 3.1 with the learner's answer, and not the right one."""

    def draw():
        from ...stopping import plots
        from ..notebook import show

        epochs = range(len(losses))
        ax = plots.curve({"val_loss": losses}, ["val_loss"])
        plots.draw_guess(ax, stop if stop in epochs else ..., "your stop")
        if kept in epochs:
            ax.plot([kept], [losses[kept]], "o", color="black", markerfacecolor="none", markersize=11,
                    label="your best")
        ax.legend(frameon=False)
        show(ax, f"The validation losses, with your stop, {stop}, and the epoch that you keep, {kept}.")

    return draw


def same_fate(answer, losses, patience, meant):
    """Raise Wrong unless the callback stops this run where Patience does, and keeps the best weights."""
    stop = Patience("val_loss", patience).first({"val_loss": losses})
    end = len(losses) - 1 if stop is None else stop
    kept = int(np.nanargmin(losses[: end + 1]))
    callback = answer(patience)
    rows = [{"loss": loss, "val_loss": val_loss} for loss, val_loss in zip(_training(losses), losses)]
    epoch, model = run(callback, rows, Watched())
    if not model.stop_training and vars(callback).get("stop_training"):
        raise Wrong("You set self.stop_training. Keras reads the model's: self.model.stop_training.")
    on = f"With patience {patience} on the losses {', '.join(f'{loss:.7g}' for loss in losses)}"
    if model.stop_training:
        meant = _how_it_counts(losses, patience, stop, epoch) or meant
        if math.isnan(losses[epoch]) and epoch < end:
            meant = " A NaN is one failure; it does not end the run by itself."
    if stop is None and model.stop_training:
        raise Wrong(f"{on} training should go on to the end; yours stops at epoch {epoch}.{meant}",
                    picture(losses, stop, kept, epoch))
    if stop is not None and not model.stop_training:
        raise Wrong(f"{on} training should stop at epoch {stop}; yours goes on to the end.{meant}",
                    picture(losses, stop, kept))
    if epoch != end:
        raise Wrong(f"{on} training should stop at epoch {stop}; yours stops at epoch {epoch}.{meant}",
                    picture(losses, stop, kept, epoch))
    if model.set_back is not None:
        when = f"after epoch {model.set_back}" if model.set_back >= 0 else "before the first epoch"
        raise Wrong(f"{on} yours stops where it should. But {when} it changed the weights, and training went "
                    "on from those. Until it ends, only keep a copy; set it once, in on_train_end.",
                    picture(losses, stop, kept))
    if model.epoch is None:
        raise Wrong(f"{on} the stop is right. But at the end some of the model's arrays are of one epoch and "
                    "some of another. get_weights() gives a list of all of them: keep them all.")
    if model.epoch != kept and _holds(list(vars(callback).values()), model.weights):
        raise Wrong(f"{on} the stop is right. But the weights at the end are of epoch {model.epoch}, "
                    f"and the best is {kept}: you kept self.model.weights itself, which training goes on "
                    "changing. self.model.get_weights() is a copy.", picture(losses, stop, kept))
    if model.epoch == epoch != kept and stop is None:
        raise Wrong(f"{on} nothing stops training; it ends by itself at epoch {epoch}. Then, too, the model "
                    f"should have its best weights, those of epoch {kept}: set them in on_train_end.",
                    picture(losses, stop, kept))
    if model.epoch == epoch != kept:
        raise Wrong(f"{on} the stop is right. But the model ends with the weights of the last epoch; "
                    f"the best is {kept}. Keep a copy where the loss improves, and set it at the end.{meant}",
                    picture(losses, stop, kept))
    if model.epoch != kept:
        if model.epoch == kept - 1 and not meant:
            meant = f" As epoch {kept} begins they are still those of epoch {kept - 1}: keep them as it ends."
        raise Wrong(f"{on} the stop is right. But the weights at the end are of epoch {model.epoch}; "
                    f"the best is epoch {kept}.{meant}", picture(losses, stop, kept))


class Watched(Model):
    """A model that has a kernel and a bias, and notes in `set_back` after which epoch a callback changed
    them, and training went on."""

    set_back = None

    def __init__(self):
        super().__init__()
        self._weights = [np.full((2, 2), -1), np.full(2, -1)]

    @property
    def epoch(self):
        """The epoch that all the weights come from, or None."""
        epochs = {int(number) for weight in self._weights for number in weight.flat}
        return epochs.pop() if len(epochs) == 1 else None

    def set_weights(self, weights):
        weights = list(weights)
        if len(weights) == 1 and isinstance(weights[0], int):  # training sets the weights of its next epoch
            if self.epoch != weights[0] - 1 and self.set_back is None:
                self.set_back = weights[0] - 1
            weights *= 2
        if len(weights) != 2:
            raise ValueError(f"set_weights is given {len(weights)} arrays, and the model has 2")
        super().set_weights(weights)


def _training(losses):
    """A training loss that is lowest at epoch 1, so that who watches it stops at an epoch of their own."""
    return [abs(epoch - 1) + 1.0 for epoch in range(len(losses))]


def _how_it_counts(losses, patience, stop, epoch):
    """What a callback that stops at `epoch`, and not at `stop`, may have counted: a sentence, or ""."""

    def first(values, best=math.inf, patience=patience, in_all=False):
        wait = 0
        for at, value in enumerate(values):
            if value < best:
                best, wait = value, wait if in_all else 0
            else:
                wait += 1
                if wait >= patience:
                    return at
        return None

    if losses not in [run for run, _, _ in RUNS[:4]]:
        return ""  # the first runs have told these mistakes
    begin = 'No loss here is below it so soon. Begin with float("inf").'
    more = f" You wait for one failure more: the one that makes it {patience} in a row is the last."
    if losses == LONG and patience == 2:  # with patience 3 it stopped where it should
        more = " That is where it stops with patience 3, too. Do you use self.patience?"
    mistakes = [
        (first(losses, patience=patience + 1), more),
        (first(losses, patience=patience - 1),
         f" That is only failure {patience - 1} in a row. Do you count up to self.patience?"),
        (first(_training(losses)), ' You seem to read "loss". The rule watches logs["val_loss"].'),
        (first(losses, best=1.0), f" Does your best begin at 1? {begin}"),
        (first(losses, best=0.0), ' Nothing seems to count as better. Does your best begin at 0, or is the '
                                  'comparison turned round? Begin with float("inf"), and lower is better.'),
        (first([-loss for loss in losses]), " Is the comparison turned round? A loss is better where it is "
                                            "lower."),
        (first(losses, in_all=True), " An epoch that improves on the best, by however little, sets the "
                                     "count back to 0. Do you count the failures in all, or round?")]
    return next((reason for at, reason in mistakes if at == epoch != stop), "")


def _holds(value, weights):
    """Is one of these very arrays in a value, or in a list in it?"""
    if isinstance(value, (list, tuple)):
        return any(_holds(part, weights) for part in value)
    return any(value is weight for weight in weights)


def can_be_made(answer):
    """Raise Wrong if the answer cannot be called with a patience, as in MyEarlyStopping(3)."""
    try:
        answer(3)
    except TypeError as error:
        if error.__traceback__.tb_next is not None:  # raised in it, not by calling it
            raise
        raise Wrong(f"MyEarlyStopping(3) should make a callback of patience 3, and cannot: {error}. Its "
                    "__init__ begins def __init__(self, patience).") from None


def nothing_to_keep(answer):
    """Raise Wrong if a run of NaN alone ends in an error, is not stopped, or changes the weights."""
    for patience in (2, 1):
        rows = [{"loss": math.nan, "val_loss": math.nan} for _ in range(5)]
        try:
            epoch, model = run(answer(patience), rows, Watched())
        except Exception as error:
            raise Wrong(f"Where every loss is NaN, no epoch is best and no weights were kept. Yours raises "
                        f"{type(error).__name__}: set the weights only if there are some.") from None
        if epoch != patience - 1:
            does = "stops at" if model.stop_training else "goes on to"
            raise Wrong(f"Where every loss is NaN, every epoch is a failure: patience {patience} should stop "
                        f"at epoch {patience - 1}, and yours {does} epoch {epoch}.")
        if model.epoch == -1:
            raise Wrong("Where every loss is NaN, no epoch is best, and the weights should stay as they are. "
                        "Yours goes back to those from before training: keep none in on_train_begin.")
        if model.epoch != epoch:
            raise Wrong("Where every loss is NaN, no epoch is best, and the weights should stay as they are, "
                        f"those of epoch {epoch}. Yours ends with those of epoch {model.epoch}.")


def alone(answer):
    """Raise Wrong if one fit or object leaks into another, or if another callback's stop is taken back."""
    callback = answer(2)
    first = [{"loss": 1.0, "val_loss": loss} for loss in (3.0, 2.0, 1.0, 2.0, 2.0)]
    run(callback, first)
    epoch, model = run(callback, [{"loss": 1.0, "val_loss": loss} for loss in (9.0, 8.0, 7.0, 6.0, 5.0)])
    if (epoch, model.weights) != (4, [4]):
        raise Wrong("In a second fit with the same object every epoch improves, yet it ends at epoch "
                    f"{epoch} with the weights of epoch {model.weights[0]}. Begin afresh in on_train_begin.")

    _, model = run(callback, [{"loss": math.nan, "val_loss": math.nan}] * 3)
    if model.weights != [1]:
        raise Wrong("In a further fit with the same object every loss is NaN, and the model ends with "
                    f"weights of epoch {model.weights[0]} of the fit before. Begin afresh in on_train_begin, "
                    "with the weights, too.")

    for before in (first, [{"loss": math.nan, "val_loss": math.nan}]):  # ends with two failures, or with one
        run(callback, before)
        epoch, _ = run(callback, [{"loss": 1.0, "val_loss": loss} for loss in (math.nan, 9.0, 8.0, 7.0)])
        if epoch == 3:
            continue
        raise Wrong("A fit with the same object begins with one NaN and then improves. It should go on to "
                    f"the end, epoch 3; yours stops at epoch {epoch}, with failures of the fit before. Begin "
                    "afresh in on_train_begin, with the count, too.")

    def another_callback(epoch, model):
        model.stop_training = model.stop_training or epoch == 1

    rows = [{"loss": 1.0, "val_loss": loss} for loss in (9.0, 8.0, 7.0, 6.0)]
    if run(answer(2), rows, Model(), meddle=another_callback)[0] != 1:
        raise Wrong("Another callback asked to stop at epoch 1, and yours switched that off. Set True if the "
                    "rule is met, never False.")

    losses, two = (3.0, 2.0, 2.5, 1.0, 1.5, 1.6, 1.7, 1.8), _Both(answer(2), answer(4))
    epoch, model = run(two, [{"loss": 1.0, "val_loss": loss} for loss in losses])
    if (epoch, model.weights) != (5, [3]):
        raise Wrong("Two objects of your class in one fit, one with patience 2 and one with patience 4: it "
                    "should end at epoch 5, with the weights of epoch 3, and it ends at epoch "
                    f"{epoch}, with those of epoch {model.weights[0]}. Keep in self what an object counts.")


class _Both:
    """Two callbacks as one: whatever Keras calls is called on both."""

    def __init__(self, *callbacks):
        self._callbacks = callbacks

    def __getattr__(self, name):
        def hook(*args, **named):
            for callback in self._callbacks:
                getattr(callback, name)(*args, **named)

        return hook
