"""Every exercise accepts several right answers and refuses typical wrong ones, each with its own message."""

import sys
from decimal import Decimal

import keras
import numpy as np
import pytest

from course_utils.classroom.chapter_00 import exercises as chapter_00
from course_utils.classroom.chapter_01 import exercises as chapter_01
from course_utils.classroom.stage import Wrong, run
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


def counting(count):
    """Counts each epoch with `count(epoch, threshold)`, where a right answer would break."""
    return lambda losses, threshold: [count(epoch, threshold) for epoch in losses]


def at(place):
    """Breaks where `place` says, of the places at which a loss is below."""
    def count(epoch, threshold):
        below = [i for i, loss in enumerate(epoch, 1) if loss < threshold]
        return place(below, epoch) if below else len(epoch)

    return counting(count)


def found_by_value(epoch, threshold):
    for loss in epoch:
        if loss < threshold:
            break
    return epoch.index(loss) + 1


def twins(losses, threshold):
    counts = [0] * len(losses)
    for epoch in losses:
        counts[losses.index(epoch)] = runs([epoch], threshold)[0]
    return counts


def drifts(losses, threshold):
    counts = []
    for epoch in losses:
        counts += runs([epoch], threshold)
        threshold = min(threshold, epoch[counts[-1] - 1])
    return counts


def below_the_last_break(losses, threshold):
    counts, last = [], float("inf")
    for epoch in losses:
        counts += [next((i for i, loss in enumerate(epoch, 1) if loss < min(threshold, last)), len(epoch))]
        last = epoch[-1]
    return counts


def as_texts(epoch, threshold):
    return next((i for i, loss in enumerate(epoch, 1) if str(loss) < str(threshold)), len(epoch))


def grows(losses, threshold, counts=[]):  # noqa: B006 - the fault
    counts.extend(runs(losses, threshold))
    return counts


def weighted(loss=lambda loss: loss, size=lambda size: size, result=lambda mean: mean):
    def mean_loss(losses, sizes):
        return result(np.average([*map(loss, losses)], weights=[*map(size, sizes)]))

    return mean_loss


def plain_when_long(losses, sizes):
    return np.mean(losses) if len(losses) > 4 else np.average(losses, weights=sizes)


def plain_when_the_ends_are_alike(losses, sizes):
    return np.mean(losses) if sizes[0] == sizes[-1] else np.average(losses, weights=sizes)


def size_of_the_first(losses, sizes):
    return sum(loss * sizes[losses.index(loss)] for loss in losses) / sum(sizes)


def without_nan(losses, sizes):
    kept = ~np.isnan(losses)
    return np.average(np.array(losses)[kept], weights=np.array(sizes)[kept])


def leaves(losses, sizes):
    sys.exit()


def interrupts(losses, sizes):
    raise KeyboardInterrupt


def hooked(**methods):
    """A callback of 1.4 with these methods besides."""
    return type("Hooked", (stopper(),), methods)


def stops(value=lambda logs, metric: logs[metric], below=strictly_below):
    """Stops where `value(logs, metric)` is below, as far as `below` says."""
    def on_epoch_end(self, epoch, logs):
        if below(value(logs, self.metric), self.threshold):
            self.model.stop_training = True

    return hooked(on_epoch_end=on_epoch_end)


class BestSoFar(stopper()):
    best = float("inf")

    def on_epoch_end(self, epoch, logs=None):
        self.best = min(self.best, logs[self.metric])
        if self.best < self.threshold:
            self.model.stop_training = True


class SharedList(stopper()):
    seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(logs[self.metric])
        if min(self.seen) < self.threshold:
            self.model.stop_training = True


class Crossing(stopper()):
    """Stops where the value goes down through the threshold, and takes the last one of a fit along."""

    last = float("inf")

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.metric] < self.threshold <= self.last:
            self.model.stop_training = True
        self.last = logs[self.metric]


class MeanOfTwo(stopper()):
    def on_train_begin(self, logs=None):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(logs[self.metric])
        if np.mean(self.seen[-2:]) < self.threshold:
            self.model.stop_training = True


class OfTheClass(stopper()):
    def __init__(self, metric, threshold):
        keras.callbacks.Callback.__init__(self)
        OfTheClass.metric, OfTheClass.threshold = metric, threshold


