"""The five exercises of chapter 01, the threshold stop."""

import functools
import math

import keras
import numpy as np

from ...stopping import Above, After, Below, MissingColumn, as_criterion
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Right, Wrong, all_of, check_hooks, one, run, whole
from ..untouched import LISTS, call_untouched

chapter = Chapter()
summary = chapter.summary
_call = functools.partial(call_untouched, said=LISTS)

LOSSES = [2.0, 1.1, 0.7, 0.5, 0.48, 0.52, 0.46, 0.41]


@chapter.exercise(
    "1.1", "The first epoch below",
    hints=["Go through the list with a finger on the epoch's number, starting from 0.",
           "Below is `<`. What does that say about an epoch whose loss is exactly 0.5?"],
    solution="answer = 4      # 0.48 is the first value under 0.5; epochs count from 0",
    fact="The loss rises again at epoch 5. A threshold stop never learns of it: it has gone home.")
def first_below(answer):
    asked = "The answer is an epoch, a whole number from 0 to 7"
    epoch = one(answer, asked, whole)
    if epoch == 4:
        return None

    def draw():
        from ...stopping import plots
        from ..notebook import show

        ax = plots.axes(xlabel="epoch (counted from 0)", ylabel="loss")
        ax.plot(LOSSES, "o-", color=plots.BLUE, markersize=4)
        ax.axhline(0.5, color=plots.GREY, linestyle="--", linewidth=1, label="threshold 0.5")
        plots.draw_guess(ax, answer, "your answer")
        ax.legend(frameon=False)
        show(ax, "The eight losses, the threshold 0.5, and your answer.")

    reasons = {5: "You may be counting from 1: your epoch 5 is Keras's epoch 4.",
               3: "At epoch 3 the loss is exactly 0.5, and Below asks for less than 0.5.",
               6: "Below holds at epoch 6, but it held before. "
                  "A stop cannot know that the loss will rise once more.",
               7: "That is the lowest. The rule asks for the first below 0.5, and does not wait for better."}
    if epoch in reasons:
        raise Wrong(reasons[epoch], draw)
    if epoch is not None and 0 <= epoch < len(LOSSES):
        said = f"At epoch {epoch} the loss is {LOSSES[epoch]}. Look for the first value under 0.5."
        raise Wrong(said, draw)
    return f"{asked}; this is {epoch}."


@chapter.exercise(
    "1.2", "Count the breaks",
    hints=["`break` leaves the loop over batches. What does the loop over epochs do then?",
           "The batch that sets off the break has been trained on: it counts."],
    solution='''
def batches_run(losses, threshold):
    counts = []
    for epoch in losses:                    # the outer loop always goes on
        count = 0
        for loss in epoch:
            count += 1                      # trained on, whatever comes next
            if loss < threshold:
                break
        counts.append(count)
    return counts
''',
    fact="In the check's five epochs 15 of 20 batches ran. The loop skipped a quarter of its batches and "
         "never stopped.")
def count_the_breaks(answer):
    losses = [[0.9, 0.8, 0.7, 0.6], [0.5, 0.009, 0.3, 0.2], [0.2, 0.01, 0.3, 0.1],
              [0.008, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.001]]
    expected = [4, 2, 4, 1, 4]
    counts = _counts(answer, losses, 0.01)
    if counts == expected:
        return _other_numbers(answer)
    if counts == [4, 2]:
        return ("You ended training in epoch 1. That is what the author meant. "
                "But `break` leaves the loop over batches alone, so epoch 2 begins.")
    if counts == [4, 1, 4, 0, 3]:
        return ("In epoch 1 you counted 1, the loop runs 2: "
                "the batch that sets off the break has already been trained on.")
    if len(counts) != 5:
        return f"There are 5 epochs, and your list has {len(counts)}. Where does the return stand?"
    if counts == [4, 2, 2, 1, 4]:
        return ("In epoch 2 the second batch is exactly 0.01, and the loop asks for less than 0.01: "
                "all 4 batches run.")
    epoch = next(i for i in range(5) if counts[i] != expected[i])
    return (f"In epoch {epoch} the batch losses are {losses[epoch]}. "
            f"You count {counts[epoch]}; the loop runs {expected[epoch]}.")


def _counts(answer, losses, threshold):
    got = _call(answer, [list(epoch) for epoch in losses], threshold)
    asked = "The function should return a list, one whole number for each epoch"
    return all_of(got, asked, whole, typed=False)


