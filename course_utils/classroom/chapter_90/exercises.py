"""The three exercises of the cabinet of traps: what did a trap do to this run?"""

import math
import random

import numpy as np

from ..exercises import Chapter
from ..stage import Wrong, all_of, number, one, whole
from ..untouched import call_untouched

chapter = Chapter()
summary = chapter.summary

SIGNS = {  # drawer -> how its trap shows itself
    1: "a seed, fit(x, y), and the same order of rows in every epoch",
    2: "one callback object for several trainings",
    3: "a baseline, and a run that goes on without getting there",
    4: "a min_delta, and a best epoch that was not kept",
    5: "a monitor that no column is called by, and a run that goes on to its last epoch",
    6: "a value that callbacks read within an epoch",
    7: "a patience that begins anew after a restart",
    8: "validation that still runs after a stop in mid-epoch",
    9: "a layer that was frozen during a run and still moves",
    10: "validation values that are fewer than the epochs",
    11: "a stop that comes several times too late, in a run that is validated now and then",
    12: "an interrupt, and weights of the last epoch",
    13: "a LogitsDistillation without a loss, or with the name \"kl_divergence\"",
}


def _known(drawer):
    """The drawer, or Wrong if there is none of this number."""
    if drawer not in SIGNS:
        raise Wrong(f"The drawers are numbered from 1 to {len(SIGNS)}; there is no drawer {drawer}.")
    return drawer


LOG = {0: 0.61, 1: 0.48, 2: 0.44, 3: 0.45, 4: 0.47, 5: 0.46, 6: 0.49, 7: 0.47, 8: 0.48, 9: 0.50}


@chapter.exercise(
    "90.1", "A lost machine",
    hints=["The best epoch is 2, and patience is 4. In which epoch should the run have ended, and in which "
           "did it?",
           "The process that goes on makes a new EarlyStopping. Which epoch is the first that it sees?"],
    solution="answer = 5      # after the restart nobody knows of epoch 2",
    fact="Drawer 7: it should have ended at epoch 6, with the weights of epoch 2.")
def four_epochs(answer):
    epoch = one(answer, f"The answer is an epoch, a whole number from 0 to {max(LOG)}", whole)
    if epoch not in LOG:
        return f"The log has epochs 0 to {max(LOG)}, and no epoch {epoch}."
    if epoch == 5:
        return None
    near = {2: "Epoch 2 is the best, and these weights it should have. But with epoch 2 as the best and a "
               "patience of 4 it would have ended at epoch 6. What does the new process not know?",
            4: "Epoch 4 is where the backup was made. Training went on from there, and something was "
               "restored at the end.",
            6: "At epoch 6 the run should have ended. It went on, and which weights come back is asked.",
            9: "Epoch 9 is the last. With restore_best_weights=True those of another epoch come back."}
    told = f"Epoch {epoch} has a val_loss of {LOG[epoch]:.2f}. "
    better = "Of the epochs since the restart another is lower." if epoch > 5 else \
        "Of the epochs before the restart nothing is known any more when training ends."
    return near.get(epoch) or told + better


IN_THE_LOOP = {1: "Look at the first line and at fit together.",
               2: "Which objects are made once, and which for each fold?",
               5: "Compiled with metrics=[\"accuracy\"], what are the columns called?"}


@chapter.exercise(
    "90.2", "Three in one loop",
    hints=["Go through the lines one by one: a seed, a callback, a loop, a model, a callback, a fit.",
           "One trap needs two lines that stand far apart, one is about what stands before the loop, "
           "and one is in a string."],
    solution="answer = [1, 2, 5]      # the seed with fit(x, y); the checkpoint before the loop; val_acc",
    fact="Every fold trains its 100 epochs, each with the same order of rows, and only epochs that beat all "
         "before them, in all folds, are saved.")
def three_in_one_loop(answer):
    if number(answer) is not None:
        return "Three drawers are asked for, as a list: [..., ..., ...]."
    asked = "The answer is a list of three drawers, such as [3, 8, 11]"
    named = [_known(drawer) for drawer in all_of(answer, asked, whole, ordered=False)]
    drawers = set(named)
    extra, missed = sorted(drawers - set(IN_THE_LOOP)), [d for d in IN_THE_LOOP if d not in drawers]
    if extra:
        sign = f"Drawer {extra[0]} shows itself by {SIGNS[extra[0]]}."
        return f"{sign} There is nothing of the kind in the loop."
    if missed:
        found = f"{len(drawers)} of 3 found. " if drawers else ""
        return f"{found}{IN_THE_LOOP[missed[0]]}"
    if len(named) > len(drawers):
        twice = next(drawer for drawer in IN_THE_LOOP if named.count(drawer) > 1)
        return f"All three are there, and {twice} more than once. Three drawers are asked for."
    return None


@chapter.exercise(
    "90.3", "The epoch of the best",
    hints=["np.argmin gives a place in the list of validations. After which epoch was the first of them?",
           "With validation_freq=5 Keras validates after epochs 4, 9, 14: "
           "count five epochs, starting with 0."],
    solution='''
def best_epoch(history, validation_freq):
    place = np.argmin(history["val_loss"])
    return (place + 1) * validation_freq - 1
''',
    fact="Or let StopWhen keep the history: it has None where nothing was measured.")
