"""What 07 and its appendix say and draw: in how many splits one way is ahead, and accuracy beside IoU."""

import matplotlib.pyplot as plt
import numpy as np

from ..stopping.plots import BLUE, GREY, ORANGE, RED

ALT = {
    "finished_or_not":
        "Six runs. The accuracy of pixels is above 0.96, beyond the threshold of 0.95, from the first epoch "
        "on, while IoU stays at 0 for about ten epochs, then rises to 0.8. Two rules stop all six within "
        "six epochs, at IoU 0; the armed one stops near the top.",
}


def higher_in(ours, theirs, of="seeds"):
    """In how many places one array is above another, as words; ties, equal but for rounding, are told.

    >>> higher_in(np.array([98.0, 97.0, 96.0]), np.array([97.0, 97.0, 95.0]), of="splits")
    '2 of 3 splits (1 tie)'
    """
    gain = ours - theirs
    equal = np.isclose(gain, 0)
    ties = int(equal.sum())
    said = f" ({ties} tie{'s' if ties > 1 else ''})" if ties else ""
    return f"{int(((gain > 0) & ~equal).sum())} of {len(gain)} {of}{said}"


def finished_or_not(runs, stops):
    """Accuracy and IoU of the mask task over the epochs, with the stops of some rules.

    Args:
        runs: histories with the columns val_accuracy and val_iou.
        stops: name of a rule -> the epoch in which it stops each run.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.2), layout="constrained")
    labels = "accuracy of pixels (axis starts at 0.94)", "IoU of masks"
    for panel, name, label in zip(panels, ("val_accuracy", "val_iou"), labels):
        for run in runs:
            panel.plot(run[name], color=GREY, linewidth=0.8, alpha=0.7)
        for (rule, rows), colour, mark in zip(stops.items(), (ORANGE, RED, BLUE), "sDo"):
            panel.plot(rows, [run[name][row] for run, row in zip(runs, rows)], mark, color=colour,
                       markersize=7, markeredgecolor="white", label=f"stopped by {rule}", zorder=3)
            if len(set(rows)) == 1:
                panel.annotate(f"all {len(rows)}", (rows[0], runs[0][name][rows[0]]), color=colour,
                               fontsize=8, xytext=(0, 8), textcoords="offset points", ha="center")
        panel.set(xlabel="epoch (counted from 0)", ylabel=label)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].axhline(0.95, color=ORANGE, linestyle="--", linewidth=1)
    panels[0].annotate("0.95", (0.98, 0.95), xycoords=("axes fraction", "data"), color=ORANGE, fontsize=8,
                       xytext=(0, 3), textcoords="offset points", ha="right")
    panels[0].set(ylim=(0.94, 1))
    panels[1].set(ylim=(-0.02, 1.02))
    panels[1].legend(frameon=False, loc="lower right", fontsize=9)
    return figure
