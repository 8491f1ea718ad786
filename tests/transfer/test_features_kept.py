"""A cache's key holds whatever decides the features, or nothing is kept; scores that know no units."""

import functools
import warnings

import keras
import numpy as np
import pytest

from course_utils.transfer import cached_features, features, h_score, logme

L = keras.layers
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def net(*layers):
    return keras.Sequential([keras.Input((3,)), *layers])


def get(model, folder):
    return cached_features(model, X, folder=folder, verbose=0)


def test_a_layers_name_is_not_its_setting(tmp_path):
    got = [get(net(L.Activation(f, name=f)), tmp_path) for f in ("relu", "tanh", "linear")]
    for features_, wanted in zip(got, (np.maximum(X, 0), np.tanh(X), X)):
        np.testing.assert_allclose(features_, wanted, atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 3


def own(k):
    class Mine(L.Layer):
        def call(self, z):
            return z * k

    class Sub(keras.Model):
        def call(self, z):
            return super().call(z) * k

    start = keras.Input((3,))
    patched = net(L.Rescaling(1.0, name="patched"))
    patched.layers[0].call = lambda z: z * k
    return {
        "mine": net(Mine(name="mine")), "lam": net(L.Lambda(lambda z: z * k, name="lam")),
        "act": net(L.Activation(lambda z: z * k, name="act")),
        "sub": Sub(start, L.Identity()(start), name="sub"),
        "deep/mine": net(keras.Sequential([Mine(name="mine")], name="deep")), "patched": patched,
    }


def test_what_code_of_ones_own_computes_is_not_kept_and_said(tmp_path):
    for k in (1.0, 9.0):
        for name, model in own(k).items():
            with pytest.warns(UserWarning, match=f'each time and not kept: what "{name}"'):
                got = get(model, tmp_path)
            np.testing.assert_allclose(got, X * k, rtol=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_what_a_layer_has_learnt_besides_weights_is_not_kept(tmp_path):
    words = np.array([[1, 2, 3]])
    for learnt in ([1, 2], [3, 2, 2]):
        look = L.IntegerLookup(name="look")
        look.adapt(np.array(learnt))
        model = keras.Sequential([keras.Input((3,), dtype="int64"), look])
        with pytest.warns(UserWarning, match='each time and not kept: what "look" .a IntegerLookup. does'):
            got = cached_features(model, words, folder=tmp_path, verbose=0)
        np.testing.assert_array_equal(got, model.predict(words, verbose=0))
    assert list(tmp_path.iterdir()) == []


def test_keras_s_own_layers_are_kept_compiled_or_not(tmp_path):
    model = net(L.Dense(2, activation="gelu", kernel_initializer=lambda shape, dtype=None: np.ones(shape)))
    model.compile("sgd", lambda y, p: y - p)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(get(model, tmp_path), get(model, tmp_path))
        other = net(L.Dense(2, activation="gelu", kernel_initializer="ones", kernel_regularizer="l2"))
        assert np.array_equal(get(other, tmp_path), get(model, tmp_path))
    assert len(list(tmp_path.iterdir())) == 1, "where weights came from decides no feature"


def test_settings_that_cannot_be_written_down_are_said(tmp_path):
    ones = functools.partial(lambda size, shape, dtype=None: np.full(shape, size), 1.0)
    for model in (net(L.Dense(2, kernel_initializer=ones, name="mine")),
                  net(keras.Sequential([L.Dense(2, kernel_initializer=ones, name="mine")], name="deep"))):
        with pytest.warns(UserWarning, match='mine" .its settings cannot be written down'):
            np.testing.assert_allclose(get(model, tmp_path), X.sum(1, keepdims=True) * [1, 1], rtol=1e-5)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_part(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    for where, name in ((features.np, "savez"), (features.os, "replace")):
        with monkeypatch.context() as patched, pytest.warns(UserWarning, match="could not be kept.*No space "
                                                                               "left"):
            patched.setattr(where, name, full)
            get(net(L.Dense(2)), tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_no_byte_of_a_damaged_file_raises(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, features=X)
    content = path.read_bytes()
    for i in range(len(content)):
        for bit in (1, 128):
            path.write_bytes(bytes([*content[:i], content[i] ^ bit, *content[i + 1:]]))
            got = features._read(path, X.shape)
            assert got is None or np.array_equal(got, X)
    assert features._read(tmp_path, X.shape) is None


def points(n=120, d=8, classes=4, seed=0):
    random, y = np.random.default_rng(seed), np.arange(n) % classes
    return random.normal(size=(n, d)) + random.normal(size=(classes, d))[y], y


@pytest.mark.parametrize("unit", [1e-200, 1e-6, 1e-3, 1e3, 1e6, 1e150])
def test_a_unit_does_not_matter(unit):
    f, y = points()
    assert h_score(f * unit, y) == pytest.approx(h_score(f, y), rel=1e-9)
    assert logme(f * unit, y) == pytest.approx(logme(f, y), abs=1e-9)


def test_each_feature_may_have_its_own_unit_in_h_score():
    f, y = points()
    units = 10.0 ** np.linspace(-9, 9, f.shape[1])
    assert h_score(f * units, y) == pytest.approx(h_score(f, y), rel=1e-6)
    assert np.isfinite(logme(f * units, y))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0, 1e6, -1e-6])
@pytest.mark.parametrize("dtype, within", [("float64", 1e-9), ("float32", 1e-5), ("float16", 1e-2)])
def test_a_constant_feature_adds_nothing(constant, dtype, within):
    f, y = points()
    if dtype == "float16":
        constant = min(constant, 6e4)
    more = np.hstack([f, np.full((len(f), 1), constant)]).astype(dtype)
    assert h_score(more, y) == pytest.approx(h_score(f, y), rel=within)
    assert np.isfinite(logme(more, y))
    twice = np.hstack([f, f[:, :3] * 3]).astype(dtype)  # no rounding makes three features of their copies
    assert h_score(twice, y) == pytest.approx(h_score(f, y), rel=within)


def test_features_that_never_change_or_say_everything():
    y = np.arange(40) % 4
    assert h_score(np.ones((40, 3)), y) == 0 and np.isfinite(logme(np.zeros((40, 3)), y))
    exact = np.eye(4)[y]
    assert h_score(exact, y) == pytest.approx(3) and np.isfinite(logme(exact, y))
    assert logme(exact * 1e-6, y) == pytest.approx(logme(exact, y), abs=1e-9)
    assert logme(exact, y) > logme(*points(40)) > logme(np.zeros((40, 3)), y) - 1
