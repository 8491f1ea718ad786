"""What the recorded trainings of chapter 06 gave: taken out of the curves, compared, and printed.

Needs NumPy, and SciPy where ranks are compared.
"""

import numpy as np

from ..comparisons import paired

COLUMNS = {  # of `outcomes` -> how a mean is shown; how many units there are in one, and what they are called
    "epochs": ("{:.0f}", 1, "epochs"), "seconds": ("{:.0f} s", 1, "s"), "found": ("{:.0f} s", 1, "s"),
    "accuracy": ("{:.1f} %", 100, "points"), "test_accuracy": ("{:.1f} %", 100, "points"),
}
SCORES = {"leep": "LEEP", "h_score": "H-score", "logme": "LogME"}

# ---- trainings, and where a rule would have ended them ----


def until(run, rule):
    """A recorded training as it would be if `rule` had ended its last phase: column -> list.

    Args:
        run: a history with a column `phase`.
        rule: a criterion, which sees the last phase alone; or None, which leaves the run as it is.
    """
    begin = run["phase"].index(run["phase"][-1])
    last = {name: values[begin:] for name, values in run.items()}
    stop = None if rule is None else rule.first(last)
    return {name: values[: None if stop is None else begin + stop + 1] for name, values in run.items()}


def outcomes(runs, rule=None):
    """What became of some trainings, each ended by `rule`: dict of arrays, a value a run.

    epochs, seconds: of all of it; found: the seconds until the end of the kept epoch (NaN where they are not
    recorded); accuracy, test_accuracy: of the kept epoch, the one with the lowest "val_loss".
    """
    rows = []
    for run in runs:
        run = until(run, rule)
        kept = int(np.argmin(run["val_loss"]))
        seconds = run.get("seconds", len(run["loss"]) * [np.nan])
        rows.append((len(run["loss"]), seconds[-1], seconds[kept], run["accuracy"][kept],
                     run["test_accuracy"][kept]))
    return dict(zip(("epochs", "seconds", "found", "accuracy", "test_accuracy"), np.array(rows).T))


def print_gains(ways, ours, theirs, **headings):
    """What one way gains on another, seed by seed: a line a column, see `paired`.

    Args:
        ways: name -> outcomes.
        ours, theirs: names of two of them.
        headings: column of `outcomes` -> what it is called; the test accuracy if there are none.

    >>> ways = {"a": {"epochs": np.array([9.0, 8.0])}, "b": {"epochs": np.array([8.0, 6.0])}}
    >>> print_gains(ways, "a", "b", epochs="epochs")
    a - b, epochs: +1.5 ± 0.7 epochs, higher in 2 of 2 seeds
    """
    headings = headings or {"test_accuracy": "test"}
    width = max(map(len, headings.values())) + 1
    for column, heading in headings.items():
        _, times, unit = COLUMNS[column]
        told = paired(times * ways[ours][column], times * ways[theirs][column], unit)
        print(f"{ours} - {theirs}, {heading + ':':{width}} {told}")


