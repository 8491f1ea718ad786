"""Pruning at the stop with tfmot, and PruneWhen inside one fit."""
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils.pruning import PruneWhen, at_target, masks, prune_at_stop, sparsity, to_keras, to_tf_keras
from course_utils.pruning import at_stop as pruning
from course_utils.pruning.bridge import clone
from course_utils.pruning.bridge_compile import compile_like, compile_tf_keras
from course_utils.pruning.masks import Ramp
from course_utils.pruning.tfmot_twin import Masks, wrapping
from course_utils.stopping import Armed, Epochs, MissingColumn, Patience, Probe, StepBudget, StopWhen
from course_utils.stopping.steps import Steps

X = np.random.default_rng(0).normal(size=(160, 6)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype("int32")
TRAIN, VALIDATION = (X[:128], Y[:128]), (X[128:], Y[128:])
DATA = tf.data.Dataset.from_tensor_slices(TRAIN).batch(16)  # 8 steps an epoch


def network(*extra, **compiled):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((6,), name="features"), layers.Dense(40, "relu", name="wide"),
                              *extra, layers.Dense(2, name="head")], name="small")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    usual = dict(optimizer=keras.optimizers.Adam(0.001), loss=loss, metrics=["accuracy"])
    model.compile(**{**usual, **compiled})
    return model


class At(Probe):
    """Calls a function at the beginning of one batch of one epoch."""

    def __init__(self, epoch, batch, do):
        super().__init__("at")
        self.place, self.do = (epoch, batch), do

    def _implements_train_batch_hooks(self):
        return True

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.do(self.model)


def interrupt(model):
    raise KeyboardInterrupt


# ---- tfmot, and what importing it must not do ----

CHECK = """
import os, subprocess, sys
before = dict(os.environ)
{}
from course_utils.pruning import tfmot
module = tfmot()
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
import keras, tensorflow as tf
assert keras.__version__.startswith("3.") and tf.keras.__version__ == keras.__version__
import tf_keras
module.sparsity.keras.prune_low_magnitude(tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,))]))
told = subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('TF_USE_LEGACY_KERAS'))"],
                      capture_output=True, text=True).stdout.strip()
assert told == before.get("TF_USE_LEGACY_KERAS", "None"), told
"""


@pytest.mark.parametrize("before, legacy", [
    ("import tf_keras; import keras", {}),
    pytest.param("", {}, marks=pytest.mark.rare),
    pytest.param("import tensorflow as tf", {"TF_USE_LEGACY_KERAS": "0"}, marks=pytest.mark.rare)])
def test_importing_tfmot_changes_nothing(before, legacy):
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    ran = subprocess.run([sys.executable, "-c", CHECK.format("import course_utils; " + before)],
                         capture_output=True, text=True, env=environment | legacy)
    assert ran.returncode == 0, ran.stderr[-1500:]


@pytest.mark.parametrize("missing", ["tensorflow_model_optimization", "tf_keras"])
def test_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    minor = ".".join(tf.__version__.split(".")[:2])
    with pytest.raises(ImportError, match=rf"{missing} cannot be imported.*pip install.*tf-keras=={minor}"):
        pruning.tfmot()
    assert "TF_USE_LEGACY_KERAS" not in os.environ


# ---- what is counted ----


