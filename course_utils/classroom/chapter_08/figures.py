"""The figures of chapter 08. Each returns what `show` takes: a figure and its description."""

import numpy as np
from matplotlib.lines import Line2D

from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes
from .study import LENGTHS, ratio

MARKS = {"costs less": (GREEN, "^"), "cannot be told apart from it": (BLUE, "o"), "costs more": (RED, "s")}
LABELLED = [f"Patience {n}" for n in (1, 2, 3, 5, 10, 20, 40, 100)]


def _frontier(ax, line, labelled=LABELLED, aside=(3, 5)):
    cost = [100 * price.cost.mean() for price in line]
    regret = [price.regret.mean() for price in line]
    ax.plot(cost, regret, "o-", color=GREY, markersize=3.5, linewidth=1.2,
            label="patience (the number is its length)")
    for price, x, y in zip(line, cost, regret):
        if price.name in labelled:
            ax.annotate(price.name.split()[1], (x, y), xytext=aside, textcoords="offset points", fontsize=9)
    ax.set(xlabel="cost: epochs trained, % (log scale)", xscale="log", xticks=(10, 15, 20, 30, 50),
           xticklabels=(10, 15, 20, 30, 50), ylabel="mean regret, %")
    ax.minorticks_off()
    ax.axhline(0, color=GREY, linewidth=0.6)


def equal_regret(line, rules):
    """How rules are scored: from each a dashed line goes to the line of patience.

    Args:
        line: `study.patience_line`.
        rules: two prices, with names such as "GL 1 (quick)".
    """
    ax = axes(width=7.4, height=3.9)
    _frontier(ax, line, aside=(-11, -10))  # above them stand the sums
    for rule, colour, mark in zip(rules, (RED, BLUE), "sD"):
        cost, lost = 100 * rule.cost.mean(), rule.regret.mean()
        same = cost / ratio(rule, line)  # what patience costs at this regret
        ax.plot([same, cost], [lost, lost], "--", color=colour, linewidth=1)
        ax.plot(cost, lost, mark, color=colour, markersize=8, label=rule.name)
        ax.plot(same, lost, "o", color=colour, markerfacecolor="none", markersize=11, markeredgewidth=1.5)
        middle = (cost * same) ** 0.5, lost  # on a log scale
        ax.annotate(f"{cost:.1f} / {same:.1f} = {cost / same:.1f}", middle, xytext=(0, 9), color=colour,
                    textcoords="offset points", ha="center", fontsize=10)
    ax.set(xlim=(9, 60), ylim=(-1, 7.5))
    ax.legend(frameon=False, fontsize=9)
    quick, slow = (rule.cost.mean() * 100 for rule in rules)
    return ax, ("Regret against cost. The line of patience falls steeply and is flat from length 8 on. A "
                f"quick rule, at {quick:.0f} percent of the epochs, lies to its right; a slow one, at "
                f"{slow:.0f}, lies on its flat end. From each a dashed line leads left to where the line of "
                "patience first gets as low, with the ratio of the costs.")


def left_to_win(line, oracles, scored):
    """Regret against cost for patience of many lengths, and for those who know more.

    Args:
        line: `study.patience_line`.
        oracles: name -> a list of prices.
        scored: the price among them that is ringed, with its score.
    """
    ax = axes(width=7.4, height=4.2)
    _frontier(ax, line)
    for (name, prices), colour, mark in zip(oracles.items(), (BLUE, ORANGE, RED), "sDv"):
        ax.plot([100 * price.cost.mean() for price in prices], [price.regret.mean() for price in prices],
                mark + "--", color=colour, markersize=5, linewidth=1, label=name)
    ax.set(xlim=(10, 32), ylim=(-2.7, 3), xticks=(10, 12, 15, 20, 30), xticklabels=(10, 12, 15, 20, 30))
    ax.plot(100 * scored.cost.mean(), scored.regret.mean(), "o", color="black", markerfacecolor="none",
            markersize=11, markeredgewidth=1.5, label=f"the clairvoyant's score: {ratio(scored, line):.2f}")
    ax.annotate("better", (10.3, -2.5), xytext=(11.2, -1.9), fontsize=9, color=GREY,
                arrowprops={"arrowstyle": "->", "color": GREY})
    ax.legend(frameon=False, fontsize=9)
    return ax, ("Regret against cost. The line of one who sees the whole validation curve lies close to that "
                "of plain patience, and so does that of the best patience of each problem, chosen in "
                "hindsight. Only one who sees the test lies far below, at regrets under zero.")


