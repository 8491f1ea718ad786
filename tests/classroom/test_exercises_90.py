"""The exercises of the cabinet of traps, and what its drawers say of tf_keras, which no notebook runs."""

import math

import keras
import numpy as np
import pytest
import tf_keras

from course_utils.classroom.chapter_90 import exercises as ex
from exercise_rules import ExerciseRules


def best_epoch(history, validation_freq, place=np.argmin, column="val_loss", first=1, shift=-1):
    return (place(history[column]) + first) * validation_freq + shift


def last_of_equals(values):
    return len(values) - 1 - np.argmin(values[::-1])


def first_valley(history, freq):
    losses = history["val_loss"]
    worse = [place for place in range(len(losses) - 1) if losses[place + 1] >= losses[place]]
    return (min(worse, default=len(losses) - 1) + 1) * freq - 1


def patient(history, freq, patience=2):
    losses, best = history["val_loss"], 0
    for place, loss in enumerate(losses):
        if loss < losses[best]:
            best = place
        elif place - best >= patience:
            break
    return (best + 1) * freq - 1


def last_drop(history, freq):
    losses = history["val_loss"]
    drops = [place for place in range(1, len(losses)) if losses[place] < losses[place - 1]]
    return (max(drops, default=0) + 1) * freq - 1


def looped(history, freq, best=math.inf, margin=0, kept=0):
    for place, loss in enumerate(history["val_loss"]):
        if loss < best - margin:
            best, kept = loss, place
    return (kept + 1) * freq - 1


def rounding(to):
    return lambda history, freq: (int(np.argmin(to(history["val_loss"]))) + 1) * freq - 1


def popping(history, freq):
    return (int(np.argmin(history.pop("val_loss"))) + 1) * freq - 1


def sorting(history, freq):
    epoch = best_epoch(history, freq)
    history["val_loss"].sort()
    return epoch


def freq_by_lengths(history, whole):
    return whole(len(history["loss"]) / len(history["val_loss"]))


class TestChapter90(ExerciseRules):
    chapters = [ex]
    names = dict(np=np)
    answers = {
        ex.four_epochs: (
            [7, 7.0, np.int64(7), np.array(7)],
            {"reuse": (2, "made a new callback"),
             "min_delta": (4, "no min_delta here"),
             "monitor": (5, "It did stop"),
             "Ctrl-C": (11, "ended by itself"),
             "evaluations": (12, "after every epoch"),
             "order": (1, "Drawer 1 shows itself by a seed"),
             "trainable": (9, "Drawer 9 shows itself by a layer"),
             "no drawer": (13, "from 1 to 12"),
             "a bool": (True, "from 1 to 12"),
             "a list": ([7], "take it out of the list"),
             "quotes": ("7", "leave out the quotes"),
             "text": ("resume", "from 1 to 12")}, ...),
        ex.three_in_one_loop: (
            [[1, 2, 5], "1,2,5", "1, 2, 5", [1.0, 2, 5], {5, 2, 1}, (5, 1, 2), np.array([2, 1, 5])],
            {"no seed": ([2, 5], "2 of 3 found. Look at the first line"),
             "no reuse": ([1, 5, 5], "2 of 3 found. Which objects"),
             "no monitor": ([1, 2], "2 of 3 found. Compiled with"),
             "none": ([], "Not yet. Look at"),
             "one more": ([1, 2, 5, 4], "Drawer 4 shows itself by a min_delta"),
             "another": ([1, 2, 3], "Drawer 3 shows itself by a baseline"),
             "one": (2, "Three drawers"),
             "names": (["seed", "reuse"], "there is the text 'seed'"),
             "no drawer": ([1, 2, 13], "there is no drawer 13"),
             "text": ("drawers", "there is the text 'd'"),
             "one twice": ([1, 2, 2, 5], "2 more than once"),
             "None": (None, "a list of three")}, [..., ..., ...]),
        ex.epoch_of_the_best: (
            [best_epoch, lambda h, freq: range(freq - 1, len(h["loss"]), freq)[np.argmin(h["val_loss"])],
             looped, rounding(np.float32), lambda h, freq: best_epoch(h, freq, place=np.nanargmin)],
            {"place": (lambda h, freq: int(np.argmin(h["val_loss"])), "the place in the list"),
             "multiplied": (lambda h, freq: best_epoch(h, freq, first=0, shift=0), "You multiply"),
             "from 1": (lambda h, freq: best_epoch(h, freq, shift=0), "Counted from 1"),
             "by lengths": (lambda h, _: best_epoch(h, freq_by_lengths(h, int)), "come out even"),
             "last of equals": (lambda h, freq: best_epoch(h, freq, place=last_of_equals),
                                "The first is best"),
             "rounded": (lambda h, _: best_epoch(h, freq_by_lengths(h, math.ceil)), "come out even"),
             "the first valley": (first_valley, "may come down again"),
             "a patience of 2": (patient, "may come down again"),
             "the last drop": (last_drop, "and not than all"),
             "a margin": (lambda h, freq: looped(h, freq, margin=0.01), "Do you round"),
             "two decimals": (rounding(lambda losses: np.round(losses, 2)), "Do you round"),
             "three decimals": (rounding(lambda losses: np.round(losses, 3)), "Do you round"),
             "half precision": (rounding(np.float16), "Do you round"),
             "begins at 1": (lambda h, freq: looped(h, freq, best=1), "begin at infinity"),
             "begins at a billion": (lambda h, freq: looped(h, freq, best=1e9), "begin at infinity"),
             "sizes": (lambda h, freq: best_epoch({"val_loss": np.abs(h["val_loss"])}, freq), "be negative"),
             "pops": (popping, "changes the history"),
             "sorts": (sorting, "changes the history"),
             "largest": (lambda h, freq: best_epoch(h, freq, place=np.argmax), "smaller is better"),
             "training loss": (lambda h, freq: int(np.argmin(h["loss"])), "lowest training loss"),
             "elsewhere": (lambda h, freq: 7, "you return 7"),
             "the value": (lambda h, freq: min(h["val_loss"]), "one whole number"),
             "all": (lambda h, freq: [4, 9, 14], "one whole number"),
             "text": (lambda h, freq: "epoch 9", "one whole number"),
             "by heart": (lambda h, freq: 9, "Is a number fixed?"),
             "no return": (lambda h, freq: None, "is a return missing?")}, lambda h, freq: ...),
    }


