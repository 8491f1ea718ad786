"""Record data/curves/blending.npz: Gradient-Blending's weights on chapter 07's emoji, against equal ones.

    python data/make/modalities_blending.py

One network with a head on the pictures, on the words and on both (`chapter_07.networks.network`), features
as they are (scale 1). Its losses are weighted equally, or by `blending_weights` from the first four epochs of
three rehearsals in clocks.npz: each input alone, and both. Weights sum to 3 in either case. A third way has
equal weights and the lesson's two callbacks: pictures are frozen by the loss of their own head, and then a
stop ends the training.

Labels: way ("equal", "blended", "frozen"), seed (0 to 7). Columns: val_loss, test_accuracy of the head on
both, 30 epochs, or until the stop of "frozen"; weight_pictures, weight_words, weight_both: one value.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
from modalities import BATCH, Recording, rounded

from course_utils.classroom import data
from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.networks import accuracy, cross_entropy, network
from course_utils.multimodal import FreezeWhen, blending_weights
from course_utils.stopping import Above, Armed, Patience, StopWhen, batches

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


def fitted(way, weights, given, seed):
    """The history of one network."""
    (x, y), widths = given.train, {"pictures": 1280, "words": len(given.vocabulary)}
    model = network(widths, len(given.groups), HEADS, seed=seed)
    model.compile(model.optimizer, model.loss, loss_weights=weights)
    look = Look(given)
    pipeline = batches(x, y, BATCH, seed).map(for_each_head)
    if way == "frozen":
        freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["pictures_branch", "pictures_head"],
                            restore_best="val_pictures_loss", name="pictures_frozen")
        stop = StopWhen(Armed(Above("pictures_frozen", 0.5), Patience("val_both_loss", 3, min_delta=0.01)))
        validation = for_each_head(*given.validation)
        model.fit(pipeline, validation_data=validation, validation_batch_size=len(given.validation[1]),
                  epochs=60, verbose=0, callbacks=[look, freeze, stop])
    else:
        model.fit(pipeline, epochs=EPOCHS, verbose=0, callbacks=[look])
    return {"val_loss": rounded(look.seen["val_loss"]), "test_accuracy": look.seen["test_accuracy"],
            **{f"weight_{head}": [rounded(value)] for head, value in weights.items()}}


def for_each_head(inputs, label):
    return inputs, dict.fromkeys(HEADS, label)


def main():
    curves, clocks = Recording("blending"), data.load_curves("clocks")
    for seed in SEEDS:
        alone = {way: clocks.select(way=way, seed=seed, scale=1.0)[0] for way in HEADS}
        equal = dict.fromkeys(HEADS, 1.0)
        for way, weights in {"equal": equal, "blended": blending_weights(alone, start=0, end=3, total=3),
                             "frozen": equal}.items():
            curves.add(fitted(way, weights, split(seed), seed), way=way, seed=seed)
        curves.said()
    curves.save()


if __name__ == "__main__":
    main()
