"""Every exercise accepts several right answers and refuses typical wrong ones, each with its own message."""

import keras
import numpy as np

from course_utils.classroom.chapter_00 import exercises as chapter_00
from course_utils.classroom.chapter_01 import exercises as chapter_01
from course_utils.stopping import Above, After, Below, Epochs, Patience, StepBudget, TimeBudget
from exercise_rules import ExerciseRules

# ---- chapter 01: answers ----


def runs(losses, threshold, inclusive=False, count_trigger=True, stop_all=False):
    counts = []
    for epoch in losses:
        count = 0
        for loss in epoch:
            below = loss <= threshold if inclusive else loss < threshold
            count += count_trigger or not below
            if below:
                break
        counts.append(count)
        if stop_all and below:
            break
    return counts


def strictly_below(value, threshold):
    return value < threshold


def stopper(below=strictly_below, key=None, fixed=None, on="model", switches_off=False):
    class Stopper(keras.callbacks.Callback):
        def __init__(self, metric, threshold):
            super().__init__()
            self.metric, self.threshold = metric, threshold

        def on_epoch_end(self, epoch, logs=None):
            met = below(logs[key or self.metric], self.threshold if fixed is None else fixed)
            target = self.model if on == "model" else self
            if switches_off:
                target.stop_training = bool(met)
            elif met:
                target.stop_training = True

    return Stopper