def test_every_drawer_has_its_own_message_in_the_first_exercise():
    messages = {drawer: ex.four_epochs.grade(drawer).text for drawer in ex.SIGNS if drawer != 7}
    assert len(set(messages.values())) == len(ex.SIGNS) - 1


def tiny(library, **settings):
    model = library.Sequential([library.Input((1,)), library.layers.Dense(1)])
    model.compile("sgd", "mse", **settings)
    return model


@pytest.mark.parametrize(("library", "orders"), [(keras, 1), (tf_keras, 3)], ids=["keras", "tf_keras"])
def test_drawer_1_a_seeded_fit_repeats_its_order_in_keras_3_alone(library, orders):
    library.utils.set_random_seed(0)
    seen = []

    def rows(y_true, y_pred):
        seen.extend(y_true.numpy().ravel())
        return y_pred[0] * 0

    x = np.arange(16.0)[:, None]
    tiny(library, metrics=[rows], run_eagerly=True).fit(x, x, batch_size=4, epochs=3, verbose=0)
    assert len(np.unique(np.reshape(seen, (3, 16)), axis=0)) == orders


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_drawer_2_a_checkpoint_measures_the_second_model_against_the_first(library, tmp_path):
    class Script(library.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = losses[epoch]

    best = library.callbacks.ModelCheckpoint(
        str(tmp_path / "{val_loss}.weights.h5"), save_best_only=True, save_weights_only=True)
    x = np.arange(4.0)[:, None]
    for losses in ([0.1, 0.2], [0.9, 0.8, 0.7, 0.6]):
        tiny(library).fit(x, x, epochs=len(losses), verbose=0, callbacks=[Script(), best])
    assert [path.name for path in tmp_path.glob("*.weights.h5*")] == ["0.1.weights.h5"]


@pytest.mark.parametrize(("library", "batches"), [(keras, 1), (tf_keras, 4)], ids=["keras", "tf_keras"])
def test_drawer_8_only_keras_3_can_cut_validation_short(library, batches):
    class Cut(library.callbacks.Callback):
        validated = 0

        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

        def on_test_batch_end(self, batch, logs=None):
            self.validated += 1
            self.model.stop_evaluating = True

    x, cut = np.arange(16.0)[:, None], Cut()
    tiny(library).fit(x, x, batch_size=4, epochs=3, verbose=0, validation_data=(x, x), callbacks=[cut])
    assert cut.validated == batches
