"""Walks look into layers in layers; names may be paths; cuts keep all outputs; no guess from a name."""

import warnings

import keras
import numpy as np
import pytest

from course_utils.transfer import split_at, unfreeze
from course_utils.transfer.backbones import expected_range

L = keras.layers


class Block(L.Layer):
    """A layer of one's own, with layers in it."""

    def __init__(self, name="block"):
        super().__init__(name=name)
        self.dense, self.norm = L.Dense(4, name="dense"), L.BatchNormalization(name="norm")

    def build(self, shape):
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")
        self.dense.build(shape)
        self.norm.build((None, 4))

    def call(self, x, training=None):
        return self.norm(self.dense(x) * self.scale, training=training)


def tower(name):
    return keras.Sequential([keras.Input((4,)), L.Dense(3, name="low"), L.Dense(3, name="high")], name=name)


def test_batchnormalization_in_a_layer_of_ones_own_stays_frozen():
    x = np.random.default_rng(0).normal(2, 1, size=(16, 6)).astype("float32")
    for frozen in (True, False):
        model = keras.Sequential([keras.Input((6,)), Block(), L.Dense(1, name="head")])
        model.trainable = not frozen
        assert unfreeze(model, "block") == 6 * 4 + 4 + 4 + 5
        before, norm = model.get_weights(), model.layers[0].norm
        model.compile("sgd", "mse", run_eagerly=True)
        model.fit(x, x[:, :1], verbose=0)
        assert not norm.trainable
        same = {v.path.split("/")[-1]: np.array_equal(a, b)
                for v, a, b in zip(model.weights, before, model.get_weights())}
        assert same["moving_mean"] and same["gamma"] and not same["scale"]
    assert unfreeze(model, "dense") == 28 + 5, "what the block holds itself comes before its layers"
    assert unfreeze(model, "block/norm") == 5


def test_what_holds_a_trained_layer_is_not_frozen_itself():
    """In a frozen layer Keras shows no weights to train, whatever is in it."""
    model = keras.Sequential([keras.Input((6,)), Block(), L.Dense(1, name="head")])
    model.trainable = False
    unfreeze(model, "block/dense")
    assert [each.path for each in model.layers[0].trainable_weights] == [
        each.path for each in model.layers[0].dense.weights]


def test_wrappers_are_looked_into():
    base = keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(4, 3, name="c"),
                             L.BatchNormalization(name="bn"), L.GlobalAveragePooling2D()], name="base")
    base.trainable = False
    model = keras.Sequential([keras.Input((5, 6, 6, 3)), L.TimeDistributed(base, name="video"),
                              L.Bidirectional(L.LSTM(2, name="lstm"), name="both"),
                              L.Dense(2, name="head")])
    cell = model.get_layer("both").forward_layer.cell  # Keras numbers its name, as long as a process lives
    model.get_layer("both").backward_layer.cell.name = cell.name
    conv, recurrent, head = 3 * 3 * 3 * 4 + 4, 2 * 4 * (2 * 4 + 2 * 2 + 2), 4 * 2 + 2
    for name in ("video", "base", "c", "video/base/c"):
        assert unfreeze(model, name) == conv + recurrent + head and not base.get_layer("bn").trainable, name
    assert unfreeze(model, "both") == recurrent + head and base.trainable_weights == []
    assert unfreeze(model, "backward_lstm") == recurrent // 2 + head
    with pytest.raises(ValueError, match=f'2 layers "{cell.name}": both/forward_lstm/{cell.name}, '
                                         "both/backward_lstm/"):
        unfreeze(model, cell.name)


def test_a_name_in_two_towers_is_an_error_that_lists_both():
    a, b = keras.Input((4,)), keras.Input((4,))
    left, right = tower("left"), tower("right")
    model = keras.Model([a, b], L.Dense(1, name="head")(L.Concatenate()([left(a), right(b)])))
    with pytest.raises(ValueError, match='2 layers "high": left/high, right/high. Say which'):
        unfreeze(model, "high")
    assert unfreeze(model, "right/high") == 12 + 7 and unfreeze(model, "left/high") == 12 + 27 + 7
    shared = keras.Model([a, b], L.Concatenate()([left(a), left(b)]))
    assert unfreeze(shared, "high") == 12, "one layer in two places is one layer"
    with pytest.raises(ValueError, match='"left" is used 2 times'):
        split_at(shared, "high")


