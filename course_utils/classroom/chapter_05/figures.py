"""The figures of chapter 05 with their descriptions, and the digits and the network that it trains.

Each figure's function takes data and returns a figure or its axes; ALT says what it shows, by its name.
"""

import contextlib
import io
import os
import tempfile
import warnings

import matplotlib.pyplot as plt
import numpy as np

from ...pruning import at_target
from ...stopping import Patience, replay
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes

ALT = {
    "asked_and_kept":
        "One pruning run. The share of zeros climbs from 0.30 to 0.90 in eight epochs. The validation loss "
        "rises at once, and would have fallen later; the run stops at epoch 3 and keeps epoch 0, with a "
        "share of 0.30.",
    "costs":
        "Mistakes on the test, on a logarithmic axis. CNN: cut and not trained, half are wrong at 0.9; "
        "trained on, few are wrong up to 0.95, and the ramp is ahead at 0.98. GRU suffers sooner than "
        "MLP and CNN. When to prune: at 0.90 start, early, stop and late are within half a point of one "
        "another; at 0.98 late is worse than the others.",
    "finished_or_not":
        "Six runs. The accuracy of pixels is above 0.96 from the first epoch on, while IoU stays at 0 for "
        "about ten epochs, then rises to 0.8. Two rules stop all six within six epochs, at IoU 0; the armed "
        "one stops near the top.",
}

# ---- data ----


def digits(seed=0):
    """scikit-learn's digits: ((x, y) of 942 for training, of 315 for validation, of 540 for the test).

    x is float32 (n, 8, 8, 1) in 0..1, y int (n,). Each part has the classes in the same proportions.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, 8, 8, 1)
    rest, test = train_test_split(np.arange(len(y)), test_size=540, stratify=y, random_state=seed)
    train, val = train_test_split(rest, test_size=315, stratify=y[rest], random_state=seed)
    return tuple((x[rows], y[rows]) for rows in (train, val, test))


def small_network(units=(256, 128), seed=0):
    """A compiled network of dense layers for the digits (Keras 3): 50,826 weights."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(n, "relu", name=f"dense_{n}") for n in units]
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), *layers,
                              keras.layers.Dense(10, name="classes")])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    return model


@contextlib.contextmanager
def quietly():
    """Hold back the notes of LiteRT's converter, which come from Python and from C++; errors still arrive."""
    import tensorflow as tf

    log = tf.get_logger()
    level, real = log.level, os.dup(2)
    with (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()),
          warnings.catch_warnings(action="ignore"), tempfile.TemporaryFile() as held):
        log.setLevel("ERROR")
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            os.close(real)
            log.setLevel(level)


# ---- numbers ----


def paired(ours, theirs, unit="points"):
    """A difference of two arrays, seed by seed, as a sentence: mean ± sd (ddof 1), and how many agree.

    >>> paired(np.array([98.0, 97.0, 96.0]), np.array([97.0, 97.0, 95.0]))
    '+0.7 ± 0.6 points, higher in 2 of 3 seeds (1 tie)'
    """
    gain = ours - theirs
    ties = int(np.isclose(gain, 0).sum())
    higher = int((gain > 0).sum() - (np.isclose(gain, 0) & (gain > 0)).sum())
    said = f" ({ties} tie{'s' if ties > 1 else ''})" if ties else ""
    return (f"{gain.mean():+.1f} ± {gain.std(ddof=1):.1f} {unit}, higher in {higher} of {len(gain)} seeds"
            f"{said}")


def at_rows(runs, rows):
    """(sparsity, test accuracy in percent) of each run in its row: two arrays (runs,)."""
    pairs = [(run["sparsity"][row], 100 * run["test_accuracy"][row]) for run, row in zip(runs, rows)]
    return np.transpose(pairs)


def means(rows):
    """Column -> its mean over histories of one row each."""
    return {name: np.mean([row[name][0] for row in rows]) for name in rows[0]}


# ---- figures ----


