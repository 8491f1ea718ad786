"""The figures of chapter 09. Each returns what `show` takes: a figure and its description."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, RED, SKY, axes, caption
from .outcomes import NAMES, STOPS, begun, files, student, ways

LOOKS = {"dense": ("black", "o"), "aware": (SKY, "P"), "pruned": (ORANGE, "s"), "half": (BLUE, "^"),
         "quarter": (GREEN, "D")}
BITS = {"aware": (8,)}  # of the others there are files in 32 bits and in 8


def one_picture(curves, own=()):
    """Accuracy against bytes and against time, a row for each network: hollow in 32 bits, filled in 8.

    Args:
        curves: the recording small_front.
        own: the learner's files, (bytes after gzip, time, accuracy in percent), red crosses in the first row.
    """
    networks = [network for network in ("mlp", "cnn") if network in curves.labels["network"]]
    figure, panels = plt.subplots(len(networks), 2, figsize=(10, 3.4 * len(networks)), sharex="col",
                                  sharey="row", layout="constrained", squeeze=False)
    for row, network in zip(panels, networks):
        found = files(curves, network)
        for panel, column, factor in zip(row, ("gz", "latency"), (1e-3, 1)):
            panel.set_xscale("log")
            for model, (colour, mark) in LOOKS.items():
                bits = BITS.get(model, (32, 8))
                x, y = np.array([[factor * np.mean(found[model, each][column]),
                                  100 * np.mean(found[model, each]["test_accuracy"])] for each in bits]).T
                panel.plot(x, y, color=colour, linewidth=1.2)
                for place, each in enumerate(bits):
                    face = colour if each == 8 else "white"
                    panel.plot(x[place], y[place], mark, color=colour, markersize=9 if each == 8 else 6,
                               markerfacecolor=face, markeredgewidth=1.6, zorder=3 if each == 8 else 4,
                               label=NAMES[model] if each == 8 else None)
            panel.minorticks_off()
            panel.margins(0.1, 0.15)
            panel.tick_params(labelbottom=True)
            panel.spines[["top", "right"]].set_visible(False)
        sd = np.mean([100 * np.std(found[key]["test_accuracy"], ddof=1) for key in found if key[0] in LOOKS])
        low, high = row[0].get_ylim()
        row[0].errorbar(0.05, (low + high) / 2, sd, color=GREY, capsize=4,
                        transform=row[0].get_yaxis_transform())
        row[0].set(ylabel=f"{network.upper()}: test accuracy, %")
    panels[0, 0].set(xticks=(5, 10, 20, 50, 100, 200), xticklabels=(5, 10, 20, 50, 100, 200))
    panels[0, 1].set(xticks=(0.25, 0.5, 1), xticklabels=(0.25, 0.5, 1))
    for size, time, right in own:
        for panel, place in zip(panels[0], (size / 1000, time)):
            panel.plot(place, right, "X", color=RED, markersize=11, label="yours")
    panels[0, 0].set(title="bytes: smaller is left")
    panels[0, 1].set(title="time: faster is left")
    panels[-1, 0].set(xlabel="kB after gzip (log scale)")
    panels[-1, 1].set(xlabel="time for one picture, uncut in 32 bits = 1 (log scale)")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=6,
                  loc="outside upper center")
    caption(figure, "hollow: 32 bits, filled: 8 bits; means of five seeds. Grey bar: the marks' mean sd, "
                    "up and down. The two rows have different scales")
    mlp = files(curves, "mlp")
    return figure, ("Test accuracy against kilobytes and against time, of an MLP (above) and a CNN: uncut, "
                    "trained int8-aware, with 0.9 zeros, and cut to a half and to a quarter of the width. A "
                    "hollow mark for 32 bits and a filled one for 8 are joined by a line; int8-aware has 8 "
                    "alone, beside uncut in 8. In bytes all lines run left; "
                    "in time those of the MLP do, and those of the CNN run to the right. With zeros the file "
                    "shrinks and the time does not. Cut networks are both small and fast: the MLP's quarter "
                    f"has {np.mean(mlp['quarter', 8]['gz']) / 1000:.0f} kB against "
                    f"{np.mean(mlp['dense', 32]['gz']) / 1000:.0f}.")


def your_file(curves, size, right, steps, least):
    """The learner's file beside those of the MLP, and the limits.

    Args:
        curves: the recording small_front.
        size, right: bytes after gzip, accuracy in percent.
        steps: the most bytes that are allowed, and what is asked next, the largest first.
        least: percent.
    """
    ax = axes(width=7, height=4, xlabel="kB after gzip (log scale)", ylabel="test accuracy, %")
    low = min(93, right - 1)
    for most in steps:
        ax.fill_between([1, most / 1000], least, 100, color=GREEN, alpha=0.1, linewidth=0,
                        label=None if most < steps[0] else "green bands: allowed, and the next steps")
    for model, (colour, mark) in LOOKS.items():
        rows = files(curves, "mlp")[model, 8]
        ax.plot(np.mean(rows["gz"]) / 1000, 100 * np.mean(rows["test_accuracy"]), mark, color=colour,
                markersize=7, label=NAMES[model])
    ax.plot(size / 1000, right, "X", color=RED, markersize=11, label="yours")
    ax.set(xscale="log", xlim=(1, max(200, size / 900)), ylim=(low, 100), xticks=(1, 2, 5, 10, 20, 50, 100),
           xticklabels=(1, 2, 5, 10, 20, 50, 100))
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, ncols=2)
    return ax, (f"Accuracy against kilobytes of the recorded MLPs in 8 bits; yours is a cross at "
                f"{size / 1000:.1f} kB and {right:.1f} %. Shaded corners end at {least:g} % and at "
                f"{', '.join(f'{most / 1000:g}' for most in steps)} kB.")


WAYS = {"guide": (GREY, "o"), "guide x3": ("black", "s"), "patience": (GREEN, "^"),
        "patience x3": (BLUE, "v"), "early x3": (ORANGE, "D")}


def when_to_begin(curves):
    """Accuracy against epochs to 0.9 zeros, a mark for each way to begin, small dots for seeds.

    Args:
        curves: the recording small_when.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.8, 4.2), sharey=True, layout="constrained")
    for panel, network in zip(panels, ("mlp", "cnn")):
        for way, (colour, mark) in WAYS.items():
            if (network, way) in ways(curves):
                own, aside = begun(curves, network, way), {"guide": -0.02, "guide x3": 0.02}.get(way, 0)
                panel.plot(own.share + aside, own.accuracy, ".", color=colour, markersize=6, alpha=0.7)
                panel.plot(own.share.mean(), own.accuracy.mean(), mark, color=colour, markersize=11,
                           label=way, markerfacecolor=colour if "x3" in way else "white",
                           markeredgewidth=1.8, zorder=3)
        panel.set(title=network.upper(), xlim=(0.25, 1.1), xlabel="epochs, the guide's = 1")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="test accuracy at 0.9 zeros, %")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=5,
                  loc="outside upper center")
    caption(figure, "Large: means; hollow: the rate is not raised. Dots: the ten seeds, equal ones on one "
                    "spot; a guide's stand a little beside 1")
    return figure, ("Test accuracy at 0.9 zeros against epochs of training, for an MLP and a CNN: means of "
                    "ten seeds, and a dot for each. What begins at a stop or in epoch 5 takes 0.4 to 0.8 of "
                    "the guide's epochs and is about as accurate. With three times the rate the guide itself "
                    "is the most accurate, and ahead of the first stop by less than the seeds differ.")