def _forest(rows):
    """Ratios with their intervals, a row for each rule: (name, ratio, low, high), the first on top."""
    ax = axes(width=7, height=4.4)
    for y, (_, times, low, high) in enumerate(rows):
        what = "costs less" if high < 1 else "costs more" if low > 1 else "cannot be told apart from it"
        colour, mark = MARKS[what]
        ax.plot([low, high], [y, y], color=colour, linewidth=2)
        ax.plot(times, y, mark, color=colour, markersize=6)
        ax.annotate(f"{times:.2f}", (1, y), xycoords=("axes fraction", "data"), xytext=(4, 0),
                    textcoords="offset points", va="center", fontsize=9)
    ax.axvline(1, color=GREY, linestyle="--", linewidth=1)
    ax.set(yticks=range(len(rows)), yticklabels=[row[0] for row in rows], xscale="log",
           xticks=(0.8, 1, 1.5, 2, 3, 5), xticklabels=(0.8, 1, 1.5, 2, 3, 5),
           xlabel="multiple of patience's cost at equal regret (log scale; bars: 95 % intervals)")
    ax.invert_yaxis()
    ax.minorticks_off()
    return ax


def the_race(entries):
    """The forest of all families but patience itself; `entries` as `race.race` gives them."""
    rows = [(entry.name, entry.ratio, entry.low, entry.high) for entry in entries if entry.name != "Patience"]
    below, above = sum(row[3] < 1 for row in rows), sum(row[2] > 1 for row in rows)
    ax = _forest(rows)
    ax.legend(title="compared with patience, the rule", frameon=False, fontsize=9, title_fontsize=9,
              loc="upper right", bbox_to_anchor=(1, 0.75),  # the numbers stand to the right of the top
              handles=[Line2D([], [], color=colour, marker=mark, linewidth=2, label=what)
                       for what, (colour, mark) in MARKS.items()])
    return ax, (
        f"{len(rows)} rules with the 95 percent intervals of their cost, as multiples of what patience costs "
        f"at equal regret. {below} lies wholly below 1, at {rows[0][1]:.2f}; {len(rows) - below - above} lie "
        f"around 1; {above} lie above, up to {rows[-1][1]:.1f}.")


def by_rate(lines, goal=0.1):
    """Regret by the length of patience, a curve for each learning rate; the first below the goal is ringed.

    Args:
        lines: label -> `study.patience_line`.
        goal: mean regret in percent.
    """
    ax = axes(width=7, height=3.6)
    for (label, line), colour, look in zip(lines.items(), (BLUE, PURPLE), ("o-", "s--")):
        lengths = [length for length in LENGTHS if length <= 30]
        regrets = [price.regret.mean() for price in line[: len(lengths)]]
        ax.plot(lengths, regrets, look, color=colour, markersize=4, linewidth=1.2, label=label)
        enough = next(n for n, regret in enumerate(regrets) if regret <= goal)
        ax.plot(lengths[enough], regrets[enough], look[0], color=colour, markerfacecolor="none",
                markersize=11, markeredgewidth=1.5, label=f"reaches the goal: Patience {lengths[enough]}")
    ax.axhline(goal, color=GREY, linewidth=1, linestyle=":", label=f"goal: {goal:g} %")
    ax.axhline(0, color=GREY, linewidth=0.6)
    ax.set(xlabel="patience, in epochs", ylabel="mean regret, %", ylim=(-0.8, 4))
    ax.legend(frameon=False)
    return ax, ("Mean regret against the length of patience for two learning rates. At 0.01 it reaches zero "
                "at length 5; at 0.001 it lies higher and nears zero only at about 17.")


def your_rule(line, own, rivals, most_cost, most_regret):
    """The learner's rule as a cross in the drawer, the last eight, beside patience and its rivals."""
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
