"""The figures of chapters 09 and 09b. Each returns what `show` takes: a figure and its description."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, RED, axes, caption
from .outcomes import GUIDE, NAMES, begun, files, gained, right

LOOKS = {"dense": ("black", "o"), "pruned": (ORANGE, "s"), "half": (BLUE, "^"), "quarter": (GREEN, "D")}


def one_picture(curves, own=()):
    """Accuracy of the MLP's files in 8 bits against bytes and against time; uncut also in 32, hollow.

    Args:
        curves: the recording small_front.
        own: the learner's files, (bytes after gzip, time, accuracy in percent), red crosses.
    """
    found = files(curves, "mlp")
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    for panel, column, factor in zip(panels, ("gz", "latency"), (1e-3, 1)):
        panel.set_xscale("log")
        whole = [_place(found, "dense", bits, column, factor) for bits in (32, 8)]
        panel.plot(*zip(*whole), color="black", linewidth=1.2)
        panel.plot(*whole[0], "o", color="black", markersize=8, markerfacecolor="none", markeredgewidth=1.6)
        for model, (colour, mark) in LOOKS.items():
            panel.plot(*_place(found, model, 8, column, factor), mark, color=colour, markersize=10,
                       label=NAMES[model], zorder=3)
        panel.minorticks_off()
        panel.margins(0.1, 0.2)
        panel.spines[["top", "right"]].set_visible(False)
    for size, time, accuracy in own:
        for panel, place in zip(panels, (size / 1000, time)):
            panel.plot(place, accuracy, "X", color=RED, markersize=11, label="yours", zorder=4)
    sd = np.mean([right(found, model).std(ddof=1) for model in LOOKS])
    low, high = panels[0].get_ylim()
    panels[0].errorbar(0.05, (low + high) / 2, sd, color=GREY, capsize=4,
                       transform=panels[0].get_yaxis_transform())
    panels[0].text(0.06, (low + high) / 2 + 0.8 * sd, "single seeds: ± 1 sd", color=GREY, fontsize=9,
                   transform=panels[0].get_yaxis_transform())
    panels[0].set(title="bytes: smaller is left", ylabel="test accuracy, %",
                  xlabel="kB after gzip (log scale)",
                  xticks=(10, 20, 50, 100, 200), xticklabels=(10, 20, 50, 100, 200))
    panels[1].set(title="time: faster is left", xlabel="time for a picture (log scale)",
                  xticks=(0.25, 0.5, 1), xticklabels=(0.25, 0.5, 1))
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=5,
                  loc="outside upper center")
    caption(figure, "Filled: 8 bits. Hollow: uncut in 32 bits, whose time is 1. Means of five seeds; yours "
                    "is one network, timed on your machine.\nGrey bar: how far single seeds lie from such "
                    "a mean (± 1 sd). The table's sd are of differences, seed by seed")
    size = {(model, bits): np.mean(found[model, bits]["gz"]) / 1000
            for model, bits in (("dense", 32), ("pruned", 8), ("quarter", 8))}
    return figure, ("Test accuracy against kilobytes and against time, of an MLP in 8 bits: uncut, with nine "
                    "zeros in ten, cut to a half and to a quarter. A line leads from the uncut one in 32 "
                    f"bits ({size['dense', 32]:.0f} kB, time 1) to the one in 8. Zeros shrink the file to "
                    f"{size['pruned', 8]:.0f} kB and stand straight below uncut in time. The quarter is "
                    f"furthest left in both, with {size['quarter', 8]:.0f} kB. All these means lie within "
                    "one grey bar, which shows how far single seeds scatter.")


def _place(found, model, bits, column, factor):
    """Where a model stands: (mean of the column times factor, mean accuracy in percent)."""
    return factor * np.mean(found[model, bits][column]), np.mean(right(found, model, bits))


def your_file(curves, size, accuracy, steps, least):
    """The learner's file beside those of the MLP, and the limits.

    Args:
        curves: the recording small_front.
        size, accuracy: bytes after gzip, accuracy in percent.
        steps: the most bytes that are allowed, and what is asked next, the largest first.
        least: percent.
    """
    ax = axes(width=7, height=4, xlabel="kB after gzip (log scale)", ylabel="test accuracy, %")
    low = min(93, accuracy - 1)
    for most in steps:
        ax.fill_between([1, most / 1000], least, 100, color=GREEN, alpha=0.1, linewidth=0,
                        label=None if most < steps[0] else "green bands: allowed, and the next steps")
    for model, (colour, mark) in LOOKS.items():
        rows = files(curves, "mlp")[model, 8]
        ax.plot(np.mean(rows["gz"]) / 1000, 100 * np.mean(rows["test_accuracy"]), mark, color=colour,
                markersize=7, label=NAMES[model])
    ax.plot(size / 1000, accuracy, "X", color=RED, markersize=12, markerfacecolor="none", markeredgewidth=1.6,
            label="yours")  # hollow: it may stand on another
    ax.set(xscale="log", xlim=(1, max(200, size / 900)), ylim=(low, 100), xticks=(1, 2, 5, 10, 20, 50, 100),
           xticklabels=(1, 2, 5, 10, 20, 50, 100))
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, ncols=2)
    return ax, (f"Accuracy against kilobytes of the recorded MLPs in 8 bits; yours is a cross at "
                f"{size / 1000:.1f} kB and {accuracy:.1f} %. Shaded corners end at {least:g} % and at "
                f"{', '.join(f'{most / 1000:g}' for most in steps)} kB.")


WAYS = {"guide x3": ("black", "s"), "short": (GREEN, "^"), "two stops": (BLUE, "v"), "early": (ORANGE, "D")}


def when_to_begin(curves):
    """Accuracy at 0.9 zeros against epochs, a mark for each way to begin, small dots for seeds.

    Args:
        curves: the recording small_when.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.8, 4.2), sharey=True, layout="constrained")
    for panel, network in zip(panels, ("mlp", "cnn")):
        for way, (colour, mark) in WAYS.items():
            own = begun(curves, network, way)
            panel.plot(GUIDE * own.share, own.accuracy, ".", color=colour, markersize=6, alpha=0.7)
            panel.plot(GUIDE * own.share.mean(), own.accuracy.mean(), mark, color=colour, markersize=11,
                       label=way, zorder=3)
        panel.set(title=network.upper(), xlim=(22, 88), xlabel="epochs")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="test accuracy at 0.9 zeros, %")
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=4,
                  loc="outside upper center")
    caption(figure, "Large: means of ten seeds. Dots: the seeds; equal ones coincide")
    return figure, ("Test accuracy at 0.9 zeros against epochs, of an MLP and a CNN: means of ten seeds, and "
                    "dots for them. The guide takes 84 epochs and is most accurate. Two stops are 0.1 to 0.3 "
                    "points lower, after 50 epochs on the MLP and 64 on the CNN. The schedule short, 64 "
                    "epochs, is lowest; on the CNN it stands straight below two stops. Early takes 35 to 40 "
                    "epochs: on the MLP about as high as two stops, on the CNN half a point lower.")


