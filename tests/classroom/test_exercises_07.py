"""The exercises of chapter 07: right answers, wrong answers with their messages, and the score of 7.5."""

import copy
import math

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_07 import exercise_figures, ratio, six_clocks, standing_still
from course_utils.classroom.chapter_07 import exercises as ex
from course_utils.classroom.data import load_curves
from course_utils.classroom.stage import Wrong
from course_utils.multimodal import FreezeWhen, overfitting_ratio
from course_utils.stopping import (
    Above,
    After,
    Armed,
    Below,
    Epochs,
    ImprovementBelow,
    Patience,
    StepBudget,
    StopWhen,
    plots,
    replay,
)
from exercise_rules import ExerciseRules

# ---- 7.2 ----


def ogr(train, val, start, end, above=abs, below=abs, whole=lambda ratio: ratio, same=math.inf):
    """Right; each argument breaks one thing."""
    gap, gained = (val[end] - train[end]) - (val[start] - train[start]), val[end] - val[start]
    return whole(above(gap) / below(gained)) if gained else same


def with_arrays(train, val, start, end):
    gap = np.array(val) - np.array(train)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs((gap[end] - gap[start]) / np.float64(val[end] - val[start]))
    return np.where(np.isnan(ratio), np.inf, ratio)


def with_the_course_s(train, val, start, end):
    return overfitting_ratio({"loss": train, "val_loss": val}, start=start, end=end)


def of_changes(formula):
    """A formula of the changes of training loss and validation loss."""
    return lambda train, val, start, end: formula(train[end] - train[start], val[end] - val[start])


def of_ends(formula):
    """A formula of the four losses: training at start and end, validation at start and end."""
    return lambda train, val, start, end: formula(train[start], train[end], val[start], val[end])


def between(first, last):
    """The ratio of other epochs than those that are asked for."""
    return lambda train, val, *epochs: ogr(train, val, first(*epochs, len(val)), last(*epochs, len(val)))


def step_by_step(train, val, start, end):
    return np.mean([ogr(train, val, epoch, epoch + 1) for epoch in range(start, end)])


def emptying(train, val, start, end):
    found = ogr(train, val, start, end)
    val.clear()
    return found


def dividing(train, val, start, end):
    return abs(((val[end] - train[end]) - (val[start] - train[start])) / (val[end] - val[start]))


def nearly_the_same(train, val, start, end):
    return math.inf if math.isclose(val[end], val[start], abs_tol=1e-5) else ogr(train, val, start, end)


def by_identity(train, val, start, end):
    return math.inf if val[end] is val[start] else dividing(train, val, start, end)


def path(train, val, start, end):
    gap = np.subtract(val, train)[start : end + 1]
    return np.abs(np.diff(gap)).sum() / abs(val[end] - val[start]) if val[end] != val[start] else math.inf


def spread(train, val, start, end):
    gap = np.subtract(val, train)[start : end + 1]
    return np.ptp(gap) / abs(val[end] - val[start]) if val[end] != val[start] else math.inf


def of_float32(train, val, start, end):
    train, val = (np.array(losses, "float32") for losses in (train, val))
    return ogr(train, val, start, end)


# ---- 7.3 ----


class Counting(keras.callbacks.Callback):
    """Counts epochs on the class: in a second training the count goes on."""

    epochs = 0

    def on_epoch_begin(self, epoch, logs=None):
        type(self).epochs += 1
        if type(self).epochs == 4:
            branch(self.model)