def _other_numbers(answer):
    if _counts(answer, [[3.0, 1.0], [0.4, 3.0, 0.3]], 0.5) != [2, 1]:
        return ("Right for threshold 0.01 and epochs of four batches, "
                "but not for [[3, 1], [0.4, 3, 0.3]] with threshold 0.5. Is a number fixed?")
    if _counts(answer, [[3.0, 1.0], [3.0, 2.0, 1.0], [2.0]], 0.5) != [2, 3, 1]:
        return ("Right where epochs are equally long, not for [[3, 1], [3, 2, 1], [2]] with threshold 0.5. "
                "An epoch without a break runs all of its own batches: here 2, 3 and 1.")
    return None


@chapter.exercise(
    "1.3", "The mean over the emoji",
    hints=["N is the number of emoji. How many emoji does each batch loss stand for?",
           "Multiply each batch's loss by its size, add up, and divide by the number of emoji there are."],
    solution='''
def mean_loss(losses, sizes):
    return sum(loss * size for loss, size in zip(losses, sizes)) / sum(sizes)
''',
    fact="The last batch counts for the two emoji of fifty that it holds. As one batch of four it would have "
         "taken the mean from 0.23 to 0.40. Keras weights the batches of its loss in the same way.")
def mean_over_emoji(answer):
    asked = "One number is asked for, the mean of the whole epoch"
    value = one(_call(answer, [0.2, 0.2, 0.2, 1.0], [16, 16, 16, 2]), asked, typed=False)
    if np.isclose(value, 11.6 / 50):
        for losses, sizes, mean, why in (
                ([3, 1], [1, 3], 1.5, "Is a number fixed?"),
                ([3, 1, 2.4], [1, 3, 2], 1.8, "Every batch counts with its own size, not the last alone."),
                ([2], [4], 2, "One batch is the whole epoch."),
                ([0, 0.0004], [1, 1], 0.0002, "A loss of 0 counts too, and a small mean is not rounded.")):
            if not np.isclose(one(_call(answer, list(losses), list(sizes)), asked, typed=False), mean):
                return (f"Right for the four batches, wrong for losses {losses} with sizes {sizes}: "
                        f"that mean is {mean:.4g}. {why}")
        return None
    known = {0.4: "You gave the last batch, 2 emoji, the say of a full one: 0.40 instead of 0.232. "
                  "N counts emoji, not batches.",
             1.0: "1.0 is the last batch alone: that is what the article's loop looks at.",
             11.6: "11.6 is the sum. The formula divides by N, and N is 50.",
             11.6 / 64: "Divide by the emoji there are, 50, not by four full batches."}
    near = next((message for wrong, message in known.items() if np.isclose(value, wrong)), None)
    return near or ("For losses [0.2, 0.2, 0.2, 1.0] and sizes [16, 16, 16, 2] the mean is 0.232; "
                    f"you returned {value:.3g}.")


@chapter.exercise(
    "1.4", "ThresholdStop",
    hints=["`logs` is a dictionary, and `self.metric` is the name of the value to look at.",
           "Keras looks at `self.model.stop_training` after each epoch. "
           "Set it to True where the rule is met, and leave it alone where not."],
    solution='''
class ThresholdStop(keras.callbacks.Callback):
    def __init__(self, metric, threshold):
        super().__init__()
        self.metric, self.threshold = metric, threshold

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.metric] < self.threshold:
            self.model.stop_training = True
''',
    fact="And the loop over epochs ends. Set within an epoch, stop_training would end the loop over batches, "
         "too: Keras reads it after every batch and after every epoch.")
