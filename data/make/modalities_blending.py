"""Record data/curves/blending.npz: Gradient-Blending's weights on chapter 07's emoji, against equal ones.

    python data/make/modalities_blending.py

One network with a head on the pictures, on the words and on both (`chapter_07.networks.network`), features
as they are (scale 1). Its losses are weighted equally, or by `blending_weights` from the first four epochs of
three rehearsals in clocks.npz: each input alone, and both. Weights sum to 3 in either case.

Labels: way ("equal", "blended"), seed (0 to 7). Columns: val_loss, test_accuracy of the head on both, 30
epochs; weight_pictures, weight_words, weight_both: one value.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from modalities import BATCH, Recording, rounded

from course_utils.classroom import data
from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.networks import accuracy, cross_entropy, network
from course_utils.multimodal import blending_weights
from course_utils.stopping import batches

EPOCHS, SEEDS, HEADS = 30, range(8), ("pictures", "words", "both")


class Look(keras.callbacks.Callback):
    """Validation loss and test accuracy of the head on both, after each epoch."""

    def __init__(self, given):
        super().__init__()
        self.given, self.seen = given, {"val_loss": [], "test_accuracy": []}

    def on_epoch_end(self, epoch, logs=None):
        for part, column, measure in (("validation", "val_loss", cross_entropy),
                                      ("test", "test_accuracy", accuracy)):
            inputs, labels = getattr(self.given, part)
            self.seen[column].append(measure(np.asarray(self.model(inputs)["both"]), labels))


def main():
    curves, clocks = Recording("blending"), data.load_curves("clocks")
    for seed in SEEDS:
        given = split(seed)
        (x, y), widths = given.train, {"pictures": 1280, "words": len(given.vocabulary)}
        alone = {way: clocks.select(way=way, seed=seed, scale=1.0)[0] for way in HEADS}
        for way, weights in {"equal": dict.fromkeys(HEADS, 1.0),
                             "blended": blending_weights(alone, start=0, end=3, total=3)}.items():
            model = network(widths, len(given.groups), HEADS, seed=seed)
            model.compile(model.optimizer, model.loss, loss_weights=weights)
            look = Look(given)
            pipeline = batches(x, y, BATCH, seed).map(lambda x, y: (x, dict.fromkeys(HEADS, y)))
            model.fit(pipeline, epochs=EPOCHS, verbose=0, callbacks=[look])
            given_weights = {f"weight_{head}": [rounded(value)] for head, value in weights.items()}
            curves.add({"val_loss": rounded(look.seen["val_loss"]),
                        "test_accuracy": look.seen["test_accuracy"], **given_weights}, way=way, seed=seed)
        curves.said()
    curves.save()


if __name__ == "__main__":
    main()
