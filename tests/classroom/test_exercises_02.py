"""The exercises of chapter 02: right answers are accepted, wrong ones refused, each with its own message."""

import math
import time

import keras
import numpy as np
import pytest

from course_utils.classroom.chapter_02 import exercises as chapter_02
from course_utils.classroom.chapter_02.lifetimes import lifetime
from course_utils.classroom.stage import Clock, run
from course_utils.stopping import Epochs, ImprovementBelow, Patience, TimeBudget
from exercise_rules import ExerciseRules


def improvements(losses):
    return np.r_[np.inf, -np.diff(losses)]


def condition(small=lambda change, epsilon: change <= epsilon, late=lambda passed, limit: passed >= limit,
              first=math.inf, passed=lambda seconds: seconds[-1], before=-2, both=False):
    def stop(seconds, losses, limit, epsilon):
        change = losses[before] - losses[-1] if len(losses) > 1 else first
        clauses = late(passed(seconds), limit), small(change, epsilon)
        return all(clauses) if both else any(clauses)

    return stop


class Summed(keras.callbacks.Callback):
    """Keeps back all validations so far together."""

    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def on_train_begin(self, logs=None):
        self.start, self.validation = self.clock(), 0.0

    def on_test_begin(self, logs=None):
        self.begun = self.clock()

    def on_test_end(self, logs=None):
        self.validation += self.clock() - self.begun

    def on_train_batch_end(self, batch, logs=None):
        self.look()

    def on_epoch_end(self, epoch, logs=None):
        self.look()

    def look(self):
        if self.clock() - self.start + self.validation >= self.seconds:
            self.model.stop_training = True


class Counts(Summed):
    """A batch is taken for a second; only validation is measured."""

    def on_train_begin(self, logs=None):
        self.used, self.validation = 0, 0.0

    def on_test_end(self, logs=None):
        self.validation = self.clock() - self.begun
        self.used += self.validation

    def on_train_batch_end(self, batch, logs=None):
        self.used += 1
        self.look()

    def look(self):
        if self.used + self.validation >= self.seconds:
            self.model.stop_training = True


class SwitchesOff(Summed):
    def on_test_end(self, logs=None):
        self.validation = self.clock() - self.begun

    def look(self):
        self.model.stop_training = bool(self.clock() - self.start + self.validation >= self.seconds)


def keeps(choose):
    """Keeps back what `choose` makes of the list of validations so far."""
    class Keeps(Summed):
        def on_train_begin(self, logs=None):
            super().on_train_begin()
            self.passes = []

        def on_test_end(self, logs=None):
            self.passes.append(self.clock() - self.begun)
            self.validation = choose(self.passes)

    return Keeps


class EveryFifth(keeps(max)):
    def on_train_batch_end(self, batch, logs=None):
        if batch % 5 == 0:
            super().on_train_batch_end(batch)


class WallClock(Summed):
    def on_train_begin(self, logs=None):
        self.clock = time.time
        super().on_train_begin()


class Unclear:
    """As pandas.NA: whether it is equal to something is not to be asked."""

    def __eq__(self, other):
        return self

    def __bool__(self):
        raise TypeError("ambiguous")


def kept(losses, found=[]):  # noqa: B006 - the fault
    found.extend(improvements(losses))
    return found


def without_nan(losses):
    return improvements([loss for loss in losses if not np.isnan(loss)])


def from_what_is_not_0(losses):
    return [before - now if before else math.inf for before, now in zip([None, *losses], losses)]


def ends_a_list(losses):
    losses.insert(0, np.inf)
    return [a - b for a, b in zip(losses, losses[1:])]


def not_in_the_first(seconds, losses, limit, epsilon):
    return len(losses) > 1 and condition()(seconds, losses, limit, epsilon)


def any_pair(seconds, losses, limit, epsilon):
    return seconds[-1] >= limit or any(a - b <= epsilon for a, b in zip(losses, losses[1:]))


def from_the_best(seconds, losses, limit, epsilon):
    return seconds[-1] >= limit or min(losses[:-1], default=math.inf) - losses[-1] <= epsilon


def pops(seconds, losses, limit, epsilon):
    now = losses.pop()
    return seconds[-1] >= limit or (bool(losses) and losses[-1] - now <= epsilon)


