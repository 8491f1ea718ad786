"""The bridge between Keras 3 and tf_keras: same outputs, same names, and the same training step."""
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils.pruning import BridgeError, to_keras, to_tf_keras
from course_utils.pruning.bridge import clone
from course_utils.pruning.bridge_compile import compile_like, compile_tf_keras

tf_keras = pytest.importorskip("tf_keras")


def recurrent():
    words = keras.Input((None,), dtype="int32", name="words")
    x = layers.Embedding(20, 4, mask_zero=True)(words)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.LSTM(4, recurrent_activation="hard_sigmoid")(x)
    x = layers.RNN([layers.SimpleRNNCell(3), layers.GRUCell(2)])(layers.RepeatVector(2)(x))
    return keras.Model(words, layers.Dense(2, "hard_sigmoid")(x))


def branched():
    """Two inputs by name, a shared layer, models in models, skips, operations, attention, four outputs."""
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, "relu"), layers.Dense(4)], name="inner")
    inner.compile(loss=lambda y_true, y_pred: y_pred)  # keras.models.clone_model could not
    deep = keras.Model(inner.inputs, [inner(inner.inputs[0]), layers.ReLU()(inner.inputs[0])], name="deep")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    x = shared(a) + shared(b) * 0.5
    x = layers.Add(name="sum")([x, *deep(a), inner(b)])
    one = layers.Reshape((2, 2))(x)
    one = layers.MultiHeadAttention(2, 2)(one, one, use_causal_mask=True)
    one = layers.TimeDistributed(layers.Dense(2, "gelu"))(one)
    outputs = {"mean": keras.ops.mean(x, axis=-1, keepdims=True), "some": x[:, :2], "one": one,
               "leaky": layers.LeakyReLU(0.1, name="leaky")(1.0 - x)}
    return keras.Model({"a": a, "b": b}, outputs, name="branched")


def pictures():
    """A Sequential that learns its shape from its first data."""
    model = keras.Sequential([
        layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu6", kernel_regularizer="l2"),
        layers.BatchNormalization(), layers.SeparableConv2D(4, 3), layers.DepthwiseConv2D(3),
        layers.Flatten(), layers.Dropout(0.2),
        layers.Dense(3, "silu", kernel_constraint="non_neg", name="head"),
    ])
    model(np.zeros((1, 9, 9, 3), "float32"))
    return model


def normalized():
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(5, 3, (50, 3)))
    return keras.Sequential([keras.Input((3,)), normalization, layers.Dense(2), layers.LayerNormalization()])


def mobile():
    return keras.applications.MobileNetV3Small((32, 32, 3), weights=None, classes=10)  # full of operations


def inputs_for(model):
    random = np.random.default_rng(1)

    def values(tensor):
        shape = [3, *(size or 6 for size in tensor.shape[1:])]
        return random.integers(0, 20, shape) if "int" in tensor.dtype else random.normal(size=shape)

    given = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.tree.map_structure(lambda tensor: tf.cast(values(tensor), tensor.dtype), given)


