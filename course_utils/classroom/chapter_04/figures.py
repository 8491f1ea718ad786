"""The figures of chapter 04.

Those that the lesson shows return what `show` takes: a figure and its description.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from ...stopping import (
    GeneralizationLoss,
    Lasting,
    Patience,
    ProgressQuotient,
    Smoothed,
    SuccessiveIncreases,
    compare,
)
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes, caption


def ups_and_downs(runs):
    """A panel for each run: its validation loss until the best epoch, a triangle where an epoch got worse.

    Args:
        runs: name -> history.
    """
    figure, panels = plt.subplots(1, len(runs), figsize=(9.6, 2.7), layout="constrained")
    for panel, (name, run) in zip(panels, runs.items()):
        losses = np.array(run["val_loss"])
        losses = losses[: losses.argmin() + 1]
        rose = np.diff(losses, prepend=losses[0]) > 0
        panel.plot(losses, color=BLUE, linewidth=0.7)
        panel.plot(np.flatnonzero(rose), losses[rose], "^", color=RED, markersize=2.5)
        panel.set(yscale="log", xlabel="epoch", title=f"{name}\n{rose.sum()} of {len(losses) - 1} steps rise")
        panel.title.set_fontsize(10)
        _ticks(panel, losses)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("validation loss\n(log scales, each its own)")
    caption(figure, "Triangle: an epoch with a higher loss than one epoch earlier.")
    return figure, ("Five validation losses, each from the first epoch to its best. They fall in zigzags: "
                    "triangles mark the epochs that were worse than the one before, between a fifth and "
                    "nearly half of them.")


def _ticks(panel, values):
    """Plain numbers on a logarithmic y axis that shows few decades."""
    narrow = max(values) < 6 * min(values)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7) if narrow else (1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.minorticks_off()
    panel.tick_params(axis="y", labelsize=8)


def who_stops(table, names, per_problem=20, epochs=300):
    """Where each rule stops each run: a panel for each rule, a row for each problem, a dot for each run.

    Within a row the runs are spread out, so that dots of one epoch can be told apart.

    Args:
        table: a Comparison over all runs, problem after problem.
        names: the problems, in the order of the runs.
        per_problem: how many runs each has.
        epochs: how long a run is that nothing ends.
    """
    figure, panels = plt.subplots(1, len(table), figsize=(9.6, 2.9), sharey=True, layout="constrained")
    for panel, row in zip(panels, table):
        stops, fired = row.stops.reshape(-1, per_problem), row.fired.reshape(-1, per_problem)
        for y, (stop, did) in enumerate(zip(stops, fired)):
            spread_out = y + np.linspace(-0.28, 0.28, per_problem)
            panel.plot(stop[did], spread_out[did], "o", color=RED, markersize=3.5, alpha=0.7)
            panel.plot(stop[~did] + 13, spread_out[~did], "x", color="black", markersize=4)
        panel.set(title=f"{row.name} stops {row.fired.sum()} of {row.fired.size}", xlabel="epoch of the stop",
                  xlim=(-5, epochs + 30), xticks=(0, 100, 200, epochs + 13),
                  xticklabels=(0, 100, 200, "never"), yticks=range(len(names)), yticklabels=names)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()  # the others share it
    panels[0].set_ylabel(f"{per_problem} runs per problem")
    counts = ", ".join(f"{row.name} stops {row.fired.sum()} of {row.fired.size} runs" for row in table)
    return figure, (f"A panel for each rule, a row for each problem, a dot where a run is stopped: {counts}. "
                    "Crosses at the right edge are runs that were never stopped.")


SCORES = {GeneralizationLoss: "GL: percent above the lowest validation loss so far",
          ProgressQuotient: "PQ: GL divided by the progress of training, every fifth epoch",
          SuccessiveIncreases: "UP: rises in a row, every fifth epoch"}
STOPS = {GeneralizationLoss: "above", ProgressQuotient: "above", SuccessiveIncreases: "at"}


def scores(rules, run, title):
    """Each rule's score on one run against its limit, one below the other, under the losses.

    Args:
        rules: label -> GeneralizationLoss, ProgressQuotient or SuccessiveIncreases.
        run: a history.
        title: what run it is.
    """
    figure, panels = plt.subplots(len(rules) + 1, 1, figsize=(8.2, 7.4), sharex=True, layout="constrained")
    losses = np.array(run["val_loss"])
    panels[0].plot(losses, color=BLUE, linewidth=1, label="validation loss")
    panels[0].plot(run["loss"], color=ORANGE, linewidth=1, linestyle="--", label="training loss")
    panels[0].plot(losses.argmin(), losses.min(), "s", color="black", markerfacecolor="none", markersize=8,
                   label="best epoch")
    panels[0].set(yscale="log", ylabel="loss (log scale)", title=title)
    _ticks(panels[0], [*losses, *run["loss"]])
    for panel, (label, rule) in zip(panels[1:], rules.items()):
        values, first, top = rule.score(run), rule.first(run), 1.2 * rule.limit
        spoken = np.flatnonzero(~np.isnan(values))
        look = "-" if len(spoken) == len(values) else "."  # at strip ends only: lone points, no line
        panel.plot(spoken, values[spoken], look, color=PURPLE, linewidth=0.9, label="score")
        panel.axhline(rule.limit, color=GREY, linestyle="--", linewidth=1,
                      label=f"{label} stops {STOPS[type(rule)]} {rule.limit:g}")
        if first is not None:
            panel.plot(first, values[first], "o", color=RED, label=f"stop: epoch {first}", zorder=3)
            top = max(top, 2.2 * np.percentile(values[spoken], 80))
        if isinstance(rule, GeneralizationLoss):
            lows = np.flatnonzero(values == 0)
            lows = lows[lows > first] if first is not None else lows
            panel.plot(lows, 0 * lows - 0.08 * top, "|", color=BLUE, markersize=7,
                       label="a new lowest loss,\nafter the stop")
        low = -0.16 if isinstance(rule, GeneralizationLoss) else -0.06  # room for the ticks
        panel.set(title=SCORES[type(rule)], ylim=(low * top, top))
        panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        if values[spoken].max() > top:
            panel.set_ylabel(f"% (cut off at {top:.0f})")
    panels[-1].set_xlabel("epoch (counted from 0)")
    for panel in panels:
        panel.title.set_fontsize(10)
        panel.legend(frameon=False, fontsize=9.5, loc="center left", bbox_to_anchor=(1, 0.5))
        panel.spines[["top", "right"]].set_visible(False)
    return figure, ("Four panels over 300 epochs of a thyroid run. Losses: the validation loss is lowest at "
                    "epoch 100 and rises slowly after it. GL crosses its limit at epoch 14; short lines "
                    "mark the many new lowest losses after that. PQ and UP stay below half of their limits.")


def points(rules, runs):
    """Name -> (cost as a share of the epochs, regret in percent of the test loss), means over the runs.

    Args:
        rules: name -> criterion.
        runs: histories.
    """
    table = compare(rules, runs, measured="test_loss")
    return {row.name: (float(row.share.mean()), float(row.regret.mean())) for row in table}


def price_list(runs, plain):
    """What scores (left) and twelve cures for noise (right) cost and lose, against Patience of many lengths.

    Args:
        runs: histories with val_loss, loss and test_loss.
        plain: a Comparison on these runs of the rules "patience 1", "patience 2" and so on.
    """
    line = {row.name.split()[1]: (float(row.share.mean()), float(row.regret.mean())) for row in plain}
    lengths = (5, 10, 20)
    scores = {"GL": {f"GL {alpha}": GeneralizationLoss(alpha) for alpha in (1, 5)},
              "PQ": {f"PQ {alpha}": ProgressQuotient(alpha) for alpha in (0.5, 1, 3)},
              "UP": {f"UP {s}": SuccessiveIncreases(s) for s in (2, 3, 8)}}
    kinds = {"Lasting({}, GL 5)": lambda n: Lasting(n, GeneralizationLoss(5)),
             "Lasting({}, GL 1)": lambda n: Lasting(n, GeneralizationLoss(1)),
             "Smoothed(10, Patience {})": lambda n: Smoothed(10, Patience("val_loss", n)),
             "Patience {}, by 3 %": lambda n: Patience("val_loss", n, 0.03, relative=True)}
    cures = {kind.format("n"): {kind.format(n): make(n) for n in lengths} for kind, make in kinds.items()}
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.6), sharey=True, layout="constrained")
    for panel, title, families, looks, named in (
            (panels[0], "three scores, each with its limit beside it", scores, SCORE_LOOKS, None),
            (panels[1], "twelve cures: four kinds, n is 5, 10 and 20", cures, CURE_LOOKS,
             ("Lasting(20, GL 1)",))):
        families = {name: points(rules, runs) for name, rules in families.items()}
        cost_and_regret(line, families, ax=panel, looks=looks, named=named)
        panel.set_title(title, fontsize=10)
        panel.set(xlabel="epochs trained, % (log scale)", ylabel="")
        panel.annotate("better", (1.45, -0.85), xytext=(2.3, 0.4), color=GREY, fontsize=9,
                       arrowprops={"arrowstyle": "->", "color": GREY})
    panels[0].set_ylabel("mean regret, %\n(linear below 1, log scale above)")
    caption(figure, "Grey: every patience from 1 to 50. Below 1 the regret's axis is linear, so small gaps "
                    "look large there.\nRegret below 0: an earlier epoch had the lower test loss.")
    return figure, ("Two panels of mean regret against cost, each with a grey line for Patience of all "
                    "lengths from 1 to 50; an arrow to the lower left says better. Scores: GL lies at the "
                    "upper end of that line, UP and PQ above it or beyond its end. Cures: most of the twelve "
                    "lie on the line or close to it; two of Lasting(n, GL 5) and one of Smoothed lie above "
                    "it, one of Lasting(n, GL 5) beyond its end; Lasting(20, GL 1) lies below it.")


# for each family of a panel: colour, shape, and how far up the names stand, so that they do not meet
SCORE_LOOKS = (BLUE, "s", 0), (RED, "^", 4), (PURPLE, "D", -5)
CURE_LOOKS = (RED, "X", 5), (GREEN, "v", -9), (BLUE, "h", 4), (ORANGE, "*", -5)
NAMED = ("1", "2", "3", "5", "10", "20", "50")  # lengths of Patience that have their name on the line


def cost_and_regret(line, families, own=None, limits=None, regret="mean regret, %", ax=None,
                    looks=(), named=None):
    """What rules cost and lose, with a line of rules to compare with, on logarithmic axes.

    Args:
        line: length of Patience -> point, joined by a grey line; a point is (cost as a share, regret in
            percent).
        families: label -> {name: point}. Each family has a shape and a colour, each point its name beside it.
        own: the learner's point, or None.
        limits: the cost and the regret that it may not exceed, or None.
        regret: the label of the y axis.
        ax: axes to draw on; new ones if None.
        looks: for each family its colour, its shape, and how far up its names stand.
        named: the points that have their name beside them; all of them if None.
    """
    ax = axes(width=7, height=4.4) if ax is None else ax
    ax.set(xlabel="cost: epochs trained, % of 300 (log scale)", xscale="log",
           ylabel=f"{regret}\n(linear below 1, log scale above)")
    ax.spines[["top", "right"]].set_visible(False)

    def draw(marks, look, side, colour, up=0, named=None, **settings):
        cost, lost = np.array(list(marks.values())).T * [[100], [1]]
        ax.plot(cost, lost, look, color=colour, **settings)
        for name, x, y in zip(marks, cost, lost):
            if named is not None and name not in named:
                continue
            left = side < 0 and x < max(cost)  # the last of a line has its name on the right
            ax.annotate(name, (x, y), color=colour, fontsize=8,
                        xytext=(-4, -3) if left else (5, up if side > 0 else 4), textcoords="offset points",
                        ha="right" if left else "left", va="top" if left else "center", zorder=4)
        return max(lost)

    highest = draw(line, "o-", -1, GREY, named=NAMED, linewidth=1.2, markersize=3,
                   label="Patience, by its length")
    for (label, marks), (colour, mark, up) in zip(families.items(), looks, strict=True):
        highest = max(highest, draw(marks, mark, 1, colour, up, named, markersize=6, label=label))
    if limits is not None:
        ax.fill_between([1, 100 * limits[0]], -2, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                        label="within both limits")
    if own is not None:
        ax.plot([100 * own[0]], [own[1]], "P", color=RED, markersize=11, label="your rule", clip_on=False)
        highest = max(highest, own[1])
    ticks, levels = (2, 5, 10, 20, 50, 100), (-1, 0, 1, 3, 10, 30, 100)
    ax.set_yscale("symlog", linthresh=1, linscale=0.5)
    ax.set(xlim=(1.3, 105), xticks=ticks, xticklabels=ticks,
           ylim=(-1, max(150, 1.3 * highest)), yticks=levels, yticklabels=levels)
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8)
    return ax
