"""Record data/curves/transfer_augmented.npz and transfer_scratch_augmented.npz: photos that change a little.

    python data/make/transfer_augmented.py [features | scratch]

For chapter 06: the partners of two ways of transfer.npz, with the same seeds, photos, first weights and batch
orders. Validation and test see the photos as they are. Columns as in transfer.npz, without `seconds`.

  features  in every batch each photo is mirrored or not, as RandomFlip("horizontal") would have it: the
            features of both are computed once, and one of the two is drawn; 40 epochs
  scratch   in every batch each photo is mirrored or not and shifted by up to 3 of its 32 pixels; 60 epochs
"""

import argparse

import numpy as np

from transfer import PHOTOS, Photos, fit, head_on, in_parts, record, small_network

# isort: split
import keras
import tensorflow as tf

from course_utils.classroom.data import mobilenetv2_weights
from course_utils.transfer import backbone

SEEDS = range(5)


class OneOfTwo(keras.layers.Layer):
    """Of two rows of features, (batch, 2, d) -> (batch, d): the first, or in training any of the two."""

    def __init__(self, seed):
        super().__init__()
        self.random = keras.random.SeedGenerator(seed)

    def call(self, pairs, training=False):
        if not training:
            return pairs[:, 0]
        which = keras.random.randint((keras.ops.shape(pairs)[0], 1), 0, 2, seed=self.random)
        return keras.ops.where(which == 0, pairs[:, 0], pairs[:, 1])


def mirrored_run(photos, pairs, seed):
    """History of a head on features of photos and their mirror images, (n, 2, 1280)."""
    inputs = keras.Input(pairs.shape[1:])
    model = head_on(inputs, OneOfTwo(seed)(inputs), seed)
    history = fit(model, photos.parts(pairs, PHOTOS, seed), None, 1e-3, seed, 40)
    del history["seconds"]
    return history


def shifted_run(photos, seed):
    """History of the small network, from random weights, on photos that are mirrored and shifted."""
    changed = inputs = keras.Input((32, 32, 3))
    changed = keras.layers.RandomFlip("horizontal", seed=seed)(changed)
    changed = keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=seed)(changed)
    model = keras.Model(inputs, small_network(seed)(changed))
    history = fit(model, photos.parts(photos.pictures, PHOTOS, seed), None, 1e-3, seed, 60)
    del history["seconds"]
    return history


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "only", nargs="?", choices=["features", "scratch"], help="record one of the two (default: both)"
    )
    only = parser.parse_args().only
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    photos, seeds = Photos(), [{"seed": seed} for seed in SEEDS]
    if only != "scratch":
        source = backbone("MobileNetV2", side=97, from_side=32, weights=mobilenetv2_weights())
        mirrored, _ = in_parts(source, photos.pictures[:, :, ::-1])
        pairs = np.stack([photos.computed[1], mirrored], axis=1)
        record("transfer_augmented", lambda seed: mirrored_run(photos, pairs, seed), seeds)
    if only != "features":
        record("transfer_scratch_augmented", lambda seed: shifted_run(photos, seed), seeds)


if __name__ == "__main__":
    main()
