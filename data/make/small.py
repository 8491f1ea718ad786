"""What the recordings of chapter 09 share: data, networks, fast trainings, files that a second start finds.

The digits are scikit-learn's. A seed draws the split (960 for training, 297 for validation, 540 for the test,
each with the classes in the same proportions), the first weights, the dropout and the batch orders. Adam at
0.001, batches of 32: 30 steps an epoch, ten of which run as one graph. Everything here is Keras 3 and trained
by `fit`, with the course's own callbacks; what is measured after an epoch, a probe measures in one call.

What is done lies in build/small, and a second start goes on from there.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import json
import time

import keras
import numpy as np
import tensorflow as tf
from npz import DATA, save

from course_utils.stopping import Probe

layers = keras.layers
BUILD = DATA.parent / "build" / "small"
BATCH, STEPS = 32, 30
RATE = 0.001


def one_thread():
    """Keep to one core: small networks gain nothing from more. For the start of a script."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


# ---- data ----


def digits(seed, shuffled=0.0):
    """(train, validation, test): pairs of pictures, float32 in 0..1 (n, 8, 8, 1), and labels (n,).

    Outside the test this share of the labels changes places.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pictures, labels = load_digits(return_X_y=True)
    pictures, labels = (pictures / 16).astype("float32").reshape(-1, 8, 8, 1), labels.astype("int32")
    rest, test = train_test_split(np.arange(len(labels)), test_size=540, stratify=labels, random_state=seed)
    train, val = train_test_split(rest, test_size=297, stratify=labels[rest], random_state=seed)
    parts = [(pictures[rows], labels[rows]) for rows in (train, val, test)]
    random = np.random.default_rng([seed, 2])
    for _, own in parts[:2]:
        moved = random.permutation(len(own))[: round(shuffled * len(own))]
        own[moved] = own[random.permutation(moved)]
    return parts


def flow(train, seed, epochs, size=BATCH):
    """Batches of whole size for so many epochs, in a new order each: a tf.data pipeline without end."""
    x, y = train
    random, each = np.random.default_rng([seed, 1]), len(x) // size * size
    order = np.concatenate([random.permutation(len(x))[:each] for _ in range(epochs)]).reshape(-1, size)
    x, y = tf.constant(x), tf.constant(y)
    rows = tf.data.Dataset.from_tensor_slices(order).repeat()
    return rows.map(lambda i: (tf.gather(x, i), tf.gather(y, i))).prefetch(1)


# ---- networks ----


def cnn(part=1.0):
    """Two convolutions of 16 and 32 filters and a layer of 64, or this part of each: not compiled."""
    x = inputs = keras.Input((8, 8, 1))
    for filters in (16, 32):
        x = layers.Conv2D(int(filters * part), 3, padding="same", activation="relu")(x)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    x = layers.Dropout(0.3)(layers.Dense(int(64 * part), "relu")(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def mlp(part=1.0):
    """Layers of 256 and 128, or this part of each: not compiled."""
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(x)
    for units in (256, 128):
        x = layers.Dense(int(units * part), "relu")(x)
    return keras.Model(inputs, layers.Dense(10)(layers.Dropout(0.3)(x)))


NETWORKS = {"cnn": cnn, "mlp": mlp}


def seeded(seed):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)


def compiled(model, rate=RATE, loss=None):
    """The same model, with a fresh Adam."""
    loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, steps_per_execution=10)
    return model


class Measured(Probe):
    """Writes `val_loss`, `val_accuracy` and `test_accuracy` after each epoch; stands before all others."""

    def __init__(self, validation, test):
        super().__init__("val_loss")
        self.parts = [tuple(map(tf.constant, part)) for part in (validation, test)]

    def on_train_begin(self, logs=None):
        model, (validation, test) = self.model, self.parts

        @tf.function
        def measure():
            (loss, right), (_, on_test) = scores(model, *validation), scores(model, *test)
            return loss, right, on_test

        self.measure = measure

    def on_epoch_end(self, epoch, logs=None):
        values = map(float, self.measure())
        logs.update(zip(("val_loss", "val_accuracy", "test_accuracy"), values, strict=True))


def scores(model, x, y):
    """Two tensors: the mean cross-entropy of the logits, and the share that is right."""
    logits = model(x, training=False)
    if logits.shape[-1] == 1:  # yes or no
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(y, tf.float32), logits[:, 0])
        right = (logits[:, 0] > 0) == tf.cast(y, tf.bool)
    else:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
        right = tf.argmax(logits, -1, output_type=y.dtype) == y
    return tf.reduce_mean(losses), tf.reduce_mean(tf.cast(right, tf.float32))


def fit(model, data, seed, epochs, callbacks=(), size=BATCH):
    """Train, and measure after each epoch: column -> list."""
    train, validation, test = data
    steps = len(train[0]) // size
    history = model.fit(flow(train, seed, epochs, size), epochs=epochs, steps_per_epoch=steps, verbose=0,
                        shuffle=False, callbacks=[Measured(validation, test), *callbacks]).history
    return {column: [float(value) for value in values] for column, values in history.items()}


# ---- files ----


def record(name, run, settings):
    """Do every run that is not done, and save all."""
    write(name, done(name, run, settings), settings)


def write(name, histories, settings):
    """Save all: labels, and columns of one length, filled up with NaN."""
    epochs = max(len(values) for history in histories for values in history.values())
    arrays = {f"label/{label}": np.array([setting[label] for setting in settings]) for label in settings[0]}
    for column in dict.fromkeys(column for history in histories for column in history):
        padded = np.full((len(histories), epochs), np.nan, "float32")
        for row, history in zip(padded, histories, strict=True):
            row[: len(history.get(column, []))] = history.get(column, [])
        arrays[f"column/{column}"] = padded
    save(f"curves/{name}.npz", arrays)


def done(name, run, settings):
    """The history of every run, column -> list; one that is done is read from its file."""
    began, histories = time.perf_counter(), []
    for i, setting in enumerate(settings, 1):
        path = BUILD / name / ("-".join(map(str, setting.values())).replace(" ", "_") + ".json")
        if not path.exists():
            history = {column: list(map(float, values)) for column, values in run(**setting).items()}
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(json.dumps(history))
            part.replace(path)
            seconds = time.perf_counter() - began
            print(f"{name}: run {i} of {len(settings)}, {seconds:.0f} s", end="\r", flush=True)
        histories.append(json.loads(path.read_text()))
    print()
    return histories
