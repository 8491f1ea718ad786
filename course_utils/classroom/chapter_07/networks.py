"""Small networks with an input for each modality, recorded and trained live in the same way.

A layer's first weights depend on its name and the seed alone: the pictures' layer begins alike whether it is
trained on its own or beside the words.
"""

import zlib

import keras
import numpy as np


def dense(units, activation=None, *, name, seed=0):
    """A Dense layer whose first weights are settled by its name and the seed."""
    start = keras.initializers.GlorotUniform(seed=zlib.crc32(f"{name} {seed}".encode()))
    return keras.layers.Dense(units, activation, name=name, kernel_initializer=start)


def network(widths, classes, heads=("both",), units=64, seed=0):
    """A compiled network on several inputs: a dense layer on each, and the heads that are asked for.

    Its layers are "<input>_branch" and "<head>_head". With one head the model gives logits (n, classes), else
    a dict of them, and wants the labels once for each head: {"pictures": y, "words": y}.

    Args:
        widths: input -> how many numbers it has: {"pictures": 1280, "words": 1500}.
        classes: how many.
        heads: names of inputs, for a head on that input's layer alone, and "both", for one that sees all.
        units: size of the layer on each input.
        seed: of the first weights.

    >>> list(network({"pictures": 1280, "words": 30}, 8, heads=("pictures", "words")).output)
    ['pictures', 'words']
    """
    inputs = {name: keras.Input((width,), name=name) for name, width in widths.items()}
    seen = {name: dense(units, "relu", name=f"{name}_branch", seed=seed)(x) for name, x in inputs.items()}
    seen["both"] = keras.layers.Concatenate()(list(seen.values()))
    outputs = {head: dense(classes, name=f"{head}_head", seed=seed)(seen[head]) for head in heads}
    return compiled(keras.Model(inputs, outputs if len(heads) > 1 else outputs[heads[0]]))


def compiled(model):
    """The model with Adam (rate 0.001), and cross-entropy and accuracy on integer labels for each head."""
    heads = list(model.output) if isinstance(model.output, dict) else [None]
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in heads]
    many = heads != [None]
    model.compile(optimizer=keras.optimizers.Adam(1e-3),
                  loss=dict(zip(heads, losses)) if many else losses[0],
                  metrics={head: ["accuracy"] for head in heads} if many else ["accuracy"])
    return model


def log_probabilities(logits):
    """log softmax over the last axis."""
    logits = np.asarray(logits, "float64")
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def added(*logits):
    """Late fusion: the log-probabilities of several networks, added. Works as logits again.

    >>> int(added([[0.0, 2.0]], [[3.0, 0.0]]).argmax())
    0
    """
    return sum(map(log_probabilities, logits))


def cross_entropy(logits, labels):
    """Mean cross-entropy in nats over the rows: logits (..., n, classes), labels (n,) -> (...)."""
    return -log_probabilities(logits)[..., np.arange(len(labels)), labels].mean(-1)


def accuracy(logits, labels):
    """Share of rows whose largest logit is the label's: logits (..., n, classes), labels (n,) -> (...)."""
    return (np.asarray(logits).argmax(-1) == labels).mean(-1)
