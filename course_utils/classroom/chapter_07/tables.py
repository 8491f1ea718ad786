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
        lines.append(f"{said:30}{kept(runs).mean():5.0f}{hidden:>15}{np.mean(list(map(best, runs))):16.0f}")
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


def smaller_gradients(far):
    """A line for each optimizer: how far weights get with a tenth of the gradient, and with none.

    Args:
        far: name -> distances after each step of four plans: whole; tenth; tenth later, which is a tenth from
            step 50 on; zero later, which is zero from step 100 on.
    """
    lines = ["                steps 80 to 99, with a tenth of the    coasts on, once the",
             "                gradient: share of the whole way       gradient is 0 (steps)",
             "                from step 0 on   from step 50 on"]
    for name, of in far.items():
        whole, tenth, later = (of[plan][99] - of[plan][79] for plan in ("whole", "tenth", "tenth later"))
        drift = (of["zero later"][119] - of["zero later"][99]) / (of["whole"][99] - of["whole"][98])
        lines.append(f"{name:16}{tenth / whole:9.1f}{later / whole:17.1f}{drift:22.0f}")
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
