"""Record data/curves/small_clothes.npz: how many zeros can a CNN for clothes bear? For chapter 09.

    python data/make/small_clothes.py

The partner of small_text.npz: the kind of garment on a Fashion-MNIST picture, two convolutions of 16 and 32
filters that take every second place, a layer of 64. Labels target (0 for dense, 0.5, 0.8, 0.9, 0.95, 0.98)
and seed (0 to 4, each with its own 4,000 pictures for training and 1,000 for validation; the test is the
same 2,000 for all).
The rules and the columns: see small_targets.py.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse
import functools

import small_targets

import small
from course_utils.classroom.data import load_fashion_mnist
from small import keras, layers, np

SEEDS = range(5)
BATCH = 50


@functools.lru_cache(1)
def clothes(seed):
    """(train, validation, test): pairs of pictures, float32 in 0..1 (n, 28, 28, 1), and labels (n,)."""
    rest, test = (((x[..., None] / 255).astype("float32"), y.astype("int32"))
                  for x, y in load_fashion_mnist())
    rows = np.random.default_rng(seed).permutation(len(rest[1]))
    return [*([array[part] for array in rest] for part in (rows[:4000], rows[4000:5000])), test]


def network(seed):
    small.seeded(seed)
    x = inputs = keras.Input((28, 28, 1))
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dropout(0.3)(layers.Dense(64, "relu")(layers.Flatten()(x)))
    return small.compiled(keras.Model(inputs, layers.Dense(10)(x)))


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small_targets.record("small_clothes", clothes, network, BATCH, SEEDS)


if __name__ == "__main__":
    main()
