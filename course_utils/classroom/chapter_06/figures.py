"""The figures of chapter 06: functions that take data and return a figure or axes; ALT describes them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from ...stopping.plots import GREEN, GREY, ORANGE, PURPLE, RED, axes, caption

STOPS = {"own stops": (GREEN, "-"), "fixed": (PURPLE, "--"), "at once": (RED, "-.")}

ALT = {
    "photos_by_class":
        "Twenty photos of 32 by 32 pixels, two of each class: airplane, automobile, bird, cat, deer, dog, "
        "frog, horse, ship, truck.",
    "phases":
        "Loss and accuracy over the epochs of both phases, training and validation, with a dotted line where "
        "the head ends and the top begins, a ring at the kept epoch, and a diamond where the head's "
        "validation loss is lowest.",
    "predictions":
        "Five photos, each with its true class above. Below, bars and numbers for the three classes that the "
        "model finds most likely, and for the true one where it is none of them; the true class has a green "
        "name and a hatched bar. Of the last two photos the model is nearly certain, and wrong.",
    "over_time":
        "Test accuracy of the best weights so far over the seconds, a line and a band for each way. Own "
        "stops and fixed rise together to about 75 % before 10 s; own stops goes on to 77 % and is done "
        "after about 30 s, fixed stays where it is until about 45 s. At once is below both at 20 s, has "
        "passed fixed by 25 s, and ends a little above own stops.",
}


def photos_by_class(pictures, labels, names, rows=2):
    """A few photos of each class, one column a class.

    Args:
        pictures: uint8 (n, side, side, 3).
        labels: int (n,), positions in `names`.
    """
    figure, panels = plt.subplots(rows, len(names), figsize=(9.6, rows + 0.25), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.01, hspace=0)
    for label, (name, column) in enumerate(zip(names, panels.T)):
        column[0].set_title(name, fontsize=9)
        for panel, which in zip(column, np.flatnonzero(labels == label)):
            panel.imshow(pictures[which], interpolation="nearest")  # smoothed, the file is large
            panel.axis("off")
    return figure


def phases(history, report):
    """Loss and accuracy over the epochs of a training in phases, with a line where each phase ends.

    Args:
        history: of `fit_in_phases`.
        report: its PhasesReport.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.2), layout="constrained")
    ends = [phase.epoch for phase in report.phases.values()]
    last = len(ends) - 1
    for panel, column in zip(panels, ("loss", "accuracy")):
        for name, colour, label in ((column, GREEN, "training"), (f"val_{column}", ORANGE, "validation")):
            panel.plot(history[name], ".-", color=colour, label=label)
        for i, (name, end) in enumerate(zip(report.phases, ends)):
            begin = ends[i - 1] + 1 if i else 0
            if i < last:
                panel.axvline(end + 0.5, color=GREY, linestyle=":", linewidth=1.2)
            panel.annotate(name, ((begin + end) / 2, 1.0), xycoords=("data", "axes fraction"), ha="center",
                           va="bottom", fontsize=10)
        best = report.best_epoch
        for phase in list(report.phases.values())[:-1]:  # where the next phase starts from
            start = phase.best_epoch
            if start not in (None, best):
                panel.plot([start], [history[f"val_{column}"][start]], "D", color="black", markersize=8,
                           markerfacecolor="none",
                           label=f"head's lowest loss: {history['val_loss'][start]:.3f}, epoch {start}")
        panel.plot([best], [history[f"val_{column}"][best]], "o", color="black", markerfacecolor="none",
                   markersize=11, markeredgewidth=1.5,
                   label=f"kept: {history['val_loss'][best]:.3f}, epoch {best}")
        panel.set(xlabel="epoch (counted from 0)", ylabel=column)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False,
                  fontsize=9)
    return figure


def share(probability):
    """A probability as a text that says neither 0 nor 1 of what is only near it.

    >>> share(0.604), share(0.9984), share(0.0001)
    ('0.60', '> 0.99', '< 0.01')
    """
    if 0.005 <= probability < 0.995:
        return f"{probability:.2f}"
    return "> 0.99" if probability > 0.5 else "< 0.01"


