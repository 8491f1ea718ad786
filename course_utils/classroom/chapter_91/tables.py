"""Lines that notebook 91 prints: the one for pip, and its tables of regrets and losses.

Needs NumPy and course_utils.stopping.
"""

import tomllib
from pathlib import Path

import numpy as np

from ...stopping import Patience, compare


def pip_line():
    """The command that installs the library from the course's repository, without the lessons."""
    root = Path(__file__).resolve().parents[3]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f'pip install "git+{project["urls"]["Repository"]}"'


def regrets(runs, epochs):
    """By how many percent each run's test loss at an epoch exceeds that at its lowest validation loss.

    Args:
        runs: histories with "val_loss" and "test_loss".
        epochs: the epoch that was kept, one a run.

    >>> run = {"val_loss": [3.0, 1.0, 2.0], "test_loss": [4.0, 2.0, 2.5]}
    >>> regrets([run, run], [2, 1]).tolist()
    [25.0, 0.0]
    """
    best = [int(np.argmin(run["val_loss"])) for run in runs]
    return np.array([100 * (run["test_loss"][epoch] / run["test_loss"][least] - 1)
                     for run, epoch, least in zip(runs, epochs, best, strict=True)])


def blind_and_watched(curves):
    """(blind, watched): problem -> regrets in test loss, one a run.

    *Blind* stops a run at the median of five others' best epochs (patience 10) and keeps its last weights.
    *Watched* stops it by its own patience of 10, and keeps its best.

    Args:
        curves: the recording proben1. Of each problem the runs with 64 units are taken, one a split.
    """
    blind, watched = {}, {}
    for problem in ("diabetes", "soybean", "gene", "thyroid", "building"):
        runs = curves.select(problem=problem, units=64)
        found = compare([Patience("val_loss", 10)], runs, measured="test_loss")[0]
        watched[problem] = found.regret
        blind[problem] = regrets(runs, medians_of_others(runs, found.stops, count=5))
    return blind, watched


def medians_of_others(runs, stops, count):
    """For each run, the median of the best epochs of the `count` runs after it, in a circle.

    Args:
        runs: histories with "val_loss".
        stops: the epoch that ended each run. A rule that ended it there knows nothing of what came after.
        count: how many others.

    >>> runs = [{"val_loss": [2.0, 1.0, 0.5]}, {"val_loss": [1.0, 2.0, 3.0]}]
    >>> medians_of_others(runs, [1, 2], count=1)
    [0, 1]
    """
    best = [int(np.argmin(run["val_loss"][:stop + 1])) for run, stop in zip(runs, stops, strict=True)]
    return [int(np.median(np.roll(best, -i)[1:count + 1])) for i in range(len(runs))]


def print_regrets(blind, watched):
    """A line a problem: mean regrets, and in how many runs blind has the larger or the smaller one.

    Args:
        blind: problem -> array, a value a run.
        watched: likewise.

    >>> print_regrets({"gene": np.array([2.0, 4.0])}, {"gene": np.array([1.0, 4.0])})
    regret, %   blind  watched   difference   blind: larger / smaller in
    gene          3.0      2.5         +0.5           1 / 0 of 2
    """
    print("regret, %   blind  watched   difference   blind: larger / smaller in")
    for problem, ours in blind.items():
        gap = ours - watched[problem]
        print(f"{problem:9} {ours.mean():7.1f} {np.mean(watched[problem]):8.1f} {gap.mean():+12.1f} "
              f"{(gap > 0).sum():11} / {(gap < 0).sum()} of {len(gap)}")


def print_losses(rows):
    """A line a size of validation set.

    Args:
        rows: pictures -> the lowest validation loss, and the pool's loss at its epoch, each a mean.

    >>> print_losses({25: (0.45, 0.63)})
    pictures   their lowest loss   pool's loss at that epoch
          25                0.45                        0.63
    """
    print("pictures   their lowest loss   pool's loss at that epoch")
    for size, (promised, pool) in rows.items():
        print(f"{size:8} {promised:19.2f} {pool:27.2f}")
