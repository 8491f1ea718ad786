"""The exercises of the cabinet of traps, and what its drawers say of tf_keras, which no notebook runs."""

import math
import re

import jupytext
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import build
from course_utils.classroom.chapter_90 import exercises as ex
from course_utils.classroom.chapter_90.drawers import Script, lose_machine, runner
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


def of_the_last_column(history, freq):
    return (int(np.argmin([*history.values()][-1])) + 1) * freq - 1


def of_a_validation(history, freq):
    column = next(losses for name, losses in history.items() if name.startswith("val_"))
    return (int(np.argmin(column)) + 1) * freq - 1


def by_accuracy(history, freq):
    if "val_accuracy" in history:
        return (int(np.argmax(history["val_accuracy"])) + 1) * freq - 1
    return best_epoch(history, freq)


def with_zero_for_nothing(history, freq):
    best, kept = None, 0
    for place, loss in enumerate(history["val_loss"]):
        if not best or loss < best:
            best, kept = loss, place
    return (kept + 1) * freq - 1


def of_finite_ones(history, freq):
    losses = [loss for loss in history["val_loss"] if math.isfinite(loss)]
    return best_epoch({"val_loss": losses}, freq)


def evenly(history, freq):
    epochs = np.linspace(freq - 1, len(history["loss"]) - 1, len(history["val_loss"]))
    return round(epochs[np.argmin(history["val_loss"])])


KNOWN = {}


def known_by_freq(history, freq):
    return KNOWN.setdefault(freq, best_epoch(history, freq))


def yielding(history, freq):
    yield best_epoch(history, freq)


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
            [5, 5.0, np.int64(5), np.array(5)],
            {"the best of all": (2, "new process not know"),
             "the backup's": (4, "where the backup was made"),
             "where it should end": (6, "should have ended"),
             "the last": (9, "Epoch 9 is the last"),
             "before the restart": (1, "Of the epochs before the restart"),
             "since the restart": (7, "a val_loss of 0.47. Of the epochs since the restart"),
             "no epoch": (10, "no epoch 10"),
             "counted from 1": (-1, "no epoch -1"),
             "a bool": (True, "from 0 to 9"),
             "a list": ([5], "take it out of the list"),
             "quotes": ("5", "leave out the quotes"),
             "text": ("the best", "from 0 to 9")}, ...),
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
             "no drawer": ([1, 2, 14], "there is no drawer 14"),
             "text": ("drawers", "there is the text 'd'"),
             "one twice": ([1, 2, 2, 5], "2 more than once"),
             "None": (None, "a list of three")}, [..., ..., ...]),
        ex.epoch_of_the_best: (
            [best_epoch, lambda h, freq: range(freq - 1, len(h["loss"]), freq)[np.argmin(h["val_loss"])],
             looped, lambda h, freq: best_epoch(h, freq, place=np.nanargmin)],
            {"place": (lambda h, freq: int(np.argmin(h["val_loss"])), "the place in the list"),
             "multiplied": (lambda h, freq: best_epoch(h, freq, first=0, shift=0), "After epoch 5 nothing"),
             "added": (lambda h, freq: best_epoch(h, 1, shift=freq - 2), "After epoch 5 nothing"),
             "the last column": (of_the_last_column, "by its name"),
             "a validation": (of_a_validation, "by its name"),
             "by accuracy": (by_accuracy, "by its name"),
             "1 is another thing": (lambda h, freq: best_epoch(h, freq, shift=-(freq > 1)),
                                    "after every epoch then"),
             "five at most": (lambda h, freq: best_epoch(h, min(freq, 5)), "With validation_freq="),
             "0 is nothing": (with_zero_for_nothing, "takes 0 for false"),
             "a patience of 4": (lambda h, freq: patient(h, freq, 4), "Look at all of them"),
             "the first five": (lambda h, freq: best_epoch({"val_loss": h["val_loss"][:5]}, freq),
                                "Look at all of them"),
             "a patience of 10": (lambda h, freq: patient(h, freq, 10), "Look at all of them"),
             "the first twenty": (lambda h, freq: best_epoch({"val_loss": h["val_loss"][:20]}, freq),
                                  "Look at all of them"),
             "finite ones": (of_finite_ones, "counts as one"),
             "evenly": (evenly, "need not come out even"),
             "known by freq": (known_by_freq, "need not come out even"),
             "first left out": (lambda h, freq: best_epoch({"val_loss": h["val_loss"][1:]}, freq, first=2),
                                "the first validation left out"),
             "yield": (yielding, "is there a yield"),
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
             "six decimals": (rounding(lambda losses: np.round(losses, 6)), "Do you round"),
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
             "by heart": (lambda h, freq: 9, "Is a number fixed"),
             "no return": (lambda h, freq: None, "is a return missing?")}, lambda h, freq: ...),
    }


