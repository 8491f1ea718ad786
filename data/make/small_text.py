"""Record data/curves/small_text.npz: how many zeros a network that reads words can bear, for chapter 09.

    python data/make/small_text.py

The partner of pruning_sparsity.npz, by the same rules: the group of an emoji from the words of its name, an
Embedding of 32 numbers a word, their mean, a layer of 32. Labels target (0 for dense, 0.5, 0.8, 0.9, 0.95,
0.98) and seed (0 to 5, each with its own split: 900 names for training, 300 for validation, 444 for
the test).
The rules and the columns: see small_targets.py.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse
import functools
import re
from collections import Counter

import small_targets

import small
from course_utils.classroom.data import load_openmoji
from small import keras, layers, np

SEEDS = range(6)
LENGTH, RATE, BATCH = 8, 0.003, 30


@functools.cache
def names(seed):
    """((train, validation, test), size of the vocabulary): words int32 (n, 8), labels; 0 is none."""
    emoji = load_openmoji()
    groups, labels = np.unique(emoji.groups, return_inverse=True)
    words = [re.findall(r"\w+", name.lower()) for name in emoji.names]
    parts = np.split(np.random.default_rng(seed).permutation(len(words)), [900, 1200])
    counts = Counter(word for row in parts[0] for word in words[row])
    number = {word: i for i, (word, _) in enumerate(sorted(counts.items()), 2)}  # 1: not met in training
    x = np.zeros((len(words), LENGTH), "int32")
    for row, own in zip(x, words):
        own = [number.get(word, 1) for word in own[:LENGTH]]
        row[: len(own)] = own
    return [(x[part], labels[part].astype("int32")) for part in parts], len(number) + 2


def network(seed):
    small.seeded(seed)
    x = inputs = keras.Input((LENGTH,), dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(names(seed)[1], 32, mask_zero=True)(x))
    x = layers.Dropout(0.3)(layers.Dense(32, "relu")(x))
    return small.compiled(keras.Model(inputs, layers.Dense(8)(x)), RATE)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small_targets.record("small_text", lambda seed: names(seed)[0], network, BATCH, SEEDS)


if __name__ == "__main__":
    main()
