"""The figures of notebook 92. Each returns what `show` takes: a figure and its description."""

import numpy as np

from ...stopping.plots import BLUE, ORANGE, RED, axes

RUNGS = 5, 15, 45  # where ASHA looked, see data/make/sweep.py


def sweep(recorded, rule):
    """How many epochs each trial of one sweep got: a bar for the rule, and below it one for ASHA. On the
    right is the lowest val_loss of each, had nothing ended it.

    Args:
        recorded: a Sweep.
        rule: epochs of each trial as a rule ended it.
    """
    ax = axes(width=7, height=4.8)
    names, asha, whole = recorded.names, recorded.asha, len(recorded.runs[0]["val_loss"])
    rows = np.arange(len(names))
    for epochs, place, color, label in ((rule, -0.2, BLUE, "our rule"), (asha, 0.2, ORANGE, "ASHA")):
        ax.barh(rows + place, epochs, height=0.36, color=color, label=f"{label}: {sum(epochs)} epochs")
        for row, each in enumerate(epochs):
            ax.text(each + 0.7, row + place, int(each), va="center", fontsize=8,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    for rung in RUNGS:
        ax.axvline(rung, color="black", linestyle=":", linewidth=0.8, zorder=1.5,
                   label="ASHA looks" if rung == RUNGS[0] else None)
    best = names.index(recorded.winner())
    ax.text(whole + 5, -1.1, f"lowest val_loss\nin {whole} epochs", va="center", fontsize=8)
    for row, run in enumerate(recorded.runs):
        said, weight = (" (best)", "bold") if row == best else ("", "normal")
        ax.text(whole + 5, row, f"{min(run['val_loss']):.3f}{said}", va="center", fontsize=9, weight=weight)
    ax.set(yticks=rows, yticklabels=names, ylabel="width and learning rate", xlim=(0, whole + 4),
           xticks=[0, *RUNGS, 30, whole], xlabel="epochs trained")
    ax.set_xticks(range(0, whole + 1, 5), minor=True)
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.37, 1.11), ncols=3, frameon=False, fontsize=9,
              columnspacing=1.2)
    ax.get_yticklabels()[best].set_weight("bold")
    looks = ", ".join(map(str, RUNGS))
    ends = " or ".join(map(str, sorted(set(asha[asha < whole]))))
    return ax, (f"Two bars for each of {len(names)} trials. With the rule they get {min(rule)} to "
                f"{max(rule)} of {whole} epochs. ASHA looks after {looks} epochs, and ends "
                f"{sum(asha < whole)} of them, all after {ends}. "
                f"The best trial is {names[best].strip()}.")


def two_workers(recorded, epoch=6, every=5):
    """What two workers did: one stopped alone, and both voted; a bar for each, up to its last batch.

    Args:
        recorded: {"alone": ..., "together": ...} of one engine, see data.load_two_workers.
        epoch, every: batches of an epoch, and between two votes.
    """
    alone, together = recorded["alone"]["batches"], recorded["together"]["batches"]
    ax = axes(width=7, height=2.4)
    rows = [0, 1, 2.6, 3.6]
    ax.barh(rows, [*alone, *together], height=0.6, color=BLUE, label="trains")
    ax.barh(0, 16, left=alone[0], height=0.6, facecolor="none", edgecolor=RED, hatch="///", linewidth=0,
            label="waits")
    votes = [batch for batch in range(1, max(together) + 1) if batch % every == 0 or batch % epoch == 0]
    for row in rows[2:]:
        ax.plot(votes, [row] * len(votes), "o", color=ORANGE, markersize=6, linestyle="none",
                label="a vote" if row == rows[2] else None)
    ax.axvline(alone[1], color="black", linestyle=":", linewidth=0.8, label="worker 1's time is up")
    names = [f"{how}: worker {worker}" for how in ("alone", "with votes") for worker in (0, 1)]
    ax.set(yticks=rows, yticklabels=names,
           xlim=(0, alone[0] + 16), xticks=[*range(0, max(together) + 1, epoch)], xlabel="batches done")
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, 1.25), ncols=4, frameon=False, fontsize=9,
              columnspacing=1.2)
    return ax, (f"Four bars. Worker 1 stops alone after {alone[1]} batches, and worker 0 waits after "
                f"{alone[0]}. With votes after batches {', '.join(map(str, votes))} both stop after "
                f"{together[0]}.")
