"""The figures of chapter 05 with their descriptions, and the numbers that stand beside them.

Each figure's function takes data and returns a figure or its axes; ALT says what it shows, by its name.
"""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from ...pruning import at_target
from ...stopping import Patience, replay
from ...stopping.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, axes

ALT = {
    "asked_and_kept":
        "One pruning run of a CNN. Sparsity climbs from 0.30 to 0.90 in its first eight epochs. The "
        "validation loss rises at once, and would have fallen later; the run stops at epoch 3 and keeps "
        "epoch 0, with sparsity 0.30.",
    "kept_sparsities":
        "The sparsity that ten runs keep, by second stop. One that does not wait: eight at 0.3, two at 0.5. "
        "One that waits to stop: five at 0.3, five at 0.9. One that waits to choose, too: all ten at 0.9.",
    "costs":
        "Mistakes on the test against sparsity, both on logarithmic axes. CNN: cut and not trained further, "
        "half are wrong at 0.9; trained, few are wrong up to 0.95, and at 0.98 the ramp has half as many "
        "wrong as the cut at once. Along a ramp, the GRU suffers sooner than the MLP and the CNN.",
    "moments":
        "Mistakes of ten MLPs by the moment at which pruning begins. At sparsity 0.90 start, early, stop and "
        "late are within half a point of one another, about a point above networks never pruned; at 0.98 "
        "late has 27 % wrong, the others 15 to 17 %. A hollow mark: after 12 epochs of pruning stop still "
        "had 31 % wrong.",
}
MISTAKES = "mistakes on the test, % (log scale)"
MOMENTS = ("start", "early", "stop", "late")

# ---- numbers ----


class Outcome(NamedTuple):
    """What a second stop makes of some runs; arrays (runs,).

    Attributes:
        stopped: how many runs it ends.
        epochs: epochs until then, or of the whole run.
        sparsity, accuracy: of the weights that are kept; accuracy on the test, in percent.
        full: how many runs keep full masks.
    """

    stopped: int
    epochs: np.ndarray
    sparsity: np.ndarray
    accuracy: np.ndarray

    @property
    def full(self):
        return int(np.sum(self.sparsity > at_target(0.9).value))


def outcome(runs, rule, best_when=None):
    """Stop recorded runs by a rule, and keep the best weights: `Outcome`."""
    reports = [replay(rule, run, best="val_loss", best_when=best_when) for run in runs]
    rows = [report.best_epoch for report in reports]
    kept = [(run["sparsity"][row], 100 * run["test_accuracy"][row]) for run, row in zip(runs, rows)]
    stopped = sum(rule.first(run) is not None for run in runs)
    return Outcome(stopped, np.array([report.epoch + 1 for report in reports]), *np.transpose(kept))


def not_pruned(curves):
    """Test accuracy in percent of the networks of pruning_stops before they are pruned: an array (runs,)."""
    return outcome(curves.select(phase="dense"), Patience("val_loss", 5)).accuracy


def mistakes(curves, target, **labels):
    """Mistakes on the test, in percent, of each run's best epoch with full masks: an array (runs,)."""
    if "labels" in curves.labels:  # in half of these runs a fifth of the training labels is shuffled
        labels["labels"] = "true"
    return np.array([100 - 100 * run["test_accuracy"][_best(run, target)]
                     for run in curves.select(target=target, **labels)])


def mistakes_after(by_moment, target, epochs):
    """Moment -> mistakes on the test, in percent, after so many epochs of pruning: means over seeds.

    As in `mistakes` it is the best epoch until then that counts, of those with full masks.
    """
    wrong = {}
    for moment in MOMENTS:
        runs = by_moment.select(labels="true", target=target, moment=moment)
        begun = [int(np.argmax(np.array(run["sparsity"]) > 0)) + epochs for run in runs]
        cut = [{name: values[:end] for name, values in run.items()} for run, end in zip(runs, begun)]
        wrong[moment] = round(float(np.mean([100 - 100 * run["test_accuracy"][_best(run, target)]
                                             for run in cut])), 1)
    return wrong


