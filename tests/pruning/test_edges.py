"""The edges of prune_at_stop: what is found out early, what is carried across, and that numbers are true."""
import copy
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils.pruning import BridgeError, prune_at_stop, sparsity, to_keras, to_tf_keras
from course_utils.pruning.bridge import clone
from course_utils.pruning.bridge_compile import compile_like, compile_tf_keras
from course_utils.pruning.clone import fresh_metrics
from course_utils.stopping import Epochs, MissingColumn, Patience

pytest.importorskip("tf_keras")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 8)).astype("float32")
Y = (X[:, :1] + 0.3 * RANDOM.normal(size=(90, 1))).astype("float32")
VALIDATION = (X[:50] + 1, Y[:50])


def net(*extra, activation="relu", wide=None, **compiled):
    keras.utils.set_random_seed(0)
    wide = wide or layers.Dense(16, activation, name="wide")
    model = keras.Sequential([keras.Input((8,)), wide, *extra, layers.Dense(1, name="head")])
    model.compile(**{**dict(optimizer=keras.optimizers.Adam(0.01), loss="mse"), **compiled})
    return model


def at_stop(model, data=(X, Y), **changed):
    settings = dict(first=Epochs(1), second=Epochs(1), validation_data=VALIDATION, target_sparsity=0.5,
                    ramp_epochs=1, frequency=2, epochs=5, verbose=0)
    return prune_at_stop(model, data, **{**settings, **changed})


class Count(keras.callbacks.Callback):
    """A callback as people write it: it knows nothing of tf_keras."""

    epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


# ---- the numbers are the returned model's own ----


def frozen():
    wide = layers.Dense(16, kernel_regularizer=keras.regularizers.L2(0.1), trainable=False, name="wide")
    return net(wide=wide)


def activity():
    return net(wide=layers.Dense(16, "relu", activity_regularizer=keras.regularizers.L1(1e-2), name="wide"))


def ema():
    return net(optimizer=keras.optimizers.Adam(0.02, use_ema=True))


def two_ends():
    a, b = keras.Input((8,), name="a"), keras.Input((4,), name="b")
    z = layers.Dense(8, kernel_regularizer="l2")(layers.Concatenate()([a, b]))
    ends = {"p": layers.Dense(1, name="p")(z), "q": layers.Dense(2, name="q")(z)}
    model = keras.Model({"a": a, "b": b}, ends)
    model.compile("adam", {"p": "mse", "q": "mae"}, loss_weights={"p": 0.3, "q": 2.0},
                  metrics={"q": [keras.metrics.CosineSimilarity(name="cos")]})
    return model


TWO = ({"a": X, "b": X[:, :4]}, {"p": Y, "q": X[:, :2]})
TWO_VALIDATION = ({"a": X[:50], "b": X[:50, 4:]}, {"p": Y[:50], "q": X[:50, 2:4]})


@pytest.mark.parametrize("make, changed", [
    (ema, {}), *(pytest.param(*case, marks=pytest.mark.rare) for case in (
        (frozen, {}), (activity, {}),
        (lambda: net(layers.BatchNormalization(), layers.Dropout(0.3)), {}),
        (lambda: net(run_eagerly=True, steps_per_execution=1), {}),
        (lambda: net(metrics=[keras.metrics.RootMeanSquaredError(name="rmse")]),
         dict(restore_best="val_rmse", mode="min")),
        (two_ends, dict(data=TWO, validation_data=TWO_VALIDATION)))),
    # Keras 3 takes the plain mean over batches here (of 32 and 18 rows), tf_keras does not
    pytest.param(two_ends, dict(data=TWO, validation_data=TWO_VALIDATION, restore_best="val_q_loss"),
                 marks=pytest.mark.rare),
], ids=["ema", "frozen", "activity", "normalized", "eager", "metric", "two ends", "one of two"])
def test_what_is_kept_is_what_evaluate_gives(make, changed):
    model = make()
    pruned, report = at_stop(model, **changed)
    x, y = changed.get("validation_data", VALIDATION)
    column = changed.get("restore_best", "val_loss").removeprefix("val_")
    for each, told in ((model, report.first), (pruned, report.second)):
        value = each.evaluate(x, y, verbose=0, return_dict=True)[column]
        assert told.kept == pytest.approx(value, rel=1e-5)
        assert value == pytest.approx(each.evaluate(x, y, verbose=0, return_dict=True)[column], rel=1e-6)
    assert report.reached and report.sparsity.total == pytest.approx(0.5, abs=0.05)
    assert bool(report.notes) == (column == "q_loss"), report.notes


