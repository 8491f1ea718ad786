"""to_lite, Lite, measure: the files do what the models do, and what cannot be is said."""
import gzip
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils.small import Lite, measure, processor, race, to_lite
from course_utils.small.quiet import quietly

X = np.random.default_rng(0).normal(size=(120, 8, 8, 1)).astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu", name="conv"),
                             layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.5),
                             layers.Dense(64, "relu", name="wide"), layers.Dense(4)], name="mine")


@pytest.fixture(scope="module")
def files(model):
    return {"float": to_lite(model), "weights": to_lite(model, "weights"), "int8": to_lite(model, True, X)}


# ---- what a file does ----


def test_a_file_gives_what_the_model_gives(model, files, tmp_path):
    answers = model.predict(X, verbose=0)
    scale = np.abs(answers).max()
    for name, near in {"float": 1e-6, "weights": 0.02, "int8": 0.05}.items():
        (tmp_path / name).write_bytes(files[name])
        lite = Lite(tmp_path / name)
        told = lite.predict(X)
        assert told.shape == (120, 4) and np.abs(told - answers).max() < near * scale, name
        assert [*lite.inputs.values()] == [(1, 8, 8, 1)] and [*lite.outputs.values()] == [(1, 4)]
        assert lite.accuracy(X, answers.argmax(1)) >= 0.9 and lite.accuracy(X, answers.argmax(1) + 4) == 0
    assert np.abs(Lite(files["int8"]).predict(X) - answers).max() > 1e-4 * scale  # 8 bits they are
    assert len(files["int8"]) < 1.2 * len(files["weights"]) < 0.6 * len(files["float"])


def test_calibration_sees_the_whole_of_the_data():
    """Of 1,000 rows a hundred are taken, from first to last: the wide ones at the end count."""
    model, x = of(layers.Dense(8)), X[:100, 0, :4, 0]
    data = np.repeat(np.concatenate([x[:90] / 10, x[90:]]), 10, 0)
    answers = model.predict(x, verbose=0)
    wide, narrow = (np.abs(Lite(to_lite(model, True, each)).predict(x) - answers).mean()
                    for each in (data, data[:900]))
    assert wide < narrow / 5


@pytest.mark.parametrize("kind", [layers.GRU, pytest.param(layers.LSTM, marks=pytest.mark.rare)])
def test_a_loop_is_unrolled_for_eight_bits(kind):
    """In a loop the converter would end the process; the model itself stays as it is."""
    model = of(layers.Reshape((2, 2)), kind(8), layers.Dense(2))
    x = X[:, 0, :4, 0]
    answers = model.predict(x, verbose=0)
    assert np.abs(Lite(to_lite(model, True, x)).predict(x) - answers).max() < 0.1 * np.abs(answers).max()
    assert not model.layers[1].unroll


@pytest.mark.rare
@pytest.mark.parametrize("loop", [layers.GRU(40), layers.LSTM(40), layers.Bidirectional(layers.GRU(40))])
def test_a_loop_stays_one_in_thirty_two(loop):
    model = of(layers.Reshape((2, 2)), loop, layers.Dense(2))
    x = X[:, 0, :4, 0]
    for int8, near in {False: 1e-6, "weights": 0.05}.items():
        told = Lite(to_lite(model, int8)).predict(x)
        assert np.abs(told - model.predict(x, verbose=0)).max() < near


def test_sixteen_bits_become_thirty_two():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(8, "relu", dtype="mixed_float16"),
                              layers.Dense(2, dtype="float32")])
    x = X.reshape(-1, 3)[:20]
    np.testing.assert_allclose(Lite(to_lite(model)).predict(x), model.predict(x, verbose=0), atol=0.01)


@pytest.mark.parametrize("as_dict", [True, False])
def test_several_inputs_go_by_name(as_dict):
    """Sorted, and not in the model's order, stand the inputs in the file."""
    z, a = keras.Input((4,), name="z"), keras.Input((3,), dtype="int32", name="a")
    outputs = [layers.Dense(2)(z), layers.Flatten()(layers.Embedding(9, 5)(a))]
    model = keras.Model({"z": z, "a": a} if as_dict else [z, a], outputs)
    rng = np.random.default_rng(0)
    x = {"z": rng.normal(size=(20, 4)), "a": rng.integers(0, 9, (20, 3))}
    given = x if as_dict else [*x.values()]
    answers = model.predict(given, verbose=0)
    for data in (x,) if as_dict else (x, given):
        lite = Lite(to_lite(model, True, data))
        assert lite.inputs == {"a": (1, 3), "z": (1, 4)}
        for told, own in zip(lite.predict(x), answers):
            np.testing.assert_allclose(told, own, atol=0.05)
    with pytest.raises(ValueError, match="takes .*z.*; got z, b"):
        to_lite(model, True, {"z": x["z"], "b": x["a"]})
    with pytest.raises(ValueError, match="several inputs: give a dict of arrays by name, a, z"):
        lite.predict(x["z"])
    with pytest.raises(ValueError, match="inputs are a, z; got z, b"):
        lite.predict({"z": x["z"], "b": x["a"]})
    with pytest.raises(ValueError, match="the same number of rows"):
        lite.predict({"z": x["z"], "a": x["a"][:3]})


