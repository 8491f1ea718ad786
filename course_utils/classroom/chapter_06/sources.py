"""What the recordings of appendix 06b gave: how many pictures it takes, augmentation, and which source.

Needs NumPy.
"""

import numpy as np

from .results import outcomes, print_lines

SCORES = {"leep": "LEEP", "h_score": "H-score", "logme": "LogME"}

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


def print_counts(ways):
    """A line for each number of pictures: the mean accuracies of *scratch* and *features*.

    >>> print_counts({"scratch": {300: [0.5], 1000: [0.6]}, "features": {300: [0.5], 1000: [0.625]}})
    pictures  scratch  features
    300        50.0 %    50.0 %
    1,000      60.0 %    62.5 %
    """
    lines = {"pictures": ["scratch", "features"]}
    for count in sorted(ways["scratch"]):
        lines[f"{count:,}"] = [f"{100 * np.mean(ways[way][count]):.1f} %" for way in ("scratch", "features")]
    print_lines(lines)


# ---- pictures that vary ----


def pair(plain, varied, rule):
    """What became of trainings without and with augmentation, each ended by `rule`: two `outcomes`."""
    return outcomes(plain, rule), outcomes(varied, rule)


def print_pairs(pairs):
    """A line a pair: means of the epochs trained and of the accuracy, without -> with augmentation.

    >>> ends = {"epochs": np.array([9]), "test_accuracy": np.array([0.5])}
    >>> print_pairs({"a": (ends, {"epochs": np.array([12]), "test_accuracy": np.array([0.625])})})
        epochs   accuracy, %
    a  9 -> 12  50.0 -> 62.5
    """
    lines = {"": ["epochs", "accuracy, %"]}
    for name, both in pairs.items():
        lines[name] = [" -> ".join(f"{each['epochs'].mean():.0f}" for each in both),
                       " -> ".join(f"{100 * each['test_accuracy'].mean():.1f}" for each in both)]
    print_lines(lines)


# ---- which source ----


def fitted(features, labels):
    """How many labels, 0 or 1, the linear model of least squares gets right of those it was fitted to.

    >>> fitted(np.array([[0.0], [0.1], [0.9], [0.2]]), np.array([0, 0, 1, 1]))
    3
    """
    inputs = np.column_stack([features, np.ones(len(labels))])
    weights = np.linalg.lstsq(inputs, labels, rcond=None)[0]
    return int(((inputs @ weights > 0.5) == labels).sum())


def source_table(curves):
    """From transfer_sources: target -> source -> column -> array, a value a draw."""
    table = {}
    for target, source in zip(curves.labels["target"], curves.labels["source"]):
        here = (curves.labels["target"] == target) & (curves.labels["source"] == source)
        columns = {name: values[here, 0] for name, values in curves.columns.items()}
        table.setdefault(str(target), {})[str(source)] = columns
    return table


def merged(table):
    """source -> target -> columns: the source that is the other target has one name in both."""
    sources = {}
    for target, own in table.items():
        for name, of in own.items():
            sources.setdefault("the other task" if name in table else name, {})[target] = of
    return sources


def print_accuracies(table):
    """A line a source, the best on the first target above: how many a head on it gets right on each target.

    >>> a, b = ({"test_accuracy": np.array([right])} for right in (0.6, 0.4))
    >>> print_accuracies({"photos": {"emoji": b, "a": a}, "emoji": {"a": b, "photos": a}})
    source          photos   emoji
    a               60.0 %  40.0 %
    the other task  40.0 %  60.0 %
    """
    sources, first = merged(table), next(iter(table))
    lines = {"source": [*table]}
    for name in sorted(sources, key=lambda name: -sources[name][first]["test_accuracy"].mean()):
        lines[name] = [f"{100 * of['test_accuracy'].mean():.1f} %" for of in map(sources[name].get, table)]
    print_lines(lines)


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


def always_right(table, always="the other task"):
    """In how many draws of all targets a source that is taken every time is the best of those with classes.

    >>> a, b = ({"leep": np.zeros(2), "test_accuracy": np.array(right)} for right in ([0.6, 0.4], [0.5, 0.5]))
    >>> always_right({"photos": {"emoji": a, "b": b}, "emoji": {"photos": b, "b": a}})
    2
    """
    count = 0
    for own in table.values():
        small = with_classes(own)
        best = np.array([of["test_accuracy"] for of in small.values()]).argmax(0)
        names = ["the other task" if name in table else name for name in small]
        count += int((best == names.index(always)).sum())
    return count


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
    lines = {f"names the best, in draws of {draws}": list(SCORES.values()), five_of: [], three_of: []}
    for score in SCORES:
        five = [names_the_best(sources, score) for sources in table.values()]
        three = [names_the_best(with_classes(sources), score) for sources in table.values()]
        lines[five_of].append("-" if None in five else f"{sum(five)}")
        lines[three_of].append(f"{sum(three)}")
    print_lines(lines)
