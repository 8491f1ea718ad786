"""Record data/curves/views.npz and data/curves/views_late.npz: written digits seen in six ways.

    python data/make/modalities_views.py

For chapter 07, from data/multiple_features.npz: 200 digits for training, 300 for validation, 1500 for the
test, each number standardised on the training part. A dense layer of 32 on each view
(`chapter_07.networks.network`), Adam 0.001, batches of 16, 100 epochs. The seed (0 to 19) draws the split,
the first weights and the batch orders.

views.npz: labels way, seed. Ways: each view in a network of its own (six in one, which share nothing but
the batches), "both" of the two views morphology and fourier, and "all" six with one head. Columns loss,
accuracy, val_ and test_ of both, after each epoch.

views_late.npz: some views' networks, their log-probabilities added, for each of the 63 choices of views:
labels views (names, joined by +) and seed. One value each: own_test_accuracy and own_val_loss, each network
at its best epoch; one_test_accuracy, one_val_loss and one_epoch, all of them at the epoch that is best for
their sum.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse
from itertools import combinations

import numpy as np
from modalities import Recording, SideBySide, best, by_head, columns, parts_of

from course_utils.classroom.chapter_07.emoji import Split
from course_utils.classroom.chapter_07.networks import accuracy, cross_entropy, log_probabilities, network
from course_utils.classroom.data import VIEWS, load_multiple_features

EPOCHS, UNITS = 100, 32
SEEDS = range(20)
PAIR = ("morphology", "fourier")


def split(seed):
    """200 digits for training, 300 for validation, 1500 for the test, standardised."""
    views, digits = load_multiple_features()
    train, *others = np.split(np.random.default_rng(seed).permutation(len(digits)), [200, 500])
    scaled = {name: (x - x[train].mean(0)) / (x[train].std(0) + 1e-6) for name, x in views.items()}
    parts = [({name: x[rows] for name, x in scaled.items()}, digits[rows].astype("int32"))
             for rows in (train, *others)]
    return Split(*parts, tuple("0123456789"), ())


def fit(data, names, heads, seeds, epochs):
    """(logits, parts) of a network on these views, for each seed."""
    parts = [{part: ({name: x[name] for name in names}, y) for part, (x, y)
              in parts_of(each, ablated=False).items()} for each in data]
    widths = {name: x.shape[1] for name, x in data[0].train[0].items() if name in names}
    networks = [network(widths, 10, heads, UNITS, seed) for seed in seeds]
    return zip(SideBySide(networks, parts, seeds).train(epochs), parts)


def late(logits, histories, parts):
    """(views, one row) for each choice of views."""
    log = {name: {part: log_probabilities(of[part]) for part in ("validation", "test")}
           for name, of in logits.items()}
    at, (_, val), (_, test) = {n: best(histories[n]) for n in log}, parts["validation"], parts["test"]
    for count in range(1, len(log) + 1):
        for names in combinations(log, count):
            own = {part: sum(log[name][part][at[name]] for name in names) for part in ("validation", "test")}
            losses = cross_entropy(sum(log[name]["validation"] for name in names), val)
            one = int(np.argmin(losses))
            yield "+".join(names), {
                "own_val_loss": [cross_entropy(own["validation"], val)],
                "own_test_accuracy": [accuracy(own["test"], test)],
                "one_val_loss": [losses[one]],
                "one_test_accuracy": [accuracy(sum(log[name]["test"][one] for name in names), test)],
                "one_epoch": [one],
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=len(SEEDS), help="fewer, for a trial")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="fewer, for a trial")
    options = parser.parse_args()
    curves, fused, seeds = Recording("views"), Recording("views_late"), SEEDS[: options.splits]
    data = [split(seed) for seed in seeds]
    for seed, (seen, parts) in zip(seeds, fit(data, VIEWS, VIEWS, seeds, options.epochs)):
        logits = {name: by_head(seen, name) for name in VIEWS}
        histories = {name: columns(of, parts) for name, of in logits.items()}
        for names, history in late(logits, histories, parts):
            fused.add(history, views=names, seed=seed)
        for way, history in histories.items():
            curves.add(history, way=way, seed=seed)
    curves.said()
    for way, names in (("both", PAIR), ("all", VIEWS)):
        for seed, (logits, parts) in zip(seeds, fit(data, names, ("both",), seeds, options.epochs)):
            curves.add(columns(logits, parts), way=way, seed=seed)
        curves.said()
    curves.save()
    fused.save()


if __name__ == "__main__":
    main()
