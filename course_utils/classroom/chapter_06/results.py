"""What the recorded trainings of chapter 06 gave: taken out of the curves, compared, and printed.

Needs NumPy. What appendix 06b asks of its recordings is in sources.py.
"""

import numpy as np

from ..comparisons import counted

COLUMNS = {  # of `outcomes` -> how a mean is shown, and how many units there are in one
    "seconds": ("{:.0f} s", 1), "test_accuracy": ("{:.1f} %", 100), "val_loss": ("{:.2f}", 1),
    "early": ("{:.1f} %", 100),  # accuracy at an earlier time
}

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


def outcomes(runs, rule=None, within=np.inf):
    """What became of some trainings, each ended by `rule`: dict of arrays, a value a run.

    epochs, seconds: of all of it (seconds are NaN where they are not recorded); test_accuracy, val_loss: of
    the kept epoch, the one with the lowest "val_loss". NaN where no epoch is over.

    Args:
        runs: histories.
        rule: see `until`.
        within: what is not over after so many seconds does not count.

    >>> run = {"loss": [3, 2], "val_loss": [3, 2], "test_accuracy": [0.3, 0.4], "seconds": [5, 9],
    ...        "phase": [0, 0]}
    >>> [float(outcomes([run], within=seconds)["test_accuracy"][0]) for seconds in (4, 5, 9)]
    [nan, 0.3, 0.4]
    """
    rows = []
    for run in runs:
        run = until(run, rule)
        seconds = run.get("seconds", len(run["loss"]) * [np.nan])
        over = sum(not second > within for second in seconds)
        kept = int(np.argmin(run["val_loss"][:over])) if over else None
        of_kept = (run["test_accuracy"][kept], run["val_loss"][kept]) if over else (np.nan, np.nan)
        rows.append((over, seconds[over - 1] if over else 0.0, *of_kept))
    return dict(zip(("epochs", "seconds", "test_accuracy", "val_loss"), np.array(rows).T))


def compare(curves, ways, seeds=3, within=np.inf):
    """What becomes of several ways, in the same seeds: name -> outcomes.

    Args:
        curves: recorded trainings, whose first seeds are taken.
        ways: name -> (way in the recording, the rule that ends its last phase, or None).
        seeds: how many.
        within: see `outcomes`.
    """
    return {name: outcomes(curves.select(way=way)[:seeds], rule, within)
            for name, (way, rule) in ways.items()}


def so_far(curves, ways, seeds=3, step=0.25):
    """The accuracy of the best weights so far, while time goes by: name -> (seconds, accuracy, top).

    seconds: from 0 until the last seed is done; accuracy: a row a moment and a column a seed, NaN until an
    epoch is over; top: the mean of the seconds when the second phase begins, None where there is only one.

    Args:
        curves, ways, seeds: see `compare`.
        step: seconds between two moments.
    """
    told = {}
    for name, (way, rule) in ways.items():
        runs = curves.select(way=way)[:seeds]
        moments = np.arange(0, outcomes(runs, rule)["seconds"].max() + step, step)
        accuracy = np.array([outcomes(runs, rule, within)["test_accuracy"] for within in moments])
        tops = [run["seconds"][run["phase"].index(1) - 1] for run in runs if len(set(run["phase"])) > 1]
        told[name] = moments, accuracy, float(np.mean(tops)) if tops else None
    return told


def ahead(ways):
    """The way with the highest mean accuracy.

    >>> ahead({"a": {"test_accuracy": np.array([0.9, 0.7])}, "b": {"test_accuracy": np.array([0.8, 0.7])}})
    'a'
    """
    return max(ways, key=lambda name: ways[name]["test_accuracy"].mean())


