"""The tables of appendix 07b: its cells have what counts, and this module how it is set out."""

import numpy as np

from ..comparisons import higher_in
from .outcomes import gained, kept


def watched(settings):
    """A line for each setting: points of test F1 that three columns gain over watching the loss.

    Args:
        settings: name -> what `outcomes.conditions` gives.
    """
    splits = {len(of["val_loss"]["test_f1"]) for of in settings.values()}
    lines = [f"watching instead of the loss:    accuracy     F1    AUC   (points of test F1, means of "
             f"{splits.pop()} splits)"]
    for name, of in settings.items():
        means = [gained(of, column).mean() for column in ("val_accuracy", "val_f1", "val_auc")]
        lines.append("{:31}{:+z10.1f} {:+z6.1f} {:+z6.1f}".format(name, *means))
    return "\n".join(lines)


def hidden_names(ways):
    """A line for each way: best epoch, test accuracy, that with names hidden, and what it gains over both.

    Args:
        ways: name -> runs of clocks_pixels.
    """
    lines = [f"means of {len(ways['both'])} splits:", "               best epoch  test, %  names hidden, %  "
             "gain over both in each split, points"]
    for way, runs in ways.items():
        best = np.mean([np.argmin(run["val_loss"]) for run in runs])
        said = f"{way:15}{best:10.0f}{kept(runs).mean():9.0f}"
        if way not in ("pictures", "words"):
            said += f"{kept(runs, 'without_words').mean():17.0f}"
        if way in ("names dropped", "shifted"):
            said += " " + "".join(f"{more:+z6.1f}" for more in kept(runs) - kept(ways["both"]))
        lines.append(said)
    return "\n".join(lines)


def ratios(found):
    """A line for each data set: the ratio of the clocks, and what a network and a stop for each input gain.

    Args:
        found: name -> dict of arrays, as `outcomes.outcomes` gives it.
    """
    lines = ["                    slowest over   points gained by a network and a stop for each input",
             "                    fastest clock  over one network, one stop      "
             "over as many networks, one stop"]
    for name, of in found.items():
        ratio = np.median(np.maximum(of["ratio"], 1 / of["ratio"]))
        said = [f"{(of['own'] - of[rival]).mean():+.1f}, higher in "
                f"{higher_in(of['own'], of[rival], 'splits')}" for rival in ("both", "one")]
        lines.append(f"{name:20}{ratio:10.1f}     {said[0]:32}{said[1]}")
    return "\n".join(lines)


def smaller_gradients(far):
    """A line for each optimizer: how far weights get with a tenth of the gradient, and with none.

    Args:
        far: name -> distances after each step of four plans: whole, tenth, tenth later, zero later. "Later"
            begins after 100 whole steps.
    """
    lines = ["               a tenth of the gradient, 100 steps:    gradient zero, 20 steps:",
             "               distance (whole gradient: 1)           distance, in ordinary steps",
             "               from the start   after 100 whole       after 100 whole"]
    for name, of in far.items():
        start = of["tenth"][99] / of["whole"][99]
        later = (of["tenth later"][199] - of["tenth later"][99]) / (of["whole"][199] - of["whole"][99])
        drift = (of["zero later"][119] - of["zero later"][99]) / (of["whole"][99] - of["whole"][98])
        lines.append(f"{name:15}{start:9.1f}{later:18.1f}{drift:22.0f}")
    return "\n".join(lines)
