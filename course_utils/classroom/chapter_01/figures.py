"""The figures of chapter 01. Each function takes data and returns a figure or its axes."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping import Below
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes, caption, spread


def emoji_examples(emoji):
    """One emoji of each group, its name above and its group below. `emoji`: as from load_openmoji()."""
    groups = np.unique(emoji.groups)
    figure, panels = plt.subplots(1, len(groups), figsize=(9, 1.7), layout="constrained")
    for panel, group in zip(panels, groups):
        i = np.flatnonzero(emoji.groups == group)[7]
        panel.imshow(emoji.pictures[i])
        panel.set_title("\n".join(_wrapped(emoji.names[i])), fontsize=9)
        panel.set_xlabel(group.replace("-", "-\n", 1), fontsize=9)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    return figure


def batches_run(counts, full):
    """Bars: how many batches each epoch ran; those cut short stand out."""
    ax = axes(xlabel="epoch (counted from 0)", ylabel="batches run")
    places, counts = np.arange(len(counts)), np.asarray(counts)
    for chosen, colour, label in ((counts >= full, BLUE, "whole epoch"),
                                  (counts < full, ORANGE, "cut short by the break")):
        ax.bar(places[chosen], counts[chosen], color=colour, label=label)
    ax.axhline(full, color=GREY, linestyle="--", linewidth=1)
    ax.text(len(counts) - 0.5, full, f"all {full}", ha="right", va="bottom", color=GREY)
    ax.legend(frameon=False, loc="center right")
    return ax


def break_or_not(recorded):
    """Mean loss over all training data, with the article's break and without it: by epochs, by batches."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    ended = recorded.select(broken=True)
    ends, lasts = [sum(run["batches_run"]) for run in ended], [run["full_loss"][-1] for run in ended]
    for broken, colour, line, label in ((False, GREEN, "--", "without the break"),
                                        (True, BLUE, "-", "with the break")):
        for i, run in enumerate(recorded.select(broken=broken)):
            for panel, x in zip(panels, (range(len(run["full_loss"])), np.cumsum(run["batches_run"]))):
                panel.plot(x, run["full_loss"], line, color=colour, linewidth=1.2,
                           label=label if i == 0 else None)
                if broken:
                    first = run["messages"].index(1)
                    panel.plot(x[first], run["full_loss"][first], "o", color=ORANGE, markersize=5, zorder=3,
                               label="first message" if i == 0 else None)
    for panel in panels:
        panel.axhline(0.01, color=GREY, linestyle=":", linewidth=1.5, label="threshold 0.01")
        panel.spines[["top", "right"]].set_visible(False)
    (end,) = panels[1].plot(ends, lasts, "s", color=BLUE, markersize=5, zorder=3)
    panels[1].legend([end], ["with the break: end of its 25 epochs"], frameon=False)
    panels[0].set(title="by epochs", xlabel="epoch (counted from 0)", ylabel="mean loss (log scale)",
                  yscale="log")
    panels[1].set(title="by batches", xlabel="batches trained on (the first 1250)", xlim=(0, 1250))
    panels[0].legend(frameon=False)
    return figure


def overfit(runs):
    """What becomes of loss and accuracy in runs on several splits, on training and on validation data."""
    figure, (losses, accuracy) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    spread(losses, [run["val_loss"] for run in runs], ORANGE, "validation loss")
    spread(losses, [run["loss"] for run in runs], BLUE, "training loss", "--")
    mean = np.mean([run["val_loss"] for run in runs], axis=0)
    losses.plot([mean.argmin()], [mean.min()], "D", color=GREY, markersize=6, label="lowest", zorder=3)
    spread(accuracy, [run["val_accuracy"] for run in runs], GREEN, "validation accuracy")
    losses.set(title="Pictures alone: loss", ylabel="loss", ylim=(0, 2.8))
    accuracy.set(title="Pictures alone: accuracy", ylabel="validation accuracy", ylim=(0, 0.8))
    for panel in (losses, accuracy):
        panel.set(xlabel="epoch (counted from 0)")
        panel.spines[["top", "right"]].set_visible(False)
    losses.legend(frameon=False, fontsize=9, loc="lower left")
    caption(figure, "Lines: means of five splits. Bands: from the smallest to the largest of the five.")
    return figure


def gradient_norms(runs, limits, epochs=20):
    """The gradient norm of several runs, with limits, and where each run is first below them."""
    ax = axes(xlabel="epoch (counted from 0)", ylabel="gradient norm")
    for i, run in enumerate(runs):
        ax.plot(run["gradient_norm"][:epochs], color=BLUE, linewidth=1,
                label=None if i else f"{len(runs)} runs")
    for limit, colour, line, shape in zip(limits, (RED, PURPLE), ("--", ":"), "os"):
        stops = [Below("gradient_norm", limit).first(run) for run in runs]
        ax.axhline(limit, color=colour, linestyle=line, linewidth=1.5, label=f"limit {limit}")
        ax.plot(stops, [run["gradient_norm"][stop] for run, stop in zip(runs, stops)], shape, color=colour,
                markersize=5, zorder=3, label=f"first below {limit}")
    ax.set(xticks=range(0, epochs, 2))
    ax.legend(frameon=False)
    return ax


def _wrapped(name):
    words, lines = name.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 12:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2]


def stops_of(dots, slow, budget):
    """Exercise 1.5: the runs' training loss, and a dot on each where a rule stops it.

    `dots`: (inputs, losses, stop) of each run; stop is None where there is none. `slow`: (epochs, loss), the
    loss above which a run is given up after so many epochs.
    """
    ax = axes(xlabel="epoch (counted from 0)", ylabel="training loss (log scale)", yscale="log")
    looks, seen = {"words": (GREEN, "s"), "both": (BLUE, "o"), "pictures": (PURPLE, "^")}, set()
    for inputs, losses, stop in dots:
        colour, shape = looks[inputs]
        ax.plot(losses, color=colour, linewidth=0.7, alpha=0.6)
        if stop is not None:
            label = None if inputs in seen else f"your stops: {inputs}"
            ax.plot([stop], [losses[stop]], shape, color=colour, markersize=6, label=label)
            seen.add(inputs)
    ax.axvline(budget - 1, color=GREY, linestyle=":", linewidth=1, label=f"budget: {budget} epochs")
    ax.axhline(0.01, color=GREY, linestyle="--", linewidth=1)
    ax.text(0, 0.009, "threshold 0.01", va="top", color=GREY, fontsize=9)
    epochs, loss = slow
    ax.fill_between([epochs - 1, epochs], loss, 4, color=ORANGE, alpha=0.5, linewidth=0, zorder=0,
                    label=f"too slow: still above {loss:g}")
    ax.legend(fontsize=9, framealpha=1, edgecolor="none", loc="center right")  # lines end where it stands
    return ax
