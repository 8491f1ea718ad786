"""Record data/curves/clocks_pixels.npz and data/curves/clocks_pixels_late.npz: emoji as pixels, and names.

    python data/make/modalities_pixels.py

For chapter 07: chapter 01's `two_input_model` on pictures of 48 x 48 pixels and on names; Adam 0.001, batches
of 16, 45 epochs (words 30). The seed (0 to 4) draws the split, the first weights and the batch orders.

clocks_pixels.npz: labels rows, way, seed. rows 900: `chapter_07.emoji.split(seed, of="pixels")`; rows 1144:
`emoji_split(seed, 500)` as in chapter 01, half of the 500 for validation and half for the test. Ways:
  pictures, words, both  as its argument `inputs`
  names dropped          both; in training the name of every other row, on average, has no words
  shifted                both; in training each picture is mirrored or not, and shifted by up to 4 pixels
The last two have 900 rows alone. Columns as in clocks.npz.

clocks_pixels_late.npz: labels rows, seed, pictures; columns val_loss, test_accuracy, as in clocks_late.npz.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse

from modalities import Recording, SideBySide, columns, late_grid, parts_of

from course_utils.classroom.chapter_07.emoji import Split, split
from course_utils.classroom.chapter_07.networks import compiled
from course_utils.classroom.data import emoji_split
from course_utils.classroom.models import two_input_model

# isort: split
import keras

EPOCHS, WORDS = 45, 30
SEEDS = range(5)


class DroppedRows(keras.layers.Layer):
    """In training a row is zeroed with this probability."""

    def __init__(self, rate, seed):
        super().__init__()
        self.rate, self.random = rate, keras.random.SeedGenerator(seed)

    def call(self, rows, training=False):
        if not training:
            return rows
        shape = (keras.ops.shape(rows)[0], 1)
        return rows * keras.ops.cast(keras.random.uniform(shape, seed=self.random) >= self.rate, rows.dtype)


def whole(rows, seed):
    """A `Split` with pixels; of 1144 rows it is chapter 01's with its validation part halved."""
    if rows == 900:
        return split(seed, of="pixels")
    known = emoji_split(seed, 500)
    (pictures, words), labels = known.train
    (val_pictures, val_words), val_labels = known.validation
    parts = [({"pictures": pictures, "words": words}, labels)]
    for half in (slice(250), slice(250, None)):
        parts.append(({"pictures": val_pictures[half], "words": val_words[half]}, val_labels[half]))
    return Split(*parts, known.groups, known.vocabulary)


def model(data, inputs, seed, names_dropped=0.0, shifted=False):
    """`two_input_model` for dict inputs, which may be changed in training."""
    inner = two_input_model(len(data.vocabulary), len(data.groups), inputs=inputs, seed=seed)
    pictures = seen = keras.Input((48, 48, 3), name="pictures")
    names = known = keras.Input((len(data.vocabulary),), name="words")
    if shifted:
        seen = keras.layers.RandomFlip("horizontal", seed=seed)(seen)
        seen = keras.layers.RandomTranslation(1 / 12, 1 / 12, fill_mode="constant", fill_value=1.0,
                                              interpolation="nearest", seed=seed)(seen)
    if names_dropped:
        known = DroppedRows(names_dropped, seed)(known)
    return compiled(keras.Model({"pictures": pictures, "words": names}, inner([seen, known])))


WAYS = {
    "pictures": {"inputs": "pictures"}, "words": {"inputs": "words"}, "both": {"inputs": "both"},
    "names dropped": {"inputs": "both", "names_dropped": 0.5}, "shifted": {"inputs": "both", "shifted": True},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=len(SEEDS), help="fewer, for a trial")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="fewer, for a trial")
    options = parser.parse_args()
    curves, late = Recording("clocks_pixels"), Recording("clocks_pixels_late")
    seeds = SEEDS[: options.splits]
    for rows in (900, 1144):
        data, seen = [whole(rows, seed) for seed in seeds], {}
        for way, changes in list(WAYS.items())[: len(WAYS) if rows == 900 else 3]:
            parts = [parts_of(each, ablated=changes["inputs"] == "both") for each in data]
            networks = [model(each, seed=seed, **changes) for seed, each in zip(seeds, data)]
            epochs = min(options.epochs, WORDS if way == "words" else EPOCHS)
            seen[way] = SideBySide(networks, parts, seeds).train(epochs)
            for seed, logits, own in zip(seeds, seen[way], parts):
                curves.add(columns(logits, own), rows=rows, way=way, seed=seed)
            keras.backend.clear_session()
            curves.said()
        for seed, pictures, words, each in zip(seeds, seen["pictures"], seen["words"], data):
            for epoch, history in enumerate(late_grid(pictures, words, parts_of(each))):
                late.add(history, rows=rows, seed=seed, pictures=epoch)
    curves.save()
    late.save()


if __name__ == "__main__":
    main()
