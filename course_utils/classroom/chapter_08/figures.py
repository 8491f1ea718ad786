"""The figures of chapter 08. Each returns what `show` takes: a figure and its description."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes
from .study import LENGTHS

LABELLED = [f"Patience {n}" for n in (1, 2, 3, 5, 10, 20, 40, 100)]


def _frontier(ax, line, colour=GREY):
    cost = [100 * price.cost.mean() for price in line]
    regret = [price.regret.mean() for price in line]
    ax.plot(cost, regret, "o-", color=colour, markersize=3.5, linewidth=1.2, label="Patience, by its length")
    for price, x, y in zip(line, cost, regret):
        if price.name in LABELLED:
            ax.annotate(price.name.split()[1], (x, y), xytext=(3, 5), textcoords="offset points", fontsize=9)
    ax.set(xlabel="cost: epochs trained, % (log scale)", xscale="log", xticks=(10, 15, 20, 30, 50),
           xticklabels=(10, 15, 20, 30, 50), ylabel="mean regret, %")
    ax.minorticks_off()
    ax.axhline(0, color=GREY, linewidth=0.6)


def price_of_patience(line):
    """Regret against cost for patience of many lengths.

    Args:
        line: `study.patience_line`.
    """
    ax = axes(width=7, height=3.8)
    _frontier(ax, line)
    return ax, ("Mean regret against the share of epochs trained, for lengths of patience from 1 to 100. The "
                "curve falls steeply from 6.8 percent at length 1 to about zero at length 8, and is flat "
                "from there on.")


def left_to_win(line, oracles):
    """The same, with those who know more: oracles is name -> a list of prices."""
    ax = axes(width=7.4, height=4.2)
    _frontier(ax, line)
    for (name, prices), colour, mark in zip(oracles.items(), (BLUE, ORANGE, RED), "sDv"):
        ax.plot([100 * price.cost.mean() for price in prices], [price.regret.mean() for price in prices],
                mark + "--", color=colour, markersize=5, linewidth=1, label=name)
    ax.set(xlim=(10, 32), ylim=(-3, 4), xticks=(10, 12, 15, 20, 30), xticklabels=(10, 12, 15, 20, 30))
    ax.legend(frameon=False, fontsize=9)
    return ax, ("Regret against cost. The line of one who sees the whole validation curve lies close to that "
                "of plain patience; the best patience of each problem, chosen in hindsight, runs a little "
                "below it. Only one who sees the test lies far below, at regrets under zero.")


def forest(rows, title, ax=None):
    """Ratios with their intervals, a row for each rule.

    Args:
        rows: (name, ratio, low, high), the first on top.
        title: what they were judged on.
    """
    ax = axes(width=7, height=4.4) if ax is None else ax
    for y, (_, ratio, low, high) in enumerate(rows):
        colour = GREEN if high < 1 else RED if low > 1 else BLUE
        ax.plot([low, high], [y, y], color=colour, linewidth=2)
        ax.plot(ratio, y, {GREEN: "^", RED: "s", BLUE: "o"}[colour], color=colour, markersize=6)
    ax.axvline(1, color=GREY, linestyle="--", linewidth=1)
    ax.set(yticks=range(len(rows)), yticklabels=[row[0] for row in rows], xscale="log",
           xticks=(0.8, 1, 1.5, 2, 3, 5), xticklabels=(0.8, 1, 1.5, 2, 3, 5), xlabel="cost as a multiple of "
           "patience's, at equal regret (log scale)", title=title)
    ax.title.set_fontsize(10)
    ax.invert_yaxis()
    ax.minorticks_off()
    return ax


def the_race(entries):
    """The forest of all families but patience itself; `entries` as `race.race` gives them."""
    rows = [(entry.name, entry.ratio, entry.low, entry.high) for entry in entries if entry.name != "Patience"]
    below, above = sum(row[3] < 1 for row in rows), sum(row[2] > 1 for row in rows)
    return forest(rows, "chosen on ten problems, judged on the other ten, and the reverse"), (
        f"{len(rows)} rules with the 95 percent intervals of their cost, as multiples of what patience costs "
        f"at equal regret. {below} lies wholly below 1, at {rows[0][1]:.2f}; {len(rows) - below - above} lie "
        f"around 1; {above} lie above, up to {rows[-1][1]:.1f}.")


def on_new_problems(entries, last, names):
    """Two forests side by side: the twenty problems, and the last eight."""
    of = {entry.name: (entry.name, entry.ratio, entry.low, entry.high) for entry in entries}
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 2.9), sharey=True, layout="constrained")
    forest([of[name] for name in names], "the twenty problems", panels[0])
    forest([(name, *last[name][:3]) for name in names], "the last eight", panels[1])
    panels[1].invert_yaxis()  # shared: turned twice
    for panel in panels:
        panel.set(xlim=(0.76, 1.5), xticks=(0.8, 1, 1.2, 1.4), xticklabels=(0.8, 1, 1.2, 1.4),
                  xlabel="multiple of patience's cost (log scale)")
        panel.spines[["top", "right"]].set_visible(False)
    return figure, ("The six best rules on the twenty problems and on the last eight. Patience by the gap is "
                    "below 1 on the left and around 1 on the right; on the right every interval reaches 1 or "
                    "above.")


def by_rate(lines):
    """Regret by the length of patience, a curve for each learning rate.

    Args:
        lines: label -> `study.patience_line`.
    """
    ax = axes(width=7, height=3.6)
    for (label, line), colour, look in zip(lines.items(), (BLUE, PURPLE), ("o-", "s--")):
        lengths = [length for length in LENGTHS if length <= 30]
        regrets = [price.regret.mean() for price in line[: len(lengths)]]
        ax.plot(lengths, regrets, look, color=colour, markersize=4, linewidth=1.2, label=label)
    ax.axhline(0, color=GREY, linewidth=0.6)
    ax.set(xlabel="patience, in epochs", ylabel="mean regret, %")
    ax.legend(frameon=False)
    return ax, ("Mean regret against the length of patience for two learning rates. At 0.01 it reaches zero "
                "at length 5; at 0.001 it starts higher and nears zero only at about 15.")


def your_rule(line, own, rivals, most_cost, most_regret):
    """The learner's rule as a cross on the last eight problems, beside patience and its rivals."""
    ax = axes(width=7, height=4)
    _frontier(ax, line)
    ax.plot([100 * price.cost.mean() for price in rivals], [price.regret.mean() for price in rivals], "D",
            color=BLUE, markersize=4.5, alpha=0.8, label="patience's thirteen rivals")
    ax.fill_between([5, 100 * most_cost], np.full(2, -1.5), most_regret, color=GREEN, alpha=0.12, linewidth=0,
                    label="within both limits")
    ax.plot(100 * own.cost.mean(), own.regret.mean(), "P", color=RED, markersize=11, label="your rule")
    ax.set(yscale="symlog", yticks=(-1, 0, 1, 3, 10, 30), yticklabels=(-1, 0, 1, 3, 10, 30), xlim=(5, 105),
           xticks=(5, 10, 20, 50, 100), xticklabels=(5, 10, 20, 50, 100),
           ylabel="mean regret, %\n(linear below 1, log scale above)")
    ax.legend(frameon=False, fontsize=9)
    return ax