def budget(look="both", start="training", reserve="measured", reached=lambda passed, of: passed >= of,
           target="model", reached_at_end=None):
    class Budget(keras.callbacks.Callback):
        def __init__(self, seconds, clock):
            super().__init__()
            self.seconds, self.clock = seconds, clock
            self.start, self.validation = clock(), 0.0

        def on_train_begin(self, logs=None):
            self.validation = 0.0
            if start == "training":
                self.start = self.clock()

        def on_epoch_begin(self, epoch, logs=None):
            if start == "epoch":
                self.start = self.clock()

        def on_train_batch_end(self, batch, logs=None):
            self.last = self.clock()
            if look != "epoch":
                self.look(reached)

        def on_epoch_end(self, epoch, logs=None):
            self.validation = self.clock() - self.last
            if look != "batch":
                self.look(reached_at_end or reached)

        def look(self, reached):
            kept_back = {"measured": self.validation, "twice": 2 * self.validation}.get(reserve, reserve)
            if reached(self.clock() - self.start + kept_back, self.seconds):
                (self.model if target == "model" else self).stop_training = True

    return Budget


class Unfinished(keras.callbacks.Callback):
    def __init__(self, seconds, clock):
        super().__init__()

    def on_train_begin(self, logs=None):
        return ...


def prompt(room=lambda validation: validation, at_end=lambda validation: validation, first=True,
           measured=lambda took, before: took, skips=lambda batch: False, of=lambda seconds: seconds,
           passed=lambda seconds: seconds, forgets=True, epoch_0=True, **methods):
    """As the shown solution, with one thing changed."""
    class Prompt(keras.callbacks.Callback):
        def __init__(self, seconds, clock):
            super().__init__()
            self.seconds, self.clock, self.validation = seconds, clock, 0

        def on_train_begin(self, logs):
            self.start, self.known = self.clock(), False
            if forgets:
                self.validation = 0

        def on_test_begin(self, logs):
            self.begun = self.clock()

        def on_test_end(self, logs):
            self.validation, self.known = measured(self.clock() - self.begun, self.validation), True

        def on_train_batch_end(self, batch, logs):
            if (first or self.known) and not skips(batch):
                self.look(room)

        def on_epoch_end(self, epoch, logs):
            if epoch or epoch_0:
                self.look(at_end)

        def look(self, room):
            if passed(self.clock() - self.start) + room(self.validation) >= of(self.seconds):
                self.model.stop_training = True

    return type("Prompt", (Prompt,), methods)


class Shared(Summed):
    """What a validation takes is kept on the class, for all of its objects."""

    took = 0.0

    def on_test_end(self, logs=None):
        Shared.took = self.clock() - self.begun

    def look(self):
        if self.clock() - self.start + Shared.took >= self.seconds:
            self.model.stop_training = True


class OfTheClass(prompt()):
    def __init__(self, seconds, clock):
        keras.callbacks.Callback.__init__(self)
        OfTheClass.seconds, OfTheClass.clock = seconds, clock


class TenEpochs(prompt()):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch >= 9:
            self.model.stop_training = True


class AtTheBegin(prompt()):
    def on_train_batch_begin(self, batch, logs=None):
        self.look(lambda validation: validation)

    def on_train_batch_end(self, batch, logs=None):
        pass


class Once(budget()):
    """Its clock is started in the first fit and never again."""

    def on_train_begin(self, logs=None):
        if not hasattr(self, "begun"):
            self.begun = True
            super().on_train_begin()


def still(history):
    """No better than 35 epochs ago, written by hand."""
    values = history["val_loss"]
    return len(values) > 35 and values[-1] >= values[-36]


def relative(epsilon, window):
    return ImprovementBelow("val_loss", epsilon, window, relative=True)


