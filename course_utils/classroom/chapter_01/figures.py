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
        panel.set_title("\n".join(_wrapped(emoji.names[i])), fontsize=8)
        panel.set_xlabel(group.replace("-", "-\n", 1), fontsize=8)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    return figure


def batches_run(counts, full):
    """Bars: how many batches each epoch ran; those cut short stand out."""
    ax = axes(xlabel="epoch (counted from 0)", ylabel="batches run")
    counts = np.asarray(counts)
    ax.bar(range(len(counts)), counts, color=np.where(counts < full, ORANGE, BLUE))
    ax.axhline(full, color=GREY, linestyle="--", linewidth=1)
    ax.text(len(counts) - 0.5, full, f"all {full}", ha="right", va="bottom", color=GREY)
    return ax


def break_or_not(recorded):
    """Mean loss over all training data, with the article's break and without it, on a logarithmic scale."""
    ax = axes(xlabel="epoch (counted from 0)", ylabel="mean loss (log scale)", yscale="log")
    for broken, colour, line, label in ((True, BLUE, "-", "with the break"), (False, GREEN, "--", "without")):
        for i, run in enumerate(recorded.select(broken=broken)):
            ax.plot(run["full_loss"], line, color=colour, linewidth=1.2, label=label if i == 0 else None)
    ax.axhline(0.01, color=GREY, linestyle=":", linewidth=1.5, label="threshold 0.01")
    ax.legend(frameon=False)
    return ax


THRESHOLDS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


def accuracy_at_thresholds(curves, inputs="both"):
    """Where each of THRESHOLDS fires on the training loss, and the validation accuracy there.

    Two float arrays (runs, thresholds), NaN where a threshold is never reached.
    """
    runs = curves.select(input=inputs, units=64)
    stops = [[Below("loss", limit).first(run) for limit in THRESHOLDS] for run in runs]
    epochs = [[np.nan if stop is None else stop for stop in row] for row in stops]
    accuracy = [[np.nan if stop is None else run["val_accuracy"][stop] for stop in row]
                for run, row in zip(runs, stops)]
    return np.array(epochs), np.array(accuracy)


def four_questions(curves):
    """The article's four questions as four panels: undertrained, overfit, the data, the model."""
    figure, ((under, over), (inputs, sizes)) = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    _, accuracy = accuracy_at_thresholds(curves)
    places = range(len(THRESHOLDS))
    under.errorbar(places, accuracy.mean(0), accuracy.std(0, ddof=1), color=BLUE, marker="o", capsize=3,
                   label="mean ± sd of five splits")
    under.set(title="1. Undertrained? (both inputs)", xlabel="threshold on the training loss", xticks=places,
              xticklabels=[f"{limit:g}" for limit in THRESHOLDS], ylabel="accuracy on new emoji")
    pictures = curves.select(input="pictures", units=64)
    spread(over, [run["val_loss"] for run in pictures], ORANGE, "validation loss, pictures")
    spread(over, [run["val_accuracy"] for run in pictures], BLUE, "validation accuracy, pictures", "--")
    over.set(title="2. Overfit, in which metric?", xlabel="epoch (counted from 0)", ylabel="loss, accuracy",
             ylim=(0, None))
    for name, colour, line in (("words", GREEN, "-"), ("both", BLUE, "--"), ("pictures", PURPLE, "-.")):
        runs = curves.select(input=name, units=64)
        spread(inputs, [run["loss"] for run in runs], colour, name, line)
    inputs.set(title="3. The data: three inputs", xlim=(0, 45))
    lines = ((4, PURPLE, "-."), (16, ORANGE, "-"), (64, GREEN, "--"), (256, BLUE, (0, (1, 1))))
    for units, colour, line in lines:
        runs = curves.select(input="words", units=units)
        spread(sizes, [run["loss"] for run in runs], colour, f"{units} units", line)
    sizes.set(title="4. The model: four sizes (words)")
    for panel in (inputs, sizes):
        panel.set(xlabel="epoch (counted from 0)", ylabel="training loss (log scale)", yscale="log")
        label = "0.01" if panel is inputs else None  # there is no room for it below the four sizes
        panel.axhline(0.01, color=GREY, linestyle=":", linewidth=1.5, label=label)
    for panel in (under, over, inputs, sizes):
        panel.legend(frameon=False, fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    caption(figure, "Lines and bands: mean, smallest and largest of five splits.")
    return figure


def gradient_norms(runs, limits):
    """The gradient norm of several runs, one line each, with limits."""
    ax = axes(xlabel="epoch (counted from 0)", ylabel="gradient norm")
    for i, run in enumerate(runs):
        ax.plot(run["gradient_norm"], color=BLUE, linewidth=1, label=None if i else f"{len(runs)} runs")
    for limit, line in zip(limits, ("--", ":")):
        ax.axhline(limit, color=RED, linestyle=line, linewidth=1.5, label=f"limit {limit}")
    ax.legend(frameon=False)
    return ax


def _wrapped(name):
    words, lines = name.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 12:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2]


def stops_of(dots, budget):
    """Exercise 1.5: the runs' training loss, and a dot on each where a rule stops it.

    `dots`: (inputs, losses, stop) of each run; stop is None where there is none.
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
    ax.axhline(0.01, color=GREY, linestyle="--", linewidth=1, label="threshold 0.01")
    ax.legend(fontsize=9, framealpha=1, edgecolor="none", loc="center right")  # lines end where it stands
    return ax
