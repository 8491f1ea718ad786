"""What 04b alone uses, more on thresholds.

Its figures return what `show` takes: a figure and its description.
"""

import bisect

import matplotlib.pyplot as plt
import numpy as np

from ...stopping import Patience, compare
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE

RATE, STEPS, PENALTIES = 0.1, 2000, np.logspace(-4, 1.5, 221)
FIRST = 40  # epochs in the right panel of two_readings
# three of the ten inputs, by position: name, colour, and where the name stands beside its lines
SHOWN = {8: ("triglycerides (s5)", BLUE, (0.012, 0.62)), 2: ("body mass index", ORANGE, (0.9, 0.37)),
         4: ("cholesterol (s1)", PURPLE, (0.014, -0.55))}


def two_readings(run, own, past):
    """One run's validation loss and two thresholds, each with a mark where the loss first gets below it.

    Left all epochs, right the first of them.

    Args:
        run: a history.
        own: the threshold from this run's own epochs.
        past: the threshold from the best values of other runs.
    """
    losses = np.array(run["val_loss"])
    levels = (0.006, 0.007, 0.008, 0.01, 0.015, 0.02)
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.2), width_ratios=(3, 2), sharey=True,
                                  layout="constrained")
    for ax, last in zip(panels, (len(losses), FIRST)):
        ax.plot(losses[:last], color=BLUE, linewidth=0.9, label="this run")
        stops = []
        for threshold, colour, mark, label in ((own, ORANGE, "s", "95 % of this run's epochs are below"),
                                               (past, GREEN, "o", "nine of ten past runs got below")):
            line = "--" if mark == "s" else ":"
            ax.axhline(threshold, color=colour, linestyle=line, linewidth=1.4)
            below = np.flatnonzero(losses < threshold)
            stops.append(f"epoch {below[0]}" if below.size else "no epoch")
            seen = below[below < last][:1]
            ax.plot(seen, losses[seen], mark, color=colour, markersize=8, linestyle=line,
                    label=f"{label}: {stops[-1]}")
        ax.set(title=f"the first {last} epochs" if last < len(losses) else f"all {last} epochs", yscale="log",
               xlabel="epoch (counted from 0)", yticks=levels, yticklabels=levels)
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("validation loss (log scale)")
    panels[0].legend(frameon=False, fontsize=10)
    return figure, ("Validation loss of a building run over 300 epochs. The threshold from its own epochs is "
                    f"first reached at {stops[0]}, the one from past runs at {stops[1]}. Right: the first "
                    f"{FIRST} epochs of the same.")


def same_cost(share, runs, longest=200):
    """The patience that trains as many epochs: (its length, its Row), with the test loss as measure.

    Args:
        share: the mean share of the epochs that it should train.
        runs: histories.
        longest: patience is looked for from 1 to here.
    """
    def row(n):
        return compare({f"patience {n}": Patience("val_loss", n)}, runs, measured="test_loss")[0]

    # more patience never stops sooner, so the first that is dear enough can be found by halving
    n = bisect.bisect_left(range(1, longest), share, key=lambda n: row(n).share.mean()) + 1
    return min(((n, row(n)) for n in {max(n - 1, 1), n}), key=lambda pair: abs(pair[1].share.mean() - share))


def choice(rows, half, limit):
    """The row with the smallest mean regret on some runs.

    Args:
        rows: what `compare` gives.
        half: True for the runs that may choose.
        limit: rows that train on average a larger share of these runs' epochs are too dear.
    """
    affordable = [row for row in rows if row.share[half].mean() <= limit]
    return min(affordable, key=lambda row: row.regret[half].mean())


def by_half(chosen, even):
    """A table: mean regret and share of the epochs, of the even runs and of the odd. `chosen`: who -> row."""
    lines = ["chosen by                             regret, %: even    odd   epochs, %: even    odd"]
    for who, row in chosen.items():
        means = [round(values[half].mean(), 1) + 0  # + 0 makes 0.0 of -0.0
                 for values in (row.regret, 100 * row.share) for half in (even, ~even)]
        lines.append(f"{who:12} {row.name:22} " + "{:15.1f} {:6.1f} {:16.1f} {:6.1f}".format(*means))
    return "\n".join(lines)


