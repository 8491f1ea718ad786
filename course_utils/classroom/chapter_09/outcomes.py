"""What the recordings of chapter 09 say: numbers by network, way and seed."""

from typing import NamedTuple

import numpy as np

from ...pruning import at_target
from ...stopping import Armed, Below, Epochs, Patience, replay

GUIDE = 84  # epochs of tfmot's guide, as steps
FULL = at_target(0.9)
SECOND = Armed(FULL, Patience("val_loss", 5)) | Epochs(GUIDE)
NAMES = {"dense": "uncut", "aware": "int8-aware", "pruned": "0.9 zeros", "half": "half", "quarter": "quarter"}
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
    return float(np.mean(more(files, f"{width} scratch", width)))


def prices(curves):
    """What bytes, time and accuracy come to, as a table: text, to be printed.

    Args:
        curves: the recording small_front.
    """
    found = {name: files(curves, network) for name, network in (("MLP", "mlp"), ("CNN", "cnn"))}
    lines = ["           bits     MLP: kB  time  right     CNN: kB  time  right"]
    for way, bits in (("dense", 32), *((way, 8) for way in NAMES)):
        rows = [each[way, bits] for each in found.values()]
        lines.append(f"{NAMES[way]:11}{bits:4} " + "  ".join(
            f"{row['gz'].mean() / 1000:11.0f}  {row['latency'].mean():4.2f} "
            f"{100 * row['test_accuracy'].mean():4.1f} %" for row in rows))
    sd = max(right(each, way).std(ddof=1) for each in found.values() for way in NAMES)
    return "\n".join([
        *lines, "time: uncut in 32 bits = 1, on one thread of an AMD EPYC",
        f"right: means of five seeds, sd up to {sd:.1f} points; one picture of 540 is {100 / 540:.1f}"])


COMPARED = {  # what is told -> which way, than which
    "narrow from the start, than half": ("half scratch", "half"),
    "narrow from the start, than a quarter": ("quarter scratch", "quarter"),
    "int8-aware, than uncut": ("aware", "dense"),
    "the same, at the first one's rate": ("aware slow", "dense")}


def compared(curves):
    """What narrow from the start and int8-aware training gain, as a table: text, to be printed.

    Args:
        curves: the recording small_front.
    """
    found = [files(curves, network) for network in ("mlp", "cnn")]
    lines = ["points more, all in 8 bits                   MLP             CNN"]
    for told, pair in COMPARED.items():
        gains = [more(each, *pair) for each in found]
        lines.append(f"{told:37}" + "".join(
            f"  {gain.mean():+z5.1f} (sd {gain.std(ddof=1):.1f})" for gain in gains))
    return "\n".join(lines)


def more(files, way, than):
    """Points of accuracy that one way has more than another in 8 bits, one value a seed."""
    return right(files, way) - right(files, than)


def right(files, way, bits=8):
    """Accuracy in percent, one value a seed."""
    return 100 * files[way, bits]["test_accuracy"]


class Sparse(NamedTuple):
    """One network of small_zeros: its file, and its time by that of 32 bits without zeros."""

    megabytes: float
    time: float


def with_zeros(curves):
    """(zeros, what the file is) -> `Sparse`, at 0.9 zeros where there are any.

    Args:
        curves: the recording small_zeros.
    """
    told = {"plain": "32 bits", "int8": "int8", "sparse": "32 bits, zeros left out"}
    found = {}
    for zeros, kind in (("none", "plain"), ("none", "int8"), ("single", "sparse"), ("fours", "sparse")):
        runs = curves.select(zeros=zeros, share=0 if zeros == "none" else 0.9, file=kind)
        size, time = (np.median([run[column][0] for run in runs]) for column in ("bytes", "latency"))
        found[zeros, told[kind]] = Sparse(size / 1e6, time)
    return found


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


BEGINNINGS = {"guide x3": "the guide, with three times the rate while it prunes",
              "patience x3": "the cell above, with patience 5",
              "patience": "the same without the higher rate",
              "early x3": "as patience x3, but pruning begins after five epochs"}


def beginnings(curves):
    """What each way to begin came to, as a table: text, to be printed.

    Args:
        curves: the recording small_when.
    """
    lines = ["epochs: the guide's are 1; points more than the guide (sd), and in how many of ten seeds:",
             "             MLP: epochs  points (sd)  seeds    CNN: epochs  points (sd)  seeds"]
    for way in BEGINNINGS:
        line = f"{way:11}"
        for network in ("mlp", "cnn"):
            if (network, way) in ways(curves):
                own, guide = (begun(curves, network, name) for name in (way, "guide"))
                gain = own.accuracy - guide.accuracy
                line += (f"{own.share.mean():13.2f}   {gain.mean():+z.1f} ({gain.std(ddof=1):.1f})"
                         f"{ahead(gain):7}  ")
        lines.append(line.rstrip())
    return "\n".join([*lines, *(f"{way + ':':13}{BEGINNINGS[way]}" for way in BEGINNINGS)])


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
    runs = [{column: values[:30] for column, values in run.items()}
            for run in curves.select(network="mlp", way=way)]
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


def lost(accuracy, share):
    """Points lost at a share of zeros, the mean over the seeds. `accuracy`: as in `borne`."""
    return round(float(np.mean(accuracy[0] - accuracy[share])), 1)


def lost_in_files(curves, network):
    """The same of small_front: at 0.9 zeros, in 8 bits."""
    return round(float(np.mean(more(files(curves, network), "dense", "pruned"))), 1)


def tolerances(tasks):
    """How many zeros each task tolerates, as a table: text, to be printed.

    Args:
        tasks: name -> accuracy, as in `borne`.
    """
    lines = ["              seeds   uncut   tolerates   at the next share tried"]
    for name, found in tasks.items():
        most = borne(found)
        after = min(share for share in found if share > most)
        sd = (found[0] - found[after]).std(ddof=1)
        lines.append(f"{name:14}{len(found[0]):5}  {found[0].mean():.1f} %        {most:.2f}   {after:.2f}: "
                     f"{lost(found, after):.1f} points lost (sd {sd:.1f})")
    return "\n".join(lines)


def by_zeros(curves, **labels):
    """Share of zeros -> test accuracies in percent.

    Args:
        curves: the recording pruning_sparsity, with network=...; or small_text, small_clothes.
    """
    from ..chapter_05.figures import mistakes

    if "schedule" in curves.labels:
        shares = np.unique(curves.labels["target"]).tolist()
        return {share: 100 - mistakes(curves, share, schedule="gradual" if share else "dense", **labels)
                for share in shares}
    return {share: np.array([100 * run["test_accuracy"][0] for run in curves.select(target=share)])
            for share in np.unique(curves.labels["target"]).tolist()}
