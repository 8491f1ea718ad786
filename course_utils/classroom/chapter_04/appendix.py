"""What 04b alone uses, more on thresholds.

Its figures return what `show` takes: a figure and its description.
"""

import bisect
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from ...stopping import Below, Patience, compare
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE

RATE, STEPS, PENALTIES = 0.1, 2000, np.logspace(-4, 1.5, 221)
FIRST = 40  # epochs in the right panel of two_readings
# three of the ten inputs, by position: name, colour, and where the name stands beside its lines
SHOWN = {8: ("triglycerides (s5)", BLUE, (0.012, 0.62)), 2: ("body mass index", ORANGE, (0.007, 0.22)),
         4: ("cholesterol (s1)", PURPLE, (0.014, -0.55))}


# ---- a threshold from past runs ----


class Duel(NamedTuple):
    """A threshold from past runs and, on each problem, the patience that costs as much.

    Attributes:
        quantile: of the past runs' lowest losses, the threshold.
        names: of the problems.
        never: whether a run never gets below its threshold; this array and those below are (problems, runs).
        shares: (threshold, patience), the share of the epochs that each trains.
        regrets: (threshold, patience).
    """

    quantile: float
    names: tuple
    never: np.ndarray
    shares: tuple
    regrets: tuple

    def table(self):
        """A line for each problem, and their mean: what both train, and what each loses."""
        lines = ["          epochs trained by either, %   regret, %: threshold   patience"]
        columns = [100 * self.shares[0], *self.regrets]
        rows = [(name, slice(i, i + 1)) for i, name in enumerate(self.names)] + [("mean", slice(None))]
        for name, some in rows:
            share, lost, patient = (column[some].mean() for column in columns)
            lines.append(f"{name:9}{share:20.0f}{lost:28.1f}{patient:11.1f}")
        return "\n".join(lines)

    def who_trains(self):
        """How the epochs are divided between the runs that never get below the threshold and the others."""
        share, never = 100 * self.shares[0], self.never
        spent = 100 * share[never].sum() / share.sum()
        return (f"{never.sum()} runs never get below: they take {spent:.0f} % of all epochs that the "
                "threshold trains\n"
                f"the other {(~never).sum()} stop after {share[~never].mean():.0f} % of their epochs; "
                f"patience trains them for {100 * self.shares[1][~never].mean():.0f} %")


def against_patience(problems, quantile):
    """The even runs set the threshold for the odd ones, and the odd for the even: a `Duel`.

    Args:
        problems: name -> histories, as many of each.
        quantile: the threshold is this quantile of the past runs' lowest validation losses.
    """
    sides = []
    for runs in problems.values():
        lowest = np.array([min(run["val_loss"]) for run in runs])
        never, share, regret = np.empty((3, len(runs)))
        for mine, past in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
            rule = Below("val_loss", np.quantile(lowest[past], quantile))
            row = compare([rule], runs[mine], measured="test_loss")[0]
            never[mine], share[mine], regret[mine] = ~row.fired, row.share, row.regret
        _, patient = same_cost(share.mean(), runs)
        sides.append((never.astype(bool), share, patient.share, regret, patient.regret))
    never, *rest = map(np.array, zip(*sides))
    return Duel(quantile, tuple(problems), never, tuple(rest[:2]), tuple(rest[2:]))


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
        for threshold, colour, mark, label in ((own, ORANGE, "s", "from its own epochs"),
                                               (past, GREEN, "o", "from ten past runs")):
            line = "--" if mark == "s" else ":"
            ax.axhline(threshold, color=colour, linestyle=line, linewidth=1.4)
            below = np.flatnonzero(losses < threshold)
            stops.append(f"epoch {below[0]}" if below.size else "no epoch")
            seen = below[below < last][:1]
            ax.plot(seen, losses[seen], mark, color=colour, markersize=8, linestyle=line,
                    label=f"threshold {label}, first below: {stops[-1]}")
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


# ---- the loss or the error ----


def watched(runs, metric, patience):
    """What patience on this metric keeps of each run, measured by its test error: a Row."""
    rule = Patience(metric, patience, mode="min")
    return compare([rule], runs, metric, "min", measured="test_error", measured_mode="min")[0]


def error_minus_loss(runs, patience):
    """By how many points more test error is kept by watching the error than by the loss: array (runs,)."""
    return 100 * (watched(runs, "val_error", patience).kept - watched(runs, "val_loss", patience).kept)


def loss_or_error(problems, patience, epochs=300):
    """A line for each problem: `error_minus_loss` with the same patience on both, its cost, and with no stop.

    Args:
        problems: name -> histories.
    """
    lines = ["test error, in points (± standard deviation): watching the error minus watching the loss",
             "(a minus: watching the error is better)",
             f"{f'patience {patience}':>21}{'best of all':>20}"
             f"{f'epochs trained, patience {patience}, %:':>36}",
             f"{f'{epochs} epochs':>41}{'error / loss':>36}"]
    for name, runs in problems.items():
        same, endless = (error_minus_loss(runs, length) for length in (patience, epochs))
        costs = " / ".join(f"{100 * watched(runs, metric, patience).share.mean():.0f}"
                           for metric in ("val_error", "val_loss"))
        lines.append(f"{name:9} {same.mean():+.2f} ± {same.std(ddof=1):.2f}"
                     f"{endless.mean():+13.2f} ± {endless.std(ddof=1):.2f}{costs:>36}")
    return "\n".join(lines)


# ---- a patience that grows ----