def threshold_stop(answer):
    if not isinstance(answer, type):
        return "The answer should be the class itself: check(ThresholdStop), without parentheses behind it."
    check_hooks(answer)
    rows = [{"loss": loss, "accuracy": 1 - loss, "val_loss": val}
            for loss, val in ((0.9, 0.6), (0.5, 0.2), (0.3, 0.6), (0.1, 0.6))]
    callback = answer("loss", 0.5)
    epoch, model = run(callback, rows)
    if not model.stop_training and vars(callback).get("stop_training"):
        return "You set self.stop_training. Keras reads the model's: self.model.stop_training."
    if not model.stop_training:
        if answer.on_epoch_end is keras.callbacks.Callback.on_epoch_end:
            return "Nothing happens between the epochs: Keras calls on_epoch_end there, and yours has none."
        return ("At epoch 2 the loss is 0.3, below 0.5, and training went on. "
                "Is self.model.stop_training set to True there, with one `=`, "
                "and is the loss compared with self.threshold?")
    if epoch == 0:
        return ("You stopped at epoch 0, where the loss is 0.9 and the threshold 0.5. "
                "Is there a comparison, and is it the right way round?")
    if epoch == 1:
        return "You stopped at epoch 1, where the loss equals the threshold. Below means <."
    if epoch != 2:
        return ("With losses 0.9, 0.5, 0.3, 0.1 and threshold 0.5 the stop is at epoch 2; "
                f"yours is at epoch {epoch}.")
    epoch, model = run(answer("val_loss", 0.25), rows)
    if epoch != 1 or not model.stop_training:
        return ("Asked to watch val_loss, which is 0.2 at epoch 1 and 0.6 else, it did not stop there. "
                "Does it look at self.metric?")
    epoch, model = run(answer("loss", 0.95), rows)
    if epoch == 1:
        return ("With threshold 0.95 it should stop at epoch 0, where the loss is 0.9, and it stops at epoch "
                "1. Epoch 0 counts like any other.")
    if epoch != 0:
        return ("With threshold 0.95 it should stop at epoch 0, where the loss is 0.9. "
                "Does it look at self.threshold?")

    def another_callback(epoch, model):
        model.stop_training = model.stop_training or epoch == 1

    if run(answer("loss", 0.05), rows, meddle=another_callback)[0] != 1:
        return ("Another callback asked to stop at epoch 1, and yours switched that off. "
                "Set True when the rule is met, never False.")
    return _lucky_batch(answer, rows) or _odd_values(answer)


def _lucky_batch(answer, rows):
    """What is wrong with a callback that looks at single batches, or None."""
    callback = answer("loss", 0.5)

    def batches(epoch, model):  # of each epoch, one has a loss near 0
        for batch, loss in enumerate((1.2, 0.001, 1.1)):
            logs = {"loss": loss, "accuracy": 1 - loss}
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, logs)

    epoch, _ = run(callback, rows, meddle=batches)
    if epoch != 2:
        return (f"One batch of epoch {epoch} had a loss of 0.001, and you stopped there; the epoch's mean "
                f"is {rows[epoch]['loss']}. That is the lucky batch again: look in on_epoch_end alone.")
    return None


def _odd_values(answer):
    """What is wrong with a stop at a value that is missing, rounded, 0 or NaN, or None."""
    for losses, stop, why in (
            ([0.504, 0.496, 0.1], 1, "0.496 is below 0.5, and 0.504 is not. Is the value rounded?"),
            ([0.9, 0.0, 0.0], 1, "0.0 is below 0.5, like any other small number."),
            ([math.nan, 0.9, 0.1], 2, "NaN is not below 0.5.")):
        epoch, model = run(answer("loss", 0.5), [{"loss": loss} for loss in losses])
        if epoch != stop or not model.stop_training:
            return f"With losses {losses} and threshold 0.5 the stop is at epoch {stop}. {why}"
    try:
        _, model = run(answer("val_loss", 0.5), [{"loss": 0.9}])
    except (KeyError, TypeError):  # fair: there is nothing to compare
        return None
    if model.stop_training:
        return "The logs had no val_loss, and you stopped. A value that is missing is not below a threshold."
    return None


BUDGET, STEPS_PER_EPOCH = 30, 81
PATIENT, SLOW = 10, 1.0  # a loss above SLOW once PATIENT epochs are done: the run is given up


def practice(inputs="both", seed=0):
    """A recorded run to try a rule on: column -> one value for each of 45 epochs.

    The column "steps" is for budgets: 81 an epoch.
    """
    history = load_curves("threshold").select(input=inputs, units=64, seed=seed)[0]
    history = {name: values[:45] for name, values in history.items()}
    return {**history, "steps": [STEPS_PER_EPOCH * (epoch + 1) for epoch in range(len(history["loss"]))]}


@chapter.exercise(
    "1.5", "A rule that always ends",
    hints=["Three clauses, joined with |: one for each of the three ways to end.",
           f"Above(\"loss\", {SLOW}) is met at epoch 0 by every run. It has to wait: "
           f"inside After({PATIENT}, ...), or joined with Epochs({PATIENT}) by &."],
    solution='''
rule = Below("loss", 0.01) | (Epochs(10) & Above("loss", 1.0)) | Epochs(30)
''',
    fact="The threshold ends the runs that learn fast enough, the second clause those that are too slow, "
         "and the budget whatever is left, here some made-up runs. On pictures the second gives up before "
         "the epoch of the lowest validation loss: it limits the bill, not what you lose.")
