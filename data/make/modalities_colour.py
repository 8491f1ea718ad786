"""Record data/curves/colour.npz: a colour that gives the class away in training, and not in the test.

    python data/make/modalities_colour.py

For chapter 07, from data/fashion_mnist_12k.npz: 4000 pictures for training, 1000 for validation, 2000 for the
test. Beside its gray pixels each picture has a colour, three numbers in 0..1: one of ten hues, with noise of
0.1. In training and validation the hue is the class's; in the test it is drawn at random. Two small dense
branches (`chapter_07.networks.network`, 64 units each), Adam 0.001, batches of 32, 25 epochs. The seed (0 to
4) draws the pictures, the colours, the first weights and the batch orders. Ways:
  gray, colour  each in a network of its own (two in one, which share nothing but the batches)
  both          both inputs, one head
  frozen        as both; the colours' layer stands still after the first epoch
  dropped       as both; in training the colour of every other row, on average, is zeroed
Columns: loss, accuracy, val_ and test_ of both, after each epoch; as_trained: the test accuracy with the
colours of the classes; without_gray and without_colour: the test's with every row of that input replaced by
the training rows' mean.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse
import colorsys

import numpy as np
from modalities import Recording, SideBySide, by_head, columns, parts_of
from modalities_pixels import DroppedRows

from course_utils.classroom.chapter_07.emoji import Split
from course_utils.classroom.chapter_07.networks import accuracy, compiled, network
from course_utils.classroom.data import load_fashion_mnist

# isort: split
import keras

EPOCHS, SEEDS = 25, range(5)
HUES = np.array([colorsys.hsv_to_rgb(i / 10, 1, 1) for i in range(10)], "float32")
WIDTHS = {"gray": 784, "colour": 3}


def split(seed):
    """(a `Split`, the test part with the colours of its classes)."""
    (x, y), (x_test, y_test) = load_fashion_mnist()
    random = np.random.default_rng(seed)
    rows = random.permutation(len(y))

    def part(pictures, labels, colours):
        noisy = HUES[colours] + random.normal(0, 0.1, (len(labels), 3))
        gray = pictures.reshape(-1, 784).astype("float32") / 255
        return {"gray": gray, "colour": noisy.astype("float32")}, labels.astype("int32")

    train, val = (part(x[own], y[own], y[own]) for own in (rows[:4000], rows[4000:5000]))
    test = part(x_test, y_test, random.integers(0, 10, len(y_test)))
    return Split(train, val, test, tuple(range(10)), ()), part(x_test, y_test, y_test)


def dropping(seed):
    """The network for both, with colours that are zeroed in half of the rows."""
    inner = network(WIDTHS, 10, seed=seed)
    inputs = {name: keras.Input((width,), name=name) for name, width in WIDTHS.items()}
    colour = DroppedRows(0.5, seed)(inputs["colour"])
    return compiled(keras.Model(inputs, inner({**inputs, "colour": colour})))


def still(place, epoch):
    """The colours' layer stands still after the first epoch."""
    return {"colour_branch": 0.0} if epoch else {}


def runs(seeds, epochs):
    """(way, logits, parts), one a seed, for each way."""
    data = [split(seed) for seed in seeds]
    parts = [parts_of(each) | {"as_trained": as_trained} for each, as_trained in data]
    plain = [{name: part for name, part in each.items() if not name.startswith("without_")} for each in parts]
    ways = {
        "alone": ([network(WIDTHS, 10, ("gray", "colour"), seed=seed) for seed in seeds], plain, None),
        "both": ([network(WIDTHS, 10, seed=seed) for seed in seeds], parts, None),
        "frozen": ([network(WIDTHS, 10, seed=seed) for seed in seeds], parts, still),
        "dropped": ([dropping(seed) for seed in seeds], parts, None),
    }
    for way, (networks, own, factors) in ways.items():
        seen = SideBySide(networks, own, seeds, batch=32).train(epochs, factors)
        if way != "alone":
            yield way, seen, own
            continue
        for head in ("gray", "colour"):
            yield head, [by_head(logits, head) for logits in seen], own


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=len(SEEDS), help="fewer, for a trial")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="fewer, for a trial")
    options = parser.parse_args()
    curves, seeds = Recording("colour"), SEEDS[: options.splits]
    for way, seen, parts in runs(seeds, options.epochs):
        for seed, logits, own in zip(seeds, seen, parts):
            right = accuracy(logits["as_trained"], own["as_trained"][1])
            curves.add(columns(logits, own) | {"as_trained": right}, way=way, seed=seed)
        curves.said()
    curves.save()


if __name__ == "__main__":
    main()
