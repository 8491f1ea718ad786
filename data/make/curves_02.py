"""Record the trainings that chapter 02 replays: data/curves/events.npz, from data/fashion_mnist_12k.npz.

    python data/make/curves_02.py

One event, and what is done about it. The event is `Patience("val_loss", 3)`, met for the first time. Each
training is run twice from one seed: once nothing is done ("go on"), once `When` divides the learning rate by
ten ("rate / 10"). Until the event the two are the same, number for number; what ending at the event would
have kept is a row of either.

The seed draws 4000 images for training and 1000 for validation out of the first 10,000, the first weights
and the batch orders; the 2000 test images are always the same. One hidden layer of 64, 40 epochs, three
optimizers: Adam at 0.005 in batches of 32, gradient descent at 0.3 in batches of 16, and Adam at 0.0005,
whose rate is small from the start.

Columns, one value an epoch: loss and accuracy as Keras reports them (means over the epoch, while the weights
move), val_ and test_ loss and accuracy after the epoch, and learning_rate, the rate of the epoch. On one
machine a second run writes the same bytes; another processor rounds differently, and an event may move.
"""

import argparse

import numpy as np
from curves_01 import record

from course_utils.classroom.data import load_fashion_mnist
from course_utils.stopping import Patience, When, batches, scale_learning_rate

# isort: split
import keras

SEEDS = range(10)
EPOCHS = 40
TRAIN, VALIDATION = 4000, 1000
EVENT = Patience("val_loss", 3)
OPTIMIZERS = {  # name -> (optimizer, batch size)
    "adam 0.005": (lambda: keras.optimizers.Adam(0.005), 32),
    "sgd 0.3": (lambda: keras.optimizers.SGD(0.3), 16),
    "adam 0.0005": (lambda: keras.optimizers.Adam(0.0005), 32),
}


class TestSet(keras.callbacks.Callback):
    """Adds the loss and accuracy on the test set, and the epoch's learning rate, to the logs."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch, logs=None):
        loss, accuracy = self.model.evaluate(self.x, self.y, batch_size=len(self.y), verbose=0)
        rate = float(self.model.optimizer.learning_rate)
        logs.update(test_loss=loss, test_accuracy=accuracy, learning_rate=rate)


def network(optimizer, seed):
    """A compiled network of 64 hidden units; its first weights depend on the seed alone."""
    random = np.random.default_rng([seed, 1])

    def dense(units, activation=None):
        start = keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))
        return keras.layers.Dense(units, activation, kernel_initializer=start)

    model = keras.Sequential([keras.Input((28 * 28,)), dense(64, "relu"), dense(10)])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=25,  # a fifth or a tenth of an epoch at once: the same numbers, sooner
    )
    return model


def event_run(optimizer, action, seed, epochs=EPOCHS):
    """History of one `fit`: column -> list."""
    (x, y), (x_test, y_test) = load_fashion_mnist()
    x, x_test = (images.reshape(-1, 28 * 28).astype("float32") / 255 for images in (x, x_test))
    rows = np.random.default_rng(seed).permutation(len(y))
    train, validation = rows[:TRAIN], rows[TRAIN : TRAIN + VALIDATION]
    make, batch_size = OPTIMIZERS[optimizer]
    callbacks = [TestSet(x_test, y_test)]  # before When: it notes the rate that the epoch had
    if action == "rate / 10":
        callbacks.append(When(EVENT, do=scale_learning_rate(0.1)))
    fit = network(make(), seed).fit(
        batches(x[train], y[train], batch_size, seed),
        validation_data=(x[validation], y[validation]),
        validation_batch_size=VALIDATION,
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
    )
    return fit.history


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    record(
        "events",
        event_run,
        [
            {"optimizer": optimizer, "action": action, "seed": seed}
            for optimizer in OPTIMIZERS
            for action in ("go on", "rate / 10")
            for seed in SEEDS
        ],
    )


if __name__ == "__main__":
    main()
