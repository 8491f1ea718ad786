"""Record chapter 07's series: data/curves/clocks.npz and data/curves/clocks_late.npz.

    python data/make/modalities_clocks.py

Emoji from data/openmoji_features.npz and their names: `chapter_07.emoji.split(seed, scale)`, 900 for
training, 300 for validation, 444 for the test. The features, standardised, are multiplied by 1, 0.3, 0.1,
0.03 or 0.01; the words stay as they are. `chapter_07.networks.network`: a dense layer of 64 on each input,
Adam 0.001, batches of 16. The seed draws the split, the first weights and the batch orders. Nothing ends a
run early.

clocks.npz: labels scale, way, seed (0 to 7). Ways:
  pictures, words  each input in a network of its own, both trained in one `fit` that shares nothing but the
                   batches. Words do not depend on the scale: their rows are the same at each
  both             both inputs, one head
  frozen           as both; the layer of the input that is at its best first, when alone, stands still from
                   there on
  own rate         as both, with a tenth of the rate for the pictures' layer; scale 1 alone
Columns: loss, accuracy, val_ and test_ of both, measured after each epoch; without_pictures and
without_words: the test accuracy with every row of that input replaced by the training rows' mean (of the last
three ways); frozen: 1 from the first epoch on in which a layer stood still.

clocks_late.npz: the networks on pictures and on words, of any two epochs, their log-probabilities added. A
row is an epoch of the pictures' network (labels scale, seed, pictures), and stands for the first 30 epochs of
the words' network: val_loss, test_accuracy. On scale 1 also the mean of the probabilities: mean_val_loss,
mean_test_accuracy.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse

import numpy as np
from modalities import Recording, SideBySide, best, by_head, columns, late_grid, parts_of, rounded

from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.networks import accuracy, cross_entropy, log_probabilities, network

EPOCHS = {1: 30, 0.3: 30, 0.1: 40, 0.03: 50, 0.01: 90}
WORDS, OWN_RATE = 30, 40  # epochs
SEEDS = range(8)


def built(data, heads, seed):
    """The chapter's network for a split."""
    return network({"pictures": 1280, "words": len(data.vocabulary)}, len(data.groups), heads, seed=seed)


def mean_grid(one, other, parts, epochs=WORDS):
    """As `late_grid`, with the mean of the probabilities in place of the sum of their logs."""
    (_, val), (_, test) = parts["validation"], parts["test"]
    for row in range(len(one["validation"])):
        fused = {part: np.log(np.exp(log_probabilities(one[part][row][None]))
                              + np.exp(log_probabilities(other[part][:epochs])))
                 for part in ("validation", "test")}
        yield {"mean_val_loss": rounded(cross_entropy(fused["validation"], val), 12),
               "mean_test_accuracy": accuracy(fused["test"], test)}


class Series:
    """The networks of all seeds: those of one input, and those of both."""

    def __init__(self, seeds):
        self.seeds, self.words = seeds, None
        data = [split(seed) for seed in seeds]
        plain, whole = ([parts_of(each, ablated) for each in data] for ablated in (False, True))
        heads = ("pictures", "words"), ("both",)
        networks = [[built(each, head, seed) for seed, each in zip(seeds, data)] for head in heads]
        self.alone, self.joint = SideBySide(networks[0], plain, seeds), SideBySide(networks[1], whole, seeds)

    def at(self, scale, epochs):
        """Per seed: (way -> history, rows of late fusion)."""
        data = [split(seed, scale) for seed in self.seeds]
        plain, whole = ([parts_of(each, ablated) for each in data] for ablated in (False, True))
        self.alone.show(plain)
        seen = self.alone.train(epochs)
        pictures = [by_head(logits, "pictures") for logits in seen]
        if self.words is None:  # they are the same at each scale
            words = [by_head(logits, "words") for logits in seen]
            self.words = [{part: x[:WORDS] for part, x in logits.items()} for logits in words]
        ways = [{"pictures": columns(own, parts), "words": columns(words, parts)}
                for own, words, parts in zip(pictures, self.words, plain)]
        at = [{name: best(history) for name, history in way.items()} for way in ways]
        first = [min(each, key=each.get) for each in at]

        def still(place, epoch):
            return {f"{first[place]}_branch": 0.0} if epoch > at[place][first[place]] else {}

        runs = {"both": (epochs, None), "frozen": (epochs, still)}
        if scale == 1:
            runs["own rate"] = (min(epochs * 2, OWN_RATE), lambda place, epoch: {"pictures_branch": 0.1})
        for way, (how_long, factors) in runs.items():
            self.joint.show(whole)
            for place, logits in enumerate(self.joint.train(how_long, factors)):
                ways[place][way] = columns(logits, whole[place])
        for place, way in enumerate(ways):
            passed = np.arange(epochs) > at[place][first[place]]
            way["frozen"]["frozen"] = passed.astype("float32")
        for own, words, parts, way in zip(pictures, self.words, plain, ways):
            grid = list(late_grid(own, words, parts, WORDS))
            if scale == 1:
                grid = [sums | mean for sums, mean in zip(grid, mean_grid(own, words, parts))]
            yield way, grid


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=len(SEEDS), help="fewer, for a trial")
    parser.add_argument("--epochs", type=int, default=1000, help="at most, for a trial")
    options = parser.parse_args()
    curves, late, seeds = Recording("clocks"), Recording("clocks_late"), SEEDS[: options.splits]
    series = Series(seeds)
    for scale, epochs in EPOCHS.items():
        for seed, (ways, grid) in zip(seeds, series.at(scale, min(epochs, options.epochs))):
            for way, history in ways.items():
                curves.add(history, scale=float(scale), way=way, seed=seed)
            for epoch, history in enumerate(grid):
                late.add(history, scale=float(scale), seed=seed, pictures=epoch)
        curves.said()
    curves.save()
    late.save()


if __name__ == "__main__":
    main()
