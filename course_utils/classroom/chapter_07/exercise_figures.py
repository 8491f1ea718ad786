"""The pictures of two exercises of chapter 07: three curves without names, and what rules cost and lose."""

import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, PURPLE, RED, SKY, axes


def unlabelled(curves):
    """Validation losses against the epoch, each with its letter.

    Args:
        curves: letter -> list of losses.
    """
    ax = axes(width=7.2, height=3.6, xlabel="epoch (counted from 0)", ylabel="validation loss")
    looks = zip((RED, PURPLE, SKY), (":", "-", "--"))  # none of them as in the lesson, or they would tell
    for (letter, losses), (colour, line) in zip(curves.items(), looks):
        ax.plot(losses, line, color=colour, linewidth=2)
        best = int(np.argmin(losses))
        ax.plot([best], [losses[best]], "o", color=colour, markerfacecolor="white", markersize=9,
                markeredgewidth=2, zorder=3)
        ax.annotate(letter, (len(losses) - 1, losses[-1]), xytext=(6, 0), textcoords="offset points",
                    color=colour, fontsize=13, va="center")
    return ax


def cost_and_loss(fixed, patience, own, limits):
    """Share of the epochs against points lost in the worst view, for rules to compare with and the learner's.

    Args:
        fixed, patience: name -> (cost in percent, points lost in the worst view), each a line.
        own: the learner's point.
        limits: the most cost and the most points lost.
    """
    ax = axes(width=7, height=3.8, xlabel="epochs trained, in percent of all",
              ylabel="points lost in the worst view\n(linear below 1, log scale above)")
    for points, colour, mark, label, side in ((fixed, GREY, "s-", "a fixed number of epochs", 1),
                                              (patience, BLUE, "o-", "patience, by its length", -1)):
        places = np.array(list(points.values()))
        ax.plot(*places.T, mark, color=colour, linewidth=1.2, markersize=4, label=label)
        for name, place in zip(points, places):
            ax.annotate(name, place, color=colour, fontsize=8, xytext=(4 * side, 4 * side),
                        textcoords="offset points", ha="left" if side > 0 else "right",
                        va="bottom" if side > 0 else "top")
    low = min(-0.2, own[1] - 0.2)
    ax.fill_between([0, limits[0]], low, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                    label="within both limits")
    ax.plot([own[0]], [own[1]], "P", color=RED, markersize=11, clip_on=False, label="your rule")
    levels = (0, 0.25, 0.5, 1, 3, 10, 30)
    ax.set_yscale("symlog", linthresh=1)
    ax.set(xlim=(0, 102), ylim=(low, max(80, 1.2 * own[1])), yticks=levels, yticklabels=levels)
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    return ax
