"""The tables of appendix 07b: its cells have what counts, and this module how it is set out."""

import numpy as np

from .outcomes import kept


def hidden_names(ways):
    """A line for each way: test accuracy, and that with the names hidden (not for one input alone).

    Args:
        ways: what is said of a way -> its runs of clocks_pixels.
    """
    lines = [f"{'':29}right, %   names hidden, %"]
    for said, runs in ways.items():
        line = f"{said:29}{kept(runs).mean():5.0f}"
        if not said.endswith("alone"):
            line += f"{kept(runs, 'without_words').mean():14.0f}"
        lines.append(line)
    return "\n".join(lines)


def ratios(found):
    """A line for each data set: the ratio of the clocks, and what a network and a stop for each input gain.

    Args:
        found: name -> dict of arrays, as `outcomes.outcomes` gives it.
    """
    lines = [f"{'':20}slowest clock /   points gained", f"{'':20}fastest clock     over one network"]
    for name, of in found.items():
        ratio = np.median(np.maximum(of["ratio"], 1 / of["ratio"]))
        lines.append(f"{name:20}{ratio:8.1f}{(of['own'] - of['both']).mean():+17.1f}")
    return "\n".join(lines)


def smaller_gradients(far):
    """A line for each optimizer: how far weights get with a tenth of the gradient, and with none.

    Args:
        far: name -> distances after each step of three plans: whole; tenth; zero later, which is zero after
            100 whole steps.
    """
    lines = ["                a tenth of the gradient:    gradient zero after 100 steps:",
             "                distance in 100 steps       coasts on by so many steps' worth"]
    for name, of in far.items():
        tenth = of["tenth"][99] / of["whole"][99]
        drift = (of["zero later"][119] - of["zero later"][99]) / (of["whole"][99] - of["whole"][98])
        lines.append(f"{name:16}{tenth:9.1f}{drift:28.0f}")
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