def test_the_log_of_the_first_exercise_is_that_of_the_lesson():
    cells = jupytext.read(build.ROOT / "lessons" / "90_cabinet_of_traps.py", fmt="py:percent").cells
    told = re.findall(r"epoch (\d+) +val_loss (\S+)", "\n".join(cell.source for cell in cells))
    assert {int(epoch): float(loss) for epoch, loss in told} == ex.LOG


def test_the_weights_of_the_first_exercise_are_those_that_keras_brings_back():
    def callbacks(folder):
        return [keras.callbacks.BackupAndRestore(folder),
                keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)]

    x, script = np.arange(16.0, dtype="float32").reshape(8, 2) / 16, Script([*ex.LOG.values()])
    run = runner(tiny(keras, inputs=2), x, x[:, :1])
    last = lose_machine(run, script, callbacks, lambda: tiny(keras, inputs=2), at=5)
    assert last == 9 and script.epoch_of_weights() == 5


def test_a_machine_that_is_not_lost_is_an_error():
    x = np.arange(8.0)[:, None]
    with pytest.raises(ValueError, match="ended before epoch 5"):
        lose_machine(runner(tiny(keras), x, x), Script([0.5] * 3), lambda folder: [], lambda: tiny(keras))


def test_the_index_leads_to_every_drawer():
    lesson = (build.ROOT / "lessons" / "90_cabinet_of_traps.py").read_text(encoding="utf-8")
    links = re.findall(r"\[(\d+)\]\(#([\w-]+)\)", lesson)
    headings = re.findall(r'(?m)^# <a id="([\w-]+)"></a>\n#\n# ## (\d+)\. (.+)$', lesson)
    assert [number for number, _ in links] == [str(drawer) for drawer in ex.SIGNS]
    assert links == [(number, place) for place, number, _ in headings]
    for place, number, title in headings:  # the site goes by the heading, and Jupyter by the anchor
        assert place == re.sub(r"[^\w\- ]", "", f"{number}. {title}".lower()).replace(" ", "-")


def test_every_drawer_is_known_by_another_sign():
    assert [*ex.SIGNS] == [*range(1, 14)] and len({*ex.SIGNS.values()}) == len(ex.SIGNS)


def tiny(library, inputs=1, **settings):
    model = library.Sequential([library.Input((inputs,)), library.layers.Dense(1)])
    model.compile("sgd", "mse", **settings)
    return model


