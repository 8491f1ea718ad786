"""The figures of chapter 02. Each function takes data and returns a figure or its axes."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping import ImprovementBelow, Patience
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, RED, axes

EVENT = Patience("val_loss", 3)
MORE = 6  # epochs that "go on" and "rate / 10" train after the event


def descent(losses):
    """The loss of each step of a gradient descent."""
    ax = axes(height=2.6, xlabel="step (counted from 0)", ylabel="loss (mean squared error)")
    ax.plot(losses, color=BLUE)
    ax.set_ylim(bottom=0)
    return ax


def spans(history, validation):
    """What a recorded clock tells of a run: [(what, begin, end)] in seconds, what is "train" or "validate".

    Args:
        history: with a column "seconds", the end of each epoch.
        validation: seconds that a validation pass takes, at the end of each epoch.
    """
    begins = [0, *history["seconds"][:-1]]
    return [part for begin, end in zip(begins, history["seconds"])
            for part in (("train", begin, end - validation), ("validate", end - validation, end))]


def budgets(runs, budget):
    """Runs as bars over time, and the budget that they had.

    Args:
        runs: label -> [(what, begin, end)], as from `spans`; seconds.
        budget: seconds.
    """
    ax = axes(height=0.9 + 0.55 * len(runs), xlabel="seconds", yticks=range(len(runs)), yticklabels=runs)
    for row, parts in enumerate(runs.values()):
        for what, begin, end in parts:
            colour, hatch = (BLUE, None) if what == "train" else (ORANGE, "///")
            ax.barh(row, end - begin, 0.5, begin, color=colour, hatch=hatch, edgecolor="white")
    for what, colour, hatch in (("training", BLUE, None), ("validation", ORANGE, "///")):
        ax.bar(0, 0, color=colour, hatch=hatch, edgecolor="white", label=what)
    ax.axvline(budget, color=RED, linestyle="--", linewidth=1.5, label=f"budget: {budget} s")
    ax.set(ylim=(len(runs) - 0.5, -0.5), xlim=(0, None))
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    return ax


def two_windows(name, run, epsilon, windows=(1, 10), epochs=41):
    """One validation loss, and where ImprovementBelow stops it with a short and with a long window.

    The two epochs that a stop has compared are joined.

    Args:
        name: of the data set.
        run: a history.
        epsilon: relative.
        epochs: how many of them are drawn.

    Returns:
        What `show` takes: axes and a description.
    """
    losses, ax = run["val_loss"], axes(width=7, height=3, xlabel="epoch (counted from 0)",
                                       ylabel="validation loss")
    ax.plot(losses[:epochs], ".-", color=BLUE, linewidth=1, markersize=4)
    stops = []
    for window, colour, mark in zip(windows, (ORANGE, RED), "sD"):
        stops.append(ImprovementBelow("val_loss", epsilon, window, relative=True).first(run))
        pair = [stops[-1] - window, stops[-1]]
        ax.plot(pair, [losses[epoch] for epoch in pair], mark + "-", color=colour, markersize=6, linewidth=2,
                label=f"window {window}: stops at epoch {stops[-1]} (compared with {pair[0]})")
    best = int(np.argmin(losses))
    ax.plot([best], [losses[best]], "o", color="black", markerfacecolor="none", markersize=12,
            markeredgewidth=1.5, label=f"best of all {len(losses)} epochs: epoch {best}")
    ax.set_title(f"{name}, one run, epsilon {100 * epsilon:g} %", fontsize=10)
    ax.legend(frameon=False, fontsize=9)
    return ax, ("A validation loss that falls, and jumps up and down on its way. "
                f"Window {windows[0]} stops it at a small rise, in epoch {stops[0]}; "
                f"window {windows[1]} in epoch {stops[1]}, past the best, {best}.")


def kept(run, last):
    """The test accuracy, in percent, of the epoch with the lowest validation loss until `last`."""
    return 100 * run["test_accuracy"][int(np.argmin(run["val_loss"][: last + 1]))]


def actions(curves, optimizer):
    """What three actions at the same event keep: test accuracy in percent, array (seeds, 3).

    The actions are to end, to go on for MORE epochs, and to divide the rate by ten and go on for as many.

    Args:
        curves: load_curves("events").
    """
    rows = []
    pairs = (curves.select(optimizer=optimizer, action=action) for action in ("go on", "rate / 10"))
    for same, lower in zip(*pairs):
        event = EVENT.first(same)
        rows.append([kept(same, event), kept(same, event + MORE), kept(lower, event + MORE)])
    return np.array(rows)


def three_actions(curves, optimizer, seed=0):
    """One run through the event and what follows (left); what ten seeds keep, joined by seed (right)."""
    same, lower = (curves.select(optimizer=optimizer, action=action, seed=seed)[0]["val_loss"]
                   for action in ("go on", "rate / 10"))
    event = EVENT.first({"val_loss": same})
    after = range(event, event + MORE + 1)
    figure, (run, pairs) = plt.subplots(1, 2, figsize=(9.2, 3.3), layout="constrained", width_ratios=(1.3, 1))
    run.plot(range(event + 1), same[: event + 1], color=BLUE, label="until the event")
    run.plot(after, [same[epoch] for epoch in after], color=ORANGE, linestyle="--", label="go on")
    run.plot(after, [lower[epoch] for epoch in after], color=GREEN, label="rate / 10, go on")
    best = int(np.argmin(same[: event + 1]))
    run.plot([event], [same[event]], "o", color=RED, markersize=7, label=f"the event: epoch {event}")
    run.plot([best], [same[best]], "o", color="black", markerfacecolor="none", markersize=11,
             markeredgewidth=1.5, label=f"best until then: epoch {best}")
    run.set(xlabel="epoch (counted from 0)", ylabel="validation loss", title=f"seed {seed}")
    run.legend(frameon=False, fontsize=9)
    accuracy = actions(curves, optimizer)
    pairs.plot(range(3), accuracy.T, color=GREY, linewidth=0.8, alpha=0.7)
    for place, (values, look) in enumerate(zip(accuracy.T, ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^")))):
        pairs.plot([place] * len(values), values, look[1], color=look[0], markersize=5)
    pairs.set(title=f"{len(accuracy)} seeds, joined by seed", ylabel="test accuracy, %", xlim=(-0.3, 2.3),
              xticks=range(3), xticklabels=("end", "go on", "rate / 10"))
    for panel in (run, pairs):
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def listed_losses(seconds, losses, limit, answer=None):
    """Exercise 2.1: the five losses over time, the time limit, and the learner's epoch."""
    ax = axes(xlabel="seconds", ylabel="loss", xlim=(0, 18))
    ax.plot(seconds, losses, "o-", color=BLUE, markersize=4)
    for epoch, (second, loss) in enumerate(zip(seconds, losses)):
        ax.annotate(f"epoch {epoch}", (second, loss), xytext=(4, 6), textcoords="offset points", fontsize=8)
    ax.axvline(limit, color=GREY, linestyle="--", linewidth=1, label=f"time limit: {limit} s")
    if answer is not None:
        ax.plot([seconds[answer]], [losses[answer]], "o", color="black", markerfacecolor="none",
                markersize=13, markeredgewidth=1.5, label="your epoch")
    ax.legend(frameon=False)
    return ax


def cost_and_regret(known, own, limits):
    """Exercise 2.5: what rules cost and lose.

    Args:
        known: [(window, cost as a share, regret in percent)], joined by a line.
        own: (cost, regret) of the learner's rule.
        limits: (cost, regret) that it must not exceed.
    """
    ax = axes(xlabel="cost: epochs trained, % of 300", ylabel="regret, %")
    names, costs, lost = zip(*known)
    ax.plot(100 * np.array(costs), lost, "s-", color=GREY, markersize=4, linewidth=1)
    for name, cost, regret in known:
        ax.annotate(f"window {name}", (100 * cost, regret), xytext=(5, 3), textcoords="offset points",
                    color=GREY, fontsize=8)
    ax.fill_between([0, 100 * limits[0]], 0, limits[1], color=GREEN, alpha=0.12, linewidth=0,
                    label="within both limits")
    ax.plot([100 * own[0]], [own[1]], "o", color=RED, markersize=9, label="your rule", clip_on=False)
    ax.set(xlim=(0, max(40, 105 * own[0])), ylim=(min(0, own[1]), max(35, 1.1 * own[1])))  # window 1 is above
    ax.legend(frameon=False)
    return ax
