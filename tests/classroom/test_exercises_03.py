"""The exercises of chapter 03: right answers, wrong answers with their messages, and the score of 3.5."""

import math
import time

import keras
import numpy as np
import pytest

from course_utils.classroom import scores
from course_utils.classroom.chapter_03 import exercises as ex
from course_utils.classroom.data import load_curves
from course_utils.stopping import (
    After,
    Below,
    Epochs,
    ImprovementBelow,
    Patience,
    Smoothed,
    as_criterion,
    compare,
    replay,
)
from exercise_rules import ExerciseRules

# ---- 3.2 ----


def best(values, mode="min", better=lambda value, best: value < best, first=math.inf):
    sign, found, epoch = (1 if mode == "min" else -1), first, None
    for i, value in enumerate(values):
        if better(sign * value, found):
            found, epoch = sign * value, i
    return epoch


def from_first(values, mode):  # the first value is best until something is better, which NaN outlives
    sign, epoch = (1 if mode == "min" else -1), 0
    for i, value in enumerate(values):
        if sign * value < sign * values[epoch]:
            epoch = i
    return epoch


def best_of_last(values):
    return len(values) - 1 - int(np.nanargmax(values[::-1]))


def with_zero_for_nothing(values, mode):
    found, epoch = None, None
    for i, value in enumerate(value if mode == "min" else -value for value in values):
        if value == value and (not found or value < found):
            found, epoch = value, i
    return epoch


def without_zeros(values, mode):
    return best([value or math.nan for value in values], mode)


def with_means_for_nan(values, mode):
    return best(np.nan_to_num(values, nan=np.nanmean(values)), mode)


def with_infinity_for_nan(values, mode):
    values = np.nan_to_num(values, nan=np.inf)
    return np.argmin(values) if mode == "min" else np.argmax(values)


def patient(values, mode, patience=3):
    for end in range(1, len(values)):
        at = best(values[:end], mode)
        if at is not None and end - 1 - at >= patience:
            return at
    return best(values, mode)


def close_to_the_best(values, mode):
    found = values[best(values, mode)]
    return next(i for i, value in enumerate(values) if math.isclose(value, found))


def emptied(function):
    def clears(values, *args):
        result = function(values, *args)
        values.clear()
        return result

    return clears


# ---- 3.3 ----


class ByHand(keras.callbacks.Callback):
    """Right; subclasses break one thing each."""

    key, target, needed = "val_loss", "model", 0
    strict = restores = resets_wait = afresh = checks_kept = True
    first = math.inf
    previous = switches_off = False

    def __init__(self, patience):
        super().__init__()
        self.patience = patience
        self.begin()

    def begin(self):
        self.best, self.wait, self.kept = self.first, 0, None

    def on_train_begin(self, logs=None):
        if self.afresh:
            self.begin()

    def on_epoch_end(self, epoch, logs=None):
        value, stop = logs[self.key], False
        if value < self.best if self.strict else value <= self.best:
            self.best, self.kept = value, self.model.get_weights()
            self.wait = 0 if self.resets_wait else self.wait
        else:
            self.wait += 1
            stop = self.wait >= self.patience + self.needed
            if self.previous:
                self.best = value
        if stop or self.switches_off:
            (self.model if self.target == "model" else self).stop_training = stop

    def on_train_end(self, logs=None):
        if self.restores and (self.kept is not None or not self.checks_kept):
            self.model.set_weights(self.kept)


def early(**changes):
    return type("Early", (ByHand,), changes)


class WithLists(keras.callbacks.Callback):
    """Right in another way: keeps everything, and looks for the best anew each epoch."""

    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.losses, self.weights = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"] if logs["val_loss"] == logs["val_loss"] else math.inf)
        self.weights.append(self.model.get_weights())
        self.at = int(np.argmin(self.losses)) if min(self.losses) < math.inf else -1
        if epoch - self.at >= self.patience:
            self.model.stop_training = True
            self.model.set_weights(self.weights[self.at])

    def on_train_end(self, logs=None):
        self.model.set_weights(self.weights[self.at])


class HiddenDelta(ByHand):
    digits = 3

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {"val_loss": round(logs["val_loss"], self.digits)})


