"""A small network with two inputs, in keras or tf_keras, and data for it. An epoch is one step."""

import numpy as np

from fits import Probe

PICTURES, WORDS, HEADS = ["p_dense", "p_norm", "p_drop"], ["w_dense"], ("pictures", "words", "both")
ROWS = 24
chance = np.random.default_rng(0)
Y = chance.integers(0, 3, ROWS)
X = {name: (np.eye(3)[Y] + chance.normal(size=(ROWS, 3))).astype("float32") for name in ("p", "w")}


def network(K, optimizer=None, dropout=0.2, **compiled):
    K.utils.set_random_seed(0)
    inputs, layers = {name: K.Input((3,), name=name) for name in X}, K.layers
    pictures = layers.BatchNormalization(name="p_norm")(layers.Dense(3, name="p_dense")(inputs["p"]))
    pictures = layers.Dropout(dropout, name="p_drop")(pictures)
    words = layers.Dense(3, name="w_dense")(inputs["w"])
    model = K.Model(inputs, layers.Add(name="both")([pictures, words]), name="emoji")
    loss = K.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or K.optimizers.SGD(0.1), loss, **{"run_eagerly": True, **compiled})
    return model


def with_heads(K, form=dict):
    """With an output for each input and one for both, as a dict or a list; not compiled."""
    model = network(K)
    pictures, words = (model.get_layer(name).output for name in ("p_drop", "w_dense"))
    outputs = {"pictures": pictures, "words": words, "both": model.output}
    return K.Model(model.input, outputs if form is dict else list(outputs.values()))


def fit(model, *callbacks, epochs=6, **options):
    options = {"batch_size": ROWS, "verbose": 0, "shuffle": False, "epochs": epochs, **options}
    return model.fit(X, Y, callbacks=list(callbacks), **options)


def weights_of(model, names):
    return [v.numpy().copy() for name in names for v in model.get_layer(name).weights]


class Snapshots(Probe):
    """Notes the weights of some layers at the end of every epoch."""

    def __init__(self, *names):
        super().__init__("snapshots")
        self.names, self.at = names, []

    def on_epoch_end(self, epoch, logs=None):
        self.at.append(weights_of(self.model, self.names))
