"""FreezeWhen: frozen is frozen, the best weights come back, the others go on."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tf_keras

from course_utils.multimodal import FreezeWhen
from course_utils.stopping import (
    Above,
    Armed,
    Epochs,
    Every,
    Patience,
    Probe,
    StepBudget,
    StopWhen,
)
from fits import Interrupt, Script, both, same
from two_inputs import PICTURES, ROWS, WORDS, Snapshots, X, Y, fit, network, weights_of

NEW, TF = keras.optimizers, tf_keras.optimizers
SCRIPT = {"val_p": [3, 1, 2, 4, 0, 0]}  # best in epoch 1, fires in epoch 3; what comes later has no say


def frozen_by_script(layers=tuple(PICTURES), **options):
    return FreezeWhen(Patience("val_p", 2, mode="min"), layers, restore_best="val_p", **options)


# ---- what it does ----


@pytest.mark.parametrize(("K", "optimizer", "compiled"), [
    (keras, NEW.AdamW(0.05, weight_decay=0.1), {"run_eagerly": False, "jit_compile": False}),
    (keras, NEW.SGD(0.05, momentum=0.9, nesterov=True), {
        "run_eagerly": False, "jit_compile": True, "steps_per_execution": 2}),
    (keras, NEW.Adam(0.05, global_clipnorm=1.0, gradient_accumulation_steps=2), {}),
    (tf_keras, TF.AdamW(0.05, weight_decay=0.1), {"run_eagerly": False, "steps_per_execution": 2}),
    (tf_keras, TF.legacy.SGD(0.05, momentum=0.9), {}),
], ids=["AdamW", "SGD-jit-executions", "Adam-accumulated", "tf_keras-AdamW-executions", "tf_keras-legacy"])
def test_a_part_stops_at_its_event_with_its_best_weights_and_does_not_move(K, optimizer, compiled):
    model, part, rest = network(K, optimizer, **compiled), Snapshots(*PICTURES), Snapshots(*WORDS)
    freeze = frozen_by_script()
    fit(model, Script(**SCRIPT), freeze, part, rest, batch_size=ROWS // 2)
    assert freeze.frozen_at == 3 and freeze.history["frozen"] == [0, 0, 0, 0, 1, 1]
    assert not same(part.at[1], part.at[3]), "the row of the event is measured as it was trained"
    assert all(same(part.at[1], at) for at in part.at[4:])
    assert all(not same(one, other) for one, other in zip(rest.at, rest.at[1:]))
    assert all(layer.trainable for layer in model.layers)
    kept = weights_of(model, PICTURES)
    assert same(part.at[1], kept)
    if model.run_eagerly:
        fit(model, epochs=1, batch_size=ROWS // 2)
        assert not same(kept, weights_of(model, PICTURES)), "the next fit trains it again"


def test_without_restore_best_it_stays_as_it_was():
    model, part, freeze = network(keras), Snapshots(*PICTURES), FreezeWhen(Epochs(2), PICTURES)
    dropped = Probe("dropped")
    dropped.on_epoch_end = lambda epoch, logs=None: setattr(
        dropped, "outputs", model.get_layer("p_drop")(np.ones((9, 9)), training=True))
    fit(model, freeze, part, dropped, epochs=3)
    assert same(part.at[1], part.at[2]) and not same(part.at[0], part.at[1])
    assert freeze.history["frozen"] == [0, 0, 1]
    assert np.count_nonzero(dropped.outputs) < 81, "dropout in a frozen part stays on"


def test_the_report_says_what_when_why_how_much_and_from_which_epoch():
    model, freeze = network(keras), frozen_by_script()
    assert not freeze.report.notes
    fit(model, Script(**SCRIPT), freeze)
    size = 3 * 3 + 3 + 3 + 3
    assert freeze.report.notes == (
        f"p_dense, p_norm, p_drop ({size} weights) frozen in epoch 3 because val_p 4 at epoch 3 has "
        "not improved on 1 (epoch 1) for 2 epochs; the weights of epoch 1 came back",)
    assert (freeze.report.best_epoch, freeze.report.kept, freeze.report.ended_by) == (1, 1, "all epochs done")


def test_never_a_number_is_said():
    freeze = FreezeWhen(Epochs(1), WORDS, restore_best="val_p", mode="min")
    fit(network(keras), Script(val_p=[np.nan] * 2), freeze, epochs=2)
    assert freeze.report.notes[0].endswith("val_p was never a number: no weights came back")


@both
def test_two_parts_each_at_its_own_event_and_nothing_left_ends_training(K):
    model = network(K)
    p = FreezeWhen(Epochs(1), PICTURES, name="p_frozen")
    w = FreezeWhen(Patience("val_w", 2, mode="min"), WORDS, restore_best="val_w", name="w_frozen")
    part = Snapshots(*WORDS)
    history = fit(model, Script(val_w=[3, 2, 9, 9, 9, 9]), p, w, part).history
    assert history["p_frozen"] == [0, 1, 1, 1] and history["w_frozen"] == [0, 0, 0, 0]
    assert w.report.reason.startswith("val_w 9 at epoch 3") and p.report.ended_by == "another callback"
    assert w.report.notes[0].endswith("the weights of epoch 1 came back; nothing was left to train")
    assert same(part.at[1], weights_of(model, WORDS)), "also where no step follows"
    assert all(layer.trainable for layer in model.layers)


def test_the_joint_stop_waits_for_the_freeze():
    freeze = frozen_by_script(name="p_frozen")
    stop = StopWhen(Armed(Above("p_frozen", 0.5), Patience("val_j", 1, mode="min")), "val_j")
    fit(network(keras), Script(**SCRIPT, val_j=[1, 2, 3, 4, 3, 4]), freeze, stop)
    assert stop.report.epoch == 5, "rows that measure what is not frozen do not count"


def test_who_keeps_the_row_of_the_event_keeps_what_it_has_measured():
    """The part goes back only before the next step: a mixture of two epochs was never measured."""
    model, everything = network(keras), Snapshots(*PICTURES, *WORDS)
    stop = StopWhen(Epochs(9), "val_j", "min")
    fit(model, Script(**SCRIPT, val_j=[9, 9, 9, 1, 9, 9]), everything, frozen_by_script(), stop)
    assert same(everything.at[3], weights_of(model, everything.names))


# ---- rows within an epoch ----


def test_in_the_middle_of_an_epoch():
    model, freeze = network(keras), FreezeWhen(StepBudget(4), PICTURES)  # three steps an epoch
    moments = Probe("moments")
    seen = []
    moments.on_train_batch_end = lambda batch, logs=None: seen.append(weights_of(model, PICTURES))
    fit(model, freeze, moments, epochs=2, batch_size=ROWS // 3)
    assert not same(seen[2], seen[3]) and same(seen[3], seen[4]) and same(seen[3], seen[5])
    assert freeze.history["frozen"] == [0, 1] and freeze.frozen_at == 1


@both
def test_rows_that_are_batches_and_evaluations_have_the_column(K):
    model = network(K)
    freeze = FreezeWhen(Patience("batch_loss", 1, min_delta=99.0, mode="min"), WORDS, check="batch")
    fit(model, freeze, epochs=2, batch_size=ROWS // 2)
    assert freeze.history["frozen"] == [0, 0, 1, 1], "fires in the second batch"
    freeze = FreezeWhen(Patience("val_loss", 1, min_delta=99.0), WORDS, restore_best="val_loss",
                        check=Every(1, (X, Y)))
    history = fit(model, freeze, epochs=2, batch_size=ROWS // 2).history
    assert freeze.history["frozen"] == [0, 0, 1, 1] and history["frozen"] == [0, 1]


# ---- what is refused before the first step ----


class Tied(keras.layers.Layer):
    def __init__(self, dense, **options):
        super().__init__(**options)
        self.kernel = dense.kernel

    def call(self, x):
        return x @ self.kernel


def nested(K=keras):
    """Two towers whose layers have the same names, a shared layer, and a head."""
    K.utils.set_random_seed(0)

    def tower(name):
        inner = K.Sequential([K.Input((3,)), K.layers.Dense(3, name="dense"),
                              K.layers.BatchNormalization(name="norm")], name="block")
        return K.Sequential([K.Input((3,)), inner, K.layers.Dense(2, name="out")], name=name)

    p, w = K.Input((3,), name="p"), K.Input((3,), name="w")
    shared = K.layers.Dense(3, name="shared")
    added = K.layers.Add(name="sum")([tower("left")(shared(p)), tower("right")(shared(w))])
    model = K.Model([p, w], K.layers.Dense(3, name="head")(added))
    model.compile("sgd", K.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    return model


def fit_nested(model, *callbacks, epochs=3):
    model.fit([X["p"], X["w"]], Y, batch_size=ROWS, epochs=epochs, verbose=0, callbacks=list(callbacks))


@pytest.mark.parametrize(("layers", "words"), [
    ("p_dens", 'There is no layer "p_dens" in the model "emoji". Near it: p_dense'),
    ("zzz", "Layers: p, "),
    (["p_drop", "both"], "nothing to freeze in p_drop, both"),
])
def test_a_layer_that_is_not_there_is_an_error_before_the_first_step(layers, words):
    model = network(keras)
    before = model.get_weights()
    with pytest.raises(ValueError, match=words):
        fit(model, FreezeWhen(Epochs(1), layers))
    assert same(before, model.get_weights())


@pytest.mark.parametrize("layers", [(), 3, [WORDS], None])
def test_layers_are_names(layers):
    with pytest.raises(TypeError, match="layers takes names of layers"):
        FreezeWhen(Epochs(1), layers)


def test_two_that_write_one_column_or_freeze_one_layer_are_an_error():
    model = network(keras)
    with pytest.raises(ValueError, match='Two FreezeWhen write the column "frozen"'):
        fit(model, FreezeWhen(Epochs(1), PICTURES), FreezeWhen(Epochs(1), WORDS))
    with pytest.raises(ValueError, match='w_dense: in two FreezeWhen, "a" and "frozen"'):
        fit(model, FreezeWhen(Epochs(1), [*PICTURES, "w_dense"], name="a"), FreezeWhen(Epochs(1), WORDS))
    with pytest.raises(ValueError, match='There is a column "loss" already'):
        fit(model, FreezeWhen(Epochs(1), WORDS, name="loss"))


@both
def test_an_optimizer_that_averages_is_refused(K):
    optimizer = K.optimizers.Adam(use_ema=True)
    with pytest.raises(ValueError, match="use_ema=True do not go together"):
        fit(network(K, optimizer), FreezeWhen(Epochs(1), WORDS))


def test_an_optimizer_of_several_is_refused():
    """Keras 3.15's raises in the first step after the freeze, and not before."""
    if not hasattr(NEW, "MultiOptimizer"):
        pytest.skip("this Keras has none")
    optimizer = NEW.MultiOptimizer(NEW.OptimizerMap(NEW.SGD(0.1), {"p_.*": NEW.Adam(0.1)}))
    with pytest.raises(ValueError, match="MultiOptimizer do not go together"):
        fit(network(keras, optimizer), FreezeWhen(Epochs(1), WORDS))


