"""Pictures of a run: its curves with the stop and the best epoch marked, and a criterion's score against its limit.

Every function takes arrays or histories and returns the matplotlib axes, so that you can go on drawing. The colours are Okabe and
Ito's, which hold for colour-blind readers; what matters is also told apart by shape.
"""

import matplotlib.pyplot as plt
import numpy as np

from .history import History, number

BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
GREY = "#767676"


def axes(width=6.4, height=3.2, **labels):
    """New axes in the course's style; `labels` are matplotlib's, such as xlabel="epoch"."""
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    ax.set(**labels)
    return ax


def curve(history, columns=("loss", "val_loss"), report=None, guess=None, ax=None):
    """Draw columns of a history over the epochs; with a report, mark its stop (dot, dotted line) and its best epoch (ring).

    Args:
        history: column -> one value per epoch. None and NaN leave gaps.
        columns: names of the columns to draw.
        report: a Report, live or replayed.
        guess: an epoch, drawn as a dashed line; `...` (a guess not made) is not drawn.
        ax: axes to draw on; new ones if None.
    """
    history = History.of(history)
    ax = axes(xlabel="epoch (counted from 0)") if ax is None else ax
    columns = [columns] if isinstance(columns, str) else columns
    epochs = [history.epoch(row) for row in range(history.rows)]
    for name, colour in zip(columns, COLOURS):
        ax.plot(epochs, np.array(history[name], dtype=float), color=colour, label=name)
    watched = columns[-1] if report is None or report.metric not in columns else report.metric
    if report is not None and report.epoch is not None:
        _mark(ax, epochs, history[watched], report.epoch, "o", f"stop: epoch {report.epoch}", RED)
        ax.axvline(report.epoch, color=RED, linestyle=":", linewidth=1)
    if report is not None and report.best_epoch is not None:
        _mark(ax, epochs, history[watched], report.best_epoch, "ring", f"best: epoch {report.best_epoch}", "black")
    draw_guess(ax, guess)
    ax.legend(frameon=False)
    return ax


def score(criterion, history, ax=None):
    """Draw the score that a criterion gives to every epoch, the limit it is held against, and where it is first met.

    Args:
        criterion: a simple criterion, such as Patience or Below; of a combined one, draw its parts().
        history: column -> one value per epoch.
    """
    history = History.of(history)
    ax = axes(xlabel="epoch (counted from 0)") if ax is None else ax
    epochs, scores, first = [history.epoch(row) for row in range(history.rows)], criterion.score(history), criterion.first(history)
    ax.plot(epochs, scores, color=BLUE, label=f"score of {criterion!r}")
    if criterion.limit is not None:
        ax.axhline(criterion.limit, color=GREY, linestyle="--", linewidth=1, label=f"limit {number(criterion.limit)}")
    if first is not None:
        _mark(ax, epochs, scores, epochs[first], "o", f"first met: epoch {epochs[first]}", RED)
    ax.legend(frameon=False)
    return ax


def draw_guess(ax, guess, label="your guess"):
    """A learner's guess as a dashed line; anything that is not a number (`...`: not made) is left out."""
    if isinstance(guess, (int, float)) and not isinstance(guess, bool):
        ax.axvline(guess, color=GREY, linestyle="--", linewidth=1.5, label=label)


def _mark(ax, epochs, values, epoch, shape, label, colour):
    value = np.array(values, dtype=float)[epochs.index(epoch)]
    face = "none" if shape == "ring" else colour
    ax.plot([epoch], [value], "o", color=colour, markerfacecolor=face, markersize=11 if shape == "ring" else 7, markeredgewidth=1.5,
            label=label, zorder=3, clip_on=False)


def spread(ax, runs, colour, label):
    """Several runs of one kind: the mean as a line, the range from the smallest to the largest value as a band.

    Args:
        runs: list of equally long lists, one value per epoch.
    """
    runs = np.array(runs, dtype=float)
    ax.plot(runs.mean(axis=0), color=colour, label=label)
    ax.fill_between(range(runs.shape[1]), runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2, linewidth=0)
