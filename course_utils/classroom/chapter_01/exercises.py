"""The five exercises of chapter 01, the threshold stop."""

import functools
import math
import random
import re

import keras
import numpy as np

from ...stopping import Above, After, Below, MissingColumn, as_criterion
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Right, Wrong, all_of, call_hook, check_hooks, one, run, shown, whole
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
    losses = [[0.9, 0.8, 0.7, 0.6], [0.5, 0.009, 0.3, 0.002], [0.2, 0.01, 0.3, 0.1],
              [0.008, 0.1, 0.1, 0.1], [0.1, 0.1, 0.2, 0.001]]
    counts, due = _counts(answer, losses, 0.01)
    if counts == due:
        return _other_losses(answer)
    if counts == [4, 2]:
        return ("You ended training in epoch 1. That is what the author meant. "
                "But `break` leaves the loop over batches alone, so epoch 2 begins.")
    if counts == [4, 1, 4, 0, 3]:
        return ("In epoch 1 you counted 1, the loop runs 2: "
                "the batch that sets off the break has already been trained on.")
    if len(counts) != 5:
        return (f"`losses` holds 5 lists, one for each epoch, and your list has {len(counts)} numbers. Each "
                "epoch gives one, with a break or without: where do append and return stand?")
    if counts == [4, 2, 2, 1, 4]:
        return ("In epoch 2 the second batch is exactly 0.01, and the loop asks for less than 0.01: "
                "all 4 batches run.")
    epoch = next(i for i in range(5) if counts[i] != due[i])
    return (f"In epoch {epoch} the batch losses are {losses[epoch]}. "
            f"You count {counts[epoch]}; the loop runs {due[epoch]}, and breaks at the first below 0.01.")


def _counts(answer, losses, threshold):
    """What the answer counts, and what is right."""
    got = _call(answer, [list(epoch) for epoch in losses], threshold)
    asked = "The function should return a list, one whole number for each epoch"
    due = [next((i for i, loss in enumerate(epoch, 1) if loss < threshold), len(epoch)) for epoch in losses]
    return all_of(got, asked, whole, typed=False), due


def _other_losses(answer):
    """What is wrong with an answer that is right for the first five epochs, or None."""
    cases = [([[0.4, 3.0], [3.0, 1.0], [2.0, 0.3, 3.0]], 0.5,
              "Is a number fixed, or is an epoch or a batch treated unlike the others?"),
             ([[3.0, 1.0], [3.0, 2.0, 1.0], [2.0]], 0.5,
              "An epoch without a break runs all of its own batches."),
             ([[0.7, 0.9, 0.7], [0.7, 0.9, 0.7]], 0.5,
              "The same loss may come twice, and the same epoch: list.index finds only the first."),
             ([[0.9, 0.0, 0.9]], 0.5, "A loss of 0 is below the threshold, too."),
             ([[0.9, 0.1], [0.9, 0.4, 0.9], [0.9, 0.1, 0.3, 0.9]], 0.5,
              "In every epoch the threshold is the one that was given, and the first loss below it breaks."),
             ([[0.5, 0.005, 0.3]], 0.0, "The threshold may be 0, and no loss here is below that."),
             ([[0.9] * 7 + [0.1, 0.9]], 0.5, "An epoch may have more than four batches."),
             ([[0.9, 0.1, 0.9]] * 30 + [[0.9] * 100 + [0.1, 0.9]], 0.5,
              "There may be many epochs, and many batches in one.")]
    draw = random.Random(0)
    for _ in range(20):  # 0, and losses close to the threshold; long and short epochs
        threshold = draw.choice((0.002, 0.5, 5.0))
        drawn = [[round(threshold * draw.choice((0, 0.3, 0.999, 1, 1.001, 3, 3)), 6)
                  for _ in range(draw.randint(1, 9))] for _ in range(draw.randint(1, 6))]
        cases.append((drawn, threshold, "It breaks at the first loss below the threshold."))
    for losses, threshold, why in cases:
        counts, due = _counts(answer, losses, threshold)
        if len(counts) != len(due):
            return (f"Right for the first five epochs. Then, for {len(due)} others, your list has "
                    f"{len(counts)} numbers. Is a number fixed, is an epoch left out, or does the list keep "
                    "what it had before?")
        for epoch, count, right in zip(losses, counts, due):
            if count != right:
                return (f"Right for the first five epochs. But with threshold {threshold} you count {count} "
                        f"in an epoch of losses {shown(epoch) if len(epoch) > 9 else epoch}; the loop runs "
                        f"{right}. {why}")
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
    value, mean = _means(answer, [0.2, 0.2, 0.2, 1.0], [16, 16, 16, 2])
    if _alike(value, mean):
        return _other_batches(answer)
    known = {0.4: "You gave the last batch, 2 emoji, the say of a full one: 0.40 instead of 0.232. "
                  "N counts emoji, not batches.",
             1.0: "1.0 is the last batch alone: that is what the article's loop looks at.",
             11.6: "11.6 is the sum. The formula divides by N, and N is 50.",
             11.6 / 64: "Divide by the emoji there are, 50, not by four full batches."}
    near = next((message for wrong, message in known.items() if np.isclose(value, wrong)), None)
    return near or ("For losses [0.2, 0.2, 0.2, 1.0] and sizes [16, 16, 16, 2] the mean is 0.232; "
                    f"you returned {value:.6g}.")