def points_lost(by_sparsity, target):
    """Network -> points of test accuracy lost at this sparsity, along a ramp: means over seeds."""
    def wrong(network, target, schedule):
        return mistakes(by_sparsity, target, network=network.lower(), schedule=schedule).mean()

    return {network: round(float(wrong(network, target, "gradual") - wrong(network, 0.0, "dense")), 1)
            for network in ("CNN", "MLP", "GRU")}


def _best(run, target):
    full = at_target(target).met(run) if target else np.ones(len(run["val_loss"]), bool)
    return int(np.argmin(np.where(full, run["val_loss"], np.inf)))


def means(rows):
    """Column -> its mean over histories of one row each."""
    return {name: np.mean([row[name][0] for row in rows]) for name in rows[0]}


def sizes(recorded):
    """Model -> column -> its mean over seeds, from the recording pruning_sizes."""
    models = {"not pruned": "dense"} | {name: name for name in ("pruned", "int8", "pruned int8", "half")}
    return {name: means(recorded.select(model=model)) for name, model in models.items()}


def sizes_table(rows):
    """What zeros buy, a line for each model. `rows`: from `sizes`."""
    lines = [f"{'':12} after gzip    time   accuracy"]
    lines += [f"{name:12} {row['lite_gz'] / 1000:7.0f} kB {row['latency']:7.2f} "
              f"{100 * row['test_accuracy']:8.1f} %" for name, row in rows.items()]
    return "\n".join([*lines, "means of five seeds; time: for one picture, not pruned = 1"])


# ---- figures ----


def asked_and_kept(run, report, asked=0.9):
    """One pruning run: sparsity above, validation loss below, with the stop and the epoch that is kept.

    What comes after the stop is pale. A dashed line below is the loss of the epoch that is kept.

    Args:
        run: a history with the columns sparsity and val_loss.
        report: a Report of the second stop.
        asked: the sparsity that was asked for, a dashed line.
    """
    figure, panels = plt.subplots(2, 1, figsize=(7.2, 4.8), sharex=True, layout="constrained")
    until = report.epoch + 1
    for panel, level in zip(panels, (asked, run["val_loss"][report.best_epoch])):
        panel.axhline(level, color=GREY, linestyle="--", linewidth=1, zorder=1)
    for panel, name, colour in zip(panels, ("sparsity", "val_loss"), (ORANGE, BLUE)):
        values = np.array(run[name])
        panel.plot(values, color=colour, alpha=0.4, linewidth=3.5)
        panel.plot(values[:until], color=colour, linewidth=2)
        ring, = panel.plot([report.best_epoch], values[[report.best_epoch]], "o", color="black",
                           markersize=12, markerfacecolor="none", markeredgewidth=1.6)
        panel.axvline(report.epoch, color=RED, linestyle=":", linewidth=1)
        stop, = panel.plot([report.epoch], values[[report.epoch]], "o:", color=RED, markersize=7)
        panel.spines[["top", "right"]].set_visible(False)
    whole, pale = (tuple(Line2D([], [], color=colour, alpha=alpha, linewidth=width)
                         for colour in (ORANGE, BLUE)) for alpha, width in ((1, 2), (0.4, 3.5)))
    panels[1].legend([whole, stop, ring, pale],
                     ["until the stop", f"stop: epoch {report.epoch}", f"kept: epoch {report.best_epoch}",
                      "had it gone on"], frameon=False, fontsize=10, loc="upper right", handlelength=3,
                     handler_map={tuple: HandlerTuple(ndivide=None)})
    panels[0].annotate(f"asked for: {asked:.2f}", (len(run["sparsity"]) - 1, asked), color=GREY, fontsize=10,
                       xytext=(0, 5), textcoords="offset points", ha="right")
    panels[1].annotate("loss of the epoch that is kept", (3 * until, level), color=GREY, fontsize=10,
                       xytext=(-12, 45), textcoords="offset points",
                       arrowprops={"arrowstyle": "->", "color": GREY})
    kept = run["sparsity"][report.best_epoch]
    panels[0].annotate(f"kept: {kept:.2f}", (report.epoch, kept), fontsize=10, xytext=(12, -4),
                       textcoords="offset points")
    panels[0].set(ylim=(0, 1.02), ylabel="sparsity", title="A CNN is pruned")
    panels[1].set(ylim=(0, None), ylabel="validation loss",
                  xlabel="epoch of pruning (counted from 0)")
    return figure


