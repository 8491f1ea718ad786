"""Record data/curves/conditions.npz: which column should end a training on two inputs?

    python data/make/modalities_conditions.py

For chapter 07: the network "both" of clocks.npz on scale 1, 40 epochs, seeds 0 to 9. Labels:
  rate  of the pictures' layer, as a part of the others': 1, or 0.1, at which no input overfits early
  kept  share of the rows that three of the eight groups (labels 0, 2 and 5) keep in training and validation,
        drawn by the seed: 1 or 0.1; the test is whole. Of what is left for training, each seed takes as many
        rows as the one with the fewest
  seed
Recorded are rate 0.1 with kept 0.1 and 1, and rate 1 with kept 1. Columns after each epoch: val_loss,
val_accuracy, val_f1 (the plain mean over the groups), val_auc (a group against the rest, the mean over those
that occur), test_accuracy, test_f1.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse

import numpy as np
from modalities import Recording, SideBySide, parts_of, rounded
from modalities_clocks import built
from sklearn.metrics import f1_score, roc_auc_score

from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.networks import accuracy, cross_entropy, log_probabilities

EPOCHS, SEEDS, RARE = 40, range(10), (0, 2, 5)


def thinned(data, kept, seed):
    """The split with fewer rows of some groups in training and validation."""
    random, parts = np.random.default_rng(seed), {}
    for part in ("train", "validation"):
        inputs, labels = getattr(data, part)
        stay = ~np.isin(labels, RARE) | (random.random(len(labels)) < kept)
        parts[part] = {name: x[stay] for name, x in inputs.items()}, labels[stay]
    return data._replace(**parts)


def f1(logits, labels):
    return np.array([f1_score(labels, each.argmax(-1), average="macro", zero_division=0) for each in logits])


def auc(logits, labels):
    chances = np.exp(log_probabilities(logits))
    return np.array([np.mean([roc_auc_score(labels == group, each[:, group]) for group in np.unique(labels)])
                     for each in chances])


def runs(rate, kept, seeds, epochs):
    """One history a seed."""
    data = [thinned(split(seed), kept, seed) for seed in seeds]
    rows = min(len(each.train[1]) for each in data)  # the same number of steps for all
    parts = [parts_of(each, ablated=False) for each in data]
    for each in parts:
        inputs, labels = each["train"]
        each["train"] = {name: x[:rows] for name, x in inputs.items()}, labels[:rows]
    networks = [built(each, ("both",), seed) for seed, each in zip(seeds, data)]
    factors = {"pictures_branch": rate}
    all_seen = SideBySide(networks, parts, seeds).train(epochs, lambda place, epoch: factors)
    for seen, each in zip(all_seen, data):
        (_, val), (_, test) = each.validation, each.test
        yield {
            "val_loss": rounded(cross_entropy(seen["validation"], val)),
            "val_accuracy": accuracy(seen["validation"], val),
            "val_f1": rounded(f1(seen["validation"], val)),
            "val_auc": rounded(auc(seen["validation"], val)),
            "test_accuracy": accuracy(seen["test"], test),
            "test_f1": rounded(f1(seen["test"], test)),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=len(SEEDS), help="fewer, for a trial")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="fewer, for a trial")
    options = parser.parse_args()
    curves, seeds = Recording("conditions"), SEEDS[: options.splits]
    for rate, kept in ((0.1, 0.1), (0.1, 1.0), (1.0, 1.0)):
        for seed, history in zip(seeds, runs(rate, kept, seeds, options.epochs)):
            curves.add(history, rate=rate, kept=kept, seed=seed)
        curves.said()
    curves.save()


if __name__ == "__main__":
    main()