def _means(answer, losses, sizes):
    """What the answer returns, and what is right."""
    asked = "One number is asked for, the mean of the whole epoch"
    value = one(_call(answer, list(losses), list(sizes)), asked, typed=False)
    return value, sum(loss * size for loss, size in zip(losses, sizes)) / sum(sizes)


def _alike(value, mean):
    return math.isclose(value, mean, rel_tol=1e-5) or math.isnan(value) and math.isnan(mean)


def _other_batches(answer):
    """What is wrong with an answer that is right for the first four batches, or None."""
    cases = [([3, 1], [1, 3], "Is a number fixed, does something stay from the call before, or does a loss "
                              "get another's size?"),
             ([3, 1, 2.4], [2, 4, 2], "Every batch counts with its own size, not the last alone."),
             ([2], [4], "One batch is the whole epoch."),
             ([0, 0.00006], [1, 1], "A loss of 0 counts too, and a small mean is not rounded."),
             ([1, 1, 3], [1, 3, 2], "Two losses may be equal: each counts with the size in its own place."),
             ([math.nan, 1], [1, 1], "A batch whose loss is NaN is part of the mean: do not leave it out."),
             ([2] * 90 + [5], [16] * 90 + [9], "There may be many batches, each with its own loss and its "
                                               "own size.")]
    draw = random.Random(0)
    for _ in range(20):
        drawn = [(draw.choice((-0.5, 0, 0.25, 0.25, 1, 12.5, 1250)), draw.randint(1, 300))
                 for _ in range(draw.randint(2, 9))]
        cases.append((*zip(*drawn), "Every batch counts with its own loss and its own size."))
    for losses, sizes, why in cases:
        value, mean = _means(answer, losses, sizes)
        if not _alike(value, mean):
            given = [shown(list(v)) if len(v) > 9 else list(v) for v in (losses, sizes)]
            return (f"Right for the four batches, wrong for losses {given[0]} with sizes {given[1]}: "
                    f"that mean is {mean:.6g}, and you returned {value:.6g}. {why}")
    return None


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
        return ("The answer should be the class itself, check(ThresholdStop), without parentheses behind it; "
                "a function will not do.")
    check_hooks(answer)
    rows = [{"loss": loss, "accuracy": accuracy, "val_loss": val} for loss, accuracy, val in (
        (0.9, 0.6, 0.6), (0.5, 0.7, 0.6), (0.3, 0.2, 0.6), (0.4, 0.7, 0.2), (0.4, 0.7, 0.6))]
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
        return ("You stopped at epoch 0, where the loss is 0.9 and the threshold 0.5. Is there a comparison, "
                "is it the right way round, and is it logs[self.metric] that you compare?")
    if epoch == 1:
        return ("You stopped at epoch 1, where the loss equals the threshold. Below means <, and what has to "
                "be below is logs[self.metric] itself.")
    if epoch != 2:
        return ("With losses 0.9, 0.5, 0.3, 0.4 and threshold 0.5 the stop is at epoch 2; "
                f"yours is at epoch {epoch}. Is it logs[self.metric] that you compare?")
    epoch, model = run(callback, rows)
    if epoch != 2 or not model.stop_training:
        ended = f"stopped at epoch {epoch}" if model.stop_training else "went on to the end"
        return (f"In a second training with the same callback and the same losses yours {ended}; in the "
                "first it stopped at epoch 2. Keep nothing of one training for the next, or begin afresh in "
                "on_train_begin.")
    for metric, due in (("val_loss", 3), ("accuracy", 2)):
        epoch, model = run(answer(metric, 0.25), rows)
        if epoch != due or not model.stop_training:
            return (f"Asked to watch {metric} with threshold 0.25, it did not stop at epoch {due}, where "
                    f"{metric} is 0.2; in all others it is higher. Does it look at self.metric, at that "
                    "epoch's value alone, and is it the same rule for every metric?")
    first, second = answer("loss", 0.5), answer("val_loss", 0.25)
    if (run(first, rows)[0], run(second, rows)[0]) != (2, 3):
        return ("There were two callbacks, one for the loss and one for val_loss, and one of them followed "
                "the other's metric or threshold. Keep them in self, not in the class or a global variable.")
    epoch, model = run(answer("loss", 0.95), rows)
    if epoch == 1:
        return ("With threshold 0.95 it should stop at epoch 0, where the loss is 0.9, and it stops at epoch "
                "1. Epoch 0 counts like any other.")
    if epoch != 0:
        return ("With threshold 0.95 it should stop at epoch 0, where the loss is 0.9. "
                "Does it look at self.threshold, and does epoch 0 count like any other?")
    if run(callback, rows[2:])[0] != 0:
        return ("In a third training with the same callback the losses were 0.3, 0.4, 0.4, and yours did not "
                "stop at epoch 0; the one before it had ended with 0.3. Keep nothing of one training for the "
                "next, or begin afresh in on_train_begin.")

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
            call_hook(callback, "on_train_batch_begin", batch, logs={})
            call_hook(callback, "on_train_batch_end", batch, logs={"accuracy": 1 - loss, "loss": loss})

    epoch, _ = run(callback, rows, meddle=batches)
    if epoch != 2:
        return (f"One batch of epoch {epoch} had a loss of 0.001, and you stopped there; the epoch's mean "
                f"is {rows[epoch]['loss']}. That is the lucky batch again: look in on_epoch_end alone.")
    return None


