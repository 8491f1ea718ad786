"""The figures of notebook 92. Each returns what `show` takes: a figure and its description."""

from ...stopping.plots import BLUE, ORANGE, RED, axes


def sweep(recorded, epochs, hopeless):
    """How many epochs each trial of one sweep got: a bar for each, the trials of one rate together. On the
    right is the lowest val_loss of each, had nothing ended it.

    Args:
        recorded: a Sweep.
        epochs: of each trial, as a rule ended it.
        hopeless: the end of the names of the trials that are drawn apart, such as "rate 3".
    """
    ax = axes(width=7, height=4)
    whole = len(recorded.runs[0]["val_loss"])
    order = sorted(range(len(epochs)), key=lambda trial: float(recorded.names[trial].split()[-1]))
    names = [recorded.names[trial].strip() for trial in order]
    best = names.index(recorded.winner().strip())
    for row, (trial, name) in enumerate(zip(order, names)):
        bad = name.endswith(hopeless)
        ax.barh(row, epochs[trial], height=0.7, color=RED if bad else BLUE)
        ax.barh(row, whole - epochs[trial], left=epochs[trial], height=0.7, facecolor="none", linewidth=0,
                edgecolor=RED if bad else BLUE, hatch="///", alpha=0.5)
        ax.text(epochs[trial] - 0.7, row, int(epochs[trial]), ha="right", va="center", color="white")
        said, weight = (" (best)", "bold") if row == best else ("", "normal")
        low = min(recorded.runs[trial]["val_loss"])
        ax.text(whole + 1.5, row, f"{low:.3f}{said}", va="center", fontsize=9, weight=weight)
    ax.text(whole + 1.5, -1.3, f"lowest val_loss\nin {whole} epochs", va="center", fontsize=8)
    ax.set(yticks=range(len(names)), yticklabels=names, ylabel="width and learning rate", xlim=(0, whole),
           xticks=range(0, whole + 1, 10), xlabel="epochs: trained (full) and saved (hatched)")
    ax.invert_yaxis()
    ax.get_yticklabels()[best].set_weight("bold")
    bad = [epochs[trial] for trial in order if recorded.names[trial].endswith(hopeless)]
    kept = sum(each == whole for each in epochs)
    return ax, (f"A bar for each of {len(names)} trials. The {len(bad)} at {hopeless} are ended after "
                f"{min(bad)} to {max(bad)} of {whole} epochs; {kept} trials are not ended, the lowest "
                f"rate's among them. The best trial is {names[best]}, with {epochs[order[best]]} epochs.")


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
    ax.annotate("waits ...", (alone[0], 0), (alone[0] + 7, 0), color=RED, va="center",
                arrowprops={"arrowstyle": "<-", "color": RED})  # not along the axis: no batch is done
    if recorded["alone"]["over"][1]:
        ax.text(alone[1] + 0.7, 1, "its fit has ended", va="center")
    votes = [batch for batch in range(1, max(together) + 1) if batch % every == 0 or batch % epoch == 0]
    for row in rows[2:]:
        ax.plot(votes, [row] * len(votes), "o", color=ORANGE, markersize=6, linestyle="none",
                label="a vote" if row == rows[2] else None)
    ax.axvline(alone[1], color="black", linestyle=":", linewidth=0.8, label="worker 1's time is up")
    names = [f"{how}: worker {worker}" for how in ("alone", "with votes") for worker in (0, 1)]
    ax.set(yticks=rows, yticklabels=names,
           xlim=(0, alone[0] + 11), xticks=[*range(0, max(together) + 1, epoch)], xlabel="batches done")
    ax.spines.bottom.set_bounds(0, max(together))
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, 1.25), ncols=3, frameon=False, fontsize=9,
              columnspacing=1.2)
    return ax, (f"Four bars. Worker 1 stops alone after {alone[1]} batches, and worker 0 waits after "
                f"{alone[0]}. With votes after batches {', '.join(map(str, votes))} both stop after "
                f"{together[0]}.")