def test_an_average_of_weights_is_masked_too():
    pruned, report = at_stop(ema(), restore_best=None, target_sparsity=0.8, epochs=6)
    assert report.reached and report.sparsity == sparsity(pruned)
    assert report.sparsity.layers == dict.fromkeys(["wide", "head"], pytest.approx(0.8, abs=0.02))


# ---- objects with memory belong to one model ----


class Above(keras.metrics.Metric):
    """A metric of one's own, whose get_config does not know its limit."""

    def __init__(self, limit, name="above"):
        super().__init__(name=name)
        self.limit, self.mean = limit, keras.metrics.Mean()
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        above = keras.ops.cast(y_true > self.limit, "float32")
        self.mean.update_state(above)
        self.count.assign_add(keras.ops.sum(above))

    def result(self):
        return self.count


def test_the_first_evaluate_is_true():
    metrics = [keras.metrics.MeanAbsoluteError(name="mae"), Above(0.25)]
    model = net(metrics=metrics)
    pruned, _ = at_stop(model, epochs=4)
    for each in (pruned, model, pruned):
        truth = float(np.abs(each.predict(X + 4, verbose=0) - Y).mean())
        told = each.evaluate(X + 4, Y, verbose=0, return_dict=True)
        assert told["mae"] == pytest.approx(truth, rel=1e-4) and told["above"] == np.sum(Y > 0.25)
    state = [{id(v) for metric in each.metrics for v in metric.variables} for each in (model, pruned)]
    assert not state[0] & state[1] and pruned.optimizer is not model.optimizer


def test_a_metric_is_copied_without_what_it_has_seen():
    seen = Above(0.25)
    seen.update_state(Y, Y)
    fresh = fresh_metrics({"a": [seen, "mae"]})["a"][0]
    assert float(fresh.result()) == 0 < float(seen.result()) and fresh.limit == 0.25
    assert fresh.mean is not seen.mean and float(fresh.mean.result()) == 0 < float(seen.mean.result())


# ---- what no configuration holds ----


def test_weights_that_decay_are_the_same_ones():
    for exclude in (dict(var_names=["kernel"]), None):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
        optimizer = keras.optimizers.AdamW(0.1, weight_decay=1.0)
        optimizer.exclude_from_weight_decay(**(exclude or dict(var_list=[model.layers[0].kernel])))
        model.compile(optimizer, "mse")
        twin, copy_ = to_tf_keras(model), clone(model)
        compile_tf_keras(twin, model)
        compile_like(copy_, model)
        nothing = np.zeros((8, 2), "float32"), np.zeros((8, 1), "float32")  # only decay moves the kernel
        for each in (model, twin, copy_):
            each.fit(*nothing, epochs=2, verbose=0)
            np.testing.assert_allclose(each.get_weights()[0], 1)


def test_the_settings_of_loss_scaling_cross():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25), initial_scale=8.0,
                                                 dynamic_growth_steps=7)
    model = net(optimizer=scaled)
    twin, copy_ = to_tf_keras(model), clone(model)
    compile_tf_keras(twin, model)
    compile_like(copy_, model)
    assert twin.optimizer.initial_scale == copy_.optimizer.initial_scale == 8
    assert twin.optimizer.dynamic_growth_steps == copy_.optimizer.dynamic_growth_steps == 7
    assert copy_.optimizer.inner_optimizer is not scaled.inner_optimizer


def numpy_loss(y_true, y_pred):
    return tf.reduce_mean((y_true - y_pred) ** 2) * (1 + abs(np.sign(float(y_true[0, 0].numpy()))))


def test_numpy_in_a_loss_that_runs_eagerly():
    pruned, report = at_stop(net(loss=numpy_loss, run_eagerly=True))
    assert report.reached and pruned.run_eagerly


