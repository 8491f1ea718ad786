"""PruneWhen leaves layers out: frozen ones by itself, others by name; LoRA; and says so."""

import keras
import numpy as np
import pytest
from keras import layers

from course_utils.pruning import PruneWhen
from course_utils.stopping import Epochs

X = np.random.default_rng(0).normal(size=(96, 8)).astype("float32")
Y = X[:, :1]


def network(**first):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), layers.Dense(16, name="body", **first),
                              layers.Dense(8, name="neck"), layers.Dense(1, name="head")])
    model.compile("adam", "mse")
    return model


def zeros(model):
    return {layer.name: float(np.mean(np.asarray(layer.get_weights()[0]) == 0)) for layer in model.layers}


def pruned(model, **names):
    prune = PruneWhen(Epochs(1), 0.5, epochs=1, frequency=1, **names)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[prune])
    return prune


def test_a_frozen_layer_is_left_alone():
    model = network(trainable=False)
    prune = pruned(model)
    assert zeros(model) == {"body": 0, "neck": 0.5, "head": 0.5} and prune.sparsity == 0.5
    assert prune.report.notes == ("not pruned: body (frozen)",)


def test_layers_are_left_out_and_chosen_by_name():
    model = network()
    assert pruned(model, skip="head").report.notes == ("not pruned: head (skipped)",)
    assert zeros(model) == {"body": 0.5, "neck": 0.5, "head": 0}
    model = network()
    pruned(model, only=["neck"])
    assert zeros(model) == {"body": 0, "neck": 0.5, "head": 0}
    with pytest.raises(ValueError, match="hed"):
        pruned(network(), skip="hed")


def test_a_layer_with_lora_is_left_alone():
    model = network()
    model.get_layer("body").enable_lora(2)
    model.compile("adam", "mse")
    prune = pruned(model)
    assert "not pruned: body" in prune.report.notes[0] and zeros(model)["neck"] == 0.5
