"""The figures of chapter 09. Each returns what `show` takes: a figure and its description."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes
from .outcomes import begun, files, settled, student, ways

LOOKS = {  # model -> colour, mark
    "dense": ("black", "o"), "pruned": (ORANGE, "s"), "half": (BLUE, "^"), "quarter": (BLUE, "v"),
    "half + zeros": (ORANGE, "D"), "half scratch": (GREEN, "<"), "quarter scratch": (GREEN, ">"),
    "distilled": (PURPLE, "P")}
NAMES = {"dense": "dense", "pruned": "0.9 zeros", "half": "half, cut", "quarter": "quarter, cut",
         "half + zeros": "half, cut + 0.8 zeros", "half scratch": "half, from scratch",
         "quarter scratch": "quarter, from scratch",
         "distilled": "half, distilled"}


def one_picture(curves, own=()):
    """Accuracy against bytes and against time, a row for each network: hollow in 32 bits, filled in 8.

    Args:
        curves: the recording small_front.
        own: the learner's files, (bytes after gzip, accuracy in percent), drawn as red crosses on the left.
    """
    networks = [network for network in ("mlp", "cnn") if network in curves.labels["network"]]
    figure, panels = plt.subplots(len(networks), 2, figsize=(10, 3.7 * len(networks)), sharey="row",
                                  layout="constrained", squeeze=False)
    for row, network in zip(panels, networks):
        found = files(curves, network)
        for panel, column, factor in zip(row, ("gz", "latency"), (1e-3, 1)):
            for (model, bits), rows in found.items():
                colour, mark = LOOKS[model]
                accuracy = 100 * rows["test_accuracy"]
                panel.errorbar(factor * np.mean(rows[column]), accuracy.mean(), accuracy.std(ddof=1),
                               fmt=mark, color=colour, markersize=7, elinewidth=0.6,
                               markerfacecolor=colour if bits == 8 else "none",
                               label=NAMES[model] if bits == 8 else None)
            panel.set_xscale("log")
            panel.minorticks_off()
            panel.spines[["top", "right"]].set_visible(False)
        row[0].set(ylabel=f"{network.upper()}: test accuracy, %, with sd", xticks=(5, 10, 20, 50, 100, 200),
                   xticklabels=(5, 10, 20, 50, 100, 200))
        row[1].set(xticks=(0.25, 0.5, 1), xticklabels=(0.25, 0.5, 1))
    for size, right in own:
        panels[0, 0].plot(size / 1000, right, "X", color=RED, markersize=10, label="yours")
    panels[-1, 0].set(xlabel="kB after gzip (log scale)")
    panels[-1, 1].set(xlabel="time for one picture, dense = 1 (log scale)")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), frameon=False, fontsize=9,
                  loc="outside right upper", title="hollow: 32 bits\nfilled: 8 bits")
    mlp = files(curves, "mlp")
    return figure, ("Test accuracy against kilobytes and against time, of an MLP (above) and a CNN made "
                    "smaller in seven ways. In bytes every file in 8 bits lies left of the same network in "
                    "32, in time only the MLP's do. With 0.9 zeros the file shrinks and the time does not. "
                    "Networks cut "
                    "to a half or a quarter, or that narrow from the start, are both small and fast: "
                    f"{np.mean(mlp['quarter', 8]['gz']) / 1000:.0f} kB against "
                    f"{np.mean(mlp['dense', 32]['gz']) / 1000:.0f} for the MLP.")


def your_file(curves, size, right, most, least):
    """The learner's file beside those of the MLP, and both limits.

    Args:
        curves: the recording small_front.
        size, right: bytes after gzip, accuracy in percent.
        most, least: the limits of both.
    """
    ax = axes(width=7, height=4, xlabel="kB after gzip (log scale)", ylabel="test accuracy, %")
    low = min(93, right - 1)
    ax.fill_between([1, most / 1000], least, 100, color=GREEN, alpha=0.12, linewidth=0,
                    label="within both limits")
    for (model, bits), rows in files(curves, "mlp").items():
        if bits == 8:
            colour, mark = LOOKS[model]
            ax.plot(np.mean(rows["gz"]) / 1000, 100 * np.mean(rows["test_accuracy"]), mark, color=colour,
                    markersize=7, label=NAMES[model])
    ax.plot(size / 1000, right, "X", color=RED, markersize=11, label="yours")
    ax.set(xscale="log", xlim=(1, max(200, size / 900)), ylim=(low, 100), xticks=(1, 2, 5, 10, 20, 50, 100),
           xticklabels=(1, 2, 5, 10, 20, 50, 100))
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, ncols=2)
    return ax, (f"Accuracy against kilobytes of the recorded MLPs in 8 bits; yours is a cross at "
                f"{size / 1000:.1f} kB and {right:.1f} %. A shaded corner begins at {most / 1000:g} kB and "
                f"{least:g} %.")


WAYS = {"guide": ("black", "o", "the guide"), "guide x3": ("black", "s", "the guide, rate x 3"),
        "patience": (BLUE, "^", "patience"), "patience x3": (BLUE, "v", "patience, rate x 3"),
        "early x3": (ORANGE, "D", "epoch 5, rate x 3"),
        "settled x3": (PURPLE, "P", "masks settled, rate x 3")}


def when_to_begin(curves):
    """Accuracy against steps to 0.9 zeros, a mark for each way to begin, small dots for seeds.

    Args:
        curves: the recording small_when.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.8, 4.6), layout="constrained")
    for panel, network in zip(panels, ("mlp", "cnn")):
        for way, (colour, mark, name) in WAYS.items():
            if (network, way) in ways(curves):
                own = begun(curves, network, way)
                panel.plot(own.share, own.accuracy, ".", color=colour, markersize=5, alpha=0.5)
                panel.plot(own.share.mean(), own.accuracy.mean(), mark, color=colour, markersize=10,
                           label=name, markerfacecolor=colour if "x3" in way else "white",
                           markeredgewidth=1.6)
        panel.set(title=network.upper(), xlim=(0, 1.06), xlabel="steps, the guide's = 1")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="test accuracy at 0.9 zeros, %")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3,
                  loc="outside lower center")
    return figure, ("Test accuracy at 0.9 zeros against training steps, for an MLP and a CNN, means of ten "
                    "seeds with a dot for each. Filled marks, with three times the rate, lie left of hollow "
                    "ones. The guide itself is more accurate with that rate.")