def test_a_copy_runs_eagerly_where_the_model_was_told_so_later():
    model = net()
    model.run_eagerly = True
    copy_ = clone(model)
    compile_like(copy_, model)
    assert copy_.run_eagerly


class OwnLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return 100.0 * tf.reduce_mean(tf.abs(y - y_pred))


class OwnStep(keras.Model):
    def train_step(self, data):
        return super().train_step(data)


class OwnCall(keras.Model):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask)


class Adam(keras.optimizers.Adam):
    pass


@pytest.mark.parametrize("cls, optimizer, message", [
    (OwnLoss, "adam", "has a compute_loss of its own.*PruneWhen"),
    (OwnStep, "adam", "has a train_step of its own"), (OwnCall, "adam", "has a `call` of its own"),
    (keras.Model, Adam(), "Adam is an optimizer of your own"),
])
def test_what_tf_keras_would_not_call(cls, optimizer, message):
    x, count = keras.Input((8,)), Count()
    model = cls(x, layers.Dense(1)(layers.Dense(4)(x)))
    model.compile(optimizer, "mse")
    with pytest.raises(BridgeError, match=message):
        at_stop(model, callbacks=[count])
    assert count.epochs == 0


def test_a_variable_that_is_frozen_by_itself():
    model = net()
    model.layers[0].kernel.trainable = False
    with pytest.raises(BridgeError, match="wide/kernel.*is frozen in Keras 3 and not in tf_keras"):
        to_tf_keras(model)
    assert [v.trainable for v in clone(model).weights] == [False, True, True, True]


# ---- functions, as they are ----


def half_relu(z):
    return keras.ops.relu(z) * 0.5


def relu(z):  # not the one that Keras knows by that name
    return keras.ops.minimum(keras.ops.relu(z), 0.2)


def shrinking(kernel):
    return 0.01 * keras.ops.sum(kernel ** 2)


@pytest.mark.parametrize("layer", [
    pytest.param(layers.Dense(20, half_relu, name="wide"), marks=pytest.mark.rare),
    layers.Dense(20, relu, name="wide"),
    layers.Dense(20, lambda z: z * 2, kernel_regularizer=shrinking, name="wide",
                 kernel_initializer=lambda shape, dtype=None: keras.ops.ones(shape) * 0.1,
                 kernel_constraint=lambda kernel: keras.ops.clip(kernel, -1, 1)),
], ids=["named", "a known name", "lambdas"])
def test_functions_there_and_back(layer):
    count, scale = Count(), 2.0
    model = net(layers.Lambda(lambda z: z * scale), wide=layer)
    pruned, report = at_stop(model, callbacks=[count])
    assert count.epochs == sum(report.epochs) and report.reached
    assert pruned.get_layer("wide").activation is layer.activation
    # the same function on the same weights
    pruned.set_weights(model.get_weights())
    np.testing.assert_allclose(pruned.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)


def test_functions_in_layers_in_layers():
    model = keras.Sequential([
        keras.Input((5, 3)), layers.TimeDistributed(layers.Dense(7, lambda z: z * 2)),
        layers.RNN([layers.GRUCell(4, activation=half_relu), layers.LSTMCell(3, kernel_regularizer="l2")],
                   return_sequences=True),
        layers.Bidirectional(layers.GRU(2)), layers.Dense(1)])
    model.layers[2].forward_layer.trainable = False  # it changes the order of weights in tf_keras
    back = to_keras(to_tf_keras(model), model)
    given = RANDOM.normal(size=(4, 5, 3)).astype("float32")
    np.testing.assert_allclose(model(given), back(given), rtol=1e-5)
    assert [v.trainable for v in back.weights] == [v.trainable for v in model.weights]


# ---- the self-check asks what the model is made for ----


def functional(operation):
    x = keras.Input((8,))
    return keras.Model(x, layers.Dense(1)(operation(x)))