def test_lora_trains_its_small_matrices_alone():
    model = keras.Sequential([keras.Input((4,)), L.Dense(8, name="a"), L.Dense(2, name="b")])
    model.get_layer("a").enable_lora(1)
    model.trainable = False
    assert unfreeze(model, "a") == (4 + 8) + 8 + 18


def test_a_cut_keeps_all_outputs_and_goes_into_models():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    start = keras.Input((4,))
    middle = L.Dense(3, name="middle")(L.Dense(5)(start))
    model = keras.Model(start, {"p": L.Dense(1, name="p")(middle), "q": L.Dense(2, name="q")(middle)})
    bottom, top = split_at(model, "middle")
    whole, parts = model(x), top(bottom(x))
    assert list(parts) == ["p", "q"] and all(np.allclose(whole[k], parts[k]) for k in whole)
    bottom, top = split_at(model, "q")  # "p" begins at the same place, and is in the top too
    parts = top(bottom(x))
    assert list(parts) == ["p", "q"] and all(np.allclose(whole[k], parts[k]) for k in whole)
    late = L.Dense(2, name="r")(L.Dense(3)(middle))
    early = keras.Model(start, {"p": model.get_layer("p").output, "q": late})
    with pytest.raises(ValueError, match='cannot be cut before "r".*an output from before it'):
        split_at(early, "r")
    nested = keras.Sequential([keras.Input((4,)), L.Rescaling(2.0), tower("inner"), L.Dense(1, name="head")])
    for at in ("inner", "low", "inner/high", "head"):
        bottom, top = split_at(nested, at)
        np.testing.assert_allclose(top(bottom(x)), nested(x), rtol=1e-5)
    with pytest.raises(ValueError, match='what it stands in, "block", is no functional'):
        split_at(keras.Sequential([keras.Input((4,)), Block()]), "dense")


def test_parts_are_called_as_the_model_is():
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    both = L.Dense(2, name="head")(tower("inner")(L.Concatenate(name="join")([L.Dense(2)(a), L.Dense(2)(b)])))
    for inputs, given in (({"a": a, "b": b}, {"a": x, "b": 2 * x}), ([b, a], [x, 2 * x])):
        model = keras.Model(inputs, both)
        for at in ("inner", "inner/high", "head"):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                bottom, top = split_at(model, at)
                np.testing.assert_allclose(top(bottom(given)), model(given), rtol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras.Model(a, L.Dense(2, name="head")(tower("inner")(a)))
        for at in ("low", "head"):
            bottom, top = split_at(model, at)
            np.testing.assert_allclose(top(bottom(x)), model(x), rtol=1e-5)


@pytest.mark.parametrize("name", ["mobilenetv2_finetuned", "resnet50", "EfficientNetB0"])
def test_a_name_says_nothing_of_a_model_with_its_own_preprocessing(name):
    for prepare in (L.Rescaling(2.0, -1.0), L.Normalization(mean=3.0, variance=2.0), lambda x: x / 255.0,
                    keras.Sequential([L.Rescaling(2.0)])):
        start = keras.Input((8, 8, 3))
        model = keras.Model(start, L.Flatten()(L.Conv2D(2, 3)(prepare(start))), name=name)
        assert expected_range(model) is None


@pytest.mark.parametrize("name", ["MobileNetV3Small", pytest.param("ConvNeXtTiny", marks=pytest.mark.rare),
                                  pytest.param("EfficientNetV2B0", marks=pytest.mark.rare)])
def test_a_network_that_was_made_without_its_scaling_does_not_take_pictures(name):
    for scales in (True, False):
        model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(32, 32, 3),
                                                  include_preprocessing=scales)
        assert expected_range(model) == ((0, 255) if scales else None)