def shaken(model):
    """The model with other weights than it began with, in every variable."""
    random = np.random.default_rng(2)
    model.set_weights([weight + 0.1 * random.uniform(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("make", [
    recurrent, branched, pictures, normalized, pytest.param(mobile, marks=pytest.mark.rare)])
def test_there_and_back(make):
    model = make() if make is normalized else shaken(make())
    twin = to_tf_keras(model)
    back = to_keras(twin, model)

    assert isinstance(twin, tf_keras.Model) and isinstance(back, keras.Model)
    assert [layer.name for layer in back.layers] == [layer.name for layer in model.layers]
    assert back.name == twin.name == model.name
    inputs = inputs_for(model)
    wanted = keras.tree.flatten(model(inputs, training=False))
    for other in (twin, back):
        for one, same in zip(wanted, tf.nest.flatten(other(inputs, training=False)), strict=True):
            np.testing.assert_allclose(one, same, rtol=1e-4, atol=1e-5)
    for one, same in zip(model.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_weights_come_back_by_name_not_by_order():
    model = branched()
    twin = to_tf_keras(model)
    twin.get_layer("shared").set_weights([np.full((4, 4), 7.0), np.full(4, 8.0)])
    back = to_keras(twin, model)
    assert np.all(back.get_layer("shared").kernel == 7.0) and np.all(back.get_layer("shared").bias == 8.0)
    assert not np.any(model.get_layer("shared").kernel == 7.0)  # `like` stays as it is


def test_what_training_needs_crosses_too():
    model = pictures()
    model.layers[3].trainable = False
    twin = to_tf_keras(model)
    assert [layer.trainable for layer in twin.layers] == [layer.trainable for layer in model.layers]
    np.testing.assert_allclose(float(sum(model.losses)), float(sum(twin.losses)), rtol=1e-5)
    assert isinstance(twin.get_layer("head").kernel_constraint, tf_keras.constraints.NonNeg)
    model.trainable = False
    assert not to_tf_keras(model).trainable_weights


class Doubling(layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, x):
        return 2 * self.scale * x


class DoublingInTfKeras(tf_keras.layers.Layer):
    factor = 2

    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=())

    def call(self, x):
        return self.factor * self.scale * x


class Tripling(DoublingInTfKeras):
    factor = 3


def test_a_layer_of_your_own():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), Doubling(name="mine")])
    said = '"mine" .Doubling. is a layer of your own.*PruneWhen.*custom_objects'
    with pytest.raises(BridgeError, match=said):
        to_tf_keras(model)
    twin = to_tf_keras(model, custom_objects={"Doubling": DoublingInTfKeras})
    np.testing.assert_allclose(twin(np.ones((1, 3))), model(np.ones((1, 3))), rtol=1e-6)
    with pytest.raises(BridgeError, match="differ by"):
        to_tf_keras(model, custom_objects={"Doubling": Tripling})


class Subclassed(keras.Model):
    def call(self, x):
        return x


def only(shape, layer):
    return keras.Sequential([keras.Input(shape), layer])


@pytest.mark.parametrize("make, message", [
    (lambda: only((3,), layers.RMSNormalization(name="rms")),
     '"rms" .RMSNormalization. is a layer that tf_keras does not have.*PruneWhen'),
    (lambda: only((8, 8, 3), layers.Resizing(4, 4, pad_to_aspect_ratio=True, name="r")),
     '"r" .Resizing. has pad_to_aspect_ratio=True, which tf_keras does not know'),
    (lambda: Subclassed(name="own"), '"own" .Subclassed. is a subclassed model'),
    (lambda: only((3,), Subclassed(name="own")), '"own" .Subclassed. is a subclassed'),
    (lambda: keras.Sequential([layers.Dense(2)], name="new"), '"new" does not know its input shape'),
    (lambda: tf_keras.Sequential([tf_keras.Input((3,))]), "takes a Keras 3 model; got"),
])
def test_what_cannot_cross_is_named(make, message):
    with pytest.raises(BridgeError, match=message):
        to_tf_keras(make())


def test_a_model_of_another_structure_is_refused():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="head")])
    model.set_weights([np.array([[1, -1]] * 3), np.zeros(2)])  # whatever comes, one of the two is below 0
    relu = tf_keras.Sequential([tf_keras.layers.Dense(2, "relu", name="head", input_shape=(3,))])
    relu.set_weights(model.get_weights())
    for other, message in [
        (tf_keras.Sequential([tf_keras.layers.Dense(2, name="tail", input_shape=(3,))]), 'no layer "head"'),
        (tf_keras.Sequential([tf_keras.layers.Dense(2, name="head", input_shape=(4,))]), '"head" do not fit'),
        (tf_keras.Sequential([tf_keras.layers.Dense(2, name="head", input_shape=(3,), use_bias=False)]),
         "'kernel'.*on one side"),
        (relu, "differ by"),
    ]:
        with pytest.raises(BridgeError, match=message):
            to_keras(other, model)


# ---- the training step ----


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 3, axis=-1)


