"""The figures of chapter 04. Each function takes data and returns a figure or its axes."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping import compare, plots
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, axes


def ups_and_downs(runs):
    """A panel for each run: its validation loss until the best epoch, orange where an epoch got worse.

    Args:
        runs: name -> history.
    """
    figure, panels = plt.subplots(1, len(runs), figsize=(9.6, 2.6), layout="constrained")
    for panel, (name, run) in zip(panels, runs.items()):
        losses = np.array(run["val_loss"])
        losses = losses[: losses.argmin() + 1]
        rose = np.diff(losses, prepend=losses[0]) > 0
        panel.plot(losses, color=BLUE, linewidth=0.7)
        panel.plot(np.flatnonzero(rose), losses[rose], "^", color=ORANGE, markersize=3.5)
        panel.set(yscale="log", xlabel="epoch", title=f"{name}\n{rose.sum()} of {len(losses) - 1} worse")
        panel.title.set_fontsize(10)
        panel.tick_params(axis="y", which="both", left=False, labelleft=False)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("validation loss")
    return figure


def who_stops(table, names, per_problem=20, epochs=300):
    """Where each rule stops each run: a panel for each rule, a row for each problem, a dot for each run.

    Args:
        table: a Comparison over all runs, problem after problem.
        names: the problems, in the order of the runs.
        per_problem: how many runs each has.
        epochs: how long a run is that nothing ends.
    """
    figure, panels = plt.subplots(1, len(table), figsize=(9.6, 2.7), sharey=True, layout="constrained")
    for panel, row in zip(panels, table):
        stops, fired = row.stops.reshape(-1, per_problem), row.fired.reshape(-1, per_problem)
        for y, (stop, did) in enumerate(zip(stops, fired)):
            jitter = y + np.linspace(-0.28, 0.28, per_problem)
            panel.plot(stop[did], jitter[did], "o", color=BLUE, markersize=3.5, alpha=0.7)
            panel.plot(stop[~did] + 13, jitter[~did], "x", color=RED, markersize=4)
        panel.axvline(epochs, color=GREY, linestyle=":", linewidth=1)
        panel.set(title=f"{row.name}: ends {row.fired.sum()} of {row.fired.size}", xlabel="epoch of the stop",
                  xlim=(-5, epochs + 22), yticks=range(len(names)), yticklabels=names)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()  # the others share it
    return figure


def scores(rules, run):
    """Each rule's score on one run against its limit, one below the other, under the validation loss.

    Args:
        rules: simple criteria.
        run: a history.
    """
    figure, panels = plt.subplots(len(rules) + 1, 1, figsize=(7.2, 7.4), sharex=True, layout="constrained")
    panels[0].plot(run["val_loss"], color=ORANGE, linewidth=1, label="validation loss")
    panels[0].plot(run["loss"], color=GREEN, linewidth=1, label="training loss")
    panels[0].set(yscale="log")
    panels[0].legend(frameon=False, fontsize=8)
    for panel, rule in zip(panels[1:], rules):
        plots.score(rule, run, panel)
        values = rule.score(run)
        panel.lines[0].set_linewidth(0.9)
        if np.isnan(values).any():  # it speaks at the ends of strips: dots, since in between there is nothing
            panel.lines[0].set(marker=".", markersize=4, linestyle="")
        panel.legend(frameon=False, fontsize=8, loc="upper left")
        top = 2 * max(rule.limit, np.nanpercentile(values, 80))
        panel.set(xlabel="", ylim=(-0.05 * top, top))
    panels[-1].set_xlabel("epoch (counted from 0)")
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def points(rules, runs):
    """Of each rule (cost as a share of the epochs, regret in percent of the test loss), means over runs."""
    table = compare(rules, runs, measured="test_loss")
    return [(float(row.share.mean()), float(row.regret.mean())) for row in table]


def cost_and_regret(line, families, own=None, limits=None, regret="regret, %"):
    """What rules cost and lose, with a line of rules to compare with, on logarithmic axes.

    Args:
        line: name -> point, joined by a grey line; a point is (cost as a share, regret in percent).
        families: label -> list of points, each family with a mark of its own.
        own: the learner's point, or None.
        limits: the cost and the regret that it may not exceed, or None.
        regret: the label of the y axis.
    """
    ax = axes(width=7, height=4, xlabel="cost: epochs trained, % of 300", ylabel=regret, xscale="log")
    places = 100 * np.array([cost for cost, _ in line.values()]), [lost for _, lost in line.values()]
    ax.plot(*places, "o-", color=GREY, linewidth=1.2, markersize=3, label="Patience, by its length")
    for name, x, y in zip(line, *places):
        ax.annotate(name, (x, y), color=GREY, fontsize=8, xytext=(-3, -11), textcoords="offset points",
                    ha="right")
    looks = zip((BLUE, GREEN, PURPLE, ORANGE, SKY, RED), "s^Dv*P")
    for (label, marks), (colour, mark) in zip(families.items(), looks):
        cost, lost = np.array(marks).T
        ax.plot(100 * cost, lost, mark, color=colour, markersize=8 if mark == "*" else 6, label=label)
    if limits is not None:
        ax.fill_between([1, 100 * limits[0]], -2, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                        label="within both limits")
    if own is not None:
        ax.plot([100 * own[0]], [own[1]], "o", color=RED, markersize=10, label="your rule", clip_on=False)
    ticks = (2, 5, 10, 20, 50, 100)
    highest = max(150, 1.3 * max(places[1]), 1.3 * own[1] if own else 0)
    ax.set(xlim=(1.3, 105), xticks=ticks, xticklabels=ticks, yscale="symlog", ylim=(-1, highest),
           yticks=(0, 1, 3, 10, 30, 100), yticklabels=(0, 1, 3, 10, 30, 100))
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=8)
    return ax


def two_readings(run, own, past):
    """One run's validation loss and two thresholds, each with a dot where the loss first gets below it.

    Args:
        run: a history.
        own: the threshold from this run's own epochs.
        past: the threshold from the best values of other runs.
    """
    losses = np.array(run["val_loss"])
    ax = axes(height=2.9, xlabel="epoch (counted from 0)", ylabel="validation loss", yscale="log")
    ax.plot(losses, color=BLUE, linewidth=0.9)
    for threshold, colour, mark, label in ((own, ORANGE, "s", "95 % of this run's epochs are below"),
                                           (past, GREEN, "o", "95 % of past runs got below")):
        ax.axhline(threshold, color=colour, linestyle="--", linewidth=1.2)
        below = np.flatnonzero(losses < threshold)
        if below.size:
            ax.plot(below[:1], losses[below[:1]], mark, color=colour, markersize=8,
                    label=f"{label}: stop at {below[0]}")
    ax.legend(frameon=False, fontsize=9)
    return ax


# ---- early stopping as L2, on scikit-learn's diabetes ----

RATE, STEPS, PENALTIES = 0.1, 2000, np.logspace(-4, 1.5, 221)


def diabetes_rows(seed=0, rows=40):
    """scikit-learn's diabetes: ((X, y) of `rows` patients to learn from, (X, y) of the other patients).

    X is float (n, 10), y float (n,). Both are standardised with the means and spreads of the first part.
    """
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    known, new = order[:rows], order[rows:]
    x = (x - x[known].mean(0)) / x[known].std(0)
    y = (y - y[known].mean()) / y[known].std()
    return (x[known], y[known]), (x[new], y[new])


def descent(x, y, steps=STEPS, rate=RATE):
    """Weights after 1, 2, ... steps of gradient descent from zero on half the mean square: (steps, 10)."""
    weights, path = np.zeros(x.shape[1]), []
    curvature, pull = x.T @ x / len(y), x.T @ y / len(y)
    for _ in range(steps):
        weights = weights - rate * (curvature @ weights - pull)
        path.append(weights)
    return np.array(path)


def ridge(x, y, penalty):
    """The weights that minimise half the mean square plus penalty / 2 times the squared length: (10,)."""
    return np.linalg.solve(x.T @ x / len(y) + penalty * np.eye(x.shape[1]), x.T @ y / len(y))


def two_clocks(seeds=range(20)):
    """Losses on new patients along both paths, for each split.

    Returns:
        (stopped, shrunk): float arrays (splits, STEPS) and (splits, penalties).
    """
    stopped, shrunk = [], []
    for seed in seeds:
        (x, y), (x_new, y_new) = diabetes_rows(seed)
        shrinking = np.array([ridge(x, y, penalty) for penalty in PENALTIES])
        for path, losses in ((descent(x, y), stopped), (shrinking, shrunk)):
            losses.append(((path @ x_new.T - y_new) ** 2).mean(1))
    return np.array(stopped), np.array(shrunk)


def same_path(x, y, losses):
    """Left: each weight along both paths. Right: the loss on new patients along both, mean of the splits.

    Args:
        x, y: what one model learns from.
        losses: from two_clocks.
    """
    figure, (paths, loss) = plt.subplots(1, 2, figsize=(9.6, 3.5), layout="constrained")
    clock = 1 / (RATE * np.arange(1, STEPS + 1))
    stopped, shrunk = descent(x, y), np.array([ridge(x, y, penalty) for penalty in PENALTIES])
    paths.plot(clock, stopped, color=BLUE, linewidth=1.3)
    paths.plot(PENALTIES, shrunk, color=ORANGE, linewidth=1.3, linestyle="--")
    paths.lines[0].set_label("descent")
    paths.lines[-1].set_label("L2")
    paths.legend(frameon=False)
    paths.set(title="ten weights, one split", ylabel="weight", ylim=(-0.85, 0.75))
    loss.plot(clock, losses[0].mean(0), color=BLUE, label=r"descent, over $1/(\eta t)$")
    loss.plot(PENALTIES, losses[1].mean(0), color=ORANGE, linestyle="--", label=r"L2, over $\lambda$")
    loss.set(title="new patients, mean of 20 splits", ylabel="mean square error", ylim=(0.5, 0.95))
    loss.legend(frameon=False)
    for panel in (paths, loss):
        panel.set(xscale="log", xlim=(10, 0.005), xlabel=r"$\lambda$, or $1/(\eta t)$; training goes right")
        panel.spines[["top", "right"]].set_visible(False)
    return figure
