"""Pictures of a run: its curves with the stop and the best epoch marked, and a score against its limit.

Every function takes arrays or histories and returns the matplotlib axes, so that you can go on drawing. The
colours are Okabe and Ito's, which hold for colour-blind readers; what matters is also told apart by shape.
"""

from itertools import cycle
from numbers import Real

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.text import Text

from .history import History
from .joins import as_criterion
from .words import position

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
    """Draw columns of a history over the epochs; with a report, mark its stop and its best epoch.

    The stop is a dot on a dotted line, the best epoch a ring. The marks sit on the column that decides which
    epoch is best, else on the last one drawn; where it was not measured in that epoch, on its last value
    before. Rows that are batches are drawn over the optimizer's steps.

    Args:
        history: column -> one value per epoch. NaN leaves a gap; over what was not measured (None) the line
            goes on.
        columns: names of the columns to draw.
        report: a Report, live or replayed.
        guess: an epoch, drawn as a dashed line; `...` (a guess not made) is not drawn.
        ax: axes to draw on; new ones if None.
    """
    history = History.of(history)
    ax, places = _axes_for(history, ax)
    columns = [columns] if isinstance(columns, str) else columns
    for name, colour in zip(columns, cycle(COLOURS), strict=False):
        pairs = zip(places, history[name], strict=True)
        measured = [(place, value) for place, value in pairs if value is not None]
        dots = "." if len(measured) < min(history.rows, 30) or len(measured) == 1 else None
        ax.plot(*np.array(measured, dtype=float).reshape(-1, 2).T, color=colour, label=name, marker=dots)
    if report is not None:
        watched = history[report.metric if report.metric in columns else columns[-1]]
        if report.epoch is not None:
            stop = report.step if history.unit != "epoch" else report.epoch
            _mark(ax, places, watched, stop, "o", f"stop: epoch {report.epoch}", RED)
            ax.axvline(stop, color=RED, linestyle=":", linewidth=1)
        if report.best_epoch is not None:
            best = report.best_epoch
            if history.unit != "epoch":
                best = places[history[report.metric].index(report.kept)]
            _mark(ax, places, watched, best, "ring", f"best: epoch {report.best_epoch}", "black")
    draw_guess(ax, guess)
    ax.legend(frameon=False)
    return ax


def score(criterion, history, ax=None):
    """Draw the score that a criterion gives to every epoch, its limit, and where it is first met.

    Args:
        criterion: a simple criterion, such as Patience or Below; of a combined one, draw its parts().
        history: column -> one value per epoch.
    """
    criterion, history = as_criterion(criterion), History.of(history)
    ax, places = _axes_for(history, ax)
    scores, first = criterion.score(history), criterion.first(history)
    # a score at strip ends only is a row of lone points, through which no line can be drawn
    strips = np.isfinite(scores).any() and np.isnan(scores[np.flatnonzero(np.isfinite(scores))[0] :]).any()
    ax.plot(places, scores, "." if strips else "-", color=BLUE, label=f"score of {criterion!r}")
    if criterion.limit is not None:
        limit = f"limit {criterion.limit:g}"
        ax.axhline(criterion.limit, color=GREY, linestyle="--", linewidth=1, label=limit)
    if first is not None:
        where = position(history, first, history.unit)
        _mark(ax, places, scores, places[first], "o", f"first met: {where}", RED)
    ax.legend(frameon=False)
    return ax


def draw_guess(ax, guess, label="your guess"):
    """A learner's guess as a dashed line; anything that is not a number (`...`: not made) is left out."""
    if isinstance(guess, Real) and not isinstance(guess, bool):
        ax.axvline(guess, color=GREY, linestyle="--", linewidth=1.5, label=label)


def _axes_for(history, ax):
    """(axes, where each row stands on the x axis): epochs, or steps where rows are batches."""
    if history.unit != "epoch":
        return axes(xlabel="step") if ax is None else ax, history["steps"]
    places = [history.epoch(row) for row in range(history.rows)]
    return axes(xlabel="epoch (counted from 0)") if ax is None else ax, places


def _mark(ax, places, values, place, shape, label, colour):
    until = [value for at, value in zip(places, values, strict=True) if at <= place and value is not None]
    value = float(until[-1]) if until else np.nan
    face = "none" if shape == "ring" else colour
    size = 11 if shape == "ring" else 7
    ax.plot([place], [value], "o", color=colour, markerfacecolor=face, markersize=size, markeredgewidth=1.5,
            label=label, zorder=3, clip_on=False)


def spread(ax, runs, colour, label, line="-"):
    """Several runs of one kind: the mean as a line, the range from smallest to largest as a band.

    A reader cannot see that a band is a range: say so in the label or in the figure's caption.

    Args:
        runs: list of equally long lists, one value per epoch.
        line: matplotlib's linestyle; lines that cross should differ by more than their colour.
    """
    runs = np.array(runs, dtype=float)
    ax.plot(runs.mean(axis=0), color=colour, label=label, linestyle=line)
    low, high = runs.min(axis=0), runs.max(axis=0)
    ax.fill_between(range(runs.shape[1]), low, high, color=colour, alpha=0.2, linewidth=0)


def caption(figure, text):
    """A line below a figure, for what its axes do not say: what bands and bars are, how many runs."""
    return figure.supxlabel(text, fontsize=9, color="#595959")


def unreadable(figure):
    """What a reader cannot see in a figure: a list of sentences, empty where nothing is amiss.

    Looked for are a log scale that no label names, bands and error bars that no words explain, markers of one
    shape for two things, and letters of less than 8 points.

    Args:
        figure: a matplotlib Figure.

    >>> ax = axes(ylabel="loss", yscale="log")
    >>> unreadable(ax.figure)
    ['The y axis has a log scale: say so in its label.']
    >>> _ = ax.set_ylabel("loss (log scale)")
    >>> unreadable(ax.figure)
    []
    """
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    faults = [f"{text.get_text()!r} has {text.get_fontsize():g} points; 8 can be read."
              for text in texts if text.get_fontsize() < 8]
    for name in "xy":
        sides = [getattr(ax, f"{name}axis") for ax in figure.axes]
        logs = any(side.get_scale() in ("log", "symlog") for side in sides)
        if logs and not any("log" in side.label.get_text() for side in sides):
            faults.append(f"The {name} axis has a log scale: say so in its label.")
    words = " ".join(text.get_text() for text in texts).lower()
    if any(map(_has_bands, figure.axes)) and not any(word in words for word in BAND_WORDS):
        faults.append(f"There are bands or bars, and no word says what they are: {', '.join(BAND_WORDS)}.")
    for ax in figure.axes:
        seen = {}
        for line in [one.lines[0] if isinstance(one, ErrorbarContainer) else one
                     for one in ax.get_legend_handles_labels()[0]]:
            marker = line.get_marker() if isinstance(line, Line2D) else None
            if marker in (None, "None", "none", "", "."):
                continue
            look = marker, line.get_markerfacecolor() == "none"
            if look in seen:
                faults.append(f"Two things have the marker {marker!r}, and differ in colour alone.")
            seen[look] = line
    return faults


BAND_WORDS = ("sd", "smallest", "range", "band", "grey", "quantile")


def _has_bands(ax):
    """Whether there are error bars, or something pale that is no bar and that the legend does not name."""
    bars = {id(part) for container in ax.containers for part in container}
    pale = [one for one in (*ax.collections, *ax.patches)
            if (one.get_alpha() or 1) < 1 and one.get_label()[:1] in ("", "_") and id(one) not in bars]
    return bool(pale) or any(isinstance(one, ErrorbarContainer) for one in ax.containers)