class OwnMetric(keras.metrics.Metric):
    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.largest = self.add_variable((), "zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(keras.ops.maximum(self.largest, keras.ops.max(y_pred)))

    def result(self):
        return self.largest


TWO = {"loss": {"a": "mae", "b": keras.losses.Huber(0.1)}, "loss_weights": {"a": 0.3, "b": 2.0},
       "metrics": {"a": ["mse"], "b": [keras.metrics.CosineSimilarity()]}}


@pytest.mark.parametrize("compiled", [
    dict(optimizer=lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), loss="mse",
         metrics=["mae", OwnMetric()]),
    dict(optimizer=lambda: keras.optimizers.AdamW(0.01, clipnorm=0.1, epsilon=0.01), loss=own_loss,
         weighted_metrics=["mse"]),
    dict(optimizer=keras.optimizers.RMSprop, **TWO),
], ids=["SGD", "AdamW", "two losses"])
def test_the_same_training_step(compiled):
    keras.utils.set_random_seed(3)
    x, random = keras.Input((5,)), np.random.default_rng(0)
    inner = keras.Sequential([keras.Input((5,)), layers.BatchNormalization()])
    middle = layers.Dense(8, "tanh")(inner(x, training=False))  # in Keras 3, `fit` overrules that
    ends = {name: layers.Dense(3, name=f"layer_{name}")(middle) for name in ("a", "b")}
    ends = ends if "loss_weights" in compiled else ends["a"]
    model = keras.Model(x, ends)
    model.compile(**{**compiled, "optimizer": compiled["optimizer"]()})
    rows, targets = random.normal(size=(64, 5)), {name: random.normal(size=(64, 3)) for name in ("a", "b")}
    one = not isinstance(ends, dict)
    given = (rows, targets["a"], np.linspace(0, 1, 64)) if one else (rows, targets)  # one has sample weights
    given = keras.tree.map_structure(lambda array: tf.cast(array, "float32"), given)
    data = tf.data.Dataset.from_tensor_slices(given)

    twin = to_tf_keras(model)
    compile_tf_keras(twin, model)
    ours, theirs = (each.fit(data.batch(16), epochs=2, verbose=0).history for each in (model, twin))
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-4, err_msg=name)
    assert len(ours) > 1 and ours["loss"][1] < ours["loss"][0]
    for one, same in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-3, atol=1e-5)


def test_accuracy_is_the_same_column():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    twin = to_tf_keras(model)
    compile_tf_keras(twin, model)
    x, y = np.random.default_rng(0).normal(size=(60, 5)), np.arange(60) % 3
    ours, theirs = (each.evaluate(x, y, verbose=0, return_dict=True) for each in (model, twin))
    assert set(ours) == set(theirs) == {"loss", "accuracy"}
    np.testing.assert_allclose([*ours.values()], [theirs[name] for name in ours], rtol=1e-5)


def compiled(optimizer):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3)])
    model.compile(optimizer, "mse")
    return model


def test_the_learning_rate_is_what_it_is_now():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.125])
    model = compiled(keras.optimizers.SGD(schedule))
    twin = to_tf_keras(model)
    model.fit(np.zeros((40, 5)), np.zeros((40, 3)), batch_size=10, verbose=0)
    compile_tf_keras(twin, model)
    assert float(twin.optimizer.learning_rate) == 0.125
    compile_tf_keras(twin, model, learning_rate=0.25)
    assert float(twin.optimizer.learning_rate) == 0.25


def test_an_optimizer_that_tf_keras_does_not_have():
    for optimizer, message in [(keras.optimizers.Lamb(), "no optimizer Lamb.*PruneWhen"),
                               (keras.optimizers.Adam(gradient_accumulation_steps=2), "not know.*steps': 2")]:
        model = compiled(optimizer)
        with pytest.raises(BridgeError, match=message):
            compile_tf_keras(to_tf_keras(model), model)


def test_compiled_like_another():
    model = compiled(keras.optimizers.SGD(0.25, momentum=0.5))
    copy = clone(model)
    compile_like(copy, model)
    assert float(copy.optimizer.learning_rate) == 0.25 and copy.optimizer.momentum == 0.5
    assert copy.optimizer is not model.optimizer and copy.loss == model.loss
    with pytest.raises(ValueError, match="is not compiled"):
        compile_like(copy, clone(model))
