"""What the recordings of chapter 05 share: the digits, three networks, training with and without tfmot.

The digits are scikit-learn's 1797 pictures of 8 x 8 pixels. A seed draws the split (942 for training, 315 for
validation, 540 for the test, each with the classes in the same proportions), the first weights, the dropout
and the batch orders. Adam at 0.001, batches of 32: 30 steps an epoch. tfmot wants models of `tf_keras`, so
everything here is one.

Columns, one value an epoch: loss and accuracy as Keras reports them (means over the epoch, while the weights
move); val_ and test_ loss and accuracy after the epoch, with the masks applied; sparsity, the share of exact
zeros among the weights that tfmot prunes, counted in the weights themselves.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import functools
import re
from typing import NamedTuple

import numpy as np

from course_utils.pruning import at_target, tfmot
from course_utils.stopping import Armed, Patience

# isort: split
import tensorflow as tf
import tf_keras

EPOCHS = 40
BATCH = 32
STEPS = 30  # in an epoch
RAMP = 8  # epochs in which the masks grow to their target
FREQUENCY = 10  # steps between two updates of the masks; 30 and 240 are multiples of it
FIRST_STOP = Patience("val_loss", 5)
NETWORKS = ("cnn", "mlp", "gru")
layers, masks = tf_keras.layers, tfmot().sparsity.keras
tf.get_logger().setLevel("ERROR")  # many models in one process: it would warn of retracing


class Digits(NamedTuple):
    """`train`, `validation`, `test`: pairs of pictures, float32 in 0..1 (n, 8, 8, 1), and labels (n,)."""

    train: tuple
    validation: tuple
    test: tuple


class Trained(NamedTuple):
    """`history`: column -> list; `weights`: those of every epoch; `model`: as it is at the end."""

    history: dict
    weights: list
    model: tf_keras.Model


def one_thread():
    """Keep to one core: small networks gain nothing from more. For the start of a script."""
    tf.config.threading.set_intra_op_parallelism_threads(1)


@functools.cache
def digits(seed, shuffled=0.0):
    """The split that this seed draws: `Digits`. Outside the test a share of the labels changes places."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pictures, labels = load_digits(return_X_y=True)
    labels = labels.astype("int32")
    pictures = (pictures / 16).astype("float32").reshape(-1, 8, 8, 1)
    rest, test = train_test_split(np.arange(len(labels)), test_size=540, stratify=labels, random_state=seed)
    train, val = train_test_split(rest, test_size=315, stratify=labels[rest], random_state=seed)
    parts = [(pictures[rows], labels[rows]) for rows in (train, val, test)]
    random = np.random.default_rng([seed, 2])
    for _, own in parts[:2]:
        moved = random.permutation(len(own))[: round(shuffled * len(own))]
        own[moved] = own[random.permutation(moved)]
    return Digits(*parts)


def network(kind="cnn", filters=(32, 64)):
    """A network that is not compiled: "cnn" (151,306 weights), "mlp" (50,826) or "gru" (39,322).

    The GRU reads the eight rows of a picture as eight steps. `filters` are for the CNN's two convolutions.
    """
    body = {
        "cnn": lambda: [
            layers.Conv2D(filters[0], 3, padding="same", activation="relu"),
            layers.Conv2D(filters[1], 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
        ],
        "mlp": lambda: [
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(128, activation="relu"),
        ],
        "gru": lambda: [layers.Reshape((8, 8)), layers.GRU(108)],
    }[kind]()
    return tf_keras.Sequential([layers.Input((8, 8, 1)), *body, layers.Dropout(0.3), layers.Dense(10)])


def compiled(model, learning_rate=0.001):
    """The same model, with a fresh Adam."""
    model.compile(
        tf_keras.optimizers.Adam(learning_rate),
        tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def kernels(model):
    """The variables that tfmot prunes; a wrapped model has them in its wrappers."""
    return [w for w in model.trainable_weights if re.search(r"/(recurrent_)?kernel:0$", w.name)]


def sparsity(model):
    """The share of exact zeros among the weights that tfmot prunes."""
    values = [kernel.numpy() for kernel in kernels(model)]
    return float(sum((v == 0).sum() for v in values) / sum(v.size for v in values))


def fit(model, data, seed, epochs, stop=None, phase=0):
    """Train on these `Digits`: `Trained`. The numbers are those of `model.fit` with the same batches.

    A whole epoch is one graph, which takes half the time or less. `stop` is a criterion, asked after each
    epoch. `phase` gives a second training batch orders of its own.
    """
    random = np.random.default_rng([seed, phase])
    train, *held_out = (tuple(tf.constant(array) for array in part) for part in data)
    update = masks.UpdatePruningStep()
    update.set_model(model)

    @tf.function
    def train_epoch(order):
        for start in tf.range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            model.train_step(tuple(tf.gather(array, rows) for array in train))

    @tf.function
    def evaluate(x, y):
        model.test_step((x, y))

    def result():
        values = {metric.name: float(metric.result()) for metric in model.metrics}
        model.reset_metrics()
        return values

    history, weights = {}, []
    update.on_train_begin()
    for epoch in range(epochs):
        train_epoch(tf.constant(random.permutation(len(train[1]))))
        row = result()
        for name, part in zip(("val", "test"), held_out, strict=True):
            evaluate(*part)
            row.update({f"{name}_{column}": value for column, value in result().items()})
        update.on_epoch_end(epoch)  # applies the masks to the weights after the epoch's last step
        row["sparsity"] = sparsity(model)
        weights.append([w.numpy() for w in model.trainable_weights])
        for column, value in row.items():
            history.setdefault(column, []).append(value)
        if stop is not None and stop.first(history) is not None:
            break
    return Trained(history, weights, model)


@functools.lru_cache(3)
def dense(seed, kind="cnn", epochs=EPOCHS, shuffled=0.0):
    """Train without pruning and without a stop: `Trained`."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    return fit(compiled(network(kind)), digits(seed, shuffled), seed, epochs)


def first_stop(trained):
    """(epoch of the first stop, epoch with the smallest validation loss until then)."""
    stop = FIRST_STOP.first(trained.history)
    if stop is None:
        raise RuntimeError(f"{FIRST_STOP!r} was not met in {len(trained.weights)} epochs: train for longer.")
    return stop, int(np.argmin(trained.history["val_loss"][: stop + 1]))


def gradual(target, ramp=RAMP):
    """tfmot's schedule: masks that grow for `ramp` epochs, fast at first (a polynomial of degree 3)."""
    return masks.PolynomialDecay(0.0, target, 0, ramp * STEPS, frequency=FREQUENCY)


def one_shot(target):
    """tfmot's schedule: the masks are drawn before the first step, which tfmot counts as 1, and stay."""
    return masks.ConstantSparsity(target, 0, end_step=1, frequency=1)


def prune(weights, schedule, seed, kind="cnn", epochs=EPOCHS, stop=None, shuffled=0.0):
    """Go on from these weights with tfmot's masks and a fresh Adam: `Trained`. None: from first weights."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(seed)
    model = network(kind)
    if weights is not None:
        model.set_weights(weights)
    tf_keras.utils.set_random_seed(1000 + seed)
    model = masks.prune_low_magnitude(model, pruning_schedule=schedule)
    return fit(compiled(model), digits(seed, shuffled), seed, epochs, stop, phase=1)


def armed(target, patience=3):
    """The second stop that waits for the masks."""
    return Armed(at_target(target), Patience("val_loss", patience))