def test_a_variable_of_two_layers_is_refused():
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(3, use_bias=False, name="dense")
    hidden = dense(inputs)
    model = keras.Model(inputs, Tied(dense, name="tied")(hidden))
    model.compile("adam", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match='"tied" holds a variable of dense too'):
        model.fit(X["p"], X["p"], verbose=0, callbacks=[FreezeWhen(Epochs(1), "dense")])


# ---- layers in layers, shared layers ----


@both
def test_layers_in_layers_are_found_by_their_paths(K):
    model = nested(K)
    with pytest.raises(ValueError, match='There are 2 layers "dense": left/block/dense, right/block/dense'):
        fit_nested(model, FreezeWhen(Epochs(1), "dense"))
    left, right = (model.get_layer(side).layers[0] for side in ("left", "right"))
    was = left.layers[1].trainable = False  # a normalization of a network that was trained before
    part, other = Weights(left), Weights(right)
    fit_nested(model, FreezeWhen(Epochs(1), "left/block"), part, other, epochs=2)
    assert same(*part.at) and not same(*other.at)
    assert left.layers[0].trainable and left.layers[1].trainable is was, "put back as it was"


class Weights(Probe):
    def __init__(self, layer):
        super().__init__("weights")
        self.layer, self.at = layer, []

    def on_epoch_end(self, epoch, logs=None):
        self.at.append([v.numpy().copy() for v in self.layer.weights])


