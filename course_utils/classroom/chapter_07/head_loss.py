"""A small case in which Keras reports the loss of one output wrongly: a last batch of one row."""

import numpy as np

from .networks import cross_entropy, network


def thirty_three_rows():
    """(model, inputs, labels for each head): an untrained network with two heads, and 33 rows.

    The words of the last row are nine times as large: its loss is high.
    """
    rng = np.random.default_rng(0)
    x = {name: rng.normal(size=(33, 4)) for name in ("pictures", "words")}
    x["words"][32] *= 9
    y = np.arange(33) % 3
    model = network({"pictures": 4, "words": 4}, 3, heads=("pictures", "words"))
    return model, x, {"pictures": y, "words": y}


def mean_losses(model, x, labels, head, *slices):
    """The mean loss of a head over the rows of each slice, without Keras: list of floats."""
    logits = model.predict(x, verbose=0)[head]
    return [float(cross_entropy(logits[rows], labels[head][rows])) for rows in slices]
