"""The tables of chapter 03: its cells have what counts, and this module how it is set out."""

import numpy as np

from ...stopping import Patience
from .figures import excess


def mean_sd(values):
    """Mean ± standard deviation."""
    return f"{np.mean(values):6.1f} ± {np.std(values, ddof=1):4.1f}"


def longest_wait(losses):
    """The most epochs between one lowest loss and the next, until the lowest of all.

    >>> longest_wait([5, 4, 6, 6, 3, 7, 7, 7, 7])
    3
    """
    lowest = np.minimum.accumulate(losses)
    return int(np.diff(np.flatnonzero(np.diff(lowest, prepend=np.inf) < 0)).max(initial=0))


def fates(problems, rows):
    """A line for each problem: medians of waits, best epochs and stops, and what best and last weights lose.

    Args:
        problems: name -> histories.
        rows: name -> a Row of compare on these histories, measured in test_loss.
    """
    lines = ["           median of the 20 runs:              regret in %, mean ± standard deviation:",
             "           longest wait  best epoch    stop    best weights kept    last weights kept"]
    for name, row in rows.items():
        best = [int(np.argmin(run["val_loss"])) for run in problems[name]]
        losses = [run["test_loss"] for run in problems[name]]
        last = [100 * (loss[stop] / loss[b] - 1) for loss, stop, b in zip(losses, row.stops, best)]
        wait = np.median([longest_wait(run["val_loss"]) for run in problems[name]])
        lines.append(f"{name:9} {wait:13.1f} {np.median(best):11.1f} {np.median(row.stops):7.1f} "
                     f"{mean_sd(row.regret):>20} {mean_sd(last):>20}")
    return "\n".join(lines)


def two_patiences(recorded, sizes, patiences=(3, 10)):
    """A line for each size of the validation set: where the best epochs lie, and what two patiences lose.

    Args:
        recorded: load_curves("validation_sets").
        sizes: images in a set.
        patiences: a short one and a long one.
    """
    lines = ["         best epochs,  excess in %, mean ± standard deviation:  of 200 sets, patience 10 is",
             "images   middle 90 %   patience 3     patience 10               better   worse   equal"]
    for size in sizes:
        runs = recorded.select(shuffled=0, size=size)
        first, last = np.percentile([np.argmin(run["val_loss"]) for run in runs], [5, 95])
        short, long = (excess(runs, Patience("val_loss", patience)) for patience in patiences)
        counts = [np.sum(long < short), np.sum(long > short), np.sum(long == short)]
        lines.append(f"{size:6} {first:6.0f} to {last:2.0f} {mean_sd(short):>17} {mean_sd(long):>15} "
                     f"{counts[0]:17} {counts[1]:7} {counts[2]:7}")
    return "\n".join(lines)