def test_sparsity_of_all_kinds_of_layers():
    words = keras.Input((4,), dtype="int32")
    shared = layers.Dense(5, name="shared")
    deep = [layers.Dense(5, name="deep"), layers.BatchNormalization()]
    inner = keras.Sequential([keras.Input((5,)), *deep], name="in")
    x = layers.Embedding(9, 2, name="em")(words)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="gru")(x)
    x = layers.MultiHeadAttention(2, 2, name="heads")(x, x)
    x = layers.SeparableConv1D(2, 2, name="separable")(x)
    x = inner(shared(shared(layers.Dense(5, name="first")(layers.Flatten()(x)))))
    model = keras.Model(words, x)
    found = {name: sum(int(np.prod(v.shape)) for v in group) for name, group in masks.kernels(model).items()}
    assert found == {"em": 18, "gru": 2 * (2 * 9 + 3 * 9), "heads": 4 * 6 * 4, "separable": 12, "first": 30,
                     "shared": 25, "in/deep": 25}
    for kernel in masks.kernels(model)["gru"][:2]:
        kernel.assign(np.zeros(kernel.shape))
    wrap = wrapping(Ramp(0.5, 10, 10), masks.kernels(model))
    for each in (model, to_tf_keras(model), to_tf_keras(model, wrap=wrap)):
        measured = sparsity(each)
        assert measured.layers == {**dict.fromkeys(found, 0.0), "gru": 0.5}
        assert measured.total == pytest.approx(45 / sum(found.values()))


def test_at_target_asks_for_what_can_be_reached():
    assert at_target(0.9).met({"sparsity": [0.898, 0.8991]}).tolist() == [False, True]
    tiny = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.Dense(1)])
    rule = at_target(0.9, tiny)  # its kernels have 16 and 4 weights, and keep 2 and 1
    assert rule.met({"sparsity": [0.8, 0.85]}).tolist() == [False, True]


@pytest.mark.parametrize("steps", [57, 60, 64])
def test_the_ramp_is_tfmots_and_reaches_its_target(steps):
    ramp = Ramp.over(8, steps, 0.9, 10)
    theirs = pruning.tfmot().sparsity.keras.PolynomialDecay(0.0, 0.9, 0, ramp.steps, frequency=10)
    due, last = [], 0
    for step in range(1, 8 * steps + 1):
        now, wanted = theirs(tf.constant(step, tf.int64))
        if ramp.due(last, step) is not None:
            last = step
            due.append(step)
            assert ramp.sparsity(step) == pytest.approx(float(wanted), abs=1e-7)
        assert bool(now) == (last == step)
    assert due[-1] == ramp.steps and ramp.sparsity(ramp.steps) == pytest.approx(0.9)
    assert 0 <= 8 * steps - ramp.steps < 10


# ---- PruneWhen against tfmot ----


