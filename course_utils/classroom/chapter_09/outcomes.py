"""What the recordings of chapters 09 and 09b say: numbers by network, way and seed."""

from typing import NamedTuple

import numpy as np

from ...pruning import at_target
from ...stopping import Armed, Below, Epochs, Patience, replay

GUIDE = 84  # epochs of the schedule after tfmot's guide, see data/make/small_when.py
FULL = at_target(0.9)
SECOND = Armed(FULL, Patience("val_loss", 5)) | Epochs(GUIDE)
UNITS = {"mlp": 256 + 128, "cnn": 16 + 32 + 64}  # uncut, without the ten answers
NAMES = {"dense": "uncut", "pruned": "0.9 zeros", "half": "half", "quarter": "quarter"}
STOPS = {"labels": ("val_loss", None), "mixed": ("val_mixture_loss", None), "agree": ("val_agreement", "max")}


def files(curves, network):
    """(model, bits) -> column -> an array, one value a seed. `curves`: the recording small_front."""
    found = {}
    for model, bits in zip(curves.labels["model"].tolist(), curves.labels["bits"].tolist()):
        rows = curves.select(network=network, model=model, bits=bits)
        found[model, bits] = {column: np.array([row[column][0] for row in rows]) for column in rows[0]}
    return found


def not_zero(files, model, network):
    """How many of a model's weights are not zero: of its kernels a share is, of its biases none.

    Args:
        files: those of `files(curves, network)`.
        model: "pruned", "quarter", and so on.
    """
    rows, part = files[model, 32], {"half": 0.5, "quarter": 0.25}.get(model.split()[0], 1)
    biases = part * UNITS[network] + 10
    return round(float(np.mean((rows["weights"] - biases) * (1 - rows["zeros"]) + biases)))


def smaller(curves):
    """Whose file of the MLP is smaller after gzip: "zeros" or "quarter".

    Args:
        curves: the recording small_front.
    """
    found = files(curves, "mlp")
    size = {"zeros": found["pruned", 8]["gz"].mean(), "quarter": found["quarter", 8]["gz"].mean()}
    return min(size, key=size.get)


def prices(curves, network):
    """Weights, bytes, time and accuracy of a network's files, as a table: text, to be printed.

    The first line is uncut in 32 bits; the others' time is by its, and their accuracy less its, seed by seed.

    Args:
        curves: the recording small_front.
        network: "mlp" or "cnn".
    """
    found = files(curves, network)
    lines = [f"{network.upper()}, in 8 bits   weights     kB   time   right"]
    for way, bits in (("dense", 32), *((way, 8) for way in NAMES)):
        row, gain = found[way, bits], right(found, way, bits) - right(found, "dense", 32)
        said = (f"{right(found, way, bits).mean():.1f} %" if bits == 32
                else f"{signed(gain.mean())} (sd {gain.std(ddof=1):.1f})")
        name = NAMES[way] + ", 32 bits" * (bits == 32)
        lines.append(f"{name:15}{not_zero(found, way, network):8,}{row['gz'].mean() / 1000:7.0f}   "
                     f"{row['latency'].mean():.2f}   {said}")
    return "\n".join(lines)


PRICES_SAY = """weights: those that are not zero; kB: of the file, after gzip; time: of a picture, on one x86
right: of the test; below the first line the points more or less than it, seed by seed, and their sd
all are means of five seeds"""


def ahead(curves, network, width):
    """Which reads more on average: "narrow", from the start, or "cut".

    Args:
        curves: the recording small_front.
        width: "half" or "quarter".
    """
    return "narrow" if more(files(curves, network), f"{width} scratch", width).mean() > 0 else "cut"


def compared(curves):
    """What networks gain that were narrow from the start, as a table: text, to be printed.

    Args:
        curves: the recording small_front.
    """
    lines = ["narrow from the start, minus cut        MLP             CNN"]
    for width in ("half", "quarter"):
        gains = [more(files(curves, network), f"{width} scratch", width) for network in ("mlp", "cnn")]
        lines.append(f"{width:29}" + "".join(
            f"  {signed(gain.mean()):>6} (sd {gain.std(ddof=1):.1f})" for gain in gains))
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


def begun(curves, network, way, keep="best"):
    """`Begun` of a way. Fixed schedules keep their last epoch, the others the best one with full masks.

    Args:
        curves: the recording small_when.
        way: as recorded, or one of RECORDED.
        keep: "first" or "last" for the first epoch with full masks, or the last of all.
    """
    way = RECORDED.get(way, way)
    epochs, accuracy = [], []
    for run in curves.select(network=network, way=way):
        last = len(run["val_loss"]) - 1
        kept = last
        if way not in FIXED:
            report = replay(SECOND, run, best="val_loss", best_when=FULL)
            last, kept = report.epoch, report.best_epoch
        kept = {"best": kept, "first": FULL.first(run), "last": last}[keep]
        epochs.append(last + 1)
        accuracy.append(100 * run["test_accuracy"][kept])
    return Begun(np.array(epochs) / GUIDE, np.array(accuracy))


RECORDED = {"two stops": "patience x3", "short": "short x3", "early": "early x3"}  # the lesson's names
FIXED = ("guide", "guide x3", "short x3")
WAYS = ("guide", "guide x3", "short x3", "patience", "patience x3", "early x3")


def ways(curves):
    """The pairs (network, way) of small_when that the lesson shows, in order."""
    there = set(zip(curves.labels["network"].tolist(), curves.labels["way"].tolist()))
    return [(network, way) for network in ("mlp", "cnn") for way in WAYS if (network, way) in there]