def _odd_values(answer):
    """What is wrong with a stop at a value that is missing, rounded, 0 or NaN, or None."""
    for losses, threshold, stop, why in (
            ([0.50004, 0.49996, 0.1, 0.1], 0.5, 1, "0.49996 is below 0.5, and 0.50004 is not. Is the value "
                                                   "rounded, or the threshold moved?"),
            ([0.9, 0.0, 0.0], 0.5, 1, "0.0 is below 0.5, like any other small number."),
            ([math.nan, 0.9, 0.1, 0.1], 0.5, 2, "NaN is not below 0.5."),
            ([0.3, 0.0, -0.3, -0.3], 0.0, 2, "A threshold may be 0, and a value below 0."),
            ([math.inf, *[12.0] * 400, 3.0, 3.0], 9.5, 401, "A run may be long, and a value large or "
                                                            "infinite."),
            ([0.3, -0.1, -0.3, -0.3], -0.2, 2, "A threshold may be below 0, too.")):
        epoch, model = run(answer("loss", threshold), [{"loss": loss} for loss in losses])
        if epoch != stop or not model.stop_training:
            return (f"With losses {shown(losses)} and threshold {threshold} the stop is at epoch {stop}. "
                    f"{why}")
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
            faults.append(_fault_of_stop(f"{where} (split {seed})", history["loss"], stop, rule))

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
            (np.full(epochs, 0.5), "stays at 0.5"), (np.full(epochs, 0.01), "stays at exactly 0.01"),
            (np.full(epochs, 1.0), "stays at exactly 1"), (np.full(epochs, 1.001), "stays at 1.001"),
            ([1000.0] * 5 + [0.5] * (epochs - 5), "is 1000 until epoch 4, and then 0.5"),
            (np.full(epochs, 0.00999), "is 0.00999 from the start"),
            (np.linspace(9, 5, epochs), "falls slowly, from 9 to 5"),
            ([0.9] * 14 + [1.1] * (epochs - 14), "stays at 0.9 until epoch 13, and then is 1.1"),
            (late, "stays at 3 until epoch 5, at 0.8 until epoch 19, and then is 0.008"),
            ([0.5] * 35 + [0.001] * 10, "stays at 0.5 until epoch 34, and then is 0.001"),
            (np.full(epochs, math.nan), "is NaN, as all that is measured")):
        losses = list(map(float, losses))
        for other in [math.nan] if math.isnan(losses[0]) else [0.5, 0.0, 100.0]:
            scripted = dict.fromkeys(practice(), [other] * epochs)
            scripted |= {"loss": losses, "steps": practice()["steps"]}
            read = f", and all else that is measured is {other:g}" if other in (0.0, 100.0) else ""
            fault = _fault_of_stop("The twelve recorded runs are right. But in a made-up run whose loss "
                                   f"{said}{read},", losses, rule.first(scripted), rule)
            if fault:
                return fault
    return None