def asked_and_kept(run, report, asked=0.9, epochs=14):
    """One pruning run: sparsity above, validation loss below, with the stop and the epoch that is kept.

    Args:
        run: a history with the columns sparsity and val_loss.
        report: a Report of the second stop.
        asked: the sparsity that was asked for, a dashed line.
        epochs: how many epochs are drawn; those after the stop are pale.
    """
    figure, panels = plt.subplots(2, 1, figsize=(7.2, 4.6), sharex=True, layout="constrained")
    until = report.epoch + 1
    for panel, name, colour in zip(panels, ("sparsity", "val_loss"), (ORANGE, BLUE)):
        values = np.array(run[name][:epochs])
        panel.plot(values, color=colour, alpha=0.3, linewidth=1.5, label="had it gone on")
        panel.plot(values[:until], color=colour, linewidth=2)
        panel.plot([report.best_epoch], values[[report.best_epoch]], "o", color="black", markersize=12,
                   markerfacecolor="none", markeredgewidth=1.6, label=f"kept: epoch {report.best_epoch}")
        panel.plot([report.epoch], values[[report.epoch]], "o", color=RED, markersize=7,
                   label=f"stop: epoch {report.epoch}")
        panel.axvline(report.epoch, color=RED, linestyle=":", linewidth=1)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].axhline(asked, color=GREY, linestyle="--", linewidth=1)
    panels[0].annotate(f"asked for: {asked:.2f}", (epochs - 1, asked), color=GREY, fontsize=10,
                       xytext=(0, 5), textcoords="offset points", ha="right")
    kept = run["sparsity"][report.best_epoch]
    panels[0].annotate(f"kept: {kept:.2f}", (report.best_epoch, kept), fontsize=10, xytext=(12, -4),
                       textcoords="offset points")
    panels[0].set(ylim=(0, 1.02), ylabel="share of zero weights")
    panels[1].set(ylim=(0, None), ylabel="validation loss", xlabel="epoch of pruning (counted from 0)")
    panels[1].legend(frameon=False)
    return figure


def armed_run(run, stop, due, full=0.895):
    """A scripted run: validation loss, shaded where masks are full, the learner's stop and the right one.

    Args:
        run: a history with the columns sparsity and val_loss.
        stop: the learner's stop, or None.
        due: the right stop.
        full: the sparsity from which on masks are full.
    """
    ax = axes(height=2.9, xlabel="epoch (counted from 0)", ylabel="validation loss", ylim=(0, 0.55))
    losses, begin = np.array(run["val_loss"]), int(np.argmax(np.array(run["sparsity"]) > full))
    ax.axvspan(begin, len(losses) - 1, color=ORANGE, alpha=0.15, linewidth=0, label="masks are full")
    ax.plot(losses, "o-", color=BLUE, markersize=4)
    ax.plot([due], losses[[due]], "o", color="black", markersize=12, markerfacecolor="none",
            label=f"due: {due}")
    if stop is not None:
        ax.plot([stop], losses[[stop]], "o", color=RED, markersize=7, label=f"yours: {stop}")
    ax.legend(frameon=False)
    return ax


def dense_accuracy(curves):
    """Test accuracy in percent of the networks of pruning_stops before they are pruned: an array (runs,)."""
    runs = curves.select(phase="dense")
    reports = [replay(Patience("val_loss", 5), run, best="val_loss") for run in runs]
    return np.array([100 * run["test_accuracy"][report.best_epoch] for run, report in zip(runs, reports)])


def kept_accuracy(curves, target, **labels):
    """Test accuracy in percent of each run at its best epoch, of those with full masks: an array (runs,)."""
    return np.array([100 * run["test_accuracy"][_best(run, target)]
                     for run in curves.select(target=target, **labels)])


def _best(run, target):
    full = at_target(target).met(run) if target else np.ones(len(run["val_loss"]), bool)
    return int(np.argmin(np.where(full, run["val_loss"], np.inf)))