class Capped(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch + 1 >= 100:
            self.model.stop_training = True


class OnlyOnce(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if self.model.stop_training:
            self.threshold = -1


class BeforeTheLast(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self.params["epochs"] and self.model.name:
            super().on_epoch_end(epoch, logs)


class Lambdas(keras.callbacks.LambdaCallback):
    def __init__(self, metric, threshold):
        super().__init__(on_epoch_end=self.look, on_train_begin=lambda logs: None)
        self.metric, self.threshold = metric, threshold

    def look(self, epoch, logs):
        if logs[self.metric] < self.threshold:
            self.model.stop_training = True


class Leaves(stopper()):
    def on_epoch_end(self, epoch, logs=None):
        if logs[self.metric] < self.threshold:
            sys.exit("below")


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
        [55, 52, np.int64(64), Decimal(60)],
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
         "the epochs with a break": (lambda b, t: [n for n, e in zip(runs(b, t), b) if min(e) < t],
                                     "with a break or without"),
         "the lowest": (counting(lambda e, t: e.index(min(e)) + 1), "In epoch 1 the batch losses are"),
         "the last below": (at(lambda below, e: below[-1]), "breaks at the first below"),
         "the largest below": (at(lambda below, e: e.index(max(e[i - 1] for i in below)) + 1),
                               "the first loss below it breaks"),
         "by value": (counting(found_by_value), "list.index finds only the first"),
         "equal epochs": (twins, "list.index finds only the first"),
         "a threshold that drifts": (drifts, "the one that was given"),
         "below the last break": (below_the_last_break, "the one that was given"),
         "0 is no loss": (counting(lambda e, t: next((i for i, x in enumerate(e, 1) if x and x < t), len(e))),
                          "A loss of 0"),
         "four batches": (lambda b, t: runs([e[:4] for e in b], t), "more than four batches"),
         "a little lower": (lambda b, t: runs(b, t - 1e-4), "breaks at the first loss below the threshold"),
         "no threshold of 0": (lambda b, t: runs(b, t or 0.01), "The threshold may be 0"),
         "81 batches": (lambda b, t: runs([e[:81] for e in b], t), "many batches in one"),
         "25 epochs": (lambda b, t: runs(b[:25], t), "for 31 others, your list has 25 numbers"),
         "as texts": (counting(as_texts), "breaks at the first loss below the threshold"),
         "the first in full": (lambda b, t: [len(b[0]), *runs(b[1:], t)], "treated unlike the others"),
         "the last in full": (lambda b, t: [*runs(b[:-1], t), len(b[-1])], "treated unlike the others"),
         "a list that grows": (grows, "does the list keep what it had before"),
         "as long as the first": (as_long_as_the_first, "all of its own batches"),
         "empties the list": (emptied, "changes the lists it is given"),
         "by heart": (lambda b, t: [4, 2, 4, 1, 4], "Is a number fixed")}, lambda b, t: ...),
    chapter_01.mean_over_emoji: (
        [lambda v, n: np.average(v, weights=n), lambda v, n: keras.ops.convert_to_tensor(
            np.average(v, weights=n)), lambda v, n: sum(a * b for a, b in zip(v, n)) / sum(n),
         lambda v, n: np.float32(np.repeat(v, n).mean()), weighted(result=lambda mean: Decimal(float(mean))),
         weighted(result=lambda mean: round(mean, 6))],
        {"mean of means": (lambda v, n: np.mean(v), "the say of a full one"),
         "last batch": (lambda v, n: v[-1], "last batch alone"),
         "sum": (lambda v, n: np.dot(v, n), "is the sum"),
         "full batches": (lambda v, n: np.dot(v, n) / (max(n) * len(n)), "not by four full batches"),
         "a text": (lambda v, n: str(np.average(v, weights=n)), "One number is asked for"),
         "a list": (lambda v, n: v, "One number is asked for"),
         "a list of one": (lambda v, n: [0.232], "take it out of the list"),
         "as if arrays": (with_arrays, "are lists; np.array(...) makes an array"),
         "by heart": (lambda v, n: 0.232, "Is a number fixed"),
         "sizes turned round": (lambda v, n: np.average(v, weights=sorted(n)[::-1]), "another's size"),
         "four digits": (weighted(result=lambda mean: round(mean, 4)), "is not rounded"),
         "float16": (weighted(result=np.float16), "you returned 0.232056"),
         "the first of equals": (size_of_the_first, "in its own place"),
         "without NaN": (without_nan, "do not leave it out"),
         "at most 16": (weighted(size=lambda size: min(size, 16)), "its own loss and its own size"),
         "at most 10": (weighted(loss=lambda loss: min(loss, 10)), "its own loss and its own size"),
         "at most 100": (weighted(loss=lambda loss: min(loss, 100)), "its own loss and its own size"),
         "plain when the ends are alike": (plain_when_the_ends_are_alike, "not the last alone"),
         "81 batches": (lambda v, n: np.average(v[:81], weights=n[:81]), "There may be many batches"),
         "plain when long": (plain_when_long, "its own loss and its own size"),
         "ends Python": (leaves, 'SystemExit in the line "sys.exit()": that ends Python itself'),
         "an interruption": (interrupts, 'interrupted in the line "raise KeyboardInterrupt"'),
         "all but the last alike": (all_but_the_last_alike, "with its own size"),
         "pops": (popped, "changes the lists it is given"),
         "rounded": (lambda v, n: round(np.average(v, weights=n), 3), "is not rounded"),
         "without zeros": (without_zeros, "A loss of 0 counts"),
         "one batch is 0": (lambda v, n: np.average(v, weights=n) if len(v) > 1 else 0, "One batch is"),
         "something": (lambda v, n: 7.0, "you returned 7")}, lambda v, n: ...),
    chapter_01.threshold_stop: (
        [stopper(), WithOr, Asks, stops(), BeforeTheLast, Lambdas,
         hooked(on_train_begin=lambda self, logs: None, on_epoch_begin=lambda self, epoch, logs: None,
                on_train_batch_end=lambda self, batch, logs: None)],
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
         "rounded": (stopper(lambda v, t: round(v, 2) < t), "rounded, or"),
         "four digits": (stopper(lambda v, t: round(v, 4) < t), "rounded, or"),
         "a margin": (stopper(lambda v, t: v < t - 1e-3), "the threshold moved"),
         "no threshold of 0": (stopper(lambda v, t: t and v < t), "A threshold may be 0"),
         "abs": (stopper(lambda v, t: abs(v) < t), "a value below 0"),
         "higher is better": (stops(lambda logs, name: logs[name] if "loss" in name else -logs[name]),
                              "the same rule for every metric"),
         "val_loss, else": (stops(lambda logs, metric: logs["loss" if metric == "loss" else "val_loss"]),
                            "Asked to watch accuracy"),
         "of the validation": (stops(lambda logs, metric: logs.get(f"val_{metric}", logs[metric])),
                               "yours is at epoch 3. Is it logs[self.metric]"),
         "any": (stops(lambda logs, metric: min(logs.values())), "Does it look at self.metric"),
         "the best so far": (BestSoFar, "In a second training with the same callback"),
         "a shared list": (SharedList, "yours stopped at epoch 0; in the first"),
         "crossing": (Crossing, "In a third training with the same callback"),
         "the mean of two": (MeanOfTwo, "at that epoch's value alone"),
         "in the class": (OfTheClass, "in self, not in the class"),
         "at most 100 epochs": (Capped, "A run may be long"),
         "as texts": (stopper(lambda v, t: str(v) < str(t)), "a value large or infinite"),
         "infinity stops": (stopper(lambda v, t: v < t or v == float("inf")), "a value large or infinite"),
         "no threshold below 0": (stopper(lambda v, t: v < abs(t)), "A threshold may be below 0"),
         "a function": (lambda metric, threshold: stopper()(metric, threshold), "a function will not do"),
         "only once": (OnlyOnce, "yours went on to the end"),
         "pops": (stops(lambda logs, metric: logs.pop(metric)), 'takes "loss" out of logs'),
         "no logs at the beginning": (hooked(on_train_begin=lambda self: None),
                                      "Keras cannot call your on_train_begin: "),
         "no logs in on_epoch_end": (hooked(on_epoch_end=lambda self, epoch: None),
                                     "begins def on_epoch_end(self, epoch, logs=None)"),
         "logs renamed": (hooked(on_train_batch_end=lambda self, batch, values=None: None),
                          "unexpected keyword argument 'logs'"),
         "ends Python": (Leaves, "not a function or a training"),
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
         "one short budget": (LEARNT | Epochs(11), "first below 0.01 at epoch 11"),
         "does not wait": (LEARNT | Above("loss", 1.0) | Epochs(30), "that one has to wait"),
         "waits too briefly": (LEARNT | After(5, Above("loss", 1.0)) | Epochs(30), "give it 10"),
         "waits too long": (LEARNT | After(12, Above("loss", 1.0)) | Epochs(30), "gives up?"),
         "looks once": (gives_up_at_once_or_never, "is 1.1, the loss is 1.1 at epoch 14"),
         "all of it waits": (After(12, LEARNT | Above("loss", 1.0)) | Epochs(30), "below 0.01 at epoch 11"),
         "or for and": (LEARNT | (Epochs(10) | Above("loss", 1.0)) | Epochs(30), "has to wait"),
         "and for or": (LEARNT & StepBudget(30 * 81), "trains until"),
         "budget alone": (Epochs(30), "trains until"),
         "steps for epochs": (LEARNT | StepBudget(30), "first below 0.01 at"),
         "under an epoch": (StepBudget(25), "Is the budget in steps?"),
         "a function around it": (lambda history: LEARNT, "Give the criterion, with"),
         "a list of rules": ([LEARNT], "is not of the kind"),
         "a gradient": (Below("gradient_norm", 0.1) | SLOW | Epochs(30), "trains until"),
         "clock": (LEARNT | TimeBudget(minutes=1), "without a clock"),
         "misspelt": (Below("los", 0.01) | Epochs(30), 'Did you mean "loss"?'),
         "validation": (Patience("val_loss", 3) | Epochs(30), "first below 0.01 at"),
         "a number": (0.01, "should be a criterion"),
         "no return": (lambda history: None, "Is a return missing?"),
         "no budget": (LEARNT | SLOW, "in a made-up run whose loss stays at 0.5, it never stops"),
         "generous budget": (LEARNT | SLOW | Epochs(40), "The budget is 30"),
         "mean budget": (LEARNT | SLOW | Epochs(20), "20 epochs. The bud"),
         "a budget that begins late": (LEARNT | After(9, Above("loss", 1.0) | Epochs(30)),
                                       "epoch 29 is the last. Inside After the run begins anew"),
         "waits twice": (LEARNT | After(9, Above("loss", 1.0) & Epochs(10)) | Epochs(30),
                         "gives up? Inside After the run begins anew"),
         "budget and a loss": (LEARNT | SLOW | (Epochs(30) & Above("loss", 0.1)), "exactly 0.01, it never"),
         "another limit": (LEARNT | After(10, Above("loss", 0.9)) | Epochs(30), "stays at exactly 1"),
         "a higher limit": (LEARNT | After(10, Above("loss", 1.3)) | Epochs(30), "stays at 1.001"),
         "the accuracy": (LEARNT | After(10, Below("accuracy", 0.6)) | Epochs(30), "epochs. The bud"),
         "not near": (Below("loss", 0.0095) | SLOW | Epochs(30), "below 0.01 at epoch"),
         "0.01 counts": (Below("loss", 0.010001) | SLOW | Epochs(30), "stays at exactly 0.01, it stops"),
         "a gradient, too": (LEARNT | SLOW | Epochs(30) | Below("gradient_norm", 0.01),
                             "all else that is measured is 0, it stops"),
         "a validation, too": (LEARNT | SLOW | Epochs(30) | Above("val_loss", 9.0),
                               "all else that is measured is 100, it stops"),
         "gives up by accuracy, too": (LEARNT | After(9, Above("loss", 1.0) & Below("accuracy", 0.9))
                                       | Epochs(30), "all else that is measured is 100"),
         "learnt by val_loss, too": ((LEARNT & Below("val_loss", 9.0)) | SLOW | Epochs(30),
                                     "is 0.00999 from the start, and all else that is measured is 100"),
         "explodes": (LEARNT | SLOW | Epochs(30) | Above("loss", 100.0), "is 1000 until epoch 4"),
         "nearly": (Below("loss", 0.012) | SLOW | Epochs(30), "with loss 0.010"),
         "above for below": (Above("loss", 0.01) | SLOW | Epochs(30), "Which clause is met there?")},
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


def test_an_interruption_ends_the_check_with_a_sentence(monkeypatch, capsys):
    def mean_loss(losses, sizes):
        while True:
            press()

    def press():  # as Ctrl-C does, wherever the code is
        raise KeyboardInterrupt

    chapter_01.mean_over_emoji.check(mean_loss)
    said = capsys.readouterr().out
    assert "The check was interrupted in the line" in said and "Traceback" not in said


@pytest.mark.parametrize(("name", "method"), [
    ("on_train_begin", lambda self: None), ("on_train_end", lambda self: None),
    ("on_epoch_begin", lambda self, epoch: None), ("on_epoch_end", lambda self, epoch: None),
    ("on_train_batch_begin", lambda self, batch: None), ("on_train_batch_end", lambda self, batch: None),
    ("on_test_begin", lambda self: None), ("on_test_end", lambda self: None),
    ("on_test_batch_begin", lambda self, batch: None), ("on_test_batch_end", lambda self, batch: None)])
def test_the_stage_refuses_what_keras_refuses(name, method):
    """Each of these makes `fit` raise the TypeError whose words are shown."""
    callback = type("Mine", (keras.callbacks.Callback,), {name: method})()
    with pytest.raises(Wrong, match=f"Keras cannot call your {name}: ") as refused:
        run(callback, [{"loss": 1.0}], batches=1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((2, 1))
    with pytest.raises(TypeError) as raised:
        model.fit(x, x, validation_data=(x, x), verbose=0, callbacks=[callback])
    assert str(raised.value) in str(refused.value)