def kept_sparsities(kept, asked=0.9):
    """The sparsity that each run keeps, a row of dots for each second stop.

    Args:
        kept: name -> Outcome.
        asked: the sparsity that was asked for, a dashed line.
    """
    ax = axes(width=7, height=2.4, xlabel="sparsity of the kept weights (a dot for each of ten runs)")
    ax.axvline(asked, color=GREY, linestyle="--", linewidth=1, zorder=1, label=f"asked for: {asked:.2f}")
    for row, each in enumerate(kept.values()):
        aside = np.linspace(-0.25, 0.25, len(each.sparsity))  # so that none hides another
        ax.plot(each.sparsity, row + aside, "o", color=BLUE, markersize=6, alpha=0.7)
    names = [f"{name}: {each.full} of {len(each.sparsity)} full" for name, each in kept.items()]
    ax.set(yticks=range(len(kept)), yticklabels=names, ylim=(len(kept) - 0.5, -0.5), xlim=(0.2, 1))
    ax.legend(frameon=False, fontsize=9, loc="upper right", bbox_to_anchor=(0.9, 1))
    return ax


def armed_run(run, stop, due, full=0.899):
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


def costs(by_sparsity):
    """What zeros cost, as mistakes on the test: by the way to prune, and by the network.

    Lines are means; bars go from the lowest to the highest seed. Both axes are logarithmic, sparsity in what
    it leaves: from 0.9 to 0.95 is as far as from 0 to 0.5.

    Args:
        by_sparsity: the recording pruning_sparsity.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.4, 4.2), sharey=True, layout="constrained")
    _lines(panels[0], by_sparsity, [("cnn", "untrained", "cut, not trained further", RED, "v"),
                                    ("cnn", "one-shot", "cut at once, then trained", ORANGE, "s"),
                                    ("cnn", "gradual", "ramp, with training", BLUE, "o")])
    panels[0].set(title="CNN: three ways to cut", ylabel=MISTAKES)
    _lines(panels[1], by_sparsity, [("gru", "gradual", "GRU", PURPLE, "^"),
                                    ("mlp", "gradual", "MLP", GREEN, "D"),
                                    ("cnn", "gradual", "CNN", BLUE, "o")])
    panels[1].set(title="ramp: three networks")
    figure.supxlabel("lines: means of six seeds (CNN) or five; bars: smallest to largest seed\n"
                     "training: patience 3, counted from the last cut; 25 epochs at most, ramp included\n"
                     "left: the three ways begin with the same six networks", fontsize=9)
    return figure


def _lines(panel, curves, ways, targets=(0.5, 0.8, 0.9, 0.95, 0.98)):
    places = -np.log2(1 - np.array([0, *targets]))
    for shift, (network, schedule, name, colour, mark) in zip((0.09, 0, -0.09), ways):
        wrong = [mistakes(curves, 0.0, network=network, schedule="dense")]
        wrong += [mistakes(curves, target, network=network, schedule=schedule) for target in targets]
        mean, low, high = (np.array([of(row) for row in wrong]) for of in (np.mean, np.min, np.max))
        panel.errorbar(places + shift, mean, [mean - low, high - mean], fmt=f"{mark}-", color=colour,
                       markersize=6, elinewidth=1, label=name)
    panel.set(xticks=places, xticklabels=(0, *targets), xlabel="sparsity (axis stretched towards 1)")
    _in_percent(panel, top=170)


def moments(by_moment, epochs):
    """Mistakes of MLPs on the test, by the moment at which pruning begins: means, and a dot a seed.

    Args:
        by_moment: the recording pruning_when.
        epochs: at 0.98 a hollow mark shows what `stop` had after so many epochs of pruning, as many as `late`
            has. The earlier two had then hardly been trained.
    """
    ax = axes(width=7.6, height=4, xlabel="pruning begins", ylabel=MISTAKES,
              title="Ten MLPs, each trained for 60 epochs in all (pruning included)")
    for target, colour, mark in ((0.98, ORANGE, "^"), (0.9, BLUE, "o")):
        wrong = np.array([mistakes(by_moment, target, moment=moment) for moment in MOMENTS])
        aside = np.linspace(-0.3, 0.1, wrong.shape[1])  # each seed at its own place, left of the mean
        for place, row in enumerate(wrong):
            ax.plot(place + aside, row, ".", color=colour, markersize=9, alpha=0.6)
        places = np.arange(len(MOMENTS)) + 0.2
        ax.plot(places, wrong.mean(1), mark, color=colour, markersize=11, markeredgecolor="black",
                label=f"sparsity {target:.2f}, mean (dots: seeds)")
        for place, mean in zip(places, wrong.mean(1)):
            ax.annotate(f"{mean:.1f} %", (place, mean), xytext=(9, 0), textcoords="offset points",
                        va="center", fontsize=10)
    earlier = mistakes_after(by_moment, 0.98, epochs)["stop"]
    ax.plot(places[MOMENTS.index("stop")], earlier, "^", color=RED, markersize=11, markerfacecolor="none",
            label=f"stop at 0.98, mean after {epochs} epochs of pruning")
    ax.annotate(f"{earlier:.0f} %", (places[MOMENTS.index("stop")], earlier), xytext=(9, 0),
                textcoords="offset points", va="center", fontsize=10)
    never = mistakes(by_moment, 0.0, moment="never").mean()
    ax.axhline(never, color=GREY, linestyle="--", linewidth=1.2, label=f"never pruned, mean: {never:.1f} %")
    ax.set(xlim=(-0.5, len(MOMENTS) - 0.3), xticks=range(len(MOMENTS)),
           xticklabels=[_when(by_moment, moment) for moment in MOMENTS])
    _in_percent(ax, top=190, bottom=1.7, ticks=(2, 5, 10, 20, 50))
    return ax


def _when(by_moment, moment):
    runs = by_moment.select(labels="true", moment=moment, target=0.9)
    begins = [int(np.argmax(np.array(run["sparsity"]) > 0)) for run in runs]
    first, last = min(begins), max(begins)
    return f"{moment}\nepoch {first}{f' to {last}' if last > first else ''}"


def _in_percent(panel, top, bottom=0.8, ticks=(1, 2, 5, 10, 20, 50, 90)):
    names = [f"chance: {tick}" if tick == 90 else str(tick) for tick in ticks]  # of ten digits, one by luck
    panel.set(yscale="log", ylim=(bottom, top), yticks=ticks, yticklabels=names)
    panel.minorticks_off()
    panel.legend(frameon=False, fontsize=9, loc="upper left")
    panel.spines[["top", "right"]].set_visible(False)


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
    ax.plot(*places.T, ".-", color=GREY, linewidth=1.2, markersize=6, label="armed patience, by its length")
    for name, place in zip(line, places):
        ax.annotate(name, place, color=GREY, fontsize=8, xytext=(3, 5), textcoords="offset points")
    low = min(0, own[1], *places[:, 1])
    if low < 0:
        low -= 0.1  # room below the lowest mark
    ax.fill_between([0, limits[0]], low, limits[1], color=GREEN, alpha=0.1, linewidth=0,
                    label="within both limits")
    ax.plot([own[0]], [own[1]], "o" if all_full else "X", color=RED, markersize=10, clip_on=False,
            label="your rule" if all_full else "your rule (not all masks full)")
    ax.set(xlim=(0, None), ylim=(low, None))
    ax.legend(frameon=False, fontsize=8)
    return ax