class TestChapter02(ExerciseRules):
    chapters = [chapter_02]
    names = dict(keras=keras, np=np, ImprovementBelow=ImprovementBelow)
    answers = {
        chapter_02.which_clause: (
            [(2, "improvement"), [np.int64(2), "improvement"], (2.0, "Improvement"), "2, improvement",
             (np.array(2), "improvement")],
            {"time": ((3, "time"), "Time is up at epoch 3"), "late": ((4, "improvement"), "came first"),
             "at once": ((0, "improvement"), "nothing to compare"), "good": ((1, "improvement"), "0.3"),
             "from 1": ((3, "improvement"), "count from 1"), "clause": ((2, "time"), "9 of 12"),
             "time, late": ((4, "time"), "12 >= 12"), "time, early": ((1, "time"), "only 6 seconds"),
             "no clause": (2, "an epoch from 0 to 4 and a clause"), "far": ((7, "time"), "from 0 to 4"),
             "from the end": ((-3, "improvement"), "there is no epoch -3"),
             "half": ((2.5, "improvement"), "this is 2.5"),
             "no text": ((2, Unclear()), 'is "improvement" or "time"'),
             "other clause": ((2, "loss"), 'is "improvement" or "time"')}, (..., ...)),
        chapter_02.improvement_list: (
            [improvements, lambda v: [math.inf] + [a - b for a, b in zip(v, v[1:])],
             lambda v: (value for value in improvements(v)), lambda v: np.float32(improvements(v)),
             lambda v: np.round(improvements(v), 6), lambda v: -np.diff(np.float32(v), prepend=np.inf),
             lambda v: np.nan_to_num(improvements(v), nan=np.inf, posinf=np.inf)],  # as pandas' fillna
            {"no first": (lambda v: -np.diff(v), "Three numbers"),
             "sign": (lambda v: np.r_[np.inf, np.diff(v)], "+0.3"),
             "abs": (lambda v: np.r_[np.inf, abs(np.diff(v))], "abs hides"),
             "the article's": (lambda v: [math.inf] * len(v), "inf minus anything"),
             "zero first": (lambda v: np.r_[0, -np.diff(v)], "Epoch 0 says 0"),
             "from the first": (lambda v: np.r_[np.inf, v[0] - np.array(v[1:])], "just before"),
             "by heart": (lambda v: [math.inf, 0.3, -0.05, 0.15], "Is a number fixed"),
             "from what is not 0": (from_what_is_not_0, "A loss may be 0"),
             "the first by value": (lambda v: [math.inf if now == v[0] else before - now for before, now in
                                               zip([0, *v], v)], "each may come again"),
             "each once": (lambda v: list(dict.fromkeys(improvements(v).tolist())), "each may come again"),
             "a list that grows": (kept, "your list has 6 numbers, and 2 are due"),
             "no last": (lambda v: improvements(v)[:-1], "is the last epoch left out?"),
             "float16": (lambda v: np.float16(improvements(v)), "you say 0.300049"),
             "four digits": (lambda v: np.round(improvements(v), 4), "is not rounded"),
             "at most 1": (lambda v: [math.inf, *np.minimum(improvements(v)[1:], 1)], "count in full"),
             "at least -1": (lambda v: np.maximum(improvements(v), -1), "count in full"),
             "without NaN": (without_nan, "is an epoch, too"),
             "0 for NaN": (lambda v: np.nan_to_num(improvements(v), posinf=np.inf), "leave it NaN"),
             "five at most": (lambda v: improvements(v)[:5], "compared with the one before"),
             "no return": (lambda v: None, "is a return missing?"),
             "a number": (lambda v: 0.3, "should be a list"), "too many": (lambda v: [0.0] * 9, "9 numbers"),
             "the losses": (lambda v: v, "At epoch 0 you say 0.9"),
             "none for one": (lambda v: improvements(v) if len(v) > 1 else [], "One loss has one"),
             "0 for one": (lambda v: improvements(v) if len(v) > 1 else [0], "One loss has one"),
             "rounded": (lambda v: np.round(improvements(v), 2), "is not rounded"),
             "changes its list": (ends_a_list, "changes the lists it is given"),
             "a list": ([math.inf, 0.3, -0.05, 0.15], "should be a function")}, lambda v: ...),
        chapter_02.mended_condition: (
            [condition(), lambda s, v, limit, e: bool((improvements(v)[-1] <= e) | (s[-1] >= limit))],
            {"exceeds": (condition(lambda change, e: change > e, first=-math.inf), "wrong way round"),
             "exceeds, inf": (condition(lambda change, e: change > e), "epoch 0"),
             "and": (condition(both=True), "do you ask for both"),
             "first is 0": (condition(first=0.0), "epoch 0"),
             "counts epochs": (condition(passed=len), "Do you compare these two"),
             "from the first epoch": (condition(passed=lambda s: s[-1] - s[0]), "the start of training"),
             "no time": (lambda s, v, limit, e: condition()([0], v, 1, e), "`limit` says how much may"),
             "whole seconds passed": (condition(passed=lambda s: int(s[-1])), "Is a time rounded?"),
             "nearest second": (condition(passed=lambda s: round(s[-1])), "Is the time rounded"),
             "a whole limit": (condition(late=lambda passed, limit: passed >= int(limit)), "the limit round"),
             "a little early": (condition(late=lambda passed, limit: passed >= limit - 0.2),
                                "you stop before the limit"),
             "no epsilon below 0": (condition(lambda change, e: change <= max(e, 0)), "latest improvement"),
             "losses first": (lambda v, s, limit, e: condition()(s, v, limit, e), "order of the arguments"),
             "epsilon first": (lambda s, v, e, limit: condition()(s, v, limit, e), "1 of 10 seconds has"),
             "epsilon 0.01": (lambda s, v, limit, e: condition()(s, v, limit, 0.01), "Is epsilon fixed, or"),
             "not >=": (condition(late=lambda passed, limit: passed > limit), "has >="),
             "not <=": (condition(lambda change, e: change < e), "has <="),
             "abs": (condition(lambda change, e: abs(change) <= e), "an improvement of -0.2"),
             "the first": (condition(before=0), "not with the first"),
             "adds up": (condition(passed=sum), "the time since the start"),
             "no return": (lambda *args: None, "is a return missing?"),
             "always": (lambda *args: True, "epoch 0"),
             "not in the first": (not_in_the_first, "The time counts there too"),
             "from the best": (from_the_best, "not with the best so far"),
             "any pair": (any_pair, "no earlier pair"),
             "first is 1": (condition(first=1), "neither a finite number"),
             "first is the loss": (lambda s, v, limit, e: s[-1] >= limit or (
                 v[-2] if len(v) > 1 else 2 * v[0]) - v[-1] <= e, "neither a finite number"),
             "a fixed epsilon": (lambda s, v, limit, e: condition()(s, v, limit, 0.001), "Is epsilon fixed"),
             "the time of one loss alone": (lambda s, v, limit, e: v[-2] - v[-1] <= e if len(v) > 1 else
                                            s[-1] >= limit, "in every epoch?"),
             "from three losses on": (lambda s, v, limit, e: s[-1] >= limit or (
                 len(v) > 2 and v[-2] - v[-1] <= e), "two losses make an improvement"),
             "0 is no loss": (lambda s, v, limit, e: s[-1] >= limit or bool(
                 len(v) > 1 and v[-2] and v[-2] - v[-1] <= e), "a loss of 0 is a loss"),
             "epsilon left out": (lambda s, v, limit, e: condition()(s, v, limit, 0), "or left out?"),
             "time alone": (lambda s, v, limit, e: s[-1] >= limit, "the improvement left out"),
             "a limit of 12": (lambda s, v, limit, e: condition()(s, v, 12, e), "`limit` says"),
             "a share": (lambda s, v, limit, e: condition()(s, v, limit, e * v[-1]), "a share of the loss"),
             "no epsilon of 0": (lambda s, v, limit, e: bool(
                 s[-1] >= limit or e and condition()(s, v, limit, e)), "An epsilon of 0"),
             "no limit of 0": (lambda s, v, limit, e: condition()(s, v, limit or math.inf, e),
                               "A limit of 0"),
             "rounded": (condition(lambda change, e: round(change, 3) <= e), "rounded"),
             "NaN": (condition(lambda change, e: not change > e), "no comparison with NaN"),
             "pops": (pops, "changes the lists it is given"),
             "a fixed limit": (lambda s, v, limit, e: condition()(s, v, 10.0, e), "Is the limit fixed?"),
             "a text": (lambda *args: "False", "Return True or False; you return the text 'False'"),
             "one loss": (lambda s, v, limit, e: v[-2] - v[-1] <= e, "asks for two")},
            lambda *args: ...),
        chapter_02.prompt_budget: (
            [budget(), keeps(lambda passes: passes[-1]), prompt(),
             prompt(on_test_batch_end=lambda self, batch, logs: None)],
            {"after an epoch": (budget("epoch", reserve=0), "too seldom"),
             "a batch more": (budget(reached=lambda passed, of: passed + 1 > of), "add nothing"),
             "+ 1": (prompt(lambda v: v + 1), "You ended at 29 s of 30: too careful"),
             "+ 0.5": (prompt(lambda v: v + 0.5), "add nothing to the validation"),
             "a tenth more": (prompt(lambda v: 1.1 * v), "due"),
             "the longest": (keeps(max), "not the longest"),
             "the longer of two": (keeps(lambda passes: max(passes[-2:])), "due"),
             "two passes at the end": (prompt(at_end=lambda v: 2 * v), "no more than that"),
             "not in the first epoch": (prompt(first=False), "every batch may be the last"),
             "not after epoch 0": (prompt(epoch_0=False), "look at the end of that epoch, too"),
             "not after batch 0": (prompt(skips=lambda batch: batch == 0), "the first batch of an epoch"),
             "every second batch": (prompt(skips=lambda batch: batch % 2 == 0), "after each."),
             "before each batch": (AtTheBegin, "do you look after every batch"),
             "whole budgets": (prompt(of=int), "round nothing"),
             "whole times": (prompt(passed=math.ceil), "round nothing"),
             "not forgotten": (prompt(forgets=False), "with the last validation, too"),
             "shared": (Shared, "Before the first validation nothing is kept back"),
             "the last batch alone": (prompt(skips=lambda batch: batch != 19), "after every batch"),
             "in the class": (OfTheClass, "Keep it in self"),
             "ten epochs": (TenEpochs, "A run may have many epochs"),
             "a function": (lambda seconds, clock: prompt()(seconds, clock), "a function will not do"),
             "30 s": (prompt(of=lambda seconds: 30), "Is the budget self.seconds"),
             "3 s at once": (keeps(lambda passes: 3), "no fixed number"),
             "no logs at the beginning": (prompt(on_train_begin=lambda self: None), "2 were given"),
             "logs renamed": (prompt(on_train_batch_end=lambda self, batch, values=None: None),
                              "def on_train_batch_end(self, batch, logs=None)"),
             "no logs in on_test_begin": (prompt(on_test_begin=lambda self: None),
                                          "Keras cannot call your on_test_begin"),
             "after batches alone": (budget("batch"), "look at the end of that epoch, too"),
             "at the end without a pass": (
                 budget(reached_at_end=lambda passed, of: passed - 3 >= of), "with one more pass kept back"),
             "not >= at the end": (budget(reached_at_end=lambda passed, of: passed > of), "just 49"),
             "from construction": (budget(start="never"), "after one batch"),
             "no validation": (budget(reserve=0), "Leave room"),
             "starts anew": (budget(start="epoch"), "start anew"),
             "not >=": (budget(reached=lambda passed, of: passed > of), ">=, not >"),
             "keeps too much": (budget(reserve="twice"), "too careful"),
             "a fixed reserve": (budget(reserve=3), "no fixed number"),
             "a share": (budget(reserve=0, reached=lambda passed, of: passed >= 0.9 * of), "no share"),
             "all together": (Summed, "not all validations so far together"),
             "counts batches": (Counts, "Time is not a number of batches"),
             "switches off": (SwitchesOff, "switched that off"),
             "the first validation": (keeps(lambda passes: passes[0]), "unrounded"),
             "the shortest": (keeps(min), "unrounded"),
             "whole seconds": (keeps(lambda passes: int(passes[-1])), "unrounded"),
             "every fifth": (EveryFifth, "look after every batch"),
             "another clock": (WallClock, "no other clock"),
             "at once": (budget(reached=lambda passed, of: True), "Does the stop ask"),
             "exactly": (budget(reached=lambda passed, of: passed == of), ">=, not =="),
             "self": (budget(target="self"), "self.model.stop_training"),
             "second fit": (Once, "A second fit"),
             "an object": (budget()(30, Clock()), "without parentheses"),
             "a plain class": (type("Plain", (), {"__init__": lambda self, seconds, clock: None}),
                               "should be a Keras callback")}, Unfinished),
        chapter_02.epsilon_and_window: (
            [relative(0.001, 35), relative(0.0, 40), ImprovementBelow("val_loss", 0.01, 40), still],
            {"patience": (Patience("val_loss", 12), "looks for a new best"),
             "shorter patience": (Patience("val_loss", 10), "looks for a new best"),
             "patience by hand": (lambda history: len(history["val_loss"]) - 1
                                  - int(np.argmin(history["val_loss"])) >= 12, "looks for a new best"),
             "as long as the run": (relative(0.001, 300), "as long as the run"),
             "window 1": (relative(0.001, 1), "cheap alone does not win"),
             "window 20": (relative(0.001, 20), "Most is lost on soybean"),
             "window 60": (relative(0.001, 60), "trains so long"),
             "absolute": (ImprovementBelow("val_loss", 0.05, 35), "Most is lost on"),
             "waits for a rise": (ImprovementBelow("val_loss", -0.01, 30), "10 of 50 runs never end"),
             "training loss": (ImprovementBelow("loss", 0.001, 20, relative=True), "gene"),
             "the test": (ImprovementBelow("test_loss", 0.001, 30), "must not see"),
             "misspelt": (ImprovementBelow("val_los", 0.001, 30, mode="min"), 'Did you mean "val_loss"?'),
             "a clock": (TimeBudget(seconds=9), "without a clock"),
             "a fixed length": (Epochs(60), "loses 4.3 %. The limit is 3 %. Most is lost on soybean"),
             "three numbers": ((0.001, 30, True), "should be a rule"),
             "at once": (lambda history: True, "cheap alone"),
             "no return": (lambda history: None, "Is a return missing?")}, ...),
    }