class SkipsTheFirst(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            super().on_epoch_end(epoch, logs)


class AsText(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if logs[self.metric] < self.threshold:
            self.model.stop_training = "True"


def with_arrays(losses, sizes):
    return (losses * sizes).sum() / sum(sizes)


class WithOr(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training |= bool(logs.get(self.metric) < self.threshold)


class LuckyBatch(stopper()):
    def on_train_batch_end(self, batch, logs=None):
        if self.metric in logs and logs[self.metric] < self.threshold:
            self.model.stop_training = True


class MissingIsZero(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if logs.get(self.metric, 0) < self.threshold:
            self.model.stop_training = True


class Asks(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if self.metric in logs:
            super().on_epoch_end(epoch, logs)


def as_long_as_the_first(losses, threshold):
    counts = runs(losses, threshold)
    return [n if min(epoch) < threshold else len(losses[0]) for n, epoch in zip(counts, losses)]


def emptied(losses, threshold):
    return [runs([losses.pop(0)], threshold)[0] for _ in range(len(losses))]


def all_but_the_last_alike(losses, sizes):
    return np.average(losses, weights=[sizes[0]] * (len(sizes) - 1) + sizes[-1:])


def popped(losses, sizes):
    of, total = sum(sizes), 0
    while losses:
        total += losses.pop() * sizes.pop()
    return total / of


def without_zeros(losses, sizes):
    pairs = [(loss, size) for loss, size in zip(losses, sizes) if loss]
    return sum(loss * size for loss, size in pairs) / sum(size for _, size in pairs)


class Plain:
    def __init__(self, metric, threshold):
        pass


def dots_left_behind(losses, threshold):
    counts = [len(epoch) for epoch in losses]
    counts[0] = 4
    return ...


def with_method(name):
    def stop(self, number, logs=None):
        self.model.stop_training = True

    def begin(self, metric, threshold):
        keras.callbacks.Callback.__init__(self)

    return type("Stopper", (keras.callbacks.Callback,), {"__init__": begin, name: stop})


misspelt, another_method = with_method("on_epoch_ends"), with_method("on_batch_end")


def ends_in_time(history):
    epochs, loss = len(history["loss"]), history["loss"][-1]
    return loss < 0.01 or epochs >= 30 or (epochs >= 10 and loss > 1)


def gives_up_at_once_or_never(history):
    epochs, loss = len(history["loss"]), history["loss"][-1]
    return loss < 0.01 or epochs >= 30 or (epochs == 10 and loss > 1)


class Unfinished(keras.callbacks.Callback):
    def __init__(self, metric, threshold):
        super().__init__()

    def on_epoch_end(self, epoch, logs=None):
        return ...


LEARNT, SLOW = Below("loss", 0.01), After(10, Above("loss", 1.0))  # clauses of 1.5

# exercise -> (right answers, {wrong answer's name: (answer, words of its message)}, blank)
ANSWERS = {
    chapter_00.your_stop: (
        [55, 52, np.int64(64)],
        {"early": (10, "too early"),
         "the first low": (40, "Regret: 4.0 %. The exercise allows 3 %"),
         "just too early": (51, "too early"),
         "the lowest of all": (66, "You can pay for 65 epochs: you stopped too late"),
         "late": (120, "too late"),
         "the first epoch": (0, "(1 epoch trained)"),
         "past the end": (150, "from 0 to 149"),
         "text": ("best", "whole number"),
         "a bool": (True, "whole number")}, ...),
    chapter_01.first_below: (
        [4, np.int64(4), int(np.argmax(np.array(chapter_01.LOSSES) < 0.5))],
        {"from 1": (5, "counting from 1"),
         "not strict": (3, "exactly 0.5"),
         "for good": (6, "held before"),
         "lowest": (7, "the lowest"),
         "elsewhere": (1, "the loss is 1.1"),
         "a value": (0.48, "whole number")}, ...),
    chapter_01.count_the_breaks: (
        [runs, lambda b, t: (count for count in runs(b, t)),
         lambda b, t: np.array([np.argmax(np.array(e) < t) + 1 if min(e) < t else len(e) for e in b])],
        {"ends training": (lambda b, t: runs(b, t, stop_all=True), "ended training in epoch 1"),
         "trigger not counted": (lambda b, t: runs(b, t, count_trigger=False), "already been trained on"),
         "not strict": (lambda b, t: runs(b, t, inclusive=True), "less than 0.01"),
         "counts the small": (lambda b, t: [sum(x < t for x in e) for e in b], "In epoch 0"),
         "no return": (lambda b, t: None, "is a return missing?"),
         "texts": (lambda b, t: ["4", "2", "4", "1", "4"], "one whole number for each"),
         "no parameters": (lambda: [4, 2, 4, 1, 4], "called with 2 values"),
         "dots left behind": (dots_left_behind, "still stands at the end"),
         "a number": (lambda b, t: 15, "should return a list"),
         "too many": (lambda b, t: runs(b, t) + [4], "your list has 6"),
         "as long as the first": (as_long_as_the_first, "all of its own batches"),
         "empties the list": (emptied, "changes the lists it is given"),
         "by heart": (lambda b, t: [4, 2, 4, 1, 4], "Is a number fixed?")}, lambda b, t: ...),
    chapter_01.mean_over_emoji: (
        [lambda v, n: np.average(v, weights=n), lambda v, n: keras.ops.convert_to_tensor(
            np.average(v, weights=n)), lambda v, n: sum(a * b for a, b in zip(v, n)) / sum(n)],
        {"mean of means": (lambda v, n: np.mean(v), "the say of a full one"),
         "last batch": (lambda v, n: v[-1], "last batch alone"),
         "sum": (lambda v, n: np.dot(v, n), "is the sum"),
         "full batches": (lambda v, n: np.dot(v, n) / (max(n) * len(n)), "not by four full batches"),
         "a text": (lambda v, n: str(np.average(v, weights=n)), "One number is asked for"),
         "a list": (lambda v, n: v, "One number is asked for"),
         "a list of one": (lambda v, n: [0.232], "take it out of the list"),
         "as if arrays": (with_arrays, "are lists; np.array(...) makes an array"),
         "by heart": (lambda v, n: 0.232, "Is a number fixed?"),
         "all but the last alike": (all_but_the_last_alike, "with its own size"),
         "pops": (popped, "changes the lists it is given"),
         "rounded": (lambda v, n: round(np.average(v, weights=n), 3), "is not rounded"),
         "without zeros": (without_zeros, "A loss of 0 counts"),
         "one batch is 0": (lambda v, n: np.average(v, weights=n) if len(v) > 1 else 0, "One batch is"),
         "something": (lambda v, n: 7.0, "you returned 7")}, lambda v, n: ...),
    chapter_01.threshold_stop: (
        [stopper(), WithOr, Asks],
        {"not strict": (stopper(lambda v, t: v <= t), "equals the threshold"),
         "wrong way": (stopper(lambda v, t: v > t), "the right way round"),
         "self": (stopper(on="self"), "self.model.stop_training"),
         "always loss": (stopper(key="loss"), "self.metric"),
         "fixed threshold": (stopper(fixed=0.5), "self.threshold"),
         "never": (stopper(lambda v, t: False), "training went on"),
         "switches off": (stopper(switches_off=True), "switched that off"),
         "accuracy key": (stopper(key="acc"), "KeyError"),
         "misspelt method": (misspelt, "Did you mean on_epoch_end?"),
         "another method": (another_method, "Keras calls on_epoch_end there"),
         "a lucky batch, too": (LuckyBatch, "That is the lucky batch again"),
         "missing is 0": (MissingIsZero, "A value that is missing"),
         "rounded": (stopper(lambda v, t: round(v, 2) < t), "rounded?"),
         "0 is no value": (stopper(lambda v, t: v and v < t), "0.0 is below"),
         "NaN stops": (stopper(lambda v, t: not v >= t), "NaN is not below"),
         "a fixed 0.01": (stopper(fixed=0.01), "compared with self.threshold"),
         "skips epoch 0": (SkipsTheFirst, "Epoch 0 counts like any other"),
         "a text": (AsText, "to 'True', and any text counts as true"),
         "an object": (stopper()("loss", 0.5), "without parentheses"),
         "a plain class": (Plain, "should be a Keras callback")}, Unfinished),
    chapter_01.always_ends: (
        [LEARNT | SLOW | Epochs(30),
         LEARNT | (Epochs(10) & Above("loss", 1.0)) | StepBudget(30 * 81),
         LEARNT | (StepBudget(10 * 81) & Above("loss", 1.0)) | Epochs(30),
         Epochs(30) | After(9, Above("loss", 1.0)) | LEARNT,
         ends_in_time],
        {"threshold alone": (LEARNT, "never stops"),
         "threshold and budget": (LEARNT | Epochs(30), "Which clause gives up?"),
         "one short budget": (LEARNT | Epochs(11), "0.01 is reached at epoch 11"),
         "does not wait": (LEARNT | Above("loss", 1.0) | Epochs(30), "that clause has to wait"),
         "waits too briefly": (LEARNT | After(5, Above("loss", 1.0)) | Epochs(30), "give it 10"),
         "waits too long": (LEARNT | After(12, Above("loss", 1.0)) | Epochs(30), "gives up?"),
         "looks once": (gives_up_at_once_or_never, "is 1.1, the loss is 1.1 at epoch 14"),
         "all of it waits": (After(12, LEARNT | Above("loss", 1.0)) | Epochs(30), "below 0.01 at epoch 11"),
         "or for and": (LEARNT | (Epochs(10) | Above("loss", 1.0)) | Epochs(30), "has to wait"),
         "and for or": (LEARNT & StepBudget(30 * 81), "trains until"),
         "budget alone": (Epochs(30), "trains until"),
         "steps for epochs": (LEARNT | StepBudget(30), "0.01 is reached at"),
         "under an epoch": (StepBudget(25), "Is the budget in steps?"),
         "a function around it": (lambda history: LEARNT, "Give the criterion, with"),
         "a list of rules": ([LEARNT], "is not of the kind"),
         "a gradient": (Below("gradient_norm", 0.1) | SLOW | Epochs(30), "trains until"),
         "clock": (LEARNT | TimeBudget(minutes=1), "without a clock"),
         "misspelt": (Below("los", 0.01) | Epochs(30), 'Did you mean "loss"?'),
         "validation": (Patience("val_loss", 3) | Epochs(30), "0.01 is reached at"),
         "a number": (0.01, "should be a criterion"),
         "no return": (lambda history: None, "Is a return missing?"),
         "no budget": (LEARNT | SLOW, "in a made-up run whose loss stays at 0.5, it never stops"),
         "generous budget": (LEARNT | SLOW | Epochs(40), "The budget is 30"),
         "mean budget": (LEARNT | SLOW | Epochs(20), "20 epochs. The bud"),
         "budget and a loss": (LEARNT | SLOW | (Epochs(30) & Above("loss", 0.1)), "0.02, it never stops"),
         "another limit": (LEARNT | After(10, Above("loss", 0.9)) | Epochs(30), "stays at 0.98"),
         "a higher limit": (LEARNT | After(10, Above("loss", 1.3)) | Epochs(30), "stays at 1.02"),
         "the accuracy": (LEARNT | After(10, Below("accuracy", 0.6)) | Epochs(30), "epochs. The bud"),
         "not near": (Below("loss", 0.0095) | SLOW | Epochs(30), "below 0.01 at epoch")},
        ...),
}


class TestChapters00And01(ExerciseRules):
    chapters = [chapter_00, chapter_01]
    answers = ANSWERS
    names = dict(keras=keras, np=np, Above=Above, Below=Below, Epochs=Epochs)


def test_an_error_in_the_answer_is_explained_with_its_line():
    def mean_loss(losses, sizes):
        return sum(losses) / number_of_emoji  # noqa: F821

    text = chapter_01.mean_over_emoji.grade(mean_loss).text
    assert "NameError" in text and "number_of_emoji" in text and "return sum(losses)" in text
