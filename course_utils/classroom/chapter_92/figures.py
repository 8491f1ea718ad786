"""The figure of notebook 92. It returns what `show` takes: a figure and its description."""

import numpy as np

from ...stopping.plots import BLUE, GREY, ORANGE, axes


def sweep(labels, whole, rule, asha):
    """How many epochs each trial of one sweep got.

    Args:
        labels: the trials' names.
        whole: epochs of each if nothing ends it.
        rule, asha: int arrays, epochs of each as the two ended it.
    """
    ax = axes(width=7, height=3.9)
    rows = np.arange(len(labels))
    ax.barh(rows, np.full(len(rows), whole), height=0.7, color=GREY, alpha=0.2, label="without a stop")
    ax.barh(rows, rule, height=0.35, color=BLUE, label="trained, by its own curve")
    ax.plot(asha, rows, "D", color=ORANGE, markersize=6, label="ended by ASHA (at 60: never)")
    ax.set(yticks=rows, yticklabels=labels, xlabel="epochs trained", xlim=(0, whole + 1))
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3, frameon=False, fontsize=9)
    return ax, (f"A bar for each of {len(labels)} trials. Ended by their own curves they get {min(rule)} to "
                f"{max(rule)} of {whole} epochs; ASHA, a diamond, ends {np.sum(asha < whole)} of them before "
                f"the last, after {min(asha)} epochs the first.")
