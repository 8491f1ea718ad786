"""Record chapter 06's trainings on photos: data/curves/transfer.npz and data/curves/transfer_sizes.npz.

    python data/make/transfer.py [transfer | transfer_sizes]

From data/cifar10_4k.npz and data/mobilenetv2_notop.weights.h5. The seed draws the photos for training and 500
others for validation out of 2500, the first weights and the batch orders; the 1500 test photos are always the
same. Ways to learn ten classes:
  scratch      a small convolutional network from random weights, 40 epochs
  features     dropout and one dense layer on ImageNet's features, 60 epochs
  fine-tuned   the same until HEAD is met, and its best weights kept; then the last four blocks of MobileNetV2
               and the head at TOP_RATE, TOP_EPOCHS epochs
  long head    as fine-tuned, but the head has all 60 epochs and keeps its last weights
  at once      the last four blocks and a new head from the start, at TOP_RATE, 20 epochs
The last two have seeds 0 to 2.

BatchNormalization keeps ImageNet's means and variances. What the lower blocks make of the photos is computed
once: they stay as they are. Batches of 32, Adam.

transfer.npz: 1500 photos. Columns, one value an epoch: phase (0 head, or the only one; 1 top), loss and
accuracy as Keras reports them (means over the epoch while the weights move), val_ and test_ loss and accuracy
after the epoch, and seconds: of the processor, one thread, from the start of the training on, what it takes
to compute features of 2000 photos included, the test left out.

transfer_sizes.npz: the first three ways with 100, 300 and 750 photos, each phase ended by its criterion; one
row a run: test_accuracy, val_accuracy and accuracy of the best epoch (lowest val_loss), epochs, seconds. Task
"clothes" is Fashion-MNIST with 300, 1000, 3000 and 9000 pictures, from scratch and with features alone: 1000
others for validation, 2000 for the test.

On another machine, or with another number of threads, numbers differ a little, and a stop may move.
"""

import argparse
import functools
import os
import time

import numpy as np

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # a third of the time; one_order leaves it alone then

from course_utils.classroom.data import load_cifar10, load_fashion_mnist, mobilenetv2_weights
from course_utils.stopping import Epochs, Patience, StopWhen, batches
from course_utils.transfer import backbone, split_at, unfreeze

# isort: split
import keras
import tensorflow as tf
from curves_01 import record

PHOTOS, VALIDATION = 1500, 500
CUT = "block_13_expand"  # from here on there are 1.8 of MobileNetV2's 2.2 million numbers
HEAD, TOP, SCRATCH = Patience("val_loss", 5), Patience("val_loss", 3), Patience("val_loss", 8)
TOP_RATE, TOP_EPOCHS = 5e-5, 10
EPOCHS = {"scratch": 40, "features": 60}


class Measured(keras.callbacks.Callback):
    """Adds the test's loss and accuracy, the phase and the processor's seconds to the logs."""

    def __init__(self, test=None, phase=0, seconds=0.0):
        super().__init__()
        self.test, self.phase, self.began = test, phase, time.process_time() - seconds

    def on_epoch_end(self, epoch, logs=None):
        now = time.process_time()
        logs["phase"], logs["seconds"] = self.phase, now - self.began
        if self.test is not None:
            x, y = self.test
            logs["test_loss"], logs["test_accuracy"] = self.model.evaluate(x, y, batch_size=500, verbose=0)
        self.began += time.process_time() - now


def fit(model, parts, rule, rate, seed, epochs, phase=0, seconds=0.0):
    """One phase: its history, column -> list. The model has its best weights then, if a rule ends it.

    Args:
        parts: (x, y) for training, for validation, and for the test, which may be None.
        rule: a criterion that ends it, or None; then the model keeps its last weights.
        seconds: of the processor, that the phases before have taken.
    """
    train, validation, test = parts
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=16,  # the same numbers, sooner
    )
    callbacks = [] if rule is None else [StopWhen(rule, restore_best="val_loss")]
    callbacks.append(Measured(test, phase, seconds))  # after it: "seconds" is a column of StopWhen's own
    return model.fit(
        batches(*train, 32, seed), validation_data=validation, validation_batch_size=500, epochs=epochs,
        callbacks=callbacks, verbose=0).history