def print_table(ways, **headings):
    """A line a way: means over its runs.

    Args:
        ways: name -> outcomes.
        headings: column of `outcomes` -> what stands above it.

    >>> print_table({"a": {"found": np.array([9.0, 11.0])}, "b": {"found": np.array([5.0])}}, found="after")
       after
    a   10 s
    b    5 s
    """
    lines = {"": list(headings.values())}
    for name, of in ways.items():
        shown = [(of[column].mean(), *COLUMNS[column][:2]) for column in headings]
        lines[name] = [form.format(times * mean) for mean, form, times in shown]
    first = max(map(len, lines))
    widths = [max(map(len, cells)) for cells in zip(*lines.values())]
    for name, cells in lines.items():
        print("  ".join([f"{name:{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths))]))


def after_each(history, report):
    """How many validation photos were right at the best epoch of each phase, a sentence.

    Args:
        history, report: of `fit_in_phases`.
    """
    right = {name: history["val_accuracy"][phase.best_epoch] for name, phase in report.phases.items()}
    said = [f"{share:.1%} after the {name}" for name, share in right.items()]
    return f"validation photos right: {', '.join(said)}"


def print_losses(runs, name):
    """What the validation loss of runs in two phases does: means, and in how many runs the top gets lower.

    Args:
        runs: histories with a column `phase`, 0 for the head and 1 for the top.
        name: what these runs are called.
    """
    rows = []
    for run in runs:
        head, top = ([loss for loss, its in zip(run["val_loss"], run["phase"]) if its == which]
                     for which in (0, 1))
        rows.append((min(head), head[-1], min(top), min(top) < min(head)))
    best, end, top, lower = np.array(rows).T
    print(f"{name}, val_loss: head {best.mean():.2f} at its best, {end.mean():.2f} at its end; top "
          f"{top.mean():.2f} at its best, lower than the head's in {int(lower.sum())} of {len(rows)} seeds")


# ---- how many pictures it takes ----


def by_size(curves, task):
    """From transfer_sizes: way -> number of pictures -> the runs' test accuracies, a list."""
    ways = {}
    for i, (its, way, pictures) in enumerate(zip(*(curves.labels[k] for k in ("task", "way", "pictures")))):
        if its == task:
            accuracies = ways.setdefault(str(way), {}).setdefault(int(pictures), [])
            accuracies.append(float(curves.columns["test_accuracy"][i, 0]))
    return ways


def enough(ways, least):
    """The fewest pictures with which a head on features has a mean accuracy of at least `least`."""
    return min(pictures for pictures, test in ways["features"].items() if np.mean(test) >= least)


def print_few(ways, few, many):
    """The mean accuracy of *features* with few photos beside that of *scratch* with many.

    >>> print_few({"features": {100: [0.5, 0.6]}, "scratch": {1500: [0.5]}}, 100, 1500)
    features with 100 photos: 55.0 %; scratch with 1500: 50.0 %
    """
    ours, theirs = (100 * np.mean(ways[way][count]) for way, count in (("features", few), ("scratch", many)))
    print(f"features with {few} photos: {ours:.1f} %; scratch with {many}: {theirs:.1f} %")


def print_gains_by_size(ways):
    """What *features* gains on *scratch*, a line for each number of pictures."""
    for pictures, frozen in sorted(ways["features"].items()):
        ours, theirs = (100 * np.array(values) for values in (frozen, ways["scratch"][pictures]))
        print(f"{pictures:4} clothes, features - scratch: {paired(ours, theirs)}")


# ---- which source ----


def source_table(curves):
    """From transfer_sources: target -> source -> column -> array, a value a draw."""
    table = {}
    for target, source in zip(curves.labels["target"], curves.labels["source"]):
        here = (curves.labels["target"] == target) & (curves.labels["source"] == source)
        columns = {name: values[here, 0] for name, values in curves.columns.items()}
        table.setdefault(str(target), {})[str(source)] = columns
    return table


def with_classes(sources):
    """Those of the sources that have classes of their own, without which there is no LEEP."""
    return {name: of for name, of in sources.items() if not np.isnan(of["leep"]).any()}


def agreement(sources, score):
    """Do a score and the accuracy rank the sources alike?

    Args:
        sources: source -> column -> array, a value a draw.

    Returns:
        (Kendall's tau of each draw, in how many draws the score's best is the most accurate), or None where
        a source does not have the score.
    """
    from scipy.stats import kendalltau

    scores, accuracies = (np.array([of[name] for of in sources.values()])
                          for name in (score, "test_accuracy"))
    if np.isnan(scores).any():
        return None
    tau = np.array([kendalltau(*draw).statistic for draw in zip(scores.T, accuracies.T)])
    return tau, int((scores.argmax(0) == accuracies.argmax(0)).sum())


def print_accuracies(sources):
    """What a head gives on each source, best first."""
    means = {name: 100 * of["test_accuracy"].mean() for name, of in sources.items()}
    print("right: " + ", ".join(f"{name} {means[name]:.0f} %" for name in sorted(means, key=means.get)[::-1]))


def print_scores(table):
    """How well each score ranks all sources, and those with classes.

    Args:
        table: of `source_table`.
    """
    print(f"{'':16} tau, 5 sources  tau, 3 sources   names the best")
    for target, sources in table.items():
        for score, name in SCORES.items():
            five, three = agreement(sources, score), agreement(with_classes(sources), score)
            told = "-" if five is None else f"{five[0].mean():.2f}"
            best = "-" if five is None else f"{five[1]} of {len(five[0])} draws"
            print(f"{target:7} {name:8} {told:>14}  {three[0].mean():14.2f}  {best:>15}")
