"""prune_filters: what goes together, what stays, and that nothing else changes."""
import keras
import numpy as np
import pytest
from keras import layers

from course_utils.small import prune_filters
from nets import largest_difference


@pytest.fixture(autouse=True)
def double_precision():
    """Sums in another order differ by 1e-16, not by 1e-7: what is left of a difference is a mistake."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def cnn():
    x = inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="one")(x)
    x = layers.MaxPooling2D()(layers.Conv2D(12, 3, activation="relu", name="two")(x))
    x = layers.Dropout(0.3)(layers.Dense(20, "relu", name="dense")(layers.Flatten()(x)))
    return keras.Model(inputs, layers.Dense(3, name="out")(x))


def mlp():
    return keras.Sequential([keras.Input((6, 2)), layers.Flatten(), layers.Dense(16, "relu", name="one"),
                             layers.Dense(8, "tanh", name="two"), layers.Dense(3, "softmax", name="out")])


def normalized():
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(8, 3, padding="same", name="one"),
                             layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(),
                             layers.DepthwiseConv2D(3, depth_multiplier=2),
                             layers.BatchNormalization(scale=False), layers.Flatten(),
                             layers.Dense(20, "relu", name="two"), layers.Dense(3, name="out")])


def branches():
    """An addition, a concatenation behind it, an addition to that, two outputs."""
    inputs = keras.Input((8, 8, 3))
    a = layers.Conv2D(16, 3, padding="same", activation="relu", name="a")(inputs)
    b = layers.Conv2D(16, 3, padding="same", activation="relu", name="b")(a)
    both = layers.Concatenate()([layers.Add()([a, b]), layers.Conv2D(6, 1, activation="relu", name="c")(a)])
    both = both + layers.Conv2D(22, 1, name="d")(a)
    gate = layers.Dense(22, "sigmoid", name="gate")(layers.GlobalAveragePooling2D()(both))
    both = layers.Multiply()([both, gate])
    one = layers.Dense(4, name="one")(layers.GlobalMaxPooling2D()(both))
    two = layers.Dense(2, name="two")(layers.Dense(8, "relu", name="e")(layers.Flatten()(both)))
    return keras.Model(inputs, {"one": one, "two": two})


def words():
    """An Embedding from given vectors, and every recurrent layer."""
    x = inputs = keras.Input((12,), dtype="int32")
    given = keras.initializers.Constant(np.ones((9, 8)))
    x = layers.Embedding(9, 8, embeddings_initializer=given, name="words")(x)
    x = layers.GRU(16, return_sequences=True, name="gru")(x)
    x = layers.LSTM(10, return_sequences=True, name="lstm")(x)
    x = layers.GRU(6, reset_after=False, return_sequences=True, name="old")(x)
    return keras.Model(inputs, layers.Dense(3, name="out")(layers.SimpleRNN(6, name="simple")(x)))


def shared():
    """Layers that are called twice, one of them without weights and on two sizes."""
    dense, norm, relu = layers.Dense(12, name="dense"), layers.BatchNormalization(), layers.ReLU()
    inputs = [keras.Input((5,)), keras.Input((5,))]
    wide = [layers.Dense(10, name=name)(each) for name, each in zip("ab", inputs)]
    x = layers.Add()([relu(norm(dense(each))) for each in wide])
    return keras.Model(inputs, layers.Dense(2, name="out")(relu(layers.Dense(7, name="c")(x))))


def upwards():
    x = inputs = keras.Input((6, 6, 2))
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu", name="up")(x)
    x = layers.Conv2D(6, 3, name="down")(layers.UpSampling2D()(x))
    return keras.Model(inputs, layers.Conv2DTranspose(2, 3, name="out")(x))


def lines():
    x = inputs = keras.Input((12, 3))
    x = layers.Conv1D(8, 3, activation="relu", name="one")(x)
    x = layers.DepthwiseConv1D(3, activation="relu")(x)
    x = layers.Concatenate(axis=1)([x, layers.Conv1D(8, 3, name="two")(inputs)])  # in time: channels meet
    x = layers.Permute((1, 2))(layers.Conv1D(4, 1, name="whole")(layers.AveragePooling1D(2)(x)))
    return keras.Model(inputs, layers.Dense(2, name="out")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.parametrize(("make", "cut"), [
    (cnn, {"one": (8, 4), "two": (12, 6), "dense": (20, 10)}),
    (mlp, {"one": (16, 8), "two": (8, 4)}),
    (normalized, {"one": (8, 4), "two": (20, 10)}),
    (branches, {"a": (16, 8), "b": (16, 8), "c": (6, 3), "d": (22, 11), "gate": (22, 11), "e": (8, 4)}),
    (words, {"words": (8, 4), "gru": (16, 8), "lstm": (10, 5), "old": (6, 3), "simple": (6, 3)}),
    (shared, {"a": (10, 5), "b": (10, 5), "dense": (12, 6), "c": (7, 3)}),
    (upwards, {"up": (8, 4), "down": (6, 3)}),
    (lines, {"one": (8, 4), "two": (8, 4)}),
])
def test_without_zeros_it_gives_the_same(make, cut):
    gap, size, report = largest_difference(make())
    assert report.cut == cut
    assert gap < 1e-12 * size and size > 0.01


@pytest.mark.parametrize("make", [
    lambda: keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=10),
    pytest.param(lambda: keras.applications.MobileNetV2((96, 96, 3), weights=None, classes=10),
                 marks=pytest.mark.slow),
    pytest.param(lambda: keras.applications.ResNet50(input_shape=(64, 64, 3), weights=None, classes=10),
                 marks=pytest.mark.slow),
])
def test_networks_that_people_use(make):
    gap, size, report = largest_difference(make())
    assert gap < 1e-9 * size and report.weights[1] < 0.4 * report.weights[0]
