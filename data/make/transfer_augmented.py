"""Record data/curves/transfer_augmented.npz: chapter 06's trainings with photos that change in every epoch.

    python data/make/transfer_augmented.py

The partners of two ways of transfer.npz, with the same seeds, photos, first weights and batch orders:
  scratch      each photo of a batch is mirrored or not, and moved by up to a tenth of its side; ended by
               SCRATCH or after 60 epochs
  features     each photo of a batch is mirrored or not: its features and those of its mirror image are
               computed once, and one of both is drawn; 40 epochs
Validation and test see the photos as they are. Columns as in transfer.npz; `seconds` include the features of
the mirrored photos.
"""

import argparse

import numpy as np

from transfer import PHOTOS, SCRATCH, Photos, fit, head_on, in_parts, record, small_network

# isort: split

from course_utils.classroom.data import mobilenetv2_weights
from course_utils.stopping import Epochs
from course_utils.transfer import backbone

# isort: split
import keras
import tensorflow as tf

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


def scratch(photos, seed):
    """History of one training from random weights."""
    pictures = keras.Input((32, 32, 3))
    x = keras.layers.RandomFlip("horizontal", seed=seed)(pictures)
    x = keras.layers.RandomTranslation(0.1, 0.1, seed=seed)(x)
    model = keras.Model(pictures, small_network(seed)(x))
    return fit(model, photos.parts(photos.pictures, PHOTOS, seed), SCRATCH | Epochs(60), 1e-3, seed, 60)


def features(photos, pairs, seconds, seed):
    """History of a head on features of photos and their mirror images, (n, 2, 1280)."""
    inputs = keras.Input(pairs.shape[1:])
    model = head_on(inputs, OneOfTwo(seed)(inputs), seed)
    return fit(model, photos.parts(pairs, PHOTOS, seed), None, 1e-3, seed, 40, seconds=seconds)


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    photos = Photos()
    source = backbone("MobileNetV2", side=97, from_side=32, weights=mobilenetv2_weights())
    mirrored, more = in_parts(source, photos.pictures[:, :, ::-1])
    pairs = np.stack([photos.computed[1], mirrored], axis=1)
    seconds = photos.cost(PHOTOS) + PHOTOS * more / len(mirrored)

    def run(way, seed):
        return scratch(photos, seed) if way == "scratch" else features(photos, pairs, seconds, seed)

    record("transfer_augmented", run, [{"way": way, "seed": seed} for way in ("scratch", "features")
                                       for seed in SEEDS])


if __name__ == "__main__":
    main()