ONE_FAULT = [  # what one message is said of, because it is one fault, or because the message names both
    {"exceeds", "losses first"}, {"exceeds, inf", "first is 0", "always", "epsilon first"},
    {"and", "from three losses on", "time alone"}, {"counts epochs", "from the first epoch", "no time",
                                                    "the time of one loss alone", "a limit of 12"},
    {"nearest second", "a little early"}, {"epsilon 0.01", "a share"}, {"from the best", "any pair"},
    {"first is 1", "first is the loss"}, {"epsilon left out", "a fixed epsilon"},
    {"after an epoch", "the last batch alone"}, {"a batch more", "+ 0.5", "whole budgets"},
    {"the longest", "the longer of two"}, {"not after epoch 0", "after batches alone"},
    {"before each batch", "not >="}, {"a function", "an object"}, {"3 s at once", "a fixed reserve"},
    {"from construction", "at once"}, {"starts anew", "another clock"},
    {"the first validation", "the shortest"}, {"patience", "patience by hand"}]


def test_every_wrong_answer_says_something_else():
    shared = []
    for exercise, (_, wrong, _) in TestChapter02.answers.items():
        said = {}
        for name, (answer, _) in wrong.items():
            said.setdefault(exercise.grade(answer).text, set()).add(name)
        shared += [names for names in said.values() if len(names) > 1]
    assert shared == ONE_FAULT


