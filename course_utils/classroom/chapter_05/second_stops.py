"""What exercise 5.5 is scored on: recorded runs, and scripted ones for what these do not show."""

import functools

import numpy as np

from ...stopping import Above, Armed, Patience, replay
from ..data import load_curves

SEEN = ("loss", "val_loss", "val_accuracy", "sparsity")  # a rule must not see the test
TARGET, FULL = 0.9, 0.895


@functools.cache
def runs():
    """(what a rule sees, test accuracy in percent) of 20 MLPs, from the epoch on in which pruning began."""
    curves, runs = load_curves("pruning_when"), []
    for labels in ("true", "shuffled"):
        for run in curves.select(labels=labels, moment="stop", target=TARGET):
            begin = int(np.argmax(np.array(run["sparsity"]) > 0))
            seen = {name: run[name][begin:] for name in SEEN}
            runs.append((seen, 100 * np.array(run["test_accuracy"][begin:])))
    return runs


# masks that take their time: for 25 epochs nearly full, and good; full from epoch 40 on
GENTLE_FULL = 40
GENTLE = {
    "loss": [0.1] * 70,
    "val_loss": [0.1] * 40 + [0.5 - 0.01 * epoch for epoch in range(30)],
    "val_accuracy": [0.9] * 40 + [0.6 + 0.005 * epoch for epoch in range(30)],
    "sparsity": [0.055 * (epoch + 1) for epoch in range(15)] + [0.86] * 12 + [0.893] * 13 + [0.9] * 30}


def after_the_masks(falls):
    """A run with full masks from epoch 8 on, in which the validation loss then falls, or rises."""
    way = -0.01 if falls else 0.01
    return {"loss": [0.5 - 0.01 * epoch for epoch in range(40)],
            "val_loss": [0.3] * 8 + [0.5 + way * epoch for epoch in range(32)],
            "val_accuracy": [0.9] * 8 + [0.8 - way / 2 * epoch for epoch in range(32)],
            "sparsity": [0.11 * (epoch + 1) for epoch in range(8)] + [0.9] * 32}


def score(rule, counted):
    """(mean epochs until the stop, sparsities kept, mean points of accuracy lost, how many runs never end).

    Points are lost against the epoch of lowest val_loss of all with full masks. A run that keeps no epoch
    has sparsity and accuracy 0.
    """
    epochs, shares, lost, endless = [], [], [], 0
    for seen, accuracy in runs():
        report = replay(rule, seen, best="val_loss", best_when=counted)
        endless += rule.first(seen) is None
        finest = np.argmin(np.where(np.array(seen["sparsity"]) > FULL, seen["val_loss"], np.inf))
        kept = report.best_epoch
        epochs.append(report.epoch + 1)
        shares.append(0.0 if kept is None else seen["sparsity"][kept])
        lost.append(accuracy[finest] - (0.0 if kept is None else accuracy[kept]))
    return float(np.mean(epochs)), np.array(shares), float(np.mean(lost)), endless


@functools.cache
def line():
    """Length of patience -> (epochs, points lost), armed, with full masks to choose from."""
    full = Above("sparsity", FULL)
    scores = {n: score(Armed(full, Patience("val_loss", n)), full) for n in (1, 2, 3, 5, 10)}
    return {str(n): (epochs, lost) for n, (epochs, _, lost, _) in scores.items()}