@both
def test_a_layer_that_is_used_elsewhere_too_is_named(K):
    freeze = FreezeWhen(Epochs(1), ["shared", "left"])
    fit_nested(nested(K), freeze, epochs=2)
    assert freeze.report.notes[1] == '"shared" is used in 2 places, and frozen in all of them'
    freeze = FreezeWhen(Epochs(1), "left")
    fit_nested(nested(K), freeze, epochs=1)
    assert len(freeze.report.notes) == 1


# ---- whatever comes between ----


def test_what_moves_it_all_the_same_is_a_warning_and_stands_in_the_report():
    model, meddler, freeze = network(keras), Probe("meddler"), FreezeWhen(Epochs(1), PICTURES)
    bias = model.get_layer("p_dense").bias
    meddler.on_epoch_begin = lambda epoch, logs=None: epoch == 2 and bias.assign([1, 2, 3])
    with pytest.warns(UserWarning, match="p_dense/bias moved although p_dense, p_norm, p_drop was"):
        fit(model, freeze, meddler, epochs=4)
    assert len(freeze.report.notes) == 2 and "another callback" in freeze.report.notes[1]


@both
def test_after_ctrl_c_it_is_set_free_by_hand_or_by_the_next_fit(K):
    model, freeze = network(K), FreezeWhen(Epochs(1), WORDS)
    ways = [freeze.finish]
    if K is keras:  # tf_keras ends a fit with what was frozen when it began
        ways.append(lambda: fit(model, freeze, epochs=1))
    for set_free in ways:
        with pytest.raises(KeyboardInterrupt):
            fit(model, freeze, Interrupt(1, 0))
        assert not model.get_layer("w_dense").trainable
        if K is keras:
            with pytest.raises(ValueError, match="call finish"):
                fit(model, FreezeWhen(Epochs(1), WORDS))
        set_free()
        assert model.get_layer("w_dense").trainable
    before = weights_of(model, WORDS)
    fit(model, epochs=1)
    assert not same(before, weights_of(model, WORDS))