def converted(model, **settings):
    """As the converter makes it of any batch."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    for name, value in settings.items():
        setattr(converter, name, value)
    with quietly():
        return converter.convert()


def test_files_that_others_made(model):
    many = np.concatenate([X, X, X])  # more than are run at once
    lite = Lite(converted(model))
    assert [*lite.inputs.values()] == [(None, 8, 8, 1)]
    np.testing.assert_allclose(lite.predict(many), model.predict(many, verbose=0), atol=1e-5)
    eight = Lite(converted(
        model, optimizations=[tf.lite.Optimize.DEFAULT], inference_input_type=tf.int8,
        inference_output_type=tf.int8, representative_dataset=lambda: ([x[None]] for x in X)))
    answers = model.predict(X, verbose=0)
    assert np.abs(eight.predict(X) - answers).max() < 0.05 * np.abs(answers).max()  # numbers, not bytes


def test_zeros_are_not_written(model):
    sparse = keras.models.clone_model(model)
    sparse.set_weights(model.get_weights())
    kernel = sparse.get_layer("wide").kernel
    kernel.assign(kernel.numpy() * (np.random.default_rng(0).random(kernel.shape) > 0.9))
    file, plain = to_lite(sparse, sparse=True), to_lite(sparse)
    assert len(file) < 0.4 * len(plain)
    np.testing.assert_allclose(Lite(file).predict(X), Lite(plain).predict(X), atol=1e-6)


# ---- what it takes ----


def test_measure_gives_bytes_and_a_ratio(files, model, tmp_path):
    (tmp_path / "m.tflite").write_bytes(files["float"])
    found = measure(tmp_path / "m.tflite", files["float"], rounds=5)
    assert found.bytes == len(files["float"]) and found.gzip == len(gzip.compress(files["float"]))
    assert found.ratios[0] <= found.ratio <= found.ratios[1] and 0.3 < found.ratio < 3
    assert 0 < found.fastest <= found.seconds < 0.1
    assert "on 1 thread, " in str(found) and "in 5 rounds" in str(found)
    assert "reference" not in str(measure(model, rounds=1, threads=2))
    both = race({"a": files["float"], "b": files["int8"]}, "a", rounds=3)
    assert both["a"].ratio == 1 and [*both] == ["a", "b"] and both["b"].bytes == len(files["int8"])
    assert processor()


def test_what_takes_longer_measures_so(files):
    wide = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(64, 3, name="a"), layers.Conv2D(64, 3)])
    assert measure(wide, files["float"], rounds=5).ratio > 3


def test_measure_refuses():
    for given, words in [(dict(threads=0), "threads should be a whole number"), (dict(rounds=0.5), "rounds")]:
        with pytest.raises(ValueError, match=words):
            measure(b"", **given)
    with pytest.raises(ValueError, match='"c" is none of the files: a, b'):
        race({"a": b"", "b": b""}, "c")


# ---- what cannot be ----


class Values(layers.Layer):
    def call(self, x):
        return keras.ops.svd(keras.ops.reshape(x, (-1, 2, 2)))[1]


def of(*parts):
    return keras.Sequential([keras.Input((4,)), *parts], name="mine")


def pruned():
    model = of(layers.Dense(64), layers.Dense(64))
    model.set_weights([w * (np.random.default_rng(0).random(w.shape) > 0.9) for w in model.get_weights()])
    return model


@pytest.mark.parametrize(("make", "given", "words"), [
    (lambda: of(layers.Dense(4), Values(name="values")), {}, r'has no Svd as "values" \(Values\) needs it'),
    (lambda: of(layers.Dense(4)), dict(int8=True), "int8=True learns the ranges of all numbers from data"),
    (lambda: of(layers.Dense(4)), dict(data=X), "data is for int8=True"),
    (lambda: of(layers.Dense(4)), dict(int8=1), "int8 is True, False or \"weights\"; got 1"),
    (lambda: of(layers.Dense(4)), dict(int8="full"), "int8 is True, False or \"weights\"; got 'full'"),
    (lambda: of(layers.Dense(4)), dict(int8=True, data=X),
     r'shape \(None, 4\), as "mine" takes it, .*got \(120, 8, 8, 1\)'),
    (lambda: of(layers.Dense(4)), dict(int8=True, data=X[:0, 0, :4, 0]), r"got \(0, 4\)"),
    (lambda: of(layers.RepeatVector(2), layers.Bidirectional(layers.GRU(2), name="both")),
     dict(int8=True, data=X[:, 0, :4, 0]), r"\(GRU\) is a loop, and the converter would end the process"),
    (pruned, dict(int8="weights", sparse=True), "LiteRT cannot run the file .* Leave out sparse or int8"),
    (lambda: keras.Sequential([layers.Dense(2)]), {}, "begin it with an Input"),
])
def test_what_cannot_be_made_is_said(make, given, words):
    with pytest.raises(ValueError, match=words):
        to_lite(make(), **given)


def test_other_things_are_no_models_and_no_files(files):
    with pytest.raises(TypeError, match="takes a model of Keras 3; got Dense"):
        to_lite(layers.Dense(2))
    with pytest.raises(ValueError, match="LiteRT cannot load this file, 9 bytes"):
        Lite(b"not a file"[:9])
    lite = Lite(files["float"])
    for x, words in [(X[..., 0], r"the shape \(1, 8, 8, 1\); got \(120, 8, 8\)"),
                     (X[:, :4], r"got \(120, 4, 8, 1\)"), (X[:0], "at least one row")]:
        with pytest.raises(ValueError, match=words):
            lite.predict(x)
    with pytest.raises(ValueError, match=r"classes \(rows,\); got \(120, 4\) and \(120, 1\)"):
        lite.accuracy(X, np.zeros((120, 1)))


def test_a_converter_is_quiet(capfd):
    file = to_lite(of(layers.Dense(2)), int8=True, data=X[:9, 0, :4, 0])
    Lite(file).predict(X[:2, 0, :4, 0])
    measure(file, rounds=1)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ValueError):
        to_lite(of(Values()))
    print("and then it is over", file=sys.stderr)
    assert capfd.readouterr() == ("", "and then it is over\n")
