"""to_lite, Lite, measure: the files do what the models do, and what cannot be is said."""
import gzip

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.small import Lite, measure, race, to_lite

X = np.random.default_rng(0).normal(size=(120, 8, 8, 1)).astype("float32")


def cnn(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
                             layers.Dropout(0.5), layers.Dense(64, "relu"), layers.Dense(4)])


@pytest.fixture(scope="module")
def model():
    return cnn()


@pytest.fixture(scope="module")
def files(model):
    return {"float": to_lite(model), "weights": to_lite(model, "weights"), "int8": to_lite(model, True, X)}


def test_a_file_gives_what_the_model_gives(model, files):
    answers = model.predict(X, verbose=0)
    scale = np.abs(answers).max()
    for name, near in {"float": 1e-6, "weights": 0.02, "int8": 0.05}.items():
        lite = Lite(files[name])
        told = lite.predict(X)
        assert told.shape == (120, 4) and np.abs(told - answers).max() < near * scale, name
        assert lite.accuracy(X, answers.argmax(1)) >= 0.9
        assert lite.accuracy(X, answers.argmax(1) + 4) == 0
    assert np.abs(Lite(files["int8"]).predict(X) - answers).max() > 1e-4 * scale  # 8 bits they are
    assert len(files["int8"]) < len(files["weights"]) * 1.2 < len(files["float"]) * 0.6
    assert Lite(files["int8"]).inputs == {list(Lite(files["int8"]).inputs)[0]: (1, 8, 8, 1)}


def test_measure_gives_bytes_and_a_ratio(files, tmp_path):
    (tmp_path / "m.tflite").write_bytes(files["float"])
    found = measure(tmp_path / "m.tflite", files["float"], rounds=5)
    assert found.bytes == len(files["float"]) and found.gzip == len(gzip.compress(files["float"]))
    assert found.ratios[0] <= found.ratio <= found.ratios[1] and 0.3 < found.ratio < 3
    assert 0 < found.fastest <= found.seconds < 0.1
    assert "on 1 thread" in str(found) and "in 5 rounds" in str(found)
    assert "reference" not in str(measure(files["int8"], rounds=1, threads=2))
    both = race({"a": files["float"], "b": files["int8"]}, "a", rounds=3)
    assert both["a"].ratio == 1 and list(both) == ["a", "b"]