@pytest.mark.parametrize(("seconds", "ends"), [(21, 23), (46.5, 46), (47, 46), (49, 46), (50, 50), (70, 69)])
def test_a_budget_that_ends_just_after_a_validation_begins_no_other_epoch(seconds, ends):
    names, clock = {"keras": keras}, Clock()
    exec(chapter_02.prompt_budget.code, names)
    model, parts = lifetime(names["PromptBudget"](seconds, clock), clock)  # an epoch of 20 s and 3 s
    assert model.stop_training and parts[-1] == ("validate", ends - 3, ends)


def test_the_stage_has_batches_validation_and_a_clock():
    calls, clock = [], Clock(5.0)

    class Notes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            calls.append(f"epoch {epoch} at {clock():g}")

        def on_train_batch_end(self, batch, logs=None):
            calls.append(f"batch {batch} at {clock():g}")
            self.model.stop_training = clock() >= 11

        def on_test_begin(self, logs=None):
            calls.append(f"validation from {clock():g}")

        def on_test_end(self, logs=None):
            calls.append(f"to {clock():g}")

    def passed(what):
        clock.seconds += {"batch": 1, "validation": 2}[what]

    epoch, model = run(Notes(), [{}] * 5, batches=3, passed=passed)
    assert epoch == 1 and model.stop_training
    assert calls == ["epoch 0 at 5", "batch 0 at 6", "batch 1 at 7", "batch 2 at 8",
                     "validation from 8", "to 10",
                     "epoch 1 at 10", "batch 0 at 11", "validation from 11", "to 13"]


@pytest.mark.parametrize("name", ["which_clause", "prompt_budget", "epsilon_and_window"])
def test_a_picture_shows_what_was_wrong(name, capsys):
    exercise = getattr(chapter_02, name)
    wrong = next(iter(TestChapter02.answers[exercise][1].values()))[0]
    verdict = exercise.grade(wrong)
    verdict.draw()
    assert len(capsys.readouterr().out) > 40, "the figure's description"