class Asking(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()


def at_epoch(number, change, hook="on_epoch_begin"):
    """A class of callbacks that does something to the model once."""
    def act(self, epoch, logs=None):
        if epoch == number:
            change(self.model)

    return type("Freeze", (keras.callbacks.Callback,), {hook: act})


def stop_learning(*names, anew=True):
    def change(model):
        for name in names:
            model.get_layer(name).trainable = False
        if anew:
            model.make_train_function(force=True)

    return change


def shut(model):
    """The gate that somebody wrote."""
    model.get_layer("gate").open.assign(0.0)


def compiled(model):
    model.get_layer("pictures_branch").trainable = False
    model.compile(optimizer="adam", loss=model.loss)


def kernel_alone(model):
    model.get_layer("pictures_branch").kernel.trainable = False
    model.make_train_function(force=True)


def assigned(model):
    model.get_layer("pictures_branch").trainable = False
    model.train_function = model.make_train_function(force=True)


branch = stop_learning("pictures_branch")


class Blank(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        return ...


class Wrecked(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            self.model.get_layer("pictures_branch").trainable = False
            self.model.make_train_function(force=True)

    def on_train_end(self, logs=None):
        layer = self.model.get_layer("pictures_branch")
        layer.set_weights([0 * weights for weights in layer.get_weights()])


class LeftStanding(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            branch(self.model)
        return ...


class Nudged(keras.callbacks.Callback):
    """Right, but the words' layer is made larger by a ten-thousandth in this hook of epoch 4."""

    hook = "on_epoch_end"

    def __init__(self):
        super().__init__()
        setattr(self, self.hook, self.nudge)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        if epoch == 3:
            branch(self.model)

    def nudge(self, *_, **__):
        layer = self.model.get_layer("words_branch")
        if self.epoch == 4:
            layer.set_weights([1.0001 * weights for weights in layer.get_weights()])


class NudgedInSteps(Nudged):
    hook = "on_train_batch_end"


class NudgedAtLast(LeftStanding):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            branch(self.model)

    def on_train_end(self, logs=None):
        layer = self.model.get_layer("words_branch")
        layer.set_weights([1.0001 * weights for weights in layer.get_weights()])


class PutBack(keras.callbacks.Callback):
    """Stands still, and the rest learns on: what is asked for, without a word to the optimizer."""

    held = None

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            self.held = self.model.get_layer("pictures_branch").get_weights()

    def on_train_batch_end(self, batch, logs=None):
        if self.held:
            self.model.get_layer("pictures_branch").set_weights(self.held)


def anew_first(model):
    """The step is made at its next batch, and by then the branch is frozen."""
    model.make_train_function(force=True)
    model.get_layer("pictures_branch").trainable = False


class BeforeTheEnd(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.params["epochs"] - 3:
            branch(self.model)


class Thawing(keras.callbacks.Callback):
    """Frozen at first, and learning from epoch 3 on."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("pictures_branch").trainable = epoch >= 3
        self.model.make_train_function(force=True)


class InTurns(keras.callbacks.Callback):
    """Three epochs free, three frozen, and so on."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.get_layer("pictures_branch").trainable = epoch % 6 < 3
        self.model.make_train_function(force=True)


def by_position(model):
    names = [layer.name for layer in standing_still.network().layers]
    model.layers[names.index("pictures_branch")].trainable = False
    model.make_train_function(force=True)


def first_dense(model):
    next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense)).trainable = False
    model.make_train_function(force=True)


class Misspelt(keras.callbacks.Callback):
    def on_epoch_start(self, epoch, logs=None):
        if epoch == 3:
            branch(self.model)


def graded_once(grader):
    """A training takes a second: an answer that was graded gets the same again."""
    known = {}

    def graded(answer):
        if answer not in known:
            try:
                known[answer] = grader(answer), None
            except Wrong as wrong:
                known[answer] = None, wrong
        result, wrong = known[answer]
        if wrong is not None:
            raise wrong
        return result

    return graded


ex.freeze.grader = graded_once(ex.freeze.grader)

# ---- 7.4 ----

pictures, words = Patience("val_pictures_loss", 3), Patience("val_words_loss", 3)
three, end = Patience("val_both_loss", 3), Epochs(50)
p, w = Above("pictures_frozen", 0.5), Above("words_frozen", 0.5)
both = Armed(p & w, three) | end


def by_hand(column, length=3, above=np.greater_equal):
    """Patience as a function of the history."""
    def stop(history):
        losses = history[column]
        return len(losses) > length and bool(above(min(losses[-length:]), min(losses[:-length])))

    return stop


def failures(history, column="val_pictures_loss"):
    """Three epochs without a new lowest, in a row or not."""
    losses = history[column]
    return sum(loss >= min(losses[:epoch]) for epoch, loss in enumerate(losses) if epoch) >= 3


def joint_rises(history):
    losses = history["val_both_loss"][-4:]
    return len(losses) == 4 and losses == sorted(losses)


def joint_failures(history):
    return failures(history, "val_both_loss")


class Keeping:
    """A patience that keeps its best for the next run."""

    def __init__(self, column):
        self.column, self.best, self.wait = column, math.inf, 0

    def __call__(self, history):
        loss = history[self.column][-1]
        self.best, self.wait = (loss, 0) if loss < self.best else (self.best, self.wait + 1)
        return self.wait >= 3


def yielding(history):
    yield False


def both_by_hand(history):
    if len(history["val_both_loss"]) >= 50:
        return True
    frozen = [a > 0 and b > 0 for a, b in zip(history["pictures_frozen"], history["words_frozen"])]
    return True in frozen and by_hand("losses")({"losses": history["val_both_loss"][frozen.index(True):]})


class TestChapter07(ExerciseRules):
    chapters = [ex]
    names = dict(np=np, keras=keras, Above=Above, Armed=Armed, Epochs=Epochs, Patience=Patience)
    answers = {
        ex.which_clock: (
            ["bca", ["b", "c", "a"], ("B", "C", "A"), np.array(["b", "c", "a"]), "b, c, a"],
            {"levels swapped": ("acb", "which of the two networks sees the words"),
             "both is the lowest": ("bac", "a is best as early"),
             "both is the lowest, too": ("abc", "and so it is not words"),
             "pictures are slow": ("cba", "they are not b"),
             "pictures are slow, too": ("cab", "they are not a"),
             "two letters": ("bc", "each of the letters"),
             "one twice": ("bcc", "each of the letters"),
             "a fourth": ("bcad", "each of the letters"),
             "numbers": ([2, 3, 1], "each of the letters"),
             "a number": (2, "each of the letters"),
             "a name": ("pictures", "each of the letters"),
             "a dict": ({"pictures": "b", "words": "c", "both": "a"}, "each of the letters"),
             "a set": ({"b", "c", "a"}, "forgets the order")},
            ...),
        ex.overfitting_ratio: (
            [ogr, with_arrays, with_the_course_s, of_float32, lambda *a: np.float32(ogr(*a))],
            {"negative": (lambda *a: -ogr(*a), "a negative number"),
             "one sign": (lambda *a: ogr(*a, below=float), "a negative number"),
             "signs": (lambda *a: ogr(*a, above=float, below=lambda v: -v), "both are absolute values"),
             "sign of the gap": (lambda *a: ogr(*a, above=float), "from 0.5 to 0.25"),
             "inverse": (of_ends(lambda t0, t1, v0, v1: abs((v1 - v0) / (v1 - t1 - v0 + t0))),
                         "other way round"),
             "by the training loss": (of_changes(lambda t, v: abs((v - t) / t)),
                                      "change of the training loss. B"),
             "by the loss": (of_ends(lambda t0, t1, v0, v1: (v1 - t1 - v0 + t0) / v1),
                             "validation loss at `end`"),
             "losses": (of_ends(lambda t0, t1, v0, v1: (v1 - t1) / v1), "a ratio of losses"),
             "the gap": (of_ends(lambda t0, t1, v0, v1: (v1 - t1) / abs(v1 - v0)),
                         "its change since `start`"),
             "gaps": (of_ends(lambda t0, t1, v0, v1: (v1 - t1) / (v0 - t0)), "the gap by the gap"),
             "no ratio": (of_changes(lambda t, v: abs(v - t)), "Divide it by"),
             "training above": (of_changes(lambda t, v: abs(t / v)), "that of the gap"),
             "both losses": (of_changes(lambda t, v: abs(v / t)), "compare the changes of the two losses"),
             "added": (of_changes(lambda t, v: (abs(t) + abs(v)) / abs(v)), "without their signs"),
             "a training loss that stands": (
                 of_ends(lambda t0, t1, v0, v1: float("inf") if t0 == t1 or v0 == v1
                         else abs((v1 - t1 - v0 + t0) / (v1 - v0))), "training loss is where it was"),
             "square": (lambda *a: ogr(*a, whole=lambda ratio: ratio**2), "the square"),
             "neighbours": (between(lambda s, e, n: e - 1, lambda s, e, n: e), "epoch before it"),
             "next": (between(lambda s, e, n: s, lambda s, e, n: s + 1), "epoch after it"),
             "no start": (between(lambda s, e, n: 0, lambda s, e, n: e), "Begin at `start`"),
             "no end": (between(lambda s, e, n: s, lambda s, e, n: n - 1), "Go to `end`"),
             "neither": (between(lambda s, e, n: 0, lambda s, e, n: n - 1), "Take `start` and `end`"),
             "a slice": (between(lambda s, e, n: s, lambda s, e, n: e - 1), "a slice ends there"),
             "from 0 to 2": (between(lambda s, e, n: 0, lambda s, e, n: 2), "from epoch 0 to 2"),
             "late": (between(lambda s, e, n: s + 1, lambda s, e, n: min(e + 1, n - 1)), "one epoch late"),
             "early": (between(lambda s, e, n: s - 1, lambda s, e, n: e - 1), "one epoch early"),
             "mean": (step_by_step, "the mean of the ratios"),
             "zero": (dividing, "divide by 0"),
             "none": (lambda *a: ogr(*a, same=0.0), "the ratio is infinite"),
             "sizes of gaps": (of_ends(lambda t0, t1, v0, v1: abs(abs(v1 - t1) - abs(v0 - t0)) / abs(v1 - v0)
                                       if v1 != v0 else math.inf), "from -0.25 to 0.125"),
             "no gap": (lambda *a: ogr(*a) or math.inf, "nothing is overfitted"),
             "none of both": (of_changes(lambda t, v: abs((v - t) / v) if v else 0 if t == v else math.inf),
                              "where both losses are where they were"),
             "none but of both": (of_changes(lambda t, v: abs((v - t) / v) if v else 0 if t else math.inf),
                                  "and the training loss is not"),
             "minus infinity": (lambda *a: ogr(*a, same=math.copysign(math.inf, a[0][a[2]] - a[0][a[3]])),
                                "with no minus"),
             "an epsilon": (of_changes(lambda t, v: abs((v - t) / (v + 1e-7))), "the ratio is infinite"),
             "a margin": (nearly_the_same, "by a millionth"),
             "rounded": (lambda *a: round(ogr(*a), 2), "Neither round, nor add"),
             "to nine digits": (lambda *a: round(ogr(*a), 9), "Neither round, nor add"),
             "at most": (lambda *a: min(ogr(*a), 1e5), "the ratio is infinite"),
             "emptied": (emptying, "changes the lists"),
             "is": (by_identity, "divide by 0"),
             "a loss of 0 at start": (lambda *a: ogr(*a) if a[1][a[2]] else math.inf, "are 0 at `start`"),
             "a loss of 0 at end": (lambda *a: ogr(*a) if a[1][a[3]] else math.inf, "are 0 at `end`"),
             "a training loss of 0": (lambda *a: ogr(*a) if a[0][a[2]] else math.inf, "are 0 at `start`"),
             "a tiny margin": (lambda *a: ogr(*a) if abs(a[1][a[2]] - a[1][a[3]]) > 1e-12 else math.inf,
                               "No margin"),
             "a share of the start": (lambda *a: ogr(*a) * a[1][a[2]], "no share of a loss"),
             "the path of the gap": (path, "from the one end to the other"),
             "the range of the gap": (spread, "from the one end to the other"),
             "whole": (lambda *a: int(ogr(*a)) if ogr(*a) < math.inf else math.inf, "do not round"),
             "a text": (lambda *a: str(ogr(*a)), "leave out the quotes"),
             "two": (lambda *a: (1.125, 0.5), "One number"),
             "nothing": (lambda *a: None, "return missing"),
             "otherwise": (lambda *a: 7.7, "1.125 divided by 0.5"),
             "no function": (2.25, "function")},
            lambda train, val, start, end: ...),
        ex.freeze: (
            [at_epoch(2, branch, "on_epoch_end"), lambda: FreezeWhen(Epochs(3), "pictures_branch"),
             PutBack, at_epoch(3, anew_first)],
            {"the gate": (at_epoch(3, shut), "Its gradient is 0, but"),  # more of them: in the test below
             "trainable alone": (at_epoch(3, stop_learning("pictures_branch", anew=False)),
                                 "compiled before"),
             "the kernel alone": (at_epoch(3, kernel_alone), "24 of its 28 numbers stand still"),
             "the input of that name": (at_epoch(3, stop_learning("pictures")), "the layer of that name"),
             "a count on the class": (Counting, "in a second one, with a new Counting()"),
             "three before the end": (BeforeTheEnd, "in a second one, with a new BeforeTheEnd(), 8 epochs"),
             "in turns": (InTurns, "but then moves again in epoch 6"),
             "by position": (at_epoch(3, by_position), "layers in another order"),
             "the first Dense": (at_epoch(3, first_dense), "layers in another order"),
             "the other way round": (Thawing, "is frozen in epoch 0"),
             "an argument": (Asking, "called with 0 values"),
             "compiled": (at_epoch(3, compiled), "Nothing is left for fit to call"),
             "assigned": (at_epoch(3, assigned), "it returns nothing"),
             "misspelt": (Misspelt, "nobody calls yours. Did you mean on_epoch_begin?"),
             "wrecked at the end": (Wrecked, "other weights when training is over"),
             "words nudged": (Nudged, "words_branch is changed at the end of epoch 4"),
             "words nudged in steps": (NudgedInSteps, "words_branch ends up to"),
             "words nudged at last": (NudgedAtLast, "words_branch has other weights"),
             "left standing": (LeftStanding, "still stands at the end"),
             "a function": (branch, "The answer is a class of callbacks"),
             "a name": ("pictures_branch", "The answer is a class of callbacks")},
            Blank),
        ex.own_stops: (
            [(pictures, words, both), [pictures | end, words, Armed(w, Armed(p, three)) | end],
             (by_hand("val_pictures_loss"), by_hand("val_words_loss"), both_by_hand)],
            {"either": ((pictures, words, Armed(p | w, three) | end), "| means either"),
             "not armed": ((pictures, words, three | end), "before anything is frozen"),
             "and": ((pictures, words, p & w & three | end), "has counted from epoch 0 on"),
             "either, not armed": ((pictures, words, (p | w) & three | end), "and | means either"),
             "a fixed epoch": ((pictures, words, After(18, three) | end), "due at epoch 23"),
             "pictures alone": ((pictures, words, Armed(p, three) | end), "the pictures alone"),
             "words alone": ((pictures, words, Armed(w, three) | end), "the words alone"),
             "no budget": ((pictures, words, Armed(p & w, three)), "it never ends"),
             "a budget inside": ((pictures, words, Armed(p & w, three | end)), "inside Armed"),
             "a budget beside": ((pictures, words, Armed(p & w, three) & end), "& wants both"),
             "a budget alone": ((pictures, words, end), "ends every run after 50"),
             "49 epochs": ((pictures, words, Armed(p & w, three) | Epochs(49)), "epochs have to end it"),
             "51 epochs": ((pictures, words, Armed(p & w, three) | Epochs(51)), "epochs have to end it"),
             "no patience": ((pictures, words, p & w | end), "Give the joint head its patience"),
             "the other way round": ((pictures, words, Armed(three, p & w) | end), "takes the event first"),
             "patience 4": ((pictures, words, Armed(p & w, Patience("val_both_loss", 4)) | end),
                            "patience 4"),
             "a margin": ((pictures, words, Armed(p & w, Patience("val_both_loss", 3, 0.001)) | end),
                          "no min_delta"),
             "the sum": ((pictures, words, Armed(p & w, Patience("val_loss", 3)) | end),
                         "the sum of all heads, and"),
             "a head": ((pictures, words, Armed(p & w, pictures) | end), "three epochs after both are"),
             "never above": ((pictures, words, Armed(Above("words_frozen", 1), three) | end),
                             "every run after 50"),
             "before they are": ((pictures, words, Armed(Below("words_frozen", 0.5), three) | end),
                                 "before anything"),
             "a budget with words": ((pictures, words, Armed(p & w, three) | w & end),
                                     "words are never frozen"),
             "a budget with pictures": ((pictures, words, Armed(p & w, three) | p & end),
                                        "pictures are never frozen"),
             "not in a row": ((failures, words, both), "lowest at epoch 7, and higher in 8, 9"),
             "not in a row, from there on": ((pictures, words, Armed(p & w, joint_failures) | end),
                                             "goes up and down until its lowest"),
             "three rises in a row": ((pictures, words, Armed(p & w, joint_rises) | end),
                                      "goes up and down until its lowest"),
             "not before 10 epochs": ((pictures, words, Armed(p & w, three) & Epochs(10) | end),
                                      "val_both_loss rises from epoch 0"),
             "kept for the next run": ((Keeping("val_pictures_loss"), words, both), "asked again"),
             "kept at the end": ((pictures, words, Armed(p & w, Keeping("val_both_loss")) | end),
                                 "The rule for the end stops elsewhere"),
             "ties": ((by_hand("val_pictures_loss", above=np.greater), words, both),
                      "4 and 5 are equal to it"),
             "a small margin": ((Patience("val_pictures_loss", 3, 1e-5), words, both), "no min_delta"),
             "30 epochs": ((pictures | Epochs(30), words, both), "falls for ever"),
             "swapped": ((words, pictures, both), "The rule for pictures: it watches the loss of the words"),
             "all alike": ((pictures, pictures, both),
                           "The rule for words: it watches the loss of the pictures"),
             "the joint loss": ((three, three, both), "it watches the joint head"),
             "all sums": (3 * (Patience("val_loss", 3),),
                          "val_loss is the sum of all heads. val_pictures_loss"),
             "training": ((Patience("loss", 3), words, both), "the training loss"),
             "patience 5": ((pictures, Patience("val_words_loss", 5), both),
                            "The rule for words: that is patience 5"),
             "not before 5": ((pictures & Epochs(6), words, both), "lowest at epoch 0, the freeze is"),
             "not before 10": ((pictures & Epochs(10), words, both), "yours stops at epoch 9"),
             "counted from 3 on": ((After(3, pictures), words, both), "in a run in which"),
             "an epoch": ((Epochs(11), words, both),
                          "the freeze is due at epoch 16; yours stops at epoch 10"),
             "50 epochs and": ((pictures & end, words, both), "training is over"),
             "a patience with a margin": ((Patience("val_pictures_loss", 3, 0.01), words, both),
                                          "no min_delta"),
             "a sum that is too large": ((pictures, words, both | Above("val_loss", 5)),
                                        "Only val_both_loss, the two columns"),
             "a sum that is much too large": ((pictures, words, both | Above("val_loss", 60)),
                                              "where all losses are 10,000 times as large"),
             "a sum that is too small": ((pictures, words, both | Below("val_loss", 0.1)),
                                         "10,000 times as small"),
             "a joint loss that is small": ((pictures, words, both | Below("val_both_loss", 0.1)),
                                            "Only val_both_loss, the two columns"),
             "words are bad": ((pictures, words, both | Above("val_words_loss", 50)), "right in plain runs"),
             "training beside": ((pictures, words, both | Patience("loss", 30)),
                                 "the other losses jump up and down"),
             "a patience beside": ((pictures, words, both | Patience("val_both_loss", 40)),
                                   "nothing is ever frozen"),
             "a sum for pictures": ((pictures | Above("val_loss", 20), words, both),
                                    "The rule for pictures: right in plain runs"),
             "only where the sum is small": ((pictures & Below("val_loss", 20), words, both),
                                             "Only val_pictures_loss counts"),
             "words with pictures": ((pictures, words | Above("pictures_frozen", 0.5), both),
                                     "The rule for words: in a run"),
             "words before pictures": ((pictures, words & Below("pictures_frozen", 0.5), both),
                                       "yours never stops. Only val_words_loss"),
             "words after pictures": ((pictures, Armed(p, words), both), "it waits until the pictures"),
             "another column": ((Patience("val_picture_loss", 3), words, both),
                                'Did you mean "val_pictures_loss"?'),
             "steps": ((pictures, words, both | StepBudget(900)), "There is no column"),
             "upwards": ((pictures, words, Armed(p & w, Patience("val_both_loss", 3, mode="max")) | end),
                         "the highest loss"),
             "pictures upwards": ((Patience("val_pictures_loss", 3, mode="max"), words, both),
                                  "The rule for pictures: with mode"),
             "a callback": ((pictures, words, StopWhen(both)), "StopWhen is the callback"),
             "two": ((pictures, words), "Three criteria"),
             "numbers": ((3, 3, 3), "Each is a criterion"),
             "one": (pictures, "Three criteria")},
            (..., ..., ...)),
        ex.one_rule_six_clocks: (
            [Patience("val_loss", 2), Patience("val_loss", 5), Patience("val_loss", 8, 0.01, relative=True),
             ImprovementBelow("val_loss", epsilon=0.01, window=10, relative=True), by_hand("val_loss")],
            {"no patience": (Patience("val_loss", 1), "In morphology it stops at epoch"),
             "too patient": (Patience("val_loss", 8), "Most is wasted in fourier"),
             "40 epochs": (Epochs(40), "It ends every run at epoch 39"),
             "75 epochs": (Epochs(75), "It ends every run at epoch 74"),
             "77 epochs": (Epochs(77), "0.5 in each view and 75 %"),
             "a budget": (Patience("val_loss", 3) | Epochs(60), "In karhunen_loeve it stops at epoch 59"),
             "accuracy": (Patience("val_accuracy", 10, mode="max"), "The limit is 0.5 in each view."),
             "a threshold": (Below("val_loss", 0.3), "In profiles it stops"),
             "training": (Patience("loss", 3), "stops none of the 60 runs"),
             "the test": (Patience("test_accuracy", 3, mode="max"), "must not see it"),
             "a generator": (yielding, "which counts as true"),
             "kept for the next run": (Keeping("val_loss"), "Does your function keep something"),
             "steps": (StepBudget(900), "The columns are loss, accuracy, val_loss, val_accuracy."),
             "a view": (lambda history: history["view"][-1] == "pixels", 'no column "view"'),
             "a number": (75, "should be a criterion"),
             "a callback": (StopWhen(Patience("val_loss", 3)), "StopWhen is the callback"),
             "two": ((Patience("val_loss", 3), Epochs(75)), "A criterion is such as")},
            ...),
    }


def edited(stand=(), move=(), ends=standing_still.EPOCHS, way=lambda now: now + 1, begin=False, **of_model):
    """What 7.3 says of a training that is not the one that is asked for.

    Args:
        stand: (layer, epoch) pairs in which the layer stands still.
        move: (layer, epoch) pairs in which it moves in each step; `way`: weights -> weights. With `begin` it
            is there when the epoch begins.
        ends: the number of epochs.
        of_model: "trainable", "rate", "shut", "optimizer", of the model at the end.
    """
    model, watched, due = standing_still.network(), standing_still.Watched(said=False), standing_still.due()
    watched.params = due.params
    watched.begins, watched.steps, watched.ends = copy.deepcopy((due.begins, due.steps, due.ends))
    optimizer = model.optimizer
    optimizer.iterations.assign(24)
    model.trainable = of_model.get("trainable", True)
    optimizer.learning_rate = of_model.get("rate", 0.01)
    model.get_layer("gate").open.assign(1 - of_model.get("shut", 0))
    for layer, epoch in sorted([*stand, *move], key=lambda pair: pair[1]):
        now = watched.ends[epoch - 1][layer] if epoch else watched.begins[0][layer]
        watched.begins[epoch][layer] = way(now) if begin else now
        for step in watched.steps[epoch]:
            now = way(now) if (layer, epoch) in move else now
            step[layer] = now
        watched.ends[epoch][layer] = now
    del watched.ends[ends:]
    return standing_still.fault_of(model, of_model.get("optimizer", optimizer), watched)


def each(layer, *epochs):
    return [(layer, epoch) for epoch in epochs]


BRANCH, OTHER, HEAD = standing_still.LAYERS


@pytest.mark.parametrize(("edits", "words"), [
    (dict(stand=each(BRANCH, 2)), "stands still in epoch 2. It should learn"),
    (dict(stand=each(BRANCH, 0, 1, 2)), "stands still in epoch 0. It should learn"),
    (dict(move=each(BRANCH, 3), stand=each(BRANCH, 4, 5)), "stands still from epoch 4 on; 3 is asked for"),
    (dict(ends=4), "Training ends with epoch 3"),
    (dict(move=each(BRANCH, 3, 4, 5), stand=each(OTHER, 3, 4, 5)), "words_branch stopped, and pictures"),
    (dict(move=each(BRANCH, 3, 4, 5)), "it learns on. Which line"),
    (dict(move=each(BRANCH, 3, 4, 5), way=lambda now: now * np.float32(1 - 0.0005)), "the decay of AdamW"),
    (dict(move=each(BRANCH, 3, 4, 5), way=lambda now: 0 * now, begin=True), "with other weights than it had"),
    (dict(move=each(BRANCH, 3, 4, 5), way=np.negative), "put back once an epoch"),  # four steps to and fro
    (dict(move=each(BRANCH, 5)), "stands in epoch 3, but then moves again in epoch 5"),
    (dict(move=each(BRANCH, 3, 4, 5), shut=1), "Its gradient is 0"),
    (dict(stand=each(OTHER, 3, 4, 5)), "but words_branch, too. The rest"),
    (dict(stand=each(OTHER, 5) + each(HEAD, 5), trainable=False), "The whole model is frozen"),
    (dict(stand=each(OTHER, 3) + each(HEAD, 3), rate=0.0), "learning rate of 0"),
    (dict(optimizer=None), "the rest has a new optimizer"),
    (dict(rate=0.001), "at another rate, 0.001 for 0.01"),
    (dict(move=each(OTHER, 4), begin=True), "words_branch is changed before epoch 4 begins"),
    (dict(move=each(BRANCH, 2), stand=each(BRANCH, 3, 4, 5)), "pictures_branch stands still, but ends up to"),
    (dict(move=each(HEAD, 5), way=lambda now: now + 0.01), "up to 0.0"),
    (dict(), "nothing"),
])
def test_what_7_3_says_of_other_trainings(edits, words):
    said = edited(**edits)
    assert words in (said or "nothing"), said


def test_the_curves_of_7_1_can_be_told_apart():
    named = {ex.LETTERS[letter]: losses for letter, losses in ex.unnamed_curves().items()}
    best = {name: int(np.argmin(losses)) for name, losses in named.items()}
    assert best["pictures"] == best["both"] == 2 and best["words"] == 14
    assert min(named["pictures"]) - min(named["both"]) > 0.1 < min(named["both"]) - min(named["words"])
    assert [ex.LETTERS[letter] for letter in ex.ORDER] == ["pictures", "words", "both"]


def lowest(way):
    return np.array([min(run["val_loss"]) for run in load_curves("clocks").select(scale=1.0, way=way)])


def test_what_7_1_and_7_2_tell_is_what_was_recorded():
    assert np.sum(lowest("words") < lowest("both")) == 6 and "six of the eight" in ex.which_clock.fact
    found = {way: [overfitting_ratio(run, start=0, end=2) for run in load_curves("clocks").select(
        scale=1.0, way=way)] for way in ("pictures", "words")}
    assert min(found["pictures"]) > 2 and max(found["words"]) < 0.6 and len(found["words"]) == 8


def test_7_5_cannot_be_passed_by_a_number_and_leaves_room():
    scores = {n: six_clocks.score(Epochs(n)) for n in range(60, 91)}
    worst = {n: of.by_view[of.worst] for n, of in scores.items()}
    assert min(n for n, lost in worst.items() if lost <= ex.MOST_LOST) == 80 > ex.MOST_COST + 4
    shown = six_clocks.score(Patience("val_loss", 3))
    assert shown.cost < ex.MOST_COST - 4 and shown.by_view[shown.worst] < ex.MOST_LOST - 0.15
    assert min(n for n, lost in worst.items() if lost <= shown.by_view[shown.worst]) == 87


def test_7_5_keeps_the_best_epoch_until_the_stop():
    history, accuracy, best = six_clocks.runs(six_clocks.UNSEEN)["zernike"][3]
    report = replay(Patience("val_loss", 1), history, best="val_loss")
    score = six_clocks.score(Patience("val_loss", 1))
    assert score.stops["zernike"][3] == report.epoch < 99
    assert score.lost["zernike"][3] == accuracy[best] - accuracy[report.best_epoch]
    assert not {"test_loss", "test_accuracy"} & set(history)


def test_a_rule_can_be_tried_on_the_splits_that_are_not_scored(capsys):
    ex.try_out(Patience("val_loss", 3))
    known = six_clocks.score(Patience("val_loss", 3), six_clocks.KNOWN)
    told = capsys.readouterr().out
    assert all(view in told for view in known.lost) and f"{known.cost:.1f} % of the epochs" in told
    ex.try_out(...)
    assert 'With Patience("val_loss", 1):\nsplits 0 to 9' in capsys.readouterr().out
    for rule, words in ((3, "got 3"), (Patience("test_loss", 3), 'no column "test_loss"')):
        ex.try_out(rule)
        assert words in capsys.readouterr().out, "the check comes after it, and has to be reached"


@pytest.mark.parametrize("draw", [
    lambda: exercise_figures.unlabelled(ex.unnamed_curves()),
    lambda: exercise_figures.cost_and_loss(*six_clocks.lines(), (70.2, 0.34), (75, 0.5)),
    lambda: exercise_figures.cost_and_loss(*six_clocks.lines(), (4, 58.0), (75, 0.5)),
], ids=["7.1", "7.5", "7.5 far off"])
def test_the_pictures_can_be_read(draw):
    assert plots.unreadable(draw().get_figure(root=True)) == []
    plt.close("all")


def test_the_ratio_of_7_2_is_the_course_s():
    for train, val, start, end, right, _ in [*ratio.OTHERS, (ratio.TRAIN, ratio.VALID, 1, 4, 2.25, "")]:
        assert math.isclose(with_the_course_s(train, val, start, end), right)


def test_no_two_mistakes_of_7_2_give_the_same_number():
    found = [round(float(value), 6) for value, _ in ratio.mistakes()] + [2.25]
    assert len(set(found)) == len(found)