@pytest.mark.parametrize("make", [
    lambda: functional(keras.ops.log), lambda: functional(keras.ops.sqrt),
    lambda: functional(lambda x: keras.ops.arccosh(x + 1)),
    lambda: keras.Sequential([keras.Input((None, 1)), layers.Conv1D(4, 9), layers.GlobalMaxPooling1D(),
                              layers.Dense(1)]),
    lambda: keras.Sequential([keras.Input((None, 1)), layers.Conv1D(2, 100), layers.GlobalMaxPooling1D()]),
    lambda: keras.Sequential([keras.Input((5,)), layers.Embedding(3, 2), layers.Flatten(), layers.Dense(1)]),
], ids=["log", "sqrt", "arccosh", "kernel 9", "kernel 100", "words as float"])
def test_models_for_some_inputs_cross(make):
    assert to_tf_keras(make()).layers


def test_what_cannot_be_compared_is_said():
    model = functional(lambda x: keras.ops.log(x - 1000))
    with pytest.raises(BridgeError, match="cannot be compared on inputs that are made up .every output"):
        to_tf_keras(model)
    assert to_tf_keras(model, inputs=np.full((2, 8), 2000.0, "float32"))
    with pytest.raises(BridgeError, match="does not take the inputs that were given"):
        to_tf_keras(model, inputs=np.zeros((2, 3), "float32"))


# ---- data, in every form ----


def weighted():
    return X, Y, np.linspace(0, 1, 90).astype("float32")


@pytest.mark.parametrize("make, data, validation", [
    (two_ends, TWO, TWO_VALIDATION), (net, weighted(), VALIDATION),
    *(pytest.param(net, *forms, marks=pytest.mark.rare) for forms in (
        ((X.tolist(), Y.tolist()), VALIDATION),
        ((X.astype("float64"), Y), (VALIDATION[0], VALIDATION[1], np.ones(50))),
        (tf.data.Dataset.from_tensor_slices(weighted()).batch(16), VALIDATION))),
], ids=["dicts", "weights", "lists", "float64", "pipeline"])
def test_forms_of_data(make, data, validation):
    _, report = at_stop(make(), data, validation_data=validation, first=None)
    assert report.reached


def test_a_list_of_inputs_and_sample_weights_have_a_say():
    a, b = keras.Input((8,)), keras.Input((4,))
    model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    data = [X, X[:, :4]], Y, np.zeros(90)
    pruned, _ = at_stop(model, data, validation_data=data, restore_best=None)
    dense, sparse = (each.layers[-1].kernel.numpy() for each in (model, pruned))
    np.testing.assert_array_equal(dense[sparse != 0], sparse[sparse != 0])  # no row weighs anything


UNBATCHED = tf.data.Dataset.from_tensor_slices((X, Y))


@pytest.mark.parametrize("changed, message", [
    (dict(data=UNBATCHED), "data is not batched: an element has the shape .8,.*Give data.batch.32."),
    (dict(validation_data=UNBATCHED), "validation_data is not batched.*validation_data.batch"),
    (dict(data=X), "got ndarray. A single array has no labels"),
    (dict(data=((row, row) for row in X)), "got generator. Make a pipeline by tf.data.Dataset.from_gen"),
    (dict(data=(X, Y, Y, Y)), "got tuple of 4"), (dict(data={"a": X}), "got dict"),
    (dict(data=(X, Y[:5])), "as many rows in each array, and one at least; got 5 and 90 rows"),
    (dict(validation_data=(X, Y[:5])), "validation_data needs as many rows.*5 and 90"),
    (dict(validation_data=X), "validation_data is a batched tf.data pipeline or.*got ndarray"),
    (dict(data=([X, X], Y)), 'data gives 2 inputs, and "sequential.*" takes 1'),
    (dict(data=tf.data.Dataset.from_tensor_slices(X).batch(8)), "data gives inputs and no labels"),
    (dict(second=Patience("val_acc", 2, mode="max")), 'no column "val_acc".*phase 2 asks for it'),
    (dict(only="hed"), 'no layer "hed" to prune. There are: wide, head'),
])
def test_what_is_wrong_is_said_before_it_costs_anything(changed, message):
    count = Count()
    with pytest.raises((TypeError, ValueError, MissingColumn), match=message):
        at_stop(net(), **{"first": Epochs(4), "callbacks": [count], **changed})
    assert count.epochs <= 1