def pictures():
    keras.utils.set_random_seed(4)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), *[layers.Conv2D(8, 3, activation="relu") for _ in range(2)],
        layers.Flatten(), layers.Dense(16, "relu"), layers.Dense(10),
    ])
    model.compile(keras.optimizers.Adam(0.001), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_the_same_masks_and_weights_as_tfmot():
    random = np.random.default_rng(5)
    x, y = random.normal(size=(128, 8, 8, 1)).astype("float32"), random.integers(0, 10, 128)
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    settings = dict(validation_data=(x, y), epochs=4, verbose=0)
    model = pictures()
    twin = to_tf_keras(model, wrap=wrapping(Ramp.over(3, 8, 0.9, 5), masks.kernels(model)))
    compile_tf_keras(twin, model)
    update = pruning.tfmot().sparsity.keras.UpdatePruningStep()
    masks_, after = Masks(), []

    class Evaluate(Probe):
        def on_epoch_end(self, epoch, logs=None):
            after.append(self.model.evaluate(x, y, verbose=0))

    theirs = twin.fit(data, callbacks=[update, masks_, Evaluate("e")], **settings).history
    # one epoch of training is done when the event comes; it is undone
    weights, native = model.get_weights(), pictures()
    prune = PruneWhen(Epochs(1), 0.9, epochs=3, frequency=5)
    settings["epochs"] += 1

    class Undo(Probe):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.set_weights(weights)
                for variable in self.model.optimizer.variables:
                    if variable is not self.model.optimizer.learning_rate:
                        variable.assign(np.zeros(variable.shape))

    ours = native.fit(data, callbacks=[prune, Undo("undo")], **settings).history

    assert ours["sparsity"][1:] == theirs["sparsity"] and theirs["sparsity"][-1] > 0.898
    assert sparsity(native).total == ours["sparsity"][-1]
    for one, same in zip(native.get_weights(), to_keras(twin, model).get_weights(), strict=True):
        np.testing.assert_array_equal(one != 0, same != 0)
        np.testing.assert_allclose(one, same, rtol=1e-4, atol=1e-6)
    # what is validated is masked: in tfmot's fit without help of ours, and in PruneWhen's
    np.testing.assert_allclose(theirs["val_loss"], after, rtol=1e-5)
    np.testing.assert_allclose(ours["val_loss"][1:], after, rtol=1e-4)
    assert not np.allclose(ours["loss"][2], after[1], rtol=1e-3)


# ---- PruneWhen ----


def test_a_ramp_has_a_hundred_masks_and_a_short_one_a_mask_every_ten_steps():
    for steps_per_epoch, frequency in ((30, 10), (137, 10), (138, 11), (1000, 80)):
        ramp = Ramp.over(8, steps_per_epoch, 0.9)
        assert ramp.frequency == frequency and 0 <= 8 * steps_per_epoch - ramp.steps < frequency
        assert ramp == Ramp.over(1, ramp.steps, 0.9), "a resumed one knows the steps of the ramp alone"
    with pytest.raises(ValueError, match="frequency"):
        Ramp.over(8, 30, 0.9, 0)


def prune_in_one_fit(model, prune, epochs=6, more=(), data=DATA):
    callbacks = [prune, *more]
    return model.fit(data, validation_data=VALIDATION, epochs=epochs, verbose=0, callbacks=callbacks).history


@pytest.mark.parametrize("compiled, policy", [
    (dict(), "float32"), (dict(jit_compile=True), "float32"), (dict(steps_per_execution=3), "float32"),
    (dict(run_eagerly=True), "float32"), (dict(), "mixed_bfloat16"), (dict(), "mixed_float16"),
], ids=["plain", "jit", "steps_per_execution", "eager", "bfloat16", "float16"])
def test_pruning_in_every_kind_of_step(compiled, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network(**compiled)
    finally:
        keras.config.set_dtype_policy(before)
    prune, seen = PruneWhen(Epochs(2), 0.8, epochs=2, frequency=4), []
    look = At(5, 0, lambda model: seen.append(sparsity(model).total))
    history = prune_in_one_fit(model, prune, more=[look])
    assert history["sparsity"][:2] == [0, 0] and 0 < history["sparsity"][2] < history["sparsity"][3]
    assert history["sparsity"][3:] == [0.8] * 3 and seen == [0.8]
    assert sparsity(model).total == 0.8 and sparsity(model).layers == {"wide": 0.8, "head": 0.8}
    assert history["loss"][-1] < history["loss"][3]  # what is left goes on learning


class TwoUpdates(keras.Model):
    """Each batch moves the optimizer twice."""

    def train_step(self, data):
        super().train_step(data)
        return super().train_step(data)


def twice():
    inner = network()
    model = TwoUpdates(inner.inputs, inner.outputs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


class Asking(PruneWhen):
    """Reads the steps before every batch."""

    _ask_at = property(lambda self: 0, lambda self, value: None)


@pytest.mark.parametrize("make", [
    network, lambda: network(steps_per_execution=3), twice,
    lambda: network(optimizer=keras.optimizers.Adam(gradient_accumulation_steps=2)),
], ids=["plain", "steps_per_execution", "two updates a batch", "accumulation"])
def test_masks_come_at_the_same_steps_although_the_steps_are_seldom_read(make, monkeypatch):
    reads, real = [], Steps._calls
    monkeypatch.setattr(Steps, "_calls", lambda self: reads.append(0) or real(self))

    def told(kind):
        prune, seen = kind(Epochs(2), 0.8, epochs=6, frequency=6), []
        look = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: seen.append(prune.pruner.facts()["last"]))
        reads.clear()
        prune_in_one_fit(make(), prune, epochs=9, more=[look])
        return seen, len(reads)

    (seldom, few), (always, many) = told(PruneWhen), told(Asking)
    assert seldom == always and len(set(always)) >= 5
    assert few < many


def test_the_compiled_step_keeps_the_zeros():
    """With one mask only, and nothing of Python in between: else Python could mend it before each step."""
    model, weights = network(), []
    prune = PruneWhen(Epochs(1), 0.5, epochs=1, frequency=8)
    look = At(3, 5, lambda model: weights.append(np.array(model.layers[0].kernel)))
    prune_in_one_fit(model, prune, epochs=4, more=[look])
    assert np.mean(weights[0] == 0) == 0.5


def test_constraints_of_ones_own_stay_in_force():
    model = network(layers.Dense(20, "relu", kernel_constraint=keras.constraints.UnitNorm(), name="unit"))
    own = model.get_layer("unit").kernel.constraint
    seen = []
    norms = At(4, 3, lambda model: seen.append(np.array(model.get_layer("unit").kernel)))
    prune_in_one_fit(model, PruneWhen(Epochs(1), 0.5, epochs=1, frequency=4), more=[norms])
    assert np.mean(seen[0] == 0) == 0.5
    np.testing.assert_allclose(np.linalg.norm(seen[0], axis=0), 1, atol=0.01)  # of what is left
    assert model.get_layer("unit").kernel.constraint is own
    assert model.get_layer("wide").kernel.constraint is None


def test_zeros_stay_after_training_and_the_constraints_go():
    model, prune = network(), PruneWhen(Epochs(1), 0.5, epochs=1, frequency=8)
    prune_in_one_fit(model, prune, epochs=3)
    assert sparsity(model).total == 0.5
    model.fit(DATA, verbose=0)
    assert sparsity(model).total < 0.1  # a training without it is free


def test_a_second_fit_starts_afresh():
    model, prune = network(), PruneWhen(Epochs(1), 0.5, epochs=2, frequency=8)
    first = prune_in_one_fit(model, prune, epochs=3)["sparsity"]
    second = prune_in_one_fit(model, prune, epochs=3)["sparsity"]
    assert first == second == [0, pytest.approx(0.4375), 0.5]
    other = network()
    assert prune_in_one_fit(other, prune, epochs=3)["sparsity"] == first and sparsity(other).total == 0.5


def test_after_ctrl_c():
    model, prune = network(), PruneWhen(Epochs(1), 0.5, epochs=1, frequency=8)
    with pytest.raises(KeyboardInterrupt):
        prune_in_one_fit(model, prune, more=[At(3, 4, interrupt)])
    assert sparsity(model).total == 0.5 and model.layers[0].kernel.constraint is not None
    prune.finish()
    assert sparsity(model).total == 0.5 and model.layers[0].kernel.constraint is None
    with pytest.raises(KeyboardInterrupt):
        prune_in_one_fit(model, prune, more=[At(3, 4, interrupt)])
    again = prune_in_one_fit(model, prune, epochs=2)["sparsity"]  # not finished: the next fit does it
    assert again == [0, 0.5] and model.layers[0].kernel.constraint is None


def test_the_best_of_the_sparse_epochs_comes_back():
    model, prune = network(), PruneWhen(Epochs(2), 0.8, epochs=2, frequency=8)
    stop = StopWhen(Armed(at_target(0.8), Patience("val_loss", 2)), restore_best="val_loss",
                    best_when=at_target(0.8))
    prune_in_one_fit(model, prune, epochs=60, more=[stop])
    assert stop.report.best_epoch >= 3 and sparsity(model).total == 0.8
    loss = model.evaluate(*VALIDATION, verbose=0)[0]
    assert loss == pytest.approx(stop.report.kept, rel=1e-4)
    assert prune.report.reason.startswith("another callback stopped training")
    assert "acted 1 time, the last because 2 epochs are done at epoch 1" in prune.report.reason


def test_an_event_within_an_epoch():
    model, prune = network(), PruneWhen(StepBudget(4), 0.5, epochs=1, frequency=4)
    history = prune_in_one_fit(model, prune, epochs=2)
    assert history["sparsity"] == [pytest.approx(0.4375), 0.5]


def test_a_kernel_full_of_zeros_gets_there_too():
    model = network()
    kernel = np.array(model.layers[0].kernel)
    kernel[:, 4:] = 0
    model.layers[0].kernel.assign(kernel)
    prune = PruneWhen(Epochs(1), 0.5, epochs=1, frequency=8)
    model.optimizer.learning_rate = 0.0
    assert prune_in_one_fit(model, prune, epochs=2)["sparsity"] == [0, 0.5]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("zeros", [0, 0.5, 0.95, 1])
def test_a_mask_keeps_the_largest_and_exactly_as_many_as_are_due(zeros, share):
    random = np.random.default_rng(4)
    kernel = random.normal(size=(40, 30)).astype("float32")
    kernel[random.random(kernel.shape) < zeros] = 0
    mask, sizes = masks.mask_of(kernel, share), np.abs(kernel)
    assert mask.shape == kernel.shape and np.count_nonzero(mask) == masks.kept(kernel.size, share)
    assert sizes[mask].min() >= sizes[~mask].max()


@pytest.mark.parametrize("factor", [0, 1e-6, 1, 1e6, np.inf])
def test_a_mask_is_exact_whatever_the_weights_that_it_samples(factor):
    kernel = np.random.default_rng(5).normal(size=6100).astype("float32")
    kernel[::61] *= np.float32(factor)
    sizes = np.abs(kernel)
    for share in (0.001, 0.05, 0.5, 0.9, 0.999):
        mask, count = masks.mask_of(kernel, share), masks.kept(kernel.size, share)
        assert np.count_nonzero(mask) == count and sizes[mask].min() >= sizes[~mask].max()
        again = masks.mask_of(kernel * mask if factor < np.inf else np.where(mask, kernel, 0), share)
        np.testing.assert_array_equal(again, mask)  # of what is pruned already nothing more goes


# ---- prune_at_stop ----


def at_stop(model, data=TRAIN, **changed):
    settings = dict(first=Patience("val_loss", 1) | Epochs(5), second=Patience("val_loss", 2),
                    target_sparsity=0.8, validation_data=VALIDATION, ramp_epochs=2, frequency=4, epochs=12,
                    batch_size=16, verbose=0)
    return prune_at_stop(model, data, **{**settings, **changed})


def test_trained_pruned_and_stopped_twice():
    model = network(optimizer=keras.optimizers.Adam(0.004))
    pruned, report = at_stop(model, epochs=80)
    assert isinstance(pruned, keras.Sequential) and pruned.name == "small"
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]
    assert report.reached and not report.interrupted and report.target_sparsity == 0.8
    assert sparsity(pruned) == report.sparsity and report.sparsity.layers == {"wide": 0.8, "head": 0.8}
    assert sparsity(model).total == 0  # the dense model is there still, with its best weights
    assert model.evaluate(*VALIDATION, verbose=0)[0] == pytest.approx(report.first.kept, rel=1e-4)
    # the second stop saw sparse epochs alone: patience 2 cannot end the phase before epoch 1 + 2
    assert "armed: sparsity" in report.second.reason and report.second.epoch >= 3
    assert report.second.best_epoch >= 1 and report.second.kept is not None
    loss, accuracy = pruned.evaluate(*VALIDATION, verbose=0)
    assert loss == pytest.approx(report.second.kept, rel=1e-4)
    assert float(pruned.optimizer.learning_rate) == pytest.approx(0.004)
    pruned.fit(DATA, verbose=0)  # it is compiled
    assert report.epochs == (report.first.epoch + 1, report.second.epoch + 1)


def test_a_better_epoch_that_is_not_sparse_does_not_come_back():
    model = network(optimizer=keras.optimizers.Adam(0.01))
    cannot_mend = dict(target_sparsity=0.95, learning_rate=1e-9, ramp_epochs=3)
    pruned, report = at_stop(model, first=Epochs(12), second=Epochs(1), **cannot_mend)
    assert report.sparsity.total == pytest.approx(0.95, abs=0.01) and report.second.best_epoch == 2
    assert report.second.kept > report.first.kept + 0.05


def test_the_report_says_it_in_numbers():
    pruned, report = at_stop(network(), first=None, second=Epochs(2), target_sparsity=0.9)
    assert report.first is None and report.epochs == (0, 3)
    sizes = report.sizes
    assert 0 < sizes.pruned_gzip < sizes.dense_gzip < sizes.dense and abs(sizes.pruned - sizes.dense) < 500
    for said in ("There was no first phase", "pruned:   3 epochs", "armed: sparsity 0.9",
                 "0.900 of 0.9 asked for (wide 0.900, head 0.900)", "after gzip"):
        assert said in str(report), str(report)
    assert "NOT REACHED" not in str(report)


def test_a_target_that_is_not_reached_is_said_plainly():
    pruned, report = at_stop(network(), first=None, epochs=2, ramp_epochs=4)
    assert not report.reached and 0.5 < report.sparsity.total < 0.75
    assert sparsity(pruned) == report.sparsity
    assert "NOT REACHED" in str(report) and "never" in str(report.second)


@pytest.mark.parametrize("epoch, total", [
    (4, 0.8), pytest.param(1, pytest.approx(0.7, abs=0.2), marks=pytest.mark.rare)])
def test_ctrl_c_while_pruning(epoch, total):
    callbacks = [At(epoch, 5, interrupt)]
    pruned, report = at_stop(network(), first=None, second=Epochs(20), callbacks=callbacks)
    assert report.interrupted and "Ctrl-C" in str(report)
    assert report.reached == (epoch == 4) and sparsity(pruned).total == total
    if epoch == 4:
        assert report.second.best_epoch in (1, 2, 3)
        assert pruned.evaluate(*VALIDATION, verbose=0)[0] == pytest.approx(report.second.kept, rel=1e-4)


def test_ctrl_c_while_training():
    model = network()
    with pytest.raises(KeyboardInterrupt):
        at_stop(model, first=Epochs(9), callbacks=[At(3, 5, interrupt)])
    assert sparsity(model).total == 0


@pytest.mark.rare
def test_a_model_of_many_parts():
    keras.utils.set_random_seed(6)
    words = keras.Input((5,), dtype="int32", name="words")
    number = keras.Input((3,), name="number")
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(8, "relu", name="deep")], name="inner")
    x = layers.Embedding(12, 6, mask_zero=True, name="words_to_vectors")(words)
    x = layers.GRU(8, name="gru")(layers.MultiHeadAttention(2, 4, name="heads")(x, x))
    x = keras.ops.concatenate([x + inner(number), inner(2.0 * number)], axis=-1)
    ends = [layers.Dense(2, name="a")(x), layers.Dense(1, name="b")(x)]
    model = keras.Model({"words": words, "number": number}, ends)
    model.compile("sgd", ["mse", "mae"], metrics={"b": ["mse"]})
    random = np.random.default_rng(0)
    x = {"words": random.integers(0, 12, (48, 5)), "number": random.normal(size=(48, 3))}
    y = (random.normal(size=(48, 2)), random.normal(size=(48, 1)))
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    pruned, report = at_stop(model, data, validation_data=data, first=Epochs(1), restore_best="val_b_mse",
                             mode="min", second=Epochs(1))
    assert report.reached and list(report.sparsity.layers) == [*masks.kernels(model)]
    assert set(report.sparsity.layers) == {"words_to_vectors", "gru", "heads", "inner/deep", "a", "b"}
    for name, share in report.sparsity.layers.items():
        assert share == pytest.approx(0.8, abs=0.07), name


