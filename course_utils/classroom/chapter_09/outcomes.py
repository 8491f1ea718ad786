"""What the recordings of chapter 09 say: numbers by network, way and seed."""

from typing import NamedTuple

import numpy as np

from ...pruning import at_target
from ...stopping import Armed, Below, Epochs, Patience, replay

GUIDE = 84  # epochs of tfmot's guide, as steps
FULL = at_target(0.9)
SECOND = Armed(FULL, Patience("val_loss", 5)) | Epochs(GUIDE)
STOPS = {"labels": ("val_loss", None), "mixed": ("val_mixture_loss", None), "agree": ("val_agreement", "max")}


def files(curves, network):
    """(model, bits) -> column -> an array, one value a seed. `curves`: the recording small_front."""
    found = {}
    for model, bits in zip(curves.labels["model"].tolist(), curves.labels["bits"].tolist()):
        rows = curves.select(network=network, model=model, bits=bits)
        found[model, bits] = {column: np.array([row[column][0] for row in rows]) for column in rows[0]}
    return found


def not_zero(files, model):
    """How many weights of the MLP's model are not zero: of its kernels a share is, of its biases none.

    Args:
        files: those of `files(curves, "mlp")`.
        model: "pruned", "quarter", and so on.
    """
    rows, part = files[model, 32], {"half": 0.5, "quarter": 0.25}.get(model.split()[0], 1)
    biases = part * (256 + 128) + 10
    return round(float(np.mean((rows["weights"] - biases) * (1 - rows["zeros"]) + biases)))


def from_scratch(files, width):
    """Points that a network of this width, "half" or "quarter", has more if it was narrow from the start."""
    scratch, cut = (files[model, 8]["test_accuracy"] for model in (f"{width} scratch", width))
    return 100 * float(np.mean(scratch - cut))


class Begun(NamedTuple):
    """What one way to begin pruning came to, one value a seed: arrays.

    Attributes:
        share: epochs trained, as a share of the guide's.
        accuracy: on the test, in percent, of the weights that are kept.
    """

    share: np.ndarray
    accuracy: np.ndarray


def begun(curves, network, way):
    """`Begun` of a way. The guide keeps its last epoch, the others the best one with full masks.

    Args:
        curves: the recording small_when.
    """
    epochs, accuracy = [], []
    for run in curves.select(network=network, way=way):
        last = len(run["val_loss"]) - 1
        kept = last
        if "guide" not in way:
            report = replay(SECOND, run, best="val_loss", best_when=FULL)
            last, kept = report.epoch, report.best_epoch
        epochs.append(last + 1)
        accuracy.append(100 * run["test_accuracy"][kept])
    return Begun(np.array(epochs) / GUIDE, np.array(accuracy))


WAYS = ("guide", "guide x3", "patience", "patience x3", "early x3")


def ways(curves):
    """The pairs (network, way) of small_when that the lesson shows, in order."""
    there = set(zip(curves.labels["network"].tolist(), curves.labels["way"].tolist()))
    return [(network, way) for network in ("mlp", "cnn") for way in WAYS if (network, way) in there]


def ahead(gain):
    """In how many seeds something is gained.

    >>> ahead(np.array([1.0, 0.0, 0.5, -0.5]))
    2
    """
    return int((gain > 1e-6).sum())


def settled(curves, way):
    """Epochs of each seed's MLP: (in which the masks have settled, in which Patience 5 would stop).

    Args:
        curves: the recording small_when.
        way: "slow", "guide" or "fast", a learning rate of 0.0003, 0.001 or 0.003.
    """
    runs = [run for run in curves.select(network="mlp", way=way)]
    runs = [{column: values[:30] for column, values in run.items()} for run in runs]
    rules = Below("mask_distance", 0.02), Patience("val_loss", 5)
    return [[rule.first(run) for run in runs] for rule in rules]


def student(curves, task, way, stop="labels"):
    """(test accuracy in percent, epochs) of a network at one of STOPS, or None: no stop. Arrays, a seed each.

    Args:
        curves: the recording small_distil.
    """
    accuracy, epochs = [], []
    for run in curves.select(task=task, way=way):
        last = kept = len(run["val_loss"]) - 1
        if stop is not None:
            column, mode = STOPS[stop]
            report = replay(Patience(column, 5, mode=mode) | Epochs(last + 1), run, best=column, mode=mode)
            last, kept = report.epoch, report.best_epoch
        accuracy.append(100 * run["test_accuracy"][kept])
        epochs.append(last + 1)
    return np.array(accuracy), np.array(epochs)


def borne(accuracy, within=1.0):
    """The largest share of zeros up to which the mean accuracy stays within so many points of dense.

    Args:
        accuracy: share of zeros -> test accuracies in percent, of the same seeds; 0 is dense.

    >>> borne({0: np.array([97, 98]), 0.5: np.array([97, 97]), 0.8: np.array([96, 96]), 0.9: np.array([98])})
    0.5
    """
    found = 0
    for share in sorted(accuracy):
        if np.mean(accuracy[0]) - np.mean(accuracy[share]) > within:
            break
        found = share
    return found


def by_zeros(curves, **labels):
    """Share of zeros -> test accuracies in percent: of pruning_sparsity (network=...) or of small_text."""
    from ..chapter_05.figures import mistakes

    if "schedule" in curves.labels:
        shares = np.unique(curves.labels["target"]).tolist()
        return {share: 100 - mistakes(curves, share, schedule="gradual" if share else "dense", **labels)
                for share in shares}
    return {share: np.array([100 * run["test_accuracy"][0] for run in curves.select(target=share)])
            for share in np.unique(curves.labels["target"]).tolist()}