def print_leads(ours, moments):
    """A line a rival: how far one way is ahead of it in accuracy at some moments, and in how many seeds.

    Args:
        ours: a way.
        moments: when -> name of a way -> outcomes.

    >>> ways = {"a": {"test_accuracy": np.array([0.9, 0.8])}, "b": {"test_accuracy": np.array([0.8, 0.7])}}
    >>> print_leads("a", {"early": ways})
    a ahead of  early
    b           by +10.0 points, in 2 of 2 seeds
    >>> print_leads("b", {"early": ways})
    b ahead of  early
    a           by -10.0 points, in 0 of 2 seeds
    """
    lines = {f"{ours} ahead of": [*moments]}
    for name in next(iter(moments.values())):
        if name != ours:
            gains = [ways[ours]["test_accuracy"] - ways[name]["test_accuracy"] for ways in moments.values()]
            lines[name] = [f"by {100 * gain.mean():+.1f} points, in {counted(gain)}" for gain in gains]
    widths = [max(map(len, cells)) for cells in zip(*([name, *cells] for name, cells in lines.items()))]
    for name, cells in lines.items():
        print("  ".join(f"{cell:{width}}" for cell, width in zip([name, *cells], widths)).rstrip())


def print_seeds(ways, ours, theirs, column="test_accuracy", when="", units="seeds"):
    """In how many seeds one way gets more of the test right than another, or has the lower loss, and by what.

    Args:
        ways: name -> outcomes.
        ours, theirs: names of two of them.
        column: "test_accuracy" or "val_loss".
        when: stands before the line.
        units: what a run is.

    >>> ways = {"a": {"test_accuracy": np.array([0.9, 0.8])}, "b": {"test_accuracy": np.array([0.8, 0.8])}}
    >>> print_seeds(ways, "a", "b")
    a better than b in 1 of 2 seeds (1 tie), by 5.0 points on average
    """
    gain = ways[ours][column] - ways[theirs][column]
    better, mean = "better", f"{100 * gain.mean():.1f} points"
    if column == "val_loss":
        gain, better = -gain, "lower in validation loss"
        mean = f"{gain.mean():.2f}"
    print(f"{when}{ours} {better} than {theirs} in {counted(gain, units)}, by {mean} on average")


def print_lines(lines):
    """Print name -> cells as lines, in columns."""
    first = max(map(len, lines))
    widths = [max(map(len, cells)) for cells in zip(*lines.values())]
    for name, cells in lines.items():
        print("  ".join([f"{name:{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, widths))]))


def print_table(ways, **headings):
    """A line a way: means over its runs.

    Args:
        ways: name -> outcomes.
        headings: column of `outcomes` -> what stands above it.

    >>> ways = {"a": {"seconds": np.array([9.0, 11.0])}, "b": {"seconds": np.array([5.0])}}
    >>> print_table(ways, seconds="after")
       after
    a   10 s
    b    5 s
    """
    lines = {"": list(headings.values())}
    for name, of in ways.items():
        shown = [(of[column].mean(), *COLUMNS[column]) for column in headings]
        lines[name] = [form.format(times * mean) for mean, form, times in shown]
    print_lines(lines)


def print_overfitting(name, runs):
    """The validation loss of the first phase, the head: the lowest and the last, means over the runs.

    >>> print_overfitting("a", [{"phase": [0, 0, 1], "val_loss": [0.5, 0.75, 0.25]}])
    a, validation loss of its head: 0.50 at its best, 0.75 after 2 epochs
    """
    heads = [run["val_loss"][:run["phase"].count(0)] for run in runs]
    lowest, last = np.mean([min(head) for head in heads]), np.mean([head[-1] for head in heads])
    print(f"{name}, validation loss of its head: {lowest:.2f} at its best, "
          f"{last:.2f} after {len(heads[0])} epochs")


# ---- what the lesson trains itself ----


def fit_and_count(target, source):
    """Fit `target` to made-up rows, as it is compiled, and count the arrays of `source` that this changes."""
    x, y = np.random.default_rng(0).normal(3, 1, (64, 4)), np.arange(64) % 4
    before = source.get_weights()
    target.fit(x, y, batch_size=8, verbose=0)
    return sum(not np.array_equal(old, new) for old, new in zip(before, source.get_weights()))


def surest_mistakes(chances, truth):
    """Rows in which the likeliest class is not the true one, the surest first.

    >>> surest_mistakes(np.array([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]]), np.array([0, 0, 1]))
    [2, 1]
    """
    order = np.argsort(chances.max(axis=1))[::-1]
    return [int(row) for row in order if chances[row].argmax() != truth[row]]