def _fault_of_stop(where, losses, stop, rule):
    """What is wrong with a rule's stop at this epoch of a run, or None."""
    history, last = {"loss": losses}, BUDGET - 1
    below = Below("loss", 0.01).first(history)
    waits = (PATIENT - 1, PATIENT)  # both are right
    slow = [After(wait, Above("loss", SLOW)).first(history) for wait in waits]
    due = [min(epoch for epoch in (below, given_up, last) if epoch is not None) for given_up in slow]
    if stop is None:
        return f"{where} it never stops. Which clause ends a run that never gets there? (`|`: or, `&`: and.)"
    if stop in due:
        return None
    why, stops = "", f"it stops at epoch {stop}, with loss {losses[stop]:.4g}"
    inside = re.search(r"After\(([^()]|\([^()]*\))*(Epochs|After)\(", repr(rule))
    late = " Inside After the run begins anew: there Epochs counts from that epoch on." if inside else ""
    if stop == 0 and "steps" in rule.columns:
        why = f" Is the budget in steps? An epoch has {STEPS_PER_EPOCH}."
    elif stop == 0 and losses[stop] > SLOW:
        why = (f' Which clause is met there? Above("loss", {SLOW}) would be, by every run: that one has to '
               "wait, in After or with Epochs and &.")
    if due[0] == slow[0] and stop < PATIENT - 1:
        return f"{where} {stops}: give it {PATIENT} epochs.{why}"
    if due[0] == slow[0] and stop > due[0]:
        return (f"{where} the loss is {losses[due[0]]:.4g} at epoch {due[0]}, when {PATIENT} epochs or more "
                f"are done, and your rule trains until {stop}. Which clause gives up?{late}")
    if due[0] == below and stop < below:
        return f"{where} {stops}; the loss is first below 0.01 at epoch {below}.{why}"
    if due[0] == below:
        return f"{where} the loss is below 0.01 at epoch {below}, and your rule trains until {stop}."
    return (f"{where} it stops at epoch {stop}: {stop + 1} epochs. The budget is {BUDGET}, "
            f"or {BUDGET * STEPS_PER_EPOCH} steps: epoch {last} is the last.{late if stop > last else ''}")