def what_a_teacher_gives(curves):
    """What distillation gains over training on labels alone, a dot a seed, for three tasks.

    Args:
        curves: the recording small_distil.
    """
    ax = axes(width=7.6, height=4, ylabel="points gained by the teacher")
    tasks = {"all": "all: 960 correct labels", "noisy": "noisy: 30 % of them\nshuffled",
             "few": "few: 160 labels,\n800 pictures without"}
    looks = {"labels": (BLUE, "o"), "mixed": (GREEN, "^"), "agree": (ORANGE, "s")}
    ax.plot([], [], " ", label="stopped by:")
    for place, task in enumerate(tasks):
        for stop, shift in zip(STOPS, (-0.25, 0, 0.25)):
            colour, mark = looks[stop]
            gain = student(curves, task, "distilled", stop)[0] - student(curves, task, "plain")[0]
            aside = np.linspace(-0.07, 0.07, len(gain))
            ax.plot(place + shift + aside, gain, ".", color=colour, markersize=6, alpha=0.7)
            ax.plot(place + shift, gain.mean(), mark, color=colour, markersize=10, markeredgecolor="black",
                    label=None if place else stop)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xticks=range(3), xticklabels=tasks.values())
    ax.legend(frameon=False, fontsize=9, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return ax, ("Points of accuracy that a distilled network has more than one trained on labels, ten seeds. "
                "With all labels correct all three stops lose; with noisy or few labels stops by a loss gain "
                "about half a point on average, with seeds on both sides of zero.")
