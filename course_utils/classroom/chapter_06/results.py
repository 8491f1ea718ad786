"""What the recorded trainings of chapter 06 gave: taken out of the curves, compared, and printed.

Needs NumPy.
"""

import numpy as np

COLUMNS = {  # of `outcomes` -> how a mean is shown, and how many units there are in one
    "seconds": ("{:.0f} s", 1), "test_accuracy": ("{:.1f} %", 100), "val_loss": ("{:.2f}", 1),
    "early": ("{:.1f} %", 100),  # accuracy at an earlier time
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


def print_seeds(ways, ours, theirs, column="test_accuracy", when=""):
    """In how many seeds one way gets more of the test right than another, or has the lower loss.

    Args:
        ways: name -> outcomes.
        ours, theirs: names of two of them.
        column: "test_accuracy" or "val_loss".
        when: stands before the line.

    >>> ways = {"a": {"test_accuracy": np.array([0.9, 0.8])}, "b": {"test_accuracy": np.array([0.8, 0.8])}}
    >>> print_seeds(ways, "a", "b")
    a better than b in 1 of 2 seeds (1 tie)
    """
    gain = ways[ours][column] - ways[theirs][column]
    better = "better"
    if column == "val_loss":
        gain, better = -gain, "lower in validation loss"
    tied = np.isclose(gain, 0)
    said = f" ({tied.sum()} tie{'s' if tied.sum() > 1 else ''})" if tied.any() else ""
    print(f"{when}{ours} {better} than {theirs} in {((gain > 0) & ~tied).sum()} of {len(gain)} seeds{said}")


def print_val_losses(runs, name):
    """Of a head with a top after it: validation losses that tell whether the head was trained too long.

    Args:
        runs: histories of two phases, 0 and 1.
        name: stands before them.

    >>> run = {"phase": [0, 0, 0, 1, 1], "val_loss": [2.0, 1.0, 3.0, 2.5, 2.75]}
    >>> print_val_losses([run], "fixed")
    fixed, validation loss: head at its best 1.00, at its end 3.00; top at its best 2.50
    """
    head, top = ([[v for v, phase in zip(run["val_loss"], run["phase"]) if phase == which] for run in runs]
                 for which in (0, 1))
    best, last, after = (np.mean([of(each) for each in phase])
                         for of, phase in ((min, head), (lambda losses: losses[-1], head), (min, top)))
    print(f"{name}, validation loss: head at its best {best:.2f}, at its end {last:.2f}; "
          f"top at its best {after:.2f}")


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
    features with 100 photos: 55 %; scratch with 1,500: 50 %
    """
    ours, theirs = (100 * np.mean(ways[way][count]) for way, count in (("features", few), ("scratch", many)))
    print(f"features with {few} photos: {ours:.0f} %; scratch with {many:,}: {theirs:.0f} %")


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


def names_the_best(sources, score):
    """In how many draws the source with the highest score is the most accurate; None where one has no score.

    Args:
        sources: source -> column -> array, a value a draw.

    >>> a = {"logme": np.array([2.0, 2.0]), "test_accuracy": np.array([0.6, 0.5])}
    >>> b = {"logme": np.array([1.0, 1.0]), "test_accuracy": np.array([0.4, 0.7])}
    >>> names_the_best({"a": a, "b": b}, "logme")
    1
    """
    scores, accuracies = (np.array([of[name] for of in sources.values()])
                          for name in (score, "test_accuracy"))
    return None if np.isnan(scores).any() else int((scores.argmax(0) == accuracies.argmax(0)).sum())


def always_best(table):
    """" (the best is always A)" where one source has the best head in every draw of every target, else "".

    >>> a, b = ({"test_accuracy": np.array(right)} for right in ([0.6, 0.7], [0.4, 0.5]))
    >>> always_best({"photos": {"a": a, "b": b}})
    ' (the best is always a)'
    """
    best = {list(sources)[row] for sources in table.values()
            for row in np.array([of["test_accuracy"] for of in sources.values()]).argmax(0)}
    return f" (the best is always {best.pop()})" if len(best) == 1 else ""


def print_scores(table):
    """How often each score names the best of all sources, and of those with classes, over all targets.

    Args:
        table: of `source_table`.
    """
    draws = sum(len(next(iter(sources.values()))["test_accuracy"]) for sources in table.values())
    five_of, three_of = "of all five" + always_best(table), "of the three small"
    lines = {f"best source picked, of {draws} draws": list(SCORES.values()), five_of: [], three_of: []}
    for score in SCORES:
        five = [names_the_best(sources, score) for sources in table.values()]
        three = [names_the_best(with_classes(sources), score) for sources in table.values()]
        lines[five_of].append("-" if None in five else f"{sum(five)}")
        lines[three_of].append(f"{sum(three)}")
    print_lines(lines)
    if any(names_the_best(sources, "leep") is None for sources in table.values()):
        print("(LEEP needs the source's own classes; our MobileNetV2 has none, as its head was cut off.)")


def print_sources(table, score="logme"):
    """A line a source, from the lowest score to the highest: for each target the score and a head's accuracy.

    Args:
        table: of `source_table`. A source that is the other target has one line in both.

    >>> a, b = ({"logme": np.array([x]), "test_accuracy": np.array([y])} for x, y in ((-1, 0.6), (-2, 0.4)))
    >>> print_sources({"photos": {"a": a, "emoji": b}, "emoji": {"a": a, "photos": b}})
                    photos: LogME  accuracy  emoji: LogME  accuracy
    the other task         -2.000      40 %        -2.000      40 %
    a                      -1.000      60 %        -1.000      60 %
    """
    merged = {}
    for sources in table.values():
        for name, of in sources.items():
            merged.setdefault("the other task" if name in table else name, []).append(of)
    lines = {"": [cell for target in table for cell in (f"{target}: {SCORES[score]}", "accuracy")]}
    for name in sorted(merged, key=lambda name: merged[name][0][score].mean()):
        lines[name] = [cell for of in merged[name] for cell in
                       (f"{of[score].mean():.3f}", f"{100 * of['test_accuracy'].mean():.0f} %")]
    print_lines(lines)
