"""The scripted runs of exercise 5.3, where an answer stops one, and what is wrong with it."""

import numpy as np

from ...stopping import Criterion
from ..stage import Wrong, call, one, truth

# masks are full from epoch 7 on; the right stop is 12
QUICK = {"val_loss": [0.10, 0.30, 0.40, 0.50, 0.45, 0.30, 0.20,
                      0.15, 0.16, 0.14, 0.16, 0.15, 0.17, 0.18, 0.19, 0.20],
         "sparsity": [0.297, 0.52, 0.68, 0.787, 0.85, 0.886, 0.898] + 9 * [0.8999]}
# the same, but nothing before the masks is low: who counts those epochs stops as is due
NOTHING_BEFORE = {**QUICK, "val_loss": 7 * [1.0] + QUICK["val_loss"][7:]}
# never full, and better in each epoch: only a number of epochs stops this
FALLS = {"val_loss": [1 - 0.01 * epoch for epoch in range(30)], "sparsity": 30 * [0.5]}
# the masks of the first run, and better in each epoch: never to be stopped
BETTER = {**QUICK, "val_loss": [0.5 ** epoch for epoch in range(16)]}
# a slower ramp: full from epoch 11 on; the right stop is 18
SLOW = {"val_loss": [0.10, 0.20, 0.30, 0.25, 0.20, 0.18, 0.16, 0.14, 0.12, 0.13, 0.125,
                     0.20, 0.21, 0.19, 0.20, 0.18, 0.19, 0.18, 0.19, 0.20, 0.21],
        "sparsity": [0.1, 0.3, 0.45, 0.6, 0.7, 0.78, 0.82, 0.85, 0.87, 0.88, 0.89] + 10 * [0.9]}
# the bug of 5.2: never full
SHORT = {"val_loss": QUICK["val_loss"], "sparsity": [0.297, 0.52, 0.68] + 13 * [0.789]}
# nearly full for long: 0.895, then 0.899 itself; full from epoch 13 on; the right stop is 18
NEARLY = {"val_loss": [0.3, 0.2, 0.2, 0.1, 0.11, 0.12, 0.13, 0.14, 0.08, 0.09, 0.1, 0.11, 0.12,
                       0.5, 0.4, 0.3, 0.32, 0.31, 0.33, 0.2],
          "sparsity": [0.3, 0.6, 0.8] + 5 * [0.895] + 5 * [0.899] + 7 * [0.9]}
# just full from epoch 2 on: the right stop is 5
BARELY = {"val_loss": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], "sparsity": [0.5, 0.8] + 6 * [0.8991]}
# masks full from the start, and the first epoch the best: the right stop is 3
FIRST = {"val_loss": [3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6], "sparsity": 7 * [0.9]}
# full from the start, and lower by a millionth until epoch 6: the right stop is 9
HAIR = {"val_loss": [0.2 - 1e-6 * epoch for epoch in range(7)] + 5 * [0.21], "sparsity": 12 * [0.9]}
# full in epochs 2 and 3, and again from 7 on. The right stop is 8: 3, 7 and 8 are no better than 2. With the
# epochs between it is 5, begun anew at epoch 7 it is 10 (or 9, with the old lowest).
LOST = {"val_loss": [0.1, 0.1, 0.2, 0.25, 0.26, 0.27, 0.28, 0.21, 0.22, 0.23, 0.24, 0.25],
        "sparsity": [0.5, 0.8, 0.9, 0.9, 0.7, 0.7, 0.7] + 5 * [0.9]}
# the later ones: (run, right stop, what is special in it)
LAST = [
    (FIRST, 3, "where masks are full from the start and losses rise from 3.0 on, epochs 1, 2 and 3 bring no "
               "new lowest, and "),
    (BARELY, 5, "where the sparsity stays at 0.8991, masks are full, for the border is 0.899, and "),
    (HAIR, 9, "where the loss falls by 0.000001 in each epoch until epoch 6, each is a new lowest. Neither "
              "round nor leave a margin: "),
    (LOST, 8, "where masks are full in epochs 2 and 3, lose zeros, and are full again from epoch 7 on, it is "
              "3, 7 and 8 that bring no new lowest. What is between does not count, nothing begins anew: "),
]