def costs(by_sparsity, by_moment):
    """What zeros cost, as mistakes on the test: by the way to prune, by the network, by the moment.

    Bands go from the lowest to the highest seed. At right a mark is a seed, moved a little sideways so that
    equal ones show, and a bar is their mean.

    Args:
        by_sparsity: the recording pruning_sparsity.
        by_moment: the recording pruning_when.
    """
    figure, panels = plt.subplots(1, 3, figsize=(10.2, 3.6), sharey=True, layout="constrained")
    ways = [("cnn", "untrained", "not trained", RED, "v"),
            ("cnn", "one-shot", "at once, trained", ORANGE, "s"),
            ("cnn", "gradual", "ramp, trained", BLUE, "o")]
    _lines(panels[0], by_sparsity, ways)
    panels[0].set(title="CNN: three ways to cut", ylabel="mistakes on the test, % (log scale)")
    _lines(panels[1], by_sparsity, [("gru", "gradual", "GRU", PURPLE, "^"),
                                    ("mlp", "gradual", "MLP", GREEN, "D"),
                                    ("cnn", "gradual", "CNN", BLUE, "o")])
    panels[1].set(title="three networks, along a ramp")
    moments = ("start", "early", "stop", "late")
    for shift, target, colour, mark in ((-0.18, 0.98, ORANGE, "^"), (0.18, 0.9, BLUE, "o")):
        for x, moment in enumerate(moments):
            wrong = 100 - kept_accuracy(by_moment, target, labels="true", moment=moment)
            panels[2].plot(x + shift + np.linspace(-0.1, 0.1, len(wrong)), wrong, mark, color=colour,
                           markersize=4, alpha=0.6, label=f"sparsity {target:.2f}" if x == 0 else None)
            panels[2].plot([x + shift - 0.15, x + shift + 0.15], 2 * [wrong.mean()], color="black",
                           label="mean of the seeds" if x == 0 and target == 0.9 else None)
    never = 100 - kept_accuracy(by_moment, 0.0, labels="true", moment="never")
    panels[2].axhline(never.mean(), color=GREY, linestyle="--", linewidth=1, label="never pruned, mean")
    panels[2].set(title="MLP: when to prune", xlabel="masks begin",
                  xticks=range(len(moments)), xticklabels=moments)
    for panel in panels:
        ticks = (1, 2, 5, 10, 20, 50)
        panel.set(yscale="log", ylim=(0.8, 170), yticks=ticks, yticklabels=ticks)
        panel.minorticks_off()
        panel.legend(frameon=False, fontsize=8, loc="upper left")
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _lines(panel, curves, ways, targets=(0.5, 0.8, 0.9, 0.95, 0.98)):
    for network, schedule, name, colour, mark in ways:
        rows = [kept_accuracy(curves, 0.0, network=network, schedule="dense")]
        rows += [kept_accuracy(curves, target, network=network, schedule=schedule) for target in targets]
        wrong = [100 - row for row in rows]
        panel.plot([row.mean() for row in wrong], mark + "-", color=colour, markersize=5, label=name)
        panel.fill_between(range(len(wrong)), [row.min() for row in wrong], [row.max() for row in wrong],
                           color=colour, alpha=0.15, linewidth=0)
    panel.set(xticks=range(1 + len(targets)), xticklabels=(0, *targets), xlabel="sparsity (not to scale)")


def finished_or_not(runs, stops):
    """Accuracy and IoU of the mask task over the epochs, with the stops of some rules.

    Args:
        runs: histories with the columns val_accuracy and val_iou.
        stops: name of a rule -> the epoch in which it stops each run.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.2), layout="constrained")
    labels = "accuracy of pixels (from 0.96)", "IoU of masks"
    for panel, name, label in zip(panels, ("val_accuracy", "val_iou"), labels):
        for run in runs:
            panel.plot(run[name], color=GREY, linewidth=0.8, alpha=0.7)
        for (rule, rows), colour, mark in zip(stops.items(), (ORANGE, RED, BLUE), "sDo"):
            panel.plot(rows, [run[name][row] for run, row in zip(runs, rows)], mark, color=colour,
                       markersize=7, markeredgecolor="white", label=f"stopped by {rule}", zorder=3)
            if len(set(rows)) == 1:
                panel.annotate(f"all {len(rows)}", (rows[0], runs[0][name][rows[0]]), color=colour,
                               fontsize=8, xytext=(0, 8), textcoords="offset points", ha="center")
        panel.set(xlabel="epoch (counted from 0)", ylabel=label)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylim=(0.96, 1))
    panels[1].set(ylim=(-0.02, 1.02))
    panels[1].legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def second_stop_scores(line, own, all_full, limits):
    """Epochs of pruning against accuracy lost: a line of rules, the learner's dot, and both limits.

    Args:
        line: name -> (epochs, points lost).
        own: the learner's point.
        all_full: whether every run of the learner's kept full masks: else the dot is a cross.
        limits: the most epochs and the most points.
    """
    ax = axes(width=7, height=3.6, xlabel="epochs of pruning, mean", ylabel="accuracy lost, points")
    places = np.array(list(line.values()))
    ax.plot(*places.T, "o-", color=GREY, linewidth=1.2, markersize=3, label="armed patience, by its length")
    for name, place in zip(line, places):
        ax.annotate(name, place, color=GREY, fontsize=8, xytext=(3, 5), textcoords="offset points")
    low = min(0, own[1], *places[:, 1]) - 0.1
    ax.fill_between([0, limits[0]], low, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                    label="within both limits")
    ax.plot([own[0]], [own[1]], "o" if all_full else "X", color=RED, markersize=10, clip_on=False,
            label="your rule" if all_full else "your rule (not all masks full)")
    ax.set(xlim=(0, None), ylim=(low, None))
    ax.legend(frameon=False, fontsize=8)
    return ax