def choice(rows, half, limit):
    """The row with the smallest mean regret on some runs.

    Args:
        rows: what `compare` gives.
        half: True for the runs that may choose.
        limit: rows that train on average a larger share of these runs' epochs are too dear.
    """
    affordable = [row for row in rows if row.share[half].mean() <= limit]
    return min(affordable, key=lambda row: row.regret[half].mean())


def gained(gain):
    """A gain run by run, in words: mean, standard deviation, and in how many runs it is which way."""
    better, worse, same = (int(np.sum(np.sign(gain) == sign)) for sign in (1, -1, 0))
    return (f"gain {round(gain.mean(), 1) + 0:+.1f} ± {gain.std(ddof=1):.1f} points, "  # + 0: no -0.0
            f"better in {better} of {len(gain)}, worse in {worse}, the same in {same}")


def one_run(run, plain, grown, title):
    """One run's validation loss, the epochs in which plain and growing patience stop, and what each keeps."""
    losses = np.array(run["val_loss"])
    figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
    ax.plot(losses, color=GREY, linewidth=0.9)
    kept, low, high = [], losses.min(), losses.max()
    for stop, colour, mark, line, name in ((plain, ORANGE, "s", "--", "plain"),
                                           (grown, GREEN, "o", ":", "growing")):
        kept.append(losses[:stop + 1].argmin())
        ax.axvline(stop, color=colour, linestyle=line, linewidth=1.4)
        ax.annotate(f"{name} stops: {stop}", (stop, 0.7 * high), fontsize=10, xytext=(5, 0),
                    textcoords="offset points")
        ax.plot(kept[-1:], losses[kept[-1:]], mark, color=colour, markersize=8, linestyle=line)
        ax.annotate(f"{name} keeps {kept[-1]}", (kept[-1], losses[kept[-1]]), fontsize=10, ha="right",
                    va="top", xytext=(6, -8), textcoords="offset points")
    levels = (0.1, 0.2, 0.5, 1, 2)
    ax.set(yscale="log", xlabel="epoch (counted from 0)", ylabel="validation loss (log scale)",
           yticks=levels, yticklabels=levels, ylim=(0.65 * low, 1.2 * high), title=title,
           xlim=(None, 1.1 * len(losses)))
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    return figure, (f"Validation loss of one run over {len(losses)} epochs. Plain patience stops at epoch "
                    f"{plain} and keeps epoch {kept[0]}. The loss goes on falling, with wide swings; growing "
                    f"patience stops at epoch {grown} and keeps epoch {kept[1]}.")


# ---- stopping and L2 ----


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


def both_paths(seeds=range(20)):
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


class Scores(NamedTuple):
    """Losses on the patients that chose nothing, with the steps and the penalty that others chose: (splits,).

    Attributes:
        stopped, penalised: after the chosen steps, and with the chosen penalty.
        trained_on: after all steps.
    """

    stopped: np.ndarray
    penalised: np.ndarray
    trained_on: np.ndarray

    def __str__(self):
        wins = [f"{np.sum(losses < self.trained_on)} of {len(losses)}"
                for losses in (self.stopped, self.penalised)]
        apart = self.stopped - self.penalised
        return (f"mean square error, stopped minus L2: {apart.mean():+.4f} ± {apart.std(ddof=1):.4f}\n"
                f"lower than after {STEPS} steps: stopped in {wins[0]}, L2 in {wins[1]}")


def choose_and_score(tuning, scoring):
    """Choose steps and penalty for each split by one half of the new patients, score by the other: `Scores`.

    Args:
        tuning, scoring: from both_paths.
    """
    steps, penalty = (losses.argmin(1) for losses in tuning)
    each = np.arange(len(steps))
    return Scores(scoring[0][each, steps], scoring[1][each, penalty], scoring[0][:, -1])


def same_path(x, y, losses):
    """Left: three of the weights along both paths. Right: the loss on new patients, mean of the splits.

    Args:
        x, y: what one model learns from.
        losses: (stopped, shrunk), of one half from both_paths.
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
    for x_axis, lists, line, mark, label in ((clock, losses[0], "-", "o", "descent"),
                                             (PENALTIES, losses[1], "--", "s", "L2")):
        mean = lists.mean(0)
        low = mean.argmin()
        place = rf"$\lambda$ = {x_axis[low]:.2f}"
        if line == "-":
            place = rf"$t$ = {low + 1}, $1/(\eta t)$ = {x_axis[low]:.2f}"
        loss.plot(x_axis, mean, color=GREY if line == "--" else "black", linestyle=line, label=label)
        loss.plot(x_axis[low], mean[low], mark, color=GREY if line == "--" else "black",
                  label=f"lowest: {place}")
    loss.set(title="the 201 test patients, mean of 20 splits", ylabel="loss (mean square error)",
             ylim=(0.5, 0.95))
    for panel in (paths, loss):
        panel.legend(frameon=False, loc="lower left" if panel is paths else "upper center")
        panel.set(xscale="log", xlim=(10, 0.005),
                  xlabel="$1/(\\eta t)$ or $\\lambda$ (log scale)\nmore steps, weaker penalty: to the right")
        panel.spines[["top", "right"]].set_visible(False)
    return figure, ("Left: three weights over the strength of the penalty, solid lines for descent, dashed "
                    "for L2. They begin near zero and run close together; body mass index parts a little in "
                    "the middle, cholesterol at the right end, at -0.8 and -0.6. Right: both losses "
                    "fall to nearly the same lowest value and rise again; that of L2 lies further right.")
