"""Record data/curves/small_when.npz: when to begin pruning, and at what rate to go on, for chapter 09b.

    python data/make/small_when.py

Labels network (mlp, cnn), way and seed (10 to 19). Target 0.9, at most 84 epochs of 30 steps.
tfmot's guide "Pruning in Keras example" trains MNIST for four epochs, then two with masks, of 422 steps each:
28 epochs here are as many steps as those two, and 56 keep its proportion of epochs. (In steps its first four
are longer: batches of 32, 1688 an epoch.)
guide           56 epochs, then tfmot's schedule from 0.5 to 0.9 over 28; a fixed number of epochs
guide x3        the same, and three times the learning rate in the 28 epochs
short x3        56 epochs, then 8 at three times the rate, with masks as in the four below; no stop
patience        MLP: `PruneWhen(Patience("val_loss", 5), 0.9)` and a second stop, `Armed(at_target(0.9),
                Patience("val_loss", 5))`, or 84 epochs
patience x3     the same, with `When(Patience("val_loss", 5), scale_learning_rate(3))` beside it
early x3        the same, at `Epochs(5)` in place of patience
settled x3      MLP: the same, when the masks have settled: `Below("mask_distance", 0.02)`

Columns: `val_loss`, `test_accuracy`, `sparsity`; in the 56 dense epochs of "guide" also `mask_distance` and
`changed`: see `MaskDistance`. Ways "slow" and "fast" (MLP, seeds 10 to 14) are 30 dense epochs at a rate of
0.0003 and of 0.003: there all that counts is when the masks settle.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse
import functools
from collections import deque

import small
from course_utils.pruning import PruneWhen, at_target, sparsity, tfmot, to_tf_keras
from course_utils.pruning.bridge_compile import compile_tf_keras
from course_utils.pruning.masks import kernels, mask_of
from course_utils.stopping import Armed, Below, Epochs, Patience, Probe, StopWhen, When, scale_learning_rate
from small import keras, np, tf

# isort: split
import tf_keras

SEEDS = range(10, 20)
TARGET = 0.9
TRAINING, PRUNING, RAMP = 56, 28, 8  # the guide's epochs, and those of PruneWhen's masks
FIRST = {"patience": Patience("val_loss", 5), "early": Epochs(5), "settled": Below("mask_distance", 0.02),
         "short": Epochs(TRAINING)}
COLUMNS = ("val_loss", "test_accuracy", "sparsity", "mask_distance", "changed")
WAYS = {"mlp": ("guide", "guide x3", "patience", "patience x3", "early x3", "settled x3", "slow", "fast",
                "short x3"),
        "cnn": ("guide", "guide x3", "patience x3", "early x3", "short x3")}
RATES = {"slow": 0.0003, "fast": 0.003}


class MaskDistance(Probe):
    """How far the newest magnitude mask is from those of the `window` epochs before it; inf until then.

    The largest share of places in which two of them differ, as in You et al., "Drawing Early-Bird Tickets"
    (2020). At a sparsity of 0.9 it cannot pass 0.2: `changed` is the share of the kept weights that are
    others, from 0 to 1.
    """

    def __init__(self, share, window=5):
        super().__init__("mask_distance")
        self.share, self.window = share, window

    def on_train_begin(self, logs=None):
        self.masks = deque(maxlen=self.window)

    def on_epoch_end(self, epoch, logs=None):
        new = np.concatenate([mask_of(kernel.numpy(), self.share).ravel()
                              for group in kernels(self.model).values() for kernel in group])
        full = len(self.masks) == self.window
        logs[self.name] = max(np.mean(new != old) for old in self.masks) if full else np.inf
        logs["changed"] = logs[self.name] * new.size / (2 * new.sum())
        self.masks.append(new)


def only(history):
    """The columns that are kept, without what is infinite."""
    return {column: [value if np.isfinite(value) else np.nan for value in history[column]]
            for column in COLUMNS if column in history}


@functools.lru_cache(1)
def dense(network, seed, epochs=TRAINING, rate=small.RATE):
    """A network that was trained without masks, and its history."""
    small.seeded(seed)
    model = small.compiled(small.NETWORKS[network](), rate)
    history = small.fit(model, small.digits(seed), seed, epochs, [MaskDistance(TARGET)])
    return model, {**history, "sparsity": [0.0] * epochs}


def guide(network, seed, factor):
    """The dense epochs and those with tfmot's masks: column -> list."""
    model, before = dense(network, seed)
    train, (x, y), (x_test, y_test) = small.digits(seed)
    masks, history = tfmot().sparsity.keras, {column: [] for column in COLUMNS[:3]}
    twin = masks.prune_low_magnitude(to_tf_keras(model), pruning_schedule=masks.PolynomialDecay(
        0.5, TARGET, 0, small.STEPS * PRUNING))
    compile_tf_keras(twin, model, small.RATE * factor)

    @tf.function
    def measure():
        return small.scores(twin, x, y)[0], small.scores(twin, x_test, y_test)[1]

    def note(epoch, logs):
        for column, value in zip(COLUMNS, (*measure(), sparsity(twin).total)):
            history[column].append(float(value))

    keras.utils.set_random_seed(seed)  # the dropout of both guides
    noted = tf_keras.callbacks.LambdaCallback(on_epoch_end=note)
    twin.fit(small.flow(train, 100 + seed, PRUNING), epochs=PRUNING, steps_per_epoch=small.STEPS, verbose=0,
             shuffle=False, callbacks=[masks.UpdatePruningStep(), noted])
    return {column: before[column] + history.get(column, []) for column in COLUMNS}


def run(network, way, seed, epochs=TRAINING + PRUNING):
    """History of one training: column -> list."""
    if way in RATES:
        return only(dense(network, seed, 30, RATES[way])[1])
    way, _, factor = way.partition(" x")
    if way == "guide":
        return only(guide(network, seed, float(factor or 1)))
    small.seeded(seed)
    model, full, first = small.compiled(small.NETWORKS[network]()), at_target(TARGET), FIRST[way]
    callbacks = [MaskDistance(TARGET)] * (way == "settled") + [PruneWhen(first, TARGET, epochs=RAMP)]
    callbacks += [When(first, scale_learning_rate(float(factor)))] if factor else []
    if way == "short":
        epochs = TRAINING + RAMP
    else:
        callbacks += [StopWhen(Armed(full, Patience("val_loss", 5)), restore_best="val_loss", best_when=full)]
    return only(small.fit(model, small.digits(seed), seed, epochs, callbacks))


def settings():
    return [{"network": network, "way": way, "seed": seed} for network, ways in WAYS.items()
            for seed in SEEDS for way in ways if way not in RATES or seed < 15]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small.record("small_when", run, settings())


if __name__ == "__main__":
    main()
