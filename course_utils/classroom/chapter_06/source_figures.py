"""The figures of appendix 06b: functions that take data and return a figure or axes; ALT describes them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator, MultipleLocator, PercentFormatter

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes, caption
from .sources import OTHER, merged

WAYS = {"scratch": (ORANGE, "^"), "features": (BLUE, "o"), "fine-tuned": (GREEN, "s")}
SOURCES = {"ImageNet": (BLUE, "o"), "random MobileNetV2": (GREY, "v"), OTHER: (GREEN, "s"),
           "random small": (RED, "^"), "clothes": (PURPLE, "D")}
SMALL = (OTHER, "random small", "clothes")

ALT = {
    "sizes":
        "Test accuracy over the number of training photos, on a logarithmic axis. Features and fine-tuned "
        "lie 24 to 33 points above scratch everywhere; fine-tuned is level with features at 100, and both "
        "meet there the dashed line of scratch with 1,500.",
    "augmented":
        "Validation loss over the epochs from scratch, the mean of five seeds and each of them. With photos "
        "as they are the mean stays near 1.5 from epoch 10 to 22, and then climbs; the stops, triangles, lie "
        "between epochs 15 and 24. With augmentation it falls on to about 1.3 and hardly climbs; the stops, "
        "dots, lie between 24 and 43.",
    "scores":
        "Two panels, photos and emoji: a head's test accuracy over LogME, five draws of each of five "
        "sources. On photos ImageNet lies far up to the right; the other four lie close together at the "
        "left, in a rising band. An inset has the three small ones: clothes lies below the other two, which "
        "lie among each other. On emoji all five form one rising band, with ImageNet at its upper end.",
}


def sizes(ways):
    """Test accuracy over the number of training photos; bars go from the lowest seed to the highest.

    A dashed line is at what scratch gets from all of its photos, and a ring at the fewest with which features
    gets there.

    Args:
        ways: way -> number of photos -> list of accuracies.
    """
    ax = axes(7.2, 3.4, xlabel="training photos (log scale)", ylabel="test accuracy", xscale="log")
    for place, (way, counts) in enumerate(ways.items()):
        colour, mark = WAYS[way]
        values = [counts[n] for n in sorted(counts)]
        mean = np.array([np.mean(v) for v in values])
        low, high = (np.array([f(v) for v in values]) for f in (np.min, np.max))
        beside = np.array(sorted(counts)) * 1.05 ** (place - 1)  # else equal marks hide one another
        ax.errorbar(beside, mean, (mean - low, high - mean), color=colour, marker=mark, markersize=5,
                    capsize=2, linewidth=1.2, label=way)
    most = max(ways["scratch"])
    least = np.mean(ways["scratch"][most])
    ax.axhline(least, color=ORANGE, linestyle="--", linewidth=1, label=f"scratch with {most:,}")
    few = min(n for n, values in ways["features"].items() if np.mean(values) >= least)
    ax.plot([few], [np.mean(ways["features"][few])], "o", color="black", markerfacecolor="none",
            markersize=15, markeredgewidth=1.5, label=f"features with {few}")
    ticks = sorted({n for counts in ways.values() for n in counts})
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", alpha=0.3)
    ax.legend(frameon=False, fontsize=9, loc="lower right")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    seeds = sorted({len(v) for counts in ways.values() for v in counts.values()})
    caption(ax.figure, f"Bars: range of accuracy among {' or '.join(map(str, seeds))} seeds, lowest to "
                       "highest. Marks are moved apart.")
    return ax


def augmented(plain, varied, rule):
    """Validation loss without and with augmentation, a line a seed, with a mark where `rule` stops.

    Args:
        plain, varied: histories.
        rule: a criterion on "val_loss".
    """
    ax = axes(7.2, 3.4, xlabel="epoch (counted from 0)", ylabel="validation loss", ylim=(1.0, 2.3))
    for runs, colour, line, mark, name in ((plain, ORANGE, "--", "^", "as they are"),
                                           (varied, BLUE, "-", "o", "with augmentation")):
        ax.plot(np.mean([run["val_loss"] for run in runs], axis=0), line, color=colour, linewidth=2.2,
                label=f"photos {name}")
        for run in runs:
            ax.plot(run["val_loss"], line, color=colour, linewidth=0.8, alpha=0.35)
        stops = [(rule.first(run), run["val_loss"][rule.first(run)]) for run in runs]
        ax.plot(*zip(*stops), mark, color=colour, markersize=8, markeredgecolor="black", zorder=3,
                label=f"stop, photos {name}")
    ax.legend(frameon=False, fontsize=9, ncols=2, loc="upper right")
    caption(ax.figure, f"Thick: mean of {len(plain)} seeds. A mark is where a run stops, high or low; "
                       "kept are the weights of its lowest loss.")
    return ax


def scores(table, score="logme"):
    """A head's accuracy over a score of its source, a panel a target; a mark is a draw of pictures.

    Args:
        table: of `sources.source_table`.
        score: a column of it.
    """
    figure, panels = plt.subplots(1, len(table), figsize=(9.6, 3.8), layout="constrained")

    def draw(panel, target, names):
        for name in names:
            colour, mark = SOURCES[name]
            of = merged(table)[name][target]
            panel.plot(of[score], of["test_accuracy"], mark, color=colour, markersize=6, label=name,
                       markeredgecolor="white")

    for panel, target in zip(panels, table):
        draw(panel, target, merged(table))
        panel.set(title=target, xlabel="LogME", ylabel="test accuracy of a head")
        panel.xaxis.set_major_locator(MaxNLocator(5))
        wide = np.ptp([of[target]["test_accuracy"] for of in merged(table).values()]) > 0.3
        panel.yaxis.set_major_locator(MultipleLocator(0.1 if wide else 0.05))
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    zoomed = panels[0].inset_axes([0.3, 0.3, 0.5, 0.5])
    draw(zoomed, next(iter(table)), SMALL)
    zoomed.set(xticks=(), yticks=(), title="the three small ones, larger")
    zoomed.title.set_fontsize(9)
    panels[0].indicate_inset_zoom(zoomed, edgecolor="black")  # which part of the panel is enlarged
    figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=5,
                  loc="outside upper center")
    caption(figure, "A mark is a source in one draw of pictures; which marks share a draw is not shown.\n"
                    "The two panels have different scales; the inset enlarges a part of the left one.")
    return figure
