"""The tables of appendix 07b: its cells have what counts, and this module how it is set out."""

import numpy as np

from ..comparisons import counted
from .outcomes import best, kept


def hidden_names(ways):
    """A line for each way: test accuracy, that with the names hidden (not for one input alone), best epoch.

    Args:
        ways: what is said of a way -> its runs of clocks_pixels.
    """
    lines = [f"{'':30}right, %   names hidden, %   best epoch (mean)"]
    for said, runs in ways.items():
        hidden = "" if said.endswith("alone") else f"{kept(runs, 'without_words').mean():.0f}"
        lines.append(f"{said:30}{kept(runs).mean():6.1f}{hidden:>14}{np.mean(list(map(best, runs))):17.0f}")
    return "\n".join(lines)


def where_they_stop(runs, rules):
    """A line for each rule: the first and the last epoch in which it stops a run, and the mean IoU there.

    Args:
        runs: histories with the column val_iou.
        rules: name -> criterion; each stops every run.
    """
    lines = [f"{'':18}stops in epochs   IoU there, mean"]
    for name, rule in rules.items():
        stops = [rule.first(run) for run in runs]
        iou = np.mean([run["val_iou"][stop] for run, stop in zip(runs, stops)])
        span = f"{min(stops)}" if len(set(stops)) == 1 else f"{min(stops)} to {max(stops)}"
        lines.append(f"{name:18}{span:>10}{iou:18.2f}")
    return "\n".join(lines)


def after_epochs(right, epochs):
    """A line for each contender: test accuracy of what it keeps if it must end after so many epochs.

    Args:
        right: name -> array (splits, epochs), as `outcomes.within` gives it.
        epochs: the numbers of epochs.
    """
    lines = [f"{'right, %':27}" + "".join(f"{f'{n} epochs':>11}" for n in epochs)]
    lines += [f"{name:27}" + "".join(f"{table.mean(0)[n - 1]:11.0f}" for n in epochs)
              for name, table in right.items()]
    return "\n".join(lines)


def step_length(of, trial):
    """How long steps 80 to 99 of a trial are on average, if those with whole gradients are 1.

    Args:
        of: trial -> distances after each step, "whole" among the trials.
    """
    return float((of[trial][99] - of[trial][79]) / (of["whole"][99] - of["whole"][79]))


def smaller_gradients(far):
    """A line for each optimizer: how long its steps are with smaller gradients, how far it coasts with none.

    Args:
        far: name -> distances after each step of four trials: whole; always a tenth; a tenth from 50; zero
            from 100.
    """
    lines = ["               length of a step (whole gradients: 1)   full steps it coasts",
             "               always a tenth   a tenth from step 50    zero from step 100"]
    for name, of in far.items():
        always, later = (step_length(of, trial) for trial in ("always a tenth", "a tenth from 50"))
        drift = (of["zero from 100"][119] - of["zero from 100"][99]) / (of["whole"][99] - of["whole"][98])
        lines.append(f"{name:15}{always:8.1f}{later:19.1f}{drift:24.0f}")
    return "\n".join(lines)


def right_and_right(ways):
    """A line for each way: percent right in validation and in the test, at the lowest validation loss.

    Args:
        ways: what is said of a way -> its runs.
    """
    lines = [f"{'right, %':36}validation   test"]
    lines += [f"{said:36}{kept(runs, 'val_accuracy').mean():6.0f}{kept(runs).mean():10.0f}"
              for said, runs in ways.items()]
    return "\n".join(lines)


def f1_gained(points):
    """A line for each setting: points of F1 that a stop on F1 gains over one on the loss, with two patiences.

    Args:
        points: setting -> (array with patience 3, array with patience 10), each (runs,).
    """
    lines = [f"{'points of F1 gained':40}patience 3                 patience 10"]
    for said, gains in points.items():
        told = [f"{gain.mean():+.1f}, {counted(gain, 'up')}" for gain in gains]
        lines.append(f"{said:40}{told[0]:27}{told[1]}")
    return "\n".join(lines)