def epoch_of_the_best(answer):
    history = {"loss": list(np.linspace(0.9, 0.2, 15).round(2)), "val_loss": [0.42, 0.36, 0.39]}
    epoch = _epoch(answer, history, 5)
    reasons = {1: "1 is the place in the list of three validations. "
                  "After which epoch was the second of them?",
               5: "After epoch 5 nothing was validated. "
                  "The first validation is after epoch 4, the second five later.",
               10: "Counted from 1 it is the tenth epoch. Keras's history counts from 0.",
               14: "Epoch 14 has the lowest training loss, or the last validation. "
                   "The lowest val_loss is the second.",
               4: "Epoch 4 has the first validation, which is the worst of the three: smaller is better."}
    if epoch in reasons:
        return reasons[epoch]
    if epoch != 9:
        return ("With validation_freq=5 and validation losses 0.42, 0.36, 0.39 the best is at epoch 9; "
                f"you return {epoch}.")
    epoch = _epoch(answer, {"loss": [0.9] * 6, "val_loss": [0.5, 0.6, 0.7]}, 2)
    if epoch != 1:
        return ("Right for validation_freq=5, but not for 2 with validation losses 0.5, 0.6, 0.7, "
                f"where the best is at epoch 1; you return {epoch}. Is a number fixed, the first validation "
                "left out, or something else read than the two arguments?")
    for epochs, losses, right in ((8, [0.5], 4), (14, [0.5, 0.4], 9)):
        epoch = _epoch(answer, {"loss": [0.9] * epochs, "val_loss": losses}, 5)
        if epoch != right:
            return (f"Epochs need not come out even: with validation_freq=5, {epochs} epochs and validation "
                    f"losses {losses} the best is epoch {right}; you return {epoch}. The number of epochs is "
                    "not needed.")
    for losses, freq, right, why in (*SCRIPTS, *_drawn_losses()):
        epoch = _epoch(answer, {"loss": [0.9] * freq * len(losses), "val_loss": losses}, freq)
        if epoch != right:
            return (f"With validation_freq={freq} and validation losses {', '.join(map(str, losses))} the "
                    f"best is at epoch {right}; you return {epoch}. {why}")
    for order in (1, -1):
        history = {"accuracy": [0.5] * 6, "loss": [0.9] * 6, "val_loss": [0.4, 0.3, 0.5],
                   "val_accuracy": [0.7, 0.8, 0.9]}
        epoch = _epoch(answer, dict([*history.items()][::order]), 2)
        if epoch != 3:
            return ("Where a history has columns of accuracy, too, the lowest val_loss, 0.3, is still "
                    f"that of epoch 3; you return {epoch}. Take the column by its name, "
                    '"val_loss".')
    return None


def _drawn_losses():
    """Cases as in SCRIPTS, always the same: few validations and many, close together and far apart."""
    draw = random.Random(90)
    for _ in range(40):
        freq, count = draw.randint(1, 12), draw.randint(1, draw.choice((3, 14, 40)))
        losses = [draw.randint(0, max(9, count)) / 10 for _ in range(count)]
        best = (losses.index(min(losses)) + 1) * freq - 1
        yield losses, freq, best, "Look at all of them, and count epochs by validation_freq."


SCRIPTS = [  # validation losses, validation_freq, the best epoch, what is wrong with another one
    ([0.5, 0.3, 0.3], 3, 5,
     "Epochs 5 and 8 tie. The first is best: the later one cost more and is no better."),
    ([0.5, 0.6, 0.7, 0.3, 0.4], 3, 11,
     "A loss that goes up may come down again, below all before it. Look at all of them."),
    ([0.5, 0.3, 0.6, 0.4], 3, 5,
     "Epoch 11 is better than the validation before it, and not than all."),
    ([0.5, 0.4999999999, 0.4999999998, 0.6], 2, 5,
     "However little a loss is lower, it is lower. Do you round, or ask for a margin?"),
    ([3e300, 2e300, 1e300, 2e300], 2, 5,
     "A run may diverge to losses as large as that. Let the best begin at infinity, or at the first loss."),
    ([-1.0, -3.0, -2.0], 2, 3,
     "A loss may be negative, as that of a density is."),
    ([math.inf, 0.5, 0.4], 2, 5,
     "An infinite loss is the result of a validation, too, and counts as one."),
    ([0.4, 0.0, 0.3], 2, 3,
     "0 is the lowest. Python takes 0 for false: do you ask `if loss`, or `not best`?"),
    ([0.5, 0.3, 0.4], 1, 1,
     "Keras validates after every epoch then, and the first is epoch 0.")]


def _epoch(answer, history, freq):
    """The epoch that an answer gives for a history, or Wrong if it is none or the history is changed."""
    given = {name: list(values) for name, values in history.items()}
    got = call_untouched(
        answer, given, freq, said="The function changes the history that it is given, and its caller loses "
                                  "the losses. Read them, and leave them where they are.")
    return one(got, "An epoch is asked for, one whole number", whole, typed=False)