@pytest.mark.parametrize("seed", ["of Keras", "of TensorFlow"])
@pytest.mark.parametrize(("library", "orders"), [(keras, 1), (tf_keras, 3)], ids=["keras", "tf_keras"])
def test_drawer_1_a_seeded_fit_repeats_its_order_in_keras_3_alone(library, orders, seed):
    (library.utils.set_random_seed if seed == "of Keras" else tf.random.set_seed)(0)
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


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_drawer_2_early_stopping_starts_afresh(library):
    class Script(library.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = losses[epoch]

    x, stop = np.arange(4.0)[:, None], library.callbacks.EarlyStopping(patience=2)
    for losses in ([0.1, 0.2, 0.3], [0.9, 0.8, 0.7, 0.6]):
        fit = tiny(library).fit(x, x, epochs=len(losses), verbose=0, callbacks=[Script(), stop])
        assert len(fit.history["loss"]) == len(losses)


@pytest.mark.parametrize(("library", "error"), [(keras, ValueError), (tf_keras, KeyError)],
                         ids=["keras", "tf_keras"])
def test_drawer_9_a_step_built_anew_cannot_unfreeze_what_was_frozen_from_the_start(library, error):
    x, model = np.arange(4.0)[:, None] / 4, library.Sequential([library.Input((1,))])
    for _ in range(2):
        model.add(library.layers.Dense(1))
    model.layers[0].trainable = False
    model.compile("sgd", "mse")

    class Unfreeze(library.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                model.layers[0].trainable = True
                model.make_train_function(force=True)

    with pytest.raises(error):
        model.fit(x, x, epochs=2, verbose=0, callbacks=[Unfreeze()])


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


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_drawer_12_after_an_interrupt_nothing_is_restored(library):
    class Interrupts(library.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            weights.append(self.model.get_weights())
            logs["val_loss"] = [0.5, 0.1, 0.2][epoch]
            if epoch == 2:
                raise KeyboardInterrupt

    x, model, weights = np.arange(4.0)[:, None] / 4, tiny(library), []
    stop = library.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, x, epochs=6, verbose=0, callbacks=[Interrupts(), stop])
    for epoch, kept in ((2, model.get_weights()), (1, stop.best_weights)):
        assert all(map(np.array_equal, kept, weights[epoch]))


def test_drawer_13_tf_keras_has_no_such_loss():
    assert hasattr(keras, "distillation") and not hasattr(tf_keras, "distillation")


# ---- what the list at the end says of Keras alone ----


def test_a_pipeline_that_shuffles_gives_each_epoch_its_order_despite_the_seed():
    seen = []

    def rows(y_true, y_pred):
        seen.extend(y_true.numpy().ravel())
        return 0.0

    keras.utils.set_random_seed(0)
    x = np.arange(16.0)[:, None]
    pipeline = tf.data.Dataset.from_tensor_slices((x, x)).shuffle(16).batch(4)
    tiny(keras, metrics=[rows], run_eagerly=True).fit(pipeline, epochs=3, verbose=0)
    assert len(np.unique(np.reshape(seen, (3, 16)), axis=0)) == 3


def test_a_checkpoint_keeps_the_best_epoch_whatever_the_margin(tmp_path):
    x, model = np.arange(8.0)[:, None] / 8, tiny(keras)
    run, script, path = runner(model, x, x), Script([0.50, 0.45, 0.41, 0.43]), tmp_path / "best.weights.h5"
    run(script, keras.callbacks.EarlyStopping(patience=3, min_delta=0.1),
        keras.callbacks.ModelCheckpoint(str(path), save_best_only=True, save_weights_only=True))
    model.load_weights(path)
    assert script.epoch_of_weights() == 2


def test_reset_metrics_before_each_batch_shows_its_own_loss():
    class Reset(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.reset_metrics()

        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["loss"])

    x, labels, losses, model = np.zeros((16, 1)), np.repeat([10.0, 0.0, 0.0, 0.0], 4), [], tiny(keras)
    model.set_weights([0 * weights for weights in model.get_weights()])
    model.optimizer.learning_rate = 0.0
    model.fit(x, labels, batch_size=4, shuffle=False, verbose=0, callbacks=[Reset()])
    assert losses == [100, 0, 0, 0]


def test_without_a_mode_keras_3_raises_where_a_monitor_is_misspelt():
    x = np.arange(8.0)[:, None]
    with pytest.raises(ValueError, match="val_los"):
        tiny(keras).fit(x, x, epochs=3, verbose=0, callbacks=[keras.callbacks.EarlyStopping("val_los")])


def test_without_a_mode_keras_3_raises_for_a_metric_of_ones_own():
    def mine(y_true, y_pred):
        return keras.ops.mean(y_pred)

    x, stop = np.arange(8.0)[:, None], keras.callbacks.EarlyStopping("val_mine")
    with pytest.raises(ValueError, match="val_mine"):
        tiny(keras, metrics=[mine]).fit(x, x, validation_data=(x, x), epochs=3, verbose=0, callbacks=[stop])


def test_a_checkpoint_counts_epochs_from_1_and_the_log_from_0(tmp_path):
    x = np.arange(8.0)[:, None]
    tiny(keras).fit(x, x, epochs=2, verbose=0, callbacks=[
        keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)])
    assert {path.name for path in tmp_path.glob("*.h5")} == {"1.weights.h5", "2.weights.h5"}
    log = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "0", "1"]


def test_without_validation_data_keras_3_only_warns():
    x, model = np.arange(8.0)[:, None], tiny(keras)
    with pytest.warns(UserWarning, match="`val_loss` which is not available"):
        model.fit(x, x, epochs=3, verbose=0, callbacks=[keras.callbacks.EarlyStopping(patience=1)])
    assert len(model.history.history["loss"]) == 3