def test_a_second_fit_begins_afresh():
    freeze, reports = frozen_by_script(), []
    for _ in range(2):
        model, part = network(keras), Snapshots(*PICTURES)
        fit(model, Script(**SCRIPT), freeze, part)
        assert same(part.at[1], part.at[5]) and not same(part.at[1], part.at[2])
        reports.append(freeze.report.notes)
    assert reports[0] == reports[1] and len(freeze.events) == 1


def test_the_best_weights_come_back_by_hand_where_nothing_was_frozen():
    model, part, freeze = network(keras), Snapshots(*WORDS), FreezeWhen(
        Epochs(9), WORDS, restore_best="val_p", mode="min")
    with pytest.raises(RuntimeError, match="val_p was never a number"):
        freeze.restore_best()
    fit(model, Script(val_p=[2, 1, 2]), freeze, part, epochs=3)
    assert same(part.at[2], weights_of(model, WORDS)) and freeze.frozen_at is None
    assert freeze.report.notes == ("w_dense was never frozen: no weights came back",)
    freeze.restore_best()
    assert same(part.at[1], weights_of(model, WORDS))


def test_it_copies_and_pickles_before_during_and_after_a_fit():
    copies, freeze, taking = [], frozen_by_script(), Probe("taking")

    def take(epoch=0, logs=None):
        if epoch in (1, 2, 3, 5):
            return
        copies.append(copy.deepcopy(freeze))
        copies.append(pickle.loads(pickle.dumps(freeze)))

    taking.on_epoch_end = take
    take()
    fit(network(keras), Script(**SCRIPT), freeze, taking)
    take()
    assert [each.frozen_at for each in copies[::2]] == [None, None, 3, 3]
    assert copies[-1].report.notes == copies[-2].report.notes == freeze.report.notes
    model, part = network(keras), Snapshots(*PICTURES)
    fit(model, Script(**SCRIPT), copies[-3], part)  # taken while it was frozen: another model, another fit
    assert same(part.at[1], part.at[5]) and not same(part.at[0], part.at[1])