def test_numbers_as_rows_are_batches():
    model = keras.Sequential([keras.Input((1,)), layers.Dense(8, name="wide"), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert at_stop(model, (X[:, 0], Y), validation_data=(X[:, 0], Y))[1].reached


# ---- early, and told ----


def test_half_precision_is_told_before_training_or_works():
    before, count = keras.config.dtype_policy(), Count()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = net()
    finally:
        keras.config.set_dtype_policy(before)
    try:
        assert at_stop(model, callbacks=[count])[1].reached
    except BridgeError as error:
        assert count.epochs == 0 and "PruneWhen" in str(error)


class Scaled(layers.Layer):
    """A layer of one's own whose get_config does not know its factor."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return self.factor * x

    def get_config(self):
        return super().get_config()


def test_what_cannot_come_back_is_told_before_training():
    import tf_keras

    class Twice(tf_keras.layers.Layer):
        def call(self, x):
            return 2 * x

    count = Count()
    with pytest.raises(BridgeError, match='"scaled" .Scaled. cannot be made anew from its get_config'):
        at_stop(net(Scaled(2.0, name="scaled")), custom_objects={"Scaled": Twice}, callbacks=[count])
    assert count.epochs == 0


def test_a_number_that_is_another_one_in_tf_keras_is_told_before_training():
    calls, count = itertools.count(), Count()

    def drifting(y_true, y_pred):
        return tf.reduce_mean((y_true - y_pred) ** 2) + next(calls)

    with pytest.raises(BridgeError, match="val_loss of .* phase 2 would follow another number"):
        at_stop(net(loss=drifting, run_eagerly=True), callbacks=[count])
    assert count.epochs == 0


def test_lora_is_refused_before_training():
    model, count = net(), Count()
    model.layers[0].enable_lora(2)
    with pytest.raises(BridgeError, match="lora_rank=2"):
        at_stop(model, callbacks=[count])
    assert count.epochs == 0


def test_a_metric_called_sparsity():
    model, count = net(metrics=[keras.metrics.MeanSquaredError(name="sparsity")]), Count()
    with pytest.raises(ValueError, match='A metric is called "sparsity"'):
        at_stop(model, callbacks=[count])
    assert count.epochs == 0


def test_a_model_that_cannot_be_saved_is_pruned_all_the_same(monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.saving, "save_model", full)
    _, report = at_stop(net())
    assert report.reached and report.sizes is None and "No space left on device" in str(report)


def test_it_says_what_it_does(capsys):
    at_stop(net(), verbose=2)
    said = capsys.readouterr().out
    assert "Phase 1 trains until Epochs(" in said and "Phase 2 prunes to 0.5" in said and "Epoch 1/5" in said


# ---- layers that are left out ----


def test_frozen_and_skipped_layers_stay_as_they_are():
    wide = layers.Dense(16, name="wide", trainable=False)
    model = net(layers.Dense(8, name="deep"), layers.Dense(4, name="last"), wide=wide)
    pruned, report = at_stop(model, skip="last")
    assert report.left_out == {"wide": "frozen", "last": "skipped"} and report.reached
    assert "left out: wide (frozen), last (skipped)" in str(report)
    for name, share in {"wide": 0, "deep": 0.5, "last": 0, "head": 0.5}.items():
        assert np.mean(pruned.get_layer(name).kernel == 0) == share, name
    assert list(report.sparsity.layers) == ["deep", "head"]
    assert report.sparsity == sparsity(pruned, skip="last")


@pytest.mark.rare
def test_a_frozen_layer_that_is_named_is_pruned():
    model = net(layers.Dense(8, name="deep"), wide=layers.Dense(16, name="wide", trainable=False))
    pruned, report = at_stop(model, only=["wide", "head"], first=None)
    assert list(report.sparsity.layers) == ["wide", "head"] and report.sparsity.total == 0.5


def test_the_target_is_what_the_chosen_layers_can_reach():
    _, report = at_stop(net(), first=None, only="head", target_sparsity=0.9)  # of 16 weights it keeps 2
    assert report.reached and report.sparsity.total == 0.875


def test_a_copy_of_a_choice_is_equal():
    from course_utils.pruning import Choice

    assert copy.copy(Choice("a", ["b"])) == Choice(("a",), ("b",))