def one_run(run, plain, grown):
    """One run's validation loss, the epochs in which plain and growing patience stop, and what each keeps."""
    losses = np.array(run["val_loss"])
    figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    ax.plot(losses, color=GREY, linewidth=0.9)
    kept = []
    for stop, colour, mark, line, name in ((plain, ORANGE, "s", "--", "plain"),
                                           (grown, GREEN, "o", ":", "growing")):
        kept.append(losses[:stop + 1].argmin())
        ax.axvline(stop, color=colour, linestyle=line, linewidth=1.4)
        ax.plot(kept[-1:], losses[kept[-1:]], mark, color=colour, markersize=8, linestyle=line,
                label=f"{name}: stops at {stop}, keeps {kept[-1]}")
    levels = (0.1, 0.2, 0.5, 1, 2)
    ax.set(yscale="log", xlabel="epoch (counted from 0)", ylabel="validation loss (log scale)",
           yticks=levels, yticklabels=levels)
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize=10, loc="upper center")
    ax.spines[["top", "right"]].set_visible(False)
    return figure, (f"Validation loss of one run over {len(losses)} epochs. Plain patience stops at epoch "
                    f"{plain} and keeps epoch {kept[0]}. The loss goes on falling, with wide swings; growing "
                    f"patience stops at epoch {grown} and keeps epoch {kept[1]}.")


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
    """Losses along both paths, for each split: on one half of the new patients, and on the other.

    Returns:
        (tuning, scoring): for each half (stopped, shrunk), arrays (splits, STEPS) and (splits, penalties).
    """
    halves = [([], []), ([], [])]
    for seed in seeds:
        (x, y), (x_new, y_new) = diabetes_rows(seed)  # in random order
        paths = descent(x, y), np.array([ridge(x, y, penalty) for penalty in PENALTIES])
        for half, losses in enumerate(halves):
            rows = slice(half * len(y_new) // 2, (half + 1) * len(y_new) // 2)
            for path, lists in zip(paths, losses):
                lists.append(((path @ x_new[rows].T - y_new[rows]) ** 2).mean(1))
    return [tuple(map(np.array, losses)) for losses in halves]


def same_path(x, y, losses):
    """Left: three of the weights along both paths. Right: the loss on new patients, mean of the splits.

    Args:
        x, y: what one model learns from.
        losses: (stopped, shrunk), of one half from two_clocks.
    """
    figure, (paths, loss) = plt.subplots(1, 2, figsize=(9.6, 4), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    clock = 1 / (RATE * np.arange(1, STEPS + 1))
    stopped, shrunk = descent(x, y), np.array([ridge(x, y, penalty) for penalty in PENALTIES])
    for i, (name, colour, place) in SHOWN.items():
        paths.plot(clock, stopped[:, i], color=colour)
        paths.plot(PENALTIES, shrunk[:, i], color=colour, linestyle="--")
        paths.text(*place, name, color=colour, ha="right")
    for line, label in (("-", "descent"), ("--", "L2")):
        paths.plot([], [], color=GREY, linestyle=line, label=label)
    paths.set(title="three of ten weights, one split", ylabel="weight", ylim=(-1, 0.75))
    for x_axis, lists, line, mark, label in ((clock, losses[0], "-", "o", "descent, t steps"),
                                             (PENALTIES, losses[1], "--", "s", r"L2 with $\lambda$")):
        mean = lists.mean(0)
        low = mean.argmin()
        loss.plot(x_axis, mean, color=GREY if line == "--" else "black", linestyle=line, label=label)
        loss.plot(x_axis[low], mean[low], mark, color=GREY if line == "--" else "black",
                  label=f"lowest, at {x_axis[low]:.2f}")
    loss.set(title="the 201 test patients, mean of 20 splits", ylabel="mean square error",
             ylim=(0.5, 0.95))
    for panel in (paths, loss):
        panel.legend(frameon=False, loc="lower left" if panel is paths else "upper center")
        panel.set(xscale="log", xlim=(10, 0.005),
                  xlabel="$1/(\\eta t)$ or $\\lambda$ (log scale)\nmore steps, weaker penalty: to the right")
        panel.spines[["top", "right"]].set_visible(False)
    return figure, ("Left: three weights over the strength of the penalty, solid lines for descent, dashed "
                    "for L2. They begin near zero, run close together, and part a little at the right end, "
                    "where cholesterol has fallen to -0.8 and -0.6. Right: both losses fall to nearly the "
                    "same lowest value and rise again; that of L2 lies further right.")