def always_ends(answer):
    if isinstance(answer, (int, float, str)):
        return f"The answer should be a criterion, such as Below(\"loss\", 0.01); this is {answer!r}."
    rule, dots, faults = as_criterion(answer), [], []
    for inputs in ("words", "both", "pictures"):
        for seed in range(1, 5):  # the lesson's examples are seed 0
            history = practice(inputs, seed)
            try:
                stop = rule.first(history)
            except MissingColumn as error:
                clock = " They were recorded without a clock: count steps or epochs."
                return f"{error}{clock if 'seconds' in rule.columns else ''}"
            dots.append((inputs, history["loss"], stop))
            where = "On both inputs" if inputs == "both" else f"On {inputs} alone"
            faults.append(_fault_of_stop(f"{where} (split {seed})", history["loss"], stop, rule.columns))

    def draw():
        from ..notebook import show
        from .figures import stops_of

        ax = stops_of(dots, (PATIENT, SLOW), BUDGET)
        show(ax, "Training loss of the twelve runs; a dot on each where your rule stops it.")

    fault = next((fault for fault in faults if fault), None)
    if fault:
        raise Wrong(fault, draw)
    said = "Twelve recorded runs and eleven made-up ones, each ended when it should be."
    return _fault_of_made_up(rule) or Right(said, draw)


def _fault_of_made_up(rule):
    """What is wrong with a rule that is right on the recorded runs alone, or None."""
    epochs = 45
    late = [3.0] * 6 + [0.8] * 14 + [0.008] * (epochs - 20)
    for losses, said in (
            (np.full(epochs, 0.5), "stays at 0.5"), (np.full(epochs, 0.02), "stays at 0.02"),
            (np.full(epochs, 0.98), "stays at 0.98"), (np.full(epochs, 1.02), "stays at 1.02"),
            (np.full(epochs, 0.0102), "stays at 0.0102"),
            (np.full(epochs, 0.0098), "is 0.0098 from the start"),
            (np.linspace(9, 5, epochs), "falls slowly, from 9 to 5"),
            ([0.9] * 14 + [1.1] * (epochs - 14), "stays at 0.9 until epoch 13, and then is 1.1"),
            (late, "stays at 3 until epoch 5, at 0.8 until epoch 19, and then is 0.008"),
            ([0.5] * 35 + [0.001] * 10, "stays at 0.5 until epoch 34, and then is 0.001"),
            (np.full(epochs, math.nan), "is NaN, as all that is measured")):
        losses = list(map(float, losses))
        scripted = dict.fromkeys(practice(), [math.nan if math.isnan(losses[0]) else 0.5] * epochs)
        scripted |= {"loss": losses, "steps": practice()["steps"]}
        stop = rule.first(scripted)
        fault = _fault_of_stop(f"The twelve recorded runs are right. But in a made-up run whose loss {said},",
                               losses, stop, rule.columns)
        if fault:
            return fault
    return None


def _fault_of_stop(where, losses, stop, columns):
    """What is wrong with a stop at this epoch of a run, or None. `columns`: what the rule reads."""
    history, last = {"loss": losses}, BUDGET - 1
    below = Below("loss", 0.01).first(history)
    waits = (PATIENT - 1, PATIENT)  # both are right
    slow = [After(wait, Above("loss", SLOW)).first(history) for wait in waits]
    due = [min(epoch for epoch in (below, given_up, last) if epoch is not None) for given_up in slow]
    if stop is None:
        return f"{where} it never stops. Which clause ends a run that never gets there? (`|`: or, `&`: and.)"
    if stop in due:
        return None
    why, stops = "", f"it stops at epoch {stop}, with loss {losses[stop]:.2g}"
    if stop == 0 and "steps" in columns:
        why = f" Is the budget in steps? An epoch has {STEPS_PER_EPOCH}."
    elif stop == 0 and losses[stop] > SLOW:
        why = f" Every run begins above {SLOW}: that clause has to wait, in After or with Epochs and &."
    if due[0] == slow[0] and stop < PATIENT - 1:
        return f"{where} {stops}: give it {PATIENT} epochs.{why}"
    if due[0] == slow[0] and stop > due[0]:
        return (f"{where} the loss is {losses[due[0]]:.2g} at epoch {due[0]}, when {PATIENT} epochs or more "
                f"are done, and your rule trains until {stop}. Which clause gives up?")
    if due[0] == below and stop < below:
        return f"{where} {stops}; 0.01 is reached at epoch {below}.{why}"
    if due[0] == below:
        return f"{where} the loss is below 0.01 at epoch {below}, and your rule trains until {stop}."
    return (f"{where} it stops at epoch {stop}: {stop + 1} epochs. The budget is {BUDGET}, "
            f"or {BUDGET * STEPS_PER_EPOCH} steps: epoch {last} is the last.")