def what_a_teacher_gives(curves):
    """What a student gains over one alone at two stops, a dot a seed, for three tasks.

    Args:
        curves: the recording small_distil.
    """
    ax = axes(width=7.6, height=4, ylabel="points more than a student alone")
    tasks = {"all": "all: 960 correct labels", "noisy": "noisy: 27 % of them\nare wrong",
             "few": "few: 160 labels,\n800 pictures without"}
    looks = {"labels": (BLUE, "o", "loss on labels"), "agree": (ORANGE, "s", "agreement")}
    ax.plot([], [], " ", label="student with a teacher, stopped by:")
    for place, task in enumerate(tasks):
        for stop, shift in zip(looks, (-0.17, 0.17)):
            colour, mark, name = looks[stop]
            gain = gained(curves, task, stop)
            aside = np.linspace(-0.07, 0.07, len(gain))
            ax.plot(place + shift + aside, gain, ".", color=colour, markersize=6, alpha=0.7)
            ax.plot(place + shift, gain.mean(), mark, color=colour, markersize=10, markeredgecolor="black",
                    label=None if place else name)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xticks=range(3), xticklabels=tasks.values())
    ax.legend(frameon=False, fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return ax, ("Points of accuracy that a student with a teacher has more than one alone, stopped by the "
                "loss on labels or by agreement with the teacher: ten seeds and their means. With all labels "
                "correct both lose, agreement over a point and a half. With noisy labels the stop by labels "
                "gains on average, and agreement loses. With few labels both gain a little on average, with "
                "seeds on both sides of zero.")