def clocks(curves):
    """When masks have settled, and when patience would stop: an MLP at three learning rates.

    Args:
        curves: the recording small_when.
    """
    ax = axes(width=7, height=3, xlabel="learning rate", ylabel="epoch (counted from 0)",
              title="Masks settle by the clock")
    for place, way in enumerate(("slow", "guide", "fast")):
        for rows, colour, mark, shift in zip(settled(curves, way), (PURPLE, BLUE), "Po", (-0.12, 0.12)):
            rows = np.array([29.5 if row is None else row for row in rows])
            aside = np.linspace(-0.08, 0.08, len(rows))
            ax.plot(place + shift + aside, rows, mark, color=colour, markersize=5, label=None if place else (
                "masks have settled" if colour == PURPLE else "patience 5 is met"))
    ax.axhline(29.5, color=GREY, linestyle="--", linewidth=1)
    ax.annotate("not within 30 epochs", (2.2, 29.5), color=GREY, fontsize=8, xytext=(0, 3),
                textcoords="offset points", ha="right")
    ax.set(xticks=range(3), xticklabels=(0.0003, 0.001, 0.003), ylim=(0, 33))
    ax.legend(frameon=False, fontsize=9, loc="lower left")
    return ax, ("The epoch in which each seed's masks have settled, and in which patience 5 is met, at three "
                "learning rates. The first hardly moves; the second comes sooner, the higher the rate.")


def what_a_teacher_gives(curves):
    """What distillation gains over training on labels alone, a dot a seed, for three tasks.

    Args:
        curves: the recording small_distil.
    """
    ax = axes(width=7.6, height=3.6, ylabel="points gained by the teacher")
    tasks = {"all": "960 right labels", "noisy": "30 % of them wrong", "few": "160 labels,\n800 without"}
    for place, task in enumerate(tasks):
        for stop, colour, mark, shift in (("own loss", BLUE, "o", -0.25),
                                          ("teacher's mixture", GREEN, "^", 0),
                                          ("agreement", ORANGE, "s", 0.25)):
            gain = student(curves, task, "distilled", stop)[0] - student(curves, task, "plain")[0]
            aside = np.linspace(-0.07, 0.07, len(gain))
            ax.plot(place + shift + aside, gain, ".", color=colour, markersize=6, alpha=0.7)
            ax.plot(place + shift, gain.mean(), mark, color=colour, markersize=10, markeredgecolor="black",
                    label=None if place else f"stopped by {stop}")
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xticks=range(3), xticklabels=tasks.values())
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    return ax, ("Points of accuracy that a distilled network has more than one trained on labels, ten seeds. "
                "With right labels all three stops lose; with wrong or few labels stops by a loss gain "
                "about half a point on average, with seeds on both sides of zero.")