def first_stop(answer, run):
    """The epoch in which the answer, a criterion or a function of the history so far, first says stop."""
    if isinstance(answer, Criterion):
        return answer.first(run)
    for rows in range(1, len(run["val_loss"]) + 1):
        so_far = {name: list(values[:rows]) for name, values in run.items()}
        stop = one(call(answer, so_far), f"Return True or False (asked at epoch {rows - 1})", truth,
                   typed=False)
        if so_far != {name: list(values[:rows]) for name, values in run.items()}:
            raise Wrong("The history that you were given is another one afterwards, and it is the record of "
                        "the run. Put what you change into a new list.")
        if stop:
            return rows - 1
    return None


def short_histories():
    """400 drawn at random, the shortest first. Losses are few, so that many tie; then large ones; then long
    runs, with losses of 0 and below and with masks that are fuller than they have to be."""
    rng, drawn = np.random.default_rng(5), []
    for number in range(300):
        epochs = rng.integers(1, 11)
        losses = rng.integers(1, 8, epochs) * (1e10 if number > 250 else 1)
        shares = rng.choice([0.5, 0.899, 0.9], epochs, p=[0.1, 0.1, 0.8])
        drawn.append({"val_loss": losses.tolist(), "sparsity": shares.tolist()})
    drawn.sort(key=lambda history: (max(history["val_loss"]) >= 1e10, len(history["val_loss"])))
    for number, epochs in enumerate(rng.integers(1, 31, 100)):
        drawn.append({"val_loss": rng.integers(-3 * (number % 2), 4, epochs).tolist(),
                      "sparsity": rng.choice([0.5, 0.8999, 0.95], epochs, p=[0.1, 0.6, 0.3]).tolist()})
    return drawn


def _fault_in_one_call(function):
    """What is wrong where a history is asked about at once, not epoch by epoch until the first stop."""
    for history in short_histories():
        left = [loss for loss, share in zip(history["val_loss"], history["sparsity"]) if share > 0.899]
        due = len(left) > 3 and min(left[-3:]) >= min(left[:-3])
        got = one(call(function, {name: list(values) for name, values in history.items()}),
                  "Return True or False", truth, typed=False)
        if got != due:
            losses = ", ".join(f"{loss:g}" for loss in left) or "none"
            return (f"Right so far. But asked at once about val_loss {history['val_loss']} and sparsity "
                    f"{history['sparsity']}, not epoch by epoch, yours says {got}. The losses left are "
                    f"{losses}: it should be {due}.")
    return None


def fault(answer, draw):
    """What is wrong with an answer, or None; `draw` is a function of the first run's stop."""
    stop = first_stop(answer, QUICK)
    if stop != 12:
        raise Wrong(_why_not_12(answer, stop), lambda: draw(stop))
    if first_stop(answer, QUICK) != 12:
        return ("Right, but asked again about the same run it gives another answer. It is called anew in "
                "each epoch and for each run: keep nothing between the calls, and look at `history` only.")
    slow = first_stop(answer, SLOW)
    if slow != 18:
        reasons = {11: "it stops at epoch 11: epochs before were counted. Is an epoch fixed, or a share that "
                       "is too small?",
                   20: "it stops at epoch 20. Epoch 17 is as low as epoch 15, and so no new lowest: the "
                       "comparison is >=.",
                   16: "it stops at epoch 16: there, too, five epochs after the first full masks. Is a "
                       "number of epochs fixed? It is due three after the lowest.",
                   14: "it stops at epoch 14: three epochs with full masks, but 13 was a new lowest.",
                   None: "it never stops. It is due at 18: 15 was the lowest of all full epochs before."}
        return ("Right for masks that are full at epoch 7, but where the ramp takes until epoch 11 "
                + reasons.get(slow, f"it stops at epoch {slow}. It is due at 18: 15 was the lowest."))
    short = first_stop(answer, SHORT)
    if short is not None:
        return f"Right twice, but a run whose masks end at 0.789 is stopped at epoch {short}: not full."
    nearly = first_stop(answer, NEARLY)
    if nearly != 18:
        share = NEARLY["sparsity"][nearly] if nearly is not None else 0.9
        reasons = {0.895: "masks at 0.895 are not full: the border is 0.899",
                   0.899: "masks at exactly 0.899 are not full: they have to be above it"}
        return (f"Right so far, but where the sparsity stays at 0.895 and at 0.899 for some epochs, it stops "
                f"at epoch {nearly}, not at 18: {reasons.get(share, 'full masks begin at epoch 13')}.")
    for run, due, told in LAST:
        if (got := first_stop(answer, run)) != due:
            stops = "it never stops" if got is None else f"it stops at epoch {got}"
            return f"Right so far. But {told}{stops}, and is due at {due}."
    return None if isinstance(answer, Criterion) else _fault_in_one_call(answer)


