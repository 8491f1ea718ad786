"""What the recordings of appendix 06b gave: how many pictures it takes, augmentation, and which source.

Needs NumPy.
"""

import numpy as np

from ..comparisons import counted
from .results import outcomes, print_lines, print_seeds

OTHER = "small, other task"  # a small network that has learnt the other target
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

    Args:
        ways: of `by_size`.
        few: numbers of photos.
        many: a number of photos.

    >>> print_few({"features": {100: [0.5, 0.6], 300: [0.7]}, "scratch": {1500: [0.5]}}, (100, 300), 1500)
    features with 100 photos: 55 %, from 50 to 60 in 2 seeds
    features with 300 photos: 70 %, from 70 to 70 in 1 seeds
    scratch with 1,500 photos: 50 %, from 50 to 50 in 1 seeds
    """
    for way, count in [*(("features", each) for each in few), ("scratch", many)]:
        right = 100 * np.array(ways[way][count])
        print(f"{way} with {count:,} photos: {right.mean():.0f} %, from {right.min():.0f} to "
              f"{right.max():.0f} in {len(right)} seeds")


def print_counts(ways):
    """A line for each number of pictures: the mean accuracies of *scratch* and *features*, and who is ahead.

    >>> print_counts({"scratch": {300: [0.5], 1000: [0.6]}, "features": {300: [0.4], 1000: [0.625]}})
    pictures  scratch  features  features ahead in
    300        50.0 %    40.0 %       0 of 1 seeds
    1,000      60.0 %    62.5 %       1 of 1 seeds
    """
    lines = {"pictures": ["scratch", "features", "features ahead in"]}
    for count in sorted(ways["scratch"]):
        own = [np.array(ways[way][count]) for way in ("scratch", "features")]
        lines[f"{count:,}"] = [*(f"{100 * each.mean():.1f} %" for each in own), counted(own[1] - own[0])]
    print_lines(lines)


# ---- pictures that vary ----


def pair(plain, varied, rule):
    """What became of trainings without and with augmentation, each ended by `rule`: two `outcomes`."""
    return outcomes(plain, rule), outcomes(varied, rule)


def print_pairs(pairs):
    """A line a pair: mean epochs and accuracy, without -> with augmentation, and in how many seeds they rise.

    >>> ends = {"epochs": np.array([9]), "test_accuracy": np.array([0.5])}
    >>> print_pairs({"a": (ends, {"epochs": np.array([12]), "test_accuracy": np.array([0.625])})})
                      epochs                 accuracy, %
    a  9 -> 12, up in 1 of 1  50.0 -> 62.5, up in 1 of 1
    """
    lines = {"": ["epochs", "accuracy, %"]}
    for name, both in pairs.items():
        lines[name] = []
        for column, times, form in (("epochs", 1, ".0f"), ("test_accuracy", 100, ".1f")):
            without, varied = (times * each[column] for each in both)
            more = counted(varied - without).partition(" seeds")[0]
            lines[name].append(f"{without.mean():{form}} -> {varied.mean():{form}}, up in {more}")
    print_lines(lines)


def print_longest(scratch, head):
    """How far features are ahead of augmented photos from scratch, and how many epochs these take.

    Args:
        scratch: of `pair`, from scratch, with a long patience.
        head: of `pair`, on a frozen source; its photos as they are count.

    >>> a, b = ({"epochs": np.array([n]), "test_accuracy": np.array([right])}
    ...         for n, right in ((9, 0.5), (12, 0.625)))
    >>> print_longest((a, a), (b, b))
    features better than augmented scratch in 1 of 1 seeds, by 12.5 points on average
    augmented scratch, epochs by seed: 9
    """
    best = "augmented scratch"
    print_seeds({best: scratch[1], "features": head[0]}, "features", best)
    print(f"{best}, epochs by seed:", *(f"{epochs:.0f}" for epochs in scratch[1]["epochs"]))


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
            sources.setdefault(OTHER if name in table else name, {})[target] = of
    return sources


def print_accuracies(table):
    """A line a source, the best on the first target above: how many a head on it gets right on each target.

    >>> a, b = ({"test_accuracy": np.array([right])} for right in (0.6, 0.4))
    >>> print_accuracies({"photos": {"emoji": b, "a": a}, "emoji": {"a": b, "photos": a}})
    source             photos   emoji
    a                  60.0 %  40.0 %
    small, other task  40.0 %  60.0 %
    """
    sources, first = merged(table), next(iter(table))
    lines = {"source": [*table]}
    for name in sorted(sources, key=lambda name: -sources[name][first]["test_accuracy"].mean()):
        lines[name] = [f"{100 * of['test_accuracy'].mean():.1f} %" for of in map(sources[name].get, table)]
    print_lines(lines)


def print_gains(table):
    """What a source gains by what it has learnt: how far it is ahead of its twin with random weights.

    Args:
        table: of `source_table`.
    """
    sources, lines = merged(table), {"ahead of its random twin": [*table]}
    for name, twin in (("ImageNet", "random MobileNetV2"), (OTHER, "random small")):
        gains = [sources[name][target]["test_accuracy"] - sources[twin][target]["test_accuracy"]
                 for target in table]
        lines[name] = [f"{100 * gain.mean():.1f} points, in {counted(gain, 'draws')}" for gain in gains]
    print_lines(lines)


def with_classes(sources):
    """Those of the sources that have classes of their own, without which there is no LEEP."""
    return {name: of for name, of in sources.items() if not np.isnan(of["leep"]).any()}


def names_the(best, sources, score):
    """In how many draws the source with the highest score is the most accurate; None where one has no score.

    Args:
        best: False for the lowest and the least.
        sources: source -> column -> array, a value a draw.
        score: a column.

    >>> a = {"logme": np.array([2.0, 2.0]), "test_accuracy": np.array([0.6, 0.5])}
    >>> b = {"logme": np.array([1.0, 1.0]), "test_accuracy": np.array([0.4, 0.7])}
    >>> names_the(True, {"a": a, "b": b}, "logme")
    1
    """
    sign = 1 if best else -1
    scores, accuracies = (sign * np.array([of[name] for of in sources.values()])
                          for name in (score, "test_accuracy"))
    return None if np.isnan(scores).any() else int((scores.argmax(0) == accuracies.argmax(0)).sum())


def commonest(best, tables):
    """The source that is the most accurate in most draws of all targets, and how many: "6 (ImageNet)".

    Args:
        best: False for the least accurate.
        tables: target -> source -> column -> array.

    >>> a, b = ({"test_accuracy": np.array(right)} for right in ([0.6, 0.4], [0.5, 0.3]))
    >>> commonest(True, {"photos": {"a": a, "b": b}})
    '2 (a)'
    """
    sign, names = 1 if best else -1, []
    for own in tables.values():
        first = (sign * np.array([of["test_accuracy"] for of in own.values()])).argmax(0)
        names += [OTHER if [*own][row] in tables else [*own][row] for row in first]
    name = max(names, key=names.count)
    return f"{names.count(name)} ({name})"


def print_scores(table):
    """In how many draws each score names the best and the weakest source, and the same one is it in most.

    Args:
        table: of `source_table`.
    """
    draws = sum(len(next(iter(sources.values()))["test_accuracy"]) for sources in table.values())
    small = {target: with_classes(own) for target, own in table.items()}
    rows = {"the best of all five": (True, table), "the best of the three small": (True, small),
            "the weakest of the three small": (False, small)}
    lines = {f"right, in draws of {draws}": [*SCORES.values(), "always the same"]}
    for name, (best, tables) in rows.items():
        told = [[names_the(best, own, score) for own in tables.values()] for score in SCORES]
        lines[name] = [*("-" if None in each else f"{sum(each)}" for each in told), commonest(best, tables)]
    print_lines(lines)


def print_last(table, score, name):
    """In how many draws of all targets a score puts one source last, of those with classes.

    Args:
        table: of `source_table`.
        score: a column.
        name: a source.

    >>> a, b = ({"leep": np.array(score)} for score in ([-2.0, -1.0], [-1.0, -2.0]))
    >>> print_last({"photos": {"a": a, "b": b}}, "leep", "b")
    LEEP puts b last in 1 of 2 draws
    """
    last = [own[name][score] == np.min([of[score] for of in own.values()], axis=0)
            for own in map(with_classes, table.values())]
    print(f"{SCORES[score]} puts {name} last in {np.sum(last)} of {np.size(last)} draws")