def against(curves, way, than):
    """What a way to begin pruning takes, how it reads, and what it gains over another: text, to be printed.

    Args:
        curves: the recording small_when.
        way, than: as in `begun`.
    """
    lines = [f"       epochs   right    points against {than}"]
    for network in ("mlp", "cnn"):
        own = begun(curves, network, way)
        lines.append(f"{network.upper():6}{GUIDE * own.share.mean():7.0f}{own.accuracy.mean():7.1f} %   "
                     f"{told(ahead_of(curves, network, way, than))}")
    return "\n".join(lines)


def ahead_of(curves, network, way, than, keep="best"):
    """Points of accuracy that one way to begin has more than another, one value a seed; see `begun`."""
    return begun(curves, network, way, keep).accuracy - begun(curves, network, than).accuracy


def healed(curves):
    """What two stops gain over the short schedule, before and after their last epochs: text, to be printed.

    Args:
        curves: the recording small_when.
    """
    lines = ["two stops against short     MLP                       CNN"]
    for when, keep in (("when the zeros are all in", "first"), ("at the end, best epoch", "best"),
                       ("at the end, last epoch", "last")):
        gains = [ahead_of(curves, network, "two stops", "short", keep) for network in ("mlp", "cnn")]
        lines.append(f"{when:28}" + "".join(f"{told(gain):26}" for gain in gains).rstrip())
    return "\n".join(lines)


def spent(curves, network):
    """How many epochs came before the masks, with them coming in, and after that: text, to be printed.

    Args:
        curves: the recording small_when.
    """
    lines = [f"epochs of the {network.upper()}  before pruning  zeros come in  after them  in all"]
    for way in ("short", "two stops"):
        masks = [np.asarray(run["sparsity"]) for run in curves.select(network=network, way=RECORDED[way])]
        parts = [(np.sum(mask == 0), len(mask) - np.sum(mask == 0) - np.sum(mask == mask.max()) + 1,
                  np.sum(mask == mask.max()) - 1, len(mask)) for mask in masks]
        before, coming, after, whole = np.mean(parts, 0)
        lines.append(f"{way:17}{before:15.0f}{coming:15.0f}{after:12.0f}{whole:8.0f}")
    return "\n".join(lines)


def told(gain):
    """The mean gain, and in how many seeds it is one: text. Those left over are equal.

    >>> told(np.array([1.0, 0.0, 0.5, -0.5, 0.5]))
    '+0.3: 3 better, 1 worse'
    """
    return f"{signed(gain.mean())}: {(gain > 1e-6).sum()} better, {(gain < -1e-6).sum()} worse"


def signed(points):
    """Points to one digit, with a sign unless they round to 0: a plus would say that a small loss is a gain.

    >>> signed(0.04), signed(-0.04), signed(-0.3)
    (' 0.0', ' 0.0', '-0.3')
    """
    return f"{points:+.1f}" if round(points, 1) else " 0.0"


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


def lower(losses):
    """The name of the lowest loss, or "same" if all are equal.

    >>> lower({"a": 0.5, "b": 0.1}), lower({"a": 0.5, "b": 0.5})
    ('b', 'same')
    """
    return min(losses, key=losses.get) if len(set(losses.values())) > 1 else "same"


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


def gained(curves, task, stop="labels"):
    """Points that the student has more with a teacher than alone, one value a seed; see `student`."""
    return student(curves, task, "distilled", stop)[0] - student(curves, task, "plain")[0]


def taught(curves):
    """How teacher and student read, and what the student gains, as a table: text, to be printed.

    Args:
        curves: the recording small_distil.
    """
    lines = ["right, %    teacher   student alone   gained with a teacher"]
    for task in ("all", "noisy", "few"):
        teacher, alone = (student(curves, task, way)[0].mean() for way in ("teacher", "plain"))
        lines.append(f"{task:7}{teacher:12.1f}{alone:16.1f}   {told(gained(curves, task))}")
    return "\n".join(lines)


def stopped(curves):
    """A stop by agreement against one by the labels, as a table: text, to be printed.

    Args:
        curves: the recording small_distil.
    """
    lines = ["agreement, not labels   seeds of ten        epochs"]
    for task in ("all", "noisy", "few"):
        (agreed, took), (by_labels, usual) = (student(curves, task, "distilled", stop)
                                              for stop in ("agree", "labels"))
        _, _, seeds = told(agreed - by_labels).partition(": ")
        lines.append(f"{task:24}{seeds:20}{took.mean():.0f}, not {usual.mean():.0f}")
    return "\n".join(lines)


def worse(gains):
    """In how many seeds a gain is a loss.

    >>> worse(np.array([1.0, 0.0, -0.5]))
    1
    """
    return int((np.asarray(gains) < -1e-6).sum())


def lost(accuracy, share):
    """Points lost at a share of zeros, the mean over the seeds.

    Args:
        accuracy: share of zeros -> test accuracies in percent, of the same seeds; 0 is uncut.

    >>> lost({0: np.array([97, 98]), 0.5: np.array([97, 97])}, 0.5)
    0.5
    """
    return round(float(np.mean(accuracy[0] - accuracy[share])), 1)


def losses(tasks):
    """How many points each task loses at three shares of zeros, as a table: text, to be printed.

    Args:
        tasks: name -> accuracy, as in `lost`.
    """
    shares = (0.8, 0.9, 0.95)
    lines = ["points lost, by share of zeros  " + "".join(f"{share:9.2f}" for share in shares)]
    for name, found in tasks.items():
        lines.append(f"{name:14}(uncut {found[0].mean():.1f} %)    " + "".join(
            f"{lost(found, share):9.1f}" for share in shares))
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