@pytest.mark.rare
def test_mobilenet_comes_back_as_a_keras_3_model_at_its_target():
    whole = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, include_top=False)
    x = whole.get_layer("block_3_project_BN").output  # all kinds of layers, in a third of the time
    x = layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(whole.input, x, name="mobile")
    model.compile(keras.optimizers.SGD(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    random = np.random.default_rng(0)
    data = (random.uniform(size=(8, 32, 32, 3)).astype("float32"), random.integers(0, 3, 8))
    pruned, report = at_stop(model, data, batch_size=4, validation_data=data, first=None, second=Epochs(1),
                             ramp_epochs=1, epochs=2)
    assert isinstance(pruned, keras.Model) and pruned.name == model.name and report.reached
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in model.layers]
    assert sparsity(pruned).total == pytest.approx(0.8, abs=2e-3)
    assert pruned.compiled and pruned.predict(data[0], verbose=0).shape == (8, 3)


# ---- what is refused, and how ----


def generator():
    while True:
        yield TRAIN


ENDLESS = DATA.repeat()
UNKNOWN = DATA.filter(lambda x, y: True)


@pytest.mark.parametrize("changed, message", [
    (dict(target_sparsity=1.0), "between 0 and 1, such as 0.9; got 1.0"),
    (dict(target_sparsity=0), "between 0 and 1"),
    (dict(target_sparsity=90), "between 0 and 1"),
    (dict(data=ENDLESS), "the pipeline has no end. Give it a length"),
    (dict(data=UNKNOWN), "unknown length.*assert_cardinality"),
    (dict(data=generator()), "data is a batched tf.data pipeline.*got generator. Make a pipeline by tf.data"),
    (dict(validation_data=None), "val_loss comes from validation: give validation_data"),
    (dict(second=Patience("val_acuracy", 3, mode="max")), "val_acuracy"),
    pytest.param(dict(first=Patience("val_acuracy", 3, mode="max")), "val_acuracy", marks=pytest.mark.rare),
    pytest.param(dict(restore_best="val_acuracy", mode="max"), "val_acuracy", marks=pytest.mark.rare),
    (dict(restore_best="val_accuracy"), "Is a small or a large"),
    (dict(epochs=0), "epochs"), (dict(ramp_epochs=0), "epochs"), (dict(frequency=0.5), "frequency"),
    (dict(first="val_loss"), "criterion"),
])
def test_what_is_wrong_is_said(changed, message):
    with pytest.raises((ValueError, TypeError, MissingColumn), match=message):
        at_stop(network(), **changed)


def test_models_that_cannot_be_pruned():
    nothing = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()], name="flat")
    nothing.compile("sgd", "mse")
    with pytest.raises(ValueError, match='nothing to prune: the model "flat" has no Dense'):
        at_stop(nothing)
    with pytest.raises(ValueError, match='"flat" has no Dense'):
        nothing.fit(X[:, :3], X[:, :3], verbose=0, callbacks=[PruneWhen(Epochs(1), 0.5)])
    with pytest.raises(ValueError, match="not compiled: give it a loss"):
        at_stop(clone(network()))
    with pytest.raises(ValueError, match="is not built yet"):
        sparsity(keras.Sequential([layers.Dense(2)]))


def test_prune_when_refuses_what_makes_no_sense():
    for target in (0, 1, 1.5, "0.9", None):
        with pytest.raises((ValueError, TypeError), match="target_sparsity"):
            PruneWhen(Epochs(1), target)
    for wrong in (dict(epochs=0), dict(frequency=0)):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            PruneWhen(Epochs(1), 0.5, **wrong)
    with pytest.raises(MissingColumn, match="val_acuracy"):
        prune_in_one_fit(network(), PruneWhen(Patience("val_acuracy", 2, mode="max"), 0.5))
    twin = to_tf_keras(network())
    twin.compile("sgd", "mse")
    with pytest.raises(TypeError, match="Keras 3"):
        twin.fit(X[:8], X[:8, :2], verbose=0, callbacks=[PruneWhen(Epochs(1), 0.5)])
