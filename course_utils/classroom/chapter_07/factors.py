"""How far weights get if their gradient is multiplied by a factor."""

import keras
import numpy as np


def distances(optimizer, plans, weights=200):
    """For each plan, how far weights are from their start after each step, on average.

    The weights are alone in the world: no network, but gradients of which nearly all point the same way.

    Args:
        optimizer: of Keras, fresh.
        plans: name -> a factor for each step, by which that step's gradient is multiplied; of one length.

    Returns:
        name -> array (steps,).

    >>> far = distances(keras.optimizers.SGD(0.01), {"whole": [1, 1, 1], "stopped": [1, 0, 0]})
    >>> far["whole"][2] > far["whole"][0] == far["stopped"][0] == far["stopped"][2]
    np.True_
    """
    at, rng, far = keras.Variable(np.zeros((len(plans), weights), "float32")), np.random.default_rng(0), []
    for factors in zip(*plans.values(), strict=True):
        gradients = np.outer(factors, rng.normal(0.02, 0.01, weights)).astype("float32")
        optimizer.apply([keras.ops.convert_to_tensor(gradients)], [at])
        far.append(np.abs(at.numpy()).mean(1))
    return dict(zip(plans, np.transpose(far), strict=True))