class KeepsOldWeights(ByHand):
    def on_train_begin(self, logs=None):
        self.best, self.wait = self.first, 0


class KeepsNaN(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        if self.kept is None:
            self.best, self.kept = logs["val_loss"], self.model.get_weights()
        else:
            super().on_epoch_end(epoch, logs)


class NotNotLess(ByHand):
    """`not value >= best` is True of NaN."""

    def on_epoch_end(self, epoch, logs=None):
        if not logs["val_loss"] >= self.best:
            self.best, self.wait, self.kept = logs["val_loss"], 0, self.model.get_weights()
        else:
            self.wait += 1
            self.model.stop_training = self.model.stop_training or self.wait >= self.patience


class SkipsNaN(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        if self.kept is None or not math.isnan(logs["val_loss"]):
            super().on_epoch_end(epoch, logs)


class RestoresAtStop(ByHand):
    restores = False

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.model.stop_training and self.kept is not None:
            self.model.set_weights(self.kept)


class OnKeras(keras.callbacks.EarlyStopping):
    """Right: Keras's own, with the NaN before the first loss seen to."""

    def __init__(self, patience):
        super().__init__("val_loss", patience=patience, mode="min", restore_best_weights=True)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.seen, self.failures = False, 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen = self.seen or logs["val_loss"] == logs["val_loss"]
        if self.seen:
            super().on_epoch_end(epoch, logs)
        else:
            self.failures += 1
            self.model.stop_training = self.model.stop_training or self.failures >= self.patience


class WithoutDefaults(ByHand):
    """Right: Keras hands logs to each."""

    def on_train_begin(self, logs):
        super().on_train_begin(logs)

    def on_epoch_end(self, epoch, logs):
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs):
        super().on_train_end(logs)


class AsTheEpochBegins(ByHand):
    def on_epoch_begin(self, epoch, logs=None):
        self.before = self.model.get_weights()

    def on_epoch_end(self, epoch, logs=None):
        known = self.best
        super().on_epoch_end(epoch, logs)
        if self.best != known:
            self.kept = self.before


class ZeroIsNothing(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        self.best = self.best or math.inf
        super().on_epoch_end(epoch, logs)


class ZeroIsNaN(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {"val_loss": logs.get("val_loss") or math.nan})


class PatienceOfTheClass(ByHand):
    def __init__(self, patience):
        super().__init__(patience)
        type(self).shared = patience

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.patience = self.shared


class BestOfTheClass(ByHand):
    best = property(lambda self: BestOfTheClass.lowest,
                    lambda self, loss: setattr(BestOfTheClass, "lowest", loss))


class FirstArray(ByHand):
    def on_train_end(self, logs=None):
        if self.kept:
            self.model.set_weights(self.kept[:1] + self.model.get_weights()[1:])


class OneArray(ByHand):
    def on_train_end(self, logs=None):
        if self.kept:
            self.model.set_weights(self.kept[:1])


class Popped(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {"val_loss": logs.pop("val_loss")})


class Misspelt(ByHand):
    restores = False

    def on_train_ends(self, logs=None):
        self.model.set_weights(self.kept)


class NoCopy(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        before = self.best
        super().on_epoch_end(epoch, logs)
        if self.best != before:
            self.kept = self.model.weights


class SetsBack(ByHand):
    """At every failure the best weights are set back, and training goes on from those."""

    restores = False

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.kept is not None:
            self.model.set_weights(self.kept)


class SetsBackInTheNextEpoch(ByHand):
    def on_epoch_begin(self, epoch, logs=None):
        if self.wait and self.kept is not None:
            self.model.set_weights(self.kept)


class CountsOn(ByHand):
    """`wait` is set up once, best and weights in each fit."""

    def on_train_begin(self, logs=None):
        self.best, self.kept = self.first, None


class AfreshIfRestored(ByHand):
    """Begins anew at the end of a fit, but not of one of NaN alone."""

    afresh = False

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self.kept is not None:
            self.begin()


class ANumberForNaN(WithLists):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {"val_loss": np.nan_to_num(logs["val_loss"], nan=1e6)})
        if min(self.losses) == 1e6:
            self.model.stop_training = len(self.losses) >= self.patience
            self.weights = [self.model.get_weights()] * len(self.losses)


class Restart(ByHand):
    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.model.set_weights([weight * 0 for weight in self.model.get_weights()])


class KeepsEqual(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if logs["val_loss"] == self.best:
            self.kept = self.model.get_weights()


def made_by_a_function(patience):
    """Right: a function that makes the callback."""
    stop = ByHand(patience)

    def begin(logs):
        stop.set_model(made.model)
        stop.on_train_begin(logs)

    made = keras.callbacks.LambdaCallback(
        on_train_begin=begin, on_epoch_end=stop.on_epoch_end, on_train_end=stop.on_train_end)
    return made


class NotAtTheFirst(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.model.stop_training = self.model.stop_training and epoch > 0


class NotAtTheFirstTwo(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.model.stop_training = self.model.stop_training and epoch > 1


class Higher(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {"val_loss": -logs["val_loss"]})


class Nothing(ByHand):
    """The comparison is turned round: nothing is above infinity."""

    def on_epoch_end(self, epoch, logs=None):
        self.wait += 1
        if self.wait >= self.patience:
            self.model.stop_training = True


class FromTheStart(ByHand):
    def on_train_begin(self, logs=None):
        self.begin()
        self.kept = self.model.get_weights()


class StopsAtNaN(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if math.isnan(logs["val_loss"]):
            self.model.stop_training = True


class FirstIsKept(ByHand):
    """In a run of NaN alone the first epoch's weights come back."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == 0 and self.kept is None:
            self.kept = self.model.get_weights()


def of_patience(length):
    class Fixed(ByHand):
        def __init__(self, patience):
            super().__init__(length)

    return Fixed


class NeverStops(ByHand):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.model.stop_training = False


class Unfinished(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()

    def on_epoch_end(self, epoch, logs=None):
        return ...


class Plain:
    def __init__(self, patience):
        self.patience = patience


# ---- 3.4 ----


def percent(kept, good):
    return 100 * (kept / good - 1)


def whole_percent(kept, good):
    return (100 * kept + 1e-9) // good - 100


def by_sorted_pairs(val, test, stop):
    return percent(*(min(zip(losses, test))[1] for losses in (val[: stop + 1], val)))


def last_of_equals(values):
    return max(i for i, value in enumerate(values) if value == min(values))


def against_last(val, test, stop):
    return percent(test[int(np.argmin(val[: stop + 1]))], test[-1])


def best_of_the_rest(val, test, stop, after=0):
    kept = int(np.argmin(val[: stop + 1]))
    return percent(test[kept], test[stop + after + int(np.argmin(val[stop + after :]))])


def not_the_first(val, test, stop):
    kept = 1 + int(np.argmin(val[1 : stop + 1])) if stop else 0
    return percent(test[kept], test[int(np.argmin(val))])


def not_with_the_first(val, test, stop):
    return percent(test[int(np.argmin(val[: stop + 1]))], test[1 + int(np.argmin(val[1:]))])


def from_a_number(val, test, stop, first):
    return percent(*(test[best(losses, first=first) or 0] for losses in (val[: stop + 1], val)))


def first_valley(val, test, stop):
    kept = 0
    while kept < stop and val[kept + 1] < val[kept]:
        kept += 1
    return percent(test[kept], test[int(np.argmin(val))])


def regret(val, test, stop, until=1, kept_by="val", best_by="val", measured="test", number=percent):
    columns = {"val": val, "test": test}
    kept = int(np.argmin(columns[kept_by][: stop + until]))
    good = int(np.argmin(columns[best_by]))
    return number(columns[measured][kept], columns[measured][good])


# ---- 3.5 ----


def growing(history):
    """Patience that grows with the epoch of the best."""
    losses = history["val_loss"]
    at = int(np.argmin(losses))
    return len(losses) - 1 - at >= 8 + at / 5 or len(losses) >= 250


def growing_a_little(history):
    losses = history["val_loss"]
    at = int(np.argmin(losses))
    return len(losses) - 1 - at >= 8 + at / 15 or len(losses) >= 250


def over_59(history):
    return len(history["val_loss"]) >= 60


def nine_without_a_lower(history):
    return best(history["val_loss"][::-1], better=lambda value, best: value <= best) >= 9


def by_its_first_loss(history):
    """Tells the problems apart by their first loss, and counts epochs."""
    first = history["val_loss"][0]
    epochs = 220 if first > 1.2 else 110 if first < 0.1 else 80 if first < 0.33 else 15
    return len(history["val_loss"]) >= epochs


def first_rise(history):
    return len(history["val_loss"]) > 1 and history["val_loss"][-1] > history["val_loss"][-2]


class TestChapter03(ExerciseRules):
    chapters = [ex]
    names = dict(keras=keras, np=np, Patience=Patience, Smoothed=Smoothed, Epochs=Epochs)
    answers = {
        ex.stop_and_keep: (
            [(9, 6), [9, 6], (np.int64(9), np.int64(6)), (9.0, np.array(6)), np.array([9, 6]), "9, 6"],
            {"every failure": ((5, 3), "starts the count again"),
             "last weights": ((9, 9), "not the last"),
             "the future": ((9, 10), "nobody trains it"),
             "to the end": ((10, 10), "three failures in a row"),
             "one more": ((10, 6), "never sees epoch 10"),
             "swapped": ((6, 9), "wrong order"),
             "one less": ((8, 6), "two failures in a row"),
             "an older best": ((9, 3), "is better than epoch 3"),
             "from 1": ((10, 7), "counting from 1"),
             "another best": ((9, 1), "Not 1"),
             "elsewhere": ((2, 1), "under each epoch"),
             "one number": (9, "is two epochs"),
             "fractions": ((9.7, 6.2), "in yours there is 9.7"),
             "a set": ({9, 6}, "forgets the order"),
             "text": ("nine", "is two epochs"),
             "three": ((9, 6, 1), "is two epochs")}, (..., ...)),
        ex.best_epoch: (
            [best, lambda v, mode: int(np.nanargmin(v) if mode == "min" else np.nanargmax(v)),
             lambda v, mode: float(best(v, mode)), lambda v, mode: np.array(best(v, mode)),
             lambda v, mode: np.argmin(np.nan_to_num(np.array(v) * (-1) ** (mode == "max"), nan=np.inf))],
            {"always the smallest": (lambda v, mode: best(v), 'With mode="max"'),
             "NaN wins": (lambda v, mode: int(np.argmin(v) if mode == "min" else np.argmax(v)),
                          "Epoch 0 is NaN"),
             "begins with the first": (from_first, "Epoch 0 is NaN"),
             "the last of equals": (lambda v, mode: best(v, mode, lambda a, b: a <= b), "tie"),
             "min_delta": (lambda v, mode: best(v, mode, lambda a, b: a < b - 0.01), "by however little"),
             "the value": (lambda v, mode: np.nanmin(v) if mode == "min" else np.nanmax(v), "whole number"),
             "from 1": (lambda v, mode: best(v, mode) + 1, "You return 2"),
             "drops NaN": (lambda v, mode: best([x for x in v if x == x], mode), "move up"),
             "NaN is smaller": (lambda v, mode: best(v, mode, lambda a, b: not a >= b), "taken for the best"),
             "max from 0": (lambda v, mode: best(v, mode, first=0.0 if mode == "max" else math.inf),
                            "minus infinity. You return no epoch"),
             "min from 1": (lambda v, mode: best(v, mode, first=1 if mode == "min" else math.inf),
                            "begin with infinity"),
             "NaN is -1": (lambda v, mode: np.argmax(np.nan_to_num(v, nan=-1)) if mode == "max" else best(v),
                           "What stands for the NaN"),
             "from 100": (lambda v, mode: best(v, mode, first=100), "Infinity is not"),
             "max from -100": (lambda v, mode: best(v, mode, first=math.inf if mode == "min" else 100),
                               "Minus infinity is not"),
             "the last of equals, max": (lambda v, mode: best(v) if mode == "min" else best_of_last(v),
                                         'with mode="max", too, the first'),
             "rounded": (lambda v, mode: best(np.round(v, 4), mode), "by however little"),
             "rounded to six digits": (lambda v, mode: best(np.round(v, 6), mode), "by however little"),
             "min_delta for max": (lambda v, mode: best(v, mode, lambda a, b: a < b - (mode == "max") / 1000),
                                   '"max", 0.500000000001'),
             "close is equal": (close_to_the_best, "by however little"),
             "NaN is one more": (lambda v, mode: np.argmin(np.nan_to_num(v, nan=np.nanmax(v) + 1))
                                 if mode == "min" else best(v, mode), "3e300 the only number"),
             "without the last": (lambda v, mode: best(v[:-1], mode) or 0, "leave out the last value"),
             "never the first": (lambda v, mode: best(v[1:], mode) + 1, "taken for the best"),
             "empties the list": (emptied(best), "Change a copy"),
             "0 is no best": (with_zero_for_nothing, "takes 0 for false"),
             "0 is no value": (without_zeros, "takes 0 for false"),
             "NaN is the mean": (with_means_for_nan, "0.5 the only number"),
             "NaN is infinity": (with_infinity_for_nan, "You return 1, a NaN"),
             "gives up": (patient, "Look at all of them"),
             "the first ten": (lambda v, mode: best(v[:10], mode), 'and mode="'),
             "one over": (lambda v, mode: np.nanargmin([1 / x for x in v] if mode == "max" else v),
                          "ZeroDivisionError"),
             "starts at -1": (lambda v, mode: max(range(len(v)), key=lambda i: v[i] if v[i] < 1 else 0)
                              if mode == "max" else best(v), "Is a number fixed?"),
             "no return": (lambda v, mode: None, "is a return missing?")}, lambda v, mode: ...),
        ex.my_early_stopping: (
            [ByHand, WithLists, OnKeras, WithoutDefaults, made_by_a_function],
            {"one more": (early(needed=1), "one failure more"),
             "every failure": (early(resets_wait=False), "count the failures in all"),
             "the training loss": (early(key="loss"), 'You seem to read "loss"'),
             "best from 1": (early(first=1.0), "begin at 1?"),
             "best from 100": (early(first=100.0), "No number is above all losses"),
             "a hidden min_delta": (HiddenDelta, "no min_delta"),
             "old weights": (KeepsOldWeights, "the weights, too"),
             "best from 0": (early(first=0.0), "begin at 0,"),
             "one less": (early(needed=-1), "only failure 2 in a row"),
             "at the stop alone": (RestoresAtStop, "set them in on_train_end"),
             "no copy": (NoCopy, "get_weights() is a copy"),
             "not greater or equal": (NotNotLess, "never the best"),
             "skips NaN": (SkipsNaN, "that is a failure"),
             "sets None": (early(checks_kept=False), "only if there are some"),
             "last weights": (early(restores=False), "weights of the last epoch"),
             "leaks": (early(afresh=False), "Begin afresh"),
             "equal is better": (early(strict=False), "equal to the best"),
             "the epoch before": (early(previous=True), "improve on the best"),
             "sets back": (SetsBack, "training went on from those"),
             "sets back in the next epoch": (SetsBackInTheNextEpoch, "training went on from those"),
             "counts on": (CountsOn, "with the count, too"),
             "counts on after NaN": (AfreshIfRestored, "with the count, too"),
             "NaN is a million": (ANumberForNaN, "e+30"),
             "from the start on": (Restart, "before the first epoch it changed the weights"),
             "no patience": (type("None", (ByHand,), {"__init__": lambda self: ByHand.__init__(self, 3)}),
                             "MyEarlyStopping(3) should make a callback"),
             "equal is as good": (KeepsEqual, "equal to the best is no improvement"),
             "never at the first": (NotAtTheFirst, "patience 1 should stop at epoch 0"),
             "never at the first two": (NotAtTheFirstTwo, "patience 1 the first failure is the last"),
             "higher is better": (Higher, "A loss is better where it is lower"),
             "nothing is better": (Nothing, "comparison turned round"),
             "three, always": (of_patience(3), "with patience 3, too. Do you use self.patience"),
             "two, always": (of_patience(2), "only failure 2 in a row"),
             "weights from the start": (FromTheStart, "from before training"),
             "the first NaN's": (FirstIsKept, "Yours ends with those of epoch 0"),
             "stops at NaN": (StopsAtNaN, "A NaN is one failure"),
             "NaN is best": (KeepsNaN, "first loss is NaN"),
             "self": (early(target="self"), "self.model.stop_training"),
             "switches off": (early(switches_off=True), "switched that off"),
             "never": (NeverStops, "goes on to the end"),
             "accuracy": (early(key="val_accuracy"), "KeyError"),
             "an object": (ByHand(3), "without parentheses"),
             "as the epoch begins": (AsTheEpochBegins, "As epoch 7 begins they are still those of epoch 6"),
             "0 is no best": (ZeroIsNothing, "takes 0 for false"),
             "0 is NaN": (ZeroIsNaN, "takes 0 for false"),
             "patience of the class": (PatienceOfTheClass, "Keep in self"),
             "best of the class": (BestOfTheClass, "Keep in self"),
             "the first array": (FirstArray, "keep them all"),
             "one array": (OneArray, "set_weights is given 1 arrays, and the model has 2"),
             "pops": (Popped, 'takes "val_loss" out of logs'),
             "misspelt": (Misspelt, "Did you mean on_train_end?"),
             "two decimals": (type("Rounds", (HiddenDelta,), dict(digits=2)), "or round?"),
             "Keras's": (keras.callbacks.EarlyStopping, "Keras's own"),
             "a plain class": (Plain, "should be a Keras callback")}, Unfinished),
        ex.stop_regret: (
            [regret, lambda v, t, stop: np.float64(100 * (t[best(v[: stop + 1])] / t[best(v)] - 1))],
            {"weights at the stop": (lambda v, t, s: 100 * (t[s] / t[best(v)] - 1), "weights at the stop"),
             "keeps by test": (lambda v, t, s: regret(v, t, s, kept_by="test"), "lowest test loss. The test"),
             "all by test": (lambda v, t, s: regret(v, t, s, kept_by="test", best_by="test"),
                             "lowest test losses"),
             "best by test": (lambda v, t, s: regret(v, t, s, best_by="test"), "Nobody could have chosen"),
             "against the last": (against_last, "the last epoch's test loss"),
             "last of equals": (lambda v, t, s: percent(t[last_of_equals(v[: s + 1])], t[last_of_equals(v)]),
                                "The first of equals"),
             "rounded": (lambda v, t, s: round(regret(v, t, s), 1), "do not round"),
             "in val_loss": (lambda v, t, s: regret(v, t, s, measured="val"), "lost in val_loss"),
             "share": (lambda v, t, s: regret(v, t, s, number=lambda a, b: a / b - 1), "multiply by 100"),
             "difference": (lambda v, t, s: regret(v, t, s, number=lambda a, b: a - b), "is the difference"),
             "divides by kept": (lambda v, t, s: regret(v, t, s, number=lambda a, b: -percent(b, a)),
                                 "was kept"),
             "sign": (lambda v, t, s: -regret(v, t, s), "to lose is positive"),
             "swapped": (lambda t, v, s: regret(v, t, s), "lists swapped?"),
             "of 32 bits": (lambda v, t, s: regret(v, np.float32(t), s), "float32"),
             "whole percent": (lambda v, t, s: regret(v, t, s, number=whole_percent), "nor with //"),
             "the lower test of equals": (by_sorted_pairs, "The first of equals"),
             "no stop": (lambda v, t, s: regret(v, t, len(v)), "0 would say that epoch 3 is kept"),
             "one epoch more": (lambda v, t, s: regret(v, t, s, until=2), "0 would say that epoch 3 is kept"),
             "whole division": (lambda v, t, s: regret(v, t, s, number=lambda a, b: 100 * (a // b - 1)),
                                "// makes 1 of it"),
             "best from 1": (lambda v, t, s: from_a_number(v, t, s, 1), "take infinity"),
             "best from a billion": (lambda v, t, s: from_a_number(v, t, s, 1e9), "take infinity"),
             "the first valley": (first_valley, "may fall lower again"),
             "rounds val_loss": (lambda v, t, s: regret(np.round(v, 6), t, s), "however little"),
             "rounded to eight digits": (lambda v, t, s: round(regret(v, t, s), 8), "do not round"),
             "without the stop": (lambda v, t, s: regret(v, t, s, until=0), "epoch of the stop was trained"),
             "by heart": (lambda v, t, s: 20.0, "Is a number fixed?"),
             "absolute": (lambda v, t, s: abs(regret(v, t, s)), "can be negative"),
             "never below 0": (lambda v, t, s: max(0, regret(v, t, s)), "can be negative"),
             "best of the rest": (best_of_the_rest, "before the stop"),
             "best after the stop": (lambda v, t, s: best_of_the_rest(v, t, s, 1), "before the stop"),
             "after the stop, if there is more": (lambda v, t, s: best_of_the_rest(v, t, s, s + 1 < len(v)),
                                                  "before the stop"),
             "never keeps the first": (not_the_first, "epoch 0 is kept"),
             "never compares with the first": (not_with_the_first, "best of the whole run"),
             "without the last": (lambda v, t, s: percent(t[best(v[: s + 1])], t[best(v[:-1])]),
                                  "and the last, 2, is the best"),
             "empties the list": (emptied(regret), "Change a copy"),
             "something": (lambda v, t, s: 7.0, "You return 7"),
             "an epoch list": (lambda v, t, s: v, "One number is asked for"),
             "no return": (lambda v, t, s: None, "is a return missing?")}, lambda v, t, s: ...),
        ex.own_rule: (
            [Patience("val_loss", 12) | Epochs(200), Smoothed(10, Patience("val_loss", 5)),
             ImprovementBelow("val_loss", 0.01, window=20, relative=True),
             growing_a_little],
            {"cheap": (Patience("val_loss", 3), "The limit is 10 %"),
             "the lesson's": (Patience("val_loss", 10), "where Patience 10 does"),
             "the lesson's, by hand": (nine_without_a_lower,
                                       "where Patience 9 does"),
             "to the end": (Epochs(300), "trains so long"),
             "long": (Patience("val_loss", 50) | Epochs(250), "trains so long"),
             "never ends": (Patience("val_loss", 50), "never ends"),
             "a threshold": (Below("val_loss", 0.1), "On diabetes one run never ends"),
             "a fixed length": (Epochs(75), "with a budget of 300 is cheaper and better"),
             "growing too much": (growing, "24.84 % and 2.27 %, against your 24.94 % and 2.57 %"),
             "between two lengths": (Patience("val_loss", 18) | Epochs(100), "Patience 14 with a budget"),
             "dear for the same regret": (Patience("val_loss", 13) & over_59, "is cheaper and better"),
             "late": (After(40, Patience("val_loss", 3)), "Most is lost on soybean"),
             "at once": (lambda history: True, "Most is lost on soybean"),
             "the first rise": (first_rise, "Most is lost on soybean"),
             "sees the test": (lambda history: history["test_loss"][-1] < 1, "must not see it"),
             "misspelt": (Patience("val_los", 5, mode="min"), 'Did you mean "val_loss"?'),
             "no return": (lambda history: None, "Is a return missing?"),
             "a number": (5, "should be a criterion"),
             "an error": (lambda history: history["val_loss"][-20] < 0, "IndexError")}, ...),
    }


def test_an_answer_typed_without_its_parentheses_is_checked(capsys):
    ex.stop_and_keep.check(9, 6)
    ex.best_epoch.check(0, 1)
    ex.best_epoch.check()
    right, wrong, blank = capsys.readouterr().out.splitlines()
    assert "Right" in right and "this is (0, 1)" in wrong and "not attempted" in blank


def test_no_length_of_patience_beats_a_rule_that_is_right():
    for rule in (growing_a_little, Smoothed(5, Patience("val_loss", 12))):
        cost, by_problem, *_ = ex.score(as_criterion(rule), ex.UNITS, ex.SEEDS)
        lost = np.mean(list(by_problem.values()))
        for n in range(1, 30):
            c, by_problem, *_ = ex.score(Patience("val_loss", n), ex.UNITS, ex.SEEDS)
            assert not (c < cost - 1e-9 and np.mean(list(by_problem.values())) < lost - 1e-9), n
        assert ex.own_rule.grade(rule).state == "right"


def test_the_picture_of_a_wrong_answer_to_3_1_does_not_show_the_right_one(monkeypatch):
    drawn = []
    monkeypatch.setattr("course_utils.classroom.notebook.show", lambda ax, alt: drawn.append((ax, alt)))
    for answer in ((5, 3), (9, 1), (2, 1), (40, -7)):
        ex.stop_and_keep.grade(answer).draw()
    words = [[text.get_text() for text in ax.get_legend().get_texts()] for ax, _ in drawn]
    assert words == [["val_loss", "your stop", "your best"]] * 3 + [["val_loss"]]
    assert [line.get_xdata()[0] for line in drawn[0][0].lines[1:]] == [5, 3]
    assert "5, and the epoch that you keep, 3" in drawn[0][1]


def test_a_rule_that_costs_less_or_loses_less_than_patience_is_told_so():
    assert "below the line of Patience" in ex.own_rule.grade(Smoothed(10, Patience("val_loss", 5))).text
    assert "where Patience 10 does" in ex.own_rule.grade(Patience("val_loss", 10) | Epochs(299)).text


def test_a_rule_that_counts_epochs_alone_is_told_so():
    assert "does not watch how a run goes" in ex.own_rule.grade(by_its_first_loss).text
    for rule in (Patience("val_loss", 12) | Epochs(200), growing_a_little):
        assert "watch" not in ex.own_rule.grade(rule).text


def test_the_answers_to_the_labs_questions_are_what_the_lab_says():
    soybean, gene = (load_curves("proben1").select(problem=name, units=64)[1] for name in ("soybean", "gene"))

    def seen(rule, run=soybean):
        row = compare([rule], [run], measured="test_loss")[0]
        return int(row.stops[0]), round(row.regret[0])

    at = {n: seen(Patience("val_loss", n))[1] for n in (5, 10, 20, 40, 60)}
    assert at[5] > at[10] > at[20] == at[40] == at[60] > 0
    assert [seen(Patience("val_loss", n), gene) for n in (5, 20)] == [(10, 0), (25, 0)]
    assert seen(Smoothed(20, Patience("val_loss", 10)))[0] == 124 and seen(Patience("val_loss", 20))[0] == 128
    same = [Smoothed(20, Patience("val_loss", 10)), *(Patience("val_loss", n) for n in (20, 40, 60))]
    assert len({replay(rule, soybean, best="val_loss").best_epoch for rule in same}) == 1
    for window, stops in ((20, {53}), (60, {105})):
        assert {seen(ImprovementBelow("val_loss", epsilon, window, relative=True))[0]
                for epsilon in (1e-5, 0.001, 0.01, 0.03)} == stops


def test_the_score_is_that_of_compare():
    rule = Patience("val_loss", 10)
    cost, by_problem, stops, endless = ex.score(rule, ex.UNITS, ex.SEEDS)
    expected = {name: (c, r) for name, c, r in ex._frontier()}["Patience 10"]
    assert (cost, np.mean(list(by_problem.values()))) == pytest.approx(expected)
    assert len(stops) == 100 and not endless


def test_the_score_is_of_runs_that_the_lesson_does_not_show():
    lesson, unseen = load_curves("proben1").select(units=64), scores.runs(ex.UNITS, ex.SEEDS)
    shown = {tuple(run["val_loss"][:5]) for run in lesson}
    assert len(unseen) == 100
    assert not any(tuple(run["val_loss"][:5]) in shown for _, run, _ in unseen)
    assert all(set(seen) == set(scores.SEEN) for _, seen, _ in unseen)


def test_a_slow_way_to_write_a_rule_is_scored_in_time():
    started = time.perf_counter()
    ex.own_rule.grade(growing)
    assert time.perf_counter() - started < 5  # half a second on a free core
