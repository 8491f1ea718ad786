"""The figure of notebook 92. It returns what `show` takes: a figure and its description."""

import numpy as np

from ...stopping.plots import BLUE, GREY, ORANGE, axes

RUNGS = 5, 15, 45  # where ASHA looked, see data/make/sweep.py


def sweep(recorded, rule):
    """How many epochs each trial of one sweep got.

    Args:
        recorded: a Sweep.
        rule: epochs of each trial as a rule ended it.
    """
    ax = axes(width=7, height=3.9)
    names, asha, whole = recorded.names, recorded.asha, len(recorded.runs[0]["val_loss"])
    rows, ended = np.arange(len(names)), np.flatnonzero(asha < whole)
    ax.barh(rows, np.full(len(rows), whole), height=0.7, color=GREY, alpha=0.2, label=f"all {whole} epochs")
    ax.barh(rows, rule, height=0.35, color=BLUE, label="with our rule")
    ax.plot(asha[ended], ended, "D", color=ORANGE, markersize=6, label="ended by ASHA (no mark: never)")
    for rung in RUNGS:
        ax.axvline(rung, color="black", linestyle=":", linewidth=0.8, zorder=1.5,
                   label="ASHA looks" if rung == RUNGS[0] else None)
    best = names.index(recorded.winner())
    ax.text(rule[best] + 0.6, best, "best trial", va="center", fontsize=9)
    ax.set(yticks=rows, yticklabels=names, ylabel="width and learning rate", xlim=(0, whole + 1),
           xticks=[0, *RUNGS, 30, whole], xlabel="epochs trained")
    ax.set_xticks(range(0, whole + 1, 5), minor=True)
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.37, 1.14), ncols=4, frameon=False, fontsize=9,
              columnspacing=1.2)
    looks, ends = ", ".join(map(str, RUNGS)), " or ".join(map(str, sorted(set(asha[ended]))))
    return ax, (f"A bar for each of {len(names)} trials. With the rule they get {min(rule)} to {max(rule)} "
                f"of {whole} epochs. ASHA looks after {looks} epochs, and ends {len(ended)} of them, all "
                f"after {ends}. The best trial is {names[best].strip()}.")