def _why_not_12(answer, stop):
    """Where the first scripted run was not stopped at 12: what is wrong."""
    if stop is None:
        always_full = {**QUICK, "sparsity": [0.95] * len(QUICK["sparsity"])}
        if first_stop(answer, always_full) is None:
            return ("You never stop this run, nor one with sparsity 0.95 from the first epoch on. Is it the "
                    "sparsity that you hold against 0.899?")
        return "You never stop this run. Its sparsity gets to 0.8999, not to 0.9: weights are whole."
    if first_stop(answer, FALLS) == stop:
        return (f"You stop at epoch {stop}, and also in a run whose masks are never full and whose loss "
                "falls on and on. Is a number of epochs fixed?")
    if stop > 7 and first_stop(answer, BETTER) == stop:
        if stop == 9:
            return ("You stop at epoch 9, the third with full masks, even where each loss is lower than all "
                    "before. Three are too few: nothing stands before them that they could fail to beat.")
        return (f"You stop at epoch {stop}, also where the loss falls in each epoch. Of val_loss, compare "
                "the lowest of the last three with the lowest of those *before* them: >= means stop.")
    if first_stop(answer, QUICK) != stop:
        return (f"You stop at epoch {stop}, and elsewhere when asked again about the same run. Keep nothing "
                "between the calls, and look at `history` only.")
    if stop in (9, 10) and first_stop(answer, NOTHING_BEFORE) == 12:
        return (f"You stop at epoch {stop}. With full masks epoch 9 is the lowest; epoch 0 was lower, before "
                "the cut, and you still compare with it.")
    return {
        3: "You stop at epoch 3, where sparsity is 0.787: the first epochs are not to be counted.",
        7: "You stop at epoch 7, the first with full masks. The waiting was done before: begin to count "
           "there.",
        6: "You stop at epoch 6, with sparsity 0.898.",
        9: "You stop at epoch 9, and that is a new lowest: 0.14, with 0.15 and 0.16 before it. Compare the "
           "lowest of the last three with the lowest of those *before* them.",
        10: "You stop at epoch 10. Epoch 9 is among the last three and a new lowest, if by little: 0.14, "
            "with 0.15 before it. Compare the lowest of the three with the lowest of those *before* them, "
            "and leave no margin.",
        11: "You stop at epoch 11. The lowest with full masks is epoch 9; 10 and 11 are two without a better "
            "one. Does a new lowest begin the count again?",
        13: "You stop at epoch 13. After epoch 9 the third without a better one is 12: one too late.",
        14: "You stop at epoch 14. The loss need not rise three times in a row, nor pass the highest before; "
            "it is enough that it does not get below 0.14.",
    }.get(stop, f"You stop at epoch {stop}. Full masks from epoch 7 on, the lowest loss at 9, and three "
                "without a better one: epoch 12.")