def predictions(pictures, chances, names, labels=None, best=3):
    """Photos, their true class above, where it is known, and what a model finds most likely below.

    Args:
        pictures: uint8 (n, side, side, 3).
        chances: (n, classes), rows that sum to 1.
        names: of the classes.
        labels: int (n,), positions in `names`; or None.
        best: how many classes are drawn, the likeliest on top. The true one is added where it is none of
            them.
    """
    size = max(3, 1.92 * len(pictures)), 3.4
    figure, panels = plt.subplots(2, len(pictures), figsize=size, layout="constrained", squeeze=False)
    known, labels = labels is not None, [None] * len(pictures) if labels is None else labels
    for (above, below), picture, own, label in zip(panels.T, pictures, chances, labels):
        above.imshow(picture)
        above.set_title("" if label is None else f"true: {names[label]}", fontsize=10)
        above.axis("off")
        order = [*np.argsort(own)[::-1][:best]]
        if label is not None and label not in order:
            order.append(label)
        colours = [GREEN if which == label else GREY for which in order]
        bars = below.barh(range(len(order)), own[order], color=colours,
                          hatch=["//" if which == label else "" for which in order], edgecolor="white")
        texts = below.bar_label(bars, [f"{names[which]} {share(own[which])}" for which in order], fontsize=9,
                                padding=2)
        for text, which in zip(texts, order):
            if which == label:  # its bar may be too short to be seen
                text.set(color=GREEN, weight="bold")
        below.set(xlim=(0, 2.5), xticks=(0, 1), yticks=(), ylim=(best - 0.5 + known, -0.5))
        below.spines[["top", "right"]].set_visible(False)
        below.spines["bottom"].set_bounds(0, 1)  # what is right of it is room for the names
    for panel in panels[1]:
        panel.set_xlabel("probability")
    if known:
        truth = Patch(facecolor=GREEN, hatch="//", edgecolor="white", label="the true class")
        figure.legend(handles=[truth], loc="outside lower center", frameon=False, fontsize=9)
    return figure


def over_time(reached, at):
    """The accuracy of the best weights so far over time: a line for the mean, a band from lowest to highest.

    Args:
        reached: of `results.so_far`.
        at: seconds, where a dotted line is drawn.
    """
    ax = axes(8, 3.5, xlabel="seconds", ylabel="test accuracy, best weights so far", ylim=(0.65, 0.8))
    ax.axvline(at, color=GREY, linestyle=":", linewidth=1.2)
    marked = None
    for name, (seconds, accuracy, top) in reached.items():
        colour, line = STOPS[name]
        mean = accuracy.mean(axis=1)
        ax.fill_between(seconds, accuracy.min(axis=1), accuracy.max(axis=1), color=colour, alpha=0.12,
                        linewidth=0)
        ax.plot(seconds, mean, line, color=colour, linewidth=1.8, label=name)
        if top is not None:
            marked, = ax.plot([top], [np.interp(top, seconds, mean)], "D", color="black", markersize=7,
                              markerfacecolor="none", markeredgewidth=1.5, zorder=3)
    if marked is not None:
        marked.set_label("the top begins")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    lines, names = ax.get_legend_handles_labels()
    order = sorted(range(len(lines)), key=lambda i: lines[i] is marked)
    ax.legend([lines[i] for i in order], [names[i] for i in order], frameon=False, loc="lower right")
    seeds = {accuracy.shape[1] for _, accuracy, _ in reached.values()}
    caption(ax.figure, f"Lines: means of {max(seeds)} seeds; bands: lowest to highest.\n"
                       "A line begins after the first epoch, or where it comes into view, and ends when its "
                       "last seed is done.")
    return ax


def pruned(own, limits, dense=None):
    """A pruned model as a dot: accuracy against the share of zeros, with the corner where both are enough.

    Args:
        own: (sparsity, accuracy).
        limits: the least of both.
        dense: accuracy before the pruning, a ring at 0 zeros; or None.
    """
    ax = axes(xlabel="share of zeros in the kernels", ylabel="accuracy on photos not seen",
              xlim=(-0.03, 1.03), ylim=(0, 1))
    ax.fill_between([limits[0], 1], limits[1], 1, color=GREEN, alpha=0.15, linewidth=0,
                    label="enough of both")
    if dense is not None:
        ax.plot([0], [dense], "o", color=GREY, markerfacecolor="none", markersize=10, markeredgewidth=1.5,
                label="before pruning")
    ax.plot(*[[value] for value in own], "o", color=RED, markersize=10, label="yours", clip_on=False)
    ax.legend(frameon=False, loc="lower left")
    return ax
