"""Record data/curves/small_text.npz: how many zeros a network that reads words can bear, for chapter 09.

    python data/make/small_text.py

The partner of pruning_sparsity.npz, by the same rules: the group of an emoji from the words of its name, an
Embedding of 32 numbers a word, their mean, a layer of 32. Labels target (0 for dense, 0.5, 0.8, 0.9, 0.95,
0.98) and seed (0 to 5, each with its own split: 900 names for training, 300 for validation, 444 for
the test).
dense: until `Patience("val_loss", 5)`. Every other run goes on from the best epoch of it: `PruneWhen` with a
ramp of 8 epochs, then `Patience("val_loss", 3)`, armed by full masks, 25 epochs at most.

Columns, one value a run: `test_accuracy`, `sparsity` (of the network that is kept), `epochs`, `weights`.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse
import functools
import re
from collections import Counter

import small
from course_utils.classroom.data import load_openmoji
from course_utils.pruning import PruneWhen, at_target, sparsity
from course_utils.stopping import Armed, Epochs, Patience, StopWhen
from small import keras, layers, np

SEEDS = range(6)
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.98)
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


def row(model, stop, seed):
    accuracy = float(small.scores(model, *names(seed)[0][2])[1])
    return {"test_accuracy": [accuracy], "sparsity": [sparsity(model).total],
            "epochs": [stop.report.epoch + 1], "weights": [model.count_params()]}


@functools.lru_cache(1)
def dense(seed):
    model, stop = network(seed), StopWhen(Patience("val_loss", 5), restore_best="val_loss")
    small.fit(model, names(seed)[0], seed, 100, [stop], BATCH)
    return model.get_weights(), row(model, stop, seed)


def run(target, seed):
    weights, found = dense(seed)
    if target == 0:
        return found
    model, full = network(seed), at_target(target)
    model.set_weights(weights)
    rule = Armed(full, Patience("val_loss", 3)) | Epochs(25)
    stop = StopWhen(rule, restore_best="val_loss", best_when=full)
    small.fit(model, names(seed)[0], 100 + seed, 25, [PruneWhen(Epochs(1), target), stop], BATCH)
    return row(model, stop, seed)


def settings():
    return [{"target": target, "seed": seed} for seed in SEEDS for target in (0.0, *TARGETS)]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small.record("small_text", run, settings())


if __name__ == "__main__":
    main()
