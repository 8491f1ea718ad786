"""The tables of chapter 03: its cells have what counts, and this module how it is set out."""

import numpy as np

from ...stopping import Patience, compare, replay


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
    """A line for each problem: the median longest wait, and what best and last weights lose.

    Args:
        problems: name -> histories.
        rows: name -> a Row of compare on these histories, measured in test_loss.
    """
    lines = ["           longest wait,   regret in %, mean ± standard deviation of the 20 runs",
             "             median          best weights kept      last weights kept"]
    for name, row in rows.items():
        best = [int(np.argmin(run["val_loss"])) for run in problems[name]]
        losses = [run["test_loss"] for run in problems[name]]
        last = [100 * (loss[stop] / loss[b] - 1) for loss, stop, b in zip(losses, row.stops, best)]
        wait = np.median([longest_wait(run["val_loss"]) for run in problems[name]])
        lines.append(f"{name:9} {wait:12.1f} {mean_sd(row.regret):>23} {mean_sd(last):>22}")
    return "\n".join(lines)


def prices(rows, names):
    """A line for each row of a comparison: its mean regret, the problem that loses most, the epochs trained.

    Args:
        rows: name -> a Row of compare on the runs of all problems, one problem after the other.
        names: the problems, in the order of the runs.
    """
    lines = ["             mean regret     most is lost on     epochs trained"]
    for rule, row in rows.items():
        regrets = dict(zip(names, row.regret.reshape(len(names), -1).mean(axis=1)))
        worst = max(regrets, key=regrets.get)
        lines.append(f"{rule:11} {row.regret.mean():10.1f} % {worst:>12}: {regrets[worst]:4.1f} % "
                     f"{100 * row.share.mean():14.1f} %")
    return "\n".join(lines)


def above_lowest(runs, rule):
    """By how many percent the test loss of what a rule keeps is above the lowest of its run: array (runs,).

    Not a regret, which compares with the best epoch by the validation loss: here each run has another.
    """
    kept = [replay(rule, run, best="val_loss").best_epoch for run in runs]
    return np.array([100 * (run["test_loss"][epoch] / min(run["test_loss"]) - 1)
                     for run, epoch in zip(runs, kept)])


def two_patiences(recorded, sizes, patiences=(3, 10)):
    """A line for each size of the validation set: how many best epochs 200 sets name, and what is lost.

    Args:
        recorded: load_curves("validation_sets").
        sizes: images in a set.
        patiences: a short one and a long one.
    """
    short, long = patiences
    lines = ["          different     test loss of the kept epoch above the lowest, mean",
             f"images    best epochs   {f'patience {short}':>20} {f'patience {long}':>18}"]
    for size in sizes:
        runs = recorded.select(shuffled=0, size=size)
        named = {int(np.argmin(run["val_loss"])) for run in runs}
        lost = [above_lowest(runs, Patience("val_loss", patience)).mean() for patience in patiences]
        lines.append(f"{size:6} {len(named):12} {lost[0]:21.1f} % {lost[1]:16.1f} %")
    return "\n".join(lines)


def points_gained(rule, runs):
    """By how many points of test accuracy the epoch that a rule keeps beats the last one: array (runs,)."""
    row = compare([rule], runs, measured="test_error", measured_mode="min")[0]
    return 100 * (np.array([run["test_error"][-1] for run in runs]) - row.kept)


def gains(groups, gained, rule):
    """A line for each group of runs: points gained, what the stop trains, and the training error at the end.

    Args:
        groups: name -> histories.
        gained: name -> points gained, one value a run.
        rule: what stopped the runs.
    """
    lines = ["              points gained     (runs that     epochs trained     training error at",
             "                  mean ± sd          gain)     with the stop      the end, no stop"]
    for name, points in gained.items():
        runs = groups[name]
        missed = 100 * np.mean([run["error"][-1] for run in runs])
        epochs = np.mean([replay(rule, run).epoch + 1 for run in runs])
        gain, spent = f"({np.sum(points > 0)} of {len(points)})", f"{epochs:.0f} of {len(runs[0]['error'])}"
        lines.append(f"{name:13} {mean_sd(points):>13} {gain:>14} {spent:>18} {missed:17.1f} %")
    return "\n".join(lines)