def start(seed):
    """A function that gives initial weights, another with each call, all of them chosen by the seed."""
    random = np.random.default_rng([seed, 1])
    return lambda: keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))


def small_network(seed, shape=(32, 32, 3), filters=(32, 64, 128), classes=10):
    """A convolutional network for small pictures 0..255, with random first weights.

    Its layer "features" gives what a head sees.
    """
    weights = start(seed)
    x = pictures = keras.Input(shape)
    x = keras.layers.Rescaling(1 / 127.5, -1)(x)
    for units in filters:
        x = keras.layers.Conv2D(units, 3, padding="same", use_bias=False, kernel_initializer=weights())(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.MaxPooling2D()(keras.layers.ReLU()(x))
    x = keras.layers.Flatten(name="features")(x)
    x = keras.layers.Dropout(0.5, seed=seed)(x)
    return keras.Model(pictures, keras.layers.Dense(classes, kernel_initializer=weights())(x))


def head_on(inputs, outputs, seed, classes=10):
    """A model that ends in dropout and a dense layer, the "head", on `outputs`."""
    x = keras.layers.Dropout(0.5, seed=seed)(outputs)
    return keras.Model(inputs, keras.layers.Dense(classes, name="head", kernel_initializer=start(seed)())(x))


def head(seed, width=1280, classes=10):
    """Dropout and a dense layer on features (n, width)."""
    features = keras.Input((width,))
    return head_on(features, features, seed, classes)


def in_parts(model, pictures):
    """What a model makes of pictures, float32, and the processor's seconds for it: (array, seconds)."""
    began = time.process_time()
    return model.predict(pictures, batch_size=100, verbose=0), time.process_time() - began


class Photos:
    """The photos, and what MobileNetV2's lower part and the whole of it make of them, computed once."""

    def __init__(self):
        (x, y), (x_test, y_test) = load_cifar10()
        self.pictures, self.labels = np.concatenate([x, x_test]), np.concatenate([y, y_test]).astype("int32")
        self.known = len(y)

    @functools.cached_property
    def computed(self):
        """(what comes before CUT, the features, seconds for one photo)."""
        source = backbone("MobileNetV2", side=97, from_side=32, weights=mobilenetv2_weights())
        bottom, top = split_at(source, CUT)
        middle, first = in_parts(bottom, self.pictures)
        features, second = in_parts(top, middle)
        return middle, features, (first + second) / len(self.pictures)

    def parts(self, of, photos, seed):
        """(x, y) for training, validation and test, x being rows of `of`."""
        rows = np.random.default_rng(seed).permutation(self.known)
        chosen = rows[:photos], rows[-VALIDATION:], np.arange(self.known, len(self.labels))
        return [(of[part].astype("float32"), self.labels[part]) for part in chosen]

    def cost(self, photos):
        """Seconds for the features of so many photos and of those for validation."""
        return self.computed[2] * (photos + VALIDATION)


def from_scratch(photos, seed, size=PHOTOS, rule=None, epochs=EPOCHS["scratch"]):
    """History of one training from random weights."""
    return fit(small_network(seed), photos.parts(photos.pictures, size, seed), rule, 1e-3, seed, epochs)


def on_features(photos, seed, size=PHOTOS, rule=None, epochs=EPOCHS["features"]):
    """(history, the model) of a head on features."""
    model = head(seed)
    parts = photos.parts(photos.computed[1], size, seed)
    return fit(model, parts, rule, 1e-3, seed, epochs, seconds=photos.cost(size)), model


def top_model(seed):
    """The last four blocks of MobileNetV2 and a head, all of it to be trained but BatchNormalization."""
    source = backbone("MobileNetV2", side=97, from_side=32, weights=mobilenetv2_weights())
    _, top = split_at(source, CUT)
    model = head_on(top.input, top.output, seed)
    unfreeze(model, CUT)
    return model


def fine_tuned(photos, seed, size=PHOTOS, rule=HEAD, end=None, epochs=TOP_EPOCHS, at_once=False):
    """History of a head that `rule` ends and of the top after it that `end` ends, or of both at once."""
    model, before, seconds = top_model(seed), {}, photos.cost(size)
    if not at_once:
        before, trained = on_features(photos, seed, size, rule)
        model.get_layer("head").set_weights(trained.get_layer("head").get_weights())
        seconds = before["seconds"][-1]
    parts = photos.parts(photos.computed[0], size, seed)
    after = fit(model, parts, end, TOP_RATE, seed, epochs, phase=1, seconds=seconds)
    return {name: before.get(name, []) + values for name, values in after.items()}


def photo_run(photos, way, seed):
    """History of one training on 1500 photos."""
    if way == "scratch":
        return from_scratch(photos, seed)
    if way == "features":
        return on_features(photos, seed)[0]
    if way == "at once":
        return fine_tuned(photos, seed, epochs=20, at_once=True)
    return fine_tuned(photos, seed, rule=HEAD if way == "fine-tuned" else None)


def at_its_best(history):
    """One row: what the epoch with the lowest val_loss gave, and what the whole training took."""
    best = int(np.argmin(history["val_loss"]))
    row = {name: history[name][best] for name in ("test_accuracy", "val_accuracy", "accuracy")}
    row |= {"epochs": len(history["loss"]), "seconds": history["seconds"][-1]}
    return {name: [value] for name, value in row.items()}


def size_run(photos, clothes, task, way, pictures, seed):
    """One row: a training with so many pictures, each phase ended by its criterion."""
    if task == "clothes":
        return at_its_best(clothes.run(way, pictures, seed))
    if way == "scratch":
        return at_its_best(from_scratch(photos, seed, pictures, SCRATCH | Epochs(80), 80))
    if way == "features":
        return at_its_best(on_features(photos, seed, pictures, HEAD, 200)[0])
    return at_its_best(fine_tuned(photos, seed, pictures, end=TOP, epochs=40))


class Clothes:
    """Fashion-MNIST as a target, and ImageNet's features of it, computed once."""

    def __init__(self):
        (x, y), (x_test, y_test) = load_fashion_mnist()
        self.pictures = np.concatenate([x, x_test])[..., None]
        self.labels, self.known = np.concatenate([y, y_test]).astype("int32"), len(y)
        source = backbone("MobileNetV2", side=97, from_side=28, weights=mobilenetv2_weights())
        self.features, seconds = in_parts(source, np.repeat(self.pictures, 3, axis=-1))
        self.seconds = seconds / len(self.labels)

    def run(self, way, pictures, seed):
        rows = np.random.default_rng(seed).permutation(self.known)
        chosen = rows[:pictures], rows[-1000:], np.arange(self.known, len(self.labels))
        of = self.features if way == "features" else self.pictures
        parts = [(of[part].astype("float32"), self.labels[part]) for part in chosen]
        if way == "features":
            return fit(head(seed), parts, HEAD, 1e-3, seed, 100, seconds=self.seconds * (pictures + 1000))
        model = small_network(seed, (28, 28, 1), (16, 32, 64))
        return fit(model, parts, Patience("val_loss", 5) | Epochs(40), 1e-3, seed, 40)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="?", choices=["transfer", "transfer_sizes"])
    only = parser.parse_args().only
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    photos = Photos()
    if only != "transfer_sizes":
        ways = {"scratch": 5, "features": 5, "fine-tuned": 5, "long head": 3, "at once": 3}
        settings = [{"way": way, "seed": seed} for way, runs in ways.items() for seed in range(runs)]
        record("transfer", lambda **setting: photo_run(photos, **setting), settings)
    if only != "transfer":
        sizes = {"photos": (100, 300, 750), "clothes": (300, 1000, 3000, 9000)}
        settings = [
            {"task": task, "way": way, "pictures": pictures, "seed": seed}
            for task, counts in sizes.items()
            for way in ("scratch", "features", "fine-tuned")[: 3 if task == "photos" else 2]
            for pictures in counts
            for seed in range(3)
        ]
        clothes = Clothes()
        record("transfer_sizes", lambda **setting: size_run(photos, clothes, **setting), settings)


if __name__ == "__main__":
    main()
