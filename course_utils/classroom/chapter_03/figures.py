"""The figures of chapter 03. Each function takes data and returns a figure or its axes."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

from ...stopping import replay
from ...stopping.plots import BLUE, GREEN, GREY, PURPLE, RED, axes, caption, spread

FIRST = 60  # epochs shown of a run that is best early, where a rule is drawn


def validation_curves(runs, rule=None):
    """A panel for each run: its validation loss. With a rule, marks at its stop, what it keeps, and the best.

    With a rule, a run whose best epoch comes early is shown for its first epochs only: the marks would hide
    them among 300.

    Args:
        runs: name -> history.
    """
    height = 2.8 if rule is None else 3.0
    figure, panels = plt.subplots(1, len(runs), figsize=(9.6, height), layout="constrained")
    early = []
    for panel, (name, run) in zip(panels, runs.items()):
        best, shown = int(np.argmin(run["val_loss"])), len(run["val_loss"])
        if rule is not None and best < FIRST / 3:
            shown = FIRST
            early.append(name)
        losses = run["val_loss"][:shown]
        panel.plot(losses, color=BLUE, linewidth=0.9)
        panel.set(title=name, yscale="log", xticks=(0, shown // 2, shown), xlabel="epoch",
                  xlim=(-shown / 15, 1.03 * shown))
        narrow = max(losses) < 6 * min(losses)
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if narrow else (1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.tick_params(axis="y", labelsize=8)
        panel.margins(y=0.1)
        panel.spines[["top", "right"]].set_visible(False)
        if rule is not None:
            stop = replay(rule, run).epoch
            panel.axvspan(stop, shown, color=GREY, alpha=0.12, linewidth=0)
            kept = int(np.argmin(losses[: stop + 1]))
            panel.set_title(f"{name}\nstop {stop}, keep {kept}\nbest of all: {best}", fontsize=10)
            panel.plot([best], [losses[best]], "s", color="black", markerfacecolor="none", markersize=7,
                       markeredgewidth=1.3, clip_on=False, zorder=3)
            panel.margins(y=0.15)  # room around the square
            panel.plot([stop], [losses[stop]], "o", color=RED, markersize=6, clip_on=False, zorder=3)
            panel.plot([kept], [losses[kept]], "o", color="black", markerfacecolor="none", markersize=4.5,
                       markeredgewidth=1.3, clip_on=False, zorder=4)
    panels[0].set_ylabel("validation loss\n(log scales, each its own)")
    if rule is not None:
        note = ("Dot: the stop. Ring: the epoch kept. Square: lowest validation loss of all 300. Grey: "
                "epochs never trained.")
        if early:
            note += f"\n{' and '.join(early).capitalize()}: only the first {FIRST} epochs are drawn."
        caption(figure, note)
    return figure


def validation_sets(recorded, sizes=(50, 2000)):
    """Where the best epochs of one training lie, as judged by many small and by many large validation sets.

    Args:
        recorded: load_curves("validation_sets").
        sizes: images in a set.
    """
    figure, panels = plt.subplots(len(sizes), 1, figsize=(7, 3.4), sharex=True, layout="constrained")
    for panel, size in zip(panels, sizes):
        best = [int(np.argmin(run["val_loss"])) for run in recorded.select(shuffled=0, size=size)]
        panel.hist(best, bins=np.arange(-0.5, 60), color=BLUE)
        panel.set_title(f"{size} images", loc="right", y=0.75, fontsize=10)
        panel.set(ylabel="sets, of 200", xlim=(-1, 60))
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("best epoch by the validation loss")
    caption(figure, "The two vertical scales differ.")
    return figure


def worth_or_not(fashion, gene):
    """Where a stop gains and where it costs: accuracy with shuffled labels; loss and accuracy on gene.

    Args:
        fashion: load_curves("fashion").
        gene: histories of one problem.
    """
    figure, (shuffled, loss, right) = plt.subplots(1, 3, figsize=(9.6, 3.3), layout="constrained")
    noisy = fashion.select(shuffled=0.3)
    spread(shuffled, _accuracy(noisy), PURPLE, None)  # the caption says what bands are
    shuffled.set(title="30 % shuffled: accuracy", ylabel="test accuracy, %", ylim=(60, 80))
    spread(loss, [run["test_loss"] for run in gene], BLUE, None)
    loss.set(title="gene: loss", ylabel="test loss", ylim=(0.2, 1.1), xlim=(-3, 100))
    spread(right, _accuracy(gene), PURPLE, None)
    right.set(title="gene: accuracy", ylabel="test accuracy, %", ylim=(80, 93), xlim=(-3, 100),
              yticks=(80, 84, 88, 92))
    for panel, runs in ((shuffled, noisy), (loss, gene), (right, gene)):
        best = np.median([np.argmin(run["val_loss"]) for run in runs])
        panel.axvline(best, color=RED, linestyle=":")
        panel.set_xlabel("epoch")
        panel.spines[["top", "right"]].set_visible(False)
    caption(figure, "Line and band: mean, smallest and largest of 20 runs. Dotted: the epoch of the lowest "
                    "validation loss (median).\nThe axes do not begin at 0. Of gene, the first 100 of 300 "
                    "epochs are drawn.")
    return figure


def _accuracy(runs):
    """Test accuracy in percent: array (runs, epochs)."""
    return 100 * (1 - np.array([run["test_error"] for run in runs]))


def cost_and_regret(patience, own, limits):
    """Exercise 3.5: what rules cost and lose.

    Args:
        patience: [(name, cost as a share, regret in percent)], joined by a line.
        own: (cost, regret) of the learner's rule.
        limits: (cost, regret) that it must not exceed.
    """
    ax = axes(xlabel="cost: epochs trained, % of 300", ylabel="regret, % (log scale above 2)")
    names, costs, lost = zip(*patience)
    between = np.linspace(costs[0], costs[-1], 400)  # straight in regret, so curved on a log scale
    ax.plot(100 * between, np.interp(between, costs, lost), color=GREY, linewidth=1)
    ax.plot(100 * np.array(costs), lost, "o", color=GREY, markersize=3)
    for name, cost, regret in patience:
        if name.split()[-1] not in ("1", "3", "5", "10", "20", "50"):
            continue  # the rest would cover one another
        ax.annotate(name, (100 * cost, regret), xytext=(5, 4), textcoords="offset points", color=GREY,
                    fontsize=8)
    ax.fill_between([0, 100 * limits[0]], 0, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                    label="within both limits")
    ax.plot([100 * own[0]], [own[1]], "o", color=RED, markersize=5, label="your rule", clip_on=False,
            zorder=3)
    ax.set(xlim=(0, max(60, 102 * own[0])), yscale="symlog", ylim=(min(0, own[1]), max(150, own[1])),
           yticks=(0, 1, 3, 10, 30, 100),
           yticklabels=(0, 1, 3, 10, 30, 100))
    ax.minorticks_off()
    ax.legend(frameon=False)
    return ax
