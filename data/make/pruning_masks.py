"""Record data/curves/pruning_masks.npz: a task where accuracy looks done long before IoU, for chapter 07b.

    python data/make/pruning_masks.py

Which pixels belong to the digit? A picture is 28 x 28 pixels of noise (normal, standard deviation 0.25)
with one of scikit-learn's digits, 8 x 8, added at a random place; the mask is where the digit is darker
than a quarter. Some 3 % of the pixels belong to it. Four small convolutions, cross-entropy a pixel, Adam at
0.003, batches of 32 in a new order each epoch; 300 pictures for training, 150 for validation, 300 for the
test, 40 epochs.

Label seed (0 to 5): the pictures, the first weights and the batch orders. Columns: loss, accuracy, iou, f1
as Keras reports them for the training, val_ and test_ of each after the epoch. accuracy is the share of
right pixels; iou is `keras.metrics.BinaryIoU([1])`: pixels that are digit in both masks, by those that are
in either; f1 is `keras.metrics.F1Score`. Both count over all pixels of a set, and then
f1 = 2 iou / (1 + iou).

On one machine a second run writes the same bytes; another processor rounds differently.
"""

import argparse

import numpy as np
from curves_01 import record

from course_utils.stopping import batches

# isort: split
import keras
import tensorflow as tf

SEEDS = range(6)
EPOCHS = 40
SIZES = {"train": 300, "validation": 150, "test": 300}
SIDE, NOISE = 28, 0.25


def pictures(seed):
    """Part -> (pictures float32 (n, 28, 28, 1), masks of 0 and 1, float32 (n, 784)); parts share no digit."""
    from sklearn.datasets import load_digits

    random = np.random.default_rng([seed, 3])
    digits = load_digits().images[random.permutation(1797)[: sum(SIZES.values())]] / 16
    noisy = random.normal(0, NOISE, (len(digits), SIDE, SIDE))
    masks = np.zeros(noisy.shape)
    for picture, mask, digit, (top, left) in zip(
        noisy, masks, digits, random.integers(0, SIDE - 8, (len(digits), 2), endpoint=True), strict=True
    ):
        place = (slice(top, top + 8), slice(left, left + 8))
        picture[place] += digit
        mask[place] = digit > 0.25
    x, y = noisy[..., np.newaxis].astype("float32"), masks.reshape(len(masks), -1).astype("float32")
    ends = np.cumsum(list(SIZES.values()))[:-1]
    return dict(zip(SIZES, zip(np.split(x, ends), np.split(y, ends), strict=True), strict=True))


def network():
    """A compiled network; it gives a probability for each of the 784 pixels."""
    convolution = keras.layers.Conv2D
    model = keras.Sequential([
        keras.Input((SIDE, SIDE, 1)),
        convolution(8, 3, padding="same", activation="relu"),
        convolution(8, 3, padding="same", activation="relu"),
        convolution(8, 3, padding="same", activation="relu"),
        convolution(1, 3, padding="same", activation="sigmoid"),
        # F1Score takes rows of classes: here each pixel is a class, and "micro" counts all
        keras.layers.Flatten(),
    ])
    model.compile(
        keras.optimizers.Adam(0.003),
        "binary_crossentropy",
        metrics=[
            keras.metrics.BinaryAccuracy(name="accuracy"),
            keras.metrics.BinaryIoU(target_class_ids=[1], threshold=0.5, name="iou"),
            keras.metrics.F1Score(average="micro", threshold=0.5, name="f1"),
        ],
    )
    return model


class TestSet(keras.callbacks.Callback):
    """Adds the results on the test set to the logs."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def on_epoch_end(self, epoch, logs=None):
        results = self.model.evaluate(self.x, self.y, batch_size=len(self.y), verbose=0, return_dict=True)
        logs.update({f"test_{name}": value for name, value in results.items()})


def run(seed, epochs=EPOCHS):
    """History of one training: column -> list."""
    data = pictures(seed)
    keras.utils.set_random_seed(seed)
    fit = network().fit(
        batches(*data["train"], 32, seed),
        validation_data=data["validation"],
        validation_batch_size=SIZES["validation"],
        epochs=epochs,
        callbacks=[TestSet(*data["test"])],
        verbose=0,
    )
    return fit.history


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    record("pruning_masks", run, [{"seed": seed} for seed in SEEDS])


if __name__ == "__main__":
    main()
