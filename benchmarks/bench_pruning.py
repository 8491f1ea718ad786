"""What stopping in time buys when a model is pruned, and what PruneWhen costs in a step. See bench.py.

The yardstick is the recipe of tfmot's guide "Pruning in Keras example": train for a fixed number of epochs,
then prune for a fixed number, with PolynomialDecay(0.5, target, 0, end of the phase) and a new mask every 100
steps. Its 2 epochs with masks are of MNIST, 422 steps each in batches of 128; FIXED_PRUNING is the same
number of steps in epochs of scikit-learn's digits. Before them it has 4 epochs without, and FIXED_TRAINING
keeps that proportion of epochs. (In steps the guide's are longer: batches of 32, 1688 an epoch.)
Everybody has the same target, initial weights, and batches.
"""

import time

import keras
import numpy as np
import tensorflow as tf

from course_utils.pruning import PruneWhen, at_target, prune_at_stop, sparsity, tfmot, to_keras, to_tf_keras
from course_utils.pruning.bridge_compile import compile_like, compile_tf_keras
from course_utils.stopping import Armed, Epochs, Patience, Probe, StopWhen, batches

TARGET, SEEDS, BATCH = 0.9, 3, 32
FIXED_TRAINING, FIXED_PRUNING = 56, 28
ROUNDS, STEPS = 20, 60


def network(seed):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Conv2D(filters, 3, padding="same", activation="relu") for filters in (16, 32)]
    model = keras.Sequential([
        keras.Input((8, 8, 1)), *layers, keras.layers.MaxPooling2D(), keras.layers.Flatten(),
        keras.layers.Dense(64, "relu"), keras.layers.Dropout(0.3), keras.layers.Dense(10),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    return model


def digits(seed):
    """(train, validation, test), 960, 297 and 540 pictures."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    x, y = (data.images[..., None] / 16).astype("float32"), data.target
    x, x_test, y, y_test = train_test_split(x, y, test_size=540, random_state=seed, stratify=y)
    x, x_val, y, y_val = train_test_split(x, y, test_size=297, random_state=seed, stratify=y)
    return (x, y), (x_val, y_val), (x_test, y_test)


def by_the_guide(model, train, validation, seed):
    """tfmot's recipe: fixed epochs, fixed schedule. Returns (pruned model, steps)."""
    data = batches(*train, BATCH, seed)
    steps = int(data.cardinality())
    model.fit(data, validation_data=validation, epochs=FIXED_TRAINING, verbose=0)
    prune, end = tfmot().sparsity.keras, steps * FIXED_PRUNING
    twin = to_tf_keras(model)
    twin = prune.prune_low_magnitude(twin, pruning_schedule=prune.PolynomialDecay(0.5, TARGET, 0, end))
    compile_tf_keras(twin, model)
    twin.fit(data, validation_data=validation, epochs=FIXED_PRUNING, verbose=0,
             callbacks=[prune.UpdatePruningStep()])
    pruned = to_keras(prune.strip_pruning(twin), model)
    compile_like(pruned, model)
    return pruned, steps * (FIXED_TRAINING + FIXED_PRUNING)


def at_the_stop(model, train, validation, seed):
    pruned, report = prune_at_stop(
        model, batches(*train, BATCH, seed), validation_data=validation, first=Patience("val_loss", 5),
        second=Patience("val_loss", 5), target_sparsity=TARGET, verbose=0)
    return pruned, report.first.step + report.second.step


def in_one_fit(model, train, validation, seed):
    prune, sparse = PruneWhen(Patience("val_loss", 5), TARGET), at_target(TARGET)
    stop = StopWhen(Armed(sparse, Patience("val_loss", 5)), restore_best="val_loss", best_when=sparse)
    model.fit(batches(*train, BATCH, seed), validation_data=validation, epochs=200, verbose=0,
              callbacks=[prune, stop])
    return model, stop.report.step


def same_sparsity():
    """Rows: steps and time to the same sparsity. The order of the ways alternates."""
    ways, measured = [by_the_guide, at_the_stop, in_one_fit], []
    for seed in range(SEEDS):
        train, validation, test = digits(seed)
        of_seed = {}
        for way in ways[seed % 3:] + ways[:seed % 3]:
            began = time.process_time()
            pruned, steps = way(network(seed), train, validation, seed)
            seconds = time.process_time() - began
            accuracy = pruned.evaluate(*test, verbose=0, return_dict=True)["accuracy"]
            of_seed[way] = (steps, seconds, accuracy, sparsity(pruned).total)
        measured.append(of_seed)
    table = {way: np.array([each[way] for each in measured]) for way in ways}
    fixed, rows = table[by_the_guide], []
    for way, name in ((at_the_stop, "prune_at_stop"), (in_one_fit, "PruneWhen")):
        own = table[way]
        steps, seconds = own[:, 0] / fixed[:, 0], own[:, 1] / fixed[:, 1]
        points = 100 * (own[:, 2].mean() - fixed[:, 2].mean())
        said = (f"median of {SEEDS} seeds, {steps.min():.2f} to {steps.max():.2f}; accuracy "
                f"{100 * own[:, 2].mean():.1f} ({100 * fixed[:, 2].mean():.1f}) %, sparsity "
                f"{own[:, 3].mean():.3f} ({fixed[:, 3].mean():.3f})")
        rows += [
            (f"steps of {name} / tfmot's fixed schedule", float(np.median(steps)), None, said),
            (f"processor time of {name} / tfmot's fixed schedule", float(np.median(seconds)), None, ""),
            (f"accuracy lost by {name}, in points", float(max(-points, 0)), 0.5, "against that schedule"),
        ]
    return rows


class Epoch(Probe):
    """Processor time of the training steps alone: it stands first, and its `last` after everybody."""

    def __init__(self):
        super().__init__("epoch")
        self.seconds, self.last = [], Probe("last")
        self.last._implements_train_batch_hooks = lambda: True
        self.last.on_train_batch_end = lambda batch, logs=None: setattr(self, "now", time.process_time())

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(self.now - self.began)


def step_cost(wide_network):
    """A row: PruneWhen's steps while its masks grow, against a plain fit's."""
    random = np.random.default_rng(0)
    x = random.normal(size=(STEPS * BATCH, 256)).astype("float32")
    y = random.integers(0, 10, STEPS * BATCH)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).cache()

    model, pruned = wide_network(), wide_network()

    def seconds(model, callbacks):
        watch = Epoch()
        model.fit(data, epochs=9, verbose=0, callbacks=[watch, *callbacks, watch.last])
        return float(np.median(watch.seconds[2:]))  # every epoch has as many new masks; a hiccup hits one

    # the event comes after the first epoch, and the second traces the new step; in the others, which are
    # measured, the masks grow to their target
    plain, masked = [], []
    for _ in range(2 * ROUNDS):
        plain.append(seconds(model, []))
        masked.append(seconds(pruned, [PruneWhen(Epochs(1), TARGET, frequency=10)]))
    ratios = sorted(one / other for one, other in zip(masked, plain))
    return [("a step under PruneWhen / a step", float(np.median(ratios)), 1.10,
             f"of {1000 * np.median(plain) / STEPS:.1f} ms; new masks every 10 steps; half of {len(ratios)} "
             f"rounds: {ratios[len(ratios) // 4]:.3f} to {ratios[-len(ratios) // 4]:.3f}")]
