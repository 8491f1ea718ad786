"""The figures of chapter 07: functions that take numbers and return a figure or axes; ALT describes them."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, axes, caption
from ..comparisons import counted
from .outcomes import best

INPUTS = {"pictures": (ORANGE, "^", "--"), "words": (BLUE, "o", ":"), "both": (GREEN, "s", "-")}
BARS = {"pictures": "pictures\nalone", "words": "words\nalone", "both": "both, one network,\none stop",
        "own": "two networks,\na stop each"}
EXAMPLES = "red heart", "anatomical heart", "heart suit", "grinning cat", "cat face", "hot dog"

ALT = {
    "examples":
        "Six emoji with their names and groups: red heart and grinning cat are smileys-emotion, anatomical "
        "heart is people-body, heart suit activities, cat face animals-nature, and hot dog food-drink.",
    "four_bars":
        "Test accuracy: pictures alone 62, words alone 62, both in one network with one stop 65, two "
        "networks with a stop each 73 percent. The eight splits of the last lie between 69 and 77, those of "
        "one network between 62 and 68.",
    "three_curves":
        "Validation loss over 30 epochs, counted from 0. Pictures are at their best in epoch 2 and rise from "
        "there on; words fall until epoch 18; both in one network are at their best in 1, and rise. In the "
        "other splits pictures are best in epoch 1 or 2, both in 2 to 5, words in 13 to 23.",
    "frozen_fit":
        "Validation loss of the head that sees both. With nothing frozen it turns up after a few epochs. "
        "With pictures frozen after epoch 4 it goes on falling, to below 0.9, and its lowest point is kept.",
    "by_scale":
        "Test accuracy over features multiplied by 1, 0.3, 0.1, 0.03 and 0.01: words then take 7.4, 4.4, "
        "2.7, 1.5 and 0.9 times as many epochs as pictures. That of pictures alone stays at 62 or 63 "
        "percent, that of both in one network climbs from 65 to 75.",
    "frozen_by_scale":
        "Points that the joint network gains if its faster input is frozen, over the same five factors: 6.6, "
        "4.0, 1.4, 0.2 and -0.1 on average. The eight splits are all above zero in the first two, and close "
        "to it in the last two.",
    "stops_map":
        "Validation loss of the product of two networks' probabilities, over the epochs at which each stops. "
        "It is lowest, and brightest, where pictures stop at about 1 and words anywhere after 10. One stop "
        "for both moves on the diagonal, whose best point is between epochs 4 and 5; there the loss is "
        "higher.",
}


def paired(ours, theirs):
    """A difference of two arrays, split by split, as a sentence: its mean, and how many splits agree.

    >>> paired(np.array([98.0, 97.0, 96.0]), np.array([97.0, 97.0, 95.0]))
    '+0.7 points, higher in 2 of 3 splits (1 tie)'
    """
    gain = ours - theirs
    return f"{gain.mean():+.1f} points, higher in {counted(gain, 'splits')}"


def four_bars(outcome):
    """Test accuracy of pictures, words, both in one network, and two networks with a stop each.

    Args:
        outcome: dict of arrays (splits,), as `outcomes` gives it.
    """
    ax = axes(width=6.4, height=3.4, ylabel="test accuracy, %", ylim=(0, 90))
    for place, name in enumerate(BARS):
        values = outcome[name]
        colour, *_ = INPUTS.get(name, (PURPLE,))
        ax.bar(place, values.mean(), width=0.6, color=colour)
        ax.plot(place + np.linspace(-0.15, 0.15, len(values)), values, ".", color="black", markersize=4)
        ax.annotate(f"{values.mean():.0f}", (place, values.max() + 2), ha="center", fontsize=11)
    ax.set_xticks(range(len(BARS)), BARS.values())
    caption(ax.figure, f"bars: means of {len(outcome['both'])} splits; dots: the splits")
    return ax


def examples(emoji, names=EXAMPLES):
    """Emoji in a row, each with its name above and its group below. `emoji`: as from load_openmoji()."""
    figure, panels = plt.subplots(1, len(names), figsize=(8, 1.8), layout="constrained")
    known = list(emoji.names)
    for panel, name in zip(panels, names):
        panel.imshow(emoji.pictures[known.index(name)])
        panel.set_title(name, fontsize=9)
        panel.set_xlabel(emoji.groups[known.index(name)], fontsize=9)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    for height, row in ((1.06, "name:"), (-0.05, "group:")):  # on the level of the titles and the labels
        panels[0].annotate(row, (-0.28, height), xycoords="axes fraction", ha="right", fontsize=9, color=GREY,
                           va="bottom" if height > 1 else "top")
    return figure


def three_curves(runs, split=0):
    """Validation losses of one split over the epochs, with a ring where each is lowest.

    Marks along the bottom are where it is lowest in the other splits.

    Args:
        runs: "pictures", "words", "both" -> histories, one a split.
        split: the one whose curves are drawn.
    """
    ax = axes(width=7.2, height=3.6, xlabel="epoch (counted from 0)", ylabel="validation loss")
    others = {name: np.sort([best(history) for i, history in enumerate(histories) if i != split])
              for name, histories in runs.items()}
    low = min(min(history["val_loss"]) for name in runs for history in runs[name])
    heights = np.zeros(1 + max(map(max, others.values())), int)  # marks at an epoch are stacked
    bottom = low - 0.08 - 0.05 * max(np.bincount(np.concatenate(list(others.values()))))
    for name, histories in runs.items():
        colour, mark, line = INPUTS[name]
        values, at = histories[split]["val_loss"], best(histories[split])
        ax.plot(values, line, color=colour, linewidth=2, marker=mark,
                markevery=[at], markersize=10, markerfacecolor="white", markeredgewidth=2,
                label=f"{name}, best in epoch {at}")
        for epoch in others[name]:
            ax.plot(epoch, bottom + 0.05 * heights[epoch], mark, color=colour, markersize=3.5, alpha=0.8)
            heights[epoch] += 1
    ax.legend(frameon=False, fontsize=10)
    caption(ax.figure, "curves: the first split; small marks at the bottom: when the other seven are best")
    return ax


def frozen_fit(frozen, frozen_at, plain):
    """Validation losses of the head that sees both over the epochs, with the pictures frozen and without.

    Args:
        frozen: the losses of the fit in which the pictures are frozen.
        frozen_at: the epoch after which the pictures stand still.
        plain: those of the same network with nothing frozen.
    """
    ax = axes(width=7.2, height=3.2, xlabel="epoch (counted from 0)",
              ylabel="validation loss\nof the head on both")
    colour, mark, line = INPUTS["both"]
    kept = int(np.argmin(frozen))
    ax.plot(plain[:len(frozen)], "-.", color=GREY, linewidth=2, label="nothing frozen (recorded)")
    ax.plot(frozen, line, color=colour, linewidth=2, marker=mark, markevery=[kept],
            markersize=10, markerfacecolor="white", markeredgewidth=2, label="pictures frozen")
    ax.annotate(f"kept: epoch {kept}", (kept, frozen[kept]), xytext=(0, 9), textcoords="offset points",
                ha="right", fontsize=9, color=colour)
    ax.axvline(frozen_at + 0.5, color=GREY, linestyle=":", linewidth=1.2)
    ax.annotate("from here on pictures are frozen", (frozen_at + 0.5, 1), xycoords=("data", "axes fraction"),
                xytext=(5, -3), textcoords="offset points", va="top", fontsize=9)
    ax.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(1, 0.93))
    return ax


def by_scale(outcomes):
    """Test accuracy over the scale of the features: both in one network, and pictures alone.

    Args:
        outcomes: scale of the features -> dict of arrays (splits,), as `outcomes.outcomes` gives it.
    """
    ax = _over_scales(outcomes, ylabel="test accuracy, % (axis from 58)", ylim=(58, 79))
    for name, label in (("both", "both in one network, one stop"), ("pictures", "pictures alone")):
        colour, mark, line = INPUTS[name]
        ax.plot([of[name].mean() for of in outcomes.values()], line, marker=mark, markersize=8, color=colour,
                linewidth=2, label=label)
    ax.set_yticks((60, 65, 70, 75))
    ax.legend(frameon=False, fontsize=10, loc="upper left")
    caption(ax.figure, f"means of {_splits(outcomes)} splits; ratios of the clocks: medians")
    return ax


def frozen_by_scale(outcomes):
    """Points that the joint network gains by freezing its faster input, over the scale, split by split.

    Args:
        outcomes: as for `by_scale`.
    """
    ax = _over_scales(outcomes, ylabel="points gained by freezing", ylim=(-1.5, 11))
    ax.axhline(0, color=GREY, linewidth=1.2)
    for place, of in enumerate(outcomes.values()):
        gain = of["frozen"] - of["both"]
        ax.plot(place + np.linspace(-0.2, 0.2, len(gain)), gain, ".", color=PURPLE, markersize=6)
        ax.plot([place - 0.3, place + 0.3], 2 * [gain.mean()], color="black", linewidth=2)
        ax.annotate(f"{gain.mean():+.1f}", (place, gain.max()), xytext=(0, 6), ha="center", fontsize=10,
                    textcoords="offset points")
    caption(ax.figure, f"one head, recorded; dots: {_splits(outcomes)} splits; black lines: their means; "
                       "ratios of the clocks: medians")
    return ax


def _over_scales(outcomes, **settings):
    """Axes with a place for each scale of the features, and the ratio of the clocks below it."""
    ax = axes(width=6.4, height=3.6, **settings)
    ax.set_xticks(range(len(outcomes)), [f"x {scale:g}\n({np.median(of['ratio']):.1f})"
                                         for scale, of in outcomes.items()])
    ax.set(xlabel="pictures' features multiplied by\n(in brackets: clock of words / clock of pictures)")
    return ax


def _splits(outcomes):
    return len(next(iter(outcomes.values()))["both"])


def stops_map(grids, own, one, epochs=30):
    """Validation loss of two networks multiplied, over the epoch of each: one stop walks the diagonal.

    Args:
        grids: arrays (epochs of pictures, epochs of words), one a split; their mean is drawn.
        own: (epoch of words, epoch of pictures), the medians of their own stops.
        one: the median of the best common epochs.
        epochs: how many of each are drawn.
    """
    mean = np.mean([grid[:epochs, :epochs] for grid in grids], axis=0)
    figure, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    levels = np.linspace(mean.min(), min(mean.max(), mean.min() + 0.6), 13)
    filled = ax.contourf(mean, levels=levels, cmap="viridis_r", extend="max")
    bar = figure.colorbar(filled, ax=ax, label="validation loss of the product (brighter is better)",
                          format="%.2f")
    bar.set_ticks(levels[::3])
    ax.plot([0, epochs - 1], [0, epochs - 1], "--", color="white", linewidth=2.5)
    ax.plot([0, epochs - 1], [0, epochs - 1], "--", color="black", linewidth=1.2, label="one stop for both")
    for place, mark, label in ((one, "s", "best shared epoch"), (own, "o", "each at its own best")):
        words, pictures = np.broadcast_to(place, 2)
        for colour, width, name in (("black", 3.4, label), ("white", 1.3, None)):  # hollow: the map shows
            ax.plot([words], [pictures], mark, markerfacecolor="none", markeredgecolor=colour, markersize=11,
                    markeredgewidth=width, label=name, clip_on=False, zorder=4)
    ax.set(xlabel="epoch at which words stop (counted from 0)", aspect="equal",
           ylabel="epoch at which pictures stop")
    ax.legend(loc="upper left", fontsize=9, framealpha=0.9, labelspacing=0.9)
    caption(figure, f"colours: means of {len(grids)} splits; marks: their medians")
    return figure
